// SPDX-License-Identifier: BSD-3-Clause
// Control's captures: published to the workers (path/capture.h), ended by control, by their limits, or with
// the connection. That one is over is told when every worker has left the table that it was in, so that all
// of it lies in the rings by then; its slot is free from then on.
#ifndef DIALGATE_CAPTURE_REQUESTS_H
#define DIALGATE_CAPTURE_REQUESTS_H

#include "capture.h"
#include "channel_server.h"
#include "siphash.h"
#include "worker.h"

enum capture_state {
    CAPTURE_FREE,
    CAPTURE_RUNS,
    CAPTURE_OVER,   // to be taken out of the table
    CAPTURE_LEAVING // it is out; some worker may still use the table before
};

struct capture_running {
    enum capture_state state;
    bool is_silent; // nobody is told of its end
    uint32_t id;    // control's
    enum channel_capture_reason reason;
    uint64_t ends_ms;
    uint64_t last_serial; // of the last table that had it
    struct capture_filter filter;
};

struct capture_requests {
    struct channel_server *channel;
    struct published *published;
    struct capture_count *counts;
    const struct siphash_key *key; // of the Call-IDs' hashes
    uint64_t serial;               // of the last table
    uint64_t left_serial;          // no worker uses this table or an earlier one; RCU's thread writes
    struct capture_running running[CAPTURES_MAX];
};

struct capture_requests_options {
    struct channel_server *channel;
    struct published *published;
    struct capture_count *counts;
    const struct siphash_key *key;
};

void capture_requests_init(struct capture_requests *requests, const struct capture_requests_options *options);
// Checked messages; each is answered.
void capture_requests_begin(struct capture_requests *requests, const struct channel_input *in,
                            uint64_t now_ms);
void capture_requests_end(struct capture_requests *requests, const struct channel_input *in);
// Ends what has reached a limit, and tells what is over. Each tick.
void capture_requests_poll(struct capture_requests *requests, uint64_t now_ms);
// The connection is gone: all end, and nobody is told.
void capture_requests_forget(struct capture_requests *requests);
// After the workers have stopped; rcu_barrier() comes after it and before the struct goes.
void capture_requests_fini(struct capture_requests *requests);

#endif
