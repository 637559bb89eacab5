// SPDX-License-Identifier: BSD-3-Clause
// What an abandoned member says after all, and how much is asked of members that fail.
#include <stdio.h>
#include <string.h>
#include "failing.h"
#include "tests.h"

// 9.1: the abandoned branch is cancelled at its first provisional response, and its end is nobody's.
static void test_late_provisional(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "late-18x@failover");
    struct wire_packet first = call.invite;
    failing_by(&call, "-");
    failing_respond(&call, &first, "180 Ringing", "slow");
    struct wire_packet cancel = failing_asked(wire, "CANCEL ");
    assert_true(endpoint_equal(cancel.to, first.to));
    assert_memory_equal(cancel.text + cancel.message.via.branch.offset,
                        first.text + first.message.via.branch.offset, first.message.via.branch.length);
    wire_expect_silence(wire);
    failing_respond(&call, &first, "180 Ringing", "slow");
    wire_expect_silence(wire);
    failing_respond(&call, &cancel, "200 OK", "c");
    failing_respond(&call, &first, "487 Request Terminated", "slow");
    failing_asked(wire, "ACK ");
    wire_expect_silence(wire);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_NONE], 1);
    failing_respond(&call, &call.invite, "503 Busy", "t");
    failing_asked(wire, "ACK ");
    call.invite = failing_asked(wire, "INVITE ");
    failing_respond(&call, &call.invite, "503 Busy", "t");
    failing_asked(wire, "ACK ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 408 "); // not the 487 that our CANCEL made
    wire_expect_silence(wire);
}

// 16.7 steps 5 and 10: its 2xx is the answer, and the other one is cancelled.
static void test_late_answer(void **state)
{
    struct wire *wire = *state;
    for (unsigned rings = 0; rings < 2; rings++) {
        struct call call;
        failing_configure(wire, 3, failing_usual);
        failing_begin(&call, wire, rings ? "late-2xx-rings@failover" : "late-2xx@failover");
        struct wire_packet first = call.invite;
        failing_by(&call, "-");
        struct wire_packet second = call.invite;
        if (rings) {
            failing_respond(&call, &second, "180 Ringing", "second");
            call_take(&call, DIALOG_CALLER, "SIP/2.0 180 ");
        }
        failing_respond(&call, &first, "200 OK", "first");
        call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        if (!rings) { // 9.1: not yet
            wire_expect_silence(wire);
            wire_pass(wire, 5000);
            wire_expect_silence(wire); // nor is the INVITE repeated
            failing_respond(&call, &second, "180 Ringing", "second");
        }
        struct wire_packet cancel = failing_asked(wire, "CANCEL ");
        assert_true(endpoint_equal(cancel.to, second.to));
        wire_expect_silence(wire);
        failing_respond(&call, &cancel, "200 OK", "c");
        failing_respond(&call, &second, "487 Request Terminated", "second");
        failing_asked(wire, "ACK ");
        wire_expect_silence(wire);
        call.invite = first;
        failing_ack(&call, "first");
        const struct limits *limits = &wire->workers[0]->limits;
        assert_int_equal(limit_held(limits, LIMIT_MEMBER(failing_member(first.to))), 1);
        assert_int_equal(limit_held(limits, LIMIT_MEMBER(failing_member(second.to))), 0);
        call_hang_up(&call, DIALOG_CALLEE);
        wire_pass_silently(wire, 300000); // what the other one's early dialog leaves
        assert_int_equal(limit_held(limits, LIMIT_MEMBER(failing_member(first.to))), 0);
        assert_int_equal(wire->workers[0]->dialogs.count, 0);
    }
}

// Both answer: both go upstream, each a dialog with its own member.
static void test_both_answer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "both@failover");
    struct wire_packet first = call.invite;
    failing_by(&call, "-");
    struct wire_packet second = call.invite;
    failing_respond(&call, &second, "200 OK", "second");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    failing_ack(&call, "second");
    failing_respond(&call, &first, "200 OK", "first");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    wire_expect_silence(wire);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 2);
    failing_speak_as(&call, second.to);
    call_hang_up(&call, DIALOG_CALLER);
    struct call fork = call;
    fork.invite = first;
    failing_ack(&fork, "first");
    struct wire_packet bye = call_request(&fork, DIALOG_CALLER, "BYE");
    assert_true(endpoint_equal(bye.to, first.to));
    failing_respond(&fork, &bye, "200 OK", "");
    call_take(&fork, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    assert_int_equal(limit_held(&wire->workers[0]->limits, LIMIT_ALL), 0);
}

