// SPDX-License-Identifier: BSD-3-Clause
// Timers and kept messages of usages, with a turned clock.
#include <errno.h>

#include "usage_world.h"

static struct usage_octets octets(const char *text)
{
    return (struct usage_octets){text, (uint32_t)strlen(text)};
}

static bool keep(struct world *world, uint32_t index, const char *text)
{
    int kept = text[0] == '1' ? usage_keep_1xx(&world->usages, index, octets(text))
                              : usage_keep_2xx(&world->usages, index, octets(text));
    return room(world, kept);
}

static bool is(struct usage_octets kept, const char *text)
{
    return kept.length == strlen(text) && memcmp(kept.octets, text, kept.length) == 0;
}

static void all_ticks(struct world *world, uint32_t index, const tick_t *waits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(next_is(world, index, waits[i], USAGE_ON_REPEAT), USAGE_DO_RESEND);
}

// 13.3.1.4: at 0, 0.5, 1.5, 3.5, 7.5, 11.5, ... 31.5 seconds; BYE at 32.
static const tick_t repetitions[] = {50, 100, 200, 400, 400, 400, 400, 400, 400, 400};

static void success_is_repeated(struct world *world)
{
    uint32_t index = is_called(world, 7);
    if (!keep(world, index, "200"))
        return;
    assert_int_equal(step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED), USAGE_DO_SEND | USAGE_DO_CONFIRM);
    all_ticks(world, index, repetitions, 10);
    assert_true(is(usage_repeated(&world->usages, index), "200"));
    assert_int_equal(next_is(world, index, 50, USAGE_ON_GIVE_UP), USAGE_DO_BYE | USAGE_DO_DELIVER);
    assert_int_equal(at(world, index)->state, USAGE_LEAVING);
    assert_int_equal(usage_repeated(&world->usages, index).length, 0);
    assert_int_equal(next_is(world, index, LONG, USAGE_ON_LIFE), USAGE_DO_END | USAGE_DO_RELEASE);
}

static void ack_stops_the_repetition(struct world *world)
{
    uint32_t index = is_called(world, 7);
    if (!keep(world, index, "200"))
        return;
    step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED);
    next_is(world, index, T1, USAGE_ON_REPEAT);
    assert_int_equal(usage_receive_ack(&world->usages, index, 6, world->now), 0); // of another INVITE
    assert_int_equal(usage_receive_ack(&world->usages, index, 7, world->now), USAGE_DO_DELIVER);
    assert_int_equal(usage_receive_ack(&world->usages, index, 7, world->now), 0);
    assert_int_equal(world->arena.used, 0);
    // What is left is the longest call, counted from the 2xx.
    assert_int_equal(next_is(world, index, CALL - T1, USAGE_ON_LIFE), USAGE_DO_BYE | USAGE_DO_DELIVER);
}

// Section 15: until the ACK, or the end of the wait for it.
static void bye_is_held_back(struct world *world)
{
    for (int acked = 0; acked < 2; acked++) {
        uint32_t index = is_called(world, 7);
        if (!keep(world, index, "200"))
            return;
        step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED);
        assert_int_equal(step(world, index, USAGE_ON_END, USAGE_ENDING), 0);
        assert_int_equal(step(world, index, USAGE_ON_END, USAGE_ENDING), USAGE_DO_NOT_NOW);
        all_ticks(world, index, repetitions, 10);
        if (acked)
            assert_int_equal(usage_receive_ack(&world->usages, index, 7, world->now), USAGE_DO_BYE);
        else
            assert_int_equal(next_is(world, index, 50, USAGE_ON_GIVE_UP), USAGE_DO_BYE);
        assert_int_equal(at(world, index)->state, USAGE_LEAVING);
        usage_release(&world->usages, index);
    }
}

static struct usage_verdict prack(struct world *world, uint32_t index, uint32_t cseq, uint32_t rack)
{
    struct usage_request request = {
        .cseq = cseq, .method = USAGE_PRACK, .rack = rack, .rack_cseq = at(world, index)->invite_cseq};
    return usage_receive(&world->usages, index, &request, 0, world->now);
}

