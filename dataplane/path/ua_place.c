// SPDX-License-Identifier: BSD-3-Clause
// Requests of applications outside a dialog: the INVITE of a call (RFC 3261 8.1, 13.2.1), and others.
//
// What an application has written is not trusted to be a message. A draft of it is parsed as if it had been
// received, and has to be without fault and to say what we say: our tag, our Call-ID. The routes look at the
// draft, too. Then the listener is known, and the request is written that goes.
#include <errno.h>
#include <string.h>
#include "feedback.h"
#include "dialog_track.h"
#include "header.h"
#include "owner.h"
#include "random.h"
#include "ua_send.h"
#include "ua_tag.h"

// One that is being made.
struct placed {
    const struct ua_command *command;
    struct packet packet; // as if it had come from the application
    uint16_t peer, member;
    bool invite;
    const struct snapshot_route *route; // NULL: the command names the peer
    struct endpoint to;
    uint32_t cseq;
    struct dialog_string call_id, tag; // the command's, or the two below
    char new_call_id[COOKIE_TEXT_MAX], new_tag[COOKIE_TEXT_MAX];
    char branch[COOKIE_TEXT_MAX];
};

static struct cookie_octets cookie_of(struct dialog_string text)
{
    return (struct cookie_octets){text.octets, text.length};
}

static void write_string(struct writer *writer, struct dialog_string text)
{
    write_octets(writer, text.octets, text.length);
}

// A tag that we gave to a caller has letters behind it.
static bool is_own_tag(const struct cookie_keys *keys, const struct placed *placed, uint16_t *application)
{
    struct cookie_octets tag = cookie_of(placed->tag);
    tag.length = RTE_MIN(tag.length, (size_t)UA_TAG_LENGTH);
    return ua_tag_read(keys, tag, cookie_of(placed->call_id), application);
}

// Call-ID and From-tag: new ones, or those of an earlier request (8.1.3.5, 10.2.4, 22.2), which come from
// here.
static int find_name(struct worker *worker, struct placed *placed)
{
    const struct ua_command *command = placed->command;
    const struct cookie_keys *keys = &worker->parts.keys;
    uint16_t application;
    placed->call_id = command->texts[CHANNEL_UA_TEXT_CALL_ID];
    placed->tag = command->texts[CHANNEL_UA_TEXT_FROM_TAG];
    placed->cseq = command->fixed->cseq;
    if (placed->call_id.length == 0) {
        if (placed->tag.length != 0 || placed->cseq != 0)
            return -EINVAL;
        if (!random_call_id(worker, placed->new_call_id))
            return -ENOSPC;
        placed->cseq = 1;
        placed->call_id = (struct dialog_string){placed->new_call_id, (uint32_t)strlen(placed->new_call_id)};
        placed->tag.length =
            ua_tag_write(keys, command->fixed->application, cookie_of(placed->call_id), placed->new_tag);
        placed->tag.octets = placed->new_tag;
    } else if (placed->cseq == 0 || placed->cseq >= 1u << 31 || // 8.1.1.5
               !is_own_tag(keys, placed, &application) || application != command->fixed->application) {
        return -EINVAL;
    }
    placed->packet.call_hash = siphash13(&keys->table, placed->call_id.octets, placed->call_id.length);
    // What comes of it would go to another worker.
    return owner_of(placed->packet.call_hash, worker->parts.count) == worker->parts.id ? 0 : -EINVAL;
}

static struct dialog_string method_of(const struct placed *placed)
{
    static const struct dialog_string invite = {"INVITE", 6};
    return placed->invite ? invite : placed->command->texts[CHANNEL_UA_TEXT_METHOD];
}

// The application's address is that of its first listener, whatever the request leaves by.
static void write_own_address(const struct worker *worker, struct writer *writer, uint16_t application)
{
    uint16_t listener = worker->rules->peers[application].listeners[0];
    if (listener >= worker->rules->listener_count)
        listener = 0;
    listener_write(worker->rules, writer, listener);
}

static void write_from(const struct worker *worker, struct writer *writer, const struct placed *placed)
{
    const struct ua_command *command = placed->command;
    write_text(writer, "From: ");
    if (command->texts[CHANNEL_UA_TEXT_FROM].length > 0) {
        write_string(writer, command->texts[CHANNEL_UA_TEXT_FROM]);
    } else {
        write_text(writer, "<sip:");
        write_text(writer, worker->rules->peers[command->fixed->application].name);
        write_text(writer, "@");
        write_own_address(worker, writer, command->fixed->application);
        write_text(writer, ">");
    }
    write_text(writer, ";tag=");
    write_string(writer, placed->tag);
    write_text(writer, "\r\n");
}

