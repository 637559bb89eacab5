// SPDX-License-Identifier: BSD-3-Clause
// The agent's table of bans: how they begin and end, whom no rule bans, and what is there after a restart.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "../path/image.h"
#include "bans.h"
#include "rules.h"

#define LIFETIME_MS 600000u // of the image

static const struct ip_address stranger = IP_MAPPED(0x0a0a0909u), peer = IP_MAPPED(0x0a0a0101u),
                               allowed = IP_MAPPED(0xc6336405u),
                               wide = {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1}};

static struct world {
    struct bans *bans;
    struct event_queue events;
    struct counters_agent counters;
    struct snapshot_image image;
    struct rules *rules;
    unsigned puts, removes;
    struct ban_source last;
    struct ban_lengths looked_for;
    uint64_t until_ms;
    int result;
    char directory[32];
    uint8_t boot_id[16];
} world;

static int put(void *context, const struct ban_source *source, uint64_t until_ms)
{
    world.puts++;
    world.last = *source;
    world.until_ms = until_ms;
    return world.result;
}

static void take(void *context, const struct ban_source *source)
{
    world.removes++;
    world.last = *source;
}

static uint64_t hits(void *context, const struct ban_source *source)
{
    return 42;
}

static int look(void *context, const struct ban_lengths *lengths)
{
    world.looked_for = *lengths;
    return 0;
}

static void open_bans(void)
{
    world.bans = bans_create(&(struct bans_options){.place = {put, take, hits, look, NULL},
                                                    .events = &world.events,
                                                    .counters = &world.counters,
                                                    .key = {{3, 4}},
                                                    .state_directory = world.directory,
                                                    .boot_id = world.boot_id});
    assert_non_null(world.bans);
}

static void load_rules(void)
{
    char error[256];
    rules_destroy(world.rules);
    world.rules = rules_create(&world.image, sizeof(world.image), error, sizeof(error));
    if (world.rules == NULL)
        fail_msg("%s", error);
}

