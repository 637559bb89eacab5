// SPDX-License-Identifier: BSD-3-Clause
#include "ua_world.h"

#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rpc/dialog.h"

#define TURNS 2000

static struct far_message received;

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
        if (!far_receive(world->rpc.far, &received, NULL, 0))
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
