// SPDX-License-Identifier: BSD-3-Clause
// Lifetimes with a turned clock, and who hears of what.
#include "call.h"

static void lives(struct world *world)
{
    world->dialogs.life =
        (struct dialog_life){.none = 100, .early = 200, .confirmed = 5000, .no_ack = 150, .terminating = 300};
}

// Turns the clock on until the record's time is up, which must be after so many ticks. Timers that only begin
// again do not count.
static enum dialog_event expires_after(struct world *world, uint32_t index, tick_t after)
{
    tick_t at = world->now + after;
    for (;;) {
        uint32_t handle = world_turn(world, at);
        assert_int_equal(handle, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index));
        enum dialog_event event = dialog_expired(&world->dialogs, index, world->now);
        if (event != DIALOG_EVENTS) {
            assert_int_equal(world->now, at);
            return event;
        }
        assert_true(wheel_armed(&dialog_at(&world->dialogs, index)->timer));
    }
}

static unsigned ends_after(struct world *world, uint32_t index, tick_t after, enum dialog_event event)
{
    assert_int_equal(expires_after(world, index, after), event);
    return call_step(world, index, event);
}

static void none_and_early_expire(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(ends_after(world, index, 100, DIALOG_ON_TIMEOUT),
                     DIALOG_DO_END_EARLY | DIALOG_DO_RELEASE);
    dialog_release(&world->dialogs, index);
    index = call_make(world);
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_PROVISIONAL);
    tick_t since = world->now;
    world_turn(world, world->now + 150);
    call_step(world, index, DIALOG_ON_PROVISIONAL); // neither its life nor its state begins again
    assert_int_equal(dialog_state_since(&world->dialogs, index), since);
    assert_int_equal(ends_after(world, index, 50, DIALOG_ON_TIMEOUT),
                     DIALOG_DO_END_EARLY | DIALOG_DO_RELEASE);
}

// 13.2.2.4: the end that another fork's 2xx set stays, whatever rings still.
static void a_bound_fork_ends(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_PROVISIONAL);
    dialog_end_at(&world->dialogs, index, world->now + 500); // later than its life: nothing
    assert_int_equal(dialog_at(&world->dialogs, index)->flags, 0);
    dialog_end_at(&world->dialogs, index, world->now + 50);
    world_turn(world, world->now + 20);
    call_step(world, index, DIALOG_ON_PROVISIONAL);
    call_file_is_whole(world);
    assert_int_equal(ends_after(world, index, 30, DIALOG_ON_TIMEOUT),
                     DIALOG_DO_END_EARLY | DIALOG_DO_RELEASE);
}

static void without_ack_it_ends_quietly(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(call_step(world, index, DIALOG_ON_SUCCESS), DIALOG_DO_CONFIRM);
    world_turn(world, world->now + 90);
    assert_int_equal(call_step(world, index, DIALOG_ON_SUCCESS), 0); // a repeat does not prolong it
    assert_int_equal(ends_after(world, index, 60, DIALOG_ON_NO_ACK),
                     DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE);
}

static void a_confirmed_dialog_ends_with_bye(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_SUCCESS);
    world_turn(world, world->now + 100);
    assert_int_equal(call_step(world, index, DIALOG_ON_ACK), 0);
    assert_int_equal(dialog_at(&world->dialogs, index)->flags, DIALOG_FLAG_ACKED);
    call_file_is_whole(world);
    assert_int_equal(ends_after(world, index, 4900, DIALOG_ON_TIMEOUT), DIALOG_DO_BYE_BOTH);
    assert_int_equal(dialog_state(&world->dialogs, index), DIALOG_TERMINATING);
    world_turn(world, world->now + 100);
    assert_int_equal(dialog_state_since(&world->dialogs, index), world->now - 100);
    assert_int_equal(ends_after(world, index, 200, DIALOG_ON_TIMEOUT),
                     DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE);
}

static int set_session(struct world *world, uint32_t index, uint16_t session_s, tick_t after)
{
    const struct dialog_change change = {.session = true,
                                         .session_s = session_s,
                                         .session_refresher = DIALOG_CALLEE,
                                         .session_end = world->now + after};
    int result = dialog_change(&world->dialogs, index, &change);
    room(world, result == 0);
    return result;
}

