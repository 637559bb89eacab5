// SPDX-License-Identifier: BSD-3-Clause
// Interfaces of the kernel by their names.
#ifndef DIALGATE_INTERFACE_H
#define DIALGATE_INTERFACE_H

#include <net/if.h>
#include <stdbool.h>

// An ioctl (SIOCSIFMTU and others); the name is filled in. Returns 0 or -errno.
int interface_do(const char *name, unsigned long what, struct ifreq *request);
// 1500 when it cannot be read.
unsigned interface_mtu(const char *name);
// Whether the NIC takes VLAN tags off frames that it receives.
bool interface_strips_tags(const char *name);
// Receive queues in use, 0 where the driver does not tell.
unsigned interface_queues(const char *name);

#endif
