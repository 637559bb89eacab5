// SPDX-License-Identifier: BSD-3-Clause
// Frames by their headers, one after another as a row says; each frame ends at a page that cannot be read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "checksum.h"
#include "frame.h"

#define PAGE 4096u

// What a row's headers are made of, a letter each; the rest of the frame is UDP.
//   1 802.1Q 100   2 802.1ad 200   0 802.1Q, priority alone   4 IPv4   5 IPv4 with options   6 IPv6
//   h hop-by-hop   r routing, nothing left   R routing, segments left   d destination options
//   D those with an option that must be known   P more options than one looks at   F first fragment
//   A atomic fragment   L last fragment   u UDP   z UDP without sum   n no next header   t TCP
struct row {
    const char *name;
    const char *headers;
    enum counter outcome;
    uint32_t tags;
    bool is_fragment;
};

static const struct row rows[] = {
    {"IPv4", "4u", COUNTER_COUNT, 0, false},
    {"IPv4 without UDP's sum (RFC 768)", "4z", COUNTER_COUNT, 0, false},
    {"IPv4 options", "5u", COUNTER_COUNT, 0, false},
    {"IPv4 over TCP", "4t", COUNTER_DROP_NOT_UDP, 0, false},
    {"a tag", "14u", COUNTER_COUNT, FRAME_TAGS(0, 100), false},
    {"a tag of providers alone", "24u", COUNTER_COUNT, FRAME_TAGS(200, 0), false},
    {"both tags", "214u", COUNTER_COUNT, FRAME_TAGS(200, 100), false},
    {"two customers' tags", "114u", COUNTER_COUNT, FRAME_TAGS(100, 100), false},
    {"three tags", "2114u", COUNTER_DROP_NOT_IP, 0, false},
    {"a provider's tag inside", "124u", COUNTER_DROP_NOT_IP, 0, false},
    {"a tag of priority alone", "04u", COUNTER_COUNT, 0, false},
    {"priority inside a provider's tag", "204u", COUNTER_COUNT, FRAME_TAGS(200, 0), false},
    {"both tags, IPv6", "216u", COUNTER_COUNT, FRAME_TAGS(200, 100), false},
    {"IPv6", "6u", COUNTER_COUNT, 0, false},
    {"IPv6 without UDP's sum (RFC 8200 8.1)", "6z", COUNTER_DROP_UDP_HEADER, 0, false},
    {"hop-by-hop options", "6hu", COUNTER_COUNT, 0, false},
    {"hop-by-hop options not in front (RFC 8200 4.1)", "6dhu", COUNTER_DROP_IP_HEADER, 0, false},
    {"hop-by-hop options twice", "6hhu", COUNTER_DROP_IP_HEADER, 0, false},
    {"all that may come, in the order of RFC 8200 4.1", "6hdrdu", COUNTER_COUNT, 0, false},
    {"a route that is not at its end (RFC 8200 4.4, RFC 5095)", "6Ru", COUNTER_DROP_IP_HEADER, 0, false},
    {"an option that must be known (RFC 8200 4.2)", "6Du", COUNTER_DROP_IP_HEADER, 0, false},
    {"more options than we look at (RFC 8504 5.3)", "6Pu", COUNTER_DROP_IP_HEADER, 0, false},
    {"eight headers", "6ddddddddu", COUNTER_COUNT, 0, false},
    {"nine headers", "6dddddddddu", COUNTER_DROP_IP_HEADER, 0, false},
    {"no next header", "6n", COUNTER_DROP_NOT_UDP, 0, false},
    {"IPv6 over TCP", "6hdt", COUNTER_DROP_NOT_UDP, 0, false},
    {"an atomic fragment (RFC 6946)", "6Au", COUNTER_COUNT, 0, false},
    {"an atomic fragment in another", "6AAu", COUNTER_DROP_IP_HEADER, 0, false},
    {"a first fragment", "6Fu", COUNTER_COUNT, 0, true},
    {"a last fragment", "6Lu", COUNTER_COUNT, 0, true},
    {"a fragment of TCP", "6Ft", COUNTER_DROP_NOT_UDP, 0, false},
    {"a first fragment behind options", "6hrFdu", COUNTER_COUNT, 0, true},
};

struct built {
    uint8_t octets[1024];
    uint32_t length;
    uint32_t next; // place of the octet that names the next header
    uint32_t ip;   // place of IP's header
};

