// SPDX-License-Identifier: BSD-3-Clause
// Applications on the control socket against a data plane that the test plays (ua_world.h).
#include "cmocka_first.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ua_world.h"

#define DIALOG 0x1100000000000001u
#define HEX    "1100000000000001"
#define SDP                                                                                                  \
    "v=0\r\no=- 1 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
#define SDP_JSON                                                                                             \
    "v=0\\r\\no=- 1 7 IN IP4 192.0.2.1\\r\\ns=-\\r\\nc=IN IP4 192.0.2.1\\r\\nt=0 0\\r\\nm=audio 4000 "       \
    "RTP/AVP 0\\r\\n"
#define HEAD(from, to, cseq)                                                                                 \
    "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=" from "\r\nTo: <sip:b@y>" to         \
    "\r\nCall-ID: c1@test\r\nCSeq: " cseq "\r\nMax-Forwards: 70\r\n"
#define REQUEST(method, to, cseq, more)                                                                      \
    method " sip:b@y SIP/2.0\r\n" HEAD("f1", to, cseq " " method) more "Content-Length: 0\r\n\r\n"
#define RESPONSE(status, cseq, more)                                                                         \
    "SIP/2.0 " status " Text\r\n" HEAD("f1", ";tag=t1", cseq) more "Content-Length: 0\r\n\r\n"

static int open_world(void **state)
{
    struct ua_world *world = malloc(sizeof(*world));
    *state = world;
    return world ? ua_world_open(world, " - {name: desk, listener: edge}\n"
                                        " - {name: robot, answer: {status: 603, ring: 180, after: 20ms}}\n")
                 : -1;
}

static int close_world(void **state)
{
    int result = ua_world_close(*state);
    free(*state);
    return result;
}

static void attach(struct ua_world *world)
{
    json_t *result = ua_result(world, "ua.attach", "{\"application\":\"desk\"}");
    assert_int_equal(json_integer_value(json_object_get(result, "next")), 1);
    json_decref(result);
}

static void say_state(struct ua_world *world, uint64_t dialog, unsigned state, unsigned reason)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_STATE,
                                           .dialog = dialog,
                                           .call = 700,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .state = (uint8_t)state,
                                           .reason = (uint8_t)reason};
    ua_say(world, &event, NULL);
}

static void say_call(struct ua_world *world, uint16_t application)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_CALL,
                                           .dialog = DIALOG,
                                           .transaction = 0x1100000000000055u,
                                           .call = 700,
                                           .application = application,
                                           .peer = world->carrier,
                                           .state = CHANNEL_DIALOG_NONE,
                                           .flags = CHANNEL_UA_CALLEE,
                                           .source = (uint64_t)0x0a0a0101 << 16 | 5060};
    ua_say(world, &event, REQUEST("INVITE", "", "1", "X-Note: \"a\\\\b\"\r\nAllow: INVITE, UPDATE\r\n"));
}

static void say_answer(struct ua_world *world, uint64_t tag, unsigned status, const char *message)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ANSWERED,
                                           .tag = tag,
                                           .dialog = DIALOG,
                                           .call = 700,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .status = (uint16_t)status};
    ua_say(world, &event, message);
}

static void say_asked(struct ua_world *world, uint64_t transaction, unsigned status, const char *message)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_ASKED,
                                           .dialog = DIALOG,
                                           .transaction = transaction,
                                           .call = 700,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .status = (uint16_t)status};
    ua_say(world, &event, message);
}

static void expect_event(struct ua_world *world, const char *name, const char *key, const char *value)
{
    json_t *event = ua_event_of(world, name);
    assert_string_equal(ua_text(event, key), value);
    json_decref(event);
}

static void expect_in(const struct channel_ua_command *command, unsigned which, const char *part)
{
    char *text = ua_command_text(command, which);
    if (!strstr(text, part))
        print_error("%s: %s\n", part, text);
    assert_non_null(strstr(text, part));
    free(text);
}

