// SPDX-License-Identifier: BSD-3-Clause
#include "hello.h"

#include <string.h>

// Returns how many descriptors are in fds, in the order of channel.h.
static unsigned describe(const struct dataplane *plane, struct channel_hello *hello, int fds[CHANNEL_FDS_MAX])
{
    unsigned count = 0;

    static_assert(1 + NETWORKS_MAX * PREFILTER_MAP_SHARED + CHANNEL_CAPTURE_FDS <= CHANNEL_FDS_MAX,
                  "all descriptors in one message");
    hello->snapshot_sequence = plane->workers.published.rules->image->sequence;
    hello->workers = plane->workers.count;
    hello->has_counters = 1;
    hello->networks = plane->ports.count;
    hello->has_captures = 1;
    static_assert(sizeof(hello->no_program) == sizeof(plane->programs.missing), "the same texts");
    memcpy(hello->no_program, plane->programs.missing, sizeof(hello->no_program));
    fds[count++] = plane->counters.fd;
    for (unsigned i = 0; i < plane->ports.count; i++) {
        if (!plane->ports.ports[i].attached)
            continue;
        hello->prefilter_maps[i] = PREFILTER_MAP_SHARED;
        for (unsigned map = 0; map < PREFILTER_MAP_SHARED; map++)
            fds[count++] = plane->ports.ports[i].prefilter.map_fds[map];
    }
    fds[count++] = plane->captures.fd;
    fds[count++] = plane->captures.tails_fd;
    return count;
}

void hello_send(struct channel_server *channel, struct channel_hello *hello, const struct dataplane *plane,
                const char *text)
{
    int fds[CHANNEL_FDS_MAX];
    unsigned fd_count = plane != NULL ? describe(plane, hello, fds) : 0;

    if (text != NULL)
        strncpy(hello->text, text, sizeof(hello->text) - 1);
    channel_server_send(channel, &(struct channel_output){.type = CHANNEL_HELLO,
                                                          .body = hello,
                                                          .body_size = sizeof(*hello),
                                                          .fds = fds,
                                                          .fd_count = fd_count});
}

void hello_send_listeners(struct channel_server *channel, const struct listen_set *listens)
{
    const struct channel_listeners body = {.count = listens->count};
    int fds[LISTENERS_MAX];

    if (!channel->greeted)
        return;
    for (unsigned i = 0; i < listens->count; i++)
        fds[i] = listens->sockets[i].fd;
    channel_server_send(channel, &(struct channel_output){.type = CHANNEL_LISTENERS,
                                                          .body = &body,
                                                          .body_size = sizeof(body),
                                                          .fds = fds,
                                                          .fd_count = listens->count});
}