static const uint8_t ipv6_from[16] = {0x20, 1, 0xd, 0xb8, [15] = 1},
                     ipv6_to[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint8_t *grow(struct built *frame, uint32_t octets)
{
    frame->length += octets;
    return frame->octets + frame->length - octets;
}

static void add_tag(struct built *frame, unsigned type, unsigned id)
{
    put16(frame->octets + frame->length - 2, type);
    put16(grow(frame, 4), id | 0x6000);
}

static void add_ip(struct built *frame, char letter)
{
    bool is_ipv4 = letter != '6';
    uint32_t octets = is_ipv4 ? letter == '5' ? 28u : 20u : 40u;
    put16(frame->octets + frame->length - 2, is_ipv4 ? 0x0800 : 0x86dd);
    frame->ip = frame->length;
    uint8_t *at = grow(frame, octets);
    if (is_ipv4) {
        static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};
        at[0] = (uint8_t)(0x40 | octets / 4);
        at[8] = 64;
        memcpy(at + 12, addresses, 8);
        memset(at + 20, 1, octets - 20); // no operation
        frame->next = frame->ip + 9;
    } else {
        at[0] = 0x60;
        at[7] = 64;
        memcpy(at + 8, ipv6_from, 16);
        memcpy(at + 24, ipv6_to, 16);
        frame->next = frame->ip + 6;
    }
}

static void add_extension(struct built *frame, char letter)
{
    static const struct {
        char letter;
        uint8_t kind;
        uint8_t octets[24];
        uint32_t length;
    } kinds[] = {
        {'h', 0, {0, 0, 5, 2, 0, 0, 1, 0}, 8}, // router alert, padding
        {'r', 43, {0, 2, 4, 0}, 24},
        {'R', 43, {0, 2, 0, 1}, 24},
        {'d', 60, {0, 1, 1, 12}, 16},
        {'D', 60, {0, 0, 0x85, 0, 1, 2, 0, 0}, 8},
        {'P', 60, {0, 2}, 24}, // 22 times Pad1
        {'F', 44, {0, 0, 0, 1, 1, 2, 3, 4}, 8},
        {'A', 44, {0, 0, 0, 0, 1, 2, 3, 4}, 8},
        {'L', 44, {0, 0, 1, 0, 1, 2, 3, 4}, 8},
        {'n', 59, {0}, 0},
        {'t', 6, {0}, 20},
    };
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].letter != letter)
            continue;
        frame->octets[frame->next] = kinds[i].kind;
        frame->next = frame->length;
        memcpy(grow(frame, kinds[i].length), kinds[i].octets, kinds[i].length);
        return;
    }
    fail_msg("no header %c", letter);
}

static void set_sums(struct built *frame)
{
    uint8_t *ip = frame->octets + frame->ip;
    if (ip[0] >> 4 == 4) {
        put16(ip + 10, 0);
        uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0, ip, (ip[0] & 15u) * 4));
        memcpy(ip + 10, &sum, 2);
    }
}

static void add_udp(struct built *frame, bool has_sum)
{
    static const char text[24] = "OPTIONS sip:a SIP/2.0\r\n";
    const uint8_t *ip = frame->octets + frame->ip;
    struct ip_address from, to;
    frame->octets[frame->next] = 17;
    uint8_t *at = grow(frame, 32);
    put16(at, 5070);
    put16(at + 2, 5060);
    put16(at + 4, 32);
    memcpy(at + 8, text, 24);
    if (!has_sum)
        return;
    memcpy(&from, ip + 8, 16);
    memcpy(&to, ip + 24, 16);
    if (ip[0] >> 4 == 4) {
        from = ip_from_ipv4(0x0a000001);
        to = ip_from_ipv4(0x0a000002);
    }
    uint16_t length;
    memcpy(&length, at + 4, 2);
    uint16_t sum = (uint16_t)~checksum_fold(checksum_add(checksum_addresses(&from, &to, length), at, 32));
    memcpy(at + 6, &sum, 2);
}

static struct built build(const char *headers)
{
    struct built frame = {.length = 14};
    for (const char *at = headers; *at != '\0'; at++) {
        if (*at == '0' || *at == '1')
            add_tag(&frame, 0x8100, *at == '1' ? 100 : 0);
        else if (*at == '2')
            add_tag(&frame, 0x88a8, 200);
        else if (*at >= '4' && *at <= '6')
            add_ip(&frame, *at);
        else if (*at == 'u' || *at == 'z')
            add_udp(&frame, *at == 'u');
        else
            add_extension(&frame, *at);
    }
    uint8_t *ip = frame.octets + frame.ip;
    if (ip[0] >> 4 == 4)
        put16(ip + 2, frame.length - frame.ip);
    else
        put16(ip + 4, frame.length - frame.ip - 40);
    set_sums(&frame);
    return frame;
}

static uint8_t *guarded; // its end is that of what may be read

