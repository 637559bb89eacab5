// SPDX-License-Identifier: BSD-3-Clause
// Requests that wait for an answer, and responses made from them (RFC 3261 8.2.6, 12.1.1).
#include <errno.h>
#include <string.h>
#include "feedback.h"
#include "ua.h"
#include "ua_tag.h"

#define TAG_OF_REQUEST 6u // letters

int ua_request_keep(struct worker *worker, uint32_t server, const struct work *work, uint16_t application)
{
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    const struct message *message = work->message;
    const struct ua_kept head = {
        .source = work->packet->source, .application = application, .length = message->length};
    transaction->attempts = arena_get(&worker->arena, (uint32_t)sizeof(head) + message->length);
    if (transaction->attempts == ARENA_NONE)
        return -ENOSPC;
    uint8_t *octets = arena_at(&worker->arena, transaction->attempts);
    memcpy(octets, &head, sizeof(head));
    memcpy(octets + sizeof(head), message->octets, message->length);
    return 0;
}

bool ua_request_kept(struct worker *worker, uint32_t server, struct ua_kept *kept)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    if (transaction->attempts == ARENA_NONE)
        return false;
    const uint8_t *octets = arena_at(&worker->arena, transaction->attempts);
    memcpy(kept, octets, sizeof(*kept));
    return message_parse(octets + sizeof(*kept), kept->length, &worker->kept) == MESSAGE_FINE;
}

void ua_request_forget(struct worker *worker, uint32_t server)
{
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    arena_put(&worker->arena, transaction->attempts);
    transaction->attempts = ARENA_NONE;
}

// Whose it is can be told from the tag when there is no record (ua_tag.h); what follows parts the dialogs of
// one Call-ID (19.3), and is the same for each response to one request.
void ua_tag_for(const struct worker *worker, const struct message *request, uint16_t application,
                char tag[COOKIE_TEXT_MAX])
{
    char own[COOKIE_TEXT_MAX];
    unsigned length =
        ua_tag_write(&worker->parts.keys, application, octets_of(request, request->call_id), tag);
    cookie_tag_write(&worker->parts.keys, octets_of(request, request->call_id),
                     octets_of(request, request->from_tag), octets_of(request, request->via.branch), own);
    memcpy(tag + length, own, TAG_OF_REQUEST);
    tag[length + TAG_OF_REQUEST] = '\0';
}

