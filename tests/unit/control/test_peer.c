// SPDX-License-Identifier: BSD-3-Clause
// What peer.list and peer.show say of members that probes found up or down, and that the operator took out.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "control.h"
#include "drain.h"
#include "far_end.h"
#include "log.h"
#include "rpc/call.h"

#define WORKERS 2u
#define SBC1    1u // numbers of application.yaml's members
#define DESK    2u // and of one of its applications
#define SBC2    2u

static char directory[64];
static struct event_base *base;
static struct control control;
static uint8_t *words; // of the counters file
static size_t size;

static int setup(void **state)
{
    char error[ERROR_SIZE];
    struct control_options options = {SOURCE_ROOT "/config/examples/application.yaml", directory, directory,
                                      NULL};
    strcpy(directory, "/tmp/dialgate-peer-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    base = event_base_new();
    if (control_init(&control, base, &options, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    assert_int_equal(control_connect(&control), 0);
    int fd = far_counters(WORKERS, 0, F_SEAL_SHRINK);
    size = (size_t)lseek(fd, 0, SEEK_END);
    words = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(words != MAP_FAILED);
    assert_int_equal(counters_open(fd, &control.counters, error, sizeof(error)), 0);
    close(fd);
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"manifest", "sequence", "operator"};
    munmap(words, size);
    control_fini(&control);
    event_base_free(base);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
        unlink(path);
    }
    far_forget_versions(directory);
    return rmdir(directory);
}

// The words of the worker that probes this member.
static struct counters_member *member(uint32_t number)
{
    const struct counters_header *header = (const void *)words;
    return (struct counters_member *)(void *)(words + header->worker_offset +
                                              (size_t)(number % WORKERS) * header->worker_stride +
                                              header->members_offset) +
           number;
}

static struct counters_peer *peer(uint32_t worker, uint32_t number)
{
    const struct counters_header *header = (const void *)words;
    return (struct counters_peer *)(void *)(words + header->worker_offset +
                                            (size_t)worker * header->worker_stride + header->peers_offset) +
           number;
}

static void on_answer(void *context, char *line)
{
    *(json_t **)context = json_loads(line, 0, NULL);
    free(line);
}

static json_t *show(const char *name)
{
    char line[128];
    json_t *reply = NULL;
    struct rpc_answer answer = {.answer = on_answer, .context = &reply};
    int length = snprintf(
        line, sizeof(line),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"peer.show\",\"params\":{\"peer\":\"%s\"}}", name);
    rpc_serve(&control, line, (size_t)length, &answer);
    json_t *result = json_incref(json_object_get(reply, "result"));
    assert_non_null(result);
    json_decref(reply);
    return result;
}

static void on_done(void *context, int result, const char *text)
{
    assert_int_equal(result, 0);
}

static void say(const char *name, const char *of, enum overlay_state state)
{
    char error[ERROR_SIZE];
    struct reload_answer answer = {on_done, NULL, NULL};
    struct drain_request request = {name, of, state, "alice"};
    if (drain_request(&control, &request, &answer, error, sizeof(error)) < 0)
        fail_msg("%s", error);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "null";
}

// Health of both members, what the operator said of each and of the peer, and what is shown.
static const struct row {
    const char *name;
    uint16_t health[2], reason[2];
    enum overlay_state said[2], said_of_peer;
    const char *states[2], *reasons[2];
    const char *peer;
    int up;
} rows[] = {
    {"no probes", {0, 0}, {0, 0}, {0, 0}, 0, {"unknown", "unknown"}, {"null", "null"}, "unknown", 2},
    {"both up", {1, 1}, {0, 0}, {0, 0}, 0, {"up", "up"}, {"null", "null"}, "up", 2},
    {"one silent", {2, 1}, {0, 0}, {0, 0}, 0, {"down", "up"}, {"no answer", "null"}, "up", 1},
    {"one says 503, one is away", {2, 2}, {503, 1}, {0, 0}, 0, {"down", "down"}, {NULL, NULL}, "down", 0},
    {"one drained", {1, 1}, {0, 0}, {1, 0}, 0, {"draining", "up"}, {"by alice", "null"}, "up", 1},
    {"one drained, one down",
     {1, 2},
     {0, 0},
     {1, 0},
     0,
     {"draining", "down"},
     {"by alice", "no answer"},
     "down",
     0},
    {"one disabled, one drained",
     {1, 1},
     {0, 0},
     {2, 1},
     0,
     {"disabled", "draining"},
     {"by alice", "by alice"},
     "draining",
     0},
    {"the peer drained",
     {1, 2},
     {0, 0},
     {0, 0},
     1,
     {"draining", "draining"},
     {"by alice", "by alice"},
     "draining",
     0},
    {"and one disabled",
     {1, 1},
     {0, 0},
     {0, 2},
     1,
     {"draining", "disabled"},
     {"by alice", "by alice"},
     "draining",
     0},
    {"the peer disabled",
     {1, 1},
     {0, 0},
     {1, 0},
     2,
     {"disabled", "disabled"},
     {"by alice", "by alice"},
     "disabled",
     0},
};

static void check_row(const struct row *row, const json_t *result)
{
    const json_t *members = json_object_get(result, "members"), *of = json_object_get(result, "peer");
    for (unsigned i = 0; i < 2; i++) {
        const json_t *shown = json_array_get(members, i);
        if (strcmp(text(shown, "state"), row->states[i]) != 0 ||
            (row->reasons[i] && strcmp(text(shown, "reason"), row->reasons[i]) != 0))
            fail_msg("%s: member %u is %s (%s)", row->name, i, text(shown, "state"), text(shown, "reason"));
        // What probes find stays to be seen under what the operator said.
        static const char *const health[] = {"unknown", "up", "down"};
        assert_string_equal(text(shown, "health"), health[row->health[i]]);
    }
    if (strcmp(text(of, "state"), row->peer) != 0 ||
        json_integer_value(json_object_get(of, "members_up")) != row->up)
        fail_msg("%s: peer is %s", row->name, text(of, "state"));
}

static void test_states(void **state)
{
    static const char *const addresses[] = {"10.20.0.11", "10.20.0.12"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned m = 0; m < 2; m++) {
            member(SBC1 + m)->health = rows[i].health[m];
            member(SBC1 + m)->reason = rows[i].reason[m];
            say("sbcs", addresses[m], rows[i].said[m]);
        }
        say("sbcs", NULL, rows[i].said_of_peer);
        json_t *result = show("sbcs");
        check_row(&rows[i], result);
        json_decref(result);
        say("sbcs", NULL, OVERLAY_ENABLED);
        say("sbcs", addresses[0], OVERLAY_ENABLED);
        say("sbcs", addresses[1], OVERLAY_ENABLED);
    }
}

