// SPDX-License-Identifier: BSD-3-Clause
// Captures: SIP messages that an operator asked for, from the rings of the workers to a file or a collector.
// The dataplane chooses and counts, control reads each 20 ms, and neither waits for the other. A capture is
// over when a limit of its is reached, somebody stops it, the file cannot be written, or one of the two
// programs ends; what lies in the rings then is still taken. Captures that are over are kept for the list.
#ifndef DIALGATE_CONTROL_CAPTURE_H
#define DIALGATE_CONTROL_CAPTURE_H

#include "capture_ring.h"
#include "capture_send.h"
#include "capture_write.h"
#include "dialgate/channel.h"
#include "log.h"

#define CAPTURES_KEPT 32u // that are over

#define CAPTURE_WHAT_MAX (4u * CHANNEL_CALL_ID_SIZE + 64u)

struct control;
struct event;
struct metrics_visitor;

enum capture_state {
    CAPTURE_ASKED, // the dataplane has not answered
    CAPTURE_RUNNING,
    CAPTURE_ENDING,   // it is to end
    CAPTURE_DRAINING, // it has ended there, some of it lies in the rings
    CAPTURE_OVER
};

struct capture;

// capture: valid during the call, NULL with a result below 0; text: one line then.
struct capture_answer {
    void (*done)(void *context, const struct capture *capture, int result, const char *text);
    void *context;
};

struct capture_waiter {
    struct capture_waiter *next;
    struct capture_answer answer;
};

struct capture {
    struct capture *next;
    struct control *control;
    enum capture_state state;
    struct channel_capture_set set;
    uint32_t slot;
    uint64_t serial;
    bool full;                   // takes nothing more
    bool told;                   // the dataplane was told to end it
    bool ended;                  // the dataplane has said so, perhaps before its answer
    const char *reason;          // why it ends; NULL: it does not yet
    int fault;                   // -errno of the file
    char what[CAPTURE_WHAT_MAX]; // for people: ASCII or UTF-8, other SIP octets are escaped
    char who[64];
    char to[96];        // collector
    uint64_t started_s; // Unix time
    uint64_t ended_s;
    uint64_t deadline_ms;       // from CAPTURE_ENDING on: nobody waits longer
    uint64_t ends[WORKERS_MAX]; // from CAPTURE_DRAINING on: nothing of it lies behind
    uint64_t messages;          // in the file, or sent
    uint64_t octets;            // of them
    uint64_t failed;            // messages that the file or the network did not take
    uint64_t lost;              // that found a ring full; of one that runs the dataplane's file tells
    uint64_t forgotten;         // calls of which the rest is missing
    struct capture_writer writer;
    struct capture_sender sender;
    struct capture_answer begun;
    struct capture_waiter *waiters; // for its end
};

struct capture_counts {
    uint64_t begun;
    uint64_t to_file, to_collector;
    uint64_t lost_ring, lost_file, lost_collector; // of captures that are over
};

struct captures {
    struct capture_reader reader; // file NULL: none
    struct event *tick;
    struct capture *first; // the newest
    uint32_t last_id;
    uint32_t live; // not over
    uint32_t asked;
    uint8_t *octets; // of one record
    struct capture_counts counts;
    struct log_limit damaged_limit;
    uint64_t damaged; // rings, of dataplanes before
};

struct capture_request {
    struct channel_capture_set set; // without id; octets 0: as the configuration says
    const char *what;
    const char *who;
    const char *file; // NULL: a name is made, unless to says something
    const char *to;   // NULL: to a file
};

int capture_init(struct control *control);  // 0 or -ENOMEM
void capture_fini(struct control *control); // what runs is over
// Descriptors of the hello, or NULL: it had none. Captures of the connection before are over.
void capture_connected(struct control *control, const int *fds);
void capture_disconnected(struct control *control);
void capture_ended(struct control *control, const struct channel_capture_ended *ended);

// Returns 0 (the answer follows, perhaps before this returns) or -errno with one line in error (no answer
// follows).
int capture_start(struct control *control, const struct capture_request *request,
                  const struct capture_answer *answer, char *error, size_t size);
// The answer comes when it is over; the same way. -ENOENT.
int capture_stop(struct control *control, uint32_t id, const struct capture_answer *answer, char *error,
                 size_t size);

// Lost in rings so far.
uint64_t capture_lost(const struct control *control, const struct capture *capture);
void capture_walk(const struct control *control, const struct metrics_visitor *visitor);

// The file did not take what was given to it, of which so many messages are missing now.
void capture_failed(struct control *control, struct capture *capture, int result, uint64_t missing);

// capture_deliver.c: at most so many records from the rings to whom they are for. False: more wait.
bool capture_deliver(struct control *control, unsigned int most);

#endif
