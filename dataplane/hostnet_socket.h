// SPDX-License-Identifier: BSD-3-Clause
// A netlink socket for routes, addresses, links and neighbours.
#ifndef DIALGATE_HOSTNET_SOCKET_H
#define DIALGATE_HOSTNET_SOCKET_H

// groups: RTMGRP_*, 0: no notifications. Returns a descriptor that does not block, or -errno.
int hostnet_socket_open(unsigned groups);

#endif
