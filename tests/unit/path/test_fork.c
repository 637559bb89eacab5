// SPDX-License-Identifier: BSD-3-Clause
// Several answers to one INVITE, and answers that come when its transaction is no more: every 2xx goes on
// (RFC 3261 16.7 step 5, RFC 6026 section 7.2), and each tag of the callee is a dialog of its own (12.1.2).
#include <stdio.h>
#include <string.h>
#include "tests.h"

static uint32_t in_state(const struct wire *wire, enum dialog_state state)
{
    return wire->workers[0]->dialogs.by_state[state];
}

// From now on the callee is this branch of the fork.
static void as(struct call *call, const char *tag)
{
    struct side *callee = &call->sides[DIALOG_CALLEE];
    snprintf(callee->tag, sizeof(callee->tag), "%s", tag);
    snprintf(callee->target, sizeof(callee->target), "sip:%s@sbc.example", tag);
}

static void answer_as(struct call *call, const char *tag, const char *status)
{
    as(call, tag);
    call_answer(call, status);
    assert_int_equal(strncmp(call->answer.text + 8, status, 4), 0);
    wire_expect_silence(call->wire);
}

static void acknowledge(struct call *call)
{
    struct wire_packet ack = call_ack(call, DIALOG_CALLER, 100);
    assert_true(strstr(ack.text, call->sides[DIALOG_CALLEE].tag) != NULL);
    wire_expect_silence(call->wire);
}

static void ok(struct call *call, const struct wire_packet *request, enum dialog_side to)
{
    call_respond(call, request, "200 OK", "");
    call_take(call, to, "SIP/2.0 200 ");
    wire_expect_silence(call->wire);
}

static void test_early_dialogs_are_apart(void **state)
{
    static const char *const tags[] = {"first", "second", "third"};
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "early@fork");
    call_invite(&call);
    for (unsigned i = 0; i < RTE_DIM(tags); i++)
        answer_as(&call, tags[i], "183 Session Progress");
    answer_as(&call, "second", "180 Ringing"); // known already
    assert_int_equal(in_state(wire, DIALOG_EARLY), 3);
    for (unsigned i = 0; i < RTE_DIM(tags); i++) {
        as(&call, tags[i]);
        // Its Contact is a name: only the record of this tag knows the way.
        struct wire_packet prack = call_request(&call, DIALOG_CALLER, "PRACK");
        ok(&call, &prack, DIALOG_CALLER);
        struct wire_packet update = call_request(&call, DIALOG_CALLEE, "UPDATE");
        ok(&call, &update, DIALOG_CALLEE);
    }
    as(&call, "unheard-of"); // the cookie lets it pass: the caller knows best
    struct wire_packet update = call_request(&call, DIALOG_CALLEE, "UPDATE");
    call_respond(&call, &update, "481 Call/Transaction Does Not Exist", "");
    call_take(&call, DIALOG_CALLEE, "SIP/2.0 481 ");
    assert_int_equal(in_state(wire, DIALOG_EARLY), 3);
    call.sides[DIALOG_CALLER].cseq = 100;
    answer_as(&call, "third", "180 Ringing");
    assert_int_equal(wire->parts[0].peers[IMAGE_CARRIER_A].calls_in, 3);
    call.branch = 0;
    call_answer(&call, "486 Busy Here"); // one final response ends all of them
    call_take(&call, DIALOG_CALLEE, "ACK ");
    call_ack_refusal(&call);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, 3);
}

static void test_each_2xx_is_a_dialog(void **state)
{
    static const char *const tags[] = {"first", "second", "third", "fourth"};
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "answers@fork");
    call_invite(&call);
    answer_as(&call, "first", "180 Ringing");
    answer_as(&call, "second", "180 Ringing");
    answer_as(&call, "third", "180 Ringing");
    answer_as(&call, "second", "200 OK");
    assert_int_equal(in_state(wire, DIALOG_EARLY), 2);
    acknowledge(&call);
    answer_as(&call, "first", "200 OK");
    answer_as(&call, "fourth", "200 OK"); // without a 1xx before
    answer_as(&call, "first", "200 OK");  // its ACK is late
    acknowledge(&call);
    as(&call, "first");
    acknowledge(&call);
    assert_int_equal(in_state(wire, DIALOG_CONFIRMED), 3);
    wire_expect_count(wire, COUNTER_DIALOG_ANSWERED, 3);
    // 13.2.2.4: what had no 2xx is given up 64*T1 after the first one.
    wire_pass(wire, 31500);
    assert_int_equal(in_state(wire, DIALOG_EARLY), 1);
    wire_pass(wire, 600);
    assert_int_equal(in_state(wire, DIALOG_EARLY), 0);
    for (unsigned i = 0; i < RTE_DIM(tags); i++) {
        if (i == 2)
            continue;
        as(&call, tags[i]);
        call_hang_up(&call, i == 0 ? DIALOG_CALLEE : DIALOG_CALLER);
        assert_int_equal(in_state(wire, DIALOG_TERMINATING), 0);
    }
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 3);
}

