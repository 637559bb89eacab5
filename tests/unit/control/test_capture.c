// SPDX-License-Identifier: BSD-3-Clause
// Captures from the request to the last block of the file: the test is the operator, the dataplane and the
// collector.
#include "cmocka_first.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "capture_far.h"
#include "rpc/call.h"
#include "rpc_world.h"

#define SLOT   2u
#define SERIAL 7u

struct world {
    struct rpc_world rpc;
    struct rpc_reader operator;
    struct capture_far far;
    char directory[64]; // capture.directory is in it
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    char section[256];
    *state = world;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    strcpy(world->directory, "/tmp/dialgate-capture-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(section, sizeof(section), "group: dialgate}\ncapture: {directory: %s/made, size: 64KiB",
             world->directory);
    if (rpc_world_open(&world->rpc, section) < 0)
        return -1;
    capture_far_open(&world->far, 2);
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->rpc.control.active.image->sequence);
    struct far_message message;
    hello.has_captures = 1;
    size_t size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_send(world->rpc.far, &message, size, world->far.fds, 2);
    far_run(world->rpc.base, 5);
    rpc_reader_open(&world->operator, & world->rpc);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char command[128];
    rpc_reader_close(&world->operator);
    int result = rpc_world_close(&world->rpc);
    capture_far_close(&world->far);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    result |= system(command);
    free(world);
    return result;
}

static void ask(struct world *world, const char *method, const char *params)
{
    char line[1024];
    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n", method,
             params);
    rpc_reader_say(&world->operator, line);
}

// The result that comes (a new reference), or a failure.
static json_t *answer(struct world *world)
{
    json_t *line = rpc_reader_line(&world->rpc, &world->operator);
    json_t *result = json_incref(json_object_get(line, "result"));
    if (!result)
        fail_msg("%s", json_string_value(json_object_get(json_object_get(line, "error"), "message")));
    json_decref(line);
    return result;
}

static void expect_refused(struct world *world, const char *params, const char *text)
{
    ask(world, "capture.start", params);
    json_t *line = rpc_reader_line(&world->rpc, &world->operator);
    const char *said = json_string_value(json_object_get(json_object_get(line, "error"), "message"));
    if (!said || !strstr(said, text))
        fail_msg("%s: %s", params, said ? said : "taken");
    json_decref(line);
}

// What control tells the dataplane next.
static uint32_t told(struct world *world, enum channel_type type, void *body, size_t size)
{
    struct far_message message;
    for (int i = 0; i < 2000; i++) {
        far_run(world->rpc.base, 1);
        if (far_receive(world->rpc.far, &message, NULL, 0)) {
            assert_int_equal(message.header.type, type);
            memcpy(body, message.body, size);
            return message.header.request;
        }
    }
    fail_msg("control tells nothing");
    return 0;
}

// Started, and in its slot. The answer is the caller's.
static json_t *start(struct world *world, const char *params, struct channel_capture_set *set)
{
    const struct channel_done done = {.rows = SLOT, .cursor = SERIAL};
    ask(world, "capture.start", params);
    uint32_t request = told(world, CHANNEL_CAPTURE_SET, set, sizeof(*set));
    far_say(world->rpc.far, CHANNEL_DONE, request, &done, sizeof(done));
    return answer(world);
}

static void put(struct world *world, uint32_t worker, uint64_t time_us, uint8_t captures, const char *text)
{
    struct capture_record record = capture_far_record(time_us, captures);
    record.serial = SERIAL;
    capture_far_put(&world->far, worker, record, text);
}

static void end(struct world *world, uint32_t id, enum channel_capture_reason reason, uint64_t lost)
{
    const struct channel_capture_ended ended = {
        .id = id, .slot = SLOT, .reason = (uint16_t)reason, .serial = SERIAL, .lost = lost, .forgotten = 1};
    far_say(world->rpc.far, CHANNEL_CAPTURE_ENDED, 0, &ended, sizeof(ended));
}

static json_t *row(struct world *world, size_t index)
{
    ask(world, "capture.list", "{}");
    json_t *list = answer(world);
    json_t *one = json_incref(json_array_get(json_object_get(list, "captures"), index));
    json_decref(list);
    return one;
}

