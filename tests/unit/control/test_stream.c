// SPDX-License-Identifier: BSD-3-Clause
// dialog.list with "stream": the test is the dataplane and the reader.
#include "cmocka_first.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rpc_world.h"

#define PAGE 250u

static struct rpc_reader *reads; // who reads while a page is waited for; NULL: nobody

static int setup(void **state)
{
    struct rpc_world *world = malloc(sizeof(*world));
    *state = world;
    reads = NULL;
    signal(SIGPIPE, SIG_IGN); // as the daemon does
    return rpc_world_open(world, "group: dialgate");
}

static int teardown(void **state)
{
    int result = rpc_world_close(*state);
    free(*state);
    return result;
}

// The page that control asks for; false: it asks for none.
static bool asked(struct rpc_world *world, uint32_t *request, struct channel_dialog_list *list, int turns)
{
    struct far_message message;
    for (int i = 0; i < turns; i++) {
        if (reads)
            rpc_reader_take(reads);
        far_run(world->base, 1);
        if (far_receive(world->far, &message, NULL, 0)) {
            assert_int_equal(message.header.type, CHANNEL_DIALOG_LIST);
            memcpy(list, message.body, sizeof(*list));
            *request = message.header.request;
            return true;
        }
    }
    return false;
}

// Gives count rows that follow the cursor; the last page has no further cursor.
static void give(struct rpc_world *world, uint32_t request, const struct channel_dialog_list *list,
                 uint32_t count, bool last)
{
    uint8_t body[2048];
    char call_id[600];
    memset(call_id, 'c', sizeof(call_id) - 1);
    call_id[sizeof(call_id) - 1] = '\0';
    for (uint32_t i = 1; i <= count; i++) {
        far_say(world->far, CHANNEL_DIALOG_ROW, request, body, far_row(body, list->cursor + i, call_id));
        if (i % 64 == 0) // what the socket holds
            far_run(world->base, 1);
    }
    struct channel_done done = {.rows = count, .cursor = last ? 0 : list->cursor + count};
    far_say(world->far, CHANNEL_DONE, request, &done, sizeof(done));
}

static void begin(struct rpc_world *world, struct rpc_reader *reader, const char *params)
{
    char line[256];
    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"dialog.list\",\"params\":%s}\n",
             params);
    rpc_reader_open(reader, world);
    rpc_reader_say(reader, line);
}

// Reads to the answer; returns the rows of the parts, which must come in order.
static uint64_t read_all(struct rpc_world *world, struct rpc_reader *reader, json_t **result)
{
    uint64_t rows = 0;
    for (;;) {
        json_t *line = rpc_reader_line(world, reader);
        assert_non_null(line);
        const json_t *params = json_object_get(line, "params");
        const json_t *dialogs = json_object_get(params, "dialogs");
        if (!params) {
            assert_int_equal(json_integer_value(json_object_get(line, "id")), 7);
            *result = json_incref(json_object_get(line, "result"));
            json_decref(line);
            return rows;
        }
        assert_string_equal(json_string_value(json_object_get(line, "method")), "dialog.page");
        assert_null(json_object_get(line, "id"));
        assert_int_equal(json_integer_value(json_object_get(params, "id")), 7);
        for (size_t i = 0; i < json_array_size(dialogs); i++) {
            char id[20];
            snprintf(id, sizeof(id), "%016llx", (unsigned long long)++rows);
            assert_string_equal(json_string_value(json_object_get(json_array_get(dialogs, i), "id")), id);
        }
        json_decref(line);
    }
}

static void test_three_pages(void **state)
{
    static const uint32_t counts[] = {PAGE, 0, 100}; // the second found none in its time
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    struct channel_dialog_list list;
    uint32_t request;
    json_t *result;
    reads = &reader;
    begin(world, &reader, "{\"stream\":true,\"state\":\"confirmed\",\"older_ms\":5}");
    for (int i = 0; i < 3; i++) {
        assert_true(asked(world, &request, &list, 1000));
        assert_int_equal(list.state, CHANNEL_DIALOG_CONFIRMED);
        assert_int_equal(list.older_ms, 5);
        assert_int_equal(list.limit, PAGE);
        assert_int_equal(list.cursor, i == 0 ? 0 : PAGE);
        give(world, request, &list, counts[i], i == 2);
    }
    assert_int_equal(read_all(world, &reader, &result), PAGE + 100);
    assert_int_equal(json_integer_value(json_object_get(result, "rows")), PAGE + 100);
    assert_true(json_is_null(json_object_get(result, "cursor")));
    json_decref(result);
    assert_false(asked(world, &request, &list, 20));
    rpc_reader_close(&reader);
}

static void test_limit(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    struct channel_dialog_list list;
    uint32_t request;
    json_t *result;
    reads = &reader;
    begin(world, &reader, "{\"stream\":true,\"limit\":300}");
    assert_true(asked(world, &request, &list, 1000));
    give(world, request, &list, PAGE, false);
    assert_true(asked(world, &request, &list, 1000));
    assert_int_equal(list.limit, 50);
    give(world, request, &list, 50, false);
    assert_int_equal(read_all(world, &reader, &result), 300);
    assert_string_equal(json_string_value(json_object_get(result, "cursor")), "000000000000012c");
    json_decref(result);
    rpc_reader_close(&reader);
}

