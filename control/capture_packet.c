// SPDX-License-Identifier: BSD-3-Clause
#include "capture_packet.h"

#include <assert.h>
#include <string.h>

#define ETHERNET    14u
#define IPV4_OCTETS 20u
#define IPV6_OCTETS 40u
#define UDP_OCTETS  8u
#define UDP         17u
#define HOPS        64u

static bool is_mapped(const struct ip_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->octets, mapped, sizeof(mapped)) == 0;
}

bool capture_is_ipv4(const struct capture_packet *packet)
{
    return is_mapped(&packet->source) && is_mapped(&packet->destination);
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// RFC 1071; octets may be odd in number at the end only. At most 64 KiB and some: the sum fits.
static uint32_t add(uint32_t sum, const uint8_t *octets, size_t length)
{
    size_t i = 0;
    for (; i + 1 < length; i += 2)
        sum += (uint32_t)octets[i] << 8 | octets[i + 1];
    return i < length ? sum + ((uint32_t)octets[i] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static size_t put_ipv4(const struct capture_packet *packet, uint8_t *at)
{
    memset(at, 0, IPV4_OCTETS);
    at[0] = 0x45; // version 4, five words
    put16(at + 2, IPV4_OCTETS + UDP_OCTETS + packet->whole);
    at[6] = 0x40; // do not fragment
    at[8] = HOPS;
    at[9] = UDP;
    memcpy(at + 12, packet->source.octets + 12, 4);
    memcpy(at + 16, packet->destination.octets + 12, 4);
    put16(at + 10, fold(add(0, at, IPV4_OCTETS)));
    return IPV4_OCTETS;
}

static size_t put_ipv6(const struct capture_packet *packet, uint8_t *at)
{
    memset(at, 0, IPV6_OCTETS);
    at[0] = 0x60;
    put16(at + 4, UDP_OCTETS + packet->whole);
    at[6] = UDP;
    at[7] = HOPS;
    memcpy(at + 8, packet->source.octets, 16);
    memcpy(at + 24, packet->destination.octets, 16);
    return IPV6_OCTETS;
}

size_t capture_headers(const struct capture_packet *packet, uint8_t headers[CAPTURE_HEADERS_MAX])
{
    assert(!packet->frame && packet->length <= packet->whole && packet->whole <= CAPTURE_OCTETS_MAX);
    bool ipv4 = capture_is_ipv4(packet);
    uint8_t *ip = headers + ETHERNET;
    memset(headers, 0, ETHERNET);
    put16(headers + 12, ipv4 ? 0x0800 : 0x86dd);
    uint8_t *udp = ip + (ipv4 ? put_ipv4(packet, ip) : put_ipv6(packet, ip));
    put16(udp, packet->source_port);
    put16(udp + 2, packet->destination_port);
    put16(udp + 4, UDP_OCTETS + packet->whole);
    put16(udp + 6, 0);
    if (packet->length == packet->whole) {
        // The pseudo header (RFC 768, RFC 8200 8.1): addresses, protocol, length.
        uint32_t sum = ipv4 ? add(0, ip + 12, 8) : add(0, ip + 8, 32);
        sum = add(sum + UDP + UDP_OCTETS + packet->whole, udp, UDP_OCTETS);
        uint16_t checksum = fold(add(sum, packet->octets, packet->length));
        put16(udp + 6, checksum == 0 ? 0xffff : checksum);
    }
    return (size_t)(udp - headers) + UDP_OCTETS;
}
