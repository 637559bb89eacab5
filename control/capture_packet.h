// SPDX-License-Identifier: BSD-3-Clause
// One captured message, and the datagram that carried it: the data plane keeps the message and its addresses,
// so the headers are made again: Ethernet without addresses, IP and UDP (RFC 791, 8200, 768).
#ifndef DIALGATE_CONTROL_CAPTURE_PACKET_H
#define DIALGATE_CONTROL_CAPTURE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/snapshot.h"

#define CAPTURE_OCTETS_MAX  65507u // of a message: what a UDP datagram over IPv4 holds
#define CAPTURE_COMMENT_MAX 256u   // with its NUL
#define CAPTURE_HEADERS_MAX 62u    // Ethernet, IPv6 and UDP

struct capture_packet {
    uint64_t time_us; // Unix time
    struct ip_address source;
    struct ip_address destination;
    uint16_t source_port;
    uint16_t destination_port;
    bool outbound;
    uint32_t length;     // of octets, at most CAPTURE_OCTETS_MAX
    uint32_t whole;      // what it had on the wire, at most CAPTURE_OCTETS_MAX; more than length: it was cut
    bool frame;          // octets are an Ethernet frame: no addresses are known
    const char *comment; // UTF-8
    const uint8_t *octets;
};

// Both addresses are IPv4 ones.
bool capture_is_ipv4(const struct capture_packet *packet);

// Headers with checksums; a message that was cut has none of UDP. Returns their octets.
size_t capture_headers(const struct capture_packet *packet, uint8_t headers[CAPTURE_HEADERS_MAX]);

#endif
