// SPDX-License-Identifier: BSD-3-Clause
// A port of DPDK gets its configuration and its queues, and starts: at the start of the process, and again
// after its device was reset.
#ifndef DIALGATE_PORT_START_H
#define DIALGATE_PORT_START_H

#include "ports.h"

struct rte_eth_dev_info;

// port: probed, not started. info: its driver's. Returns 0 or -errno of DPDK, whose words say more
// (eal_words()); then it is not started.
int port_start(struct port *port, struct rte_mempool *pool, const struct rte_eth_dev_info *info);

#endif
