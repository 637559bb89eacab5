// SPDX-License-Identifier: BSD-3-Clause
// Flow isolation (rte_flow_isolate()) of a PCI device that the kernel's own driver keeps, such as mlx5: the
// device gives us what its rules name, and everything else stays with the kernel, on the device's own
// interface. So there is no host path, and what is not ours costs no worker anything.
//
// A port has a rule for each listener's address and port, and one for each address of theirs that takes the
// UDP fragments to it, of which all but the first have no ports. What of the latter are somebody else's is
// lost, as under AF_XDP. A driver that cannot match fragments leaves them with the kernel, where our silent
// sockets swallow them: the log and NETWORK_FRAGMENTS_LOST say so.
//
// Rules are made only of what changed: new ones first, and when one of these is refused, they are taken back
// and what was in force stays. So no rule that stays is ever missing, and none is there twice, which some
// drivers refuse. A device that stops loses its rules and gets them again when it starts (port_start.c).
//
// All calls for one port come from one thread at a time: ports.lock is held but at the start.
#ifndef DIALGATE_PORT_FLOW_H
#define DIALGATE_PORT_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include "dialgate/address.h"
#include "dialgate/snapshot.h"
#include "fault.h"
#include "rules.h"

#define PORT_FLOWS_MAX  (2 * LISTENERS_MAX)
#define PORT_FLOW_WORDS 96u

struct port;
struct rte_eth_rss_conf;
struct rte_flow;

struct port_flow {
    struct ip_address address; // destination
    uint32_t tags;             // of the network's frames (snapshot_tags())
    uint16_t port;             // destination, host order; 0: fragments
    struct rte_flow *rule;     // NULL: none is in force
};

enum port_flow_can { PORT_FLOW_UNKNOWN, PORT_FLOW_CAN, PORT_FLOW_CANNOT };

struct port_flows {
    struct port_flow rows[PORT_FLOWS_MAX]; // that the rules in force want
    unsigned count;
    bool is_isolated, is_started;
    enum port_flow_can fragments[2]; // what the driver can match: fragments of IPv4, of IPv6
    uint64_t rss;                    // RTE_ETH_RSS_*
    const uint8_t *key;              // of RSS
    uint8_t key_size;
    uint64_t failures;           // rules that the driver refused, or did not take away
    char words[PORT_FLOW_WORDS]; // the driver's, of its last refusal; ""
};

// Before EAL: whether the kernel keeps the network's device, so that isolation is to serve. Returns 1, 0
// (host path), or -errno with fault where flow_isolation: on names an interface that is not the device's.
int port_flows_wanted(const struct snapshot_network *network, struct fault *fault);
// The port is not yet configured; one of DPDK's own has its queues. Without isolation nothing is done.
// Returns 0 or -errno of the driver, which says more in words.
int port_flows_isolate(struct port *port);
// The port has started: makes all rules. key: of RSS, kept. Returns 0 or -errno; then none is in force.
int port_flows_start(struct port *port, const struct rte_eth_rss_conf *rss);
// Before the port stops. Without isolation nothing is done.
void port_flows_stop(struct port *port);
// The listeners changed: index is the port's. Makes the rules that are new and removes those that are not
// wanted any more, or notes them for the next start. Returns 0, or -errno with fault: what was stays.
int port_flows_want(struct port *port, const struct rules *rules, unsigned index, struct fault *fault);
unsigned port_flows_in_force(const struct port_flows *flows);
// Fragments to an address of ours stay with the kernel.
bool port_flows_lose_fragments(const struct port_flows *flows);

#endif
