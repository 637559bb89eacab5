// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "world.h"

enum { T1 = 50, T2 = 400, T4 = 500, LONG = 64 * T1, C = 18100 };

static uint32_t begin(struct world *world, enum transaction_kind kind)
{
    uint32_t index = transaction_create(&world->transactions, kind, 0x1111, world->now);
    assert_int_not_equal(index, INDEX_NONE);
    return index;
}

static bool keep(struct world *world, uint32_t index)
{
    return room(world, transaction_keep(&world->transactions, index, "INVITE", 6) == 0);
}

static unsigned step(struct world *world, uint32_t index, enum transaction_event event)
{
    return transaction_step(&world->transactions, index, event, world->now);
}

// The next thing on the wheel must be this transaction, after exactly `after` ticks, and must mean `event`.
static unsigned next_is(struct world *world, uint32_t index, tick_t after, enum transaction_event event)
{
    assert_int_equal(world_turn(world, world->now + after - 1), INDEX_NONE);
    assert_int_equal(world_turn(world, world->now + 1), WHEEL_HANDLE(WHEEL_CLASS_TRANSACTION, index));
    assert_int_equal(transaction_expired(&world->transactions, index, world->now), event);
    return step(world, index, event);
}

static void nothing_is_armed(struct world *world)
{
    assert_int_equal(world->wheel.armed, 0);
}