// RFC 3262 section 3: doubling without bound, 5xx after 64*T1.
static void provisional_is_repeated(struct world *world)
{
    static const tick_t waits[] = {50, 100, 200, 400, 800, 1600};
    static const enum usage_state states[] = {USAGE_INVITED, USAGE_HELD, USAGE_REINVITED,
                                              USAGE_REINVITE_HELD};
    for (int i = 0; i < 4; i++) {
        bool held = states[i] == USAGE_HELD || states[i] == USAGE_REINVITE_HELD, first = i < 2;
        uint32_t index = reach(world, states[i]);
        if (!first)
            at(world, index)->armed &= (uint8_t) ~(1u << USAGE_TIMER_FORGET);
        assert_int_equal(usage_send_reliable(&world->usages, index, false, 1, world->now) == 0, held);
        if (!keep(world, index, "180"))
            return;
        all_ticks(world, index, waits, 6);
        unsigned over = first ? USAGE_DO_END | USAGE_DO_RELEASE : 0;
        assert_int_equal(next_is(world, index, 50, USAGE_ON_GIVE_UP),
                         USAGE_DO_REFUSE | USAGE_DO_DELIVER | over);
        usage_release(&world->usages, index);
    }
}

// 13.3.1.1: each minute that it rings; RFC 3262 section 3: reliably each two and a half. A final response
// ends it.
static void ringing_is_extended(struct world *world)
{
    for (int reliable = 0; reliable < 2; reliable++) {
        tick_t wait = reliable ? 15000 : 6000;
        uint32_t index = is_called(world, 7);
        usage_arm(&world->usages, index, USAGE_TIMER_LIFE, world->now + 100000);
        for (uint32_t i = 0; i < 3; i++) {
            uint32_t rseq = reliable ? usage_send_reliable(&world->usages, index, false, 0, world->now) : 0;
            assert_int_equal(rseq, reliable ? i + 1 : 0);
            assert_int_equal(step(world, index, USAGE_ON_SEND_1XX, USAGE_INVITED), USAGE_DO_SEND);
            if (reliable)
                assert_int_equal(prack(world, index, 8 + i, rseq).status, 0);
            assert_int_equal(next_is(world, index, wait, USAGE_ON_EXTEND), USAGE_DO_EXTEND);
        }
        step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED);
        assert_int_equal(step(world, index, USAGE_ON_SEND_1XX, USAGE_ANSWERED), USAGE_DO_NOT_NOW);
        usage_receive_ack(&world->usages, index, 7, world->now);
        assert_int_equal(world_turn(world, world->now + 30000), INDEX_NONE);
        usage_release(&world->usages, index);
    }
}

// Without octets there is nothing to repeat.
static void nothing_is_kept(struct world *world)
{
    uint32_t index = reach(world, USAGE_ANSWERED);
    assert_int_equal(next_is(world, index, T1, USAGE_ON_REPEAT), 0);
    assert_int_equal(step(world, index, USAGE_ON_BYE, USAGE_LEFT_UNACKED), USAGE_DO_DELIVER | USAGE_DO_END);
    assert_int_equal(step(world, index, USAGE_ON_ACK, USAGE_TERMINATED), USAGE_DO_RELEASE);
    assert_false(wheel_armed(&at(world, index)->timer));
}

// RFC 3262 section 3: no 2xx before the PRACK of a description; then it goes out and is repeated from T1 on.
static void success_waits_for_prack(struct world *world)
{
    uint32_t index = is_called(world, 7);
    uint32_t rseq = usage_send_reliable(&world->usages, index, true, 0, world->now);
    assert_int_equal(rseq, 1);
    if (!keep(world, index, "183") || !keep(world, index, "200"))
        return;
    assert_int_equal(step(world, index, USAGE_ON_SEND_2XX, USAGE_HELD), 0);
    assert_int_equal(next_is(world, index, T1, USAGE_ON_REPEAT), USAGE_DO_RESEND);
    assert_true(is(usage_repeated(&world->usages, index), "183"));
    struct usage_verdict verdict = prack(world, index, 8, rseq);
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.actions, USAGE_DO_RESEND | USAGE_DO_DELIVER | USAGE_DO_CONFIRM);
    assert_int_equal(at(world, index)->state, USAGE_ANSWERED);
    assert_true(is(usage_repeated(&world->usages, index), "200"));
    all_ticks(world, index, repetitions, 10);
    assert_int_equal(next_is(world, index, 50, USAGE_ON_GIVE_UP), USAGE_DO_BYE | USAGE_DO_DELIVER);
}

