// SPDX-License-Identifier: BSD-3-Clause
// The path MTUs that are remembered; and the mirror of the kernel's tables, live, in a network namespace of
// its own, and with a kernel that says nothing.
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "addresses.h"
#include "clock.h"
#include "hostnet.h"
#include "hostnet_gone.h"
#include "hostnet_paths.h"
#include "hostnet_socket.h"

static void test_paths(void **state)
{
    static struct hostnet_paths paths;
    struct hostnet_path path = {.address = IP(10, 0, 0, 1), .mtu = 1400, .until_ms = 1000};

    assert_int_equal(hostnet_paths_next(&paths), UINT64_MAX);
    assert_true(hostnet_paths_lower(&paths, &path));
    // The same again lives longer; more is not believed, less is.
    path.until_ms = 2000;
    assert_false(hostnet_paths_lower(&paths, &path));
    assert_int_equal(paths.rows[0].until_ms, 2000);
    path.mtu = 1401;
    assert_false(hostnet_paths_lower(&paths, &path));
    path.mtu = 1399;
    assert_true(hostnet_paths_lower(&paths, &path));
    path.network = 1; // another path
    assert_true(hostnet_paths_lower(&paths, &path));
    assert_int_equal(paths.count, 2);
    path.mtu = 68; // never less than any path takes
    assert_true(hostnet_paths_lower(&paths, &path));
    assert_int_equal(paths.rows[1].mtu, 576);
    path = (struct hostnet_path){.address = ip6("2001:db8::1"), .mtu = 600, .until_ms = 3000};
    assert_true(hostnet_paths_lower(&paths, &path));
    assert_int_equal(paths.rows[2].mtu, 1280);
    assert_int_equal(hostnet_paths_next(&paths), 2000);
    assert_false(hostnet_paths_expire(&paths, 1999));
    assert_true(hostnet_paths_expire(&paths, 2000));
    assert_int_equal(hostnet_paths_next(&paths), 3000);
    // More than there is room for: the oldest go.
    for (unsigned i = 0; i < HOSTNET_PATHS_MAX + 10; i++) {
        path =
            (struct hostnet_path){.address = IP(10, 1, i >> 8, i & 255), .mtu = 1400, .until_ms = 4000 + i};
        assert_true(hostnet_paths_lower(&paths, &path));
    }
    assert_int_equal(paths.count, HOSTNET_PATHS_MAX);
    // Three rows of before were free or older; of the others the ten first gave way to the ten last.
    assert_int_equal(hostnet_paths_next(&paths), 4010);
}

// Whatever numbers a reload gives them.
static void test_gone(void **state)
{
    const struct ip_address a = IP(10, 0, 0, 1), b = IP(10, 0, 0, 2), c = ip6("2001:db8::3");
    const struct {
        struct ip_address wanted[4];
        unsigned count;
        uint64_t missing;
        struct hostnet_gone gone, back;
    } steps[] = {
        {{a, b, c}, 3, 0, {0}, {0}},
        {{a, b, c}, 3, 2, {1, {b}}, {0}},
        {{a, b, c}, 3, 2, {0}, {0}},
        {{c, a, b}, 3, 4, {0}, {0}},           // another order is no news
        {{c, a, b}, 3, 5, {1, {c}}, {0}},      // the bit of another one
        {{b, b, a, c}, 4, 11, {0}, {0}},       // two listeners of one address
        {{a, c}, 2, 2, {0}, {0}},              // nobody wants it any more
        {{a, b, c}, 3, 4, {0}, {0}},           // and it was there when somebody does again
        {{b, b, c}, 3, 3, {1, {b}}, {1, {c}}}, // once, though of two
        {{c, b, b}, 3, 0, {0}, {1, {b}}},
        {{a}, 0, 0, {0}, {0}},
    };
    struct hostnet_gone gone = {.count = 0};

    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct hostnet_gone_news news =
            hostnet_gone_update(&gone, steps[i].wanted, steps[i].count, steps[i].missing);
        const struct hostnet_gone *pairs[2][2] = {{&news.gone, &steps[i].gone}, {&news.back, &steps[i].back}};

        for (unsigned k = 0; k < 2; k++) {
            if (pairs[k][0]->count != pairs[k][1]->count ||
                memcmp(pairs[k][0]->addresses, pairs[k][1]->addresses,
                       pairs[k][0]->count * sizeof(struct ip_address)) != 0)
                fail_msg("step %u: %s", i, k == 0 ? "gone" : "back");
        }
    }
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

