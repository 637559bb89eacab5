// SPDX-License-Identifier: BSD-3-Clause
#include "ua_world.h"

#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rpc/dialog.h"

#define TURNS 2000

static struct far_message received;
static struct far_message early[2]; // commands that came while calls were listed
static unsigned early_count, early_taken;

static bool receive(struct ua_world *world)
{
    if (early_taken == early_count)
        return far_receive(world->rpc.far, &received, NULL, 0);
    received = early[early_taken++];
    return true;
}

int ua_world_open(struct ua_world *world, const char *applications)
{
    char section[4096];
    memset(world, 0, sizeof(*world));
    snprintf(section, sizeof(section), "}\napplications:\n%s\nstate: {", applications);
    if (rpc_world_open(&world->rpc, section) < 0)
        return -1;
    const struct ua *ua = &world->rpc.control.ua;
    world->rpc.control.events.tell = rpc_server_tell;
    world->rpc.control.events.context = world->rpc.server;
    world->desk = ua_app_find(ua, "desk")->number;
    world->robot = ua_app_find(ua, "robot")->number;
    world->carrier = (uint16_t)dialog_find_peer(&world->rpc.control, "carrier-a");
    world->next = 1;
    rpc_reader_open(&world->client, &world->rpc);
    return 0;
}

int ua_world_close(struct ua_world *world)
{
    rpc_reader_close(&world->client);
    world->rpc.control.events.tell = NULL;
    early_count = early_taken = 0;
    return rpc_world_close(&world->rpc);
}

void ua_ask(struct ua_world *world, const char *method, const char *params)
{
    char line[16384];
    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}\n",
             ++world->last_id, method, params);
    rpc_reader_say(&world->client, line);
}

static json_t *next_line(struct ua_world *world)
{
    json_t *line = rpc_reader_line(&world->rpc, &world->client);
    assert_non_null(line);
    return line;
}

json_t *ua_answer_of(struct ua_world *world)
{
    json_t *line;
    while (!json_object_get((line = next_line(world)), "id"))
        json_decref(line);
    return line;
}

json_t *ua_event_of(struct ua_world *world, const char *event)
{
    for (;;) {
        json_t *line = next_line(world), *params = json_object_get(line, "params");
        if (strcmp(ua_text(line, "method"), "ua.event") == 0 &&
            strcmp(ua_text(params, "event"), event) == 0) {
            json_incref(params);
            json_decref(line);
            return params;
        }
        json_decref(line);
    }
}

json_t *ua_result(struct ua_world *world, const char *method, const char *params)
{
    ua_ask(world, method, params);
    json_t *line = ua_answer_of(world), *result = json_object_get(line, "result");
    if (!result)
        print_error("%s %s: %s\n", method, params, ua_text(json_object_get(line, "error"), "message"));
    assert_non_null(result);
    json_incref(result);
    json_decref(line);
    return result;
}

void ua_refused(struct ua_world *world, const char *method, const char *params, enum dg_code code)
{
    static const int codes[DG_CODE_COUNT] = {
#define X(name, wire, text) [name] = wire,
        DG_CODES(X)
#undef X
    };
    ua_ask(world, method, params);
    json_t *line = ua_answer_of(world), *error = json_object_get(line, "error");
    if (json_integer_value(json_object_get(error, "code")) != codes[code])
        print_error("%s %s: %s\n", method, params, ua_text(error, "message"));
    assert_int_equal(json_integer_value(json_object_get(error, "code")), codes[code]);
    json_decref(line);
}

