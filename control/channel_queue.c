// SPDX-License-Identifier: BSD-3-Clause
#include "channel_queue.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct channel_waiting {
    struct channel_waiting *next;
    size_t size;
    uint8_t octets[];
};

bool channel_queue_empty(const struct channel_queue *queue)
{
    return queue->first == NULL;
}

static int transmit(int fd, const struct iovec *parts, size_t count)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static bool is_full(int result)
{
    return result == -EAGAIN || result == -ENOBUFS || result == -EINTR;
}

int channel_queue_send(struct channel_queue *queue, int fd, const struct iovec *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].iov_len;
    if (channel_queue_empty(queue)) {
        int result = transmit(fd, parts, count);
        if (!is_full(result))
            return result;
    }
    if (queue->octets + size > CHANNEL_QUEUE_MAX)
        return -EBUSY;
    struct channel_waiting *waiting = malloc(sizeof(*waiting) + size);
    if (!waiting)
        return -ENOMEM;
    waiting->next = NULL;
    waiting->size = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(waiting->octets + waiting->size, parts[i].iov_base, parts[i].iov_len);
        waiting->size += parts[i].iov_len;
    }
    if (queue->first)
        queue->last->next = waiting;
    else
        queue->first = waiting;
    queue->last = waiting;
    queue->octets += size;
    return 0;
}

static void forget_first(struct channel_queue *queue)
{
    struct channel_waiting *first = queue->first;
    queue->first = first->next;
    queue->octets -= first->size;
    free(first);
}

int channel_queue_flush(struct channel_queue *queue, int fd)
{
    while (queue->first) {
        const struct iovec part = {.iov_base = queue->first->octets, .iov_len = queue->first->size};
        int result = transmit(fd, &part, 1);
        if (result < 0)
            return is_full(result) ? 0 : result;
        forget_first(queue);
    }
    return 0;
}

void channel_queue_clear(struct channel_queue *queue)
{
    while (queue->first)
        forget_first(queue);
}
