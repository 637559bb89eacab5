// SPDX-License-Identifier: BSD-3-Clause
// Transfers on the control socket against a data plane that the test plays.
#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ua_world.h"

#define TARGET            0x1100000000000002u
#define TRANSACTION       0x1100000000000077u
#define REFER(cseq, more) REQUEST("REFER", ";tag=t1", cseq, more)
#define AGAIN(cseq)                                                                                          \
    "NOTIFY sip:a@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: "                 \
    "<sip:b@y>;tag=t1\r\nTo: <sip:a@x>;tag=f1\r\nCall-ID: c1@test\r\nCSeq: " cseq                            \
    " NOTIFY\r\nMax-Forwards: 70\r\nRoute: <sip:192.0.2.9;lr>\r\nContent-Length: 0\r\n\r\n"
#define OF_TARGET(status)                                                                                    \
    "SIP/2.0 " status "\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK2\r\nFrom: <sip:b@y>;tag=f2\r\nTo: "     \
    "<sip:c@z>;tag=t2\r\nCall-ID: c2@test\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

static void begin(struct ua_world *world)
{
    ua_attach(world);
    ua_confirm(world, ua_place(world, ",\"body\":\"" SDP_JSON "\""));
}

// The NOTIFY that goes now; its response is for later.
static uint64_t expect_notify(struct ua_world *world, const char *state, const char *sipfrag, const char *as)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "NOTIFY");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Content-Type: message/sipfrag;version=2.0\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, state);
    ua_expect_in(command, CHANNEL_UA_TEXTS, sipfrag);
    ua_done(world, command, 0, command->dialog, as);
    return tag;
}

static uint64_t expect_call(struct ua_world *world)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    uint64_t tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:c@z");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Referred-By: <sip:a@x>\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXTS, "m=audio 4000");
    ua_done(world, command, 0, TARGET, NULL);
    return tag;
}

static void say_target(struct ua_world *world, uint64_t tag, unsigned status, const char *message)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                           .tag = tag,
                                           .dialog = TARGET,
                                           .call = 800,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .status = (uint16_t)status};
    ua_say(world, &event, message);
}

static void expect_answer(struct ua_world *world, unsigned status)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, status);
    ua_done(world, command, 0, DIALOG, NULL);
}

static void expect_none(struct ua_world *world)
{
    ua_run(world);
    assert_int_equal(world->rpc.control.transfers.count, 0);
}

static void test_carried_out(void **state)
{
    struct ua_world *world = *state;
    begin(world);
    ua_say_asked(world, TRANSACTION, 0,
                 REFER("7", "Refer-To: <sip:c@z?Replaces=9%40z%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n"
                            "Referred-By: <sip:a@x>\r\n"));
    ua_expect_event(world, "refer", "to", "sip:c@z");
    expect_answer(world, 200);
    uint64_t notify = expect_notify(world, "Event: refer\r\nSubscription-State: active;expires=180\r\n",
                                    "SIP/2.0 100 Trying\r\n", AGAIN("5"));
    uint64_t invite = expect_call(world);
    say_target(world, invite, 180, OF_TARGET("180 Ringing"));
    ua_say_answer(world, notify, 200, RESPONSE("200", "5 NOTIFY", ""));
    notify = expect_notify(world, "active", "SIP/2.0 180 Ringing\r\n", AGAIN("6"));
    // The transferor leaves early: the last NOTIFY goes in the name of the dialog that was.
    ua_say_answer(world, notify, 200, RESPONSE("200", "6 NOTIFY", ""));
    ua_say_asked(world, 0, 200, REQUEST("BYE", ";tag=t1", "8", ""));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    say_target(world, invite, 200, OF_TARGET("200 OK"));
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    assert_int_equal(command->dialog, 0);
    assert_int_equal(command->cseq, 1007); // behind whatever the call has sent
    assert_int_equal(command->to_peer, world->carrier);
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:a@192.0.2.7");
    ua_expect_in(command, CHANNEL_UA_TEXT_TO, "<sip:a@x>;tag=f1");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM, "<sip:b@y>");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM_TAG, "t1");
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Route: <sip:192.0.2.9;lr>\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Subscription-State: terminated;reason=noresource\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXTS, "SIP/2.0 200 OK\r\n");
    notify = command->tag;
    ua_done(world, command, 0, 0, NULL);
    const struct channel_ua_event event = {
        .kind = CHANNEL_UA_ANSWERED, .tag = notify, .application = world->desk, .status = 200};
    ua_say(world, &event, RESPONSE("200", "7 NOTIFY", ""));
    expect_none(world);
}

