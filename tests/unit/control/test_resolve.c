// SPDX-License-Identifier: BSD-3-Clause
// Hosts of members against a name server of the test: what an answer becomes, what a failure leaves.
#include "cmocka_first.h"
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config/value.h"
#include "far_end.h"
#include "hosts_file.h"
#include "name_server.h"
#include "resolve.h"

#define SRV "_sip._udp."

struct world {
    char directory[64];
    struct event_base *base;
    struct name_server server;
    struct config *config;
    struct resolver *resolver;
    bool changed;
    unsigned changes;
};

static struct config *config_of(const char *members)
{
    char text[4096], error[512];
    int length = snprintf(text, sizeof(text),
                          "networks: {n: {interface: e0}}\n"
                          "listeners: [{name: a, network: n, address: 10.0.0.1}]\n"
                          "peers: [{name: p, listener: a, members: [%s]}]\n",
                          members);
    struct config *config = config_parse(text, (size_t)length, "t", error, sizeof(error));
    if (!config)
        fail_msg("%s", error);
    return config;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    strcpy(world->directory, "/tmp/dialgate-hosts-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    world->base = event_base_new();
    name_server_open(&world->server, world->base);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char path[128];
    resolver_destroy(world->resolver);
    config_free(world->config);
    name_server_close(&world->server);
    event_base_free(world->base);
    snprintf(path, sizeof(path), "%s/hosts", world->directory);
    unlink(path);
    int result = rmdir(world->directory);
    free(world);
    return result;
}

static void on_changed(void *context)
{
    struct world *world = context;
    world->changed = true;
    world->changes++;
}

static void begin(struct world *world, const char *members, const struct record *records)
{
    char error[256];
    struct resolver_options options = {world->base, world->directory, world->server.address, on_changed,
                                       world};
    world->server.records = records;
    world->config = config_of(members);
    world->resolver = resolver_create(&options, world->config, error, sizeof(error));
    if (!world->resolver)
        fail_msg("%s", error);
}

static void end(struct world *world)
{
    resolver_destroy(world->resolver);
    config_free(world->config);
    world->resolver = NULL;
    world->config = NULL;
    world->changed = false;
    world->changes = 0;
}

// "10.0.2.1:5060/0*100 " for each address.
static void print_host(const struct world *world, const char *name, char text[2048])
{
    const struct host *host = hosts_find(resolver_hosts(world->resolver), name);
    text[0] = '\0';
    for (uint32_t i = 0; host && i < host->count; i++) {
        const struct host_address *row = &host->addresses[i];
        char address[64];
        sprintf(text + strlen(text), "%s:%u/%u*%u ", value_address(&row->address, address, sizeof(address)),
                row->port, row->rank, row->share);
    }
}

// Runs until the last look-up of the host has ended with another wait, fault or set than none.
static struct resolver_state run_until_ended(struct world *world, const char *host)
{
    for (int i = 0; i < 500; i++) {
        struct resolver_state now = resolver_state(world->resolver, host);
        if (now.wait_s)
            return now;
        far_run(world->base, 10);
    }
    fail_msg("the look-up of %s does not end", host);
    return (struct resolver_state){0};
}

#define A(name, ttl, address)                                                                                \
    {                                                                                                        \
        name, 1, ttl, address, 0, 0, 0                                                                       \
    }
#define S(name, ttl, priority, weight, port, target)                                                         \
    {                                                                                                        \
        SRV name, 33, ttl, target, priority, weight, port                                                    \
    }
#define CODE(name, code)                                                                                     \
    {                                                                                                        \
        name, NAME_SERVER_RCODE, code, NULL, 0, 0, 0                                                         \
    }
#define A4(name, net)                                                                                        \
    A(name, 60, net ".1"), A(name, 60, net ".2"), A(name, 60, net ".3"), A(name, 60, net ".4")

struct row {
    const char *name;
    struct record records[24];
    const char *addresses;
    const char *fault; // a part of it
    uint32_t wait_s;
};

static const struct row rows[] = {
    {"A where there is no SRV",
     {A("x.net", 20, "10.0.2.2"), A("x.net", 17, "10.0.2.1")},
     "10.0.2.1:0/0*100 10.0.2.2:0/0*100 ",
     "",
     17},
    {"A where the name of the SRV is there without one",
     {A(SRV "x.net", 9, "10.0.2.9"), A("x.net", 20, "10.0.2.2")},
     "10.0.2.2:0/0*100 ",
     "",
     20},
    {"no TTL", {A("x.net", 0, "10.0.2.1")}, "10.0.2.1:0/0*100 ", "", 5},
    {"a TTL below zero (RFC 2181 8)", {A("x.net", 0xffffffff, "10.0.2.1")}, "10.0.2.1:0/0*100 ", "", 5},
    {"a day's TTL", {A("x.net", 86400, "10.0.2.1")}, "10.0.2.1:0/0*100 ", "", 300},
    {"SRV: ranks, shares, ports, the shortest TTL",
     {S("x.net", 50, 20, 5, 5070, "c.net"), S("x.net", 60, 10, 30, 5060, "a.net"),
      S("x.net", 60, 10, 10, 5080, "b.net"), A("a.net", 70, "10.0.2.9"), A("b.net", 80, "10.0.2.1"),
      A("c.net", 90, "10.0.2.3")},
     "10.0.2.1:5080/0*33 10.0.2.9:5060/0*100 10.0.2.3:5070/1*100 ",
     "",
     50},
    {"the TTL of a target is the shortest",
     {S("x.net", 50, 1, 1, 5060, "a.net"), A("a.net", 40, "10.0.2.9")},
     "10.0.2.9:5060/0*100 ",
     "",
     40},
    {"SRV: weights of zero",
     {S("x.net", 60, 1, 0, 5060, "a.net"), S("x.net", 60, 1, 0, 5061, "a.net"),
      S("x.net", 60, 2, 0, 5062, "a.net"), S("x.net", 60, 2, 65535, 5063, "a.net"),
      A("a.net", 60, "10.0.2.9")},
     "10.0.2.9:5060/0*100 10.0.2.9:5061/0*100 10.0.2.9:5062/1*1 10.0.2.9:5063/1*100 ",
     "",
     60},
    {"SRV: a place twice has its best priority",
     {S("x.net", 60, 7, 1, 5060, "a.net"), S("x.net", 60, 3, 1, 5060, "b.net"), A("a.net", 60, "10.0.2.9"),
      A("b.net", 60, "10.0.2.9"), A("b.net", 60, "10.0.2.8")},
     "10.0.2.8:5060/0*100 10.0.2.9:5060/0*100 ",
     "",
     60},
    {"SRV: a target without address",
     {S("x.net", 60, 1, 1, 5060, "a.net"), S("x.net", 60, 2, 1, 5060, "gone.net"),
      A("a.net", 60, "10.0.2.9")},
     "10.0.2.9:5060/0*100 ",
     "",
     60},
    {"SRV: a target that fails",
     {S("x.net", 60, 1, 1, 5060, "a.net"), S("x.net", 60, 2, 1, 5060, "b.net"), A("a.net", 60, "10.0.2.9"),
      CODE("b.net", 2)},
     "",
     "no server",
     5},
    {"SRV says no", {S("x.net", 60, 0, 0, 0, ""), A("x.net", 60, "10.0.2.1")}, "", "no SIP over UDP", 5},
    {"SRV without a port",
     {S("x.net", 60, 1, 1, 0, "a.net"), A("a.net", 60, "10.0.2.1")},
     "",
     "no SIP over UDP",
     5},
    {"SRV fails", {CODE(SRV "x.net", 2), A("x.net", 60, "10.0.2.1")}, "", "no server", 5},
    {"no such name", {A("y.net", 60, "10.0.2.1")}, "", "has no address", 5},
    {"a name without addresses",
     {S("y.net", 60, 1, 1, 1, "a.net"), {"x.net", 16, 60, "t", 0, 0, 0}},
     "",
     "has no address",
     5},
    {"refused", {CODE(SRV "x.net", 3), CODE("x.net", 5)}, "", "no server", 5},
    {"an answer that is cut", {CODE(SRV "x.net", NAME_SERVER_BROKEN)}, "", "Misformatted", 5},
    {"sixteen of twenty",
     {A4("x.net", "10.0.2"), A4("x.net", "10.0.5"), A4("x.net", "10.0.3"), A4("x.net", "10.0.1"),
      A4("x.net", "10.0.4")},
     "10.0.1.1:0/0*100 10.0.1.2:0/0*100 10.0.1.3:0/0*100 10.0.1.4:0/0*100 "
     "10.0.2.1:0/0*100 10.0.2.2:0/0*100 10.0.2.3:0/0*100 10.0.2.4:0/0*100 "
     "10.0.3.1:0/0*100 10.0.3.2:0/0*100 10.0.3.3:0/0*100 10.0.3.4:0/0*100 "
     "10.0.4.1:0/0*100 10.0.4.2:0/0*100 10.0.4.3:0/0*100 10.0.4.4:0/0*100 ",
     "",
     60},
};

static void test_answers(void **state)
{
    struct world *world = *state;
    char path[128];
    int failed = 0;
    snprintf(path, sizeof(path), "%s/hosts", world->directory);
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i / 2];
        char text[2048];
        world->server.turned = i % 2;
        begin(world, "{host: x.net}", row->records);
        struct resolver_state found = run_until_ended(world, "x.net");
        print_host(world, "x.net", text);
        if (strcmp(text, row->addresses) != 0 || found.wait_s != row->wait_s ||
            !strstr(found.fault, row->fault) || !found.fault[0] != !row->fault[0]) {
            print_error("%s: '%s' fault '%s' wait %u\n", row->name, text, found.fault, found.wait_s);
            failed++;
        }
        end(world);
        unlink(path);
    }
    assert_int_equal(failed, 0);
}

