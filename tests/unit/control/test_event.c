// SPDX-License-Identifier: BSD-3-Clause
// Events from the dataplane to clients that follow them: the test is the dataplane and the client, between
// them runs the daemon's code.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"
#include "dialgate/counters.h"
#include "event.h"
#include "far_end.h"
#include "rpc/server.h"

#define KEEP 1024u

struct world {
    char directory[64];
    char path[96];
    char config[96];
    char file[96];
    struct event_base *base;
    struct control control;
    struct rpc_server *server;
    int far; // we as the dataplane
    uint64_t boot;
    uint64_t number; // of the next event that we tell
    int client;
    char *text; // what the client read and nobody looked at yet
    size_t used;
};

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
static void attach(struct world *world)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    world->far = pair[1];
    assert_int_equal(channel_attach(world->control.channel, pair[0]), 0);
    greet(world);
}

static void detach(struct world *world)
{
    close(world->far);
    for (int i = 0; i < 200 && channel_ready(world->control.channel); i++)
        far_run(world->base, 5);
    assert_false(channel_ready(world->control.channel));
}

static int setup(void **state)
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

static int teardown(void **state)
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

// An event has the fields of its row, in their order and no other.
static void assert_fields(const json_t *params)
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
static json_t *client_line(struct world *world)
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

static json_t *ask_to_follow(struct world *world, const char *params)
{
    char request[256];
    snprintf(request, sizeof(request),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":%s}\n", params);
    client_say(world, request);
    json_t *line = client_line(world);
    assert_non_null(line);
    return line;
}

static void follow(struct world *world, const char *params)
{
    json_t *line = ask_to_follow(world, params);
    assert_true(json_is_true(json_object_get(json_object_get(line, "result"), "following")));
    json_decref(line);
}

