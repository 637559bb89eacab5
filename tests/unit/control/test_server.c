// SPDX-License-Identifier: BSD-3-Clause
// What the control socket refuses: too many clients, lines that are too long or never end, readers that do
// not read. Each is counted, and others are served meanwhile.
#include "cmocka_first.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "log.h"
#include "rpc_world.h"

static const char list_line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"api.list\"}\n";

static int open_world(void **state, const char *settings)
{
    struct rpc_world *world = malloc(sizeof(*world));
    *state = world;
    signal(SIGPIPE, SIG_IGN); // as the daemon does
    return rpc_world_open(world, settings);
}

// Nobody is late here, however loaded the machine is.
static int setup(void **state)
{
    return open_world(state, "line_timeout: 1h, reader_timeout: 1h");
}

static int setup_impatient(void **state)
{
    return open_world(state, "line_timeout: 1s, reader_timeout: 1s");
}

static int teardown(void **state)
{
    int result = rpc_world_close(*state);
    free(*state);
    return result;
}

static uint64_t refused(const struct rpc_world *world, enum rpc_refusal refusal)
{
    return world->control.rpc.refused[refusal];
}

static void serves_others(struct rpc_world *world)
{
    struct rpc_reader other;
    rpc_reader_open(&other, world);
    rpc_reader_say(&other, list_line);
    assert_int_equal(rpc_code(rpc_reader_line(world, &other)), 0);
    rpc_reader_close(&other);
}

// Those within the limit are served, the others told.
static void test_thousand_clients(void **state)
{
    enum { CLIENTS = 1000, PLACES = 256 };
    struct rpc_world *world = *state;
    struct rpc_reader *readers = calloc(CLIENTS, sizeof(*readers));
    struct rlimit limit = {4096, 4096};
    int served = 0, told = 0;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        skip();
    for (int i = 0; i < CLIENTS; i++) {
        rpc_reader_open(&readers[i], world);
        if (i % 100 == 99) // the backlog is shorter than they are many
            far_run(world->base, 20);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (send(readers[i].fd, list_line, strlen(list_line), MSG_NOSIGNAL) < 0)
            assert_true(i >= PLACES);
    for (int i = 0; i < CLIENTS; i++) {
        int64_t code = rpc_code(rpc_reader_line(world, &readers[i]));
        assert_true(code == 0 || code == -32000);
        *(code == 0 ? &served : &told) += 1;
    }
    assert_int_equal(served, PLACES);
    assert_int_equal(told, CLIENTS - PLACES);
    assert_int_equal(refused(world, RPC_REFUSED_CLIENTS), CLIENTS - PLACES);
    assert_int_equal(world->control.rpc.clients, PLACES);
    for (int i = 0; i < CLIENTS; i++)
        rpc_reader_close(&readers[i]);
    for (int i = 0; i < 500 && world->control.rpc.clients > 0; i++)
        far_run(world->base, 10);
    assert_int_equal(world->control.rpc.clients, 0);
    serves_others(world);
    free(readers);
}

// Ten megabytes without an end: told after the first, the rest is never kept.
static void test_long_line(void **state)
{
    enum { OCTETS = 10 << 20 };
    static char block[65536];
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    size_t sent = 0;
    rpc_reader_open(&reader, world);
    memset(block, 'x', sizeof(block));
    while (sent < OCTETS) {
        ssize_t taken = send(reader.fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += taken > 0 ? (size_t)taken : 0;
        far_run(world->base, 1);
        if (refused(world, RPC_REFUSED_LINE_TOO_LONG) > 0)
            break;
    }
    assert_true(sent < 2 * RPC_LINE_MAX);
    assert_int_equal(rpc_code(rpc_reader_line(world, &reader)), -32600);
    assert_int_equal(refused(world, RPC_REFUSED_LINE_TOO_LONG), 1);
    for (int i = 0; i < 500 && world->control.rpc.clients > 0; i++)
        far_run(world->base, 10);
    assert_int_equal(world->control.rpc.clients, 0);
    rpc_reader_close(&reader);
    serves_others(world);
}

// Of a line of exactly the limit, and what is served of two lines that came in pieces.
static void test_line_of_the_limit(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    char *line = malloc(RPC_LINE_MAX + 1);
    memset(line, ' ', RPC_LINE_MAX);
    memcpy(line, list_line, strlen(list_line) - 1);
    line[RPC_LINE_MAX - 1] = '\n';
    rpc_reader_open(&reader, world);
    for (size_t sent = 0; sent < RPC_LINE_MAX;) {
        ssize_t taken = send(reader.fd, line + sent, RPC_LINE_MAX - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += taken > 0 ? (size_t)taken : 0;
        far_run(world->base, 1);
    }
    assert_int_equal(rpc_code(rpc_reader_line(world, &reader)), 0);
    for (size_t i = 0; i < strlen(list_line); i++) {
        char one[2] = {list_line[i], '\0'};
        rpc_reader_say(&reader, one);
        far_run(world->base, 1);
    }
    assert_int_equal(rpc_code(rpc_reader_line(world, &reader)), 0);
    rpc_reader_close(&reader);
    free(line);
}

// A line that grows, but never ends.
static void test_half_line(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_reader reader, silent;
    rpc_reader_open(&reader, world);
    rpc_reader_open(&silent, world); // says nothing at all: that is allowed
    rpc_reader_say(&reader, list_line);
    assert_int_equal(rpc_code(rpc_reader_line(world, &reader)), 0);
    for (int i = 0; i < 1000 && refused(world, RPC_REFUSED_HALF_LINE) == 0; i++) {
        if (i % 10 == 0)
            rpc_reader_say(&reader, "{");
        far_run(world->base, 10);
    }
    assert_int_equal(refused(world, RPC_REFUSED_HALF_LINE), 1);
    assert_int_equal(rpc_code(rpc_reader_line(world, &reader)), -32600);
    assert_null(rpc_reader_line(world, &reader));
    assert_int_equal(world->control.rpc.clients, 1);
    rpc_reader_say(&silent, list_line);
    assert_int_equal(rpc_code(rpc_reader_line(world, &silent)), 0);
    rpc_reader_close(&reader);
    rpc_reader_close(&silent);
}

// Asks and asks and reads nothing: is not read from, and cut off in the end.
static void test_slow_reader(void **state)
{
    struct rpc_world *world = *state;
    struct rpc_reader reader;
    unsigned int asked = 0, idle = 0;
    rpc_reader_open(&reader, world);
    while (idle < 1000 && refused(world, RPC_REFUSED_SLOW_READER) == 0) {
        ssize_t taken = send(reader.fd, list_line, strlen(list_line), MSG_NOSIGNAL | MSG_DONTWAIT);
        far_run(world->base, taken > 0 ? 1 : 10);
        *(taken > 0 ? &asked : &idle) += 1;
    }
    assert_int_equal(refused(world, RPC_REFUSED_SLOW_READER), 1);
    assert_true(world->control.rpc.requests < asked); // its lines waited
    assert_int_equal(world->control.rpc.clients, 0);
    rpc_reader_close(&reader);
    serves_others(world);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {
        TEST(test_thousand_clients, setup), TEST(test_long_line, setup), TEST(test_line_of_the_limit, setup),
        TEST(test_half_line, setup_impatient), TEST(test_slow_reader, setup_impatient)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
