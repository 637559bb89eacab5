// SPDX-License-Identifier: BSD-3-Clause
// What may come in and go out, in which state.
#include "usage_world.h"

enum { RANDOM = 0x80000000u, LATER = 5 }; // Retry-After that receives() leads to

static void refused(struct usage_verdict verdict, unsigned status, unsigned retry_after_s)
{
    assert_int_equal(verdict.status, status);
    assert_int_equal(verdict.retry_after_s, retry_after_s);
    assert_int_equal(verdict.actions, 0);
}

// 14.2, 12.2.2, RFC 5407: each method in each state. 0: it comes in.
static void every_method_in_every_state(struct world *world)
{
    static const struct {
        enum usage_state state;
        unsigned invite, update, prack, bye, other;
    } rows[] = {
        {USAGE_CALLING, 481, 481, 481, 481, 481}, // no dialog yet
        {USAGE_PROCEEDING, 491, 0, 481, 0, 0},
        {USAGE_LOST_EARLY, 491, 0, 481, 0, 0},
        {USAGE_CANCEL_HELD, 491, 0, 481, 0, 0},
        {USAGE_CANCELLED, 491, 0, 481, 0, 0},
        {USAGE_ACCEPTED, 491, 0, 481, 0, 0},
        {USAGE_INVITED, 500, 0, 481, 0, 0},
        {USAGE_HELD, 500, 0, 0, 0, 0}, // has a reliable 1xx
        {USAGE_ANSWERED, 0, 0, 481, 0, 0},
        {USAGE_ENDING, 481, 481, 481, 0, 481}, // it wants to go
        {USAGE_LEFT_UNACKED, 481, 481, 481, 481, 481},
        {USAGE_CONFIRMED, 0, 0, 481, 0, 0},
        {USAGE_REINVITING, 491, 0, 481, 0, 0},
        {USAGE_REINVITE_PROCEEDING, 491, 0, 481, 0, 0},
        {USAGE_REINVITE_CANCEL_HELD, 491, 0, 481, 0, 0},
        {USAGE_REINVITE_CANCELLED, 491, 0, 481, 0, 0},
        {USAGE_REINVITE_ACCEPTED, 491, 0, 481, 0, 0},
        {USAGE_REINVITED, 500, 0, 481, 0, 0},
        {USAGE_REINVITE_HELD, 500, 0, 0, 0, 0},
        {USAGE_REINVITE_ANSWERED, 0, 0, 481, 0, 0},
        {USAGE_LEAVING_EARLY, 481, 481, 481, 0, 481},
        {USAGE_LEFT_EARLY, 481, 481, 481, 481, 481},
        {USAGE_LEAVING, 481, 481, 481, 0, 481},
        {USAGE_TERMINATED, 481, 481, 481, 481, 481},
    };
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), USAGE_STATES - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned method = USAGE_INVITE; method <= USAGE_OTHER_METHOD; method++) {
            const unsigned is[] = {rows[i].invite, rows[i].update, rows[i].prack, rows[i].bye, rows[i].other};
            uint32_t index = reach(world, rows[i].state);
            struct usage_request request = {.cseq = 1000,
                                            .method = (uint8_t)method,
                                            .rack = at(world, index)->rseq,
                                            .rack_cseq = at(world, index)->invite_cseq};
            struct usage_verdict verdict = usage_receive(&world->usages, index, &request, RANDOM, world->now);
            if (verdict.status != is[method])
                fail_msg("state %d, method %u: %u", rows[i].state, method, verdict.status);
            assert_int_equal(verdict.retry_after_s, is[method] == 500 ? LATER : USAGE_RETRY_AFTER_NONE);
            usage_release(&world->usages, index);
        }
}