static void test_fails(void **state)
{
    struct ua_world *world = *state;
    begin(world);
    ua_say_asked(world, TRANSACTION, 0, REFER("7", "Refer-To: sip:c@z\r\nReferred-By: <sip:a@x>\r\n"));
    expect_answer(world, 200);
    uint64_t notify = expect_notify(world, "active", "SIP/2.0 100", NULL);
    uint64_t invite = expect_call(world);
    ua_say_answer(world, notify, 200, RESPONSE("200", "5 NOTIFY", ""));
    // Asked for again, ended by the subscriber: the call goes on in silence.
    ua_say_asked(world, TRANSACTION + 1, 0,
                 REQUEST("SUBSCRIBE", ";tag=t1", "8", "Event: refer;id=7\r\nExpires: 600\r\n"));
    expect_answer(world, 200);
    notify = expect_notify(world, "active;expires=600", "SIP/2.0 100", NULL);
    ua_say_answer(world, notify, 200, RESPONSE("200", "6 NOTIFY", ""));
    say_target(world, invite, 486, OF_TARGET("486 Busy Here"));
    notify = expect_notify(world, "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n", NULL);
    ua_say_asked(world, TRANSACTION + 2, 0,
                 REQUEST("SUBSCRIBE", ";tag=t1", "9", "Event: refer;id=7\r\nExpires: 600\r\n"));
    expect_answer(world, 481);
    ua_say_answer(world, notify, 200, RESPONSE("200", "7 NOTIFY", ""));
    expect_none(world);
    // Only a REFER makes a subscription (RFC 3515 2.4.4).
    ua_say_asked(world, TRANSACTION + 3, 0, REQUEST("SUBSCRIBE", ";tag=t1", "10", "Event: refer\r\n"));
    expect_answer(world, 481);
}

// One branch of the call ends (RFC 6228), another one answers: that is what the transferor hears of.
static void test_target_forks(void **state)
{
    struct ua_world *world = *state;
    const struct ua *ua = &world->rpc.control.ua;
    struct channel_ua_event event = {.kind = CHANNEL_UA_DONE,
                                     .dialog = TARGET,
                                     .call = 800,
                                     .application = world->desk,
                                     .peer = world->carrier};
    begin(world);
    ua_say_asked(world, TRANSACTION, 0, REFER("7", "Refer-To: sip:c@z\r\n"));
    expect_answer(world, 200);
    uint64_t notify = expect_notify(world, "active", "SIP/2.0 100", NULL);
    event.tag = ua_command(world, CHANNEL_UA_INVITE)->tag;
    ua_say(world, &event, NULL);
    event.kind = CHANNEL_UA_ANSWERED;
    event.dialog = TARGET + 1;
    event.status = 180;
    ua_say(world, &event, OF_TARGET("180 Ringing"));
    const struct channel_ua_event over = {.kind = CHANNEL_UA_STATE,
                                          .dialog = TARGET,
                                          .call = 800,
                                          .application = world->desk,
                                          .state = CHANNEL_DIALOG_TERMINATED,
                                          .reason = CHANNEL_REASON_GONE};
    ua_say(world, &over, NULL);
    ua_expect_event(world, "ended", "dialog", "1100000000000002");
    assert_int_equal(ua_call_by_id(ua, TARGET + 1)->transfers, 1);
    event.status = 200;
    ua_say(world, &event, OF_TARGET("200 OK"));
    ua_say_answer(world, notify, 200, RESPONSE("200", "5 NOTIFY", ""));
    notify = expect_notify(world, "terminated;reason=noresource", "SIP/2.0 200", NULL);
    ua_say_answer(world, notify, 200, RESPONSE("200", "6 NOTIFY", ""));
    expect_none(world);
}

static void test_refused(void **state)
{
    static const struct {
        const char *refer;
        unsigned status;
    } rows[] = {
        {REFER("7", "Refer-To: <sip:d@elsewhere>\r\n"), 403},
        {REFER("7", "Refer-To: <sip:c@z;maddr=192.0.2.66>\r\n"), 403},
        {REFER("7", ""), 400},
        {REFER("7", "Refer-To: <tel:+1>\r\n"), 416},
        {REFER("7", "Refer-To: <sip:c@z;method=BYE>\r\n"), 403},
        {REFER("7", "Refer-To: <sip:c@z?Replaces=c1%40test%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n"), 482},
    };
    struct ua_world *world = *state;
    begin(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ua_say_asked(world, TRANSACTION + i, 0, rows[i].refer);
        expect_answer(world, rows[i].status);
        expect_none(world);
    }
}

