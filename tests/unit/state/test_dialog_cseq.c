// SPDX-License-Identifier: BSD-3-Clause
// CSeq numbers around requests of ours: each row a step of one direction, whose numbers the other end sees.
#include "call.h"

enum what { SEE, TAKE, OUT };

struct step {
    enum what what;
    uint32_t own;   // SEE, OUT: the side's own number
    uint32_t other; // TAKE: of our request; OUT: what the other end sees
};

// The caller's first number is 314 (call.h).
static const struct step caller[] = {
    {OUT, 314, 314}, {TAKE, 0, 315},  // we ask in its name
    {OUT, 314, 314},                  // the INVITE's ACK keeps its number
    {OUT, 315, 316}, {SEE, 315, 0},   // its next request
    {TAKE, 0, 317},  {TAKE, 0, 318},  // twice without a word of it
    {OUT, 314, 314}, {OUT, 315, 316}, // repetitions of what was before
    {OUT, 316, 319}, {OUT, 317, 320}, {SEE, 400, 0},
    {OUT, 399, 402}, {TAKE, 0, 404},  {OUT, 400, 403},
    {OUT, 401, 405}, {OUT, 0, 0},     {OUT, 0x7ffffffb, 0x7fffffff}, // 8.1.1.5
};

// Of the callee nothing was seen: its own numbers may begin anywhere, at 0 too.
static const struct step callee[] = {
    {TAKE, 0, 1}, {TAKE, 0, 2},  {OUT, 0, 3},   {OUT, 77, 80},
    {SEE, 77, 0}, {TAKE, 0, 81}, {OUT, 77, 80}, {OUT, 78, 82},
};

// Returns false when the arena refused.
static bool walk(struct world *world, uint32_t index, enum dialog_side side, const struct step *step)
{
    struct dialogs *set = &world->dialogs;
    if (step->what == SEE)
        dialog_see(set, index, &(struct dialog_seen){.side = side, .cseq = step->own});
    if (step->what == OUT) {
        assert_int_equal(dialog_cseq_out(set, index, side, step->own), step->other);
        assert_int_equal(dialog_cseq_back(set, index, side, step->other), step->own);
    }
    if (step->what == TAKE) {
        assert_int_equal(dialog_cseq_next(set, index, side), step->other);
        size_t used = world->arena.used;
        int result = dialog_cseq_take(set, index, side);
        if (!room(world, result == 0)) {
            assert_int_equal(result, -ENOSPC);
            assert_int_equal(dialog_cseq_next(set, index, side), step->other);
            assert_int_equal(world->arena.used, used);
            return false;
        }
        assert_int_equal(dialog_at(set, index)->flags & DIALOG_FLAG_SHIFTED, DIALOG_FLAG_SHIFTED);
    }
    call_file_is_whole(world);
    return true;
}

static void both_directions(struct world *world)
{
    uint32_t index = call_make(world);
    if (index == INDEX_NONE || !call_set(world, index, DIALOG_TEXT_CALLEE_TAG, "t"))
        return;
    call_step(world, index, DIALOG_ON_SUCCESS);
    for (size_t i = 0; i < sizeof(caller) / sizeof(caller[0]); i++) {
        if (!walk(world, index, DIALOG_CALLER, &caller[i]))
            return;
        if (i < sizeof(callee) / sizeof(callee[0]) && !walk(world, index, DIALOG_CALLEE, &callee[i]))
            return;
    }
    // What else changes the cold part leaves the numbers, and the other way round.
    if (!call_set(world, index, DIALOG_TEXT_CALLER_TARGET, "sip:alice@192.0.2.7"))
        return;
    dialog_see(&world->dialogs, index,
               &(struct dialog_seen){.side = DIALOG_CALLER, .source = {IP_MAPPED(0xc0000209), 5060, 1}});
    assert_int_equal(dialog_cseq_out(&world->dialogs, index, DIALOG_CALLER, 401), 405);
    assert_int_equal(dialog_cseq_out(&world->dialogs, index, DIALOG_CALLEE, 78), 82);
    call_text_is(world, index, DIALOG_TEXT_CALLER_TARGET, "sip:alice@192.0.2.7");
    call_text_is(world, index, DIALOG_TEXT_CALLER_FROM, call_texts[DIALOG_TEXT_CALLER_FROM]);
    call_file_is_whole(world);
}