// The client places a call; it is HEX then. Returns the tag of its INVITE.
static uint64_t place(struct ua_world *world, const char *more)
{
    char params[4096];
    snprintf(params, sizeof(params), "{\"to\":\"\\\"Bob\\\" <sip:b@y>\",\"peer\":\"carrier-a\"%s}", more);
    ua_ask(world, "ua.call", params);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    uint64_t tag = command->tag;
    assert_int_equal(command->application, world->desk);
    assert_int_equal(command->to_peer, world->carrier);
    assert_int_equal(command->to_member, NUMBER_NONE);
    ua_done(world, command, 0, DIALOG, REQUEST("INVITE", "", "1", ""));
    json_t *line = ua_answer_of(world), *result = json_object_get(line, "result");
    assert_string_equal(ua_text(result, "dialog"), HEX);
    assert_string_equal(ua_text(result, "call_id"), "c1@test");
    assert_string_equal(ua_text(result, "local_tag"), "f1");
    json_decref(line);
    return tag;
}

static void confirm(struct ua_world *world, uint64_t tag)
{
    say_answer(world, tag, 200, RESPONSE("200", "1 INVITE", ""));
    say_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    json_decref(ua_event_of(world, "answered"));
    expect_event(world, "state", "to", "confirmed");
}

static void test_incoming(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    say_call(world, world->desk);
    json_t *event = ua_event_of(world, "incoming");
    const json_t *message = json_object_get(event, "message");
    assert_string_equal(ua_text(event, "dialog"), HEX);
    assert_string_equal(ua_text(event, "peer"), "carrier-a");
    assert_string_equal(ua_text(event, "source"), "10.10.1.1:5060");
    assert_string_equal(ua_text(message, "start"), "INVITE sip:b@y SIP/2.0");
    const json_t *header = json_array_get(json_object_get(message, "headers"), 6);
    assert_string_equal(json_string_value(json_array_get(header, 0)), "X-Note");
    assert_string_equal(json_string_value(json_array_get(header, 1)), "\"a\\\\b\"");
    json_decref(event);

    ua_ask(world, "ua.progress", "{\"dialog\":\"" HEX "\",\"status\":183,\"reliable\":true}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->transaction, 0x1100000000000055u);
    assert_int_equal(command->status, 183);
    assert_int_equal(command->flags, CHANNEL_UA_RELIABLE);
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    // A minute later the same goes out again.
    const struct channel_ua_event extend = {
        .kind = CHANNEL_UA_EXTEND, .dialog = DIALOG, .call = 700, .application = world->desk};
    ua_say(world, &extend, NULL);
    command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 183);

    ua_ask(world, "ua.answer", "{\"dialog\":\"" HEX "\",\"body\":\"" SDP_JSON "\"}");
    command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 200);
    assert_int_equal(command->flags, CHANNEL_UA_DESCRIPTION);
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Content-Type: application/sdp\r\nAllow: INVITE, ACK");
    expect_in(command, CHANNEL_UA_TEXTS, SDP);
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_refused(world, "ua.reject", "{\"dialog\":\"" HEX "\"}", DG_INVALID_TRANSITION);
    say_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    expect_event(world, "state", "to", "confirmed");
    say_asked(world, 0, 0, REQUEST("ACK", ";tag=t1", "1", ""));
    expect_event(world, "ack", "dialog", HEX);
    say_asked(world, 0, 200, REQUEST("BYE", ";tag=t1", "2", ""));
    expect_event(world, "request", "method", "BYE");
    say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    expect_event(world, "state", "to", "terminated");
    expect_event(world, "ended", "by", "remote");
    ua_refused(world, "ua.get", "{\"dialog\":\"" HEX "\"}", DG_NOT_FOUND);
    assert_int_equal(world->rpc.control.ua.requests.count, 0);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_nobody_attached(void **state)
{
    struct ua_world *world = *state;
    say_call(world, world->desk);
    assert_int_equal(ua_command(world, CHANNEL_UA_RESPOND)->status, 480);
}

static void test_answers_by_itself(void **state)
{
    struct ua_world *world = *state;
    say_call(world, world->robot);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 180);
    ua_done(world, command, 0, DIALOG, NULL);
    assert_int_equal(ua_command(world, CHANNEL_UA_RESPOND)->status, 603);
}

