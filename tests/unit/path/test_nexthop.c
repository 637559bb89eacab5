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
#define IP(a, b, c, d)   IP_MAPPED(IPV4(a, b, c, d))
// 2001:db8:A::B, and a link's own fe80::B
#define IP6(a, b)                                                                                            \
    {                                                                                                        \
        {                                                                                                    \
            0x20, 0x01, 0x0d, 0xb8, [5] = (a), [15] = (b)                                                    \
        }                                                                                                    \
    }
#define LINK(b)                                                                                              \
    {                                                                                                        \
        {                                                                                                    \
            0xfe, 0x80, [15] = (b)                                                                           \
        }                                                                                                    \
    }

static const struct nexthop_network networks[NETWORKS_MAX] = {
    {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .up = true}, {.mtu = 9000}};

static const struct nexthop_route routes[] = {
    {.prefix = IP(0, 0, 0, 0), .gateway = IP(10, 0, 0, 254), .length = 96},
    {.prefix = IP(10, 0, 0, 0), .length = 120},
    {.prefix = IP(10, 1, 0, 0), .gateway = IP(10, 0, 0, 3), .length = 112, .metric = 200},
    {.prefix = IP(10, 1, 0, 0), .gateway = IP(10, 0, 0, 2), .length = 112, .metric = 100},
    {.prefix = IP(10, 1, 2, 0), .gateway = IP(10, 0, 0, 4), .length = 120, .mtu = 1400},
    {.prefix = IP(10, 1, 2, 3), .gateway = IP(10, 0, 0, 5), .length = 128},
    {.prefix = IP(172, 16, 9, 9), .gateway = IP(10, 0, 0, 6), .length = 108}, // octets beyond the length
    {.prefix = IP(10, 2, 0, 0), .length = 112, .network = 1, .mtu = 9001},
    {.prefix = IP(10, 1, 7, 0), .length = 120, .refused = 1},
    {.prefix = IP(10, 3, 0, 0), .gateway = LINK(7), .length = 112}, // RFC 8950
    {.prefix = IP(10, 4, 0, 0), .length = 95},                      // no such route
    {.prefix = {{0}}, .gateway = LINK(1), .length = 0},
    {.prefix = IP6(1, 0), .length = 48},
    {.prefix = IP6(2, 0), .gateway = IP6(1, 2), .length = 48, .mtu = 1300},
    {.prefix = IP6(2, 9), .gateway = IP6(1, 3), .length = 127},
    {.prefix = IP6(3, 0), .length = 48, .refused = 1},
};

static const struct nexthop_neighbour neighbours[] = {
    {.address = IP(10, 0, 0, 254), .mac = {2, 0, 0, 0, 0, 254}, .usable = 1},
    {.address = IP(10, 0, 0, 2), .mac = {2, 0, 0, 0, 0, 2}, .usable = 1},
    {.address = IP(10, 0, 0, 4), .mac = {2, 0, 0, 0, 0, 4}, .usable = 0},
    {.address = IP(10, 2, 0, 7), .mac = {2, 0, 0, 0, 0, 7}, .network = 1, .usable = 1},
    {.address = IP(10, 0, 0, 9), .mac = {2, 0, 0, 0, 0, 9}, .network = 1, .usable = 1},
    {.address = LINK(7), .mac = {2, 0, 0, 0, 0, 77}, .usable = 1},
    {.address = LINK(7), .mac = {2, 0, 0, 0, 0, 78}, .network = 1, .usable = 1},
    {.address = LINK(1), .mac = {2, 0, 0, 0, 0, 11}, .usable = 1},
    {.address = IP6(1, 2), .mac = {2, 0, 0, 0, 0, 12}, .usable = 1},
};

