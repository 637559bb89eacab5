// SPDX-License-Identifier: BSD-3-Clause
// The race conditions of RFC 5407 section 3, each with both ends as usages: alice called, bob was called.
// What is on its way is handed over by the test, in the order that the section draws.
#include "usage_world.h"

struct call {
    struct world *world;
    uint32_t alice, bob;
};

static unsigned does(const struct call *call, uint32_t who, enum usage_event event)
{
    return usage_step(&call->world->usages, who, event, call->world->now);
}

static enum usage_state state(const struct call *call, uint32_t who)
{
    return (enum usage_state)usage_at(&call->world->usages, who)->state;
}

// INVITE with an offer and 180.
static struct call rings(struct world *world)
{
    struct call call = {world, calls(world, 1), is_called(world, 1)};
    usage_description(&world->usages, call.alice, OFFER_IN_INVITE, true);
    usage_description(&world->usages, call.bob, OFFER_IN_INVITE, false);
    does(&call, call.alice, USAGE_ON_1XX);
    return call;
}

// And bob's 200 with the answer is on its way: Moratorium (section 2).
static struct call answered(struct world *world)
{
    struct call call = rings(world);
    usage_description(&world->usages, call.bob, OFFER_IN_2XX, true);
    assert_int_equal(does(&call, call.bob, USAGE_ON_SEND_2XX), USAGE_DO_SEND | USAGE_DO_CONFIRM);
    return call;
}

// Alice has it and sends the ACK, which is not at bob's yet.
static struct call accepted(struct world *world)
{
    struct call call = answered(world);
    usage_description(&world->usages, call.alice, OFFER_IN_2XX, false);
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX),
                     USAGE_DO_ACK | USAGE_DO_DELIVER | USAGE_DO_CONFIRM | USAGE_DO_TARGET);
    return call;
}

static struct call established(struct world *world)
{
    struct call call = accepted(world);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), USAGE_DO_DELIVER);
    return call;
}

// A request on its way to `to`; its CSeq is the sender's next.
static struct usage_verdict request(const struct call *call, uint32_t from, enum usage_method method,
                                    bool offer)
{
    struct usages *set = &call->world->usages;
    struct usage_request request = {
        .cseq = usage_number(set, from), .method = (uint8_t)method, .description = offer};
    return usage_receive(set, from == call->alice ? call->bob : call->alice, &request, 0, call->world->now);
}

// A re-INVITE with an offer leaves; what the other end says to it comes later. Returns its CSeq.
static uint32_t sends_reinvite(const struct call *call, uint32_t who)
{
    struct usages *set = &call->world->usages;
    uint32_t cseq = usage_number(set, who);
    assert_int_equal(does(call, who, USAGE_ON_SEND_INVITE), USAGE_DO_SEND);
    assert_int_equal(usage_description(set, who, OFFER_IN_INVITE, true), OFFER_IS_OFFER);
    return cseq;
}

static struct usage_verdict arrives(const struct call *call, uint32_t who, enum usage_method method,
                                    uint32_t cseq)
{
    struct usage_request request = {
        .cseq = cseq, .method = (uint8_t)method, .description = method != USAGE_BYE};
    return usage_receive(&call->world->usages, who, &request, 0, call->world->now);
}

// 3.1.1: the INVITE again while the 200 is out. Its transaction absorbs it (RFC 6026); the usage repeats the
// 200 by its own timer, and each gets an ACK.
static void callee_receives_invite_retransmission_in_moratorium(struct world *world)
{
    struct call call = accepted(world);
    tick_t next = usage_at(&world->usages, call.bob)->at[USAGE_TIMER_REPEAT];
    assert_int_equal(next - world->now, T1);
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX), USAGE_DO_ACK);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), USAGE_DO_DELIVER);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), 0);
    assert_int_equal(state(&call, call.bob), USAGE_CONFIRMED);
}