static void test_cancelled(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    say_call(world, world->desk);
    json_decref(ua_event_of(world, "incoming"));
    const struct channel_ua_event cancelled = {.kind = CHANNEL_UA_CANCELLED,
                                               .dialog = DIALOG,
                                               .transaction = 0x1100000000000055u,
                                               .call = 700,
                                               .application = world->desk};
    ua_say(world, &cancelled, NULL);
    expect_event(world, "cancelled", "request", "1100000000000055");
    ua_refused(world, "ua.respond", "{\"request\":\"1100000000000055\",\"status\":200}", DG_TRANSACTION_GONE);
    say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_CANCEL);
    expect_event(world, "ended", "by", "remote");
}

static void test_place(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    uint64_t tag = place(world, ",\"tag\":\"mine\",\"context\":\"row 7\",\"headers\":[[\"X-A\",\"b\"]]");
    say_answer(world, tag, 180, RESPONSE("180", "1 INVITE", ""));
    say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    json_t *event = ua_event_of(world, "progress");
    assert_string_equal(ua_text(event, "tag"), "mine");
    assert_int_equal(json_integer_value(json_object_get(event, "status")), 180);
    json_decref(event);
    confirm(world, tag);
    json_t *result = ua_result(world, "ua.list", "{}");
    const json_t *row = json_array_get(json_object_get(result, "dialogs"), 0);
    assert_string_equal(ua_text(row, "state"), "confirmed");
    assert_string_equal(ua_text(row, "context"), "row 7");
    assert_string_equal(ua_text(row, "role"), "client");
    json_decref(result);
    ua_ask(world, "ua.terminate",
           "{\"dialog\":\"" HEX "\",\"protocol\":\"Q.850\",\"cause\":16,\"text\":\"bye\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_END);
    assert_int_equal(command->dialog, DIALOG);
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Reason: Q.850;cause=16;text=\"bye\"\r\n");
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE_DONE);
    event = ua_event_of(world, "ended");
    assert_string_equal(ua_text(event, "by"), "local");
    assert_string_equal(ua_text(event, "context"), "row 7");
    json_decref(event);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

