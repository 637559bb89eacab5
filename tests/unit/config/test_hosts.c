// SPDX-License-Identifier: BSD-3-Clause
// Members that are made of hosts: which addresses are taken, in which priority and with which weight.
#include "hosts.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "model.h"
#include "rows.h"
#include "value.h"

#define HEAD                                                                                                 \
    BASE "peers:\n"                                                                                          \
         "  - {name: carrier, listener: a, sources: [198.51.100.0/24], members: [{address: 10.9.0.1}]}\n"

struct answer {
    const char *host;
    const char *address;
    uint16_t port, rank, share;
};

struct test {
    const char *name;
    const char *peers;
    struct answer answers[20];
    const char *members; // of the second and third peer: address:port/priority*weight
    const char *dropped; // host address reason;
};

static const struct test tests[] = {
    {"none resolved",
     "  - {name: p, listener: a, members: [{host: x.net}, {address: 10.0.1.1}]}\n",
     {{0}},
     "p 10.0.1.1:5060/1*1 ",
     ""},
    {"two addresses at the member's port, priority and weight",
     "  - {name: p, listener: a, members: [{host: x.net, port: 5070, priority: 3, weight: 7}]}\n",
     {{"x.net", "10.0.2.1", 0, 0, 100}, {"x.net", "10.0.2.2", 0, 0, 100}},
     "p 10.0.2.1:5070/3*7 10.0.2.2:5070/3*7 ",
     ""},
    {"SRV: ports, ranks within the priority, weights",
     "  - {name: p, listener: a, members: [{host: x.net, priority: 4, weight: 10}, {address: 10.0.1.1, "
     "priority: 4},\n"
     "     {address: 10.0.1.2, priority: 9}]}\n",
     {{"x.net", "10.0.2.1", 5071, 0, 100},
      {"x.net", "10.0.2.2", 5072, 0, 25},
      {"x.net", "10.0.2.3", 5073, 1, 1}},
     "p 10.0.2.1:5071/1*10 10.0.2.2:5072/1*2 10.0.2.3:5073/2*1 10.0.1.1:5060/1*1 10.0.1.2:5060/3*1 ",
     ""},
    {"the same address twice",
     "  - {name: p, listener: a, members: [{address: 10.0.2.1}, {host: x.net}, {host: y.net}]}\n",
     {{"x.net", "10.0.2.1", 0, 0, 100},
      {"x.net", "10.0.2.2", 0, 0, 100},
      {"y.net", "10.0.2.2", 0, 0, 100},
      {"y.net", "10.0.2.2", 5061, 0, 100}},
     "p 10.0.2.1:5060/1*1 10.0.2.2:5060/1*1 10.0.2.2:5061/1*1 ",
     ""},
    {"another peer's source",
     "  - {name: p, listener: a, members: [{host: x.net}]}\n",
     {{"x.net", "198.51.100.7", 0, 0, 100}, {"x.net", "10.0.2.2", 0, 0, 100}},
     "p 10.0.2.2:5060/1*1 ",
     "x.net 198.51.100.7 is a source or a member of another peer;"},
    {"another peer's member",
     "  - {name: p, listener: a, members: [{host: x.net}]}\n",
     {{"x.net", "10.9.0.1", 5070, 0, 100}},
     "p ",
     "x.net 10.9.0.1 is a source or a member of another peer;"},
    {"a longer source of its own settles it",
     "  - {name: p, listener: a, sources: [198.51.100.0/28], members: [{host: x.net}]}\n",
     {{"x.net", "198.51.100.7", 0, 0, 100}, {"x.net", "198.51.100.17", 0, 0, 100}},
     "p 198.51.100.7:5060/1*1 ",
     "x.net 198.51.100.17 is a source or a member of another peer;"},
    {"a host of two peers",
     "  - {name: p, listener: a, members: [{host: x.net}]}\n"
     "  - {name: q, listener: a, members: [{host: y.net}]}\n",
     {{"x.net", "10.0.2.1", 5070, 0, 100},
      {"y.net", "10.0.2.1", 0, 0, 100},
      {"y.net", "10.0.2.2", 0, 0, 100}},
     "p 10.0.2.1:5070/1*1 q 10.0.2.2:5060/1*1 ",
     "y.net 10.0.2.1 is a host of an earlier peer;"},
    {"of a family that the peer has no listener of",
     "  - {name: p, listener: a, members: [{host: x.net}]}\n",
     {{"x.net", "10.0.2.1", 5070, 0, 100}, {"x.net", "2001:db8::1", 5070, 0, 100}},
     "p 10.0.2.1:5070/1*1 ",
     "x.net 2001:db8::1 is of a family that no listener of the peer has;"},
    {"what no host may have",
     "  - {name: p, listener: a, members: [{host: x.net}]}\n",
     {{"x.net", "127.0.0.1", 0, 0, 100},
      {"x.net", "0.1.2.3", 0, 0, 100},
      {"x.net", "224.0.0.1", 0, 0, 100},
      {"x.net", "255.255.255.255", 0, 0, 100},
      {"x.net", "10.0.0.1", 5060, 0, 100},
      {"x.net", "10.0.0.1", 5061, 0, 100}},
     "p 10.0.0.1:5061/1*1 ",
     "x.net 127.0.0.1 is no host's address;x.net 0.1.2.3 is no host's address;x.net 224.0.0.1 is no host's "
     "address;x.net 255.255.255.255 is no host's address;x.net 10.0.0.1 is our own listener;"},
};

