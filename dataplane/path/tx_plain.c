// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include "checksum.h"
#include "frame.h"
#include "worker_core.h"

struct plain_frame {
    struct rte_ether_hdr ethernet;
    struct rte_ipv4_hdr ip;
    struct rte_udp_hdr udp;
} __rte_packed __rte_aligned(2); // the mbuf's headroom is even
static_assert(sizeof(struct plain_frame) == FRAME_HEADERS, "the room that tx_open leaves");

void tx_plain_renew(struct tx_plains *plains, uint64_t rules, uint64_t nexthops)
{
    for (unsigned i = 0; i < TX_PLAIN_ROWS; i++)
        plains->rows[i].way = TX_PLAIN_NOWHERE;
    plains->rules = rules;
    plains->nexthops = nexthops;
}

const struct tx_plain *tx_plain_keep(struct worker *worker, const struct endpoint *to,
                                     const struct nexthop *hop)
{
    const struct snapshot_listener *listener = &worker->rules->listeners[to->listener];
    const struct nexthop_network *network = &worker->nexthops->networks[listener->network];
    struct plain_frame frame = {
        .ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
        .ip = {.version_ihl = RTE_IPV4_VHL_DEF,
               .time_to_live = 64,
               .next_proto_id = IPPROTO_UDP,
               .src_addr = rte_cpu_to_be_32(ip_ipv4(&listener->address)),
               .dst_addr = rte_cpu_to_be_32(ip_ipv4(&to->address))},
        .udp = {.src_port = rte_cpu_to_be_16(listener->port), .dst_port = rte_cpu_to_be_16(to->port)},
    };
    memcpy(&frame.ethernet.dst_addr, hop->mac, sizeof(hop->mac));
    memcpy(&frame.ethernet.src_addr, network->mac, sizeof(network->mac));
    uint64_t way = tx_plain_way(to);
    struct tx_plain *row = &worker->plains.rows[tx_plain_place(way)];
    *row = (struct tx_plain){
        .way = way,
        .header_sum = checksum_fold(checksum_header(&frame.ip)),
        .pseudo_sum = checksum_fold(checksum_pseudo(frame.ip.src_addr, frame.ip.dst_addr, 0)),
        .room = (uint16_t)RTE_MIN(hop->mtu - FRAME_IPV4 - FRAME_UDP, tx_small_room(worker)),
        .network = (uint8_t)listener->network};
    memcpy(row->octets, &frame, sizeof(frame));
    return row;
}

// The NIC makes sums of this frame: of IPv4's header over a 0, of UDP over the sum of the pseudo header.
static void leave_sums(struct rte_mbuf *mbuf, uint8_t offload)
{
    mbuf->l2_len = FRAME_ETHERNET;
    mbuf->l3_len = FRAME_IPV4;
    mbuf->ol_flags |= RTE_MBUF_F_TX_IPV4;
    if (offload & WORKER_OFFLOAD_IP)
        mbuf->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (offload & WORKER_OFFLOAD_UDP)
        mbuf->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
}

static uint16_t udp_sum(const struct plain_frame *frame, unsigned long long pseudo, uint32_t octets)
{
    uint32_t ports;
    memcpy(&ports, &frame->udp, sizeof(ports));
    uint16_t sum = checksum_fold(checksum_add(pseudo + ports + frame->udp.dgram_len, frame + 1, octets));
    return sum == 0xffff ? sum : (uint16_t)~sum; // 0 would say that there is none (RFC 768)
}

void tx_plain_make(struct worker *worker, const struct tx_plain *row, struct rte_mbuf *mbuf, uint32_t octets)
{
    struct plain_frame *frame = rte_pktmbuf_mtod(mbuf, struct plain_frame *);
    uint8_t offload = worker->parts.offload[row->network];
    uint16_t udp_octets = rte_cpu_to_be_16((uint16_t)(octets + FRAME_UDP));
    uint16_t ip_octets = rte_cpu_to_be_16((uint16_t)(octets + FRAME_UDP + FRAME_IPV4));
    uint16_t id = rte_cpu_to_be_16(worker->ip_id++);
    unsigned long long pseudo = (unsigned long long)row->pseudo_sum + udp_octets;
    memcpy(frame, row->octets, sizeof(*frame));
    frame->ip.total_length = ip_octets;
    frame->ip.packet_id = id;
    frame->udp.dgram_len = udp_octets;
    if (!(offload & WORKER_OFFLOAD_IP))
        frame->ip.hdr_checksum =
            (uint16_t)~checksum_fold((unsigned long long)row->header_sum + ip_octets + id);
    frame->udp.dgram_cksum =
        offload & WORKER_OFFLOAD_UDP ? checksum_fold(pseudo) : udp_sum(frame, pseudo, octets);
    if (offload != 0)
        leave_sums(mbuf, offload);
    mbuf->data_len = (uint16_t)(FRAME_HEADERS + octets);
    mbuf->pkt_len = mbuf->data_len;
}
