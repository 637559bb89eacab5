// SPDX-License-Identifier: BSD-3-Clause
// Writing pieces: which octets a piece covers is text_pack.c's affair, how it is written is known here and in
// text_code.h.
//
// A literal grows until a piece that saves something ends it; a text that comes out longer than itself is
// written anew as one literal. So a packing never needs more than TEXT_PACKED_MAX.
#ifndef DIALGATE_STATE_TEXT_WRITE_H
#define DIALGATE_STATE_TEXT_WRITE_H

#include "text_code.h"
#include "text_scan.h"

#define TEXT_INTERNED_MAX 16u // pieces of one packing: a bound for work, no dialog has so many
#define TEXT_SLOTS        64u

struct stretch {
    const uint8_t *octets;
    uint32_t length;
};

struct text_writer {
    struct intern *intern;
    struct stretch text; // that is being packed
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
    uint8_t kinds[TEXT_LENGTH_MAX + 2 * TEXT_VECTOR]; // of the text's octets, and what scans may look at
};

static inline struct stretch stretch_of(const uint8_t *octets, uint32_t length)
{
    return (struct stretch){octets, length};
}

void text_write_init(struct text_writer *writer, struct intern *intern, uint8_t *out);
void text_write_empty(struct text_writer *writer); // the whole text
void text_write_constant(struct text_writer *writer, enum text_constant constant);
// Octets of the text without a structure: UUIDs, digits and tokens are found among them.
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
