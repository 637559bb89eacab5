// SPDX-License-Identifier: BSD-3-Clause
#include "headers.h"

#include <string.h>
#include "checksum.h"

#define FLAG_MORE_IPV4 0x2000u
#define FLAG_MORE_IPV6 1u

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

void headers_udp(const struct headers_way *way, uint8_t *udp, uint32_t payload)
{
    uint32_t octets = payload + FRAME_UDP;
    uint16_t length;
    put16(udp, way->from_port);
    put16(udp + 2, way->to_port);
    put16(udp + 4, octets);
    put16(udp + 6, 0);
    memcpy(&length, udp + 4, sizeof(length));
    unsigned long long pseudo = checksum_addresses(&way->from, &way->to, length);
    uint16_t sum = checksum_fold(way->leaves_udp_sum ? pseudo : checksum_add(pseudo, udp, octets));
    // 0 would say that there is none (RFC 768, RFC 8200 8.1).
    if (!way->leaves_udp_sum && sum != 0xffff)
        sum = (uint16_t)~sum;
    memcpy(udp + 6, &sum, sizeof(sum));
}

static uint8_t *put_ethernet(const struct headers_way *way, uint8_t *at, uint32_t type)
{
    const uint32_t inner = way->tags & 0xffff, outer = way->tags >> 16;
    put16(at -= 2, type);
    if (inner != 0) {
        put16(at -= 2, inner);
        put16(at -= 2, FRAME_TYPE_VLAN);
    }
    if (outer != 0) {
        put16(at -= 2, outer);
        put16(at -= 2, FRAME_TYPE_QINQ);
    }
    at -= sizeof(way->from_mac);
    memcpy(at, way->from_mac, sizeof(way->from_mac));
    at -= sizeof(way->to_mac);
    memcpy(at, way->to_mac, sizeof(way->to_mac));
    return at;
}

static uint8_t *put_ipv4(const struct headers_way *way, uint8_t *at, const struct headers_piece *piece)
{
    uint32_t place = piece->offset / 8 | (piece->has_more ? FLAG_MORE_IPV4 : 0);
    at -= FRAME_IPV4;
    put16(at, 0x4500);
    put16(at + 2, FRAME_IPV4 + piece->length);
    put16(at + 4, piece->id);
    put16(at + 6, place);
    put16(at + 8, HEADERS_HOP_LIMIT << 8 | FRAME_NEXT_UDP);
    put16(at + 10, 0);
    put32(at + 12, ip_ipv4(&way->from));
    put32(at + 16, ip_ipv4(&way->to));
    if (!way->leaves_ip_sum) {
        uint16_t sum = (uint16_t)~checksum_fold(checksum_header(at));
        memcpy(at + 10, &sum, sizeof(sum));
    }
    return put_ethernet(way, at, FRAME_TYPE_IPV4);
}

static uint8_t *put_ipv6(const struct headers_way *way, uint8_t *at, uint8_t next, uint32_t payload)
{
    at -= FRAME_IPV6;
    put32(at, 6u << 28);
    put16(at + 4, payload);
    put16(at + 6, (uint32_t)next << 8 | HEADERS_HOP_LIMIT);
    memcpy(at + 8, &way->from, sizeof(way->from));
    memcpy(at + 24, &way->to, sizeof(way->to));
    return put_ethernet(way, at, FRAME_TYPE_IPV6);
}

uint8_t *headers_put(const struct headers_way *way, uint8_t *datagram, uint32_t octets, uint16_t id)
{
    if (!ip_is_ipv4(&way->to))
        return put_ipv6(way, datagram, FRAME_NEXT_UDP, octets);
    return put_ipv4(way, datagram, &(struct headers_piece){.length = octets, .id = id});
}

uint8_t *headers_put_piece(const struct headers_way *way, uint8_t *at, const struct headers_piece *piece)
{
    if (ip_is_ipv4(&way->to))
        return put_ipv4(way, at, piece);
    at -= FRAME_FRAGMENT;
    put16(at, FRAME_NEXT_UDP << 8);
    put16(at + 2, piece->offset | (piece->has_more ? FLAG_MORE_IPV6 : 0));
    put32(at + 4, piece->id);
    return put_ipv6(way, at, FRAME_NEXT_PIECE, FRAME_FRAGMENT + piece->length);
}

uint32_t headers_room(const struct headers_way *way, uint32_t mtu)
{
    uint32_t own = ip_is_ipv4(&way->to) ? FRAME_IPV4 : FRAME_IPV6;
    return mtu < own ? 0 : mtu - own;
}

uint32_t headers_piece_room(const struct headers_way *way, uint32_t mtu)
{
    bool is_ipv4 = ip_is_ipv4(&way->to);
    uint32_t least = is_ipv4 ? HEADERS_MTU_IPV4 : HEADERS_MTU_IPV6;
    uint32_t own = is_ipv4 ? FRAME_IPV4 : FRAME_IPV6 + FRAME_FRAGMENT;
    return mtu < least ? 0 : (mtu - own) & ~7u;
}
