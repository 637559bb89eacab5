// SPDX-License-Identifier: BSD-3-Clause
// Offer and answer: the patterns of RFC 6337 table 1, both sides at once, and what must be refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "offer.h"

enum { CALLER, CALLEE };

struct call {
    struct offer side[2];
};

// A description goes from one side to the other, and both must see the same in it.
static void carries(struct call *call, int from, enum offer_message message, enum offer_verdict verdict)
{
    assert_int_equal(offer_sent(&call->side[from], message), verdict);
    assert_int_equal(offer_received(&call->side[1 - from], message), verdict);
}

static void is_stable(const struct call *call)
{
    assert_int_equal(call->side[CALLER].state, OFFER_STABLE);
    assert_int_equal(call->side[CALLEE].state, OFFER_STABLE);
}

static void begins(struct call *call)
{
    offer_begin(&call->side[CALLER]);
    offer_begin(&call->side[CALLEE]);
}

static void invite_and_2xx(void **test)
{
    struct call call = {0};
    for (int again = 0; again < 2; again++) { // and of a re-INVITE
        begins(&call);
        carries(&call, CALLER, OFFER_IN_INVITE, OFFER_IS_OFFER);
        carries(&call, CALLEE, OFFER_IN_2XX, OFFER_IS_ANSWER);
        is_stable(&call);
    }
}

static void delayed_offer(void **test)
{
    struct call call = {0};
    for (int again = 0; again < 2; again++) {
        begins(&call);
        carries(&call, CALLEE, OFFER_IN_2XX, OFFER_IS_OFFER);
        carries(&call, CALLER, OFFER_IN_ACK, OFFER_IS_ANSWER);
        is_stable(&call);
    }
}

// 13.2.1: the 2xx after an answer in a reliable 1xx says nothing new; a PRACK may then offer again.
static void reliable_answer(void **test)
{
    struct call call = {0};
    begins(&call);
    carries(&call, CALLER, OFFER_IN_INVITE, OFFER_IS_OFFER);
    carries(&call, CALLEE, OFFER_IN_RELIABLE, OFFER_IS_ANSWER);
    carries(&call, CALLER, OFFER_IN_PRACK, OFFER_IS_OFFER);
    carries(&call, CALLEE, OFFER_IN_PRACK_2XX, OFFER_IS_ANSWER);
    carries(&call, CALLEE, OFFER_IN_2XX, OFFER_IS_NONE);
    carries(&call, CALLEE, OFFER_IN_RELIABLE, OFFER_IS_NONE);
    is_stable(&call);
}

static void reliable_offer(void **test)
{
    struct call call = {0};
    begins(&call);
    carries(&call, CALLEE, OFFER_IN_RELIABLE, OFFER_IS_OFFER);
    carries(&call, CALLER, OFFER_IN_PRACK, OFFER_IS_ANSWER);
    carries(&call, CALLEE, OFFER_IN_2XX, OFFER_IS_NONE);
    is_stable(&call);
}

static void update_either_way(void **test)
{
    struct call call = {0};
    begins(&call);
    carries(&call, CALLER, OFFER_IN_UPDATE, OFFER_IS_OFFER);
    carries(&call, CALLEE, OFFER_IN_UPDATE_2XX, OFFER_IS_ANSWER);
    carries(&call, CALLEE, OFFER_IN_UPDATE, OFFER_IS_OFFER);
    carries(&call, CALLER, OFFER_IN_UPDATE_2XX, OFFER_IS_ANSWER);
    // An INVITE without an offer is under way: its 2xx still has to make one.
    carries(&call, CALLEE, OFFER_IN_2XX, OFFER_IS_OFFER);
}

// RFC 3311 5.2, RFC 3261 14.2.
static void refused(void **test)
{
    static const enum offer_message requests[] = {OFFER_IN_INVITE, OFFER_IN_UPDATE};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            struct offer offer = {0};
            assert_int_equal(offer_sent(&offer, requests[i]), OFFER_IS_OFFER);
            assert_int_equal(offer_received(&offer, requests[k]), OFFER_REFUSE_491);
            assert_int_equal(offer_sent(&offer, requests[k]), OFFER_IS_NONE);
            assert_int_equal(offer.state, OFFER_SENT);
            offer = (struct offer){0};
            assert_int_equal(offer_received(&offer, requests[i]), OFFER_IS_OFFER);
            assert_int_equal(offer_received(&offer, requests[k]), OFFER_REFUSE_500);
            assert_int_equal(offer_sent(&offer, requests[k]), OFFER_IS_NONE);
            assert_int_equal(offer.state, OFFER_RECEIVED);
        }
}

