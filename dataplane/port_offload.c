// SPDX-License-Identifier: BSD-3-Clause
#include "port_offload.h"

#include <stdio.h>
#include "worker.h"

static const struct {
    uint32_t bit;
    uint64_t rx, tx; // DPDK's
} rows[] = {
    {NETWORK_OFFLOAD_RX_IP, RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, 0},
    {NETWORK_OFFLOAD_RX_UDP, RTE_ETH_RX_OFFLOAD_UDP_CKSUM, 0},
    {NETWORK_OFFLOAD_TX_IP, 0, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM},
    {NETWORK_OFFLOAD_TX_UDP, 0, RTE_ETH_TX_OFFLOAD_UDP_CKSUM},
};

uint32_t port_offload_choose(const struct snapshot_network *network, const struct rte_eth_dev_info *info,
                             struct rte_eth_conf *configuration)
{
    uint32_t chosen = info->max_mtu > RTE_ETHER_MTU ? NETWORK_OFFLOAD_JUMBO : 0;

    if (network->attach != ATTACH_PCI)
        return chosen;
    if (network->queues > 1)
        chosen |= NETWORK_OFFLOAD_RSS;
    if (!(network->flags & NETWORK_OFFLOADS))
        return chosen;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        if ((info->rx_offload_capa & rows[i].rx) == 0 && (info->tx_offload_capa & rows[i].tx) == 0)
            continue;
        configuration->rxmode.offloads |= rows[i].rx;
        configuration->txmode.offloads |= rows[i].tx;
        chosen |= rows[i].bit;
    }
    return chosen;
}

const char *port_offload_text(uint32_t offload, char *text)
{
    static const char *const pairs[] = {"", "ip", "udp", "ip,udp"};
    const uint32_t rx = offload & 3u, tx = offload >> 2 & 3u;

    static_assert(NETWORK_OFFLOAD_RX_UDP == 2 && NETWORK_OFFLOAD_TX_UDP == 8, "pairs of bits");
    snprintf(text, PORT_OFFLOAD_TEXT_SIZE, "%s%s%s%s%s%s", (rx | tx) == 0 ? "none" : "", rx != 0 ? "rx=" : "",
             pairs[rx], rx != 0 && tx != 0 ? " " : "", tx != 0 ? "tx=" : "", pairs[tx]);
    return text;
}

uint8_t port_offload_of_workers(uint32_t offload)
{
    return (uint8_t)((offload & NETWORK_OFFLOAD_TX_IP ? WORKER_OFFLOAD_IP : 0) |
                     (offload & NETWORK_OFFLOAD_TX_UDP ? WORKER_OFFLOAD_UDP : 0));
}
