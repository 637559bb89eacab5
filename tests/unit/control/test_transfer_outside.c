// SPDX-License-Identifier: BSD-3-Clause
// REFERs outside dialogs, for applications and from them, against a data plane that the test plays.
#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ua_world.h"

#define TARGET      0x1100000000000002u
#define TRANSACTION 0x1100000000000077u
#define CONTACT     "sip:far@10.10.1.1;x=1"
#define SOURCE      IP_MAPPED(0x0a0a0101) // a member of carrier-a

#define NAMES(from, to, cseq)                                                                                \
    "Via: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>" from "\r\nTo: \"B\" <sip:b@y>" to        \
    "\r\nCall-ID: r1@x\r\nCSeq: " cseq "\r\nMax-Forwards: 70\r\n"
#define REFER(more)                                                                                          \
    "REFER sip:desk@10.10.0.10 SIP/2.0\r\n" NAMES(";tag=f1", "", "7 REFER") more "Content-Length: 0\r\n\r\n"
#define WHOLE                                                                                                \
    "Contact: \"A\" <sip:a@10.10.1.1:5070;x=1>;y=2\r\nRecord-Route: <sip:10.10.1.8;lr>\r\n"                  \
    "Record-Route: <sip:10.10.1.9;lr>\r\nRefer-To: <sip:c@z>\r\n"
#define ACCEPTED "SIP/2.0 200 OK\r\n" NAMES(";tag=f1", ";tag=ours", "7 REFER") "Content-Length: 0\r\n\r\n"
#define OF_TARGET(status)                                                                                    \
    "SIP/2.0 " status "\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK2\r\nFrom: <sip:b@y>;tag=f2\r\nTo: "     \
    "<sip:c@z>;tag=t2\r\nCall-ID: c2@test\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

static void say_asked(struct ua_world *world, uint64_t transaction, const char *message)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ASKED,
                                           .transaction = transaction,
                                           .call = 900,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .source = SOURCE,
                                           .source_port = 5060};
    ua_say(world, &event, message);
}

static void expect_answer(struct ua_world *world, unsigned status, const char *message)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, status);
    ua_done(world, command, 0, 0, message);
}

// The NOTIFY that goes now, in the dialog of the REFER.
static uint64_t expect_notify(struct ua_world *world, unsigned cseq, const char *state, const char *sipfrag)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    assert_int_equal(command->dialog, 0);
    assert_int_equal(command->cseq, cseq);
    assert_int_equal(command->to_peer, world->carrier);
    assert_int_not_equal(command->to_member, NUMBER_NONE);
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "NOTIFY");
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:a@10.10.1.1:5070;x=1");
    ua_expect_in(command, CHANNEL_UA_TEXT_TO, "<sip:a@x>;tag=f1");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM, "\"B\" <sip:b@y>");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM_TAG, "ours");
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "r1@x");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS,
                 "Route: <sip:10.10.1.8;lr>\r\nRoute: <sip:10.10.1.9;lr>\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, state);
    ua_expect_in(command, CHANNEL_UA_TEXTS, sipfrag);
    ua_done(world, command, 0, 0, NULL);
    return tag;
}

static void say_answered(struct ua_world *world, uint64_t tag, unsigned status)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                           .tag = tag,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .status = (uint16_t)status};
    ua_say(world, &event, NULL);
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

static void expect_none(struct ua_world *world)
{
    ua_run(world);
    assert_int_equal(world->rpc.control.transfers.count, 0);
}

#define SUBSCRIBE(cseq, seconds)                                                                             \
    "SUBSCRIBE sip:desk@10.10.0.10 SIP/2.0\r\n" NAMES(                                                       \
        ";tag=f1", ";tag=ours",                                                                              \
        cseq " SUBSCRIBE") "Contact: <sip:a@10.10.1.1:5070;x=1>\r\nEvent: refer\r\nExpires: " seconds        \
                           "\r\nContent-Length: 0\r\n\r\n"