// RFC 4028 8.2, 8.3: each refresh moves the end, and none at all takes it away.
static void a_session_expires(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE || set_session(world, index, 90, 1000) != 0)
        return;
    call_step(world, index, DIALOG_ON_SUCCESS);
    call_step(world, index, DIALOG_ON_ACK);
    assert_int_equal(dialog_at(&world->dialogs, index)->flags, DIALOG_FLAG_ACKED | DIALOG_FLAG_SESSION);
    assert_int_equal(dialog_refresher(dialog_cold(&world->dialogs, index)), DIALOG_CALLEE);
    for (tick_t at = world->now + 400; world->now != at;)
        if (world_turn(world, at) != INDEX_NONE)
            assert_int_equal(dialog_expired(&world->dialogs, index, world->now), DIALOG_EVENTS);
    if (set_session(world, index, 90, 1000) != 0)
        return;
    assert_int_equal(expires_after(world, index, 1000), DIALOG_ON_SESSION_END);
    if (set_session(world, index, 0, 0) != 0) // the time was up, but the turn saw a refresh first
        return;
    assert_int_equal(dialog_at(&world->dialogs, index)->flags, DIALOG_FLAG_ACKED);
    if (set_session(world, index, 90, 70) != 0) // nearer than what is armed
        return;
    assert_int_equal(dialog_at(&world->dialogs, index)->timer.deadline, world->now + 70);
    if (set_session(world, index, 0, 0) != 0)
        return;
    call_file_is_whole(world);
    assert_int_equal(ends_after(world, index, 5000 - 1400, DIALOG_ON_TIMEOUT), DIALOG_DO_BYE_BOTH);
}

// A challenged BYE gives back what is left of the lifetime, not a new one.
static void a_challenge_returns_to_the_lifetime(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_SUCCESS);
    call_step(world, index, DIALOG_ON_ACK);
    tick_t since = world->now;
    for (tick_t at = since + 2000; world->now != at;)
        if (world_turn(world, at) != INDEX_NONE)
            assert_int_equal(dialog_expired(&world->dialogs, index, world->now), DIALOG_EVENTS);
    call_step(world, index, DIALOG_ON_BYE);
    world_turn(world, world->now + 200);
    call_step(world, index, DIALOG_ON_BYE); // the other side's crosses; the time of the first counts
    assert_int_equal(dialog_state_since(&world->dialogs, index), world->now - 200);
    assert_int_equal(call_step(world, index, DIALOG_ON_BYE_CHALLENGED), 0);
    assert_int_equal(dialog_state(&world->dialogs, index), DIALOG_CONFIRMED);
    assert_int_equal(dialog_state_since(&world->dialogs, index), since);
    assert_int_equal(ends_after(world, index, 2800, DIALOG_ON_TIMEOUT), DIALOG_DO_BYE_BOTH);
}

static void an_operator_ends_an_early_one(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_PROVISIONAL);
    assert_int_equal(call_step(world, index, DIALOG_ON_CANCEL), 0);
    assert_int_equal(dialog_at(&world->dialogs, index)->flags, DIALOG_FLAG_CANCELLED);
    assert_int_equal(call_step(world, index, DIALOG_ON_OPERATOR_END), DIALOG_DO_CANCEL);
    assert_int_equal(call_step(world, index, DIALOG_ON_OPERATOR_END), 0);
    assert_int_equal(call_step(world, index, DIALOG_ON_SUCCESS), DIALOG_DO_CONFIRM);
    assert_int_equal(call_step(world, index, DIALOG_ON_SUCCESS), 0);
    assert_int_equal(call_step(world, index, DIALOG_ON_ACK), DIALOG_DO_BYE_BOTH);
    assert_int_equal(call_step(world, index, DIALOG_ON_ACK), 0); // BYE goes out once
    assert_int_equal(call_step(world, index, DIALOG_ON_BYE_DONE),
                     DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE);
}

// Section 15: 64*T1 after the 2xx the callee may send BYE without an ACK, and so may we for it.
static void an_end_waits_for_the_ack(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_SUCCESS);
    assert_int_equal(call_step(world, index, DIALOG_ON_END_UNACKED), 0);
    assert_int_equal(dialog_state(&world->dialogs, index), DIALOG_TERMINATING);
    call_file_is_whole(world);
    assert_int_equal(ends_after(world, index, 300, DIALOG_ON_TIMEOUT), DIALOG_DO_BYE_BOTH);
    assert_int_equal(ends_after(world, index, 300, DIALOG_ON_TIMEOUT),
                     DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE);
}

// One look an interval from the ACK on, whatever else the timer runs out for in between.
static void looks_are_as_far_apart_as_told(struct world *world)
{
    lives(world);
    world->dialogs.life.keepalive = 130;
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    call_step(world, index, DIALOG_ON_SUCCESS);
    if (set_session(world, index, 90, 300) != 0)
        return;
    tick_t began = world->now, last = 0;
    unsigned looks = 0, others = 0;
    while (world_turn(world, began + 1400) != INDEX_NONE) {
        enum dialog_event event = dialog_expired(&world->dialogs, index, world->now);
        assert_true(wheel_armed(&dialog_at(&world->dialogs, index)->timer));
        if (event != DIALOG_ON_KEEPALIVE) { // not before the ACK, and not where the session would have ended
            assert_int_equal(event, DIALOG_EVENTS);
            call_step(world, index, DIALOG_ON_ACK);
            others++;
            continue;
        }
        assert_true(looks++ == 0 || world->now == last + 130);
        last = world->now;
        if (looks == 1 && set_session(world, index, 0, 0) != 0)
            return;
    }
    assert_true(looks >= 9 && others >= 1);
}

