// SPDX-License-Identifier: BSD-3-Clause
// Rings of captures as a test writes them in the dataplane's place, well or badly.
#ifndef DIALGATE_TEST_CAPTURE_FAR_H
#define DIALGATE_TEST_CAPTURE_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include "dialgate/capture.h"

struct capture_far {
    int fds[2]; // as in the hello
    struct capture_file *file;
    const struct capture_tails *tails;
    uint32_t workers;
};

// Sealed against shrinking. Ends the process when the system refuses.
void capture_far_open(struct capture_far *far, uint32_t workers);
void capture_far_close(struct capture_far *far);

// A whole record with the octets of text, or of nothing for length octets when text is NULL; head says so.
struct capture_record capture_far_record(uint64_t time_us, uint8_t captures);
void capture_far_put(struct capture_far *far, uint32_t worker, struct capture_record record,
                     const char *text);

// Moves head and tail to this position, as if so much had passed.
void capture_far_skip(struct capture_far *far, uint32_t worker, uint64_t position);

// What is in a file of a capture. Ends the process when it is none.
struct capture_far_file {
    size_t size;
    char texts[4096]; // of its messages, each with a line end, in their order
    bool whole;       // its last block is that of statistics, which says the rest
    uint32_t received, missing;
};
void capture_far_walk(const char *path, struct capture_far_file *file);

#endif