// The numbers begin behind `lost` of them.
static void say_events(struct world *world, uint32_t count, uint64_t lost)
{
    struct channel_events events = {.first = world->number + lost, .lost = lost, .count = count};
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

static void assert_text(const json_t *params, const char *key, const char *wanted)
{
    assert_string_equal(json_string_value(json_object_get(params, key)), wanted);
}

static json_int_t integer(const json_t *params, const char *key)
{
    assert_true(json_is_integer(json_object_get(params, key)));
    return json_integer_value(json_object_get(params, key));
}

// The next line is an event of this name; its params, borrowed until the next call.
static const json_t *expect(struct world *world, const char *kind, const char *name)
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

static void expect_lost(struct world *world, json_int_t first, json_int_t last, const char *cause)
{
    json_t *line = client_line(world);
    const json_t *params = json_object_get(line, "params");
    assert_text(line, "method", "events.lost");
    assert_true(integer(params, "first") == first && integer(params, "last") == last);
    assert_true(integer(params, "count") == last - first + 1);
    assert_text(params, "cause", cause);
    json_decref(line);
}

static void expect_none(struct world *world)
{
    client_read(world);
    assert_int_equal(world->used, 0);
}

static void test_event(void **state)
{
    struct world *world = *state;
    follow(world, "{}");
    say_events(world, 1, 0);
    const json_t *params = expect(world, "dialog", "changed");
    assert_text(params, "id", "0000000000001234");
    assert_text(params, "call", "0000000000000077");
    assert_text(params, "from", "early");
    assert_text(params, "to", "confirmed");
    assert_text(params, "reason", "answered");
    assert_text(params, "caller_peer", control_peer_name(&world->control, 0));
    assert_text(params, "callee_peer", "-");
    assert_text(params, "member", "-");
    assert_text(params, "time", "2023-11-14T22:13:20.123Z");
    assert_int_equal(integer(params, "dataplane_seq"), 1);
    assert_int_equal(integer(params, "seq"), 3); // started, connected, this
    say_events(world, 1, 0);
    params = expect(world, "dialog", "changed");
    assert_int_equal(integer(params, "seq"), 4);
    assert_int_equal(integer(params, "dataplane_seq"), 2);
}

static void say_member(struct world *world, uint64_t number, const struct channel_member_event *event,
                       uint64_t lost)
{
    struct channel_member_events events = {.first = number, .lost = lost, .count = 1, .rows = {*event}};
    far_say(world->far, CHANNEL_MEMBER_EVENTS, 0, &events, sizeof(events));
}

static const struct {
    enum member_health to;
    uint16_t reason;
    const char *name, *says;
} healths[] = {
    {MEMBER_UP, 0, "up", NULL},
    {MEMBER_UNKNOWN, 0, "unknown", NULL},
    {MEMBER_DOWN, 0, "down", "no answer"},
    {MEMBER_DOWN, MEMBER_REASON_UNREACHABLE, "down", "unreachable"},
    {MEMBER_DOWN, 503, "down", "answers 503"},
};

static void test_member(void **state)
{
    struct world *world = *state;
    char peer[64];
    uint64_t number = 6;
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
        say_member(world, number++, &event, i == 0 ? 5 : 0); // of peer 0, whom nobody follows
        event.peer = 1;
        say_member(world, number++, &event, 0);
        if (i == 0) { // whose they were nobody knows
            const json_t *lost = expect(world, "member", "lost");
            assert_true(integer(lost, "count") == 5 && integer(lost, "first") == 1 &&
                        integer(lost, "last") == 5);
        }
        const json_t *params = expect(world, "member", healths[i].name);
        assert_text(params, "peer", control_peer_name(&world->control, 1));
        assert_text(params, "member", "10.0.1.2:5070");
        assert_text(params, "from", "up");
        if (healths[i].says)
            assert_text(params, "reason", healths[i].says);
        else
            assert_true(json_is_null(json_object_get(params, "reason")));
        assert_int_equal(integer(params, "in_row"), 3);
        assert_int_equal(integer(params, "probes_total"), 77);
        assert_text(params, "time", "2023-11-14T22:13:20.123Z");
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

static void test_kinds(void **state)
{
    struct world *world = *state;
    follow(world, "{\"kinds\":[\"ban\",\"member\"]}");
    say_events(world, 2, 1);
    event_watch_ban(&world->control, "10.1.2.3", 60, "somebody");
    const json_t *params = expect(world, "ban", "added");
    assert_text(params, "address", "10.1.2.3");
    assert_int_equal(integer(params, "seconds"), 60);
    assert_text(params, "who", "somebody");
    event_watch_unban(&world->control, "10.1.2.3", "another");
    assert_text(expect(world, "ban", "removed"), "who", "another");
    expect_none(world);
}

static const struct {
    const char *params, *says;
} wrong_kinds[] = {
    {"{\"kinds\":[]}", "list of dialog | member"},
    {"{\"kinds\":\"dialog\"}", "list of dialog | member"},
    {"{\"kinds\":[\"dialog\",\"dialogs\"]}", "list of dialog | member"},
    {"{\"kinds\":[1]}", "list of dialog | member"},
    {"{\"since\":-1}", "at least 0"},
    {"{\"stream\":\"1\"}", "16"},
    {"{\"peer\":\"nobody\"}", "no peer is called nobody"},
};

static void test_wrong_parameters(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < sizeof(wrong_kinds) / sizeof(wrong_kinds[0]); i++) {
        json_t *line = ask_to_follow(world, wrong_kinds[i].params);
        const char *text = json_string_value(json_object_get(json_object_get(line, "error"), "message"));
        if (!text || !strstr(text, wrong_kinds[i].says))
            fail_msg("%s: %s", wrong_kinds[i].params, text ? text : "taken");
        json_decref(line);
        close(world->client);
    }
    say_events(world, 2, 0);
    far_run(world->base, 5);
}

// Bans whose time is over; a second passes.
static void test_ban_expires(void **state)
{
    struct world *world = *state;
    follow(world, "{\"kinds\":[\"ban\"]}");
    event_watch_ban(&world->control, "10.1.2.3", 1, "somebody");
    event_watch_ban(&world->control, "10.1.2.4", 0, "somebody");
    event_watch_ban(&world->control, "10.1.2.5", 3600, "somebody");
    expect(world, "ban", "added");
    const json_t *params = expect(world, "ban", "added");
    assert_true(json_is_null(json_object_get(params, "seconds")));
    expect(world, "ban", "added");
    for (int i = 0; i < 400 && !memchr(world->text, '\n', world->used); i++)
        client_read(world);
    assert_text(expect(world, "ban", "expired"), "address", "10.1.2.3");
    assert_int_equal(world->control.watch.ban_count, 2);
}

static void test_since(void **state)
{
    struct world *world = *state;
    char params[128];
    say_events(world, 10, 0);
    far_run(world->base, 20);
    assert_int_equal(world->control.events.last, 12);
    follow(world, "{\"since\":5}");
    for (int seq = 6; seq <= 12; seq++)
        assert_int_equal(integer(expect(world, "dialog", "changed"), "seq"), seq);
    say_events(world, 1, 0);
    assert_int_equal(integer(expect(world, "dialog", "changed"), "seq"), 13);
    expect_none(world);
    close(world->client);
    follow(world, "{\"since\":13}");
    expect_none(world);
    close(world->client);
    snprintf(params, sizeof(params), "{\"since\":12,\"stream\":\"%016" PRIx64 "\"}",
             world->control.events.id);
    follow(world, params);
    assert_int_equal(integer(expect(world, "dialog", "changed"), "seq"), 13);
    expect_none(world);
}

// Numbers of another process: all that there is comes, and the answer says so.
static void test_another_stream(void **state)
{
    static const char *const params[] = {"{\"since\":1,\"stream\":\"0123456789abcdef\"}", "{\"since\":3}"};
    struct world *world = *state;
    for (size_t i = 0; i < 2; i++) {
        json_t *line = ask_to_follow(world, params[i]);
        const json_t *result = json_object_get(line, "result");
        assert_true(json_is_false(json_object_get(result, "same_stream")));
        assert_int_equal(integer(result, "from"), 1);
        assert_int_equal(integer(result, "last"), 2);
        json_decref(line);
        assert_int_equal(integer(expect(world, "health", "control_started"), "seq"), 1);
        assert_text(expect(world, "health", "dataplane_connected"), "boot", "0000000000001111");
        expect_none(world);
        close(world->client);
    }
}

static void test_since_what_is_gone(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 20; i++)
        say_events(world, CHANNEL_EVENTS_MAX, 0);
    far_run(world->base, 20);
    json_int_t last = (json_int_t)world->control.events.last, first = last - KEEP + 1;
    assert_int_equal(last, 2 + 20 * CHANNEL_EVENTS_MAX);
    follow(world, "{\"since\":7}");
    expect_lost(world, 8, first - 1, "gone");
    for (json_int_t seq = first; seq <= last; seq++)
        assert_true(integer(expect(world, "dialog", "changed"), "seq") == seq);
    expect_none(world);
    assert_true(world->control.events.lost[EVENT_LOSS_CLIENT] == 0);
}

