// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

static bool long_enough(const struct nlmsghdr *message, size_t size)
{
    return message->nlmsg_len >= mnl_nlmsg_size(size);
}

// What mnl_attr_for_each() asks; the macro itself casts const away.
static bool has_attribute(const struct nlmsghdr *message, const struct nlattr *attribute)
{
    const char *end = mnl_nlmsg_get_payload_tail(message);

    return mnl_attr_ok(attribute, (int)(end - (const char *)attribute));
}

// An IPv6 address that means IPv4 is none that could be told from IPv4: it is of no interest.
static int address_of(uint8_t family, const void *octets, size_t length, struct ip_address *address)
{
    struct in_addr ipv4;

    if (length != (family == AF_INET ? sizeof(ipv4) : sizeof(*address)))
        return -EBADMSG;
    if (family == AF_INET) {
        memcpy(&ipv4, octets, sizeof(ipv4));
        *address = ip_from_ipv4(ntohl(ipv4.s_addr));
        return 0;
    }
    memcpy(address->octets, octets, sizeof(*address));
    return ip_is_ipv4(address) ? -ENOENT : 0;
}

static int attribute_address(uint8_t family, const struct nlattr *attribute, struct ip_address *address)
{
    return address_of(family, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute), address);
}

static bool is_family(uint8_t family)
{
    return family == AF_INET || family == AF_INET6;
}

// The first attribute of this type in another one; NULL: there is none.
static const struct nlattr *find_within(const struct nlattr *nest, uint16_t type)
{
    const struct nlattr *inner = mnl_attr_get_payload(nest);
    int left = mnl_attr_get_payload_len(nest);

    while (mnl_attr_ok(inner, left)) {
        if (mnl_attr_get_type(inner) == type)
            return inner;
        left -= (int)MNL_ALIGN(inner->nla_len);
        inner = mnl_attr_next(inner);
    }
    return NULL;
}

// IFLA_LINKINFO: what kind of interface it is, and what only that kind has.
static int parse_vlan(const struct nlattr *attribute, struct hostnet_link *link)
{
    const struct nlattr *kind = find_within(attribute, IFLA_INFO_KIND);
    const struct nlattr *data = find_within(attribute, IFLA_INFO_DATA), *id;

    if (kind == NULL || mnl_attr_validate(kind, MNL_TYPE_NUL_STRING) < 0 ||
        strcmp(mnl_attr_get_str(kind), "vlan") != 0 || data == NULL)
        return 0;
    id = find_within(data, IFLA_VLAN_ID);
    if (id == NULL || mnl_attr_validate(id, MNL_TYPE_U16) < 0)
        return -EBADMSG;
    link->vlan = mnl_attr_get_u16(id);
    return 0;
}

static int parse_link_attribute(const struct nlattr *attribute, struct hostnet_link *link)
{
    switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
        if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0 ||
            mnl_attr_get_payload_len(attribute) > sizeof(link->name))
            return -EBADMSG;
        memcpy(link->name, mnl_attr_get_str(attribute), mnl_attr_get_payload_len(attribute));
        return 0;
    case IFLA_ADDRESS:
        // A tunnel's is shorter or longer: no Ethernet, nothing for us.
        if (mnl_attr_get_payload_len(attribute) == sizeof(link->mac))
            memcpy(link->mac, mnl_attr_get_payload(attribute), sizeof(link->mac));
        return 0;
    case IFLA_MTU:
    case IFLA_LINK:
        if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
            return -EBADMSG;
        if (mnl_attr_get_type(attribute) == IFLA_MTU)
            link->mtu = mnl_attr_get_u32(attribute);
        else
            link->parent = (int)mnl_attr_get_u32(attribute);
        return 0;
    case IFLA_LINKINFO:
        return parse_vlan(attribute, link);
    default:
        return 0;
    }
}

int hostnet_message_link(const struct nlmsghdr *message, struct hostnet_link *link)
{
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
    const struct nlattr *attribute;
    bool is_elsewhere = false;

    if (!long_enough(message, sizeof(*info)))
        return -EBADMSG;
    *link =
        (struct hostnet_link){.ifindex = info->ifi_index,
                              .up = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0};
    for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*info)); has_attribute(message, attribute);
         attribute = mnl_attr_next(attribute)) {
        int result = parse_link_attribute(attribute, link);

        if (result < 0)
            return result;
        // An index there says nothing here.
        is_elsewhere |= mnl_attr_get_type(attribute) == IFLA_LINK_NETNSID;
    }
    if (is_elsewhere)
        link->vlan = 0;
    return 0;
}

