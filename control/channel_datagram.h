// SPDX-License-Identifier: BSD-3-Clause
// Datagrams of the channel with what the kernel carries beside them: descriptors.
#ifndef DIALGATE_CONTROL_CHANNEL_DATAGRAM_H
#define DIALGATE_CONTROL_CHANNEL_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>
#include "channel.h"

struct msghdr;

// Sends a request with this number, and its descriptor when it has one. Returns 0 or -errno.
int channel_datagram_send(int fd, const struct channel_request *request, uint32_t number);
// The descriptors that came with a datagram, at most CHANNEL_FDS_MAX. Returns how many are in fds; each is
// the caller's to close.
size_t channel_datagram_fds(struct msghdr *message, int *fds);
// Closes those that nobody has taken (not negative).
void channel_datagram_close(int *fds, size_t count);

#endif
