// SPDX-License-Identifier: BSD-3-Clause
#include "port_flow.h"

#include <errno.h>
#include <limits.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "log.h"
#include "port_flow_rule.h"

#define PCI_DEVICES "/sys/bus/pci/devices/"

static bool is_own_interface(const struct snapshot_network *network)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), PCI_DEVICES "%s/net/%s", network->device, network->interface);
    return access(path, F_OK) == 0;
}

// Of a device of DPDK's own only the operator knows which interface it shares with the kernel.
int port_flows_wanted(const struct snapshot_network *network, struct fault *fault)
{
    const bool is_virtual = port_device_is_virtual(network->device);

    if (network->attach != ATTACH_PCI || network->bond != BOND_NONE ||
        (network->flags & NETWORK_ISOLATION_OFF))
        return 0;
    if (!is_virtual && is_own_interface(network))
        return 1;
    if (!(network->flags & NETWORK_ISOLATION_ON))
        return 0;
    if (is_virtual)
        return 1;
    return fault_set(fault, ENODEV,
                     "network %s: flow_isolation: on, and the kernel has no interface %s of device %s; name "
                     "that of its driver (ls " PCI_DEVICES "%s/net), or set "
                     "networks.%s.flow_isolation: off",
                     network->name, network->interface, network->device, network->device, network->name);
}

static void keep_words(struct port_flows *flows, const struct rte_flow_error *error, int number)
{
    snprintf(flows->words, sizeof(flows->words), "%s",
             error->message != NULL ? error->message : strerror(number));
}

int port_flows_isolate(struct port *port)
{
    struct rte_flow_error error = {0};
    int result = port->flows.is_isolated ? rte_flow_isolate(port->id, 1, &error) : 0;

    port->flows.words[0] = '\0';
    if (result < 0)
        keep_words(&port->flows, &error, -result);
    return result;
}

static enum port_flow_can *fragments_of(struct port_flows *flows, const struct port_flow *flow)
{
    return &flows->fragments[ip_is_ipv4(&flow->address) ? 0 : 1];
}

static void tell_lost(const struct port *port, const struct port_flow *flow)
{
    log_event(LOG_WARNING, "flow_fragments",
              "network=%s device=%s version=%u reason=\"%s\" lost=\"requests and responses that come in "
              "fragments\"",
              port->network->name, port->network->device, ip_is_ipv4(&flow->address) ? 4u : 6u,
              port->flows.words);
}

// What the driver cannot match at all is no failure of this rule. Returns 0 or -errno with words.
static int make(struct port *port, struct port_flow *flow)
{
    struct port_flows *flows = &port->flows;
    enum port_flow_can *can = fragments_of(flows, flow);
    struct rte_flow_error error = {0};

    if (flow->rule != NULL || (flow->port == 0 && *can == PORT_FLOW_CANNOT))
        return 0;
    flow->rule = port_flow_rule_make(port, flow, &error);
    if (flow->rule != NULL) {
        if (flow->port == 0)
            *can = PORT_FLOW_CAN;
        return 0;
    }
    const int number = rte_errno != 0 ? rte_errno : EIO;
    keep_words(flows, &error, number);
    if (flow->port == 0 && *can == PORT_FLOW_UNKNOWN) {
        *can = PORT_FLOW_CANNOT;
        tell_lost(port, flow);
        flows->words[0] = '\0';
        return 0;
    }
    flows->failures++;
    return -number;
}

static void destroy(struct port *port, struct port_flow *flow)
{
    struct rte_flow_error error = {0};
    int result = flow->rule == NULL ? 0 : rte_flow_destroy(port->id, flow->rule, &error);

    flow->rule = NULL;
    if (result == 0)
        return;
    keep_words(&port->flows, &error, -result);
    port->flows.failures++;
    log_event(LOG_ERROR, "flow_not_removed", "network=%s device=%s reason=\"%s\"", port->network->name,
              port->network->device, port->flows.words);
}

