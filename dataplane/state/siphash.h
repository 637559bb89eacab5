// SPDX-License-Identifier: BSD-3-Clause
// SipHash-1-3 and SipHash-2-4 with a 128-bit key and a 64-bit result (Aumasson and Bernstein). 1-3 for tables
// and steering, 2-4 as the MAC of cookies.
#ifndef DIALGATE_STATE_SIPHASH_H
#define DIALGATE_STATE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t word[2];
};

uint64_t siphash13(const struct siphash_key *key, const void *octets, size_t length);
uint64_t siphash24(const struct siphash_key *key, const void *octets, size_t length);
// siphash13(), and a second word as the authors' variant of 128 bits goes on to one: who knows one of the two
// knows nothing of the other, and it costs three rounds.
struct siphash_two {
    uint64_t first, second;
};
struct siphash_two siphash13_two(const struct siphash_key *key, const void *octets, size_t length);
// Of two or three words, each as 8 octets with the lowest first, and the octets behind them.
uint64_t siphash13_behind(const struct siphash_key *key, const uint64_t words[3], const void *octets,
                          size_t length);
uint64_t siphash24_behind(const struct siphash_key *key, const uint64_t words[2], const void *octets,
                          size_t length);

// Of pieces joined. Short ones are put together first, so that it costs as much as one text does: half of
// what they take one by one.
struct siphash_piece {
    const void *octets;
    size_t length;
};
uint64_t siphash13_joined(const struct siphash_key *key, const struct siphash_piece *pieces, unsigned count);
uint64_t siphash24_joined(const struct siphash_key *key, const struct siphash_piece *pieces, unsigned count);

// A running SipHash-2-4 over several pieces; the result is that of the pieces joined.
struct siphash {
    uint64_t v[4];
    uint64_t tail;
    uint64_t length;
};
void siphash_begin(struct siphash *hash, const struct siphash_key *key);
void siphash_add(struct siphash *hash, const void *octets, size_t length);
uint64_t siphash_end(struct siphash *hash);

#endif
