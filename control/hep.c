// SPDX-License-Identifier: BSD-3-Clause
#include "hep.h"

#include <string.h>

enum chunk {
    HEP_FAMILY = 1,
    HEP_TRANSPORT = 2,
    HEP_IPV4_SOURCE = 3,
    HEP_IPV4_DESTINATION = 4,
    HEP_IPV6_SOURCE = 5,
    HEP_IPV6_DESTINATION = 6,
    HEP_SOURCE_PORT = 7,
    HEP_DESTINATION_PORT = 8,
    HEP_SECONDS = 9,
    HEP_MICROSECONDS = 10,
    HEP_PROTOCOL = 11,
    HEP_AGENT = 12,
    HEP_PAYLOAD = 15,
    HEP_CORRELATION = 17,
    HEP_NODE = 19
};

enum payload { PAYLOAD_SIP = 1, PAYLOAD_LOG = 100 };

#define FAMILY_IPV4 2u // of the protocol, whatever AF_INET6 is here
#define FAMILY_IPV6 10u
#define UDP         17u

#define CHUNK_OCTETS 6u // before a chunk's value
#define NODE_MAX     64u

struct writer {
    uint8_t *octets;
    size_t used;
    bool full;
};

static void store(uint8_t *at, uint64_t value, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        at[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
}

static void put(struct writer *out, enum chunk chunk, const void *value, size_t length)
{
    out->full = out->full || length > HEP_MAX - CHUNK_OCTETS || out->used > HEP_MAX - CHUNK_OCTETS - length;
    if (out->full)
        return;
    uint8_t *at = out->octets + out->used;
    store(at, 0, 2); // generic chunks
    store(at + 2, (uint64_t)chunk, 2);
    store(at + 4, CHUNK_OCTETS + length, 2);
    memcpy(at + CHUNK_OCTETS, value, length);
    out->used += CHUNK_OCTETS + length;
}

static void put_number(struct writer *out, enum chunk chunk, uint64_t value, size_t octets)
{
    uint8_t number[8];
    store(number, value, octets);
    put(out, chunk, number, octets);
}

static void put_addresses(struct writer *out, const struct capture_packet *packet)
{
    bool ipv4 = capture_is_ipv4(packet);
    size_t skip = ipv4 ? 12 : 0;
    put_number(out, HEP_FAMILY, ipv4 ? FAMILY_IPV4 : FAMILY_IPV6, 1);
    put_number(out, HEP_TRANSPORT, UDP, 1);
    put(out, ipv4 ? HEP_IPV4_SOURCE : HEP_IPV6_SOURCE, packet->source.octets + skip, 16 - skip);
    put(out, ipv4 ? HEP_IPV4_DESTINATION : HEP_IPV6_DESTINATION, packet->destination.octets + skip,
        16 - skip);
    put_number(out, HEP_SOURCE_PORT, packet->source_port, 2);
    put_number(out, HEP_DESTINATION_PORT, packet->destination_port, 2);
}

static struct writer begin(const struct hep_sender *sender, const struct capture_packet *packet,
                           enum payload payload, void *octets)
{
    struct writer out = {.octets = octets, .used = 6};
    memcpy(out.octets, "HEP3", 4);
    put_addresses(&out, packet);
    put_number(&out, HEP_SECONDS, packet->time_us / 1000000, 4);
    put_number(&out, HEP_MICROSECONDS, packet->time_us % 1000000, 4);
    put_number(&out, HEP_PROTOCOL, (uint64_t)payload, 1);
    put_number(&out, HEP_AGENT, sender->agent, 4);
    if (sender->node[0])
        put(&out, HEP_NODE, sender->node, strnlen(sender->node, NODE_MAX));
    return out;
}

static size_t end(struct writer *out, struct hep_text call_id)
{
    if (call_id.length > 0)
        put(out, HEP_CORRELATION, call_id.octets, call_id.length);
    store(out->octets + 4, out->used, 2);
    return out->full ? 0 : out->used;
}

size_t hep_sip(const struct hep_sender *sender, const struct capture_packet *packet, struct hep_text call_id,
               void *out)
{
    struct writer writer = begin(sender, packet, PAYLOAD_SIP, out);
    put(&writer, HEP_PAYLOAD, packet->octets, packet->length);
    return end(&writer, call_id);
}

size_t hep_log(const struct hep_sender *sender, const struct capture_packet *packet, struct hep_text call_id,
               void *out)
{
    struct writer writer = begin(sender, packet, PAYLOAD_LOG, out);
    put(&writer, HEP_PAYLOAD, packet->comment, strnlen(packet->comment, CAPTURE_COMMENT_MAX));
    return end(&writer, call_id);
}