// In place of the kernel: the next socket is one end of this pair.
static atomic_int silent_kernel = -1;
int __real_hostnet_socket_open(unsigned groups);
int __wrap_hostnet_socket_open(unsigned groups);

int __wrap_hostnet_socket_open(unsigned groups)
{
    return silent_kernel < 0 ? __real_hostnet_socket_open(groups) : dup(silent_kernel);
}

static struct nexthop_table *wait_table(struct hostnet *hostnet)
{
    struct pollfd fd = {.fd = hostnet_fd(hostnet), .events = POLLIN};
    struct nexthop_table *table = NULL;

    while (table == NULL) {
        if (poll(&fd, 1, 60000) <= 0)
            fail_msg("no table");
        table = hostnet_take(hostnet);
    }
    return table;
}

// Waits until the next hop of an address is as wanted; what changes meanwhile makes tables in between.
static void wait_hop(struct hostnet *hostnet, struct ip_address address, enum nexthop_result wanted,
                     struct ip_address hop_address)
{
    enum nexthop_result result = NEXTHOP_UNROUTED;
    struct nexthop hop = {.mtu = 0};

    for (unsigned i = 0; i < 20 && (result != wanted || i == 0); i++) {
        struct nexthop_table *table = wait_table(hostnet);

        result = nexthop_find(table, 0, &address, &hop);
        nexthop_destroy(table);
    }
    assert_int_equal(result, wanted);
    assert_true(wanted == NEXTHOP_UNROUTED || ip_equal(&hop.address, &hop_address));
}

static enum nexthop_result find(const struct nexthop_table *table, struct ip_address address,
                                struct nexthop *hop)
{
    return nexthop_find(table, 0, &address, hop);
}

static const struct snapshot_network networks[2] = {{.name = "outside", .interface = "hn0"},
                                                    {.name = "inside", .interface = "hn1"}};

static void make_links(void)
{
    run("ip link add hn0 type veth peer name hn1 && ip link set hn0 up && ip link set hn1 up && "
        "ip addr add 10.97.0.1/24 dev hn0 && ip route add default via 10.97.0.254 && "
        "ip neigh add 10.97.0.9 lladdr 02:00:00:00:00:09 dev hn0 nud permanent && "
        "ip addr add 2001:db8:97::1/64 dev hn0 nodad && ip route add default via fe80::fe dev hn0 && "
        "ip route add 2001:db8:98::/48 via 2001:db8:97::98 mtu 1300 && "
        "ip route add blackhole 2001:db8:98:bad::/64 && ip route add unreachable 10.98.0.0/16 && "
        "ip route add 10.99.0.0/16 via inet6 fe80::99 dev hn0 && "
        "ip route add 10.99.1.3/32 via inet6 fe80::99 dev hn0 && "
        "ip neigh add fe80::77 lladdr 02:00:00:00:00:77 dev hn1 nud permanent && "
        "ip neigh add fe80::fe lladdr 02:00:00:00:00:fe dev hn0 nud permanent && "
        "ip neigh add fe80::99 lladdr 02:00:00:00:00:99 dev hn0 nud permanent");
}

