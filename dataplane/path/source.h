// SPDX-License-Identifier: BSD-3-Clause
// Who sends to us: the peers of addresses that were heard lately, and what these are called in messages.
//
// A worker hears from a few dozen addresses, callers and callees by turns, so that the last one alone is
// mostly another's. Rows are found by a hash of the address and hold peers alone: strangers, who may send
// from any address, take nobody's row, and are looked up each time. A row of another address costs the
// look-up that there would be without it.
#ifndef DIALGATE_PATH_SOURCE_H
#define DIALGATE_PATH_SOURCE_H

#include "rules.h"

#define SOURCE_ROWS_BITS 6u
#define SOURCE_ROWS      (1u << SOURCE_ROWS_BITS)

struct source_row {
    struct ip_address address; // not set: empty
    uint16_t peer;
    uint8_t length; // of text, 0: not written yet
    char text[45];  // the address as a host, with a NUL
};
static_assert(sizeof(struct source_row) == 64, "a line");

struct sources {
    _Alignas(64) struct source_row rows[SOURCE_ROWS];
    uint64_t serial; // of the rules that they speak of, 0: none
};

static inline unsigned source_place(const struct ip_address *address)
{
    return ip_hash(address, 0) >> (32 - SOURCE_ROWS_BITS);
}

// Others have been published since: all is forgotten.
void sources_renew(struct sources *sources, const struct rules *rules);
// As rules_peer() with the rules of sources_renew().
uint16_t source_learn(struct sources *sources, const struct rules *rules, const struct ip_address *address);
// The address as a host: "192.0.2.1", "[2001:db8::1]". NULL: it is in no row. Lasts until the row is taken.
const char *source_text(struct sources *sources, const struct ip_address *address);

static inline uint16_t source_find(struct sources *sources, const struct rules *rules,
                                   const struct ip_address *address)
{
    const struct source_row *row = &sources->rows[source_place(address)];
    return ip_equal(&row->address, address) && ip_is_set(address) ? row->peer
                                                                  : source_learn(sources, rules, address);
}

#endif
