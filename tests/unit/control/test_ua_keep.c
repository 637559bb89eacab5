// SPDX-License-Identifier: BSD-3-Clause
// What applications have is there again after a restart of control: the same daemon twice over one directory.
#include "cmocka_first.h"
#include <stdio.h>
#include <string.h>
#include "ua_world.h"

#define TARGET      0x1100000000000002u
#define TRANSACTION 0x1100000000000077u
#define OF_TARGET(status)                                                                                    \
    "SIP/2.0 " status "\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK2\r\nFrom: <sip:b@y>;tag=f2\r\nTo: "     \
    "<sip:c@z>;tag=t2\r\nCall-ID: c2@test\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
#define NOTIFY_OF(cseq)                                                                                      \
    "NOTIFY sip:a@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: "                 \
    "<sip:b@y>;tag=t1\r\nTo: <sip:a@x>;tag=f1\r\nCall-ID: c1@test\r\nCSeq: " cseq                            \
    " NOTIFY\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"

static const struct ua_row confirmed[] = {{DIALOG, CHANNEL_DIALOG_CONFIRMED, false, 0, false}};
static const struct ua_row early[] = {{DIALOG, CHANNEL_DIALOG_EARLY, false, 0, false}};

static void test_confirmed(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(
        world, ",\"context\":\"row 7\",\"user\":\"al\",\"password\":\"pw\",\"body\":\"" SDP_JSON "\"");
    ua_confirm(world, tag);
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    ua_attach_again(world);
    json_t *resumed = ua_event_of(world, "resumed");
    assert_int_equal(json_integer_value(json_object_get(resumed, "dialogs")), 1);
    assert_int_equal(json_integer_value(json_object_get(resumed, "found")), 0);
    json_decref(resumed);
    const struct ua_call *call = ua_call_by_id(&world->rpc.control.ua, DIALOG);
    assert_non_null(call);
    assert_string_equal(call->context, "row 7");
    assert_int_equal(call->state, CHANNEL_DIALOG_CONFIRMED);
    assert_int_equal(call->peer, world->carrier);
    assert_int_equal(call->history[call->changes - 1].reason, CHANNEL_REASON_SUCCESS);
    // The description is the one that was sent, and the credentials answer a challenge.
    ua_ask(world, "ua.hold", "{\"dialog\":\"" HEX "\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXTS, "o=- 1 8 ");
    tag = command->tag;
    ua_done(world, command, 0, DIALOG, REQUEST("INVITE", ";tag=t1", "2", ""));
    json_decref(ua_answer_of(world));
    ua_say_answer(world, tag, 401,
                  RESPONSE("401", "2 INVITE", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"));
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "username=\"al\"");
    ua_done(world, command, 0, DIALOG, REQUEST("INVITE", ";tag=t1", "3", ""));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    ua_expect_event(world, "ended", "context", "row 7");
    // What is over is not there a third time.
    ua_restart(world);
    assert_true(LIST_EMPTY(&world->rpc.control.ua.calls));
}

static void test_context_changed(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    json_decref(ua_result(world, "ua.context", "{\"dialog\":\"" HEX "\",\"context\":\"later\"}"));
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    assert_string_equal(ua_call_by_id(&world->rpc.control.ua, DIALOG)->context, "later");
}

// What the data plane has no more: the program hears of it, with its context.
static void test_lost(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ",\"context\":\"row 8\""));
    ua_restart(world);
    ua_resume(world, NULL, 0);
    ua_attach_again(world);
    json_t *ended = ua_event_of(world, "ended");
    assert_string_equal(ua_text(ended, "reason"), "lost");
    assert_string_equal(ua_text(ended, "context"), "row 8");
    json_decref(ended);
}

// Our INVITE rings on: its answer finds it by the tag, its time limit goes on, it can be cancelled.
static void test_early(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, ",\"tag\":\"mine\",\"timeout_ms\":600000");
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    ua_expect_event(world, "state", "to", "early");
    ua_restart(world);
    ua_resume(world, early, 1);
    ua_attach_again(world);
    const struct ua_call *call = ua_call_by_id(&world->rpc.control.ua, DIALOG);
    assert_non_null(call->limit);
    assert_true(event_pending(call->limit, EV_TIMEOUT, NULL));
    ua_say_answer(world, tag, 180, RESPONSE("180", "1 INVITE", ""));
    ua_expect_event(world, "progress", "tag", "mine");
    ua_ask(world, "ua.cancel", "{\"dialog\":\"" HEX "\"}");
    ua_done(world, ua_command(world, CHANNEL_UA_CANCEL), 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_say_answer(world, tag, 487, RESPONSE("487", "1 INVITE", ""));
    ua_expect_event(world, "failed", "tag", "mine");
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    ua_expect_event(world, "ended", "by", "local");
}