static bool has(const json_t *one, const char *key, const char *value)
{
    const char *there = json_string_value(json_object_get(one, key));
    return there && strcmp(there, value) == 0;
}

static json_int_t count(const json_t *one, const char *key)
{
    return json_integer_value(json_object_get(one, key));
}

// The newest capture when it is over.
static json_t *over(struct world *world)
{
    for (int i = 0; i < 500; i++) {
        json_t *one = row(world, 0);
        if (has(one, "state", "over"))
            return one;
        json_decref(one);
        far_run(world->rpc.base, 10);
    }
    fail_msg("it is not over");
    return NULL;
}

// The messages of a file, each with a line end, in their order; whole: its last block says how many are
// missing. Returns how long the file is.
static size_t expect_texts(const json_t *one, const char *texts, bool whole, uint64_t missing)
{
    static struct capture_far_file file;
    capture_far_walk(json_string_value(json_object_get(one, "file")), &file);
    assert_string_equal(file.texts, texts);
    assert_true(file.whole == whole);
    if (whole) {
        assert_int_equal(file.missing, missing);
        assert_int_equal(count(one, "messages") + (json_int_t)missing, file.received);
    }
    return file.size;
}

static void expect_file(const json_t *one, const char *texts, bool whole, uint64_t missing)
{
    size_t size = expect_texts(one, texts, whole, missing);
    assert_int_equal(count(one, "octets"), size);
}

static void test_call(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set;
    struct stat status;
    json_t *one = start(
        world, "{\"call_id\":\"a\\\\xe9b@c\",\"messages\":9,\"duration_ms\":5000,\"file\":\"one\"}", &set);
    assert_int_equal(set.kind, CHANNEL_CAPTURE_CALL_ID);
    assert_int_equal(set.text_length, 5);
    assert_memory_equal(set.text,
                        "a\xe9"
                        "b@c",
                        5);
    assert_int_equal(set.messages, 9);
    assert_int_equal(set.octets, 65536);
    assert_int_equal(set.duration_ms, 5000);
    assert_int_equal(set.peer, NUMBER_NONE);
    assert_true(has(one, "state", "running") && has(one, "what", "call_id a\\xe9b@c"));
    assert_int_equal(stat(json_string_value(json_object_get(one, "file")), &status), 0);
    assert_int_equal(status.st_mode & 07, 0); // it is private
    json_decref(one);
    put(world, 0, 30, 1u << SLOT, "third");
    put(world, 1, 10, 1u << SLOT | 1, "first");
    put(world, 1, 15, 1u << (SLOT + 1), "of another");
    put(world, 1, 20, 1u << SLOT, "second");
    struct capture_record older = capture_far_record(1, 1u << SLOT);
    older.serial = SERIAL - 1;
    capture_far_put(&world->far, 0, older, "of the one before");
    far_run(world->rpc.base, 50);
    one = row(world, 0);
    expect_file(one, "first\nsecond\nthird\n", false, 0); // a kill would leave this
    json_decref(one);
    put(world, 0, 40, 1u << SLOT, "last");
    end(world, set.id, CHANNEL_CAPTURE_END_DURATION, 3);
    one = over(world);
    assert_true(has(one, "reason", "duration"));
    assert_int_equal(count(one, "lost"), 3);
    assert_int_equal(count(one, "calls_forgotten"), 1);
    expect_file(one, "first\nsecond\nthird\nlast\n", true, 3);
    json_decref(one);
    const struct event_stream *events = &world->rpc.control.events;
    const char *event = events->ring.kept[events->ring.last % events->ring.room].line;
    assert_non_null(strstr(event, "\"kind\":\"capture\",\"name\":\"ended\",\"capture\":1,\"reason\":"
                                  "\"duration\",\"messages\":4,\"lost\":3,"));
    expect_refused(world, "{\"sample\":1,\"file\":\"one\"}", "there already");
}

