// SPDX-License-Identifier: BSD-3-Clause
#include "cmocka_first.h"
#include "event_world.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void greet(struct world *world)
{
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->control.active.image->sequence);
    hello.boot = world->boot;
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    for (int i = 0; i < 200 && !channel_ready(world->control.channel); i++)
        far_run(world->base, 5);
    assert_true(channel_ready(world->control.channel));
}

// A connection as control makes it when the data plane is there.
void attach(struct world *world)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    world->far = pair[1];
    assert_int_equal(channel_attach(world->control.channel, pair[0]), 0);
    greet(world);
}

void detach(struct world *world)
{
    close(world->far);
    for (int i = 0; i < 200 && channel_ready(world->control.channel); i++)
        far_run(world->base, 5);
    assert_false(channel_ready(world->control.channel));
}

int setup(void **state)
{
    char error[ERROR_SIZE];
    struct world *world = calloc(1, sizeof(*world));
    strcpy(world->directory, "/tmp/dialgate-event-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(world->path, sizeof(world->path), "%s/control.sock", world->directory);
    snprintf(world->config, sizeof(world->config), "%s/config.yaml", world->directory);
    snprintf(world->file, sizeof(world->file), "%s/events.json", world->directory);
    FILE *config = fopen(world->config, "w");
    fprintf(config, "include: [%s]\nevents: {keep: %u, file: %s, syslog: true}\n",
            SOURCE_ROOT "/config/examples/lab.yaml", KEEP, world->file);
    fclose(config);
    struct control_options options = {world->config, world->directory, world->directory, NULL};
    world->base = event_base_new();
    if (control_init(&world->control, world->base, &options, error, sizeof(error)) < 0) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    world->control.events.syslog.path = world->directory; // no socket: another test's business
    world->server = rpc_server_create(&world->control, world->path, NULL, error, sizeof(error));
    world->control.events.tell = rpc_server_tell;
    world->control.events.context = world->server;
    world->boot = 0x1111;
    world->number = 1;
    world->client = -1;
    world->text = calloc(1, 64u << 20);
    if (!world->server || control_connect(&world->control) < 0)
        return -1;
    attach(world);
    *state = world;
    return 0;
}

int teardown(void **state)
{
    static const char *const files[] = {"manifest",    "sequence",    "control.sock.lock",
                                        "config.yaml", "events.json", "events.old",
                                        "syslog",      "bad.yaml"};
    struct world *world = *state;
    world->control.events.tell = NULL;
    rpc_server_destroy(world->server);
    control_fini(&world->control);
    event_base_free(world->base);
    close(world->far);
    close(world->client);
    int result = far_remove(world->directory, files, sizeof(files) / sizeof(files[0]));
    free(world->text);
    free(world);
    return result;
}

void client_say(struct world *world, const char *line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, world->path);
    world->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(world->client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(world->client, line, strlen(line)), strlen(line));
}

void client_read(struct world *world)
{
    ssize_t got;
    far_run(world->base, 5);
    while ((got = recv(world->client, world->text + world->used, (63u << 20) - world->used, MSG_DONTWAIT)) >
           0) {
        world->used += (size_t)got;
        far_run(world->base, 1);
    }
}

// An event has the fields of its row, in their order and no other.
void assert_fields(const json_t *params)
{
    static const char *const common[] = {"stream", "seq", "time", "kind", "name"};
    const char *kind = json_string_value(json_object_get(params, "kind"));
    const char *name = json_string_value(json_object_get(params, "name"));
    char fields[512] = "";
    size_t used = 0, position = 0;
    const char *key;
    json_t *value;
    if (!kind) // events.lost
        return;
    json_object_foreach((json_t *)(uintptr_t)params, key, value)
    {
        if (position < 5)
            assert_string_equal(key, common[position]);
        else
            used += (size_t)snprintf(fields + used, sizeof(fields) - used, "%s%s", used ? ", " : "", key);
        position++;
    }
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        if (strcmp(event_kinds[event_rows[i].kind], kind) == 0 && strcmp(event_rows[i].name, name) == 0) {
            assert_string_equal(fields, event_rows[i].fields);
            return;
        }
    fail_msg("no row is called %s %s", kind, name);
}

// The next line that the client got; NULL when none came within a second.
json_t *client_line(struct world *world)
{
    char *end = NULL;
    for (int i = 0; i < 200 && !(end = memchr(world->text, '\n', world->used)); i++)
        client_read(world);
    if (!end)
        return NULL;
    json_t *line = json_loadb(world->text, (size_t)(end - world->text), 0, NULL);
    assert_non_null(line);
    if (json_object_get(line, "method"))
        assert_fields(json_object_get(line, "params"));
    world->used -= (size_t)(end + 1 - world->text);
    memmove(world->text, end + 1, world->used);
    return line;
}

json_t *ask_to_follow(struct world *world, const char *params)
{
    char request[256];
    snprintf(request, sizeof(request),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":%s}\n", params);
    client_say(world, request);
    json_t *line = client_line(world);
    assert_non_null(line);
    return line;
}

void follow(struct world *world, const char *params)
{
    json_t *line = ask_to_follow(world, params);
    assert_true(json_is_true(json_object_get(json_object_get(line, "result"), "following")));
    json_decref(line);
}

// The numbers begin behind `lost` of them.
void say_events(struct world *world, uint32_t count, uint64_t lost)
{
    struct channel_events events = {.run = {.first = world->number + lost, .lost = lost, .count = count}};
    world->number += lost + count;
    for (uint32_t i = 0; i < count; i++)
        events.rows[i] = (struct channel_event){.handle = 0x1234 + i,
                                                .time_ms = 1700000000123,
                                                .call = 0x77 + i % 3,
                                                .caller_peer = (uint16_t)(i % 2),
                                                .callee_peer = NUMBER_NONE,
                                                .callee_member = NUMBER_NONE,
                                                .from = CHANNEL_DIALOG_EARLY,
                                                .to = CHANNEL_DIALOG_CONFIRMED,
                                                .reason = CHANNEL_REASON_SUCCESS};
    far_say(world->far, CHANNEL_EVENTS, 0, &events, sizeof(events));
}

void assert_text(const json_t *params, const char *key, const char *wanted)
{
    assert_string_equal(json_string_value(json_object_get(params, key)), wanted);
}

json_int_t integer(const json_t *params, const char *key)
{
    assert_true(json_is_integer(json_object_get(params, key)));
    return json_integer_value(json_object_get(params, key));
}

// The next line is an event of this name; its params, borrowed until the next call.
const json_t *expect(struct world *world, const char *kind, const char *name)
{
    static json_t *line;
    json_decref(line);
    line = client_line(world);
    if (!line)
        fail_msg("no event came where %s %s should", kind, name);
    const json_t *params = json_object_get(line, "params");
    assert_text(line, "method", "event");
    assert_text(params, "kind", kind);
    assert_text(params, "name", name);
    return params;
}

void expect_lost(struct world *world, json_int_t first, json_int_t last, const char *cause)
{
    json_t *line = client_line(world);
    const json_t *params = json_object_get(line, "params");
    assert_text(line, "method", "events.lost");
    assert_true(integer(params, "first") == first && integer(params, "last") == last);
    assert_true(integer(params, "count") == last - first + 1);
    assert_text(params, "cause", cause);
    json_decref(line);
}

void expect_none(struct world *world)
{
    client_read(world);
    assert_int_equal(world->used, 0);
}
