// SPDX-License-Identifier: BSD-3-Clause
// Ethernet, IPv4 and UDP are checked against the octets that are really there; what is not for one of our
// listeners is counted and dropped (under AF_XDP the kernel has had it already; under AF_PACKET the kernel
// sees a copy of everything).
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>
#include <rte_udp.h>
#include "checksum.h"
#include "worker_core.h"

static bool udp_sum_is_right(const struct rte_ipv4_hdr *ip, const struct rte_udp_hdr *udp, uint32_t octets)
{
    unsigned long long pseudo =
        checksum_pseudo(ip->src_addr, ip->dst_addr, rte_cpu_to_be_16((uint16_t)octets));
    return checksum_fold(checksum_add(pseudo, udp, octets)) == 0xffff;
}

static enum counter screen_udp(const struct worker *worker, struct rte_mbuf *mbuf,
                               const struct rte_ipv4_hdr *ip, uint32_t ip_octets)
{
    uint32_t header = (uint32_t)(ip->version_ihl & 0x0f) * 4;
    if (ip_octets < header + sizeof(struct rte_udp_hdr))
        return COUNTER_DROP_UDP_HEADER;
    const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)((const uint8_t *)ip + header);
    uint32_t udp_octets = rte_be_to_cpu_16(udp->dgram_len);
    if (udp_octets < sizeof(*udp) || udp_octets > ip_octets - header)
        return COUNTER_DROP_UDP_HEADER;
    // 0 means that the sender computed none (RFC 768).
    if (udp->dgram_cksum != 0 && !udp_sum_is_right(ip, udp, udp_octets))
        return COUNTER_DROP_UDP_HEADER;
    uint32_t to = rte_be_to_cpu_32(ip->dst_addr);
    uint16_t listener = rules_listener(worker->rules, to, rte_be_to_cpu_16(udp->dst_port));
    struct packet *packet = packet_of(mbuf);
    if (listener == NUMBER_NONE || worker->rules->listeners[listener].network != packet->network)
        return COUNTER_DROP_NOT_OURS;
    packet->source = (struct endpoint){.address = rte_be_to_cpu_32(ip->src_addr),
                                       .port = rte_be_to_cpu_16(udp->src_port),
                                       .listener = listener};
    packet->payload = (const uint8_t *)(udp + 1);
    packet->length = (uint16_t)(udp_octets - sizeof(*udp));
    return COUNTER_COUNT;
}

// COUNTER_COUNT: it is ours.
static enum counter screen(const struct worker *worker, struct rte_mbuf *mbuf)
{
    uint32_t octets = rte_pktmbuf_data_len(mbuf);
    if (octets < sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) || mbuf->nb_segs != 1)
        return COUNTER_DROP_NOT_IP;
    const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
    if (ethernet->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
        return COUNTER_DROP_NOT_IP;
    const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(ethernet + 1);
    uint32_t header = (uint32_t)(ip->version_ihl & 0x0f) * 4;
    uint32_t total = rte_be_to_cpu_16(ip->total_length);
    octets -= sizeof(*ethernet);
    if (ip->version_ihl >> 4 != 4 || header < sizeof(*ip) || total < header || total > octets)
        return COUNTER_DROP_IP_HEADER;
    if (ip->next_proto_id != IPPROTO_UDP)
        return COUNTER_DROP_NOT_UDP;
    if (rte_be_to_cpu_16(ip->fragment_offset) & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
        return COUNTER_DROP_FRAGMENT;
    // The sum over a header with its checksum in place is all ones when it is right (RFC 1071).
    if (checksum_fold(header == CHECKSUM_HEADER ? checksum_header(ip) : checksum_add(0, ip, header)) !=
        0xffff)
        return COUNTER_DROP_IP_HEADER;
    return screen_udp(worker, mbuf, ip, total);
}

unsigned screen_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        enum counter outcome = screen(worker, mbufs[i]);
        if (outcome == COUNTER_COUNT) {
            mbufs[kept++] = mbufs[i];
            continue;
        }
        count(worker, outcome);
        if (worker->captures != NULL)
            capture_frame(worker, mbufs[i], (uint16_t)outcome, 0);
        rte_pktmbuf_free(mbufs[i]);
    }
    return kept;
}
