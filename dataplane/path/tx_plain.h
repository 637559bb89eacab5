// SPDX-License-Identifier: BSD-3-Clause
// Frames as nearly all leave: IPv4 without a tag, whole, from a small buffer. What such a frame begins with
// is the same for all that one of our listeners sends to one address and port, but for two lengths, an
// identification and the sums: it is made once, from the kernel's tables and the rules, and copied from then
// on. A row is one line; a place that another way takes costs the next frame its look-ups and no more.
//
// The sum of the payload is taken apart from the headers': these have just been written in small pieces, and
// a vector that is read over them would wait until all of those are in the cache.
#ifndef DIALGATE_PATH_TX_PLAIN_H
#define DIALGATE_PATH_TX_PLAIN_H

#include "endpoint.h"
#include "nexthop.h"

struct worker;
struct rte_mbuf;
struct writer;

#define FRAME_HEADERS       42u // Ethernet 14, IPv4 20, UDP 8
#define TX_PLAIN_ROWS_BITS  6u
#define TX_PLAIN_ROWS       (1u << TX_PLAIN_ROWS_BITS)
#define TX_PLAIN_NOWHERE    UINT64_MAX // its listener is NUMBER_NONE
#define TX_PLAIN_OCTETS_MIN 8u         // of a message: what a sum begins with

struct tx_plain {
    uint64_t way;        // where to, from which listener; TX_PLAIN_NOWHERE: empty
    uint32_t header_sum; // of IPv4's header without lengths and identification
    uint32_t pseudo_sum; // of what goes into UDP's sum and is not of the datagram, without its length
    uint16_t room;       // octets of a message
    uint8_t network;
    uint8_t reserved;
    uint8_t octets[FRAME_HEADERS]; // lengths, identification and sums are 0
};
static_assert(sizeof(struct tx_plain) == 64, "a line");

struct tx_plains {
    _Alignas(64) struct tx_plain rows[TX_PLAIN_ROWS];
    uint64_t rules, nexthops; // serials of those that they are made of
};

// To an address of IPv4.
static inline uint64_t tx_plain_way(const struct endpoint *to)
{
    uint32_t address;
    memcpy(&address, to->address.octets + IP_MAPPED_BITS / 8, sizeof(address));
    return (uint64_t)to->listener << 48 | (uint64_t)to->port << 32 | address;
}

static inline unsigned tx_plain_place(uint64_t way)
{
    return (unsigned)(way * 0x9e3779b97f4a7c15u >> (64 - TX_PLAIN_ROWS_BITS));
}

// What frames to there begin with; NULL: there is no row, or they are not plain.
static inline const struct tx_plain *tx_plain_find(const struct tx_plains *plains, const struct endpoint *to)
{
    uint64_t way = tx_plain_way(to);
    const struct tx_plain *row = &plains->rows[tx_plain_place(way)];
    return row->way == way && ip_is_ipv4(&to->address) ? row : NULL;
}

// Rules or the kernel's tables may be others since.
void tx_plain_renew(struct tx_plains *plains, uint64_t rules, uint64_t nexthops);
// Makes the row of a way whose network has no tag. The listener is of IPv4, like the address.
const struct tx_plain *tx_plain_keep(struct worker *worker, const struct endpoint *to,
                                     const struct nexthop *hop);
// Makes a frame of a message in a small buffer that lies behind room for its headers: at most row->room
// octets of it, and TX_PLAIN_OCTETS_MIN at least.
void tx_plain_make(struct worker *worker, const struct tx_plain *row, struct rte_mbuf *mbuf, uint32_t octets);

#endif