static const struct {
    const char *name;
    struct ip_address address;
    uint8_t network;
    enum nexthop_result result;
    struct ip_address hop;
    uint8_t mac;
    uint16_t mtu;
} rows[] = {
    {"default", IP(192, 0, 2, 1), 0, NEXTHOP_FOUND, IP(10, 0, 0, 254), 254, 1500},
    {"on link, known", IP(10, 0, 0, 254), 0, NEXTHOP_FOUND, IP(10, 0, 0, 254), 254, 1500},
    {"on link, unknown", IP(10, 0, 0, 77), 0, NEXTHOP_UNRESOLVED, IP(10, 0, 0, 77), 0, 1500},
    {"known only in another network", IP(10, 0, 0, 9), 0, NEXTHOP_UNRESOLVED, IP(10, 0, 0, 9), 0, 1500},
    {"lowest metric", IP(10, 1, 9, 9), 0, NEXTHOP_FOUND, IP(10, 0, 0, 2), 2, 1500},
    {"longer prefix, MAC not usable", IP(10, 1, 2, 1), 0, NEXTHOP_UNRESOLVED, IP(10, 0, 0, 4), 0, 1400},
    {"host route", IP(10, 1, 2, 3), 0, NEXTHOP_UNRESOLVED, IP(10, 0, 0, 5), 0, 1500},
    {"prefix was not clean", IP(172, 31, 255, 255), 0, NEXTHOP_UNRESOLVED, IP(10, 0, 0, 6), 0, 1500},
    {"just beyond it", IP(172, 32, 0, 0), 0, NEXTHOP_FOUND, IP(10, 0, 0, 254), 254, 1500},
    {"other network, a route of too great an MTU", IP(10, 2, 0, 7), 1, NEXTHOP_FOUND, IP(10, 2, 0, 7), 7,
     9000},
    {"other network has no default", IP(192, 0, 2, 1), 1, NEXTHOP_UNROUTED, {{0}}, 0, 0},
    {"network without routes", IP(10, 0, 0, 254), 2, NEXTHOP_UNROUTED, {{0}}, 0, 0},
    {"refused, whatever else leads there", IP(10, 1, 7, 1), 0, NEXTHOP_UNROUTED, {{0}}, 0, 0},
    {"through an IPv6 gateway", IP(10, 3, 0, 1), 0, NEXTHOP_FOUND, LINK(7), 77, 1500},
    {"a prefix that is none of IPv4", IP(10, 4, 0, 1), 0, NEXTHOP_FOUND, IP(10, 0, 0, 254), 254, 1500},
    {"IPv6 default by a link-local gateway", IP6(9, 1), 0, NEXTHOP_FOUND, LINK(1), 11, 1500},
    {"IPv6 default of no other network", IP6(9, 1), 1, NEXTHOP_UNROUTED, {{0}}, 0, 0},
    {"IPv6 on link", IP6(1, 2), 0, NEXTHOP_FOUND, IP6(1, 2), 12, 1500},
    {"IPv6 on link, unknown", IP6(1, 5), 0, NEXTHOP_UNRESOLVED, IP6(1, 5), 0, 1500},
    {"IPv6 gateway, MTU of the route", IP6(2, 5), 0, NEXTHOP_FOUND, IP6(1, 2), 12, 1300},
    {"a longer prefix, not of whole octets", IP6(2, 8), 0, NEXTHOP_UNRESOLVED, IP6(1, 3), 0, 1500},
    {"IPv6 refused", IP6(3, 5), 0, NEXTHOP_UNROUTED, {{0}}, 0, 0},
};

static void test_rows(void **state)
{
    struct nexthop_table *table = nexthop_create(networks, routes, sizeof(routes) / sizeof(routes[0]),
                                                 neighbours, sizeof(neighbours) / sizeof(neighbours[0]));

    assert_non_null(table);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nexthop hop = {.mtu = 0};
        enum nexthop_result result = nexthop_find(table, rows[i].network, &rows[i].address, &hop);

        if (result != rows[i].result || !ip_equal(&hop.address, &rows[i].hop) || hop.mac[5] != rows[i].mac ||
            hop.mtu != rows[i].mtu)
            fail_msg("%s: result %d hop ...%02x%02x mac %u mtu %u", rows[i].name, (int)result,
                     hop.address.octets[14], hop.address.octets[15], hop.mac[5], hop.mtu);
    }
    assert_memory_equal(table->networks, networks, sizeof(networks));
    nexthop_destroy(table);
}

static void test_empty(void **state)
{
    struct nexthop_table *table = nexthop_create(networks, NULL, 0, NULL, 0);
    const struct ip_address ipv4 = IP(10, 0, 0, 1), ipv6 = IP6(1, 1);
    struct nexthop hop;

    assert_non_null(table);
    assert_int_equal(nexthop_find(table, 0, &ipv4, &hop), NEXTHOP_UNROUTED);
    assert_int_equal(nexthop_find(table, 0, &ipv6, &hop), NEXTHOP_UNROUTED);
    nexthop_destroy(table);
    nexthop_destroy(NULL);
}

