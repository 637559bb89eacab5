// SPDX-License-Identifier: BSD-3-Clause
// The next hop of a request inside a dialog (RFC 3261 16.6 steps 6 and 7): the first Route value that is not
// ours, or the Request-URI. It says which address of the other side's peer it is to be, and no more: nobody
// is sent to who is not of that peer, whatever stands in a URI. In this order:
//
//   - the URI's address (its maddr before its host), when it is one of the peer's;
//   - its name, when a member of the peer was found by it;
//   - where that side's messages come from, if there is a record to tell;
//   - an address of the peer's that DNS has for its name (name.h); until it has answered the request waits;
//   - 403, or 500 when DNS does not answer, which is treated like an error of the transport below.
//
// What asks for TLS or another transport is refused before that: sent over UDP it would not be what was asked
// for. sips is a scheme that we do not route by (16.3 item 2: 416). A transport that we do not have is what
// 16.9 calls an error of the transport, to be treated as a 503, and that becomes a 500 towards the sender
// (16.7 step 6): a 503 would tell it that we can serve nothing at all.
#include <string.h>
#include "refer_watch.h"
#include "worker_core.h"

static const struct reply not_allowed = {403, "Next Hop Not Allowed", NULL};

// The way of one request.
struct way {
    const struct work *work;
    struct next_hop_uri hop;
    struct endpoint to;
};

static bool has_name(const struct worker *worker, const struct way *way, uint16_t member)
{
    const char *name = rules_text(worker->rules, worker->rules->members[member].host);
    struct span host = way->hop.host;
    if (way->work->message->octets[host.offset + host.length - 1] == '.')
        host.length--; // the root's dot (25.1: hostname)
    return name[0] != '\0' && span_is(way->work->message->octets, host, name); // 19.1.4: without case
}

// Of several addresses of one name the one that has the call, else one by Call-ID, and of those one that is
// up if any is.
static uint16_t member_of_name(const struct worker *worker, const struct way *way)
{
    const struct work *work = way->work;
    const struct snapshot_peer *peer = &worker->rules->peers[work->to_peer];
    const uint16_t *list = worker->rules->lists + peer->list_offset;
    uint16_t found = NUMBER_NONE;
    if (work->dialog != INDEX_NONE && work->side == DIALOG_CALLER) {
        uint16_t member = dialog_at(&worker->dialogs, work->dialog)->callee_member;
        for (uint32_t i = 0; i < peer->member_count; i++)
            if (list[i] == member && has_name(worker, way, member))
                return member;
    }
    for (uint32_t i = 0; i < peer->member_count; i++) {
        uint16_t member = list[((uint32_t)work->packet->call_hash + i) % peer->member_count];
        if (!has_name(worker, way, member))
            continue;
        if (member_is_up(&worker->view, member))
            return member;
        if (found == NUMBER_NONE)
            found = member;
    }
    return found;
}

// False: the URI leads to nobody of the other side.
static bool find_by_uri(const struct worker *worker, struct way *way, enum next_hop kind)
{
    const struct rules *rules = worker->rules;
    uint16_t to_peer = way->work->to_peer;
    way->to = (struct endpoint){way->hop.address, way->hop.port != 0 ? way->hop.port : SIP_PORT, NUMBER_NONE};
    if (kind == NEXT_HOP_ADDRESS)
        return rules_peer(rules, &way->hop.address) == to_peer;
    if (kind != NEXT_HOP_NAME)
        return false;
    uint16_t member = member_of_name(worker, way);
    if (member == NUMBER_NONE)
        return false;
    way->to.address = rules->members[member].address;
    if (way->hop.port == 0) // RFC 3263 4.2: what SRV said, or the configuration
        way->to.port = rules->members[member].port;
    return true;
}

