// SPDX-License-Identifier: BSD-3-Clause
#include "capture.h"

#include <string.h>
#include "capture_match.h"
#include "frame.h"
#include "worker_core.h"

void capture_init(struct worker *worker)
{
    if (worker->parts.captures != NULL)
        capture_ring_init(&worker->capturing.writer, worker->parts.captures);
}

// A slot that another capture has now follows none of the calls that the one before did.
void capture_settings(struct worker *worker)
{
    struct capturing *capturing = &worker->capturing;
    const struct capture_table *table = worker->captures;
    uint8_t others = 0;
    capturing->settled = table != NULL ? table->serial : 0;
    for (unsigned slot = 0; table != NULL && slot < CAPTURES_MAX; slot++) {
        if (capturing->serials[slot] == table->slots[slot].serial)
            continue;
        capturing->serials[slot] = table->slots[slot].serial;
        others |= (uint8_t)(1u << slot);
    }
    if (others != 0)
        capture_calls_clear(&capturing->calls, others);
}

static bool is_drop(uint16_t outcome)
{
    return outcome != CAPTURE_NO_OUTCOME && outcome != COUNTER_OUT_FORWARDED &&
           outcome != COUNTER_OUT_ANSWERED && outcome != COUNTER_OUT_ABSORBED;
}

static uint8_t eligible(const struct worker *worker, uint16_t outcome)
{
    return worker->captures->live & (is_drop(outcome) ? 0xff : (uint8_t)~worker->captures->dropped);
}

// Whether what matches nothing so far may turn out to be of a call that does.
static bool may_turn_out(const struct worker *worker)
{
    return (worker->captures->peers | worker->captures->numbers) != 0;
}

// Unix time of a moment of the worker's clock.
static uint64_t wall_of(const struct worker *worker, uint64_t us)
{
    return us - worker->us_ahead_of_tsc +
           __atomic_load_n(&worker->parts.published->tsc_to_wall_us, __ATOMIC_RELAXED);
}

// Adds a record that waits, like what it answers, for commit(). head: all that is known but the sizes.
static struct capture_record *add(struct worker *worker, const struct capture_sight *sight, uint8_t captures,
                                  const struct capture_record *head)
{
    struct capturing *capturing = &worker->capturing;
    if (capturing->count == CAPTURE_PENDING)
        return NULL;
    struct capture_record *record = capture_ring_add(&capturing->writer, sight->length);
    capturing->pending[capturing->count++] =
        (struct capture_pending){.call_hash = sight->has_call ? sight->call_hash : 0,
                                 .record = record,
                                 .captures = captures,
                                 .eligible = eligible(worker, head->outcome)};
    if (record == NULL)
        return NULL;
    uint32_t size = record->size;
    *record = *head;
    record->size = size;
    record->length = (uint16_t)sight->length;
    record->serial = worker->captures->serial;
    record->peer = sight->peer;
    memcpy(record + 1, sight->octets, sight->length);
    return record;
}

// Takes one message of each capture's limits; returns those that have not reached them. All workers' words:
// locked instructions, but only for what is captured, and so the limits are exact.
static uint8_t within_limits(struct worker *worker, uint8_t captures, uint32_t octets)
{
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        const struct capture_filter *filter = &worker->captures->slots[slot];
        struct capture_count *words = &worker->parts.captures->counts[slot];
        uint8_t bit = (uint8_t)(1u << slot);
        if (!(captures & bit))
            continue;
        if (__atomic_load_n(&words->octets, __ATOMIC_RELAXED) >= filter->octets) {
            captures &= (uint8_t)~bit;
        } else if (__atomic_fetch_add(&words->messages, 1, __ATOMIC_RELAXED) >= filter->messages) {
            __atomic_fetch_sub(&words->messages, 1, __ATOMIC_RELAXED);
            captures &= (uint8_t)~bit;
        } else {
            __atomic_fetch_add(&words->octets, octets, __ATOMIC_RELAXED);
        }
    }
    return captures;
}

static void lose(struct worker *worker, uint8_t captures)
{
    capture_ring_lost(&worker->capturing.writer);
    count(worker, COUNTER_CAPTURE_LOST);
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        if (captures & 1u << slot)
            __atomic_fetch_add(&worker->parts.captures->counts[slot].lost, 1, __ATOMIC_RELAXED);
    }
}

