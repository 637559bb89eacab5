// SPDX-License-Identifier: BSD-3-Clause
// What becomes of applications' calls when control is started anew while an INVITE waits, and when the data
// plane is: what goes on, and what is told of the rest.
#include "cmocka_first.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "ua_world.h"

#define TARGET 0x1100000000000002u

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
    ua_attach_again(world);
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
    ua_attach_again(world);
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
    ua_attach_again(world);
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
    ua_attach_again(world);
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
    ua_attach_again(world);
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
    ua_attach_again(world);
    ua_resume(world, rows, 1);
    world->rpc.control.ua.settle_ms += 600000;
    ua_say_call(world, world->desk);
    ua_expect_event(world, "incoming", "dialog", HEX);
    world->rpc.control.ua.settle_ms = 1; // now
    for (int i = 0; i < 2000 && world->rpc.control.ua.settle_ms; i++)
        far_run(world->rpc.base, 2);
    assert_int_equal(world->rpc.control.ua.settle_ms, 0);
    ua_ask(world, "ua.answer", "{\"dialog\":\"" HEX "\"}");
    ua_expect_answer(world, 0x1100000000000055u, 200); // no END was before it
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
    ua_attach_again(world);
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

// --- REFER outside dialogs ---

static uint64_t send_outside(struct ua_world *world)
{
    ua_ask(world, "refer.send",
           "{\"application\":\"desk\",\"uri\":\"sip:b@y\",\"to\":\"sip:c@z\",\"tag\":\"mine\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_done(world, command, 0, 0, REQUEST("REFER", "", "9", ""));
    json_decref(ua_answer_of(world));
    return tag;
}

static void test_refer_outside(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = send_outside(world);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    ua_attach_again(world);
    const struct channel_ua_event accepted = {
        .kind = CHANNEL_UA_ANSWERED, .tag = tag, .application = world->desk, .status = 202};
    ua_say(world, &accepted, RESPONSE("202", "9 REFER", ""));
    ua_expect_event(world, "refer_progress", "state", "waiting");
    // Another one: no answer comes from a data plane that has not sent it.
    send_outside(world);
    ua_reboot(world);
    json_t *event = ua_event_of(world, "refer_progress");
    assert_string_equal(ua_text(event, "state"), "over");
    assert_int_equal(json_integer_value(json_object_get(event, "status")), UA_LOST_STATUS);
    json_decref(event);
    ua_resume(world, NULL, 0);
    assert_int_equal(world->rpc.control.transfers.count, 1);
}

// Theirs, accepted right before control ended: our tag is not known, and nothing can be told.
static void test_refer_outside_accepted(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    const struct channel_ua_event asked = {.kind = CHANNEL_UA_ASKED,
                                           .transaction = 0x1100000000000077u,
                                           .call = 900,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .source = IP_MAPPED(0x0a0a0101),
                                           .source_port = 5060};
    ua_say(world, &asked, REQUEST("REFER", "", "7", "Refer-To: sip:c@z\r\nContact: <sip:a@x>\r\n"));
    assert_int_equal(ua_command(world, CHANNEL_UA_RESPOND)->status, 200);
    ua_restart(world);
    ua_resume(world, NULL, 0);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->transaction, asked.transaction);
    assert_int_equal(command->status, 480);
    ua_done(world, command, -ENOENT, 0, NULL); // it has had its 200
    assert_int_equal(world->rpc.control.transfers.count, 0);
    assert_true(TAILQ_EMPTY(&world->rpc.control.referrals.open));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ua_setup, ua_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        TEST(test_refer_outside),
        cmocka_unit_test_setup_teardown(test_refer_outside_accepted, ua_setup_transfers, ua_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
