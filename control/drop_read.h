// SPDX-License-Identifier: BSD-3-Clause
// Reads the notes of drops that the data plane makes: the XDP program's ring buffer, one a network, and the
// workers' notes in the counters file. Neither is trusted: whatever lies there, a read ends, and gives notes
// whose numbers are in range.
//
// The ring buffer is the kernel's (linux/bpf.h, BPF_RINGBUF_*): a page with the consumer's position, which we
// write, one with the producer's, then the octets, mapped twice in a row so that no record is cut. libbpf's
// reader takes the position that it finds, and as much as is there, in one go; the other program can write
// that page, too.
#ifndef DIALGATE_CONTROL_DROP_READ_H
#define DIALGATE_CONTROL_DROP_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/filter_notes.h"

struct drop_ring {
    uint64_t *consumer; // NULL: not open
    const uint64_t *producer;
    const uint8_t *octets; // twice PREFILTER_DROPS_SIZE
    uint64_t position;
    bool is_waiting; // for the record there, which was not whole
    size_t page;     // octets of one; 0: not mapped by drop_ring_open()
};

// The map PREFILTER_MAP_DROPS, which was checked; goes on where the last reader ended. The descriptor stays
// the caller's. Returns 0 or -errno.
int drop_ring_open(struct drop_ring *ring, int fd);
void drop_ring_close(struct drop_ring *ring); // zeroed memory is fine

// The next note. False: there is none yet.
bool drop_ring_next(struct drop_ring *ring, struct prefilter_drop *drop);

// The next note of a worker from number *next on; *next is behind it. False: there is none yet.
bool drop_notes_next(const struct filter_notes *notes, uint64_t *next, struct filter_note *note);
// The oldest number that may still be there, at least 1.
uint64_t drop_notes_first(const struct filter_notes *notes);
// A copy of a dropper. False: none is there.
bool drop_notes_dropper(const struct filter_notes *notes, uint32_t set, uint32_t way,
                        struct filter_dropper *dropper);

// What of its notes a reader has not seen, by their numbers; zeroed memory has seen none. What went before
// the first is not missed.
struct drop_gap {
    uint64_t before; // the first number that was seen, less 1
    uint64_t highest;
    uint64_t seen;
};
void drop_gap_add(struct drop_gap *gap, uint64_t number);
uint64_t drop_gap_lost(const struct drop_gap *gap);

#endif