// 12.1.1: of all responses that begin a dialog, unchanged.
static void write_record_routes(struct writer *writer, const struct message *request)
{
    for (uint8_t field = request->first[HEADER_RECORD_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(request, field)) {
        write_text(writer, "Record-Route: ");
        write_span(writer, request, request->headers[field].value);
        write_text(writer, "\r\n");
    }
}

static void write_contact(const struct worker *worker, struct writer *writer,
                          const struct ua_response *response, uint16_t listener)
{
    if (response->contact.length == 0 && !response->ours)
        return;
    write_text(writer, "Contact: ");
    if (response->contact.length > 0)
        write_octets(writer, response->contact.octets, response->contact.length);
    else
        ua_contact_write(worker, writer, listener);
    write_text(writer, "\r\n");
}

void ua_contact_write(const struct worker *worker, struct writer *writer, uint16_t listener)
{
    write_text(writer, "<sip:");
    listener_write(worker->rules, writer, listener);
    write_text(writer, ">");
}

struct dialog_string ua_contact(const struct worker *worker, uint32_t dialog, enum dialog_side ours,
                                struct writer *out)
{
    static const enum dialog_text target[2] = {DIALOG_TEXT_CALLER_TARGET, DIALOG_TEXT_CALLEE_TARGET};
    write_text(out, "<");
    uint32_t room = out->size - out->used;
    uint32_t length = dialog_text(&worker->dialogs, dialog, target[ours], out->octets + out->used, room);
    if (length == 0 || length > room) {
        out->used = 0;
        ua_contact_write(worker, out, dialog_endpoint(worker, dialog, 1 - ours).listener);
    } else {
        out->used += length;
        write_text(out, ">");
    }
    return (struct dialog_string){out->octets, out->overflow ? 0 : out->used};
}

static void write_all(struct worker *worker, struct writer *writer, const struct ua_response *response,
                      const struct ua_kept *kept)
{
    const struct message *request = &worker->kept;
    bool begins = request->method == METHOD_INVITE || request->method == METHOD_SUBSCRIBE ||
                  request->method == METHOD_REFER || request->method == METHOD_NOTIFY;
    if (begins && response->status > 100 && response->status < 300)
        write_record_routes(writer, request);
    write_contact(worker, writer, response, kept->source.listener);
    if (response->lines != NULL)
        write_text(writer, response->lines);
    write_octets(writer, response->headers.octets, response->headers.length);
    write_text(writer, "Content-Length: ");
    write_number(writer, response->body.length);
    write_text(writer, "\r\n\r\n");
    write_octets(writer, response->body.octets, response->body.length);
}

// What a response has beyond its request's headers and what the application gives it.
#define RESPONSE_ADDS 512u

int ua_response_write(struct worker *worker, uint32_t server, const struct ua_response *response,
                      struct rendered *rendered)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    struct ua_kept kept;
    char tag[COOKIE_TEXT_MAX] = "", phrase[UA_PHRASE_MAX], overload[FEEDBACK_TEXT_MAX];
    if (response->phrase.length >= sizeof(phrase))
        return -EINVAL;
    if (response->phrase.length > 0)
        memcpy(phrase, response->phrase.octets, response->phrase.length);
    phrase[response->phrase.length] = '\0';
    if (!ua_request_kept(worker, server, &kept))
        return -ENOENT;
    if (response->status > 100)
        ua_tag_for(worker, &worker->kept, kept.application, tag);
    const struct response_parts parts = {
        .status = response->status,
        .reason = response->phrase.length > 0 ? phrase : reply_reason(response->status),
        .to_tag = tag,
        .source_address = kept.source.address,
        .source_port = kept.source.port,
        .overload = feedback_text(worker, transaction->peer, overload)};
    rendered->mbuf = tx_open_for(worker, &rendered->writer,
                                 worker->kept.header_end + response->headers.length + response->body.length +
                                     RESPONSE_ADDS);
    if (rendered->mbuf == NULL)
        return -ENOBUFS;
    write_response_head(&rendered->writer, &worker->kept, &parts);
    write_all(worker, &rendered->writer, response, &kept);
    if (!rendered->writer.overflow && rendered->writer.used <= tx_room(worker, transaction->remote))
        return 0;
    rte_pktmbuf_free(rendered->mbuf);
    return -EMSGSIZE;
}

bool ua_response_send(struct worker *worker, uint32_t server, uint16_t status, struct rendered *rendered)
{
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    enum transaction_event event = status < 200   ? TRANSACTION_ON_SEND_1XX
                                   : status < 300 ? TRANSACTION_ON_SEND_2XX
                                                  : TRANSACTION_ON_SEND_FAILURE;
    unsigned actions = transaction_step(&worker->transactions, server, event, worker->now);
    if (!(actions & TRANSACTION_DO_SEND)) {
        rte_pktmbuf_free(rendered->mbuf);
        return false;
    }
    // The 2xx to an INVITE is its usage's to repeat. Without room there is nothing to repeat.
    if (transaction->method != METHOD_INVITE || status / 100 != 2)
        (void)transaction_keep(&worker->transactions, server, rendered->writer.octets, rendered->writer.used);
    (void)tx_send(worker, rendered->mbuf, &rendered->writer, transaction->remote);
    reply_count(worker, status);
    if (status >= 200)
        ua_request_forget(worker, server);
    return true;
}

void ua_trying_late(struct worker *worker, uint32_t server)
{
    struct rendered rendered;
    if (ua_is_owed(worker, server)) {
        (void)ua_pay(worker, server);
        return;
    }
    if (ua_response_write(worker, server, &(struct ua_response){.status = 100}, &rendered) != 0)
        return; // the requester goes on to repeat its request
    (void)transaction_keep(&worker->transactions, server, rendered.writer.octets, rendered.writer.used);
    (void)tx_send(worker, rendered.mbuf, &rendered.writer,
                  transaction_at(&worker->transactions, server)->remote);
    reply_count(worker, 100);
}