// Without a description the 2xx goes out at once; the PRACK is still welcome and stops nothing.
static void success_overtakes_prack(struct world *world)
{
    uint32_t index = is_called(world, 7);
    uint32_t rseq = usage_send_reliable(&world->usages, index, false, 0, world->now);
    if (!keep(world, index, "180") || !keep(world, index, "200"))
        return;
    assert_int_equal(step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED), USAGE_DO_SEND | USAGE_DO_CONFIRM);
    assert_true(is(usage_repeated(&world->usages, index), "200"));
    struct usage_verdict verdict = prack(world, index, 8, rseq);
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.actions, 0);
    all_ticks(world, index, repetitions, 10);
}

static void prack_stops_the_repetition(struct world *world)
{
    uint32_t index = is_called(world, 7);
    uint32_t rseq = usage_send_reliable(&world->usages, index, false, UINT32_MAX, world->now);
    assert_int_equal(rseq, INT32_MAX);
    if (!keep(world, index, "180"))
        return;
    // One at a time.
    assert_int_equal(usage_send_reliable(&world->usages, index, false, 0, world->now), 0);
    assert_int_equal(prack(world, index, 8, rseq).actions, USAGE_DO_DELIVER);
    assert_int_equal(usage_send_reliable(&world->usages, index, false, 0, world->now), rseq + 1);
    assert_int_equal(prack(world, index, 9, rseq + 1).actions, USAGE_DO_DELIVER);
    assert_int_equal(world_turn(world, world->now + LONG + 1), INDEX_NONE);
}

// 9.1: CANCEL waits for a 1xx; 64*T1 after it the INVITE is over.
static void cancel_is_held_back(struct world *world)
{
    uint32_t index = calls(world, 1);
    assert_int_equal(step(world, index, USAGE_ON_SEND_CANCEL, USAGE_CANCEL_HELD), 0);
    world_turn(world, world->now + 100);
    assert_int_equal(step(world, index, USAGE_ON_1XX, USAGE_CANCELLED), USAGE_DO_CANCEL);
    assert_int_equal(step(world, index, USAGE_ON_1XX, USAGE_CANCELLED), 0);
    assert_int_equal(next_is(world, index, LONG, USAGE_ON_LIFE),
                     USAGE_DO_DELIVER | USAGE_DO_END | USAGE_DO_RELEASE);
}

static void early_life_begins_with_each_1xx(struct world *world)
{
    uint32_t index = calls(world, 1);
    world_turn(world, world->now + 1000);
    step(world, index, USAGE_ON_1XX, USAGE_PROCEEDING);
    world_turn(world, world->now + 1000);
    step(world, index, USAGE_ON_1XX, USAGE_PROCEEDING);
    assert_int_equal(next_is(world, index, EARLY, USAGE_ON_LIFE), USAGE_DO_CANCEL | USAGE_DO_DELIVER);
}

