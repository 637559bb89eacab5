// SPDX-License-Identifier: BSD-3-Clause
// Netlink messages as the kernel sends them, and as it never should; and the mirror itself, live, in a
// network namespace of its own.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "clock.h"
#include "hostnet.h"
#include "hostnet_message.h"

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static _Alignas(8) uint8_t buffer[1024];

static struct nlmsghdr *begin(uint16_t type, size_t size, void **body)
{
    struct nlmsghdr *message;

    memset(buffer, 0, sizeof(buffer));
    message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    *body = mnl_nlmsg_put_extra_header(message, size);
    return message;
}

static struct nlmsghdr *begin_route(uint8_t length, struct rtmsg **info)
{
    void *body;
    struct nlmsghdr *message = begin(RTM_NEWROUTE, sizeof(struct rtmsg), &body);

    *info = body;
    **info = (struct rtmsg){
        .rtm_family = AF_INET, .rtm_dst_len = length, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
    return message;
}

static void test_route(void **state)
{
    struct hostnet_route route;
    struct rtmsg *info;
    struct nlmsghdr *message = begin_route(24, &info);

    mnl_attr_put_u32(message, RTA_DST, htonl(IPV4(10, 1, 2, 0)));
    mnl_attr_put_u32(message, RTA_GATEWAY, htonl(IPV4(10, 0, 0, 1)));
    mnl_attr_put_u32(message, RTA_OIF, 7);
    mnl_attr_put_u32(message, RTA_PRIORITY, 100);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    assert_int_equal(route.prefix, IPV4(10, 1, 2, 0));
    assert_int_equal(route.length, 24);
    assert_int_equal(route.metric, 100);
    assert_int_equal(route.hop_count, 1);
    assert_int_equal(route.hops[0].ifindex, 7);
    assert_int_equal(route.hops[0].gateway, IPV4(10, 0, 0, 1));
    info->rtm_type = RTN_BLACKHOLE;
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    info->rtm_type = RTN_UNICAST;
    info->rtm_table = RT_TABLE_LOCAL;
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    // RTA_TABLE counts where the table's number does not fit in an octet.
    mnl_attr_put_u32(message, RTA_TABLE, RT_TABLE_MAIN);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    info->rtm_dst_len = 33;
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    info->rtm_dst_len = 24;
    info->rtm_family = AF_INET6;
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
}

static void test_route_odd(void **state)
{
    struct hostnet_route route;
    struct rtmsg *info;
    struct nlmsghdr *message = begin_route(0, &info);

    // No interface: an unreachable default.
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    mnl_attr_put_u16(message, RTA_OIF, 7);
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    message = begin_route(0, &info);
    mnl_attr_put_u32(message, RTA_OIF, 7);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    assert_int_equal(route.hops[0].gateway, 0);
    // Through an IPv6 gateway (RFC 8950): none that IPv4 can use.
    mnl_attr_put(message, RTA_VIA, 18, (uint8_t[18]){AF_INET6});
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    message->nlmsg_len = mnl_nlmsg_size(sizeof(struct rtmsg)) - 1;
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
}

static void put_hop(uint8_t *octets, size_t *used, int ifindex, uint32_t gateway)
{
    struct rtnexthop hop = {.rtnh_len = sizeof(hop) + (gateway != 0 ? 8 : 0), .rtnh_ifindex = ifindex};
    struct nlattr attribute = {.nla_len = 8, .nla_type = RTA_GATEWAY};
    uint32_t address = htonl(gateway);

    memcpy(octets + *used, &hop, sizeof(hop));
    *used += sizeof(hop);
    if (gateway == 0)
        return;
    memcpy(octets + *used, &attribute, sizeof(attribute));
    memcpy(octets + *used + sizeof(attribute), &address, sizeof(address));
    *used += 8;
}

static void test_multipath(void **state)
{
    struct hostnet_route route;
    struct rtmsg *info;
    struct nlmsghdr *message = begin_route(8, &info);
    uint8_t hops[128];
    size_t used = 0;

    put_hop(hops, &used, 3, IPV4(10, 0, 0, 1));
    put_hop(hops, &used, 4, 0);
    put_hop(hops, &used, 5, IPV4(10, 0, 0, 3));
    mnl_attr_put(message, RTA_MULTIPATH, used, hops);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    assert_int_equal(route.hop_count, 3);
    assert_int_equal(route.hops[0].gateway, IPV4(10, 0, 0, 1));
    assert_int_equal(route.hops[1].ifindex, 4);
    assert_int_equal(route.hops[1].gateway, 0);
    assert_int_equal(route.hops[2].gateway, IPV4(10, 0, 0, 3));
    // Each wrong length of the first hop, the same octets.
    for (unsigned length = 0; length < 8; length++) {
        message = begin_route(8, &info);
        hops[0] = (uint8_t)length;
        mnl_attr_put(message, RTA_MULTIPATH, used, hops);
        assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    }
    message = begin_route(8, &info);
    hops[0] = 255;
    mnl_attr_put(message, RTA_MULTIPATH, used, hops);
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
}

static void test_neighbour(void **state)
{
    static const struct {
        uint16_t type;
        uint16_t states;
        bool usable;
    } rows[] = {
        {RTM_NEWNEIGH, NUD_REACHABLE, true},   {RTM_NEWNEIGH, NUD_STALE, true},
        {RTM_NEWNEIGH, NUD_DELAY, true},       {RTM_NEWNEIGH, NUD_PROBE, true},
        {RTM_NEWNEIGH, NUD_PERMANENT, true},   {RTM_NEWNEIGH, NUD_FAILED, false},
        {RTM_NEWNEIGH, NUD_INCOMPLETE, false}, {RTM_DELNEIGH, NUD_REACHABLE, false},
        {RTM_NEWNEIGH, NUD_NONE, false},
    };
    static const uint8_t mac[8] = {2, 3, 4, 5, 6, 7, 8, 9};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hostnet_neighbour neighbour;
        void *body;
        struct nlmsghdr *message = begin(rows[i].type, sizeof(struct ndmsg), &body);
        struct ndmsg *info = body;

        *info = (struct ndmsg){.ndm_family = AF_INET, .ndm_ifindex = 3, .ndm_state = rows[i].states};
        // Nobody's address.
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), -ENOENT);
        mnl_attr_put_u32(message, NDA_DST, htonl(IPV4(10, 0, 0, 9)));
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), 0);
        assert_false(neighbour.usable);
        // Eight octets are no Ethernet address.
        mnl_attr_put(message, NDA_LLADDR, 8, mac);
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), 0);
        assert_false(neighbour.usable);
        mnl_attr_put(message, NDA_LLADDR, 6, mac);
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), 0);
        assert_int_equal(neighbour.usable, rows[i].usable);
        assert_int_equal(neighbour.permanent, rows[i].states == NUD_PERMANENT);
        assert_int_equal(neighbour.address, IPV4(10, 0, 0, 9));
        assert_memory_equal(neighbour.mac, mac, 6);
        info->ndm_flags = NTF_PROXY;
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), -ENOENT);
        info->ndm_flags = 0;
        info->ndm_family = AF_INET6;
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), -ENOENT);
    }
}