// The wheel gave the handle, then something else in the same turn stepped or released the record.
static void a_stale_expiry_is_nothing(struct world *world)
{
    lives(world);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(world_turn(world, world->now + 100), WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index));
    call_step(world, index, DIALOG_ON_SUCCESS);
    assert_int_equal(dialog_expired(&world->dialogs, index, world->now), DIALOG_EVENTS);
    dialog_release(&world->dialogs, index);
    assert_int_equal(dialog_expired(&world->dialogs, index, world->now), DIALOG_EVENTS);
    index = call_make(world);
    if (index != INDEX_NONE)
        assert_int_equal(dialog_expired(&world->dialogs, index, world->now), DIALOG_EVENTS);
}

// Whatever does nothing leaves no record without a timer.
static void nothing_stays_for_ever(struct world *world)
{
    lives(world);
    for (unsigned event = 0; event < DIALOG_EVENTS; event++) {
        uint32_t index = call_make(world);
        if (index == INDEX_NONE)
            return;
        assert_int_not_equal(world_turn(world, world->now + 100), INDEX_NONE);
        call_step(world, index, event);
        const struct dialog *dialog = dialog_at(&world->dialogs, index);
        assert_int_equal(wheel_armed(&dialog->timer), dialog->row != DIALOG_ROW_TERMINATED);
        dialog_release(&world->dialogs, index);
    }
}

static void changes_are_told(struct world *world)
{
    struct dialog_transitions *ring = calloc(1, sizeof(*ring));
    assert_non_null(ring);
    world->dialogs.transitions = ring;
    static const uint8_t wanted[][3] = {{DIALOG_FREE, DIALOG_NONE, DIALOG_EVENTS},
                                        {DIALOG_NONE, DIALOG_EARLY, DIALOG_ON_PROVISIONAL},
                                        {DIALOG_EARLY, DIALOG_CONFIRMED, DIALOG_ON_SUCCESS},
                                        {DIALOG_CONFIRMED, DIALOG_TERMINATING, DIALOG_ON_BYE},
                                        {DIALOG_TERMINATING, DIALOG_TERMINATED, DIALOG_ON_BYE_DONE},
                                        {DIALOG_FREE, DIALOG_NONE, DIALOG_EVENTS},
                                        {DIALOG_NONE, DIALOG_TERMINATED, DIALOG_EVENTS}};
    uint32_t index = call_make(world);
    if (index != INDEX_NONE) {
        uint32_t generation = dialog_at(&world->dialogs, index)->generation;
        static const uint8_t events[] = {DIALOG_ON_PROVISIONAL, DIALOG_ON_PROVISIONAL, DIALOG_ON_SUCCESS,
                                         DIALOG_ON_ACK,         DIALOG_ON_BYE,         DIALOG_ON_BYE_DONE};
        for (unsigned i = 0; i < sizeof(events); i++)
            call_step(world, index, events[i]);
        dialog_release(&world->dialogs, index);
        assert_int_equal(ring->head, 5);
        assert_int_equal(ring->ring[4].generation, generation);
        assert_int_equal(ring->ring[4].caller_peer, 7);
        assert_int_equal(ring->ring[4].at, world->now);
        index = call_make(world);
    }
    if (index != INDEX_NONE) {
        dialog_release(&world->dialogs, index); // dropped
        for (unsigned i = 0; i < 7; i++) {
            assert_int_equal(ring->ring[i].from, wanted[i][0]);
            assert_int_equal(ring->ring[i].to, wanted[i][1]);
            assert_int_equal(ring->ring[i].reason, wanted[i][2]);
        }
    }
    if (index != INDEX_NONE && world->arena.fail_at < 0) { // full: counted, and nothing is overwritten
        ring->tail = 3;
        for (unsigned i = 0; i < DIALOG_TRANSITIONS; i++)
            dialog_release(&world->dialogs, call_make(world));
        assert_int_equal(ring->head, DIALOG_TRANSITIONS + 3);
        assert_int_equal(ring->lost, DIALOG_TRANSITIONS + 4);
        assert_int_equal(ring->ring[3].reason, DIALOG_ON_BYE);
    }
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++)
        dialog_release(&world->dialogs, i);
    world->dialogs.transitions = NULL;
    free(ring);
}

#define SCENARIOS(S)                                                                                         \
    S(none_and_early_expire)                                                                                 \
    S(a_bound_fork_ends)                                                                                     \
    S(without_ack_it_ends_quietly)                                                                           \
    S(a_confirmed_dialog_ends_with_bye)                                                                      \
    S(a_session_expires)                                                                                     \
    S(a_challenge_returns_to_the_lifetime)                                                                   \
    S(an_operator_ends_an_early_one)                                                                         \
    S(an_end_waits_for_the_ack)                                                                              \
    S(looks_are_as_far_apart_as_told)                                                                        \
    S(a_stale_expiry_is_nothing)                                                                             \
    S(nothing_stays_for_ever)                                                                                \
    S(changes_are_told)

SCENARIOS(CALL_TEST)

int main(void)
{
    const struct CMUnitTest tests[] = {SCENARIOS(CALL_ROW)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
