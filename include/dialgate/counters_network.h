// SPDX-License-Identifier: BSD-3-Clause
// The rows of networks in the counters file (counters.h).
#ifndef DIALGATE_COUNTERS_NETWORK_H
#define DIALGATE_COUNTERS_NETWORK_H

#include <assert.h>
#include <stdint.h>

// N(field, metric name, type, help): what the driver says of a network's port, read by the agent each second.
// clang-format off
#define NETWORK_COUNTERS(N)                                                                                            \
    N(received, "dialgate_network_packets_received_total", "counter", "Packets that the driver took from the network.") \
    N(sent, "dialgate_network_packets_sent_total", "counter", "Packets that the driver sent.")                         \
    N(missed, "dialgate_network_packets_missed_total", "counter",                                                      \
      "Packets that the network had for us and the driver did not take: its queues were full.")                        \
    N(receive_errors, "dialgate_network_receive_errors_total", "counter", "Packets received in error.")                \
    N(no_mbufs, "dialgate_network_receive_no_mbuf_total", "counter", "Packets not received for want of a packet buffer.") \
    N(send_errors, "dialgate_network_send_errors_total", "counter", "Packets that the driver could not send.")         \
    N(host_refused, "dialgate_network_host_refused_total", "counter",                                                  \
      "Frames that the kernel's interface of the host path did not take (attach: pci).")                                       \
    N(up, "dialgate_network_up", "gauge", "1: the kernel's interface of the network is up and its link is there.")     \
    N(mtu, "dialgate_network_mtu_bytes", "gauge", "Octets of an IP packet that the network takes.")                    \
    N(no_program, "dialgate_network_prefilter_missing", "gauge",                                                       \
      "1: attach says af_xdp, and AF_PACKET and the software filter serve, since the XDP program could not be had (prefilter.unavailable).") \
    N(resets, "dialgate_network_device_resets_total", "counter",                                                       \
      "Times that the device had to be started again: reset, removed, or for another MTU (attach: pci).")              \
    N(away, "dialgate_network_device_away", "gauge",                                                                   \
      "1: the device is being reset or is gone: nothing is received or sent (attach: pci).")                           \
    N(devices_up, "dialgate_network_devices_up", "gauge", "Devices that have a link (attach: pci).")                   \
    N(flow_rules, "dialgate_network_flow_rules", "gauge",                                                              \
      "Rules by which the device gives us our packets and leaves the others with the kernel (flow_isolation).")        \
    N(flow_failures, "dialgate_network_flow_failures_total", "counter",                                                \
      "Rules of flow isolation that the driver refused, or did not take away.")
// clang-format on

// Bits of `offload`. Checksums that the NIC checks (RX) and makes (TX).
#define NETWORK_OFFLOAD_RX_IP  1u // of IPv4's header
#define NETWORK_OFFLOAD_RX_UDP 2u
#define NETWORK_OFFLOAD_TX_IP  4u
#define NETWORK_OFFLOAD_TX_UDP 8u
// What else it does for us.
#define NETWORK_OFFLOAD_RSS   16u // spreads packets over several queues
#define NETWORK_OFFLOAD_JUMBO 32u // takes frames of more than 1,500 octets of IP
// How the kernel comes to what is not ours; neither: it has the NIC's packets anyway (AF_XDP, AF_PACKET).
#define NETWORK_HOST_PATH 64u
#define NETWORK_ISOLATED  128u // by flow isolation
// With isolation: fragments to our addresses are the kernel's, since the driver cannot match them.
#define NETWORK_FRAGMENTS_LOST 256u

struct counters_network {
#define N(field, name, type, help) uint64_t field;
    NETWORK_COUNTERS(N)
#undef N
    uint64_t offload; // NETWORK_OFFLOAD_* and what stands with them
};
static_assert(sizeof(struct counters_network) == 128, "two lines a network");

#endif