int hostnet_message_address(const struct nlmsghdr *message, struct hostnet_address *address)
{
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
    const struct nlattr *attribute;
    bool local = false;

    if (!long_enough(message, sizeof(*info)))
        return -EBADMSG;
    if (!is_family(info->ifa_family))
        return -ENOENT;
    *address = (struct hostnet_address){.ifindex = (int)info->ifa_index,
                                        .usable = (info->ifa_flags & IFA_F_DADFAILED) == 0};
    for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*info)); has_attribute(message, attribute);
         attribute = mnl_attr_next(attribute)) {
        unsigned type = mnl_attr_get_type(attribute);
        int result = 0;

        // On a link to one other machine IFA_ADDRESS is that one's.
        if (type == IFA_LOCAL || (type == IFA_ADDRESS && !local))
            result = attribute_address(info->ifa_family, attribute, &address->address);
        local |= type == IFA_LOCAL;
        if (result < 0)
            return result;
    }
    return ip_is_set(&address->address) ? 0 : -ENOENT;
}

// RTA_VIA: a gateway of another family than the route's (RFC 8950).
static int via_of(const struct nlattr *attribute, struct ip_address *gateway)
{
    const struct rtvia *via = mnl_attr_get_payload(attribute);
    size_t length = mnl_attr_get_payload_len(attribute);

    if (length < sizeof(*via))
        return -EBADMSG;
    if (via->rtvia_family != AF_INET && via->rtvia_family != AF_INET6)
        return -ENOENT;
    return address_of((uint8_t)via->rtvia_family, via->rtvia_addr, length - sizeof(*via), gateway);
}

static int parse_gateway(uint8_t family, const struct nlattr *attribute, struct ip_address *gateway)
{
    return mnl_attr_get_type(attribute) == RTA_VIA ? via_of(attribute, gateway)
                                                   : attribute_address(family, attribute, gateway);
}

// Returns what parse_gateway() does for the hop at its octets; 0 for one without a gateway.
static int parse_hop(uint8_t family, const struct rtnexthop *hop, struct hostnet_hop *out)
{
    const struct nlattr *inner = (const struct nlattr *)(const void *)(hop + 1);
    int left = hop->rtnh_len - (int)sizeof(*hop);

    *out = (struct hostnet_hop){.ifindex = hop->rtnh_ifindex};
    while (mnl_attr_ok(inner, left)) {
        int result = 0;

        if (mnl_attr_get_type(inner) == RTA_GATEWAY || mnl_attr_get_type(inner) == RTA_VIA)
            result = parse_gateway(family, inner, &out->gateway);
        if (result < 0)
            return result;
        left -= (int)MNL_ALIGN(inner->nla_len);
        inner = mnl_attr_next(inner);
    }
    return 0;
}

static int parse_multipath(uint8_t family, const struct nlattr *attribute, struct hostnet_route *route)
{
    const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
    size_t left = mnl_attr_get_payload_len(attribute);

    while (left >= sizeof(*hop) && route->hop_count < HOSTNET_HOPS_MAX) {
        size_t step = RTNH_ALIGN(hop->rtnh_len);
        int result;

        if (hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > left)
            return -EBADMSG;
        result = parse_hop(family, hop, &route->hops[route->hop_count]);
        if (result == -EBADMSG)
            return result;
        if (result == 0)
            route->hop_count++;
        if (step >= left)
            break;
        left -= step;
        hop = (const struct rtnexthop *)(const void *)((const uint8_t *)hop + step);
    }
    return 0;
}

static int parse_metrics(const struct nlattr *attribute, struct hostnet_route *route)
{
    const struct nlattr *inner = mnl_attr_get_payload(attribute);
    int left = mnl_attr_get_payload_len(attribute);

    while (mnl_attr_ok(inner, left)) {
        if (mnl_attr_get_type(inner) == RTAX_MTU) {
            uint32_t mtu;

            if (mnl_attr_validate(inner, MNL_TYPE_U32) < 0)
                return -EBADMSG;
            mtu = mnl_attr_get_u32(inner);
            route->mtu = (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu);
        }
        left -= (int)MNL_ALIGN(inner->nla_len);
        inner = mnl_attr_next(inner);
    }
    return 0;
}

struct route_parts {
    struct hostnet_hop single;
    uint32_t table;
    uint8_t family;
};

