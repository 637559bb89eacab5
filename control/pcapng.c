// SPDX-License-Identifier: BSD-3-Clause
#include "pcapng.h"

#include <assert.h>
#include <string.h>

enum block {
    SECTION_HEADER = 0x0a0d0d0a,
    INTERFACE_DESCRIPTION = 1,
    INTERFACE_STATISTICS = 5,
    ENHANCED_PACKET = 6
};
#define BYTE_ORDER_MAGIC  0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u
#define LENGTH_UNKNOWN    UINT64_MAX

enum option {
    OPT_ENDOFOPT = 0,
    OPT_COMMENT = 1,
    SHB_USERAPPL = 4,
    IF_NAME = 2,
    IF_TSRESOL = 9,
    EPB_FLAGS = 2,
    ISB_IFRECV = 4,
    ISB_IFDROP = 5
};
#define EPB_INBOUND  1u
#define EPB_OUTBOUND 2u

struct writer {
    uint8_t *octets;
    size_t used;
};

static void put(struct writer *out, const void *octets, size_t length)
{
    memcpy(out->octets + out->used, octets, length);
    out->used += length;
}

static void put16(struct writer *out, uint16_t value)
{
    put(out, &value, sizeof(value));
}

static void put32(struct writer *out, uint32_t value)
{
    put(out, &value, sizeof(value));
}

static void pad(struct writer *out)
{
    while (out->used % 4)
        out->octets[out->used++] = 0;
}

static void put_option(struct writer *out, enum option option, const void *value, size_t length)
{
    put16(out, (uint16_t)option);
    put16(out, (uint16_t)length);
    put(out, value, length);
    pad(out);
}

static void put_text(struct writer *out, enum option option, const char *text)
{
    size_t length = strnlen(text, CAPTURE_COMMENT_MAX - 1);
    if (length > 0)
        put_option(out, option, text, length);
}

static struct writer begin(void *octets, enum block block)
{
    struct writer out = {octets, 0};
    put32(&out, (uint32_t)block);
    put32(&out, 0); // its length, when that is known
    return out;
}

static size_t end(struct writer *out)
{
    put_option(out, OPT_ENDOFOPT, "", 0);
    uint32_t length = (uint32_t)out->used + 4;
    memcpy(out->octets + 4, &length, sizeof(length));
    put32(out, length);
    return out->used;
}

size_t pcapng_head(const struct pcapng_section *section, void *out)
{
    const uint64_t unknown = LENGTH_UNKNOWN;
    const uint8_t microseconds = 6; // 10^-6 s
    struct writer header = begin(out, SECTION_HEADER);
    put32(&header, BYTE_ORDER_MAGIC);
    put16(&header, 1); // version 1.0
    put16(&header, 0);
    put(&header, &unknown, sizeof(unknown));
    put_text(&header, SHB_USERAPPL, section->application);
    put_text(&header, OPT_COMMENT, section->comment);
    size_t used = end(&header);
    struct writer interface = begin((uint8_t *)out + used, INTERFACE_DESCRIPTION);
    put16(&interface, LINKTYPE_ETHERNET);
    put16(&interface, 0);
    put32(&interface, 0); // no limit of a packet's octets
    put_text(&interface, IF_NAME, section->interface);
    put_option(&interface, IF_TSRESOL, &microseconds, 1);
    used += end(&interface);
    assert(used <= PCAPNG_HEAD_MAX);
    return used;
}

// Of the first interface.
static void put_time(struct writer *out, uint64_t time_us)
{
    put32(out, 0);
    put32(out, (uint32_t)(time_us >> 32));
    put32(out, (uint32_t)time_us);
}

size_t pcapng_packet(const struct capture_packet *packet, void *out)
{
    uint8_t headers[CAPTURE_HEADERS_MAX];
    uint32_t flags = packet->outbound ? EPB_OUTBOUND : EPB_INBOUND;
    size_t header_octets = packet->frame ? 0 : capture_headers(packet, headers);
    struct writer block = begin(out, ENHANCED_PACKET);
    put_time(&block, packet->time_us);
    put32(&block, (uint32_t)header_octets + packet->length);
    put32(&block, (uint32_t)header_octets + packet->whole);
    put(&block, headers, header_octets);
    put(&block, packet->octets, packet->length);
    pad(&block);
    put_option(&block, EPB_FLAGS, &flags, sizeof(flags));
    put_text(&block, OPT_COMMENT, packet->comment);
    size_t used = end(&block);
    assert(used <= PCAPNG_PACKET_MAX);
    return used;
}

size_t pcapng_statistics(const struct pcapng_statistics *statistics, void *out)
{
    struct writer block = begin(out, INTERFACE_STATISTICS);
    put_time(&block, statistics->time_us);
    put_option(&block, ISB_IFRECV, &statistics->messages, sizeof(statistics->messages));
    put_option(&block, ISB_IFDROP, &statistics->missing, sizeof(statistics->missing));
    size_t used = end(&block);
    assert(used <= PCAPNG_STATISTICS_MAX);
    return used;
}
