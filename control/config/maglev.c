// SPDX-License-Identifier: BSD-3-Clause
#include "maglev.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "dialgate/snapshot.h"

#define SLOTS_PER_MEMBER 1000u
#define SIZE_LEAST       10007u

struct claimant {
    struct maglev_member member;
    uint32_t slot;   // where its permutation stands
    uint32_t skip;   // 1 .. size - 1: coprime to a prime size, so that every slot is visited
    uint32_t earned; // towards its next turn, below the largest weight
};

static bool is_prime(uint32_t number)
{
    for (uint32_t divisor = 3; divisor * divisor <= number; divisor += 2)
        if (number % divisor == 0)
            return false;
    return number % 2 != 0;
}

uint32_t maglev_size(uint32_t members)
{
    if (members == 0)
        return 0;
    uint32_t size = members * SLOTS_PER_MEMBER;
    size = size < SIZE_LEAST ? SIZE_LEAST : size | 1;
    while (!is_prime(size))
        size += 2;
    return size;
}

// A bijection of 64 bits whose output bits all depend on all input bits (xor-shift and odd multipliers). Not
// keyed: who sends calls chooses neither members nor their numbers.
static uint64_t mix(uint64_t value)
{
    value ^= value >> 32;
    value *= 0x9e6c63d0876a9a47ull;
    value ^= value >> 29;
    value *= 0xb5026f5aa96619e9ull;
    value ^= value >> 32;
    return value;
}

static int by_number(const void *left, const void *right)
{
    return ((const struct claimant *)left)->member.number - ((const struct claimant *)right)->member.number;
}

int maglev_fill(uint16_t *table, uint32_t size, const struct maglev_member *members, uint32_t count)
{
    uint32_t largest = 1;
    struct claimant *claimants = calloc(count ? count : 1, sizeof(*claimants));
    if (!claimants)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = mix(2ull * members[i].number + 1), skip = mix(2ull * members[i].number + 2);
        claimants[i] =
            (struct claimant){members[i], (uint32_t)(offset % size), 1 + (uint32_t)(skip % (size - 1)), 0};
        if (members[i].weight > largest)
            largest = members[i].weight;
    }
    qsort(claimants, count, sizeof(*claimants), by_number);
    for (uint32_t slot = 0; slot < size; slot++)
        table[slot] = NUMBER_NONE;
    // The member of the largest weight claims a slot in every round: at most size rounds.
    for (uint32_t filled = 0; count && filled < size;) {
        for (uint32_t i = 0; i < count && filled < size; i++) {
            struct claimant *claimant = &claimants[i];
            claimant->earned += claimant->member.weight;
            if (claimant->earned < largest)
                continue;
            claimant->earned -= largest;
            while (table[claimant->slot] != NUMBER_NONE)
                claimant->slot = (uint32_t)(((uint64_t)claimant->slot + claimant->skip) % size);
            table[claimant->slot] = claimant->member.number;
            filled++;
        }
    }
    free(claimants);
    return 0;
}
