// SPDX-License-Identifier: BSD-3-Clause
// Applications on the control socket against a data plane that the test plays (ua_world.h).
#include "cmocka_first.h"
#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "metrics.h"
#include "ua_world.h"

static void test_incoming(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_say_call(world, world->desk);
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
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Content-Type: application/sdp\r\nAllow: INVITE, ACK");
    ua_expect_in(command, CHANNEL_UA_TEXTS, SDP);
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_refused(world, "ua.reject", "{\"dialog\":\"" HEX "\"}", DG_INVALID_TRANSITION);
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    ua_expect_event(world, "state", "to", "confirmed");
    ua_say_asked(world, 0, 0, REQUEST("ACK", ";tag=t1", "1", ""));
    ua_expect_event(world, "ack", "dialog", HEX);
    // What is refused inside the call does not end it.
    ua_say_asked(world, 0x1100000000000066u, 0, REQUEST("INFO", ";tag=t1", "2", ""));
    ua_expect_event(world, "request", "method", "INFO");
    ua_ask(world, "ua.respond", "{\"request\":\"1100000000000066\",\"status\":403}");
    ua_done(world, ua_command(world, CHANNEL_UA_RESPOND), 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_say_asked(world, 0, 200, REQUEST("BYE", ";tag=t1", "3", ""));
    ua_expect_event(world, "request", "method", "BYE");
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    ua_expect_event(world, "state", "to", "terminated");
    ua_expect_event(world, "ended", "by", "remote");
    ua_refused(world, "ua.get", "{\"dialog\":\"" HEX "\"}", DG_NOT_FOUND);
    assert_int_equal(world->rpc.control.ua.requests.count, 0);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

static void expect_metric(const struct ua_world *world, const char *line)
{
    struct evbuffer *page = evbuffer_new();
    assert_non_null(page);
    metrics_text(&world->rpc.control, page);
    bool found = evbuffer_search(page, line, strlen(line), NULL).pos >= 0;
    evbuffer_free(page);
    if (!found)
        fail_msg("no %s", line);
}

// What happens to dialogs, and what goes wrong, is counted by its kind.
static void test_counted(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_refused(world, "ua.terminate", "{\"dialog\":\"" HEX "\"}", DG_NOT_FOUND);
    ua_refused(world, "ua.terminate", "{\"dialog\":7}", DG_INVALID_PARAMS);
    expect_metric(world, "dialgate_control_errors_total{category=\"state\",severity=\"notice\"} 1\n");
    expect_metric(world, "dialgate_control_errors_total{category=\"use\",severity=\"error\"} 1\n");
    expect_metric(world, "dialgate_control_errors_total{category=\"limit\",severity=\"warning\"} 0\n");
    ua_confirm(world, ua_place(world, ""));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    ua_expect_event(world, "ended", "reason", "bye");
    expect_metric(world,
                  "dialgate_ua_transitions_total{from=\"none\",to=\"confirmed\",reason=\"answered\"} 1\n");
    expect_metric(world,
                  "dialgate_ua_transitions_total{from=\"confirmed\",to=\"terminated\",reason=\"bye\"} 1\n");
}

static void test_nobody_attached(void **state)
{
    struct ua_world *world = *state;
    ua_say_call(world, world->desk);
    assert_int_equal(ua_command(world, CHANNEL_UA_RESPOND)->status, 480);
}

static void test_answers_by_itself(void **state)
{
    struct ua_world *world = *state;
    ua_say_call(world, world->robot);
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, 180);
    ua_done(world, command, 0, DIALOG, NULL);
    assert_int_equal(ua_command(world, CHANNEL_UA_RESPOND)->status, 603);
}

static void test_cancelled(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_say_call(world, world->desk);
    json_decref(ua_event_of(world, "incoming"));
    const struct channel_ua_event cancelled = {.kind = CHANNEL_UA_CANCELLED,
                                               .dialog = DIALOG,
                                               .transaction = 0x1100000000000055u,
                                               .call = 700,
                                               .application = world->desk};
    ua_say(world, &cancelled, NULL);
    ua_expect_event(world, "cancelled", "request", "1100000000000055");
    ua_refused(world, "ua.respond", "{\"request\":\"1100000000000055\",\"status\":200}", DG_TRANSACTION_GONE);
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_CANCEL);
    ua_expect_event(world, "ended", "by", "remote");
}