// What a command carries of To and From.
static void test_addresses(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    ua_ask(world, "ua.call",
           "{\"to\":\"\\\"Bob, B.\\\" "
           "<sip:b@y;user=phone>\",\"from\":\"<sip:a@x>\",\"contact\":\"<sip:me@z>;+x\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    expect_in(command, CHANNEL_UA_TEXT_URI, "sip:b@y;user=phone");
    expect_in(command, CHANNEL_UA_TEXT_TO, "\"Bob, B.\" <sip:b@y;user=phone>");
    expect_in(command, CHANNEL_UA_TEXT_FROM, "<sip:a@x>");
    expect_in(command, CHANNEL_UA_TEXT_CONTACT, "<sip:me@z>;+x");
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Allow: ");
    assert_int_equal(command->to_peer, NUMBER_NONE);
    ua_done(world, command, -EBUSY, 0, NULL);
    json_t *line = ua_answer_of(world);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "error"), "code")), -32022);
    json_decref(line);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_refused_params(void **state)
{
    static const struct {
        const char *name, *params;
        enum dg_code code;
    } rows[] = {
        {"no URI", "{\"to\":\"b at y\"}", DG_INVALID_PARAMS},
        {"two addresses", "{\"to\":\"<sip:a@x>, <sip:b@y>\"}", DG_INVALID_PARAMS},
        {"a tag", "{\"to\":\"sip:b@y\",\"from\":\"<sip:a@x>;tag=1\"}", DG_INVALID_PARAMS},
        {"CRLF in From", "{\"to\":\"sip:b@y\",\"from\":\"<sip:a@x>\\r\\nX: y\"}", DG_INVALID_PARAMS},
        {"CRLF in a header", "{\"to\":\"sip:b@y\",\"headers\":[[\"X\",\"a\\r\\nVia: b\"]]}",
         DG_INVALID_PARAMS},
        {"LF in a header", "{\"to\":\"sip:b@y\",\"headers\":[[\"X\",\"a\\nVia: b\"]]}", DG_INVALID_PARAMS},
        {"NUL in a header", "{\"to\":\"sip:b@y\",\"headers\":[[\"X\",\"a\\u0000b\"]]}", DG_INVALID_PARAMS},
        {"colon in a name", "{\"to\":\"sip:b@y\",\"headers\":[[\"X: Via\",\"a\"]]}", DG_INVALID_PARAMS},
        {"Via", "{\"to\":\"sip:b@y\",\"headers\":[[\"vIA\",\"a\"]]}", DG_INVALID_PARAMS},
        {"compact Call-ID", "{\"to\":\"sip:b@y\",\"headers\":[[\"I\",\"a\"]]}", DG_INVALID_PARAMS},
        {"Content-Length", "{\"to\":\"sip:b@y\",\"headers\":[[\"l\",\"9\"]]}", DG_INVALID_PARAMS},
        {"100rel", "{\"to\":\"sip:b@y\",\"headers\":[[\"Require\",\"timer,100REL\"]]}", DG_INVALID_PARAMS},
        {"a body of no type", "{\"to\":\"sip:b@y\",\"body\":\"hello\"}", DG_INVALID_PARAMS},
        {"no description", "{\"to\":\"sip:b@y\",\"body\":\"x=0\",\"content_type\":\"application/sdp\"}",
         DG_PROTOCOL},
        {"no base64", "{\"to\":\"sip:b@y\",\"body\":\"*\",\"body_base64\":true,\"content_type\":\"a/b\"}",
         DG_INVALID_PARAMS},
        {"no peer", "{\"to\":\"sip:b@y\",\"peer\":\"nobody\"}", DG_NOT_FOUND},
        {"no member", "{\"to\":\"sip:b@y\",\"peer\":\"carrier-a\",\"member\":\"1.2.3.4:5060\"}",
         DG_NOT_FOUND},
        {"no policy", "{\"to\":\"sip:b@y\",\"retry\":\"nonsense\"}", DG_NOT_FOUND},
        {"a quote", "{\"to\":\"sip:b@y\",\"user\":\"a\\\"b\",\"password\":\"c\"}", DG_INVALID_PARAMS},
        {"another's name", "{\"to\":\"sip:b@y\",\"application\":\"robot\"}", DG_DENIED},
        {"no application", "{\"to\":\"sip:b@y\",\"application\":\"carrier-a\"}", DG_NOT_FOUND},
        {"headers that are none", "{\"to\":\"sip:b@y\",\"headers\":[[\"X\"]]}", DG_INVALID_PARAMS},
    };
    struct ua_world *world = *state;
    attach(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].name);
        ua_refused(world, "ua.call", rows[i].params, rows[i].code);
    }
    ua_refused(world, "ua.request", "{\"method\":\"BYE\",\"to\":\"sip:b@y\"}", DG_INVALID_PARAMS);
    ua_refused(world, "ua.attach", "{\"application\":\"sbcs\"}", DG_NOT_FOUND);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_challenged(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    uint64_t tag = place(world, ",\"user\":\"alice\",\"password\":\"secret\"");
    say_answer(world, tag, 407,
               RESPONSE("407", "1 INVITE",
                        "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, "
                        "qop=\"auth\"\r\n"));
    // For the application it is one call.
    say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    uint64_t second = command->tag;
    assert_int_equal(command->cseq, 2);
    expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
    expect_in(command, CHANNEL_UA_TEXT_FROM_TAG, "f1");
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Proxy-Authorization: Digest username=\"alice\",realm=\"r\"");
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "uri=\"sip:b@y\"");
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "qop=auth,nc=00000001");
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
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Authorization: Digest username=\"alice\",realm=\"s\"");
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "qop=auth,nc=00000002");
    event.tag = command->tag;
    ua_done(world, command, 0, DIALOG + 2, REQUEST("INVITE", "", "3", ""));
    // Wrong credentials: enough.
    event.dialog = DIALOG + 2;
    ua_say(world, &event,
           RESPONSE("401", "3 INVITE", "WWW-Authenticate: Digest realm=\"s\", nonce=\"o\"\r\n"));
    expect_event(world, "failed", "dialog", HEX);
    say_state(world, DIALOG + 2, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    expect_event(world, "ended", "dialog", HEX);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_tried_again(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    uint64_t tag = place(world, "");
    say_answer(world, tag, 503, RESPONSE("503", "1 INVITE", "Retry-After: 0\r\n"));
    say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
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
    expect_event(world, "failed", "dialog", HEX);
    say_state(world, DIALOG + 1, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    expect_event(world, "ended", "reason", "refused");
    assert_int_equal(world->rpc.control.ua.handles.count, 0);
}

// What says to wait for longer than the policy does is the application's business.
static void test_far_too_long(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    uint64_t tag = place(world, "");
    say_answer(world, tag, 503, RESPONSE("503", "1 INVITE", "Retry-After: 3600\r\n"));
    expect_event(world, "failed", "dialog", HEX);
}

static void test_ended_between_tries(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    uint64_t tag = place(world, "");
    say_answer(world, tag, 503, RESPONSE("503", "1 INVITE", "Retry-After: 4\r\n"));
    say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    ua_run(world);
    json_decref(ua_result(world, "ua.terminate", "{\"dialog\":\"" HEX "\"}"));
    expect_event(world, "ended", "by", "local");
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_redirected(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    uint64_t tag = place(world, ",\"redirect\":2");
    say_answer(world, tag, 302,
               RESPONSE("302", "1 INVITE", "Contact: <sip:low@y>;q=0.1, <sip:high@y>;q=0.9\r\n"));
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    expect_in(command, CHANNEL_UA_TEXT_URI, "sip:high@y");
    expect_in(command, CHANNEL_UA_TEXT_TO, "\"Bob\" <sip:b@y>");
    tag = command->tag;
    ua_done(world, command, 0, DIALOG + 1, REQUEST("INVITE", "", "2", ""));
    const struct channel_ua_event gone = {.kind = CHANNEL_UA_ANSWERED,
                                          .tag = tag,
                                          .dialog = DIALOG + 1,
                                          .call = 700,
                                          .application = world->desk,
                                          .status = 404};
    ua_say(world, &gone, RESPONSE("404", "2 INVITE", ""));
    expect_in(ua_command(world, CHANNEL_UA_INVITE), CHANNEL_UA_TEXT_URI, "sip:low@y");
}

static void test_forked(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    uint64_t tag = place(world, "");
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
    say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_GONE);
    expect_event(world, "ended", "dialog", HEX);
    event.status = 200;
    ua_say(world, &event, RESPONSE("200", "1 INVITE", ""));
    expect_event(world, "answered", "dialog", "1100000000000002");
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void test_hold_and_glare(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    confirm(world, place(world, ",\"body\":\"" SDP_JSON "\""));
    ua_ask(world, "ua.hold", "{\"dialog\":\"" HEX "\",\"tag\":\"h\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    expect_in(command, CHANNEL_UA_TEXT_METHOD, "INVITE");
    expect_in(command, CHANNEL_UA_TEXTS, "o=- 1 8 IN IP4 192.0.2.1\r\n");
    expect_in(command, CHANNEL_UA_TEXTS, "t=0 0\r\na=sendonly\r\nm=audio");
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_refused(world, "ua.update", "{\"dialog\":\"" HEX "\"}", DG_INVALID_STATE);
    say_answer(world, tag, 491, RESPONSE("491", "2 INVITE", ""));
    const struct channel_ua_event retry = {
        .kind = CHANNEL_UA_RETRY, .dialog = DIALOG, .call = 700, .application = world->desk};
    ua_say(world, &retry, NULL);
    command = ua_command(world, CHANNEL_UA_REQUEST);
    assert_int_not_equal(command->tag, tag);
    tag = command->tag;
    expect_in(command, CHANNEL_UA_TEXTS, "a=sendonly");
    ua_done(world, command, 0, DIALOG, NULL);
    say_answer(world, tag, 200, RESPONSE("200", "3 INVITE", "Allow: INVITE, UPDATE\r\n"));
    expect_event(world, "response", "tag", "h");
    ua_ask(world, "ua.unhold", "{\"dialog\":\"" HEX "\"}");
    command = ua_command(world, CHANNEL_UA_REQUEST);
    expect_in(command, CHANNEL_UA_TEXTS, "o=- 1 9 IN IP4 192.0.2.1\r\n");
    expect_in(command, CHANNEL_UA_TEXTS, "t=0 0\r\na=sendrecv\r\nm=audio");
    ua_done(world, command, -EPROTO, DIALOG, NULL);
    json_t *line = ua_answer_of(world);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "error"), "code")), -32011);
    json_decref(line);
    // The refresh is ours: by UPDATE, since the far end allows it.
    const struct channel_ua_event refresh = {
        .kind = CHANNEL_UA_REFRESH, .dialog = DIALOG, .call = 700, .application = world->desk};
    ua_say(world, &refresh, NULL);
    expect_in(ua_command(world, CHANNEL_UA_REQUEST), CHANNEL_UA_TEXT_METHOD, "UPDATE");
}

