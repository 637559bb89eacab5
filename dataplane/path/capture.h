// SPDX-License-Identifier: BSD-3-Clause
// Captures: whole messages as they came and as they leave, for an operator, into a ring that control reads
// (dialgate/capture.h).
//
// The agent publishes what is wanted by RCU; without any, a message costs a worker one load and one branch
// where it comes and where it leaves. A capture by peer or number follows the whole call: of a call that
// matched by one message the others belong to it too, whatever they say, among them those that were
// written before it was known, in the same step: what one received message brings about (it, our answer,
// what is sent on) is added to the ring, and published or taken back when it has its outcome. Probes of
// members are nobody's call: a capture by peer has them and one by their Call-ID, no other.
//
// What lies in the ring left us as far as we know: the driver may refuse it still, which is counted, and of
// which a capture of what is dropped has the frame; so it has frames in which no datagram was found,
// fragments among them. What was put together of fragments is captured as one datagram. Packets without IP or
// UDP are not captured: under AF_PACKET they are the host's own traffic. What the XDP program drops never
// comes here.
#ifndef DIALGATE_PATH_CAPTURE_H
#define DIALGATE_PATH_CAPTURE_H

#include <stdbool.h>
#include "capture_calls.h"
#include "capture_ring.h"
#include "dialgate/channel.h"
#include "endpoint.h"
#include "message.h"

#define CAPTURE_PENDING 16u // records of one received message that wait for its outcome

struct capture_filter {
    uint64_t serial; // that it began with; 0: the slot is free
    uint64_t call_hash;
    uint64_t messages, octets; // limits
    uint32_t kind;             // enum channel_capture_kind
    uint32_t sample;
    uint16_t peer;
    uint8_t only_dropped;
    uint8_t number_length;
    char number[CHANNEL_CAPTURE_NUMBER_MAX];
};

// Never without any filter: then none is published. Masks have a bit for each slot.
struct capture_table {
    uint64_t serial; // rises with each table
    uint8_t live;
    uint8_t dropped;  // only what is dropped
    uint8_t call_ids; // by kind
    uint8_t peers;
    uint8_t numbers;
    struct capture_filter slots[CAPTURES_MAX];
};

// What waits for the outcome of the message that brought it about.
struct capture_pending {
    uint64_t call_hash;
    struct capture_record *record; // NULL: there was no room
    uint8_t captures;              // that it matched
    uint8_t eligible;              // that may have it: whether it was dropped
};

// A worker's own.
struct capturing {
    struct capture_writer writer;
    uint64_t settled;               // serial of the table that capture_settings() knows, 0: none
    uint64_t serials[CAPTURES_MAX]; // of the filters whose calls are in `calls`
    bool inside;                    // a received message is in process
    bool has_received;              // it is pending[0]
    uint64_t begin;                 // writer.head before it
    unsigned count;
    struct capture_pending pending[CAPTURE_PENDING];
    struct message message;
    struct capture_calls calls;
};

struct worker;
struct work;
struct packet;
struct rte_mbuf;
struct writer;

// For worker_create.c, and when worker->captures is another table.
void capture_init(struct worker *worker);
void capture_settings(struct worker *worker);

// The rest only while worker->captures is not NULL.
// A message is about to go through the stages, and has: with its outcome.
void capture_received(struct worker *worker, const struct work *work);
void capture_settled(struct worker *worker, const struct work *work);
// It was received and dropped elsewhere.
void capture_dropped(struct worker *worker, const struct packet *packet, uint16_t outcome);
// It was dropped by who it is from, before anything was read of it.
void capture_unread(struct worker *worker, const struct packet *packet, uint16_t outcome);
// It leaves. outcome: why it does not, else CAPTURE_NO_OUTCOME.
void capture_sent(struct worker *worker, const struct writer *message, struct endpoint to, uint16_t outcome);
// A frame that was dropped without a look at what it holds. flags: CAPTURE_SENT or 0.
void capture_frame(struct worker *worker, struct rte_mbuf *mbuf, uint16_t outcome, uint8_t flags);

#endif
