// SPDX-License-Identifier: BSD-3-Clause
// What keys must be to each other.
#include <unistd.h>
#include "rows.h"

#define TWO_LISTENERS                                                                                        \
    "networks: {n: {interface: e0}, m: {interface: e1}}\n"                                                   \
    "listeners:\n"                                                                                           \
    "  - {name: a, network: n, address: 10.0.0.1}\n"                                                         \
    "  - {name: b, network: m, address: 10.0.0.2}\n"                                                         \
    "peers:\n"

#define MEMBER(text)  PEERS "  - {name: r, listener: a, members: [" text "]}\n"
#define SECTION(text) PEERS "  - {name: r, listener: a, sources: [10.1.0.0/16], " text "}\n"
static const struct row rows[] = {
    {"no network", "listeners: [{name: a, network: n, address: 10.0.0.1}]\n",
     "1:1: networks: no network is given; give at least one with its interface"},
    {"empty networks", "networks: {}\n",
     "1:11: networks: no network is given; give at least one with its interface"},
    {"no listener", "networks: {n: {interface: e0}}\n",
     "1:1: listeners: no listener is given; give at least one address of ours"},
    {"interface twice", "networks:\n  n: {interface: e0}\n  m: {interface: e0}\n",
     "3:6: networks.m.vlan: 0 is that of networks.n, too, which shares e0; give each its own VLAN"},
    {"interface of a host path twice",
     "networks:\n  n: {interface: dg-m}\n  m: {attach: pci, device: \"0000:01:00.0\"}\n",
     "3:15: networks.m.attach: differs from networks.n.attach, whose port it shares (dg-m); make them equal"},
    {"device twice",
     "networks:\n  n: {attach: pci, device: \"0000:01:00.0\"}\n  m: {attach: pci, device: "
     "\"0000:01:00.0\"}\n",
     "3:6: networks.m.interface: differs from networks.n.interface, whose port it shares (0000:01:00.0); "
     "make "
     "them equal"},
    {"VLAN twice",
     "networks:\n  n: {interface: e0, vlan: 7, outer_vlan: 9}\n  m: {interface: e0, vlan: 7, outer_vlan: "
     "9}\n",
     "3:28: networks.m.vlan: 7 is that of networks.n, too, which shares e0; give each its own VLAN"},
    {"queues differ on one interface",
     "networks:\n  n: {interface: e0, queues: 2}\n  m: {interface: e0, vlan: 7, queues: 4}\n",
     "3:39: networks.m.queues: differs from networks.n.queues, whose port it shares (e0); make them equal"},
    {"attach differs on one interface",
     "networks:\n  n: {interface: e0}\n  m: {interface: e0, vlan: 7, attach: af_packet}\n",
     "3:39: networks.m.attach: differs from networks.n.attach, whose port it shares (e0); make them equal"},
    {"devices differ on one interface",
     "networks:\n  n: {attach: pci, interface: e0, device: \"0000:01:00.0\"}\n"
     "  m: {attach: pci, interface: e0, vlan: 7, device: \"0000:02:00.0\"}\n",
     "3:52: networks.m.device: differs from networks.n.device, whose port it shares (e0); make them equal"},
    {"outer tag alone by packet sockets",
     "networks:\n  n: {interface: e0, attach: af_packet, outer_vlan: 9}\n",
     "2:53: networks.n.outer_vlan: needs vlan, too, with attach: af_packet"},
    {"no device", "networks:\n  n: {attach: pci}\n",
     "2:6: networks.n.device: attach: pci needs the PCI address of its device, such as 0000:3b:00.0 (lspci "
     "-D)"},
    {"device without its domain", "networks:\n  n: {attach: pci, device: \"3b:00.0\"}\n",
     "2:28: networks.n.device: '3b:00.0' is not a PCI address; give one such as 0000:3b:00.0 (lspci -D)"},
    {"device with function 8", "networks:\n  n: {attach: pci, device: \"0000:3b:00.8\"}\n",
     "2:28: networks.n.device: '0000:3b:00.8' is not a PCI address; give one such as 0000:3b:00.0 (lspci "
     "-D)"},
    {"device with more behind", "networks:\n  n: {attach: pci, device: \"0000:3b:00.0,x=1\"}\n",
     "2:28: networks.n.device: '0000:3b:00.0,x=1' is not a PCI address; give one such as 0000:3b:00.0 (lspci "
     "-D)"},
    {"device without pci", "networks:\n  n: {interface: e0, device: \"0000:3b:00.0\"}\n",
     "2:30: networks.n.device: is for attach: pci only; remove it or attach so"},
    {"devices without a bond",
     "networks:\n  n: {attach: pci, device: [\"0000:3b:00.0\", \"0000:3b:00.1\"]}\n",
     "2:28: networks.n.device: names several devices; say with bond how they are one"},
    {"isolation without pci", "networks:\n  n: {interface: e0, flow_isolation: on}\n",
     "2:38: networks.n.flow_isolation: on is for attach: pci with one device; remove it"},
    {"isolation of a bond",
     "networks:\n  n:\n    attach: pci\n    bond: lacp\n    flow_isolation: on\n    device: "
     "[\"0000:3b:00.0\", "
     "\"0000:3b:00.1\"]\n",
     "5:21: networks.n.flow_isolation: on is for attach: pci with one device; remove it"},
    {"isolation differs on one device",
     "networks:\n  n: {attach: pci, interface: e0, device: \"0000:01:00.0\"}\n"
     "  m: {attach: pci, interface: e0, vlan: 7, device: \"0000:01:00.0\", flow_isolation: off}\n",
     "3:84: networks.m.flow_isolation: differs from networks.n.flow_isolation, whose port it shares "
     "(0000:01:00.0); "
     "make "
     "them equal"},
    {"isolation of another kind", "networks:\n  n: {interface: e0, flow_isolation: perhaps}\n",
     "2:38: networks.n.flow_isolation: 'perhaps' is not known here; give auto | on | off"},
    {"virtual device of a bad name", "networks:\n  n: {attach: pci, device: \"net_tap0,iface=x\"}\n",
     "2:28: networks.n.device: 'net_tap0,iface=x' is not a PCI address; give one such as 0000:3b:00.0 (lspci "
     "-D)"},
    {"virtual device of a bond",
     "networks:\n  n: {attach: pci, bond: lacp, device: [net_memif0, \"0000:3b:00.1\"]}\n",
     "2:26: networks.n.bond: is of PCI devices; net_memif0 is none"},
    {"bond of one device", "networks:\n  n: {attach: pci, device: \"0000:3b:00.0\", bond: lacp}\n",
     "2:50: networks.n.bond: needs several devices; give device a list of them"},
    {"device twice in a bond",
     "networks:\n  n:\n    attach: pci\n    bond: lacp\n    device:\n    - \"0000:3b:00.0\"\n    - "
     "\"0000:3b:00.0\"\n",
     "7:7: networks.n.device[1]: 0000:3b:00.0 stands there already; give each device once"},
    {"device of another's bond",
     "networks:\n  n: {attach: pci, bond: lacp, device: [\"0000:3b:00.0\", \"0000:3b:00.1\"]}\n  m: {attach: "
     "pci, "
     "device: \"0000:3b:00.1\"}\n",
     "3:6: networks.m.interface: differs from networks.n.interface, whose port it shares (0000:3b:00.1); "
     "make them equal"},
    {"too many devices",
     "networks:\n  n:\n    attach: pci\n    device: [\"0000:3b:00.0\", \"0000:3b:00.1\", \"0000:3b:00.2\", "
     "\"0000:3b:00.3\", \"0000:3b:00.4\"]\n",
     "4:78: networks.n.device[4]: is one too many; give at most 4"},
    {"name too long for an interface",
     "networks:\n  thirteencharac: {attach: pci, device: \"0000:3b:00.0\"}\n",
     "2:19: networks.thirteencharac.interface: dg-thirteencharac is longer than an interface's name; give a "
     "shorter one"},
    {"unknown network",
     "networks: {n: {interface: e0}}\nlisteners:\n  - {name: a, network: o, address: 10.0.0.1}\n",
     "3:24: listeners[0].network: no network is called o; add it under networks"},
    {"listener's name twice", BASE "  - {name: a, network: n, address: 10.0.0.2}\n",
     "4:12: listeners[1].name: a is the name of two listeners; rename one"},
    {"listener's address twice", BASE "  - {name: b, network: n, address: 10.0.0.1, port: 5060}\n",
     "4:36: listeners[1].address: listener a has this address and port already; change one"},
    {"advertised in another family",
     BASE "  - {name: b, network: n, address: 10.0.0.2, advertise: '[2001:db8::1]:5060'}\n",
     "4:57: listeners[1].advertise: is of another family than address; give IPv4"},
    {"member of another family",
     BASE "peers:\n  - {name: p, listener: a, members: [{address: '2001:db8::1'}]}\n",
     "5:48: peers[0].members[0].address: is IPv6, and no listener of p is; add one to its listener"},
    {"advertised as another listener",
     BASE "  - {name: b, network: n, address: 10.0.0.2, advertise: '10.0.0.1:5060'}\n",
     "4:57: listeners[1].advertise: is listener a already; give each listener one of its own"},
    {"advertised as another is",
     "networks: {n: {interface: e0}}\nlisteners:\n"
     "  - {name: a, network: n, address: 10.0.0.1, advertise: '192.0.2.1:9'}\n"
     "  - {name: b, network: n, address: 10.0.0.2, advertise: '192.0.2.1:9'}\n",
     "4:57: listeners[1].advertise: is listener a already; give each listener one of its own"},
    {"another is advertised as this",
     "networks: {n: {interface: e0}}\nlisteners:\n"
     "  - {name: a, network: n, address: 10.0.0.1, advertise: '10.0.0.2:5060'}\n"
     "  - {name: b, network: n, address: 10.0.0.2}\n",
     "4:36: listeners[1].address: listener a is advertised as this already; change one"},
    {"advertised at two ports of one address",
     "networks: {n: {interface: e0}}\nlisteners:\n"
     "  - {name: a, network: n, address: 10.0.0.1, advertise: '192.0.2.1:1'}\n"
     "  - {name: b, network: n, address: 10.0.0.2, advertise: '192.0.2.1:2'}\n",
     NULL},
    {"advertised without a port",
     "networks: {n: {interface: e0}}\nlisteners:\n"
     "  - {name: a, network: n, address: 10.0.0.1, advertise: 192.0.2.1}\n",
     "3:57: listeners[0].advertise: '192.0.2.1' is not an address and port; give such as 127.0.0.1:9464 or "
     "[::1]:9464"},
    {"member is what we are advertised as",
     "networks: {n: {interface: e0}}\nlisteners:\n"
     "  - {name: a, network: n, address: 10.0.0.1, advertise: '192.0.2.1:5060'}\n"
     "peers:\n  - {name: p, listener: a, members: [{address: 192.0.2.1}]}\n",
     "5:48: peers[0].members[0].address: is our own listener a; give the peer's address"},
    {"listeners on two ports", BASE "  - {name: b, network: n, address: 10.0.0.1, port: 5061}\n", NULL},
    {"reserved name", BASE "peers:\n  - {name: any-peer, listener: a, sources: [10.1.0.0/16]}\n",
     "5:12: peers[0].name: any-peer means every peer in routes; choose another name"},
    {"peer's name twice", PEERS "  - {name: p, listener: a, sources: [10.1.0.0/16]}\n",
     "10:12: peers[2].name: p is the name of two peers; rename one"},
    {"unknown listener", BASE "peers:\n  - {name: p, listener: b, sources: [10.1.0.0/16]}\n",
     "5:25: peers[0].listener: no listener is called b; add it under listeners"},
    {"unknown listener in a list", BASE "peers:\n  - {name: p, listener: [a, b], sources: [10.1.0.0/16]}\n",
     "5:29: peers[0].listener[1]: no listener is called b; add it under listeners"},
    {"listener twice", TWO_LISTENERS "  - {name: p, listener: [a, b, a], sources: [10.1.0.0/16]}\n",
     "6:32: peers[0].listener[2]: a is given twice; remove one"},
    {"listeners in another order",
     TWO_LISTENERS "  - {name: p, listener: [a, b], members: [{address: 10.0.1.1}], sources: [10.0.1.1]}\n"
                   "  - {name: q, listener: [b, a], members: [{address: 10.0.1.1, port: 9}]}\n",
     "7:53: peers[1].members[0].address: 10.0.1.1 is a member of p and of q, which have different "
     "listeners; give both peers the same ones"},
    {"peer of nobody", BASE "peers:\n  - {name: p, listener: a}\n",
     "5:5: peers[0]: p has neither members nor sources; give one of them"},
    {"peer of sources only", BASE "peers:\n  - {name: p, listener: a, sources: [10.1.0.0/16]}\n", NULL},
    {"member twice",
     BASE "peers:\n  - {name: p, listener: a, members: [{address: 10.0.1.1}, {address: 10.0.1.1}]}\n",
     "5:69: peers[0].members[1].address: is a member of p twice; use weight to give it a larger share"},
    {"member on two ports",
     BASE
     "peers:\n  - {name: p, listener: a, members: [{address: 10.0.1.1}, {address: 10.0.1.1, port: 1}]}\n",
     NULL},
    {"member is our listener", BASE "peers:\n  - {name: p, listener: a, members: [{address: 10.0.0.1}]}\n",
     "5:48: peers[0].members[0].address: is our own listener a; give the peer's address"},
    {"source of two peers",
     PEERS "  - {name: r, listener: a, sources: [10.1.0.0/16]}\n"
           "  - {name: s, listener: a, sources: [10.0.9.9, 10.1.0.0/16]}\n",
     "11:48: peers[3].sources[1]: 10.1.0.0/16 is a source of r already; a prefix has one peer"},
    {"source twice in a peer", PEERS "  - {name: r, listener: a, sources: [10.1.0.0/16, 10.1.0.0/16]}\n",
     "10:51: peers[2].sources[1]: 10.1.0.0/16 is a source of r already; a prefix has one peer"},
    {"source within another's",
     PEERS "  - {name: r, listener: a, sources: [10.1.0.0/16]}\n"
           "  - {name: s, listener: a, sources: [10.1.1.0/24]}\n",
     NULL},
    {"member in another's source", PEERS "  - {name: r, listener: a, sources: [10.0.1.0/24]}\n", NULL},
    {"member behind two listeners",
     TWO_LISTENERS "  - {name: p, listener: a, members: [{address: 10.0.1.1}]}\n"
                   "  - {name: q, listener: b, members: [{address: 10.0.1.1, port: 9}]}\n",
     "7:48: peers[1].members[0].address: 10.0.1.1 is a member of p and of q, which have different "
     "listeners; give both peers the same ones"},
    {"member of two peers",
     TWO_LISTENERS "  - {name: p, listener: a, members: [{address: 10.0.1.1}]}\n"
                   "  - {name: q, listener: a, members: [{address: 10.0.1.1, port: 9}]}\n",
     "7:48: peers[1].members[0].address: 10.0.1.1 is a member of p too, so requests from it could be from "
     "either; add "
     "it to the sources of one of them"},
    {"member of two peers, settled",
     TWO_LISTENERS
     "  - {name: p, listener: a, members: [{address: 10.0.1.1}]}\n"
     "  - {name: q, listener: a, members: [{address: 10.0.1.1, port: 9}], sources: [10.0.1.1/32]}\n",
     NULL},
    {"settled, but behind two listeners",
     TWO_LISTENERS
     "  - {name: p, listener: a, members: [{address: 10.0.1.1}]}\n"
     "  - {name: q, listener: b, members: [{address: 10.0.1.1, port: 9}], sources: [10.0.1.1/32]}\n",
     "7:48: peers[1].members[0].address: 10.0.1.1 is a member of p and of q, which have different "
     "listeners; give both peers the same ones"},
    {"route from nobody", PEERS "routes: [{from: r, to: p}]\n",
     "10:17: routes[0].from: no peer is called r; give a peer's name or any-peer"},
    {"route without from", PEERS "routes: [{to: p}]\n", "10:10: routes[0].from: is missing; give a name"},
    {"route to nobody", PEERS "routes: [{from: p, to: any-peer}]\n",
     "10:24: routes[0].to: no peer is called any-peer; add it under peers"},
    {"route to a peer without members",
     PEERS "  - {name: r, listener: a, sources: [10.1.0.0/16]}\nroutes: [{from: p, to: r}]\n",
     "11:24: routes[0].to: r has no members to send to; add members to it"},
    {"route without end", PEERS "routes:\n  - {from: p, to: q}\n  - {from: q}\n",
     "12:5: routes[1]: gives neither to nor answer nor redirect; give one of them"},
    {"route of two ends", PEERS "routes: [{from: p, to: q, answer: 403}]\n",
     "10:10: routes[0]: gives more than one of to, answer and redirect; give one of them"},
    {"route of ACK", PEERS "routes: [{from: p, method: ACK, to: q}]\n",
     "10:28: routes[0].method: ACK and CANCEL go where their INVITE went; remove the route"},
    {"INVITE answered 200", PEERS "routes: [{from: p, method: INVITE, answer: 200}]\n",
     "10:28: routes[0].method: an INVITE cannot be answered with 200 without anybody to talk to; give "
     "another method "
     "such as OPTIONS, or a status from 300"},
    {"all answered 200", PEERS "routes: [{from: p, answer: 200}]\n",
     "10:10: routes[0].method: an INVITE cannot be answered with 200 without anybody to talk to; give "
     "another method "
     "such as OPTIONS, or a status from 300"},
    {"INVITE answered 403", PEERS "routes: [{from: p, method: INVITE, answer: 403}]\n", NULL},
    {"answer of no status", PEERS "routes: [{from: p, answer: 100}]\n",
     "10:28: routes[0].answer: 100 is out of range; give 200 to 699"},
    {"member of address and host", MEMBER("{address: 10.0.1.9, host: sbc.example.net}"),
     "10:38: peers[2].members[0]: has both address and host; give one of them"},
    {"member of a host", MEMBER("{host: sbc-1.example.net, priority: 2, capacity: 100, calls_per_second: 5}"),
     NULL},
    {"host that is none", MEMBER("{host: sbc_1.example.net}"),
     "10:45: peers[2].members[0].host: 'sbc_1.example.net' is not a host name; give one such as "
     "sbc.example.net"},
    {"host with an empty label", MEMBER("{host: sbc..net}"),
     "10:45: peers[2].members[0].host: 'sbc..net' is not a host name; give one such as sbc.example.net"},
    {"host that is an address", MEMBER("{host: 10.0.1.9}"),
     "10:45: peers[2].members[0].host: '10.0.1.9' is an address; give it as address"},
    {"host that ends in a hyphen", MEMBER("{host: sbc-.net}"),
     "10:45: peers[2].members[0].host: 'sbc-.net' is not a host name; give one such as sbc.example.net"},
    {"the same host twice", MEMBER("{host: a.b}, {host: a.b}"),
     "10:58: peers[2].members[1].host: is a member of r twice; use weight to give it a larger share"},
    {"priority beyond", MEMBER("{host: a.b, priority: 17}"),
     "10:60: peers[2].members[0].priority: 17 is out of range; give 1 to 16"},
    {"fail-over after timer B", SECTION("failover: {after: 32s}"),
     "10:70: peers[2].failover.after: is not shorter than timers.b, when the request ends anyway; give less"},
    {"fail-over on a success", SECTION("failover: {statuses: [503, 200]}"),
     "10:79: peers[2].failover.statuses[1]: '200' is not a status of a refusal; give 300 to 699"},
    {"fail-over on too many", SECTION("failover: {statuses: [500, 501, 502, 503, 504, 505, 506, 507, 508]}"),
     "10:73: peers[2].failover.statuses: has too many entries; Excessive entries (8 max) in sequence."},
    {"fail-over at its defaults", SECTION("failover: {attempts: 3, statuses: [408, 503]}"), NULL},
    {"fail-over on none", SECTION("failover: {statuses: []}"), NULL},
    {"fail-over", SECTION("failover: {after: 500ms, attempts: 8, statuses: [302, 599]}"), NULL},
    {"fail-over on a 6xx", SECTION("failover: {statuses: [503, 603]}"),
     "10:79: peers[2].failover.statuses[1]: 603 is a refusal for all members (RFC 3261 16.7); give 300 to "
     "599"},
    {"probes", SECTION("probe: {interval: 5s}"), NULL},
    {"probes with all that there is",
     SECTION("probe: {interval: 1h, timeout: 32s, down_after: 100, up_after: 100, jitter: 50, accept: [404], "
             "from: \"sip:probe@example.net\"}"),
     NULL},
    {"overload at its defaults", BASE "overload: {turn: 10ms, mbufs: 90}\n", NULL},
    {"overload", BASE "overload: {transactions: 10, mbufs: 100, turn: 1ms, retry_after: 0s}\n", NULL},
    {"probe slower than its interval", SECTION("probe: {interval: 2s, timeout: 3s}"),
     "10:83: peers[2].probe.timeout: is longer than interval; give it or less"},
    {"probe from no URI", SECTION("probe: {from: nobody}"),
     "10:66: peers[2].probe.from: 'nobody' is not a SIP URI; give one such as sip:probe@example.net"},
    {"burst without a rate", SECTION("limits: {burst: 5}"),
     "10:68: peers[2].limits.burst: is given without calls_per_second; give that too"},
    {"burst out without a rate", SECTION("limits: {calls_per_second: 5, out_burst: 5}"),
     "10:93: peers[2].limits.out_burst: is given without out_calls_per_second; give that too"},
    {"reply that is none", SECTION("limits: {reply: 500}"),
     "10:68: peers[2].limits.reply: '500' is not known here; give 503 | 486 | 480"},
    {"route with all that fits together",
     PEERS
     "routes: [{from: p, to: q, listener: a, uri_user: '+49', uri_host: example.net, to_user: '1', "
     "to_host: 10.0.0.1, header: X-A, header_value: b, strip: 1, prepend: '00', set_host: 'a.b:5070'}]\n",
     NULL},
    {"route of a listener that is none", PEERS "routes: [{from: p, to: q, listener: b}]\n",
     "10:37: routes[0].listener: is no listener's name; add it under listeners"},
    {"strip without to", PEERS "routes: [{from: p, answer: 404, strip: 1}]\n",
     "10:40: routes[0].strip: is given without to; give that too"},
    {"prepend of no user", PEERS "routes: [{from: p, to: q, prepend: 'a@b'}]\n",
     "10:36: routes[0].prepend: holds what no user part may hold; give digits or letters"},
    {"host of no host", PEERS "routes: [{from: p, to: q, set_host: 'a.b:0'}]\n",
     "10:37: routes[0].set_host: is not host or host:port"},
    {"value of no header", PEERS "routes: [{from: p, to: q, header_value: a}]\n",
     "10:41: routes[0].header_value: is given without header; give that too"},
    {"header of no name", PEERS "routes: [{from: p, to: q, header: 'X:'}]\n",
     "10:35: routes[0].header: is not the name of a header"},
    {"Retry-After of a way on", PEERS "routes: [{from: p, to: q, retry_after: 5s}]\n",
     "10:40: routes[0].retry_after: is given without answer; give that too"},
    {"redirect", PEERS "routes: [{from: p, method: INVITE, redirect: 'sip:a@b.c'}]\n", NULL},
    {"redirect to no URI", PEERS "routes: [{from: p, redirect: 'a b'}]\n",
     "10:30: routes[0].redirect: is not a URI; give one such as sip:support@example.net"},
    {"redirect of a BYE", PEERS "routes: [{from: p, method: BYE, redirect: 'sip:a@b.c'}]\n",
     "10:43: routes[0].redirect: is for INVITE; give method: INVITE or none"},
    {"mbufs for the queues",
     "networks: {n: {interface: e0, queues: 16}}\nlisteners: [{name: a, network: n, address: "
     "10.0.0.1}]\nmemory:\n  mbufs: 32768\n",
     "4:10: memory.mbufs: 32768 is too few for 16 queues; give at least 65536"},
    {"memory for the mbufs", BASE "memory: {mb: 512, mbufs: 262144}\n",
     "4:14: memory.mb: 512 is too little for 262144 mbufs; give at least 857"},
    {"T2 below T1", BASE "timers: {t1: 2s, t2: 1s}\n",
     "4:22: timers.t2: is shorter than t1; give t1 or more"},
    {"early lifetime below timer C", BASE "dialogs: {early_lifetime: 3m}\n",
     "4:27: dialogs.early_lifetime: is not longer than timers.c, which ends calls that only ring; give more "
     "than it"},
    {"timer C above the early lifetime", BASE "timers: {c: 10m}\n",
     "1:1: dialogs.early_lifetime: is not longer than timers.c, which ends calls that only ring; give more "
     "than it"},
    {"keepalive too often", BASE "dialogs: {keepalive: 9s}\n",
     "4:22: dialogs.keepalive: 9s is out of range; give 10s to 1h"},
    {"lifetime below early lifetime", BASE "dialogs: {lifetime: 4m}\n",
     "4:21: dialogs.lifetime: is shorter than early_lifetime; give it or more"},
    {"deny twice", BASE "prefilter: {deny: [10.0.0.0/8, 10.0.0.0/8]}\n",
     "4:32: prefilter.deny[1]: is given twice; remove one"},
};