// Looks everything up again, as a reload does, and waits until as many queries came.
static void again(struct world *world, const struct record *records, unsigned queries)
{
    unsigned before = world->server.queries;
    world->server.records = records;
    resolver_follow(world->resolver, world->config);
    for (int i = 0; i < 500 && world->server.queries < before + queries; i++)
        far_run(world->base, 10);
    assert_int_equal(world->server.queries, before + queries);
    far_run(world->base, 20);
}

// The same set in another order is no change; a failure keeps what there is; what was there before a restart
// is there although nobody answers.
static void test_kept(void **state)
{
    static const struct record two[] = {A("x.net", 60, "10.0.2.1"), A("x.net", 60, "10.0.2.2"), {0}};
    static const struct record other[] = {A("x.net", 60, "10.0.2.3"), {0}};
    static const struct record none[] = {A("y.net", 60, "10.0.2.1"), {0}};
    static const uint32_t waits[] = {5, 10, 20, 40, 60, 60};
    struct world *world = *state;
    char text[2048];
    begin(world, "{host: x.net}", two);
    assert_true(far_run_until(world->base, &world->changed, 60000));
    world->server.turned = true;
    again(world, two, 2);
    far_run(world->base, 1200); // longer than a change is held back
    assert_int_equal(world->changes, 1);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        again(world, none, 2);
        struct resolver_state found = resolver_state(world->resolver, "x.net");
        assert_int_equal(found.wait_s, waits[i]);
        assert_non_null(strstr(found.fault, "no address"));
        print_host(world, "x.net", text);
        assert_string_equal(text, "10.0.2.1:0/0*100 10.0.2.2:0/0*100 ");
    }
    assert_int_equal(world->changes, 1);
    world->changed = false;
    again(world, other, 2);
    assert_true(far_run_until(world->base, &world->changed, 60000));
    assert_string_equal(resolver_state(world->resolver, "x.net").fault, "");
    end(world);
    name_server_close(&world->server);
    begin(world, "{host: x.net}", NULL);
    print_host(world, "x.net", text);
    assert_string_equal(text, "10.0.2.3:0/0*100 ");
    assert_true(run_until_ended(world, "x.net").fault[0] != '\0');
    print_host(world, "x.net", text);
    assert_string_equal(text, "10.0.2.3:0/0*100 ");
    assert_int_equal(world->changes, 0);
}

