// SPDX-License-Identifier: BSD-3-Clause
// Duplicates of the kernel sockets that the data plane has for its listeners. Open here they outlive it:
// while it is away, the kernel drops what comes to these ports, as the sockets' filter says, and answers
// nobody that they are unreachable, which would make carriers fail over.
#ifndef DIALGATE_CONTROL_KEPT_PORTS_H
#define DIALGATE_CONTROL_KEPT_PORTS_H

#include <stddef.h>
#include "dialgate/snapshot.h"

// Zeroed memory keeps none.
struct kept_ports {
    int fds[LISTENERS_MAX];
    size_t count;
};

// These and no others from now on. What is taken over is -1 in fds afterwards; what is no UDP socket is not,
// nor what is beyond LISTENERS_MAX.
void kept_ports_take(struct kept_ports *kept, int *fds, size_t count);
// Closes those that are none of these listeners' any more.
void kept_ports_follow(struct kept_ports *kept, const struct snapshot_listener *listeners, size_t count);
void kept_ports_close(struct kept_ports *kept);

#endif
