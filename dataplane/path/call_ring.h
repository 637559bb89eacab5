// SPDX-License-Identifier: BSD-3-Clause
// Records of calls that ended, from one worker to the agent, in a file in memory that outlives the process
// (call_records.h). The worker appends; what control has kept is taken away at the other end. Full: the
// record is lost and counted, the call does not notice.
//
// Positions are octets since the file began, and only grow. A record lies in one piece: what is left before
// the end of the ring and too small for it is skipped, and begins with a sequence of 0. It is written whole
// before head says so, so that whoever reads after a kill finds whole ones.
#ifndef DIALGATE_PATH_CALL_RING_H
#define DIALGATE_PATH_CALL_RING_H

#include <stdbool.h>
#include "dialgate/channel.h"

// 15,000 calls with texts of usual length.
#define CALL_RING_OCTETS (4u << 20)

struct call_ring {
    uint64_t head;              // the worker writes, the agent reads
    uint64_t sequence;          // of the last record that was begun: the worker's
    uint64_t lost;              // the worker writes, the agent reads
    _Alignas(64) uint64_t tail; // the agent writes, the worker reads
    _Alignas(64) uint8_t octets[CALL_RING_OCTETS];
};
static_assert(sizeof(struct call_ring) == 128 + CALL_RING_OCTETS, "layout of the file");

// Texts of CHANNEL_RECORD_TEXTS, in their order; a longer one is cut. Fills in record's sequence, size and
// lengths. reserve: octets that have to stay free for others. Returns false when it was lost.
struct call_text {
    const void *octets;
    uint32_t length;
};
bool call_ring_put(struct call_ring *ring, struct channel_record *record, const struct call_text *texts,
                   uint32_t reserve);

#endif
