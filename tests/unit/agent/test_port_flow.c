// SPDX-License-Identifier: BSD-3-Clause
// Rules of flow isolation as a driver gets them: patterns, masks, actions, their order, and what becomes of
// those that it refuses. The driver is invented: rte_flow's calls are wrapped.
#include "port_flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include "ports.h"

#define TEXT_SIZE  256u
#define RULES_MAX  512u
#define NO_REFUSAL UINT32_MAX

static struct driver {
    char made[RULES_MAX][TEXT_SIZE]; // in order, also those that are gone
    bool in_force[RULES_MAX];
    unsigned count;
    unsigned refused;     // this one from here, counted from 0
    bool no_fragments[2]; // IPv4, IPv6
    bool no_isolation, no_destroy;
    unsigned flushes;
} driver;

static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, TEXT_SIZE - used, format, arguments);
    va_end(arguments);
}

static bool is_all(const void *octets, size_t size, uint8_t value)
{
    const uint8_t *at = octets;
    for (size_t i = 0; i < size; i++)
        if (at[i] != value)
            return false;
    return true;
}

static void tell_ipv4(const struct rte_flow_item *item, char *text)
{
    const struct rte_flow_item_ipv4 *spec = item->spec, *mask = item->mask, *last = item->last;
    struct rte_flow_item_ipv4 rest = *mask;
    assert_true(mask->hdr.dst_addr == UINT32_MAX);
    append(text, "/ipv4 %08x", rte_be_to_cpu_32(spec->hdr.dst_addr));
    rest.hdr.dst_addr = 0;
    if (last != NULL) {
        assert_true(mask->hdr.next_proto_id == 0xff && mask->hdr.fragment_offset == RTE_BE16(0x3fff));
        assert_true(last->hdr.dst_addr == spec->hdr.dst_addr && last->hdr.next_proto_id == 17);
        append(text, " proto %u fragment %x-%x", spec->hdr.next_proto_id,
               rte_be_to_cpu_16(spec->hdr.fragment_offset), rte_be_to_cpu_16(last->hdr.fragment_offset));
        rest.hdr.next_proto_id = 0;
        rest.hdr.fragment_offset = 0;
    }
    assert_true(is_all(&rest, sizeof(rest), 0)); // nothing else is looked at
}

static void tell_ipv6(const struct rte_flow_item *item, char *text)
{
    const struct rte_flow_item_ipv6 *spec = item->spec, *mask = item->mask;
    assert_true(is_all(mask->hdr.dst_addr, 16, 0xff) && is_all(mask->hdr.src_addr, 16, 0));
    assert_true(item->last == NULL && mask->hdr.proto == 0 && mask->has_frag_ext == spec->has_frag_ext);
    append(text, "/ipv6 %02x%02x::%x%s", spec->hdr.dst_addr[0], spec->hdr.dst_addr[1], spec->hdr.dst_addr[15],
           spec->has_frag_ext ? " fragment" : "");
}

static void tell_item(const struct rte_flow_item *item, char *text)
{
    switch (item->type) {
    case RTE_FLOW_ITEM_TYPE_ETH:
        assert_true(item->spec == NULL && item->mask == NULL);
        append(text, "eth");
        break;
    case RTE_FLOW_ITEM_TYPE_VLAN:
        assert_int_equal(((const struct rte_flow_item_vlan *)item->mask)->tci, RTE_BE16(0x0fff));
        append(text, "/vlan %u", rte_be_to_cpu_16(((const struct rte_flow_item_vlan *)item->spec)->tci));
        break;
    case RTE_FLOW_ITEM_TYPE_IPV4:
        tell_ipv4(item, text);
        break;
    case RTE_FLOW_ITEM_TYPE_IPV6:
        tell_ipv6(item, text);
        break;
    case RTE_FLOW_ITEM_TYPE_IPV6_FRAG_EXT:
        assert_int_equal(((const struct rte_flow_item_ipv6_frag_ext *)item->mask)->hdr.next_header, 0xff);
        append(text, "/next %u", ((const struct rte_flow_item_ipv6_frag_ext *)item->spec)->hdr.next_header);
        break;
    case RTE_FLOW_ITEM_TYPE_UDP:
        assert_int_equal(((const struct rte_flow_item_udp *)item->mask)->hdr.dst_port, 0xffff);
        assert_int_equal(((const struct rte_flow_item_udp *)item->mask)->hdr.src_port, 0);
        append(text, "/udp %u",
               rte_be_to_cpu_16(((const struct rte_flow_item_udp *)item->spec)->hdr.dst_port));
        break;
    default:
        fail_msg("item %d", item->type);
    }
}

