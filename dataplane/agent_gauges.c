// SPDX-License-Identifier: BSD-3-Clause
#include "agent_gauges.h"

#include <rte_ethdev.h>

static void put(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static void put_network(struct counters_network *words, uint16_t port)
{
    struct rte_eth_stats stats;

    if (rte_eth_stats_get(port, &stats) != 0)
        return;
    put(&words->received, stats.ipackets);
    put(&words->sent, stats.opackets);
    put(&words->missed, stats.imissed);
    put(&words->receive_errors, stats.ierrors);
    put(&words->no_mbufs, stats.rx_nombuf);
    put(&words->send_errors, stats.oerrors);
}

static void put_host(struct counters_agent *words, const struct hostnet *hostnet)
{
    const struct hostnet_counts counts = hostnet_counts(hostnet);

    put(&words->host_reads, counts.readings);
    put(&words->host_read_failures, counts.failures);
    put(&words->host_asks_dropped, counts.dropped);
    put(&words->addresses_missing, counts.missing);
}

void agent_gauges_poll(struct dataplane *plane)
{
    const struct counters_file *counters = &plane->counters;
    const struct ports *ports = &plane->ports;
    const struct nexthop_network *known = plane->workers.published.nexthops->networks;
    struct counters_agent *agent = counters_file_agent(counters);
    struct counters_network *networks = counters_file_networks(counters);

    put(&agent->mbufs_used, rte_mempool_in_use_count(ports->pool));
    put(&agent->mbufs_capacity, ports->pool->size);
    put(&agent->networks, ports->count);
    put_host(agent, plane->hostnet);
    const bool may_ask = pthread_mutex_trylock(&plane->ports.lock) == 0;

    for (unsigned i = 0; i < ports->count; i++) {
        if (may_ask && ports->ports[i].shared == i && ports->ports[i].probed) // once for all its networks
            put_network(&networks[i], ports->ports[i].id);
        put(&networks[i].up, known[i].up);
        put(&networks[i].mtu, known[i].mtu);
        put(&networks[i].no_program, plane->programs.missing[i][0] != '\0');
        put(&networks[i].offload, ports->ports[ports->ports[i].shared].offload);
    }
    if (may_ask)
        pthread_mutex_unlock(&plane->ports.lock);
}
