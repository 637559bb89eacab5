// SPDX-License-Identifier: BSD-3-Clause
// Events from the dataplane to clients that follow them: the test is the dataplane and the client, between
// them runs the daemon's code.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"
#include "dialgate/counters.h"
#include "far_end.h"
#include "rpc/event.h"

struct world {
    char directory[64];
    char path[96];
    struct event_base *base;
    struct control control;
    struct rpc_server *server;
    struct events events;
    int far; // we as the dataplane
    int client;
    char *text; // what the client read and nobody looked at yet
    size_t used;
};

static int setup(void **state)
{
    char error[ERROR_SIZE];
    int pair[2];
    struct world *world = calloc(1, sizeof(*world));
    strcpy(world->directory, "/tmp/dialgate-event-XXXXXX");
    if (!mkdtemp(world->directory) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    struct control_options options = {SOURCE_ROOT "/config/examples/lab.yaml", world->directory,
                                      world->directory, NULL};
    world->base = event_base_new();
    snprintf(world->path, sizeof(world->path), "%s/control.sock", world->directory);
    if (control_init(&world->control, world->base, &options, error, sizeof(error)) < 0)
        return -1;
    world->server = rpc_server_create(&world->control, world->path, NULL, error, sizeof(error));
    world->events = (struct events){&world->control, world->server};
    world->control.events = (struct event_sink){events_publish, events_publish_members, &world->events};
    world->far = pair[1];
    world->text = calloc(1, 64u << 20);
    if (!world->server || control_connect(&world->control) < 0 ||
        channel_attach(world->control.channel, pair[0]) < 0)
        return -1;
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->control.active.image->sequence);
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"manifest", "sequence", "control.sock.lock"};
    struct world *world = *state;
    rpc_server_destroy(world->server);
    control_fini(&world->control);
    event_base_free(world->base);
    close(world->far);
    close(world->client);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", world->directory, files[i]);
        unlink(path);
    }
    far_forget_versions(world->directory);
    int result = rmdir(world->directory);
    free(world->text);
    free(world);
    return result;
}

static void client_say(struct world *world, const char *line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, world->path);
    world->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(world->client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(world->client, line, strlen(line)), strlen(line));
}

static void client_read(struct world *world)
{
    ssize_t got;
    far_run(world->base, 5);
    while ((got = recv(world->client, world->text + world->used, (63u << 20) - world->used, MSG_DONTWAIT)) >
           0) {
        world->used += (size_t)got;
        far_run(world->base, 1);
    }
}

// The next line that the client got; NULL when none came within a second.
static json_t *client_line(struct world *world)
{
    char *end = NULL;
    for (int i = 0; i < 200 && !(end = memchr(world->text, '\n', world->used)); i++)
        client_read(world);
    if (!end)
        return NULL;
    json_t *line = json_loadb(world->text, (size_t)(end - world->text), 0, NULL);
    assert_non_null(line);
    world->used -= (size_t)(end + 1 - world->text);
    memmove(world->text, end + 1, world->used);
    return line;
}

static void follow(struct world *world, const char *params)
{
    char request[256];
    snprintf(request, sizeof(request),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":%s}\n", params);
    client_say(world, request);
    json_t *line = client_line(world);
    assert_true(json_is_true(json_object_get(json_object_get(line, "result"), "following")));
    json_decref(line);
}

static void say_events(struct world *world, uint32_t count, uint64_t lost)
{
    struct channel_events events = {.lost = lost, .count = count};
    for (uint32_t i = 0; i < count; i++)
        events.rows[i] = (struct channel_event){.handle = 0x1234 + i,
                                                .time_ms = 1700000000123,
                                                .caller_peer = (uint16_t)(i % 2),
                                                .callee_peer = NUMBER_NONE,
                                                .callee_member = NUMBER_NONE,
                                                .from = CHANNEL_DIALOG_EARLY,
                                                .to = CHANNEL_DIALOG_CONFIRMED,
                                                .reason = CHANNEL_REASON_SUCCESS};
    far_say(world->far, CHANNEL_EVENTS, 0, &events, sizeof(events));
}

static void assert_text(const json_t *params, const char *key, const char *wanted)
{
    assert_string_equal(json_string_value(json_object_get(params, key)), wanted);
}

static void test_event(void **state)
{
    struct world *world = *state;
    follow(world, "{}");
    say_events(world, 1, 0);
    json_t *line = client_line(world);
    assert_non_null(line);
    assert_null(json_object_get(line, "id"));
    assert_text(line, "method", "event");
    const json_t *params = json_object_get(line, "params");
    assert_text(params, "id", "0000000000001234");
    assert_text(params, "from", "early");
    assert_text(params, "to", "confirmed");
    assert_text(params, "reason", "answered");
    assert_text(params, "caller_peer", control_peer_name(&world->control, 0));
    assert_text(params, "callee_peer", "-");
    assert_text(params, "member", "-");
    assert_true(json_integer_value(json_object_get(params, "time_ms")) == 1700000000123);
    json_decref(line);
}