// A BYE that the data plane sends because of a timer: its response does not say why.
static void test_ended_by_a_timer(void **state)
{
    static const struct {
        unsigned reason;
        const char *says, *by;
    } rows[] = {{CHANNEL_REASON_NO_ACK, "no-ack", "timeout"},
                {CHANNEL_REASON_SESSION_END, "session-expired", "timeout"},
                {CHANNEL_REASON_OPERATOR, "operator", "operator"},
                {CHANNEL_REASON_BYE, "bye-done", "remote"}};
    struct ua_world *world = *state;
    ua_attach(world);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ua_say_call(world, world->desk);
        json_decref(ua_event_of(world, "incoming"));
        ua_say_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
        ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATING, rows[i].reason);
        ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE_DONE);
        json_t *event = ua_event_of(world, "ended");
        assert_string_equal(ua_text(event, "reason"), rows[i].says);
        assert_string_equal(ua_text(event, "by"), rows[i].by);
        json_decref(event);
    }
}

static void test_place(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    uint64_t tag = ua_place(world, ",\"tag\":\"mine\",\"context\":\"row 7\",\"headers\":[[\"X-A\",\"b\"]]");
    ua_say_answer(world, tag, 180, RESPONSE("180", "1 INVITE", ""));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    json_t *event = ua_event_of(world, "progress");
    assert_string_equal(ua_text(event, "tag"), "mine");
    assert_int_equal(json_integer_value(json_object_get(event, "status")), 180);
    json_decref(event);
    ua_confirm(world, tag);
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
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Reason: Q.850;cause=16;text=\"bye\"\r\n");
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE_DONE);
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
    ua_attach(world);
    ua_ask(world, "ua.call",
           "{\"to\":\"\\\"Bob, B.\\\" "
           "<sip:b@y;user=phone>\",\"from\":\"<sip:a@x>\",\"contact\":\"<sip:me@z>;+x\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_INVITE);
    ua_expect_in(command, CHANNEL_UA_TEXT_URI, "sip:b@y;user=phone");
    ua_expect_in(command, CHANNEL_UA_TEXT_TO, "\"Bob, B.\" <sip:b@y;user=phone>");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM, "<sip:a@x>");
    ua_expect_in(command, CHANNEL_UA_TEXT_CONTACT, "<sip:me@z>;+x");
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Allow: ");
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
        {"CRLF in a header", "{\"to\":\"sip:b@y\",\"headers\":[[\"X-A\",\"a\\r\\nVia: b\"]]}",
         DG_INVALID_PARAMS},
        {"LF in a header", "{\"to\":\"sip:b@y\",\"headers\":[[\"X-A\",\"a\\nVia: b\"]]}", DG_INVALID_PARAMS},
        {"NUL in a header", "{\"to\":\"sip:b@y\",\"headers\":[[\"X-A\",\"a\\u0000b\"]]}", DG_INVALID_PARAMS},
        {"colon in a name", "{\"to\":\"sip:b@y\",\"headers\":[[\"X-A: Via\",\"a\"]]}", DG_INVALID_PARAMS},
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
        {"headers that are none", "{\"to\":\"sip:b@y\",\"headers\":[[\"X-A\"]]}", DG_INVALID_PARAMS},
    };
    struct ua_world *world = *state;
    ua_attach(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].name);
        ua_refused(world, "ua.call", rows[i].params, rows[i].code);
    }
    ua_refused(world, "ua.request", "{\"method\":\"BYE\",\"to\":\"sip:b@y\"}", DG_INVALID_PARAMS);
    ua_refused(world, "ua.register",
               "{\"registrar\":\"sip:y\",\"aor\":\"sip:b@y\",\"user\":\"b\\r\\nX: y\",\"password\":\"p\"}",
               DG_INVALID_PARAMS);
    ua_refused(world, "refer.send",
               "{\"uri\":\"sip:b@y\",\"to\":\"sip:c@z\",\"user\":\"b\",\"password\":\"a\\\"b\"}",
               DG_INVALID_PARAMS);
    ua_refused(world, "ua.attach", "{\"application\":\"sbcs\"}", DG_NOT_FOUND);
    assert_int_equal(world->rpc.control.ua.tags.count, 0);
}

