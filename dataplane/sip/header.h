// SPDX-License-Identifier: BSD-3-Clause
// Names of headers and methods.
#ifndef DIALGATE_SIP_HEADER_H
#define DIALGATE_SIP_HEADER_H

#include "scan.h"

#define HEADER_NAME_MAX  32u
#define HEADER_SLOT_BITS 9u
// The letters are in lower case.
#define HEADER_SLOT(length, first, middle, last)                                                             \
    ((((uint32_t)(first) | (uint32_t)(middle) << 8 | (uint32_t)(last) << 16 | (uint32_t)(length) << 24) *    \
      0x8d56ce19u) >>                                                                                        \
     (32 - HEADER_SLOT_BITS))

// A name in lower case, in words of 8 octets, with zeros behind.
struct header_row {
    uint64_t length;
    uint64_t words[HEADER_NAME_MAX / 8];
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
    unsigned kind = header_slots[HEADER_SLOT(length, name[0] | 0x20u, name[length / 2] | 0x20u,
                                             name[length - 1] | 0x20u)];
    const struct header_row *row = &header_rows[kind];
    if (row->length != length)
        return HEADER_OTHER;
    if (length < 8)
        return ((scan_load(name, 8) | lower) ^ row->words[0]) << (64 - 8 * length) == 0
                   ? (enum sip_header)kind
                   : HEADER_OTHER;
    uint64_t differs = (scan_load(name, 8) | lower) ^ row->words[0];
    // Words overlap: the last one ends with the name.
    for (size_t i = 1; i < length / 8; i++)
        differs |= (scan_load(name + i * 8, 8) | lower) ^ row->words[i];
    uint64_t last;
    memcpy(&last, (const uint8_t *)row->words + length - 8, sizeof(last));
    differs |= (scan_load(name + length - 8, 8) | lower) ^ last;
    return differs == 0 ? (enum sip_header)kind : HEADER_OTHER;
}

// "Call-ID" ...; "" for HEADER_OTHER and whatever else.
const char *header_text(unsigned kind);

// The method of a token, which is compared with case (RFC 3261 7.1). METHOD_OTHER when unknown.
enum sip_method method_find(const uint8_t *name, size_t length);

// "INVITE" ...; "OTHER" for METHOD_OTHER and whatever else.
const char *method_text(unsigned method);

#endif
