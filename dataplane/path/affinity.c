// SPDX-License-Identifier: BSD-3-Clause
#include "affinity.h"
#include <rte_ring.h>
#include "owner.h"
#include "replaces.h"
#include "worker_core.h"

static inline bool is_over(const struct affinity_note *note, tick_t now)
{
    return note->peer == 0 || (int32_t)(now - note->until) >= 0;
}

static struct affinity_note *set_of(struct affinity *affinity, uint64_t call_hash)
{
    return affinity->rows[call_hash % AFFINITY_SETS]; // the high bits chose this worker
}

bool affinity_put(struct affinity *affinity, const struct affinity_note *note, tick_t now)
{
    struct affinity_note *set = set_of(affinity, note->call_hash);
    struct affinity_note *place = &set[0];
    for (unsigned i = 0; i < AFFINITY_WAYS; i++) {
        if (set[i].call_hash == note->call_hash && set[i].peer == note->peer) {
            set[i] = *note;
            return true;
        }
        if (is_over(place, now))
            continue;
        if (is_over(&set[i], now) || (int32_t)(set[i].until - place->until) < 0)
            place = &set[i];
    }
    bool free = is_over(place, now);
    *place = *note;
    return free;
}

uint16_t affinity_take(struct affinity *affinity, uint64_t call_hash, uint16_t peer, tick_t now)
{
    struct affinity_note *set = set_of(affinity, call_hash);
    for (unsigned i = 0; i < AFFINITY_WAYS; i++) {
        if (set[i].call_hash != call_hash || set[i].peer != peer + 1u)
            continue;
        uint16_t member = is_over(&set[i], now) ? NUMBER_NONE : set[i].member;
        set[i].peer = 0;
        return member;
    }
    return NUMBER_NONE;
}

void affinity_challenged(struct worker *worker, const struct work *work, uint16_t peer, uint16_t member)
{
    const struct affinity_note note = {.call_hash = work->packet->call_hash,
                                       .until = worker->now + 64 * worker->transactions.timers.t1,
                                       .peer = peer + 1u,
                                       .member = member};
    if (!affinity_put(&worker->affinity, &note, worker->now))
        count(worker, COUNTER_AFFINITY_FORGOTTEN);
}

static const struct span *value_of(const struct message *message, enum sip_header header)
{
    uint8_t field = message_first_header(message, header);
    return field == MESSAGE_NO_HEADER ? NULL : &message->headers[field].value;
}

// What dialog the request names, seen from who is to receive the request. False: none, or none that can be
// read; then its receiver has to judge that.
static bool read_dialog(const struct message *message, struct packet *packet)
{
    const struct span *value = value_of(message, HEADER_REPLACES);
    struct replaces replaces;
    struct target_dialog target;
    int failed = -1;
    if (value != NULL)
        failed = replaces_read(message->octets, *value, &replaces);
    else if ((value = value_of(message, HEADER_JOIN)) != NULL)
        failed = join_read(message->octets, *value, &replaces);
    else if ((value = value_of(message, HEADER_TARGET_DIALOG)) != NULL) {
        failed = target_dialog_read(message->octets, *value, &target);
        replaces = (struct replaces){target.call_id, target.local_tag, target.remote_tag, false};
    }
    if (failed != 0)
        return false;
    packet->ask_call_id = replaces.call_id;
    packet->ask_local = replaces.to_tag;
    packet->ask_remote = replaces.from_tag;
    return true;
}

static struct dialog_string text_at(const struct packet *packet, struct span span)
{
    return (struct dialog_string){packet->payload + span.offset, span.length};
}

static uint16_t member_at(const struct rules *rules, uint16_t peer, const struct ip_address *address)
{
    const struct snapshot_peer *row = &rules->peers[peer];
    for (uint32_t i = 0; i < row->member_count; i++) {
        uint16_t member = rules->lists[row->list_offset + i];
        if (ip_equal(&rules->members[member].address, address))
            return member;
    }
    return NUMBER_NONE;
}

// The member that stands at this side of a dialog. A callee was chosen, a caller is known by its address.
static uint16_t member_of_side(const struct worker *worker, uint32_t dialog, enum dialog_side side,
                               uint16_t peer)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    if ((side == DIALOG_CALLER ? record->caller_peer : record->callee_peer) != peer ||
        peer >= worker->rules->peer_count || !(worker->rules->peers[peer].flags & SNAPSHOT_PRESENT))
        return NUMBER_NONE;
    if (side == DIALOG_CALLEE && record->callee_member != DIALOG_NUMBER_NONE)
        return record->callee_member;
    const struct endpoint at = dialog_endpoint(worker, dialog, side);
    return member_at(worker->rules, peer, &at.address);
}

static uint16_t look_up(const struct worker *worker, const struct packet *packet)
{
    const struct dialog_id id = {.call_hash = packet->ask_hash,
                                 .call_id = text_at(packet, packet->ask_call_id),
                                 .from_tag = text_at(packet, packet->ask_remote),
                                 .to_tag = text_at(packet, packet->ask_local),
                                 .peer = DIALOG_NUMBER_NONE};
    enum dialog_side remote;
    uint32_t dialog = dialog_find(&worker->dialogs, &id, &remote);
    if (dialog == INDEX_NONE)
        return NUMBER_NONE;
    // A B2BUA that stands on both sides is asked by either tag.
    uint16_t member = member_of_side(worker, dialog, 1 - remote, packet->ask_peer);
    return member != NUMBER_NONE ? member : member_of_side(worker, dialog, remote, packet->ask_peer);
}

bool affinity_find(struct worker *worker, struct work *work, uint16_t peer, uint16_t *member)
{
    struct packet *packet = work->packet;
    *member = NUMBER_NONE;
    if (packet->ask == ASK_ANSWERED) {
        if (packet->ask_peer == peer) // a reload may have changed the route meanwhile
            *member = packet->held_by;
    } else if (read_dialog(work->message, packet)) {
        packet->ask_peer = peer;
        packet->ask_hash = siphash13(&worker->parts.keys.table, packet->payload + packet->ask_call_id.offset,
                                     packet->ask_call_id.length);
        if (owner_of(packet->ask_hash, worker->parts.count) != worker->parts.id) {
            work->outcome = WORK_ASKS;
            return false;
        }
        *member = look_up(worker, packet);
    }
    if (*member == NUMBER_NONE)
        *member = affinity_take(&worker->affinity, packet->call_hash, peer, worker->now);
    return true;
}

static void hand_over(struct worker *worker, unsigned to, struct rte_mbuf *mbuf)
{
    if (rte_ring_sp_enqueue(worker->parts.outbox[to], mbuf) == 0)
        return;
    count(worker, COUNTER_DROP_INBOX_FULL);
    if (worker->captures != NULL)
        capture_dropped(worker, packet_of(mbuf), COUNTER_DROP_INBOX_FULL);
    rte_pktmbuf_free(mbuf);
}

void affinity_ask(struct worker *worker, struct rte_mbuf *mbuf)
{
    struct packet *packet = packet_of(mbuf);
    packet->ask = ASK_OPEN;
    packet->asker = (uint8_t)worker->parts.id;
    count(worker, COUNTER_AFFINITY_ASKED);
    hand_over(worker, owner_of(packet->ask_hash, worker->parts.count), mbuf);
}

void affinity_answer(struct worker *worker, struct rte_mbuf *mbuf)
{
    struct packet *packet = packet_of(mbuf);
    packet->held_by = look_up(worker, packet);
    packet->ask = ASK_ANSWERED;
    hand_over(worker, packet->asker, mbuf);
}
