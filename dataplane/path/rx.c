// SPDX-License-Identifier: BSD-3-Clause
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include "worker_core.h"

unsigned rx_burst(struct worker *worker, const struct worker_queue *queue, struct rte_mbuf **mbufs)
{
    if (worker->away & 1u << queue->network)
        return 0;
    unsigned n = rte_eth_rx_burst(queue->port, queue->queue, mbufs, BURST);
    uint32_t received_us = (uint32_t)worker->now_us | 1; // 0 is "never"
    for (unsigned i = 0; i < n; i++) {
        rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
        packet_of(mbufs[i])->network = queue->network;
        packet_of(mbufs[i])->ask = ASK_NOT;
        packet_of(mbufs[i])->received_us = received_us;
        packet_of(mbufs[i])->is_held = 0;
        packet_of(mbufs[i])->call_id.length = 0;
        packet_of(mbufs[i])->call_hash = 0;
    }
    if (n > 0) {
        count_add(worker, COUNTER_RX_PACKETS, n);
        count_word(&worker->parts.counters->queues[queue - worker->queues].received, n);
    }
    return n;
}
