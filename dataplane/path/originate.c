// SPDX-License-Identifier: BSD-3-Clause
// Requests that Dialgate makes: the hop-by-hop ACK and CANCEL, from the INVITE that was kept. Those inside a
// dialog are made from its record: originate_inside.c.
#include <string.h>
#include "worker_core.h"

struct made_from {
    const struct message *request; // what we had sent
    const struct message *to;      // whose To is used
    const char *method;
    const struct transaction *server; // whose CANCEL said why, or NULL
    struct dialog_string headers;     // further lines with CRLF each
};

static void write_header(struct writer *writer, const char *name, const struct message *message,
                         struct span value)
{
    write_text(writer, name);
    write_span(writer, message, value);
    write_text(writer, "\r\n");
}

// RFC 3326: what the caller gave as reason is meant for the callee. One whose call was answered elsewhere
// shows no missed call then.
static void write_cause(struct writer *writer, const struct transaction *server)
{
    if (server == NULL || server->cause == 0)
        return;
    write_text(writer, server->sip_cause ? "Reason: SIP;cause=" : "Reason: Q.850;cause=");
    write_number(writer, server->cause);
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
    write_text(writer, "\r\n");
    write_cause(writer, made->server);
    write_octets(writer, made->headers.octets, made->headers.length);
    write_text(writer, "Content-Length: 0\r\n\r\n");
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
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, worker->kept.header_end);
    if (mbuf == NULL)
        return; // the callee repeats its response
    write_from_invite(&writer,
                      &(struct made_from){.request = &worker->kept, .to = response, .method = "ACK"});
    (void)tx_send(worker, mbuf, &writer, transaction_at(&worker->transactions, client)->remote);
}

uint32_t originate_begin(struct worker *worker, uint8_t method, struct endpoint to, uint32_t dialog)
{
    bool invite = method == METHOD_INVITE;
    uint32_t index = transaction_create(
        &worker->transactions, invite ? TRANSACTION_INVITE_CLIENT : TRANSACTION_CLIENT, 0, worker->now);
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
    count(worker, invite ? COUNTER_TRANSACTION_ICT : COUNTER_TRANSACTION_NICT);
    return index;
}

bool originate_send(struct worker *worker, uint32_t index, struct rte_mbuf *mbuf, const struct writer *writer,
                    struct endpoint to)
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
    if (client != INDEX_NONE)
        originate_cancel_with(worker, client, (struct dialog_string){NULL, 0});
}

void originate_cancel_with(struct worker *worker, uint32_t client, struct dialog_string headers)
{
    struct transaction *invite = transaction_at(&worker->transactions, client);
    // 9.1: not before a provisional response; when that comes, response_stage() asks again.
    if (invite->state != TRANSACTION_PROCEEDING || (invite->flags & TRANSACTION_FLAG_CANCEL_SENT))
        return;
    if (!parse_kept(worker, client))
        return;
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, worker->kept.header_end + headers.length);
    if (mbuf == NULL)
        return;
    uint32_t server = transaction_other(worker, client);
    write_from_invite(
        &writer, &(struct made_from){
                     .request = &worker->kept,
                     .to = &worker->kept,
                     .method = "CANCEL",
                     .server = server == INDEX_NONE ? NULL : transaction_at(&worker->transactions, server),
                     .headers = headers});
    uint32_t index = originate_begin(worker, METHOD_CANCEL, invite->remote, INDEX_NONE);
    if (index != INDEX_NONE) {
        struct transaction *cancel = transaction_at(&worker->transactions, index);
        // so that its responses, which have the INVITE's branch, find it and nothing else
        cancel->other = client;
        cancel->other_generation = invite->generation;
    }
    if (!originate_send(worker, index, mbuf, &writer, invite->remote))
        return;
    invite->flags |= TRANSACTION_FLAG_CANCEL_SENT;
    if (index != INDEX_NONE && transaction_at(&worker->transactions, index)->state != TRANSACTION_FREE)
        invite->cancel = index;
    // 9.1: a callee that does not know CANCEL and never answers is given up after 64*T1.
    transaction_end_at(&worker->transactions, client, worker->now + 64 * worker->transactions.timers.t1);
}
