// SPDX-License-Identifier: BSD-3-Clause
// Requests of ours inside a dialog, as the other side would send them (RFC 3261 12.2.1.1): its From and its
// CSeq, the receiver's half of the route set, made from the dialog's record.
#include <errno.h>
#include <string.h>
#include "header.h"
#include "strict.h"

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

// What is being made.
struct made {
    const struct inside *inside;
    struct endpoint next_hop;
    const char *branch;
    bool strict; // the route set begins with a strict router
};

// The receiver's half of the route set, in the scratch room, and its first URI; length 0: there is none.
static struct dialog_string routes_of(struct worker *worker, const struct inside *inside,
                                      struct address *first, uint32_t *behind)
{
    struct dialog_string routes =
        text_of(worker, inside->dialog,
                inside->to == DIALOG_CALLER ? DIALOG_TEXT_CALLER_ROUTES : DIALOG_TEXT_CALLEE_ROUTES);
    *behind = 0;
    *first = (struct address){0};
    if (routes.length > 0 &&
        address_next(routes.octets, (struct span){0, (uint16_t)routes.length}, behind, first) != 1)
        routes.length = 0;
    return routes;
}

// Who sent no Contact is reached by its From or To (RFC 2543 had it so).
static struct dialog_string target_of(struct worker *worker, const struct inside *inside)
{
    bool to_caller = inside->to == DIALOG_CALLER;
    struct dialog_string target =
        text_of(worker, inside->dialog, to_caller ? DIALOG_TEXT_CALLER_TARGET : DIALOG_TEXT_CALLEE_TARGET);
    if (target.length > 0)
        return target;
    struct dialog_string party =
        text_of(worker, inside->dialog, to_caller ? DIALOG_TEXT_CALLER_FROM : DIALOG_TEXT_CALLEE_TO);
    uint32_t at = 0;
    struct address address;
    struct uri uri;
    if (address_next(party.octets, (struct span){0, (uint16_t)party.length}, &at, &address) != 1 ||
        uri_parse(party.octets, address.uri, &uri) != 0)
        return target;
    return (struct dialog_string){(const uint8_t *)party.octets + address.uri.offset, address.uri.length};
}

static void write_target(struct worker *worker, struct writer *writer, const struct made *made)
{
    struct dialog_string target = target_of(worker, made->inside);
    if (target.length > 0) {
        strict_write_uri(writer, target.octets, (struct span){0, (uint16_t)target.length});
    } else {
        write_text(writer, "sip:");
        write_ip_host(writer, &made->next_hop.address);
    }
}

static void write_method(struct writer *writer, const struct inside *inside)
{
    if (inside->method == METHOD_OTHER && inside->asked != NULL)
        write_octets(writer, inside->asked->method.octets, inside->asked->method.length);
    else
        write_text(writer, method_text(inside->method));
}

static void write_request_line(struct worker *worker, struct writer *writer, const struct made *made)
{
    struct address first;
    uint32_t behind;
    write_method(writer, made->inside);
    write_text(writer, " ");
    if (made->strict) {
        struct dialog_string routes = routes_of(worker, made->inside, &first, &behind);
        strict_write_uri(writer, routes.octets, first.uri);
    } else {
        write_target(worker, writer, made);
    }
    write_text(writer, " SIP/2.0\r\n");
}

static void write_routes(struct worker *worker, struct writer *writer, const struct made *made)
{
    struct address address;
    uint32_t at;
    struct dialog_string routes = routes_of(worker, made->inside, &address, &at);
    if (routes.length == 0)
        return;
    write_text(writer, "Route: ");
    if (!made->strict) {
        write_octets(writer, routes.octets, routes.length);
    } else {
        const struct span all = {0, (uint16_t)routes.length};
        while (address_next(routes.octets, all, &at, &address) == 1) { // each turn moves on in the text
            write_octets(writer, (const uint8_t *)routes.octets + address.whole.offset, address.whole.length);
            write_text(writer, ",");
        }
        write_text(writer, "<");
        write_target(worker, writer, made);
        write_text(writer, ">");
    }
    write_text(writer, "\r\n");
}