// While another one is asked for, those that run get what is theirs, and what may be of both waits for its
// slot.
static void test_beside(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set;
    const struct channel_done done = {.rows = SLOT + 1, .cursor = SERIAL + 1};
    json_t *one = start(world, "{\"sample\":1,\"file\":\"one\"}", &set);
    ask(world, "capture.start", "{\"sample\":1,\"file\":\"two\"}");
    uint32_t request = told(world, CHANNEL_CAPTURE_SET, &set, sizeof(set));
    put(world, 0, 10, 1u << SLOT, "before");
    struct capture_record both = capture_far_record(20, 1u << SLOT | 1u << (SLOT + 1));
    both.serial = SERIAL + 1;
    capture_far_put(&world->far, 0, both, "of both");
    far_run(world->rpc.base, 50);
    (void)expect_texts(one, "before\n", false, 0); // the list has to wait, too: one client
    json_decref(one);
    far_say(world->rpc.far, CHANNEL_DONE, request, &done, sizeof(done));
    json_decref(answer(world));
    far_run(world->rpc.base, 50);
    for (unsigned int i = 0; i < 2; i++) { // the newest comes first
        one = row(world, i);
        expect_file(one, i == 1 ? "before\nof both\n" : "of both\n", false, 0);
        json_decref(one);
    }
}

// The answer comes when all is in the file.
static void test_stop(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set;
    struct channel_capture_end stop;
    json_decref(start(world, "{\"peer\":\"carrier-a\",\"dropped\":true}", &set));
    assert_int_equal(set.kind, CHANNEL_CAPTURE_PEER);
    assert_int_equal(set.flags, CHANNEL_CAPTURE_DROPPED);
    assert_string_equal(manifest_peer_name(world->rpc.control.manifest, set.peer), "carrier-a");
    ask(world, "capture.stop", "{\"id\":1}");
    uint32_t request = told(world, CHANNEL_CAPTURE_END, &stop, sizeof(stop));
    assert_int_equal(stop.id, set.id);
    far_done(world->rpc.far, CHANNEL_DONE, request, 0, "");
    put(world, 0, 1, 1u << SLOT, "on its way");
    far_run(world->rpc.base, 50);
    end(world, set.id, CHANNEL_CAPTURE_END_STOPPED, 0);
    json_t *one = answer(world);
    assert_true(has(one, "state", "over") && has(one, "reason", "stopped"));
    expect_file(one, "on its way\n", true, 0);
    json_decref(one);
    ask(world, "capture.stop", "{\"id\":1}"); // once more: it is over
    json_decref(answer(world));
    ask(world, "capture.stop", "{\"id\":2}");
    assert_true(rpc_code(rpc_reader_line(&world->rpc, &world->operator)) != 0);
}

// Control holds the limits whatever the dataplane does.
static void test_limits(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set;
    struct channel_capture_end stop;
    char text[1001];
    json_decref(start(world, "{\"number\":\"+49\",\"messages\":2}", &set));
    assert_int_equal(set.kind, CHANNEL_CAPTURE_NUMBER);
    assert_memory_equal(set.text, "+49", 3);
    for (unsigned int i = 0; i < 5; i++)
        put(world, 0, i, 1u << SLOT, i < 2 ? "taken" : "too many");
    told(world, CHANNEL_CAPTURE_END, &stop, sizeof(stop));
    end(world, set.id, CHANNEL_CAPTURE_END_STOPPED, 0);
    json_t *one = over(world);
    assert_true(has(one, "reason", "messages"));
    expect_file(one, "taken\ntaken\n", true, 0);
    json_decref(one);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    json_decref(start(world, "{\"sample\":3,\"octets\":8192}", &set));
    assert_int_equal(set.kind, CHANNEL_CAPTURE_SAMPLE);
    assert_int_equal(set.sample, 3);
    for (unsigned int i = 0; i < 20; i++)
        put(world, 0, i, 1u << SLOT, text);
    told(world, CHANNEL_CAPTURE_END, &stop, sizeof(stop));
    end(world, set.id, CHANNEL_CAPTURE_END_STOPPED, 0);
    one = over(world);
    assert_true(has(one, "reason", "octets"));
    assert_in_range(count(one, "octets"), 6000, 8192);
    assert_int_equal(count(one, "messages"), 7);
    json_decref(one);
}

