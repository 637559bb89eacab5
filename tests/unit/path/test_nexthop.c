// SPDX-License-Identifier: BSD-3-Clause
// The table of next hops against the definition: the longest prefix of the network, then the lowest metric.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "nexthop.h"

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct nexthop_network networks[NETWORKS_MAX] = {
    {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .up = true}};

static const struct nexthop_route routes[] = {
    {.prefix = IPV4(0, 0, 0, 0), .gateway = IPV4(10, 0, 0, 254), .length = 0},
    {.prefix = IPV4(10, 0, 0, 0), .length = 24},
    {.prefix = IPV4(10, 1, 0, 0), .gateway = IPV4(10, 0, 0, 3), .length = 16, .metric = 200},
    {.prefix = IPV4(10, 1, 0, 0), .gateway = IPV4(10, 0, 0, 2), .length = 16, .metric = 100},
    {.prefix = IPV4(10, 1, 2, 0), .gateway = IPV4(10, 0, 0, 4), .length = 24},
    {.prefix = IPV4(10, 1, 2, 3), .gateway = IPV4(10, 0, 0, 5), .length = 32},
    {.prefix = IPV4(172, 16, 9, 9), .gateway = IPV4(10, 0, 0, 6), .length = 12}, // octets beyond the length
    {.prefix = IPV4(10, 2, 0, 0), .length = 16, .network = 1},
};

static const struct nexthop_neighbour neighbours[] = {
    {.address = IPV4(10, 0, 0, 254), .mac = {2, 0, 0, 0, 0, 254}, .usable = 1},
    {.address = IPV4(10, 0, 0, 2), .mac = {2, 0, 0, 0, 0, 2}, .usable = 1},
    {.address = IPV4(10, 0, 0, 4), .mac = {2, 0, 0, 0, 0, 4}, .usable = 0},
    {.address = IPV4(10, 2, 0, 7), .mac = {2, 0, 0, 0, 0, 7}, .network = 1, .usable = 1},
    {.address = IPV4(10, 0, 0, 9), .mac = {2, 0, 0, 0, 0, 9}, .network = 1, .usable = 1},
};

static const struct {
    const char *name;
    uint32_t address;
    uint8_t network;
    enum nexthop_result result;
    uint32_t hop;
    uint8_t mac;
} rows[] = {
    {"default", IPV4(192, 0, 2, 1), 0, NEXTHOP_FOUND, IPV4(10, 0, 0, 254), 254},
    {"on link, known", IPV4(10, 0, 0, 254), 0, NEXTHOP_FOUND, IPV4(10, 0, 0, 254), 254},
    {"on link, unknown", IPV4(10, 0, 0, 77), 0, NEXTHOP_UNRESOLVED, IPV4(10, 0, 0, 77), 0},
    {"known only in another network", IPV4(10, 0, 0, 9), 0, NEXTHOP_UNRESOLVED, IPV4(10, 0, 0, 9), 0},
    {"lowest metric", IPV4(10, 1, 9, 9), 0, NEXTHOP_FOUND, IPV4(10, 0, 0, 2), 2},
    {"longer prefix, MAC not usable", IPV4(10, 1, 2, 1), 0, NEXTHOP_UNRESOLVED, IPV4(10, 0, 0, 4), 0},
    {"host route", IPV4(10, 1, 2, 3), 0, NEXTHOP_UNRESOLVED, IPV4(10, 0, 0, 5), 0},
    {"prefix was not clean", IPV4(172, 31, 255, 255), 0, NEXTHOP_UNRESOLVED, IPV4(10, 0, 0, 6), 0},
    {"just beyond it", IPV4(172, 32, 0, 0), 0, NEXTHOP_FOUND, IPV4(10, 0, 0, 254), 254},
    {"other network", IPV4(10, 2, 0, 7), 1, NEXTHOP_FOUND, IPV4(10, 2, 0, 7), 7},
    {"other network has no default", IPV4(192, 0, 2, 1), 1, NEXTHOP_UNROUTED, 0, 0},
    {"network without routes", IPV4(10, 0, 0, 254), 2, NEXTHOP_UNROUTED, 0, 0},
};

