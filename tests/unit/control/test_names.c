// SPDX-License-Identifier: BSD-3-Clause
// Names that the dataplane asks about, against a name server of the test: what an answer, a denial and a
// silence become.
#include "cmocka_first.h"
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/value.h"
#include "far_end.h"
#include "name_server.h"
#include "names.h"

#define SRV "_sip._udp."

struct world {
    struct event_base *base;
    struct name_server server;
    struct names *names;
    bool ended;
    unsigned count; // answers
    struct channel_name_answer answer;
};

static void on_answer(void *context, const struct channel_name_answer *answer)
{
    struct world *world = context;
    world->answer = *answer;
    world->ended = true;
    world->count++;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->base = event_base_new();
    name_server_open(&world->server, world->base);
    const struct names_options options = {world->base, world->server.address, on_answer, world};
    world->names = names_create(&options);
    *state = world;
    return world->names ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *world = *state;
    names_destroy(world->names);
    name_server_close(&world->server);
    event_base_free(world->base);
    free(world);
    return 0;
}

#define A(name, ttl, address)                                                                                \
    {                                                                                                        \
        name, 1, ttl, address, 0, 0, 0                                                                       \
    }
#define S(name, ttl, priority, weight, port, target)                                                         \
    {                                                                                                        \
        SRV name, 33, ttl, target, priority, weight, port                                                    \
    }
#define AAAA(name, ttl, address)                                                                             \
    {                                                                                                        \
        name, 28, ttl, address, 0, 0, 0                                                                      \
    }
#define CODE(name, code)                                                                                     \
    {                                                                                                        \
        name, NAME_SERVER_RCODE, code, NULL, 0, 0, 0                                                         \
    }

static const struct row {
    const char *name;
    bool service;
    bool ipv6;
    struct record records[6];
    enum channel_name_result result;
    uint32_t ttl_s;
    const char *addresses;
} rows[] = {
    {"addresses where there is no SRV",
     true,
     false,
     {A("x.net", 20, "10.0.2.2"), A("x.net", 17, "10.0.2.1")},
     CHANNEL_NAME_FOUND,
     17,
     "10.0.2.1:0/0 10.0.2.2:0/0 "},
    {"SRV by rank",
     true,
     false,
     {S("x.net", 90, 20, 0, 5071, "b.net"), S("x.net", 60, 10, 0, 5072, "a.net"), A("a.net", 40, "10.0.2.1"),
      A("b.net", 50, "10.0.2.2"), A("x.net", 5, "10.0.2.9")},
     CHANNEL_NAME_FOUND,
     40,
     "10.0.2.1:5072/0 10.0.2.2:5071/1 "},
    {"with a port nobody asks for SRV",
     false,
     false,
     {S("x.net", 60, 10, 0, 5072, "a.net"), A("a.net", 40, "10.0.2.1"), A("x.net", 25, "10.0.2.9")},
     CHANNEL_NAME_FOUND,
     25,
     "10.0.2.9:0/0 "},
    {"both families",
     true,
     true,
     {A("x.net", 20, "10.0.2.2"), AAAA("x.net", 17, "2001:db8::1")},
     CHANNEL_NAME_FOUND,
     17,
     "10.0.2.2:0/0 2001:db8::1:0/0 "},
    {"IPv6 alone",
     true,
     true,
     {AAAA("x.net", 17, "2001:db8::1")},
     CHANNEL_NAME_FOUND,
     17,
     "2001:db8::1:0/0 "},
    {"IPv4 in the clothes of IPv6",
     true,
     true,
     {AAAA("x.net", 17, "::ffff:10.0.0.1")},
     CHANNEL_NAME_NONE,
     30,
     ""},
    {"without a listener of IPv6",
     true,
     false,
     {AAAA("x.net", 17, "2001:db8::1")},
     CHANNEL_NAME_NONE,
     30,
     ""},
    {"a TTL of nothing", true, false, {A("x.net", 0, "10.0.2.1")}, CHANNEL_NAME_FOUND, 5, "10.0.2.1:0/0 "},
    {"a TTL of a day",
     true,
     false,
     {A("x.net", 86400, "10.0.2.1")},
     CHANNEL_NAME_FOUND,
     300,
     "10.0.2.1:0/0 "},
    {"no such name", true, false, {CODE("x.net", 3)}, CHANNEL_NAME_NONE, 30, ""},
    {"no such name, with a port", false, false, {CODE("x.net", 3)}, CHANNEL_NAME_NONE, 30, ""},
    {"no SIP over UDP", true, false, {S("x.net", 60, 0, 0, 0, "")}, CHANNEL_NAME_NONE, 30, ""},
    {"targets without address",
     true,
     false,
     {S("x.net", 60, 0, 0, 5060, "a.net")},
     CHANNEL_NAME_NONE,
     30,
     ""},
    {"the server fails", true, false, {CODE(SRV "x.net", 2)}, CHANNEL_NAME_FAILED, 5, ""},
    {"the server refuses", false, false, {CODE("x.net", 5)}, CHANNEL_NAME_FAILED, 5, ""},
    {"the answer is broken", false, false, {CODE("x.net", NAME_SERVER_BROKEN)}, CHANNEL_NAME_FAILED, 5, ""},
};