// 200 makes the dialog: what is told goes there, a SUBSCRIBE comes there, an old one is refused.
static void test_carried_out(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    say_asked(world, TRANSACTION, REFER(WHOLE));
    ua_expect_event(world, "refer", "to", "sip:c@z");
    expect_answer(world, 200, ACCEPTED);
    uint64_t notify = expect_notify(world, 1, "Subscription-State: active;expires=180\r\n", "SIP/2.0 100");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    uint64_t invite = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:c@z");
    assert_true(command->flags & CHANNEL_UA_LATE_ACK); // it has no description
    ua_done(world, command, 0, TARGET, NULL);
    say_asked(world, TRANSACTION + 1, SUBSCRIBE("8", "60"));
    expect_answer(world, 200, NULL);
    say_answered(world, notify, 200);
    notify = expect_notify(world, 2, "Subscription-State: active;expires=60\r\n", "SIP/2.0 100");
    say_answered(world, notify, 200);
    say_asked(world, TRANSACTION + 2, SUBSCRIBE("8", "60"));
    expect_answer(world, 500, NULL);
    say_target(world, invite, 200, OF_TARGET("200 OK"));
    notify = expect_notify(world, 3, "Subscription-State: terminated;reason=noresource\r\n", "SIP/2.0 200");
    say_answered(world, notify, 200);
    expect_none(world);
}

static void test_unsubscribed(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    say_asked(world, TRANSACTION, REFER(WHOLE));
    expect_answer(world, 200, ACCEPTED);
    uint64_t notify = expect_notify(world, 1, "active", "SIP/2.0 100");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    uint64_t invite = command->tag;
    ua_done(world, command, 0, TARGET, NULL);
    say_answered(world, notify, 200);
    say_asked(world, TRANSACTION + 1, SUBSCRIBE("8", "0"));
    expect_answer(world, 200, NULL);
    say_answered(world, expect_notify(world, 2, "terminated;reason=timeout", "SIP/2.0 100"), 200);
    say_target(world, invite, 486, OF_TARGET("486 Busy Here"));
    ua_expect_event(world, "refer_progress", "state", "carried");
    ua_expect_event(world, "refer_progress", "state", "over");
    expect_none(world);
}

// What no 200 came of is no transfer, and nobody is called.
static void test_not_begun(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    say_asked(world, TRANSACTION, REFER(WHOLE));
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    ua_done(world, command, -2, 0, NULL); // ENOENT
    ua_expect_event(world, "refer_progress", "state", "carried");
    expect_none(world);
}

static void test_refused(void **state)
{
    struct ua_world *world = *state;
    static const struct {
        const char *name, *message;
        unsigned status;
    } rows[] = {
        {"no Contact", REFER("Refer-To: <sip:c@z>\r\n"), 400},
        {"no Refer-To", REFER("Contact: <sip:a@x>\r\n"), 400},
        {"another target", REFER("Contact: <sip:a@x>\r\nRefer-To: <sip:c@w>\r\n"), 403},
        {"in a dialog that is not there",
         "REFER sip:d@y SIP/2.0\r\n" NAMES(";tag=f1", ";tag=x", "7 REFER") WHOLE "Content-Length: 0\r\n\r\n",
         481},
    };
    ua_attach(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].name);
        say_asked(world, TRANSACTION + i, rows[i].message);
        expect_answer(world, rows[i].status, NULL);
        expect_none(world);
    }
}

// At most so many at once, and so many a second, of one source.
static void test_too_many(void **state)
{
    struct ua_world *world = *state;
    unsigned busy = 0, fast = 0;
    ua_attach(world);
    for (unsigned i = 0; i < 30; i++)
        say_asked(world, TRANSACTION + i, REFER(WHOLE));
    for (unsigned i = TRANSFERS_CALL_MAX; i < 30; i++) { // those wait for the program
        const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
        busy += command->status == 486;
        fast += command->status == 503;
    }
    assert_int_equal(busy + fast, 30 - TRANSFERS_CALL_MAX);
    assert_true(busy > 0);
    assert_true(fast > 0); // two seconds take twenty of them
    assert_int_equal(world->rpc.control.transfers.count, TRANSFERS_CALL_MAX);
}

