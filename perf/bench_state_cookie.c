// SPDX-License-Identifier: BSD-3-Clause
// What each message pays for being found: the hash of its Call-ID, the cookie written into a branch and a
// Record-Route, and the same read back.
#include "bench_state.h"
#include "cookie.h"
#include "harness.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_IDS 64u
#define LENGTH   36u // octets of a UUID as text

struct cookies {
    struct cookie_keys keys;
    char call_ids[CALL_IDS][LENGTH + 1];
    char branches[CALL_IDS][COOKIE_TEXT_MAX];
    char routes[CALL_IDS][COOKIE_TEXT_MAX];
};

static struct cookie_octets call_id_of(const struct cookies *cookies, uint64_t i)
{
    return (struct cookie_octets){cookies->call_ids[i % CALL_IDS], LENGTH};
}

static void *setup(const struct bench *bench)
{
    static struct cookies cookies;
    cookies.keys = (struct cookie_keys){.table = {{1, 2}}, .mac = {{3, 4}}, .tag = {{5, 6}}, .number = 7};
    for (unsigned i = 0; i < CALL_IDS; i++) {
        snprintf(cookies.call_ids[i], sizeof(cookies.call_ids[i]), "%016llx-%019llu",
                 (unsigned long long)bench_mix(i), (unsigned long long)bench_mix(i + CALL_IDS) >> 4);
        struct cookie_branch branch = {.worker = 1, .generation = (uint16_t)i, .index = i * 77, .loop = i};
        struct cookie_route route = {.worker = 1, .generation = (uint16_t)i, .index = i * 77};
        cookie_branch_write(&cookies.keys, &branch, call_id_of(&cookies, i), cookies.branches[i]);
        cookie_route_write(&cookies.keys, &route, call_id_of(&cookies, i), cookies.routes[i]);
    }
    return &cookies;
}

static void run_hash(void *data, uint64_t iterations)
{
    const struct cookies *cookies = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint64_t hash = siphash13(&cookies->keys.table, cookies->call_ids[i % CALL_IDS], LENGTH);
        bench_keep(&hash);
    }
}

static void run_branch_write(void *data, uint64_t iterations)
{
    const struct cookies *cookies = data;
    char text[COOKIE_TEXT_MAX];
    for (uint64_t i = 0; i < iterations; i++) {
        struct cookie_branch branch = {
            .worker = 1, .generation = (uint16_t)i, .index = (uint32_t)i, .loop = ~(uint32_t)i};
        cookie_branch_write(&cookies->keys, &branch, call_id_of(cookies, i), text);
        bench_keep(text);
    }
}

static void run_branch_read(void *data, uint64_t iterations)
{
    const struct cookies *cookies = data;
    for (uint64_t i = 0; i < iterations; i++) {
        struct cookie_branch branch;
        struct cookie_octets text = {cookies->branches[i % CALL_IDS], COOKIE_BRANCH_LENGTH};
        if (!cookie_branch_read(&cookies->keys, text, call_id_of(cookies, i), &branch))
            abort();
        bench_keep(&branch);
    }
}

static void run_route_read(void *data, uint64_t iterations)
{
    const struct cookies *cookies = data;
    for (uint64_t i = 0; i < iterations; i++) {
        struct cookie_route route;
        struct cookie_octets text = {cookies->routes[i % CALL_IDS], COOKIE_ROUTE_LENGTH};
        if (!cookie_route_read(&cookies->keys, text, call_id_of(cookies, i), &route))
            abort();
        bench_keep(&route);
    }
}

static const struct bench benches[] = {
    {"siphash13/call-id", 0, NULL, .setup = setup, .run = run_hash},
    {"cookie_branch_write/call-id", 0, NULL, .setup = setup, .run = run_branch_write},
    {"cookie_branch_read/call-id", 0, NULL, .setup = setup, .run = run_branch_read},
    {"cookie_route_read/call-id", 0, NULL, .setup = setup, .run = run_route_read},
};

void bench_state_cookie(void)
{
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
}
