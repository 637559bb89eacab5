// SPDX-License-Identifier: BSD-3-Clause
#include "datagram.h"
#include <string.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#define ETHERNET 14u
#define UDP      8u

static void put_ipv4(uint8_t *at, const struct ip_address *from, const struct ip_address *to, uint32_t length)
{
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(void *)at;
    *ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
                                .total_length = rte_cpu_to_be_16((uint16_t)(length + 20 + UDP)),
                                .time_to_live = 62,
                                .next_proto_id = IPPROTO_UDP,
                                .src_addr = rte_cpu_to_be_32(ip_ipv4(from)),
                                .dst_addr = rte_cpu_to_be_32(ip_ipv4(to))};
    ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void put_ipv6(uint8_t *at, const struct ip_address *from, const struct ip_address *to, uint32_t length)
{
    struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(void *)at;
    *ip = (struct rte_ipv6_hdr){.vtc_flow = rte_cpu_to_be_32(6u << 28),
                                .payload_len = rte_cpu_to_be_16((uint16_t)(length + UDP)),
                                .proto = IPPROTO_UDP,
                                .hop_limits = 62};
    memcpy(ip->src_addr, from, sizeof(*from));
    memcpy(ip->dst_addr, to, sizeof(*to));
}

static uint16_t udp_sum(bool ipv6, const uint8_t *ip, const void *udp)
{
    return ipv6 ? rte_ipv6_udptcp_cksum((const void *)ip, udp) : rte_ipv4_udptcp_cksum((const void *)ip, udp);
}

struct rte_mbuf *datagram_make(const struct world *world, struct rte_mempool *pool,
                               const struct arrival *from)
{
    const bool ipv6 = world->size.ipv6;
    const uint32_t ip_length = ipv6 ? 40 : 20;
    const struct ip_address *source = &world->parties[from->side][from->party].address;
    const struct ip_address *destination = &world->ours[from->side].address;
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
    if (mbuf == NULL)
        return NULL;
    uint8_t *frame =
        (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(ETHERNET + ip_length + UDP + from->length));
    memset(frame, 2, ETHERNET - 2);
    frame[ETHERNET - 2] = ipv6 ? 0x86 : 0x08;
    frame[ETHERNET - 1] = ipv6 ? 0xdd : 0x00;
    uint8_t *ip = frame + ETHERNET;
    (ipv6 ? put_ipv6 : put_ipv4)(ip, source, destination, from->length);
    struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(void *)(ip + ip_length);
    *udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(WORLD_PORT),
                                .dst_port = rte_cpu_to_be_16(WORLD_PORT),
                                .dgram_len = rte_cpu_to_be_16((uint16_t)(from->length + UDP))};
    memcpy(udp + 1, from->text, from->length);
    udp->dgram_cksum = udp_sum(ipv6, ip, udp);
    return mbuf;
}

// The number in an address, as world.c gives them; the address is compared whole then.
static uint32_t party_of(const struct world *world, enum world_side side, const uint8_t address[16])
{
    uint32_t number;
    if (world->size.ipv6)
        number = side == WORLD_CALLER ? (uint32_t)address[6] << 8 | address[7]
                                      : ((uint32_t)address[14] << 8 | address[15]) - 1;
    else
        number = side == WORLD_CALLER ? (uint32_t)(address[13] - 64) << 8 | address[14]
                                      : (address[14] - 1u) * 200 + address[15] - 1u;
    return number < world->counts[side] ? number : 0;
}

static bool read_ip(const struct world *world, const uint8_t *ip, uint32_t length, struct ip_address ends[2])
{
    if (world->size.ipv6) {
        const struct rte_ipv6_hdr *header = (const void *)ip;
        memcpy(&ends[0], header->src_addr, 16);
        memcpy(&ends[1], header->dst_addr, 16);
        return ip[0] >> 4 == 6 && header->proto == IPPROTO_UDP &&
               rte_be_to_cpu_16(header->payload_len) + 40u == length;
    }
    const struct rte_ipv4_hdr *header = (const void *)ip;
    ends[0] = ip_from_ipv4(rte_be_to_cpu_32(header->src_addr));
    ends[1] = ip_from_ipv4(rte_be_to_cpu_32(header->dst_addr));
    return ip[0] == 0x45 && header->next_proto_id == IPPROTO_UDP &&
           (header->fragment_offset & rte_cpu_to_be_16(0x3fff)) == 0 &&
           rte_be_to_cpu_16(header->total_length) == length;
}

bool datagram_read(const struct world *world, enum world_side side, const struct rte_mbuf *mbuf, bool sums,
                   struct arrival *to)
{
    const bool ipv6 = world->size.ipv6;
    const uint32_t ip_length = ipv6 ? 40 : 20, headers = ETHERNET + ip_length + UDP;
    const uint32_t length = rte_pktmbuf_data_len(mbuf);
    const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *), *ip = frame + ETHERNET;
    struct ip_address ends[2];
    if (mbuf->nb_segs != 1 || length <= headers || memcmp(frame, world_macs[side], 6) != 0 ||
        !read_ip(world, ip, length - ETHERNET, ends))
        return false;
    const struct rte_udp_hdr *udp = (const void *)(ip + ip_length);
    *to = (struct arrival){.side = side,
                           .party = party_of(world, side, ends[1].octets),
                           .text = (const char *)(udp + 1),
                           .length = length - headers};
    if (!ip_equal(&ends[0], &world->ours[side].address) ||
        !ip_equal(&ends[1], &world->parties[side][to->party].address) ||
        udp->src_port != rte_cpu_to_be_16(WORLD_PORT) || udp->dst_port != rte_cpu_to_be_16(WORLD_PORT) ||
        rte_be_to_cpu_16(udp->dgram_len) != to->length + UDP)
        return false;
    // The sum over a datagram that has its own is all ones.
    return !sums || ((ipv6 || rte_raw_cksum(ip, 20) == 0xffff) && udp_sum(ipv6, ip, udp) == 0xffff);
}