// No program is there but one that only listens, nor a description of the configuration: nobody could speak
// in the new call.
static void test_nobody_there(void **state)
{
    struct ua_world *world = *state;
    json_decref(ua_result(world, "ua.attach", "{\"application\":\"desk\",\"listen\":true}"));
    say_asked(world, TRANSACTION, REFER(WHOLE));
    expect_answer(world, 480, NULL);
    expect_none(world);
}

// The description that the application answers with is what it offers.
static void test_described(void **state)
{
    struct ua_world *world = *state;
    say_asked(world, TRANSACTION, REFER(WHOLE));
    expect_answer(world, 200, ACCEPTED);
    expect_notify(world, 1, "active", "SIP/2.0 100");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    ua_expect_in(command, CHANNEL_UA_TEXTS, "v=0");
    assert_false(command->flags & CHANNEL_UA_LATE_ACK);
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
        struct channel_dialog_row *fixed = (void *)row;
        fixed->text_lengths[CHANNEL_TEXT_CALLEE_TARGET] = sizeof(CONTACT) - 1;
        memcpy(row + size, CONTACT, sizeof(CONTACT) - 1);
        size += sizeof(CONTACT) - 1;
        far_say(world->rpc.far, CHANNEL_DIALOG_ROW, message.header.request, row, size);
        far_done(world->rpc.far, CHANNEL_DONE, message.header.request, 0, "");
        return;
    }
    fail_msg("nobody asked for the dialog");
}

static void begin_call(struct ua_world *world)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_STATE,
                                           .dialog = TARGET,
                                           .call = 800,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .state = CHANNEL_DIALOG_CONFIRMED};
    ua_attach(world);
    ua_say(world, &event, NULL);
}

static void test_target_dialog(void **state)
{
    struct ua_world *world = *state;
    begin_call(world);
    say_asked(world, TRANSACTION, REFER(WHOLE "Target-Dialog: 9@z;local-tag=t1;remote-tag=t2\r\n"));
    name_target(world);
    ua_expect_event(world, "refer", "dialog", "1100000000000002");
    expect_answer(world, 200, ACCEPTED);
    expect_notify(world, 1, "active", "SIP/2.0 100");
}

// Who knows one tag only is not in the call: the REFER is anybody's.
static void test_wrong_target_dialog(void **state)
{
    struct ua_world *world = *state;
    begin_call(world);
    say_asked(world, TRANSACTION, REFER(WHOLE "Target-Dialog: 9@z;local-tag=t2;remote-tag=t2\r\n"));
    name_target(world);
    json_t *told = ua_event_of(world, "refer");
    assert_null(json_object_get(told, "dialog"));
    json_decref(told);
}

static void test_folded_routes(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    say_asked(world, TRANSACTION,
              REFER("Contact: <sip:a@10.10.1.1>\r\nRefer-To: <sip:c@z>\r\n"
                    "Record-Route: <sip:10.10.1.8;lr>,\r\n <sip:10.10.1.9;lr>\r\n"));
    expect_answer(world, 200, ACCEPTED);
    ua_expect_in(ua_command(world, CHANNEL_UA_REQUEST), CHANNEL_UA_TEXT_HEADERS,
                 "Route: <sip:10.10.1.8;lr>,   <sip:10.10.1.9;lr>\r\n");
}