// The record that the INVITE made is gone with the first answer's call; the others still belong to it.
static void test_first_answer_ends_before_the_second(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "first-ends@fork");
    call_invite(&call);
    answer_as(&call, "first", "180 Ringing");
    answer_as(&call, "second", "180 Ringing");
    answer_as(&call, "first", "200 OK");
    acknowledge(&call);
    call_hang_up(&call, DIALOG_CALLER);
    assert_int_equal(wire->workers[0]->dialogs.count, 1);
    call.sides[DIALOG_CALLER].cseq = 100;
    answer_as(&call, "second", "200 OK");
    acknowledge(&call);
    assert_int_equal(in_state(wire, DIALOG_CONFIRMED), 1);
    answer_as(&call, "first", "200 OK"); // its ACK was lost: it makes nothing anew that lasts
    wire_pass_silently(wire, 70000);
    as(&call, "second");
    call_expect(&call, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLEE);
    call_expect_gone(&call);
}

// The dialog that a late 2xx made is whole: both sides reach each other by names, that is, by its record.
static void use_and_end(struct call *call)
{
    struct side *caller = &call->sides[DIALOG_CALLER];
    snprintf(caller->target, sizeof(caller->target), "sip:alice@phone.example");
    call_expect(call, DIALOG_CONFIRMED);
    wire_expect_count(call->wire, COUNTER_DIALOG_ANSWERED, 1);
    assert_int_equal(call->wire->parts[0].peers[IMAGE_CARRIER_A].calls_in, 1);
    assert_int_equal(call->wire->parts[0].peers[IMAGE_SBCS].calls_out, 1);
    struct wire_packet info = call_request(call, DIALOG_CALLEE, "INFO"); // the caller said nothing yet
    ok(call, &info, DIALOG_CALLEE);
    acknowledge(call);
    info = call_request(call, DIALOG_CALLER, "INFO");
    ok(call, &info, DIALOG_CALLER);
    wire_pass(call->wire, 70000); // it was acknowledged: it stays
    wire_expect_silence(call->wire);
    call_expect(call, DIALOG_CONFIRMED);
    call_hang_up(call, DIALOG_CALLEE);
    call_expect_gone(call);
}

static void test_2xx_after_we_gave_up(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "gave-up@fork");
    call_invite(&call);
    wire_pass_silently(wire, 120000); // timer B, 408, timer H
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    call_expect_gone(&call);
    answer_as(&call, "late", "200 OK");
    answer_as(&call, "late", "200 OK"); // repeated: the same dialog
    use_and_end(&call);
}

static void test_2xx_of_another_tag_after_the_transaction(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "other-tag@fork");
    call_establish(&call);
    wire_pass_silently(wire, 40000); // timers L and M
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    answer_as(&call, "late", "200 OK");
    assert_int_equal(in_state(wire, DIALOG_CONFIRMED), 2);
    acknowledge(&call);
    call_hang_up(&call, DIALOG_CALLEE);
    assert_int_equal(in_state(wire, DIALOG_CONFIRMED), 1);
    snprintf(call.sides[DIALOG_CALLEE].tag, 32, "tag-bob");
    call_hang_up(&call, DIALOG_CALLER);
    call_expect_gone(&call);
}

// The keys are the same, all else is new.
static struct wire *restart(void **state, struct call *call, const struct wire_options *options)
{
    wire_close(*state);
    *state = wire_open(options);
    call->wire = *state;
    return *state;
}

static void test_2xx_after_a_restart(void **state)
{
    struct call call;
    call_init(&call, *state, "restart@fork");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    restart(state, &call, &(struct wire_options){0});
    answer_as(&call, "late", "200 OK");
    use_and_end(&call);
}