static void write_to(struct writer *writer, const struct placed *placed)
{
    const struct ua_command *command = placed->command;
    write_text(writer, "To: ");
    if (command->texts[CHANNEL_UA_TEXT_TO].length > 0) {
        write_string(writer, command->texts[CHANNEL_UA_TEXT_TO]);
    } else {
        write_text(writer, "<");
        write_string(writer, command->texts[CHANNEL_UA_TEXT_URI]);
        write_text(writer, ">");
    }
    write_text(writer, "\r\n");
}

// Of those that refresh a target, or make one; a REGISTER without a Contact asks (10.2.3).
static bool needs_contact(enum sip_method method)
{
    return method == METHOD_INVITE || method == METHOD_SUBSCRIBE || method == METHOD_NOTIFY ||
           method == METHOD_REFER;
}

static void write_contact(const struct worker *worker, struct writer *writer, const struct placed *placed)
{
    struct dialog_string contact = placed->command->texts[CHANNEL_UA_TEXT_CONTACT];
    struct dialog_string method = method_of(placed);
    if (contact.length == 0 && !needs_contact(method_find(method.octets, method.length)))
        return;
    write_text(writer, "Contact: ");
    if (contact.length > 0) {
        write_string(writer, contact);
    } else {
        write_text(writer, "<sip:");
        listener_write(worker->rules, writer, placed->to.listener);
        write_text(writer, ">");
    }
    write_text(writer, "\r\n");
}

