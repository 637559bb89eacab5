// SPDX-License-Identifier: BSD-3-Clause
// What control is told of events that it does not take in time: every number once, as a row or as lost.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "event_queue.h"

#define SIZE 8u

static struct event_queue queue;

static int setup(void **state)
{
    return event_queue_init(&queue, sizeof(uint64_t), SIZE);
}

static int teardown(void **state)
{
    event_queue_fini(&queue);
    return 0;
}

static void add(uint64_t from, uint64_t to)
{
    for (uint64_t row = from; row <= to; row++)
        event_queue_add(&queue, &row);
}

// The next run has these numbers; its rows are what was added under them.
static void assert_run(uint64_t first, uint64_t lost, uint32_t count, uint32_t max)
{
    uint64_t rows[SIZE];
    struct channel_event_run run;
    assert_true(event_queue_next(&queue, rows, max, &run));
    assert_int_equal(run.first, first);
    assert_int_equal(run.lost, lost);
    assert_int_equal(run.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(rows[i], first + i);
}

static void assert_nothing(void)
{
    uint64_t rows[SIZE];
    struct channel_event_run run;
    assert_false(event_queue_next(&queue, rows, SIZE, &run));
    assert_int_equal(run.count, 0);
}

static void test_in_order(void **state)
{
    assert_nothing();
    add(1, 5);
    assert_run(1, 0, 3, 3);
    assert_run(4, 0, 2, 3);
    assert_nothing();
    event_queue_done(&queue, 5);
    add(6, 13); // round the end of the memory
    assert_run(6, 0, 8, SIZE);
    assert_nothing();
}

static void test_nobody_takes_them(void **state)
{
    add(1, 20);
    assert_run(13, 12, 8, SIZE);
    assert_nothing();
}

// A control that is gone took what it named; the next one gets the rest.
static void test_again(void **state)
{
    add(1, 6);
    assert_run(1, 0, 6, SIZE);
    event_queue_done(&queue, 2);
    event_queue_begin(&queue);
    assert_run(3, 0, 4, SIZE);
    event_queue_begin(&queue);
    add(7, 12);
    assert_run(5, 2, 8, SIZE); // 3 and 4 were sent, and nobody said that he has them
    event_queue_done(&queue, 12);
    event_queue_begin(&queue);
    assert_nothing();
}

static void test_overrun_of_what_was_sent(void **state)
{
    add(1, 8);
    assert_run(1, 0, 8, SIZE);
    add(9, 10);
    assert_run(9, 0, 2, SIZE); // this connection had 1 and 2
    event_queue_begin(&queue);
    assert_run(3, 2, 8, SIZE);
}

static void test_lost_before(void **state)
{
    add(1, 1);
    event_queue_skip(&queue, 3);
    const uint64_t row = 5;
    event_queue_add(&queue, &row);
    event_queue_skip(&queue, 2);
    assert_run(1, 0, 1, SIZE);
    assert_run(5, 3, 1, SIZE);
    assert_run(8, 2, 0, SIZE); // nothing is behind them yet
    assert_nothing();
    event_queue_done(&queue, 7);
    event_queue_begin(&queue);
    assert_nothing();
}

static void test_done_beyond(void **state)
{
    add(1, 4);
    assert_run(1, 0, 2, 2);
    event_queue_done(&queue, UINT64_MAX);
    event_queue_begin(&queue);
    assert_run(3, 0, 2, SIZE);
    event_queue_done(&queue, 3);
    event_queue_done(&queue, 1);
    event_queue_begin(&queue);
    assert_run(4, 0, 1, SIZE);
}

// What control receives: every message as long as its type says, whatever it has.
static void test_messages(void **state)
{
    const struct channel_member_event row = {.probes = 7, .member = 3};
    struct {
        struct channel_header header;
        struct channel_member_events body;
    } message;
    struct event_queue members;
    struct channel_server server;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    channel_server_init(&server, -1);
    server.fd = ends[0];
    assert_int_equal(event_queue_init(&members, sizeof(row), 2 * CHANNEL_EVENTS_MAX), 0);
    for (unsigned i = 0; i < CHANNEL_EVENTS_MAX + 1; i++)
        event_queue_add(&members, &row);
    event_queue_send(&members, &server, CHANNEL_MEMBER_EVENTS);
    assert_int_equal(recv(ends[1], &message, sizeof(message), MSG_DONTWAIT), -1); // nobody has greeted
    server.greeted = true;
    server.queued = EVENT_WAITING_MAX + 1;
    event_queue_send(&members, &server, CHANNEL_MEMBER_EVENTS);
    assert_int_equal(recv(ends[1], &message, sizeof(message), MSG_DONTWAIT), -1); // nobody reads
    server.queued = 0;
    event_queue_send(&members, &server, CHANNEL_MEMBER_EVENTS);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(recv(ends[1], &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC), sizeof(message));
        assert_int_equal(message.header.type, CHANNEL_MEMBER_EVENTS);
        assert_int_equal(message.header.request, 0);
        assert_int_equal(message.body.run.first, 1 + i * CHANNEL_EVENTS_MAX);
        assert_int_equal(message.body.run.lost, 0);
        assert_int_equal(message.body.run.count, i == 0 ? CHANNEL_EVENTS_MAX : 1);
        assert_memory_equal(&message.body.rows[message.body.run.count - 1], &row, sizeof(row));
    }
    assert_int_equal(recv(ends[1], &message, sizeof(message), MSG_DONTWAIT), -1);
    event_queue_fini(&members);
    channel_server_drop(&server);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_takes_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overrun_of_what_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_before, setup, teardown),
        cmocka_unit_test_setup_teardown(test_done_beyond, setup, teardown),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests_name("event queue", tests, NULL, NULL);
}