// Who subscribes anew from another place hears there what follows.
static void test_moved(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    say_asked(world, TRANSACTION, REFER(WHOLE));
    expect_answer(world, 200, ACCEPTED);
    say_answered(world, expect_notify(world, 1, "active", "SIP/2.0 100"), 200);
    (void)ua_command(world, CHANNEL_UA_INVITE);
    say_asked(
        world, TRANSACTION + 1,
        "SUBSCRIBE sip:desk@10.10.0.10 SIP/2.0\r\n" NAMES(
            ";tag=f1", ";tag=ours",
            "8 SUBSCRIBE") "Contact: <sip:moved@10.10.1.1>\r\nEvent: refer\r\nContent-Length: 0\r\n\r\n");
    expect_answer(world, 200, NULL);
    ua_expect_in(ua_command(world, CHANNEL_UA_REQUEST), CHANNEL_UA_TEXT_URI, "sip:moved@10.10.1.1");
}

static void test_room_for_others(void **state)
{
    struct ua_world *world = *state;
    struct ua *ua = &world->rpc.control.ua;
    for (unsigned i = 0; i < TRANSFERS_APP_MAX; i++)
        assert_non_null(transfer_begin_outside(ua, ua->apps[world->desk], REFER_SENDING, 1));
    assert_null(transfer_begin_outside(ua, ua->apps[world->desk], REFER_SENDING, 1));
    assert_non_null(transfer_begin_outside(ua, ua->apps[world->robot], REFER_SENDING, 1));
}

static void test_too_deep(void **state)
{
    struct ua_world *world = *state;
    begin_call(world);
    ua_run(world);
    struct ua_call *call = ua_call_by_id(&world->rpc.control.ua, TARGET);
    assert_non_null(call);
    call->transfers = REFER_DEPTH_MAX;
    say_asked(world, TRANSACTION, REFER(WHOLE "Target-Dialog: 9@z;local-tag=t1;remote-tag=t2\r\n"));
    name_target(world);
    expect_answer(world, 482, NULL);
    expect_none(world);
}

static void test_cannot_accept(void **state)
{
    struct ua_world *world = *state;
    char params[128];
    ua_attach(world);
    say_asked(world, TRANSACTION, REFER(WHOLE));
    json_t *told = ua_event_of(world, "refer");
    snprintf(params, sizeof(params), "{\"refer\":\"%s\",\"accept\":true}", ua_text(told, "refer"));
    json_decref(told);
    close(world->rpc.far);
    while (channel_ready(world->rpc.control.channel))
        far_run(world->rpc.base, 2);
    json_decref(ua_result(world, "refer.answer", params));
    told = ua_event_of(world, "refer_progress");
    assert_true(json_is_true(json_object_get(told, "final")));
    assert_int_equal(json_integer_value(json_object_get(told, "status")), 503);
    json_decref(told);
    assert_int_equal(world->rpc.control.transfers.count, 0);
    assert_true(TAILQ_EMPTY(&world->rpc.control.referrals.open));
    world->rpc.far = dup(0);
}

static void test_program_answers(void **state)
{
    struct ua_world *world = *state;
    char params[128];
    ua_attach(world);
    say_asked(world, TRANSACTION, REFER(WHOLE));
    json_t *told = ua_event_of(world, "refer");
    assert_null(json_object_get(told, "dialog"));
    snprintf(params, sizeof(params), "{\"refer\":\"%s\",\"status\":180,\"reason\":\"Ringing\"}",
             ua_text(told, "refer"));
    json_decref(ua_result(world, "refer.notify", params));
    expect_answer(world, 200, ACCEPTED);
    uint64_t notify = expect_notify(world, 1, "active", "SIP/2.0 180 Ringing");
    say_answered(world, notify, 200); // what is true by then was told
    snprintf(params, sizeof(params), "{\"refer\":\"%s\",\"status\":404,\"final\":true}",
             ua_text(told, "refer"));
    json_decref(told);
    json_decref(ua_result(world, "refer.notify", params));
    notify = expect_notify(world, 2, "active", "SIP/2.0 180 Ringing");
    say_answered(world, notify, 200);
    notify = expect_notify(world, 3, "terminated;reason=noresource", "SIP/2.0 404");
    say_answered(world, notify, 200);
    expect_none(world);
}

