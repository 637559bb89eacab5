// SPDX-License-Identifier: BSD-3-Clause
// The agent's end for applications, with rings of workers that a test plays, and a control that it plays too.
#ifndef DIALGATE_TEST_AGENT_UA_CHANNEL_WORLD_H
#define DIALGATE_TEST_AGENT_UA_CHANNEL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "dialog_events.h"
#include "ua_channel.h"
#include "ua_ring.h"

#define WORKERS   3u
#define RING      (4 * UA_RING_MESSAGE_MAX)
#define CUT_ABOVE (CHANNEL_MESSAGE_MAX - 16 - 24 - sizeof(struct channel_ua_event))

struct world {
    struct channel_server server;
    struct workers workers;
    struct ua_channel ua;
    int control;
};

// What control received: one message, gone through event by event.
struct arrival {
    struct channel_header header;
    struct channel_event_run run;
    uint8_t rows[CHANNEL_MESSAGE_MAX];
};

static inline void connect_control(struct world *world)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    world->server.fd = ends[0];
    world->server.greeted = true;
    world->control = ends[1];
    ua_channel_begin(&world->ua);
}

static inline void disconnect_control(struct world *world)
{
    channel_server_drop(&world->server);
    close(world->control);
    ua_channel_forget(&world->ua);
}

static inline struct ua_ring *make_ring(void)
{
    struct ua_ring *ring = aligned_alloc(64, sizeof(*ring) + RING);

    *ring = (struct ua_ring){.size = RING};
    return ring;
}

static inline int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->workers.count = WORKERS;
    world->workers.parts[0].keys.table = (struct siphash_key){{1, 2}};
    for (unsigned i = 0; i < WORKERS; i++) {
        world->workers.parts[i].ua_commands = make_ring();
        world->workers.parts[i].ua_events = make_ring();
    }
    channel_server_init(&world->server, -1);
    ua_channel_init(&world->ua, &world->server, &world->workers);
    connect_control(world);
    *state = world;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *world = *state;

    disconnect_control(world);
    ua_channel_fini(&world->ua);
    for (unsigned i = 0; i < WORKERS; i++) {
        free(world->workers.parts[i].ua_commands);
        free(world->workers.parts[i].ua_events);
    }
    free(world);
    return 0;
}

static inline void command(struct world *world, const struct channel_ua_command *fixed, const char *rest)
{
    const struct channel_input in = {.header = {.type = CHANNEL_UA_COMMAND},
                                     .body = {.ua = *fixed},
                                     .rest = (const uint8_t *)rest,
                                     .rest_size = strlen(rest),
                                     .fd = -1};

    assert_int_equal(channel_ua_command_size(fixed), sizeof(*fixed) + in.rest_size);
    ua_channel_take(&world->ua, &in);
}

// How many commands the worker has now, which it takes.
static inline unsigned commands_of(struct world *world, unsigned worker, uint64_t tag)
{
    struct ua_ring *ring = world->workers.parts[worker].ua_commands;
    const struct channel_ua_command *got;
    unsigned count = 0;
    uint32_t length;

    while ((got = ua_ring_first(ring, &length)) != NULL) {
        assert_int_equal(got->tag, tag);
        assert_int_equal(length, channel_ua_command_size(got));
        ua_ring_drop(ring);
        count++;
    }
    return count;
}

static inline void taken(struct world *world, uint64_t number)
{
    ua_channel_taken(&world->ua, &(struct channel_ua_taken){number});
}

static inline bool receive(struct world *world, struct arrival *arrival)
{
    ssize_t size = recv(world->control, arrival, sizeof(*arrival), MSG_DONTWAIT);

    if (size < 0)
        return false;
    assert_true((size_t)size >= sizeof(arrival->header) + sizeof(arrival->run) &&
                (size_t)size <= CHANNEL_MESSAGE_MAX);
    assert_int_equal(arrival->header.type, CHANNEL_UA_EVENTS);
    assert_int_equal(arrival->header.request, 0);
    return true;
}

// The only event that there is.
static inline struct channel_ua_event receive_one(struct world *world)
{
    struct channel_ua_event event;
    struct arrival arrival;

    ua_channel_poll(&world->ua);
    assert_true(receive(world, &arrival));
    assert_int_equal(arrival.run.count, 1);
    memcpy(&event, arrival.rows, sizeof(event));
    assert_false(receive(world, &arrival));
    return event;
}

static inline void tell(struct world *world, unsigned worker, uint64_t tag, uint16_t length)
{
    const struct channel_ua_event event = {
        .tag = tag, .kind = CHANNEL_UA_ANSWERED, .length = length, .call = tag * 5};
    uint8_t *to = ua_ring_add(world->workers.parts[worker].ua_events, channel_ua_event_size(&event));

    if (to == NULL)
        return;
    memset(to, 'm', channel_ua_event_size(&event));
    memcpy(to, &event, sizeof(event));
    ua_ring_publish(world->workers.parts[worker].ua_events);
}

// Goes through all that control has; each worker's tags rise by one. Returns how many events.
static inline unsigned receive_all(struct world *world, uint64_t *tags, uint64_t *next, unsigned *messages)
{
    struct arrival arrival;
    unsigned count = 0;

    for (*messages = 0; receive(world, &arrival); ++*messages) {
        const uint8_t *at = arrival.rows;

        assert_true(arrival.run.count <= CHANNEL_EVENTS_MAX);
        assert_int_equal(arrival.run.first - arrival.run.lost, *next);
        *next = arrival.run.first + arrival.run.count;
        for (unsigned i = 0; i < arrival.run.count; i++) {
            struct channel_ua_event event;

            memcpy(&event, at, sizeof(event));
            assert_int_equal(event.tag % 1000000, tags[event.tag / 1000000]++);
            for (unsigned j = 0; j < event.length; j++)
                assert_int_equal(at[sizeof(event) + j], 'm');
            for (unsigned j = event.length; j % 8 != 0; j++)
                assert_int_equal(at[sizeof(event) + j], 0);
            at += channel_ua_event_size(&event);
        }
        assert_int_equal(arrival.header.size, at - (const uint8_t *)&arrival);
        count += arrival.run.count;
    }
    return count;
}

#endif
