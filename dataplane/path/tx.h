// SPDX-License-Identifier: BSD-3-Clause
// Sending: room for a message, and its way onto the wire. What is written may be longer than a frame
// (tx_frame.h).
#ifndef DIALGATE_PATH_TX_H
#define DIALGATE_PATH_TX_H

#include "endpoint.h"
#include "write.h"

struct worker;
struct rte_mbuf;

// A frame for a message of ours. NULL: the pool is empty (counted by the caller).
struct rte_mbuf *tx_open(struct worker *worker, struct writer *writer);
// The same for a message that may become so long. Where there are no large buffers its room is a small one's.
struct rte_mbuf *tx_open_for(struct worker *worker, struct writer *writer, uint32_t octets);
// Octets of a message that any buffer holds.
uint32_t tx_small_room(const struct worker *worker);
// Whether TX_MBUFS can be had, and what a message of so many octets takes: a final response moves its
// transaction on, and may not find afterwards that it cannot be sent.
#define TX_MBUFS 2u // what a response may make us send: ACK and the response
bool tx_has_mbufs(struct worker *worker, uint32_t octets);
// Sends what was written. Takes the mbuf in any case. Returns 0, or the outcome that tells why not.
uint32_t tx_send(struct worker *worker, struct rte_mbuf *mbuf, const struct writer *writer,
                 struct endpoint to);
uint32_t tx_copy(struct worker *worker, const void *octets, uint32_t length, struct endpoint to);
// Whether there is a way there at all; its neighbour may be unknown as yet.
bool tx_is_routed(const struct worker *worker, struct endpoint to);
uint32_t tx_room(const struct worker *worker, struct endpoint to); // largest SIP message that fits, octets
void tx_flush(struct worker *worker);

#endif