static void check_first(const struct nexthop_table *table)
{
    struct nexthop hop;

    assert_int_equal(find(table, IP(10, 97, 0, 9), &hop), NEXTHOP_FOUND);
    assert_int_equal(hop.mac[5], 9);
    assert_int_equal(hop.mtu, 1500);
    assert_int_equal(find(table, IP(10, 97, 0, 8), &hop), NEXTHOP_UNRESOLVED);
    assert_true(is(&hop.address, IP(10, 97, 0, 8)));
    assert_int_equal(find(table, IP(192, 0, 2, 1), &hop), NEXTHOP_UNRESOLVED);
    assert_true(is(&hop.address, IP(10, 97, 0, 254)));
    // What the kernel refuses goes no other way either.
    assert_int_equal(find(table, IP(10, 98, 1, 1), &hop), NEXTHOP_UNROUTED);
    assert_int_equal(find(table, ip6("2001:db8:98:bad::1"), &hop), NEXTHOP_UNROUTED);
    assert_int_equal(find(table, IP(10, 99, 1, 1), &hop), NEXTHOP_FOUND);
    assert_int_equal(hop.mac[5], 0x99);
    assert_int_equal(find(table, ip6("2001:db8:97::7"), &hop), NEXTHOP_UNRESOLVED);
    assert_int_equal(find(table, ip6("2001:db8:98::1"), &hop), NEXTHOP_UNRESOLVED);
    assert_true(is(&hop.address, ip6("2001:db8:97::98")));
    assert_int_equal(hop.mtu, 1300);
    assert_int_equal(find(table, ip6("2001:db8::1"), &hop), NEXTHOP_FOUND);
    assert_int_equal(hop.mac[5], 0xfe);
    assert_true(table->networks[0].up);
    assert_int_equal(table->networks[0].mtu, 1500);
}

// A question goes to the kernel once a second, and never about what an operator set. What is set on another
// network is another neighbour.
static void check_questions(struct hostnet *hostnet)
{
    const struct ip_address unknown = IP(10, 97, 0, 8), set = IP(10, 97, 0, 9);
    const struct ip_address unknown6 = ip6("2001:db8:97::8"), none = {.octets = {0}}, there = ip6("fe80::77");

    assert_true(hostnet_ask(hostnet, 0, &unknown, 5000));
    assert_false(hostnet_ask(hostnet, 0, &unknown, 5999));
    assert_true(hostnet_ask(hostnet, 0, &unknown, 6000));
    assert_true(hostnet_ask(hostnet, 0, &unknown6, 5000));
    assert_true(hostnet_ask(hostnet, 0, &set, 5000));
    assert_true(hostnet_ask(hostnet, 0, &there, 5000));
    assert_true(hostnet_ask(hostnet, 1, &there, 5000));
    assert_false(hostnet_ask(hostnet, 2, &unknown, 5000));
    assert_false(hostnet_ask(hostnet, 0, &none, 5000));
    run("for i in $(seq 600); do ip neigh show dev hn0 | grep -q '10.97.0.8 .*managed\\|10.97.0.8 "
        ".*INCOMPLETE' && "
        "ip neigh show dev hn0 | grep -q '2001:db8:97::8 .*managed\\|2001:db8:97::8 .*INCOMPLETE' && exit 0; "
        "sleep 0.1; done; exit 1");
    run("for i in $(seq 600); do ip neigh show dev hn0 | grep -q '^fe80::77 ' && exit 0; sleep 0.1; done; "
        "exit 1");
    run("ip neigh show dev hn0 | grep -q '10.97.0.9 .*PERMANENT'");
    run("ip neigh show dev hn1 | grep -q 'fe80::77 .*PERMANENT'");
}

static void wait_missing(const struct hostnet *hostnet, uint64_t wanted)
{
    for (unsigned i = 0; i < 6000 && hostnet_counts(hostnet).missing != wanted; i++)
        usleep(10000);
    assert_int_equal(hostnet_counts(hostnet).missing, wanted);
}

// Beside a route of the kernel's to that one address, too.
static void check_host_path_mtu(struct hostnet *hostnet)
{
    const struct ip_address host = IP(10, 99, 1, 3);
    struct nexthop hop = {.mtu = 0};

    assert_true(hostnet_narrow(hostnet, 0, &host, 1370));
    for (unsigned i = 0; i < 20 && hop.mtu != 1370; i++) {
        struct nexthop_table *table = wait_table(hostnet);

        assert_int_equal(find(table, host, &hop), NEXTHOP_FOUND);
        nexthop_destroy(table);
    }
    assert_int_equal(hop.mtu, 1370);
}

