// SPDX-License-Identifier: BSD-3-Clause
// Control's questions about dialogs, from the checked message to the answers on the channel. The test answers
// the commands as workers do, from a list of dialogs of its own.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "dialog_events.h"
#include "dialog_requests.h"

#define WORKERS      2u
#define EACH         1300u // dialogs a worker: more than a slice of COMMAND_SLICE
#define COMMAND_RING 64u

static struct workers workers;
static struct channel_server server;
static struct dialog_requests requests;
static int control;
static bool ended[WORKERS][EACH];

static struct rte_ring *make_ring(void)
{
    ssize_t size = rte_ring_get_memsize(COMMAND_RING);
    struct rte_ring *ring = aligned_alloc(64, ((size_t)size + 63) / 64 * 64);

    assert_int_equal(rte_ring_init(ring, "ring", COMMAND_RING, RING_F_SP_ENQ | RING_F_SC_DEQ), 0);
    return ring;
}

static int set_up(void **state)
{
    int ends[2];

    memset(&workers, 0, sizeof(workers));
    memset(ended, 0, sizeof(ended));
    workers.count = WORKERS;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers.parts[i].commands = make_ring();
        workers.parts[i].results = make_ring();
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    channel_server_init(&server, -1);
    server.fd = ends[0];
    control = ends[1];
    dialog_requests_init(&requests, &server, &workers);
    return 0;
}

static int tear_down(void **state)
{
    dialog_requests_fini(&requests);
    for (unsigned i = 0; i < WORKERS; i++) {
        free(workers.parts[i].commands);
        free(workers.parts[i].results);
    }
    channel_server_drop(&server);
    close(control);
    return 0;
}

static uint64_t handle_of(unsigned worker, uint32_t index)
{
    return command_handle(worker, 1, index);
}

static void put_row(struct command *command, unsigned worker, uint32_t index)
{
    struct channel_dialog_row row = {
        .handle = handle_of(worker, index), .call = index, .worker = (uint16_t)worker, .text_lengths = {3}};

    memcpy(command->rows + command->used, &row, sizeof(row));
    memcpy(command->rows + command->used + sizeof(row), "a@b", 3);
    command->used += (uint32_t)(sizeof(row) + 8);
    command->row_count++;
}

static void answer_list(struct command *command, unsigned worker)
{
    uint64_t end = (uint64_t)command->cursor + COMMAND_SLICE;

    for (; command->cursor < end && command->cursor < EACH && command->row_count < command->limit &&
           command->used + 256 < COMMAND_ROWS_OCTETS;
         command->cursor++) {
        if (!ended[worker][command->cursor])
            put_row(command, worker, command->cursor);
    }
    command->done = command->cursor >= EACH;
}

static int32_t find(struct command *command, unsigned worker)
{
    uint32_t index = (uint32_t)command->handle;

    if (command->call_id_length > 0) {
        // A forked call of worker 1.
        if (worker != 1 || command->call_id_length != 4 || memcmp(command->call_id, "fork", 4) != 0)
            return -ENOENT;
        for (uint32_t i = 0; i < 3; i++)
            put_row(command, worker, i);
        return 0;
    }
    if (index >= EACH || ended[worker][index] || command->handle != handle_of(worker, index))
        return -ENOENT;
    if (command->kind == COMMAND_DIALOG_END)
        ended[worker][index] = true;
    else
        put_row(command, worker, index);
    return 0;
}

// One turn of each worker.
static void work(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        void *item;

        while (rte_ring_dequeue(workers.parts[i].commands, &item) == 0) {
            struct command *command = item;

            assert_int_equal(command->row_count, 0);
            assert_int_equal(command->used, 0);
            if (command->kind == COMMAND_DIALOG_LIST)
                answer_list(command, i);
            else
                command->result = find(command, i);
            assert_int_equal(rte_ring_enqueue(workers.parts[i].results, command), 0);
        }
    }
}

struct answer {
    bool done;
    struct channel_done body;
    uint32_t rows;
    uint64_t last_handle;
};

