// SPDX-License-Identifier: BSD-3-Clause
// Link aggregation (IEEE 802.1AX) of PCI devices: DPDK's bonding driver makes one port of them, which has the
// MAC of the first device and is used like that of one device from there on: queues, RSS, checksums, MTU and
// the host path are the port's. The port's link is there as long as one device's is.
//
// With LACP the driver exchanges its LACPDUs inside rx_burst and tx_burst; each is called at least every 100
// ms (tx.c).
#ifndef DIALGATE_PORT_BOND_H
#define DIALGATE_PORT_BOND_H

#include "ports.h"

struct rte_eth_dev_info;

static inline bool port_is_bond(const struct snapshot_network *network)
{
    return network->bond != BOND_NONE;
}
// The devices of a network that is a PCI device's or several devices', in the order of the configuration.
unsigned port_devices(const struct snapshot_network *network, const char *devices[NETWORK_DEVICES_MAX]);
// After EAL has probed the devices: makes their port, which has not started. Returns 0 or -errno with fault;
// then it is not there.
int port_bond_open(struct port *port, unsigned index, struct fault *fault);
// After the port was closed: its devices.
void port_bond_close_devices(const struct port *port);

#endif
