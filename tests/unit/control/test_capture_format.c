// SPDX-License-Identifier: BSD-3-Clause
// Captured messages octet by octet: headers as RFC 791, 8200 and 768 have them, blocks of pcapng, chunks of
// HEP.
#include "cmocka_first.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "capture_send.h"
#include "hep.h"
#include "pcapng.h"

static const struct ip_address ipv4_a = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}};
static const struct ip_address ipv4_b = {{[10] = 0xff, [11] = 0xff, 198, 51, 100, 7}};
static const struct ip_address ipv6_a = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
static const struct ip_address ipv6_b = {{0x20, 0x01, 0x0d, 0xb8, [15] = 2}};

static struct capture_packet example(void)
{
    return (struct capture_packet){.time_us = 0x0005f00dcafe1234,
                                   .source = ipv4_a,
                                   .destination = ipv4_b,
                                   .source_port = 5060,
                                   .destination_port = 5080,
                                   .length = 5,
                                   .whole = 5,
                                   .comment = "",
                                   .octets = (const uint8_t *)"HELLO"};
}

// A correct header sums up to all ones (RFC 1071).
static unsigned int sum(unsigned int start, const uint8_t *octets, size_t length)
{
    for (size_t i = 0; i < length; i++)
        start += i % 2 ? octets[i] : (unsigned int)octets[i] << 8;
    while (start >> 16)
        start = (start & 0xffff) + (start >> 16);
    return start;
}

static void test_ipv4(void **state)
{
    // Sums by hand: 4500 0021 4000 4011 c000 0201 c633 6407 give b16f with carries.
    static const uint8_t wanted[40] = {0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                                       0,    0,    0x08, 0x00, 0x45, 0x00, 0x00, 0x21, 0x00, 0x00,
                                       0x40, 0x00, 0x40, 0x11, 0x4e, 0x90, 192,  0,    2,    1,
                                       198,  51,   100,  7,    0x13, 0xc4, 0x13, 0xd8, 0x00, 0x0d};
    struct capture_packet packet = example();
    uint8_t headers[CAPTURE_HEADERS_MAX], *ip = headers + 14;
    assert_true(capture_is_ipv4(&packet));
    assert_int_equal(capture_headers(&packet, headers), 42);
    assert_memory_equal(headers, wanted, sizeof(wanted));
    assert_int_equal(sum(0, ip, 20), 0xffff);
    unsigned int pseudo = sum(17 + 13, ip + 12, 8);
    assert_int_equal(sum(sum(pseudo, ip + 20, 8), packet.octets, 5), 0xffff);
    packet.whole = 6; // cut: nobody can check it
    assert_int_equal(capture_headers(&packet, headers), 42);
    assert_int_equal(ip[3], 0x22);
    assert_int_equal(ip[26] | ip[27], 0);
}

static void test_ipv6(void **state)
{
    struct capture_packet packet = example();
    packet.source = ipv6_a;
    packet.destination = ipv6_b;
    uint8_t headers[CAPTURE_HEADERS_MAX], *ip = headers + 14;
    static const uint8_t wanted[10] = {0x86, 0xdd, 0x60, 0, 0, 0, 0, 13, 17, 64};
    assert_int_equal(capture_headers(&packet, headers), 62);
    assert_memory_equal(headers + 12, wanted, sizeof(wanted));
    assert_memory_equal(ip + 8, ipv6_a.octets, 16);
    assert_memory_equal(ip + 24, ipv6_b.octets, 16);
    unsigned int pseudo = sum(17 + 13, ip + 8, 32);
    assert_int_equal(sum(sum(pseudo, ip + 40, 8), packet.octets, 5), 0xffff);
    packet.destination = ipv4_b; // not both
    assert_false(capture_is_ipv4(&packet));
}

// RFC 768: a checksum that comes out as zero is sent as all ones.
static void test_zero_checksum(void **state)
{
    struct capture_packet packet = example();
    uint8_t headers[CAPTURE_HEADERS_MAX], octets[2] = {0, 0};
    packet.length = packet.whole = 2;
    packet.octets = octets;
    capture_headers(&packet, headers);
    memcpy(octets, headers + 40, 2); // what is missing to all ones
    capture_headers(&packet, headers);
    assert_int_equal(headers[40], 0xff);
    assert_int_equal(headers[41], 0xff);
}

// Of this machine's order, as the magic says.
#define W16(v) (uint8_t)((v)&0xff), (uint8_t)((v) >> 8)
#define W32(v) W16((v)&0xffff), W16((uint32_t)(v) >> 16)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the rows below");