// Who does not read is not asked for: pages stop, and go on when he reads.
static void test_reader_sets_the_pace(void **state)
{
    enum { PAGES = 15 };
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    struct channel_dialog_list list;
    uint32_t request;
    json_t *result;
    unsigned int given = 0;
    begin(world, &reader, "{\"stream\":true}");
    while (asked(world, &request, &list, 50)) {
        give(world, request, &list, PAGE, ++given == PAGES);
        assert_true(given < 10); // a page has more than 200 KB
    }
    assert_true(given > 0);
    uint64_t rows = 0;
    while (given < PAGES) {
        rpc_reader_take(&reader);
        if (asked(world, &request, &list, 5))
            give(world, request, &list, PAGE, ++given == PAGES);
    }
    rows = read_all(world, &reader, &result);
    assert_int_equal(rows, PAGES * PAGE);
    json_decref(result);
    rpc_reader_close(&reader);
}

// Readers that stopped hold none of the requests that the dataplane takes at once.
static void test_many_stopped_readers(void **state)
{
    enum { READERS = 20 };
    struct rpc_world *world = *state;
    struct rpc_reader readers[READERS];
    struct channel_dialog_list list;
    uint32_t requests[READERS], request;
    unsigned int open = 0;
    for (int i = 0; i < READERS; i++)
        begin(world, &readers[i], "{\"stream\":true}");
    while (asked(world, &requests[open], &list, 50))
        open++;
    assert_int_equal(open, 4); // of the eight
    for (unsigned int i = 0; i < open; i++)
        give(world, requests[i], &(struct channel_dialog_list){0}, 1, true);
    for (int i = 4; i < READERS; i++) {
        assert_true(asked(world, &request, &list, 1000));
        give(world, request, &list, 1, true);
    }
    for (int i = 0; i < READERS; i++) {
        json_t *result;
        assert_int_equal(read_all(world, &readers[i], &result), 1);
        json_decref(result);
        rpc_reader_close(&readers[i]);
    }
    assert_int_equal(world->control.listings.asked, 0);
}

// The reader goes while a page is asked for, while one waits for it, and while it waits in line.
static void test_reader_goes(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_reader readers[6];
    struct channel_dialog_list list;
    uint32_t requests[4], request;
    for (int i = 0; i < 6; i++)
        begin(world, &readers[i], "{\"stream\":true}");
    for (int i = 0; i < 4; i++)
        assert_true(asked(world, &requests[i], &list, 1000));
    for (int i = 0; i < 6; i++)
        rpc_reader_close(&readers[i]);
    far_run(world->base, 20);
    // It may only have ended its side: that nobody reads is seen with the first part.
    for (int i = 0; i < 4; i++)
        give(world, requests[i], &(struct channel_dialog_list){0}, 2, false);
    for (int i = 0; asked(world, &request, &list, 50); i++) {
        assert_true(i < 12); // at most two pages a reader
        give(world, request, &list, 2, false);
    }
    assert_int_equal(world->control.rpc.clients, 0);
    assert_int_equal(world->control.listings.asked, 0);
    assert_null(world->control.listings.first);
    begin(world, &readers[0], "{\"stream\":true}");
    while (asked(world, &request, &list, 100))
        give(world, request, &list, PAGE, false);
    rpc_reader_close(&readers[0]); // with a page that waits
    far_run(world->base, 50);
    assert_int_equal(world->control.rpc.clients, 0);
    assert_int_equal(world->control.listings.asked, 0);
}

static void test_dataplane_fails(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    struct channel_dialog_list list;
    uint32_t request;
    begin(world, &reader, "{\"stream\":true}");
    assert_true(asked(world, &request, &list, 1000));
    far_done(world->far, CHANNEL_DONE, request, -EINVAL, "the cursor is none of ours");
    assert_int_equal(rpc_code(rpc_reader_line(world, &reader)), -32000);
    rpc_reader_say(&reader,
                   "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"dialog.list\",\"params\":[null,null,null,"
                   "null,null,true]}\n");
    assert_true(asked(world, &request, &list, 1000));
    close(world->far);
    world->far = -1;
    assert_int_equal(rpc_code(rpc_reader_line(world, &reader)), -32002);
    rpc_reader_close(&reader);
}

// Parts need a line of their own and an id to belong to.
static void test_where_it_cannot_be(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    rpc_reader_open(&reader, world);
    rpc_reader_say(
        &reader,
        "{\"jsonrpc\":\"2.0\",\"method\":\"dialog.list\",\"params\":{\"stream\":true}}\n"
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dialog.list\",\"params\":{\"stream\":true}}]\n");
    json_t *line = rpc_reader_line(world, &reader);
    assert_true(json_is_array(line));
    assert_int_equal(rpc_code(json_incref(json_array_get(line, 0))), -32000);
    json_decref(line);
    rpc_reader_close(&reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {TEST(test_three_pages),          TEST(test_limit),
                                     TEST(test_reader_sets_the_pace), TEST(test_many_stopped_readers),
                                     TEST(test_reader_goes),          TEST(test_dataplane_fails),
                                     TEST(test_where_it_cannot_be)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