// 12.2.2: lower is 500, and so is the same again; gaps are fine, and refused requests count.
static void order_of_cseq(struct world *world)
{
    uint32_t index = confirmed_client(world);
    assert_int_equal(receives(world, index, USAGE_OTHER_METHOD, 0).status, 0); // empty at first: any
    refused(receives(world, index, USAGE_OTHER_METHOD, 0), 500, USAGE_RETRY_AFTER_NONE);
    assert_int_equal(receives(world, index, USAGE_OTHER_METHOD, 17).status, 0);
    refused(receives(world, index, USAGE_BYE, 16), 500, USAGE_RETRY_AFTER_NONE);
    refused(receives(world, index, USAGE_INVITE, 17), 500, USAGE_RETRY_AFTER_NONE);
    assert_int_equal(receives(world, index, USAGE_INVITE, 20).status, 0);
    refused(receives(world, index, USAGE_INVITE, 30), 500, LATER);
    refused(receives(world, index, USAGE_OTHER_METHOD, 25), 500, USAGE_RETRY_AFTER_NONE);
    // Ours is another count.
    assert_int_equal(usage_number(&world->usages, index), 2);
    uint32_t server = is_called(world, 100);
    refused(receives(world, server, USAGE_OTHER_METHOD, 100), 500, USAGE_RETRY_AFTER_NONE);
    assert_int_equal(receives(world, server, USAGE_OTHER_METHOD, 101).status, 0);
    assert_int_equal(usage_number(&world->usages, server), 1);
}

// 8.1.1.5: below 2^31.
static void numbers_run_out(struct world *world)
{
    uint32_t index = calls(world, INT32_MAX - 1);
    assert_int_equal(usage_number(&world->usages, index), INT32_MAX);
    assert_int_equal(usage_number(&world->usages, index), 0);
    assert_int_equal(usage_number(&world->usages, index), 0);
}

// 14.2, RFC 3311 5.2: 0 to 10 seconds, all of them.
static void retry_after(struct world *world)
{
    uint32_t index = reach(world, USAGE_REINVITED);
    unsigned seen = 0;
    for (uint32_t i = 0; i < 64; i++) {
        struct usage_request request = {.cseq = 1000 + i, .method = USAGE_INVITE};
        struct usage_verdict verdict = usage_receive(&world->usages, index, &request, i << 26, world->now);
        assert_true(verdict.status == 500 && verdict.retry_after_s <= 10);
        seen |= 1u << verdict.retry_after_s;
    }
    assert_int_equal(seen, 0x7ff);
}

// RFC 3311 5.2 and RFC 3261 14.2, by who owes an answer to what.
static void offers_in_requests(struct world *world)
{
    static const enum usage_method methods[] = {USAGE_INVITE, USAGE_UPDATE};
    for (int i = 0; i < 2; i++) {
        uint32_t index = confirmed_client(world);
        assert_true(usage_send_update(&world->usages, index, true));
        refused(receives_offer(world, index, methods[i], 100), 491, USAGE_RETRY_AFTER_NONE);
        assert_int_equal(usage_description(&world->usages, index, OFFER_IN_UPDATE_2XX, false),
                         OFFER_IS_ANSWER);
        usage_update_done(&world->usages, index, true);
        assert_int_equal(receives_offer(world, index, methods[i], 101).status, 0);
        // Now we owe one.
        assert_false(usage_send_update(&world->usages, index, true));
        refused(receives_offer(world, index, methods[i], 102), 500, LATER);
        assert_true(usage_send_update(&world->usages, index, false));
        assert_false(usage_send_update(&world->usages, index, false)); // one at a time
    }
    // Without an offer only the UPDATE itself is in the way.
    uint32_t index = confirmed_client(world);
    assert_int_equal(receives(world, index, USAGE_UPDATE, 100).status, 0);
    refused(receives(world, index, USAGE_UPDATE, 101), 500, LATER);
    usage_update_done(&world->usages, index, false);
    assert_int_equal(receives(world, index, USAGE_UPDATE, 102).status, 0);
    // An INVITE without an offer cannot be answered beside an open one of ours.
    index = confirmed_client(world);
    usage_send_update(&world->usages, index, true);
    refused(receives(world, index, USAGE_INVITE, 100), 491, USAGE_RETRY_AFTER_NONE);
}

