// SPDX-License-Identifier: BSD-3-Clause
// Calls that are to replace another one (RFC 3891), against a data plane that the test plays.
#include "cmocka_first.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rpc/dialog.h"
#include "replaces_world.h"

static void test_syntax(void **state)
{
    static const struct {
        const char *name, *lines;
    } rows[] = {
        {"two fields", REPLACES "\r\n" REPLACES},
        {"two values", REPLACES ", c2@test;to-tag=a;from-tag=b"},
        {"Join beside it", REPLACES "\r\nJoin: c1@test;to-tag=f1;from-tag=t1"},
        {"no to-tag", "Replaces: c1@test;from-tag=t1"},
        {"no from-tag", "Replaces: c1@test;to-tag=f1"},
        {"two to-tags", "Replaces: c1@test;to-tag=f1;to-tag=f1;from-tag=t1"},
        {"empty tag", "Replaces: c1@test;to-tag=;from-tag=t1"},
        {"no Call-ID", "Replaces: ;to-tag=f1;from-tag=t1"},
        {"nothing", "Replaces: "},
    };
    struct ua_world *world = *state;
    begin(world);
    const struct ua_app *desk = world->rpc.control.ua.apps[world->desk];
    uint64_t told = desk->ring.last;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct incoming new = to_desk(world, rows[i].lines);
        new.number = i;
        print_message("%s\n", rows[i].name);
        say_new(world, &new);
        expect_refused(world, 400, i);
    }
    expect_none(world);
    expect_counted(world, TAKEOVER_MALFORMED, sizeof(rows) / sizeof(rows[0]));
    assert_int_equal(desk->ring.last, told); // the program has heard of none
    assert_int_equal(desk->calls, 1);
    // RFC 3911 section 4: without support Join is a header like any other.
    const struct incoming join = to_desk(world, "Join: c1@test;to-tag=f1;from-tag=t1");
    say_new(world, &join);
    json_t *event = ua_event_of(world, "incoming");
    assert_null(json_object_get(event, "replaces"));
    json_decref(event);
    expect_none(world);
}

static void test_results(void **state)
{
    static const struct {
        int result;
        bool early_only;
        unsigned status;
        enum takeover outcome;
    } rows[] = {{-ENOENT, false, 481, TAKEOVER_UNKNOWN}, {-EALREADY, false, 603, TAKEOVER_ENDED},
                {-EALREADY, true, 603, TAKEOVER_ENDED},  {-EISCONN, true, 486, TAKEOVER_CONFIRMED},
                {-EPROTO, false, 481, TAKEOVER_UNKNOWN}, {-EPROTO, true, 481, TAKEOVER_UNKNOWN},
                {-EBUSY, false, 486, TAKEOVER_TAKEN},    {-ENOSPC, false, 503, TAKEOVER_UNAVAILABLE}};
    struct ua_world *world = *state;
    begin(world);
    uint64_t *takeovers = world->rpc.control.transfers.takeovers;
    const struct ua_app *desk = world->rpc.control.ua.apps[world->desk];
    uint64_t told = desk->ring.last;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct incoming new =
            to_desk(world, rows[i].early_only ? REPLACES ";early-only"
                                              : "replaces : c1@test ; from-tag=t1\r\n ;to-tag=f1");
        new.number = i;
        say_new(world, &new);
        expect_claim(world, rows[i].result, rows[i].early_only ? CHANNEL_UA_EARLY_ONLY : 0);
        expect_refused(world, rows[i].status, i);
        expect_counted(world, rows[i].outcome, 1);
        takeovers[rows[i].outcome] = 0;
    }
    expect_none(world);
    assert_int_equal(desk->ring.last, told);
    assert_int_equal(desk->calls, 1);
}

static void expect_listed(struct ua_world *world, unsigned count)
{
    json_t *list = ua_result(world, "ua.list", "{}"), *all = ua_result(world, "ua.count", "{}");
    assert_int_equal(json_array_size(json_object_get(list, "dialogs")), count);
    assert_int_equal(json_integer_value(json_object_get(all, "dialogs")), count);
    json_decref(list);
    json_decref(all);
}