// 3.1.2: CANCEL crosses the 200: no effect there, ACK and BYE here.
static void callee_receives_cancel_in_moratorium(struct world *world)
{
    struct call call = answered(world);
    assert_int_equal(does(&call, call.alice, USAGE_ON_SEND_CANCEL), USAGE_DO_CANCEL);
    assert_int_equal(does(&call, call.bob, USAGE_ON_CANCEL), 0);
    assert_int_equal(state(&call, call.bob), USAGE_ANSWERED);
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX),
                     USAGE_DO_ACK | USAGE_DO_BYE | USAGE_DO_CONFIRM | USAGE_DO_TARGET);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), USAGE_DO_DELIVER);
    struct usage_verdict verdict = request(&call, call.alice, USAGE_BYE, false);
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.actions, USAGE_DO_DELIVER | USAGE_DO_END | USAGE_DO_RELEASE);
    assert_int_equal(does(&call, call.alice, USAGE_ON_BYE_DONE), USAGE_DO_END | USAGE_DO_RELEASE);
}

// 3.1.3: BYE of the early dialog crosses the 200: the 200 gets its ACK all the same, and is repeated until
// then.
static void callee_receives_early_bye_in_moratorium(struct world *world)
{
    struct call call = answered(world);
    assert_int_equal(does(&call, call.alice, USAGE_ON_LEAVE_EARLY), USAGE_DO_BYE);
    struct usage_verdict verdict = request(&call, call.alice, USAGE_BYE, false);
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.actions, USAGE_DO_DELIVER | USAGE_DO_END);
    assert_int_equal(state(&call, call.bob), USAGE_LEFT_UNACKED);
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX), USAGE_DO_ACK | USAGE_DO_CONFIRM);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), USAGE_DO_RELEASE);
    assert_int_equal(does(&call, call.alice, USAGE_ON_BYE_DONE), USAGE_DO_END | USAGE_DO_RELEASE);
}

// 3.1.4: the ACK is lost, a re-INVITE comes. Offer and answer are done: it is served, and the first 200
// rests.
static void callee_receives_reinvite_in_moratorium_case_1(struct world *world)
{
    struct call call = accepted(world);
    uint32_t cseq = sends_reinvite(&call, call.alice);
    assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, cseq).status, 0);
    assert_int_equal(state(&call, call.bob), USAGE_REINVITED);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), 0); // late
    assert_int_equal(usage_invite_event(&world->usages, call.alice, 200, 1), USAGE_ON_OLD_2XX);
    assert_int_equal(does(&call, call.alice, USAGE_ON_OLD_2XX), USAGE_DO_ACK);
    usage_description(&world->usages, call.bob, OFFER_IN_2XX, true);
    assert_int_equal(does(&call, call.bob, USAGE_ON_SEND_2XX), USAGE_DO_SEND | USAGE_DO_TARGET);
    usage_description(&world->usages, call.alice, OFFER_IN_2XX, false);
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX),
                     USAGE_DO_ACK | USAGE_DO_DELIVER | USAGE_DO_TARGET);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, cseq, world->now), USAGE_DO_DELIVER);
}

// 3.1.5: the answer was in the ACK that is lost: 491, and it works after the wait.
static void callee_receives_reinvite_in_moratorium_case_2(struct world *world)
{
    struct call call = {world, calls(world, 1), is_called(world, 1)};
    struct usages *set = &world->usages;
    usage_description(set, call.bob, OFFER_IN_2XX, true);
    does(&call, call.bob, USAGE_ON_SEND_2XX);
    usage_description(set, call.alice, OFFER_IN_2XX, false);
    does(&call, call.alice, USAGE_ON_2XX);
    usage_description(set, call.alice, OFFER_IN_ACK, true);
    does(&call, call.alice, USAGE_ON_SEND_ACK);
    uint32_t cseq = sends_reinvite(&call, call.alice);
    assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, cseq).status, 491);
    assert_int_equal(does(&call, call.alice, USAGE_ON_FAILURE), USAGE_DO_DELIVER);
    usage_back_off(set, call.alice, 0, world->now);
    // The repeated 200 gets the ACK with the answer.
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX), USAGE_DO_ACK);
    usage_description(set, call.bob, OFFER_IN_ACK, false);
    assert_int_equal(usage_receive_ack(set, call.bob, 1, world->now), USAGE_DO_DELIVER);
    assert_int_equal(next_is(world, call.alice, 210, USAGE_ON_RETRY), USAGE_DO_RETRY);
    cseq = sends_reinvite(&call, call.alice);
    assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, cseq).status, 0);
}