// 16.7 step 5: an answer after the refusal has gone goes, too.
static void test_answer_after_the_refusal(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 2, failing_usual);
    failing_begin(&call, wire, "too-late@failover");
    struct wire_packet first = call.invite;
    failing_by(&call, "-");
    failing_respond(&call, &call.invite, "486 Busy Here", "t");
    failing_asked(wire, "ACK ");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 486 ");
    failing_respond(&call, &first, "200 OK", "first");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    wire_expect_silence(wire);
    assert_int_equal(wire->workers[0]->dialogs.count, 1);
    call_ack_refusal(&call);
}

// Its refusal may be the best in the end; a 6xx of it ends the search.
static void test_late_refusal(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "late-404@failover");
    struct wire_packet first = call.invite;
    failing_by(&call, "-");
    failing_respond(&call, &first, "404 Nobody", "first");
    failing_asked(wire, "ACK ");
    failing_by(&call, "503 Busy");
    failing_respond(&call, &call.invite, "503 Busy", "third");
    failing_asked(wire, "ACK ");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 404 Nobody\r\n");
    assert_header(&call.answer, "To", "<sip:bob@10.10.0.10>;tag=first");
    assert_header(&call.answer, "Via", strchr(header_of(&first, "Via"), '|') + 1);
    wire_expect_silence(wire);
    call_ack_refusal(&call);
    failing_begin(&call, wire, "late-603@failover");
    first = call.invite;
    failing_by(&call, "-");
    failing_respond(&call, &call.invite, "100 Trying", "");
    failing_respond(&call, &first, "603 Decline", "first");
    failing_asked(wire, "ACK ");
    struct wire_packet cancel = failing_asked(wire, "CANCEL ");
    failing_respond(&call, &cancel, "200 OK", "c");
    wire_expect_silence(wire);
    failing_respond(&call, &call.invite, "503 Busy", "second");
    failing_asked(wire, "ACK ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 603 Decline\r\n");
    wire_expect_silence(wire);
    // The other one has said nothing yet: it is cancelled as soon as it does (9.1), and no third one is
    // asked.
    wire_pass_silently(wire, 40000);
    failing_begin(&call, wire, "late-603-silence@failover");
    first = call.invite;
    failing_by(&call, "-");
    failing_respond(&call, &first, "603 Decline", "first");
    failing_asked(wire, "ACK ");
    wire_pass(wire, 600);
    assert_int_equal(wire_take_all(wire, call.invite.to, "INVITE "), 1);
    wire_expect_silence(wire);
    failing_respond(&call, &call.invite, "180 Ringing", "second");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 180 ");
    failing_asked(wire, "CANCEL ");
    failing_respond(&call, &call.invite, "487 Request Terminated", "second");
    failing_asked(wire, "ACK ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 603 Decline\r\n");
    wire->out_count = 0;
}

// A 100 says that the member has the request: failover.after does not count any more, and timer C ends the
// call (16.8) without another member.
static void test_only_trying(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "only-100@failover");
    struct wire_packet first = call.invite;
    failing_respond(&call, &first, "100 Trying", "");
    wire_pass(wire, 180000);
    wire_expect_silence(wire);
    wire_pass(wire, 1100);
    struct wire_packet cancel = failing_asked(wire, "CANCEL ");
    failing_respond(&call, &cancel, "200 OK", "c");
    failing_respond(&call, &first, "487 Request Terminated", "first");
    failing_asked(wire, "ACK ");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 408 ");
    wire_expect_silence(wire);
    call_ack_refusal(&call);
}

// 16.7 step 7; another refusal than a challenge goes without them.
static void test_challenges(void **state)
{
    struct wire *wire = *state;
    const uint16_t statuses[STATUSES_MAX] = {401, 407};
    struct call call;
    failing_configure(wire, 3, statuses);
    failing_begin(&call, wire, "challenges@failover");
    call.extra = "WWW-Authenticate: Digest realm=\"one\", nonce=\"1\"\r\n";
    failing_by(&call, "401 Who");
    call.extra = "Proxy-Authenticate: Digest realm=\"two\", nonce=\"2\"\r\nP: 2\r\n"
                 "Proxy-Authenticate: Digest realm=\"deux\", nonce=\"2\"\r\n";
    struct endpoint second = call.invite.to;
    failing_by(&call, "407 Who");
    call.extra = NULL;
    struct endpoint third = call.invite.to;
    failing_respond(&call, &call.invite, "404 Nobody", "third");
    failing_asked(wire, "ACK ");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 407 Who\r\n");
    assert_header(&call.answer, "WWW-Authenticate", "Digest realm=\"one\", nonce=\"1\"");
    assert_header(&call.answer, "Proxy-Authenticate",
                  "Digest realm=\"two\", nonce=\"2\"|Digest realm=\"deux\", nonce=\"2\"");
    call_ack_refusal(&call);
    // It comes again with credentials, to the one whose answer that was.
    call.branch++;
    call.sides[DIALOG_CALLER].cseq++;
    char text[WIRE_TEXT_MAX];
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
    call.invite = failing_asked(wire, "INVITE ");
    assert_true(endpoint_equal(call.invite.to, second));
    assert_false(endpoint_equal(second, third));
    call.extra = "WWW-Authenticate: Digest realm=\"three\", nonce=\"3\"\r\n";
    failing_by(&call, "401 Who");
    call.extra = NULL;
    failing_by(&call, "401 Who");
    call.extra = "Proxy-Authenticate: Digest realm=\"four\", nonce=\"4\"\r\n";
    failing_respond(&call, &call.invite, "407 Who", "third"); // the one that came last, with the others'
    failing_asked(wire, "ACK ");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 407 Who\r\n");
    assert_header(&call.answer, "WWW-Authenticate", "Digest realm=\"three\", nonce=\"3\"");
    assert_header(&call.answer, "Proxy-Authenticate", "Digest realm=\"four\", nonce=\"4\"");
    call_ack_refusal(&call);
}

