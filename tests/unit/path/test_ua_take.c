// SPDX-License-Identifier: BSD-3-Clause
// Calls that come for an application: answered, refused, cancelled, given up.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "tests.h"
#include "ua_caller.h"

static uint32_t usages(const struct caller *caller)
{
    return caller->world->wire->workers[0]->ua.usages.count;
}

static void test_answered(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "answered@ua");
    caller_invite(&caller, &(struct asked){.body = ua_sdp});
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    caller_expect(&caller, CHANNEL_DIALOG_EARLY);
    struct wire_packet ringing = caller_take(&caller, "SIP/2.0 180 Ringing\r\n");
    assert_header(&ringing, "Contact", "<sip:10.10.0.10:5060>");
    assert_header(&ringing, "Require", "");
    const struct ua_wanted answer = {
        .fixed.flags = CHANNEL_UA_DESCRIPTION,
        .texts = {[CHANNEL_UA_TEXT_CONTACT] = "<sip:box@10.10.0.10:5060>",
                  [CHANNEL_UA_TEXT_REASON] = "Fine",
                  [CHANNEL_UA_TEXT_HEADERS] = "Allow: INVITE, ACK\r\nContent-Type: application/sdp\r\n"},
        .body = ua_sdp};
    assert_int_equal(caller_answered(&caller, 200, &answer), 0);
    caller_expect(&caller, CHANNEL_DIALOG_CONFIRMED);
    struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 Fine\r\n");
    assert_header(&ok, "Contact", "<sip:box@10.10.0.10:5060>");
    assert_header(&ok, "Allow", "INVITE, ACK");
    assert_string_equal(header_of(&ok, "To"), header_of(&ringing, "To"));
    assert_string_equal(ok.text + ok.message.body.offset, ua_sdp);
    caller_ack(&caller, NULL);
    struct ua_seen ack = ua_take(caller.world, CHANNEL_UA_ASKED);
    assert_int_equal(ack.event.transaction, 0);
    assert_int_equal(strncmp(ack.packet.text, "ACK ", 4), 0);
    wire_expect_silence(caller.world->wire);
    ua_expect_silence(caller.world);
    assert_int_equal(usages(&caller), 0); // it rests
    call_expect(&caller.call, DIALOG_CONFIRMED);
    assert_int_equal(caller_asks(&caller, "INFO", NULL).event.dialog, caller.dialog);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    struct wire_packet done = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_int_equal(done.message.method, METHOD_INFO);
    assert_int_equal(caller_answered(&caller, 200, NULL), -EPROTO); // it has had its answer
    caller_hang_up(&caller);
    wire_expect_count(caller.world->wire, COUNTER_DIALOG_ANSWERED, 1);
}

// 13.3.1.4: at T1, 2*T1, 4*T1, ..., at most T2 apart, until the ACK.
static void test_repeated(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "repeated@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    struct wire_packet first = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    wire_send(caller.world->wire, wire_carrier, caller.invite); // RFC 6026 7.1: absorbed
    wire_expect_silence(caller.world->wire);
    wire_pass(caller.world->wire, 8000);
    assert_int_equal(caller.world->wire->out_count, 4); // 0.5, 1.5, 3.5, 7.5
    struct wire_packet again = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_string_equal(again.text, first.text);
    caller.world->wire->out_count = 0;
    caller_ack(&caller, NULL);
    wire_pass(caller.world->wire, 10000);
    wire_expect_silence(caller.world->wire);
    ua_forget(caller.world);
    caller_hang_up(&caller);
}

static void test_no_ack(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "no-ack@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    ua_forget(caller.world);
    wire_pass(caller.world->wire, 31900);
    assert_int_equal(wire_take_all(caller.world->wire, wire_carrier, "SIP/2.0 200"), 11);
    wire_pass(caller.world->wire, 200);
    struct wire_packet bye = caller_take(&caller, "BYE sip:alice@10.10.1.1:5060 SIP/2.0\r\n");
    assert_header(&bye, "CSeq", "1 BYE");
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.state, CHANNEL_DIALOG_TERMINATING);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_NO_ACK);
    ua_respond_from(caller.world, &bye, &(struct ua_response){.status = "200 OK"});
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    call_expect_gone(&caller.call);
    wire_expect_count(caller.world->wire, COUNTER_DIALOG_NO_ACK, 1);
}