// An answer lies where its offer asks for it and nowhere else.
static void every_pair(void **test)
{
    static const uint8_t answer_of[OFFER_MESSAGES][OFFER_MESSAGES] = {
        [OFFER_IN_INVITE] = {[OFFER_IN_RELIABLE] = 1, [OFFER_IN_2XX] = 1},
        [OFFER_IN_RELIABLE] = {[OFFER_IN_PRACK] = 1},
        [OFFER_IN_2XX] = {[OFFER_IN_ACK] = 1},
        [OFFER_IN_PRACK] = {[OFFER_IN_PRACK_2XX] = 1},
        [OFFER_IN_UPDATE] = {[OFFER_IN_UPDATE_2XX] = 1},
    };
    static const enum offer_message offers[] = {OFFER_IN_INVITE, OFFER_IN_RELIABLE, OFFER_IN_2XX,
                                                OFFER_IN_PRACK, OFFER_IN_UPDATE};
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
        for (unsigned k = 0; k < OFFER_MESSAGES; k++) {
            bool answers = answer_of[offers[i]][k] != 0;
            struct offer offer = {0};
            assert_int_equal(offer_sent(&offer, offers[i]), OFFER_IS_OFFER);
            assert_int_equal(offer_received(&offer, (enum offer_message)k) == OFFER_IS_ANSWER, answers);
            assert_int_equal(offer.state == OFFER_STABLE, answers);
            offer = (struct offer){0};
            assert_int_equal(offer_received(&offer, offers[i]), OFFER_IS_OFFER);
            assert_int_equal(offer_sent(&offer, (enum offer_message)k) == OFFER_IS_ANSWER, answers);
            assert_int_equal(offer.state == OFFER_STABLE, answers);
        }
    // What only answers is no offer.
    static const enum offer_message answers[] = {OFFER_IN_ACK, OFFER_IN_PRACK_2XX, OFFER_IN_UPDATE_2XX};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct offer offer = {0};
        assert_int_equal(offer_sent(&offer, answers[i]), OFFER_IS_NONE);
        assert_int_equal(offer_received(&offer, answers[i]), OFFER_IS_NONE);
        assert_int_equal(offer.state, OFFER_STABLE);
    }
}

// A failure takes back what belonged to the request that failed, and nothing else.
static void failures(void **test)
{
    static const struct {
        enum offer_message offer, failed;
        bool back;
    } rows[] = {
        {OFFER_IN_INVITE, OFFER_IN_INVITE, true},   {OFFER_IN_RELIABLE, OFFER_IN_INVITE, true},
        {OFFER_IN_2XX, OFFER_IN_INVITE, true},      {OFFER_IN_PRACK, OFFER_IN_INVITE, true},
        {OFFER_IN_UPDATE, OFFER_IN_INVITE, false},  {OFFER_IN_UPDATE, OFFER_IN_UPDATE, true},
        {OFFER_IN_INVITE, OFFER_IN_UPDATE, false},  {OFFER_IN_INVITE, OFFER_IN_PRACK, false},
        {OFFER_IN_RELIABLE, OFFER_IN_PRACK, false}, {OFFER_IN_PRACK, OFFER_IN_PRACK, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int received = 0; received < 2; received++) {
            struct offer offer = {0};
            if (received)
                offer_received(&offer, rows[i].offer);
            else
                offer_sent(&offer, rows[i].offer);
            offer_failed(&offer, rows[i].failed);
            assert_int_equal(offer.state == OFFER_STABLE, rows[i].back);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invite_and_2xx),    cmocka_unit_test(delayed_offer),
        cmocka_unit_test(reliable_answer),   cmocka_unit_test(reliable_offer),
        cmocka_unit_test(refused),           cmocka_unit_test(every_pair),
        cmocka_unit_test(update_either_way), cmocka_unit_test(failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
