// SPDX-License-Identifier: BSD-3-Clause
// Requests that Dialgate makes: the hop-by-hop ACK, CANCEL, and BYE to either side of a dialog that an
// operator or its lifetime ends. The first two are made from the kept INVITE, BYE from the dialog's record.
#include <string.h>
#include "worker_core.h"

struct made_from {
    const struct message *request; // what we had sent
    const struct message *to;      // whose To is used
    const char *method;
};

static void write_header(struct writer *writer, const char *name, const struct message *message,
                         struct span value)
{
    write_text(writer, name);
    write_span(writer, message, value);
    write_text(writer, "\r\n");
}

// 9.1 and 17.1.1.3: Request-URI, topmost Via, From, Call-ID, CSeq number and Route of the request.
static void write_from_invite(struct writer *writer, const struct made_from *made)
{
    const struct message *request = made->request;
    write_text(writer, made->method);
    write_text(writer, " ");
    write_span(writer, request, request->request_uri);
    write_text(writer, " SIP/2.0\r\n");
    write_header(writer, "Via: ", request, request->via.whole);
    for (uint8_t field = request->first[HEADER_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(request, field))
        write_header(writer, "Route: ", request, request->headers[field].value);
    write_text(writer, "Max-Forwards: 70\r\n");
    write_header(writer, "From: ", request, request->from);
    write_header(writer, "To: ", made->to, made->to->to);
    write_header(writer, "Call-ID: ", request, request->call_id);
    write_text(writer, "CSeq: ");
    write_number(writer, request->cseq_number);
    write_text(writer, " ");
    write_text(writer, made->method);
    write_text(writer, "\r\nContent-Length: 0\r\n\r\n");
}

static bool parse_kept(struct worker *worker, uint32_t client)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    return transaction->kept != ARENA_NONE &&
           message_parse(arena_at(&worker->arena, transaction->kept), transaction->kept_length,
                         &worker->kept) == MESSAGE_FINE;
}

void originate_ack(struct worker *worker, uint32_t client, const struct message *response)
{
    struct writer writer;
    if (!parse_kept(worker, client))
        return;
    struct rte_mbuf *mbuf = tx_open(worker, &writer);
    if (mbuf == NULL)
        return; // the callee repeats its response
    write_from_invite(&writer, &(struct made_from){&worker->kept, response, "ACK"});
    (void)tx_send(worker, mbuf, &writer, transaction_at(&worker->transactions, client)->remote);
}

// A client transaction for a request of ours; dialog: INDEX_NONE or its record.
static uint32_t begin_ours(struct worker *worker, uint8_t method, struct endpoint to, uint32_t dialog)
{
    uint32_t index = transaction_create(&worker->transactions, TRANSACTION_CLIENT, 0, worker->now);
    if (index == INDEX_NONE) {
        count(worker, COUNTER_TRANSACTION_FULL);
        return INDEX_NONE;
    }
    struct transaction *transaction = transaction_at(&worker->transactions, index);
    transaction->method = method;
    transaction->flags = TRANSACTION_FLAG_OURS;
    transaction->other = INDEX_NONE;
    transaction->cancel = INDEX_NONE;
    transaction->remote = to;
    transaction->peer = NUMBER_NONE;
    transaction->member = NUMBER_NONE;
    transaction->dialog = dialog;
    transaction->dialog_generation =
        dialog == INDEX_NONE ? 0 : dialog_at(&worker->dialogs, dialog)->generation;
    count(worker, COUNTER_TRANSACTION_NICT);
    return index;
}

// Takes the mbuf. Without a transaction (INDEX_NONE) or room to keep it the request goes once, and its
// transaction ends here. False: it did not go.
static bool send_ours(struct worker *worker, uint32_t index, struct rte_mbuf *mbuf,
                      const struct writer *writer, struct endpoint to)
{
    bool kept = false;
    uint32_t outcome = COUNTER_DROP_TOO_LONG;
    if (writer->overflow) {
        rte_pktmbuf_free(mbuf);
    } else {
        kept = index != INDEX_NONE &&
               transaction_keep(&worker->transactions, index, writer->octets, writer->used) == 0;
        outcome = tx_send(worker, mbuf, writer, to);
    }
    if (index != INDEX_NONE && (!kept || outcome == COUNTER_DROP_TOO_LONG))
        transaction_release(&worker->transactions, index);
    // An unknown next hop is being asked for; timer E repeats.
    return outcome == 0 || (kept && outcome != COUNTER_DROP_TOO_LONG);
}