// What the program is not told of is not listed either: it would never hear of its end.
static void test_unlisted(void **state)
{
    struct ua_world *world = *state;
    begin(world);
    struct incoming new = to_desk(world, REPLACES);
    say_new(world, &new);
    expect_listed(world, 1);
    expect_claim(world, -ENOENT, 0);
    expect_refused(world, 481, 0);
    expect_listed(world, 1);
    new.number = 1;
    say_new(world, &new);
    expect_claim(world, 0, 0);
    ua_expect_event(world, "incoming", "replaces", HEX);
    expect_listed(world, 2);
}

static void test_takeover(void **state)
{
    struct ua_world *world = *state;
    begin_both(world);
    ua_ask(world, "ua.get", "{\"dialog\":\"" NEW_HEX "\"}");
    ua_ask(world, "ua.progress", "{\"dialog\":\"" NEW_HEX "\"}");
    ua_done(world, ua_command(world, CHANNEL_UA_RESPOND), 0, NEW, NULL);
    json_t *shown = ua_answer_of(world);
    assert_string_equal(ua_text(json_object_get(shown, "result"), "replaces"), HEX);
    json_decref(shown);
    json_decref(ua_answer_of(world));
    expect_none(world);
    ua_ask(world, "ua.answer", "{\"dialog\":\"" NEW_HEX "\",\"body\":\"" SDP_JSON "\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 200);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Supported: replaces\r\n");
    expect_none(world); // the old one stays until the new one is there
    ua_done(world, command, 0, NEW, NULL);
    expect_end(world);
    say_call_state(world, NEW, CHANNEL_DIALOG_CONFIRMED);
    say_call_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED);
    json_t *ended = ua_event_of(world, "ended");
    assert_string_equal(ua_text(ended, "dialog"), HEX);
    assert_string_equal(ua_text(ended, "by"), "local");
    json_decref(ended);
    expect_none(world);
    expect_counted(world, TAKEOVER_DONE, 1);
}

static void test_refused(void **state)
{
    struct ua_world *world = *state;
    begin_both(world);
    ua_ask(world, "ua.reject", "{\"dialog\":\"" NEW_HEX "\",\"status\":488}");
    expect_refused(world, 488, 0);
    expect_given_back(world);
    expect_none(world);
    expect_counted(world, TAKEOVER_REFUSED, 1);
}

static void say_cancelled(struct ua_world *world)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_CANCELLED,
                                           .dialog = NEW,
                                           .transaction = INVITE,
                                           .call = 900,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .status = 487};
    ua_say(world, &event, REQUEST("CANCEL", "", "1", ""));
    say_call_state(world, NEW, CHANNEL_DIALOG_TERMINATED);
}

static void test_cancelled(void **state)
{
    struct ua_world *world = *state;
    begin_both(world);
    say_cancelled(world);
    expect_given_back(world);
    expect_none(world);
    // While the data plane looks for the old one.
    const struct incoming new = to_desk(world, REPLACES);
    say_new(world, &new);
    const struct channel_ua_command command = *ua_command(world, CHANNEL_UA_CLAIM);
    say_cancelled(world);
    ua_run(world);
    ua_done(world, &command, 0, DIALOG, NULL);
    expect_given_back(world);
    expect_none(world);
    expect_counted(world, TAKEOVER_CANCELLED, 2);
}

// The old one ends before the new one is answered.
static void test_bye_first(void **state)
{
    struct ua_world *world = *state;
    begin_both(world);
    say_call_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED);
    expect_refused(world, 481, 0);
    expect_none(world);
    expect_counted(world, TAKEOVER_ENDED, 1);
    ua_refused(world, "ua.answer", "{\"dialog\":\"" NEW_HEX "\"}", DG_NOT_FOUND);
}

// The answer was on its way already: it stands; where it could not be sent, there is nothing to replace.
static void test_bye_crosses(void **state)
{
    struct ua_world *world = *state;
    for (int sent = 1; sent >= 0; sent--) {
        sent ? begin_both(world) : (void)0;
        if (!sent) {
            ua_confirm(world, ua_place(world, ""));
            const struct incoming new = to_desk(world, REPLACES);
            say_new(world, &new);
            expect_claim(world, 0, 0);
            ua_expect_event(world, "incoming", "replaces", HEX);
        }
        ua_ask(world, "ua.answer", "{\"dialog\":\"" NEW_HEX "\"}");
        const struct channel_ua_command answer = *ua_command(world, CHANNEL_UA_RESPOND);
        say_call_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED);
        expect_none(world);
        ua_done(world, &answer, sent ? 0 : -ENOSPC, NEW, NULL);
        if (!sent)
            expect_refused(world, 481, 0);
        json_decref(ua_answer_of(world));
        if (sent)
            say_call_state(world, NEW, CHANNEL_DIALOG_TERMINATED);
        expect_none(world);
    }
}

