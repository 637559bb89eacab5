// SPDX-License-Identifier: BSD-3-Clause
// A core with nothing but usages, for a test; and the rule that every scenario runs again with its k-th arena
// request failing.
#ifndef DIALGATE_TEST_STATE_USAGE_WORLD_H
#define DIALGATE_TEST_STATE_USAGE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "usage.h"

#define WORLD_CAPACITY 64u
#define WORLD_REGION   ((size_t)8 << 20)

enum { T1 = 50, T2 = 400, LONG = 64 * T1, EARLY = 18000, CALL = 8640000 };

struct world {
    struct wheel wheel;
    struct arena arena;
    struct usages usages;
    tick_t now;
    void *region;
    void *memory;
};

static inline void world_init(struct world *world)
{
    world->now = 0xfffffc00u; // the clock runs over in the middle of the tests
    world->region = aligned_alloc(2u << 20, WORLD_REGION);
    world->memory = aligned_alloc(64, usages_memory(WORLD_CAPACITY));
    assert_non_null(world->region);
    assert_non_null(world->memory);
    memset(world->memory, 0x5a, usages_memory(WORLD_CAPACITY));
    wheel_init(&world->wheel, world->now);
    assert_int_equal(arena_init(&world->arena, world->region, WORLD_REGION), 0);
    usages_init(&world->usages, world->memory, WORLD_CAPACITY, &world->arena, &world->wheel);
}

// Releases what a scenario left, and asserts that nothing leaked: no octets, no timer.
static inline void world_fini(struct world *world)
{
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++)
        usage_release(&world->usages, i);
    assert_int_equal(world->usages.count, 0);
    assert_int_equal(world->wheel.armed, 0);
    assert_int_equal(world->arena.used, 0);
    arena_fini(&world->arena);
    free(world->region);
    free(world->memory);
}

// A scenario asserts what holds, and returns early where room() says that the arena refused.
static inline void world_run(void (*scenario)(struct world *world))
{
    uint64_t refused = 1;
    for (int64_t k = -1; k < 0 || refused != 0; k++) {
        struct world *world = calloc(1, sizeof(*world));
        assert_non_null(world);
        world_init(world);
        world->arena.fail_at = k;
        scenario(world);
        refused = world->arena.refused;
        world_fini(world);
        free(world);
    }
}

// True when the call succeeded; a refusal must come from the arena, or the test fails.
static inline bool room(const struct world *world, int result)
{
    if (result != 0)
        assert_true(world->arena.refused > 0);
    return result == 0;
}

// Turns the clock until something expires, but not beyond `until`. Returns its handle, INDEX_NONE: nothing
// did.
static inline uint32_t world_turn(struct world *world, tick_t until)
{
    uint32_t expired;
    while (world->now != until) {
        world->now++;
        while (world->wheel.now != world->now)
            if (wheel_advance(&world->wheel, world->now, &expired, 1) == 1)
                return expired;
    }
    return INDEX_NONE;
}

static inline struct usage *at(struct world *world, uint32_t index)
{
    return usage_at(&world->usages, index);
}

// Steps, and asserts the state after it. Returns the actions.
static inline unsigned step(struct world *world, uint32_t index, enum usage_event event,
                            enum usage_state state)
{
    unsigned actions = usage_step(&world->usages, index, event, world->now);
    assert_int_equal(at(world, index)->state, state);
    return actions;
}

// The next thing on the wheel must be this usage, after exactly `after` ticks, and must mean `event`.
static inline unsigned next_is(struct world *world, uint32_t index, tick_t after, enum usage_event event)
{
    assert_int_equal(world_turn(world, world->now + after - 1), INDEX_NONE);
    assert_int_equal(world_turn(world, world->now + 1), WHEEL_HANDLE(WHEEL_CLASS_USAGE, index));
    assert_int_equal(usage_expired(&world->usages, index, world->now), event);
    return usage_step(&world->usages, index, event, world->now);
}

static inline uint32_t calls(struct world *world, uint32_t cseq)
{
    uint32_t index = usage_create(&world->usages, USAGE_CLIENT, cseq, world->now);
    assert_int_not_equal(index, INDEX_NONE);
    return index;
}

static inline uint32_t is_called(struct world *world, uint32_t cseq)
{
    uint32_t index = usage_create(&world->usages, USAGE_SERVER, cseq, world->now);
    assert_int_not_equal(index, INDEX_NONE);
    return index;
}

static inline uint32_t confirmed_client(struct world *world)
{
    uint32_t index = calls(world, 1);
    step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED);
    return index;
}

static inline uint32_t confirmed_server(struct world *world)
{
    uint32_t index = is_called(world, 1);
    step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED);
    assert_int_equal(usage_receive_ack(&world->usages, index, 1, world->now), USAGE_DO_DELIVER);
    assert_int_equal(at(world, index)->state, USAGE_CONFIRMED);
    return index;
}