static enum counter read_frame(const struct built *built, uint32_t length, struct frame *frame,
                               struct frame_udp *udp)
{
    uint8_t *at = guarded - length;
    memcpy(at, built->octets, length);
    memset(frame, 0xff, sizeof(*frame));
    frame->is_fragment = false;
    enum counter outcome = frame_read(at, length, frame);
    if (outcome != COUNTER_COUNT || frame->is_fragment)
        return outcome;
    assert_true(frame->upper >= at && frame->octets <= (uint32_t)(guarded - frame->upper));
    return frame_udp(frame, false, udp);
}

// Both ends are read where IP's header is whole, whatever follows it or is wrong with it.
static void test_ends(void **state)
{
    static const char *const headers[] = {"4u", "14t", "215u", "6u", "216Fu", "26Ru", "06n"};
    const struct ip_address from4 = ip_from_ipv4(0x0a000001), to4 = ip_from_ipv4(0x0a000002);
    for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct built built = build(headers[i]);
        bool is_ipv4 = built.octets[built.ip] >> 4 == 4;
        built.octets[built.ip] &= 0xf0; // neither is its length of that header
        for (uint32_t length = 0; length <= built.length; length++) {
            struct frame frame;
            uint8_t *at = guarded - length;
            memcpy(at, built.octets, length);
            bool has_ends = frame_ends(at, length, &frame);
            assert_int_equal(has_ends, length >= built.ip + (is_ipv4 ? FRAME_IPV4 : FRAME_IPV6));
            if (!has_ends)
                continue;
            assert_memory_equal(&frame.source, is_ipv4 ? from4.octets : ipv6_from, 16);
            assert_memory_equal(&frame.destination, is_ipv4 ? to4.octets : ipv6_to, 16);
        }
    }
}

// An IPv6 address that is one of IPv4's here alone is no end (dialgate/address.h).
static void test_mapped_ends(void **state)
{
    const struct ip_address mapped = ip_from_ipv4(0x0a000001);
    for (unsigned side = 0; side < 2; side++) {
        struct built built = build("6u");
        struct frame frame;
        memcpy(built.octets + built.ip + 8 + side * sizeof(mapped), &mapped, sizeof(mapped));
        assert_false(frame_ends(built.octets, built.length, &frame));
    }
}

static void test_rows(void **state)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct built built = build(rows[i].headers);
        struct frame frame;
        struct frame_udp udp;
        enum counter outcome = read_frame(&built, built.length, &frame, &udp);
        if (outcome != rows[i].outcome)
            fail_msg("%s: outcome %d", rows[i].name, (int)outcome);
        if (outcome != COUNTER_COUNT)
            continue;
        if (frame.tags != rows[i].tags || frame.is_fragment != rows[i].is_fragment)
            fail_msg("%s: tags %x, fragment %d", rows[i].name, frame.tags, frame.is_fragment);
        if (frame.is_fragment) {
            assert_int_equal(frame.id, 0x01020304);
            assert_ptr_equal(frame.upper + frame.octets, guarded);
            continue;
        }
        assert_int_equal(udp.length, 24);
        assert_int_equal(udp.source_port, 5070);
        assert_int_equal(udp.destination_port, 5060);
        assert_memory_equal(udp.payload, "OPTIONS ", 8);
    }
}