static void test_lost_by_the_dataplane(void **state)
{
    struct world *world = *state;
    follow(world, "{\"peer\":\"carrier-a\"}");
    say_events(world, 1, 77);
    const json_t *lost = expect(world, "dialog", "lost");
    assert_true(integer(lost, "count") == 77 && integer(lost, "first") == 1 && integer(lost, "last") == 77);
    assert_int_equal(integer(expect(world, "dialog", "changed"), "dataplane_seq"), 78);
    say_events(world, 0, 3); // with nothing behind them
    assert_int_equal(integer(expect(world, "dialog", "lost"), "count"), 3);
    assert_true(world->control.events.lost[EVENT_LOSS_DATAPLANE] == 80);
}

// What control said that it has, newest first; what else it says is passed over.
static uint64_t acknowledged(struct world *world)
{
    struct far_message message;
    uint64_t number = 0;
    far_run(world->base, 5);
    while (far_receive(world->far, &message, NULL, 20))
        if (message.header.type == CHANNEL_EVENTS_DONE)
            number = ((const struct channel_events_done *)(const void *)message.body)->dialogs;
    return number;
}

// After a connection that ended the data plane sends again what was not named; each is told once.
static void test_sent_again(void **state)
{
    struct world *world = *state;
    follow(world, "{\"kinds\":[\"dialog\"]}");
    say_events(world, 5, 0);
    for (int number = 1; number <= 5; number++)
        assert_int_equal(integer(expect(world, "dialog", "changed"), "dataplane_seq"), number);
    assert_int_equal(acknowledged(world), 5);
    detach(world);
    attach(world);
    world->number = 4;
    say_events(world, 4, 0);
    for (int number = 6; number <= 7; number++)
        assert_int_equal(integer(expect(world, "dialog", "changed"), "dataplane_seq"), number);
    assert_int_equal(acknowledged(world), 7);
    world->number = 3;
    say_events(world, 2, 0); // nothing new
    expect_none(world);
    world->number = 10; // a gap that nobody owned up to
    say_events(world, 1, 0);
    assert_int_equal(integer(expect(world, "dialog", "lost"), "first"), 8);
    assert_int_equal(integer(expect(world, "dialog", "changed"), "dataplane_seq"), 10);
}

