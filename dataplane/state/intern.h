// SPDX-License-Identifier: BSD-3-Clause
// Text that many dialogs of a worker share (hosts with port and parameters, a member's whole Record-Route),
// kept once in the arena and counted by its users. Full, or a text that is used once too often, is an answer:
// the caller then keeps the text itself. What is interned is named by its block's arena_ref, so that a reader
// of the arena's file needs nothing but the region.
#ifndef DIALGATE_STATE_INTERN_H
#define DIALGATE_STATE_INTERN_H

#include "arena.h"
#include "siphash.h"
#include "table.h"

#define INTERN_LENGTH_MIN 6u   // shorter text is cheaper where it stands
#define INTERN_LENGTH_MAX 512u // longer text is refused

// In the arena. The check covers length and octets, not users.
struct intern_block {
    uint32_t check;
    uint32_t users;
    uint16_t length;
    uint8_t octets[];
};

#define INTERN_RECENT 256u // a power of two

struct intern {
    struct table table; // hash of the text -> arena_ref
    // What was asked for last, by a hash without a key: it saves the keyed one and the table. Found there or
    // not, octets are compared; who chooses texts to meet others' places gains that theirs are looked up.
    arena_ref recent[INTERN_RECENT]; // ARENA_NONE: none
    struct arena *arena;
    struct siphash_key key;
    uint64_t refused; // texts that found no place
};

// Octets of 64-octet aligned memory for at most capacity different texts.
size_t intern_memory(uint32_t capacity);
// The caller sets intern->key before the first text.
void intern_init(struct intern *intern, void *memory, uint32_t capacity, struct arena *arena);
// One more user of this text. ARENA_NONE: too short or too long, the cap is reached, or no room.
arena_ref intern_get(struct intern *intern, const void *octets, uint32_t length);
void intern_put(struct intern *intern, arena_ref ref); // one user less; the last one frees the text

// Reads an interned text of a region that may be damaged, or another process's: false when ref does not lead
// to a whole block with a right check. octets point into the region.
struct region {
    const uint8_t *octets;
    size_t size;
};
bool intern_read(struct region region, arena_ref ref, const uint8_t **octets, uint32_t *length);
// The same without the check: for a region whose texts were read once, or are ours.
bool intern_look(struct region region, arena_ref ref, const uint8_t **octets, uint32_t *length);

#endif
