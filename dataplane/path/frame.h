// SPDX-License-Identifier: BSD-3-Clause
// Reading a frame: Ethernet with at most two tags (802.1Q, 802.1ad), IPv4 with options, IPv6 with extension
// headers (RFC 8200), up to UDP or to what a fragment carries. Whatever a header says is checked against the
// octets that are really there, each refusal has its counter, and no loop is longer than a few headers: RFC
// 8504 5.3 leaves such limits to the host.
#ifndef DIALGATE_PATH_FRAME_H
#define DIALGATE_PATH_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include "dialgate/address.h"
#include "dialgate/counters.h"

#define FRAME_ETHERNET     14u
#define FRAME_TAG          4u
#define FRAME_IPV4         20u // without options
#define FRAME_IPV6         40u
#define FRAME_UDP          8u
#define FRAME_FRAGMENT     8u  // IPv6's extension header
#define FRAME_EXTENSIONS   8u  // headers between IPv6 and UDP, at most
#define FRAME_OPTIONS      16u // in one of them, padding with it
#define FRAME_TYPE_IPV4    0x0800u
#define FRAME_TYPE_IPV6    0x86ddu
#define FRAME_TYPE_VLAN    0x8100u
#define FRAME_TYPE_QINQ    0x88a8u
#define FRAME_NEXT_UDP     17u
#define FRAME_NEXT_OPTIONS 60u
#define FRAME_NEXT_PIECE   44u // IPv6's fragment header

// Tags as one number: identifier of the inner one (802.1Q), of the outer one 16 bits higher; 0: none.
#define FRAME_TAGS(outer, inner) ((uint32_t)(outer) << 16 | (inner))

struct frame {
    struct ip_address source;
    struct ip_address destination;
    uint32_t tags;
    uint32_t octets;      // of upper, as IP counts them: padding of Ethernet is left out
    const uint8_t *upper; // UDP; what a fragment carries
    // Of a fragment.
    bool is_fragment;
    bool has_more;
    uint8_t next; // header that upper begins with in the first fragment
    uint32_t offset;
    uint32_t id;
};

struct frame_udp {
    const uint8_t *payload;
    uint16_t length;
    uint16_t source_port; // host order
    uint16_t destination_port;
};

// Returns COUNTER_COUNT for UDP, from 0.0.0.0 too, and for fragments, else the outcome of the packet.
enum counter frame_read(const uint8_t *octets, uint32_t length, struct frame *frame);
// What IP's header says of both ends of a frame that was refused, whatever is wrong with the rest: only
// source, destination and tags are set. Returns whether there is such a header.
bool frame_ends(const uint8_t *octets, uint32_t length, struct frame *frame);
// From a header of this kind on to UDP, over IPv6's extension headers; sets upper and octets, or the fields
// of a fragment. A whole datagram that came in fragments is read by it, too: is_fragment then ends it, as no
// fragment lies in another.
enum counter frame_walk(struct frame *frame, uint8_t next, const uint8_t *octets, uint32_t length);
// UDP's header and checksum (RFC 768, RFC 8200 8.1). The sum was checked already: sum_is_known.
enum counter frame_udp(const struct frame *frame, bool sum_is_known, struct frame_udp *udp);

// No host sends from there: "this network" (RFC 6890 2.2.2), multicast, class E and broadcast. The
// unspecified address among them is in UDP what a host has that asks for one (RFC 2131 4.1): frame_read()
// lets it pass.
static inline bool frame_is_martian(uint32_t ipv4)
{
    return ipv4 >> 24 == 0 || ipv4 >> 24 >= 224;
}

#endif