// Another data plane counts from 1, or from where a control before us took the rest.
static void test_restarted_dataplane(void **state)
{
    struct world *world = *state;
    follow(world, "{}");
    say_events(world, 5, 0);
    for (int number = 1; number <= 5; number++)
        expect(world, "dialog", "changed");
    acknowledged(world); // what is left unread would end the connection otherwise
    detach(world);
    assert_text(expect(world, "health", "dataplane_away"), "reason", "the dataplane closed the connection");
    world->boot = 0x2222;
    attach(world);
    assert_text(expect(world, "health", "dataplane_restarted"), "boot", "0000000000002222");
    world->number = 3;
    say_events(world, 1, 0);
    assert_int_equal(integer(expect(world, "dialog", "changed"), "dataplane_seq"), 3);
    expect_none(world);
    detach(world);
    expect(world, "health", "dataplane_away");
    attach(world);
    expect(world, "health", "dataplane_connected");
}

static void test_call_id(void **state)
{
    struct world *world = *state;
    struct far_message message;
    client_say(world, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":{\"call_id\":"
                      "\"abc@host\",\"since\":2}}\n");
    say_events(world, 3, 0);
    far_run(world->base, 20);
    do
        assert_true(far_receive(world->far, &message, NULL, 1000));
    while (message.header.type != CHANNEL_DIALOG_SHOW);
    assert_memory_equal(((const struct channel_dialog_select *)(const void *)message.body)->call_id,
                        "abc@host", 8);
    struct channel_done done = {.result = -ENOENT, .cursor = 0x78, .text = "no such dialog"};
    far_say(world->far, CHANNEL_DONE, message.header.request, &done, sizeof(done));
    json_t *line = client_line(world);
    assert_true(json_is_true(json_object_get(json_object_get(line, "result"), "following")));
    json_decref(line);
    assert_text(expect(world, "dialog", "changed"), "id", "0000000000001235");
    say_events(world, 3, 1);
    expect(world, "dialog", "lost");
    assert_text(expect(world, "dialog", "changed"), "id", "0000000000001235");
    expect_none(world);
}

static void test_refused_reload(void **state)
{
    struct world *world = *state;
    char path[96], error[ERROR_SIZE];
    struct reload_answer answer = {.who = "somebody"};
    snprintf(path, sizeof(path), "%s/bad.yaml", world->directory);
    FILE *bad = fopen(path, "w");
    fputs("nonsense: 1\n", bad);
    fclose(bad);
    follow(world, "{}");
    assert_true(control_reload(&world->control, path, &answer, error, sizeof(error)) < 0);
    const json_t *params = expect(world, "config", "refused");
    assert_text(params, "cause", "reload");
    assert_text(params, "who", "somebody");
    assert_text(params, "text", error);
}