static struct ip_address ip(const char *text)
{
    struct ip_address address;
    assert_int_equal(value_parse_address(text, &address), 0);
    return address;
}

static struct hosts hosts_of(const struct config *config, const struct answer *answers)
{
    struct hosts hosts;
    assert_int_equal(hosts_of_config(config, &hosts), 0);
    for (const struct answer *answer = answers; answer->host; answer++)
        for (size_t i = 0; i < hosts.count; i++)
            if (strcmp(hosts.rows[i].name, answer->host) == 0)
                hosts.rows[i].addresses[hosts.rows[i].count++] =
                    (struct host_address){ip(answer->address), answer->port, answer->rank, answer->share};
    return hosts;
}

static void on_dropped(void *context, const struct host_drop *drop)
{
    char *text = context, address[64];
    sprintf(text + strlen(text), "%s %s %s;", drop->host,
            value_address(&drop->address, address, sizeof(address)), drop->reason);
}

static void print_members(const struct config *config, char *text)
{
    text[0] = '\0';
    for (size_t i = 1; i < config->peer_count; i++) {
        sprintf(text + strlen(text), "%s ", config->peers[i].name);
        for (size_t m = 0; m < config->peers[i].member_count; m++) {
            const struct config_member *member = &config->peers[i].members[m];
            char address[64];
            sprintf(text + strlen(text), "%s:%u/%u*%u ",
                    value_address(&member->address, address, sizeof(address)), (unsigned)member->port,
                    (unsigned)member->priority, (unsigned)member->weight);
        }
    }
}

static void test_expand(void **state)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        char text[2048], members[1024], dropped[1024] = "";
        snprintf(text, sizeof(text), "%s%s", HEAD, tests[i].peers);
        struct config *config = parse_good(text);
        struct hosts hosts = hosts_of(config, tests[i].answers);
        struct config *expanded = hosts_expand(config, &hosts, on_dropped, dropped);
        print_members(expanded, members);
        if (strcmp(members, tests[i].members) != 0 || strcmp(dropped, tests[i].dropped) != 0) {
            print_error("'%s':\n  members '%s'\n  wanted  '%s'\n  dropped '%s'\n  wanted  '%s'\n",
                        tests[i].name, members, tests[i].members, dropped, tests[i].dropped);
            failed++;
        }
        hosts_free_expanded(expanded);
        free(hosts.rows);
        config_free(config);
    }
    assert_int_equal(failed, 0);
}

// An address keeps its number whatever comes and goes, and a peer may have none.
static void test_numbers(void **state)
{
    static const struct answer rows[][4] = {
        {{0}},
        {{"x.net", "10.0.2.1", 0, 0, 100}, {"x.net", "10.0.2.2", 0, 0, 100}},
        {{"x.net", "10.0.2.2", 0, 0, 100}},
        {{"x.net", "10.0.2.1", 0, 0, 100}, {"x.net", "10.0.2.3", 0, 0, 100}}};
    static const uint32_t present[] = {1, 1 | 2 | 4, 1 | 4, 1 | 2 | 8}; // bits of members' numbers
    struct config *config = parse_good(HEAD "  - {name: p, listener: a, members: [{host: x.net}]}\n"
                                            "routes: [{from: carrier, to: p}]\n");
    struct manifest *manifest = manifest_create();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hosts hosts = hosts_of(config, rows[i]);
        struct compile_input input = {
            .config = config, .manifest = manifest, .sequence = i + 1, .hosts = i ? &hosts : NULL};
        char error[256];
        size_t size;
        int fd;
        assert_int_equal(config_compile(&input, &fd, &size, error, sizeof(error)), 0);
        const struct snapshot_header *image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_true(image != MAP_FAILED);
        const struct snapshot_range *range = &image->sections[SECTION_MEMBERS];
        const struct snapshot_member *members = (const void *)((const char *)image + range->offset);
        const struct snapshot_peer *peers =
            (const void *)((const char *)image + image->sections[SECTION_PEERS].offset);
        uint32_t found = 0;
        const char *texts = (const char *)image + image->sections[SECTION_TEXTS].offset;
        for (uint32_t m = 0; m < range->count; m++) {
            found |= (members[m].flags & SNAPSHOT_PRESENT) << m;
            if (members[m].flags & SNAPSHOT_PRESENT)
                assert_string_equal(texts + members[m].host, m == 0 ? "" : "x.net");
        }
        assert_int_equal(found, present[i]);
        assert_int_equal(peers[1].member_count, (uint32_t)__builtin_popcount(present[i]) - 1);
        assert_int_equal(peers[1].maglev_count > 0, i > 0);
        assert_int_equal(image->sections[SECTION_SOURCES].count,
                         1u + (uint32_t)__builtin_popcount(present[i]));
        munmap((void *)(uintptr_t)image, size);
        close(fd);
        free(hosts.rows);
    }
    manifest_free(manifest);
    config_free(config);
}

