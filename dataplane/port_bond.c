// SPDX-License-Identifier: BSD-3-Clause
#include "port_bond.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>
#include "bond_calls.h"
#include "eal.h"
#include "log.h"

#define ARGUMENTS_SIZE 256u

static struct bond_calls calls; // by port_bond_open()

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
// some interrupt once (e1000e). Without the flag it looks every 10 ms. There is no call to take it away:
// rte_eth_bond_link_monitoring_set() is only how often it asks those that have none.
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

    if (result == 0 && bond_calls_find(&calls) < 0)
        result = fault_set(fault, ENOSYS, "network %s: DPDK has loaded no bonding driver that is known",
                           network->name);
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

static int device_id(const char *device, uint16_t *id)
{
    return rte_eth_dev_get_port_by_name(device, id) == 0 ? 0 : -ENODEV;
}

// DPDK's calls for bonds return -1 for any reason; their words tell.
static int bond_result(int result)
{
    return result < 0 ? -EIO : 0;
}

static void forget_device(uint16_t id)
{
    struct rte_eth_dev_info info = {0};
    const bool is_known = rte_eth_dev_info_get(id, &info) == 0;

    rte_eth_dev_stop(id);
    rte_eth_dev_close(id);
    if (is_known && info.device != NULL)
        rte_dev_remove(info.device);
}

int port_bond_take_out(const struct port *port, const char *device)
{
    uint16_t id;
    int result = device_id(device, &id);

    if (result < 0)
        return result;
    rte_eth_dev_stop(id);
    result = bond_result(calls.remove(port->id, id));
    if (result == 0)
        forget_device(id);
    return result;
}

// With LACP the driver gives the bond's MAC to those devices only that have a link when it is set, and
// packets to the bond come by each: without it a NIC's filter drops them.
static void give_mac(const struct port *port, uint16_t id)
{
    struct rte_ether_addr mac, own;
    char device[RTE_ETH_NAME_MAX_LEN] = "";

    if (rte_eth_macaddr_get(port->id, &mac) < 0 || rte_eth_macaddr_get(id, &own) < 0 ||
        rte_is_same_ether_addr(&mac, &own))
        return;
    if (rte_eth_dev_default_mac_addr_set(id, &mac) < 0 && rte_eth_dev_get_name_by_port(id, device) == 0)
        log_event(LOG_ERROR, "mac_refused", "network=%s device=%s", port->network->name, device);
}

static void give_macs(const struct port *port)
{
    uint16_t ids[NETWORK_DEVICES_MAX];
    const int count = calls.devices(port->id, ids, NETWORK_DEVICES_MAX);

    for (int i = 0; i < count; i++)
        give_mac(port, ids[i]);
}

// Calls for the whole bond were made before this device was there. The first device is the one in use when it
// can (active-backup), whatever its number is now.
static int join(const struct port *port, const char *device, uint16_t id)
{
    int result;

    poll_link(id);
    result = bond_result(calls.add(port->id, id));
    if (result == 0)
        rte_eth_allmulticast_enable(id);
    if (result == 0 && strcmp(device, port->network->device) == 0)
        result = bond_result(calls.set_primary(port->id, id));
    if (result == 0 && port->network->bond == BOND_LACP)
        give_mac(port, id);
    return result;
}

int port_bond_probe(const char *device)
{
    uint16_t id;
    int result = rte_dev_probe(device);

    return result < 0 ? result : device_id(device, &id);
}

int port_bond_put_in(const struct port *port, const char *device)
{
    uint16_t id;
    int result = device_id(device, &id);

    if (result < 0)
        return result;
    result = join(port, device, id);
    if (result < 0)
        forget_device(id);
    return result;
}

unsigned port_bond_device_count(const struct port *port)
{
    uint16_t ids[NETWORK_DEVICES_MAX];
    const int count = calls.devices(port->id, ids, NETWORK_DEVICES_MAX);

    return count < 0 ? 0 : (unsigned)count;
}

uint32_t port_bond_way(const struct port *port, uint32_t devices_up)
{
    const int in_use = port->network->bond == BOND_ACTIVE_BACKUP ? calls.primary(port->id) : -1;

    return devices_up == 0 || in_use < 0 ? devices_up : UINT32_C(1) << 31 | (uint32_t)in_use;
}

void port_bond_settle(const struct port *port)
{
    struct rte_ether_addr mac;

    if (port->network->bond == BOND_ACTIVE_BACKUP && rte_eth_macaddr_get(port->id, &mac) == 0)
        calls.set_mac(port->id, &mac);
    if (port->network->bond == BOND_LACP)
        give_macs(port);
}