static void test_refused(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "refused@ua");
    caller_invite(&caller, NULL);
    const struct ua_wanted busy = {.texts = {[CHANNEL_UA_TEXT_HEADERS] = "Retry-After: 60\r\n"}};
    assert_int_equal(caller_answered(&caller, 486, &busy), 0);
    caller.call.answer = caller_take(&caller, "SIP/2.0 486 Busy Here\r\n");
    assert_header(&caller.call.answer, "Retry-After", "60");
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    call_expect_gone(&caller.call);
    assert_int_equal(usages(&caller), 0);
    wire_pass(caller.world->wire, 600); // timer G
    (void)caller_take(&caller, "SIP/2.0 486 Busy Here\r\n");
    call_ack_refusal(&caller.call);
    wire_pass(caller.world->wire, 5000);
    wire_expect_silence(caller.world->wire);
    ua_expect_silence(caller.world);
    assert_int_equal(caller_answered(&caller, 200, NULL), -ENOENT);
}

static void test_redirected(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "redirected@ua");
    caller_invite(&caller, NULL);
    const struct ua_wanted moved = {
        .texts = {[CHANNEL_UA_TEXT_CONTACT] = "<sip:a@10.20.0.11>;q=0.5, <sip:b@10.20.0.12>"}};
    assert_int_equal(caller_answered(&caller, 302, &moved), 0);
    struct wire_packet answer = caller_take(&caller, "SIP/2.0 302 Moved Temporarily\r\n");
    assert_header(&answer, "Contact", "<sip:a@10.20.0.11>;q=0.5, <sip:b@10.20.0.12>");
    ua_forget(caller.world);
}

static void test_cancelled(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "cancelled@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    ua_forget(caller.world);
    struct wire_packet ringing = caller_take(&caller, "SIP/2.0 180 ");
    caller.call.extra = NULL;
    call_cancel(&caller.call);
    struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_int_equal(ok.message.method, METHOD_CANCEL);
    assert_header(&ok, "To", header_of(&ringing, "To")); // 9.2
    caller.call.answer = caller_take(&caller, "SIP/2.0 487 Request Terminated\r\n");
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_CANCELLED);
    assert_int_equal(seen.event.transaction, caller.transaction);
    assert_int_equal(seen.event.dialog, caller.dialog);
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    call_cancel(&caller.call); // again
    (void)caller_take(&caller, "SIP/2.0 200 OK\r\n");
    wire_expect_silence(caller.world->wire);
    call_ack_refusal(&caller.call);
    assert_int_equal(caller_answered(&caller, 200, NULL), -EPROTO);
    call_expect_gone(&caller.call);
}

// 9.2: after the final response a CANCEL changes nothing.
static void test_cancel_crosses(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "crosses@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 OK\r\n");
    caller.call.extra = NULL;
    call_cancel(&caller.call);
    struct wire_packet ok = wire_take(caller.world->wire, wire_carrier);
    assert_int_equal(ok.message.method, METHOD_CANCEL);
    wire_expect_silence(caller.world->wire);
    assert_int_equal(ua_seen_of(caller.world, CHANNEL_UA_CANCELLED), 0);
    caller_ack(&caller, NULL);
    ua_forget(caller.world);
    caller_hang_up(&caller);
}

