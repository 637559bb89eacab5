// SPDX-License-Identifier: BSD-3-Clause
// Maglev tables (Eisenbud et al., NSDI 2016, section 3.4): a keyed hash modulo the table's size names a
// member. Every member has a permutation of the slots of its own, and members take turns in claiming their
// next free slot, so that shares are even and a member that comes or goes moves little but its own slots.
// Permutations depend on the permanent number alone: neither the order of the file nor other members change
// them.
//
// Weights: in each round a member earns weight / largest weight of a turn. Taking all of a member's turns at
// once, as often done, leaves shares wrong by up to a whole weight in the last round.
#ifndef DIALGATE_CONFIG_MAGLEV_H
#define DIALGATE_CONFIG_MAGLEV_H

#include <stdint.h>

struct maglev_member {
    uint16_t number; // permanent
    uint32_t weight; // from 1
};

// A prime, at least 1000 slots a member and at least 10007; 0 for no members. Measured: with 100 slots a
// member, one that leaves moves 2 to 4 % of the others' slots; with 1000 about 0.5 to 1 %.
uint32_t maglev_size(uint32_t members);

// Fills table[0, size) with members' numbers; size is maglev_size() of count, or any prime above it. Returns
// 0 or -ENOMEM.
int maglev_fill(uint16_t *table, uint32_t size, const struct maglev_member *members, uint32_t count);

#endif