// Another configuration while look-ups are under way, and the end of all in their midst.
static void test_follow(void **state)
{
    static const struct record records[] = {
        CODE(SRV "x.net", NAME_SERVER_SILENT), A("y.net", 60, "10.0.2.1"), {0}};
    struct world *world = *state;
    char text[2048];
    begin(world, "{host: x.net}, {host: y.net}", records);
    run_until_ended(world, "y.net");
    struct config *without = config_of("{host: y.net, port: 5070}, {host: z.net}");
    resolver_follow(world->resolver, without);
    assert_int_equal(resolver_hosts(world->resolver)->count, 2);
    assert_null(hosts_find(resolver_hosts(world->resolver), "x.net"));
    print_host(world, "y.net", text);
    assert_string_equal(text, "10.0.2.1:0/0*100 ");
    assert_string_equal(resolver_state(world->resolver, "x.net").fault, "");
    run_until_ended(world, "z.net");
    resolver_follow(world->resolver, world->config);
    assert_non_null(hosts_find(resolver_hosts(world->resolver), "x.net"));
    far_run(world->base, 20);
    resolver_follow(world->resolver, without);
    end(world); // its look-up ends here, and it has no row
    config_free(without);
}

// Far more hosts than look-ups at once.
static void test_many(void **state)
{
    enum { HOSTS = 150 };
    static struct record records[HOSTS + 1];
    static char names[HOSTS][16], members[4000];
    struct world *world = *state;
    for (int i = 0; i < HOSTS; i++) {
        snprintf(names[i], sizeof(names[i]), "h%03d.net", i);
        sprintf(members + strlen(members), "%s{host: %s}", i ? ", " : "", names[i]);
        records[i] = (struct record)A(names[i], 60, "10.0.2.1");
    }
    begin(world, members, records);
    for (int i = 0; i < HOSTS; i++)
        assert_string_equal(run_until_ended(world, names[i]).fault, "");
    assert_int_equal(world->server.queries, 2 * HOSTS);
    assert_true(world->changes < HOSTS / 2); // answers that come together are one
}

