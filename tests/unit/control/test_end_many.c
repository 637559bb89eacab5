// SPDX-License-Identifier: BSD-3-Clause
// dialog.end_many: the test is the dataplane, and the client.
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
#include "far_end.h"
#include "log.h"
#include "rpc/call.h"
#include "rpc/dialog.h"

struct world {
    char directory[64];
    struct event_base *base;
    struct control control;
    int listener;
    int far;
    bool answered;
    json_t *answer;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct far_message message;
    char error[ERROR_SIZE];
    strcpy(world->directory, "/tmp/dialgate-end-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/dataplane.sock", world->directory);
    world->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(world->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(world->listener, 4) < 0)
        return -1;
    struct control_options options = {SOURCE_ROOT "/config/examples/lab.yaml", world->directory,
                                      world->directory, NULL};
    world->base = event_base_new();
    if (control_init(&world->control, world->base, &options, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    assert_int_equal(control_connect(&world->control), 0);
    world->far = -1;
    for (int i = 0; i < 500 && world->far < 0; i++) {
        far_run(world->base, 10);
        world->far = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC);
    }
    assert_true(far_receive(world->far, &message, NULL, 60000)); // control's own hello
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->control.active.image->sequence);
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_run(world->base, 30);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"dataplane.sock", "manifest", "sequence"};
    struct world *world = *state;
    dialog_end_stop(&world->control);
    control_fini(&world->control);
    json_decref(world->answer);
    event_base_free(world->base);
    close(world->listener);
    if (world->far >= 0)
        close(world->far);
    int result = far_remove(world->directory, files, sizeof(files) / sizeof(files[0]));
    free(world);
    return result;
}

static void on_answer(void *context, char *line)
{
    struct world *world = context;
    world->answered = true;
    json_decref(world->answer);
    world->answer = json_loads(line, 0, NULL);
    free(line);
}

static void ask(struct world *world, const char *params)
{
    char line[256];
    struct rpc_answer answer = {.answer = on_answer, .context = world};
    int length =
        snprintf(line, sizeof(line),
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.end_many\",\"params\":%s}", params);
    world->answered = false;
    rpc_serve(&world->control, line, (size_t)length, &answer);
}

static int64_t answered(const struct world *world, const char *key)
{
    const json_t *result = json_object_get(world->answer, "result");
    assert_true(world->answered && json_is_object(result));
    return json_integer_value(json_object_get(result, key));
}

static int64_t refused(const struct world *world)
{
    assert_true(world->answered);
    return json_integer_value(json_object_get(json_object_get(world->answer, "error"), "code"));
}

// Control asks for a page; it gets dialogs 1 .. count, and the cursor.
static struct channel_dialog_list give_page(struct world *world, uint32_t count, uint64_t cursor)
{
    struct far_message message;
    struct channel_dialog_list list;
    uint8_t body[1024];
    assert_true(far_receive(world->far, &message, NULL, 60000));
    assert_int_equal(message.header.type, CHANNEL_DIALOG_LIST);
    memcpy(&list, message.body, sizeof(list));
    for (uint32_t i = 1; i <= count; i++)
        far_say(world->far, CHANNEL_DIALOG_ROW, message.header.request, body, far_row(body, i, "a@b"));
    struct channel_done done = {.rows = count, .cursor = cursor};
    far_say(world->far, CHANNEL_DONE, message.header.request, &done, sizeof(done));
    return list;
}

// The next dialog that control wants ended, 0 within ms: none.
static uint64_t next_end(struct world *world, uint32_t *request, int ms)
{
    struct far_message message;
    struct channel_dialog_select select;
    for (int i = 0; i < ms; i += 5) {
        far_run(world->base, 5);
        if (!far_receive(world->far, &message, NULL, 0))
            continue;
        assert_int_equal(message.header.type, CHANNEL_DIALOG_END);
        memcpy(&select, message.body, sizeof(select));
        *request = message.header.request;
        return select.handle;
    }
    return 0;
}

static void end_with(struct world *world, uint64_t handle, int result)
{
    uint32_t request = 0;
    assert_int_equal(next_end(world, &request, 5000), handle);
    far_done(world->far, CHANNEL_DONE, request, result, "");
}

static void test_page(void **state)
{
    static const int results[] = {0, -ENOENT, -EALREADY, 0};
    struct world *world = *state;
    ask(world, "{\"peer\":\"sbcs\",\"state\":\"early\",\"older_ms\":7000,\"limit\":4,\"rate\":1000,"
               "\"cursor\":\"0000000000000005\"}");
    struct channel_dialog_list list = give_page(world, 4, 9);
    assert_true(list.peer == 1 && list.state == CHANNEL_DIALOG_EARLY && list.older_ms == 7000);
    assert_true(list.limit == 4 && list.cursor == 5);
    for (uint64_t i = 0; i < 4; i++) {
        assert_false(world->answered);
        end_with(world, i + 1, results[i]);
    }
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_true(answered(world, "ended") == 2 && answered(world, "gone") == 2);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(world->answer, "result"), "cursor")),
        "0000000000000009");
}