// 17.1.1.2: A doubles without bound, B ends after 64*T1: sent at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 seconds.
static void timers_a_and_b(struct world *world)
{
    static const tick_t waits[] = {T1, 2 * T1, 4 * T1, 8 * T1, 16 * T1, 32 * T1};
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    if (!keep(world, index))
        return;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(next_is(world, index, waits[i], TRANSACTION_ON_RETRANSMIT), TRANSACTION_DO_RESEND);
    assert_int_equal(next_is(world, index, T1, TRANSACTION_ON_TIMEOUT),
                     TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

// Nobody answered for a while: the request is repeated on and B stays where it was, unless another branch
// takes its place.
static void slow_clients(struct world *world)
{
    static const enum transaction_kind kinds[] = {TRANSACTION_INVITE_CLIENT, TRANSACTION_CLIENT};
    for (unsigned i = 0; i < 4; i++) {
        uint32_t index = begin(world, kinds[i % 2]);
        if (!keep(world, index))
            return;
        transaction_slow_at(&world->transactions, index, world->now + 4 * T1 / 5);
        assert_int_equal(next_is(world, index, 4 * T1 / 5, TRANSACTION_ON_SLOW), TRANSACTION_DO_FAILOVER);
        if (i < 2) {
            assert_int_equal(next_is(world, index, T1 / 5, TRANSACTION_ON_RETRANSMIT), TRANSACTION_DO_RESEND);
            assert_int_equal(transaction_at(&world->transactions, index)->end_at, world->now + LONG - T1);
        } else {
            transaction_quiet(&world->transactions, index, world->now);
            assert_int_equal(next_is(world, index, LONG - 4 * T1 / 5, TRANSACTION_ON_TIMEOUT),
                             TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
        }
        transaction_release(&world->transactions, index);
    }
}

// Whoever answered is not slow, and B may come first.
static void clients_that_are_not_slow(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    transaction_slow_at(&world->transactions, index, world->now + T1 / 2);
    step(world, index, TRANSACTION_ON_100);
    assert_int_equal(next_is(world, index, C, TRANSACTION_ON_TIMER_C), TRANSACTION_DO_CANCEL);
    transaction_release(&world->transactions, index);
    index = begin(world, TRANSACTION_CLIENT);
    transaction_slow_at(&world->transactions, index, world->now + T1 / 2);
    step(world, index, TRANSACTION_ON_100);
    assert_int_equal(next_is(world, index, T1 / 2, TRANSACTION_ON_SLOW), 0);
    assert_int_equal(transaction_at(&world->transactions, index)->end_at, world->now + LONG - T1 / 2);
    transaction_release(&world->transactions, index);
    index = begin(world, TRANSACTION_INVITE_CLIENT);
    transaction_slow_at(&world->transactions, index, world->now + T1 / 2);
    world->transactions.timers.b = T1 / 5; // a reload
    assert_int_equal(next_is(world, index, T1 / 2, TRANSACTION_ON_SLOW), TRANSACTION_DO_FAILOVER);
    assert_int_equal(next_is(world, index, 1, TRANSACTION_ON_TIMEOUT),
                     TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
    transaction_release(&world->transactions, index);
    world->transactions.timers.b = LONG;
    index = begin(world, TRANSACTION_INVITE_CLIENT);
    transaction_slow_at(&world->transactions, index, world->now + LONG);
    assert_int_equal(transaction_at(&world->transactions, index)->ending, TRANSACTION_ENDING_AT);
}

// 16.6 step 11, 16.7 step 2: C runs from the request; a 100 does not begin it again, a 101-199 does.
static void timer_c(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    world_turn(world, world->now + 20);
    assert_int_equal(step(world, index, TRANSACTION_ON_100), TRANSACTION_DO_DELIVER);
    assert_int_equal(transaction_at(&world->transactions, index)->end_at - world->now, C - 20);
    world_turn(world, world->now + 100);
    step(world, index, TRANSACTION_ON_1XX);
    world_turn(world, world->now + 1000);
    step(world, index, TRANSACTION_ON_100);
    assert_int_equal(next_is(world, index, C - 1000, TRANSACTION_ON_TIMER_C), TRANSACTION_DO_CANCEL);
    // 9.1: 64*T1 for the final response, whatever 1xx still comes.
    world_turn(world, world->now + 10);
    step(world, index, TRANSACTION_ON_1XX);
    assert_int_equal(next_is(world, index, LONG - 10, TRANSACTION_ON_TIMEOUT),
                     TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

static void timer_c_begins_with_180(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    world_turn(world, world->now + 20);
    step(world, index, TRANSACTION_ON_1XX);
    assert_int_equal(next_is(world, index, C, TRANSACTION_ON_TIMER_C), TRANSACTION_DO_CANCEL);
}

// 16.6 step 11: larger than three minutes, whatever was configured.
static void timer_c_is_never_short(struct world *world)
{
    world->transactions.timers.c = 100;
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    step(world, index, TRANSACTION_ON_1XX);
    world_turn(world, world->now + 50);
    step(world, index, TRANSACTION_ON_1XX);
    assert_int_equal(next_is(world, index, 18001, TRANSACTION_ON_TIMER_C), TRANSACTION_DO_CANCEL);
    world->transactions.timers.c = 20000;
    index = begin(world, TRANSACTION_INVITE_CLIENT);
    step(world, index, TRANSACTION_ON_100);
    transaction_release(&world->transactions, 0);
    assert_int_equal(next_is(world, index, 20000, TRANSACTION_ON_TIMER_C), TRANSACTION_DO_CANCEL);
}

// D is at least 32 seconds, also when T1 is small; 64*T1 when that is longer.
static void timer_d(struct world *world)
{
    static const tick_t t1s[] = {50, 10, 100};
    static const tick_t ends[] = {3200, 3200, 6400};
    for (size_t i = 0; i < 3; i++) {
        world->transactions.timers.t1 = t1s[i];
        uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
        assert_int_equal(step(world, index, TRANSACTION_ON_FAILURE),
                         TRANSACTION_DO_DELIVER | TRANSACTION_DO_ACK);
        assert_int_equal(next_is(world, index, ends[i], TRANSACTION_ON_END), TRANSACTION_DO_RELEASE);
        transaction_release(&world->transactions, index);
    }
}

// RFC 6026 7.2, 8.4: M is 64*T1; a repeated 2xx does not move it.
static void timer_m(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    step(world, index, TRANSACTION_ON_1XX);
    assert_int_equal(step(world, index, TRANSACTION_ON_2XX), TRANSACTION_DO_DELIVER);
    world_turn(world, world->now + 1000);
    assert_int_equal(step(world, index, TRANSACTION_ON_2XX), TRANSACTION_DO_DELIVER);
    assert_int_equal(next_is(world, index, LONG - 1000, TRANSACTION_ON_END), TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

// 17.1.2.2: sent at 0, 0.5, 1.5, 3.5, 7.5, 11.5, ... 31.5 seconds; F at 32.
static void timers_e_and_f(struct world *world)
{
    static const tick_t waits[] = {50, 100, 200, 400, 400, 400, 400, 400, 400, 400};
    uint32_t index = begin(world, TRANSACTION_CLIENT);
    if (!keep(world, index))
        return;
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(next_is(world, index, waits[i], TRANSACTION_ON_RETRANSMIT), TRANSACTION_DO_RESEND);
    assert_int_equal(next_is(world, index, 50, TRANSACTION_ON_TIMEOUT),
                     TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

// After a 1xx the pending E runs out as it was set, then every T2; F stays where it was.
static void timer_e_in_proceeding(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_CLIENT);
    if (!keep(world, index))
        return;
    next_is(world, index, T1, TRANSACTION_ON_RETRANSMIT);
    world_turn(world, world->now + 30);
    step(world, index, TRANSACTION_ON_1XX);
    assert_int_equal(next_is(world, index, 2 * T1 - 30, TRANSACTION_ON_RETRANSMIT), TRANSACTION_DO_RESEND);
    for (tick_t at = 3 * T1; at + T2 < LONG; at += T2)
        assert_int_equal(next_is(world, index, T2, TRANSACTION_ON_RETRANSMIT), TRANSACTION_DO_RESEND);
    assert_int_equal(next_is(world, index, LONG - 3 * T1 - 7 * T2, TRANSACTION_ON_TIMEOUT),
                     TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
}

static void timer_k(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_CLIENT);
    assert_int_equal(step(world, index, TRANSACTION_ON_FAILURE), TRANSACTION_DO_DELIVER);
    assert_int_equal(step(world, index, TRANSACTION_ON_FAILURE), 0);
    assert_int_equal(next_is(world, index, T4, TRANSACTION_ON_END), TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

// 17.2.1: G doubles up to T2, H at 64*T1; both are due at once in the end, and the end wins.
static void timers_g_and_h(struct world *world)
{
    static const tick_t waits[] = {50, 100, 200, 400, 400, 400, 400, 400, 400, 400};
    uint32_t index = begin(world, TRANSACTION_INVITE_SERVER);
    nothing_is_armed(world);
    assert_int_equal(step(world, index, TRANSACTION_ON_SEND_FAILURE), TRANSACTION_DO_SEND);
    if (!keep(world, index))
        return;
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(next_is(world, index, waits[i], TRANSACTION_ON_RETRANSMIT), TRANSACTION_DO_RESEND);
    assert_int_equal(next_is(world, index, 50, TRANSACTION_ON_TIMEOUT),
                     TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

static void both_due_is_the_end(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    transaction_end_at(&world->transactions, index, world->now + T1);
    next_is(world, index, T1, TRANSACTION_ON_TIMEOUT);
}

static void timer_i(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_SERVER);
    step(world, index, TRANSACTION_ON_SEND_FAILURE);
    assert_int_equal(step(world, index, TRANSACTION_ON_ACK), 0);
    assert_int_equal(step(world, index, TRANSACTION_ON_ACK), 0);
    assert_int_equal(next_is(world, index, T4, TRANSACTION_ON_END), TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

static void timer_l(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_SERVER);
    if (!keep(world, index))
        return;
    assert_int_equal(step(world, index, TRANSACTION_ON_REQUEST), TRANSACTION_DO_RESEND);
    assert_int_equal(step(world, index, TRANSACTION_ON_SEND_2XX), TRANSACTION_DO_SEND);
    assert_int_equal(step(world, index, TRANSACTION_ON_REQUEST), 0); // RFC 6026 7.1: absorbed
    world_turn(world, world->now + 200);
    assert_int_equal(step(world, index, TRANSACTION_ON_SEND_2XX), TRANSACTION_DO_SEND);
    assert_int_equal(next_is(world, index, LONG - 200, TRANSACTION_ON_END), TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

// RFC 4320 4.1: a 100 is due when the requester's timer E comes to T2: at 3.5 s, and never when it was
// answered.
static void a_late_answer_is_announced(struct world *world)
{
    static const struct {
        tick_t t1, t2, after;
    } rows[] = {{50, 400, 350}, {50, 50, 50}, {50, 300, 350}, {100, 400, 300}, {10, 400, 630}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world->transactions.timers.t1 = rows[i].t1;
        world->transactions.timers.t2 = rows[i].t2;
        uint32_t index = begin(world, TRANSACTION_SERVER);
        assert_int_equal(next_is(world, index, rows[i].after, TRANSACTION_ON_LATE), TRANSACTION_DO_TRYING);
        assert_int_equal(transaction_at(&world->transactions, index)->state, TRANSACTION_PROCEEDING);
        nothing_is_armed(world);
        transaction_release(&world->transactions, index);
        index = begin(world, TRANSACTION_SERVER);
        world_turn(world, world->now + rows[i].after - 1);
        assert_int_equal(step(world, index, TRANSACTION_ON_SEND_2XX), TRANSACTION_DO_SEND);
        assert_int_equal(next_is(world, index, 64 * rows[i].t1, TRANSACTION_ON_END), TRANSACTION_DO_RELEASE);
        transaction_release(&world->transactions, index);
    }
}

static void timer_j(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_SERVER);
    step(world, index, TRANSACTION_ON_SEND_1XX);
    nothing_is_armed(world);
    step(world, index, TRANSACTION_ON_SEND_2XX);
    assert_int_equal(next_is(world, index, LONG, TRANSACTION_ON_END), TRANSACTION_DO_RELEASE);
    nothing_is_armed(world);
}

static void a_server_may_be_given_an_end(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_SERVER);
    transaction_end_at(&world->transactions, index, world->now + 700);
    assert_int_equal(next_is(world, index, 350, TRANSACTION_ON_LATE), TRANSACTION_DO_TRYING);
    assert_int_equal(next_is(world, index, 350, TRANSACTION_ON_TIMEOUT),
                     TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE);
}

// Something else in the same turn may have changed the record whose node was taken off the wheel.
static void a_stale_expiry_is_nothing(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    assert_int_equal(world_turn(world, world->now + T1), WHEEL_HANDLE(WHEEL_CLASS_TRANSACTION, index));
    step(world, index, TRANSACTION_ON_FAILURE);
    assert_int_equal(transaction_expired(&world->transactions, index, world->now), TRANSACTION_EVENTS);
    assert_int_equal(step(world, index, TRANSACTION_EVENTS), 0);
    transaction_release(&world->transactions, index);
    assert_int_equal(transaction_expired(&world->transactions, index, world->now), TRANSACTION_EVENTS);
    assert_int_equal(step(world, index, TRANSACTION_ON_FAILURE), 0);
}

static void server_is_found_by_key(struct world *world)
{
    uint32_t one = transaction_create(&world->transactions, TRANSACTION_SERVER, 100, world->now);
    uint32_t two = transaction_create(&world->transactions, TRANSACTION_INVITE_SERVER, 200, world->now);
    uint32_t client = transaction_create(&world->transactions, TRANSACTION_CLIENT, 300, world->now);
    assert_int_equal(transaction_find_server(&world->transactions, 100), one);
    assert_int_equal(transaction_find_server(&world->transactions, 200), two);
    assert_int_equal(transaction_find_server(&world->transactions, 300), INDEX_NONE);
    // The same bucket and fingerprint, but another key.
    assert_int_equal(transaction_find_server(&world->transactions, 100 | 1ULL << 60), INDEX_NONE);
    transaction_release(&world->transactions, one);
    assert_int_equal(transaction_find_server(&world->transactions, 100), INDEX_NONE);
    assert_int_not_equal(client, INDEX_NONE);
}

static void client_is_found_by_handle(struct world *world)
{
    const struct transactions *set = &world->transactions;
    uint32_t index = transaction_create(&world->transactions, TRANSACTION_CLIENT, 300, world->now);
    uint16_t generation = (uint16_t)transaction_at(&world->transactions, index)->generation;
    assert_int_equal(transaction_find_client(set, index, generation, 300), index);
    assert_int_equal(transaction_find_client(set, index, generation, 301), INDEX_NONE);
    assert_int_equal(transaction_find_client(set, index, (uint16_t)(generation + 1), 300), INDEX_NONE);
    assert_int_equal(transaction_find_client(set, WORLD_CAPACITY, generation, 300), INDEX_NONE);
    assert_int_equal(transaction_find_client(set, INDEX_NONE, generation, 300), INDEX_NONE);
    transaction_release(&world->transactions, index);
    assert_int_equal(transaction_find_client(set, index, generation, 300), INDEX_NONE);
    // The same place again: the old handle finds nothing.
    assert_int_equal(transaction_create(&world->transactions, TRANSACTION_CLIENT, 300, world->now), index);
    assert_int_equal(transaction_find_client(set, index, generation, 300), INDEX_NONE);
    uint32_t server = transaction_create(&world->transactions, TRANSACTION_SERVER, 300, world->now);
    assert_int_equal(transaction_find_client(set, server, 0, 300), INDEX_NONE);
}

static void full_is_an_answer(struct world *world)
{
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++)
        assert_int_not_equal(
            transaction_create(&world->transactions, (enum transaction_kind)(i % 4), i, world->now),
            INDEX_NONE);
    for (unsigned kind = 0; kind < TRANSACTION_KINDS; kind++)
        assert_int_equal(
            transaction_create(&world->transactions, (enum transaction_kind)kind, 999, world->now),
            INDEX_NONE);
    assert_int_equal(world->transactions.count, WORLD_CAPACITY);
    transaction_release(&world->transactions, 17);
    transaction_release(&world->transactions, 17); // twice is once
    assert_int_equal(world->transactions.count, WORLD_CAPACITY - 1);
    assert_int_equal(transaction_create(&world->transactions, TRANSACTION_CLIENT, 999, world->now), 17);
}

// A new record shows nothing of the one that was there before.
static void a_new_record_is_clean(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_CLIENT);
    struct transaction *transaction = transaction_at(&world->transactions, index);
    memset(&transaction->method, 0xff, 2);
    memset(&transaction->remote, 0xff,
           offsetof(struct transaction, ending) - offsetof(struct transaction, remote));
    transaction_release(&world->transactions, index);
    assert_int_equal(begin(world, TRANSACTION_CLIENT), index);
    assert_int_equal(transaction->cancel, INDEX_NONE);
    transaction_release(&world->transactions, index);
    assert_int_equal(begin(world, TRANSACTION_INVITE_SERVER), index);
    assert_int_equal(transaction->flags, 0);
    assert_int_equal(transaction->method, 0);
    assert_int_equal(transaction->other, INDEX_NONE);
    assert_int_equal(transaction->dialog, INDEX_NONE);
    assert_false(ip_is_set(&transaction->remote.address));
    assert_int_equal(transaction->attempts, ARENA_NONE);
    assert_int_equal(transaction->received_us, 0);
    assert_int_equal(transaction->kept, ARENA_NONE);
    assert_int_equal(transaction->interval, 0);
}

static void the_last_message_is_kept(struct world *world)
{
    uint32_t index = begin(world, TRANSACTION_INVITE_SERVER);
    const struct transaction *transaction = transaction_at(&world->transactions, index);
    static const char longer[3000] = "SIP/2.0 180 Ringing";
    // Nothing kept: nothing to send again.
    assert_int_equal(step(world, index, TRANSACTION_ON_REQUEST), 0);
    bool kept = room(world, transaction_keep(&world->transactions, index, "SIP/2.0 100", 11) == 0);
    assert_int_equal(step(world, index, TRANSACTION_ON_REQUEST), kept ? TRANSACTION_DO_RESEND : 0);
    assert_int_equal(transaction->kept_length, kept ? 11 : 0);
    kept = room(world, transaction_keep(&world->transactions, index, longer, sizeof(longer)) == 0);
    assert_int_equal(step(world, index, TRANSACTION_ON_REQUEST), kept ? TRANSACTION_DO_RESEND : 0);
    if (kept)
        assert_memory_equal(arena_at(&world->arena, transaction->kept), longer, sizeof(longer));
    else
        assert_int_equal(transaction_keep(&world->transactions, index, "again", 5), 0);
}

#define SCENARIOS(S)                                                                                         \
    S(timers_a_and_b)                                                                                        \
    S(slow_clients)                                                                                          \
    S(clients_that_are_not_slow)                                                                             \
    S(timer_c)                                                                                               \
    S(timer_c_begins_with_180)                                                                               \
    S(timer_c_is_never_short)                                                                                \
    S(timer_d)                                                                                               \
    S(timer_m)                                                                                               \
    S(timers_e_and_f)                                                                                        \
    S(timer_e_in_proceeding)                                                                                 \
    S(timer_k)                                                                                               \
    S(timers_g_and_h)                                                                                        \
    S(both_due_is_the_end)                                                                                   \
    S(timer_i)                                                                                               \
    S(timer_l)                                                                                               \
    S(a_late_answer_is_announced)                                                                            \
    S(timer_j)                                                                                               \
    S(a_server_may_be_given_an_end)                                                                          \
    S(a_stale_expiry_is_nothing)                                                                             \
    S(server_is_found_by_key)                                                                                \
    S(client_is_found_by_handle)                                                                             \
    S(full_is_an_answer)                                                                                     \
    S(a_new_record_is_clean)                                                                                 \
    S(the_last_message_is_kept)

#define S(name)                                                                                              \
    static void test_##name(void **state)                                                                    \
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
