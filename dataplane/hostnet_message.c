// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
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

static uint32_t attribute_ipv4(const struct nlattr *attribute)
{
    return ntohl(mnl_attr_get_u32(attribute));
}

int hostnet_message_link(const struct nlmsghdr *message, struct hostnet_link *link)
{
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
    const struct nlattr *attribute;

    if (!long_enough(message, sizeof(*info)))
        return -EBADMSG;
    *link =
        (struct hostnet_link){.ifindex = info->ifi_index,
                              .up = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0,
                              .gone = message->nlmsg_type == RTM_DELLINK};
    for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*info)); has_attribute(message, attribute);
         attribute = mnl_attr_next(attribute)) {
        switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
            if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0 ||
                mnl_attr_get_payload_len(attribute) > sizeof(link->name))
                return -EBADMSG;
            memcpy(link->name, mnl_attr_get_str(attribute), mnl_attr_get_payload_len(attribute));
            break;
        case IFLA_ADDRESS:
            // A tunnel's is shorter or longer: no Ethernet, nothing for us.
            if (mnl_attr_get_payload_len(attribute) == sizeof(link->mac))
                memcpy(link->mac, mnl_attr_get_payload(attribute), sizeof(link->mac));
            break;
        case IFLA_MTU:
            if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
                return -EBADMSG;
            link->mtu = mnl_attr_get_u32(attribute);
            break;
        default:
            break;
        }
    }
    return 0;
}

static int parse_multipath(const struct nlattr *attribute, struct hostnet_route *route)
{
    const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
    size_t left = mnl_attr_get_payload_len(attribute);

    while (left >= sizeof(*hop) && route->hop_count < HOSTNET_HOPS_MAX) {
        struct hostnet_hop *out = &route->hops[route->hop_count];
        const struct nlattr *inner = (const struct nlattr *)(const void *)(hop + 1);
        int inner_left = hop->rtnh_len - (int)sizeof(*hop);
        size_t step = RTNH_ALIGN(hop->rtnh_len);
        bool other_family = false;

        if (hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > left)
            return -EBADMSG;
        *out = (struct hostnet_hop){.ifindex = hop->rtnh_ifindex};
        while (mnl_attr_ok(inner, inner_left)) {
            if (mnl_attr_get_type(inner) == RTA_GATEWAY && mnl_attr_validate(inner, MNL_TYPE_U32) == 0)
                out->gateway = attribute_ipv4(inner);
            else if (mnl_attr_get_type(inner) == RTA_VIA)
                other_family = true;
            inner_left -= (int)MNL_ALIGN(inner->nla_len);
            inner = mnl_attr_next(inner);
        }
        // A hop through an IPv6 gateway is none that we can use.
        if (!other_family)
            route->hop_count++;
        if (step >= left)
            break;
        left -= step;
        hop = (const struct rtnexthop *)(const void *)((const uint8_t *)hop + step);
    }
    return 0;
}

struct route_parts {
    struct hostnet_hop single;
    bool via;
    uint32_t table;
};

static int parse_route_attribute(const struct nlattr *attribute, struct hostnet_route *route,
                                 struct route_parts *parts)
{
    unsigned type = mnl_attr_get_type(attribute);

    switch (type) {
    case RTA_DST:
    case RTA_GATEWAY:
    case RTA_OIF:
    case RTA_PRIORITY:
    case RTA_TABLE:
        if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
            return -EBADMSG;
        break;
    default:
        break;
    }
    if (type == RTA_DST)
        route->prefix = attribute_ipv4(attribute);
    else if (type == RTA_GATEWAY)
        parts->single.gateway = attribute_ipv4(attribute);
    else if (type == RTA_OIF)
        parts->single.ifindex = (int)mnl_attr_get_u32(attribute);
    else if (type == RTA_PRIORITY)
        route->metric = mnl_attr_get_u32(attribute);
    else if (type == RTA_TABLE)
        parts->table = mnl_attr_get_u32(attribute);
    else if (type == RTA_VIA)
        parts->via = true;
    else if (type == RTA_MULTIPATH)
        return parse_multipath(attribute, route);
    return 0;
}

int hostnet_message_route(const struct nlmsghdr *message, struct hostnet_route *route)
{
    const struct rtmsg *info = mnl_nlmsg_get_payload(message);
    struct route_parts parts = {0};
    const struct nlattr *attribute;

    if (!long_enough(message, sizeof(*info)))
        return -EBADMSG;
    if (info->rtm_family != AF_INET || info->rtm_type != RTN_UNICAST || (info->rtm_flags & RTM_F_CLONED) != 0)
        return -ENOENT;
    if (info->rtm_dst_len > 32)
        return -EBADMSG;
    *route = (struct hostnet_route){.length = info->rtm_dst_len};
    parts.table = info->rtm_table;
    for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*info)); has_attribute(message, attribute);
         attribute = mnl_attr_next(attribute)) {
        int result = parse_route_attribute(attribute, route, &parts);

        if (result < 0)
            return result;
    }
    if (parts.table != RT_TABLE_MAIN)
        return -ENOENT;
    if (parts.single.ifindex != 0 && !parts.via && route->hop_count == 0)
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
    if (info->ndm_family != AF_INET || (info->ndm_flags & NTF_PROXY) != 0)
        return -ENOENT;
    *neighbour = (struct hostnet_neighbour){.ifindex = info->ndm_ifindex,
                                            .permanent = (info->ndm_state & NUD_PERMANENT) != 0};
    for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*info)); has_attribute(message, attribute);
         attribute = mnl_attr_next(attribute)) {
        if (mnl_attr_get_type(attribute) == NDA_DST) {
            if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
                return -EBADMSG;
            neighbour->address = attribute_ipv4(attribute);
        } else if (mnl_attr_get_type(attribute) == NDA_LLADDR &&
                   mnl_attr_get_payload_len(attribute) == sizeof(neighbour->mac)) {
            memcpy(neighbour->mac, mnl_attr_get_payload(attribute), sizeof(neighbour->mac));
            has_mac = true;
        }
    }
    if (neighbour->address == 0)
        return -ENOENT;
    neighbour->usable =
        has_mac && message->nlmsg_type == RTM_NEWNEIGH &&
        (info->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)) != 0;
    return 0;
}
