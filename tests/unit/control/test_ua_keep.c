// SPDX-License-Identifier: BSD-3-Clause
// What applications have is there again after a restart of control: the same daemon twice over one directory.
#include "cmocka_first.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static void attach(struct ua_world *world)
{
    json_decref(ua_result(world, "ua.attach", "{\"application\":\"desk\",\"since\":0}"));
}

static void expect_answer(struct ua_world *world, uint64_t transaction, unsigned status)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->transaction, transaction);
    assert_int_equal(command->status, status);
    ua_done(world, command, 0, DIALOG, NULL);
}

static void test_confirmed(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(
        world, ",\"context\":\"row 7\",\"user\":\"al\",\"password\":\"pw\",\"body\":\"" SDP_JSON "\"");
    ua_confirm(world, tag);
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    attach(world);
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
    attach(world);
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
    attach(world);
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
    attach(world);
    ua_expect_event(world, "state", "to", "confirmed");
    assert_null(ua_call_by_id(&world->rpc.control.ua, DIALOG)->placing);
}

// --- an INVITE of ours whose answer comes to the next control ---

#define AUTHENTICATE "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
#define NEXT         0x1100000000000009u // handle of the next try

static uint64_t place_with_password(struct ua_world *world)
{
    ua_attach(world);
    return ua_place(world, ",\"tag\":\"mine\",\"user\":\"al\",\"password\":\"pw\",\"context\":\"row 9\"");
}

// Answers the INVITE that is tried again: under the same id, and with the first one's tag.
static void expect_call_goes_on(struct ua_world *world, const struct channel_ua_command *again)
{
    uint64_t tag = again->tag;
    ua_done(world, again, 0, NEXT, REQUEST("INVITE", "", "2", ""));
    ua_run(world);
    const struct ua_call *call = ua_call_by_id(&world->rpc.control.ua, DIALOG);
    assert_non_null(call);
    assert_int_equal(call->by_handle.key, NEXT);
    assert_string_equal(call->context, "row 9");
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                           .tag = tag,
                                           .dialog = NEXT,
                                           .call = 700,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .status = 200};
    ua_say(world, &event, RESPONSE("200", "2 INVITE", ""));
    ua_expect_event(world, "answered", "tag", "mine");
}

static void test_challenged_meanwhile(void **state)
{
    struct ua_world *world = *state;
    uint64_t tag = place_with_password(world);
    ua_restart(world);
    attach(world);
    for (int i = 0; i < 1000 && !world->rpc.control.ua.round; i++)
        far_run(world->rpc.base, 2);
    ua_say_answer(world, tag, 401, RESPONSE("401", "1 INVITE", AUTHENTICATE)); // before its rows
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "username=\"al\"");
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, DESK_CALL_ID);
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:b@y");
    assert_int_equal(command->cseq, 2);
    assert_int_equal(command->to_peer, world->carrier);
    expect_call_goes_on(world, command);
}

// Control ends when the next try has been handed over: what became of it, the data plane says.
static void test_tried_again_meanwhile(void **state)
{
    struct ua_world *world = *state;
    uint64_t tag = place_with_password(world);
    ua_say_answer(world, tag, 401, RESPONSE("401", "1 INVITE", AUTHENTICATE));
    struct channel_ua_command again = *ua_command(world, CHANNEL_UA_INVITE);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    attach(world);
    expect_call_goes_on(world, &again);
}

// It waits for its time: 503 with Retry-After, as the policy allows.
static void test_waits_to_be_tried_again(void **state)
{
    struct ua_world *world = *state;
    uint64_t tag = place_with_password(world);
    ua_say_answer(world, tag, 503, RESPONSE("503", "1 INVITE", "Retry-After: 1\r\n"));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    for (int i = 0; i < 2000 && !ua_call_by_id(&world->rpc.control.ua, DIALOG)->over; i++)
        far_run(world->rpc.base, 2);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    attach(world);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, DESK_CALL_ID);
    expect_call_goes_on(world, command);
}

// Its failure came while nobody listened, and could not be kept.
static void test_answer_lost(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_place(world, ",\"tag\":\"mine\"");
    ua_restart(world);
    ua_resume(world, NULL, 0);
    attach(world);
    json_t *event = ua_event_of(world, "failed");
    assert_int_equal(json_integer_value(json_object_get(event, "status")), UA_LOST_STATUS);
    assert_string_equal(ua_text(event, "reason"), "lost in a restart");
    assert_string_equal(ua_text(event, "tag"), "mine");
    json_decref(event);
    ua_expect_event(world, "ended", "reason", "lost");
}

// Nobody knows of it: our INVITE was sent, or theirs came, right before the end.
static void test_unknown_early(void **state)
{
    static const struct ua_row rows[] = {{TARGET, CHANNEL_DIALOG_EARLY, false, 800, true}};
    struct ua_world *world = *state;
    ua_attach(world);
    ua_restart(world);
    attach(world);
    ua_resume(world, rows, 1);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_END);
    assert_int_equal(command->dialog, TARGET);
    assert_int_equal(command->status, 480);
    ua_done(world, command, 0, TARGET, NULL);
    ua_say_state(world, TARGET, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL); // behind it
    json_t *event = ua_event_of(world, "state"); // the first that the program hears
    assert_string_equal(ua_text(event, "dialog"), HEX);
    json_decref(event);
    assert_null(ua_call_by_handle(&world->rpc.control.ua, TARGET));
}

