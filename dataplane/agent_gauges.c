// SPDX-License-Identifier: BSD-3-Clause
#include "agent_gauges.h"

#include <rte_ethdev.h>
#include "eal_memory.h"
#include "log.h"

static void put(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

// How the kernel comes to what is not ours.
static uint32_t host_way(const struct port *port)
{
    if (!port->flows.is_isolated)
        return port->network->attach == ATTACH_PCI ? NETWORK_HOST_PATH : 0;
    return NETWORK_ISOLATED | (port_flows_lose_fragments(&port->flows) ? NETWORK_FRAGMENTS_LOST : 0);
}

static void put_network(struct counters_network *words, const struct port *port)
{
    struct rte_eth_stats stats;

    put(&words->flow_rules, port_flows_in_force(&port->flows));
    put(&words->flow_failures, port->flows.failures);
    if (rte_eth_stats_get(port->id, &stats) != 0)
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

static void put_memory(struct counters_agent *words)
{
    static struct log_limit limit;
    int node;
    const uint64_t refused = eal_memory_refused(&node);

    if (refused != words->memory_refused && log_allowed(&limit, "memory_refused"))
        log_event(LOG_WARNING, "memory_refused",
                  "node=%d times=%llu reason=\"DPDK wants more than memory.mb\" fix=\"raise "
                  "memory.mb\"",
                  node, (unsigned long long)refused);
    put(&words->memory_refused, refused);
}

void agent_gauges_poll(struct dataplane *plane)
{
    const struct counters_file *counters = &plane->counters;
    const struct ports *ports = &plane->ports;
    const struct nexthop_network *known = plane->workers.published.nexthops->networks;
    struct counters_agent *agent = counters_file_agent(counters);
    struct counters_network *networks = counters_file_networks(counters);

    put(&agent->mbufs_used, packet_pools_used(&ports->pools));
    put(&agent->mbufs_capacity, packet_pools_size(&ports->pools));
    put(&agent->networks, ports->count);
    put_host(agent, plane->hostnet);
    put_memory(agent);
    const bool may_ask = pthread_mutex_trylock(&plane->ports.lock) == 0;

    for (unsigned i = 0; i < ports->count; i++) {
        const struct port *port = &ports->ports[ports->ports[i].shared];

        if (may_ask && ports->ports[i].shared == i && ports->ports[i].probed) // once for all its networks
            put_network(&networks[i], &ports->ports[i]);
        put(&networks[i].up, known[i].up);
        put(&networks[i].mtu, known[i].mtu);
        put(&networks[i].no_program, plane->programs.missing[i][0] != '\0');
        put(&networks[i].offload, port->offload | host_way(port));
    }
    if (may_ask)
        pthread_mutex_unlock(&plane->ports.lock);
}
