// SPDX-License-Identifier: BSD-3-Clause
// The owner of a Call-ID is named by the high 32 bits of its keyed hash, scaled to the number of workers.
// What has no Call-ID stays here: only its refusal is left to do. Packets for others are buffered and handed
// over once a turn; a full inbox drops and counts, so that one slow core never stops another.
#include <rte_ring.h>
#include "owner.h"
#include "worker_core.h"

uint64_t steer_hash(const struct worker *worker, const struct packet *packet)
{
    return siphash13(&worker->parts.keys.table, packet->payload + packet->call_id.offset,
                     packet->call_id.length);
}

static unsigned steer_owner(const struct worker *worker, struct packet *packet)
{
    if (packet->call_id.length == 0) { // else early_burst() has found it
        if (!peek_call_id(packet->payload, packet->length, &packet->call_id)) {
            packet->call_id = (struct span){0, 0};
            packet->call_hash = 0;
            return worker->parts.id;
        }
        packet->call_hash = steer_hash(worker, packet);
    }
    return owner_of(packet->call_hash, worker->parts.count);
}

static void steer_hand_over(struct worker *worker, unsigned owner)
{
    struct tx_buffer *buffer = &worker->steer[owner];
    unsigned taken = rte_ring_sp_enqueue_burst(worker->parts.outbox[owner], (void *const *)buffer->mbufs,
                                               buffer->count, NULL);
    if (taken < buffer->count) {
        count_add(worker, COUNTER_DROP_INBOX_FULL, buffer->count - taken);
        for (unsigned i = taken; worker->captures != NULL && i < buffer->count; i++)
            capture_dropped(worker, packet_of(buffer->mbufs[i]), COUNTER_DROP_INBOX_FULL);
        rte_pktmbuf_free_bulk(buffer->mbufs + taken, buffer->count - taken);
    }
    buffer->count = 0;
}

unsigned steer_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned owner = steer_owner(worker, packet_of(mbufs[i]));
        if (owner == worker->parts.id) {
            mbufs[kept++] = mbufs[i];
            continue;
        }
        struct tx_buffer *buffer = &worker->steer[owner];
        buffer->mbufs[buffer->count++] = mbufs[i];
        if (buffer->count == RTE_DIM(buffer->mbufs))
            steer_hand_over(worker, owner);
    }
    count_add(worker, COUNTER_STEER_HERE, kept);
    count_add(worker, COUNTER_STEER_AWAY, n - kept);
    return kept;
}

void steer_flush(struct worker *worker)
{
    for (unsigned owner = 0; owner < worker->parts.count; owner++) {
        if (worker->steer[owner].count > 0)
            steer_hand_over(worker, owner);
    }
}

unsigned steer_inbox(struct worker *worker, struct rte_mbuf **mbufs)
{
    unsigned n = 0;
    uint64_t most = 0;
    for (unsigned from = 0; from < worker->parts.count; from++) {
        if (worker->parts.inbox[from] == NULL)
            continue;
        unsigned left,
            taken = rte_ring_sc_dequeue_burst(worker->parts.inbox[from], (void **)(mbufs + n), BURST, &left);
        most = RTE_MAX(most, (uint64_t)taken + left);
        n += taken;
    }
    if (most > worker->parts.counters->values[COUNTER_INBOX_MOST])
        count_add(worker, COUNTER_INBOX_MOST, most - worker->parts.counters->values[COUNTER_INBOX_MOST]);
    if (n > 0)
        count_add(worker, COUNTER_INBOX_TAKEN, n);
    return n;
}
