// SPDX-License-Identifier: BSD-3-Clause
// The calls, those of them that are held, and the flights: what is being set up, asked or ended just now.
// Only flights keep messages and timers, so that a held call costs some 200 octets.
#ifndef HOLDER_CALLS_H
#define HOLDER_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "identity.h"
#include "message.h"

#define NONE           UINT32_MAX
#define MESSAGE_OCTETS 1400u // longest that we write

enum call_state { CALL_FREE, CALL_SETUP, CALL_UP, CALL_ENDING };

// How a call's ends behave.
enum manner {
    MANNER_PLAIN,
    MANNER_MUTE,    // the callee never answers
    MANNER_UNACKED, // the caller never sends its ACK
    MANNER_CANCEL,  // the caller hangs up as soon as it has a 100, the callee only rings
    MANNERS
};

struct call {
    uint32_t number; // its place is number modulo capacity: a later call in the same place has another number
    uint32_t flight; // NONE: nothing happens
    char *routes; // Record-Route values as the callee got them, a newline behind each; NULL: none yet. Owned
    uint32_t passage;     // which of Dialgate's branches the callee is answering
    uint64_t end_us;      // when a call that is not held is over
    uint16_t cseq[SIDES]; // last one sent
    uint8_t state;        // enum call_state
    uint8_t manner;       // enum manner
    uint8_t member;       // which callee got it
    uint8_t hung_up;      // a bit a side that Dialgate has ended
    bool held;            // not ended by its age
    bool confirmed;       // the 200 reached the caller
    bool merged;          // refused by 482 while its first passage is being answered: that 200 may still come
};

// One request and what answers it, at both ends.
struct flight {
    uint32_t call;
    uint8_t method; // enum method; INVITE also inside the dialog
    uint8_t by;     // enum side: whose request
    bool client_done, server_done;
    bool provisional; // the client has seen a 1xx
    bool cancelling;
    uint32_t cseq;
    uint16_t request_length, answer_length; // answer_length 0: the request has not arrived
    char request[MESSAGE_OCTETS], answer[MESSAGE_OCTETS];
};

struct repeat {           // when to send a message again
    uint64_t due_us;      // 0: not armed
    uint32_t passage;     // which of Dialgate's branches the callee is answering
    uint64_t end_us;      // give up then
    uint64_t interval_us; // doubles
};

enum { REPEAT_REQUEST, REPEAT_ANSWER, REPEATS };

struct calls {
    struct call *places;
    uint32_t capacity;
    uint32_t *free; // ring of places, oldest first: a place rests as long as possible
    uint32_t free_first, free_count;
    uint32_t *held; // places of held calls that are up and idle, in no order
    uint32_t held_count;
    uint32_t *aging; // ring of places of the others, by the time at which they are over
    uint32_t aging_first, aging_count;
    struct flight *flights;
    struct repeat (*repeats)[REPEATS];
    uint32_t flight_capacity;
    uint32_t *free_flights; // stack
    uint32_t free_flight_count;
};

bool calls_create(struct calls *calls, uint32_t capacity, uint32_t flights);
void calls_destroy(struct calls *calls);

// A new call with a flight for its INVITE; NULL: no room.
struct call *calls_start(struct calls *calls);
void calls_end(struct calls *calls, struct call *call);
// NULL: no such call now.
struct call *calls_find(const struct calls *calls, uint32_t number);

// An idle call gets a flight. NULL: none is free.
struct flight *calls_fly(struct calls *calls, struct call *call);
void calls_land(struct calls *calls, struct call *call);
static inline struct flight *calls_flight(const struct calls *calls, const struct call *call)
{
    return call->flight == NONE ? NULL : &calls->flights[call->flight];
}
static inline struct repeat *calls_repeat(const struct calls *calls, const struct call *call, unsigned which)
{
    return &calls->repeats[call->flight][which];
}

// The route set is fixed by the message that makes the dialog (RFC 3261 12.1).
void calls_routes(struct call *call, const struct span *record_routes, unsigned count);

// Flights of held calls.
uint32_t calls_busy(const struct calls *calls);

// The held and idle ones: an array of which any may be taken.
void calls_hold(struct calls *calls, const struct call *call);
// Takes the one at POSITION, which lies among the first LIMIT. Those among the first LIMIT - 1 that were not
// taken are still there afterwards, and nobody new is.
struct call *calls_take(struct calls *calls, uint32_t position, uint32_t limit);

// The others: all live equally long, so that they end in the order in which they were added.
void calls_age(struct calls *calls, const struct call *call);
// The first that is over at NOW; NULL: none.
struct call *calls_aged(struct calls *calls, uint64_t now_us);

#endif