static void test_no_retry_storm(void **state)
{
    struct call call;
    (void)state;
    struct wire *wire = wire_open(&(struct wire_options){.transactions = 8});
    failing_configure(wire, 3, failing_usual);
    for (unsigned i = 0; i < 3; i++) {
        char id[32];
        snprintf(id, sizeof(id), "storm-%u@failover", i);
        failing_begin(&call, wire, id);
    }
    failing_respond(&call, &call.invite, "503 Busy", "t"); // six of eight: there is room for one branch more
    failing_asked(wire, "ACK ");
    call.invite = failing_asked(wire, "INVITE ");
    failing_respond(&call, &call.invite, "503 Busy", "t");
    failing_asked(wire, "ACK ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 503 ");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_FAILOVER_NO_ROOM, 1);
    wire_pass(wire, 31000); // nor do the silent ones
    assert_int_equal(wire_count(wire, COUNTER_FAILOVER_TIMEOUT), 0);
    wire->out_count = 0;
    wire_close(wire);
}

// Twenty calls, each answered at once, by the silent member only when it is back. Returns how many went
// there.
static unsigned calls_to(struct wire *wire, struct endpoint silent, const char *name, bool back)
{
    unsigned there = 0;
    wire->out_count = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct call call;
        char id[48];
        snprintf(id, sizeof(id), "%u-%s@failover", i, name);
        failing_begin(&call, wire, id);
        bool is_there = endpoint_equal(call.invite.to, silent);
        there += is_there;
        if (!is_there || back)
            failing_respond(&call, &call.invite, "486 Busy Here", "t");
        wire->out_count = 0;
    }
    return there;
}

// A member that is silent rests for a second, and then one request a second finds out.
static void test_rest(void **state)
{
    struct call call;
    (void)state;
    struct wire *wire = wire_open(&(struct wire_options){.transactions = 1024});
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "rest@failover");
    struct endpoint silent = call.invite.to;
    failing_by(&call, "-");
    failing_respond(&call, &call.invite, "486 Busy Here", "t");
    wire->out_count = 0;
    assert_int_equal(calls_to(wire, silent, "at-once", false), 0);
    wire_pass(wire, 900);
    assert_int_equal(calls_to(wire, silent, "soon", false), 0);
    wire_pass(wire, 200);
    assert_int_equal(calls_to(wire, silent, "later", false), 1);
    wire_pass(wire, 900);
    wire->out_count = 0;
    assert_int_equal(calls_to(wire, silent, "still", false), 0);
    wire_pass(wire, 200);
    wire->out_count = 0;
    assert_in_range(calls_to(wire, silent, "back", true), 5, 15);
    wire->out_count = 0;
    wire_close(wire);
}

// One lost packet is not silence: others are answered.
static void test_no_rest(void **state)
{
    struct wire *wire = *state;
    struct call call, other;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "loss@failover");
    wire_pass(wire, 100);
    failing_begin(&other, wire, "5-loss@failover");
    for (unsigned i = 0; !endpoint_equal(other.invite.to, call.invite.to); i++) {
        char id[32];
        assert_in_range(i, 0, 9);
        snprintf(id, sizeof(id), "%u-other@failover", i);
        failing_begin(&other, wire, id);
    }
    failing_respond(&other, &other.invite, "486 Busy Here", "t");
    wire->out_count = 0;
    wire_pass(wire, 400);
    assert_int_equal(wire_count(wire, COUNTER_FAILOVER_TIMEOUT), 1);
    wire->out_count = 0;
    failing_begin(&other, wire, "loss@failover-2");
    wire->out_count = 0;
    struct member_choice choice = {.peer = IMAGE_SBCS, .again = true};
    for (uint16_t i = 0; i < IMAGE_MEMBERS; i++) {
        if (i != failing_member(call.invite.to))
            member_tried(&choice, i);
    }
    assert_int_equal(member_choose(&wire->workers[0]->view, &choice), failing_member(call.invite.to));
}

