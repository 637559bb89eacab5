// SPDX-License-Identifier: BSD-3-Clause
// Messages on their way: edits of what was received, rendered once into the frame that leaves. What we do not
// own passes octet for octet.
#include <string.h>
#include "best.h"
#include "feedback.h"
#include "renumber.h"
#include "strict.h"

static void write_record_route(const struct worker *worker, struct writer *writer, uint16_t listener,
                               const char *cookie)
{
    write_text(writer, "Record-Route: <sip:");
    listener_write(worker->rules, writer, listener);
    write_text(writer, ";lr;dg=");
    write_text(writer, cookie);
    write_text(writer, ">\r\n");
}

// 16.6 step 4, RFC 5658: one value, or two when the request changes networks; the topmost faces the callee.
static void edit_record_route(struct worker *worker, const struct message *message,
                              const struct forward *forward)
{
    uint8_t field = message->first[HEADER_RECORD_ROUTE];
    if (field == MESSAGE_NO_HEADER)
        field = message->first[HEADER_VIA];
    struct writer *writer = edit_open(&worker->edits, message->headers[field].line.offset, 0);
    write_record_route(worker, writer, forward->to.listener, forward->record_route);
    if (forward->listener_in != forward->to.listener)
        write_record_route(worker, writer, forward->listener_in, forward->record_route);
    edit_close(&worker->edits);
}

// The first value of a header line, when it is a URI at this listener of ours.
static bool first_at(const struct worker *worker, const struct message *message, uint8_t field,
                     uint16_t listener, struct address *address)
{
    struct endpoint at;
    uint32_t begin = 0;
    return field != MESSAGE_NO_HEADER &&
           address_next(message->octets, message->headers[field].value, &begin, address) == 1 &&
           endpoint_of_uri(message, address->uri, &at) &&
           rules_listener_named(worker->rules, &at.address, at.port) == listener;
}

// Our lines are the first ones, and there are two of them when the request changed networks.
static bool readdress_record_route(struct worker *worker, const struct forward_move *move)
{
    const struct message *message = &worker->kept;
    uint8_t field = message->first[HEADER_RECORD_ROUTE];
    struct address address;
    struct uri uri;
    struct span value;
    char cookie[COOKIE_TEXT_MAX];
    if (!first_at(worker, message, field, move->from, &address) ||
        uri_parse(message->octets, address.uri, &uri) != 0 ||
        !uri_parameter(message->octets, uri.parameters, "dg", &value) || value.length >= sizeof(cookie))
        return false;
    memcpy(cookie, message_at(message, value), value.length);
    cookie[value.length] = '\0';
    struct span lines = message->headers[field].line;
    if (move->from != move->in) {
        field = message_next_header(message, field);
        if (!first_at(worker, message, field, move->in, &address))
            return false;
        lines.length += message->headers[field].line.length;
    }
    struct writer *writer = edit_open(&worker->edits, lines.offset, lines.length);
    write_record_route(worker, writer, move->to, cookie);
    if (move->to != move->in)
        write_record_route(worker, writer, move->in, cookie);
    edit_close(&worker->edits);
    return true;
}

bool forward_readdress(struct worker *worker, const struct forward_move *move)
{
    const struct message *message = &worker->kept;
    const struct via *via = &message->via;
    const uint16_t between = sizeof(";branch=") - 1; // we write no other parameter before it
    uint8_t path = message_first_header(message, HEADER_PATH);
    struct address address;
    edits_init(&worker->edits);
    struct writer *writer = edit_open(&worker->edits, via->host.offset,
                                      (uint16_t)(via->branch.offset - between - via->host.offset));
    listener_write(worker->rules, writer, move->to);
    edit_close(&worker->edits);
    if (forward_begins_dialog(message) && !readdress_record_route(worker, move))
        return false;
    if (message->method == METHOD_REGISTER && first_at(worker, message, path, move->from, &address)) {
        edit_remove(&worker->edits, message->headers[path].line);
        rewrite_path(worker, message, move->to);
    }
    int length = edits_render(&worker->edits, message, worker->restored[0], sizeof(worker->restored[0]));
    return length > 0 && message_parse(worker->restored[0], (uint32_t)length, &worker->kept) == MESSAGE_FINE;
}

bool forward_begins_dialog(const struct message *message)
{
    // REFER subscribes too (RFC 3515 2.4.4): its NOTIFYs have to come back through us.
    return message->method == METHOD_INVITE || message->method == METHOD_SUBSCRIBE ||
           message->method == METHOD_REFER;
}

static void edit_max_forwards(struct worker *worker, const struct message *message)
{
    uint8_t field = message->first[HEADER_MAX_FORWARDS];
    struct writer *writer;
    if (field == MESSAGE_NO_HEADER) { // 16.6 step 3
        writer = edit_open(&worker->edits, message->headers[message->first[HEADER_VIA]].line.offset, 0);
        write_text(writer, "Max-Forwards: ");
        write_number(writer, MAX_FORWARDS);
        write_text(writer, "\r\n");
    } else {
        struct span value = message->headers[field].value;
        writer = edit_open(&worker->edits, value.offset, value.length);
        write_number(writer, (uint32_t)message->max_forwards - 1);
    }
    edit_close(&worker->edits);
}