// Who forges errors makes no more tables than the kernel's own changes may.
static void check_pace(struct hostnet *hostnet)
{
    const struct ip_address near = IP(10, 99, 1, 4);
    uint64_t begun_ms = clock_ms(), tables = 0;
    struct nexthop_table *table = NULL;
    struct nexthop hop = {.mtu = 0};
    eventfd_t times;

    for (uint16_t mtu = 1499; mtu >= 1300; mtu--) {
        hostnet_narrow(hostnet, 0, &near, mtu);
        usleep(1000);
    }
    do {
        struct pollfd fd = {.fd = hostnet_fd(hostnet), .events = POLLIN};

        assert_int_equal(poll(&fd, 1, 60000), 1);
        assert_int_equal(eventfd_read(fd.fd, &times), 0);
        tables += times;
        table = hostnet_take(hostnet);
        if (table != NULL)
            find(table, near, &hop);
        nexthop_destroy(table);
    } while (hop.mtu != 1300);
    assert_in_range(tables, 1, (clock_ms() - begun_ms) / HOSTNET_REFRESH_MS + 2);
}

static void check_path_mtu(struct hostnet *hostnet)
{
    const struct ip_address near = IP(10, 99, 1, 1), beside = IP(10, 99, 1, 2);
    struct nexthop_table *table;
    struct nexthop hop;
    unsigned i = 0;

    assert_true(hostnet_narrow(hostnet, 0, &near, 1380));
    do {
        table = wait_table(hostnet);
        assert_int_equal(find(table, near, &hop), NEXTHOP_FOUND);
        if (hop.mtu == 1380)
            assert_int_equal(find(table, beside, &hop), NEXTHOP_FOUND);
        nexthop_destroy(table);
    } while (hop.mtu != 1500 && ++i < 20); // the last look was at what lies beside
    assert_int_equal(hop.mtu, 1500);
}

static void test_live(void **state)
{
    const struct snapshot_listener listeners[2] = {{.address = IP(10, 97, 0, 1)},
                                                   {.address = ip6("2001:db8:97::1")}};
    struct hostnet *hostnet;
    struct nexthop_table *table;
    struct fault fault;

    make_links();
    assert_int_equal(hostnet_open(&hostnet, networks, 2, &table, &fault), 0);
    check_first(table);
    nexthop_destroy(table);
    hostnet_watch(hostnet, listeners, 2);
    assert_int_equal(hostnet_start(hostnet, &fault), 0);
    run("ip neigh replace 10.97.0.254 lladdr 02:00:00:00:00:fe dev hn0 nud reachable");
    wait_hop(hostnet, IP(192, 0, 2, 1), NEXTHOP_FOUND, IP(10, 97, 0, 254));
    check_questions(hostnet);
    check_path_mtu(hostnet);
    check_host_path_mtu(hostnet);
    check_pace(hostnet);
    run("ip route del default");
    wait_hop(hostnet, IP(192, 0, 2, 1), NEXTHOP_UNROUTED, IP(0, 0, 0, 0));
    wait_missing(hostnet, 0);
    run("ip addr del 2001:db8:97::1/64 dev hn0");
    wait_missing(hostnet, 1);
    run("ip addr add 2001:db8:97::1/64 dev hn0 nodad");
    wait_missing(hostnet, 0);
    run("ip link set hn0 mtu 1400 && ip link set hn0 down");
    do {
        table = wait_table(hostnet);
        bool down = !table->networks[0].up && table->networks[0].mtu == 1400;
        nexthop_destroy(table);
        if (down)
            break;
    } while (true);
    assert_int_equal(hostnet_counts(hostnet).failures, 0);
    hostnet_close(hostnet);
    run("ip link del hn0");
}