static void test_answered_meanwhile(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_place(world, "");
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    ua_attach_again(world);
    ua_expect_event(world, "state", "to", "confirmed");
    assert_null(ua_call_by_id(&world->rpc.control.ua, DIALOG)->placing);
}

// Theirs rings on, and is answered by who comes back.
static void test_incoming(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_say_call(world, world->desk);
    json_decref(ua_event_of(world, "incoming"));
    ua_restart(world);
    ua_resume(world, early, 1);
    ua_attach_again(world);
    ua_ask(world, "ua.answer", "{\"dialog\":\"" HEX "\"}");
    ua_expect_answer(world, 0x1100000000000055u, 200);
    json_decref(ua_answer_of(world));
}

// An application that answers by itself does so after a restart, too.
static void test_automatic(void **state)
{
    static const struct ua_row rows[] = {{DIALOG, CHANNEL_DIALOG_EARLY, true, 0, false}};
    struct ua_world *world = *state;
    ua_say_call(world, world->robot);
    for (int i = 0; i < 1000 && LIST_EMPTY(&world->rpc.control.ua.calls); i++)
        far_run(world->rpc.base, 2);
    ua_restart(world);
    ua_resume(world, rows, 1);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    if (command->status == 180) { // it rings first, if that did not come while calls were listed
        ua_done(world, command, 0, DIALOG, NULL);
        command = ua_command(world, CHANNEL_UA_RESPOND);
    }
    assert_int_equal(command->transaction, 0x1100000000000055u);
    assert_int_equal(command->status, 603);
}

// REGISTER that was under way goes again, at once, in the name of the first.
static void test_registration(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_ask(world, "ua.register",
           "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\",\"expires\":60,\"user\":\"b\",\"password\":\"p\","
           "\"tag\":\"line\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "5", ""));
    json_decref(ua_answer_of(world));
    ua_restart(world);
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "REGISTER");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 60\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM_TAG, "f1");
    assert_true(command->cseq > 5);
    uint64_t tag = command->tag;
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "14", ""));
    const struct channel_ua_event refused = {
        .kind = CHANNEL_UA_ANSWERED, .tag = tag, .application = world->desk, .status = 401};
    ua_say(world, &refused,
           RESPONSE("401", "14 REGISTER", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"));
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "username=\"b\"");
    tag = command->tag;
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "15", ""));
    struct channel_ua_event event = {
        .kind = CHANNEL_UA_ANSWERED, .tag = tag, .application = world->desk, .status = 200};
    ua_say(world, &event, RESPONSE("200", "15 REGISTER", ""));
    ua_attach_again(world);
    ua_expect_event(world, "registered", "tag", "line");
    // One that is granted waits for its time, and is given up when it is asked to be.
    ua_restart(world);
    ua_attach_again(world);
    ua_ask(world, "ua.unregister", "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\"}");
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 0\r\n");
    assert_true(command->cseq > 15);
    event.tag = command->tag;
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "30", ""));
    json_decref(ua_answer_of(world));
    ua_say(world, &event, RESPONSE("200", "30 REGISTER", ""));
    json_decref(ua_event_of(world, "registered"));
    ua_restart(world);
    assert_true(LIST_EMPTY(&world->rpc.control.ua.registrations));
}

// --- transfers ---

static uint64_t expect_notify(struct ua_world *world, const char *state, const char *sipfrag)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "NOTIFY");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, state);
    ua_expect_in(command, CHANNEL_UA_TEXTS, sipfrag);
    ua_done(world, command, 0, command->dialog, NOTIFY_OF("5"));
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

// A transfer that is carried out: the REFER accepted, NOTIFY 100 unanswered, the call ringing. Its INVITE's
// tag.
static uint64_t begin_transfer(struct ua_world *world)
{
    ua_attach(world);
    ua_confirm(world, ua_place(world, ",\"body\":\"" SDP_JSON "\""));
    ua_say_asked(world, TRANSACTION, 0,
                 REQUEST("REFER", ";tag=t1", "7", "Refer-To: sip:c@z\r\nReferred-By: <sip:a@x>\r\n"));
    ua_expect_answer(world, TRANSACTION, 200);
    expect_notify(world, "active", "SIP/2.0 100");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    uint64_t tag = command->tag;
    ua_done(world, command, 0, TARGET, NULL);
    ua_run(world);
    assert_int_equal(world->rpc.control.transfers.count, 1);
    return tag;
}

