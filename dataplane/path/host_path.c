// SPDX-License-Identifier: BSD-3-Clause
#include "host_path.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include "worker_core.h"

#define AT_ONCE_NS 50000000u // so much of the rate may come at once

static bool kind_of(enum counter why, enum host_path_kind *kind)
{
    switch (why) {
    case COUNTER_DROP_NOT_IP:
        *kind = HOST_PATH_OTHER;
        return true;
    case COUNTER_DROP_NOT_UDP:
        *kind = HOST_PATH_IP;
        return true;
    case COUNTER_DROP_NOT_OURS:
    case COUNTER_DROP_VLAN: // the kernel may be in that VLAN
        *kind = HOST_PATH_UDP;
        return true;
    default:
        return false;
    }
}

static bool within_rate(struct worker *worker, uint8_t network, enum host_path_kind kind)
{
    uint64_t *full_ns = &worker->host_buckets[network].full_ns[kind];
    uint64_t now_ns = worker->now_us * 1000;
    uint64_t begin_ns = RTE_MAX(*full_ns, now_ns);
    if (begin_ns > now_ns + AT_ONCE_NS)
        return false;
    *full_ns = begin_ns + 1000000000u / worker->rules->networks[network].host_rate; // rules_create(): not 0
    return true;
}

// One frame in several mbufs would leave all but its first behind: the other end knows none such.
bool host_path_give(struct worker *worker, struct rte_mbuf *mbuf, enum counter why)
{
    uint8_t network = packet_of(mbuf)->network;
    enum host_path_kind kind;
    if (worker->parts.host.out == NULL || network >= worker->rules->network_count ||
        worker->rules->networks[network].attach != ATTACH_PCI || worker->parts.isolated & 1u << network ||
        mbuf->nb_segs != 1 || !kind_of(why, &kind))
        return false;
    packet_of(mbuf)->network = worker->rules->ports.of[network]; // whose interface the kernel's is
    enum counter outcome = COUNTER_OUT_HOST;
    if (!within_rate(worker, network, kind))
        outcome = COUNTER_DROP_HOST_RATE;
    else if (rte_ring_sp_enqueue(worker->parts.host.out, mbuf) != 0)
        outcome = COUNTER_DROP_HOST_FULL;
    count(worker, outcome);
    if (outcome == COUNTER_OUT_HOST)
        return true;
    if (worker->captures != NULL)
        capture_frame(worker, mbuf, (uint16_t)outcome, 0);
    rte_pktmbuf_free(mbuf);
    return true;
}

static void fill_spare(struct worker *worker)
{
    struct rte_mbuf *mbufs[BURST];
    unsigned there = rte_ring_count(worker->parts.host.spare);
    unsigned wanted = there < HOST_PATH_SPARE ? RTE_MIN(HOST_PATH_SPARE - there, BURST) : 0;
    if (wanted < BURST || rte_pktmbuf_alloc_bulk(worker->parts.pool, mbufs, BURST) != 0)
        return;
    unsigned taken = rte_ring_sp_enqueue_burst(worker->parts.host.spare, (void *const *)mbufs, BURST, NULL);
    rte_pktmbuf_free_bulk(mbufs + taken, BURST - taken);
}

// The thread gives a network's frames to a worker that owns a queue of it.
static void drive(struct worker *worker, struct rte_mbuf *mbuf)
{
    const struct worker_queue *queue = &worker->queues[worker->queue_of[packet_of(mbuf)->network]];
    if (!(worker->away & 1u << queue->network) &&
        rte_eth_tx_burst(queue->port, queue->queue, &mbuf, 1) == 1) {
        count(worker, COUNTER_TX_HOST);
        return;
    }
    count(worker, COUNTER_TX_REFUSED);
    rte_pktmbuf_free(mbuf);
}

unsigned host_path_slice(struct worker *worker)
{
    if (worker->parts.host.out == NULL)
        return 0;
    struct rte_mbuf *mbufs[BURST];
    unsigned n = rte_ring_sc_dequeue_burst(worker->parts.host.back, (void **)mbufs, BURST, NULL);
    for (unsigned i = 0; i < n; i++) {
        if (packet_of(mbufs[i])->network == HOST_PATH_DONE)
            rte_pktmbuf_free(mbufs[i]);
        else
            drive(worker, mbufs[i]);
    }
    fill_spare(worker);
    return n;
}
