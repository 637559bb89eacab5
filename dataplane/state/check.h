// SPDX-License-Identifier: BSD-3-Clause
// What tells a whole record or block from a torn or damaged one: a multiply-fold over words of eight octets,
// in two independent lanes so that the multiplications overlap. It has no key: it is held against accidents,
// not against somebody who writes to the file.
#ifndef DIALGATE_STATE_CHECK_H
#define DIALGATE_STATE_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t check_word(const uint8_t *octets)
{
    uint64_t word;
    memcpy(&word, octets, sizeof(word));
    return word;
}

static inline uint64_t check_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// One to seven octets as a word.
static inline uint64_t check_rest(const uint8_t *octets, size_t length)
{
    uint32_t head;
    uint32_t tail;
    if (length < sizeof(head))
        return octets[0] | (uint64_t)octets[length / 2] << 8 | (uint64_t)octets[length - 1] << 16;
    memcpy(&head, octets, sizeof(head));
    memcpy(&tail, octets + length - sizeof(tail), sizeof(tail));
    return head | (uint64_t)tail << 32;
}

// Never 0. The constants are odd numbers with half of their bits set, chosen at random.
static inline uint32_t check_octets(const void *octets, size_t length)
{
    const uint8_t *at = (const uint8_t *)octets;
    size_t left = length;
    uint64_t a = 0x9ae16a3b2f90404full ^ length;
    uint64_t b = 0xc949c7defca5b8d3ull;
    uint64_t c = 0x8cb92ba72f3d8dd7ull;
    for (; left >= 32; left -= 32, at += 32) {
        a = check_fold(check_word(at) ^ a, check_word(at + 8) ^ 0xd6e8feb86659fd93ull);
        b = check_fold(check_word(at + 16) ^ b, check_word(at + 24) ^ 0xa0761d6478bd642full);
    }
    if (left >= 16) {
        a = check_fold(check_word(at) ^ a, check_word(at + 8) ^ 0xe7037ed1a0b428dbull);
        left -= 16;
        at += 16;
    }
    if (left >= 8) {
        c = check_fold(check_word(at) ^ c, 0x589965cc75374cc3ull);
        left -= 8;
        at += 8;
    }
    if (left > 0) {
        // The last word may begin before the rest does.
        uint64_t word = length < sizeof(word) ? check_rest(at, left) : check_word(at + left - sizeof(word));
        b = check_fold(word ^ b, 0x1d8e4e27c47d124full);
    }
    uint64_t all = a ^ b ^ c;
    uint32_t check = (uint32_t)(all ^ all >> 32);
    return check != 0 ? check : 1;
}

#endif
