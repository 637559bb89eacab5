// SPDX-License-Identifier: BSD-3-Clause
// The sum against its definition (RFC 1071, section 1): of each length, at each place, and where carries
// meet.
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "checksum.h"

#define LENGTHS 300u
#define PLACES  8u

static uint16_t defined(const uint8_t *octets, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += (uint32_t)octets[i] << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)sum);
}

typedef unsigned long long adder(unsigned long long sum, const void *octets, uint32_t length);

static const struct {
    const char *name;
    adder *add;
} adders[] = {
    {"any", checksum_add},
    {"scalar", checksum_add_scalar},
#if defined(__x86_64__)
    {"avx2", checksum_add_avx2},
    {"avx512bw", checksum_add_avx512},
#endif
};
#define ADDERS (sizeof(adders) / sizeof(adders[0]))

// Has the processor what it takes?
static bool can_add(size_t which)
{
#if defined(__x86_64__)
    if (adders[which].add == checksum_add_avx2)
        return __builtin_cpu_supports("avx2");
    if (adders[which].add == checksum_add_avx512)
        return __builtin_cpu_supports("avx512bw");
#endif
    return true;
}

static void all_lengths(adder *add)
{
    // Random, all ones, and such that all but one word are.
    enum { RANDOM, ONES, NEARLY, KINDS };
    uint64_t random = 1;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (uint32_t length = 8; length < LENGTHS; length++) {
            uint8_t octets[PLACES + LENGTHS];
            uint32_t place = length % PLACES;
            for (size_t i = 0; i < sizeof(octets); i++) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                octets[i] = kind == RANDOM ? (uint8_t)(random >> 56) : 0xff;
            }
            if (kind == NEARLY)
                octets[place + length - 1] = 1;
            uint16_t sum = checksum_fold(add(0, octets + place, length));
            assert_int_equal(sum, defined(octets + place, length));
            // Of two parts, the second at an even place.
            uint32_t first = length / 4 * 2;
            if (first >= 8 && length - first >= 8)
                assert_int_equal(
                    checksum_fold(add(add(0, octets + place, first), octets + place + first, length - first)),
                    sum);
        }
    }
}

static void test_all_lengths(void **state)
{
    for (size_t i = 0; i < ADDERS; i++) {
        if (can_add(i))
            all_lengths(adders[i].add);
    }
}

// No way reads beyond the end, where there may be no memory, and no sum is lost in the largest datagram.
static void test_ends(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = CHECKSUM_OCTETS_MAX / page * page + page;
    uint8_t *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(mprotect(memory + room, page, PROT_NONE), 0);
    static const uint8_t fills[] = {0xff, 0x80, 0x7f, 0};
    for (size_t fill = 0; fill < sizeof(fills); fill++) {
        memset(memory, fills[fill], room);
        for (uint32_t length = CHECKSUM_OCTETS_MAX + 1; length >= 8; length -= length > 1000 ? 521 : 1) {
            const uint8_t *octets = memory + room - length;
            for (size_t i = 0; i < ADDERS; i++) {
                bool is_direct = i >= 2; // the first two take more at once
                if (can_add(i) && !(is_direct && length > CHECKSUM_OCTETS_MAX))
                    assert_int_equal(checksum_fold(adders[i].add(0x1234, octets, length)),
                                     checksum_fold(0x1234ull + defined(octets, length)));
            }
        }
    }
    munmap(memory, room + page);
}

// An IPv4 header with its checksum in place, and the pseudo-header of RFC 768.
static void test_known(void **state)
{
    static const uint8_t header[20] = {0x45, 0,    0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
                                       0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7};
    static const uint8_t pseudo[12] = {192, 168, 0, 1, 192, 168, 0, 199, 0, 17, 0, 95};
    uint32_t from, to;
    memcpy(&from, pseudo, sizeof(from));
    memcpy(&to, pseudo + 4, sizeof(to));
    assert_int_equal(checksum_fold(checksum_add(0, header, sizeof(header))), 0xffff);
    assert_int_equal(checksum_fold(checksum_header(header)), 0xffff);
    assert_int_equal(checksum_fold(checksum_pseudo(from, to, htons(95))), defined(pseudo, sizeof(pseudo)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_lengths), cmocka_unit_test(test_ends),
                                       cmocka_unit_test(test_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
