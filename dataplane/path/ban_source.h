// SPDX-License-Identifier: BSD-3-Clause
// What a ban is of: an IPv4 address, or the IPv6 prefix that counted as one source when it began
// (prefilter.source_prefix). A reload may change that length: what was banned before keeps its own.
#ifndef DIALGATE_PATH_BAN_SOURCE_H
#define DIALGATE_PATH_BAN_SOURCE_H

#include <stddef.h>
#include "dialgate/address.h"
#include "dialgate/prefilter.h"

// As the key of PREFILTER_MAP_BANS.
struct ban_source {
    uint32_t length;           // of the 128-bit form; of IPv4 128
    struct ip_address address; // octets beyond the length are zero
};
static_assert(sizeof(struct ban_source) == sizeof(struct prefilter_prefix6) &&
                  offsetof(struct ban_source, length) == offsetof(struct prefilter_prefix6, length) &&
                  offsetof(struct ban_source, address) == offsetof(struct prefilter_prefix6, address),
              "one layout");

// bits: of an IPv6 address that are one source.
static inline struct ban_source ban_source(const struct ip_address *address, uint32_t bits)
{
    uint32_t length = ip_is_ipv4(address) ? 128 : bits;
    return (struct ban_source){length, ip_prefix(address, length)};
}

static inline bool ban_source_equal(const struct ban_source *a, const struct ban_source *b)
{
    return a->length == b->length && ip_equal(&a->address, &b->address);
}

// Lengths under which IPv6 addresses are looked for.
struct ban_lengths {
    uint32_t any; // 1: there are bans, of IPv4 too
    uint32_t count;
    uint32_t lengths[PREFILTER_BAN_LENGTHS];
};

#endif