// 13.2.2.4: each 2xx gets the same ACK, as long as one may come (RFC 6026 timer M).
static void ack_is_repeated(struct world *world)
{
    uint32_t index = calls(world, 5);
    unsigned confirmed = USAGE_DO_ACK | USAGE_DO_DELIVER | USAGE_DO_CONFIRM | USAGE_DO_TARGET;
    assert_int_equal(step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED), confirmed);
    if (!room(world, usage_keep_ack(&world->usages, index, 5, octets("ACK 5"))))
        return;
    world_turn(world, world->now + T1);
    assert_int_equal(step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED), USAGE_DO_ACK);
    assert_true(is(usage_ack(&world->usages, index, 5), "ACK 5"));
    assert_int_equal(usage_ack(&world->usages, index, 4).length, 0);
    // The peer's re-INVITE leaves it alone; ours replaces it, and an older one does not come back.
    receives(world, index, USAGE_INVITE, 100);
    assert_true(is(usage_ack(&world->usages, index, 5), "ACK 5"));
    step(world, index, USAGE_ON_SEND_FAILURE, USAGE_CONFIRMED);
    assert_int_equal(usage_number(&world->usages, index), 6);
    step(world, index, USAGE_ON_SEND_INVITE, USAGE_REINVITING);
    assert_int_equal(usage_invite_event(&world->usages, index, 200, 5), USAGE_ON_OLD_2XX);
    assert_int_equal(step(world, index, USAGE_ON_OLD_2XX, USAGE_REINVITING), USAGE_DO_ACK);
    step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED);
    if (!room(world, usage_keep_ack(&world->usages, index, 6, octets("ACK 6"))))
        return;
    assert_int_equal(usage_keep_ack(&world->usages, index, 5, octets("ACK 5")), 0);
    assert_true(is(usage_ack(&world->usages, index, 6), "ACK 6"));
    next_is(world, index, LONG, USAGE_ON_FORGET);
    assert_int_equal(usage_ack(&world->usages, index, 6).length, 0);
    assert_int_equal(world->arena.used, 0);
    assert_int_equal(usage_keep_ack(&world->usages, index, 6, octets("ACK 6")), 0);
    assert_int_equal(world->arena.used, 0);
}

// Third-party call control: the user's ACK, or after 64*T1 ACK and BYE.
static void ack_of_the_user(struct world *world)
{
    for (int given = 0; given < 2; given++) {
        uint32_t index = calls(world, 5);
        at(world, index)->flags |= USAGE_FLAG_LATE_ACK;
        step(world, index, USAGE_ON_1XX, USAGE_PROCEEDING);
        assert_int_equal(step(world, index, USAGE_ON_2XX, USAGE_ACCEPTED),
                         USAGE_DO_DELIVER | USAGE_DO_CONFIRM | USAGE_DO_TARGET);
        world_turn(world, world->now + T1);
        assert_int_equal(step(world, index, USAGE_ON_2XX, USAGE_ACCEPTED), 0);
        if (given) {
            assert_int_equal(step(world, index, USAGE_ON_SEND_ACK, USAGE_CONFIRMED), USAGE_DO_SEND);
            assert_int_equal(step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED), USAGE_DO_ACK);
            next_is(world, index, LONG - T1, USAGE_ON_FORGET);
        } else {
            assert_int_equal(next_is(world, index, LONG - T1, USAGE_ON_GIVE_UP),
                             USAGE_DO_ACK | USAGE_DO_BYE | USAGE_DO_DELIVER);
        }
        usage_release(&world->usages, index);
    }
}

// An offer in the 2xx is answered by the user alone, whatever was said before.
static void offer_in_2xx_waits_for_the_user(struct world *world)
{
    uint32_t index = calls(world, 5);
    assert_int_equal(usage_description(&world->usages, index, OFFER_IN_2XX, false), OFFER_IS_OFFER);
    step(world, index, USAGE_ON_2XX, USAGE_ACCEPTED);
    assert_int_equal(usage_description(&world->usages, index, OFFER_IN_ACK, true), OFFER_IS_ANSWER);
    step(world, index, USAGE_ON_SEND_ACK, USAGE_CONFIRMED);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
}

// 14.1: the window of each side, to both ends of it.
static void glare(struct world *world)
{
    static const struct {
        bool owner;
        uint32_t random;
        tick_t wait;
    } rows[] = {{true, 0, 210},
                {true, UINT32_MAX, 400},
                {true, 0x80000000u, 305},
                {false, 1u << 25, 1},
                {false, UINT32_MAX, 200}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t index = rows[i].owner ? confirmed_client(world) : confirmed_server(world);
        usage_number(&world->usages, index);
        step(world, index, USAGE_ON_SEND_INVITE, USAGE_REINVITING);
        assert_int_equal(step(world, index, USAGE_ON_FAILURE, USAGE_CONFIRMED), USAGE_DO_DELIVER);
        usage_back_off(&world->usages, index, rows[i].random, world->now);
        assert_int_equal(next_is(world, index, rows[i].wait, USAGE_ON_RETRY), USAGE_DO_RETRY);
        usage_release(&world->usages, index);
    }
}