// Nobody answers: no more than so many are asked for.
static void test_bound(void **state)
{
    enum { HOSTS = 100, BOUND = 64 };
    static struct record records[HOSTS + 1];
    static char names[HOSTS][32], members[4000];
    struct world *world = *state;
    for (int i = 0; i < HOSTS; i++) {
        snprintf(names[i], sizeof(names[i]), SRV "h%03d.net", i);
        sprintf(members + strlen(members), "%s{host: h%03d.net}", i ? ", " : "", i);
        records[i] = (struct record)CODE(names[i], NAME_SERVER_SILENT);
    }
    begin(world, members, records);
    for (int i = 0; i < 500 && world->server.names < BOUND; i++)
        far_run(world->base, 10);
    far_run(world->base, 200);
    assert_int_equal(world->server.names, BOUND);
}

static void test_bad_servers(void **state)
{
    struct world *world = *state;
    char error[256];
    struct resolver_options options = {world->base, world->directory, "nobody:x", on_changed, world};
    world->config = config_of("{host: x.net}");
    assert_null(resolver_create(&options, world->config, error, sizeof(error)));
    assert_non_null(strstr(error, "give servers"));
}

static void write_file(const struct world *world, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/hosts", world->directory);
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static const struct {
    const char *name;
    const char *text;
    unsigned line; // of the fault; 0: good
} files[] = {
    {"good", "dialgate-hosts 1\nhost x.net 5\naddress 10.0.2.1:5060 15 100\nhost y.net 0\nend 3\n", 0},
    {"no host", "dialgate-hosts 1\nend 0\n", 0},
    {"empty", "", 1},
    {"another version", "dialgate-hosts 2\nend 0\n", 1},
    {"cut", "dialgate-hosts 1\nhost x.net 5\n", 3},
    {"cut in a line", "dialgate-hosts 1\nhost x.net 5\nend 1", 3},
    {"wrong count", "dialgate-hosts 1\nhost x.net 5\nend 2\n", 3},
    {"something behind", "dialgate-hosts 1\nend 0\nx\n", 2},
    {"names not sorted", "dialgate-hosts 1\nhost x.net 5\nhost x.net 5\nend 2\n", 3},
    {"address without host", "dialgate-hosts 1\naddress 10.0.2.1:5060 0 100\nend 1\n", 2},
    {"no address", "dialgate-hosts 1\nhost x.net 5\naddress 10.0.2.256:5060 0 100\nend 2\n", 3},
    {"port", "dialgate-hosts 1\nhost x.net 5\naddress 10.0.2.1:65536 0 100\nend 2\n", 3},
    {"rank", "dialgate-hosts 1\nhost x.net 5\naddress 10.0.2.1:1 16 100\nend 2\n", 3},
    {"share of zero", "dialgate-hosts 1\nhost x.net 5\naddress 10.0.2.1:1 0 0\nend 2\n", 3},
    {"share", "dialgate-hosts 1\nhost x.net 5\naddress 10.0.2.1:1 0 101\nend 2\n", 3},
    {"time", "dialgate-hosts 1\nhost x.net -5\nend 1\n", 2},
    {"noise", "dialgate-hosts 1\nhost x.net 5 6\nend 1\n", 2},
};

static void test_files(void **state)
{
    struct world *world = *state;
    int failed = 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char error[256] = "", place[32];
        struct hosts hosts;
        write_file(world, files[i].text);
        int result = hosts_load(world->directory, &hosts, error, sizeof(error));
        snprintf(place, sizeof(place), "hosts:%u:", files[i].line);
        if (files[i].line ? result == 0 || !strstr(error, place) || hosts.rows : result != 0) {
            print_error("%s: %d '%s'\n", files[i].name, result, error);
            failed++;
        }
        free(hosts.rows);
    }
    assert_int_equal(failed, 0);
}