static void test_link(void **state)
{
    struct hostnet_link link;
    void *body;
    struct nlmsghdr *message = begin(RTM_NEWLINK, sizeof(struct ifinfomsg), &body);

    *(struct ifinfomsg *)body = (struct ifinfomsg){.ifi_index = 9, .ifi_flags = IFF_UP | IFF_RUNNING};
    mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
    mnl_attr_put_u32(message, IFLA_MTU, 1400);
    mnl_attr_put(message, IFLA_ADDRESS, 6, (const uint8_t[6]){2, 0, 0, 0, 0, 1});
    assert_int_equal(hostnet_message_link(message, &link), 0);
    assert_string_equal(link.name, "eth0");
    assert_int_equal(link.ifindex, 9);
    assert_int_equal(link.mtu, 1400);
    assert_int_equal(link.mac[5], 1);
    assert_true(link.up);
    mnl_attr_put(message, IFLA_IFNAME, 40, "0123456789012345678901234567890123456789");
    assert_int_equal(hostnet_message_link(message, &link), -EBADMSG);
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

static struct nexthop_table *wait_table(struct hostnet *hostnet)
{
    struct nexthop_table *table = NULL;

    for (unsigned i = 0; i < 500 && table == NULL; i++) {
        hostnet_read(hostnet);
        table = hostnet_refresh(hostnet, clock_ms());
        if (table == NULL)
            usleep(10000);
    }
    assert_non_null(table);
    return table;
}

// Waits until the next hop of an address is as wanted; what changes meanwhile makes tables in between.
static void wait_hop(struct hostnet *hostnet, uint32_t address, enum nexthop_result wanted,
                     uint32_t hop_address)
{
    enum nexthop_result result = NEXTHOP_UNROUTED;
    struct nexthop hop = {0};

    for (unsigned i = 0; i < 20; i++) {
        struct nexthop_table *table = wait_table(hostnet);

        result = nexthop_find(table, 0, address, &hop);
        nexthop_destroy(table);
        if (result == wanted)
            break;
    }
    assert_int_equal(result, wanted);
    assert_int_equal(hop.address, hop_address);
}

static void test_live(void **state)
{
    const struct snapshot_network network = {.name = "outside", .interface = "hn0"};
    struct hostnet *hostnet;
    struct nexthop_table *table;
    struct nexthop hop;
    struct fault fault;

    run("ip link add hn0 type veth peer name hn1 && ip link set hn0 up && ip link set hn1 up && "
        "ip addr add 10.97.0.1/24 dev hn0 && ip route add default via 10.97.0.254 && "
        "ip neigh add 10.97.0.9 lladdr 02:00:00:00:00:09 dev hn0 nud permanent");
    assert_int_equal(hostnet_open(&hostnet, &network, 1, &fault), 0);
    table = wait_table(hostnet);
    assert_int_equal(nexthop_find(table, 0, IPV4(10, 97, 0, 9), &hop), NEXTHOP_FOUND);
    assert_int_equal(hop.mac[5], 9);
    assert_int_equal(nexthop_find(table, 0, IPV4(10, 97, 0, 8), &hop), NEXTHOP_UNRESOLVED);
    assert_int_equal(hop.address, IPV4(10, 97, 0, 8));
    assert_int_equal(nexthop_find(table, 0, IPV4(192, 0, 2, 1), &hop), NEXTHOP_UNRESOLVED);
    assert_int_equal(hop.address, IPV4(10, 97, 0, 254));
    assert_true(table->networks[0].up);
    assert_int_equal(table->networks[0].mtu, 1500);
    nexthop_destroy(table);
    // Nothing changed: nothing is published.
    assert_null(hostnet_refresh(hostnet, clock_ms() + 60000));
    run("ip neigh replace 10.97.0.254 lladdr 02:00:00:00:00:fe dev hn0 nud reachable");
    wait_hop(hostnet, IPV4(192, 0, 2, 1), NEXTHOP_FOUND, IPV4(10, 97, 0, 254));
    // A question goes to the kernel once a second, and never about what an operator set.
    assert_true(hostnet_ask(hostnet, 0, IPV4(10, 97, 0, 8), 5000));
    assert_false(hostnet_ask(hostnet, 0, IPV4(10, 97, 0, 8), 5999));
    assert_true(hostnet_ask(hostnet, 0, IPV4(10, 97, 0, 8), 6000));
    assert_false(hostnet_ask(hostnet, 0, IPV4(10, 97, 0, 9), 5000));
    assert_false(hostnet_ask(hostnet, 1, IPV4(10, 97, 0, 7), 5000));
    run("ip neigh show dev hn0 | grep -q '10.97.0.8 .*managed\\|10.97.0.8 .*INCOMPLETE'");
    run("ip neigh show dev hn0 | grep -q '10.97.0.9 .*PERMANENT'");
    run("ip route del default");
    for (unsigned i = 0; i < 20; i++) {
        table = wait_table(hostnet);
        if (nexthop_find(table, 0, IPV4(192, 0, 2, 1), &hop) == NEXTHOP_UNROUTED)
            break;
        nexthop_destroy(table);
        table = NULL;
    }
    assert_non_null(table);
    nexthop_destroy(table);
    hostnet_close(hostnet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route),     cmocka_unit_test(test_route_odd), cmocka_unit_test(test_multipath),
        cmocka_unit_test(test_neighbour), cmocka_unit_test(test_link),
    };
    const struct CMUnitTest live[] = {cmocka_unit_test(test_live)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (failed != 0)
        return failed;
    // Only root makes namespaces: without, the rest is skipped and says so by 77.
    if (unshare(CLONE_NEWNET) < 0)
        return 77;
    return cmocka_run_group_tests(live, NULL, NULL);
}