// The other end's INVITE came first: ours waits until it is done.
static void retry_waits_for_their_invite(struct world *world)
{
    uint32_t index = confirmed_server(world);
    usage_back_off(&world->usages, index, 1u << 25, world->now);
    assert_int_equal(receives(world, index, USAGE_INVITE, 2).status, 0);
    assert_int_equal(next_is(world, index, 1, USAGE_ON_RETRY), 0);
    step(world, index, USAGE_ON_SEND_FAILURE, USAGE_CONFIRMED);
    assert_int_equal(next_is(world, index, T2, USAGE_ON_RETRY), USAGE_DO_RETRY);
    usage_retry_at(&world->usages, index, world->now + 1234);
    assert_int_equal(next_is(world, index, 1234, USAGE_ON_RETRY), USAGE_DO_RETRY);
}

// RFC 4028 7.4 and 10, for who refreshes and for who does not.
static void session_timer(struct world *world)
{
    static const struct {
        bool uac;
        uint8_t refresher;
        bool refreshes;
    } rows[] = {{true, SESSION_UAC, true},
                {true, SESSION_UAS, false},
                {false, SESSION_UAC, false},
                {false, SESSION_UAS, true}};
    for (size_t i = 0; i < 4; i++) {
        uint32_t index = confirmed_server(world);
        struct session_terms terms = {.interval_s = 90, .refresher = rows[i].refresher};
        usage_session(&world->usages, index, terms, rows[i].uac, world->now);
        if (rows[i].refreshes) {
            // Refreshed once, and then never again; each try halves what is left.
            assert_int_equal(next_is(world, index, 4500, USAGE_ON_REFRESH), USAGE_DO_REFRESH);
            usage_session(&world->usages, index, terms, rows[i].uac, world->now);
            assert_int_equal(next_is(world, index, 4500, USAGE_ON_REFRESH), USAGE_DO_REFRESH);
            assert_int_equal(next_is(world, index, 750, USAGE_ON_REFRESH), USAGE_DO_REFRESH);
            assert_int_equal(next_is(world, index, 750, USAGE_ON_EXPIRED), USAGE_DO_BYE | USAGE_DO_DELIVER);
        } else {
            assert_int_equal(next_is(world, index, 6000, USAGE_ON_EXPIRED), USAGE_DO_BYE | USAGE_DO_DELIVER);
        }
        usage_release(&world->usages, index);
    }
    // Tries end where half of what is left is T2.
    static const tick_t tries[2][6] = {{4800, 800}, {10000, 3400, 1700, 850, 425}};
    for (int i = 0; i < 2; i++) {
        uint32_t index = confirmed_server(world);
        struct session_terms terms = {.interval_s = i == 0 ? 96 : 200, .refresher = SESSION_UAC};
        usage_session(&world->usages, index, terms, true, world->now);
        for (int k = 0; tries[i][k] != 0; k++)
            assert_int_equal(next_is(world, index, tries[i][k], USAGE_ON_REFRESH), USAGE_DO_REFRESH);
        assert_int_equal(next_is(world, index, i == 0 ? 800 : 425, USAGE_ON_EXPIRED),
                         USAGE_DO_BYE | USAGE_DO_DELIVER);
        usage_release(&world->usages, index);
    }
    uint32_t index = confirmed_server(world);
    usage_session(&world->usages, index, (struct session_terms){90, SESSION_UAC}, true, world->now);
    usage_session(&world->usages, index, (struct session_terms){0, SESSION_NEITHER}, true, world->now);
    assert_int_equal(world_turn(world, world->now + 9000), INDEX_NONE);
}

static void refresh_waits_for_their_invite(struct world *world)
{
    uint32_t index = confirmed_client(world);
    struct session_terms terms = {.interval_s = 90, .refresher = SESSION_UAC};
    usage_session(&world->usages, index, terms, true, world->now);
    next_is(world, index, LONG, USAGE_ON_FORGET);
    receives(world, index, USAGE_INVITE, 2);
    assert_int_equal(next_is(world, index, 4500 - LONG, USAGE_ON_REFRESH), 0);
    step(world, index, USAGE_ON_SEND_FAILURE, USAGE_CONFIRMED);
    assert_int_equal(next_is(world, index, T2, USAGE_ON_REFRESH), USAGE_DO_REFRESH);
}

