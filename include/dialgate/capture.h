// SPDX-License-Identifier: BSD-3-Clause
// Captured messages on their way from the workers to control: a memfd with a ring for each worker, which the
// dataplane makes and writes and control maps read-only, and a second memfd of one page, to which control
// writes how far it has read. Both come with the dataplane's HELLO (channel.h, has_captures).
//
// A ring has one writer and one reader and loses what finds it full: a worker never waits. Positions are
// octets since the ring began, and only grow; a record lies in one piece at its position modulo
// CAPTURE_RING_OCTETS, in steps of CAPTURE_STEP. What is left before the end of the ring and too small for a
// record is skipped, and begins with a size of 0. What lies between the tail and the head is whole and stays
// as it is until the reader moves the tail. A tail that is not within a ring's length behind the head counts
// as a full ring, and harms whoever wrote it alone.
//
// Up to CAPTURES_MAX captures run at once, each in a slot. A record is of those whose bits it has; with none
// it is to be skipped. A slot is used again: its capture has the records whose serial is not below the one
// that it began with. A reader that comes anew moves the tails to the heads before it begins a capture.
#ifndef DIALGATE_CAPTURE_H
#define DIALGATE_CAPTURE_H

#include <assert.h>
#include <stdint.h>
#include "dialgate/counters.h"
#include "dialgate/snapshot.h"

#define CAPTURE_MAGIC       0x3165727574706163ULL
#define CAPTURE_VERSION     1u
#define CAPTURES_MAX        8u
#define CAPTURE_STEP        8u
#define CAPTURE_RING_OCTETS (4u << 20) // some 4,000 messages of usual length

// Flags of a record. A frame has no message that was found in it: its octets are the whole frame from
// Ethernet on, and addresses and ports are 0.
#define CAPTURE_SENT  1u // it left; else it came
#define CAPTURE_FRAME 2u

// What became of it is not known: it left, or is still under way.
#define CAPTURE_NO_OUTCOME 0xffffu

// The octets of the SIP message (the payload of UDP), or of the frame, follow, then padding.
struct capture_record {
    uint32_t size;    // with octets and padding, a multiple of CAPTURE_STEP; 0: skip to the ring's start
    uint16_t length;  // of the octets
    uint8_t captures; // a bit for each slot
    uint8_t flags;    // CAPTURE_*
    uint64_t serial;  // of the set of captures that was in force
    uint64_t time_us; // Unix time: when it was taken from the NIC's queue, or given to it
    uint16_t
        outcome;   // enum counter: an outcome or drop of PACKETS, why it was not sent, or CAPTURE_NO_OUTCOME
    uint16_t peer; // that it came from or goes to; NUMBER_NONE: a stranger
    uint16_t network; // index in the snapshot, NUMBER_NONE: unknown
    uint16_t source_port;
    uint16_t destination_port;
    uint16_t reserved[3];
    struct ip_address source;
    struct ip_address destination;
};
static_assert(sizeof(struct capture_record) == 72, "layout");

struct capture_ring {
    uint64_t head; // the worker writes, control reads
    uint64_t lost; // records that found it full, in all
    uint64_t reserved[6];
    uint8_t octets[CAPTURE_RING_OCTETS];
};
static_assert(sizeof(struct capture_ring) == 64 + CAPTURE_RING_OCTETS, "layout");

// Of the capture that is in the slot, or was there last. All workers add to it.
struct capture_count {
    uint64_t serial;    // that it began with
    uint64_t messages;  // in the rings
    uint64_t octets;    // of these messages
    uint64_t lost;      // that found a ring full
    uint64_t forgotten; // calls that made room for newer ones: what came of them later is not here
    uint64_t reserved[3];
};
static_assert(sizeof(struct capture_count) == 64, "one line");

struct capture_file {
    uint64_t magic;
    uint32_t version;
    uint32_t workers; // rings
    uint64_t reserved[6];
    struct capture_count counts[CAPTURES_MAX];
    struct capture_ring rings[];
};
static_assert(sizeof(struct capture_file) == 64 + 64 * CAPTURES_MAX, "layout");

// The other memfd: control writes, the workers read.
struct capture_tails {
    struct {
        uint64_t tail;
        uint64_t reserved[7];
    } rings[WORKERS_MAX];
};
static_assert(sizeof(struct capture_tails) == 4096, "one page");

#endif
