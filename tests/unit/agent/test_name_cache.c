// SPDX-License-Identifier: BSD-3-Clause
// Names between workers and control: asked once, known as long as control says, bounded for each peer.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "name_cache.h"

#define WORKERS 2u

static const struct siphash_key key = {{1, 2}};

struct world {
    struct channel_server server;
    int control;
    struct name_asks asks[WORKERS];
    struct name_cache cache;
    struct name_table *table;
    unsigned tables;
    uint64_t now_ms;
};

static void take_table(void *context, struct name_table *table)
{
    struct world *world = context;

    if (world->table != NULL)
        assert_true(table->serial > world->table->serial);
    name_table_destroy(world->table);
    world->table = table;
    world->tables++;
}

static void connect_control(struct world *world)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    world->server.fd = ends[0];
    world->server.greeted = true;
    world->control = ends[1];
}

static int set_up(void **state)
{
    struct world *world = aligned_alloc(64, (sizeof(*world) + 63) / 64 * 64);
    struct name_asks *asks[WORKERS];

    assert_non_null(world);
    memset(world, 0, sizeof(*world));
    world->now_ms = 1000000;
    channel_server_init(&world->server, -1);
    connect_control(world);
    for (unsigned i = 0; i < WORKERS; i++)
        asks[i] = &world->asks[i];
    const struct name_cache_options options = {&world->server, asks, WORKERS, &key, take_table, world};
    *state = world;
    return name_cache_init(&world->cache, &options);
}

static int tear_down(void **state)
{
    struct world *world = *state;

    name_cache_fini(&world->cache);
    name_table_destroy(world->table);
    channel_server_drop(&world->server);
    close(world->control);
    free(world);
    return 0;
}

static struct channel_name name_of(const char *text)
{
    struct channel_name name = {.length = (uint8_t)strlen(text), .service = 1};

    memcpy(name.octets, text, name.length);
    return name;
}

static void ask(struct world *world, unsigned worker, uint16_t peer, const char *name)
{
    struct name_asks *asks = &world->asks[worker];

    asks->ring[asks->head++ & (NAME_ASKS - 1)] = (struct name_ask){name_of(name), peer};
}

static void poll_after(struct world *world, uint64_t ms)
{
    world->now_ms += ms;
    name_cache_poll(&world->cache, world->now_ms);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(world->asks[i].tail, world->asks[i].head);
}

// The next question at control; "": none.
static const char *told(struct world *world)
{
    static struct {
        struct channel_header header;
        struct channel_name_ask ask;
    } datagram;

    if (recv(world->control, &datagram, sizeof(datagram), 0) < 0)
        return "";
    assert_int_equal(datagram.header.type, CHANNEL_NAME_ASK);
    assert_int_equal(datagram.header.request, 0);
    assert_int_equal(datagram.header.size, sizeof(datagram));
    assert_int_equal(datagram.ask.name.service, 1);
    return datagram.ask.name.octets;
}

static void answer(struct world *world, const char *name, uint16_t result, uint32_t ttl_s)
{
    struct channel_name_answer answer = {.name = name_of(name), .ttl_s = ttl_s, .result = result};

    if (result == CHANNEL_NAME_FOUND) {
        answer.count = 3; // the first has no address
        answer.rows[1] = (struct channel_name_address){IP_MAPPED(0x0a000007), 5070, 1};
        answer.rows[2] = (struct channel_name_address){{{0x20, 1, [15] = 7}}, 5071, 2};
    }
    name_cache_answer(&world->cache, &answer, world->now_ms);
}

static const struct name_row *row(const struct world *world, const char *name)
{
    struct channel_name wanted = name_of(name);

    return world->table == NULL ? NULL : name_table_find(world->table, &wanted, name_hash(&key, &wanted));
}

