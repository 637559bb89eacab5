// SPDX-License-Identifier: BSD-3-Clause
// Datagrams that wait until a socket has room for them, in order and up to a bound.
#ifndef DIALGATE_CONTROL_CHANNEL_QUEUE_H
#define DIALGATE_CONTROL_CHANNEL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#define CHANNEL_QUEUE_MAX (1u << 20) // octets that wait

struct iovec;
struct channel_waiting;

struct channel_queue { // zeroed memory is an empty queue
    struct channel_waiting *first, *last;
    size_t octets;
};

// Sends at once when nothing waits and there is room, else a copy waits. Returns 0, or -errno: it does not
// go; -EBUSY: too much waits.
int channel_queue_send(struct channel_queue *queue, int fd, const struct iovec *parts, size_t count);
// Sends what waits, as far as there is room. Returns 0 or -errno.
int channel_queue_flush(struct channel_queue *queue, int fd);
bool channel_queue_empty(const struct channel_queue *queue);
void channel_queue_clear(struct channel_queue *queue);

#endif