static json_t *ask_program(struct ua_world *world, char params[128], const char *more)
{
    ua_say_asked(world, TRANSACTION, 0, REFER("7", "Refer-To: sip:c@z\r\nReferred-By: <sip:a@x>\r\n"));
    json_t *event = ua_event_of(world, "refer");
    snprintf(params, 128, "{\"refer\":\"%s\"%s}", ua_text(event, "refer"), more);
    return event;
}

static void test_program_refuses(void **state)
{
    struct ua_world *world = *state;
    char params[128];
    begin(world);
    json_t *event = ask_program(world, params, ",\"accept\":false,\"reason\":\"Not today\"");
    assert_string_equal(ua_text(event, "state"), "asked");
    json_decref(event);
    ua_ask(world, "refer.answer", params);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 603);
    ua_expect_in(command, CHANNEL_UA_TEXT_REASON, "Not today");
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_refused(world, "refer.answer", params, DG_NOT_FOUND);
    expect_none(world);
}

// The INVITE of a new call that has no description: the ACK waits for the program's answer (RFC 3261 13.2.1).
static void expect_asking_call(struct ua_world *world)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    assert_int_equal(command->body_length, 0);
    assert_true(command->flags & CHANNEL_UA_LATE_ACK);
    const uint64_t tag = command->tag;
    ua_done(world, command, 0, TARGET, NULL);
    say_target(world, tag, 200, OF_TARGET("200 OK"));
    ua_expect_event(world, "answered", "dialog", "1100000000000002");
    ua_ask(world, "ua.ack", "{\"dialog\":\"1100000000000002\",\"body\":\"" SDP_JSON "\"}");
    ua_expect_in(ua_command(world, CHANNEL_UA_ACK), CHANNEL_UA_TEXTS, "m=audio 4000");
}

static void test_no_description(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    ua_say_asked(world, TRANSACTION, 0, REFER("7", "Refer-To: <sip:c@z>\r\n"));
    expect_answer(world, 200);
    expect_notify(world, "active", "SIP/2.0 100", NULL);
    expect_asking_call(world);
}

// A call that an earlier program has left; nobody could speak in the new one.
static void test_no_description_nobody(void **state)
{
    struct ua_world *world = *state;
    const struct channel_ua_event left = {.kind = CHANNEL_UA_STATE,
                                          .dialog = DIALOG,
                                          .call = 700,
                                          .application = world->desk,
                                          .peer = world->carrier,
                                          .state = CHANNEL_DIALOG_CONFIRMED};
    ua_say(world, &left, NULL);
    ua_say_asked(world, TRANSACTION, 0, REFER("7", "Refer-To: <sip:c@z>\r\n"));
    expect_answer(world, 480);
    expect_none(world);
}

static void test_program_describes(void **state)
{
    struct ua_world *world = *state;
    char params[512];
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    json_decref(ask_program(world, params, ""));
    char *id = strndup(params, strlen(params) - 1);
    snprintf(params, sizeof(params), "%s,\"accept\":true,\"reason\":\"no\"}", id);
    ua_refused(world, "refer.answer", params, DG_INVALID_PARAMS);
    snprintf(params, sizeof(params), "%s,\"accept\":false,\"body\":\"x\"}", id);
    ua_refused(world, "refer.answer", params, DG_INVALID_PARAMS);
    snprintf(params, sizeof(params), "%s,\"accept\":true,\"body\":\"" SDP_JSON "\"}", id);
    free(id);
    ua_ask(world, "refer.answer", params);
    expect_answer(world, 200);
    expect_notify(world, "active", "SIP/2.0 100", NULL);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    ua_expect_in(command, CHANNEL_UA_TEXTS, "m=audio 4000");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Content-Type: application/sdp\r\n");
    assert_false(command->flags & CHANNEL_UA_LATE_ACK);
}

