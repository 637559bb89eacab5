// SPDX-License-Identifier: BSD-3-Clause
// One rule of flow isolation (port_flow.h) as rte_flow wants it.
#ifndef DIALGATE_PORT_FLOW_RULE_H
#define DIALGATE_PORT_FLOW_RULE_H

#include <rte_flow.h>
#include "ports.h"

#define PORT_FLOW_QUEUES_MAX 64u

// Ethernet, tags, IP and its destination, then UDP and its destination port, or that it is a fragment of UDP.
// Of a network without tags they are not looked at: a priority tag (IEEE 802.1Q, identifier 0) is none, and
// what comes for our address in another VLAN is dropped and counted. Returns NULL with *error.
struct rte_flow *port_flow_rule_make(const struct port *port, const struct port_flow *flow,
                                     struct rte_flow_error *error);

#endif
