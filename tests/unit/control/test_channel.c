// SPDX-License-Identifier: BSD-3-Clause
// The channel over a socketpair: what comes in good reaches its callback, what comes in bad ends the
// connection only.
#include "cmocka_first.h"
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "channel.h"
#include "far_end.h"
#include "log.h"

struct world {
    struct event_base *base;
    struct channel *channel;
    int far;
    bool hello_came;
    bool lost;
    struct channel_hello hello;
    bool done;
    int32_t result;
    char text[CHANNEL_TEXT_SIZE];
    unsigned int rows;
    unsigned int events;
    char call_id[64];
};

static void on_hello(void *context, const struct channel_hello *hello, int *fds)
{
    struct world *world = context;
    world->hello = *hello;
    world->hello_came = true;
}

static void on_events(void *context, const struct channel_events *events)
{
    ((struct world *)context)->events += events->run.count;
}

static void on_lost(void *context)
{
    ((struct world *)context)->lost = true;
}

static void on_member_events(void *context, const struct channel_member_events *events)
{
    ((struct world *)context)->events += events->run.count;
}

static const struct channel_callbacks callbacks = {
    .hello = on_hello, .events = on_events, .member_events = on_member_events, .lost = on_lost};

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct world *world = context;
    world->rows++;
    memcpy(world->call_id, text, row->text_lengths[CHANNEL_TEXT_CALL_ID]);
    world->call_id[row->text_lengths[CHANNEL_TEXT_CALL_ID]] = '\0';
}

static void on_done(void *context, const struct channel_done *done)
{
    struct world *world = context;
    assert_false(world->done); // exactly once
    world->done = true;
    world->result = done->result;
    memcpy(world->text, done->text, sizeof(world->text));
}

static void attach(struct world *world)
{
    int pair[2];
    struct far_message greeting;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(channel_attach(world->channel, pair[0]), 0);
    world->far = pair[1];
    world->lost = world->hello_came = world->done = false;
    world->rows = 0;
    assert_true(far_receive(world->far, &greeting, NULL, 60000));
    assert_int_equal(greeting.header.type, CHANNEL_HELLO);
    assert_int_equal(greeting.header.version, CHANNEL_VERSION);
    assert_int_equal(greeting.header.size, sizeof(struct channel_header) + sizeof(struct channel_hello));
}

static void greet(struct world *world)
{
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 4);
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_true(far_run_until(world->base, &world->hello_came, 60000));
    assert_true(channel_ready(world->channel));
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->base = event_base_new();
    world->channel = channel_create(world->base, NULL, &callbacks, world);
    attach(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    channel_destroy(world->channel);
    close(world->far);
    event_base_free(world->base);
    free(world);
    return 0;
}

static int ask(struct world *world, enum channel_type type, uint32_t timeout_ms, uint32_t *number)
{
    struct channel_dialog_list list = {.peer = NUMBER_NONE, .limit = 10};
    struct channel_dialog_select select = {.handle = 7};
    struct channel_request request = {.type = type,
                                      .body = type == CHANNEL_DIALOG_LIST ? (void *)&list : (void *)&select,
                                      .fd = -1,
                                      .timeout_ms = timeout_ms};
    struct channel_answer answer = {on_row, on_done, world, NULL};
    struct far_message message;
    int result = channel_ask(world->channel, &request, &answer);
    if (result == 0) {
        assert_true(far_receive(world->far, &message, NULL, 60000));
        assert_int_equal(message.header.type, type);
        *number = message.header.request;
    }
    return result;
}

static void test_answers(void **state)
{
    struct world *world = *state;
    uint32_t number = 0;
    uint8_t row[256];
    greet(world);
    assert_int_equal(ask(world, CHANNEL_DIALOG_LIST, 5000, &number), 0);
    size_t size = far_row(row, 3, "one");
    far_say(world->far, CHANNEL_DIALOG_ROW, number, row, size);
    far_say(world->far, CHANNEL_DIALOG_ROW, number, row, size);
    far_done(world->far, CHANNEL_DONE, number, 0, "");
    assert_true(far_run_until(world->base, &world->done, 60000));
    assert_int_equal(world->rows, 2);
    assert_string_equal(world->call_id, "one");
    assert_int_equal(world->result, 0);
    // What comes behind DONE is late, and harmless.
    far_say(world->far, CHANNEL_DIALOG_ROW, number, row, size);
    far_run(world->base, 30);
    assert_int_equal(world->rows, 2);
    assert_true(channel_ready(world->channel));
}

static void test_refusal_is_an_answer(void **state)
{
    struct world *world = *state;
    uint32_t number = 0;
    greet(world);
    assert_int_equal(ask(world, CHANNEL_DIALOG_END, 5000, &number), 0);
    far_done(world->far, CHANNEL_REFUSED, number, -EINVAL, "no");
    assert_true(far_run_until(world->base, &world->done, 60000));
    assert_int_equal(world->result, -EINVAL);
    assert_string_equal(world->text, "no");
    assert_true(channel_ready(world->channel));
}