static void test_dataplane_goes(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set;
    json_decref(start(world, "{\"dropped\":true}", &set));
    assert_int_equal(set.kind, CHANNEL_CAPTURE_ALL);
    put(world, 0, 1, 1u << SLOT, "before the end");
    shutdown(world->rpc.far, SHUT_RDWR);
    json_t *one = over(world);
    assert_true(has(one, "reason", "dataplane"));
    expect_file(one, "before the end\n", true, 0);
    json_decref(one);
    expect_refused(world, "{\"dropped\":true}", "absent");
}

static void test_refused(void **state)
{
    static const char *const names[] = {"../x", "a/b", ".x", "", "x y", "\\u00e9"};
    struct world *world = *state;
    struct channel_capture_set set;
    char params[256], path[128];
    expect_refused(world, "{}", "give one of");
    expect_refused(world, "{\"peer\":\"carrier-a\",\"sample\":2}", "give one of");
    expect_refused(world, "{\"peer\":\"nobody\"}", "no peer is called");
    expect_refused(world, "{\"call_id\":\"\\\\x4\"}", "call_id has");
    expect_refused(world, "{\"sample\":1,\"octets\":65537}", "capture.size");
    expect_refused(world, "{\"sample\":1,\"file\":\"a\",\"hep\":\"127.0.0.1:9060\"}", "not both");
    expect_refused(world, "{\"sample\":1,\"hep\":\"collector:9060\"}", "no ADDRESS or");
    expect_refused(world, "{\"sample\":1,\"hep\":\"127.0.0.1:0\"}", "no ADDRESS or");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(params, sizeof(params), "{\"sample\":1,\"file\":\"%s\"}", names[i]);
        expect_refused(world, params, names[i][0] ? "name" : "file");
    }
    // The dataplane refuses: nothing is left of it.
    ask(world, "capture.start", "{\"sample\":1,\"file\":\"two\"}");
    uint32_t request = told(world, CHANNEL_CAPTURE_SET, &set, sizeof(set));
    far_done(world->rpc.far, CHANNEL_DONE, request, -ENOSPC, "no slot is free");
    assert_true(rpc_code(rpc_reader_line(&world->rpc, &world->operator)) != 0);
    snprintf(path, sizeof(path), "%s/made/two.pcapng", world->directory);
    assert_int_equal(access(path, F_OK), -1);
    assert_null(row(world, 0));
    for (unsigned int i = 0; i < CAPTURES_MAX; i++)
        json_decref(start(world, "{\"sample\":1}", &set));
    expect_refused(world, "{\"sample\":1}", "8 captures run");
}

// The file is whole up to what the disk took, the capture ends and says why.
static void test_disk_full(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set;
    struct channel_capture_end stop;
    struct rlimit before, least = {2048, RLIM_INFINITY};
    json_decref(start(world, "{\"sample\":1,\"file\":\"full\"}", &set));
    put(world, 0, 1, 1u << SLOT, "there");
    far_run(world->rpc.base, 50);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    least.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &least), 0);
    for (unsigned int i = 0; i < 50; i++)
        put(world, 0, i, 1u << SLOT, "some of many that have no room");
    far_run(world->rpc.base, 50);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    told(world, CHANNEL_CAPTURE_END, &stop, sizeof(stop));
    end(world, set.id, CHANNEL_CAPTURE_END_STOPPED, 0);
    json_t *one = over(world);
    assert_true(has(one, "reason", "file") && has(one, "fault", "File too large"));
    assert_int_equal(count(one, "failed"), 50);
    expect_file(one, "there\n", true, 50);
    json_decref(one);
}