static void expect_last(struct ua_world *world, const char *sipfrag)
{
    uint64_t notify = expect_notify(world, "terminated;reason=noresource", sipfrag);
    ua_say_answer(world, notify, 200, RESPONSE("200", "6 NOTIFY", ""));
    for (int i = 0; i < 1000 && world->rpc.control.transfers.count > 0; i++)
        far_run(world->rpc.base, 2);
    assert_int_equal(world->rpc.control.transfers.count, 0);
}

static void test_transfer_goes_on(void **state)
{
    static const struct ua_row rows[] = {{DIALOG, CHANNEL_DIALOG_CONFIRMED, false, 0, false},
                                         {TARGET, CHANNEL_DIALOG_EARLY, false, 0, false}};
    struct ua_world *world = *state;
    uint64_t invite = begin_transfer(world);
    ua_restart(world);
    ua_resume(world, rows, 2);
    // Whether the far end has heard the one that was under way is not known: it hears it again.
    uint64_t notify = expect_notify(world, "active", "SIP/2.0 100 Trying");
    ua_say_answer(world, notify, 200, RESPONSE("200", "5 NOTIFY", ""));
    say_target(world, invite, 180, OF_TARGET("180 Ringing"));
    notify = expect_notify(world, "active", "SIP/2.0 180 Ringing");
    ua_say_answer(world, notify, 200, RESPONSE("200", "5 NOTIFY", ""));
    say_target(world, invite, 486, OF_TARGET("486 Busy Here"));
    expect_last(world, "SIP/2.0 486 Busy Here\r\n");
    ua_restart(world);
    assert_int_equal(world->rpc.control.transfers.count, 0);
}

// After the transferor has left, in the name of the dialog that was.
static void test_transfer_alone(void **state)
{
    static const struct ua_row rows[] = {{TARGET, CHANNEL_DIALOG_CONFIRMED, false, 0, false}};
    struct ua_world *world = *state;
    begin_transfer(world);
    ua_say_asked(world, 0, 200, REQUEST("BYE", ";tag=t1", "8", ""));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    json_decref(ua_event_of(world, "ended"));
    ua_restart(world);
    ua_resume(world, rows, 1);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    assert_int_equal(command->dialog, 0);
    assert_int_equal(command->cseq, 6);
    ua_expect_in(command, CHANNEL_UA_TEXT_TO, "<sip:a@x>;tag=f1");
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "terminated;reason=noresource");
    ua_expect_in(command, CHANNEL_UA_TEXTS, "SIP/2.0 200 OK\r\n");
}

static void test_transfer_confirmed(void **state)
{
    static const struct ua_row rows[] = {{DIALOG, CHANNEL_DIALOG_CONFIRMED, false, 0, false},
                                         {TARGET, CHANNEL_DIALOG_CONFIRMED, false, 0, false}};
    begin_transfer(*state);
    ua_restart(*state);
    ua_resume(*state, rows, 2);
    expect_last(*state, "SIP/2.0 200");
}

// What it ended with is not known: RFC 3515 2.4.5 knows no word for that but a failure of ours.
static void test_transfer_gone(void **state)
{
    struct ua_world *world = *state;
    begin_transfer(world);
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    uint64_t notify = expect_notify(world, "active", "SIP/2.0 100"); // the failure may be on its way
    ua_say_answer(world, notify, 200, RESPONSE("200", "5 NOTIFY", ""));
    expect_last(world, "SIP/2.0 503 Service Unavailable");
}

// Who was asked is gone.
static void test_asked(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    ua_say_asked(world, TRANSACTION, 0, REQUEST("REFER", ";tag=t1", "7", "Refer-To: sip:c@z\r\n"));
    json_decref(ua_event_of(world, "refer"));
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    ua_expect_answer(world, TRANSACTION, 480);
    ua_run(world);
    assert_int_equal(world->rpc.control.transfers.count, 0);
}

