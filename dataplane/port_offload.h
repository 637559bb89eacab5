// SPDX-License-Identifier: BSD-3-Clause
// Which checksums a NIC makes and checks for us. AF_XDP and AF_PACKET offer none; PCI drivers say what they
// can.
//
// What the driver checked and found right is not summed up again. What it found wrong is: NICs are known that
// call UDP without a checksum wrong, and the answer is ours to count. Where a virtual NIC says that a sum was
// never made (another guest of the same machine sent the packet), it is taken for right (screen.c) and made
// before the kernel gets the frame (host_tap.c).
#ifndef DIALGATE_PORT_OFFLOAD_H
#define DIALGATE_PORT_OFFLOAD_H

#include <stdint.h>
#include <rte_ethdev.h>
#include "dialgate/counters.h"
#include "dialgate/snapshot.h"

#define PORT_OFFLOAD_TEXT_SIZE 32u

// What of NETWORK_OFFLOAD_* (dialgate/counters.h) this network's device is to do: checksums are entered in
// the configuration, spreading over queues and large frames are noted, and all is returned.
uint32_t port_offload_choose(const struct snapshot_network *network, const struct rte_eth_dev_info *info,
                             struct rte_eth_conf *configuration);
// "rx=ip,udp tx=udp", "none"; text has PORT_OFFLOAD_TEXT_SIZE octets. Returns text.
const char *port_offload_text(uint32_t offload, char *text);
// The same as workers want it: WORKER_OFFLOAD_*.
uint8_t port_offload_of_workers(uint32_t offload);

#endif
