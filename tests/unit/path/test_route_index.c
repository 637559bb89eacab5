// SPDX-License-Identifier: BSD-3-Clause
// The index of the routes leads to the same first route as a look at all of them, and to few others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "route_index.h"

#define PEERS 5u

static struct route_index table;
static struct snapshot_route routes[ROUTES_MAX];
static char texts[ROUTES_MAX * 80];
static uint32_t used;
static uint64_t state;

// Numbers without a pattern, the same each time.
static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

// Few digits, so that prefixes and users meet.
static void draw_digits(char *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        text[i] = (char)('0' + draw(3));
    text[length] = '\0';
}

static void set_prefix(struct snapshot_route *route, const char *prefix)
{
    route->uri_user = used;
    strcpy(texts + used, prefix); // NOLINT(clang-analyzer-security.insecureAPI.strcpy)
    used += (uint32_t)strlen(prefix) + 1;
}

static void begin(void)
{
    memset(routes, 0, sizeof(routes));
    used = 1;
}

static bool fits(const struct snapshot_route *route, uint16_t from, const char *user, uint32_t length)
{
    const char *prefix = texts + route->uri_user;
    return (route->from == from || route->from == ROUTE_FROM_ANY_PEER) &&
           (route->uri_user == 0 || (strlen(prefix) <= length && memcmp(user, prefix, strlen(prefix)) == 0));
}

static uint32_t first_of_all(uint32_t count, uint16_t from, const char *user, uint32_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fits(&routes[i], from, user, length))
            return i;
    }
    return count;
}

static uint32_t first_by_index(uint32_t count, uint16_t from, const char *user, uint32_t length,
                               uint32_t *looked_at)
{
    uint16_t chains[ROUTE_INDEX_WAYS];
    uint32_t found = count, ways = route_index_chains(&table, from, (const uint8_t *)user, length, chains);
    *looked_at = 0;
    assert_in_range(ways, 0, ROUTE_INDEX_WAYS);
    for (uint32_t i = 0; i < ways; i++) {
        uint32_t last = 0;
        assert_int_not_equal(chains[i], 0);
        for (uint32_t next = chains[i]; next != 0; next = table.next[next - 1]) {
            assert_true(next > last && next <= count); // in the configuration's order
            last = next;
            ++*looked_at;
            if (next <= found && fits(&routes[next - 1], from, user, length))
                found = next - 1;
        }
    }
    return found;
}

static void test_the_first_of_all(void **unused)
{
    (void)unused;
    char text[80];
    for (uint32_t round = 0; round < 300; round++) {
        uint32_t count = round < 10 ? round : draw(ROUTES_MAX) + 1, looked_at;
        state = round;
        begin();
        for (uint32_t i = 0; i < count; i++) {
            routes[i].from = draw(4) == 0 ? ROUTE_FROM_ANY_PEER : (uint16_t)draw(PEERS);
            draw_digits(text, draw(8) == 0 ? 60 + draw(8) : draw(7));
            if (draw(6) != 0)
                set_prefix(&routes[i], text);
        }
        route_index_fill(&table, routes, count, texts);
        for (uint32_t i = 0; i < 200; i++) {
            uint16_t from = draw(8) == 0 ? NUMBER_NONE : (uint16_t)draw(PEERS);
            uint32_t length = draw(8) == 0 ? 60 + draw(12) : draw(10), like = draw(count + 1);
            draw_digits(text, length);
            if (like < count && routes[like].uri_user != 0) {
                const char *prefix = texts + routes[like].uri_user;
                memcpy(text, prefix, strlen(prefix) < length ? strlen(prefix) : length);
            }
            assert_int_equal(first_by_index(count, from, text, length, &looked_at),
                             first_of_all(count, from, text, length));
        }
    }
}

// A carrier's table: whoever calls one of a thousand prefixes meets a few of them.
static void test_few_are_looked_at(void **unused)
{
    (void)unused;
    uint32_t most = 0;
    char text[16];
    begin();
    for (uint32_t i = 0; i < ROUTES_MAX; i++) {
        routes[i].from = (uint16_t)(i % 2);
        snprintf(text, sizeof(text), "+49%u", 1000 + i);
        set_prefix(&routes[i], text);
    }
    route_index_fill(&table, routes, ROUTES_MAX, texts);
    for (uint32_t i = 0; i < ROUTES_MAX; i++) {
        uint32_t looked_at;
        snprintf(text, sizeof(text), "+49%u55", 1000 + i);
        assert_int_equal(
            first_by_index(ROUTES_MAX, (uint16_t)(i % 2), text, (uint32_t)strlen(text), &looked_at), i);
        most = looked_at > most ? looked_at : most;
        assert_int_equal(
            first_by_index(ROUTES_MAX, (uint16_t)(1 - i % 2), text, (uint32_t)strlen(text), &looked_at),
            ROUTES_MAX);
    }
    assert_in_range(most, 1, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_of_all),
        cmocka_unit_test(test_few_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
