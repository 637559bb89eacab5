// SPDX-License-Identifier: BSD-3-Clause
// A netlink socket that asks the kernel and waits for what it says. Who calls this waits, and for more than
// the time limits: the kernel does much of its work, with its lock taken, inside send() and recv()
// themselves.
#ifndef DIALGATE_HOSTNET_TRANSACT_H
#define DIALGATE_HOSTNET_TRANSACT_H

#include <libmnl/libmnl.h>
#include <stdint.h>

#define HOSTNET_MESSAGE_BUFFER 65536u
#define HOSTNET_PATIENCE_MS    2000 // without a message of the answer

struct hostnet_socket {
    int fd;   // -1: none
    int stop; // waiting ends when it is readable; -1: never
    uint32_t sequence;
    uint8_t buffer[HOSTNET_MESSAGE_BUFFER];
};

// A request in buffer, its header alone.
struct nlmsghdr *hostnet_request(struct hostnet_socket *socket, void *buffer, uint16_t type, uint16_t flags);
// Sends it and gives each message of the answer to callback. Returns 0, or -errno: -EINTR when the kernel's
// table changed meanwhile, -ETIMEDOUT, -ECANCELED when stop says so. Afterwards the next request goes by a
// new socket.
int hostnet_transact(struct hostnet_socket *socket, const struct nlmsghdr *message, mnl_cb_t callback,
                     void *data);

#endif