// What else was asked waits: the program knows its id still, and the far end hears of no restart.
static void test_requests(void **state)
{
    struct ua_world *world = *state;
    const struct channel_ua_event outside = {.kind = CHANNEL_UA_ASKED,
                                             .transaction = TRANSACTION + 2,
                                             .call = 701,
                                             .application = world->desk,
                                             .peer = world->carrier};
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    ua_say(world, &outside, REQUEST("MESSAGE", "", "1", ""));
    json_decref(ua_event_of(world, "request"));
    for (uint64_t begun = clock_ms(); clock_ms() == begun;)
        ua_run(world);
    ua_say_asked(world, TRANSACTION + 1, 0, REQUEST("INFO", ";tag=t1", "7", ""));
    ua_say_asked(world, TRANSACTION, 0, REQUEST("INVITE", ";tag=t1", "8", ""));
    for (unsigned i = 0; i < 2; i++)
        json_decref(ua_event_of(world, "request"));
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    ua_attach_again(world);
    const struct ua *ua = &world->rpc.control.ua;
    assert_int_equal(ua->requests.count, 3);
    // They came by their ids; who came first is due first.
    const struct ua_request *first = TAILQ_FIRST(&ua->unanswered);
    assert_int_equal(first->node.key, TRANSACTION + 2);
    assert_true(TAILQ_NEXT(first, link)->deadline_ms >= first->deadline_ms &&
                first->deadline_ms > clock_ms());
    ua_ask(world, "ua.answer", "{\"dialog\":\"" HEX "\"}");
    ua_expect_answer(world, TRANSACTION, 200);
    json_decref(ua_answer_of(world));
    ua_ask(world, "ua.respond", "{\"request\":\"1100000000000078\",\"status\":405}");
    ua_expect_answer(world, TRANSACTION + 1, 405);
    json_decref(ua_answer_of(world));
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    assert_int_equal(world->rpc.control.ua.requests.count, 1);
    // Transactions die with their data plane.
    ua_reboot(world);
    ua_resume(world, confirmed, 1);
    assert_int_equal(world->rpc.control.ua.requests.count, 0);
    ua_restart(world);
    assert_int_equal(world->rpc.control.ua.requests.count, 0);
}

static uint64_t taken_of(struct ua_world *world)
{
    static struct far_message message;
    for (int i = 0; i < 100; i++) {
        ua_run(world);
        while (far_receive(world->rpc.far, &message, NULL, 0))
            if (message.header.type == CHANNEL_UA_TAKEN)
                return ((const struct channel_ua_taken *)(const void *)message.body)->number;
    }
    return 0;
}

// What the data plane told an earlier control and has not heard of comes again: it counts once.
static void test_taken(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, "");
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    ua_expect_event(world, "state", "to", "early");
    assert_int_equal(taken_of(world), world->next - 1);
    ua_restart(world);
    ua_resume(world, early, 1);
    ua_attach_again(world);
    assert_int_equal(taken_of(world), world->next - 1); // it may not have come
    world->next--;
    ua_say_answer(world, tag, 487, RESPONSE("487", "1 INVITE", ""));
    ua_say_answer(world, tag, 486, RESPONSE("486", "1 INVITE", ""));
    json_t *failed = ua_event_of(world, "failed");
    assert_int_equal(json_integer_value(json_object_get(failed, "status")), 486);
    json_decref(failed);
    // Another data plane counts anew.
    ua_reboot(world);
    ua_resume(world, NULL, 0);
    world->next = 1;
    ua_say_call(world, world->desk);
    ua_expect_event(world, "incoming", "peer", "carrier-a");
    assert_int_equal(taken_of(world), 1);
}

static void test_sent(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    ua_ask(world, "refer.send", "{\"dialog\":\"" HEX "\",\"to\":\"sip:c@z\",\"tag\":\"mine\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_done(world, command, 0, DIALOG, REQUEST("REFER", ";tag=t1", "9", ""));
    json_decref(ua_answer_of(world));
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    ua_attach_again(world);
    ua_say_answer(world, tag, 202, RESPONSE("202", "9 REFER", ""));
    ua_expect_event(world, "refer_progress", "state", "waiting");
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    ua_attach_again(world);
    ua_say_asked(world, TRANSACTION, 0,
                 "NOTIFY sip:b@y SIP/2.0\r\n" HEAD(
                     "t1", ";tag=f1",
                     "1 NOTIFY") "Event: refer\r\nSubscription-State: terminated\r\n\r\nSIP/2.0 200 OK\r\n");
    ua_expect_answer(world, TRANSACTION, 200);
    ua_expect_event(world, "refer_progress", "tag", "mine");
    assert_int_equal(world->rpc.control.transfers.count, 0);
}

#define TEST(name)     cmocka_unit_test_setup_teardown(name, ua_setup, ua_teardown)
#define TRANSFER(name) cmocka_unit_test_setup_teardown(name, ua_setup_transfers, ua_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_confirmed),
        TEST(test_context_changed),
        TEST(test_lost),
        TEST(test_early),
        TEST(test_answered_meanwhile),
        TEST(test_incoming),
        TEST(test_automatic),
        TEST(test_registration),
        TRANSFER(test_transfer_goes_on),
        TRANSFER(test_transfer_alone),
        TRANSFER(test_transfer_confirmed),
        TRANSFER(test_transfer_gone),
        TEST(test_asked),
        TEST(test_requests),
        TEST(test_taken),
        TEST(test_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