// Lines of the file, in order: NULL behind the last.
static json_t *file_line(FILE *file)
{
    char line[4096];
    return file && fgets(line, sizeof(line), file) ? json_loads(line, 0, NULL) : NULL;
}

static void expect_in_file(FILE *file, json_int_t first, json_int_t last)
{
    for (json_int_t seq = first; seq <= last; seq++) {
        json_t *line = file_line(file);
        assert_non_null(line);
        assert_fields(line);
        assert_true(integer(line, "seq") == seq);
        json_decref(line);
    }
}

static void test_file(void **state)
{
    struct world *world = *state;
    char old[96];
    say_events(world, 3, 0);
    far_run(world->base, 20);
    FILE *file = fopen(world->file, "r");
    expect_in_file(file, 1, 5);
    assert_null(file_line(file));
    fclose(file);
    snprintf(old, sizeof(old), "%s/events.old", world->directory);
    assert_int_equal(rename(world->file, old), 0);
    say_events(world, 1, 0);
    far_run(world->base, 20);
    events_reopen(&world->control);
    say_events(world, 2, 0);
    far_run(world->base, 20);
    file = fopen(old, "r");
    expect_in_file(file, 1, 6);
    assert_null(file_line(file));
    fclose(file);
    file = fopen(world->file, "r");
    expect_in_file(file, 7, 8);
    assert_null(file_line(file));
    fclose(file);
}

static void limit_files(rlim_t octets)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = octets;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// A full disk: what the ring keeps is written later, what it does not is told in a line.
static void test_file_full(void **state)
{
    struct world *world = *state;
    struct event_stream *stream = &world->control.events;
    signal(SIGXFSZ, SIG_IGN);
    far_run(world->base, 20);
    limit_files(1000);
    for (unsigned i = 0; i < 20; i++)
        say_events(world, CHANNEL_EVENTS_MAX, 0);
    far_run(world->base, 20);
    limit_files(RLIM_INFINITY);
    assert_true(stream->file.failing && stream->file.failures > 0);
    stream->file.retry_s = 0;
    say_events(world, 1, 0);
    far_run(world->base, 20);
    assert_false(stream->file.failing);
    FILE *file = fopen(world->file, "r");
    expect_in_file(file, 1, 2);
    json_t *line = file_line(file);
    const json_t *lost = json_object_get(line, "lost");
    json_int_t last = integer(lost, "last");
    assert_int_equal(integer(lost, "first"), 3);
    assert_true(last == (json_int_t)stream->last - KEEP);
    assert_true((json_int_t)stream->lost[EVENT_LOSS_FILE] == last - 2);
    json_decref(line);
    expect_in_file(file, last + 1, (json_int_t)stream->last);
    assert_null(file_line(file));
    fclose(file);
}

// One datagram an event, none for changes of dialogs.
static void test_syslog(void **state)
{
    struct world *world = *state;
    struct event_writer *writer = &world->control.events.syslog;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[1024], path[96];
    int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    far_run(world->base, 20);
    assert_true(writer->failing);
    snprintf(path, sizeof(path), "%s/syslog", world->directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(log, (struct sockaddr *)&address, sizeof(address)), 0);
    writer->path = path;
    writer->retry_s = 0;
    say_events(world, 3, 0);
    event_watch_ban(&world->control, "10.1.2.3", 60, "somebody");
    far_run(world->base, 20);
    static const char *const names[] = {"control_started", "dataplane_connected", "added"};
    for (size_t i = 0; i < 3; i++) {
        ssize_t length = recv(log, text, sizeof(text) - 1, MSG_DONTWAIT);
        assert_true(length > 0);
        text[length] = '\0';
        assert_memory_equal(text, "<30>", 4);
        char *object = strstr(text, ": {");
        assert_non_null(object);
        json_t *line = json_loads(object + 2, 0, NULL);
        assert_text(line, "name", names[i]);
        json_decref(line);
    }
    assert_true(recv(log, text, sizeof(text), MSG_DONTWAIT) < 0);
    assert_false(writer->failing);
    close(log);
}