static void test_nothing_found(void **state)
{
    struct world *world = *state;
    ask(world, "{\"all\":true}");
    struct channel_dialog_list list = give_page(world, 0, 0);
    assert_true(list.peer == NUMBER_NONE && list.state == CHANNEL_DIALOG_ANY && list.older_ms == 0);
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(answered(world, "ended"), 0);
    assert_true(json_is_null(json_object_get(json_object_get(world->answer, "result"), "cursor")));
}

// At most four are asked for at once, and what the dataplane had no place for is asked for again.
static void test_few_at_once(void **state)
{
    struct world *world = *state;
    uint32_t requests[4], more;
    uint64_t handles[4], seen = 0;
    ask(world, "{\"all\":true,\"rate\":1000}");
    give_page(world, 6, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(handles[i] = next_end(world, &requests[i], 2000), i + 1);
    assert_int_equal(next_end(world, &more, 100), 0);
    far_done(world->far, CHANNEL_DONE, requests[1], -EBUSY, "");
    for (unsigned i = 0; i < 4; i++)
        if (i != 1)
            far_done(world->far, CHANNEL_DONE, requests[i], 0, "");
    for (unsigned i = 0; i < 3; i++) {
        uint64_t handle = next_end(world, &more, 2000);
        seen |= 1u << handle;
        far_done(world->far, CHANNEL_DONE, more, 0, "");
    }
    assert_int_equal(seen, 1u << 2 | 1u << 5 | 1u << 6);
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(answered(world, "ended"), 6);
}

// A page holds ten seconds' worth at most, and none is ended before its time: of one a second the second one
// comes in the second after.
static void test_rate(void **state)
{
    struct world *world = *state;
    uint64_t begin = clock_ms();
    ask(world, "{\"all\":true,\"rate\":1}");
    struct channel_dialog_list list = give_page(world, 2, 0);
    assert_int_equal(list.limit, 10);
    end_with(world, 1, 0);
    assert_true(clock_ms() - begin >= 1000);
    end_with(world, 2, 0);
    assert_true(clock_ms() - begin >= 2000);
}

static void test_wrong(void **state)
{
    static const char *const rows[] = {"{}",
                                       "{\"rate\":10}",
                                       "{\"all\":false}",
                                       "{\"older_ms\":0}",
                                       "{\"all\":true,\"rate\":0}",
                                       "{\"all\":true,\"rate\":1001}",
                                       "{\"all\":true,\"limit\":0}",
                                       "{\"state\":\"terminating\"}",
                                       "{\"state\":\"terminated\"}",
                                       "{\"state\":\"x\"}",
                                       "{\"all\":true,\"cursor\":\"x\"}"};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(world, rows[i]);
        if (refused(world) != -32602)
            fail_msg("%s: %s", rows[i], json_dumps(world->answer, 0));
    }
    ask(world, "{\"peer\":\"nobody\"}");
    assert_int_equal(refused(world), -32001);
}

static void test_refused_by_the_dataplane(void **state)
{
    struct world *world = *state;
    struct far_message message;
    uint32_t request;
    ask(world, "{\"all\":true}");
    assert_true(far_receive(world->far, &message, NULL, 60000));
    far_done(world->far, CHANNEL_DONE, message.header.request, -EINVAL, "the cursor is none of ours");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(refused(world), -32000);
    ask(world, "{\"all\":true,\"rate\":1000}");
    give_page(world, 2, 0);
    end_with(world, 1, -ETIMEDOUT);
    if (next_end(world, &request, 100) == 2) // was under way already
        far_done(world->far, CHANNEL_DONE, request, 0, "");
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_true(refused(world) != 0);
}

// The dataplane goes in the midst of it; control ends in the midst of it (teardown, with and without a
// request under way).
static void test_lost(void **state)
{
    struct world *world = *state;
    uint32_t request;
    ask(world, "{\"all\":true,\"rate\":1000}");
    give_page(world, 3, 0);
    end_with(world, 1, 0);
    assert_int_equal(next_end(world, &request, 2000), 2);
    close(world->far);
    world->far = -1;
    assert_true(far_run_until(world->base, &world->answered, 60000));
    assert_int_equal(refused(world), -32002);
    ask(world, "{\"all\":true}");
    assert_int_equal(refused(world), -32002);
}

static void test_stopped_between(void **state)
{
    struct world *world = *state;
    ask(world, "{\"all\":true,\"rate\":1}");
    give_page(world, 3, 0);
    far_run(world->base, 30); // the first is ended a second later
    assert_false(world->answered);
    dialog_end_stop(&world->control);
    assert_true(refused(world) != 0);
}

static void test_stopped_with_one_under_way(void **state)
{
    struct world *world = *state;
    uint32_t request;
    ask(world, "{\"all\":true,\"rate\":1000}");
    give_page(world, 3, 0);
    assert_int_equal(next_end(world, &request, 2000), 1);
    dialog_end_stop(&world->control);
    assert_false(world->answered);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {
        TEST(test_page), TEST(test_nothing_found),   TEST(test_few_at_once),
        TEST(test_rate), TEST(test_wrong),           TEST(test_refused_by_the_dataplane),
        TEST(test_lost), TEST(test_stopped_between), TEST(test_stopped_with_one_under_way)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
