// SPDX-License-Identifier: BSD-3-Clause
#include "frame.h"

#include "checksum.h"

#define NEXT_HOP_BY_HOP 0u
#define NEXT_ROUTING    43u
#define OPTION_PAD1     0u
#define OPTION_MUST     0xc0u // bits that say what becomes of the packet when the option is not known
#define FLAG_MORE_IPV4  0x2000u
#define OFFSET_IPV4     0x1fffu
#define VLAN_ID         0x0fffu

static uint16_t be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)be16(at) << 16 | be16(at + 2);
}

// What a fragment carries is in units of 8 octets, but for the last one's (RFC 791 3.2, RFC 8200 4.5), and
// there is some.
static enum counter read_piece(struct frame *frame, const uint8_t *octets, uint32_t length)
{
    if (length == 0 || (frame->has_more && length % 8 != 0))
        return COUNTER_DROP_IP_HEADER;
    frame->upper = octets;
    frame->octets = length;
    return COUNTER_COUNT;
}

static enum counter read_ipv4(struct frame *frame, const uint8_t *octets, uint32_t length)
{
    if (length < FRAME_IPV4)
        return COUNTER_DROP_NOT_IP;
    uint32_t header = (octets[0] & 15u) * 4, total = be16(octets + 2), from = be32(octets + 12);
    uint32_t piece = be16(octets + 6);
    if (octets[0] >> 4 != 4 || header < FRAME_IPV4 || total < header || total > length ||
        // The sum over a header with its checksum in place is all ones when it is right (RFC 1071).
        checksum_fold(checksum_add(0, octets, header)) != 0xffff)
        return COUNTER_DROP_IP_HEADER;
    if (octets[9] != FRAME_NEXT_UDP)
        return COUNTER_DROP_NOT_UDP;
    if (from == 0 ? (piece & (FLAG_MORE_IPV4 | OFFSET_IPV4)) != 0 : frame_is_martian(from))
        return COUNTER_DROP_SOURCE;
    frame->source = ip_from_ipv4(from);
    frame->destination = ip_from_ipv4(be32(octets + 16));
    frame->has_more = piece & FLAG_MORE_IPV4;
    frame->offset = (piece & OFFSET_IPV4) * 8;
    frame->is_fragment = frame->has_more || frame->offset != 0;
    frame->next = FRAME_NEXT_UDP;
    frame->id = be16(octets + 4);
    if (frame->is_fragment)
        return read_piece(frame, octets + header, total - header);
    frame->upper = octets + header;
    frame->octets = total - header;
    return COUNTER_COUNT;
}

// Of options that are not known those may be passed over whose highest bits are zero (RFC 8200 4.2). None is
// known here but padding: a jumbogram's says itself that it may not be (RFC 2675).
static bool may_pass_options(const uint8_t *octets, uint32_t length)
{
    uint32_t at = 2;
    for (unsigned i = 0; i < FRAME_OPTIONS && at < length; i++) {
        if (octets[at] == OPTION_PAD1) {
            at++;
            continue;
        }
        if (octets[at] & OPTION_MUST || length - at < 2)
            return false;
        at += 2u + octets[at + 1];
    }
    return at == length;
}

// Octets of the extension header, 0: it is to be refused. We are the end of the way: a routing header with
// segments left is for others (RFC 8200 4.4; RFC 5095 for type 0).
static uint32_t extension(uint8_t kind, const uint8_t *octets, uint32_t length)
{
    if (length < 8)
        return 0;
    uint32_t own = (octets[1] + 1u) * 8;
    if (own > length)
        return 0;
    if (kind == NEXT_ROUTING)
        return octets[3] == 0 ? own : 0;
    return may_pass_options(octets, own) ? own : 0;
}

static bool may_precede_udp(uint8_t next)
{
    return next == FRAME_NEXT_UDP || next == FRAME_NEXT_OPTIONS || next == NEXT_ROUTING;
}

enum counter frame_walk(struct frame *frame, uint8_t next, const uint8_t *octets, uint32_t length)
{
    bool is_first = !frame->is_fragment; // only here may options for each hop stand (RFC 8200 4.1)
    for (unsigned i = 0; i < FRAME_EXTENSIONS && next != FRAME_NEXT_UDP; i++) {
        uint32_t own;
        if (next == FRAME_NEXT_PIECE) {
            if (length < FRAME_FRAGMENT || frame->is_fragment)
                return COUNTER_DROP_IP_HEADER;
            frame->is_fragment = true;
            frame->next = octets[0];
            frame->offset = be16(octets + 2) & 0xfff8u;
            frame->has_more = octets[3] & 1;
            frame->id = be32(octets + 4);
            own = FRAME_FRAGMENT;
            if (frame->has_more || frame->offset != 0)
                return may_precede_udp(frame->next) ? read_piece(frame, octets + own, length - own)
                                                    : COUNTER_DROP_NOT_UDP;
        } else if (next == NEXT_ROUTING || next == FRAME_NEXT_OPTIONS ||
                   (next == NEXT_HOP_BY_HOP && is_first)) {
            own = extension(next, octets, length);
        } else {
            return next == NEXT_HOP_BY_HOP ? COUNTER_DROP_IP_HEADER : COUNTER_DROP_NOT_UDP;
        }
        if (own == 0)
            return COUNTER_DROP_IP_HEADER;
        is_first = false;
        next = octets[0];
        octets += own;
        length -= own;
    }
    if (next != FRAME_NEXT_UDP)
        return COUNTER_DROP_IP_HEADER;
    frame->is_fragment = false; // nor is one that is its datagram's only one (RFC 6946)
    frame->upper = octets;
    frame->octets = length;
    return COUNTER_COUNT;
}