static void test_challenge_and_6xx(void **state)
{
    struct wire *wire = *state;
    const uint16_t statuses[STATUSES_MAX] = {401};
    struct call call;
    failing_configure(wire, 3, statuses);
    failing_begin(&call, wire, "challenge-603@failover");
    call.extra = "WWW-Authenticate: Digest realm=\"one\", nonce=\"1\"\r\n";
    failing_by(&call, "401 Who");
    call.extra = NULL;
    failing_respond(&call, &call.invite, "603 Decline", "second");
    failing_asked(wire, "ACK ");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 603 ");
    assert_header(&call.answer, "WWW-Authenticate", "");
}

// Takes what the caller got of final responses; the member that was asked, if one was.
static bool goes_on(struct call *call, unsigned *finals)
{
    struct wire *wire = call->wire;
    for (unsigned class = 2; class < 7; class ++) {
        char text[16];
        snprintf(text, sizeof(text), "SIP/2.0 %u", class);
        *finals += wire_take_all(wire, wire_carrier, text);
    }
    for (uint32_t i = 0; i < wire->out_count; i++) {
        if (starts(&wire->out[i], "INVITE ")) {
            call->invite = wire->out[i];
            wire->out_count = 0;
            return true;
        }
    }
    wire->out_count = 0;
    return false;
}

// The k-th request for memory fails: the caller has one final response all the same, and nothing is left.
static void test_kth_request_for_memory_fails(void **state)
{
    const uint16_t statuses[STATUSES_MAX] = {401, 503};
    uint64_t refused = 1;
    (void)state;
    for (int64_t k = 0; refused > 0; k++) {
        struct wire *wire = wire_open(&(struct wire_options){0});
        struct call call;
        char text[WIRE_TEXT_MAX];
        unsigned finals = 0;
        failing_configure(wire, 3, statuses);
        call_init(&call, wire, "kth@failover");
        wire->workers[0]->arena.fail_at = k;
        call_invite_text(&call, text);
        wire_send(wire, wire_carrier, text);
        call.extra = "WWW-Authenticate: Digest realm=\"one\", nonce=\"1\"\r\n";
        if (goes_on(&call, &finals)) {
            failing_respond(&call, &call.invite, "401 Who", "first");
            if (goes_on(&call, &finals)) {
                wire_pass(wire, 500);
                struct wire_packet slow = call.invite;
                if (goes_on(&call, &finals)) {
                    failing_respond(&call, &slow, "401 Who", "second");
                    goes_on(&call, &finals);
                    failing_respond(&call, &call.invite, "503 Busy", "third");
                    goes_on(&call, &finals);
                }
            }
        }
        wire_pass(wire, 70000); // a branch that did not begin may do so at timer B
        goes_on(&call, &finals);
        assert_in_range(finals, 1, 12); // nobody acknowledges: timer G
        wire_expect_count(wire, COUNTER_DIALOG_REFUSED, wire_count(wire, COUNTER_DIALOG_CREATED));
        assert_int_equal(limit_held(&wire->workers[0]->limits, LIMIT_ALL), 0);
        refused = wire->workers[0]->arena.refused;
        wire_close(wire);
        assert_true(k < 100);
    }
}

// What a process that dies now leaves names the member that has the call.
static void test_record_is_whole(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "whole@failover");
    for (unsigned i = 0; i < 2; i++) {
        failing_by(&call, "503 Busy");
        const struct dialog *dialog = dialog_at(&wire->workers[0]->dialogs, 0);
        assert_int_equal(dialog->callee_member, failing_member(call.invite.to));
        assert_int_equal(dialog->check, dialog_record_check(dialog));
        assert_true(endpoint_equal(dialog_endpoint(wire->workers[0], 0, DIALOG_CALLEE), call.invite.to));
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_late_provisional),
        ON_WIRE(test_only_trying),
        ON_WIRE(test_late_answer),
        ON_WIRE(test_both_answer),
        ON_WIRE(test_answer_after_the_refusal),
        ON_WIRE(test_late_refusal),
        ON_WIRE(test_challenges),
        ON_WIRE(test_challenge_and_6xx),
        cmocka_unit_test(test_no_retry_storm),
        cmocka_unit_test(test_rest),
        ON_WIRE(test_no_rest),
        cmocka_unit_test(test_kth_request_for_memory_fails),
        ON_WIRE(test_record_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
