// SPDX-License-Identifier: BSD-3-Clause
#include "core_network.h"

#include "../control.h"

static json_t *checksums_json(uint64_t offload)
{
    static const struct {
        uint64_t bit;
        const char *word;
    } words[] = {{NETWORK_OFFLOAD_RX_IP, "rx-ip"},
                 {NETWORK_OFFLOAD_RX_UDP, "rx-udp"},
                 {NETWORK_OFFLOAD_TX_IP, "tx-ip"},
                 {NETWORK_OFFLOAD_TX_UDP, "tx-udp"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (offload & words[i].bit)
            json_array_append_new(list, json_string(words[i].word));
    return list;
}

json_t *core_networks(const struct control *control)
{
    json_t *networks = json_array();
    for (uint32_t i = 0; i < control->networks; i++) {
        struct counters_network words = counters_network(control->counters, i);
        json_array_append_new(networks,
                              json_pack("{s:s, s:b, s:I, s:o}", "network", control_network_name(control, i),
                                        "up", words.up != 0, "mtu", (json_int_t)words.mtu, "nic_checksums",
                                        checksums_json(words.offload)));
    }
    return networks;
}
