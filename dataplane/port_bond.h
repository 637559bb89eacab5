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

// A device that was reset or removed leaves the bond and is closed, so that its driver and vfio let go of it;
// no worker may be inside the port. Returns 0 or -errno.
int port_bond_take_out(const struct port *port, const char *device);
// Whether it can be had again: 0 or -errno. Then it joins, with no worker inside the port: 0, or -errno when
// it is closed again.
int port_bond_probe(const char *device);
int port_bond_put_in(const struct port *port, const char *device);
// How many devices the bond has; none: its driver must not be called.
unsigned port_bond_device_count(const struct port *port);
// What says by which devices packets leave: equal as long as those are the same. 0: there is none.
uint32_t port_bond_way(const struct port *port, uint32_t devices_up);
// After another way: the driver gives the bond's MAC to a device that takes over, and not to the first one
// when that is back, be it another card now; with LACP it gives it to none that comes later. In EAL's thread
// of alarms, as the driver itself does.
void port_bond_settle(const struct port *port);

#endif