static inline struct usage_verdict receives(struct world *world, uint32_t index, enum usage_method method,
                                            uint32_t cseq)
{
    struct usage_request request = {.cseq = cseq, .method = (uint8_t)method};
    return usage_receive(&world->usages, index, &request, 0x80000000u, world->now);
}

static inline struct usage_verdict receives_offer(struct world *world, uint32_t index,
                                                  enum usage_method method, uint32_t cseq)
{
    struct usage_request request = {.cseq = cseq, .method = (uint8_t)method, .description = true};
    return usage_receive(&world->usages, index, &request, 0x80000000u, world->now);
}

// A usage in this state, by events alone; it was the client of its first INVITE where it can have been.
static inline uint32_t reach(struct world *world, enum usage_state state)
{
    static const uint8_t paths[USAGE_STATES][5] = {
        [USAGE_PROCEEDING] = {USAGE_ON_1XX, USAGE_EVENTS},
        [USAGE_LOST_EARLY] = {USAGE_ON_199, USAGE_EVENTS},
        [USAGE_CANCEL_HELD] = {USAGE_ON_SEND_CANCEL, USAGE_EVENTS},
        [USAGE_CANCELLED] = {USAGE_ON_1XX, USAGE_ON_SEND_CANCEL, USAGE_EVENTS},
        [USAGE_ACCEPTED] = {USAGE_ON_2XX_LATE, USAGE_EVENTS},
        [USAGE_HELD] = {USAGE_ON_SEND_2XX_HELD, USAGE_EVENTS},
        [USAGE_ANSWERED] = {USAGE_ON_SEND_2XX, USAGE_EVENTS},
        [USAGE_ENDING] = {USAGE_ON_SEND_2XX, USAGE_ON_END, USAGE_EVENTS},
        [USAGE_LEFT_UNACKED] = {USAGE_ON_SEND_2XX, USAGE_ON_BYE, USAGE_EVENTS},
        [USAGE_CONFIRMED] = {USAGE_ON_2XX, USAGE_EVENTS},
        [USAGE_REINVITING] = {USAGE_ON_2XX, USAGE_ON_SEND_INVITE, USAGE_EVENTS},
        [USAGE_REINVITE_PROCEEDING] = {USAGE_ON_2XX, USAGE_ON_SEND_INVITE, USAGE_ON_1XX, USAGE_EVENTS},
        [USAGE_REINVITE_CANCEL_HELD] = {USAGE_ON_2XX, USAGE_ON_SEND_INVITE, USAGE_ON_SEND_CANCEL,
                                        USAGE_EVENTS},
        [USAGE_REINVITE_CANCELLED] = {USAGE_ON_2XX, USAGE_ON_SEND_INVITE, USAGE_ON_1XX, USAGE_ON_SEND_CANCEL,
                                      USAGE_EVENTS},
        [USAGE_REINVITE_ACCEPTED] = {USAGE_ON_2XX, USAGE_ON_SEND_INVITE, USAGE_ON_2XX_LATE, USAGE_EVENTS},
        [USAGE_REINVITED] = {USAGE_ON_2XX, USAGE_ON_INVITE, USAGE_EVENTS},
        [USAGE_REINVITE_HELD] = {USAGE_ON_2XX, USAGE_ON_INVITE, USAGE_ON_SEND_2XX_HELD, USAGE_EVENTS},
        [USAGE_REINVITE_ANSWERED] = {USAGE_ON_2XX, USAGE_ON_INVITE, USAGE_ON_SEND_2XX, USAGE_EVENTS},
        [USAGE_LEAVING_EARLY] = {USAGE_ON_1XX, USAGE_ON_LEAVE_EARLY, USAGE_EVENTS},
        [USAGE_LEFT_EARLY] = {USAGE_ON_1XX, USAGE_ON_LEAVE_EARLY, USAGE_ON_BYE_DONE, USAGE_EVENTS},
        [USAGE_LEAVING] = {USAGE_ON_2XX, USAGE_ON_END, USAGE_EVENTS},
        [USAGE_TERMINATED] = {USAGE_ON_FAILURE, USAGE_EVENTS},
        [USAGE_CALLING] = {USAGE_EVENTS},
        [USAGE_INVITED] = {USAGE_EVENTS},
    };
    bool server = state >= USAGE_INVITED && state <= USAGE_LEFT_UNACKED;
    uint32_t index = server ? is_called(world, 100) : calls(world, 1);
    for (const uint8_t *event = paths[state]; *event != USAGE_EVENTS; event++) {
        if (*event == USAGE_ON_SEND_2XX_HELD)
            assert_int_not_equal(usage_send_reliable(&world->usages, index, true, 0, world->now), 0);
        if (*event == USAGE_ON_SEND_INVITE)
            usage_number(&world->usages, index);
        if (*event == USAGE_ON_INVITE)
            assert_int_equal(receives(world, index, USAGE_INVITE, 100).status, 0);
        else
            usage_step(&world->usages, index, (enum usage_event) * event, world->now);
    }
    assert_int_equal(at(world, index)->state, state);
    return index;
}

#endif