// RFC 3891 7.1: the call that rang is answered first.
static void test_early_only(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, "");
    say_call_state(world, DIALOG, CHANNEL_DIALOG_EARLY);
    const struct incoming new = to_desk(world, REPLACES ";early-only");
    say_new(world, &new);
    expect_claim(world, 0, CHANNEL_UA_EARLY_ONLY);
    ua_expect_event(world, "incoming", "replaces", HEX);
    ua_say_answer(world, tag, 200, RESPONSE("200", "1 INVITE", ""));
    say_call_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED);
    expect_refused(world, 486, 0);
    expect_given_back(world);
    expect_none(world);
}

// The data plane does not end the old call for us: one of the two goes all the same.
static void test_not_held(void **state)
{
    static const struct {
        const char *name, *lines;
        unsigned state; // of the old call
        uint64_t ends;  // 0: none, it is ending
        const char *reason;
    } rows[] = {
        {"the claim has run out", REPLACES, CHANNEL_DIALOG_CONFIRMED, DIALOG, "cause=200"},
        {"of one that rings", REPLACES ";early-only", CHANNEL_DIALOG_EARLY, DIALOG, "cause=200"},
        {"answered meanwhile", REPLACES ";early-only", CHANNEL_DIALOG_CONFIRMED, NEW, "cause=486"},
        {"it is ending", REPLACES, CHANNEL_DIALOG_TERMINATING, 0, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ua_world *world;
        print_message("%s\n", rows[i].name);
        assert_int_equal(setup((void **)&world), 0);
        ua_attach(world);
        (void)ua_place(world, "");
        say_call_state(world, DIALOG, CHANNEL_DIALOG_EARLY);
        const struct incoming new = to_desk(world, rows[i].lines);
        say_new(world, &new);
        expect_claim(world, 0, strstr(rows[i].lines, "early-only") ? CHANNEL_UA_EARLY_ONLY : 0);
        ua_expect_event(world, "incoming", "replaces", HEX);
        ua_ask(world, "ua.answer", "{\"dialog\":\"" NEW_HEX "\"}");
        ua_done(world, ua_command(world, CHANNEL_UA_RESPOND), 0, NEW, NULL);
        const struct channel_ua_command end = *ua_command(world, CHANNEL_UA_END);
        assert_int_equal(end.flags, CHANNEL_UA_CLAIMED);
        say_call_state(world, DIALOG, rows[i].state);
        ua_done(world, &end, -EALREADY, DIALOG, NULL);
        if (rows[i].ends != 0) {
            const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_END);
            assert_int_equal(command->dialog, rows[i].ends);
            assert_int_equal(command->flags, 0);
            ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, rows[i].reason);
        } else {
            expect_none(world);
        }
        assert_int_equal(ua_teardown((void **)&world), 0);
    }
}

// Who is not of the peer that is replaced needs a configuration that says so.
static void test_peer(void **state)
{
    struct ua_world *world = *state;
    struct incoming new = to_desk(world, REPLACES);
    new.peer = (uint16_t)dialog_find_peer(&world->rpc.control, "sbcs");
    begin(world);
    const struct ua_app *desk = world->rpc.control.ua.apps[world->desk];
    uint64_t told = desk->ring.last;
    say_new(world, &new);
    expect_claim(world, 0, 0);
    expect_refused(world, 403, 0);
    expect_given_back(world);
    expect_none(world);
    assert_int_equal(desk->ring.last, told);
}

static void test_refuse(void **state)
{
    struct ua_world *world = *state;
    struct incoming new = to_desk(world, REPLACES);
    new.application = number_of(world, "shut");
    say_new(world, &new);
    expect_refused(world, 403, 0);
    expect_none(world);
    // And it does not say that it could (6.2).
    json_decref(ua_result(world, "ua.attach", "{\"application\":\"shut\"}"));
    ua_ask(world, "ua.call", "{\"to\":\"sip:b@y\",\"peer\":\"carrier-a\"}");
    char *headers = ua_command_text(ua_command(world, CHANNEL_UA_INVITE), CHANNEL_UA_TEXT_HEADERS);
    assert_non_null(strstr(headers, "Allow: "));
    assert_null(strstr(headers, "Supported"));
    free(headers);
}

