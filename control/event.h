// SPDX-License-Identifier: BSD-3-Clause
// One stream of events: what dialogs, members, limits, bans, configurations and the two programs come to.
//
// Each event is a line of JSON, numbered from 1 as long as this process lives; the stream's id, random and in
// each line, tells the next process's numbers from ours. The last events.keep lines stay in a ring. Who wants
// them has a place in it, reads on when it can, and is told the numbers that went before it came: followers
// on the control socket (rpc/follow.h), the file and syslog (event_file.h). So a slow reader costs nothing
// but its place, and no loss is silent. All are served once a turn of the event loop, not in event_emit().
//
// What the data plane tells is numbered there (dataplane_seq) and acknowledged when it is in the ring; what a
// killed control had not acknowledged comes again to the next one.
#ifndef DIALGATE_CONTROL_EVENT_H
#define DIALGATE_CONTROL_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/channel.h"
#include "event_file.h"
#include "event_ring.h"
#include "event_table.h"

struct control;
struct event;
struct metrics_visitor;

// Whom it concerns; NULL where a function takes one: no peer and no call.
struct event_about {
    uint16_t peers[2]; // numbers, NUMBER_NONE: none
    uint64_t call;     // struct channel_event; 0: none
    bool everybody;    // of this kind, whatever peer or call they follow
    uint64_t time_ms;  // Unix time; 0: now
};

// Who lost events that we had, or had been told of.
#define EVENT_LOSSES(L)                                                                                      \
    L(CLIENT, "client")       /* followers that did not read */                                              \
    L(FILE, "file")           /* events.file could not be written for too long */                            \
    L(SYSLOG, "syslog")       /* syslog did not take them for too long */                                    \
    L(DATAPLANE, "dataplane") /* the data plane could not keep them for us */
enum event_loss {
#define L(name, word) EVENT_LOSS_##name,
    EVENT_LOSSES(L)
#undef L
        EVENT_LOSS_COUNT
};

// Of one kind of the data plane's events.
struct event_source {
    uint64_t boot; // of the process that numbers them, 0: none yet
    uint64_t next; // number that comes next
};

struct event_stream {
    uint64_t id;
    struct event_ring ring;
    struct event *turn; // pending: somebody is to be served at the end of this turn
    uint64_t served;    // numbers up to this were offered
    // The control socket's followers; NULL: nobody.
    void (*tell)(void *context);
    void *context;
    struct event_writer file, syslog;
    struct event_source dialogs, members, bans;
    bool acknowledge; // the data plane is to be told what we took
    uint64_t second;  // whose text stands in stamp
    char stamp[24];
    uint64_t emitted[EVENT_KIND_COUNT];
    uint64_t lost[EVENT_LOSS_COUNT];
};

// Before anything is emitted; events_stop() also after a failure. Returns 0 or -ENOMEM.
int events_start(struct control *control);
void events_stop(struct control *control);
void events_reopen(struct control *control); // the file, which somebody has turned

// fields: an object with those of the event's row, in their order; taken; NULL: the row has none, or there
// was no memory.
void event_emit(struct control *control, enum event_name name, const struct event_about *about,
                json_t *fields);
// The same with fields that are text already, up to and with the closing brace; copied.
void event_emit_text(struct control *control, enum event_name name, const struct event_about *about,
                     const char *fields, size_t length);

// Offers what is kept from next to whoever has just come: at the end of this turn.
void events_serve_soon(struct event_stream *stream);
// `"stream":"0123456789abcdef","first":..,"last":..,"count":..`: numbers that somebody lost. Returns buffer.
#define EVENT_LOSS_SIZE 128
const char *events_loss(const struct event_stream *stream, uint64_t first, uint64_t last,
                        char buffer[EVENT_LOSS_SIZE]);

// event_take.c: what the data plane tells.
void events_take(struct control *control, const struct channel_events *events);
void events_take_members(struct control *control, const struct channel_member_events *events);
void events_take_bans(struct control *control, const struct channel_ban_events *events);
const char *ban_reason_name(unsigned int reason); // enum channel_ban_reason
void events_acknowledge(struct control *control); // what was taken; without a connection: nothing

void events_walk(const struct control *control, const struct metrics_visitor *visitor);

#endif