static void test_requests(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    confirm(world, place(world, ""));
    ua_ask(world, "ua.request",
           "{\"dialog\":\"" HEX "\",\"method\":\"INFO\",\"body\":\"AAE=\",\"body_base64\":true,"
           "\"content_type\":\"application/x\",\"tag\":\"i\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    assert_int_equal(command->body_length, 2);
    assert_int_equal(command->flags, 0);
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    say_answer(world, tag, 200, RESPONSE("200", "2 INFO", ""));
    json_t *event = ua_event_of(world, "response");
    assert_string_equal(ua_text(event, "tag"), "i");
    assert_string_equal(ua_text(event, "method"), "INFO");
    json_decref(event);
    // Theirs; the answer of the first counts.
    say_asked(world, 0x1100000000000077u, 0, REQUEST("INFO", ";tag=t1", "5", ""));
    expect_event(world, "request", "request", "1100000000000077");
    ua_ask(world, "ua.respond", "{\"request\":\"1100000000000077\",\"status\":200}");
    command = ua_command(world, CHANNEL_UA_RESPOND);
    struct channel_ua_command first = *command;
    struct rpc_reader other;
    rpc_reader_open(&other, &world->rpc);
    rpc_reader_say(&other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ua.respond\",\"params\":"
                           "{\"request\":\"1100000000000077\",\"status\":500}}\n");
    assert_int_equal(rpc_code(rpc_reader_line(&world->rpc, &other)), -32010);
    rpc_reader_close(&other);
    ua_done(world, &first, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
}

static void test_data_plane_goes(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    ua_ask(world, "ua.call", "{\"to\":\"sip:b@y\"}");
    (void)ua_command(world, CHANNEL_UA_INVITE);
    close(world->rpc.far);
    json_t *line = ua_answer_of(world);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "error"), "code")), -32002);
    json_decref(line);
    ua_refused(world, "ua.call", "{\"to\":\"sip:b@y\"}", DG_UNAVAILABLE);
    world->rpc.far = dup(0);
}