// --- from applications ---

static void test_sent(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_ask(world, "refer.send", "{\"uri\":\"sip:a@x\",\"peer\":\"carrier-a\",\"to\":\"sip:c@z\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    assert_int_equal(command->dialog, 0);
    assert_int_equal(command->to_peer, world->carrier);
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "REFER");
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:a@x");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Refer-To: <sip:c@z>\r\n");
    ua_done(world, command, 0, 0,
            "REFER sip:a@x SIP/2.0\r\n" NAMES(";tag=ours", "", "1 REFER") "Content-Length: 0\r\n\r\n");
    json_decref(ua_answer_of(world));
    say_answered(world, tag, 200);
    ua_expect_event(world, "refer_progress", "state", "waiting");
    say_asked(
        world, TRANSACTION,
        "NOTIFY sip:b@y SIP/2.0\r\n" NAMES(
            ";tag=far", ";tag=ours", "4 NOTIFY") "Event: refer\r\nSubscription-State: "
                                                 "terminated;reason=noresource\r\nContent-Length: 16\r\n\r\n"
                                                 "SIP/2.0 200 OK\r\n");
    expect_answer(world, 200, NULL);
    ua_expect_event(world, "refer_progress", "state", "over");
    expect_none(world);
}

static void test_sent_about_a_call(void **state)
{
    struct ua_world *world = *state;
    begin_call(world);
    ua_ask(world, "refer.send", "{\"dialog\":\"1100000000000002\",\"outside\":true,\"to\":\"sip:c@z\"}");
    name_target(world);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    assert_int_equal(command->dialog, 0);
    assert_int_equal(command->to_peer, world->carrier);
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, CONTACT);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Target-Dialog: 9@z;local-tag=t2;remote-tag=t1\r\n");
    ua_done(world, command, -101, 0, NULL); // ENETUNREACH
    json_decref(ua_answer_of(world));
    expect_none(world);
}

static void test_not_sent(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_refused(world, "refer.send", "{\"to\":\"sip:c@z\"}", DG_INVALID_PARAMS);
    ua_refused(world, "refer.send", "{\"uri\":\"sip:a@x\"}", DG_INVALID_PARAMS);
    ua_refused(world, "refer.send", "{\"uri\":\"sip:a@x\",\"to\":\"sip:c@z\",\"peer\":\"nobody\"}",
               DG_NOT_FOUND);
    ua_refused(world, "refer.send", "{\"dialog\":\"" HEX "\",\"uri\":\"sip:a@x\",\"to\":\"sip:c@z\"}",
               DG_INVALID_PARAMS);
    expect_none(world);
}

static int setup_described(void **state)
{
    char path[] = "/tmp/dialgate-offer-XXXXXX", applications[256];
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, "v=0\r\n", 5) != 5 || close(fd) != 0)
        return -1;
    snprintf(
        applications, sizeof(applications),
        " - {name: desk, listener: edge, refer: accept, refer_targets: ['@z'], answer: {status: 200, body: "
        "%s}}\n - {name: robot}\n",
        path);
    int result = ua_setup_with(state, applications);
    return unlink(path) == 0 ? result : -1; // it is read when the configuration is
}

static int setup_ask(void **state)
{
    return ua_setup_with(state, " - {name: desk, listener: edge}\n - {name: robot}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_carried_out, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_unsubscribed, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_not_begun, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_refused, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_there, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_described, setup_described, ua_teardown),
        cmocka_unit_test_setup_teardown(test_target_dialog, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_target_dialog, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_folded_routes, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_moved, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_room_for_others, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_too_deep, ua_setup_transfers, ua_teardown),
        cmocka_unit_test_setup_teardown(test_cannot_accept, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_program_answers, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_sent, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_sent_about_a_call, setup_ask, ua_teardown),
        cmocka_unit_test_setup_teardown(test_not_sent, setup_ask, ua_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