// A client that does not read holds nobody up and costs bounded memory; what it gets and what it is told to
// have lost is all there was.
static void test_slow_client(void **state)
{
    struct world *world = *state;
    uint64_t sent = 0, got = 0, lost = 0, next = 3;
    follow(world, "{}");
    for (int i = 0; i < 400; i++) {
        say_events(world, CHANNEL_EVENTS_MAX, 0);
        far_run(world->base, 1);
        sent += CHANNEL_EVENTS_MAX;
    }
    client_read(world);
    assert_true(world->used < 4u << 20);
    for (json_t *line = client_line(world); line; line = world->used > 0 ? client_line(world) : NULL) {
        const json_t *params = json_object_get(line, "params");
        if (strcmp(json_string_value(json_object_get(line, "method")), "event") == 0) {
            assert_true((uint64_t)integer(params, "seq") == next++);
            got++;
        } else {
            assert_text(params, "cause", "slow");
            assert_true((uint64_t)integer(params, "first") == next);
            next = (uint64_t)integer(params, "last") + 1;
            lost += (uint64_t)integer(params, "count");
        }
        json_decref(line);
    }
    assert_true(lost > 0);
    assert_int_equal(got + lost, sent);
    assert_true(world->control.events.lost[EVENT_LOSS_CLIENT] == lost);
}

// The ring takes another size while it runs; what both have room for stays.
static void test_resized(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 20; i++)
        say_events(world, CHANNEL_EVENTS_MAX, 0);
    far_run(world->base, 20);
    struct event_stream *stream = &world->control.events;
    uint64_t first = events_first(stream);
    for (unsigned turn = 0; turn < 2; turn++) {
        FILE *config = fopen(world->config, "w");
        fprintf(config, "include: [%s]\nevents: {keep: %u}\n", SOURCE_ROOT "/config/examples/lab.yaml",
                turn == 0 ? 4096 : 1024);
        fclose(config);
        struct config *changed = config_load(world->config, (char[ERROR_SIZE]){0}, ERROR_SIZE);
        assert_non_null(changed);
        config_free(world->control.active.config);
        world->control.active.config = changed;
        say_events(world, 1, 0);
        far_run(world->base, 20);
        assert_int_equal(stream->room, turn == 0 ? 4096 : 1024);
        for (uint64_t number = stream->last - 1000; number <= stream->last; number++)
            assert_non_null(events_at(stream, number));
        assert_null(events_at(stream, first - 1));
    }
    assert_int_equal(events_first(stream), stream->last - 1023);
}

// The counters file as the data plane sees it.
struct load {
    int fd;
    size_t size;
    uint8_t *map;
};

static struct counters_worker *worker_of(const struct load *load, uint32_t number)
{
    const struct counters_header *header = (const void *)load->map;
    return (void *)(load->map + header->worker_offset + (size_t)number * header->worker_stride);
}

static struct counters_peer *peer_of(const struct load *load, uint32_t number)
{
    const struct counters_header *header = (const void *)load->map;
    return (struct counters_peer *)(void *)((uint8_t *)worker_of(load, 0) + header->peers_offset) + number;
}

// A second of two workers that turn, or of the first alone.
static void look(struct world *world, const struct load *load, uint32_t turning)
{
    for (uint32_t i = 0; i < turning; i++)
        worker_of(load, i)->values[COUNTER_TURN_IDLE]++;
    event_load_look(&world->control, world->control.watch.load);
}