static void write_asked(struct writer *writer, const struct inside_asked *asked)
{
    static const struct inside_asked nothing = {.body = {"", 0}};
    if (asked == NULL)
        asked = &nothing;
    if (asked->contact.length > 0) {
        write_text(writer, "Contact: ");
        write_octets(writer, asked->contact.octets, asked->contact.length);
        write_text(writer, "\r\n");
    }
    write_octets(writer, asked->headers.octets, asked->headers.length);
    write_text(writer, "Content-Length: ");
    write_number(writer, asked->body.length);
    write_text(writer, "\r\n\r\n");
    write_octets(writer, asked->body.octets, asked->body.length);
}

static void write_request(struct worker *worker, struct writer *writer, const struct made *made)
{
    const struct inside *inside = made->inside;
    bool to_caller = inside->to == DIALOG_CALLER;
    write_request_line(worker, writer, made);
    write_text(writer, "Via: SIP/2.0/UDP ");
    listener_write(worker->rules, writer, made->next_hop.listener);
    write_text(writer, ";branch=");
    write_text(writer, made->branch);
    write_text(writer, "\r\n");
    write_routes(worker, writer, made);
    write_text(writer, "From: ");
    write_party(worker, writer, inside->dialog, !to_caller);
    write_text(writer, "To: ");
    write_party(worker, writer, inside->dialog, to_caller);
    write_text(writer, "Call-ID: ");
    write_dialog_text(worker, writer, inside->dialog, DIALOG_TEXT_CALL_ID);
    write_text(writer, "\r\nCSeq: ");
    write_number(writer, inside->cseq);
    write_text(writer, " ");
    write_method(writer, inside);
    write_text(writer, "\r\nMax-Forwards: 70\r\n");
    if (inside->extra != NULL)
        write_text(writer, inside->extra);
    write_asked(writer, inside->asked);
}

// The first Route, or the target, when it is an address of the side's peer; else where its messages came
// from.
static void find_next_hop(struct worker *worker, struct made *made)
{
    const struct inside *inside = made->inside;
    const struct dialog *dialog = dialog_at(&worker->dialogs, inside->dialog);
    uint16_t peer = inside->to == DIALOG_CALLER ? dialog->caller_peer : dialog->callee_peer;
    struct address first;
    uint32_t behind;
    struct dialog_string text = routes_of(worker, inside, &first, &behind);
    made->next_hop = dialog_endpoint(worker, inside->dialog, inside->to);
    if (text.length > 0) {
        made->strict = strict_is(text.octets, first.uri);
    } else {
        text = text_of(worker, inside->dialog,
                       inside->to == DIALOG_CALLER ? DIALOG_TEXT_CALLER_TARGET : DIALOG_TEXT_CALLEE_TARGET);
        first.uri = (struct span){0, (uint16_t)text.length};
    }
    struct next_hop_uri hop;
    if (next_hop_of_uri(text.octets, first.uri, &hop) == NEXT_HOP_ADDRESS &&
        rules_peer(worker->rules, &hop.address) == peer) {
        made->next_hop.address = hop.address;
        made->next_hop.port = hop.port != 0 ? hop.port : SIP_PORT;
        made->next_hop.listener = listener_towards(worker, peer, &hop.address, made->next_hop.listener);
    }
}

// Takes what the client transaction still misses: a branch of its own.
static void name_branch(struct worker *worker, uint32_t client, uint32_t dialog, char branch[COOKIE_TEXT_MAX])
{
    struct transaction *transaction = transaction_at(&worker->transactions, client);
    struct dialog_string call_id = text_of(worker, dialog, DIALOG_TEXT_CALL_ID);
    struct cookie_branch parts = {.worker = (uint8_t)worker->parts.id,
                                  .generation = (uint16_t)transaction->generation,
                                  .index = client};
    cookie_branch_write(&worker->parts.keys, &parts, (struct cookie_octets){call_id.octets, call_id.length},
                        branch);
    transaction->key = cookie_branch_key(&parts, dialog_at(&worker->dialogs, dialog)->call_hash);
}

// Octets of a request without what an application puts into it, mostly.
#define REQUEST_HEAD 1024u

