// SPDX-License-Identifier: BSD-3-Clause
// What is sent again: after challenges, redirections, failures, glare; forks and registrations.
#include "cmocka_first.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ua_world.h"

static void test_challenged(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, ",\"user\":\"alice\",\"password\":\"secret\"");
    ua_say_answer(world, tag, 407,
                  RESPONSE("407", "1 INVITE",
                           "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, "
                           "qop=\"auth\"\r\n"));
    // For the application it is one call.
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    uint64_t second = command->tag;
    assert_int_equal(command->cseq, 2);
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM_TAG, "f1");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS,
                 "Proxy-Authorization: Digest username=\"alice\",realm=\"r\"");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "uri=\"sip:b@y\"");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "qop=auth,nc=00000001");
    ua_done(world, command, 0, DIALOG + 1, REQUEST("INVITE", "", "2", ""));
    // The far end wants to know, too: both are answered then.
    struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                     .tag = second,
                                     .dialog = DIALOG + 1,
                                     .call = 700,
                                     .application = world->desk,
                                     .status = 401};
    ua_say(world, &event,
           RESPONSE("401", "2 INVITE", "WWW-Authenticate: Digest realm=\"s\", nonce=\"m\"\r\n"));
    command = ua_command(world, CHANNEL_UA_INVITE);
    assert_int_equal(command->cseq, 3);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Authorization: Digest username=\"alice\",realm=\"s\"");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "qop=auth,nc=00000002");
    event.tag = command->tag;
    ua_done(world, command, 0, DIALOG + 2, REQUEST("INVITE", "", "3", ""));
    // Wrong credentials: enough.
    event.dialog = DIALOG + 2;
    ua_say(world, &event,
           RESPONSE("401", "3 INVITE", "WWW-Authenticate: Digest realm=\"s\", nonce=\"o\"\r\n"));
    ua_expect_event(world, "failed", "dialog", HEX);
    ua_say_state(world, DIALOG + 2, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    ua_expect_event(world, "ended", "dialog", HEX);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_tried_again(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, "");
    ua_say_answer(world, tag, 503, RESPONSE("503", "1 INVITE", "Retry-After: 0\r\n"));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    assert_int_equal(command->cseq, 2);
    tag = command->tag;
    ua_done(world, command, 0, DIALOG + 1, REQUEST("INVITE", "", "2", ""));
    const struct channel_ua_event busy = {.kind = CHANNEL_UA_ANSWERED,
                                          .tag = tag,
                                          .dialog = DIALOG + 1,
                                          .call = 700,
                                          .application = world->desk,
                                          .status = 486};
    ua_say(world, &busy, RESPONSE("486", "2 INVITE", ""));
    ua_expect_event(world, "failed", "dialog", HEX);
    ua_say_state(world, DIALOG + 1, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    ua_expect_event(world, "ended", "reason", "refused");
    assert_int_equal(world->rpc.control.ua.handles.count, 0);
}

// What says to wait for longer than the policy does is the application's business.
static void test_far_too_long(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, "");
    ua_say_answer(world, tag, 503, RESPONSE("503", "1 INVITE", "Retry-After: 3600\r\n"));
    ua_expect_event(world, "failed", "dialog", HEX);
}

static void test_ended_between_tries(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, "");
    ua_say_answer(world, tag, 503, RESPONSE("503", "1 INVITE", "Retry-After: 4\r\n"));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    ua_run(world);
    json_decref(ua_result(world, "ua.terminate", "{\"dialog\":\"" HEX "\"}"));
    ua_expect_event(world, "ended", "by", "local");
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_redirected(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, ",\"redirect\":2");
    ua_say_answer(world, tag, 302,
                  RESPONSE("302", "1 INVITE", "Contact: <sip:low@y>;q=0.1, <sip:high@y>;q=0.9\r\n"));
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:high@y");
    ua_expect_in(command, CHANNEL_UA_TEXT_TO, "\"Bob\" <sip:b@y>");
    tag = command->tag;
    ua_done(world, command, 0, DIALOG + 1, REQUEST("INVITE", "", "2", ""));
    const struct channel_ua_event gone = {.kind = CHANNEL_UA_ANSWERED,
                                          .tag = tag,
                                          .dialog = DIALOG + 1,
                                          .call = 700,
                                          .application = world->desk,
                                          .status = 404};
    ua_say(world, &gone, RESPONSE("404", "2 INVITE", ""));
    ua_expect_in(ua_command(world, CHANNEL_UA_INVITE), CHANNEL_UA_TEXT_URI, "sip:low@y");
}