static void test_repeated_invite(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "again@ua");
    caller_invite(&caller, NULL);
    wire_send(caller.world->wire, wire_carrier, caller.invite);
    (void)caller_take(&caller, "SIP/2.0 100 ");
    assert_int_equal(caller_answered(&caller, 183, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 183 Session Progress\r\n");
    wire_send(caller.world->wire, wire_carrier, caller.invite);
    (void)caller_take(&caller, "SIP/2.0 183 ");
    assert_int_equal(ua_seen_of(caller.world, CHANNEL_UA_CALL), 0);
    assert_int_equal(caller_answered(&caller, 603, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 603 Decline\r\n");
    ua_forget(caller.world);
}

// 8.2.2.2: forked on its way, it comes twice.
static void test_merged(void **state)
{
    struct caller caller;
    char other[WIRE_TEXT_MAX];
    caller_init(&caller, *state, "merged@ua");
    caller_invite(&caller, NULL);
    memcpy(other, caller.invite, sizeof(other));
    memcpy(strstr(other, "z9hG4bK-"), "z9hG4bKx", 8);
    wire_send(caller.world->wire, wire_carrier, other);
    (void)caller_take(&caller, "SIP/2.0 482 Loop Detected\r\n");
    ua_expect_silence(caller.world);
    call_expect(&caller.call, DIALOG_NONE);
    assert_int_equal(caller_answered(&caller, 404, NULL), 0);
    ua_forget(caller.world);
    caller.world->wire->out_count = 0;
}

// Section 15: the callee of an early dialog refuses; before the ACK its BYE waits.
static void test_end_early(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "end-early@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_end(&caller, "Reason: Q.850;cause=17\r\n", 486), 0);
    struct wire_packet answer = caller_take(&caller, "SIP/2.0 486 Busy Here\r\n");
    assert_header(&answer, "Reason", "Q.850;cause=17");
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    assert_int_equal(caller_end(&caller, NULL, 0), -ENOENT);
}

static void test_end_unacked(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "end-unacked@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    caller_expect(&caller, CHANNEL_DIALOG_CONFIRMED);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATING);
    wire_expect_silence(caller.world->wire);
    assert_int_equal(caller_end(&caller, NULL, 0), -EALREADY);
    caller_ack(&caller, NULL);
    struct wire_packet bye = caller_take(&caller, "BYE ");
    ua_respond_from(caller.world, &bye, &(struct ua_response){.status = "200 OK"});
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    call_expect_gone(&caller.call);
}

static void test_end_confirmed(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "end@ua");
    caller_establish(&caller);
    assert_int_equal(caller_end(&caller, "Reason: SIP;cause=200\r\nX-Why: enough\r\n", 0), 0);
    struct wire_packet bye = caller_take(&caller, "BYE sip:alice@10.10.1.1:5060 SIP/2.0\r\n");
    assert_header(&bye, "X-Why", "enough");
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATING);
    caller_send(&caller, "INFO", NULL); // RFC 5407 3.2.2
    (void)caller_take(&caller, "SIP/2.0 481 ");
    ua_respond_from(caller.world, &bye, &(struct ua_response){.status = "200 OK"});
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(caller.world);
    call_expect_gone(&caller.call);
}

// What it is to say does not fit: it ends all the same.
static void test_end_long(void **state)
{
    static char lines[2000] = "X-Long: ";
    struct caller caller;
    memset(lines + 8, 'x', sizeof(lines) - 11);
    memcpy(lines + sizeof(lines) - 3, "\r\n", 3);
    caller_init(&caller, *state, "long@ua");
    caller_establish(&caller);
    assert_int_equal(caller_end(&caller, lines, 0), 0);
    (void)caller_take(&caller, "BYE ");
    ua_forget(caller.world);
    caller.world->wire->out_count = 0;
    caller_init(&caller, *state, "long-early@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_end(&caller, lines, 486), 0);
    (void)caller_take(&caller, "SIP/2.0 486 ");
    ua_forget(caller.world);
}

// RFC 5407 3.2.1: both hang up.
static void test_byes_cross(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "byes@ua");
    caller_establish(&caller);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    struct wire_packet bye = caller_take(&caller, "BYE ");
    caller_send(&caller, "BYE", NULL);
    (void)caller_take(&caller, "SIP/2.0 200 OK\r\n");
    ua_respond_from(caller.world, &bye, &(struct ua_response){.status = "481 Gone"});
    call_expect_gone(&caller.call);
    ua_forget(caller.world);
}

static void test_operator(void **state)
{
    struct caller caller;
    static struct command command;
    caller_init(&caller, *state, "operator@ua");
    caller_establish(&caller);
    command = (struct command){.kind = COMMAND_DIALOG_END, .handle = caller.dialog};
    wire_command(caller.world->wire, 0, &command);
    assert_int_equal(command.result, 0);
    struct wire_packet bye = caller_take(&caller, "BYE ");
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_OPERATOR);
    ua_respond_from(caller.world, &bye, &(struct ua_response){.status = "200 OK"});
    ua_forget(caller.world);
    call_expect_gone(&caller.call);
}