void originate_cancel(struct worker *worker, uint32_t client)
{
    if (client == INDEX_NONE)
        return;
    struct transaction *invite = transaction_at(&worker->transactions, client);
    // 9.1: not before a provisional response; when that comes, response_stage() asks again.
    if (invite->state != TRANSACTION_PROCEEDING || (invite->flags & TRANSACTION_FLAG_CANCEL_SENT))
        return;
    if (!parse_kept(worker, client))
        return;
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open(worker, &writer);
    if (mbuf == NULL)
        return;
    write_from_invite(&writer, &(struct made_from){&worker->kept, &worker->kept, "CANCEL"});
    uint32_t index = begin_ours(worker, METHOD_CANCEL, invite->remote, INDEX_NONE);
    if (index != INDEX_NONE) {
        struct transaction *cancel = transaction_at(&worker->transactions, index);
        // so that its responses, which have the INVITE's branch, find it and nothing else
        cancel->other = client;
        cancel->other_generation = invite->generation;
    }
    if (!send_ours(worker, index, mbuf, &writer, invite->remote))
        return;
    invite->flags |= TRANSACTION_FLAG_CANCEL_SENT;
    if (index != INDEX_NONE && transaction_at(&worker->transactions, index)->state != TRANSACTION_FREE)
        invite->cancel = index;
    // 9.1: a callee that does not know CANCEL and never answers is given up after 64*T1.
    transaction_end_at(&worker->transactions, client, worker->now + 64 * worker->transactions.timers.t1);
}

// Restored into the scratch room, until the next one is. One that is longer is none.
static struct dialog_string text_of(struct worker *worker, uint32_t dialog, enum dialog_text which)
{
    uint32_t length = dialog_text(&worker->dialogs, dialog, which, worker->scratch, sizeof(worker->scratch));
    return (struct dialog_string){worker->scratch, length <= sizeof(worker->scratch) ? length : 0};
}

static bool has_text(const struct worker *worker, uint32_t dialog, enum dialog_text which)
{
    uint8_t none;
    return dialog_text(&worker->dialogs, dialog, which, &none, 0) > 0;
}

static void write_dialog_text(const struct worker *worker, struct writer *writer, uint32_t dialog,
                              enum dialog_text which)
{
    uint32_t room = writer->size - writer->used;
    uint32_t length = dialog_text(&worker->dialogs, dialog, which, writer->octets + writer->used, room);
    if (writer->overflow || length > room)
        writer->overflow = true;
    else
        writer->used += length;
}

static void write_party(const struct worker *worker, struct writer *writer, uint32_t dialog, bool caller)
{
    enum dialog_text tag = caller ? DIALOG_TEXT_CALLER_TAG : DIALOG_TEXT_CALLEE_TAG;
    write_dialog_text(worker, writer, dialog, caller ? DIALOG_TEXT_CALLER_FROM : DIALOG_TEXT_CALLEE_TO);
    if (has_text(worker, dialog, tag)) {
        write_text(writer, ";tag=");
        write_dialog_text(worker, writer, dialog, tag);
    }
    write_text(writer, "\r\n");
}

struct bye {
    uint32_t dialog;
    enum dialog_side to;
    struct endpoint next_hop;
    const char *branch;
};

// Who sent no Contact is reached by its From or To (RFC 2543 had it so).
static struct dialog_string bye_target(struct worker *worker, const struct bye *bye)
{
    bool to_caller = bye->to == DIALOG_CALLER;
    struct dialog_string target =
        text_of(worker, bye->dialog, to_caller ? DIALOG_TEXT_CALLER_TARGET : DIALOG_TEXT_CALLEE_TARGET);
    if (target.length > 0)
        return target;
    struct dialog_string party =
        text_of(worker, bye->dialog, to_caller ? DIALOG_TEXT_CALLER_FROM : DIALOG_TEXT_CALLEE_TO);
    uint32_t at = 0;
    struct address address;
    struct uri uri;
    if (address_next(party.octets, (struct span){0, (uint16_t)party.length}, &at, &address) != 1 ||
        uri_parse(party.octets, address.uri, &uri) != 0)
        return target;
    return (struct dialog_string){(const uint8_t *)party.octets + address.uri.offset, address.uri.length};
}