// Octets that are no UTF-8 are told of like any.
static void test_no_text(void **state)
{
    struct ua_world *world = *state;
    begin(world);
    ua_say_asked(world, TRANSACTION, 0,
                 REFER("7", "Refer-To: sip:c@z\r\nReferred-By: \"\xff\" <sip:a@x>\r\n"));
    json_t *event = ua_event_of(world, "refer");
    assert_string_equal(ua_text(event, "to"), "sip:c@z");
    assert_string_equal(ua_text(event, "referred_by"), "\"\\xff\" <sip:a@x>");
    json_decref(event);
    json_t *list = ua_result(world, "refer.list", "{}");
    assert_int_equal(json_array_size(json_object_get(list, "transfers")), 1);
    json_decref(list);
}

// The request that waited is gone with the data plane's process: its transfer is over, and nobody is called.
static void test_refer_gone(void **state)
{
    static const char *const methods[] = {"refer.answer", "refer.notify"};
    struct ua_world *world = *state;
    begin(world);
    for (unsigned i = 0; i < 2; i++) {
        char params[128];
        json_decref(ask_program(world, params, i ? ",\"status\":180" : ",\"accept\":true"));
        ua_request_end(&world->rpc.control.ua, ua_request_find(&world->rpc.control.ua, TRANSACTION));
        ua_refused(world, methods[i], params, i ? DG_INVALID_TRANSITION : DG_TRANSACTION_GONE);
        expect_none(world);
        assert_true(TAILQ_EMPTY(&world->rpc.control.referrals.open));
    }
}

static void test_program_calls(void **state)
{
    struct ua_world *world = *state;
    char params[128];
    begin(world);
    json_decref(ask_program(world, params, ",\"status\":486,\"reason\":\"Busy Here\""));
    ua_ask(world, "refer.notify", params);
    expect_answer(world, 200);
    uint64_t notify = expect_notify(world, "active", "SIP/2.0 100 Trying", AGAIN("5"));
    json_decref(ua_answer_of(world));
    ua_say_answer(world, notify, 200, RESPONSE("200", "5 NOTIFY", ""));
    notify = expect_notify(world, "terminated", "SIP/2.0 486 Busy Here\r\n", NULL);
    ua_say_answer(world, notify, 481, RESPONSE("481", "6 NOTIFY", ""));
    expect_none(world);
}

static void test_sent(void **state)
{
    struct ua_world *world = *state;
    begin(world);
    ua_ask(world, "refer.send",
           "{\"dialog\":\"" HEX "\",\"to\":\"sip:c@z\",\"tag\":\"mine\",\"referred_by\":\"<sip:b@y>\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "REFER");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Refer-To: <sip:c@z>\r\nReferred-By: <sip:b@y>\r\n");
    ua_done(world, command, 0, DIALOG, REQUEST("REFER", ";tag=t1", "9", ""));
    json_decref(ua_answer_of(world));
    ua_say_answer(world, tag, 202, RESPONSE("202", "9 REFER", ""));
    ua_expect_event(world, "refer_progress", "state", "waiting");
    ua_say_asked(
        world, TRANSACTION, 0,
        "NOTIFY sip:b@y SIP/2.0\r\n" HEAD(
            "t1", ";tag=f1",
            "1 NOTIFY") "Event: refer;id=9\r\nSubscription-State: active\r\n\r\nSIP/2.0 180 Ringing\r\n");
    expect_answer(world, 200);
    ua_expect_event(world, "refer_progress", "reason", "Ringing");
    // After the end of the call, with our tag; with another it is nobody's.
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ASKED,
                                           .transaction = TRANSACTION + 1,
                                           .application = world->desk,
                                           .peer = world->carrier};
    ua_say(world, &event,
           "NOTIFY sip:b@y SIP/2.0\r\n" HEAD(
               "t1", ";tag=x",
               "2 NOTIFY") "Event: refer;id=9\r\nSubscription-State: terminated\r\n\r\nSIP/2.0 200 OK\r\n");
    ua_expect_event(world, "request", "method", "NOTIFY");
    ua_say(world, &event,
           "NOTIFY sip:b@y SIP/2.0\r\n" HEAD(
               "t1", ";tag=f1",
               "2 NOTIFY") "Event: refer;id=9\r\nSubscription-State: terminated\r\n\r\nSIP/2.0 200 OK\r\n");
    expect_answer(world, 200);
    json_t *told = ua_event_of(world, "refer_progress");
    assert_string_equal(ua_text(told, "tag"), "mine");
    assert_true(json_is_true(json_object_get(told, "final")));
    assert_int_equal(json_integer_value(json_object_get(told, "status")), 200);
    json_decref(told);
    expect_none(world);
}

