// SPDX-License-Identifier: BSD-3-Clause
#include "port_flow_rule.h"

#include <netinet/in.h>
#include <string.h>

#define ITEMS_MAX      6u // Ethernet, two tags, IP, UDP or the fragment header, end
#define VLAN_ID        0x0fffu
#define FRAGMENT_BITS  0x3fffu // of IPv4: more fragments, and the offset (RFC 791 section 3.1)
#define FRAGMENT_LEAST 1u      // any of these set: it is a fragment

// The values lie here, since items point to them.
struct rule {
    struct rte_flow_item items[ITEMS_MAX];
    unsigned count;
    struct rte_flow_item_vlan tags[2], tag_mask;
    struct rte_flow_item_ipv4 ipv4, ipv4_last, ipv4_mask;
    struct rte_flow_item_ipv6 ipv6, ipv6_mask;
    struct rte_flow_item_ipv6_frag_ext fragment, fragment_mask;
    struct rte_flow_item_udp udp, udp_mask;
    uint16_t queues[PORT_FLOW_QUEUES_MAX];
    struct rte_flow_action_queue queue;
    struct rte_flow_action_rss rss;
};

static void add(struct rule *rule, enum rte_flow_item_type type, const void *spec, const void *mask)
{
    rule->items[rule->count++] = (struct rte_flow_item){.type = type, .spec = spec, .mask = mask};
}

static void add_tags(struct rule *rule, uint32_t tags)
{
    add(rule, RTE_FLOW_ITEM_TYPE_ETH, NULL, NULL);
    rule->tag_mask.tci = rte_cpu_to_be_16(VLAN_ID);
    for (unsigned i = 0; i < 2; i++) { // the outer one stands in the upper half
        const uint16_t id = (uint16_t)(i == 0 ? tags >> 16 : tags);

        if (id == 0)
            continue;
        rule->tags[i].tci = rte_cpu_to_be_16(id);
        add(rule, RTE_FLOW_ITEM_TYPE_VLAN, &rule->tags[i], &rule->tag_mask);
    }
}

static void add_ipv4(struct rule *rule, const struct port_flow *flow)
{
    rule->ipv4.hdr.dst_addr = rte_cpu_to_be_32(ip_ipv4(&flow->address));
    rule->ipv4_mask.hdr.dst_addr = UINT32_MAX;
    if (flow->port == 0) {
        rule->ipv4.hdr.next_proto_id = IPPROTO_UDP;
        rule->ipv4.hdr.fragment_offset = rte_cpu_to_be_16(FRAGMENT_LEAST);
        rule->ipv4_mask.hdr.next_proto_id = UINT8_MAX;
        rule->ipv4_mask.hdr.fragment_offset = rte_cpu_to_be_16(FRAGMENT_BITS);
    }
    add(rule, RTE_FLOW_ITEM_TYPE_IPV4, &rule->ipv4, &rule->ipv4_mask);
    if (flow->port != 0)
        return;
    rule->ipv4_last = rule->ipv4;
    rule->ipv4_last.hdr.fragment_offset = rte_cpu_to_be_16(FRAGMENT_BITS);
    rule->items[rule->count - 1].last = &rule->ipv4_last;
}

static void add_ipv6(struct rule *rule, const struct port_flow *flow)
{
    memcpy(rule->ipv6.hdr.dst_addr, flow->address.octets, sizeof(rule->ipv6.hdr.dst_addr));
    memset(rule->ipv6_mask.hdr.dst_addr, 0xff, sizeof(rule->ipv6_mask.hdr.dst_addr));
    rule->ipv6.has_frag_ext = rule->ipv6_mask.has_frag_ext = flow->port == 0;
    add(rule, RTE_FLOW_ITEM_TYPE_IPV6, &rule->ipv6, &rule->ipv6_mask);
    if (flow->port != 0)
        return;
    rule->fragment.hdr.next_header = IPPROTO_UDP;
    rule->fragment_mask.hdr.next_header = UINT8_MAX;
    add(rule, RTE_FLOW_ITEM_TYPE_IPV6_FRAG_EXT, &rule->fragment, &rule->fragment_mask);
}

static struct rte_flow_action action_of(struct rule *rule, const struct port *port)
{
    const unsigned count = RTE_MIN(port->network->queues, PORT_FLOW_QUEUES_MAX);

    if (count == 1) // queue 0
        return (struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &rule->queue};
    for (uint16_t q = 0; q < count; q++)
        rule->queues[q] = q;
    rule->rss = (struct rte_flow_action_rss){.func = RTE_ETH_HASH_FUNCTION_DEFAULT,
                                             .types = port->flows.rss,
                                             .key_len = port->flows.key_size,
                                             .queue_num = count,
                                             .key = port->flows.key,
                                             .queue = rule->queues};
    return (struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rule->rss};
}

struct rte_flow *port_flow_rule_make(const struct port *port, const struct port_flow *flow,
                                     struct rte_flow_error *error)
{
    const struct rte_flow_attr ingress = {.ingress = 1};
    struct rule rule = {.count = 0};
    const struct rte_flow_action actions[] = {action_of(&rule, port), {.type = RTE_FLOW_ACTION_TYPE_END}};

    add_tags(&rule, flow->tags);
    if (ip_is_ipv4(&flow->address))
        add_ipv4(&rule, flow);
    else
        add_ipv6(&rule, flow);
    if (flow->port != 0) {
        rule.udp.hdr.dst_port = rte_cpu_to_be_16(flow->port);
        rule.udp_mask.hdr.dst_port = UINT16_MAX;
        add(&rule, RTE_FLOW_ITEM_TYPE_UDP, &rule.udp, &rule.udp_mask);
    }
    add(&rule, RTE_FLOW_ITEM_TYPE_END, NULL, NULL);
    return rte_flow_create(port->id, &ingress, rule.items, actions, error);
}
