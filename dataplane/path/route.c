// SPDX-License-Identifier: BSD-3-Clause
// The service decides (RFC 3261 section 16): proxy to a peer, answer by itself, refuse. Every INVITE and
// every request outside a dialog is forwarded statefully; other requests inside a dialog and the ACK to a 2xx
// are forwarded statelessly.
#include <string.h>
#include "failover.h"
#include "judge.h"
#include "refer_watch.h"
#include "ua.h"

#define HEADERS_ADDED 4u // Via, Max-Forwards, two Record-Routes

#define LOOP_PIECES 16u

struct loop_text {
    const struct siphash_key *key;
    struct siphash_piece pieces[LOOP_PIECES];
    unsigned count;
    uint64_t before;
};

static void loop_add(struct loop_text *text, const void *octets, size_t length)
{
    if (text->count == LOOP_PIECES) { // a long Route: what there was until here stands as one piece
        text->before = siphash13_joined(text->key, text->pieces, text->count);
        text->pieces[0] = (struct siphash_piece){&text->before, sizeof(text->before)};
        text->count = 1;
    }
    text->pieces[text->count++] = (struct siphash_piece){octets, length};
}

// What of a Route line was not read as our own: that stands among the hash's words.
static struct span foreign_routes(const struct work *work, const struct header_field *field)
{
    struct span rest = field->value;
    for (uint32_t i = 0; i < work->route_removal_count; i++) {
        struct span gone = work->route_removals[i];
        if (gone.offset == field->line.offset)
            return (struct span){0, 0};
        if (gone.offset == rest.offset)
            rest =
                (struct span){(uint16_t)(rest.offset + gone.length), (uint16_t)(rest.length - gone.length)};
    }
    return rest;
}

static void loop_add_headers(struct loop_text *text, const struct work *work, enum sip_header kind)
{
    const struct message *message = work->message;
    for (uint8_t field = message->first[kind]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        const struct header_field *line = &message->headers[field];
        struct span value = kind == HEADER_ROUTE ? foreign_routes(work, line) : line->value;
        loop_add(text, message_at(message, value), value.length);
    }
}

// The first piece: as it lies, and without holes.
struct loop_words {
    uint64_t call_hash;
    uint32_t cseq;
    uint32_t record; // with its generation, and the peers: of the cookie in Route
    uint16_t generation;
    uint16_t peers[2]; // both NUMBER_NONE: there is none
    uint16_t listener; // that our last Route value names
    uint16_t peer;
    uint16_t lengths[3]; // of Request-URI and tags, so that no octet passes from one to the next
};
static_assert(sizeof(struct loop_words) == 32, "no holes: all octets of it are hashed");