// 16.6 steps 2 and 6: Request-URI and Route.
static void edit_target(struct worker *worker, const struct work *work, const struct forward *forward)
{
    struct edits *edits = &worker->edits;
    if (work->next_is_strict) {
        strict_edit(worker, work, forward->route);
        return;
    }
    if (rewrites_request_uri(forward->route)) {
        struct span uri = work->message->request_uri;
        rewrite_request_uri(worker, work->message, forward->route, edit_open(edits, uri.offset, uri.length));
        edit_close(edits);
    }
    for (uint32_t i = 0; i < work->route_removal_count; i++)
        edit_remove(edits, work->route_removals[i]);
}

uint32_t forward_render(struct worker *worker, struct work *work, const struct forward *forward,
                        struct rendered *rendered)
{
    const struct message *message = work->message;
    struct edits *edits = &worker->edits;
    edits_init(edits);
    struct writer *via = edit_open(edits, message->headers[message->first[HEADER_VIA]].line.offset, 0);
    write_text(via, "Via: SIP/2.0/UDP ");
    listener_write(worker->rules, via, forward->to.listener);
    write_text(via, ";branch=");
    write_octets(via, forward->branch, forward->branch_length);
    if (feedback_is_on(worker, forward->peer))
        write_text(via, FEEDBACK_OFFER);
    write_text(via, "\r\n");
    edit_close(edits);
    edit_via_source(edits, message, &work->packet->source.address, work->packet->source.port);
    edit_max_forwards(worker, message);
    edit_target(worker, work, forward);
    if (forward->record_route != NULL)
        edit_record_route(worker, message, forward);
    if (forward->path)
        rewrite_path(worker, message, forward->to.listener);
    rewrite_identity(worker, message, work->packet->peer);
    renumber_request(worker, work);
    rendered->mbuf = tx_open_for(worker, &rendered->writer, message->length + edits->text.used);
    if (rendered->mbuf == NULL)
        return COUNTER_DROP_NO_MBUF;
    uint32_t room = RTE_MIN(rendered->writer.size, tx_room(worker, forward->to));
    int octets = edits_render(edits, message, rendered->writer.octets, room);
    if (octets < 0) {
        rte_pktmbuf_free(rendered->mbuf);
        return COUNTER_DROP_TOO_LONG;
    }
    rendered->writer.used = (uint32_t)octets;
    return 0;
}

// 16.11: no state; the branch is the same for each repeat.
void forward_stateless(struct worker *worker, struct work *work, struct endpoint to)
{
    const struct message *message = work->message;
    struct forward forward = {.to = to, .peer = work->to_peer};
    forward.branch_length =
        cookie_stateless_write(&worker->parts.keys, octets_of(message, message->via.branch), work->reply_to,
                               work->loop, forward.branch);
    struct rendered rendered;
    uint32_t outcome = forward_render(worker, work, &forward, &rendered);
    if (outcome == COUNTER_DROP_TOO_LONG && message->method != METHOD_ACK) {
        reply_stateless(worker, work, (struct reply){513, "Message Too Large", NULL});
        return;
    }
    if (outcome == 0)
        outcome = tx_send(worker, rendered.mbuf, &rendered.writer, to);
    settle(work, outcome == 0 ? COUNTER_OUT_FORWARDED : outcome);
}

// 16.7 step 3: our Via goes, the rest stays.
static void edit_remove_top_via(struct edits *edits, const struct message *message)
{
    const struct header_field *field = &message->headers[message->first[HEADER_VIA]];
    uint32_t at = 0;
    struct via via;
    if (message_via_is_alone(message)) {
        edit_remove(edits, field->line);
        return;
    }
    via_next(message->octets, field->value, &at, &via);
    if (via_next(message->octets, field->value, &at, &via) == 1)
        edit_remove(edits,
                    (struct span){field->value.offset, (uint16_t)(via.whole.offset - field->value.offset)});
    else
        edit_remove(edits, field->line);
}

uint32_t forward_response(struct worker *worker, struct work *work, struct endpoint to, uint32_t server)
{
    const struct message *message = work->message;
    edits_init(&worker->edits);
    edit_remove_top_via(&worker->edits, message);
    if (feedback_is_on(worker, work->to_peer)) {
        if (!work->has_upstream)
            transaction_upstream(work);
        if (work->has_upstream)
            feedback_edit(worker, message, &work->upstream, work->to_peer);
    }
    rewrite_identity(worker, message, work->packet->peer);
    renumber_response(worker, work);
    if (message->status >= 300 && server != INDEX_NONE)
        rewrite_refusal(worker, message, work->packet->peer);
    if (server != INDEX_NONE)
        best_challenges(worker, message, server);
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, message->length + worker->edits.text.used);
    if (mbuf == NULL)
        return COUNTER_DROP_NO_MBUF;
    int octets = edits_render(&worker->edits, message, writer.octets, writer.size);
    if (octets < 0) {
        rte_pktmbuf_free(mbuf);
        return COUNTER_DROP_TOO_LONG;
    }
    writer.used = (uint32_t)octets;
    // Without room to keep it the response still goes; a repeated request is then not answered from memory.
    if (server != INDEX_NONE)
        (void)transaction_keep(&worker->transactions, server, writer.octets, writer.used);
    return tx_send(worker, mbuf, &writer, to);
}
