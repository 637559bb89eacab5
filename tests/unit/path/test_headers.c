// SPDX-License-Identifier: BSD-3-Clause
// What leaves is read again by what reads what comes: both families, all tags, whole and in pieces.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "headers.h"
#include "reassemble.h"

#define PAYLOAD 65507u

static uint8_t datagram[HEADERS_OCTETS + FRAME_UDP + PAYLOAD];
static struct reassembly_memory memory[REASSEMBLE_DATAGRAMS];

static const struct headers_way ways[] = {
    {.to_mac = {2, 1}, .from_mac = {2, 2}, .from = IP_MAPPED(0x0a000001), .to = IP_MAPPED(0x0a000002)},
    {.from = {{0x20, 1, [15] = 1}}, .to = {{0x20, 1, [15] = 2}}},
};
static const uint32_t tags[] = {0, FRAME_TAGS(0, 100), FRAME_TAGS(200, 0), FRAME_TAGS(4094, 1)};

static struct headers_way way_of(unsigned family, unsigned row)
{
    struct headers_way way = ways[family];
    way.tags = tags[row];
    way.from_port = 5060;
    way.to_port = 65535;
    return way;
}

static void check_way(const struct frame *frame, const struct headers_way *way)
{
    assert_true(ip_equal(&frame->source, &way->from) && ip_equal(&frame->destination, &way->to));
    assert_int_equal(frame->tags, way->tags);
}

static void test_whole(void **state)
{
    for (unsigned i = 0; i < 8; i++) {
        for (uint32_t payload = 0; payload < 100; payload++) {
            struct headers_way way = way_of(i % 2, i / 2);
            struct frame frame;
            struct frame_udp udp;
            uint8_t *at = datagram + HEADERS_OCTETS;
            memset(at + FRAME_UDP, (int)payload, payload);
            headers_udp(&way, at, payload);
            assert_true(at[6] != 0 || at[7] != 0);
            uint8_t *begin = headers_put(&way, at, FRAME_UDP + payload, 7);
            uint32_t length = (uint32_t)(at - begin) + FRAME_UDP + payload;
            assert_true(begin >= datagram);
            assert_int_equal(frame_read(begin, length, &frame), COUNTER_COUNT);
            check_way(&frame, &way);
            assert_memory_equal(begin, way.to_mac, 6);
            assert_memory_equal(begin + 6, way.from_mac, 6);
            assert_int_equal(frame_udp(&frame, false, &udp), COUNTER_COUNT);
            assert_ptr_equal(udp.payload, at + FRAME_UDP);
            assert_int_equal(udp.length, payload);
            assert_int_equal(udp.source_port, 5060);
            assert_int_equal(udp.destination_port, 65535);
            at[FRAME_UDP] ^= 1; // it is a checksum, and looked at
            assert_int_equal(frame_udp(&frame, false, &udp),
                             payload == 0 ? COUNTER_COUNT : COUNTER_DROP_UDP_HEADER);
        }
    }
}

// A sum that comes to zero is written as all ones.
static void test_no_zero(void **state)
{
    struct headers_way way = way_of(0, 0);
    uint8_t *at = datagram + HEADERS_OCTETS;
    memset(at + FRAME_UDP, 0, 2);
    headers_udp(&way, at, 2);
    memcpy(at + FRAME_UDP, at + 6, 2); // what was lacking to all ones
    headers_udp(&way, at, 2);
    assert_memory_equal(at + 6, "\xff\xff", 2);
}

static void in_pieces(const struct headers_way *way, uint32_t payload, uint32_t mtu)
{
    static struct reassembler set;
    uint64_t counters[COUNTER_COUNT] = {0};
    uint8_t packet[HEADERS_OCTETS + 9000];
    uint32_t octets = FRAME_UDP + payload, room = headers_piece_room(way, mtu), pieces = 0;
    struct reassembled_datagram whole = {0};
    reassemble_init(&set, memory, counters);
    headers_udp(way, datagram, payload);
    for (uint32_t offset = 0; offset < octets; offset += room, pieces++) {
        struct frame frame;
        struct headers_piece piece = {.offset = offset, .id = 0x12345678};
        piece.length = octets - offset < room ? octets - offset : room;
        piece.has_more = offset + piece.length < octets;
        memcpy(packet + HEADERS_OCTETS, datagram + offset, piece.length);
        uint8_t *begin = headers_put_piece(way, packet + HEADERS_OCTETS, &piece);
        uint32_t length = (uint32_t)(packet + HEADERS_OCTETS - begin) + piece.length;
        assert_true(begin >= packet);
        uint32_t ethernet = FRAME_ETHERNET + (way->tags >> 16 ? 4 : 0) + ((way->tags & 0xffff) ? 4 : 0);
        assert_true(length - ethernet <= mtu);
        assert_int_equal(frame_read(begin, length, &frame), COUNTER_COUNT);
        check_way(&frame, way);
        assert_true(frame.is_fragment);
        assert_int_equal(frame.id, ip_is_ipv4(&way->to) ? 0x5678 : 0x12345678);
        const struct fragment fragment = {.id = frame.id,
                                          .next = frame.next,
                                          .has_more = frame.has_more,
                                          .offset = frame.offset,
                                          .length = frame.octets,
                                          .octets = frame.upper};
        assert_int_equal(reassemble_add(&set, &fragment, 0, &whole),
                         piece.has_more ? REASSEMBLED_NOT : REASSEMBLED_WHOLE);
    }
    assert_int_equal(whole.length, octets);
    assert_int_equal(pieces, (octets + room - 1) / room);
    assert_memory_equal(whole.octets, datagram, octets);
}

static void test_pieces(void **state)
{
    static const uint32_t payloads[] = {1473, 3000, 8192, PAYLOAD}, mtus[] = {1280, 1500, 9000};
    for (uint32_t i = 0; i < sizeof(datagram); i++)
        datagram[i] = (uint8_t)(i * 13 + i / 256);
    for (unsigned i = 0; i < 8 * 4 * 3; i++) {
        struct headers_way way = way_of(i % 2, i / 2 % 4);
        uint32_t payload = payloads[i / 8 % 4], mtu = mtus[i / 32];
        if (headers_room(&way, mtu) < payload + FRAME_UDP)
            in_pieces(&way, payload, mtu);
    }
    struct headers_way way = way_of(0, 0);
    in_pieces(&way, PAYLOAD, 576);
}

static void test_rooms(void **state)
{
    static const struct {
        unsigned family;
        uint32_t mtu, room, piece;
    } rows[] = {{0, 1500, 1480, 1480}, {0, 1499, 1479, 1472}, {0, 576, 556, 552},
                {0, 575, 555, 0},      {0, 19, 0, 0},         {1, 1500, 1460, 1448},
                {1, 1280, 1240, 1232}, {1, 1279, 1239, 0},    {1, 39, 0, 0}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct headers_way way = way_of(rows[i].family, 0);
        assert_int_equal(headers_room(&way, rows[i].mtu), rows[i].room);
        assert_int_equal(headers_piece_room(&way, rows[i].mtu), rows[i].piece);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_no_zero),
                                       cmocka_unit_test(test_pieces), cmocka_unit_test(test_rooms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
