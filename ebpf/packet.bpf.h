// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Reads a received frame as far as the prefilter needs. Every bound is checked against data_end in the form
// that the verifier follows; lengths that the packet claims are only ever used to look at less.
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
#define CRLF_PAIRS_MAX 4      // before a start-line (RFC 3261 7.5: to be ignored)

enum packet_kind {
    PACKET_OTHER,    // no IPv4 UDP, or too broken to tell its port: the kernel's
    PACKET_FRAGMENT, // of UDP: the ports may be missing
    PACKET_DATAGRAM
};

struct packet {
    struct prefilter_listener to;
    __u32 source;
    __u32 offset; // of the payload in the frame
    __u32 length; // of the payload: what UDP says and the frame has; a short frame is padded
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
    if (bpf_xdp_load_bytes(ctx, offset, &udp, sizeof(udp)))
        return PACKET_OTHER;
    __builtin_memcpy(packet->to.port, &udp.dest, 2);
    packet->offset = offset + sizeof(udp);

    __u32 claimed = bpf_ntohs(udp.len);
    __u32 there = bpf_xdp_get_buff_len(ctx) - packet->offset;
    claimed = claimed > sizeof(udp) ? claimed - sizeof(udp) : 0;
    packet->length = claimed < there ? claimed : there;
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
struct start {
    __u8 at[PREFILTER_METHOD_MAX + 8];
};

static __always_inline void packet_start(struct xdp_md *ctx, __u32 offset, __u32 length, struct start *start)
{
    __builtin_memset(start, 0, sizeof(*start));
    if (length > sizeof(start->at))
        length = sizeof(start->at);
    if (length > 0)
        bpf_xdp_load_bytes(ctx, offset, start->at, length);
}

// A method is a token and one space follows it (RFC 3261 7.1).
static __always_inline bool packet_is_request(const struct start *start)
{
    if (!packet_is_token(start->at[0]))
        return false;
#pragma unroll
    for (__u32 i = 1; i <= PREFILTER_METHOD_MAX; i++) {
        if (start->at[i] == ' ')
            return true;
        if (!packet_is_token(start->at[i]))
            return false;
    }
    return false;
}

// SIP-Version is compared without case (RFC 3261 7.1).
static __always_inline bool packet_is_response(const struct start *start)
{
    const __u8 *at = start->at;

    return (at[0] | 32) == 's' && (at[1] | 32) == 'i' && (at[2] | 32) == 'p' && at[3] == '/' &&
           at[4] == '2' && at[5] == '.' && at[6] == '0' && at[7] == ' ';
}

static __always_inline bool packet_is_invite(const struct start *start)
{
    const __u8 *at = start->at;

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

// CRLFs alone are a keepalive (RFC 5626 3.5.1). They are skipped before a start-line, or an INVITE behind one
// would not be counted as an INVITE.
static __always_inline enum payload_kind packet_payload(struct xdp_md *ctx, const struct packet *packet)
{
    struct start start;

    packet_start(ctx, packet->offset, packet->length, &start);
    __u32 crlf = packet_crlf(&start);
    if (crlf) {
        if (crlf >= packet->length)
            return PAYLOAD_SIP;
        packet_start(ctx, packet->offset + crlf, packet->length - crlf, &start);
    }
    if (packet_is_invite(&start))
        return PAYLOAD_INVITE;
    return packet_is_response(&start) || packet_is_request(&start) ? PAYLOAD_SIP : PAYLOAD_NOT_SIP;
}

#endif
