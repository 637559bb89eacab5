// SPDX-License-Identifier: BSD-3-Clause
#include "port_bond.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include "eal.h"

#define ARGUMENTS_SIZE 256u

// As the driver numbers them.
static const struct {
    unsigned mode;
    const char *more;
} modes[] = {
    [BOND_ACTIVE_BACKUP] = {1, ""},
    [BOND_BALANCE_XOR] = {2, ",xmit_policy=l34"},
    [BOND_LACP] = {4, ",xmit_policy=l34"},
};

unsigned port_devices(const struct snapshot_network *network, const char *devices[NETWORK_DEVICES_MAX])
{
    unsigned count = 0;

    devices[count++] = network->device;
    while (count < NETWORK_DEVICES_MAX && network->more[count - 1][0] != '\0') {
        devices[count] = network->more[count - 1];
        count++;
    }
    return count;
}

// Bonding believes a driver that says it has an interrupt for its link, and asks it no more; through vfio
// some interrupt once (e1000e). Without the flag it looks every 10 ms. There is no call to take it away.
static void poll_link(uint16_t id)
{
    struct rte_eth_dev_info info;

    if (rte_eth_dev_info_get(id, &info) == 0)
        *(uint32_t *)(uintptr_t)info.dev_flags &= ~RTE_ETH_DEV_INTR_LSC;
}

static int check_devices(const struct port *port, const char *const *devices, unsigned count,
                         struct fault *fault)
{
    uint16_t id;

    for (unsigned i = 0; i < count; i++) {
        if (rte_eth_dev_get_port_by_name(devices[i], &id) != 0)
            return fault_set(
                fault, ENODEV,
                "network %s: no driver of DPDK has taken device %s: %s; check that it is a network "
                "device that DPDK supports and that we may open its /dev/vfio group",
                port->network->name, devices[i], eal_words());
        poll_link(id);
    }
    return 0;
}

// The driver looks at its devices when the port is configured, and says what they can only then.
static int gather(uint16_t id)
{
    const struct rte_eth_conf configuration = {0};

    return rte_eth_dev_configure(id, 1, 1, &configuration);
}

int port_bond_open(struct port *port, unsigned index, struct fault *fault)
{
    const struct snapshot_network *network = port->network;
    const char *devices[NETWORK_DEVICES_MAX];
    unsigned count = port_devices(network, devices);
    char name[32], arguments[ARGUMENTS_SIZE];
    int used, result = check_devices(port, devices, count, fault);

    if (result < 0)
        return result;
    snprintf(name, sizeof(name), "net_bonding_%u", index);
    used = snprintf(arguments, sizeof(arguments), "mode=%u,primary=%s%s", modes[network->bond].mode,
                    devices[0], modes[network->bond].more);
    for (unsigned i = 0; i < count; i++)
        used += snprintf(arguments + used, sizeof(arguments) - (size_t)used, ",slave=%s", devices[i]);
    eal_words_forget();
    result = rte_eal_hotplug_add("vdev", name, arguments);
    port->probed = result == 0 && rte_eth_dev_get_port_by_name(name, &port->id) == 0;
    if (port->probed)
        result = gather(port->id);
    if (port->probed && result == 0)
        return 0;
    return fault_set(fault, result < 0 ? -result : EIO, "network %s: its devices could not be made one: %s",
                     network->name, eal_words());
}

void port_bond_close_devices(const struct port *port)
{
    const char *devices[NETWORK_DEVICES_MAX];
    unsigned count = port_devices(port->network, devices);
    uint16_t id;

    for (unsigned i = 0; i < count; i++) {
        if (rte_eth_dev_get_port_by_name(devices[i], &id) == 0)
            rte_eth_dev_close(id);
    }
}