const char *ua_text(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

const struct channel_ua_command *ua_command(struct ua_world *world, enum channel_ua_op op)
{
    const struct channel_ua_command *command = (const void *)received.body;
    for (int i = 0; i < TURNS; i++) {
        far_run(world->rpc.base, 2);
        if (!receive(world))
            continue;
        if (received.header.type == CHANNEL_DIALOG_LIST || received.header.type == CHANNEL_DIALOG_SHOW)
            far_done(world->rpc.far, CHANNEL_DONE, received.header.request, 0, "");
        if (received.header.type == CHANNEL_UA_COMMAND) {
            assert_int_equal(command->op, op);
            assert_int_equal(received.header.size,
                             sizeof(received.header) + channel_ua_command_size(command));
            return command;
        }
    }
    fail_msg("no command");
    return NULL;
}

char *ua_command_text(const struct channel_ua_command *command, unsigned which)
{
    const char *at = (const char *)(command + 1);
    for (unsigned i = 0; i < which; i++)
        at += command->text_lengths[i];
    size_t length = which == CHANNEL_UA_TEXTS ? command->body_length : command->text_lengths[which];
    return strndup(at, length);
}

void ua_say(struct ua_world *world, const struct channel_ua_event *event, const char *message)
{
    static uint8_t body[sizeof(struct channel_event_run) + sizeof(*event) + 65536];
    struct channel_event_run run = {.first = world->next++, .count = 1};
    struct channel_ua_event told = *event;
    told.length = message ? (uint16_t)strlen(message) : 0;
    memset(body, 0, sizeof(body));
    memcpy(body, &run, sizeof(run));
    memcpy(body + sizeof(run), &told, sizeof(told));
    if (message)
        memcpy(body + sizeof(run) + sizeof(told), message, strlen(message));
    far_say(world->rpc.far, CHANNEL_UA_EVENTS, 0, body, sizeof(run) + channel_ua_event_size(&told));
}

void ua_done(struct ua_world *world, const struct channel_ua_command *command, int result, uint64_t dialog,
             const char *message)
{
    const struct channel_ua_event done = {.kind = CHANNEL_UA_DONE,
                                          .tag = command->tag,
                                          .dialog = dialog,
                                          .call = dialog ? 700 : 0,
                                          .result = result,
                                          .application = world->desk,
                                          .peer = world->carrier};
    ua_say(world, &done, message);
}

void ua_run(struct ua_world *world)
{
    far_run(world->rpc.base, 10);
}

void ua_attach(struct ua_world *world)
{
    json_t *result = ua_result(world, "ua.attach", "{\"application\":\"desk\"}");
    assert_int_equal(json_integer_value(json_object_get(result, "next")), 1);
    json_decref(result);
}

void ua_say_state(struct ua_world *world, uint64_t dialog, unsigned state, unsigned reason)
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

void ua_say_call(struct ua_world *world, uint16_t application)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_CALL,
                                           .dialog = DIALOG,
                                           .transaction = 0x1100000000000055u,
                                           .call = 700,
                                           .application = application,
                                           .peer = world->carrier,
                                           .state = CHANNEL_DIALOG_NONE,
                                           .flags = CHANNEL_UA_CALLEE,
                                           .source = IP_MAPPED(0x0a0a0101),
                                           .source_port = 5060};
    ua_say(world, &event, REQUEST("INVITE", "", "1", "X-Note: \"a\\\\b\"\r\nAllow: INVITE, UPDATE\r\n"));
}

void ua_say_answer(struct ua_world *world, uint64_t tag, unsigned status, const char *message)
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

void ua_say_asked(struct ua_world *world, uint64_t transaction, unsigned status, const char *message)
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

void ua_expect_event(struct ua_world *world, const char *name, const char *key, const char *value)
{
    json_t *event = ua_event_of(world, name);
    assert_string_equal(ua_text(event, key), value);
    json_decref(event);
}

void ua_expect_in(const struct channel_ua_command *command, unsigned which, const char *part)
{
    char *text = ua_command_text(command, which);
    if (!strstr(text, part))
        print_error("%s: %s\n", part, text);
    assert_non_null(strstr(text, part));
    free(text);
}

uint64_t ua_place(struct ua_world *world, const char *more)
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

