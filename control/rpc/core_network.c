// SPDX-License-Identifier: BSD-3-Clause
#include "core_network.h"

#include "../control.h"

#define CHECKSUMS                                                                                            \
    (NETWORK_OFFLOAD_RX_IP | NETWORK_OFFLOAD_RX_UDP | NETWORK_OFFLOAD_TX_IP | NETWORK_OFFLOAD_TX_UDP)

static json_t *offloads_json(uint64_t offload)
{
    static const struct {
        uint64_t bit;
        const char *word;
    } words[] = {{NETWORK_OFFLOAD_RX_IP, "rx-ip"}, {NETWORK_OFFLOAD_RX_UDP, "rx-udp"},
                 {NETWORK_OFFLOAD_TX_IP, "tx-ip"}, {NETWORK_OFFLOAD_TX_UDP, "tx-udp"},
                 {NETWORK_OFFLOAD_RSS, "rss"},     {NETWORK_OFFLOAD_JUMBO, "jumbo"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (offload & words[i].bit)
            json_array_append_new(list, json_string(words[i].word));
    return list;
}

// How the kernel comes to what is not ours.
static const char *kernel_way(const struct snapshot_network *network, const struct counters_network *words)
{
    if (words->offload & NETWORK_ISOLATED)
        return "isolated-flows";
    if (words->offload & NETWORK_HOST_PATH)
        return "host-path";
    return network->attach == ATTACH_AF_XDP && words->no_program == 0 ? "xdp" : "packet-sockets";
}

json_t *core_networks(const struct control *control)
{
    json_t *networks = json_array();
    for (uint32_t i = 0; control->counters && i < control->networks; i++) {
        const struct snapshot_network *network = control_network(control, i);
        struct counters_network words = counters_network(control->counters, i);
        if (!network)
            continue;
        json_array_append_new(networks,
                              json_pack("{s:s, s:s, s:b, s:I, s:o, s:o, s:s, s:b, s:I}", "network",
                                        network->name, "interface", network->interface, "up", words.up != 0,
                                        "mtu", (json_int_t)words.mtu, "nic_checksums",
                                        offloads_json(words.offload & CHECKSUMS), "offloads",
                                        offloads_json(words.offload), "kernel", kernel_way(network, &words),
                                        "fragments_lost", (words.offload & NETWORK_FRAGMENTS_LOST) != 0,
                                        "flow_rules", (json_int_t)words.flow_rules));
    }
    return networks;
}