// Into a fresh mbuf. Returns 0, or -errno as originate_asked().
static int render(struct worker *worker, const struct made *made, struct originated *out)
{
    out->to = made->next_hop;
    const struct inside_asked *asked = made->inside->asked;
    uint32_t expected = REQUEST_HEAD + (asked == NULL ? 0 : asked->headers.length + asked->body.length);
    out->mbuf = tx_open_for(worker, &out->writer, expected);
    if (out->mbuf == NULL)
        return -ENOSPC;
    out->writer.size = RTE_MIN(out->writer.size, tx_room(worker, made->next_hop));
    write_request(worker, &out->writer, made);
    if (!out->writer.overflow)
        return 0;
    rte_pktmbuf_free(out->mbuf);
    return -EMSGSIZE;
}

int originate_send_asked(struct worker *worker, uint32_t client, const struct originated *request)
{
    const struct writer *writer = &request->writer;
    int result = transaction_keep(&worker->transactions, client, writer->octets, writer->used);
    // An unknown next hop is being asked for, and the timers repeat.
    if (result != 0)
        rte_pktmbuf_free(request->mbuf);
    else if (tx_send(worker, request->mbuf, writer, request->to) == COUNTER_DROP_TOO_LONG)
        result = -EMSGSIZE;
    if (result != 0)
        transaction_release(&worker->transactions, client);
    return result;
}

// The request and its transaction. Returns 0, or -errno as originate_asked() and there is neither.
static int begin(struct worker *worker, const struct inside *inside, uint32_t *client,
                 struct originated *request)
{
    struct made made = {.inside = inside};
    find_next_hop(worker, &made);
    if (!ip_is_set(&made.next_hop.address))
        return -ENETUNREACH;
    *client = originate_begin(worker, (uint8_t)inside->method, made.next_hop, inside->dialog);
    if (*client == INDEX_NONE)
        return -ENOSPC;
    char branch[COOKIE_TEXT_MAX];
    name_branch(worker, *client, inside->dialog, branch);
    made.branch = branch;
    int result = render(worker, &made, request);
    if (result != 0)
        transaction_release(&worker->transactions, *client);
    return result;
}

int originate_asked(struct worker *worker, const struct inside *inside, uint32_t *client)
{
    struct originated request;
    int result = begin(worker, inside, client, &request);
    return result != 0 ? result : originate_send_asked(worker, *client, &request);
}

uint32_t originate_inside(struct worker *worker, const struct inside *inside)
{
    struct originated request;
    uint32_t index;
    if (begin(worker, inside, &index, &request) != 0)
        return INDEX_NONE;
    (void)originate_send(worker, index, request.mbuf, &request.writer, request.to);
    return transaction_at(&worker->transactions, index)->state != TRANSACTION_FREE ? index : INDEX_NONE;
}

int originate_ack_inside(struct worker *worker, const struct inside *inside, struct originated *ack)
{
    static const char magic[] = "z9hG4bK"; // 8.1.1.7
    char branch[COOKIE_TEXT_MAX], tag[COOKIE_TEXT_MAX];
    struct made made = {.inside = inside, .branch = branch};
    find_next_hop(worker, &made);
    if (!ip_is_set(&made.next_hop.address))
        return -ENETUNREACH;
    struct dialog_string callee = text_of(worker, inside->dialog, DIALOG_TEXT_CALLEE_TAG);
    const struct dialog *dialog = dialog_at(&worker->dialogs, inside->dialog);
    unsigned length = cookie_tag_write(&worker->parts.keys,
                                       (struct cookie_octets){&dialog->call_hash, sizeof(dialog->call_hash)},
                                       (struct cookie_octets){&inside->cseq, sizeof(inside->cseq)},
                                       (struct cookie_octets){callee.octets, callee.length}, tag);
    memcpy(branch, magic, sizeof(magic) - 1);
    memcpy(branch + sizeof(magic) - 1, tag, length + 1);
    return render(worker, &made, ack);
}

struct endpoint originate_next_hop(struct worker *worker, uint32_t dialog, enum dialog_side to)
{
    const struct inside inside = {.dialog = dialog, .to = to};
    struct made made = {.inside = &inside};
    find_next_hop(worker, &made);
    return made.next_hop;
}

void originate_bye(struct worker *worker, uint32_t dialog, enum dialog_side to)
{
    const struct inside bye = {.dialog = dialog,
                               .to = to,
                               .method = METHOD_BYE,
                               .cseq = dialog_cseq_next(&worker->dialogs, dialog, 1 - to),
                               .extra = "Reason: SIP;cause=480;text=\"ended by Dialgate\"\r\n"};
    (void)originate_inside(worker, &bye);
}