static void receive(uint32_t number, struct answer *answer)
{
    struct {
        struct channel_header header;
        union {
            struct channel_done done;
            struct channel_dialog_row row;
            uint8_t octets[1024];
        } body;
    } message;

    while (!answer->done && recv(control, &message, sizeof(message), 0) > 0) {
        assert_int_equal(message.header.request, number);
        if (message.header.type == CHANNEL_DIALOG_ROW) {
            assert_int_equal(message.header.size,
                             sizeof(message.header) + sizeof(struct channel_dialog_row) + 3);
            assert_memory_equal(message.body.octets + sizeof(struct channel_dialog_row), "a@b", 3);
            assert_int_equal(message.body.row.call,
                             dialog_events_call(&workers, message.body.row.handle & UINT32_MAX));
            // Worker after worker, index after index: each once.
            assert_true(answer->rows == 0 || message.body.row.handle > answer->last_handle);
            answer->last_handle = message.body.row.handle;
            answer->rows++;
            continue;
        }
        assert_int_equal(message.header.type, CHANNEL_DONE);
        answer->body = message.body.done;
        answer->done = true;
    }
    channel_server_flush(&server);
}

static void begin(const struct channel_input *in)
{
    struct channel_input copy = *in;

    copy.fd = -1;
    dialog_requests_begin(&requests, &copy, 1000);
}

static struct answer ask(const struct channel_input *in)
{
    struct answer answer = {.done = false};

    begin(in);
    for (unsigned i = 0; i < 1000 && !answer.done; i++) {
        work();
        dialog_requests_poll(&requests, 1001);
        receive(in->header.request, &answer);
    }
    assert_true(answer.done);
    assert_false(dialog_requests_busy(&requests));
    return answer;
}

static struct channel_input list_input(uint64_t cursor, uint32_t limit)
{
    return (struct channel_input){
        .header = {.type = CHANNEL_DIALOG_LIST, .request = 9},
        .body.list = {.cursor = cursor, .limit = limit, .peer = NUMBER_NONE},
    };
}

static struct channel_input select_input(enum channel_type type, uint64_t handle, const char *call_id)
{
    struct channel_input in = {.header = {.type = (uint16_t)type, .request = 9},
                               .body.select = {.handle = handle}};

    in.body.select.call_id_length = (uint16_t)strlen(call_id);
    memcpy(in.body.select.call_id, call_id, strlen(call_id));
    return in;
}

// Pages of every size give each dialog once.
static void test_pages(void **state)
{
    static const uint32_t limits[] = {1000, 999, 512, 513, 100, 7};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        uint64_t cursor = 0, last_handle = 0;
        uint32_t rows = 0;

        do {
            struct channel_input in = list_input(cursor, limits[i]);
            struct answer answer = ask(&in);

            assert_int_equal(answer.body.result, 0);
            assert_int_equal(answer.body.rows, answer.rows);
            assert_true(answer.rows <= limits[i]);
            assert_true(answer.rows == 0 || answer.last_handle > last_handle);
            last_handle = answer.rows > 0 ? answer.last_handle : last_handle;
            rows += answer.rows;
            cursor = answer.body.cursor;
        } while (cursor != 0);
        assert_int_equal(rows, WORKERS * EACH);
    }
}

static void test_wrong_cursor(void **state)
{
    struct channel_input in = list_input(((uint64_t)WORKERS << 32) + 1, 10);

    assert_int_equal(ask(&in).body.result, -EINVAL);
    in = list_input(UINT64_MAX, 10);
    assert_int_equal(ask(&in).body.result, -EINVAL);
    // An index beyond the table is the worker's to judge: nothing is there.
    in = list_input(((uint64_t)1 << 32) + UINT32_MAX, 10);
    assert_int_equal(ask(&in).rows, 0);
}

