// SPDX-License-Identifier: BSD-3-Clause
// Responses that Dialgate itself makes. Most are made without state (RFC 3261 8.2.7): a repeated request gets
// the same answer, and the ACK to a refusal is known by its To-tag, which only we can have made.
#include <string.h>
#include "feedback.h"
#include "renumber.h"

#define EXTRA_SIZE 1024u
// What a response has beyond what it repeats of its request, mostly much less.
#define RESPONSE_ADDS 512u

const char *reply_reason(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *reason;
    } reasons[] = {{100, "Trying"},
                   {180, "Ringing"},
                   {181, "Call Is Being Forwarded"},
                   {182, "Queued"},
                   {183, "Session Progress"},
                   {199, "Early Dialog Terminated"},
                   {200, "OK"},
                   {202, "Accepted"},
                   {300, "Multiple Choices"},
                   {301, "Moved Permanently"},
                   {302, "Moved Temporarily"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {407, "Proxy Authentication Required"},
                   {408, "Request Timeout"},
                   {413, "Request Entity Too Large"},
                   {415, "Unsupported Media Type"},
                   {420, "Bad Extension"},
                   {422, "Session Interval Too Small"},
                   {480, "Temporarily Unavailable"},
                   {481, "Call/Transaction Does Not Exist"},
                   {482, "Loop Detected"},
                   {484, "Address Incomplete"},
                   {486, "Busy Here"},
                   {487, "Request Terminated"},
                   {488, "Not Acceptable Here"},
                   {489, "Bad Event"},
                   {491, "Request Pending"},
                   {500, "Server Internal Error"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"},
                   {504, "Server Time-out"},
                   {600, "Busy Everywhere"},
                   {603, "Decline"},
                   {604, "Does Not Exist Anywhere"},
                   {606, "Not Acceptable"}};
    for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return status < 300 ? "OK" : status < 400 ? "Redirected" : "Refused";
}

void reply_count(struct worker *worker, uint16_t status)
{
    static const struct {
        uint16_t status;
        enum counter counter;
    } rows[] = {// Those that come in crowds are found first.
                {503, COUNTER_ANSWER_503}, {100, COUNTER_ANSWER_100}, {200, COUNTER_ANSWER_200},
                {400, COUNTER_ANSWER_400}, {403, COUNTER_ANSWER_403}, {404, COUNTER_ANSWER_404},
                {408, COUNTER_ANSWER_408}, {416, COUNTER_ANSWER_416}, {420, COUNTER_ANSWER_420},
                {480, COUNTER_ANSWER_480}, {481, COUNTER_ANSWER_481}, {482, COUNTER_ANSWER_482},
                {483, COUNTER_ANSWER_483}, {487, COUNTER_ANSWER_487}, {500, COUNTER_ANSWER_500},
                {505, COUNTER_ANSWER_505}, {513, COUNTER_ANSWER_513}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].status == status) {
            count(worker, rows[i].counter);
            return;
        }
    }
    count(worker, COUNTER_ANSWER_OTHER);
}

// Header lines of a response of ours: Server when configured, then what the case wants.
static const char *extra_lines(const struct worker *worker, const char *extra, char out[EXTRA_SIZE])
{
    struct writer writer;
    writer_init(&writer, out, EXTRA_SIZE - 1);
    const char *server = (const char *)worker->rules->settings->server_header;
    if (server[0] != '\0') {
        write_text(&writer, "Server: ");
        write_text(&writer, server);
        write_text(&writer, "\r\n");
    }
    if (extra != NULL)
        write_text(&writer, extra);
    if (writer.overflow || writer.used == 0)
        return extra;
    out[writer.used] = '\0';
    return out;
}

static void tag_for(const struct worker *worker, const struct message *request, char tag[COOKIE_TEXT_MAX])
{
    cookie_tag_write(&worker->parts.keys, octets_of(request, request->call_id),
                     octets_of(request, request->from_tag), octets_of(request, request->via.branch), tag);
}

static void set_source(struct worker *worker, const struct work *work, struct response_parts *parts)
{
    parts->source_address = work->packet->source.address;
    parts->source_port = work->packet->source.port;
    parts->source_text = source_text(&worker->sources, &parts->source_address);
}

static void settle_sent(struct worker *worker, struct work *work, uint16_t status, uint32_t outcome)
{
    if (outcome == 0)
        reply_count(worker, status);
    if (call_record_wanted(worker))
        call_record_refused(worker, work, status);
    settle(work, outcome == 0 ? COUNTER_OUT_ANSWERED : outcome);
}

// Never more than the room of the way back; and never to anyone but a peer, since strangers do not come this
// far. The rest of parts is the caller's.
static void send_stateless(struct worker *worker, struct work *work, struct response_parts parts)
{
    char overload[FEEDBACK_TEXT_MAX];
    set_source(worker, work, &parts);
    parts.overload = feedback_text(worker, work->packet->peer, overload);
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, work->message->header_end + RESPONSE_ADDS);
    if (mbuf == NULL) {
        settle(work, COUNTER_DROP_NO_MBUF);
        return;
    }
    write_response(&writer, work->message, &parts);
    settle_sent(worker, work, parts.status, tx_send(worker, mbuf, &writer, work->reply_to));
}

void reply_tagged(struct worker *worker, struct work *work, struct reply reply, const char *to_tag)
{
    char extra[EXTRA_SIZE];
    send_stateless(
        worker, work,
        (struct response_parts){.status = reply.status,
                                .reason = reply.reason != NULL ? reply.reason : reply_reason(reply.status),
                                .to_tag = to_tag,
                                .extra = extra_lines(worker, reply.extra, extra)});
}