// The row of a call that comes at this moment may be faster than its event.
static void test_not_unknown(void **state)
{
    static const struct ua_row rows[] = {{DIALOG, CHANNEL_DIALOG_EARLY, false, 0, true}};
    struct ua_world *world = *state;
    ua_attach(world);
    ua_restart(world);
    attach(world);
    ua_resume(world, rows, 1);
    world->rpc.control.ua.settle_ms += 600000;
    ua_say_call(world, world->desk);
    ua_expect_event(world, "incoming", "dialog", HEX);
    world->rpc.control.ua.settle_ms = 1; // now
    for (int i = 0; i < 2000 && world->rpc.control.ua.settle_ms; i++)
        far_run(world->rpc.base, 2);
    assert_int_equal(world->rpc.control.ua.settle_ms, 0);
    ua_ask(world, "ua.answer", "{\"dialog\":\"" HEX "\"}");
    expect_answer(world, 0x1100000000000055u, 200); // no END was before it
    json_decref(ua_answer_of(world));
}

// --- another process of the data plane ---

// The call has another handle there, the program goes on with the same id.
static void test_dataplane_confirmed(void **state)
{
    // Another call, and one with its Call-ID in which the application was called.
    static const struct ua_row rows[] = {{DIALOG + 0x20, CHANNEL_DIALOG_CONFIRMED, false, 900, false},
                                         {TARGET, CHANNEL_DIALOG_CONFIRMED, false, 700, true},
                                         {NEXT, CHANNEL_DIALOG_CONFIRMED, false, 700, false}};
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ",\"context\":\"row 7\",\"body\":\"" SDP_JSON "\""));
    ua_ask(world, "ua.request", "{\"dialog\":\"" HEX "\",\"method\":\"INFO\",\"tag\":\"i\"}");
    ua_done(world, ua_command(world, CHANNEL_UA_REQUEST), 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_reboot(world);
    json_t *event = ua_event_of(world, "response"); // nobody will answer it any more
    assert_int_equal(json_integer_value(json_object_get(event, "status")), UA_LOST_STATUS);
    assert_string_equal(ua_text(event, "tag"), "i");
    json_decref(event);
    ua_refused(world, "ua.hold", "{\"dialog\":\"" HEX "\"}", DG_UNAVAILABLE);
    ua_resume(world, rows, 3);
    event = ua_event_of(world, "resumed");
    assert_string_equal(ua_text(event, "restarted"), "dataplane");
    assert_int_equal(json_integer_value(json_object_get(event, "dialogs")), 3);
    assert_int_equal(json_integer_value(json_object_get(event, "found")), 2);
    json_decref(event);
    const struct ua_call *call = ua_call_by_handle(&world->rpc.control.ua, NEXT);
    assert_non_null(call);
    assert_int_equal(call->by_id.key, DIALOG);
    assert_string_equal(call->context, "row 7");
    assert_int_equal(call->history[call->changes - 1].reason, CHANNEL_REASON_RESTORED);
    // And over a restart of control after that.
    ua_restart(world);
    ua_resume(world, rows, 3);
    attach(world);
    ua_ask(world, "ua.hold", "{\"dialog\":\"" HEX "\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    assert_int_equal(command->dialog, NEXT);
    ua_expect_in(command, CHANNEL_UA_TEXTS, "o=- 1 8 ");
    ua_done(world, command, 0, NEXT, NULL);
    json_decref(ua_answer_of(world));
}

// An event of it comes before its row: it is the same call.
static void test_dataplane_event_first(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    ua_reboot(world);
    const struct channel_ua_event bye = {.kind = CHANNEL_UA_STATE,
                                         .dialog = NEXT,
                                         .call = 700,
                                         .application = world->desk,
                                         .peer = world->carrier,
                                         .state = CHANNEL_DIALOG_TERMINATED,
                                         .reason = CHANNEL_REASON_BYE};
    ua_say(world, &bye, NULL);
    json_t *event = ua_event_of(world, "ended");
    assert_string_equal(ua_text(event, "dialog"), HEX);
    assert_string_equal(ua_text(event, "reason"), "bye");
    json_decref(event);
}

// What rang has no transaction there: our INVITE has failed, theirs is over, and the records go.
static void test_dataplane_early(void **state)
{
    static const struct ua_row rows[] = {{NEXT, CHANNEL_DIALOG_EARLY, false, 700, false}};
    struct ua_world *world = *state;
    ua_attach(world);
    ua_place(world, ",\"tag\":\"mine\"");
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    ua_expect_event(world, "state", "to", "early");
    ua_reboot(world);
    ua_resume(world, rows, 1);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_END);
    assert_int_equal(command->dialog, NEXT);
    ua_done(world, command, 0, NEXT, NULL);
    ua_expect_event(world, "failed", "tag", "mine");
    ua_expect_event(world, "ended", "reason", "lost");
    ua_say_state(world, NEXT, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_OPERATOR);
    for (int i = 0; i < 1000 && !LIST_EMPTY(&world->rpc.control.ua.calls); i++)
        far_run(world->rpc.base, 2);
    assert_true(LIST_EMPTY(&world->rpc.control.ua.calls));
}