static bool begins(const struct ip_address *address, const struct ip_address *prefix, unsigned length)
{
    for (unsigned bit = 0; bit < length; bit++) {
        if (((address->octets[bit / 8] ^ prefix->octets[bit / 8]) & 0x80 >> bit % 8) != 0)
            return false;
    }
    return true;
}

// The definition, one route after another.
static const struct nexthop_route *slow_find(const struct nexthop_route *list, uint32_t count,
                                             uint8_t network, const struct ip_address *address)
{
    const struct nexthop_route *best = NULL;

    for (uint32_t i = 0; i < count; i++) {
        if (list[i].network != network || ip_is_ipv4(&list[i].prefix) != ip_is_ipv4(address) ||
            !begins(address, &list[i].prefix, list[i].length))
            continue;
        if (best == NULL || list[i].length > best->length ||
            (list[i].length == best->length && list[i].metric < best->metric))
            best = &list[i];
    }
    return best == NULL || best->refused ? NULL : best;
}

static uint32_t random_word(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

// Few bits vary, so that prefixes nest and collide.
static struct ip_address random_address(uint64_t *seed, bool ipv4)
{
    struct ip_address address = {.octets = {0}};

    if (ipv4)
        return ip_from_ipv4(random_word(seed) & 0xe0c0c0e7u);
    address.octets[0] = (uint8_t)(random_word(seed) & 0xe0);
    address.octets[5] = (uint8_t)(random_word(seed) & 0xc1);
    address.octets[15] = (uint8_t)(random_word(seed) & 0xe7);
    return address;
}

// Every route has a gateway of its own.
static void test_against_definition(void **state)
{
    uint64_t seed = 1;

    for (unsigned round = 0; round < 50; round++) {
        struct nexthop_route list[200];
        struct nexthop_table *table;

        for (uint32_t i = 0; i < 200; i++) {
            bool ipv4 = random_word(&seed) % 2;

            list[i] = (struct nexthop_route){
                .prefix = random_address(&seed, ipv4),
                .gateway = ip_from_ipv4(i + 1),
                .metric = i,
                .length = (uint8_t)(ipv4 ? 96 + random_word(&seed) % 33 : random_word(&seed) % 129),
                .network = (uint8_t)(random_word(&seed) % 2),
                .refused = random_word(&seed) % 16 == 0};
        }
        table = nexthop_create(networks, list, 200, NULL, 0);
        assert_non_null(table);
        for (unsigned i = 0; i < 2000; i++) {
            const struct ip_address address = random_address(&seed, i % 2);
            uint8_t network = (uint8_t)(i % 3);
            const struct nexthop_route *expected = slow_find(list, 200, network, &address);
            struct nexthop hop = {.mtu = 0};

            assert_int_equal(nexthop_find(table, network, &address, &hop),
                             expected == NULL ? NEXTHOP_UNROUTED : NEXTHOP_UNRESOLVED);
            if (expected != NULL)
                assert_true(ip_equal(&hop.address, &expected->gateway));
        }
        nexthop_destroy(table);
    }
}

static void test_many_neighbours(void **state)
{
    const struct nexthop_route on_link[] = {{.prefix = IP(10, 0, 0, 0), .length = 104},
                                            {.prefix = LINK(0), .length = 64}};
    struct nexthop_neighbour *list = calloc(5000, sizeof(*list));
    struct nexthop_table *table;
    struct nexthop hop;

    for (uint32_t i = 0; i < 5000; i++) {
        if (i % 2) {
            list[i].address = (struct ip_address)LINK(1);
            memcpy(list[i].address.octets + 8, &i, sizeof(i));
        } else {
            list[i].address = ip_from_ipv4(IPV4(10, 0, 0, 0) + i * 256 + 1);
        }
        list[i].usable = 1;
        memcpy(list[i].mac, &i, sizeof(i));
    }
    table = nexthop_create(networks, on_link, 2, list, 5000);
    assert_non_null(table);
    for (uint32_t i = 0; i < 5000; i++) {
        struct ip_address beside = list[i].address;

        assert_int_equal(nexthop_find(table, 0, &list[i].address, &hop), NEXTHOP_FOUND);
        assert_memory_equal(hop.mac, &i, sizeof(i));
        beside.octets[15]++;
        assert_int_equal(nexthop_find(table, 0, &beside, &hop), NEXTHOP_UNRESOLVED);
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