// Of a fragment each field has its place.
static void test_fragments(void **state)
{
    struct built built = build("6Lu"), four = build("4u");
    struct frame frame;
    struct frame_udp udp;
    assert_int_equal(read_frame(&built, built.length, &frame, &udp), COUNTER_COUNT);
    assert_int_equal(frame.offset, 256);
    assert_false(frame.has_more);
    assert_int_equal(frame.next, 17);
    assert_int_equal(frame.octets, 32);
    put16(four.octets + 14 + 4, 0xabcd);
    put16(four.octets + 14 + 6, 0x2000 | 185);
    set_sums(&four);
    assert_int_equal(read_frame(&four, four.length, &frame, &udp), COUNTER_COUNT);
    assert_true(frame.is_fragment && frame.has_more);
    assert_int_equal(frame.offset, 1480);
    assert_int_equal(frame.id, 0xabcd);
    assert_int_equal(frame.octets, 32);
    // One that is not the last has whole units, each has something.
    four.length -= 4;
    put16(four.octets + 14 + 2, four.length - 14);
    set_sums(&four);
    assert_int_equal(read_frame(&four, four.length, &frame, &udp), COUNTER_DROP_IP_HEADER);
    put16(four.octets + 14 + 6, 185);
    set_sums(&four);
    assert_int_equal(read_frame(&four, four.length, &frame, &udp), COUNTER_COUNT);
    four.length = 14 + 20;
    put16(four.octets + 14 + 2, 20);
    set_sums(&four);
    assert_int_equal(read_frame(&four, four.length, &frame, &udp), COUNTER_DROP_IP_HEADER);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *name;
        uint8_t source[16], destination[16];
        enum counter outcome;
    } table[] = {
        {"unspecified", {0}, {0x20, 1}, COUNTER_DROP_SOURCE},
        {"loopback", {[15] = 1}, {0x20, 1}, COUNTER_DROP_SOURCE},
        {"IPv4 inside", {[12] = 10, [15] = 1}, {0x20, 1}, COUNTER_DROP_SOURCE},
        {"IPv4 behind a translator (RFC 6052)",
         {[1] = 0x64, [2] = 0xff, [3] = 0x9b, [12] = 10, [15] = 1},
         {0x20, 1},
         COUNTER_DROP_UDP_HEADER},
        {"multicast", {0xff, 2, [15] = 1}, {0x20, 1}, COUNTER_DROP_SOURCE},
        {"mapped", {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1}, {0x20, 1}, COUNTER_DROP_SOURCE},
        {"to a mapped one",
         {0x20, 1},
         {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1},
         COUNTER_DROP_NOT_OURS},
        {"link-local", {0xfe, 0x80, [15] = 1}, {0x20, 1}, COUNTER_DROP_UDP_HEADER}, // its sum is of others
    };
    static const struct {
        uint8_t first;
        enum counter outcome;
    } four[] = {{0, COUNTER_DROP_SOURCE},   {1, COUNTER_DROP_UDP_HEADER}, {223, COUNTER_DROP_UDP_HEADER},
                {224, COUNTER_DROP_SOURCE}, {239, COUNTER_DROP_SOURCE},   {255, COUNTER_DROP_SOURCE}};
    static const struct {
        const char *name;
        uint8_t source[4], piece;
        enum counter outcome;
    } no_address[] = {{"asks for one", {0}, 0, COUNTER_DROP_UDP_HEADER}, // its sum is of others
                      {"the first of a network", {0, 0, 0, 1}, 0, COUNTER_DROP_SOURCE},
                      {"in fragments, first", {0}, 0x20, COUNTER_DROP_SOURCE},
                      {"in fragments, later", {0}, 0x01, COUNTER_DROP_SOURCE}};
    struct frame frame;
    struct frame_udp udp;
    for (unsigned i = 0; i < sizeof(no_address) / sizeof(no_address[0]); i++) {
        struct built built = build("4u");
        memcpy(built.octets + 14 + 12, no_address[i].source, 4);
        built.octets[14 + 6] = no_address[i].piece;
        set_sums(&built);
        if (read_frame(&built, built.length, &frame, &udp) != no_address[i].outcome)
            fail_msg("%s", no_address[i].name);
    }
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct built built = build("6u");
        memcpy(built.octets + 14 + 8, table[i].source, 16);
        memcpy(built.octets + 14 + 24, table[i].destination, 16);
        if (read_frame(&built, built.length, &frame, &udp) != table[i].outcome)
            fail_msg("%s", table[i].name);
    }
    for (unsigned i = 0; i < sizeof(four) / sizeof(four[0]); i++) {
        struct built built = build("4u");
        built.octets[14 + 12] = four[i].first;
        set_sums(&built);
        if (read_frame(&built, built.length, &frame, &udp) != four[i].outcome)
            fail_msg("%u.x.x.x", four[i].first);
    }
}

// No octet decides that lies behind the end, and none is read: of every row, cut off anywhere, with every
// octet changed.
static void test_any(void **state)
{
    struct frame frame;
    struct frame_udp udp;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct built good = build(rows[i].headers);
        for (uint32_t length = 0; length < good.length; length++) {
            enum counter outcome = read_frame(&good, length, &frame, &udp);
            if (outcome == COUNTER_COUNT)
                fail_msg("%s: %u octets", rows[i].name, length);
        }
        for (uint32_t at = 12; at < good.length; at++) {
            for (unsigned value = 0; value < 256; value++) {
                struct built built = good;
                built.octets[at] = (uint8_t)value;
                (void)read_frame(&built, built.length, &frame, &udp);
                set_sums(&built);
                (void)read_frame(&built, built.length, &frame, &udp);
            }
        }
    }
}

int main(void)
{
    uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),      cmocka_unit_test(test_fragments),
                                       cmocka_unit_test(test_addresses), cmocka_unit_test(test_any),
                                       cmocka_unit_test(test_ends),      cmocka_unit_test(test_mapped_ends)};
    if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) != 0)
        return 1;
    guarded = pages + PAGE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