static int setup(void **state)
{
    memset(&world, 0, sizeof(world));
    strcpy(world.directory, "/tmp/test-bans-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    assert_int_equal(event_queue_init(&world.events, sizeof(struct channel_ban_event), 1024), 0);
    image_make(&world.image);
    load_rules();
    open_bans();
    return 0;
}

static int teardown(void **state)
{
    char path[64];
    bans_destroy(world.bans);
    event_queue_fini(&world.events);
    rules_destroy(world.rules);
    snprintf(path, sizeof(path), "%s/bans", world.directory);
    unlink(path);
    return rmdir(world.directory);
}

static void judge_as(const struct ip_address *address, uint32_t bits, uint64_t now_ms)
{
    const struct ban_source source = ban_source(address, bits);
    bans_judge(world.bans, world.rules, &source, BAN_RULE_SCANNER, now_ms);
}

static void judge(const struct ip_address *address, uint64_t now_ms)
{
    judge_as(address, 64, now_ms);
}

static int set(const struct channel_ban *order, uint64_t now_ms)
{
    return bans_set(world.bans, order, 64, now_ms);
}

static int lift(const struct ip_address *address)
{
    const struct channel_ban order = {.address = *address, .lift = 1};
    return bans_lift(world.bans, &order, 64);
}

static uint32_t list(struct channel_ban_row *rows, uint64_t now_ms)
{
    uint64_t cursor = 0;
    uint32_t count = bans_list(world.bans, &cursor, rows, CHANNEL_BAN_ROWS_MAX, now_ms);
    assert_int_equal(cursor, 0);
    return count;
}

static void expect_event(enum channel_ban_change change, uint64_t lifetime_ms, uint32_t times)
{
    struct channel_ban_event event;
    struct channel_event_run run;
    assert_true(event_queue_next(&world.events, &event, 1, &run));
    assert_int_equal(event.change, change);
    assert_int_equal(event.lifetime_ms, lifetime_ms);
    assert_int_equal(event.times, times);
}

static void expect_no_event(void)
{
    struct channel_ban_event event;
    struct channel_event_run run;
    assert_false(event_queue_next(&world.events, &event, 1, &run));
}

static void test_operator(void **state)
{
    struct channel_ban_row rows[CHANNEL_BAN_ROWS_MAX];
    const struct channel_ban order = {.address = stranger, .lifetime_ms = 60000};
    assert_int_equal(lift(&stranger), -ENOENT);
    assert_int_equal(set(&order, 1000), 0);
    assert_int_equal(world.until_ms, 61000);
    assert_int_equal(list(rows, 2000), 1);
    assert_int_equal(rows[0].remaining_ms, 59000);
    assert_int_equal(rows[0].reason, CHANNEL_BAN_OPERATOR);
    assert_int_equal(rows[0].hits, 42);
    assert_int_equal(rows[0].length, 128);
    assert_int_equal(world.counters.bans, 1);
    judge(&stranger, 3000); // it is banned already
    assert_int_equal(world.counters.bans_begun[BAN_RULE_SCANNER], 0);
    const struct channel_ban forever = {.address = stranger};
    assert_int_equal(set(&forever, 4000), 0);
    bans_expire(world.bans, UINT64_MAX / 2);
    assert_int_equal(list(rows, 5000), 1);
    assert_int_equal(rows[0].remaining_ms, 0);
    assert_int_equal(lift(&stranger), 0);
    assert_int_equal(list(rows, 5000), 0);
    assert_int_equal(world.puts, world.removes);
    expect_no_event();
}

// IPv6: its /64.
static void test_prefix(void **state)
{
    struct channel_ban_row rows[CHANNEL_BAN_ROWS_MAX];
    struct channel_ban order = {.address = wide};
    order.address.octets[15] = 9;
    assert_int_equal(set(&order, 0), 0);
    assert_true(ip_equal(&world.last.address, &wide));
    assert_int_equal(list(rows, 0), 1);
    assert_int_equal(rows[0].length, 64);
    order.address.octets[15] = 7;
    assert_int_equal(lift(&order.address), 0);
}

static void expect_looked_for(uint32_t any, uint32_t count, uint32_t first)
{
    assert_int_equal(world.looked_for.any, any);
    assert_int_equal(world.looked_for.count, count);
    assert_int_equal(world.looked_for.lengths[0], first);
}

// A prefix is a source, or the operator is told what it may be.
static void test_given_length(void **state)
{
    struct channel_ban order = {.address = wide, .length = 64};
    struct channel_ban network = {.address = stranger, .length = IP_MAPPED_BITS + 24};
    assert_int_equal(set(&order, 0), 0);
    expect_looked_for(1, 1, 64);
    order.length = 48;
    assert_int_equal(set(&order, 0), -EDOM);
    assert_int_equal(bans_lift(world.bans, &order, 64), -ENOENT);
    assert_int_equal(set(&network, 0), -EDOM);
    network.length = 128;
    assert_int_equal(set(&network, 0), 0);
    expect_looked_for(1, 1, 64);
    order.length = 64;
    assert_int_equal(bans_lift(world.bans, &order, 64), 0);
    expect_looked_for(1, 0, 0);
    network.length = IP_MAPPED_BITS + 24;
    assert_int_equal(bans_lift(world.bans, &network, 64), -ENOENT);
    network.length = 128;
    assert_int_equal(bans_lift(world.bans, &network, 64), 0);
    expect_looked_for(0, 0, 0);
}

// A reload with another source_prefix: what is banned keeps its own, and is lifted by an address in it.
static void test_other_source_prefix(void **state)
{
    struct channel_ban_row rows[CHANNEL_BAN_ROWS_MAX];
    struct channel_ban order = {.address = wide};
    order.address.octets[15] = 9;
    for (uint32_t bits = 64; bits >= 40; bits -= 8)
        assert_int_equal(bans_set(world.bans, &order, bits, 0), 0);
    assert_int_equal(world.looked_for.count, PREFILTER_BAN_LENGTHS);
    expect_looked_for(1, PREFILTER_BAN_LENGTHS, 64);
    assert_int_equal(bans_set(world.bans, &order, 32, 0), -E2BIG);
    assert_int_equal(list(rows, 0), PREFILTER_BAN_LENGTHS);
    assert_int_equal(world.counters.bans, PREFILTER_BAN_LENGTHS);
    bans_check(world.bans, world.rules, 1);
    assert_int_equal(list(rows, 0), PREFILTER_BAN_LENGTHS);
    assert_int_equal(bans_lift(world.bans, &order, 48), 0);
    assert_int_equal(world.last.length, 48); // what is one source now
    assert_int_equal(bans_lift(world.bans, &order, 32), 0);
    assert_int_equal(world.last.length, 64); // the longest
    assert_int_equal(bans_set(world.bans, &order, 32, 0), 0);
    expect_looked_for(1, 3, 56);
}

// What lies in ::/64 has no row: control takes an address of zeros for a fault.
static void test_nobody(void **state)
{
    struct channel_ban_row rows[CHANNEL_BAN_ROWS_MAX];
    const struct ip_address loopback = {{[15] = 1}};
    const struct channel_ban order = {.address = loopback};
    judge(&loopback, 0);
    assert_int_equal(set(&order, 0), -EADDRNOTAVAIL);
    assert_int_equal(list(rows, 0), 0);
    expect_no_event();
}

// Each further one is twice as long, up to the most, until the source has been quiet as long again.
static void test_doubling(void **state)
{
    static const uint64_t lifetimes[] = {LIFETIME_MS, 2 * LIFETIME_MS, 4 * LIFETIME_MS, 4 * LIFETIME_MS};
    uint64_t now_ms = 1000;
    for (unsigned i = 0; i < 4; i++) {
        judge(&stranger, now_ms);
        expect_event(CHANNEL_BAN_BEGAN, lifetimes[i], i + 1);
        assert_int_equal(world.until_ms, now_ms + lifetimes[i]);
        judge(&stranger, now_ms + 1); // once
        expect_no_event();
        now_ms += lifetimes[i];
        bans_expire(world.bans, now_ms - 1);
        expect_no_event();
        bans_expire(world.bans, now_ms);
        expect_event(CHANNEL_BAN_EXPIRED, lifetimes[i], i + 1);
    }
    assert_int_equal(world.puts, 4);
    assert_int_equal(world.removes, 4);
    now_ms += 4 * LIFETIME_MS;
    bans_expire(world.bans, now_ms);
    judge(&stranger, now_ms);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
}

static void test_lifting_forgets(void **state)
{
    judge(&stranger, 0);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
    assert_int_equal(lift(&stranger), 0);
    judge(&stranger, 1);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
}

static void test_spared(void **state)
{
    struct ip_address near = wide;
    world.image.sources[5].address = wide; // one address of the /64
    world.image.sources[5].address.octets[15] = 1;
    world.image.sources[5].length = 128;
    load_rules();
    judge(&peer, 0);
    judge(&allowed, 0);
    near.octets[7] = 1;
    judge(&near, 0);
    expect_no_event();
    near.octets[7] = 2;
    judge_as(&near, 56, 0); // holds the peer
    expect_no_event();
    judge(&near, 0);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
}

// ::/0 is all of IPv6 and nothing of IPv4, and the other way round.
static void test_families(void **state)
{
    world.image.allow[0] = (struct snapshot_deny){.length = 0};
    load_rules();
    judge(&wide, 0);
    expect_no_event();
    judge(&stranger, 0);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
    world.image.allow[0] = (struct snapshot_deny){.address = IP_MAPPED(0), .length = IP_MAPPED_BITS};
    load_rules();
    judge(&wide, 0);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
}

static void test_dry_run(void **state)
{
    struct channel_ban_row rows[CHANNEL_BAN_ROWS_MAX];
    world.image.header.settings.bans.rules[BAN_RULE_SCANNER].action = BAN_DRY_RUN;
    load_rules();
    judge(&stranger, 0);
    judge(&stranger, 1);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
    expect_no_event();
    assert_int_equal(world.puts, 0);
    assert_int_equal(world.counters.bans, 0);
    assert_int_equal(world.counters.bans_told[BAN_RULE_SCANNER], 1);
    assert_int_equal(list(rows, 1), 1);
    assert_int_equal(rows[0].dry_run, 1);
    world.image.header.settings.bans.rules[BAN_RULE_SCANNER].action = BAN_ON;
    load_rules();
    judge(&stranger, 2); // in earnest now
    assert_int_equal(world.puts, 1);
    assert_int_equal(world.counters.bans_begun[BAN_RULE_SCANNER], 1);
}

// A reload that makes a banned source a peer's, allows it, or switches its rule off.
static void test_reload(void **state)
{
    const struct ip_address later = IP_MAPPED(0x0b000001u);
    judge(&stranger, 0);
    judge(&later, 0);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
    world.image.allow[0] = (struct snapshot_deny){.address = IP_MAPPED(0x0b000000u), .length = 104};
    load_rules();
    bans_check(world.bans, world.rules, 1);
    expect_event(CHANNEL_BAN_ENDED, LIFETIME_MS, 1);
    expect_no_event();
    assert_true(ip_equal(&world.last.address, &later));
    world.image.header.settings.bans.rules[BAN_RULE_SCANNER].action = BAN_DRY_RUN;
    load_rules();
    bans_check(world.bans, world.rules, 2);
    expect_event(CHANNEL_BAN_ENDED, LIFETIME_MS, 1);
    assert_int_equal(world.counters.bans, 0);
}

static void test_restart(void **state)
{
    struct channel_ban_row rows[CHANNEL_BAN_ROWS_MAX];
    const struct ip_address second = IP_MAPPED(0x0b000002u);
    const struct channel_ban order = {.address = second};
    judge(&stranger, 1000);
    bans_expire(world.bans, 1000 + LIFETIME_MS); // remembered
    judge(&allowed, 1000);
    assert_int_equal(set(&order, 1000), 0);
    assert_int_equal(bans_save(world.bans), 0);
    bans_destroy(world.bans);
    open_bans();
    world.puts = 0;
    assert_int_equal(bans_restore(world.bans, 1000 + LIFETIME_MS), 1);
    assert_int_equal(world.puts, 1);
    assert_int_equal(world.until_ms, 0);
    assert_int_equal(list(rows, 1000 + LIFETIME_MS), 1);
    judge(&stranger, 1000 + LIFETIME_MS);
    expect_event(CHANNEL_BAN_BEGAN, LIFETIME_MS, 1);
    expect_event(CHANNEL_BAN_EXPIRED, LIFETIME_MS, 1);
    expect_event(CHANNEL_BAN_BEGAN, 2 * LIFETIME_MS, 2);
    bans_destroy(world.bans);
    open_bans();
    world.boot_id[3] ^= 1;
    assert_int_equal(bans_restore(world.bans, 0), 0);
}

// Rules fill half of the table; the operator has the other half, and is told when there is no room.
static void test_full(void **state)
{
    for (uint32_t i = 0; i < BANS_BY_RULES + 2; i++) {
        struct ip_address source = IP_MAPPED(0x30000000u + i);
        judge(&source, 0);
    }
    assert_int_equal(world.counters.bans, BANS_BY_RULES);
    assert_int_equal(world.counters.bans_refused, 2);
    const struct channel_ban order = {.address = stranger};
    assert_int_equal(set(&order, 0), 0);
    assert_int_equal(lift(&stranger), 0);
    world.result = -ENOSPC;
    assert_int_equal(set(&order, 0), -ENOSPC);
    assert_int_equal(lift(&stranger), -ENOENT);
    world.result = 0;
    bans_expire(world.bans, LIFETIME_MS);
    judge(&stranger, LIFETIME_MS); // one that is only remembered makes room
    assert_int_equal(world.counters.bans, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_operator),
        T(test_prefix),
        T(test_doubling),
        T(test_given_length),
        T(test_other_source_prefix),
        T(test_nobody),
        T(test_families),
        T(test_lifting_forgets),
        T(test_spared),
        T(test_dry_run),
        T(test_reload),
        T(test_restart),
        T(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