static void test_deadline(void **state)
{
    struct world *world = *state;
    uint32_t number = 0;
    greet(world);
    uint64_t before = clock_ms();
    assert_int_equal(ask(world, CHANNEL_DIALOG_END, 150, &number), 0);
    assert_true(far_run_until(world->base, &world->done, 60000));
    assert_int_equal(world->result, -ETIMEDOUT);
    assert_true(clock_ms() - before >= 150);
    assert_string_equal(world->text, "dataplane does not answer");
    far_done(world->far, CHANNEL_DONE, number, 0, ""); // too late: not delivered again
    far_run(world->base, 30);
    assert_true(channel_ready(world->channel));
}

static void test_lost_answers_all(void **state)
{
    struct world *world = *state;
    uint32_t number = 0;
    greet(world);
    assert_int_equal(ask(world, CHANNEL_DIALOG_END, 5000, &number), 0);
    shutdown(world->far, SHUT_RDWR);
    assert_true(far_run_until(world->base, &world->lost, 60000));
    assert_true(world->done);
    assert_int_equal(world->result, -ENOTCONN);
    assert_int_equal(ask(world, CHANNEL_DIALOG_END, 5000, &number), -ENOTCONN);
}

static void test_not_before_hello(void **state)
{
    uint32_t number = 0;
    assert_int_equal(ask(*state, CHANNEL_DIALOG_END, 5000, &number), -ENOTCONN);
}

// Each of these ends the connection, is told as a fault, and the next connection works.
static void expect_drop(struct world *world)
{
    assert_true(far_run_until(world->base, &world->lost, 60000));
    assert_false(channel_ready(world->channel));
    assert_string_not_equal(channel_fault(world->channel), "");
    close(world->far);
    attach(world);
    greet(world);
    assert_string_equal(channel_fault(world->channel), "");
}

static void test_bad_messages(void **state)
{
    struct world *world = *state;
    struct far_message message;
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 1);
    uint32_t number = 0;
    uint8_t row[256];

    print_message("row before hello\n");
    size_t row_size = far_row(row, 3, "x");
    far_say(world->far, CHANNEL_DIALOG_ROW, 1, row, row_size);
    expect_drop(world);

    print_message("another version\n");
    size_t size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    message.header.version++;
    far_send(world->far, &message, size, NULL, 0);
    expect_drop(world);

    print_message("one octet short\n");
    size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_send(world->far, &message, size - 1, NULL, 0);
    expect_drop(world);

    print_message("longer than any message\n");
    uint8_t *big = calloc(1, CHANNEL_MESSAGE_MAX + 1);
    far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    memcpy(big, &message, size);
    far_send(world->far, big, CHANNEL_MESSAGE_MAX + 1, NULL, 0);
    free(big);
    expect_drop(world);

    // Cut off at the limit it would look right.
    print_message("a row with one octet behind the limit\n");
    static uint8_t long_row[CHANNEL_MESSAGE_MAX];
    struct channel_dialog_row *claimed = (void *)long_row;
    far_row(long_row, 3, "");
    claimed->text_lengths[CHANNEL_TEXT_CALLEE_TARGET] =
        (uint16_t)(CHANNEL_MESSAGE_MAX - sizeof(struct channel_header) - sizeof(*claimed) - 14);
    size = far_build(&message, CHANNEL_DIALOG_ROW, number, long_row,
                     CHANNEL_MESSAGE_MAX - sizeof(message.header));
    assert_int_equal(ask(world, CHANNEL_DIALOG_LIST, 5000, &message.header.request), 0);
    far_send(world->far, &message, size + 1, NULL, 0);
    expect_drop(world);
}

static void test_bad_answers(void **state)
{
    struct world *world = *state;
    struct far_message message;
    uint8_t row[256];
    size_t row_size = far_row(row, 3, "x");

    print_message("an answer that nobody waits for\n");
    far_done(world->far, CHANNEL_DONE, 99, 0, "");
    expect_drop(world);

    print_message("request 0\n");
    far_done(world->far, CHANNEL_DONE, 0, 0, "");
    expect_drop(world);

    print_message("a row for a request without rows\n");
    struct channel_answer deaf = {NULL, on_done, world, NULL};
    struct channel_dialog_select select = {.handle = 1};
    struct channel_request request = {
        .type = CHANNEL_DIALOG_END, .body = &select, .fd = -1, .timeout_ms = 5000};
    assert_int_equal(channel_ask(world->channel, &request, &deaf), 0);
    assert_true(far_receive(world->far, &message, NULL, 60000));
    uint32_t number = message.header.request;
    far_say(world->far, CHANNEL_DIALOG_ROW, number, row, row_size);
    assert_true(far_run_until(world->base, &world->lost, 60000));
    assert_int_equal(world->result, -ENOTCONN);
}