// RFC 3311 5.1, RFC 3261 14.1: a failure takes its offer back, and nothing else.
static void failures_take_back(struct world *world)
{
    uint32_t index = confirmed_client(world);
    usage_send_update(&world->usages, index, true);
    usage_update_done(&world->usages, index, true);
    assert_true(usage_send_update(&world->usages, index, true));
    usage_update_done(&world->usages, index, true);
    usage_number(&world->usages, index);
    step(world, index, USAGE_ON_SEND_INVITE, USAGE_REINVITING);
    usage_description(&world->usages, index, OFFER_IN_INVITE, true);
    usage_update_done(&world->usages, index, true); // a late one takes nothing of the INVITE
    assert_int_equal(at(world, index)->offer.state, OFFER_SENT);
    step(world, index, USAGE_ON_FAILURE, USAGE_CONFIRMED);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
    assert_int_equal(receives_offer(world, index, USAGE_INVITE, 100).status, 0);
    step(world, index, USAGE_ON_SEND_FAILURE, USAGE_CONFIRMED);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
    // Their UPDATE was refused.
    receives_offer(world, index, USAGE_UPDATE, 101);
    assert_int_equal(at(world, index)->offer.state, OFFER_RECEIVED);
    usage_update_done(&world->usages, index, false);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
}

// Peers that leave out an answer do not block the call for ever.
static void missing_answers(struct world *world)
{
    uint32_t index = calls(world, 1); // a 2xx without one
    usage_description(&world->usages, index, OFFER_IN_INVITE, true);
    step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
    index = is_called(world, 1); // an ACK without one
    assert_int_equal(usage_description(&world->usages, index, OFFER_IN_2XX, true), OFFER_IS_OFFER);
    step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED);
    assert_int_equal(at(world, index)->offer.state, OFFER_SENT);
    refused(receives(world, index, USAGE_INVITE, 2), 491, USAGE_RETRY_AFTER_NONE); // RFC 5407 3.1.5
    usage_receive_ack(&world->usages, index, 1, world->now);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
    index = is_called(world, 1); // our 2xx without one
    usage_description(&world->usages, index, OFFER_IN_INVITE, false);
    step(world, index, USAGE_ON_SEND_2XX, USAGE_ANSWERED);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
}

// RFC 6141 3.3, 3.4: what was agreed within a re-INVITE outlives its failure.
static void changes_within_a_reinvite(struct world *world)
{
    // Theirs: agreed by a reliable 1xx and its PRACK. A CANCEL comes too late, the user answers.
    uint32_t index = confirmed_server(world);
    receives_offer(world, index, USAGE_INVITE, 2);
    uint32_t rseq = usage_send_reliable(&world->usages, index, true, 0, world->now);
    usage_description(&world->usages, index, OFFER_IN_RELIABLE, true);
    struct usage_request prack = {.cseq = 3, .method = USAGE_PRACK, .rack = rseq, .rack_cseq = 2};
    assert_int_equal(usage_receive(&world->usages, index, &prack, 0, world->now).status, 0);
    assert_int_equal(step(world, index, USAGE_ON_CANCEL, USAGE_REINVITED), USAGE_DO_DELIVER);
    assert_int_equal(step(world, index, USAGE_ON_SEND_2XX, USAGE_REINVITE_ANSWERED),
                     USAGE_DO_SEND | USAGE_DO_TARGET);
    assert_int_equal(at(world, index)->offer.state, OFFER_STABLE);
    // The next re-INVITE begins anew.
    usage_receive_ack(&world->usages, index, 2, world->now);
    receives_offer(world, index, USAGE_INVITE, 4);
    assert_int_equal(step(world, index, USAGE_ON_CANCEL, USAGE_CONFIRMED),
                     USAGE_DO_REFUSE | USAGE_DO_DELIVER);
    assert_int_equal(usage_refusal(USAGE_ON_CANCEL), 487);
    // Ours: it failed after all. A plain failure asks for nothing.
    for (int changed = 0; changed < 2; changed++) {
        usage_number(&world->usages, index);
        step(world, index, USAGE_ON_SEND_INVITE, USAGE_REINVITING);
        usage_description(&world->usages, index, OFFER_IN_INVITE, true);
        if (changed)
            usage_description(&world->usages, index, OFFER_IN_RELIABLE, false);
        assert_int_equal(step(world, index, USAGE_ON_FAILURE, USAGE_CONFIRMED),
                         changed ? USAGE_DO_DELIVER | USAGE_DO_RESYNC : USAGE_DO_DELIVER);
    }
    // It was cancelled, or the user refuses it after all: only the first asks for more.
    usage_number(&world->usages, index);
    step(world, index, USAGE_ON_SEND_INVITE, USAGE_REINVITING);
    step(world, index, USAGE_ON_1XX, USAGE_REINVITE_PROCEEDING);
    step(world, index, USAGE_ON_SEND_CANCEL, USAGE_REINVITE_CANCELLED);
    at(world, index)->flags |= USAGE_FLAG_CHANGED;
    assert_int_equal(step(world, index, USAGE_ON_FAILURE, USAGE_CONFIRMED),
                     USAGE_DO_DELIVER | USAGE_DO_RESYNC);
    receives_offer(world, index, USAGE_INVITE, 5);
    at(world, index)->flags |= USAGE_FLAG_CHANGED;
    assert_int_equal(step(world, index, USAGE_ON_SEND_FAILURE, USAGE_CONFIRMED), USAGE_DO_SEND);
    // A success that says so in its 2xx is no such thing.
    usage_number(&world->usages, index);
    step(world, index, USAGE_ON_SEND_INVITE, USAGE_REINVITING);
    usage_description(&world->usages, index, OFFER_IN_INVITE, true);
    usage_description(&world->usages, index, OFFER_IN_2XX, false);
    assert_int_equal(step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED),
                     USAGE_DO_ACK | USAGE_DO_DELIVER | USAGE_DO_TARGET);
    assert_int_equal(at(world, index)->flags & USAGE_FLAG_CHANGED, 0);
    // Nor is an UPDATE by itself; but one within a re-INVITE whose 2xx is held.
    for (int within = 0; within < 2; within++) {
        index = reach(world, within ? USAGE_REINVITE_HELD : USAGE_CONFIRMED);
        receives_offer(world, index, USAGE_UPDATE, 1000);
        assert_int_equal(usage_description(&world->usages, index, OFFER_IN_UPDATE_2XX, true),
                         OFFER_IS_ANSWER);
        assert_int_equal((at(world, index)->flags & USAGE_FLAG_CHANGED) != 0, within);
    }
    assert_int_equal(step(world, index, USAGE_ON_CANCEL, USAGE_REINVITE_HELD), USAGE_DO_DELIVER);
}

