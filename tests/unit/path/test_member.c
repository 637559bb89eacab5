// SPDX-License-Identifier: BSD-3-Clause
// Which member is chosen: four of one peer, two by two of a priority.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "member.h"

#define MEMBERS 4u
#define CALLS   20000u

struct world {
    struct snapshot_peer peer;
    struct snapshot_member rows[MEMBERS];
    uint16_t list[MEMBERS];
    uint16_t maglev[101];
    struct rules rules;
    struct counters_member *health[2];
    struct limits limits;
    int32_t credits[MEMBERS_MAX];
    struct member_lately lately[MEMBERS];
    tick_t now;
    struct member_view view;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->peer = (struct snapshot_peer){.flags = SNAPSHOT_PRESENT | PEER_FAIL_OPEN,
                                         .maglev_count = 101,
                                         .member_count = MEMBERS,
                                         .attempts = 3};
    for (uint16_t i = 0; i < MEMBERS; i++) {
        world->rows[i] =
            (struct snapshot_member){.flags = SNAPSHOT_PRESENT, .weight = 1, .priority = 1 + i / 2};
        world->list[i] = i;
    }
    for (unsigned i = 0; i < 101; i++)
        world->maglev[i] = i % 2;
    world->rules = (struct rules){.peers = &world->peer,
                                  .members = world->rows,
                                  .lists = world->list,
                                  .maglev = world->maglev,
                                  .peer_count = 1,
                                  .member_count = MEMBERS};
    world->limits.workers = 2;
    world->view = (struct member_view){.rules = &world->rules,
                                       .limits = &world->limits,
                                       .credits = world->credits,
                                       .lately = world->lately,
                                       .now = &world->now,
                                       .workers = 2};
    for (unsigned i = 0; i < 2; i++) {
        world->health[i] = calloc(MEMBERS, sizeof(struct counters_member));
        world->limits.words[i] = calloc(LIMIT_ROWS, sizeof(struct limit_words));
        world->view.members[i] = world->health[i];
    }
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 2; i++) {
        free(world->health[i]);
        free(world->limits.words[i]);
    }
    free(world);
    return 0;
}

static void set_health(struct world *world, uint16_t member, enum member_health health)
{
    world->health[member % 2][member].health = health;
}

static uint64_t hash_of(uint64_t call)
{
    uint64_t hash = (call + 1) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 31;
}

static uint16_t choose(struct world *world, uint64_t call)
{
    struct member_choice choice = {.call_hash = hash_of(call)};
    return member_choose(&world->view, &choice);
}

static void shares(struct world *world, unsigned counts[MEMBERS])
{
    memset(counts, 0, MEMBERS * sizeof(counts[0]));
    for (uint64_t call = 0; call < CALLS; call++) {
        uint16_t member = choose(world, call);
        assert_true(member < MEMBERS);
        counts[member]++;
    }
}

static void test_call_id(void **state)
{
    struct world *world = *state;
    unsigned counts[MEMBERS];
    uint16_t before[CALLS];
    shares(world, counts);
    assert_in_range(counts[0], CALLS * 48 / 100, CALLS * 52 / 100);
    assert_int_equal(counts[0] + counts[1], CALLS); // priority 2 has nothing to do
    for (uint64_t call = 0; call < CALLS; call++)
        before[call] = choose(world, call);
    set_health(world, 1, MEMBER_DOWN);
    for (uint64_t call = 0; call < CALLS; call++) {
        uint16_t now = choose(world, call);
        assert_int_equal(now, 0);
    }
    set_health(world, 1, MEMBER_UP);
    for (uint64_t call = 0; call < CALLS; call++)
        assert_int_equal(choose(world, call), before[call]);
}

// Of many members one goes down: its calls spread over all others, theirs stay.
static void test_spread(void **state)
{
    struct world *world = *state;
    uint16_t before[CALLS];
    unsigned counts[MEMBERS] = {0};
    for (uint16_t i = 0; i < MEMBERS; i++)
        world->rows[i].priority = 1;
    for (unsigned i = 0; i < 101; i++)
        world->maglev[i] = i % MEMBERS;
    for (uint64_t call = 0; call < CALLS; call++)
        before[call] = choose(world, call);
    set_health(world, 2, MEMBER_DOWN);
    for (uint64_t call = 0; call < CALLS; call++) {
        uint16_t now = choose(world, call);
        if (before[call] != 2)
            assert_int_equal(now, before[call]);
        else
            counts[now]++;
    }
    for (uint16_t i = 0; i < MEMBERS; i++)
        assert_in_range(counts[i], i == 2 ? 0 : CALLS / 4 / 3 * 9 / 10, i == 2 ? 0 : CALLS / 4 / 3 * 11 / 10);
}

static void test_priority(void **state)
{
    struct world *world = *state;
    unsigned counts[MEMBERS];
    set_health(world, 0, MEMBER_DOWN);
    world->rows[1].flags |= MEMBER_DRAINING;
    shares(world, counts);
    assert_int_equal(counts[0] + counts[1], 0);
    assert_in_range(counts[2], CALLS * 45 / 100, CALLS * 55 / 100);
}

