// SPDX-License-Identifier: BSD-3-Clause
// Datagrams that come in fragments (RFC 791 3.2, RFC 8200 4.5), put together before anything else is read of
// them.
//
// Each datagram has a buffer of its own for all octets that there may be, into which fragments are copied as
// they come: their mbufs are free again at once, and what never becomes whole holds nothing but its buffer.
// A bitmap of units of 8 octets tells what is there; it needs no list of holes (RFC 815), and no order or
// number of fragments makes it slow. Fragments that contradict each other end their datagram, and those of it
// that still come are refused until its time is over (RFC 5722); one whose octets are all there already and
// the same is a repetition, which the network may make, and changes nothing (RFC 8200 4.5).
//
// Nothing here grows: REASSEMBLE_DATAGRAMS at once, of one peer and of one source fewer, and the oldest one
// makes room, since fragments of a datagram follow each other at once or, mostly, never. Who is no peer has
// no place here at all, as strangers' messages are dropped anyway; so a flood from elsewhere costs a peer
// nothing, and one with a peer's spoofed address only that peer. One with addresses of several peers takes
// from these, too: without a free place the peer that has most gives one. There is no least size of
// fragments: a router on the way may cut one of 1,480 octets into 1,472 and 8. Their number is bounded
// instead, and the first one has to have the header that decides whose it is (RFC 3128, RFC 7112).
#ifndef DIALGATE_PATH_REASSEMBLE_H
#define DIALGATE_PATH_REASSEMBLE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include "dialgate/address.h"
#include "dialgate/counters.h"
#include "dialgate/snapshot.h"

#define REASSEMBLE_DATAGRAMS 128u // of each worker
#define REASSEMBLE_OF_PEER   64u
// As many as a burst: with fragments of one datagram in several queues, those of that many are read before
// the first one's rest is.
#define REASSEMBLE_OF_SOURCE 32u
#define REASSEMBLE_PIECES    128u   // 65,515 octets in 45 fragments of an MTU of 1,500, each cut in two again
#define REASSEMBLE_OCTETS    65515u // what the largest IPv4 packet carries: UDP's header and 65,507 octets
// Fragments of one datagram leave their sender together. RFC 8200 waits 60 s, RFC 1122 3.3.2 the same, for
// ways that hosts have no more: SIP repeats a request after half a second (timer A).
#define REASSEMBLE_US 2000000u

struct fragment {
    struct ip_address source;
    struct ip_address destination;
    uint32_t id;
    uint16_t peer; // that the source belongs to
    uint8_t network;
    uint8_t next; // kind of header that the first fragment begins with
    bool has_more;
    uint32_t offset; // octets, a multiple of 8
    uint32_t length; // at least 1; a multiple of 8 when there are more
    const uint8_t *octets;
};

// Hot: what is looked through for each fragment.
struct reassembly {
    struct ip_address source;
    struct ip_address destination;
    uint32_t id;
    uint16_t peer;
    uint8_t network;
    uint8_t next;
    bool is_used;
    bool is_refused; // the rest of it is dropped
    bool has_end;
    uint8_t pieces;
    uint32_t end;  // of the datagram when has_end, else of what is farthest
    uint32_t have; // octets
    uint64_t began_us;
};
static_assert(sizeof(struct reassembly) == 64, "one line each");

struct reassembly_memory {
    uint8_t octets[65536];
    uint64_t units[65536 / 8 / 64];
};

struct reassembler {
    struct reassembly datagrams[REASSEMBLE_DATAGRAMS];
    struct reassembly_memory *memory; // REASSEMBLE_DATAGRAMS of them
    uint64_t *counters;               // by enum counter; one writer
    uint64_t oldest_us;               // began_us of the oldest one, or earlier; meaningless without any
    uint32_t count;
    uint8_t of_peer[PEERS_MAX];
};

enum reassembled {
    REASSEMBLED_NOT,     // it waits for the rest
    REASSEMBLED_WHOLE,   // *whole is the datagram, until the next call
    REASSEMBLED_REFUSED, // this fragment, or all of its datagram
};

struct reassembled_datagram {
    const uint8_t *octets;
    uint32_t length;
    uint8_t next; // header that it begins with
};

// memory: REASSEMBLE_DATAGRAMS of them.
void reassemble_init(struct reassembler *set, struct reassembly_memory *memory, uint64_t *counters);
enum reassembled reassemble_add(struct reassembler *set, const struct fragment *fragment, uint64_t now_us,
                                struct reassembled_datagram *whole);
// Those whose time is over go.
void reassemble_expire(struct reassembler *set, uint64_t now_us);
static inline bool reassemble_is_due(const struct reassembler *set, uint64_t now_us)
{
    return set->count > 0 && now_us - set->oldest_us >= REASSEMBLE_US;
}

#endif