// Of what was added since the last time the reader sees what some capture wants.
static void commit(struct worker *worker)
{
    struct capturing *capturing = &worker->capturing;
    bool some = false;
    for (unsigned i = 0; i < capturing->count; i++) {
        const struct capture_pending *pending = &capturing->pending[i];
        uint8_t captures = pending->captures;
        if (pending->call_hash != 0)
            captures |= capture_calls_find(&capturing->calls, pending->call_hash);
        captures &= pending->eligible;
        if (pending->record == NULL) {
            if (captures != 0)
                lose(worker, captures);
            continue;
        }
        captures = within_limits(worker, captures, pending->record->length);
        pending->record->captures = captures;
        if (captures != 0)
            count(worker, COUNTER_CAPTURED);
        some |= captures != 0;
    }
    if (some)
        capture_ring_publish(&capturing->writer);
    else if (capturing->count > 0)
        capture_ring_take_back(&capturing->writer, capturing->begin);
    capturing->count = 0;
    capturing->has_received = false;
}

// Adds what has no received message to wait for, or waits with it.
static void add_or_commit(struct worker *worker, const struct capture_sight *sight, uint8_t captures,
                          const struct capture_record *head)
{
    struct capturing *capturing = &worker->capturing;
    bool waits = capturing->inside;
    if (!waits)
        capturing->begin = capturing->writer.head;
    add(worker, sight, captures, head);
    if (!waits)
        commit(worker);
}

static struct capture_sight sight_of_packet(const struct worker *worker, const struct packet *packet)
{
    return (struct capture_sight){.octets = packet->payload,
                                  .length = packet->length,
                                  .has_call = packet->call_id.length > 0,
                                  .call_hash = packet->call_hash,
                                  .peer = rules_peer(worker->rules, &packet->source.address)};
}

// The core that received it may have had older rules, and its clock may be a little ahead.
static struct capture_record record_of_packet(const struct worker *worker, const struct packet *packet,
                                              uint16_t outcome)
{
    const struct rules *rules = worker->rules;
    int32_t age_us = (int32_t)((uint32_t)worker->now_us - packet->received_us);
    struct capture_record record = {
        .time_us = wall_of(worker, worker->now_us - (uint64_t)RTE_MAX(age_us, 0)),
        .outcome = outcome,
        .network = NUMBER_NONE,
        .source = packet->source.address,
        .source_port = packet->source.port,
    };
    if (packet->source.listener < rules->listener_count) {
        const struct snapshot_listener *listener = &rules->listeners[packet->source.listener];
        record.network = listener->network;
        record.destination = listener->address;
        record.destination_port = listener->port;
    }
    return record;
}

void capture_received(struct worker *worker, const struct work *work)
{
    struct capturing *capturing = &worker->capturing;
    const struct packet *packet = work->packet;
    capturing->inside = true;
    capturing->begin = capturing->writer.head;
    // One that comes again from another worker, or from those that waited, is in the ring already.
    if (packet->ask != ASK_NOT || packet->is_held)
        return;
    struct capture_sight sight = sight_of_packet(worker, packet);
    uint8_t captures = capture_match(worker, &sight);
    if ((captures & (uint8_t)~worker->captures->dropped) == 0 && !may_turn_out(worker))
        return;
    const struct capture_record record = record_of_packet(worker, packet, CAPTURE_NO_OUTCOME);
    add(worker, &sight, captures, &record);
    capturing->has_received = true;
}

// Those that want nothing but what is dropped have it now.
static void add_dropped(struct worker *worker, const struct packet *packet, uint16_t outcome)
{
    if (worker->captures->dropped == 0)
        return;
    struct capture_sight sight = sight_of_packet(worker, packet);
    uint8_t captures = capture_match(worker, &sight) & worker->captures->dropped;
    const struct capture_record record = record_of_packet(worker, packet, outcome);
    if (captures != 0)
        add_or_commit(worker, &sight, captures, &record);
}

