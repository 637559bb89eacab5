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
    const __u8 *payload;
    const __u8 *end; // of the frame
    __u32 length;    // of the payload as UDP says: a short frame is padded
};

enum payload_kind { PAYLOAD_NOT_SIP, PAYLOAD_SIP, PAYLOAD_INVITE };

static __always_inline enum packet_kind packet_read(const struct xdp_md *ctx, struct packet *packet)
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

    const struct udphdr *udp = (const void *)((const __u8 *)ip + ip->ihl * 4);

    if ((const __u8 *)(udp + 1) > end)
        return PACKET_OTHER;
    __builtin_memcpy(packet->to.port, &udp->dest, 2);
    packet->payload = (const __u8 *)(udp + 1);
    packet->end = end;
    packet->length = bpf_ntohs(udp->len);
    packet->length = packet->length > sizeof(*udp) ? packet->length - sizeof(*udp) : 0;
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

// A method is a token and one space follows it (RFC 3261 7.1).
static __always_inline bool packet_is_request(const __u8 *at, const __u8 *end, __u32 length)
{
    for (__u32 i = 0; i <= PREFILTER_METHOD_MAX; i++) {
        if (i >= length || at + i + 1 > end)
            return false;
        __u8 c = at[i];
        if (c == ' ')
            return i > 0;
        if (!packet_is_token(c))
            return false;
    }
    return false;
}

// SIP-Version is compared without case (RFC 3261 7.1).
static __always_inline bool packet_is_response(const __u8 *at, const __u8 *end, __u32 length)
{
    if (length < 8 || at + 8 > end)
        return false;
    return (at[0] | 32) == 's' && (at[1] | 32) == 'i' && (at[2] | 32) == 'p' && at[3] == '/' &&
           at[4] == '2' && at[5] == '.' && at[6] == '0' && at[7] == ' ';
}

static __always_inline bool packet_is_invite(const __u8 *at, const __u8 *end, __u32 length)
{
    if (length < 7 || at + 7 > end)
        return false;
    return at[0] == 'I' && at[1] == 'N' && at[2] == 'V' && at[3] == 'I' && at[4] == 'T' && at[5] == 'E' &&
           at[6] == ' ';
}

// CRLFs alone are a keepalive (RFC 5626 3.5.1). They are skipped before a start-line, or an INVITE behind one
// would not be counted as an INVITE.
static __always_inline enum payload_kind packet_payload(const struct packet *packet)
{
    const __u8 *at = packet->payload;
    const __u8 *end = packet->end;
    __u32 length = packet->length;
    bool crlf = false;

    for (int i = 0; i < CRLF_PAIRS_MAX; i++) {
        if (length < 2 || at + 2 > end || at[0] != '\r' || at[1] != '\n')
            break;
        at += 2;
        length -= 2;
        crlf = true;
    }
    if (crlf && length == 0)
        return PAYLOAD_SIP;
    if (packet_is_invite(at, end, length))
        return PAYLOAD_INVITE;
    if (packet_is_response(at, end, length) || packet_is_request(at, end, length))
        return PAYLOAD_SIP;
    return PAYLOAD_NOT_SIP;
}

#endif