// A PRACK may offer again (RFC 3262 section 5).
static void offer_in_prack(struct world *world)
{
    uint32_t index = is_called(world, 1);
    usage_description(&world->usages, index, OFFER_IN_INVITE, false);
    uint32_t rseq = usage_send_reliable(&world->usages, index, true, 0, world->now);
    usage_description(&world->usages, index, OFFER_IN_RELIABLE, true);
    struct usage_request prack = {
        .cseq = 2, .method = USAGE_PRACK, .description = true, .rack = rseq, .rack_cseq = 1};
    assert_int_equal(usage_receive(&world->usages, index, &prack, 0, world->now).status, 0);
    assert_int_equal(at(world, index)->offer.state, OFFER_RECEIVED);
    assert_int_equal(usage_description(&world->usages, index, OFFER_IN_PRACK_2XX, true), OFFER_IS_ANSWER);
}

// What an open UPDATE of theirs offers is no matter of our re-INVITE's ACK.
static void offer_in_update_beside_a_2xx(struct world *world)
{
    uint32_t index = reach(world, USAGE_REINVITING);
    assert_int_equal(receives_offer(world, index, USAGE_UPDATE, 100).status, 0);
    assert_true(step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED) & USAGE_DO_ACK);
    assert_int_equal(at(world, index)->offer.state, OFFER_RECEIVED);
}

static void no_event(struct world *world)
{
    for (int state = USAGE_CALLING; state < USAGE_STATES; state++) {
        uint32_t index = reach(world, (enum usage_state)state);
        assert_int_equal(step(world, index, USAGE_EVENTS, (enum usage_state)state), 0);
        usage_release(&world->usages, index);
    }
}