static uint16_t owed(struct worker *worker, uint32_t server)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    struct ua_kept kept;
    if (transaction->attempts == ARENA_NONE)
        return 0;
    memcpy(&kept, arena_at(&worker->arena, transaction->attempts), sizeof(kept));
    return kept.owed;
}

static uint8_t *put(uint8_t *to, const void *from, uint32_t length)
{
    if (length > 0)
        memcpy(to, from, length);
    return to + length;
}

// With the kept request, in a larger piece of memory; what finds none goes without.
static void keep_owed(struct worker *worker, struct transaction *transaction, const struct ua_final *final)
{
    struct ua_kept kept;
    memcpy(&kept, arena_at(&worker->arena, transaction->attempts), sizeof(kept));
    uint32_t whole = (uint32_t)sizeof(kept) + kept.length;
    arena_ref larger = ARENA_NONE;
    kept.owed = final->status;
    if (final->phrase.length + final->headers.length > 0 && final->phrase.length < UA_PHRASE_MAX)
        larger = arena_get(&worker->arena, whole + final->phrase.length + final->headers.length);
    if (larger != ARENA_NONE) {
        uint8_t *to = arena_at(&worker->arena, larger);
        kept.phrase_length = (uint16_t) final->phrase.length;
        kept.headers_length = final->headers.length;
        to = put(to, arena_at(&worker->arena, transaction->attempts), whole);
        to = put(to, final->phrase.octets, final->phrase.length);
        (void)put(to, final->headers.octets, final->headers.length);
        arena_put(&worker->arena, transaction->attempts);
        transaction->attempts = larger;
    }
    memcpy(arena_at(&worker->arena, transaction->attempts), &kept, sizeof(kept));
}

// Who has had a 100 to its INVITE does not repeat it: that transaction looks again by itself, as long as its
// caller may still wait (timer B after the last 1xx, which early_lifetime bounds).
static void owe(struct worker *worker, uint32_t server, const struct ua_final *final)
{
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    const tick_t t1 = worker->transactions.timers.t1;
    const tick_t last = transaction->started + worker->dialogs.life.early + 64 * t1;
    if (transaction->attempts == ARENA_NONE)
        return;
    if (owed(worker, server) == 0)
        keep_owed(worker, transaction, final);
    if (transaction->kind == TRANSACTION_INVITE_SERVER && (int32_t)(last - worker->now) > 0)
        transaction_end_at(&worker->transactions, server, worker->now + 8 * t1);
}

bool ua_is_owed(struct worker *worker, uint32_t server)
{
    return owed(worker, server) != 0;
}

bool ua_pay(struct worker *worker, uint32_t server)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    struct ua_kept kept;
    if (owed(worker, server) == 0)
        return false;
    const char *octets = arena_at(&worker->arena, transaction->attempts);
    memcpy(&kept, octets, sizeof(kept));
    octets += sizeof(kept) + kept.length;
    ua_finish(worker, server,
              &(struct ua_final){.status = kept.owed,
                                 .phrase = {octets, kept.phrase_length},
                                 .headers = {octets + kept.phrase_length, kept.headers_length}});
    return transaction->attempts == ARENA_NONE;
}

void ua_finish(struct worker *worker, uint32_t server, const struct ua_final *final)
{
    struct rendered rendered;
    const struct ua_response response = {
        .status = final->status, .phrase = final->phrase, .headers = final->headers};
    int result = ua_response_write(worker, server, &response, &rendered);
    if (result == -EMSGSIZE) // it has to be answered, without lines that are too long
        result = ua_response_write(worker, server, &(struct ua_response){.status = final->status}, &rendered);
    if (result == 0)
        (void)ua_response_send(worker, server, final->status, &rendered);
    else if (result == -ENOBUFS)
        owe(worker, server, final);
}
