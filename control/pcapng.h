// SPDX-License-Identifier: BSD-3-Clause
// Blocks of a capture file (draft-ietf-opsawg-pcapng): one section, one interface, a block a message. The
// interface is of LINKTYPE_ETHERNET, although messages come without such a header: frames in which none was
// found have one, and libpcap (sngrep, tcpdump) reads no file with interfaces of two kinds. Block types,
// option numbers and lengths are those of the draft's sections 3.5, 4.1, 4.2, 4.3 and 4.6; octets are in host
// order, as the section header's magic tells.
#ifndef DIALGATE_CONTROL_PCAPNG_H
#define DIALGATE_CONTROL_PCAPNG_H

#include <stddef.h>
#include "capture_packet.h"

#define PCAPNG_HEAD_MAX 1024u
// Fixed part and length at the end, headers, message, flags, comment, end, each padded to words.
#define PCAPNG_PACKET_MAX                                                                                    \
    (32u + CAPTURE_HEADERS_MAX + CAPTURE_OCTETS_MAX + 3u + 8u + 4u + CAPTURE_COMMENT_MAX + 4u)
#define PCAPNG_STATISTICS_MAX 64u

// What the section says of itself, at most 255 octets each.
struct pcapng_section {
    const char *application;
    const char *comment; // what is captured
    const char *interface;
};

// Section header and interface description into out, which has PCAPNG_HEAD_MAX octets. Returns how many.
size_t pcapng_head(const struct pcapng_section *section, void *out);

// An enhanced packet block into out, which has PCAPNG_PACKET_MAX octets. Returns how many.
size_t pcapng_packet(const struct capture_packet *packet, void *out);

// An interface statistics block, for the end of the file, into out, which has
// PCAPNG_STATISTICS_MAX octets: how many messages there were in all, and how many of them are not in the
// file.
struct pcapng_statistics {
    uint64_t time_us;
    uint64_t messages;
    uint64_t missing;
};
size_t pcapng_statistics(const struct pcapng_statistics *statistics, void *out);

#endif