static void test_collector(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    uint8_t datagram[2048];
    char params[128];
    int collector = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(collector, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(collector, (struct sockaddr *)&address, &length), 0);
    snprintf(params, sizeof(params), "{\"sample\":1,\"hep\":\"127.0.0.1:%u\"}", ntohs(address.sin_port));
    json_decref(start(world, params, &set));
    static const char message[] = "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: abc@d\r\n\r\n";
    struct capture_record record = capture_far_record(5, 1u << SLOT);
    record.serial = SERIAL;
    record.outcome = COUNTER_DROP_UNKNOWN_SOURCE;
    capture_far_put(&world->far, 0, record, message);
    put(world, 0, 6, 1u << SLOT, "no SIP");
    far_run(world->rpc.base, 50);
    ssize_t got = recv(collector, datagram, sizeof(datagram), MSG_DONTWAIT);
    assert_true(got > 100 && memcmp(datagram, "HEP3", 4) == 0);
    assert_non_null(memmem(datagram, (size_t)got, message, sizeof(message) - 1));
    static const uint8_t correlation[] = {0, 17, 0, 11, 'a', 'b', 'c', '@', 'd'},
                         reason[] = "reason=\"unknown_source\"";
    assert_non_null(memmem(datagram, (size_t)got, correlation, sizeof(correlation)));
    got = recv(collector, datagram, sizeof(datagram), MSG_DONTWAIT); // why it was dropped
    assert_true(got > 100);
    assert_non_null(memmem(datagram, (size_t)got, reason, sizeof(reason) - 1));
    assert_non_null(memmem(datagram, (size_t)got, correlation, sizeof(correlation)));
    assert_true(recv(collector, datagram, sizeof(datagram), MSG_DONTWAIT) > 0);
    assert_int_equal(recv(collector, datagram, sizeof(datagram), MSG_DONTWAIT), -1);
    json_t *one = row(world, 0);
    assert_int_equal(count(one, "messages"), 2);
    assert_int_equal(count(one, "failed"), 0);
    json_decref(one);
    close(collector);
}

// One that runs long, an older one, and as many newer ones as the list holds.
static void test_list_is_bounded(void **state)
{
    struct world *world = *state;
    struct channel_capture_set set, last;
    json_decref(start(world, "{\"sample\":1}", &set));
    end(world, set.id, CHANNEL_CAPTURE_END_DURATION, 0);
    json_decref(over(world));
    json_decref(start(world, "{\"sample\":1}", &set));
    for (unsigned int i = 1; i < CAPTURES_KEPT; i++) {
        json_decref(start(world, "{\"sample\":1}", &last));
        end(world, last.id, CHANNEL_CAPTURE_END_DURATION, 0);
        json_decref(over(world));
    }
    json_t *first = row(world, CAPTURES_KEPT);
    assert_int_equal(count(first, "id"), 1);
    json_decref(first);
    end(world, set.id, CHANNEL_CAPTURE_END_DURATION, 0);
    far_run(world->rpc.base, 100);
    json_t *oldest = row(world, CAPTURES_KEPT - 1);
    assert_int_equal(count(oldest, "id"), 2);
    json_decref(oldest);
    assert_null(row(world, CAPTURES_KEPT));
}

static void keep_line(void *context, char *line)
{
    *(char **)context = line;
}

// A viewer sees that somebody captures, not whom.
static void test_viewer(void **state)
{
    static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"capture.list\"}";
    struct world *world = *state;
    struct channel_capture_set set;
    json_decref(start(world, "{\"number\":\"4989\"}", &set));
    for (int role = ROLE_VIEWER; role <= ROLE_OPERATOR; role++) {
        struct rpc_user user = {"alice", 1000, 77, (enum rpc_role)role};
        char *line = NULL;
        struct rpc_answer to = {.answer = keep_line, .context = &line, .user = &user};
        rpc_serve(&world->rpc.control, request, sizeof(request) - 1, &to);
        assert_int_equal(strstr(line, "4989") != NULL, role == ROLE_OPERATOR);
        free(line);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_call),           TEST(test_beside),    TEST(test_stop),
                                       TEST(test_limits),         TEST(test_refused),   TEST(test_disk_full),
                                       TEST(test_dataplane_goes), TEST(test_collector), TEST(test_viewer),
                                       TEST(test_list_is_bounded)};
    return cmocka_run_group_tests_name("control capture", tests, NULL, NULL);
}