// 3.1.6: the ACK is lost, the caller's BYE is not.
static void callee_receives_bye_in_moratorium(struct world *world)
{
    struct call call = accepted(world);
    assert_int_equal(does(&call, call.alice, USAGE_ON_END), USAGE_DO_BYE);
    struct usage_verdict verdict = request(&call, call.alice, USAGE_BYE, false);
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.actions, USAGE_DO_DELIVER | USAGE_DO_END);
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX), USAGE_DO_ACK); // the 200 again
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), USAGE_DO_RELEASE);
}

// 3.2.1: both get a 200.
static void bye_crosses_bye(struct world *world)
{
    struct call call = established(world);
    assert_int_equal(does(&call, call.alice, USAGE_ON_END), USAGE_DO_BYE);
    assert_int_equal(does(&call, call.bob, USAGE_ON_END), USAGE_DO_BYE);
    assert_int_equal(request(&call, call.alice, USAGE_BYE, false).status, 0);
    assert_int_equal(request(&call, call.bob, USAGE_BYE, false).status, 0);
    assert_int_equal(does(&call, call.alice, USAGE_ON_BYE_DONE), USAGE_DO_END | USAGE_DO_RELEASE);
    assert_int_equal(does(&call, call.bob, USAGE_ON_BYE_DONE), USAGE_DO_END | USAGE_DO_RELEASE);
}

// 3.2.2: 481 for the re-INVITE, 200 for the BYE; the end is the BYE's.
static void reinvite_crosses_bye(struct world *world)
{
    struct call call = established(world);
    uint32_t cseq = sends_reinvite(&call, call.alice);
    assert_int_equal(does(&call, call.bob, USAGE_ON_END), USAGE_DO_BYE);
    assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, cseq).status, 481);
    struct usage_verdict verdict = request(&call, call.bob, USAGE_BYE, false);
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.actions, USAGE_DO_DELIVER | USAGE_DO_END | USAGE_DO_RELEASE);
    assert_int_equal(does(&call, call.alice, USAGE_ON_GONE), 0); // the 481 finds nothing any more
    // The 481 may be there before the BYE.
    call = established(world);
    cseq = sends_reinvite(&call, call.alice);
    assert_int_equal(does(&call, call.bob, USAGE_ON_END), USAGE_DO_BYE);
    assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, cseq).status, 481);
    assert_int_equal(usage_invite_event(&world->usages, call.alice, 481, cseq), USAGE_ON_GONE);
    assert_int_equal(does(&call, call.alice, USAGE_ON_GONE), USAGE_DO_BYE | USAGE_DO_DELIVER);
    assert_int_equal(request(&call, call.bob, USAGE_BYE, false).status, 0);
    assert_int_equal(request(&call, call.alice, USAGE_BYE, false).status, 0);
}

// 3.2.3: BYE while the 200 to our own re-INVITE is on its way: it gets its ACK.
static void success_of_reinvite_crosses_bye(struct world *world)
{
    struct call call = established(world);
    uint32_t cseq = sends_reinvite(&call, call.alice);
    assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, cseq).status, 0);
    usage_description(&world->usages, call.bob, OFFER_IN_2XX, true);
    does(&call, call.bob, USAGE_ON_SEND_2XX);
    assert_int_equal(does(&call, call.alice, USAGE_ON_END), USAGE_DO_BYE);
    assert_int_equal(does(&call, call.alice, USAGE_ON_2XX), USAGE_DO_ACK);
    struct usage_verdict verdict = request(&call, call.alice, USAGE_BYE, false);
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.actions, USAGE_DO_DELIVER | USAGE_DO_END);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, cseq, world->now), USAGE_DO_RELEASE);
}