static void test_forked(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, ",\"timeout_ms\":60000,\"user\":\"u\",\"password\":\"p\"");
    struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                     .tag = tag,
                                     .dialog = DIALOG + 1,
                                     .call = 700,
                                     .application = world->desk,
                                     .peer = world->carrier,
                                     .status = 180};
    ua_say(world, &event, RESPONSE("180", "1 INVITE", ""));
    json_t *forked = ua_event_of(world, "forked");
    assert_string_equal(ua_text(forked, "dialog"), "1100000000000002");
    assert_string_equal(ua_text(forked, "of"), HEX);
    json_decref(forked);
    // The first branch ends; the INVITE goes on with the other.
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_GONE);
    ua_expect_event(world, "ended", "dialog", HEX);
    const struct ua_call *other = ua_call_by_id(&world->rpc.control.ua, DIALOG + 1);
    assert_non_null(other->limit); // and with its time, and its credentials
    assert_string_equal(other->password, "p");
    event.status = 200;
    ua_say(world, &event, RESPONSE("200", "1 INVITE", ""));
    ua_expect_event(world, "answered", "dialog", "1100000000000002");
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_hold_and_glare(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ",\"body\":\"" SDP_JSON "\""));
    ua_ask(world, "ua.hold", "{\"dialog\":\"" HEX "\",\"tag\":\"h\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "INVITE");
    ua_expect_in(command, CHANNEL_UA_TEXTS, "o=- 1 8 IN IP4 192.0.2.1\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXTS, "t=0 0\r\na=sendonly\r\nm=audio");
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_refused(world, "ua.update", "{\"dialog\":\"" HEX "\"}", DG_INVALID_STATE);
    ua_say_answer(world, tag, 491, RESPONSE("491", "2 INVITE", ""));
    const struct channel_ua_event retry = {
        .kind = CHANNEL_UA_RETRY, .dialog = DIALOG, .call = 700, .application = world->desk};
    ua_say(world, &retry, NULL);
    command = ua_command(world, CHANNEL_UA_REQUEST);
    assert_int_not_equal(command->tag, tag);
    tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXTS, "a=sendonly");
    ua_done(world, command, 0, DIALOG, NULL);
    ua_say_answer(world, tag, 200, RESPONSE("200", "3 INVITE", "Allow: INVITE, UPDATE\r\n"));
    ua_expect_event(world, "response", "tag", "h");
    ua_ask(world, "ua.unhold", "{\"dialog\":\"" HEX "\"}");
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXTS, "o=- 1 9 IN IP4 192.0.2.1\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXTS, "t=0 0\r\na=sendrecv\r\nm=audio");
    ua_done(world, command, -EPROTO, DIALOG, NULL);
    json_t *line = ua_answer_of(world);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "error"), "code")), -32011);
    json_decref(line);
    // The refresh is ours: by UPDATE, since the far end allows it.
    const struct channel_ua_event refresh = {
        .kind = CHANNEL_UA_REFRESH, .dialog = DIALOG, .call = 700, .application = world->desk};
    ua_say(world, &refresh, NULL);
    ua_expect_in(ua_command(world, CHANNEL_UA_REQUEST), CHANNEL_UA_TEXT_METHOD, "UPDATE");
}

static void test_registers(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_ask(world, "ua.register",
           "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\",\"expires\":60,\"user\":\"b\",\"password\":\"p\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    ua_expect_in(command, CHANNEL_UA_TEXT_METHOD, "REGISTER");
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:y");
    ua_expect_in(command, CHANNEL_UA_TEXT_TO, "sip:b@y");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM, "sip:b@y");
    ua_expect_in(command, CHANNEL_UA_TEXT_CONTACT, "<sip:b@"); // without one it would only ask (10.2.3)
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 60\r\n");
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "1", ""));
    json_decref(ua_answer_of(world));
    struct channel_ua_event event = {
        .kind = CHANNEL_UA_ANSWERED, .tag = tag, .application = world->desk, .status = 423};
    // 10.2.8: longer, and in the name of the first.
    ua_say(world, &event, RESPONSE("423", "1 REGISTER", "Min-Expires: 300\r\n"));
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 300\r\n");
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
    assert_int_equal(command->cseq, 2);
    event.tag = command->tag;
    event.status = 200;
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "2", ""));
    ua_say(world, &event, RESPONSE("200", "2 REGISTER", "Contact: <sip:b@z>;expires=200\r\n"));
    json_t *told = ua_event_of(world, "registered");
    assert_int_equal(json_integer_value(json_object_get(told, "status")), 200);
    assert_int_equal(json_integer_value(json_object_get(told, "expires")), 200);
    json_decref(told);
    ua_ask(world, "ua.unregister", "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\"}");
    command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 0\r\n");
    assert_int_equal(command->cseq, 3);
    event.tag = command->tag;
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "3", ""));
    json_decref(ua_answer_of(world));
    ua_say(world, &event, RESPONSE("200", "3 REGISTER", ""));
    json_decref(ua_event_of(world, "registered"));
    assert_true(LIST_EMPTY(&world->rpc.control.ua.registrations));
    ua_refused(world, "ua.unregister", "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\"}", DG_NOT_FOUND);
}

// The answer of a registrar that is longer than what the channel takes comes without its message.
static void test_registrar_at_length(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_ask(world, "ua.register", "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\",\"expires\":90}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                           .tag = command->tag,
                                           .application = world->desk,
                                           .status = 200,
                                           .flags = CHANNEL_UA_CUT};
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "1", ""));
    json_decref(ua_answer_of(world));
    ua_say(world, &event, NULL);
    json_t *told = ua_event_of(world, "registered");
    assert_int_equal(json_integer_value(json_object_get(told, "expires")), 90);
    json_decref(told);
}

// Lines that only look like that of the version stay as they are, however many there are.
static void test_hold_of_many_origins(void **state)
{
    struct ua_world *world = *state;
    char more[4096] = ",\"body\":\"v=0\\r\\n";
    ua_attach(world);
    for (unsigned i = 0; i < 100; i++)
        strcat(more, "o=- 1 -9 IN\\r\\n");
    strcat(more, "m=audio 4000 RTP/AVP 0\\r\\n\"");
    ua_confirm(world, ua_place(world, more));
    ua_ask(world, "ua.hold", "{\"dialog\":\"" HEX "\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    ua_expect_in(command, CHANNEL_UA_TEXTS, "IN\r\no=- 1 -9 IN\r\na=sendonly\r\nm=audio 4000 RTP/AVP 0\r\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ua_setup, ua_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_challenged),           TEST(test_tried_again), TEST(test_far_too_long),
        TEST(test_ended_between_tries),  TEST(test_redirected),  TEST(test_forked),
        TEST(test_hold_and_glare),       TEST(test_registers),   TEST(test_registrar_at_length),
        TEST(test_hold_of_many_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