// Multicast, and what begins with 32 zero bits, which is nobody's on the wire: unspecified, loopback,
// addresses with IPv4's inside (RFC 4291 2.5). Mapped ones are ours alone (dialgate/address.h): they would
// pass for IPv4's.
static bool is_martian(const struct ip_address *source)
{
    return source->octets[0] == 0xff || be32(source->octets) == 0;
}

static enum counter read_ipv6(struct frame *frame, const uint8_t *octets, uint32_t length)
{
    if (length < FRAME_IPV6)
        return COUNTER_DROP_NOT_IP;
    uint32_t payload = be16(octets + 4);
    if (octets[0] >> 4 != 6 || payload > length - FRAME_IPV6)
        return COUNTER_DROP_IP_HEADER;
    memcpy(&frame->source, octets + 8, sizeof(frame->source));
    memcpy(&frame->destination, octets + 24, sizeof(frame->destination));
    frame->is_fragment = false;
    enum counter outcome = frame_walk(frame, octets[6], octets + FRAME_IPV6, payload);
    // Behind it, as what is no UDP may be the kernel's: who has no address yet asks whether one is free.
    if (outcome == COUNTER_COUNT && is_martian(&frame->source))
        return COUNTER_DROP_SOURCE;
    if (outcome == COUNTER_COUNT && ip_is_ipv4(&frame->destination))
        return COUNTER_DROP_NOT_OURS;
    return outcome;
}

// A tag without identifier says a priority only, and the frame is as if it had none (802.1Q 6.9.1).
static uint32_t add_tag(uint32_t tags, bool is_outer, uint16_t control)
{
    uint32_t id = control & VLAN_ID;
    return is_outer ? id << 16 : tags | id;
}

// Where what the tags hide begins: past at most two. The frame has FRAME_ETHERNET octets.
static uint32_t read_tags(const uint8_t *octets, uint32_t length, struct frame *frame, uint16_t *type)
{
    uint32_t at = FRAME_ETHERNET;
    frame->tags = 0;
    *type = be16(octets + at - 2);
    if ((*type == FRAME_TYPE_VLAN || *type == FRAME_TYPE_QINQ) && length >= at + FRAME_TAG) {
        uint16_t control = be16(octets + at), first = *type;
        at += FRAME_TAG;
        *type = be16(octets + at - 2);
        bool has_two = *type == FRAME_TYPE_VLAN && length >= at + FRAME_TAG;
        frame->tags = add_tag(0, has_two || first == FRAME_TYPE_QINQ, control);
        if (has_two) {
            frame->tags = add_tag(frame->tags, false, be16(octets + at));
            at += FRAME_TAG;
            *type = be16(octets + at - 2);
        }
    }
    return at;
}

enum counter frame_read(const uint8_t *octets, uint32_t length, struct frame *frame)
{
    uint16_t type;
    frame->tags = 0;
    if (length < FRAME_ETHERNET)
        return COUNTER_DROP_NOT_IP;
    uint32_t at = read_tags(octets, length, frame, &type);
    if (type == FRAME_TYPE_IPV4)
        return read_ipv4(frame, octets + at, length - at);
    return type == FRAME_TYPE_IPV6 ? read_ipv6(frame, octets + at, length - at) : COUNTER_DROP_NOT_IP;
}

bool frame_ends(const uint8_t *octets, uint32_t length, struct frame *frame)
{
    uint16_t type;
    if (length < FRAME_ETHERNET)
        return false;
    uint32_t at = read_tags(octets, length, frame, &type);
    octets += at;
    length -= at;
    if (type == FRAME_TYPE_IPV4 && length >= FRAME_IPV4) {
        frame->source = ip_from_ipv4(be32(octets + 12));
        frame->destination = ip_from_ipv4(be32(octets + 16));
        return true;
    }
    if (type != FRAME_TYPE_IPV6 || length < FRAME_IPV6)
        return false;
    memcpy(&frame->source, octets + 8, sizeof(frame->source));
    memcpy(&frame->destination, octets + 24, sizeof(frame->destination));
    return !ip_is_ipv4(&frame->source) && !ip_is_ipv4(&frame->destination);
}

enum counter frame_udp(const struct frame *frame, bool sum_is_known, struct frame_udp *udp)
{
    const uint8_t *upper = frame->upper;
    if (frame->octets < FRAME_UDP)
        return COUNTER_DROP_UDP_HEADER;
    uint32_t octets = be16(upper + 4);
    uint16_t sum, length;
    memcpy(&sum, upper + 6, sizeof(sum));
    memcpy(&length, upper + 4, sizeof(length));
    bool is_ipv4 = ip_is_ipv4(&frame->source);
    // 0 means that the sender computed none: RFC 768 lets it, RFC 8200 8.1 does not.
    if (octets < FRAME_UDP || octets > frame->octets || (sum == 0 && !is_ipv4))
        return COUNTER_DROP_UDP_HEADER;
    if (sum != 0 && !sum_is_known) {
        unsigned long long pseudo = checksum_addresses(&frame->source, &frame->destination, length);
        if (checksum_fold(checksum_add(pseudo, upper, octets)) != 0xffff)
            return COUNTER_DROP_UDP_HEADER;
    }
    *udp = (struct frame_udp){.payload = upper + FRAME_UDP,
                              .length = (uint16_t)(octets - FRAME_UDP),
                              .source_port = be16(upper),
                              .destination_port = be16(upper + 2)};
    return COUNTER_COUNT;
}
