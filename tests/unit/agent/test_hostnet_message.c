// SPDX-License-Identifier: BSD-3-Clause
// Netlink messages as the kernel sends them, and as it never should.
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "addresses.h"
#include "hostnet_message.h"

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
    assert_true(is(&route.prefix, IP(10, 1, 2, 0)));
    assert_int_equal(route.length, 120);
    assert_int_equal(route.metric, 100);
    assert_int_equal(route.mtu, 0);
    assert_int_equal(route.hop_count, 1);
    assert_int_equal(route.hops[0].ifindex, 7);
    assert_true(is(&route.hops[0].gateway, IP(10, 0, 0, 1)));
    assert_false(route.refused);
    info->rtm_type = RTN_MULTICAST;
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    info->rtm_type = RTN_UNICAST;
    info->rtm_flags = RTM_F_CLONED;
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    info->rtm_flags = 0;
    info->rtm_table = RT_TABLE_LOCAL;
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    // RTA_TABLE counts where the table's number does not fit in an octet.
    mnl_attr_put_u32(message, RTA_TABLE, RT_TABLE_MAIN);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    info->rtm_dst_len = 33;
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    info->rtm_dst_len = 24;
    info->rtm_family = AF_INET6; // and the addresses are of four octets
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    info->rtm_family = AF_BRIDGE;
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
}

static void test_route_refused(void **state)
{
    static const uint8_t types[] = {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT};
    struct hostnet_route route;
    struct rtmsg *info;

    for (size_t i = 0; i < sizeof(types); i++) {
        struct nlmsghdr *message = begin_route(8, &info);

        info->rtm_type = types[i];
        mnl_attr_put_u32(message, RTA_DST, htonl(IPV4(10, 0, 0, 0)));
        mnl_attr_put_u32(message, RTA_OIF, 1); // lo, as IPv6 has it
        assert_int_equal(hostnet_message_route(message, &route), 0);
        assert_true(route.refused);
        assert_int_equal(route.hop_count, 0);
    }
}

static struct nlmsghdr *begin_route6(uint8_t length, struct rtmsg **info)
{
    struct nlmsghdr *message = begin_route(length, info);

    (*info)->rtm_family = AF_INET6;
    return message;
}

static void put_address6(struct nlmsghdr *message, uint16_t type, const char *text)
{
    const struct ip_address address = ip6(text);

    mnl_attr_put(message, type, sizeof(address), &address);
}

static void test_route6(void **state)
{
    struct hostnet_route route;
    struct rtmsg *info;
    struct nlmsghdr *message = begin_route6(32, &info);
    struct nlattr *nest;

    put_address6(message, RTA_DST, "2001:db8::");
    put_address6(message, RTA_GATEWAY, "fe80::1");
    mnl_attr_put_u32(message, RTA_OIF, 7);
    nest = mnl_attr_nest_start(message, RTA_METRICS);
    mnl_attr_put_u32(message, RTAX_ADVMSS, 1000);
    mnl_attr_put_u32(message, RTAX_MTU, 1400);
    mnl_attr_nest_end(message, nest);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    assert_true(is(&route.prefix, ip6("2001:db8::")));
    assert_int_equal(route.length, 32);
    assert_int_equal(route.mtu, 1400);
    assert_true(is(&route.hops[0].gateway, ip6("fe80::1")));
    info->rtm_dst_len = 129;
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    // A default route has no destination; what would be IPv4 is not taken for it.
    message = begin_route6(0, &info);
    mnl_attr_put_u32(message, RTA_OIF, 7);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    assert_false(ip_is_set(&route.prefix));
    assert_int_equal(route.length, 0);
    message = begin_route6(112, &info);
    put_address6(message, RTA_DST, "::ffff:10.1.0.0");
    mnl_attr_put_u32(message, RTA_OIF, 7);
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
}

