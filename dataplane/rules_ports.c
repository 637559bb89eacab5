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

// Each address ends in its row, and none stands behind an empty one.
static bool has_devices(const struct snapshot_network *network)
{
    bool is_last = false;
    for (unsigned i = 0; i < NETWORK_DEVICES_MAX - 1; i++) {
        const char *device = network->more[i];
        if (memchr(device, '\0', DEVICE_SIZE) == NULL || (is_last && device[0] != '\0'))
            return false;
        is_last = device[0] == '\0';
    }
    return (network->more[0][0] != '\0') == (network->bond != BOND_NONE) &&
           (network->bond == BOND_NONE || network->attach == ATTACH_PCI) && network->bond <= BOND_LACP;
}

// Several devices have no interface of the kernel in common.
static bool has_flags(const struct snapshot_network *network)
{
    const uint32_t isolation = network->flags & (NETWORK_ISOLATION_ON | NETWORK_ISOLATION_OFF);
    return (network->flags & ~NETWORK_FLAGS) == 0 &&
           (isolation == 0 || isolation == NETWORK_ISOLATION_OFF ||
            (isolation == NETWORK_ISOLATION_ON && network->attach == ATTACH_PCI &&
             network->bond == BOND_NONE));
}

bool rules_ports_fits(const struct snapshot_network *network)
{
    return has_devices(network) && has_flags(network);
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