static void test_fail_open(void **state)
{
    struct world *world = *state;
    unsigned counts[MEMBERS];
    for (uint16_t i = 0; i < MEMBERS; i++)
        set_health(world, i, MEMBER_DOWN);
    shares(world, counts);
    assert_int_equal(counts[0] + counts[1], CALLS);
    world->rows[0].flags |= MEMBER_DISABLED; // what the operator said holds even then
    shares(world, counts);
    assert_int_equal(counts[1], CALLS);
    world->peer.flags &= ~PEER_FAIL_OPEN;
    assert_int_equal(choose(world, 1), NUMBER_NONE);
    // Tried ones are not all down: nobody is left.
    world->peer.flags |= PEER_FAIL_OPEN;
    set_health(world, 1, MEMBER_UP);
    struct member_choice choice = {.call_hash = 5};
    member_tried(&choice, 1);
    assert_int_equal(member_choose(&world->view, &choice), NUMBER_NONE);
}

static void test_tried(void **state)
{
    struct world *world = *state;
    for (unsigned balance = BALANCE_CALL_ID; balance <= BALANCE_WEIGHTED; balance++) {
        world->peer.balance = (uint16_t)balance;
        for (uint64_t call = 0; call < 100; call++) {
            struct member_choice choice = {.call_hash = hash_of(call)};
            unsigned seen = 0;
            for (uint16_t i = 0; i < MEMBERS; i++) {
                uint16_t member = member_choose(&world->view, &choice);
                assert_true(member < MEMBERS && !(seen & 1u << member));
                assert_int_equal(member / 2, i / 2); // the better priority first
                seen |= 1u << member;
                member_tried(&choice, member);
            }
            assert_int_equal(member_choose(&world->view, &choice), NUMBER_NONE);
        }
    }
}

static void test_capacity(void **state)
{
    struct world *world = *state;
    struct call_limit none = {0};
    world->rows[0].capacity = 5;
    world->rows[1].capacity = 3;
    world->rows[2].capacity = 1;
    world->rows[3].capacity = 1;
    unsigned counts[MEMBERS] = {0};
    for (uint64_t call = 0; call < 10; call++) {
        uint16_t member = choose(world, call);
        world->limits.own = call % 2;
        counts[member]++;
        limit_take(&world->limits, LIMIT_MEMBER(member), &none, 1);
    }
    assert_true(counts[0] == 5 && counts[1] == 3 && counts[2] == 1 && counts[3] == 1);
    assert_int_equal(choose(world, 11), NUMBER_NONE);
}

static void test_least_calls(void **state)
{
    struct world *world = *state;
    struct call_limit none = {0};
    world->peer.balance = BALANCE_LEAST_CALLS;
    world->rows[1].weight = 3;
    unsigned counts[MEMBERS] = {0};
    for (uint64_t call = 0; call < 400; call++) {
        uint16_t member = choose(world, call);
        world->limits.own = call % 2;
        counts[member]++;
        limit_take(&world->limits, LIMIT_MEMBER(member), &none, 1);
    }
    assert_in_range(counts[0], 99, 101);
    assert_in_range(counts[1], 299, 301);
}

static void test_weighted(void **state)
{
    struct world *world = *state;
    world->peer.balance = BALANCE_WEIGHTED;
    world->rows[0].weight = 5;
    world->rows[1].weight = 2;
    unsigned counts[MEMBERS] = {0}, run = 0, longest = 0;
    uint16_t last = NUMBER_NONE;
    for (uint64_t call = 0; call < 700; call++) {
        uint16_t member = choose(world, 1);
        counts[member]++;
        run = member == last ? run + 1 : 1;
        longest = run > longest ? run : longest;
        last = member;
    }
    assert_int_equal(counts[0], 500);
    assert_int_equal(counts[1], 200);
    assert_in_range(longest, 2, 4); // smooth: not five and then two
}

static void test_rest(void **state)
{
    struct world *world = *state;
    struct member_choice again = {.call_hash = 1, .again = true};
    world->now = 1000;
    member_silent(&world->view, 0, 950);
    for (uint64_t call = 0; call < 100; call++)
        assert_int_equal(choose(world, call), 1);
    member_silent(&world->view, 1, 950); // then the next priority's
    for (uint64_t call = 0; call < 100; call++)
        assert_in_range(choose(world, call), 2, 3);
    member_rests(&world->view, 2, 5000);
    member_rests(&world->view, 3, 5000);
    for (uint64_t call = 0; call < 100; call++) // all of them rest
        assert_in_range(choose(world, call), 0, 1);
    assert_int_equal(member_choose(&world->view, &again), NUMBER_NONE);
    world->now += 101; // those that are silent have a try
    assert_in_range(member_choose(&world->view, &again), 0, 1);
    member_asked(&world->view, 0);
    member_asked(&world->view, 1);
    assert_int_equal(member_choose(&world->view, &again), NUMBER_NONE);
    member_heard(&world->view, 1);
    member_heard(&world->view, 2); // who asked for a rest has it, whatever it answers
    for (uint64_t call = 0; call < 100; call++)
        assert_int_equal(choose(world, call), 1);
    member_silent(&world->view, 1, 1050); // it was heard after that
    assert_int_equal(choose(world, 1), 1);
    // All are down, fail-open: another member is asked, too, but none that rests.
    world->now += 10000;
    for (uint16_t i = 0; i < MEMBERS; i++)
        world->health[i % 2][i].health = MEMBER_DOWN;
    member_silent(&world->view, 1, world->now - 50);
    member_tried(&again, 0);
    assert_in_range(member_choose(&world->view, &again), 2, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_call_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_priority, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fail_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tried, setup, teardown),
        cmocka_unit_test_setup_teardown(test_capacity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_least_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_weighted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