// clang-format off
static const uint8_t head[] = {
    // Section header block
    W32(0x0a0d0d0a), W32(56), W32(0x1a2b3c4d), W16(1), W16(0), W32(0xffffffffu), W32(0xffffffffu),
    W16(4), W16(10), 'd', 'i', 'a', 'l', 'g', 'a', 't', 'e', ' ', '1', 0, 0, // shb_userappl
    W16(1), W16(2), '#', '1', 0, 0,                                          // opt_comment
    W16(0), W16(0), W32(56),
    // Interface description block: if_name, if_tsresol
    W32(1), W32(44), W16(1), W16(0), W32(0), W16(2), W16(8), 'd', 'i', 'a', 'l', 'g', 'a', 't', 'e',
    W16(9), W16(1), 6, 0, 0, 0, W16(0), W16(0), W32(44)};
static const uint8_t packet_begin[] = {W32(6), W32(100), W32(0), W32(0x0005f00d), W32(0xcafe1234), W32(47), W32(54)};
static const uint8_t packet_end[] = {'H', 'E', 'L', 'L', 'O', 0, W16(2), W16(4), W32(2), // epb_flags
                                     W16(1), W16(3), 'w', 'h', 'y', 0, W16(0), W16(0), W32(100)};
static const uint8_t frame[] = {W32(6), W32(52), W32(0), W32(0x0005f00d), W32(0xcafe1234), W32(5), W32(5),
                                'H', 'E', 'L', 'L', 'O', 0, 0, 0, W16(2), W16(4), W32(1), W16(0), W16(0), W32(52)};
static const uint8_t statistics[] = {W32(5), W32(52), W32(0), W32(0x0005f00d), W32(0xcafe1234),
                                     W16(4), W16(8), W32(7), W32(1), W16(5), W16(8), W32(3), W32(0), // isb_ifrecv, isb_ifdrop
                                     W16(0), W16(0), W32(52)};
// clang-format on

