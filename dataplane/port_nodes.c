// SPDX-License-Identifier: BSD-3-Clause
#include "port_nodes.h"

#include "memory_node.h"
#include "packet_pool.h"
#include "port_bond.h"

static int node_of(const struct snapshot_network *network)
{
    const char *devices[NETWORK_DEVICES_MAX];
    int node;

    if (network->attach != ATTACH_PCI)
        return memory_node_of_interface(network->interface);
    const unsigned count = port_devices(network, devices);

    node = memory_node_of_device(devices[0]);
    for (unsigned i = 1; i < count; i++) {
        if (memory_node_of_device(devices[i]) != node)
            return MEMORY_NODE_NONE;
    }
    return node;
}

static unsigned row_of(struct port_nodes *nodes, int node)
{
    for (unsigned i = 0; i < nodes->count; i++) {
        if (nodes->nodes[i] == node)
            return i;
    }
    if (nodes->count == PORT_NODES_MAX)
        return 0;
    nodes->nodes[nodes->count] = node;
    return nodes->count++;
}

void port_nodes_find(struct port_nodes *nodes, const struct rules *rules, int otherwise)
{
    const char *devices[NETWORK_DEVICES_MAX];

    *nodes = (struct port_nodes){.count = 0};
    for (unsigned i = 0; i < rules->network_count; i++) {
        const struct snapshot_network *network = &rules->networks[i];
        const unsigned first = rules->ports.of[i];

        if (first != i) {
            nodes->of[i] = nodes->of[first];
            nodes->device[i] = nodes->device[first];
            continue;
        }
        nodes->device[i] = node_of(network);
        nodes->of[i] =
            (uint8_t)row_of(nodes, nodes->device[i] == MEMORY_NODE_NONE ? otherwise : nodes->device[i]);
        nodes->queues[nodes->of[i]] += network->queues;
        if (network->attach != ATTACH_AF_PACKET)
            nodes->least[nodes->of[i]] +=
                network->queues * port_devices(network, devices) * PACKET_POOL_QUEUE;
    }
    if (nodes->count == 0)
        row_of(nodes, otherwise);
    for (unsigned i = 0; i < nodes->count; i++)
        nodes->least[i] += rules->settings->workers * PACKET_POOL_CACHE * 2;
    memory_node_shares(rules->settings->mbufs, nodes->queues, nodes->least, nodes->count, nodes->mbufs);
}
