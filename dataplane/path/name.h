// SPDX-License-Identifier: BSD-3-Clause
// Names of next hops that only DNS knows (RFC 3263): what is known of them, how a worker asks, and what it
// does with a request meanwhile.
//
// A worker never waits for DNS. It looks into a table that the agent publishes by RCU; a name that is not
// there goes through a ring to the agent and from there to control, and the request is held, in its packet,
// for a second at most: it goes through the stages again when the table is another one. A request that
// cannot be held, or is held too long, is dropped, and its sender's repetition finds the answer; a callee
// repeats its 2xx until it gets the ACK. A name is asked for again while it is used: in the last quarter of
// its time by whoever needs it then, so that names in use are always known.
//
// What others can make us do is bounded for each peer in each worker: names asked for in a second, requests
// held. An address counts only when it belongs to the peer of the other side, like an address in a URI.
#ifndef DIALGATE_PATH_NAME_H
#define DIALGATE_PATH_NAME_H

#include <stdbool.h>
#include "dialgate/channel.h"
#include "endpoint.h"
#include "message.h"
#include "siphash.h"

#define NAME_ROWS_MAX      4096u
#define NAME_ASKS          64u  // of a worker that the agent has not read; a power of two
#define NAME_ASKED         256u // names that a worker remembers as asked for; a power of two
#define NAME_ASK_TICKS     50u  // until it asks for the same one again
#define NAME_ASKS_A_SECOND 16u  // of a peer, in each worker
#define NAME_HELD          64u  // requests of a worker that wait
#define NAME_HELD_OF_PEER  16u
#define NAME_HOLD_US       1000000 // a resolver that has to ask around takes some tenths of a second

struct name_address {
    struct ip_address address;
    uint16_t port; // of its SRV record; 0: there is none
    uint16_t rank; // of its SRV priority
};

struct name_row {
    struct channel_name name;
    uint64_t hash;     // keyed
    uint64_t fresh_ms; // of the monotonic clock; from here on a use asks again
    uint64_t until_ms; // from here on it is as if unknown
    uint16_t result;   // enum channel_name_result
    uint16_t count;
    uint32_t reserved;
    struct name_address addresses[CHANNEL_NAME_ADDRESSES]; // by rank
};

struct name_table {
    uint64_t serial; // each table has another one; never 0
    uint32_t count;
    uint32_t mask;         // of slots, which are at most half full
    const uint16_t *slots; // row + 1, 0: empty; linear probing
    const struct name_row *rows;
};

struct name_ask {
    struct channel_name name;
    uint16_t peer; // whose message gave it
};

struct name_asks {              // zeroed memory is an empty ring
    uint32_t head;              // next to be written: the worker writes, the agent reads
    _Alignas(64) uint32_t tail; // next to be read: the agent writes, the worker reads
    _Alignas(64) struct name_ask ring[NAME_ASKS];
};

// A worker's own.
struct names {
    struct name_asks asks;
    struct {
        uint32_t tag; // of the name's hash
        tick_t until; // not asked for again before; both 0: empty
    } asked[NAME_ASKED];
    struct {
        tick_t since; // of the second in which `asked` were asked for
        uint16_t asked;
        uint16_t held;
    } peers[PEERS_MAX];
    uint64_t serial; // of the table when the held ones were looked at last
    uint32_t held_count;
    struct rte_mbuf *held[NAME_HELD]; // in the order in which they came
};

// For the agent and tests: a table of these rows, copied. NULL without memory.
struct name_table *name_table_create(uint64_t serial, const struct name_row *rows, uint32_t count);
void name_table_destroy(struct name_table *table); // NULL is fine
uint64_t name_hash(const struct siphash_key *key, const struct channel_name *name);
const struct name_row *name_table_find(const struct name_table *table, const struct channel_name *name,
                                       uint64_t hash); // NULL: not there

// The name as it is asked for: in lower case, without the root's dot. False: it is no hostname (RFC
// 3261 25.1), or longer than DNS takes.
bool name_of_host(const uint8_t *octets, struct span host, bool service, struct channel_name *name);

struct worker;
struct work;
struct next_hop_uri;

enum name_end {
    NAME_FOUND,
    NAME_FOREIGN, // none of its addresses belongs to the peer that the request is for
    NAME_UNKNOWN, // no name, or without address
    NAME_FAILED,  // DNS does not say
    NAME_OPEN     // was asked for, or will be with the sender's repetition
};
// The address and port of a URI's name for a request to work->to_peer. Asks for what is not known.
enum name_end name_find(struct worker *worker, const struct work *work, const struct next_hop_uri *hop,
                        struct endpoint *to);

// Takes the mbuf of a request whose name is open: held, or dropped and counted.
void name_hold(struct worker *worker, struct rte_mbuf *mbuf);
// Held ones that are to go through the stages again now, oldest first; they are the caller's. Returns how
// many.
unsigned name_release(struct worker *worker, struct rte_mbuf *mbufs[NAME_HELD]);
// The configuration is another one: numbers in held packets are of the old one.
void name_drop_held(struct worker *worker);

#endif
