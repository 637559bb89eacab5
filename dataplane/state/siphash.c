// SPDX-License-Identifier: BSD-3-Clause
#include "siphash.h"

#include <endian.h>
#include <string.h>
#include "copy_short.h"

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline uint64_t load(const uint8_t *octets)
{
    uint64_t word;
    memcpy(&word, octets, sizeof(word));
    return le64toh(word);
}

// The last up to 7 octets, little-endian.
static inline uint64_t load_part(const uint8_t *octets, size_t length)
{
    uint64_t word = 0;
    unsigned at = 0;
    if (length & 4) {
        uint32_t four;
        memcpy(&four, octets, sizeof(four));
        word = le32toh(four);
        at = 4;
    }
    if (length & 2) {
        uint16_t two;
        memcpy(&two, octets + at, sizeof(two));
        word |= (uint64_t)le16toh(two) << (8 * at);
        at += 2;
    }
    if (length & 1)
        word |= (uint64_t)octets[at] << (8 * at);
    return word;
}

static inline void rounds(uint64_t v[4], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static inline void compress(uint64_t v[4], uint64_t word, unsigned count)
{
    v[3] ^= word;
    rounds(v, count);
    v[0] ^= word;
}

static inline void start(uint64_t v[4], const struct siphash_key *key)
{
    // "somepseudorandomlygeneratedbytes"
    v[0] = key->word[0] ^ 0x736f6d6570736575ULL;
    v[1] = key->word[1] ^ 0x646f72616e646f6dULL;
    v[2] = key->word[0] ^ 0x6c7967656e657261ULL;
    v[3] = key->word[1] ^ 0x7465646279746573ULL;
}

static inline uint64_t finish(uint64_t v[4], uint64_t last, unsigned c, unsigned d)
{
    compress(v, last, c);
    v[2] ^= 0xff;
    rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static inline uint64_t whole(const struct siphash_key *key, const void *octets, size_t length, unsigned c,
                             unsigned d)
{
    const uint8_t *at = octets;
    uint64_t v[4];
    start(v, key);
    for (size_t words = length / 8; words > 0; words--, at += 8)
        compress(v, load(at), c);
    return finish(v, (uint64_t)length << 56 | load_part(at, length % 8), c, d);
}

uint64_t siphash13(const struct siphash_key *key, const void *octets, size_t length)
{
    return whole(key, octets, length, 1, 3);
}

struct siphash_two siphash13_two(const struct siphash_key *key, const void *octets, size_t length)
{
    const uint8_t *at = octets;
    uint64_t v[4];
    struct siphash_two two;
    start(v, key);
    for (size_t words = length / 8; words > 0; words--, at += 8)
        compress(v, load(at), 1);
    two.first = finish(v, (uint64_t)length << 56 | load_part(at, length % 8), 1, 3);
    v[1] ^= 0xdd;
    rounds(v, 3);
    two.second = v[0] ^ v[1] ^ v[2] ^ v[3];
    return two;
}

uint64_t siphash24(const struct siphash_key *key, const void *octets, size_t length)
{
    return whole(key, octets, length, 2, 4);
}

uint64_t siphash24_behind(const struct siphash_key *key, const uint64_t words[2], const void *octets,
                          size_t length)
{
    const uint8_t *at = octets;
    uint64_t v[4];
    start(v, key);
    compress(v, words[0], 2);
    compress(v, words[1], 2);
    for (size_t left = length / 8; left > 0; left--, at += 8)
        compress(v, load(at), 2);
    return finish(v, (uint64_t)(length + 16) << 56 | load_part(at, length % 8), 2, 4);
}

uint64_t siphash13_behind(const struct siphash_key *key, const uint64_t words[3], const void *octets,
                          size_t length)
{
    const uint8_t *at = octets;
    uint64_t v[4];
    start(v, key);
    for (unsigned i = 0; i < 3; i++)
        compress(v, words[i], 1);
    for (size_t left = length / 8; left > 0; left--, at += 8)
        compress(v, load(at), 1);
    return finish(v, (uint64_t)(length + 24) << 56 | load_part(at, length % 8), 1, 3);
}

void siphash_begin(struct siphash *hash, const struct siphash_key *key)
{
    start(hash->v, key);
    hash->tail = 0;
    hash->length = 0;
}

static inline void take(struct siphash *hash, const void *octets, size_t length, unsigned c)
{
    const uint8_t *at = octets;
    unsigned held = hash->length % 8;
    hash->length += length;
    // Octets that are held wait in the low part of tail; each word of the input completes it and leaves as
    // many behind.
    while (length >= 8) {
        uint64_t word = load(at);
        compress(hash->v, held == 0 ? word : hash->tail | word << (8 * held), c);
        hash->tail = held == 0 ? 0 : word >> (64 - 8 * held);
        at += 8;
        length -= 8;
    }
    uint64_t rest = load_part(at, length);
    hash->tail |= rest << (8 * held);
    if (held + length >= 8) {
        compress(hash->v, hash->tail, c);
        hash->tail = rest >> (64 - 8 * held);
    }
}

void siphash_add(struct siphash *hash, const void *octets, size_t length)
{
    take(hash, octets, length, 2);
}

uint64_t siphash_end(struct siphash *hash)
{
    return finish(hash->v, hash->length << 56 | hash->tail, 2, 4);
}

#define JOINED_MAX 256u

static inline uint64_t whole_joined(const struct siphash_key *key, const struct siphash_piece *pieces,
                                    unsigned count, unsigned c, unsigned d)
{
    uint8_t joined[JOINED_MAX];
    size_t used = 0;
    unsigned i = 0;
    for (; i < count && pieces[i].length <= JOINED_MAX - used; i++) {
        copy_short(joined + used, pieces[i].octets, pieces[i].length);
        used += pieces[i].length;
    }
    if (i == count)
        return whole(key, joined, used, c, d);
    struct siphash hash;
    siphash_begin(&hash, key);
    take(&hash, joined, used, c);
    for (; i < count; i++)
        take(&hash, pieces[i].octets, pieces[i].length, c);
    return finish(hash.v, hash.length << 56 | hash.tail, c, d);
}

uint64_t siphash13_joined(const struct siphash_key *key, const struct siphash_piece *pieces, unsigned count)
{
    return whole_joined(key, pieces, count, 1, 3);
}

uint64_t siphash24_joined(const struct siphash_key *key, const struct siphash_piece *pieces, unsigned count)
{
    return whole_joined(key, pieces, count, 2, 4);
}