// RFC 6665 4.1.3: of no REFER that went; but a program that subscribes by itself has what comes of it.
static void test_stray_notify(void **state)
{
    static const char stray[] = "NOTIFY sip:b@y SIP/2.0\r\n" HEAD(
        "t1", ";tag=f1",
        "1 NOTIFY") "Event: refer;id=9\r\nSubscription-State: active\r\n\r\nSIP/2.0 180 Ringing\r\n";
    struct ua_world *world = *state;
    begin(world);
    ua_say_asked(world, TRANSACTION, 0, stray);
    expect_answer(world, 481);
    ua_ask(world, "ua.request", "{\"dialog\":\"" HEX "\",\"method\":\"SUBSCRIBE\"}");
    ua_done(world, ua_command(world, CHANNEL_UA_REQUEST), 0, DIALOG,
            REQUEST("SUBSCRIBE", ";tag=t1", "9", ""));
    json_decref(ua_answer_of(world));
    ua_say_asked(world, TRANSACTION + 1, 0, stray);
    ua_expect_event(world, "request", "method", "NOTIFY");
}

// The next question for a dialog is answered with TARGET's names.
static void name_target(struct ua_world *world)
{
    static struct far_message message;
    static uint8_t row[sizeof(struct channel_dialog_row) + 256];
    for (int i = 0; i < 2000; i++) {
        far_run(world->rpc.base, 2);
        if (!far_receive(world->rpc.far, &message, NULL, 0) || message.header.type != CHANNEL_DIALOG_SHOW)
            continue;
        size_t size = far_row(row, TARGET, "9@z");
        far_say(world->rpc.far, CHANNEL_DIALOG_ROW, message.header.request, row, size);
        far_done(world->rpc.far, CHANNEL_DONE, message.header.request, 0, "");
        return;
    }
    fail_msg("nobody asked for the dialog");
}

static void test_sent_with_replaces(void **state)
{
    struct ua_world *world = *state;
    begin(world);
    const struct channel_ua_event other = {.kind = CHANNEL_UA_STATE,
                                           .dialog = TARGET,
                                           .call = 800,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .state = CHANNEL_DIALOG_CONFIRMED};
    ua_say(world, &other, NULL);
    for (int i = 0; i < 2000 && !ua_call_by_handle(&world->rpc.control.ua, TARGET); i++)
        far_run(world->rpc.base, 2); // the question comes another way, and may be faster
    ua_ask(world, "refer.send",
           "{\"dialog\":\"" HEX "\",\"to\":\"sip:c@z\",\"replaces\":\"1100000000000002\",\"early_only\":"
           "true,\"subscribe\":false}");
    name_target(world);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS,
                 "Refer-To: <sip:c@z?Replaces=9%40z%3Bto-tag%3Dt2%3Bfrom-tag%3Dt1%3Bearly-only>\r\n"
                 "Refer-Sub: false\r\n");
    ua_done(world, command, 0, DIALOG, REQUEST("REFER", ";tag=t1", "9", ""));
    json_decref(ua_answer_of(world));
    ua_say_answer(world, tag, 200, RESPONSE("200", "9 REFER", "Refer-Sub: false\r\n"));
    ua_expect_event(world, "refer_progress", "state", "over");
    expect_none(world);
}

static void test_not_sent(void **state)
{
    struct ua_world *world = *state;
    begin(world);
    ua_refused(world, "refer.send", "{\"dialog\":\"" HEX "\"}", DG_INVALID_PARAMS);
    ua_refused(world, "refer.send", "{\"dialog\":\"1100000000000009\",\"to\":\"sip:c@z\"}", DG_NOT_FOUND);
    ua_refused(world, "refer.send", "{\"dialog\":\"" HEX "\",\"to\":\"sip:c@z?a=b\"}", DG_INVALID_PARAMS);
    ua_refused(world, "refer.send", "{\"dialog\":\"" HEX "\",\"replaces\":\"" HEX "\"}", DG_NOT_FOUND);
    ua_refused(world, "refer.notify", "{\"refer\":\"" HEX "\",\"status\":180}", DG_NOT_FOUND);
    expect_none(world);
}

static int setup_ask(void **state)
{
    return ua_setup_with(state, " - {name: desk, listener: edge}\n - {name: robot}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_carried_out, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_fails, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_target_forks, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_refused, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_program_refuses, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_no_description, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_no_description_nobody, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_program_describes, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_no_text, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_refer_gone, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_program_calls, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_sent, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_stray_notify, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_sent_with_replaces, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_not_sent, setup_ask, ua_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