// It was answered right before the data plane ended.
static void test_dataplane_answered(void **state)
{
    static const struct ua_row rows[] = {{NEXT, CHANNEL_DIALOG_CONFIRMED, false, 700, false}};
    struct ua_world *world = *state;
    ua_attach(world);
    ua_place(world, ",\"tag\":\"mine\"");
    ua_reboot(world);
    ua_resume(world, rows, 1);
    ua_expect_event(world, "answered", "tag", "mine");
    assert_int_equal(ua_call_by_handle(&world->rpc.control.ua, NEXT)->by_id.key, DIALOG);
}

// The application has left the configuration: its calls are ended, also those that control did not know.
static void test_application_gone(void **state)
{
    static const struct ua_row rows[] = {{DIALOG, CHANNEL_DIALOG_CONFIRMED, false, 0, false},
                                         {TARGET, CHANNEL_DIALOG_CONFIRMED, false, 800, true}};
    struct ua_world *world = *state;
    bool seen[2] = {false, false};
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    ua_restart(world);
    world->rpc.control.ua.apps[world->desk]->served = false;
    ua_resume(world, rows, 2);
    for (int i = 0; i < 2; i++) {
        const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_END);
        ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Reason: SIP;cause=480;");
        seen[command->dialog == TARGET] = true;
        // The first finds no room, and comes again.
        ua_done(world, command, i ? 0 : -ENOSPC, command->dialog, NULL);
        if (i)
            ua_say_state(world, command->dialog, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE_DONE);
    }
    assert_true(seen[0] && seen[1]);
    assert_int_not_equal(ua_command(world, CHANNEL_UA_END)->dialog, 0);
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
    attach(world);
    ua_ask(world, "ua.answer", "{\"dialog\":\"" HEX "\"}");
    expect_answer(world, 0x1100000000000055u, 200);
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
    attach(world);
    ua_expect_event(world, "registered", "tag", "line");
    // One that is granted waits for its time, and is given up when it is asked to be.
    ua_restart(world);
    attach(world);
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
    expect_answer(world, TRANSACTION, 200);
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
    expect_answer(world, TRANSACTION, 480);
    ua_run(world);
    assert_int_equal(world->rpc.control.transfers.count, 0);
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
    attach(world);
    ua_say_answer(world, tag, 202, RESPONSE("202", "9 REFER", ""));
    ua_expect_event(world, "refer_progress", "state", "waiting");
    ua_restart(world);
    ua_resume(world, confirmed, 1);
    attach(world);
    ua_say_asked(world, TRANSACTION, 0,
                 "NOTIFY sip:b@y SIP/2.0\r\n" HEAD(
                     "t1", ";tag=f1",
                     "1 NOTIFY") "Event: refer\r\nSubscription-State: terminated\r\n\r\nSIP/2.0 200 OK\r\n");
    expect_answer(world, TRANSACTION, 200);
    ua_expect_event(world, "refer_progress", "tag", "mine");
    assert_int_equal(world->rpc.control.transfers.count, 0);
}

static int setup_transferring(void **state)
{
    struct ua_world *world = malloc(sizeof(*world));
    *state = world;
    return world ? ua_world_open(world, " - {name: desk, listener: edge, refer: accept, refer_targets: "
                                        "['@z']}\n - {name: robot}\n")
                 : -1;
}

#define TEST(name)     cmocka_unit_test_setup_teardown(name, ua_setup, ua_teardown)
#define TRANSFER(name) cmocka_unit_test_setup_teardown(name, setup_transferring, ua_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_confirmed),
        TEST(test_context_changed),
        TEST(test_lost),
        TEST(test_early),
        TEST(test_answered_meanwhile),
        TEST(test_challenged_meanwhile),
        TEST(test_tried_again_meanwhile),
        TEST(test_waits_to_be_tried_again),
        TEST(test_answer_lost),
        TEST(test_unknown_early),
        TEST(test_not_unknown),
        TEST(test_dataplane_confirmed),
        TEST(test_dataplane_event_first),
        TEST(test_dataplane_early),
        TEST(test_dataplane_answered),
        TEST(test_application_gone),
        TEST(test_incoming),
        TEST(test_automatic),
        TEST(test_registration),
        TRANSFER(test_transfer_goes_on),
        TRANSFER(test_transfer_alone),
        TRANSFER(test_transfer_confirmed),
        TRANSFER(test_transfer_gone),
        TEST(test_asked),
        TEST(test_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
