// SPDX-License-Identifier: BSD-3-Clause
// The calls of DPDK's bonding driver. EAL loads drivers, and the program is linked with none of them: what a
// driver has beside its operations of a port is found in it when it is there.
#ifndef DIALGATE_BOND_CALLS_H
#define DIALGATE_BOND_CALLS_H

#include <stdint.h>
#include <rte_ether.h>

// As in rte_eth_bond.h; each returns less than 0 when it failed.
struct bond_calls {
    int (*add)(uint16_t bond, uint16_t device);
    int (*remove)(uint16_t bond, uint16_t device);
    int (*devices)(uint16_t bond, uint16_t *devices, uint16_t room);
    int (*set_primary)(uint16_t bond, uint16_t device);
    int (*primary)(uint16_t bond);
    int (*set_mac)(uint16_t bond, struct rte_ether_addr *mac);
};

// After EAL has started, by one thread. Returns 0, or -ENOSYS when the driver is not there or another one.
int bond_calls_find(struct bond_calls *calls);

#endif