static void test_too_many_rows(void **state)
{
    struct world *world = *state;
    uint32_t number = 0;
    uint8_t row[256];
    size_t size = far_row(row, 3, "x");
    greet(world);
    assert_int_equal(ask(world, CHANNEL_DIALOG_LIST, 5000, &number), 0); // ten are asked for
    for (unsigned int i = 0; i < 10; i++)
        far_say(world->far, CHANNEL_DIALOG_ROW, number, row, size);
    far_run(world->base, 30);
    assert_int_equal(world->rows, 10);
    assert_true(channel_ready(world->channel));
    far_say(world->far, CHANNEL_DIALOG_ROW, number, row, size);
    assert_true(far_run_until(world->base, &world->lost, 60000));
    assert_int_equal(world->rows, 10);
    assert_int_equal(world->result, -ENOTCONN);
}

// A request about dialogs is not answered with what belongs to a snapshot, nor the other way about.
static void test_answer_of_another_kind(void **state)
{
    struct world *world = *state;
    struct channel_snapshot snapshot = {.sequence = 1, .size = 4096};
    struct channel_request request = {
        .type = CHANNEL_SNAPSHOT, .body = &snapshot, .fd = STDIN_FILENO, .timeout_ms = 5000};
    struct channel_answer answer = {NULL, on_done, world, NULL};
    struct far_message message;
    uint32_t number = 0;
    greet(world);
    assert_int_equal(ask(world, CHANNEL_DIALOG_END, 5000, &number), 0);
    far_done(world->far, CHANNEL_SNAPSHOT_RESULT, number, 0, "");
    expect_drop(world);
    assert_int_equal(channel_ask(world->channel, &request, &answer), 0);
    assert_true(far_receive(world->far, &message, NULL, 60000));
    far_done(world->far, CHANNEL_DONE, message.header.request, 0, "");
    assert_true(far_run_until(world->base, &world->lost, 60000));
    assert_int_equal(world->result, -ENOTCONN);
}

static void test_busy(void **state)
{
    struct world *world = *state;
    far_done(world->far, CHANNEL_REFUSED, 0, -EBUSY, "busy");
    assert_true(far_run_until(world->base, &world->lost, 60000));
    assert_non_null(strstr(channel_fault(world->channel), "refused"));
}

static unsigned int open_descriptors(void)
{
    unsigned int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

// Whatever came with a datagram is closed when nobody took it: good hello, hello without the ones it names,
// too many.
static void test_descriptors_do_not_leak(void **state)
{
    struct world *world = *state;
    struct far_message message;
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 1);
    int fds[CHANNEL_FDS_MAX + 8];
    for (size_t i = 0; i < CHANNEL_FDS_MAX + 8; i++)
        fds[i] = STDIN_FILENO;
    unsigned int before = open_descriptors();
    hello.has_counters = 1;
    size_t size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_send(world->far, &message, size, fds, 1);
    assert_true(far_run_until(world->base, &world->hello_came, 60000));
    assert_int_equal(open_descriptors(), before);

    far_send(world->far, &message, size, NULL, 0); // counters named, none there
    expect_drop(world);
    far_send(world->far, &message, size, fds, 3);
    expect_drop(world);
    far_send(world->far, &message, size, fds, CHANNEL_FDS_MAX + 8);
    expect_drop(world);
    hello.has_counters = 0;
    hello.networks = 1;
    hello.prefilter_maps[0] = CHANNEL_FDS_MAX; // as many as are left when the rest is cut off
    size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    far_send(world->far, &message, size, fds, CHANNEL_FDS_MAX + 8);
    expect_drop(world);
    assert_int_equal(open_descriptors(), before);
}

// One bad byte at each place of a good message: never a crash, and the loop goes on.
static void test_every_octet_changed(void **state)
{
    struct world *world = *state;
    struct far_message message;
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 1);
    size_t size = far_build(&message, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    for (size_t at = 0; at < size; at++) {
        ((uint8_t *)&message)[at] ^= 0xff;
        far_send(world->far, &message, size, NULL, 0);
        ((uint8_t *)&message)[at] ^= 0xff;
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        if (world->lost) {
            close(world->far);
            attach(world);
        }
    }
    world->hello_came = false;
    greet(world);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_answers),
                                       T(test_refusal_is_an_answer),
                                       T(test_deadline),
                                       T(test_lost_answers_all),
                                       T(test_not_before_hello),
                                       T(test_bad_messages),
                                       T(test_bad_answers),
                                       T(test_too_many_rows),
                                       T(test_answer_of_another_kind),
                                       T(test_busy),
                                       T(test_descriptors_do_not_leak),
                                       T(test_every_octet_changed)};
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