static void test_once(void **state)
{
    struct world *world = *state;

    ask(world, 0, 3, "a.example");
    ask(world, 0, 3, "a.example");
    ask(world, 1, 4, "a.example");
    ask(world, 1, 4, "b.example");
    poll_after(world, 10);
    assert_string_equal(told(world), "a.example");
    assert_string_equal(told(world), "b.example");
    assert_string_equal(told(world), "");
    assert_int_equal(world->tables, 0);
    answer(world, "a.example", CHANNEL_NAME_FOUND, 20);
    answer(world, "c.example", CHANNEL_NAME_FOUND, 20); // nobody asked
    poll_after(world, 10);
    assert_int_equal(world->tables, 1);
    assert_int_equal(world->table->count, 1);
    const struct name_row *found = row(world, "a.example");
    assert_non_null(found);
    assert_int_equal(found->result, CHANNEL_NAME_FOUND);
    assert_int_equal(found->count, 2);
    assert_int_equal(ip_ipv4(&found->addresses[0].address), 0x0a000007);
    assert_int_equal(found->addresses[1].address.octets[0], 0x20);
    assert_int_equal(found->addresses[0].port, 5070);
    assert_int_equal(found->addresses[0].rank, 1);
    assert_int_equal(found->until_ms, world->now_ms - 10 + 20000);
    assert_int_equal(found->fresh_ms, world->now_ms - 10 + 15000);
    // A second answer, and a worker that has not seen the table yet.
    answer(world, "a.example", CHANNEL_NAME_NONE, 20);
    ask(world, 1, 4, "a.example");
    poll_after(world, 100);
    assert_string_equal(told(world), "");
    assert_int_equal(world->tables, 1);
}

// In the last quarter of its time it is asked for again, and is good until then whatever comes.
static void test_renewal(void **state)
{
    struct world *world = *state;

    ask(world, 0, 3, "a.example");
    poll_after(world, 10);
    assert_string_equal(told(world), "a.example");
    answer(world, "a.example", CHANNEL_NAME_FOUND, 20);
    poll_after(world, 14900);
    ask(world, 0, 3, "a.example");
    poll_after(world, 10);
    assert_string_equal(told(world), "");
    poll_after(world, 100);
    ask(world, 0, 3, "a.example");
    poll_after(world, 10);
    assert_string_equal(told(world), "a.example");
    uint64_t until_ms = row(world, "a.example")->until_ms;
    answer(world, "a.example", CHANNEL_NAME_FAILED, 1);
    poll_after(world, 30);
    const struct name_row *found = row(world, "a.example");
    assert_int_equal(found->result, CHANNEL_NAME_FOUND);
    assert_int_equal(found->until_ms, until_ms);
    assert_int_equal(found->fresh_ms, world->now_ms - 30 + 1000);
    ask(world, 0, 3, "a.example");
    poll_after(world, 1000);
    assert_string_equal(told(world), "a.example");
    answer(world, "a.example", CHANNEL_NAME_NONE, 30);
    poll_after(world, 30);
    assert_int_equal(row(world, "a.example")->result, CHANNEL_NAME_NONE);
    // What is over is in no table.
    ask(world, 0, 3, "b.example");
    poll_after(world, 31000);
    answer(world, "b.example", CHANNEL_NAME_FAILED, 5);
    poll_after(world, 30);
    assert_null(row(world, "a.example"));
    assert_int_equal(row(world, "b.example")->result, CHANNEL_NAME_FAILED);
    assert_int_equal(row(world, "b.example")->fresh_ms, row(world, "b.example")->until_ms);
}

// Answers that come together are one table.
static void test_tables(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "h%u.example", i);
        ask(world, 0, (uint16_t)i, name);
        poll_after(world, 5);
        answer(world, name, CHANNEL_NAME_FOUND, 300);
    }
    assert_true(world->tables <= 4);
    poll_after(world, NAME_CACHE_PUBLISH_MS);
    assert_int_equal(world->table->count, 10);
    unsigned tables = world->tables;
    poll_after(world, 1000);
    assert_int_equal(world->tables, tables);
}