// From each state, with nobody doing anything any more.
static void every_state_ends(struct world *world)
{
    for (int state = USAGE_CALLING; state < USAGE_TERMINATED; state++) {
        uint32_t index = reach(world, (enum usage_state)state);
        tick_t until = world->now + CALL + 4 * LONG + EARLY;
        while (at(world, index)->state != USAGE_TERMINATED) {
            assert_true(wheel_armed(&at(world, index)->timer));
            assert_int_equal(world_turn(world, until), WHEEL_HANDLE(WHEEL_CLASS_USAGE, index));
            usage_step(&world->usages, index, usage_expired(&world->usages, index, world->now), world->now);
        }
        assert_false(wheel_armed(&at(world, index)->timer));
        usage_release(&world->usages, index);
    }
}

// What the wheel gave back may have been changed or released before its turn.
static void stale_handles(struct world *world)
{
    uint32_t index = confirmed_server(world);
    for (int event = USAGE_ON_LIFE; event <= USAGE_ON_FORGET; event++)
        assert_int_equal(usage_step(&world->usages, index, (enum usage_event)event, world->now), 0);
    assert_int_equal(at(world, index)->state, USAGE_CONFIRMED);
    assert_int_equal(usage_expired(&world->usages, index, world->now), USAGE_EVENTS);
    uint32_t generation = at(world, index)->generation;
    usage_release(&world->usages, index);
    usage_release(&world->usages, index);
    assert_int_equal(at(world, index)->generation, generation + 1);
    assert_int_equal(usage_expired(&world->usages, index, world->now), USAGE_EVENTS);
    for (int event = 0; event <= USAGE_EVENTS; event++)
        assert_int_equal(usage_step(&world->usages, index, (enum usage_event)event, world->now), 0);
    assert_int_equal(receives(world, index, USAGE_BYE, 1000).status, 481);
    assert_int_equal(calls(world, 1), index);
    assert_int_equal(at(world, index)->generation, generation + 1);
}

static void full(struct world *world)
{
    for (unsigned i = 0; i < WORLD_CAPACITY; i++)
        calls(world, 1);
    assert_int_equal(usage_create(&world->usages, USAGE_SERVER, 1, world->now), INDEX_NONE);
    assert_int_equal(usage_fork(&world->usages, 3, 1, world->now), INDEX_NONE);
    usage_release(&world->usages, 3);
    assert_int_equal(is_called(world, 1), 3);
    assert_int_equal(world->usages.count, WORLD_CAPACITY);
    struct usages none;
    struct wheel wheel;
    wheel_init(&wheel, world->now);
    usages_init(&none, world->memory, 0, &world->arena, &wheel);
    assert_int_equal(usage_create(&none, USAGE_CLIENT, 1, world->now), INDEX_NONE);
}

#define SCENARIOS(S)                                                                                         \
    S(success_is_repeated)                                                                                   \
    S(ack_stops_the_repetition)                                                                              \
    S(bye_is_held_back)                                                                                      \
    S(provisional_is_repeated)                                                                               \
    S(nothing_is_kept)                                                                                       \
    S(ringing_is_extended)                                                                                   \
    S(success_waits_for_prack)                                                                               \
    S(success_overtakes_prack)                                                                               \
    S(prack_stops_the_repetition)                                                                            \
    S(cancel_is_held_back)                                                                                   \
    S(early_life_begins_with_each_1xx)                                                                       \
    S(ack_is_repeated)                                                                                       \
    S(ack_of_the_user)                                                                                       \
    S(offer_in_2xx_waits_for_the_user)                                                                       \
    S(glare)                                                                                                 \
    S(retry_waits_for_their_invite)                                                                          \
    S(session_timer)                                                                                         \
    S(refresh_waits_for_their_invite)                                                                        \
    S(every_state_ends)                                                                                      \
    S(stale_handles)                                                                                         \
    S(full)

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