static void test_rows(void **state)
{
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

typedef void row_writer(FILE *out, size_t index);

static void write_network(FILE *out, size_t index)
{
    fprintf(out, "  n%zu: {interface: e%zu}\n", index, index);
}

static void write_listener(FILE *out, size_t index)
{
    fprintf(out, "  - {name: a%zu, network: n, address: 10.1.0.%zu}\n", index, index);
}

static void write_peer(FILE *out, size_t index)
{
    fprintf(out, "  - {name: p%zu, listener: a, sources: [10.1.%zu.%zu]}\n", index, index / 256, index % 256);
}

static void write_route(FILE *out, size_t index)
{
    fputs("  - {from: p, to: q}\n", out);
}

static void write_member(FILE *out, size_t index)
{
    fprintf(out, "      - {address: 10.1.%zu.%zu}\n", index / 256, index % 256);
}

static void write_members(FILE *out, size_t index)
{
    fprintf(out, "  - {name: p%zu, listener: a, members: [", index);
    for (size_t i = 0; i < 1024; i++)
        fprintf(out, "%s{address: 10.%zu.%zu.%zu}", i ? ", " : "", index + 1, i / 256, i % 256);
    fputs("]}\n", out);
}

static const struct {
    const char *head;
    row_writer *write;
    size_t most;
    const char *error;
} most_rows[] = {
    {"memory: {mbufs: 65536}\nlisteners: [{name: a, network: n0, address: 10.9.0.1}]\nnetworks:\n",
     write_network, NETWORKS_MAX, "t:20:3: networks.n16: is one network too many; give at most 16"},
    {"networks: {n: {interface: e0}}\nlisteners:\n", write_listener, LISTENERS_MAX,
     "t:3:3: listeners: has too many entries"},
    {BASE "peers:\n", write_peer, PEERS_MAX, "t:5:3: peers: has too many entries"},
    {PEERS "routes:\n", write_route, ROUTES_MAX, "t:11:3: routes: has too many entries"},
    {BASE "peers:\n  - name: p\n    listener: a\n    members:\n", write_member, MEMBERS_MAX,
     "t:8:7: peers[0].members: has too many entries"},
    {BASE "peers:\n", write_members, 4, "t:9:5: peers[4]: there are too many addresses up to here"},
};

// The most that a list may have is taken, and compiles; one entry more is refused.
static void test_most(void **state)
{
    for (size_t i = 0; i < sizeof(most_rows) / sizeof(most_rows[0]); i++)
        for (size_t count = most_rows[i].most; count <= most_rows[i].most + 1; count++) {
            char *text = NULL, error[256] = "";
            size_t size = 0;
            FILE *out = open_memstream(&text, &size);
            assert_non_null(out);
            fputs(most_rows[i].head, out);
            for (size_t row = 0; row < count; row++)
                most_rows[i].write(out, row);
            fclose(out);
            struct config *config = config_parse(text, size, "t", error, sizeof(error));
            if (count > most_rows[i].most) {
                if (config || strncmp(error, most_rows[i].error, strlen(most_rows[i].error)) != 0)
                    fail_msg("expected '%s', got '%s'", most_rows[i].error, error);
            } else {
                if (!config)
                    fail_msg("%s", error);
                struct manifest *manifest = manifest_create();
                int fd = -1;
                struct compile_input input = {.config = config, .manifest = manifest, .sequence = 1};
                assert_int_equal(config_compile(&input, &fd, &size, error, sizeof(error)), 0);
                close(fd);
                manifest_free(manifest);
            }
            config_free(config);
            free(text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_most)};
    return cmocka_run_group_tests_name("config check", tests, NULL, NULL);
}
