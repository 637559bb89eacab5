// SPDX-License-Identifier: BSD-3-Clause
#include "rules_ports.h"

#include <string.h>

static bool is_at_port(const struct snapshot_network *a, const struct snapshot_network *b)
{
    return strcmp(a->interface, b->interface) == 0;
}

static bool has_device(const struct snapshot_network *network, const char *device)
{
    bool has = strcmp(network->device, device) == 0;
    for (unsigned i = 0; i < NETWORK_DEVICES_MAX - 1; i++)
        has |= strcmp(network->more[i], device) == 0;
    return has;
}

static bool has_common_device(const struct snapshot_network *a, const struct snapshot_network *b)
{
    bool has = a->device[0] != '\0' && has_device(b, a->device);
    for (unsigned i = 0; i < NETWORK_DEVICES_MAX - 1; i++)
        has |= a->more[i][0] != '\0' && has_device(b, a->more[i]);
    return has;
}

static bool may_be_together(const struct snapshot_network *a, const struct snapshot_network *b)
{
    if (!is_at_port(a, b))
        return !has_common_device(a, b);
    return a->attach == b->attach && a->queues == b->queues && strcmp(a->device, b->device) == 0 &&
           a->bond == b->bond && a->flags == b->flags && memcmp(a->more, b->more, sizeof(a->more)) == 0 &&
           snapshot_tags(a) != snapshot_tags(b);
}

int rules_ports_deal(struct rules_ports *ports, const struct snapshot_network *networks, uint32_t count)
{
    memset(ports, NETWORK_NONE, sizeof(*ports));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t last = NETWORK_NONE;
        for (uint32_t k = 0; k < i; k++) {
            if (!may_be_together(&networks[i], &networks[k]))
                return (int)i;
            last = is_at_port(&networks[i], &networks[k]) ? (uint8_t)k : last;
        }
        ports->of[i] = last == NETWORK_NONE ? (uint8_t)i : ports->of[last];
        if (last != NETWORK_NONE)
            ports->next[last] = (uint8_t)i;
        if (snapshot_tags(&networks[i]) == 0)
            ports->untagged[ports->of[i]] = (uint8_t)i;
    }
    return -1;
}