static void test_route_odd(void **state)
{
    uint8_t via[18] = {AF_INET6, 0, 0xfe, 0x80, [17] = 9};
    struct hostnet_route route;
    struct rtmsg *info;
    struct nlmsghdr *message = begin_route(0, &info);

    via[0] = 0; // in the machine's order
    memcpy(via, &(uint16_t){AF_INET6}, 2);
    // No interface.
    assert_int_equal(hostnet_message_route(message, &route), -ENOENT);
    mnl_attr_put_u16(message, RTA_OIF, 7);
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    message = begin_route(0, &info);
    mnl_attr_put_u32(message, RTA_OIF, 7);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    assert_true(is(&route.prefix, IP(0, 0, 0, 0)));
    assert_int_equal(route.length, 96);
    assert_false(ip_is_set(&route.hops[0].gateway));
    // Through an IPv6 gateway (RFC 8950).
    mnl_attr_put(message, RTA_VIA, 18, via);
    assert_int_equal(hostnet_message_route(message, &route), 0);
    assert_true(is(&route.hops[0].gateway, ip6("fe80::9")));
    mnl_attr_put(message, RTA_VIA, 17, via);
    assert_int_equal(hostnet_message_route(message, &route), -EBADMSG);
    message = begin_route(0, &info);
    mnl_attr_put_u32(message, RTA_OIF, 7);
    memcpy(via, &(uint16_t){AF_BRIDGE}, 2);
    mnl_attr_put(message, RTA_VIA, 18, via);
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
    assert_true(is(&route.hops[0].gateway, IP(10, 0, 0, 1)));
    assert_int_equal(route.hops[1].ifindex, 4);
    assert_false(ip_is_set(&route.hops[1].gateway));
    assert_true(is(&route.hops[2].gateway, IP(10, 0, 0, 3)));
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
        assert_true(is(&neighbour.address, IP(10, 0, 0, 9)));
        assert_memory_equal(neighbour.mac, mac, 6);
        info->ndm_flags = NTF_PROXY;
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), -ENOENT);
        info->ndm_flags = 0;
        info->ndm_family = AF_INET6;
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), -EBADMSG);
        info->ndm_family = AF_BRIDGE;
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), -ENOENT);
        message = begin(rows[i].type, sizeof(struct ndmsg), &body);
        *(struct ndmsg *)body =
            (struct ndmsg){.ndm_family = AF_INET6, .ndm_ifindex = 3, .ndm_state = rows[i].states};
        put_address6(message, NDA_DST, "fe80::9");
        mnl_attr_put(message, NDA_LLADDR, 6, mac);
        assert_int_equal(hostnet_message_neighbour(message, &neighbour), 0);
        assert_int_equal(neighbour.usable, rows[i].usable);
        assert_true(is(&neighbour.address, ip6("fe80::9")));
    }
}

static void test_address(void **state)
{
    struct hostnet_address address;
    void *body;
    struct nlmsghdr *message = begin(RTM_NEWADDR, sizeof(struct ifaddrmsg), &body);
    struct ifaddrmsg *info = body;

    *info = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_index = 4};
    assert_int_equal(hostnet_message_address(message, &address), -ENOENT);
    // Ours, whatever stands before or behind it.
    mnl_attr_put_u32(message, IFA_ADDRESS, htonl(IPV4(10, 0, 0, 1)));
    mnl_attr_put_u32(message, IFA_LOCAL, htonl(IPV4(10, 0, 0, 2)));
    mnl_attr_put_u32(message, IFA_ADDRESS, htonl(IPV4(10, 0, 0, 1)));
    assert_int_equal(hostnet_message_address(message, &address), 0);
    assert_true(is(&address.address, IP(10, 0, 0, 2)));
    assert_int_equal(address.ifindex, 4);
    assert_true(address.usable);
    info->ifa_family = AF_INET6;
    assert_int_equal(hostnet_message_address(message, &address), -EBADMSG);
    message = begin(RTM_NEWADDR, sizeof(struct ifaddrmsg), &body);
    *(struct ifaddrmsg *)body = (struct ifaddrmsg){.ifa_family = AF_INET6, .ifa_flags = IFA_F_DADFAILED};
    put_address6(message, IFA_ADDRESS, "2001:db8::2");
    assert_int_equal(hostnet_message_address(message, &address), 0);
    assert_true(is(&address.address, ip6("2001:db8::2")));
    assert_false(address.usable);
    message->nlmsg_len = mnl_nlmsg_size(sizeof(struct ifaddrmsg)) - 1;
    assert_int_equal(hostnet_message_address(message, &address), -EBADMSG);
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

// As `ip link add link eth0 name eth0.100 type vlan id 100` makes it.
static struct nlmsghdr *vlan_link(const char *kind, bool has_id)
{
    void *body;
    struct nlmsghdr *message = begin(RTM_NEWLINK, sizeof(struct ifinfomsg), &body);
    struct nlattr *info, *data;

    *(struct ifinfomsg *)body = (struct ifinfomsg){.ifi_index = 12};
    mnl_attr_put_strz(message, IFLA_IFNAME, "eth0.100");
    mnl_attr_put_u32(message, IFLA_LINK, 9);
    info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
    data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    mnl_attr_put_u16(message, IFLA_VLAN_PROTOCOL, htons(0x8100));
    if (has_id)
        mnl_attr_put_u16(message, IFLA_VLAN_ID, 100);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    return message;
}

static void test_vlan_link(void **state)
{
    struct nlmsghdr *message = vlan_link("vlan", true);
    struct hostnet_link link;

    assert_int_equal(hostnet_message_link(message, &link), 0);
    assert_int_equal(link.vlan, 100);
    assert_int_equal(link.parent, 9);
    // What it is upon is in another namespace.
    mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 3);
    assert_int_equal(hostnet_message_link(message, &link), 0);
    assert_int_equal(link.vlan, 0);
    assert_int_equal(hostnet_message_link(vlan_link("macvlan", true), &link), 0);
    assert_int_equal(link.vlan, 0);
    assert_int_equal(hostnet_message_link(vlan_link("vlan", false), &link), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route),     cmocka_unit_test(test_route_refused),
        cmocka_unit_test(test_route6),    cmocka_unit_test(test_route_odd),
        cmocka_unit_test(test_multipath), cmocka_unit_test(test_neighbour),
        cmocka_unit_test(test_address),   cmocka_unit_test(test_link),
        cmocka_unit_test(test_vlan_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