void reply_stateless(struct worker *worker, struct work *work, struct reply reply)
{
    char tag[COOKIE_TEXT_MAX];
    tag_for(worker, work->message, tag);
    reply_tagged(worker, work, reply, tag);
}

// What is glanced at comes in crowds, and is written by a way of its own.
void reply_refusal(struct worker *worker, struct work *work, const struct refusal_lines *lines)
{
    char tag[COOKIE_TEXT_MAX], overload[FEEDBACK_TEXT_MAX];
    const struct message *message = work->message;
    const struct cookie_keys *keys = &worker->parts.keys;
    uint64_t mac =
        work->glanced ? work->refusal_mac : cookie_refusal_mac(keys, octets_of(message, message->call_id));
    struct refusal_tail tail = {lines->octets, lines->length, cookie_refusal_write(keys, mac, tag)};
    struct response_parts parts = {.status = 503,
                                   .reason = "Service Unavailable",
                                   .to_tag = tag,
                                   .overload = feedback_text(worker, work->packet->peer, overload)};
    set_source(worker, work, &parts);
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open(worker, &writer);
    if (mbuf == NULL) {
        settle(work, COUNTER_DROP_NO_MBUF);
        return;
    }
    if (work->glanced) {
        write_refusal(&writer, message, &parts, &tail);
    } else {
        write_response_head(&writer, message, &parts);
        write_octets(&writer, tail.octets + 2, tail.length - 2); // without the CRLF of CSeq
    }
    settle_sent(worker, work, 503, tx_send(worker, mbuf, &writer, work->reply_to));
}

static void reply_kept(struct worker *worker, uint32_t server, const struct writer *writer,
                       struct rte_mbuf *mbuf)
{
    (void)transaction_keep(&worker->transactions, server, writer->octets, writer->used);
    (void)tx_send(worker, mbuf, writer, transaction_at(&worker->transactions, server)->remote);
}

void reply_trying(struct worker *worker, struct work *work, uint32_t server)
{
    char overload[FEEDBACK_TEXT_MAX];
    struct response_parts parts = {
        .status = 100, .reason = "Trying", .overload = feedback_text(worker, work->packet->peer, overload)};
    struct writer writer;
    set_source(worker, work, &parts);
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, work->message->header_end + RESPONSE_ADDS);
    if (mbuf == NULL)
        return; // the caller repeats its INVITE
    write_response(&writer, work->message, &parts);
    if (writer.overflow) {
        rte_pktmbuf_free(mbuf);
        return;
    }
    transaction_step(&worker->transactions, server, TRANSACTION_ON_SEND_1XX, worker->now);
    reply_kept(worker, server, &writer, mbuf);
    reply_count(worker, 100);
}

// The request as it was received, from what its client transaction keeps: without our own Via, which is the
// topmost line.
static bool kept_request(struct worker *worker, uint32_t client)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    if (transaction->kept == ARENA_NONE)
        return false;
    const uint8_t *octets = arena_at(&worker->arena, transaction->kept);
    if (message_parse(octets, transaction->kept_length, &worker->kept) != MESSAGE_FINE)
        return false;
    struct edits *edits = &worker->edits;
    edits_init(edits);
    edit_remove(edits, worker->kept.headers[worker->kept.first[HEADER_VIA]].line);
    renumber_kept(worker, &worker->kept, renumber_record(worker, transaction));
    int length = edits_render(edits, &worker->kept, worker->scratch, sizeof(worker->scratch));
    return length > 0 && message_parse(worker->scratch, (uint32_t)length, &worker->kept) == MESSAGE_FINE;
}

void reply_trying_late(struct worker *worker, uint32_t server, uint32_t client)
{
    if (client == INDEX_NONE || !kept_request(worker, client))
        return;
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    char overload[FEEDBACK_TEXT_MAX];
    struct response_parts parts = {.status = 100,
                                   .reason = "Trying",
                                   .source_address = transaction->remote.address,
                                   .source_port = transaction->remote.port,
                                   .overload = feedback_text(worker, transaction->peer, overload)};
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, worker->kept.header_end + RESPONSE_ADDS);
    if (mbuf == NULL)
        return; // the requester goes on to repeat its request
    write_response(&writer, &worker->kept, &parts);
    if (writer.overflow) {
        rte_pktmbuf_free(mbuf);
        return;
    }
    reply_kept(worker, server, &writer, mbuf);
    reply_count(worker, 100);
}

void reply_for(struct worker *worker, uint32_t server, uint32_t client, struct reply reply)
{
    if (!kept_request(worker, client)) { // nothing to answer with: the caller's own timers end its call
        transaction_release(&worker->transactions, server);
        return;
    }
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    unsigned actions =
        transaction_step(&worker->transactions, server, TRANSACTION_ON_SEND_FAILURE, worker->now);
    if (!(actions & TRANSACTION_DO_SEND))
        return;
    char tag[COOKIE_TEXT_MAX];
    char extra[EXTRA_SIZE];
    char overload[FEEDBACK_TEXT_MAX];
    tag_for(worker, &worker->kept, tag);
    struct response_parts parts = {.status = reply.status,
                                   .reason = reply.reason != NULL ? reply.reason : reply_reason(reply.status),
                                   .to_tag = tag,
                                   .extra = extra_lines(worker, reply.extra, extra),
                                   .source_address = transaction->remote.address,
                                   .source_port = transaction->remote.port,
                                   .overload = feedback_text(worker, transaction->peer, overload)};
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, worker->kept.header_end + RESPONSE_ADDS);
    if (mbuf == NULL)
        return; // timer G has nothing to repeat; the caller's own timers end its call
    write_response(&writer, &worker->kept, &parts);
    if (writer.overflow) {
        rte_pktmbuf_free(mbuf);
        return;
    }
    reply_kept(worker, server, &writer, mbuf);
    reply_count(worker, reply.status);
}