static bool find_by_source(const struct worker *worker, struct way *way)
{
    const struct work *work = way->work;
    if (work->dialog == INDEX_NONE)
        return false;
    way->to =
        dialog_endpoint(worker, work->dialog, work->side == DIALOG_CALLER ? DIALOG_CALLEE : DIALOG_CALLER);
    return ip_is_set(&way->to.address);
}

// RFC 5658: our Route value that faces the other side names the listener; else where that side was heard.
static uint16_t known_listener(const struct worker *worker, const struct work *work)
{
    if (work->route_listener != NUMBER_NONE || work->dialog == INDEX_NONE)
        return work->route_listener;
    enum dialog_side to = work->side == DIALOG_CALLER ? DIALOG_CALLEE : DIALOG_CALLER;
    return dialog_learnt(dialog_cold(&worker->dialogs, work->dialog), to).listener;
}

// NULL: way->to is the next hop, or the request is held.
static const struct reply *find_by_name(struct worker *worker, struct work *work, struct way *way)
{
    static const struct reply not_resolved = {500, "Next Hop Not Resolved", NULL};
    switch (name_find(worker, work, &way->hop, &way->to)) {
    case NAME_FOUND:
        return NULL;
    case NAME_OPEN:
        settle(work, WORK_HELD);
        return NULL;
    case NAME_FAILED:
        return &not_resolved;
    default:
        count(worker, COUNTER_NEXT_HOP_REFUSED);
        return &not_allowed;
    }
}

// NULL: way->to is the next hop, or the request is held.
static const struct reply *find_way(struct worker *worker, struct work *work, struct way *way)
{
    static const struct reply secure = {416, "Unsupported URI Scheme", NULL};
    static const struct reply transport = {500, "Transport Not Supported", NULL};
    const struct message *message = work->message;
    struct span uri = work->next_route.length != 0 ? work->next_route : message->request_uri;
    enum next_hop kind = next_hop_of_uri(message->octets, uri, &way->hop);
    // Behind a NAT what it calls itself leads nowhere.
    bool by_source =
        work->dialog != INDEX_NONE && (worker->rules->peers[work->to_peer].flags & PEER_CONTACT_SOURCE);
    if (kind == NEXT_HOP_SECURE || (kind == NEXT_HOP_TRANSPORT && !by_source)) {
        count(worker, COUNTER_NEXT_HOP_TRANSPORT);
        return kind == NEXT_HOP_SECURE ? &secure : &transport;
    }
    if ((!by_source && find_by_uri(worker, way, kind)) || find_by_source(worker, way))
        return NULL;
    if (kind == NEXT_HOP_NAME && !by_source)
        return find_by_name(worker, work, way);
    count(worker, COUNTER_NEXT_HOP_REFUSED);
    return &not_allowed;
}

void route_inside(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct way way = {.work = work};
    if (message->method == METHOD_NOTIFY && refer_operator_takes(worker, work))
        return;
    const struct reply *refusal = find_way(worker, work, &way);
    if (work->outcome == WORK_HELD)
        return;
    if (refusal != NULL) {
        if (message->method == METHOD_ACK)
            settle(work, COUNTER_DROP_NO_NEXT_HOP);
        else
            reply_stateless(worker, work, *refusal);
        refer_watch_refused(worker, work, refusal->status);
        return;
    }
    way.to.listener = listener_towards(worker, work->to_peer, &way.to.address, known_listener(worker, work));
    // Both may move their sender's target, which counts when they are answered by 2xx: until then the request
    // is kept.
    if (message->method == METHOD_INVITE || message->method == METHOD_UPDATE)
        forward_stateful(worker, work,
                         &(struct route_target){.to = way.to, .peer = work->to_peer, .member = NUMBER_NONE});
    else
        forward_stateless(worker, work, way.to);
    if (work->outcome != COUNTER_OUT_FORWARDED)
        return;
    if (message->method == METHOD_REFER || message->method == METHOD_NOTIFY)
        refer_watch_request(worker, work);
    if (work->dialog != INDEX_NONE)
        dialog_request(worker, work);
}
