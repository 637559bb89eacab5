// SPDX-License-Identifier: BSD-3-Clause
// Where a request outside a dialog goes (RFC 3261 16.5): the first route that fits, a member of the peer that
// it names, and whether the limits have room for one call more.
#include "ua.h"

// One header line of a text or a number, NULL without it.
static const char *line_of(struct worker *worker, const char *name, const char *text, uint32_t number)
{
    struct writer writer;
    writer_init(&writer, worker->scratch, sizeof(worker->scratch) - 1);
    write_text(&writer, name);
    if (text != NULL)
        write_text(&writer, text);
    else
        write_number(&writer, number);
    write_text(&writer, text != NULL ? ">\r\n" : "\r\n");
    worker->scratch[writer.used] = '\0';
    return (const char *)worker->scratch;
}

static void refuse(struct worker *worker, struct work *work, uint16_t status, uint32_t retry_after_s)
{
    const char *extra =
        retry_after_s != 0 ? line_of(worker, "Retry-After: ", NULL, retry_after_s) : NULL; // RFC 3261 20.33
    reply_stateless(worker, work, (struct reply){status, NULL, extra});
}

struct picking {
    uint16_t holder; // of what the request is about, NUMBER_NONE
    bool lost;
    struct refusal refusal; // counter: COUNTER_COUNT: no limit
};

// The one that holds what the request is about, if it takes it; the next time, and else, the balance's.
static uint16_t choose(struct worker *worker, const struct member_choice *choice, uint16_t *holder)
{
    uint16_t member = *holder;
    *holder = NUMBER_NONE;
    if (member != NUMBER_NONE && member_keeps(&worker->view, choice, member)) {
        count(worker, COUNTER_AFFINITY_KEPT);
        return member;
    }
    return member_choose(&worker->view, choice);
}

struct endpoint target_of_member(const struct worker *worker, uint16_t member)
{
    const struct snapshot_member *row = &worker->rules->members[member];
    return (struct endpoint){.address = row->address,
                             .port = row->port,
                             .listener = listener_towards(worker, row->peer, &row->address, NUMBER_NONE)};
}

// A member's own limit sends the call to the next one; any other is the end. lost: members without a route
// are asked too.
static bool pick_member(struct worker *worker, struct work *work, struct route_target *target,
                        struct picking *picking)
{
    struct member_choice choice = {.peer = target->peer, .call_hash = work->packet->call_hash};
    uint16_t holder = picking->holder;
    while ((target->member = choose(worker, &choice, &holder)) != NUMBER_NONE) {
        struct call_parties call = {work->packet->peer, target->peer, target->member};
        target->to = target_of_member(worker, target->member);
        bool routed = picking->lost || tx_is_routed(worker, target->to);
        if (routed &&
            (work->message->method != METHOD_INVITE || calls_take(worker, &call, &picking->refusal)))
            return true;
        if ((routed && picking->refusal.counter != COUNTER_LIMIT_MEMBER) ||
            choice.tried_count == MEMBER_TRIED_MAX)
            return false;
        member_tried(&choice, target->member);
    }
    return false;
}

// A member that takes the request, and for an INVITE its place within the limits. False: refused, or another
// worker is asked for the member first.
static bool find_member(struct worker *worker, struct work *work, struct route_target *target)
{
    struct picking picking = {.refusal = {503, 5, COUNTER_COUNT}};
    if (!affinity_find(worker, work, target->peer, &picking.holder))
        return false;
    bool found = pick_member(worker, work, target, &picking);
    if (!found &&
        picking.refusal.counter == COUNTER_COUNT) { // a route may come back while the request is repeated
        picking.lost = true;
        found = pick_member(worker, work, target, &picking);
    }
    if (found) {
        member_asked(&worker->view, target->member);
        return true;
    }
    const struct refusal *refusal = &picking.refusal;
    if (refusal->counter != COUNTER_COUNT) {
        count(worker, refusal->counter);
        count_word(&worker->parts.peers[work->packet->peer].refused_in_total, 1);
        count_word(&worker->parts.peers[target->peer].refused_out_total, 1);
    }
    refuse(worker, work, refusal->status, refusal->retry_after_s);
    return false;
}

// What the operator drains takes nothing new from where the request comes. OPTIONS too: who probes us is to
// look for another way.
static bool is_drained(struct worker *worker, struct work *work)
{
    const struct snapshot_settings *settings = worker->rules->settings;
    bool node = (settings->flags & SETTINGS_DRAINING) != 0;
    if (!node && !(worker->rules->peers[work->packet->peer].flags & PEER_DRAINING))
        return false;
    count(worker, node ? COUNTER_DRAINED_NODE : COUNTER_DRAINED_PEER);
    refuse(worker, work, 503, settings->limit_retry_after_s);
    return true;
}

// An application that the operator drains takes nothing new.
static void take_for_application(struct worker *worker, struct work *work, uint16_t application)
{
    if (worker->rules->peers[application].flags & PEER_DRAINING) {
        count(worker, COUNTER_DRAINED_PEER);
        refuse(worker, work, 503, worker->rules->settings->limit_retry_after_s);
        return;
    }
    ua_take_new(worker, work, application);
}

void route_new(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (message->method ==
        METHOD_ACK) { // the ACK to a refusal that was sent without state has no To-tag only when it is wrong
        settle(work, COUNTER_DROP_STRAY_ACK);
        return;
    }
    if (is_drained(worker, work))
        return;
    const struct snapshot_route *route = match_route(worker, work);
    if (route == NULL) {
        reply_stateless(worker, work, (struct reply){404, "Not Found", NULL});
        return;
    }
    if (route->action == ROUTE_ANSWER) {
        refuse(worker, work, route->answer, route->retry_after_s);
        return;
    }
    if (route->action == ROUTE_REDIRECT) { // 21.3.3
        reply_stateless(
            worker, work,
            (struct reply){302, "Moved Temporarily",
                           line_of(worker, "Contact: <", rules_text(worker->rules, route->redirect), 0)});
        return;
    }
    if (rules_is_application(worker->rules, route->to)) {
        take_for_application(worker, work, route->to);
        return;
    }
    struct route_target target = {.peer = route->to, .route = route};
    if (!find_member(worker, work, &target))
        return;
    forward_stateful(worker, work, &target);
    if (work->outcome == COUNTER_OUT_FORWARDED && message->method == METHOD_INVITE) {
        count_word(&worker->parts.peers[work->packet->peer].calls_in_total, 1);
        count_word(&worker->parts.peers[route->to].calls_out_total, 1);
        count_word(&worker->parts.members[target.member].calls_total, 1);
    }
}