static struct channel_name name_of(const char *text, bool service)
{
    struct channel_name name = {.length = (uint8_t)strlen(text), .service = service};
    memcpy(name.octets, text, name.length);
    return name;
}

static void print_answer(const struct channel_name_answer *answer, char text[1024])
{
    text[0] = '\0';
    for (uint32_t i = 0; i < answer->count; i++) {
        char address[64];
        sprintf(text + strlen(text), "%s:%u/%u ",
                value_address(&answer->rows[i].address, address, sizeof(address)), answer->rows[i].port,
                answer->rows[i].rank);
    }
}

static void test_rows(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct channel_name name = name_of("x.net", row->service);
        char addresses[1024];
        print_message("%s\n", row->name);
        world->server.records = row->records;
        world->ended = false;
        names_ask(world->names, &name, row->ipv6);
        if (!far_run_until(world->base, &world->ended, 15000))
            fail_msg("no answer");
        print_answer(&world->answer, addresses);
        assert_string_equal(addresses, row->addresses);
        assert_memory_equal(&world->answer.name, &name, sizeof(name));
        assert_int_equal(world->answer.result, row->result);
        assert_int_equal(world->answer.ttl_s, row->ttl_s);
        assert_int_equal(world->count, i + 1);
    }
}

// The longest name has no room for what SRV puts before it.
static void test_long_name(void **state)
{
    struct world *world = *state;
    static const char text[] = "a234567890123456789012345678901234567890123456789012345678901."
                               "a234567890123456789012345678901234567890123456789012345678901."
                               "a234567890123456789012345678901234567890123456789012345678901."
                               "a23456789012345678901234567890123456789012345678901234567890123";
    const struct record records[] = {A(text, 20, "10.0.2.2"), {0}};
    struct channel_name name = name_of(text, true);
    world->server.records = records;
    names_ask(world->names, &name, false);
    assert_true(far_run_until(world->base, &world->ended, 60000));
    assert_int_equal(world->answer.result, CHANNEL_NAME_FOUND);
    assert_int_equal(world->server.queries, 1);
}

// More than can be asked at once are answered at once; the end answers nothing.
static void test_many(void **state)
{
    struct world *world = *state;
    static const struct record silent[] = {CODE(SRV "x.net", NAME_SERVER_SILENT), {0}};
    struct channel_name name = name_of("x.net", true);
    world->server.records = silent;
    for (unsigned i = 0; i < 300; i++)
        names_ask(world->names, &name, false);
    assert_int_equal(world->count, 300 - 256);
    assert_int_equal(world->answer.result, CHANNEL_NAME_FAILED);
    names_destroy(world->names);
    world->names = NULL;
    assert_int_equal(world->count, 300 - 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_long_name, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_many, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
