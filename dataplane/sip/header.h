// SPDX-License-Identifier: BSD-3-Clause
// Names of headers and methods.
#ifndef DIALGATE_SIP_HEADER_H
#define DIALGATE_SIP_HEADER_H

#include "scan.h"

#include <assert.h>

#define HEADER_NAME_MAX  32u
#define HEADER_SLOT_BITS 9u
#define HEADER_FACTOR    0x2b59a11006fe10a3ull

// The last 8 octets of a name as a word, with zeros before a shorter one.
#define HEADER_KEY(a, b, c, d, e, f, g, h)                                                                   \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 |  \
     (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define HEADER_SLOT(key, first, length)                                                                      \
    ((((key) + (uint64_t)(first) + (uint64_t)(length)) * HEADER_FACTOR) >> (64 - HEADER_SLOT_BITS))

struct header_row {
    uint64_t key;
    uint64_t head; // the first 8 octets of a name of more than 8
    uint32_t length;
    uint32_t kind;
};

#define HEADER_ROWS_MAX 120u // names and compact forms

// One object, so that one address serves all.
struct header_table {
    struct header_row rows[HEADER_ROWS_MAX];
    uint64_t masks[HEADER_NAME_MAX + 1];   // by length: which octets of the last 8 are the name's own
    uint8_t slots[1u << HEADER_SLOT_BITS]; // numbers of rows by HEADER_SLOT()
};

HIDDEN extern const struct header_table header_table;

// Whether a name of this kind's length, of more than 16 octets of SCAN_HOST, is the kind's between its first
// and its last 8.
bool header_same_middle(enum sip_header kind, const uint8_t *name, size_t length);

// The kind of a header by its name, long or compact (RFC 3261 7.3.3), without case. HEADER_OTHER when
// unknown.
enum sip_header header_find(const uint8_t *name, size_t length);

// The same for a name of 1 to HEADER_NAME_MAX octets of SCAN_HOST, as all known names are. 8 octets before
// its end must be readable.
ALWAYS_INLINE enum sip_header header_find_word(const uint8_t *name, size_t length)
{
    // The bit that parts the cases parts no other two octets of SCAN_HOST, and makes of the underscore what
    // is in no name.
    const uint64_t lower = 0x2020202020202020u;
    uint64_t key = (scan_load(name + length - 8, 8) | lower) & header_table.masks[length];
    const struct header_row *row =
        &header_table.rows[header_table.slots[HEADER_SLOT(key, name[0] | 0x20u, length)]];
    if (row->key != key)
        return HEADER_OTHER;
    enum sip_header kind = (enum sip_header)row->kind;
    // The zeros before a short name tell its length.
    if (length <= 8)
        return kind;
    if (row->head != (scan_load(name, 8) | lower) || row->length != length)
        return HEADER_OTHER;
    return length <= 16 || header_same_middle(kind, name, length) ? kind : HEADER_OTHER;
}

// "Call-ID" ...; "" for HEADER_OTHER and whatever else.
const char *header_text(unsigned kind);

// The method of a token, which is compared with case (RFC 3261 7.1). METHOD_OTHER when unknown.
enum sip_method method_find(const uint8_t *name, size_t length);

// "INVITE" ...; "OTHER" for METHOD_OTHER and whatever else.
const char *method_text(unsigned method);

#endif
