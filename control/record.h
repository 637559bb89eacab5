// SPDX-License-Identifier: BSD-3-Clause
// Records of calls from the data plane into the file that records.file names. The data plane is told that a
// record is kept when its line was written (records.sync always: and is on the disk); until then it holds it,
// in a ring that outlives both daemons. So there is no spool here: what the disk does not take waits there,
// and is asked for again each second.
//
// STATE/calls.kept says for each worker which record was written last, and up to which one writing had begun.
// A kill in between leaves records of which nobody knows whether they are in the file: these are written
// again with the mark "repeated". No other is doubled; a number that is missing is lost, and told.
#ifndef DIALGATE_CONTROL_RECORD_H
#define DIALGATE_CONTROL_RECORD_H

#include "log.h"
#include "record_file.h"

struct control;
struct event;
struct record_marks;
struct metrics_visitor;

struct record_counts {
    uint64_t written; // lines
    uint64_t octets;
    uint64_t lost;     // told by the data plane, or a number that is missing
    uint64_t waiting;  // octets in the data plane's rings when they were told last
    uint64_t failures; // writes that the disk did not take
};

struct record_keeper {
    struct record_file file;
    struct record_marks *marks; // mapped, NULL: before the first record
    struct event *tick;
    bool failing; // the last write failed
    bool blocked; // what comes waits until the next tick asks for it again
    struct record_counts counts;
    uint64_t waiting[64]; // by worker; WORKERS_MAX
    struct log_limit lost_limit;
};

// Before the dataplane is looked for. Returns 0 or -errno; that the file cannot be opened is logged and no
// error, it may be able to later.
int record_start(struct control *control);
void record_stop(struct control *control);
// A checked message: its records lie behind it.
void record_take(struct control *control, const struct channel_records *records);
void record_walk(const struct control *control, const struct metrics_visitor *visitor);
// The file is opened anew: whoever turns it renames it and sends SIGHUP.
void record_reopen(struct control *control);

#endif