// RFC 3262 section 4: in order, each once, of the INVITE under way.
static void reliable_responses_in_order(struct world *world)
{
    uint32_t index = calls(world, 5);
    struct usages *set = &world->usages;
    assert_false(usage_receive_reliable(set, index, 0, 5));
    assert_false(usage_receive_reliable(set, index, 10, 4));
    assert_true(usage_receive_reliable(set, index, 10, 5));
    assert_false(usage_receive_reliable(set, index, 10, 5));
    assert_false(usage_receive_reliable(set, index, 12, 5));
    assert_false(usage_receive_reliable(set, index, 9, 5));
    assert_true(usage_receive_reliable(set, index, 11, 5));
    step(world, index, USAGE_ON_SEND_CANCEL, USAGE_CANCEL_HELD);
    assert_true(usage_receive_reliable(set, index, 12, 5));
    step(world, index, USAGE_ON_1XX, USAGE_CANCELLED);
    assert_true(usage_receive_reliable(set, index, 13, 5)); // and who cancelled acknowledges
    index = calls(world, 5);
    step(world, index, USAGE_ON_2XX, USAGE_CONFIRMED);
    assert_false(usage_receive_reliable(set, index, 12, 5));
    assert_int_equal(usage_number(set, index), 6);
    step(world, index, USAGE_ON_SEND_INVITE, USAGE_REINVITING);
    assert_true(usage_receive_reliable(set, index, 3, 6)); // each INVITE counts for itself
    step(world, index, USAGE_ON_1XX, USAGE_REINVITE_PROCEEDING);
    step(world, index, USAGE_ON_SEND_CANCEL, USAGE_REINVITE_CANCELLED);
    assert_true(usage_receive_reliable(set, index, 4, 6));
    assert_int_equal(receives(world, index, USAGE_PRACK, 100).status, 481);
}

static void reliable_responses_of_ours(struct world *world)
{
    struct usages *set = &world->usages;
    uint32_t index = reach(world, USAGE_CONFIRMED);
    assert_int_equal(usage_send_reliable(set, index, false, 0, world->now), 0); // no INVITE
    receives(world, index, USAGE_INVITE, 100);
    uint32_t rseq = usage_send_reliable(set, index, false, 0, world->now);
    struct usage_request request = {.cseq = 101, .method = USAGE_PRACK, .rack = rseq + 1, .rack_cseq = 100};
    refused(usage_receive(set, index, &request, 0, world->now), 481, USAGE_RETRY_AFTER_NONE);
    request = (struct usage_request){.cseq = 102, .method = USAGE_PRACK, .rack = rseq, .rack_cseq = 99};
    refused(usage_receive(set, index, &request, 0, world->now), 481, USAGE_RETRY_AFTER_NONE);
    request = (struct usage_request){.cseq = 103, .method = USAGE_PRACK, .rack = rseq, .rack_cseq = 100};
    assert_int_equal(usage_receive(set, index, &request, 0, world->now).status, 0);
    request.cseq = 104; // it is acknowledged already
    refused(usage_receive(set, index, &request, 0, world->now), 481, USAGE_RETRY_AFTER_NONE);
    at(world, index)->rseq = UINT32_MAX; // does not wrap
    assert_int_equal(usage_send_reliable(set, index, false, 0, world->now), 0);
    step(world, index, USAGE_ON_SEND_2XX, USAGE_REINVITE_ANSWERED);
    at(world, index)->rseq = 1; // none after the final response
    assert_int_equal(usage_send_reliable(set, index, false, 0, world->now), 0);
}

