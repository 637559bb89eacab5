// SPDX-License-Identifier: BSD-3-Clause
// The owner of a Call-ID is named by the high 32 bits of its keyed hash, scaled to the number of workers.
// What has no Call-ID stays here: only its refusal is left to do. A worker that is alone looks for none: the
// parser finds it on its way (parse.c). Packets for others are buffered and handed
// over once a turn; a full inbox drops and counts, so that one slow core never stops another.
//
// Who receives for others does no more than it must, since one trunk's 5-tuple brings all by one queue:
// headers and UDP's checksum are looked at (it alone may tell the kernel's packets from ours), the Call-ID is
// found by a scan for line feeds (peek.c) and hashed; nothing is parsed, copied or looked up but listener and
// source class. That is some 1,500 instructions of a message's 25,000 (README.md).
//
// Fragments come the same way to the worker that puts their datagram together (screen.c), which may have to
// hand that on: so what an inbox brings is looked at before what there is for others is handed over.
#include <rte_ring.h>
#include "owner.h"
#include "worker_core.h"

void steer_know(const struct worker *worker, struct packet *packet, struct span call_id)
{
    packet->call_id = call_id;
    packet->call_hash =
        siphash13(&worker->parts.keys.table, packet->payload + call_id.offset, call_id.length);
}

// Whoever owns all need not know their Call-IDs before they are parsed; but captures ask for them.
static bool is_everything_ours(const struct worker *worker)
{
    return worker->parts.count == 1 && worker->captures == NULL;
}

static unsigned steer_owner(const struct worker *worker, struct packet *packet)
{
    if (packet->call_id.length == 0) { // else early_burst() has found it
        if (!peek_call_id(packet->payload, packet->length, &packet->call_id)) {
            packet->call_id = (struct span){0, 0};
            return worker->parts.id;
        }
        steer_know(worker, packet, packet->call_id);
    }
    return owner_of(packet->call_hash, worker->parts.count);
}

static void steer_lose(struct worker *worker, struct rte_mbuf *mbuf)
{
    count(worker, COUNTER_DROP_INBOX_FULL);
    if (worker->captures != NULL && packet_of(mbuf)->ask == ASK_FRAGMENT)
        capture_frame(worker, mbuf, COUNTER_DROP_INBOX_FULL, 0);
    else if (worker->captures != NULL)
        capture_dropped(worker, packet_of(mbuf), COUNTER_DROP_INBOX_FULL);
    rte_pktmbuf_free(mbuf);
}

static void steer_hand_over(struct worker *worker, unsigned owner)
{
    struct tx_buffer *buffer = &worker->steer[owner];
    unsigned taken = rte_ring_sp_enqueue_burst(worker->parts.outbox[owner], (void *const *)buffer->mbufs,
                                               buffer->count, NULL);
    for (unsigned i = taken; i < buffer->count; i++)
        steer_lose(worker, buffer->mbufs[i]);
    buffer->count = 0;
}

static void steer_put(struct worker *worker, unsigned owner, struct rte_mbuf *mbuf)
{
    struct tx_buffer *buffer = &worker->steer[owner];
    buffer->mbufs[buffer->count++] = mbuf;
    if (buffer->count == RTE_DIM(buffer->mbufs))
        steer_hand_over(worker, owner);
}

void steer_fragment(struct worker *worker, struct rte_mbuf *mbuf)
{
    packet_of(mbuf)->ask = ASK_FRAGMENT;
    count(worker, COUNTER_STEER_FRAGMENT);
    steer_put(worker, packet_of(mbuf)->asker, mbuf);
}

unsigned steer_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    unsigned kept = is_everything_ours(worker) ? n : 0;
    for (unsigned i = kept; i < n; i++) {
        unsigned owner = steer_owner(worker, packet_of(mbufs[i]));
        if (owner == worker->parts.id) {
            mbufs[kept++] = mbufs[i];
            continue;
        }
        steer_put(worker, owner, mbufs[i]);
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

// Of a fragment that was handed over: whether it made a datagram whole whose Call-ID is ours. That is *mbuf
// then; else it is freed or on its way.
static bool steer_becomes_ours(struct worker *worker, struct rte_mbuf **mbuf)
{
    unsigned n = screen_burst(worker, mbuf, 1);
    if (worker->parts.filter != NULL)
        n = filter_burst(worker, mbuf, n);
    return steer_burst(worker, mbuf, n) == 1;
}

// Keeps the messages, in place. What came back from affinity.c was counted when it came first.
static unsigned steer_sort(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    unsigned kept = 0, counted = 0;
    for (unsigned i = 0; i < n; i++) {
        uint8_t ask = packet_of(mbufs[i])->ask;
        if (ask == ASK_FRAGMENT && !steer_becomes_ours(worker, &mbufs[i]))
            continue;
        counted += ask == ASK_NOT;
        mbufs[kept++] = mbufs[i];
    }
    count_add(worker, COUNTER_INBOX_TAKEN, counted);
    return kept;
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
        worker->seen.received += taken;
        n += taken > 0 ? steer_sort(worker, mbufs + n, taken) : 0;
    }
    if (most > worker->parts.counters->values[COUNTER_INBOX_MOST])
        count_add(worker, COUNTER_INBOX_MOST, most - worker->parts.counters->values[COUNTER_INBOX_MOST]);
    return n;
}