// draft: parsed in worker->kept, NULL: this is it.
static void write_request(struct worker *worker, struct writer *writer, const struct placed *placed,
                          const struct message *draft)
{
    const struct ua_command *command = placed->command;
    write_string(writer, method_of(placed));
    write_text(writer, " ");
    if (draft != NULL)
        rewrite_request_uri(worker, draft, placed->route, writer);
    else
        write_string(writer, command->texts[CHANNEL_UA_TEXT_URI]);
    write_text(writer, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
    listener_write(worker->rules, writer, placed->to.listener);
    write_text(writer, ";branch=");
    write_text(writer, placed->branch);
    if (draft != NULL && feedback_is_on(worker, placed->peer))
        write_text(writer, FEEDBACK_OFFER);
    write_text(writer, "\r\nMax-Forwards: 70\r\n");
    write_from(worker, writer, placed);
    write_to(writer, placed);
    write_text(writer, "Call-ID: ");
    write_string(writer, placed->call_id);
    write_text(writer, "\r\nCSeq: ");
    write_number(writer, placed->cseq);
    write_text(writer, " ");
    write_string(writer, method_of(placed));
    write_text(writer, "\r\n");
    write_contact(worker, writer, placed);
    if (placed->invite)
        ua_write_options(worker, writer,
                         &(struct ua_options){.application = command->fixed->application,
                                              .invite = true,
                                              .dialog = INDEX_NONE,
                                              .wanted = command->fixed});
    write_string(writer, command->texts[CHANNEL_UA_TEXT_HEADERS]);
    write_text(writer, "Content-Length: ");
    write_number(writer, command->body.length);
    write_text(writer, "\r\n\r\n");
    write_string(writer, command->body);
}

// Inside a dialog that its application keeps by itself a request may have these methods.
static bool is_method(const struct placed *placed, const struct message *draft)
{
    switch (draft->method) {
    case METHOD_INVITE:
        return placed->invite;
    case METHOD_ACK:
    case METHOD_CANCEL:
    case METHOD_BYE:
    case METHOD_PRACK:
    case METHOD_UPDATE:
        return false;
    default:
        return true;
    }
}

// The draft, in worker->kept. Its Via is anybody's.
static int make_draft(struct worker *worker, struct placed *placed)
{
    struct message *draft = &worker->kept;
    struct writer writer;
    struct uri uri;
    bool again = placed->command->texts[CHANNEL_UA_TEXT_CALL_ID].length > 0;
    writer_init(&writer, worker->restored[0], sizeof(worker->restored[0]));
    strcpy(placed->branch, "z9hG4bK");
    write_request(worker, &writer, placed, NULL);
    if (writer.overflow)
        return -EMSGSIZE;
    if (message_parse(writer.octets, writer.used, draft) != MESSAGE_FINE || !is_method(placed, draft) ||
        draft->body.length != placed->command->body.length ||
        uri_parse(draft->octets, draft->request_uri, &uri) != 0 || uri.scheme == URI_SIPS ||
        uri.headers.offset != 0)
        return -EINVAL;
    struct dialog_string tag = string_of(draft, draft->from_tag), call_id = string_of(draft, draft->call_id);
    bool same = tag.length == placed->tag.length && call_id.length == placed->call_id.length &&
                memcmp(tag.octets, placed->tag.octets, tag.length) == 0 &&
                memcmp(call_id.octets, placed->call_id.octets, call_id.length) == 0;
    // A tag of the far end is that of a dialog which the application keeps by itself.
    return same && (draft->to_tag.length == 0 || (again && !placed->invite)) ? 0 : -EINVAL;
}

// The peer: the command's, or that of the first route from the application which fits.
static int find_peer(struct worker *worker, struct placed *placed)
{
    const struct rules *rules = worker->rules;
    placed->peer = placed->command->fixed->to_peer;
    if (placed->peer == NUMBER_NONE) {
        const struct work work = {.packet = &placed->packet, .message = &worker->kept};
        placed->route = match_route(worker, &work);
        if (placed->route == NULL || placed->route->action != ROUTE_TO_PEER)
            return -ENETUNREACH;
        placed->peer = placed->route->to;
    }
    bool known = placed->peer < rules->peer_count && (rules->peers[placed->peer].flags & SNAPSHOT_PRESENT);
    return known && !rules_is_application(rules, placed->peer) ? 0 : -ENETUNREACH;
}

static uint16_t next_member(struct worker *worker, const struct placed *placed,
                            const struct member_choice *choice)
{
    uint16_t wanted = placed->command->fixed->to_member;
    if (wanted == NUMBER_NONE)
        return member_choose(&worker->view, choice);
    if (wanted >= worker->rules->member_count || choice->tried_count > 0)
        return NUMBER_NONE;
    const struct snapshot_member *row = &worker->rules->members[wanted];
    bool usable = (row->flags & SNAPSHOT_PRESENT) && !(row->flags & MEMBER_DISABLED);
    return usable && row->peer == placed->peer ? wanted : NUMBER_NONE;
}

static void count_refusal(struct worker *worker, const struct placed *placed, enum counter counter)
{
    count(worker, counter);
    count_word(&worker->parts.peers[placed->packet.peer].refused_in_total, 1);
    count_word(&worker->parts.peers[placed->peer].refused_out_total, 1);
}

// A member that can be reached, and for a call its place within the limits. A member's own limit sends it to
// the next one.
static int find_member(struct worker *worker, struct placed *placed)
{
    struct member_choice choice = {.peer = placed->peer, .call_hash = placed->packet.call_hash};
    struct refusal refusal = {.counter = COUNTER_COUNT};
    while ((placed->member = next_member(worker, placed, &choice)) != NUMBER_NONE) {
        const struct call_parties call = {placed->packet.peer, placed->peer, placed->member};
        placed->to = target_of_member(worker, placed->member);
        bool routed = tx_is_routed(worker, placed->to);
        if (routed && (!placed->invite || calls_take(worker, &call, &refusal))) {
            member_asked(&worker->view, placed->member);
            return 0;
        }
        if ((routed && refusal.counter != COUNTER_LIMIT_MEMBER) || choice.tried_count == MEMBER_TRIED_MAX)
            break;
        member_tried(&choice, placed->member);
    }
    if (refusal.counter == COUNTER_COUNT)
        return -ENETUNREACH;
    count_refusal(worker, placed, refusal.counter);
    return -EBUSY;
}

static int find_way(struct worker *worker, struct placed *placed)
{
    bool node = (worker->rules->settings->flags & SETTINGS_DRAINING) != 0;
    int result = find_peer(worker, placed);
    if (result != 0)
        return result;
    if (node || (worker->rules->peers[placed->packet.peer].flags & PEER_DRAINING)) {
        count(worker, node ? COUNTER_DRAINED_NODE : COUNTER_DRAINED_PEER);
        return -EBUSY;
    }
    return find_member(worker, placed);
}

// Its transaction and the request, ready to go; worker->kept is the request then. The transaction stays the
// caller's when it fails.
static int render(struct worker *worker, struct placed *placed, uint32_t client, struct originated *request)
{
    struct transaction *transaction = transaction_at(&worker->transactions, client);
    const struct cookie_branch parts = {.worker = (uint8_t)worker->parts.id,
                                        .generation = (uint16_t)transaction->generation,
                                        .index = client};
    unsigned length =
        cookie_branch_write(&worker->parts.keys, &parts, cookie_of(placed->call_id), placed->branch);
    transaction->key = siphash13(&worker->parts.keys.table, placed->branch, length);
    transaction->received_us = (uint32_t)worker->now_us;
    transaction->peer = placed->peer;
    transaction->member = placed->member;
    request->to = placed->to;
    request->mbuf = tx_open(worker, &request->writer);
    if (request->mbuf == NULL)
        return -ENOSPC;
    request->writer.size = RTE_MIN(request->writer.size, tx_room(worker, placed->to));
    write_request(worker, &request->writer, placed, &worker->kept);
    if (!request->writer.overflow &&
        message_parse(request->writer.octets, request->writer.used, &worker->kept) == MESSAGE_FINE)
        return 0;
    rte_pktmbuf_free(request->mbuf);
    return request->writer.overflow ? -EMSGSIZE : -EINVAL; // a route has made something else of the URI
}

// Everything up to a request that only has to be sent.
static int prepare(struct worker *worker, struct placed *placed, uint32_t *client, struct originated *request)
{
    const struct ua_command *command = placed->command;
    if (!rules_is_application(worker->rules, command->fixed->application))
        return -EINVAL;
    placed->packet.peer = command->fixed->application;
    placed->packet.source.listener = NUMBER_NONE;
    int result = find_name(worker, placed);
    if (result == 0)
        result = make_draft(worker, placed);
    if (result == 0)
        result = find_way(worker, placed);
    if (result != 0)
        return result;
    enum sip_method method = (enum sip_method)worker->kept.method;
    *client = originate_begin(worker, (uint8_t)method, placed->to, INDEX_NONE);
    if (*client == INDEX_NONE)
        result = -ENOSPC;
    else if ((result = render(worker, placed, *client, request)) != 0)
        transaction_release(&worker->transactions, *client);
    const struct call_parties call = {placed->packet.peer, placed->peer, placed->member};
    if (result != 0 && placed->invite)
        calls_untake(worker, &call);
    return result;
}

// The record and the usage of the call, and its transaction tied to them. INDEX_NONE: no room, and the call
// is not counted any more.
static uint32_t begin_call(struct worker *worker, struct placed *placed, uint32_t client)
{
    const struct call_parties call = {placed->packet.peer, placed->peer, placed->member};
    const struct work work = {.packet = &placed->packet, .message = &worker->kept};
    const struct dialog_birth birth = {
        .caller_peer = call.from,
        .callee_peer = call.to,
        .callee_member = call.member,
        .counted = true,
        .learnt = {[DIALOG_CALLER] = {.listener = placed->to.listener}, [DIALOG_CALLEE] = placed->to},
        .invite = INDEX_NONE};
    uint32_t usage = usage_create(&worker->ua.usages, USAGE_CLIENT, placed->cseq, worker->now);
    if (usage == INDEX_NONE)
        count(worker, COUNTER_UA_FULL);
    uint32_t dialog = usage == INDEX_NONE ? INDEX_NONE : track_begin(worker, &work, birth, NULL);
    if (dialog == INDEX_NONE) {
        if (usage != INDEX_NONE)
            usage_release(&worker->ua.usages, usage);
        calls_untake(worker, &call);
        return INDEX_NONE;
    }
    struct transaction *transaction = transaction_at(&worker->transactions, client);
    struct usage *record = usage_at(&worker->ua.usages, usage);
    ua_tie(worker, dialog, usage);
    transaction->dialog = dialog;
    transaction->dialog_generation = dialog_at(&worker->dialogs, dialog)->generation;
    record->invite = client;
    record->invite_generation = transaction->generation;
    if (placed->command->fixed->flags & CHANNEL_UA_LATE_ACK)
        record->flags |= USAGE_FLAG_LATE_ACK;
    if (placed->command->fixed->flags & CHANNEL_UA_DESCRIPTION)
        (void)usage_description(&worker->ua.usages, usage, OFFER_IN_INVITE, true);
    return dialog;
}

int ua_place(struct worker *worker, struct ua_command *command)
{
    struct placed placed = {.command = command, .invite = true};
    struct originated request;
    uint32_t client;
    if (command->dialog != INDEX_NONE)
        return -EINVAL;
    int result = prepare(worker, &placed, &client, &request);
    if (result != 0)
        return result;
    uint32_t dialog = begin_call(worker, &placed, client);
    if (dialog == INDEX_NONE) {
        rte_pktmbuf_free(request.mbuf);
        transaction_release(&worker->transactions, client);
        return -ENOSPC;
    }
    ua_own(worker, client, command->fixed->tag);
    result = originate_send_asked(worker, client, &request);
    if (result != 0) {
        usage_release(&worker->ua.usages, ua_usage_awake(worker, dialog));
        dialog_apply_end(worker, dialog, DIALOG_ON_REFUSED, &(struct call_end){.unrecorded = true});
        return result;
    }
    count_word(&worker->parts.peers[placed.packet.peer].calls_in_total, 1);
    count_word(&worker->parts.peers[placed.peer].calls_out_total, 1);
    count_word(&worker->parts.members[placed.member].calls_total, 1);
    command->dialog = dialog;
    command->transaction = client;
    return 0;
}

int ua_place_other(struct worker *worker, struct ua_command *command)
{
    struct placed placed = {.command = command};
    struct originated request;
    uint32_t client;
    int result = prepare(worker, &placed, &client, &request);
    if (result != 0)
        return result;
    ua_own(worker, client, command->fixed->tag);
    result = originate_send_asked(worker, client, &request);
    if (result == 0)
        command->transaction = client;
    return result;
}
