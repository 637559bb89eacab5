// SPDX-License-Identifier: BSD-3-Clause
// The headers of what leaves in any form but the plain one, which tx.c writes itself: Ethernet with tags,
// IPv4 or IPv6, and those of fragments. Addresses of both ends are of one family.
#ifndef DIALGATE_PATH_HEADERS_H
#define DIALGATE_PATH_HEADERS_H

#include <stdbool.h>
#include <stdint.h>
#include "dialgate/address.h"
#include "frame.h"

#define HEADERS_HOP_LIMIT 64u
#define HEADERS_OCTETS    (FRAME_ETHERNET + 2 * FRAME_TAG + FRAME_IPV6 + FRAME_FRAGMENT) // at most
#define HEADERS_MTU_IPV4  576u  // what every host takes (RFC 791 3.1); smaller ones are not believed
#define HEADERS_MTU_IPV6  1280u // RFC 8200 5

struct headers_way {
    uint8_t to_mac[6];
    uint8_t from_mac[6];
    uint32_t tags; // FRAME_TAGS()
    struct ip_address from;
    struct ip_address to;
    uint16_t from_port; // host order, as the other one
    uint16_t to_port;
    uint32_t mtu; // of the way, as IP counts
    // The NIC makes these sums: IPv4's field is 0 then, UDP's the sum of the pseudo header. Never of
    // fragments.
    bool leaves_ip_sum;
    bool leaves_udp_sum;
};

// Part of a datagram.
struct headers_piece {
    uint32_t offset;
    uint32_t length;
    bool has_more;
    uint32_t id; // of the datagram, the low half for IPv4
};

// UDP's header, which payload octets follow, and its checksum: the datagram is whole then, but for the sum
// where the NIC makes it.
void headers_udp(const struct headers_way *way, uint8_t *udp, uint32_t payload);
// Ethernet and IP before a datagram of so many octets; HEADERS_OCTETS before it are free. Returns where the
// frame begins.
uint8_t *headers_put(const struct headers_way *way, uint8_t *datagram, uint32_t octets, uint16_t id);
// The same before a piece of it. Its octets are there already.
uint8_t *headers_put_piece(const struct headers_way *way, uint8_t *at, const struct headers_piece *piece);
// Octets of a datagram that an IP packet of this MTU carries whole, and as a piece.
uint32_t headers_room(const struct headers_way *way, uint32_t mtu);
uint32_t headers_piece_room(const struct headers_way *way, uint32_t mtu);

#endif
