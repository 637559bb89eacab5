// SPDX-License-Identifier: BSD-3-Clause
// What the stages know of a received packet before it is parsed: lies in the mbuf's private area and travels
// with it from the receiving core to its owner.
#ifndef DIALGATE_PATH_PACKET_H
#define DIALGATE_PATH_PACKET_H

#include <rte_mbuf.h>
#include "endpoint.h"
#include "message.h"

// Why a packet that was handed over is no message of a Call-ID that its new worker owns. affinity.h: that is
// asked which member holds the dialog that this request names. screen.c: it puts this fragment's datagram
// together; its fragments were before the filter, so that it is not.
enum ask { ASK_NOT, ASK_OPEN, ASK_ANSWERED, ASK_FRAGMENT, ASK_JUDGED };

struct packet {
    _Alignas(64) uint64_t call_hash; // keyed hash of the Call-ID
    const uint8_t *payload;          // SIP octets, in this mbuf
    struct endpoint source;          // where it comes from, and our listener that it came to
    uint16_t length;                 // of payload
    uint16_t peer;                   // that the source belongs to, NUMBER_NONE
    struct span call_id;             // in payload
    uint32_t received_us; // low bits of the clock, for what leaves too: when what it answers came; 0: never
    uint8_t network;      // it came from, until screen.c the one whose port; or is to leave by
    uint8_t is_held;      // name.h: its next hop's name was asked for; 1: it has been through the stages
    uint8_t ask;          // enum ask; the rest is affinity.c's
    uint8_t asker;        // worker; of a fragment, the one that it is for
    uint16_t ask_peer;    // whose member is wanted
    uint16_t held_by;     // the answer: member, NUMBER_NONE
    uint64_t ask_hash;    // of the Call-ID that is named
    struct span ask_call_id; // in payload, like the tags
    struct span ask_local;   // tag of the side whose member is wanted
    struct span ask_remote;
};
static_assert(offsetof(struct packet, ask_peer) <= 64, "what every message needs, in one line");
// So that what the NIC writes begins at a line.
static_assert(sizeof(struct packet) == 128, "two lines of private area");

static inline struct packet *packet_of(struct rte_mbuf *mbuf)
{
    return (struct packet *)rte_mbuf_to_priv(mbuf);
}

#endif