// The other side speaks: its From, its CSeq, the callee's or caller's half of the route set (12.2.1.1).
static void write_bye(struct worker *worker, struct writer *writer, const struct bye *bye)
{
    bool to_caller = bye->to == DIALOG_CALLER;
    enum dialog_text routes = to_caller ? DIALOG_TEXT_CALLER_ROUTES : DIALOG_TEXT_CALLEE_ROUTES;
    struct dialog_string target = bye_target(worker, bye);
    write_text(writer, "BYE ");
    if (target.length > 0) {
        write_octets(writer, target.octets, target.length);
    } else {
        write_text(writer, "sip:");
        write_ipv4(writer, bye->next_hop.address);
    }
    write_text(writer, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
    write_ipv4(writer, worker->rules->listener_addresses[bye->next_hop.listener]);
    write_text(writer, ":");
    write_number(writer, worker->rules->listeners[bye->next_hop.listener].port);
    write_text(writer, ";branch=");
    write_text(writer, bye->branch);
    write_text(writer, "\r\n");
    if (has_text(worker, bye->dialog, routes)) {
        write_text(writer, "Route: ");
        write_dialog_text(worker, writer, bye->dialog, routes);
        write_text(writer, "\r\n");
    }
    write_text(writer, "From: ");
    write_party(worker, writer, bye->dialog, !to_caller);
    write_text(writer, "To: ");
    write_party(worker, writer, bye->dialog, to_caller);
    write_text(writer, "Call-ID: ");
    write_dialog_text(worker, writer, bye->dialog, DIALOG_TEXT_CALL_ID);
    write_text(writer, "\r\nCSeq: ");
    write_number(writer, dialog_at(&worker->dialogs, bye->dialog)->cseq[1 - bye->to] + 1);
    write_text(writer, " BYE\r\nMax-Forwards: 70\r\nReason: SIP;cause=480;text=\"ended by Dialgate\"\r\n"
                       "Content-Length: 0\r\n\r\n");
}

// The first Route, or the target, when it is an address of the side's peer; else where its messages came
// from.
static struct endpoint bye_next_hop(struct worker *worker, const struct bye *bye)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, bye->dialog);
    struct dialog_string text =
        text_of(worker, bye->dialog,
                bye->to == DIALOG_CALLER ? DIALOG_TEXT_CALLER_ROUTES : DIALOG_TEXT_CALLEE_ROUTES);
    struct endpoint learnt = dialog_endpoint(worker, bye->dialog, bye->to);
    struct message at = {0};
    struct span uri;
    if (text.length > 0) {
        uint32_t position = 0;
        struct address address;
        at.octets = text.octets;
        if (address_next(at.octets, (struct span){0, (uint16_t)text.length}, &position, &address) != 1)
            return learnt;
        uri = address.uri;
    } else {
        text = text_of(worker, bye->dialog,
                       bye->to == DIALOG_CALLER ? DIALOG_TEXT_CALLER_TARGET : DIALOG_TEXT_CALLEE_TARGET);
        at.octets = text.octets;
        uri = (struct span){0, (uint16_t)text.length};
    }
    struct endpoint to;
    uint16_t peer = bye->to == DIALOG_CALLER ? dialog->caller_peer : dialog->callee_peer;
    if (uri.length == 0 || !endpoint_of_uri(&at, uri, &to) || rules_peer(worker->rules, to.address) != peer)
        return learnt;
    to.listener = learnt.listener;
    return to;
}

void originate_bye(struct worker *worker, uint32_t dialog, enum dialog_side to)
{
    struct bye bye = {.dialog = dialog, .to = to};
    bye.next_hop = bye_next_hop(worker, &bye);
    if (bye.next_hop.address == 0)
        return;
    uint32_t index = begin_ours(worker, METHOD_BYE, bye.next_hop, dialog);
    if (index == INDEX_NONE)
        return;
    struct transaction *transaction = transaction_at(&worker->transactions, index);
    struct dialog_string call_id = text_of(worker, dialog, DIALOG_TEXT_CALL_ID);
    char branch[COOKIE_TEXT_MAX];
    struct cookie_branch parts = {
        .worker = (uint8_t)worker->parts.id, .generation = (uint16_t)transaction->generation, .index = index};
    unsigned length = cookie_branch_write(&worker->parts.keys, &parts,
                                          (struct cookie_octets){call_id.octets, call_id.length}, branch);
    transaction->key = siphash13(&worker->parts.keys.table, branch, length);
    bye.branch = branch;
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open(worker, &writer);
    if (mbuf == NULL) {
        transaction_release(&worker->transactions, index);
        return;
    }
    write_bye(worker, &writer, &bye);
    (void)send_ours(worker, index, mbuf, &writer, bye.next_hop);
}
