// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Reads a received frame as far as the prefilter needs. Lengths that the packet claims are only ever used to
// look at less.
//
// The driver loads this program without CAP_PERFMON, where the verifier refuses to add a variable to a packet
// pointer or to subtract two. So the packet that nearly every one is (at most one tag, no options or
// extension headers, whole) is read in place, at constant offsets, and every other one by helpers.
#ifndef DIALGATE_PACKET_BPF_H
#define DIALGATE_PACKET_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "payload.h"

#define IP_MORE        0x2000 // fragments follow
#define IP_OFFSET      0x1fff // in units of 8 octets
#define IP6_MORE       0x0001
#define IP6_OFFSET     0xfff8
#define TAG_VLAN       0x0fff
#define TAG_SIZE       4
#define PAYLOAD4       (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr)) // untagged
#define PAYLOAD6       (sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr))
#define HEADER_ROUTING 43
#define HEADER_OPTIONS 60 // destination options

enum packet_kind {
    PACKET_OTHER,    // no UDP, or too broken to tell its port: the kernel's
    PACKET_FRAGMENT, // of UDP, without ports
    PACKET_FIRST,    // a fragment with the UDP header
    PACKET_DATAGRAM,
    PACKET_ELSEWHERE // not read yet
};

struct packet {
    struct prefilter_listener to;
    struct prefilter_address source;
    __u32 offset; // of the payload in the frame; 0: none is known
    __u32 length; // of the payload, as UDP says: a short frame is padded
    __u16 source_port;
    __u16 ipv6; // 1: not IPv4
};

// What is behind the UDP header that is at `offset`.
static __always_inline void packet_udp(struct packet *packet, const struct udphdr *udp, __u32 offset)
{
    __u32 length = bpf_ntohs(udp->len);

    packet->to.port = udp->dest;
    packet->source_port = udp->source;
    packet->offset = offset + sizeof(*udp);
    packet->length = length > sizeof(*udp) ? length - sizeof(*udp) : 0;
}

static __always_inline void packet_ipv4(struct prefilter_address *to, __u32 ipv4)
{
    to->words[0] = to->words[1] = 0;
    to->words[2] = bpf_htonl(0xffff);
    to->words[3] = ipv4;
}