// The record outlives the process and the transactions do not: the 2xx confirms it and makes no other.
static void test_2xx_after_a_takeover(void **state)
{
    struct wire *wire = *state;
    for (unsigned rang = 0; rang < 2; rang++) {
        struct call call;
        struct worker *worker = wire->workers[0];
        call_init(&call, wire, rang ? "early@taken" : "none@taken");
        call_invite(&call);
        if (rang)
            call_answer(&call, "180 Ringing");
        uint32_t index = call_expect(&call, rang ? DIALOG_EARLY : DIALOG_NONE);
        dialog_invite_set(&worker->dialogs, index, INDEX_NONE, 0);
        for (uint32_t i = 0; i < worker->transactions.capacity; i++) {
            if (worker->transactions.records[i].state != TRANSACTION_FREE)
                transaction_release(&worker->transactions, i);
        }
        call_answer(&call, "200 OK");
        assert_int_equal(call_expect(&call, DIALOG_CONFIRMED), index);
        assert_int_equal(worker->dialogs.count, 1);
        call_ack(&call, DIALOG_CALLER, call.sides[DIALOG_CALLER].cseq);
        call_hang_up(&call, DIALOG_CALLER);
        call_expect_gone(&call);
    }
}

// Between two proxies: the operator's BYEs go by the two halves of the route set that the 2xx shows.
static void test_2xx_after_a_restart_has_both_route_sets(void **state)
{
    struct call call;
    call_init(&call, *state, "routes@fork");
    call.extra = "Record-Route: <sip:10.10.1.7:5070;lr>\r\n";
    call_invite(&call);
    call.extra = NULL;
    struct wire *wire = restart(state, &call, &(struct wire_options){0});
    // A proxy behind us puts its own on top, and the one before us takes its own off.
    char rest[WIRE_TEXT_MAX], *ours = strstr(call.invite.text, "Record-Route: ");
    snprintf(rest, sizeof(rest), "%s", ours);
    static const char top[] = "Record-Route: <sip:10.20.0.12:5080;lr>\r\n";
    size_t before = (size_t)(ours - call.invite.text) + sizeof(top) - 1;
    assert_true(before + strlen(rest) < sizeof(call.invite.text));
    memcpy(ours, top, sizeof(top) - 1);
    memcpy(call.invite.text + before, rest, strlen(rest) + 1);
    call.invite.length = (uint32_t)(before + strlen(rest));
    assert_int_equal(message_parse((uint8_t *)call.invite.text, call.invite.length, &call.invite.message), 0);
    answer_as(&call, "late", "200 OK");
    char *routes = call.sides[DIALOG_CALLER].routes, *second = strstr(routes, "\r\n") + 2;
    memmove(routes, second, strlen(second) + 1);
    call.sides[DIALOG_CALLEE].at = (struct endpoint){wire_sbc2.address, 5080, 1};
    acknowledge(&call);
    assert_int_equal(dialog_end(wire->workers[0], call_expect(&call, DIALOG_CONFIRMED)), 0);
    wire_turn(wire);
    struct wire_packet to_caller = wire_take(wire, wire_phone);
    assert_starts(&to_caller, "BYE sip:alice@10.10.1.1 SIP/2.0\r\n"); // its Contact is not known: the From
    assert_header(&to_caller, "Route", "<sip:10.10.1.7:5070;lr>");
    assert_header(&to_caller, "CSeq", "1 BYE");
    struct wire_packet to_callee = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_starts(&to_callee, "BYE sip:late@sbc.example SIP/2.0\r\n");
    assert_header(&to_callee, "Route", "<sip:10.20.0.12:5080;lr>");
    assert_header(&to_callee, "CSeq", "101 BYE");
    assert_header(&to_callee, "From", "\"alice\" <sip:alice@10.10.1.1>;tag=tag-alice");
    assert_header(&to_callee, "To", "<sip:bob@10.10.0.10>;tag=late");
}

// Only the callee's side may answer, and only our own Record-Route tells whose dialog it is.
static void test_2xx_after_a_restart_from_elsewhere(void **state)
{
    struct call call;
    call_init(&call, *state, "elsewhere@fork");
    call_invite(&call);
    struct wire *wire = restart(state, &call, &(struct wire_options){0});
    struct wire_packet invite = call.invite;
    invite.to = wire_carrier_b;
    call_respond(&call, &invite, "200 OK", "forged");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_DIALOG, 1);
    call_expect_gone(&call);
    invite = call.invite; // nor may the callee's side choose who gets it
    memcpy(strstr(invite.text, "received=10.10.1.1"), "received=10.10.2.1", 18);
    call_respond(&call, &invite, "200 OK", "forged");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_DIALOG, 2);
    call_expect_gone(&call);
    char *cookie = strstr(call.invite.text, ";dg=") + 4;
    for (char *at = call.invite.text; (at = strstr(at, ";dg=")) != NULL; at++)
        at[1] = 'x'; // stripped or overwritten by somebody: it goes its way, and we make nothing of it
    assert_non_null(cookie);
    answer_as(&call, "late", "200 OK");
    call_expect_gone(&call);
}

