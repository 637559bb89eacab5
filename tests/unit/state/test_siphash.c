// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "siphash.h"

// Key and input of the paper's test vectors: octets 0, 1, 2, ...
static const struct siphash_key paper_key = {{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};

static const uint64_t paper_vectors[] = {
    0x726fdb47dd0e0e31ULL, 0x74f839c593dc67fdULL, 0x0d6c8009d9a94f5aULL, 0x85676696d7fb7e2dULL,
    0xcf2794e0277187b7ULL, 0x18765564cd99a68dULL, 0xcbc9466e58fee3ceULL, 0xab0200f58b01d137ULL,
    0x93f5f5799a932462ULL, 0x9e0082df0ba9e4b0ULL, 0x7a5dbbc594ddb9f3ULL, 0xf4b32f46226bada7ULL,
    0x751e8fbc860ee5fbULL, 0x14ea5627c0843d90ULL, 0xf723ca908e7af2eeULL, 0xa129ca6149be45e5ULL,
};

static void counting(uint8_t *octets, size_t length)
{
    for (size_t i = 0; i < length; i++)
        octets[i] = (uint8_t)i;
}

static void published_vectors(void **state)
{
    uint8_t input[16];
    counting(input, sizeof(input));
    for (size_t length = 0; length < 16; length++)
        assert_int_equal(siphash24(&paper_key, input, length), paper_vectors[length]);
}

// CPython hashes bytes with SipHash-1-3; with PYTHONHASHSEED=0 its key is zero.
static void known_13(void **state)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } rows[] = {
        {"a", 0x407448d2b89b1813ULL},
        {"abcdefg", 0x6db12aae9070f506ULL},
        {"abcdefgh", 0x3f7b849c0b8e35eaULL},
        {"a84b4c76e66710@pc33.atlanta.com", 0x2b5ed5506aa94fedULL},
    };
    static const struct siphash_key zero;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(siphash13(&zero, rows[i].text, strlen(rows[i].text)), rows[i].hash);
}

// The paper's description word for word: the input is padded to whole words, the last octet is the length.
// A second word is had as the authors' variant of 128 bits has its own: another constant, d rounds more.
static uint64_t slow_word(const struct siphash_key *key, const uint8_t *input, size_t length, const int cd[2],
                          bool second)
{
    int c = cd[0], d = cd[1];
    uint8_t padded[512] = {0};
    size_t words = length / 8 + 1;
    uint64_t k0 = key->word[0], k1 = key->word[1];
    uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d;
    uint64_t v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
    memcpy(padded, input, length);
    padded[words * 8 - 1] = (uint8_t)length;
    for (size_t w = 0; w <= words + second; w++) {
        uint64_t m = 0;
        for (int i = 7; i >= 0 && w < words; i--)
            m = m * 256 + padded[w * 8 + (size_t)i];
        if (w < words)
            v3 ^= m;
        else if (w == words)
            v2 ^= 0xff;
        else
            v1 ^= 0xdd;
        for (int r = 0; r < (w < words ? c : d); r++) {
            v0 += v1, v1 = (v1 << 13) + (v1 >> 51), v1 ^= v0, v0 = (v0 << 32) + (v0 >> 32);
            v2 += v3, v3 = (v3 << 16) + (v3 >> 48), v3 ^= v2;
            v0 += v3, v3 = (v3 << 21) + (v3 >> 43), v3 ^= v0;
            v2 += v1, v1 = (v1 << 17) + (v1 >> 47), v1 ^= v2, v2 = (v2 << 32) + (v2 >> 32);
        }
        if (w < words)
            v0 ^= m;
    }
    return v0 ^ v1 ^ v2 ^ v3;
}

static uint64_t slow(const struct siphash_key *key, const uint8_t *input, size_t length, int c, int d)
{
    return slow_word(key, input, length, (const int[2]){c, d}, false);
}

static void agrees_with_slow(void **state)
{
    uint8_t input[300];
    const struct siphash_key key = {{0x123456789abcdef0ULL, 0xfedcba9876543210ULL}};
    counting(input, sizeof(input));
    for (size_t length = 0; length < sizeof(input); length++) {
        assert_int_equal(siphash13(&key, input, length), slow(&key, input, length, 1, 3));
        struct siphash_two two = siphash13_two(&key, input, length);
        assert_int_equal(two.first, slow(&key, input, length, 1, 3));
        assert_int_equal(two.second, slow_word(&key, input, length, (const int[2]){1, 3}, true));
        assert_int_equal(siphash24(&key, input, length), slow(&key, input, length, 2, 4));
    }
}

// Every way to cut 40 octets into three pieces.
static void pieces_are_joined(void **state)
{
    uint8_t input[40];
    counting(input, sizeof(input));
    for (size_t a = 0; a <= sizeof(input); a++) {
        for (size_t b = a; b <= sizeof(input); b++) {
            struct siphash hash;
            siphash_begin(&hash, &paper_key);
            siphash_add(&hash, input, a);
            siphash_add(&hash, input + a, b - a);
            siphash_add(&hash, input + b, sizeof(input) - b);
            assert_int_equal(siphash_end(&hash), siphash24(&paper_key, input, sizeof(input)));
        }
    }
}

// Pieces of one length, up to more than is put together first.
static void pieces_in_a_row(void **state)
{
    uint8_t input[400];
    counting(input, sizeof(input));
    for (size_t length = 0; length <= 80; length++) {
        struct siphash_piece pieces[5];
        for (unsigned i = 0; i < 5; i++)
            pieces[i] = (struct siphash_piece){length == 0 ? NULL : input + i * length, length};
        for (unsigned n = 0; n <= 5; n++) {
            assert_int_equal(siphash13_joined(&paper_key, pieces, n),
                             siphash13(&paper_key, input, n * length));
            assert_int_equal(siphash24_joined(&paper_key, pieces, n),
                             siphash24(&paper_key, input, n * length));
        }
    }
}

static void words_come_first(void **state)
{
    uint8_t input[80];
    uint64_t words[3] = {0, 0, 0};
    counting(input, sizeof(input));
    for (unsigned w = 0; w < 3; w++)
        for (unsigned i = 8; i > 0; i--)
            words[w] = words[w] << 8 | input[w * 8 + i - 1];
    for (size_t length = 0; length <= sizeof(input) - 16; length++)
        assert_int_equal(siphash24_behind(&paper_key, words, input + 16, length),
                         siphash24(&paper_key, input, 16 + length));
    for (size_t length = 0; length <= sizeof(input) - 24; length++)
        assert_int_equal(siphash13_behind(&paper_key, words, input + 24, length),
                         siphash13(&paper_key, input, 24 + length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors), cmocka_unit_test(known_13),
        cmocka_unit_test(agrees_with_slow),  cmocka_unit_test(pieces_are_joined),
        cmocka_unit_test(pieces_in_a_row),   cmocka_unit_test(words_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
