// SPDX-License-Identifier: BSD-3-Clause
// Names of headers and methods.
#ifndef DIALGATE_SIP_HEADER_H
#define DIALGATE_SIP_HEADER_H

#include "scan.h"

#define HEADER_NAME_MAX  32u
#define HEADER_SLOT_BITS 9u
#define HEADER_FACTOR    0x2212fb1271ed8d83ull

// The first 8 octets of a name as a word, or all of them at its upper end.
#define HEADER_KEY(a, b, c, d, e, f, g, h, length)                                                           \
    (((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 | \
      (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)                                       \
     << HEADER_KEY_SHIFT(length))
#define HEADER_KEY_SHIFT(length) ((length) < 8 ? 64 - 8 * (length) : 0)
#define HEADER_SLOT(key, last, length)                                                                       \
    ((((key) + ((uint64_t)(last) << 8) + (uint64_t)(length)) * HEADER_FACTOR) >> (64 - HEADER_SLOT_BITS))

struct header_row {
    uint64_t length;
    uint64_t key;
    uint8_t name[HEADER_NAME_MAX]; // in lower case
};

// By kind; and kinds by HEADER_SLOT().
extern const struct header_row header_rows[HEADER_COUNT];
extern const uint8_t header_slots[1u << HEADER_SLOT_BITS];

// By the letter that stands for the name.
enum sip_header header_compact(uint8_t letter);

// The kind of a header by its name, long or compact (RFC 3261 7.3.3), without case. HEADER_OTHER when
// unknown.
enum sip_header header_find(const uint8_t *name, size_t length);

// The same for a name of octets in SCAN_HOST, as all known names are. At least 8 octets must be readable from
// `name` on.
static inline enum sip_header header_find_word(const uint8_t *name, size_t length)
{
    // The bit that parts the cases parts no other two octets of SCAN_HOST, and makes of the underscore what
    // is in no name.
    const uint64_t lower = 0x2020202020202020u;
    if (length < 2)
        return header_compact(name[0]);
    uint64_t key = (scan_load(name, 8) | lower) << HEADER_KEY_SHIFT(length);
    enum sip_header kind = (enum sip_header)header_slots[HEADER_SLOT(key, name[length - 1] | 0x20u, length)];
    const struct header_row *row = &header_rows[kind];
    // The zeros below a short name tell its length.
    if (row->key != key)
        return HEADER_OTHER;
    if (length < 8)
        return kind;
    if (row->length != length)
        return HEADER_OTHER;
    uint64_t differs = 0;
    // Words overlap: the last one ends with the name.
    for (size_t i = 8; i + 8 < length; i += 8)
        differs |= (scan_load(name + i, 8) | lower) ^ scan_load(row->name + i, 8);
    differs |= (scan_load(name + (length - 8), 8) | lower) ^ scan_load(row->name + (length - 8), 8);
    return differs == 0 ? kind : HEADER_OTHER;
}

// "Call-ID" ...; "" for HEADER_OTHER and whatever else.
const char *header_text(unsigned kind);

// The method of a token, which is compared with case (RFC 3261 7.1). METHOD_OTHER when unknown.
enum sip_method method_find(const uint8_t *name, size_t length);

// "INVITE" ...; "OTHER" for METHOD_OTHER and whatever else.
const char *method_text(unsigned method);

#endif