// An application that answers by itself: the call to be replaced is its own.
static void begin_robot(struct ua_world *world, uint16_t application)
{
    struct incoming new = to_desk(world, REPLACES);
    struct channel_ua_event old = {.kind = CHANNEL_UA_STATE,
                                   .dialog = DIALOG,
                                   .call = 700,
                                   .application = application,
                                   .peer = world->carrier,
                                   .state = CHANNEL_DIALOG_CONFIRMED,
                                   .flags = CHANNEL_UA_CALLEE};
    ua_say(world, &old, NULL);
    new.application = application;
    new.peer =
        application == world->robot ? (uint16_t)dialog_find_peer(&world->rpc.control, "sbcs") : new.peer;
    say_new(world, &new);
    expect_claim(world, 0, 0);
}

static void test_accept(void **state)
{
    struct ua_world *world = *state;
    begin_robot(world, world->robot);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 200);
    ua_done(world, command, 0, NEW, NULL);
    expect_end(world);
    expect_none(world);
}

// What answers by itself says nothing of this, and nobody else is there.
static void test_ask_nobody(void **state)
{
    struct ua_world *world = *state;
    begin_robot(world, number_of(world, "asks"));
    expect_refused(world, 480, 0);
    expect_given_back(world);
    expect_none(world);
}

static void test_held(void **state)
{
    struct ua_world *world = *state;
    begin_both(world);
    for (unsigned i = 0; i < 2; i++) {
        const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_CLAIM);
        assert_int_equal(command->dialog, DIALOG);
        assert_int_equal(command->flags, CHANNEL_UA_CLAIMED);
        ua_done(world, command, 0, DIALOG, NULL);
    }
}

// Another control ends the old one, too, though it holds nothing.
static void test_kept(void **state)
{
    static const struct ua_row rows[] = {{DIALOG, CHANNEL_DIALOG_CONFIRMED, false, 0, false},
                                         {NEW, CHANNEL_DIALOG_EARLY, false, 0, false}};
    struct ua_world *world = *state;
    begin_both(world);
    ua_ask(world, "ua.progress", "{\"dialog\":\"" NEW_HEX "\"}");
    ua_done(world, ua_command(world, CHANNEL_UA_RESPOND), 0, NEW, NULL);
    json_decref(ua_answer_of(world));
    say_call_state(world, NEW, CHANNEL_DIALOG_EARLY);
    ua_run(world);
    ua_restart(world);
    ua_resume(world, rows, 2);
    json_decref(ua_result(world, "ua.attach", "{\"application\":\"desk\",\"since\":0}"));
    ua_ask(world, "ua.answer", "{\"dialog\":\"" NEW_HEX "\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->transaction, INVITE);
    ua_done(world, command, 0, NEW, NULL);
    command = ua_command(world, CHANNEL_UA_END);
    assert_int_equal(command->dialog, DIALOG);
    assert_int_equal(command->flags, 0);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Reason: SIP;cause=200;text=\"Replaced\"\r\n");
    ua_done(world, command, 0, DIALOG, NULL);
}

// RFC 3891 section 3: in no other request.
static void test_other_methods(void **state)
{
    static const char *const methods[] = {"INFO", "REFER", "UPDATE"};
    struct ua_world *world = *state;
    begin(world);
    for (size_t i = 0; i < 3; i++) {
        char text[1024];
        snprintf(text, sizeof(text), REQUEST("%s", ";tag=t1", "2", REPLACES "\r\n"), methods[i], methods[i]);
        ua_say_asked(world, INVITE + i, 0, text);
        const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
        assert_int_equal(command->status, 400);
        ua_done(world, command, 0, DIALOG, NULL);
    }
    expect_none(world);
}

int main(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, setup, ua_teardown)
    const struct CMUnitTest tests[] = {
        UA(test_syntax),       UA(test_results),
        UA(test_unlisted),     UA(test_takeover),
        UA(test_refused),      UA(test_cancelled),
        UA(test_bye_first),    UA(test_bye_crosses),
        UA(test_early_only),   cmocka_unit_test(test_not_held),
        UA(test_peer),         UA(test_refuse),
        UA(test_accept),       UA(test_ask_nobody),
        UA(test_held),         cmocka_unit_test_setup_teardown(test_kept, ua_setup, ua_teardown),
        UA(test_other_methods)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
