// SPDX-License-Identifier: BSD-3-Clause
// Writing pieces: which octets a piece covers is text_pack.c's affair, how it is written is known here and in
// text_code.h.
//
// A literal grows until a piece that saves something ends it; a text that comes out longer than itself is
// written anew as one literal. So a packing never needs more than TEXT_PACKED_MAX.
#ifndef DIALGATE_STATE_TEXT_WRITE_H
#define DIALGATE_STATE_TEXT_WRITE_H

#include "text_code.h"

#define TEXT_INTERNED_MAX 16u // pieces of one packing: a bound for work, no dialog has so many
#define TEXT_SLOTS        64u

struct stretch {
    const uint8_t *octets;
    uint32_t length;
};

struct text_writer {
    struct intern *intern;
    uint8_t *out;
    uint32_t used;
    uint32_t limit;         // of used, for this text
    uint32_t code;          // where the last code of this text stands
    bool failed;            // the text does not fit the limit
    struct stretch literal; // not yet written
    uint32_t numbered;
    struct stretch pieces[TEXT_COPIES]; // the numbered ones
    unsigned interned;
    arena_ref refs[TEXT_INTERNED_MAX];
    uint8_t slots[TEXT_SLOTS]; // by a hash of the octets: number of a piece + 1; 0: none
};

// What an octet can be part of. The first four are the kinds that a run is made of.
enum {
    IS_DIGIT = 1, // TEXT_DIGIT_SYMBOLS but the one that stands for none
    IS_HEX = 2,   // with lower-case letters
    IS_HEX_UPPER = 4,
    IS_TOKEN = 8,     // TEXT_TOKEN_SYMBOLS
    IS_NAME = 16,     // TEXT_NAME_SYMBOLS
    IS_HOST = 32,     // host, port, and a parameter's name or short value
    IS_EDGE = 64,     // ends a run
    IS_URI_EDGE = 128 // ends a user, or a URI without one
};
#define TEXT_RUN_KINDS 4u
extern const uint8_t text_kinds[256];

static inline struct stretch stretch_of(const uint8_t *octets, uint32_t length)
{
    return (struct stretch){octets, length};
}

void text_write_init(struct text_writer *writer, struct intern *intern, uint8_t *out);
void text_write_empty(struct text_writer *writer); // the whole text
void text_write_constant(struct text_writer *writer, enum text_constant constant);
// Octets without a structure: UUIDs, digits and tokens are found among them.
void text_write_run(struct text_writer *writer, struct stretch run);
// Octets as they are, joined to those before.
void text_write_literal(struct text_writer *writer, struct stretch octets);
// What an earlier piece says. False when none says it, and nothing is written.
bool text_write_copy(struct text_writer *writer, struct stretch octets);
// Interned. False when it has no place, and nothing is written.
bool text_write_interned(struct text_writer *writer, struct stretch octets);
// A display name between its quotes; whole has them and the space. It has a length that a name can have.
void text_write_name(struct text_writer *writer, struct stretch whole);
void text_write_kept(struct text_writer *writer);
static inline void text_write_flush(struct text_writer *writer) // what was kept back of a literal
{
    if (writer->literal.length != 0)
        text_write_kept(writer);
}

#endif