// 16.6 step 8 and RFC 5393 4.2: what decides the way of a request, as it was received. The topmost Via is not
// in it; of our own Route values it is what they say. Taken piece by piece by siphash_add() it cost twice as
// much. Who could make two requests of one hash would have his own refused as looped, so that the shorter
// hash does (it has the key of the other ones, from which the Call-ID's hash keeps it apart: that is secret).
static uint32_t loop_hash(const struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    const struct packet *packet = work->packet;
    const struct cookie_route *route = &work->cookie;
    const struct span spans[] = {message->request_uri, message->from_tag, message->to_tag};
    // Routes depend on the peer, too: an SBC may send a call back through us.
    struct loop_words words = {.call_hash = packet->call_hash,
                               .cseq = message->cseq_number,
                               .peers = {NUMBER_NONE, NUMBER_NONE},
                               .listener = work->route_listener,
                               .peer = packet->peer,
                               .lengths = {spans[0].length, spans[1].length, spans[2].length}};
    if (work->has_cookie) {
        words.record = route->index;
        words.generation = route->generation;
        words.peers[0] = route->caller_peer;
        words.peers[1] = route->callee_peer;
    }
    struct loop_text text = {.key = &worker->parts.keys.table, .count = 0};
    loop_add(&text, &words, sizeof(words));
    for (unsigned i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        loop_add(&text, message_at(message, spans[i]), spans[i].length);
    loop_add_headers(&text, work, HEADER_ROUTE);
    loop_add_headers(&text, work, HEADER_PROXY_REQUIRE);
    loop_add_headers(&text, work, HEADER_PROXY_AUTHORIZATION);
    return (uint32_t)siphash13_joined(text.key, text.pieces, text.count);
}

// 16.3 item 4: a Via of ours with the same loop hash has seen this very request.
static bool has_looped(const struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    struct via seen = {0};
    bool ours = false;
    for (uint8_t field = message->first[HEADER_VIA]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct via via;
        if (!ours && !cookie_branch_stands_in(octets_of(message, message->headers[field].value)))
            continue; // nearly all
        while (via_next(message->octets, message->headers[field].value, &at, &via) ==
               1) { // each turn moves on in the line
            // A stateless branch is bound to the Via below it, which only now is known.
            struct endpoint from;
            uint32_t loop;
            if (ours && endpoint_of_via(message, &via, &from) &&
                cookie_stateless_read(&worker->parts.keys, octets_of(message, seen.branch),
                                      octets_of(message, via.branch), &from, &loop) &&
                loop == work->loop)
                return true;
            struct cookie_branch branch;
            seen = via;
            ours = via_is_ours(worker->rules, message, &via);
            if (ours &&
                cookie_branch_read(&worker->parts.keys, octets_of(message, seen.branch),
                                   octets_of(message, message->call_id), &branch) &&
                branch.loop == work->loop)
                return true;
        }
    }
    return false;
}

// What message_judge() says of a request that parsed: 416, 483, 420.
static bool is_judged(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (judge_front_end_passes(message))
        return false;
    struct message_verdict verdict = message_judge(message, MESSAGE_FINE, &judge_front_end);
    if (verdict.action == JUDGE_FINE)
        return false;
    if (verdict.action == JUDGE_SILENCE) { // an ACK
        settle(work, message->max_forwards == 0 ? COUNTER_DROP_MAX_FORWARDS : COUNTER_DROP_MALFORMED_REQUEST);
        return true;
    }
    struct writer writer;
    writer_init(&writer, worker->scratch, sizeof(worker->scratch) - 1);
    write_verdict_header(&writer, message, &verdict, &judge_front_end);
    worker->scratch[writer.used] = '\0';
    reply_stateless(worker, work,
                    (struct reply){verdict.status, verdict.reason,
                                   writer.overflow ? NULL : (const char *)worker->scratch});
    return true;
}

// 16.3: what a proxy checks before it looks for a way.
static bool is_refused(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    bool ack = message->method == METHOD_ACK; // never answered
    if (is_judged(worker, work))
        return true;
    // What we send on must be readable for ourselves again: ACK, CANCEL and our own answers are made from it.
    if (message->header_count > MESSAGE_HEADERS_MAX - HEADERS_ADDED) {
        if (ack)
            settle(work, COUNTER_DROP_MALFORMED_REQUEST);
        else
            reply_stateless(worker, work, (struct reply){400, "Too Many Headers", NULL});
        return true;
    }
    work->loop = loop_hash(worker, work);
    if (!has_looped(worker, work))
        return false;
    if (ack)
        settle(work, COUNTER_DROP_STRAY_ACK);
    else
        reply_stateless(worker, work, (struct reply){482, "Loop Detected", NULL});
    return true;
}

static void release_pair(struct worker *worker, uint32_t server, uint32_t client)
{
    if (client != INDEX_NONE)
        transaction_release(&worker->transactions, client);
    if (server != INDEX_NONE)
        transaction_release(&worker->transactions, server);
}

static const struct reply no_room = {503, "Service Unavailable", "Retry-After: 5\r\n"};

// Makes the server and the client transaction and ties them together. Returns false, and nothing is left,
// without room.
static bool begin_pair(struct worker *worker, struct work *work, const struct route_target *target,
                       uint32_t pair[2])
{
    const struct message *message = work->message;
    bool invite = message->method == METHOD_INVITE;
    struct transactions *set = &worker->transactions;
    pair[0] = transaction_create(set, invite ? TRANSACTION_INVITE_SERVER : TRANSACTION_SERVER,
                                 work->server_key, worker->now);
    pair[1] = INDEX_NONE;
    if (pair[0] != INDEX_NONE)
        pair[1] =
            transaction_create(set, invite ? TRANSACTION_INVITE_CLIENT : TRANSACTION_CLIENT, 0, worker->now);
    if (pair[1] == INDEX_NONE) {
        release_pair(worker, pair[0], pair[1]);
        count(worker, COUNTER_TRANSACTION_FULL);
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct transaction *transaction = transaction_at(set, pair[i]);
        transaction->method = message->method;
        transaction->flags = 0;
        transaction->other = pair[1 - i];
        transaction->other_generation = transaction_at(set, pair[1 - i])->generation;
        transaction->remote = i == 0 ? work->reply_to : target->to;
        transaction->peer = i == 0 ? work->packet->peer : target->peer;
        transaction->member = target->member;
        transaction->received_us = (uint32_t)worker->now_us;
    }
    return true;
}

static void tie_dialog(struct worker *worker, const uint32_t pair[2], uint32_t dialog)
{
    for (unsigned i = 0; i < 2; i++) {
        struct transaction *transaction = transaction_at(&worker->transactions, pair[i]);
        transaction->dialog = dialog;
        transaction->dialog_generation = dialog_at(&worker->dialogs, dialog)->generation;
    }
}

// Renders, keeps and sends. A next hop whose MAC is not known yet is no failure: the client transaction
// repeats the request.
static uint32_t send_first(struct worker *worker, struct work *work, uint32_t client, struct forward *forward)
{
    struct transaction *transaction = transaction_at(&worker->transactions, client);
    struct cookie_branch parts = {.worker = (uint8_t)worker->parts.id,
                                  .generation = (uint16_t)transaction->generation,
                                  .index = client,
                                  .loop = work->loop};
    forward->branch_length = cookie_branch_write(
        &worker->parts.keys, &parts, octets_of(work->message, work->message->call_id), forward->branch);
    transaction->key = cookie_branch_key(&parts, work->packet->call_hash);
    struct rendered rendered;
    uint32_t outcome = forward_render(worker, work, forward, &rendered);
    if (outcome != 0)
        return outcome;
    if (transaction_keep(&worker->transactions, client, rendered.writer.octets, rendered.writer.used) != 0) {
        rte_pktmbuf_free(rendered.mbuf);
        return COUNTER_DROP_NO_ROOM;
    }
    outcome = tx_send(worker, rendered.mbuf, &rendered.writer, forward->to);
    return outcome == COUNTER_DROP_NO_NEXT_HOP ? 0 : outcome;
}

// What did not go with a transaction. Full is for new calls: what is inside one goes on.
static void go_without_state(struct worker *worker, struct work *work, uint32_t outcome, struct endpoint to)
{
    if (outcome == COUNTER_DROP_NO_ROOM && work->inside)
        forward_stateless(worker, work, to);
    else if (outcome == COUNTER_DROP_TOO_LONG)
        reply_stateless(worker, work, (struct reply){513, "Message Too Large", NULL});
    else
        reply_stateless(worker, work, no_room);
}

// The value of our Record-Route: names the record, when there is one, and both peers.
static void write_route_cookie(const struct worker *worker, const struct work *work,
                               const struct cookie_route *known, char cookie[COOKIE_TEXT_MAX])
{
    struct cookie_route route = *known;
    route.worker = (uint8_t)worker->parts.id;
    route.caller_peer = work->packet->peer;
    if (route.index != INDEX_NONE)
        route.generation = (uint16_t)dialog_at(&worker->dialogs, route.index)->generation;
    cookie_route_write(&worker->parts.keys, &route, octets_of(work->message, work->message->call_id), cookie);
}

void forward_stateful(struct worker *worker, struct work *work, const struct route_target *target)
{
    const struct message *message = work->message;
    bool invite = message->method == METHOD_INVITE;
    bool begins_dialog = !work->inside && forward_begins_dialog(message);
    uint32_t pair[2];
    struct call_parties call = {work->packet->peer, target->peer, target->member};
    bool is_call = begins_dialog && invite;
    if (!begin_pair(worker, work, target, pair)) {
        if (is_call)
            calls_untake(worker, &call);
        go_without_state(worker, work, COUNTER_DROP_NO_ROOM, target->to);
        return;
    }
    struct forward forward = {.to = target->to,
                              .peer = target->peer,
                              .listener_in = work->packet->source.listener,
                              .route = target->route,
                              .path = message->method == METHOD_REGISTER &&
                                      (worker->rules->peers[target->peer].flags & PEER_PATH)};
    char cookie[COOKIE_TEXT_MAX];
    uint32_t dialog = work->dialog;
    if (is_call) {
        dialog = dialog_begin(worker, work, target, pair[0]);
        if (dialog == INDEX_NONE) {
            calls_untake(worker, &call);
            release_pair(worker, pair[0], pair[1]);
            reply_stateless(worker, work, no_room);
            return;
        }
    }
    if (dialog != INDEX_NONE)
        tie_dialog(worker, pair, dialog);
    if (begins_dialog) {
        write_route_cookie(worker, work, &(struct cookie_route){.index = dialog, .callee_peer = target->peer},
                           cookie);
        forward.record_route = cookie;
    }
    uint32_t outcome = send_first(worker, work, pair[1], &forward);
    if (outcome != 0) {
        if (is_call)
            dialog_apply_end(worker, dialog, DIALOG_ON_REFUSED, &(struct call_end){.unrecorded = true});
        release_pair(worker, pair[0], pair[1]);
        go_without_state(worker, work, outcome, target->to);
        return;
    }
    failover_watch(worker, pair[1]);
    count(worker, invite ? COUNTER_TRANSACTION_IST : COUNTER_TRANSACTION_NIST);
    count(worker, invite ? COUNTER_TRANSACTION_ICT : COUNTER_TRANSACTION_NICT);
    if (invite)
        reply_trying(worker, work, pair[0]);
    work->to_peer = target->peer;
    refer_watch_request(worker, work);
    settle(work, COUNTER_OUT_FORWARDED);
}

// What is inside is known by its record, or by our tag alone.
static void take_for_application(struct worker *worker, struct work *work)
{
    if (work->dialog != INDEX_NONE)
        ua_take_inside(worker, work);
    else
        ua_take_stray(worker, work);
}

void route_stage(struct worker *worker, struct work *work)
{
    if (!work->message->is_request) {
        response_stage(worker, work);
        return;
    }
    // What begins outside a dialog comes to a listener of its peer: another network may forge its sources.
    if (!work->inside && !listener_is_of(worker->rules, work->packet->peer, work->packet->source.listener)) {
        settle(work, COUNTER_DROP_LISTENER);
        return;
    }
    if (is_refused(worker, work))
        return;
    if (work->message->method == METHOD_REFER &&
        (worker->rules->peers[work->packet->peer].flags & PEER_REFER_REFUSE)) {
        reply_stateless(worker, work, (struct reply){403, "REFER Not Allowed", NULL});
        count(worker, COUNTER_REFER_DENIED);
        if (work->outcome == COUNTER_OUT_ANSWERED)
            refer_watch_refused(worker, work, 403);
        return;
    }
    if (work->inside && rules_is_application(worker->rules, work->to_peer))
        take_for_application(worker, work);
    else if (work->inside)
        route_inside(worker, work);
    else
        route_new(worker, work);
}
