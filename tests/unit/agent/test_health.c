// SPDX-License-Identifier: BSD-3-Clause
// The health of members over a restart: what is kept, and what is not believed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "health.h"
#include "store.h"

#define WORKERS 2u
#define MEMBERS 4u // the last one's peer has no probes

static char directory[] = "/tmp/dialgate-test-XXXXXX";

struct world {
    struct snapshot_peer peers[2];
    struct snapshot_member members[MEMBERS];
    struct rules rules;
    struct counters_file counters;
    uint8_t boot_id[HEALTH_BOOT_ID];
    struct health health;
};

static void make(struct world *world)
{
    struct fault fault;
    memset(world, 0, sizeof(*world));
    world->peers[0] = (struct snapshot_peer){.flags = SNAPSHOT_PRESENT, .probe_interval_ms = 1000};
    world->peers[1].flags = SNAPSHOT_PRESENT;
    for (uint16_t i = 0; i < MEMBERS; i++)
        world->members[i] =
            (struct snapshot_member){.flags = SNAPSHOT_PRESENT,
                                     .peer = i == 3,
                                     .port = 5060,
                                     .address = {{[10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)(i + 1)}}};
    world->rules = (struct rules){
        .peers = world->peers, .peer_count = 2, .members = world->members, .member_count = MEMBERS};
    memcpy(world->boot_id, "this boot of us", HEALTH_BOOT_ID);
    assert_int_equal(counters_file_create(&world->counters, WORKERS, &fault), 0);
    world->health = (struct health){&world->counters, &world->rules, WORKERS, world->boot_id, directory};
}

static struct counters_member *words(const struct world *world, unsigned member)
{
    return &counters_file_members(&world->counters, member % WORKERS)[member];
}

static int set_up(void **state)
{
    static struct world world;
    strcpy(directory, "/tmp/dialgate-test-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    make(&world);
    *words(&world, 0) =
        (struct counters_member){.health = MEMBER_DOWN, .reason = 503, .health_since_ms = 5000};
    *words(&world, 1) = (struct counters_member){.health = MEMBER_UP, .health_since_ms = 6000};
    *words(&world, 3) = (struct counters_member){.health = MEMBER_DOWN};
    assert_int_equal(health_save(&world.health), 0);
    counters_file_destroy(&world.counters);
    make(&world); // the process begins anew
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[300];
    counters_file_destroy(&world->counters);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static void test_kept(void **state)
{
    struct world *world = *state;
    assert_int_equal(health_restore(&world->health, 9000), 2);
    assert_int_equal(words(world, 0)->health, MEMBER_DOWN);
    assert_int_equal(words(world, 0)->reason, 503);
    assert_int_equal(words(world, 0)->health_since_ms, 5000);
    assert_int_equal(words(world, 1)->health, MEMBER_UP);
    assert_int_equal(words(world, 1)->health_since_ms, 6000);
    assert_int_equal(words(world, 2)->health, MEMBER_UNKNOWN);
    assert_int_equal(words(world, 3)->health, MEMBER_UNKNOWN); // nobody would ever find it up again
}

struct row {
    const char *name;
    unsigned restored;
    void (*change)(struct world *world);
};

static void another_boot(struct world *world)
{
    world->boot_id[0]++;
}
static void another_port(struct world *world)
{
    world->members[0].port = 5070;
}
static void another_address(struct world *world)
{
    world->members[0].address.octets[15] = 99;
}
static void another_peer(struct world *world)
{
    world->peers[1].probe_interval_ms = 1000; // so that the fourth is kept now
    world->members[0].peer = 1;
}
static void disabled(struct world *world)
{
    world->members[0].flags |= MEMBER_DISABLED;
}
static void taken_out(struct world *world)
{
    world->members[0].flags = 0;
}
static void fewer_members(struct world *world)
{
    world->rules.member_count = 1;
}
static void no_file(struct world *world)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/" STORE_HEALTH, directory);
    assert_int_equal(unlink(path), 0);
}

static void rewrite(struct world *world, size_t at, uint8_t octet, size_t size)
{
    uint8_t *octets = NULL;
    long got = store_read(directory, STORE_HEALTH, 1000, (void **)&octets);
    assert_true(got == 32 + 2 * 40);
    if (at < (size_t)got)
        octets[at] = octet;
    assert_int_equal(store_write(directory, STORE_HEALTH, octets, size), 0);
    free(octets);
}
static void shorter(struct world *world)
{
    rewrite(world, 1000, 0, 32 + 2 * 40 - 1);
}
static void header_cut(struct world *world)
{
    rewrite(world, 1000, 0, 31);
}
static void another_count(struct world *world)
{
    rewrite(world, 12, 3, 32 + 2 * 40);
}
static void another_magic(struct world *world)
{
    rewrite(world, 0, 1, 32 + 2 * 40);
}
static void another_version(struct world *world)
{
    rewrite(world, 8, 9, 32 + 2 * 40);
}
static void number_out_of_range(struct world *world)
{
    rewrite(world, 32 + 27, 0xff, 32 + 2 * 40);
}
static void health_out_of_range(struct world *world)
{
    rewrite(world, 32 + 30, 3, 32 + 2 * 40);
}

static const struct row rows[] = {
    {"another boot", 0, another_boot},
    {"another port", 1, another_port},
    {"another address", 1, another_address},
    {"another peer", 1, another_peer},
    {"disabled", 1, disabled},
    {"taken out", 1, taken_out},
    {"fewer members", 1, fewer_members},
    {"no file", 0, no_file},
    {"shorter", 0, shorter},
    {"a cut header", 0, header_cut},
    {"another count", 0, another_count},
    {"another magic", 0, another_magic},
    {"another version", 0, another_version},
    {"a number out of range", 1, number_out_of_range},
    {"a health out of range", 1, health_out_of_range},
};

static void test_not_believed(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *world = *state;
        rows[i].change(world);
        unsigned restored = health_restore(&world->health, 9000);
        if (restored != rows[i].restored)
            fail_msg("%s: %u", rows[i].name, restored);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

// A clock that stood before the change is another one.
static void test_from_the_future(void **state)
{
    struct world *world = *state;
    assert_int_equal(health_restore(&world->health, 5500), 1);
    assert_int_equal(words(world, 1)->health, MEMBER_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_from_the_future, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("agent health", tests, NULL, NULL);
}