static void test_rows(void **state)
{
    struct nexthop_table *table = nexthop_create(networks, routes, sizeof(routes) / sizeof(routes[0]),
                                                 neighbours, sizeof(neighbours) / sizeof(neighbours[0]));

    assert_non_null(table);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nexthop hop = {0};
        enum nexthop_result result = nexthop_find(table, rows[i].network, rows[i].address, &hop);

        if (result != rows[i].result || hop.address != rows[i].hop || hop.mac[5] != rows[i].mac)
            fail_msg("%s: result %d hop %08x mac %u", rows[i].name, (int)result, hop.address, hop.mac[5]);
    }
    assert_memory_equal(table->networks, networks, sizeof(networks));
    nexthop_destroy(table);
}

static void test_empty(void **state)
{
    struct nexthop_table *table = nexthop_create(networks, NULL, 0, NULL, 0);
    struct nexthop hop;

    assert_non_null(table);
    assert_int_equal(nexthop_find(table, 0, IPV4(10, 0, 0, 1), &hop), NEXTHOP_UNROUTED);
    nexthop_destroy(table);
    nexthop_destroy(NULL);
}

// The definition, one route after another.
static const struct nexthop_route *slow_find(const struct nexthop_route *list, uint32_t count,
                                             uint8_t network, uint32_t address)
{
    const struct nexthop_route *best = NULL;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t mask = list[i].length == 0 ? 0 : UINT32_MAX << (32 - list[i].length);

        if (list[i].network != network || ((list[i].prefix ^ address) & mask) != 0)
            continue;
        if (best == NULL || list[i].length > best->length ||
            (list[i].length == best->length && list[i].metric < best->metric))
            best = &list[i];
    }
    return best;
}

static uint32_t random_word(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

// Few bits vary, so that prefixes nest and collide. Every route has a gateway of its own.
static void test_against_definition(void **state)
{
    uint64_t seed = 1;

    for (unsigned round = 0; round < 50; round++) {
        struct nexthop_route list[200];
        struct nexthop_table *table;

        for (uint32_t i = 0; i < 200; i++)
            list[i] = (struct nexthop_route){.prefix = random_word(&seed) & 0xe0c0c0e7u,
                                             .gateway = i + 1,
                                             .metric = i,
                                             .length = (uint8_t)(random_word(&seed) % 33),
                                             .network = (uint8_t)(random_word(&seed) % 2)};
        table = nexthop_create(networks, list, 200, NULL, 0);
        assert_non_null(table);
        for (unsigned i = 0; i < 2000; i++) {
            uint32_t address = random_word(&seed) & 0xe0c0c0e7u;
            uint8_t network = (uint8_t)(i % 3);
            const struct nexthop_route *expected = slow_find(list, 200, network, address);
            struct nexthop hop = {0};

            assert_int_equal(nexthop_find(table, network, address, &hop),
                             expected == NULL ? NEXTHOP_UNROUTED : NEXTHOP_UNRESOLVED);
            if (expected != NULL)
                assert_int_equal(hop.address, expected->gateway);
        }
        nexthop_destroy(table);
    }
}

static void test_many_neighbours(void **state)
{
    const struct nexthop_route on_link = {.prefix = IPV4(10, 0, 0, 0), .length = 8};
    struct nexthop_neighbour *list = calloc(5000, sizeof(*list));
    struct nexthop_table *table;
    struct nexthop hop;

    for (uint32_t i = 0; i < 5000; i++) {
        list[i].address = IPV4(10, 0, 0, 0) + i * 256 + 1;
        list[i].usable = 1;
        memcpy(list[i].mac, &i, sizeof(i));
    }
    table = nexthop_create(networks, &on_link, 1, list, 5000);
    assert_non_null(table);
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(nexthop_find(table, 0, list[i].address, &hop), NEXTHOP_FOUND);
        assert_memory_equal(hop.mac, &i, sizeof(i));
        assert_int_equal(nexthop_find(table, 0, list[i].address + 1, &hop), NEXTHOP_UNRESOLVED);
    }
    nexthop_destroy(table);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_empty),
                                       cmocka_unit_test(test_against_definition),
                                       cmocka_unit_test(test_many_neighbours)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