// The kernel takes what it is asked and says nothing: whoever hands over questions never waits, and what it
// has no room for is counted.
static void test_silent_kernel(void **state)
{
    struct hostnet *hostnet;
    struct nexthop_table *table;
    struct fault fault;
    int pair[2];

    run("ip link add hn0 type veth peer name hn1 && ip link set hn0 up && ip link set hn1 up && "
        "ip addr add 10.97.0.1/24 dev hn0 && ip route add default via 10.97.0.254");
    assert_int_equal(hostnet_open(&hostnet, networks, 1, &table, &fault), 0);
    nexthop_destroy(table);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    silent_kernel = pair[0];
    assert_int_equal(hostnet_start(hostnet, &fault), 0);
    run("ip route del default"); // it has something to read
    {
        uint8_t octets[256];

        assert_true(recv(pair[1], octets, sizeof(octets), 0) > 0); // and asks
    }
    // It waits for the answer now. A clock would measure the machine: the bound is what the pipe holds.
    unsigned given = 0;

    for (unsigned i = 0; i < 10000; i++) {
        const struct ip_address address = IP(10, 97, i >> 8, i & 255);

        given += hostnet_ask(hostnet, 0, &address, 5000);
        assert_null(hostnet_take(hostnet));
    }
    assert_in_range(given, 1, 9999);
    assert_true(hostnet_counts(hostnet).dropped > 0);
    close(pair[1]); // the kernel is back: the next socket is real
    silent_kernel = -1;
    table = wait_table(hostnet);
    nexthop_destroy(table);
    assert_true(hostnet_counts(hostnet).failures > 0);
    hostnet_close(hostnet);
    close(pair[0]);
}

// Networks of one interface: one has a VLAN interface, as its name says, two have none and what the interface
// itself has.
static void test_trunk(void **state)
{
    static const struct snapshot_network trunk[3] = {
        {.name = "a", .interface = "tr0", .vlan = 5},
        {.name = "b", .interface = "tr0", .vlan = 6},
        {.name = "c", .interface = "tr0", .vlan = 7, .outer_vlan = 8}};
    struct hostnet *hostnet;
    struct nexthop_table *table;
    struct nexthop hop;
    struct fault fault;

    run("ip link add tr0 type veth peer name tr1 && ip link set tr0 up && ip link set tr1 up && "
        "ip addr add 10.97.0.1/24 dev tr0 && "
        "ip neigh add 10.97.0.9 lladdr 02:00:00:00:00:09 dev tr0 nud permanent && "
        "ip link add tr0.5 type veth peer name tr5 && ip link set tr0.5 mtu 1450 up && ip link set tr5 up && "
        "ip addr add 10.96.0.1/24 dev tr0.5 && "
        "ip neigh add 10.96.0.9 lladdr 02:00:00:00:05:09 dev tr0.5 nud permanent");
    assert_int_equal(hostnet_open(&hostnet, trunk, 3, &table, &fault), 0);
    assert_int_equal(nexthop_find(table, 0, &IP(10, 96, 0, 9), &hop), NEXTHOP_FOUND);
    assert_int_equal(hop.mac[4], 5);
    assert_int_equal(hop.mtu, 1450);
    assert_int_equal(nexthop_find(table, 0, &IP(10, 97, 0, 9), &hop), NEXTHOP_UNROUTED);
    for (uint8_t i = 1; i < 3; i++) {
        assert_int_equal(nexthop_find(table, i, &IP(10, 97, 0, 9), &hop), NEXTHOP_FOUND);
        assert_int_equal(hop.mac[5], 9);
        assert_int_equal(hop.mtu, i == 1 ? 1500 : 1496); // room for the second tag
    }
    nexthop_destroy(table);
    assert_int_equal(hostnet_start(hostnet, &fault), 0);
    run("ip link del tr0.5"); // then it is as the others
    for (bool is_back = false; !is_back;) {
        table = wait_table(hostnet);
        is_back = nexthop_find(table, 0, &IP(10, 97, 0, 9), &hop) == NEXTHOP_FOUND;
        nexthop_destroy(table);
    }
    hostnet_close(hostnet);
    run("ip link del tr0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_gone)};
    const struct CMUnitTest live[] = {cmocka_unit_test(test_live), cmocka_unit_test(test_trunk),
                                      cmocka_unit_test(test_silent_kernel)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (failed != 0)
        return failed;
    // Only root makes namespaces: without, the rest is skipped and says so by 77.
    if (unshare(CLONE_NEWNET) < 0)
        return 77;
    return cmocka_run_group_tests(live, NULL, NULL);
}