// Nothing is read of a call that is answered already: AddressSanitizer looks on.
static void test_refused_early(void **state)
{
    static const struct {
        const char *method, *params;
    } rows[] = {
        {"ua.reinvite", "{\"dialog\":\"" HEX "\"}"},
        {"ua.update", "{\"dialog\":\"" HEX "\",\"late_ack\":true}"},
        {"ua.register", "{\"application\":\"nobody\",\"registrar\":\"sip:x\",\"aor\":\"sip:a@x\"}"},
        {"ua.list", "{\"application\":\"nobody\",\"limit\":3}"},
        {"refer.list", "{\"application\":\"nobody\",\"peer\":\"carrier-a\",\"origin\":\"proxied\"}"},
        {"refer.send", "{\"dialog\":\"" HEX "\",\"replaces\":\"1100000000000002\"}"},
    };
    struct ua_world *world = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].method);
        ua_refused(world, rows[i].method, rows[i].params, DG_NOT_FOUND);
    }
}

static void test_requests(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
    ua_ask(world, "ua.request",
           "{\"dialog\":\"" HEX "\",\"method\":\"INFO\",\"body\":\"AAE=\",\"body_base64\":true,"
           "\"content_type\":\"application/x\",\"tag\":\"i\"}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_REQUEST);
    uint64_t tag = command->tag;
    assert_int_equal(command->body_length, 2);
    assert_int_equal(command->flags, 0);
    ua_done(world, command, 0, DIALOG, NULL);
    json_decref(ua_answer_of(world));
    ua_say_answer(world, tag, 200, RESPONSE("200", "2 INFO", ""));
    json_t *event = ua_event_of(world, "response");
    assert_string_equal(ua_text(event, "tag"), "i");
    assert_string_equal(ua_text(event, "method"), "INFO");
    json_decref(event);
    // Theirs; the answer of the first counts.
    ua_say_asked(world, 0x1100000000000077u, 0, REQUEST("INFO", ";tag=t1", "5", ""));
    ua_expect_event(world, "request", "request", "1100000000000077");
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

// A request outlives its dialog, and so may an INVITE that another one came upon.
static void test_request_outlives_dialog(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
    ua_say_call(world, world->desk);
    json_decref(ua_event_of(world, "incoming"));
    ua_say_asked(world, 0x1100000000000066u, 0, REQUEST("INVITE", ";tag=t1", "2", ""));
    ua_say_asked(world, 0x1100000000000077u, 0, REQUEST("INFO", ";tag=t1", "3", ""));
    ua_expect_event(world, "request", "request", "1100000000000066");
    ua_expect_event(world, "request", "request", "1100000000000077");
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
    ua_expect_event(world, "ended", "dialog", HEX);
    ua_ask(world, "ua.respond", "{\"request\":\"1100000000000077\",\"status\":481}");
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->transaction, 0x1100000000000077u);
    ua_done(world, command, 0, 0, NULL);
    json_decref(ua_answer_of(world));
    ua_say_call(world, world->desk); // with the handle of the first
    json_decref(ua_event_of(world, "incoming"));
}

static void test_data_plane_goes(void **state)
{
    struct ua_world *world = *state;
    ua_attach(world);
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
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
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
    ua_expect_event(world, "ended", "reason", "lost");
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
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    ua_run(world);
    assert_int_equal(ua->counts.lost, 0); // nothing is known of those before the first
    world->next += 5;
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    event = ua_event_of(world, "lost");
    assert_int_equal(json_integer_value(json_object_get(event, "count")), 5);
    json_decref(event);
}

// More than a JSON integer holds: what the data plane says is not trusted.
static void test_count_beyond_integers(void **state)
{
    struct ua_world *world = *state;
    world->rpc.control.ua.counts.lost = UINT64_MAX;
    json_t *result = ua_result(world, "metrics.get", "{}");
    char *text = json_dumps(result, 0);
    assert_non_null(strstr(text, "\"value\": 1.8446744073709552e19"));
    free(text);
    json_decref(result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ua_setup, ua_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_incoming),        TEST(test_counted),
        TEST(test_nobody_attached), TEST(test_answers_by_itself),
        TEST(test_cancelled),       TEST(test_ended_by_a_timer),
        TEST(test_place),           TEST(test_addresses),
        TEST(test_refused_params),  TEST(test_refused_early),
        TEST(test_requests),        TEST(test_request_outlives_dialog),
        TEST(test_data_plane_goes), TEST(test_resumed),
        TEST(test_losses),          TEST(test_count_beyond_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
