// SPDX-License-Identifier: BSD-3-Clause
// All texts by which a call is known follow from its number and the run's seed: nothing of them is kept.
#ifndef HOLDER_IDENTITY_H
#define HOLDER_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum side { CALLER, CALLEE, SIDES };

struct identity {
    char call_id[37];     // 36 octets, like a UUID; begins with the number
    char tag[SIDES][17];  // 16 octets
    char user[SIDES][16]; // user part of the side's URIs
    char branch[17];      // common to the call's branches; 32 bits were met twice in 30,000 calls
};

void identity_make(struct identity *identity, uint64_t seed, uint32_t number);

// The number in a Call-ID. Whether the rest is right, identity_make() tells. False: it has none.
bool identity_number(const char *call_id, size_t length, uint32_t *number);

// 64 bits that follow from SEED, NUMBER and PURPOSE.
uint64_t identity_mix(uint64_t seed, uint32_t number, uint32_t purpose);

#endif
