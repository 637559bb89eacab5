// SPDX-License-Identifier: BSD-3-Clause
// One core's memory for a test, and the rule that every scenario runs again with its k-th arena request
// failing.
#ifndef DIALGATE_TEST_STATE_WORLD_H
#define DIALGATE_TEST_STATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dialog.h"
#include "transaction.h"

#define WORLD_CAPACITY 64u
#define WORLD_REGION   ((size_t)8 << 20)

struct world {
    struct wheel wheel;
    struct arena arena;
    struct transactions transactions;
    struct dialogs dialogs;
    tick_t now;
    void *region;
    void *transaction_memory;
    void *dialog_file;
    void *dialog_private;
};

static inline void world_init(struct world *world)
{
    world->now = 0xfffffc00u; // the clock runs over in the middle of the tests
    world->region = aligned_alloc(2u << 20, WORLD_REGION);
    world->transaction_memory = aligned_alloc(64, transactions_memory(WORLD_CAPACITY));
    world->dialog_file = aligned_alloc(64, dialogs_file_memory(WORLD_CAPACITY));
    world->dialog_private = aligned_alloc(64, dialogs_private_memory(WORLD_CAPACITY));
    assert_non_null(world->region);
    assert_non_null(world->transaction_memory);
    assert_non_null(world->dialog_file);
    assert_non_null(world->dialog_private);
    memset(world->transaction_memory, 0x5a, transactions_memory(WORLD_CAPACITY));
    memset(world->dialog_file, 0, dialogs_file_memory(WORLD_CAPACITY));
    memset(world->dialog_private, 0x5a, dialogs_private_memory(WORLD_CAPACITY));
    wheel_init(&world->wheel, world->now);
    assert_int_equal(arena_init(&world->arena, world->region, WORLD_REGION), 0);
    transactions_init(&world->transactions, world->transaction_memory, WORLD_CAPACITY, &world->arena,
                      &world->wheel);
    const struct dialogs_place place = {.file = world->dialog_file,
                                        .private = world->dialog_private,
                                        .capacity = WORLD_CAPACITY,
                                        .key = {{11, 12}}};
    dialogs_init(&world->dialogs, &place, &world->arena, &world->wheel);
}

// Releases what a scenario left, and asserts that nothing leaked: no text, no timer, no entry of a table.
static inline void world_fini(struct world *world)
{
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++) {
        transaction_release(&world->transactions, i);
        dialog_release(&world->dialogs, i);
    }
    assert_int_equal(world->transactions.count, 0);
    assert_int_equal(world->transactions.table.count, 0);
    assert_int_equal(world->dialogs.count, 0);
    assert_int_equal(world->dialogs.table.count, 0);
    assert_int_equal(world->dialogs.intern.table.count, 0);
    assert_int_equal(world->dialogs.journal->index, INDEX_NONE);
    assert_int_equal(world->wheel.armed, 0);
    assert_int_equal(world->arena.used, 0);
    for (unsigned i = 0; i < DIALOG_STATES; i++)
        assert_int_equal(world->dialogs.by_state[i], i == DIALOG_FREE ? WORLD_CAPACITY : 0);
    arena_fini(&world->arena);
    free(world->region);
    free(world->transaction_memory);
    free(world->dialog_file);
    free(world->dialog_private);
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
static inline bool room(const struct world *world, bool succeeded)
{
    if (!succeeded)
        assert_true(world->arena.refused > 0);
    return succeeded;
}

// Turns the clock to now one tick after another until something expires. Returns its handle, INDEX_NONE:
// nothing did.
static inline uint32_t world_turn(struct world *world, tick_t now)
{
    uint32_t expired;
    while (world->now != now) {
        world->now++;
        while (world->wheel.now != world->now)
            if (wheel_advance(&world->wheel, world->now, &expired, 1) == 1)
                return expired;
    }
    return INDEX_NONE;
}

#endif