static void test_resumed(void **state)
{
    static struct far_message message;
    struct ua_world *world = *state;
    uint8_t row[4096];
    attach(world);
    confirm(world, place(world, ""));
    // The data plane comes back: it has another dialog than ours.
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->rpc.control.active.image->sequence);
    hello.boot = 6;
    while (far_receive(world->rpc.far, &message, NULL, 0))
        continue;
    ua_resume_stop(&world->rpc.control.ua);
    far_say(world->rpc.far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    bool listed = false;
    for (int i = 0; i < 2000 && world->rpc.control.ua.resume == NULL; i++)
        far_run(world->rpc.base, 2);
    for (int i = 0; i < 2000 && world->rpc.control.ua.resume; i++) {
        far_run(world->rpc.base, 2);
        if (!far_receive(world->rpc.far, &message, NULL, 0) || message.header.type != CHANNEL_DIALOG_LIST)
            continue;
        const struct channel_dialog_list *list = (const void *)message.body;
        if (list->peer == world->desk) {
            size_t size = far_row(row, DIALOG + 9, "c9@test");
            ((struct channel_dialog_row *)row)->callee_peer = world->desk;
            ((struct channel_dialog_row *)row)->caller_peer = world->carrier;
            far_say(world->rpc.far, CHANNEL_DIALOG_ROW, message.header.request, row, size);
            listed = true;
        }
        far_done(world->rpc.far, CHANNEL_DONE, message.header.request, 0, "");
    }
    assert_true(listed);
    expect_event(world, "ended", "reason", "lost");
    json_t *event = ua_event_of(world, "resumed");
    assert_int_equal(json_integer_value(json_object_get(event, "found")), 1);
    json_decref(event);
    json_t *result = ua_result(world, "ua.list", "{\"application\":\"desk\"}");
    const json_t *rows = json_object_get(result, "dialogs");
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(ua_text(json_array_get(rows, 0), "dialog"), "110000000000000a");
    assert_string_equal(ua_text(json_array_get(rows, 0), "role"), "server");
    json_decref(result);
}

