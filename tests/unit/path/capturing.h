// SPDX-License-Identifier: BSD-3-Clause
// Captures on the wire: rings for its workers, captures as the agent would publish them, and a reader.
#ifndef DIALGATE_TEST_PATH_CAPTURING_H
#define DIALGATE_TEST_PATH_CAPTURING_H

#include "wire.h"

#define WALL_US 1000000000000000u // what the time of day is beyond the workers' clocks

extern struct capture_file *capturing_file;
extern struct capture_tails capturing_tails;
extern struct capture_table capturing_table;

// Workers with rings, and no capture.
void capturing_begin(struct wire *wire);
void capturing_end(struct wire *wire);
// Without limits.
struct capture_filter capturing_filter(enum channel_capture_kind kind);
// What the agent would publish with this filter in the slot.
void capturing_set(struct wire *wire, unsigned slot, const struct capture_filter *filter);
void capturing_call(struct wire *wire, unsigned slot, const char *call_id);
void capturing_number(struct wire *wire, unsigned slot, const char *number);
void capturing_peer(struct wire *wire, unsigned slot, uint16_t peer);
void capturing_dropped(struct wire *wire, unsigned slot, struct capture_filter filter);

// The next record of a worker, which stays; NULL: there is none.
const struct capture_record *capturing_record(unsigned worker);
// The next record is of these captures, and its message contains this text. Returns it.
const struct capture_record *capturing_take(unsigned worker, uint8_t captures, bool sent, const char *text);

#endif