static void say_member(struct world *world, const struct channel_member_event *event, uint64_t lost)
{
    struct channel_member_events events = {.lost = lost, .count = 1, .rows = {*event}};
    far_say(world->far, CHANNEL_MEMBER_EVENTS, 0, &events, sizeof(events));
}

static const struct {
    enum member_health to;
    uint16_t reason;
    const char *method, *says;
} healths[] = {
    {MEMBER_UP, 0, "member.up", NULL},
    {MEMBER_UNKNOWN, 0, "member.unknown", NULL},
    {MEMBER_DOWN, 0, "member.down", "no answer"},
    {MEMBER_DOWN, MEMBER_REASON_UNREACHABLE, "member.down", "unreachable"},
    {MEMBER_DOWN, 503, "member.down", "answers 503"},
};

static void test_member(void **state)
{
    struct world *world = *state;
    char peer[64];
    snprintf(peer, sizeof(peer), "{\"peer\":\"%s\"}", control_peer_name(&world->control, 1));
    follow(world, peer);
    for (size_t i = 0; i < sizeof(healths) / sizeof(healths[0]); i++) {
        struct channel_member_event event = {
            .time_ms = 1700000000123,
            .probes = 77,
            .address = {{[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 0, [14] = 1, [15] = 2}},
            .port = 5070,
            .member = 3,
            .reason = healths[i].reason,
            .from = MEMBER_UP,
            .to = (uint8_t)healths[i].to,
            .in_row = 3};
        say_member(world, &event, 0); // of peer 0, whom nobody follows
        event.peer = 1;
        say_member(world, &event, i == 0 ? 5 : 0);
        json_t *line = client_line(world);
        if (i == 0) {
            assert_text(line, "method", "events.lost");
            assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "params"), "count")),
                             5);
            json_decref(line);
            line = client_line(world);
        }
        const json_t *params = json_object_get(line, "params");
        assert_text(line, "method", healths[i].method);
        assert_text(params, "peer", control_peer_name(&world->control, 1));
        assert_text(params, "member", "10.0.1.2:5070");
        assert_text(params, "from", "up");
        if (healths[i].says)
            assert_text(params, "reason", healths[i].says);
        else
            assert_true(json_is_null(json_object_get(params, "reason")));
        assert_int_equal(json_integer_value(json_object_get(params, "in_row")), 3);
        assert_int_equal(json_integer_value(json_object_get(params, "probes_total")), 77);
        assert_true(json_integer_value(json_object_get(params, "time_ms")) == 1700000000123);
        json_decref(line);
    }
}

static void test_only_one_peer(void **state)
{
    struct world *world = *state;
    char params[64];
    snprintf(params, sizeof(params), "{\"peer\":\"%s\"}", control_peer_name(&world->control, 1));
    follow(world, params);
    say_events(world, 4, 0);
    for (int i = 1; i < 4; i += 2) {
        char id[20];
        json_t *line = client_line(world);
        snprintf(id, sizeof(id), "%016x", 0x1234 + i);
        assert_text(json_object_get(line, "params"), "id", id);
        json_decref(line);
    }
    client_read(world);
    assert_int_equal(world->used, 0);
}

static void test_unknown_peer(void **state)
{
    struct world *world = *state;
    client_say(
        world,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":{\"peer\":\"nobody\"}}\n");
    json_t *line = client_line(world);
    assert_non_null(json_object_get(line, "error"));
    json_decref(line);
    say_events(world, 2, 0);
    client_read(world);
    assert_int_equal(world->used, 0);
}

static void test_lost_by_the_dataplane(void **state)
{
    struct world *world = *state;
    follow(world, "{}");
    say_events(world, 1, 77);
    json_t *line = client_line(world);
    assert_text(line, "method", "events.lost");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "params"), "count")), 77);
    json_decref(line);
    line = client_line(world);
    assert_text(line, "method", "event");
    json_decref(line);
}

// A client that does not read holds nobody up and costs bounded memory; what it gets and what it is told to
// have lost is all there was.
static void test_slow_client(void **state)
{
    struct world *world = *state;
    uint64_t sent = 0, got = 0, lost = 0;
    follow(world, "{}");
    for (int i = 0; i < 400; i++) {
        say_events(world, CHANNEL_EVENTS_MAX, 0);
        far_run(world->base, 1);
        sent += CHANNEL_EVENTS_MAX;
    }
    client_read(world);
    assert_true(world->used < 4u << 20);
    say_events(world, 1, 0); // brings the count of those before it
    sent++;
    client_read(world);
    for (json_t *line = client_line(world); line; line = world->used > 0 ? client_line(world) : NULL) {
        if (strcmp(json_string_value(json_object_get(line, "method")), "event") == 0)
            got++;
        else
            lost += (uint64_t)json_integer_value(json_object_get(json_object_get(line, "params"), "count"));
        json_decref(line);
    }
    assert_true(lost > 0);
    assert_int_equal(got + lost, sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_member, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_one_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_by_the_dataplane, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_client, setup, teardown),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