static void test_since(void **state)
{
    int64_t now = time(NULL);
    member(SBC1)->health = MEMBER_DOWN;
    member(SBC1)->health_since_ms = clock_ms() - 1000;
    member(SBC2)->health = MEMBER_DOWN;
    member(SBC2)->health_since_ms = UINT64_MAX; // no time of this machine
    json_t *result = show("sbcs");
    const json_t *members = json_object_get(result, "members");
    int64_t since = json_integer_value(json_object_get(json_array_get(members, 0), "since"));
    assert_in_range(since, now - 2, now + 60);
    assert_true(json_is_null(json_object_get(json_array_get(members, 1), "since")));
    json_decref(result);
    say("sbcs", "10.20.0.11", OVERLAY_DISABLED);
    result = show("sbcs");
    const json_t *first = json_array_get(json_object_get(result, "members"), 0);
    assert_true(json_integer_value(json_object_get(first, "since")) >= now);
    assert_string_equal(text(first, "by"), "alice");
    json_decref(result);
}

static void test_counts_and_limits(void **state)
{
    for (uint32_t worker = 0; worker < WORKERS; worker++)
        *peer(worker, 1) =
            (struct counters_peer){.refused_in_total = 2, .refused_out_total = 3, .calls_out = 4};
    member(SBC1)->failovers_total = 5;
    member(SBC1)->probes = 6;
    member(SBC1)->probes_failed = 1;
    json_t *result = show("sbcs");
    const json_t *of = json_object_get(result, "peer");
    assert_int_equal(json_integer_value(json_object_get(of, "refused_in_total")), 4);
    assert_int_equal(json_integer_value(json_object_get(of, "refused_out_total")), 6);
    assert_int_equal(json_integer_value(json_object_get(of, "calls_out")), 8);
    const json_t *limit = json_object_get(json_object_get(of, "limits"), "in");
    assert_true(json_is_null(json_object_get(limit, "concurrent_calls")));
    const json_t *first = json_array_get(json_object_get(result, "members"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "failovers_total")), 5);
    assert_int_equal(json_integer_value(json_object_get(first, "probes_total")), 6);
    assert_int_equal(json_integer_value(json_object_get(first, "probes_failed_total")), 1);
    json_decref(result);
}

// An application is up without members and drains as a whole.
static void test_application(void **state)
{
    char error[ERROR_SIZE];
    struct reload_answer answer = {on_done, NULL, NULL};
    struct drain_request request = {"desk", "10.20.0.11", OVERLAY_DRAINING, "alice"};
    *peer(1, DESK) = (struct counters_peer){.calls_in = 3};
    json_t *result = show("desk");
    const json_t *of = json_object_get(result, "peer");
    assert_true(json_is_true(json_object_get(of, "application")));
    assert_string_equal(text(of, "state"), "up");
    assert_int_equal(json_integer_value(json_object_get(of, "calls_in")), 3);
    assert_int_equal(json_array_size(json_object_get(result, "members")), 0);
    const json_t *limit = json_object_get(json_object_get(of, "limits"), "in");
    assert_int_equal(json_integer_value(json_object_get(limit, "concurrent_calls")), 500);
    json_decref(result);
    say("desk", NULL, OVERLAY_DRAINING);
    result = show("desk");
    assert_string_equal(text(json_object_get(result, "peer"), "state"), "draining");
    json_decref(result);
    assert_true(configuration_peer(&control.active, DESK)->flags & PEER_DRAINING);
    assert_int_equal(drain_request(&control, &request, &answer, error, sizeof(error)), -ENOENT);
    assert_string_equal(error, "peer desk has no member 10.20.0.11; there is none");
    result = show("sbcs");
    assert_true(json_is_false(json_object_get(json_object_get(result, "peer"), "application")));
    json_decref(result);
}

// Totals that grow by a hundred between two looks; another counters file begins anew.
static void test_rates(void **state)
{
    struct rate rate = rates_of(control.rates, 1);
    assert_true(rate.in == 0 && rate.out == 0);
    for (unsigned i = 0; i < 400 && rate.in == 0; i++) {
        peer(0, 1)->calls_in_total += 10;
        peer(1, 1)->calls_out_total = 0;
        far_run(base, 10);
        rate = rates_of(control.rates, 1);
    }
    assert_true(rate.in > 0 && rate.out == 0);
    assert_true(rates_of(control.rates, 0).in == 0 && rates_of(control.rates, PEERS_MAX).in == 0);
    struct counters *counters = control.counters;
    control.counters = NULL;
    assert_true(rates_of(control.rates, 1).in == 0);
    control.counters = counters;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {TEST(test_states), TEST(test_since), TEST(test_counts_and_limits),
                                     TEST(test_application), TEST(test_rates)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
