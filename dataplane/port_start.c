// SPDX-License-Identifier: BSD-3-Clause
#include "port_start.h"

#include <rte_ethdev.h>
#include <sys/random.h>
#include "interface.h"
#include "log.h"
#include "port_offload.h"

#define DESCRIPTORS 2048u
#define RSS_KEY_MAX 64u // octets; devices have 40 or 52

// Of a NIC: the kernel's MTU, and with several queues a spread by addresses and ports, under a key that
// nobody outside knows. No interrupt tells of the link: with it drivers say only what the last interrupt
// said, and on some none comes after the first; port_watch.c asks.
static struct rte_eth_conf configure(struct port *port, const struct rte_eth_dev_info *info)
{
    static uint8_t key[RSS_KEY_MAX]; // DPDK copies it
    struct rte_eth_conf configuration = {0};

    port->offload = port_offload_choose(port->network, info, &configuration);
    if (port->network->attach != ATTACH_PCI)
        return configuration;
    configuration.rxmode.mtu = interface_mtu(port->network->interface);
    if (port->network->queues == 1)
        return configuration;
    configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    configuration.rx_adv_conf.rss_conf.rss_hf =
        info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
    if (info->hash_key_size > 0 && info->hash_key_size <= sizeof(key) &&
        getrandom(key, info->hash_key_size, 0) == info->hash_key_size) {
        configuration.rx_adv_conf.rss_conf.rss_key = key;
        configuration.rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
    }
    return configuration;
}

int port_start(struct port *port, struct rte_mempool *pool, const struct rte_eth_dev_info *info)
{
    const struct rte_eth_conf configuration = configure(port, info);
    const uint16_t queues = (uint16_t)port->network->queues;
    const unsigned socket = (unsigned)rte_eth_dev_socket_id(port->id);
    char offload[PORT_OFFLOAD_TEXT_SIZE];
    uint16_t received = DESCRIPTORS, sent = DESCRIPTORS;
    const bool is_virtual = port_device_is_virtual(port->network->device);
    int result = is_virtual ? 0 : port_flows_isolate(port);

    if (result == 0)
        result = rte_eth_dev_configure(port->id, queues, queues, &configuration);
    if (result == 0 && port->network->attach == ATTACH_PCI)
        result = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &received, &sent);
    for (uint16_t q = 0; q < queues && result == 0; q++)
        result = rte_eth_rx_queue_setup(port->id, q, received, socket, NULL, pool);
    for (uint16_t q = 0; q < queues && result == 0; q++)
        result = rte_eth_tx_queue_setup(port->id, q, sent, socket, NULL);
    if (result == 0 && is_virtual) // net_tap heeds it only of a device with queues, and only once
        result = port_flows_isolate(port);
    if (result == 0)
        result = rte_eth_dev_start(port->id);
    if (result == 0)
        result = port_flows_start(port, &configuration.rx_adv_conf.rss_conf);
    // Groups are the kernel's to choose: ND and routing protocols. With isolation they are its own anyway.
    if (result == 0 && port->network->attach == ATTACH_PCI && !port->flows.is_isolated &&
        rte_eth_allmulticast_enable(port->id) != 0)
        log_event(LOG_WARNING, "no_multicast", "network=%s device=%s", port->network->name,
                  port->network->device);
    if (result == 0 && port->network->attach == ATTACH_PCI)
        log_event(LOG_INFO, "device_started", "network=%s device=%s queues=%u mtu=%u checksums=\"%s\"",
                  port->network->name, port->network->device, queues, configuration.rxmode.mtu,
                  port_offload_text(port->offload, offload));
    return result;
}