static void tell_action(const struct rte_flow_action *action, char *text)
{
    if (action->type == RTE_FLOW_ACTION_TYPE_QUEUE) {
        append(text, " > queue %u", ((const struct rte_flow_action_queue *)action->conf)->index);
    } else {
        const struct rte_flow_action_rss *rss = action->conf;
        assert_int_equal(action->type, RTE_FLOW_ACTION_TYPE_RSS);
        append(text, " > rss %llx key %u", (unsigned long long)rss->types, rss->key_len);
        for (unsigned i = 0; i < rss->queue_num; i++)
            append(text, "%s%u", i == 0 ? " queues " : ",", rss->queue[i]);
    }
    assert_int_equal(action[1].type, RTE_FLOW_ACTION_TYPE_END);
}

int __wrap_rte_flow_isolate(uint16_t port, int set, struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
                                        const struct rte_flow_item *items,
                                        const struct rte_flow_action *actions, struct rte_flow_error *error);
int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *rule, struct rte_flow_error *error);
int __wrap_rte_flow_flush(uint16_t port, struct rte_flow_error *error);

int __wrap_rte_flow_isolate(uint16_t port, int set, struct rte_flow_error *error)
{
    assert_true(port == 3 && set == 1);
    if (driver.no_isolation)
        error->message = "no isolated mode";
    return driver.no_isolation ? -ENOTSUP : 0;
}

static struct rte_flow *refuse(struct rte_flow_error *error, const char *message)
{
    error->message = message;
    rte_errno = ENOSPC;
    return NULL;
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
                                        const struct rte_flow_item *items,
                                        const struct rte_flow_action *actions, struct rte_flow_error *error)
{
    char *text = driver.made[driver.count];
    assert_true(port == 3 && attr->ingress == 1 && attr->egress == 0 && attr->transfer == 0);
    assert_true(driver.count < RULES_MAX - 1);
    text[0] = '\0';
    for (; items->type != RTE_FLOW_ITEM_TYPE_END; items++)
        tell_item(items, text);
    tell_action(actions, text);
    if ((driver.no_fragments[0] && strstr(text, "fragment 1") != NULL) ||
        (driver.no_fragments[1] && strstr(text, "/next") != NULL))
        return refuse(error, "item not supported");
    if (driver.refused-- == 0)
        return refuse(error, "no room");
    for (unsigned i = 0; i < driver.count; i++) // some drivers take none twice
        assert_false(driver.in_force[i] && strcmp(driver.made[i], text) == 0);
    driver.in_force[driver.count] = true;
    return (struct rte_flow *)(void *)driver.made[driver.count++];
}

int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *rule, struct rte_flow_error *error)
{
    const size_t at = (size_t)((char(*)[TEXT_SIZE])(void *)rule - driver.made);
    assert_true(port == 3 && at < driver.count && driver.in_force[at]);
    if (driver.no_destroy)
        error->message = "busy";
    else
        driver.in_force[at] = false;
    return driver.no_destroy ? -EBUSY : 0;
}

int __wrap_rte_flow_flush(uint16_t port, struct rte_flow_error *error)
{
    assert_true(port == 3 && error != NULL);
    memset(driver.in_force, 0, sizeof(driver.in_force));
    driver.flushes++;
    return 0;
}

// What is in force, in the order in which it was made, a rule a line.
static const char *in_force(void)
{
    static char text[16384];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < driver.count; i++)
        if (driver.in_force[i])
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n", driver.made[i]);
    return text;
}

static struct snapshot_network networks[3];
static struct snapshot_listener listeners[LISTENERS_MAX];
static struct rules rules;
static struct port port;
static struct fault fault;

static void listen_at(const char *octets, uint16_t udp_port, uint16_t network)
{
    struct snapshot_listener *listener = &listeners[rules.listener_count++];
    *listener = (struct snapshot_listener){.port = udp_port, .network = network};
    memcpy(listener->address.octets, octets, sizeof(listener->address.octets));
}

#define V4(last)  "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0" last
#define V6(last)  "\xfd\x01\0\0\0\0\0\0\0\0\0\0\0\0\0" last
#define ONE       "eth/ipv4 0a000001/udp 5060 > queue 0\n"
#define PIECES    "eth/ipv4 0a000001 proto 17 fragment 1-3fff > queue 0\n"
#define SECOND    "eth/ipv4 0a000001/udp 5070 > queue 0\n"
#define SIX       "eth/ipv6 fd01::1/udp 5060 > queue 0\n"
#define SIXPIECES "eth/ipv6 fd01::1 fragment/next 17 > queue 0\n"

static const struct rte_eth_rss_conf rss = {
    .rss_hf = RTE_ETH_RSS_IPV4, .rss_key = (uint8_t[4]){1, 2, 3, 4}, .rss_key_len = 4};