static void test_released(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "released@ua");
    caller_establish(&caller);
    const struct ua_wanted release = {.fixed = {.op = CHANNEL_UA_RELEASE, .dialog = caller.dialog}};
    assert_int_equal(ua_ask(caller.world, &release, NULL), 0);
    wire_expect_silence(caller.world->wire);
    call_expect_gone(&caller.call);
    caller_send(&caller, "BYE", NULL);
    (void)caller_take(&caller, "SIP/2.0 481 ");
}

// The application never answers: 480 when the caller has waited for the life of an early dialog.
static void test_unanswered(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "unanswered@ua");
    caller_invite(&caller, NULL);
    wire_pass_silently(caller.world->wire, 242500);
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.state, CHANNEL_DIALOG_TERMINATED);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_TIMEOUT);
    wire_expect_count(caller.world->wire, COUNTER_ANSWER_480, 1);
    call_expect_gone(&caller.call);
}

static void test_extend(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "extend@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    ua_forget(caller.world);
    wire_pass_silently(caller.world->wire, 62500);
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_EXTEND);
    assert_int_equal(seen.event.transaction, caller.transaction);
    assert_int_equal(caller_answered(&caller, 404, NULL), 0);
    ua_forget(caller.world);
    caller.world->wire->out_count = 0;
}

// Its 180 comes again each minute, which does not make its time longer.
static void test_rings_for_ever(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "rings@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    for (unsigned minute = 1; minute < 4; minute++) {
        ua_forget(caller.world);
        wire_pass_silently(caller.world->wire, minute == 1 ? 62500 : 60000);
        assert_int_equal(ua_take(caller.world, CHANNEL_UA_EXTEND).event.transaction, caller.transaction);
        assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    }
    ua_forget(caller.world);
    wire_pass_silently(caller.world->wire, 59500);
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.state, CHANNEL_DIALOG_TERMINATED);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_TIMEOUT);
    wire_expect_count(caller.world->wire, COUNTER_ANSWER_480, 1);
    call_expect_gone(&caller.call);
}

// dialogs.early_lifetime was raised meanwhile: the INVITE's time is over before its record's.
static void test_overdue(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "overdue@ua");
    caller_invite(&caller, NULL);
    caller.world->wire->workers[0]->dialogs.life.early *= 2;
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    wire_pass_silently(caller.world->wire, 239000);
    ua_forget(caller.world);
    caller.world->wire->out_count = 0;
    wire_pass(caller.world->wire, 2000);
    struct wire_packet refusal = caller_take(&caller, "SIP/2.0 480 Temporarily Unavailable\r\n");
    assert_string_equal(header_of(&refusal, "CSeq"), "100 INVITE");
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.state, CHANNEL_DIALOG_TERMINATED);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_TIMEOUT);
    call_expect_gone(&caller.call);
}

int path_tests(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {
        UA(test_answered),   UA(test_repeated),       UA(test_no_ack),         UA(test_refused),
        UA(test_redirected), UA(test_cancelled),      UA(test_cancel_crosses), UA(test_repeated_invite),
        UA(test_merged),     UA(test_end_early),      UA(test_end_unacked),    UA(test_end_confirmed),
        UA(test_byes_cross), UA(test_operator),       UA(test_released),       UA(test_unanswered),
        UA(test_extend),     UA(test_rings_for_ever), UA(test_overdue),        UA(test_end_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
