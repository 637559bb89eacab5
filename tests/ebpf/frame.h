// SPDX-License-Identifier: BSD-3-Clause
// Builds Ethernet frames from a description in which zero means what an ordinary UDP packet has.
#ifndef TESTS_EBPF_FRAME_H
#define TESTS_EBPF_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 2048u
#define FRAME_TAG 0x1000u // the bit of a tag that nobody looks at (DEI)
#define FRAME_HOP 255u

// IPv6 when the source has a colon. IPv4's fields mean nothing then, and the other way round.
struct frame_spec {
    const char *source;
    const char *destination;
    uint16_t port; // destination's
    const char *payload;
    size_t payload_length; // 0: of the text
    uint16_t ether_type;   // 0: IPv4
    uint8_t version_ihl;   // 0: 0x45; with more words, options are put in
    uint8_t protocol;      // 0: UDP
    uint16_t fragment;     // flags and offset, host order
    uint16_t udp_length;   // 0: right; what the header claims
    size_t cut;            // 0: whole; octets of the frame that are left
    size_t pad;            // zero octets after the frame
    uint16_t tags[2];      // VLAN tags with FRAME_TAG set, the outer one first; 0: none
    const char *headers;   // IPv6: octets between its header and UDP's
    size_t headers_length;
    uint8_t next; // IPv6: what the first of them is; 0 with none: UDP, FRAME_HOP: hop-by-hop options
};

// Writes the frame and returns its length.
size_t frame_build(const struct frame_spec *spec, uint8_t frame[FRAME_MAX]);

#endif