// What was written is read again, hosts without addresses aside.
static void test_file_again(void **state)
{
    struct world *world = *state;
    struct host wrote[3] = {{.name = "a.net", .resolved = 1700000000, .count = HOST_ADDRESSES_MAX},
                            {.name = "b.net"},
                            {.name = "c.net", .resolved = 7, .count = 1}};
    struct hosts hosts = {wrote, 3}, read;
    char error[256];
    for (uint32_t h = 0; h < 3; h++)
        for (uint32_t i = 0; i < wrote[h].count; i++)
            wrote[h].addresses[i] =
                (struct host_address){{{[10] = 0xff, 0xff, 10, 0, (uint8_t)h, (uint8_t)i}},
                                      (uint16_t)(4091 * i),
                                      (uint16_t)i,
                                      (uint16_t)(i + 1)};
    assert_int_equal(hosts_save(world->directory, &hosts, error, sizeof(error)), 0);
    assert_int_equal(hosts_load(world->directory, &read, error, sizeof(error)), 0);
    assert_int_equal(read.count, 2);
    assert_memory_equal(&read.rows[0], &wrote[0], sizeof(wrote[0]));
    assert_memory_equal(&read.rows[1], &wrote[2], sizeof(wrote[2]));
    free(read.rows);
    assert_true(hosts_save("/nowhere/at/all", &hosts, error, sizeof(error)) < 0);
    assert_non_null(strstr(error, "/nowhere/at/all/hosts"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {TEST(test_answers), TEST(test_kept),      TEST(test_follow),
                                     TEST(test_bound),   TEST(test_many),      TEST(test_bad_servers),
                                     TEST(test_files),   TEST(test_file_again)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