static void responses_to_an_invite(struct world *world)
{
    static const struct {
        enum usage_state state;
        unsigned status;
        bool older;
        enum usage_event event;
    } rows[] = {
        {USAGE_CALLING, 100, false, USAGE_ON_1XX},
        {USAGE_CALLING, 183, false, USAGE_ON_1XX},
        {USAGE_PROCEEDING, 199, false, USAGE_ON_199},
        {USAGE_PROCEEDING, 200, false, USAGE_ON_2XX},
        {USAGE_PROCEEDING, 299, false, USAGE_ON_2XX},
        {USAGE_PROCEEDING, 300, false, USAGE_ON_FAILURE},
        {USAGE_CALLING, 481, false, USAGE_ON_FAILURE}, // no dialog that it could end
        {USAGE_CALLING, 0, false, USAGE_ON_FAILURE},
        {USAGE_REINVITING, 180, false, USAGE_ON_1XX},
        {USAGE_REINVITING, 200, false, USAGE_ON_2XX},
        {USAGE_REINVITING, 200, true, USAGE_ON_OLD_2XX},
        {USAGE_REINVITING, 180, true, USAGE_EVENTS},
        {USAGE_REINVITING, 488, true, USAGE_EVENTS},
        {USAGE_REINVITING, 488, false, USAGE_ON_FAILURE},
        {USAGE_REINVITING, 491, false, USAGE_ON_FAILURE},
        {USAGE_REINVITING, 500, false, USAGE_ON_FAILURE},
        {USAGE_REINVITING, 403, false, USAGE_ON_FAILURE},
        {USAGE_REINVITING, 481, false, USAGE_ON_GONE}, // 12.2.1.2
        {USAGE_REINVITING, 408, false, USAGE_ON_GONE},
        {USAGE_REINVITING, 0, false, USAGE_ON_GONE},
        {USAGE_REINVITE_PROCEEDING, 404, false, USAGE_ON_GONE},
        {USAGE_REINVITE_CANCELLED, 487, false, USAGE_ON_FAILURE},
        {USAGE_REINVITE_CANCELLED, 481, false, USAGE_ON_GONE},
        {USAGE_REINVITE_ACCEPTED, 481, false, USAGE_ON_FAILURE}, // nothing happens
        {USAGE_CONFIRMED, 200, false, USAGE_ON_2XX},
        {USAGE_CONFIRMED, 481, false, USAGE_ON_FAILURE}, // late: nothing happens
        {USAGE_REINVITED, 200, true, USAGE_ON_OLD_2XX},
        {USAGE_LEAVING, 200, false, USAGE_ON_2XX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t index = reach(world, rows[i].state);
        uint32_t cseq = at(world, index)->invite_cseq - (rows[i].older ? 1 : 0);
        if (usage_invite_event(&world->usages, index, rows[i].status, cseq) != rows[i].event)
            fail_msg("state %d, status %u", rows[i].state, rows[i].status);
        usage_release(&world->usages, index);
    }
    // Their re-INVITE happens to have our INVITE's number.
    uint32_t index = confirmed_client(world);
    receives(world, index, USAGE_INVITE, 1);
    assert_int_equal(usage_invite_event(&world->usages, index, 200, 1), USAGE_ON_OLD_2XX);
}

static void updates_of_ours(struct world *world)
{
    for (int state = USAGE_CALLING; state < USAGE_STATES; state++) {
        static const uint32_t never = 1u << USAGE_CALLING | 1u << USAGE_LOST_EARLY | 1u << USAGE_CANCEL_HELD |
                                      1u << USAGE_CANCELLED | 1u << USAGE_ENDING | 1u << USAGE_LEFT_UNACKED |
                                      1u << USAGE_LEAVING_EARLY | 1u << USAGE_LEFT_EARLY |
                                      1u << USAGE_LEAVING | 1u << USAGE_TERMINATED;
        uint32_t index = reach(world, (enum usage_state)state);
        assert_int_equal(usage_send_update(&world->usages, index, false), (never & 1u << state) == 0);
        usage_release(&world->usages, index);
    }
}

static void refusals(struct world *world)
{
    assert_int_equal(usage_refusal(USAGE_ON_CANCEL), 487); // 9.2
    assert_int_equal(usage_refusal(USAGE_ON_BYE), 487);    // 15.1.2
    assert_int_equal(usage_refusal(USAGE_ON_GIVE_UP), 504);
    assert_int_equal(usage_refusal(USAGE_ON_LIFE), 480);
    assert_int_equal(usage_refusal(USAGE_ON_END), 480);
}

#define SCENARIOS(S)                                                                                         \
    S(every_method_in_every_state)                                                                           \
    S(order_of_cseq)                                                                                         \
    S(numbers_run_out)                                                                                       \
    S(retry_after)                                                                                           \
    S(offers_in_requests)                                                                                    \
    S(failures_take_back)                                                                                    \
    S(missing_answers)                                                                                       \
    S(changes_within_a_reinvite)                                                                             \
    S(offer_in_prack)                                                                                        \
    S(offer_in_update_beside_a_2xx)                                                                          \
    S(no_event)                                                                                              \
    S(reliable_responses_in_order)                                                                           \
    S(reliable_responses_of_ours)                                                                            \
    S(responses_to_an_invite)                                                                                \
    S(updates_of_ours)                                                                                       \
    S(refusals)

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
