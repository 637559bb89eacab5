// SPDX-License-Identifier: BSD-3-Clause
// The stream of events and its followers.
#include "cmocka_first.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dialgate/counters.h"
#include "event_world.h"

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
    struct channel_member_events events = {.run = {.first = number, .lost = lost, .count = 1},
                                           .rows = {*event}};
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

static const struct {
    enum channel_ban_change change;
    const char *name;
} ban_changes[] = {
    {CHANNEL_BAN_BEGAN, "by_rule"}, {CHANNEL_BAN_EXPIRED, "expired"}, {CHANNEL_BAN_ENDED, "ended"}};

// What the data plane tells of bans.
static void test_bans_of_rules(void **state)
{
    struct world *world = *state;
    follow(world, "{\"kinds\":[\"ban\"]}");
    for (unsigned i = 0; i < 3; i++) {
        struct channel_ban_events events = {.run = {.first = i + 1, .count = 1},
                                            .rows = {{.address = IP_MAPPED(0x0a010203u),
                                                      .length = 128,
                                                      .lifetime_ms = i == 1 ? 0 : 600000,
                                                      .times = 2,
                                                      .reason = CHANNEL_BAN_SCANNER,
                                                      .dry_run = 1,
                                                      .change = (uint8_t)ban_changes[i].change}}};
        if (i == 2) {
            events.rows[0].address = (struct ip_address){{0x20, 0x01, 0x0d, 0xb8}};
            events.rows[0].length = 64;
        }
        far_say(world->far, CHANNEL_BAN_EVENTS, 0, &events, sizeof(events));
        const json_t *params = expect(world, "ban", ban_changes[i].name);
        assert_text(params, "address", i == 2 ? "2001:db8::/64" : "10.1.2.3");
        assert_text(params, "reason", "scanner");
        assert_int_equal(integer(params, "times"), 2);
        assert_int_equal(integer(params, "dataplane_seq"), i + 1);
        assert_true(json_is_true(json_object_get(params, "dry_run")));
        if (i == 1)
            assert_true(json_is_null(json_object_get(params, "seconds")));
        else
            assert_int_equal(integer(params, "seconds"), 600);
    }
}

static void test_since(void **state)
{
    struct world *world = *state;
    char params[128];
    say_events(world, 10, 0);
    far_run(world->base, 20);
    assert_int_equal(world->control.events.ring.last, 12);
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
    json_int_t last = (json_int_t)world->control.events.ring.last, first = last - KEEP + 1;
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
            number = ((const struct channel_events_done *)(const void *)message.body)
                         ->numbers[CHANNEL_EVENT_DIALOG];
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
        assert_true(far_receive(world->far, &message, NULL, 60000));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_member, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_one_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bans_of_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_since, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(test_since_what_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_by_the_dataplane, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restarted_dataplane, setup, teardown),
        cmocka_unit_test_setup_teardown(test_call_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_client, setup, teardown),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