// Beyond DIALOG_SHIFTS_MAX watermarks the oldest is forgotten: numbers from before it pass as they are.
static void oldest_is_forgotten(struct world *world)
{
    uint32_t index = call_make(world);
    struct dialogs *set = &world->dialogs;
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_SUCCESS);
    for (uint32_t i = 0; i <= DIALOG_SHIFTS_MAX; i++) { // a request of its, then one of ours
        dialog_see(set, index, &(struct dialog_seen){.side = DIALOG_CALLER, .cseq = 314 + i});
        if (!room(world, dialog_cseq_take(set, index, DIALOG_CALLER) == 0))
            return;
    }
    assert_int_equal(dialog_shift_count(dialog_cold(set, index), DIALOG_CALLER), DIALOG_SHIFTS_MAX);
    for (uint32_t i = 1; i <= DIALOG_SHIFTS_MAX + 1; i++) {
        uint32_t other = i == 1 ? 315 : 314 + 2 * i;
        assert_int_equal(dialog_cseq_out(set, index, DIALOG_CALLER, 314 + i), other);
        assert_int_equal(dialog_cseq_back(set, index, DIALOG_CALLER, other), 314 + i);
    }
}

// 8.1.1.5: a CSeq is less than 2^31.
static void no_number_is_left(struct world *world)
{
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    dialog_see(&world->dialogs, index, &(struct dialog_seen){.side = DIALOG_CALLER, .cseq = 0x7ffffffe});
    size_t used = world->arena.used;
    assert_int_equal(dialog_cseq_take(&world->dialogs, index, DIALOG_CALLER), -ERANGE);
    assert_int_equal(world->arena.used, used);
    assert_int_equal(dialog_at(&world->dialogs, index)->flags & DIALOG_FLAG_SHIFTED, 0);
}

// A fork is a dialog of its own: nothing was put into it.
static void a_fork_has_none(struct world *world)
{
    uint32_t index = call_make(world);
    if (index == INDEX_NONE || !room(world, dialog_cseq_take(&world->dialogs, index, DIALOG_CALLER) == 0))
        return;
    uint32_t fork = dialog_fork(&world->dialogs, index, world->now);
    if (!room(world, fork != INDEX_NONE))
        return;
    assert_int_equal(dialog_cseq_next(&world->dialogs, fork, DIALOG_CALLER), 315);
    assert_int_equal(dialog_cseq_out(&world->dialogs, fork, DIALOG_CALLER, 315), 315);
    call_file_is_whole(world);
}

// Random steps against the list of all insertions.
static void random_walk(struct world *world)
{
    enum { STEPS = 20000 };
    static uint32_t marks[STEPS]; // what had been seen when ours went in
    uint32_t index = call_make(world), seen = 314, count = 0, state = 12345;
    if (index == INDEX_NONE)
        return;
    struct dialogs *set = &world->dialogs;
    call_step(world, index, DIALOG_ON_SUCCESS);
    for (unsigned i = 0; i < STEPS; i++) {
        state = state * 1664525 + 1013904223;
        if (state >> 30 == 0) {
            uint32_t wanted = seen + count + 1;
            assert_int_equal(dialog_cseq_next(set, index, DIALOG_CALLER), wanted);
            if (!room(world, dialog_cseq_take(set, index, DIALOG_CALLER) == 0))
                return;
            marks[count++] = seen;
        } else {
            seen += 1 + (state >> 16 & 3);
            dialog_see(set, index, &(struct dialog_seen){.side = DIALOG_CALLER, .cseq = seen});
        }
        // What went lately: its shift is the number of insertions before it.
        uint32_t number = seen - (state >> 8 & 7), shift = 0, runs = 0;
        for (uint32_t k = count; k-- > 0 && runs <= DIALOG_SHIFTS_MAX;) {
            runs += k + 1 == count || marks[k] != marks[k + 1];
            if (number > marks[k]) {
                shift = k + 1;
                break;
            }
        }
        if (runs > DIALOG_SHIFTS_MAX || (shift == 0 && count > DIALOG_SHIFTS_MAX))
            continue; // forgotten
        assert_int_equal(dialog_cseq_out(set, index, DIALOG_CALLER, number), number + shift);
        assert_int_equal(dialog_cseq_back(set, index, DIALOG_CALLER, number + shift), number);
    }
}

static void test_random_walk(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world_init(world);
    world->arena.fail_at = -1;
    random_walk(world);
    world_fini(world);
    free(world);
}

CALL_TEST(both_directions)
CALL_TEST(oldest_is_forgotten)
CALL_TEST(no_number_is_left)
CALL_TEST(a_fork_has_none)

int main(void)
{
    const struct CMUnitTest tests[] = {CALL_ROW(both_directions) CALL_ROW(oldest_is_forgotten) CALL_ROW(
        no_number_is_left) CALL_ROW(a_fork_has_none) CALL_ROW(random_walk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
