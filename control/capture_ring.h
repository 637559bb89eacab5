// SPDX-License-Identifier: BSD-3-Clause
// Reading side of the captures' rings (include/dialgate/capture.h). The dataplane may write any octet of them
// at any moment: each record is copied, and what is checked is the copy. A ring that is not sound is taken up
// again at its head, and what it had is counted as damaged.
#ifndef DIALGATE_CONTROL_CAPTURE_RING_H
#define DIALGATE_CONTROL_CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include "dialgate/capture.h"

struct capture_reader {
    const struct capture_file *file;
    size_t size;
    struct capture_tails *tails;
    uint32_t workers;               // of the file when it was opened
    uint64_t position[WORKERS_MAX]; // read up to here
    uint64_t damaged;               // rings that had to be taken up anew
};

// Checks seals, sizes and header of both descriptors and maps them; they stay the caller's. What is in the
// rings is skipped. Returns 0, or -errno with one line in error.
int capture_reader_open(struct capture_reader *reader, const int fds[2], char *error, size_t size);
void capture_reader_close(struct capture_reader *reader); // also one that is all zero

// The next record of a worker's ring, which stays there. False: none.
bool capture_reader_peek(struct capture_reader *reader, uint32_t worker, struct capture_record *record);

// Copies the octets of the record that was just peeked (UINT16_MAX of room suffices) and leaves it behind.
void capture_reader_take(struct capture_reader *reader, uint32_t worker, const struct capture_record *record,
                         uint8_t *octets);

// Where a worker writes next: what is there now lies before it.
uint64_t capture_reader_head(const struct capture_reader *reader, uint32_t worker);

// What the dataplane counts of the capture in a slot; all zero when that began with another serial.
struct capture_count capture_reader_count(const struct capture_reader *reader, uint32_t slot,
                                          uint64_t serial);

#endif
