// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Reads a received frame as far as the prefilter needs. Lengths that the packet claims are only ever used to
// look at less.
//
// The driver loads this program without CAP_PERFMON, where the verifier refuses to add a variable to a packet
// pointer or to subtract two. So what lies at a constant offset is read in place, and what lies behind IPv4
// options, or may end early, is copied to the stack by helpers; octets are looked at by unrolled loops with
// constant indexes.
#ifndef DIALGATE_PACKET_BPF_H
#define DIALGATE_PACKET_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "dialgate/prefilter.h"

#define IP_FRAGMENTED  0x3fff // more fragments, or an offset
#define PLAIN_OFFSET   (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))
#define CRLF_PAIRS_MAX 4 // before a start-line (RFC 3261 7.5: to be ignored)

enum packet_kind {
    PACKET_OTHER,    // no IPv4 UDP, or too broken to tell its port: the kernel's
    PACKET_FRAGMENT, // of UDP: the ports may be missing
    PACKET_DATAGRAM
};

struct packet {
    struct prefilter_listener to;
    __u32 source;
    __u32 offset; // of the payload in the frame
    __u32 length; // of the payload, as UDP says: a short frame is padded
};

enum payload_kind { PAYLOAD_NOT_SIP, PAYLOAD_SIP, PAYLOAD_INVITE };

static __always_inline enum packet_kind packet_read(struct xdp_md *ctx, struct packet *packet)
{
    const __u8 *data = (const __u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    const struct ethhdr *ethernet = (const void *)data;
    const struct iphdr *ip = (const void *)(ethernet + 1);

    if ((const __u8 *)(ip + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP))
        return PACKET_OTHER;
    if (ip->version != 4 || ip->ihl < 5 || ip->protocol != IPPROTO_UDP)
        return PACKET_OTHER;
    packet->source = ip->saddr;
    __builtin_memset(&packet->to, 0, sizeof(packet->to));
    __builtin_memcpy(packet->to.address, &ip->daddr, 4);
    if (ip->frag_off & bpf_htons(IP_FRAGMENTED)) {
        packet->to.fragment = 1;
        return PACKET_FRAGMENT;
    }

    struct udphdr udp;
    __u32 offset = sizeof(*ethernet) + ip->ihl * 4;
    if (ip->ihl == 5 && (const __u8 *)ip + sizeof(*ip) + sizeof(udp) <= end)
        __builtin_memcpy(&udp, ip + 1, sizeof(udp));
    else if (bpf_xdp_load_bytes(ctx, offset, &udp, sizeof(udp)))
        return PACKET_OTHER;
    __builtin_memcpy(packet->to.port, &udp.dest, 2);
    packet->offset = offset + sizeof(udp);
    packet->length = bpf_ntohs(udp.len);
    packet->length = packet->length > sizeof(udp) ? packet->length - sizeof(udp) : 0;
    return PACKET_DATAGRAM;
}

#define SET(c) (1ull << ((c)&63))
// The octets of an RFC 3261 25.1 token, 0-63 and 64-127.
#define TOKEN_LOW                                                                                            \
    (SET('!') | SET('%') | SET('\'') | SET('*') | SET('+') | SET('-') | SET('.') | (0x3ffull << '0'))
#define TOKEN_HIGH                                                                                           \
    (SET('_') | SET('`') | SET('~') | (0x3ffffffull << ('A' & 63)) | (0x3ffffffull << ('a' & 63)))

static __always_inline bool packet_is_token(__u8 c)
{
    __u64 set = c & 64 ? TOKEN_HIGH : TOKEN_LOW;

    return c < 128 && (set >> (c & 63) & 1);
}

// The first octets of the payload, zeros after its end: no check below takes a zero for anything.
#define START_SIZE (PREFILTER_METHOD_MAX + 8)
struct start {
    __u8 at[START_SIZE] __attribute__((aligned(8)));
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
    __u32 copied = length < START_SIZE ? length : START_SIZE;
    bpf_xdp_load_bytes(ctx, packet->offset + skip, start->at, copied);
    return length;
}

// A method is a token and one space follows it (RFC 3261 7.1).
static __always_inline bool packet_is_request(const __u8 *at)
{
    if (!packet_is_token(at[0]))
        return false;
#pragma unroll
    for (__u32 i = 1; i <= PREFILTER_METHOD_MAX; i++) {
        if (at[i] == ' ')
            return true;
        if (!packet_is_token(at[i]))
            return false;
    }
    return false;
}

// SIP-Version is compared without case (RFC 3261 7.1).
static __always_inline bool packet_is_response(const __u8 *at)
{
    return (at[0] | 32) == 's' && (at[1] | 32) == 'i' && (at[2] | 32) == 'p' && at[3] == '/' &&
           at[4] == '2' && at[5] == '.' && at[6] == '0' && at[7] == ' ';
}

static __always_inline bool packet_is_invite(const __u8 *at)
{
    return at[0] == 'I' && at[1] == 'N' && at[2] == 'V' && at[3] == 'I' && at[4] == 'T' && at[5] == 'E' &&
           at[6] == ' ';
}

// Octets of CRLF before the start-line.
static __always_inline __u32 packet_crlf(const struct start *start)
{
    __u32 length = 0;

#pragma unroll
    for (int i = 0; i < 2 * CRLF_PAIRS_MAX; i += 2) {
        if (start->at[i] != '\r' || start->at[i + 1] != '\n')
            break;
        length += 2;
    }
    return length;
}

static __always_inline enum payload_kind packet_classify(const __u8 *at)
{
    if (packet_is_invite(at))
        return PAYLOAD_INVITE;
    return packet_is_response(at) || packet_is_request(at) ? PAYLOAD_SIP : PAYLOAD_NOT_SIP;
}

// What nearly every packet is (no IPv4 options, long enough, no CRLF first) lies at a constant offset and is
// looked at in place; a write to the stack costs a speculation barrier without CAP_PERFMON.
//
// CRLFs alone are a keepalive (RFC 5626 3.5.1). They are skipped before a start-line, or an INVITE behind one
// would not be counted as an INVITE.
static __always_inline enum payload_kind packet_payload(struct xdp_md *ctx, const struct packet *packet)
{
    const __u8 *payload = (const __u8 *)(long)ctx->data + PLAIN_OFFSET;

    if (packet->offset == PLAIN_OFFSET && packet->length >= START_SIZE &&
        payload + START_SIZE <= (const __u8 *)(long)ctx->data_end && payload[0] != '\r')
        return packet_classify(payload);

    struct start start;
    __u32 left = packet_start(ctx, packet, 0, &start);
    __u32 crlf = packet_crlf(&start);

    if (crlf) {
        if (crlf >= left)
            return PAYLOAD_SIP;
        packet_start(ctx, packet, crlf, &start);
    }
    return packet_classify(start.at);
}

#endif