static void test_names(void **state)
{
    struct config *config = parse_good(
        HEAD "  - {name: p, listener: a, members: [{host: z.net, port: 5070}, {host: b.net}, {host: b.net, "
             "port: 6}, {address: 10.0.2.2}]}\n");
    struct hosts hosts;
    assert_int_equal(hosts_of_config(config, &hosts), 0);
    assert_int_equal(hosts.count, 2);
    assert_string_equal(hosts.rows[0].name, "b.net");
    assert_string_equal(hosts.rows[1].name, "z.net");
    assert_ptr_equal(hosts_find(&hosts, "z.net"), &hosts.rows[1]);
    assert_null(hosts_find(&hosts, "a.net"));
    assert_null(hosts_find(NULL, "z.net"));
    assert_string_equal(hosts_of_peer(config, "p", 2), "b.net");
    assert_null(hosts_of_peer(config, "p", 3));
    assert_null(hosts_of_peer(config, "nobody", 0));
    hosts.rows[1].count = 2;
    hosts.rows[1].addresses[0] = (struct host_address){ip("10.0.2.1"), 0, 0, 100};
    hosts.rows[1].addresses[1] = (struct host_address){ip("10.0.2.2"), 5060, 0, 100};
    struct snapshot_member member = {.port = 5070, .address = ip("10.0.2.1")};
    assert_ptr_equal(hosts_of_member(config, &hosts, "p", &member), &hosts.rows[1]);
    member.port = 5060;
    assert_null(hosts_of_member(config, &hosts, "p", &member));
    member.address = ip("10.0.2.2"); // stands there by its address too
    assert_null(hosts_of_member(config, &hosts, "p", &member));
    free(hosts.rows);
    config_free(config);
}

// More addresses than there are members: what is beyond is dropped, and the image is made.
static void test_room(void **state)
{
    enum { HOSTS = 300 };
    char *text = malloc(64 * 1024), dropped[64] = "";
    size_t length = (size_t)sprintf(text, "%s  - name: p\n    listener: a\n    members:\n", HEAD);
    for (int i = 0; i < HOSTS; i++)
        length += (size_t)sprintf(text + length, "      - {host: h%03d.net}\n", i);
    struct config *config = parse_good(text);
    struct hosts hosts;
    assert_int_equal(hosts_of_config(config, &hosts), 0);
    assert_int_equal(hosts.count, HOSTS);
    for (uint32_t i = 0; i < HOSTS; i++)
        for (uint8_t a = 0; a < HOST_ADDRESSES_MAX; a++) {
            hosts.rows[i].addresses[a] = (struct host_address){ip("10.1.0.0"), 0, 0, 100};
            hosts.rows[i].addresses[a].address.octets[13] = (uint8_t)(1 + i / 256);
            hosts.rows[i].addresses[a].address.octets[14] = (uint8_t)i;
            hosts.rows[i].addresses[a].address.octets[15] = a;
            hosts.rows[i].count = a + 1u;
        }
    struct config *expanded = hosts_expand(config, &hosts, NULL, dropped);
    assert_int_equal(expanded->peers[1].member_count, MEMBERS_MAX - 1);
    hosts_free_expanded(expanded);
    free(hosts.rows);
    config_free(config);
    free(text);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(test_expand), cmocka_unit_test(test_numbers),
                                     cmocka_unit_test(test_names), cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