static int setup(void **state)
{
    driver = (struct driver){.refused = NO_REFUSAL};
    memset(networks, 0, sizeof(networks));
    for (unsigned i = 0; i < 3; i++) {
        snprintf(networks[i].name, sizeof(networks[i].name), "n%u", i);
        networks[i].queues = 1;
        networks[i].attach = ATTACH_PCI;
    }
    rules = (struct rules){
        .networks = networks, .network_count = 3, .listeners = listeners, .ports = {.of = {0, 1, 2}}};
    port = (struct port){.network = &networks[0], .id = 3, .flows = {.is_isolated = true}};
    listen_at(V4("\1"), 5060, 0);
    return 0;
}

static void start(void)
{
    assert_int_equal(port_flows_isolate(&port), 0);
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_int_equal(driver.count, 0); // it has not started
    assert_int_equal(port_flows_start(&port, &rss), 0);
}

static void test_listener(void **state)
{
    start();
    assert_string_equal(in_force(), ONE PIECES);
    assert_int_equal(port_flows_in_force(&port.flows), 2);
    assert_false(port_flows_lose_fragments(&port.flows));
}

// Two ports of an address: its fragments are asked for once. Other ports' listeners have rules there.
static void test_listeners(void **state)
{
    listen_at(V4("\1"), 5070, 0);
    listen_at(V4("\2"), 5060, 1);
    listen_at(V6("\1"), 5060, 0);
    start();
    assert_string_equal(in_force(), ONE PIECES SECOND SIX SIXPIECES);
}

static void test_tags(void **state)
{
    networks[1].vlan = 7;
    networks[2].vlan = 8;
    networks[2].outer_vlan = 4094;
    rules.ports = (struct rules_ports){.of = {0, 0, 0}};
    listen_at(V4("\1"), 5060, 1);
    listen_at(V6("\1"), 5060, 2);
    start();
    assert_string_equal(in_force(),
                        ONE PIECES "eth/vlan 7/ipv4 0a000001/udp 5060 > queue 0\n"
                                   "eth/vlan 7/ipv4 0a000001 proto 17 fragment 1-3fff > queue 0\n"
                                   "eth/vlan 4094/vlan 8/ipv6 fd01::1/udp 5060 > queue 0\n"
                                   "eth/vlan 4094/vlan 8/ipv6 fd01::1 fragment/next 17 > queue 0\n");
}

static void test_queues(void **state)
{
    char expected[TEXT_SIZE];
    networks[0].queues = 3;
    start();
    snprintf(expected, sizeof(expected), "eth/ipv4 0a000001/udp 5060 > rss %llx key 4 queues 0,1,2",
             (unsigned long long)RTE_ETH_RSS_IPV4);
    assert_string_equal(driver.made[0], expected);
}

// What one cannot match is no failure, but it is told.
static void test_no_fragments(void **state)
{
    driver.no_fragments[0] = true;
    listen_at(V6("\1"), 5060, 0);
    listen_at(V4("\2"), 5060, 0);
    start();
    assert_string_equal(in_force(), ONE SIX SIXPIECES "eth/ipv4 0a000002/udp 5060 > queue 0\n");
    assert_true(port_flows_lose_fragments(&port.flows));
    assert_int_equal(port.flows.failures, 0);
    assert_string_equal(port.flows.words, "");
}

// One that could match them, and has no room any more, is refused as any other.
static void test_fragments_later(void **state)
{
    start();
    listen_at(V4("\2"), 5060, 0);
    driver.refused = 1;
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), -ENOSPC);
    assert_string_equal(in_force(), ONE PIECES);
    assert_false(port_flows_lose_fragments(&port.flows));
}

static void test_not_isolated(void **state)
{
    port.flows.is_isolated = false;
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_int_equal(port_flows_start(&port, &rss), 0);
    port_flows_stop(&port);
    assert_true(driver.count == 0 && driver.flushes == 0);
}

static void test_no_isolation(void **state)
{
    driver.no_isolation = true;
    assert_int_equal(port_flows_isolate(&port), -ENOTSUP);
    assert_string_equal(port.flows.words, "no isolated mode");
    driver.no_isolation = false;
    assert_int_equal(port_flows_isolate(&port), 0);
    assert_string_equal(port.flows.words, "");
}

// At the start each rule may be the one that is refused: then there is none at all.
static void test_start_refused(void **state)
{
    listen_at(V4("\1"), 5070, 0);
    listen_at(V6("\1"), 5060, 0);
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    static const unsigned kth[] = {0, 2, 3}; // 1 and 4 would be taken for what it cannot
    for (unsigned i = 0; i < sizeof(kth) / sizeof(kth[0]); i++) {
        driver.refused = kth[i];
        assert_int_equal(port_flows_start(&port, &rss), -ENOSPC);
        assert_string_equal(in_force(), "");
        assert_string_equal(port.flows.words, "no room");
        assert_int_equal(port.flows.failures, i + 1);
        assert_int_equal(port_flows_in_force(&port.flows), 0);
    }
    driver.refused = NO_REFUSAL;
    assert_int_equal(port_flows_start(&port, &rss), 0);
    assert_string_equal(in_force(), ONE PIECES SECOND SIX SIXPIECES);
}