static void test_losses(void **state)
{
    struct ua_world *world = *state;
    struct ua *ua = &world->rpc.control.ua;
    for (unsigned i = 0; i < UA_RING_EVENTS + 10; i++)
        ua_tell(ua, ua->apps[world->desk], NULL, "resumed", json_pack("{s:i}", "dialogs", 0));
    json_t *result = ua_result(world, "ua.attach", "{\"application\":\"desk\",\"since\":0}");
    assert_int_equal(json_integer_value(json_object_get(result, "kept_from")), 11);
    json_decref(result);
    json_t *event = ua_event_of(world, "lost");
    assert_int_equal(json_integer_value(json_object_get(event, "count")), 10);
    assert_int_equal(json_integer_value(json_object_get(event, "seq")), 10);
    json_decref(event);
    event = ua_event_of(world, "resumed");
    assert_int_equal(json_integer_value(json_object_get(event, "seq")), 11);
    json_decref(event);
    // And what the data plane could not keep.
    world->next += 5;
    say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    ua_run(world);
    assert_int_equal(ua->counts.lost, 0); // nothing is known of those before the first
    world->next += 5;
    say_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    event = ua_event_of(world, "lost");
    assert_int_equal(json_integer_value(json_object_get(event, "count")), 5);
    json_decref(event);
}

static void test_registers(void **state)
{
    struct ua_world *world = *state;
    attach(world);
    ua_ask(world, "ua.register",
           "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\",\"expires\":60,\"user\":\"b\",\"password\":\"p\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    expect_in(command, CHANNEL_UA_TEXT_METHOD, "REGISTER");
    expect_in(command, CHANNEL_UA_TEXT_URI, "sip:y");
    expect_in(command, CHANNEL_UA_TEXT_TO, "sip:b@y");
    expect_in(command, CHANNEL_UA_TEXT_FROM, "sip:b@y");
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 60\r\n");
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "1", ""));
    json_decref(ua_answer_of(world));
    struct channel_ua_event event = {
        .kind = CHANNEL_UA_ANSWERED, .tag = tag, .application = world->desk, .status = 423};
    // 10.2.8: longer, and in the name of the first.
    ua_say(world, &event, RESPONSE("423", "1 REGISTER", "Min-Expires: 300\r\n"));
    command = ua_command(world, CHANNEL_UA_REQUEST);
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 300\r\n");
    expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
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
    expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Expires: 0\r\n");
    assert_int_equal(command->cseq, 3);
    event.tag = command->tag;
    ua_done(world, command, 0, 0, REQUEST("REGISTER", "", "3", ""));
    json_decref(ua_answer_of(world));
    ua_say(world, &event, RESPONSE("200", "3 REGISTER", ""));
    json_decref(ua_event_of(world, "registered"));
    assert_true(LIST_EMPTY(&world->rpc.control.ua.registrations));
    ua_refused(world, "ua.unregister", "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\"}", DG_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_incoming),
        TEST(test_nobody_attached),
        TEST(test_answers_by_itself),
        TEST(test_cancelled),
        TEST(test_place),
        TEST(test_addresses),
        TEST(test_refused_params),
        TEST(test_challenged),
        TEST(test_tried_again),
        TEST(test_far_too_long),
        TEST(test_ended_between_tries),
        TEST(test_redirected),
        TEST(test_forked),
        TEST(test_hold_and_glare),
        TEST(test_requests),
        TEST(test_data_plane_goes),
        TEST(test_resumed),
        TEST(test_losses),
        TEST(test_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
