// SPDX-License-Identifier: BSD-3-Clause
// Records of calls on their way from the workers to control: the file STATE/calls with a ring for each worker
// (call_ring.h), and what of it control has been sent and has kept. Memory: CALL_RING_OCTETS a worker,
// reserved before the first record, so that no worker finds the memory full; without records a page a worker.
//
// The file outlives the process. What control did not say that it kept (CHANNEL_RECORDS_DONE) is sent to
// the next one, also by the next process, and however many workers that has.
#ifndef DIALGATE_CALL_RECORDS_H
#define DIALGATE_CALL_RECORDS_H

#include "call_ring.h"
#include "channel_server.h"
#include "dialgate/counters.h"

#define CALL_RECORDS_FILE "calls"
// What control is sent without having said that it kept what came before, of one worker.
#define CALL_RECORDS_WINDOW (256u << 10)

struct call_records {
    struct call_file *file; // mapped, NULL: none
    size_t size;
    int fd;
    uint64_t sent[WORKERS_MAX]; // positions in the rings
};

// Opens the file or makes it; on: and reserves its memory, else gives back what nothing waits in. Returns 0,
// or -errno: there are no records then, and the workers get no ring.
int call_records_open(struct call_records *records, const char *state_directory, unsigned workers, bool on);
// Before workers are told that calls are recorded. Returns 0 or -errno.
int call_records_reserve(const struct call_records *records);
struct call_ring *call_records_ring(const struct call_records *records, unsigned worker); // NULL: none
// A control has connected: all that none has kept is to be sent to it.
void call_records_begin(struct call_records *records);
// Sends what there is, as far as the channel has room. Nothing here waits for control.
void call_records_poll(struct call_records *records, struct channel_server *channel);
// Control has kept these.
void call_records_done(struct call_records *records, const struct channel_records_done *done);
// After the workers have ended. The file stays.
void call_records_close(struct call_records *records);

#endif