// A reload touches only what it changes.
static void test_reload(void **state)
{
    start();
    listen_at(V4("\1"), 5070, 0);
    listen_at(V6("\1"), 5060, 0);
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_string_equal(in_force(), ONE PIECES SECOND SIX SIXPIECES);
    assert_int_equal(driver.count, 5);
    rules.listener_count = 2;
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_string_equal(in_force(), ONE PIECES SECOND);
    assert_int_equal(driver.count, 5);
    rules.listener_count = 0;
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_string_equal(in_force(), "");
}

// Whichever of the new rules is refused: what was stays as it was, and a later try has all.
static void test_reload_refused(void **state)
{
    start();
    listeners[0].port = 5080;
    listen_at(V4("\1"), 5070, 0);
    listen_at(V6("\1"), 5060, 0);
    for (unsigned k = 0; k < 3; k++) {
        driver.refused = k;
        assert_int_equal(port_flows_want(&port, &rules, 0, &fault), -ENOSPC);
        assert_non_null(strstr(fault.text, "network n0: "));
        assert_non_null(strstr(fault.text, "no room"));
        assert_string_equal(in_force(), ONE PIECES);
        assert_int_equal(port_flows_in_force(&port.flows), 2);
        assert_int_equal(port.flows.failures, k + 1);
    }
    driver.refused = NO_REFUSAL;
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_string_equal(in_force(), PIECES "eth/ipv4 0a000001/udp 5080 > queue 0\n" SECOND SIX SIXPIECES);
}

static void test_not_removed(void **state)
{
    start();
    rules.listener_count = 0;
    driver.no_destroy = true;
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_int_equal(port.flows.failures, 2);
    assert_int_equal(port_flows_in_force(&port.flows), 0);
}

// A device that was reset gets what the listeners want now, also what came while it was away.
static void test_restart(void **state)
{
    start();
    port_flows_stop(&port);
    assert_int_equal(driver.flushes, 1);
    assert_int_equal(port_flows_in_force(&port.flows), 0);
    listen_at(V4("\1"), 5070, 0);
    assert_int_equal(port_flows_want(&port, &rules, 0, &fault), 0);
    assert_string_equal(in_force(), "");
    assert_int_equal(port_flows_start(&port, &rss), 0);
    assert_string_equal(in_force(), ONE PIECES SECOND);
    port_flows_stop(&port);
    port_flows_stop(&port);
    assert_int_equal(driver.flushes, 2);
}

static void test_all_listeners(void **state)
{
    rules.listener_count = 0;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        listen_at(V4("\1"), 5060, 0);
        listeners[i].address.octets[14] = (uint8_t)i;
    }
    start();
    assert_int_equal(port_flows_in_force(&port.flows), PORT_FLOWS_MAX);
}

static void test_wanted(void **state)
{
    static const struct {
        const char *name, *device;
        uint32_t attach, flags, bond;
        int result;
    } rows[] = {
        {"not a device", "", ATTACH_AF_XDP, 0, BOND_NONE, 0},
        {"another interface", "0000:ff:1f.7", ATTACH_PCI, 0, BOND_NONE, 0},
        {"another interface, off", "0000:ff:1f.7", ATTACH_PCI, NETWORK_ISOLATION_OFF, BOND_NONE, 0},
        {"another interface, on", "0000:ff:1f.7", ATTACH_PCI, NETWORK_ISOLATION_ON, BOND_NONE, -ENODEV},
        {"virtual", "net_tap0", ATTACH_PCI, 0, BOND_NONE, 0},
        {"virtual, on", "net_tap0", ATTACH_PCI, NETWORK_ISOLATION_ON, BOND_NONE, 1},
        {"bond", "0000:ff:1f.7", ATTACH_PCI, 0, BOND_LACP, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snapshot_network network = {.name = "n0",
                                           .interface = "eth9",
                                           .attach = rows[i].attach,
                                           .flags = rows[i].flags,
                                           .bond = rows[i].bond};
        strcpy(network.device, rows[i].device);
        if (port_flows_wanted(&network, &fault) != rows[i].result)
            fail_msg("%s", rows[i].name);
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {T(test_listener),     T(test_listeners),       T(test_tags),
                                       T(test_queues),       T(test_no_fragments),    T(test_not_isolated),
                                       T(test_no_isolation), T(test_fragments_later), T(test_start_refused),
                                       T(test_reload),       T(test_restart),         T(test_reload_refused),
                                       T(test_not_removed),  T(test_wanted),          T(test_all_listeners)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