static void test_2xx_after_a_restart_without_room(void **state)
{
    struct call call, other;
    call_init(&call, *state, "no-room@fork");
    call_invite(&call);
    struct wire *wire = restart(state, &call, &(struct wire_options){.dialogs = 1});
    call_init(&other, wire, "holder@fork");
    call_establish(&other);
    answer_as(&call, "late", "200 OK"); // it goes on, whatever cannot be kept
    call_expect(&other, DIALOG_CONFIRMED);
    wire_expect_count(wire, COUNTER_DIALOG_FULL, 1);
    snprintf(call.sides[DIALOG_CALLEE].target, 128, "sip:late@10.20.0.11");
    acknowledge(&call);
    call_hang_up(&call, DIALOG_CALLEE);
    call_hang_up(&other, DIALOG_CALLER);
}

// Nobody acknowledges it: it goes like any half-open dialog.
static void test_2xx_after_a_restart_without_ack(void **state)
{
    struct call call;
    call_init(&call, *state, "half-open@fork");
    call_invite(&call);
    struct wire *wire = restart(state, &call, &(struct wire_options){0});
    answer_as(&call, "late", "200 OK");
    call_expect(&call, DIALOG_CONFIRMED);
    wire_pass_silently(wire, 120000);
    call_expect_gone(&call);
}

// A late answer of a re-INVITE makes no dialog: none of ours is missing for it.
static void test_2xx_to_reinvite_after_a_restart(void **state)
{
    struct call call;
    call_init(&call, *state, "reinvite@fork");
    call_establish(&call);
    struct wire_packet invite = call_request(&call, DIALOG_CALLEE, "INVITE");
    restart(state, &call, &(struct wire_options){0});
    ok(&call, &invite, DIALOG_CALLEE);
    call_expect_gone(&call);
    call_ack(&call, DIALOG_CALLEE, 101);
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_32_dialogs_a_call_id(void **state)
{
    struct wire *wire = *state;
    struct call call, other;
    char text[WIRE_TEXT_MAX], tag[32];
    call_init(&call, wire, "crowd@fork");
    call_invite(&call);
    for (unsigned i = 0; i < 34; i++) {
        snprintf(tag, sizeof(tag), "branch-%u", i);
        answer_as(&call, tag, "180 Ringing"); // the response goes on in any case
    }
    assert_int_equal(in_state(wire, DIALOG_EARLY), 32);
    wire_expect_count(wire, COUNTER_DIALOG_FULL, 2);
    call_init(&other, wire, "crowd@fork"); // another INVITE with this Call-ID
    snprintf(other.sides[DIALOG_CALLER].tag, 32, "another");
    other.branch = 100;
    call_invite_text(&other, text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet refusal = wire_take(wire, wire_carrier);
    assert_starts(&refusal, "SIP/2.0 503 ");
    assert_header(&refusal, "Retry-After", "5");
    wire_expect_silence(wire);
    call_init(&other, wire, "elsewhere@fork"); // any other Call-ID is welcome
    call_establish(&other);
    call_hang_up(&other, DIALOG_CALLER);
    answer_as(&call, "branch-33", "200 OK"); // one that has no record
    snprintf(call.sides[DIALOG_CALLEE].target, 128, "sip:33@10.20.0.11");
    acknowledge(&call);
    answer_as(&call, "branch-7", "200 OK"); // one that has
    acknowledge(&call);
    assert_int_equal(in_state(wire, DIALOG_CONFIRMED), 1);
    wire_pass_silently(wire, 40000);
    assert_int_equal(wire->workers[0]->dialogs.count, 1); // there is room again
    call_hang_up(&call, DIALOG_CALLEE);
    call_establish(&other);
    call_hang_up(&other, DIALOG_CALLER);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_early_dialogs_are_apart),
        ON_WIRE(test_each_2xx_is_a_dialog),
        ON_WIRE(test_first_answer_ends_before_the_second),
        ON_WIRE(test_2xx_after_we_gave_up),
        ON_WIRE(test_2xx_of_another_tag_after_the_transaction),
        ON_WIRE(test_2xx_after_a_restart),
        ON_WIRE(test_2xx_after_a_takeover),
        ON_WIRE(test_2xx_after_a_restart_has_both_route_sets),
        ON_WIRE(test_2xx_after_a_restart_from_elsewhere),
        ON_WIRE(test_2xx_after_a_restart_without_room),
        ON_WIRE(test_2xx_after_a_restart_without_ack),
        ON_WIRE(test_2xx_to_reinvite_after_a_restart),
        ON_WIRE(test_32_dialogs_a_call_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
