// SPDX-License-Identifier: BSD-3-Clause
// Events of one kind that control has not taken yet. Each gets the next number; rows stay until control names
// their number, so that a control that was killed, or that comes late, misses none that there is room for.
// When it is full the oldest goes: the gap in the numbers is what was lost, and the message behind the gap
// tells it. So a control that does not read costs this much memory and nothing else.
#ifndef DIALGATE_EVENT_QUEUE_H
#define DIALGATE_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "channel_server.h"

#define EVENT_ROW_MAX      48u // octets
#define EVENT_MESSAGES_MAX 64u
#define EVENT_WAITING_MAX  (1u << 20)

struct event_queue {
    uint8_t *rows;
    uint64_t *numbers; // of the rows
    size_t row_size;
    uint32_t size;             // rows, a power of two
    uint64_t tail, sent, head; // positions: not taken from here on, not sent from here on, the next free one
    uint64_t last;             // number given last
    uint64_t told;             // up to here this connection knows of all, by a row or as lost
    uint64_t done;             // up to here control has taken all
};

// row_size: at most EVENT_ROW_MAX. Returns 0 or -ENOMEM.
int event_queue_init(struct event_queue *queue, size_t row_size, uint32_t size);
void event_queue_fini(struct event_queue *queue);

void event_queue_add(struct event_queue *queue, const void *row); // a copy
void event_queue_skip(struct event_queue *queue, uint64_t count); // so many were lost before they came here

// A control has greeted: what none has taken goes out again.
void event_queue_begin(struct event_queue *queue);
// It has taken all up to this number; one that it cannot know yet is cut.
void event_queue_done(struct event_queue *queue, uint64_t number);

// A run of rows whose numbers follow one another, not more than max, and what is lost before it. Rows of a
// run may lie in two pieces of memory, and are copied to rows. False: there is nothing to tell.
bool event_queue_next(struct event_queue *queue, void *rows, uint32_t max, struct channel_event_run *run);

// Sends what there is, as messages of this type: a struct channel_event_run, then CHANNEL_EVENTS_MAX rows. At
// most EVENT_MESSAGES_MAX at once, and none while EVENT_WAITING_MAX octets wait for a control that does not
// read: the rest of the connection's queue is for the answers to its requests.
void event_queue_send(struct event_queue *queue, struct channel_server *channel, enum channel_type type);

#endif