static struct load open_load(struct world *world)
{
    char error[ERROR_SIZE];
    struct stat status;
    struct load load = {.fd = far_counters(2, 0, F_SEAL_SHRINK)};
    assert_int_equal(fstat(load.fd, &status), 0);
    load.size = (size_t)status.st_size;
    load.map = mmap(NULL, load.size, PROT_READ | PROT_WRITE, MAP_SHARED, load.fd, 0);
    assert_int_equal(counters_open(load.fd, &world->control.counters, error, sizeof(error)), 0);
    event_free(world->control.watch.tick); // the test is the clock
    world->control.watch.tick = NULL;
    return load;
}

static void close_load(struct load *load)
{
    munmap(load->map, load->size);
    close(load->fd);
}

static void test_overload_and_stuck(void **state)
{
    struct world *world = *state;
    struct load load = open_load(world);
    follow(world, "{\"kinds\":[\"health\"]}");
    uint64_t *values = worker_of(&load, 1)->values;
    for (unsigned i = 0; i < 4; i++) // overloaded in far_counters(): its workers count from their number
        values[COUNTER_OVERLOADED_TRANSACTIONS + i] = 0;
    look(world, &load, 2);
    values[COUNTER_OVERLOADED_MBUFS] = values[COUNTER_OVERLOADED_TURN] = 1;
    values[COUNTER_OVERLOAD_LOSS] = 40;
    look(world, &load, 2);
    const json_t *params = expect(world, "health", "overload");
    assert_int_equal(integer(params, "worker"), 1);
    assert_int_equal(json_array_size(json_object_get(params, "reasons")), 2);
    assert_int_equal(integer(params, "refused_percent"), 40);
    values[COUNTER_OVERLOAD_REFUSED] += 9;
    look(world, &load, 2);
    values[COUNTER_OVERLOADED_MBUFS] = values[COUNTER_OVERLOADED_TURN] = 0;
    look(world, &load, 2);
    assert_int_equal(integer(expect(world, "health", "overload_over"), "refused"), 9);
    for (unsigned i = 0; i < 2; i++)
        look(world, &load, 1);
    expect_none(world);
    look(world, &load, 1);
    assert_int_equal(integer(expect(world, "health", "worker_stuck"), "worker"), 1);
    look(world, &load, 1);
    look(world, &load, 2);
    assert_int_equal(integer(expect(world, "health", "worker_back"), "seconds"), 4);
    expect_none(world);
    close_load(&load);
}

static void test_limits(void **state)
{
    struct world *world = *state;
    struct load load = open_load(world);
    uint64_t *values = worker_of(&load, 0)->values;
    follow(world, "{\"kinds\":[\"limit\"]}");
    look(world, &load, 2);
    look(world, &load, 2);
    expect_none(world);
    for (unsigned i = 0; i < 2; i++) { // told once
        values[COUNTER_LIMIT_PEER_IN] += 7;
        peer_of(&load, 1)->refused_in_total += 7;
        peer_of(&load, 0)->refused_out_total += 7;
        look(world, &load, 2);
    }
    const json_t *params = expect(world, "limit", "reached");
    assert_text(params, "limit", "peer_in");
    assert_text(params, "peer", control_peer_name(&world->control, 1));
    assert_int_equal(integer(params, "refused_per_second"), 7);
    assert_int_equal(integer(params, "calls"), 6); // far_counters(): 3 of each worker
    values[COUNTER_LIMIT_ALL] += 2;
    look(world, &load, 2);
    params = expect(world, "limit", "reached");
    assert_text(params, "limit", "all");
    assert_true(json_is_null(json_object_get(params, "peer")));
    expect_none(world);
    close_load(&load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_member, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_one_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ban_expires, setup, teardown),
        cmocka_unit_test_setup_teardown(test_since, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(test_since_what_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_by_the_dataplane, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restarted_dataplane, setup, teardown),
        cmocka_unit_test_setup_teardown(test_call_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_syslog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resized, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overload_and_stuck, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