static __always_inline bool packet_is_mapped(const struct in6_addr *address)
{
    const __u32 *words = address->in6_u.u6_addr32;

    return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

// A fragment's ports, when it has them: a middle one has none, a tiny first one less than them.
static __always_inline enum packet_kind packet_ports(struct xdp_md *ctx, struct packet *packet, __u32 offset,
                                                     __u32 fragment_offset, __u32 more)
{
    struct udphdr udp;

    if (fragment_offset == 0 && bpf_xdp_load_bytes(ctx, offset, &udp, sizeof(udp)) == 0) {
        packet_udp(packet, &udp, offset);
        return more ? PACKET_FIRST : PACKET_DATAGRAM;
    }
    return fragment_offset || more ? PACKET_FRAGMENT : PACKET_OTHER;
}

static __always_inline enum packet_kind packet_read_ipv4(struct xdp_md *ctx, struct packet *packet,
                                                         __u32 offset)
{
    struct iphdr ip;

    if (bpf_xdp_load_bytes(ctx, offset, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
        ip.protocol != IPPROTO_UDP)
        return PACKET_OTHER;
    packet_ipv4(&packet->source, ip.saddr);
    packet_ipv4(&packet->to.address, ip.daddr);
    __u32 fragment = bpf_ntohs(ip.frag_off);
    return packet_ports(ctx, packet, offset + ip.ihl * 4, fragment & IP_OFFSET, fragment & IP_MORE);
}

// Every extension header that is skipped begins so; the fragment header's length is 8 octets (RFC 8200 4.5).
struct extension {
    __u8 next;
    __u8 length; // in units of 8 octets, not including the first 8
    __u8 type;
    __u8 left; // of a routing header: segments
    __u8 rest[4];
};

// Returns the offset behind the header, 0 when it is none that is skipped: then UDP or what is the kernel's.
static __always_inline __u32 packet_skip(__u8 header, const struct extension *extension, __u32 offset)
{
    // With segments left we are not the destination (RFC 8200 4.4); without, even type 0 is passed over (RFC
    // 5095 3).
    if (header == HEADER_ROUTING && extension->left)
        return 0;
    if (header == IPPROTO_HOPOPTS || header == HEADER_OPTIONS || header == HEADER_ROUTING)
        return offset + 8 + extension->length * 8;
    return header == IPPROTO_FRAGMENT ? offset + 8 : 0;
}

static __always_inline enum packet_kind packet_read_ipv6(struct xdp_md *ctx, struct packet *packet,
                                                         __u32 offset)
{
    struct ipv6hdr ip;
    struct extension extension;
    __u32 fragment_offset = 0, more = 0;

    // A mapped address is IPv4's alone (RFC 4291 2.5.5.2): the kernel drops it.
    if (bpf_xdp_load_bytes(ctx, offset, &ip, sizeof(ip)) || ip.version != 6 || packet_is_mapped(&ip.saddr) ||
        packet_is_mapped(&ip.daddr))
        return PACKET_OTHER;
    __builtin_memcpy(&packet->source, &ip.saddr, 16);
    __builtin_memcpy(&packet->to.address, &ip.daddr, 16);
    packet->ipv6 = 1;
    __u8 header = ip.nexthdr;
    offset += sizeof(ip);
    for (__u32 i = 0; i < PREFILTER_HEADERS_MAX && header != IPPROTO_UDP && fragment_offset == 0; i++) {
        if (bpf_xdp_load_bytes(ctx, offset, &extension, sizeof(extension)))
            return PACKET_OTHER;
        offset = packet_skip(header, &extension, offset);
        if (offset == 0)
            return PACKET_OTHER;
        if (header == IPPROTO_FRAGMENT) {
            __u32 fragment = (__u32)extension.type << 8 | extension.left;
            fragment_offset = fragment & IP6_OFFSET;
            more |= fragment & IP6_MORE;
        }
        header = extension.next;
    }
    return header == IPPROTO_UDP ? packet_ports(ctx, packet, offset, fragment_offset, more) : PACKET_OTHER;
}

// One tag: its identifier, and the type behind it. A tag without one says a priority only (802.1Q 6.9.1).
static __always_inline bool packet_tag(struct xdp_md *ctx, __u32 offset, __u32 *identifier, __u16 *type)
{
    __u16 words[2];

    if (bpf_xdp_load_bytes(ctx, offset, words, sizeof(words)))
        return false;
    *identifier = bpf_ntohs(words[0]) & TAG_VLAN;
    *type = words[1];
    return true;
}

// At most two tags; the second is an 802.1Q one. *type is that of what follows.
static __always_inline bool packet_tags(struct xdp_md *ctx, struct packet *packet, __u32 *offset, __u16 *type)
{
    const __u16 first = *type;
    __u32 outer, inner;

    if (first != bpf_htons(ETH_P_8021Q) && first != bpf_htons(ETH_P_8021AD))
        return true;
    if (!packet_tag(ctx, *offset, &outer, type))
        return false;
    *offset += 4;
    if (*type != bpf_htons(ETH_P_8021Q)) {
        packet->to.tags = first == bpf_htons(ETH_P_8021AD) ? outer << 16 : outer;
        return true;
    }
    if (!packet_tag(ctx, *offset, &inner, type))
        return false;
    *offset += 4;
    packet->to.tags = outer << 16 | inner;
    return true;
}

// Two tags, options, extension headers, fragments. A function of its own: the plain packet keeps its
// registers and its small stack.
static __noinline int packet_read_any(struct xdp_md *ctx, struct packet *packet)
{
    __u32 offset = 2 * ETH_ALEN;
    __u16 type;

    if (bpf_xdp_load_bytes(ctx, offset, &type, sizeof(type)))
        return PACKET_OTHER;
    offset += sizeof(type);
    if (!packet_tags(ctx, packet, &offset, &type))
        return PACKET_OTHER;
    if (type == bpf_htons(ETH_P_IP))
        return packet_read_ipv4(ctx, packet, offset);
    return type == bpf_htons(ETH_P_IPV6) ? packet_read_ipv6(ctx, packet, offset) : PACKET_OTHER;
}

// What lies in place behind a header of Ethernet of `before` octets, which is a constant. PACKET_ELSEWHERE:
// it has to be read by helpers.
static __always_inline enum packet_kind packet_in_place4(const struct xdp_md *ctx, struct packet *packet,
                                                         __u32 before)
{
    const struct iphdr *ip = (const void *)((const __u8 *)(long)ctx->data + before);
    const struct udphdr *udp = (const void *)(ip + 1);

    if ((const __u8 *)(udp + 1) > (const __u8 *)(long)ctx->data_end || ip->version != 4 || ip->ihl != 5 ||
        (ip->frag_off & bpf_htons(IP_MORE | IP_OFFSET)))
        return PACKET_ELSEWHERE;
    if (ip->protocol != IPPROTO_UDP)
        return PACKET_OTHER;
    packet_ipv4(&packet->source, ip->saddr);
    packet_ipv4(&packet->to.address, ip->daddr);
    packet_udp(packet, udp, before + sizeof(*ip));
    return PACKET_DATAGRAM;
}

static __always_inline enum packet_kind packet_in_place6(const struct xdp_md *ctx, struct packet *packet,
                                                         __u32 before)
{
    const struct ipv6hdr *ip = (const void *)((const __u8 *)(long)ctx->data + before);
    const struct udphdr *udp = (const void *)(ip + 1);

    if ((const __u8 *)(udp + 1) > (const __u8 *)(long)ctx->data_end || ip->version != 6)
        return PACKET_ELSEWHERE;
    if (ip->nexthdr == IPPROTO_TCP || ip->nexthdr == IPPROTO_ICMPV6)
        return PACKET_OTHER;
    if (ip->nexthdr != IPPROTO_UDP || packet_is_mapped(&ip->saddr) || packet_is_mapped(&ip->daddr))
        return PACKET_ELSEWHERE;
    __builtin_memcpy(&packet->source, &ip->saddr, 16);
    __builtin_memcpy(&packet->to.address, &ip->daddr, 16);
    packet->ipv6 = 1;
    packet_udp(packet, udp, before + sizeof(*ip));
    return PACKET_DATAGRAM;
}

static __always_inline enum packet_kind packet_in_place(const struct xdp_md *ctx, struct packet *packet)
{
    const struct ethhdr *ethernet = (const void *)(long)ctx->data;
    const __be16 *tag = (const void *)(ethernet + 1); // identifier, type

    if ((const __u8 *)(tag + 2) > (const __u8 *)(long)ctx->data_end)
        return PACKET_ELSEWHERE;
    if (ethernet->h_proto == bpf_htons(ETH_P_IP))
        return packet_in_place4(ctx, packet, sizeof(*ethernet));
    if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
        return packet_in_place6(ctx, packet, sizeof(*ethernet));
    if (ethernet->h_proto != bpf_htons(ETH_P_8021Q))
        return PACKET_ELSEWHERE;
    packet->to.tags = bpf_ntohs(tag[0]) & TAG_VLAN;
    if (tag[1] == bpf_htons(ETH_P_IP))
        return packet_in_place4(ctx, packet, sizeof(*ethernet) + TAG_SIZE);
    return tag[1] == bpf_htons(ETH_P_IPV6) ? packet_in_place6(ctx, packet, sizeof(*ethernet) + TAG_SIZE)
                                           : PACKET_ELSEWHERE;
}

static __always_inline enum packet_kind packet_read(struct xdp_md *ctx, struct packet *packet)
{
    packet->to.tags = 0;
    packet->offset = 0;
    packet->length = 0;
    packet->ipv6 = 0;
    packet->source_port = 0;
    packet->to.port = 0;
    packet->to.fragment = 0;
    enum packet_kind kind = packet_in_place(ctx, packet);
    return kind == PACKET_ELSEWHERE ? packet_read_any(ctx, packet) : kind;
}

// The first octets of the payload, zeros after its end.
struct start {
    __u8 at[PAYLOAD_START] __attribute__((aligned(8)));
};

// The payload without its first `skip` octets. Returns what is left of it.
static __always_inline __u32 packet_start(struct xdp_md *ctx, const struct packet *packet, __u32 skip,
                                          struct start *start)
{
    __u32 there = bpf_xdp_get_buff_len(ctx) - packet->offset;
    __u32 length = packet->length < there ? packet->length : there;

    __builtin_memset(start, 0, sizeof(*start));
    if (length <= skip)
        return 0;
    length -= skip;
    // Counted behind the first octet, or the verifier of kernel 6.1 does not see that there is one; the
    // barrier: or it sees another register bounded than the one that is used.
    __u64 more = length - 1;
    barrier_var(more);
    if (more > PAYLOAD_START - 1)
        more = PAYLOAD_START - 1;
    bpf_xdp_load_bytes(ctx, packet->offset + skip, start->at, more + 1);
    return length;
}

// What the payload is where it does not lie in place, is short, or begins with a CRLF. CRLFs are skipped
// before a start-line, or an INVITE behind one would not be counted as an INVITE.
static __noinline int packet_payload_any(struct xdp_md *ctx, const struct packet *packet)
{
    struct start start;

    __u32 left = packet_start(ctx, packet, 0, &start);
    __u32 crlf = payload_crlf(start.at);

    if (crlf) {
        if (crlf >= left)
            return PAYLOAD_SIP;
        packet_start(ctx, packet, crlf, &start);
    }
    return payload_classify(start.at);
}

// A function of its own, one for all offsets.
static __noinline int packet_payload_other(const __u8 *payload)
{
    return payload_other(payload);
}

// -1: it does not lie whole at this offset.
static __always_inline int packet_payload_in_place(const struct xdp_md *ctx, const struct packet *packet,
                                                   __u32 offset)
{
    const __u8 *payload = (const __u8 *)(long)ctx->data + offset;

    if (packet->offset != offset || packet->length < PAYLOAD_START ||
        payload + PAYLOAD_START > (const __u8 *)(long)ctx->data_end || payload[0] == '\r')
        return -1;
    enum payload_kind kind = payload_common(payload);
    return kind != PAYLOAD_NOT_SIP ? (int)kind : packet_payload_other(payload);
}

// What nearly every payload is lies at one of four constant offsets and is looked at in place; a write to the
// stack costs a speculation barrier without CAP_PERFMON.
static __always_inline enum payload_kind packet_payload(struct xdp_md *ctx, const struct packet *packet)
{
    int kind = packet_payload_in_place(ctx, packet, PAYLOAD4);

    if (kind < 0)
        kind = packet_payload_in_place(ctx, packet, PAYLOAD6);
    if (kind < 0)
        kind = packet_payload_in_place(ctx, packet, PAYLOAD4 + TAG_SIZE);
    if (kind < 0)
        kind = packet_payload_in_place(ctx, packet, PAYLOAD6 + TAG_SIZE);
    return kind < 0 ? packet_payload_any(ctx, packet) : kind;
}

#endif