void capture_settled(struct worker *worker, const struct work *work)
{
    struct capturing *capturing = &worker->capturing;
    uint16_t outcome = work->outcome < COUNTER_COUNT ? (uint16_t)work->outcome : CAPTURE_NO_OUTCOME;
    if (capturing->has_received) {
        capturing->pending[0].eligible = eligible(worker, outcome);
        if (capturing->pending[0].record != NULL)
            capturing->pending[0].record->outcome = outcome;
    } else if (is_drop(outcome)) {
        add_dropped(worker, work->packet, outcome);
    }
    commit(worker);
    capturing->inside = false;
}

void capture_dropped(struct worker *worker, const struct packet *packet, uint16_t outcome)
{
    add_dropped(worker, packet, outcome);
}

void capture_sent(struct worker *worker, const struct writer *message, struct endpoint to, uint16_t outcome)
{
    const struct rules *rules = worker->rules;
    struct capture_sight sight = {
        .octets = message->octets, .length = message->used, .peer = rules_peer(rules, &to.address)};
    struct span call_id;
    if (message->overflow || to.listener >= rules->listener_count)
        return; // it was not written whole, or is from nowhere
    sight.has_call = peek_call_id(sight.octets, sight.length, &call_id);
    if (sight.has_call)
        sight.call_hash = siphash13(&worker->parts.keys.table, sight.octets + call_id.offset, call_id.length);
    uint8_t captures = capture_match(worker, &sight);
    if ((captures & eligible(worker, outcome)) == 0 && !(worker->capturing.inside && may_turn_out(worker)))
        return;
    const struct snapshot_listener *listener = &rules->listeners[to.listener];
    const struct capture_record record = {
        .flags = CAPTURE_SENT,
        .time_us = wall_of(worker, worker_us(worker)),
        .outcome = outcome,
        .network = listener->network,
        .source = listener->address,
        .source_port = listener->port,
        .destination = to.address,
        .destination_port = to.port,
    };
    add_or_commit(worker, &sight, captures, &record);
}

// Nothing was read of these: whose call they are is not known.
static uint8_t match_unread(const struct worker *worker, uint16_t peer)
{
    const struct capture_table *table = worker->captures;
    uint8_t captures = 0;
    for (unsigned slot = 0; slot < CAPTURES_MAX; slot++) {
        const struct capture_filter *filter = &table->slots[slot];
        if (filter->kind == CHANNEL_CAPTURE_ALL ||
            (filter->kind == CHANNEL_CAPTURE_PEER && filter->peer == peer))
            captures |= (uint8_t)(1u << slot);
    }
    return captures & table->dropped;
}

void capture_unread(struct worker *worker, const struct packet *packet, uint16_t outcome)
{
    if (worker->captures->dropped == 0)
        return;
    const struct capture_sight sight = {.octets = packet->payload,
                                        .length = packet->length,
                                        .peer = rules_peer(worker->rules, &packet->source.address)};
    uint8_t captures = match_unread(worker, sight.peer);
    const struct capture_record record = record_of_packet(worker, packet, outcome);
    if (captures != 0)
        add_or_commit(worker, &sight, captures, &record);
}

// The peer at the other end of a frame.
static uint16_t peer_of_frame(const struct worker *worker, const struct capture_sight *sight, bool sent)
{
    struct frame frame;
    if (!frame_ends(sight->octets, sight->length, &frame))
        return NUMBER_NONE;
    return rules_peer(worker->rules, sent ? &frame.destination : &frame.source);
}

void capture_frame(struct worker *worker, struct rte_mbuf *mbuf, uint16_t outcome, uint8_t flags)
{
    struct capture_sight sight = {.octets = rte_pktmbuf_mtod(mbuf, const uint8_t *),
                                  .length = rte_pktmbuf_data_len(mbuf)};
    if (worker->captures->dropped == 0 || outcome == COUNTER_DROP_NOT_IP || outcome == COUNTER_DROP_NOT_UDP)
        return;
    sight.peer = peer_of_frame(worker, &sight, flags & CAPTURE_SENT);
    uint8_t captures = match_unread(worker, sight.peer);
    const struct capture_record record = {.flags = CAPTURE_FRAME | flags,
                                          .time_us = wall_of(worker, worker->now_us),
                                          .outcome = outcome,
                                          .network = packet_of(mbuf)->network};
    if (captures != 0)
        add_or_commit(worker, &sight, captures, &record);
}