static void test_head(void **state)
{
    const struct pcapng_section section = {"dialgate 1", "#1", "dialgate"};
    uint8_t out[PCAPNG_HEAD_MAX];
    assert_int_equal(pcapng_head(&section, out), sizeof(head));
    assert_memory_equal(out, head, sizeof(head));
    char longest[1000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const struct pcapng_section most = {longest, longest, longest};
    uint8_t *exact = malloc(PCAPNG_HEAD_MAX); // ASan sees an octet too many
    assert_in_range(pcapng_head(&most, exact), 3 * 255, PCAPNG_HEAD_MAX);
    free(exact);
}

static void test_packet(void **state)
{
    struct capture_packet packet = example();
    uint8_t out[PCAPNG_PACKET_MAX], headers[CAPTURE_HEADERS_MAX];
    packet.outbound = true;
    packet.whole = 12;
    packet.comment = "why";
    assert_int_equal(pcapng_packet(&packet, out), 100);
    assert_memory_equal(out, packet_begin, sizeof(packet_begin));
    assert_int_equal(capture_headers(&packet, headers), 42);
    assert_memory_equal(out + 28, headers, 42);
    assert_int_equal(sizeof(packet_end), 100 - 70);
    assert_memory_equal(out + 70, packet_end, sizeof(packet_end));
    // Nothing to say, and it came in.
    packet = example();
    assert_int_equal(pcapng_packet(&packet, out), 92);
    assert_int_equal(out[76 + 4], 1);
    packet.frame = true;
    assert_int_equal(pcapng_packet(&packet, out), sizeof(frame));
    assert_memory_equal(out, frame, sizeof(frame));
}

static void test_statistics(void **state)
{
    const struct pcapng_statistics all = {0x0005f00dcafe1234, 0x100000007, 3};
    uint8_t out[PCAPNG_STATISTICS_MAX];
    assert_int_equal(pcapng_statistics(&all, out), sizeof(statistics));
    assert_memory_equal(out, statistics, sizeof(statistics));
}

static void test_longest_packet(void **state)
{
    struct capture_packet packet = example();
    uint8_t *octets = calloc(1, CAPTURE_OCTETS_MAX), *out = malloc(PCAPNG_PACKET_MAX);
    char comment[CAPTURE_COMMENT_MAX];
    memset(comment, 'c', sizeof(comment) - 1);
    comment[sizeof(comment) - 1] = '\0';
    packet.source = packet.destination = ipv6_a;
    packet.length = packet.whole = CAPTURE_OCTETS_MAX;
    packet.octets = octets;
    packet.comment = comment;
    size_t length = pcapng_packet(&packet, out);
    assert_int_equal(length % 4, 0);
    assert_in_range(length, CAPTURE_OCTETS_MAX + CAPTURE_HEADERS_MAX, PCAPNG_PACKET_MAX);
    free(octets);
    free(out);
}

#define N16(v)              (uint8_t)((v) >> 8), (uint8_t)(v)
#define CHUNK(type, octets) 0, 0, N16(type), N16((octets) + 6)

static void test_hep(void **state)
{
    // clang-format off
    static const uint8_t wanted[] = {
        'H', 'E', 'P', '3', N16(122), CHUNK(1, 1), 2, CHUNK(2, 1), 17, CHUNK(3, 4), 192, 0, 2, 1, CHUNK(4, 4), 198, 51, 100, 7,
        CHUNK(7, 2), N16(5060), CHUNK(8, 2), N16(5080), CHUNK(9, 4), 0, 0x1e, 0x84, 0x80, CHUNK(10, 4), 0, 0, 0, 7,
        CHUNK(11, 1), 1, CHUNK(12, 4), 0, 0, 0x07, 0xd1, CHUNK(19, 2), 'n', '1', CHUNK(15, 5), 'H', 'E', 'L', 'L', 'O',
        CHUNK(17, 4), 'c', '@', 0xe9, 'd'};
    // clang-format on
    const struct hep_sender sender = {2001, "n1"};
    const struct hep_text call_id = {"c@\xe9"
                                     "d",
                                     4};
    uint8_t out[HEP_MAX];
    struct capture_packet packet = example();
    packet.time_us = 2000000ull * 1000000 + 7;
    assert_int_equal(sizeof(wanted), 122);
    assert_int_equal(hep_sip(&sender, &packet, call_id, out), sizeof(wanted));
    assert_memory_equal(out, wanted, sizeof(wanted));
    packet.comment = "drop=";
    assert_int_equal(hep_log(&sender, &packet, call_id, out), sizeof(wanted));
    static const uint8_t log_chunk[] = {CHUNK(11, 1), 100}, why[] = {CHUNK(15, 5), 'd', 'r', 'o', 'p', '='};
    assert_non_null(memmem(out, sizeof(wanted), log_chunk, sizeof(log_chunk)));
    assert_non_null(memmem(out, sizeof(wanted), why, sizeof(why)));
    // Neither a name nor a Call-ID: two chunks less.
    const struct hep_sender nameless = {2001, ""};
    assert_int_equal(hep_sip(&nameless, &packet, (struct hep_text){0}, out), sizeof(wanted) - 8 - 10);
    packet.source = ipv6_a;
    packet.destination = ipv6_b;
    assert_int_equal(hep_sip(&sender, &packet, call_id, out), sizeof(wanted) + 24);
    static const uint8_t ipv6[] = {CHUNK(1, 1), 10}, from[] = {CHUNK(5, 16), 0x20, 0x01},
                         to[] = {CHUNK(6, 16), 0x20};
    assert_non_null(memmem(out, sizeof(wanted), ipv6, sizeof(ipv6)));
    assert_non_null(memmem(out, sizeof(wanted), from, sizeof(from)));
    assert_non_null(memmem(out, sizeof(wanted), to, sizeof(to)));
}

// The datagram is never longer than UDP allows; what does not fit is refused whole.
static void test_hep_longest(void **state)
{
    const struct hep_sender sender = {1, "n"};
    uint8_t *octets = calloc(1, CAPTURE_OCTETS_MAX), *out = malloc(HEP_MAX);
    struct capture_packet packet = example();
    packet.octets = octets;
    size_t chunks = hep_sip(&sender, &packet, (struct hep_text){"x", 1}, out) - 5;
    packet.length = packet.whole = (uint32_t)(HEP_MAX - chunks);
    assert_int_equal(hep_sip(&sender, &packet, (struct hep_text){"x", 1}, out), HEP_MAX);
    assert_int_equal(out[4] << 8 | out[5], HEP_MAX);
    assert_int_equal(hep_sip(&sender, &packet, (struct hep_text){"xy", 2}, out), 0);
    packet.length = packet.whole = CAPTURE_OCTETS_MAX;
    assert_int_equal(hep_sip(&sender, &packet, (struct hep_text){"x", 1}, out), 0);
    free(octets);
    free(out);
}

static void test_collector_port(void **state)
{
    struct capture_sender sender;
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    char error[128];
    assert_int_equal(capture_sender_open(&sender, "127.0.0.1", 1, error, sizeof(error)), 0);
    assert_int_equal(getpeername(sender.fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(ntohs(address.sin_port), 9060);
    capture_sender_close(&sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4),           cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_zero_checksum),  cmocka_unit_test(test_head),
        cmocka_unit_test(test_packet),         cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_longest_packet), cmocka_unit_test(test_hep),
        cmocka_unit_test(test_hep_longest),    cmocka_unit_test(test_collector_port)};
    return cmocka_run_group_tests_name("control capture format", tests, NULL, NULL);
}