void ua_confirm(struct ua_world *world, uint64_t tag)
{
    ua_say_answer(world, tag, 200, RESPONSE("200", "1 INVITE", ""));
    ua_say_state(world, DIALOG, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    json_decref(ua_event_of(world, "answered"));
    ua_expect_event(world, "state", "to", "confirmed");
}

int ua_setup_with(void **state, const char *applications)
{
    struct ua_world *world = malloc(sizeof(*world));
    *state = world;
    return world ? ua_world_open(world, applications) : -1;
}

int ua_setup(void **state)
{
    return ua_setup_with(state, " - {name: desk, listener: edge}\n"
                                " - {name: robot, answer: {status: 603, ring: 180, after: 20ms}}\n");
}

int ua_setup_transfers(void **state)
{
    return ua_setup_with(state, " - {name: desk, listener: edge, refer: accept, refer_targets: ['@z']}\n"
                                " - {name: robot}\n");
}

int ua_teardown(void **state)
{
    int result = ua_world_close(*state);
    free(*state);
    return result;
}

void ua_restart(struct ua_world *world)
{
    early_count = early_taken = 0;
    rpc_reader_close(&world->client);
    world->rpc.control.events.tell = NULL;
    rpc_world_stop(&world->rpc);
    assert_int_equal(rpc_world_start(&world->rpc), 0);
    world->rpc.control.events.tell = rpc_server_tell;
    world->rpc.control.events.context = world->rpc.server;
    rpc_reader_open(&world->client, &world->rpc);
}

void ua_attach_again(struct ua_world *world)
{
    json_decref(ua_result(world, "ua.attach", "{\"application\":\"desk\",\"since\":0}"));
}

void ua_expect_answer(struct ua_world *world, uint64_t transaction, unsigned status)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->transaction, transaction);
    assert_int_equal(command->status, status);
    ua_done(world, command, 0, DIALOG, NULL);
}

void ua_reboot(struct ua_world *world)
{
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->rpc.control.active.image->sequence);
    hello.boot = world->rpc.control.ua.boot + 1;
    for (int i = 0; i < 50; i++) { // nothing of before is under way
        far_run(world->rpc.base, 1);
        while (far_receive(world->rpc.far, &received, NULL, 0))
            continue;
    }
    ua_resume_stop(&world->rpc.control.ua);
    far_say(world->rpc.far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    for (int i = 0; i < TURNS && !world->rpc.control.ua.resume; i++)
        far_run(world->rpc.base, 2);
}

void ua_resume(struct ua_world *world, const struct ua_row *rows, size_t count)
{
    uint8_t body[CHANNEL_MESSAGE_MAX];
    const struct channel_dialog_list *list = (const void *)received.body;
    early_count = early_taken = 0;
    for (int i = 0; i < TURNS && !world->rpc.control.ua.round; i++)
        far_run(world->rpc.base, 2);
    for (int i = 0; i < TURNS && world->rpc.control.ua.resume; i++) {
        far_run(world->rpc.base, 2);
        if (!world->rpc.control.ua.resume) // what comes then is for the caller
            break;
        if (!far_receive(world->rpc.far, &received, NULL, 0))
            continue;
        if (received.header.type == CHANNEL_UA_COMMAND && early_count < 2)
            early[early_count++] = received;
        if (received.header.type != CHANNEL_DIALOG_LIST)
            continue;
        for (size_t row = 0; row < count; row++) {
            struct channel_dialog_row *told = (void *)body;
            if (list->peer != (rows[row].robot ? world->robot : world->desk))
                continue;
            size_t size = far_row(body, rows[row].handle, DESK_CALL_ID);
            told->state = (uint16_t)rows[row].state;
            told->call = rows[row].call ? rows[row].call : 700;
            told->caller_peer = rows[row].callee ? world->carrier : list->peer;
            told->callee_peer = rows[row].callee ? list->peer : world->carrier;
            far_say(world->rpc.far, CHANNEL_DIALOG_ROW, received.header.request, body, size);
        }
        far_done(world->rpc.far, CHANNEL_DONE, received.header.request, 0, "");
    }
    assert_null(world->rpc.control.ua.resume);
}
