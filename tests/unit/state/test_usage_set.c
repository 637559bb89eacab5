// SPDX-License-Identifier: BSD-3-Clause
// Dialog sets: several dialogs of one INVITE (RFC 3261 13.2.2.4).
#include "usage_world.h"

// 13.2.2.4: the first 2xx wins; others get ACK and BYE; who is early 64*T1 later is over.
static void forks(struct world *world)
{
    uint32_t first = calls(world, 5), members[USAGES_OF_SET_MAX];
    usage_description(&world->usages, first, OFFER_IN_INVITE, true);
    step(world, first, USAGE_ON_1XX, USAGE_PROCEEDING);
    uint32_t second = usage_fork(&world->usages, first, 5, world->now);
    uint32_t third = usage_fork(&world->usages, second, 5, world->now);
    step(world, third, USAGE_ON_1XX, USAGE_PROCEEDING);
    assert_int_equal(at(world, first)->flags, USAGE_FLAG_OFFERED);
    assert_int_equal(at(world, first)->at[USAGE_TIMER_LIFE] - world->now, EARLY);
    assert_int_equal(usage_set(&world->usages, second, members), 3);
    assert_int_equal(members[0], second);
    assert_int_equal(at(world, third)->local_cseq, 5);
    // Each has its own offer and answer.
    assert_int_equal(usage_description(&world->usages, second, OFFER_IN_2XX, false), OFFER_IS_ANSWER);
    assert_int_equal(at(world, third)->offer.state, OFFER_SENT);
    world_turn(world, world->now + 500);
    step(world, second, USAGE_ON_2XX, USAGE_CONFIRMED);
    tick_t answered = world->now;
    world_turn(world, world->now + 100);
    assert_int_equal(step(world, third, USAGE_ON_2XX, USAGE_LEAVING),
                     USAGE_DO_ACK | USAGE_DO_BYE | USAGE_DO_CONFIRM | USAGE_DO_TARGET);
    // A 1xx does not lengthen the life of a set that was answered.
    step(world, first, USAGE_ON_1XX, USAGE_PROCEEDING);
    uint32_t fourth = usage_fork(&world->usages, second, 5, world->now);
    assert_int_equal(step(world, fourth, USAGE_ON_2XX, USAGE_LEAVING),
                     USAGE_DO_ACK | USAGE_DO_BYE | USAGE_DO_CONFIRM | USAGE_DO_TARGET);
    usage_release(&world->usages, third);
    usage_release(&world->usages, fourth);
    assert_int_equal(usage_set(&world->usages, first, members), 2);
    assert_int_equal(at(world, second)->state, USAGE_CONFIRMED);
    uint32_t handle;
    while ((handle = world_turn(world, answered + LONG)) != WHEEL_HANDLE(WHEEL_CLASS_USAGE, first))
        usage_step(&world->usages, WHEEL_INDEX(handle), USAGE_ON_FORGET, world->now);
    assert_int_equal(world->now, answered + LONG);
    assert_int_equal(step(world, first, USAGE_ON_LIFE, USAGE_TERMINATED),
                     USAGE_DO_DELIVER | USAGE_DO_END | USAGE_DO_RELEASE);
    usage_release(&world->usages, first);
    assert_int_equal(usage_set(&world->usages, second, members), 1);
}

// What ends one branch leaves the INVITE to the others; what ends the last one cancels it.
static void branches_end_one_by_one(struct world *world)
{
    static const enum usage_event ends[] = {USAGE_ON_LIFE, USAGE_ON_GONE, USAGE_ON_BYE};
    for (int i = 0; i < 3; i++) {
        uint32_t first = calls(world, 5);
        step(world, first, USAGE_ON_1XX, USAGE_PROCEEDING);
        uint32_t second = usage_fork(&world->usages, first, 5, world->now);
        world_turn(world, world->now + 1);
        usage_arm(&world->usages, first, USAGE_TIMER_LIFE, world->now);
        assert_int_equal(step(world, first, ends[i], USAGE_TERMINATED),
                         USAGE_DO_DELIVER | USAGE_DO_END | USAGE_DO_RELEASE);
        usage_release(&world->usages, first);
        usage_arm(&world->usages, second, USAGE_TIMER_LIFE, world->now);
        assert_int_equal(step(world, second, ends[i], USAGE_CANCELLED), USAGE_DO_CANCEL | USAGE_DO_DELIVER);
    }
    // 199 is no end of the INVITE, and who waits after it does not ring.
    uint32_t first = calls(world, 5);
    step(world, first, USAGE_ON_1XX, USAGE_PROCEEDING);
    uint32_t second = usage_fork(&world->usages, first, 5, world->now);
    step(world, second, USAGE_ON_199, USAGE_LOST_EARLY);
    assert_int_equal(step(world, first, USAGE_ON_GONE, USAGE_CANCELLED), USAGE_DO_CANCEL | USAGE_DO_DELIVER);
}

static void a_set_has_a_bound(struct world *world)
{
    uint32_t index = calls(world, 5), members[USAGES_OF_SET_MAX];
    step(world, index, USAGE_ON_1XX, USAGE_PROCEEDING);
    for (unsigned i = 1; i < USAGES_OF_SET_MAX; i++)
        assert_int_not_equal(usage_fork(&world->usages, index, 5, world->now), INDEX_NONE);
    assert_int_equal(usage_fork(&world->usages, index, 5, world->now), INDEX_NONE);
    assert_int_equal(usage_set(&world->usages, index, members), USAGES_OF_SET_MAX);
    usage_release(&world->usages, members[7]);
    assert_int_not_equal(usage_fork(&world->usages, index, 5, world->now), INDEX_NONE);
}

// A branch that shows itself after the CANCEL belongs to what was cancelled.
static void fork_of_a_cancelled_set(struct world *world)
{
    uint32_t index = calls(world, 5);
    step(world, index, USAGE_ON_1XX, USAGE_PROCEEDING);
    step(world, index, USAGE_ON_SEND_CANCEL, USAGE_CANCELLED);
    uint32_t fork = usage_fork(&world->usages, index, 5, world->now);
    assert_int_equal(at(world, fork)->state, USAGE_CANCELLED);
    assert_true(step(world, fork, USAGE_ON_2XX, USAGE_LEAVING) & USAGE_DO_BYE);
}

// What a fork begins with is the first INVITE's offer, whatever else was offered.
static void offer_of_a_fork(struct world *world)
{
    uint32_t index = calls(world, 1);
    usage_description(&world->usages, index, OFFER_IN_2XX, false);
    assert_int_equal(at(world, index)->flags & USAGE_FLAG_OFFERED, 0);
    index = reach(world, USAGE_REINVITING);
    usage_description(&world->usages, index, OFFER_IN_INVITE, true);
    uint32_t fork = usage_fork(&world->usages, index, 1, world->now);
    assert_int_equal(at(world, fork)->offer.state, OFFER_STABLE);
}

#define SCENARIOS(S)                                                                                         \
    S(forks)                                                                                                 \
    S(branches_end_one_by_one)                                                                               \
    S(a_set_has_a_bound)                                                                                     \
    S(fork_of_a_cancelled_set)                                                                               \
    S(offer_of_a_fork)

#define S(name)                                                                                              \
    static void test_##name(void **test)                                                                     \
    {                                                                                                        \
        world_run(name);                                                                                     \
    }
SCENARIOS(S)
#undef S

int main(void)
{
    const struct CMUnitTest tests[] = {
#define S(name) cmocka_unit_test(test_##name),
        SCENARIOS(S)
#undef S
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
