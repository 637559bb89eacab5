// SPDX-License-Identifier: BSD-3-Clause
// Which of our listeners a message for a peer leaves from. A peer is spoken to at one listener or at several:
// then, among those of the address's family, the kernel's routes decide, as they would for a socket that is
// bound to none of them. Of the peer's listeners the one is taken whose network has the longest prefix for
// the address, then the lowest metric, then the one that the configuration names first; networks that are
// down, or without a route there, come last. Within a dialog the far end knows us by one listener (Via,
// Record-Route, the source of our packets): that one stays as long as its network leads there at all.
#ifndef DIALGATE_PATH_LISTENER_H
#define DIALGATE_PATH_LISTENER_H

#include "nexthop.h"
#include "rules.h"
#include "write.h"

// Whether this is one of the listeners of a peer that is present. NUMBER_NONE is none.
bool listener_is_of(const struct rules *rules, uint16_t peer, uint16_t listener);

// Whether one of them has the family of this address.
bool listener_reaches(const struct rules *rules, uint16_t peer, const struct ip_address *address);

// For an address of a peer that is present. known: the listener that the far end knows us by,
// NUMBER_NONE: none yet.
struct listener_choice {
    uint16_t peer;
    uint16_t known;
    struct ip_address address;
};
uint16_t listener_choose(const struct rules *rules, const struct nexthop_table *nexthops,
                         const struct listener_choice *choice);

// ADDRESS:PORT, as others know us: for Via, Record-Route, Path and Contact.
void listener_write(const struct rules *rules, struct writer *writer, uint16_t listener);
// The listener that this names just as listener_write() does; NUMBER_NONE: none, or in other words, which
// rules_listener_named() would know.
uint16_t listener_of_text(const struct rules *rules, const uint8_t *octets, uint32_t length);

#endif