static void test_show_and_end(void **state)
{
    struct channel_input in = select_input(CHANNEL_DIALOG_SHOW, handle_of(1, 5), "");
    struct answer answer = ask(&in);

    assert_int_equal(answer.body.result, 0);
    assert_int_equal(answer.rows, 1);
    assert_int_equal(answer.last_handle, handle_of(1, 5));
    in = select_input(CHANNEL_DIALOG_END, handle_of(1, 5), "");
    answer = ask(&in);
    assert_int_equal(answer.body.result, 0);
    assert_int_equal(answer.body.rows, 1);
    assert_true(ended[1][5]);
    assert_int_equal(ask(&in).body.result, -ENOENT);
    in = select_input(CHANNEL_DIALOG_SHOW, handle_of(WORKERS, 5), "");
    assert_int_equal(ask(&in).body.result, -ENOENT);
    in = select_input(CHANNEL_DIALOG_SHOW, UINT64_MAX, "");
    assert_int_equal(ask(&in).body.result, -ENOENT);
}

static void test_by_call_id(void **state)
{
    struct channel_input in = select_input(CHANNEL_DIALOG_SHOW, 0, "fork");
    struct answer answer = ask(&in);

    assert_int_equal(answer.body.result, 0);
    assert_int_equal(answer.rows, 3);
    in = select_input(CHANNEL_DIALOG_END, 0, "fork");
    ended[1][1] = true; // one of them ends by itself meanwhile
    answer = ask(&in);
    assert_int_equal(answer.body.result, 0);
    assert_int_equal(answer.body.rows, 2);
    assert_int_equal(answer.rows, 0);
    assert_true(ended[1][0] && ended[1][2] && !ended[0][0]);
    in = select_input(CHANNEL_DIALOG_END, 0, "other");
    assert_int_equal(ask(&in).body.result, -ENOENT);
}

// A worker that does not answer costs the request, and its late answer nothing.
static void test_stuck_worker(void **state)
{
    struct channel_input in = list_input(0, 10);
    struct answer answer = {.done = false};

    begin(&in);
    dialog_requests_poll(&requests, 1000 + DIALOG_REQUEST_MS - 1);
    receive(9, &answer);
    assert_false(answer.done);
    dialog_requests_poll(&requests, 1000 + DIALOG_REQUEST_MS);
    receive(9, &answer);
    assert_true(answer.done);
    assert_int_equal(answer.body.result, -ETIMEDOUT);
    assert_true(dialog_requests_busy(&requests));
    work();
    dialog_requests_poll(&requests, 1000 + DIALOG_REQUEST_MS + 1);
    assert_false(dialog_requests_busy(&requests));
    answer.done = false;
    receive(9, &answer);
    assert_false(answer.done);
    assert_int_equal(ask(&in).rows, 10);
}

static void test_too_many(void **state)
{
    struct channel_input in = list_input(0, 10);
    struct answer answer = {.done = false};

    for (unsigned i = 0; i < DIALOG_REQUESTS_MAX; i++)
        begin(&in);
    receive(9, &answer);
    assert_false(answer.done);
    begin(&in);
    receive(9, &answer);
    assert_int_equal(answer.body.result, -EBUSY);
    work();
    dialog_requests_poll(&requests, 1001);
    // A ring that stuck workers never empty fills up: refused, not waited for.
    for (unsigned i = 0; i < 2 * COMMAND_RING; i++) {
        begin(&in);
        dialog_requests_forget(&requests);
    }
    for (answer.done = false; recv(control, &answer.body, sizeof(answer.body), 0) > 0;)
        ;
    begin(&in);
    receive(9, &answer);
    assert_true(answer.done);
    assert_int_equal(answer.body.result, -EBUSY);
    assert_int_equal(requests.outstanding, rte_ring_get_capacity(workers.parts[0].commands));
}

// The control that asked is gone: nothing of its answers reaches the next one.
static void test_forget(void **state)
{
    struct channel_input in = list_input(0, 10);
    struct answer answer = {.done = false};

    begin(&in);
    dialog_requests_forget(&requests);
    work();
    dialog_requests_poll(&requests, 1001);
    receive(9, &answer);
    assert_false(answer.done);
    assert_int_equal(answer.rows, 0);
    assert_false(dialog_requests_busy(&requests));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_pages),        TEST(test_wrong_cursor), TEST(test_show_and_end), TEST(test_by_call_id),
        TEST(test_stuck_worker), TEST(test_too_many),     TEST(test_forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
