// SPDX-License-Identifier: BSD-3-Clause
// The texts of a dialog in as few octets as their kind allows, restored octet for octet, case included: hex
// and UUIDs as the octets they stand for, digits two in one, shared ends of URIs interned, a piece that an
// earlier text of the same dialog has by reference to it, everything else as it is. The packed form is
// self-contained but for the interned texts of its region; reading it never leaves it, whatever it says.
#ifndef DIALGATE_STATE_TEXT_H
#define DIALGATE_STATE_TEXT_H

#include "intern.h"

#define TEXT_COUNT_MAX  16u                                     // texts of one packing
#define TEXT_LENGTH_MAX 16384u                                  // octets of all texts of one packing together
#define TEXT_PACKED_MAX (TEXT_LENGTH_MAX + 8u * TEXT_COUNT_MAX) // octets that a packing needs at worst

struct dialog_string {
    const void *octets; // may be NULL when length is 0
    uint32_t length;
};

// Packs count texts, in this order, into out (TEXT_PACKED_MAX octets). Returns the octets used, or 0 when the
// texts are longer than TEXT_LENGTH_MAX. Interned pieces have one user more afterwards; when none can be had,
// the piece is written as it is.
uint32_t text_pack(struct intern *intern, const struct dialog_string *texts, unsigned count, uint8_t *out);
// The same in one copy, each text as it is: for texts that are going to change, or to be forgotten, before
// packing them pays. What text_pack() says of its result is true of this one, and nothing is interned.
uint32_t text_copy(const struct dialog_string *texts, unsigned count, uint8_t *out);
// Gives back what the packing has interned. packed is whole: ours, or text_check() said so.
void text_release(struct intern *intern, const uint8_t *packed, uint32_t length);

struct text_source {
    struct region region; // where interned texts lie
    const uint8_t *packed;
    uint32_t length;
};
// False when the packing of count texts is damaged, or an interned text of it is. After this returned true
// the functions below cannot fail.
bool text_check(const struct text_source *source, unsigned count);
// Restores one text. Returns its length; nothing is written when that is more than room.
uint32_t text_unpack(const struct text_source *source, unsigned which, void *out, uint32_t room);
bool text_equal(const struct text_source *source, unsigned which, struct dialog_string wanted);
// Of the first count texts in one walk: those with octets NULL are restored, into out or where they lie in
// the source, and valid as long as both. out: TEXT_LENGTH_MAX octets.
void text_unpack_others(const struct text_source *source, unsigned count, struct dialog_string *texts,
                        uint8_t *out);
// Whether each of the first count texts is the one given; one with octets NULL may be any.
bool text_equal_all(const struct text_source *source, unsigned count, const struct dialog_string *texts);
// Whether the first text is this one and the two behind it are a and b, or else b and a; of those two one
// with octets NULL may be any.
enum text_order { TEXT_NO_ORDER, TEXT_IN_ORDER, TEXT_OTHER_ORDER };
enum text_order text_order(const struct text_source *source, struct dialog_string first,
                           struct dialog_string a, struct dialog_string b);

#endif