// 3.2.4: the ACK comes when the callee has given up and sent BYE.
static void ack_crosses_bye(struct world *world)
{
    struct call call = accepted(world);
    world_turn(world, world->now + 1);
    usage_at(&world->usages, call.bob)->at[USAGE_TIMER_GIVE_UP] = world->now;
    assert_int_equal(does(&call, call.bob, USAGE_ON_GIVE_UP), USAGE_DO_BYE | USAGE_DO_DELIVER);
    assert_int_equal(usage_receive_ack(&world->usages, call.bob, 1, world->now), 0);
    assert_int_equal(request(&call, call.bob, USAGE_BYE, false).actions,
                     USAGE_DO_DELIVER | USAGE_DO_END | USAGE_DO_RELEASE);
    assert_int_equal(does(&call, call.bob, USAGE_ON_BYE_DONE), USAGE_DO_END | USAGE_DO_RELEASE);
}

// 3.3.1: 491 to both; the owner of the Call-ID waits longer, so that they do not meet again.
static void reinvite_crosses_reinvite(struct world *world)
{
    struct call call = established(world);
    uint32_t alices = sends_reinvite(&call, call.alice), bobs = sends_reinvite(&call, call.bob);
    assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, alices).status, 491);
    assert_int_equal(arrives(&call, call.alice, USAGE_INVITE, bobs).status, 491);
    assert_int_equal(does(&call, call.alice, USAGE_ON_FAILURE), USAGE_DO_DELIVER);
    assert_int_equal(does(&call, call.bob, USAGE_ON_FAILURE), USAGE_DO_DELIVER);
    usage_back_off(&world->usages, call.alice, 0, world->now);
    usage_back_off(&world->usages, call.bob, UINT32_MAX, world->now);
    assert_int_equal(next_is(world, call.bob, 200, USAGE_ON_RETRY), USAGE_DO_RETRY);
    bobs = sends_reinvite(&call, call.bob);
    assert_int_equal(arrives(&call, call.alice, USAGE_INVITE, bobs).status, 0);
    assert_int_equal(next_is(world, call.alice, 10, USAGE_ON_RETRY), 0); // waits for bob's
}

// 3.3.2: the same with an UPDATE that has an offer; without one they pass each other.
static void update_crosses_reinvite(struct world *world)
{
    for (int offer = 0; offer < 2; offer++) {
        struct call call = established(world);
        uint32_t alices = sends_reinvite(&call, call.alice);
        assert_true(usage_send_update(&world->usages, call.bob, offer));
        struct usage_verdict verdict = request(&call, call.bob, USAGE_UPDATE, offer);
        assert_int_equal(verdict.status, offer ? 491 : 0);
        assert_int_equal(arrives(&call, call.bob, USAGE_INVITE, alices).status, offer ? 491 : 0);
        usage_update_done(&world->usages, call.bob, true);
        if (offer) {
            does(&call, call.alice, USAGE_ON_FAILURE);
            assert_int_equal(usage_at(&world->usages, call.alice)->offer.state, OFFER_STABLE);
            assert_int_equal(usage_at(&world->usages, call.bob)->offer.state, OFFER_STABLE);
        }
    }
}

// 3.3.3: 481, as for any request but BYE.
static void refer_crosses_bye(struct world *world)
{
    struct call call = established(world);
    assert_int_equal(does(&call, call.bob, USAGE_ON_END), USAGE_DO_BYE);
    assert_int_equal(request(&call, call.alice, USAGE_OTHER_METHOD, false).status, 481);
    assert_int_equal(request(&call, call.bob, USAGE_BYE, false).status, 0);
}

#define SCENARIOS(S)                                                                                         \
    S(callee_receives_invite_retransmission_in_moratorium)                                                   \
    S(callee_receives_cancel_in_moratorium)                                                                  \
    S(callee_receives_early_bye_in_moratorium)                                                               \
    S(callee_receives_reinvite_in_moratorium_case_1)                                                         \
    S(callee_receives_reinvite_in_moratorium_case_2)                                                         \
    S(callee_receives_bye_in_moratorium)                                                                     \
    S(bye_crosses_bye)                                                                                       \
    S(reinvite_crosses_bye)                                                                                  \
    S(success_of_reinvite_crosses_bye)                                                                       \
    S(ack_crosses_bye)                                                                                       \
    S(reinvite_crosses_reinvite)                                                                             \
    S(update_crosses_reinvite)                                                                               \
    S(refer_crosses_bye)

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