// In order, each row that has none; when one is refused, those that were made here go again.
static int make_all(struct port *port, struct port_flow *rows, unsigned count)
{
    bool is_made[PORT_FLOWS_MAX] = {false};
    int result = 0;

    for (unsigned i = 0; i < count && result == 0; i++) {
        const bool was_there = rows[i].rule != NULL;

        result = make(port, &rows[i]);
        is_made[i] = !was_there && rows[i].rule != NULL;
    }
    for (unsigned i = 0; i < count && result < 0; i++) {
        if (is_made[i])
            destroy(port, &rows[i]);
    }
    return result;
}

int port_flows_start(struct port *port, const struct rte_eth_rss_conf *rss)
{
    struct port_flows *flows = &port->flows;
    int result;

    if (!flows->is_isolated)
        return 0;
    flows->rss = rss->rss_hf;
    flows->key = rss->rss_key;
    flows->key_size = rss->rss_key_len;
    flows->fragments[0] = flows->fragments[1] = PORT_FLOW_UNKNOWN; // it may be another device
    result = make_all(port, flows->rows, flows->count);
    flows->is_started = result == 0;
    if (result < 0)
        return result;
    log_event(LOG_INFO, "flow_isolation", "network=%s device=%s interface=%s rules=%u fragments=%s",
              port->network->name, port->network->device, port->network->interface,
              port_flows_in_force(flows), port_flows_lose_fragments(flows) ? "kernel" : "ours");
    return 0;
}

void port_flows_stop(struct port *port)
{
    struct port_flows *flows = &port->flows;
    struct rte_flow_error error;

    if (!flows->is_started)
        return;
    flows->is_started = false;
    rte_flow_flush(port->id, &error); // of a device that is gone there is nothing to take away
    for (unsigned i = 0; i < flows->count; i++)
        flows->rows[i].rule = NULL;
}

static struct port_flow *find(struct port_flow *rows, unsigned count, const struct port_flow *flow)
{
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].port == flow->port && rows[i].tags == flow->tags &&
            ip_equal(&rows[i].address, &flow->address))
            return &rows[i];
    }
    return NULL;
}

// What the port's listeners want, without rules. rows: PORT_FLOWS_MAX.
static unsigned gather(const struct rules *rules, unsigned index, struct port_flow *rows)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < rules->listener_count; i++) {
        const struct snapshot_listener *listener = &rules->listeners[i];
        const uint32_t tags = snapshot_tags(&rules->networks[listener->network]);
        const struct port_flow fragments = {.address = listener->address, .tags = tags};

        if (rules->ports.of[listener->network] != index)
            continue;
        rows[count++] =
            (struct port_flow){.address = listener->address, .tags = tags, .port = listener->port};
        if (find(rows, count, &fragments) == NULL)
            rows[count++] = fragments;
    }
    return count;
}

int port_flows_want(struct port *port, const struct rules *rules, unsigned index, struct fault *fault)
{
    struct port_flows *flows = &port->flows;
    struct port_flow rows[PORT_FLOWS_MAX];
    unsigned count;
    int result = 0;

    if (!flows->is_isolated)
        return 0;
    count = gather(rules, index, rows);
    for (unsigned i = 0; i < count; i++) {
        const struct port_flow *there = find(flows->rows, flows->count, &rows[i]);

        rows[i].rule = there != NULL ? there->rule : NULL;
    }
    if (flows->is_started)
        result = make_all(port, rows, count);
    if (result < 0)
        return fault_set(fault, -result,
                         "network %s: device %s does not take the rules of the listeners: %s; it keeps those "
                         "that it has; give fewer listeners, or see what its driver logged",
                         port->network->name, port->network->device, flows->words);
    for (unsigned i = 0; i < flows->count; i++) {
        if (find(rows, count, &flows->rows[i]) == NULL)
            destroy(port, &flows->rows[i]);
    }
    memcpy(flows->rows, rows, count * sizeof(rows[0]));
    flows->count = count;
    return 0;
}

unsigned port_flows_in_force(const struct port_flows *flows)
{
    unsigned count = 0;

    for (unsigned i = 0; i < flows->count; i++)
        count += flows->rows[i].rule != NULL;
    return count;
}

bool port_flows_lose_fragments(const struct port_flows *flows)
{
    return flows->fragments[0] == PORT_FLOW_CANNOT || flows->fragments[1] == PORT_FLOW_CANNOT;
}
