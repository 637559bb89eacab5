// SPDX-License-Identifier: BSD-3-Clause
// A worker begins with dialogs of an earlier process: its peers' counts are right before its first turn, the
// texts follow, and the files are given up when nothing leads there any more.
#include <stdlib.h>
#include <string.h>
#include "takeover.h"
#include "tests.h"

#define CALLS 40u
#define ARENA ((size_t)4 << 20)

struct before {
    uint8_t *file;
    void *private;
    struct arena arena;
    struct wheel wheel;
    struct dialogs dialogs;
    struct image image, *list;
    struct takeover takeover;
};

static void add(struct before *before, unsigned number, uint16_t callee_peer, bool answered)
{
    char id[32];
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = (struct dialog_string){"sip:x@10.20.0.11", 16};
    texts[DIALOG_TEXT_CALL_ID] =
        (struct dialog_string){id, (uint32_t)snprintf(id, sizeof(id), "%u@taken", number)};
    const struct dialog_birth birth = {
        .call_hash = siphash13(&before->dialogs.key, id, texts[DIALOG_TEXT_CALL_ID].length),
        .texts = texts,
        .caller_peer = IMAGE_CARRIER_A,
        .callee_peer = callee_peer,
        .callee_member = callee_peer == IMAGE_SBCS ? IMAGE_MEMBER_SBC1 : NUMBER_NONE,
        .counted = true};
    uint32_t index = dialog_create(&before->dialogs, &birth, before->wheel.now);
    assert_int_not_equal(index, INDEX_NONE);
    dialog_step(&before->dialogs, index, DIALOG_ON_PROVISIONAL, before->wheel.now);
    if (answered)
        dialog_step(&before->dialogs, index, DIALOG_ON_SUCCESS, before->wheel.now);
}

// The file of a process that died with no dialogs yet; its clock is the worker's.
static void begin(struct before *before, const struct worker *worker)
{
    const struct image_identity identity = {.epoch = 1, .workers = 1, .key = worker->parts.keys.table};
    const struct image_layout layout = image_layout(CALLS, ARENA);
    before->file = aligned_alloc((size_t)2 << 20, layout.size);
    before->private = aligned_alloc(64, (dialogs_private_memory(CALLS) + 63) / 64 * 64);
    assert_non_null(before->file);
    assert_non_null(before->private);
    memset(before->file, 0, layout.size);
    image_begin(before->file, &layout, &identity, CALLS);
    wheel_init(&before->wheel, worker->now);
    assert_int_equal(arena_init(&before->arena, before->file + layout.arena_offset, ARENA), 0);
    const struct dialogs_place place = {.file = before->file + layout.dialogs_offset,
                                        .private = before->private,
                                        .capacity = CALLS,
                                        .key = identity.key};
    dialogs_init(&before->dialogs, &place, &before->arena, &before->wheel);
    assert_int_equal(image_open(&before->image, before->file, layout.size, &identity), IMAGE_FINE);
    before->list = &before->image;
    before->takeover = (struct takeover){.images = &before->list, .image_count = 1};
}

static void end(struct before *before)
{
    arena_fini(&before->arena);
    free(before->private);
    free(before->file);
}

static void test_taken_over(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    struct before before;
    begin(&before, worker);
    for (unsigned i = 0; i < CALLS; i++)
        add(&before, i, IMAGE_SBCS, i % 4 != 0);
    before.image.records[7].cseq[0]++; // damaged
    worker->parts.takeover = &before.takeover;
    takeover_begin(worker);
    assert_true(atomic_load(&before.takeover.begun));
    assert_false(atomic_load(&before.takeover.finished));
    assert_int_equal(before.takeover.taken, CALLS - 1);
    assert_int_equal(before.takeover.damaged, 1);
    wire_expect_count(wire, COUNTER_FOUND_TAKEN, CALLS - 1);
    wire_expect_count(wire, COUNTER_FOUND_DAMAGED, 1);
    wire_expect_count(wire, COUNTER_FOUND_NO_ROOM, 0);
    assert_int_equal(wire->parts[0].peers[IMAGE_CARRIER_A].calls_in, CALLS - 1);
    assert_int_equal(wire->parts[0].peers[IMAGE_SBCS].calls_out, CALLS - 1);
    assert_int_equal(wire->parts[0].members[IMAGE_MEMBER_SBC1].calls, CALLS - 1);
    assert_int_equal(worker->dialogs.by_state[DIALOG_CONFIRMED], CALLS * 3 / 4 - 1);
    assert_int_equal(worker->dialogs.by_state[DIALOG_EARLY], CALLS / 4);
    // Nobody is told of them: nothing has happened to them.
    assert_int_equal(worker_transitions(worker)->head, 0);
    for (unsigned i = 0; i < 10 && !atomic_load(&before.takeover.finished); i++)
        wire_turn_silently(wire);
    assert_true(atomic_load(&before.takeover.finished));
    wire_expect_count(wire, COUNTER_IN_IMAGES_NOW, 0);
    assert_null(worker->parts.takeover);
    end(&before);
    // Their lives end as those of calls that began here: the teardown asserts that every count is back.
}

// The configuration has lost a peer meanwhile: its number names nobody, and the calls end like others.
static void test_peer_is_gone(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    struct before before;
    begin(&before, worker);
    add(&before, 1, PEERS_MAX - 1, true);
    add(&before, 2, IMAGE_SBCS, true);
    worker->parts.takeover = &before.takeover;
    takeover_begin(worker);
    assert_int_equal(before.takeover.taken, 2);
    assert_int_equal(wire->parts[0].peers[PEERS_MAX - 1].calls_out, 1);
    while (!atomic_load(&before.takeover.finished))
        wire_turn_silently(wire);
    end(&before);
}

// Nothing was left behind: it takes packets at once and gives the files up in its first turn.
static void test_nothing(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    struct takeover takeover = {.image_count = 0};
    worker->parts.takeover = &takeover;
    takeover_begin(worker);
    assert_true(atomic_load(&takeover.begun));
    wire_turn(wire);
    assert_true(atomic_load(&takeover.finished));
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_taken_over), ON_WIRE(test_peer_is_gone),
                                       ON_WIRE(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