static int parse_route_attribute(const struct nlattr *attribute, struct hostnet_route *route,
                                 struct route_parts *parts)
{
    switch (mnl_attr_get_type(attribute)) {
    case RTA_OIF:
    case RTA_PRIORITY:
    case RTA_TABLE:
        if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
            return -EBADMSG;
        break;
    default:
        break;
    }
    switch (mnl_attr_get_type(attribute)) {
    case RTA_DST:
        return attribute_address(parts->family, attribute, &route->prefix);
    case RTA_GATEWAY:
    case RTA_VIA:
        return parse_gateway(parts->family, attribute, &parts->single.gateway);
    case RTA_OIF:
        parts->single.ifindex = (int)mnl_attr_get_u32(attribute);
        return 0;
    case RTA_PRIORITY:
        route->metric = mnl_attr_get_u32(attribute);
        return 0;
    case RTA_TABLE:
        parts->table = mnl_attr_get_u32(attribute);
        return 0;
    case RTA_METRICS:
        return parse_metrics(attribute, route);
    case RTA_MULTIPATH:
        return parse_multipath(parts->family, attribute, route);
    default:
        return 0;
    }
}

static bool refuses(uint8_t type)
{
    return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT;
}

int hostnet_message_route(const struct nlmsghdr *message, struct hostnet_route *route)
{
    const struct rtmsg *info = mnl_nlmsg_get_payload(message);
    struct route_parts parts = {.table = 0};
    const struct nlattr *attribute;
    unsigned bits;

    if (!long_enough(message, sizeof(*info)))
        return -EBADMSG;
    if (!is_family(info->rtm_family) || (info->rtm_type != RTN_UNICAST && !refuses(info->rtm_type)) ||
        (info->rtm_flags & RTM_F_CLONED) != 0)
        return -ENOENT;
    bits = info->rtm_family == AF_INET ? IP_MAPPED_BITS : 0;
    if (info->rtm_dst_len > 128 - bits)
        return -EBADMSG;
    *route = (struct hostnet_route){.length = (uint8_t)(bits + info->rtm_dst_len),
                                    .refused = refuses(info->rtm_type)};
    if (info->rtm_family == AF_INET)
        route->prefix = ip_from_ipv4(0);
    parts.table = info->rtm_table;
    parts.family = info->rtm_family;
    for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*info)); has_attribute(message, attribute);
         attribute = mnl_attr_next(attribute)) {
        int result = parse_route_attribute(attribute, route, &parts);

        if (result < 0)
            return result;
    }
    if (parts.table != RT_TABLE_MAIN)
        return -ENOENT;
    if (route->refused) {
        route->hop_count = 0;
        return 0;
    }
    if (parts.single.ifindex != 0 && route->hop_count == 0)
        route->hops[route->hop_count++] = parts.single;
    return route->hop_count > 0 ? 0 : -ENOENT;
}

int hostnet_message_neighbour(const struct nlmsghdr *message, struct hostnet_neighbour *neighbour)
{
    const struct ndmsg *info = mnl_nlmsg_get_payload(message);
    const struct nlattr *attribute;
    bool has_mac = false;

    if (!long_enough(message, sizeof(*info)))
        return -EBADMSG;
    if (!is_family(info->ndm_family) || (info->ndm_flags & NTF_PROXY) != 0)
        return -ENOENT;
    *neighbour = (struct hostnet_neighbour){.ifindex = info->ndm_ifindex,
                                            .permanent = (info->ndm_state & NUD_PERMANENT) != 0};
    for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*info)); has_attribute(message, attribute);
         attribute = mnl_attr_next(attribute)) {
        if (mnl_attr_get_type(attribute) == NDA_DST) {
            int result = attribute_address(info->ndm_family, attribute, &neighbour->address);

            if (result < 0)
                return result;
        } else if (mnl_attr_get_type(attribute) == NDA_LLADDR &&
                   mnl_attr_get_payload_len(attribute) == sizeof(neighbour->mac)) {
            memcpy(neighbour->mac, mnl_attr_get_payload(attribute), sizeof(neighbour->mac));
            has_mac = true;
        }
    }
    if (!ip_is_set(&neighbour->address) || (info->ndm_family == AF_INET && ip_ipv4(&neighbour->address) == 0))
        return -ENOENT;
    neighbour->usable =
        has_mac && message->nlmsg_type == RTM_NEWNEIGH &&
        (info->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)) != 0;
    return 0;
}