// Without control a question waits for the next one; at last it counts as not resolved.
static void test_without_control(void **state)
{
    struct world *world = *state;

    close(world->control);
    channel_server_drop(&world->server);
    ask(world, 0, 3, "a.example");
    poll_after(world, 10);
    poll_after(world, 5000);
    connect_control(world);
    world->server.greeted = false;
    poll_after(world, 10);
    assert_string_equal(told(world), "");
    world->server.greeted = true;
    poll_after(world, 10);
    assert_string_equal(told(world), "a.example");
    poll_after(world, 10);
    assert_string_equal(told(world), "");
    close(world->control);
    channel_server_drop(&world->server);
    name_cache_forget(&world->cache);
    connect_control(world);
    poll_after(world, 10);
    assert_string_equal(told(world), "a.example");
    poll_after(world, NAME_CACHE_OPEN_MS - 5041);
    assert_null(row(world, "a.example"));
    poll_after(world, 1);
    assert_int_equal(row(world, "a.example")->result, CHANNEL_NAME_FAILED);
    answer(world, "a.example", CHANNEL_NAME_FOUND, 5); // too late
    poll_after(world, 100);
    assert_int_equal(row(world, "a.example")->result, CHANNEL_NAME_FAILED);
    ask(world, 0, 3, "a.example");
    poll_after(world, NAME_CACHE_FAILED_MS);
    assert_string_equal(told(world), "a.example");
}

static unsigned ask_many(struct world *world, uint16_t peer, unsigned first, unsigned n, bool answered)
{
    unsigned asked = 0;

    for (unsigned i = first; i < first + n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "p%u-%u.example", peer, i);
        ask(world, i % WORKERS, peer, name);
        poll_after(world, 1);
        asked += strcmp(told(world), name) == 0;
        if (answered)
            answer(world, name, CHANNEL_NAME_FOUND, 300);
    }
    return asked;
}

// Open questions: of one peer, and of all.
static void test_open(void **state)
{
    struct world *world = *state;

    assert_int_equal(ask_many(world, 1, 0, 50, false), NAME_CACHE_OPEN_OF_PEER);
    assert_int_equal(ask_many(world, 2, 0, 50, false), NAME_CACHE_OPEN_OF_PEER);
    answer(world, "p1-0.example", CHANNEL_NAME_NONE, 30);
    assert_int_equal(ask_many(world, 1, 60, 5, false), 1);
    unsigned asked = 0;
    for (uint16_t peer = 3; peer < 30; peer++)
        asked += ask_many(world, peer, 0, NAME_CACHE_OPEN_OF_PEER, false);
    assert_int_equal(asked + 2 * NAME_CACHE_OPEN_OF_PEER, NAME_CACHE_OPEN);
    // All are given up, and there is room again.
    poll_after(world, NAME_CACHE_OPEN_MS);
    assert_int_equal(ask_many(world, 31, 0, NAME_CACHE_OPEN_OF_PEER, false), NAME_CACHE_OPEN_OF_PEER);
}

// Kept names: a peer with too many loses its own oldest; a full cache the oldest of all.
static void test_kept(void **state)
{
    struct world *world = *state;

    assert_int_equal(ask_many(world, 0, 0, 3, true), 3);
    assert_int_equal(ask_many(world, 1, 0, NAME_CACHE_OF_PEER + 2, true), NAME_CACHE_OF_PEER + 2);
    poll_after(world, NAME_CACHE_PUBLISH_MS);
    assert_int_equal(world->table->count, NAME_CACHE_OF_PEER + 3);
    assert_null(row(world, "p1-0.example"));
    assert_null(row(world, "p1-1.example"));
    assert_non_null(row(world, "p1-2.example"));
    assert_non_null(row(world, "p1-513.example"));
    for (uint16_t peer = 2; peer <= 8; peer++)
        assert_int_equal(ask_many(world, peer, 0, NAME_CACHE_OF_PEER, true), NAME_CACHE_OF_PEER);
    poll_after(world, NAME_CACHE_PUBLISH_MS);
    assert_int_equal(world->table->count, NAME_ROWS_MAX);
    for (unsigned i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "p0-%u.example", i);
        assert_null(row(world, name));
    }
    assert_non_null(row(world, "p1-2.example"));
    assert_non_null(row(world, "p8-511.example"));
    assert_int_equal(ask_many(world, 9, 0, 1, true), 1);
    poll_after(world, NAME_CACHE_PUBLISH_MS);
    assert_null(row(world, "p1-2.example"));
    assert_int_equal(world->table->count, NAME_ROWS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        IN_WORLD(test_once), IN_WORLD(test_renewal), IN_WORLD(test_tables), IN_WORLD(test_without_control),
        IN_WORLD(test_open), IN_WORLD(test_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
