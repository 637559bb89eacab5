// SPDX-License-Identifier: BSD-3-Clause
// The calls, both ends of each in one record: the Call-ID names the place, so that nothing has to be looked
// up. All texts follow from a call's number; what the proxy chose (its Record-Route, its Vias) is kept.
#ifndef CALLGEN_CALLS_H
#define CALLGEN_CALLS_H

#include <assert.h>
#include <stdbool.h>
#include "identity.h"
#include "message.h"
#include "wheel.h"

enum kind {       // what the two ends do
    KIND_PLAIN,   // INVITE 100 180 200 ACK, pause, BYE 200
    KIND_CHANGED, // the same with a re-INVITE in the middle of the pause
    KIND_CANCELLED,
    KIND_REFUSED, // by the callee, with 486
    KIND_OPTIONS, // no call: an OPTIONS and its 200
    KIND_HUNG_UP, // as KIND_PLAIN, but the callee sends the BYE
    KINDS
};

enum client_state { // of the caller
    CLIENT_CALLING,
    CLIENT_CANCELLING,
    CLIENT_TALKING,
    CLIENT_CHANGING, // re-INVITE
    CLIENT_ENDING,   // BYE
    CLIENT_ASKING,   // OPTIONS
    CLIENT_DONE
};

enum server_state { // of the callee
    SERVER_NONE,
    SERVER_RINGING,
    SERVER_ANSWERED, // 200 repeated until its ACK comes
    SERVER_REFUSED,  // 486 or 487, the same
    SERVER_TALKING,
    SERVER_ENDING, // BYE
    SERVER_DONE
};

#define CALL_ROUTES_OCTETS 424u
#define CALL_VIAS_OCTETS   400u

struct call {
    uint32_t number; // its place is number modulo capacity: a later call in the same place has another number
    uint8_t kind, client, server; // enums above
    uint8_t callee;               // place that got it, of the callees
    bool taken, wrong;            // wrong: a message of it was not what it had to be
    bool provisional;             // the INVITE needs no more repeats
    bool changed;                 // the re-INVITE is done
    bool cancel_answered, ended;  // the CANCEL, and the INVITE that it was for
    uint8_t client_repeats, server_repeats;
    uint16_t vias_length, routes_length;
    uint16_t status;      // what the callee answered last: a repeated request gets it again
    uint32_t server_cseq; // of the INVITE that it answered
    tick_t client_end, server_end;
    struct wheel_node client_timer, server_timer;
    uint64_t due_ns;      // when the caller's request was due
    uint64_t bye_due_ns;  // the callee's
    uint64_t answered_ns; // when the callee's first 200 went out, 0: not yet
    char branch[96];      // of the proxy's Via above the request that the callee answers, NUL-terminated
    char routes[CALL_ROUTES_OCTETS]; // Record-Route as the callee got it: values, a newline behind each
    char vias[CALL_VIAS_OCTETS];     // Via likewise, of the request that it answers
};
static_assert(sizeof(struct call) <= 1024, "a million are a gibibyte");

struct calls {
    struct call *places;
    uint32_t capacity;
    uint32_t *free; // ring of places, oldest first: a place rests as long as possible
    uint32_t free_first, free_count;
};

bool calls_create(struct calls *calls, uint32_t capacity);
void calls_destroy(struct calls *calls);

// The next call, in CLIENT_CALLING and SERVER_NONE. NULL: no room.
struct call *calls_take(struct calls *calls);
void calls_free(struct calls *calls, struct call *call);
// NULL: no such call now.
static inline struct call *calls_find(const struct calls *calls, uint32_t number)
{
    struct call *call = &calls->places[number % calls->capacity];
    return call->taken && call->number == number ? call : NULL;
}

static inline uint32_t calls_place(const struct calls *calls, const struct call *call)
{
    return (uint32_t)(call - calls->places);
}

// Keeps values, or finds that those are the same ones. False: no room, or others.
bool calls_keep(char *to, uint16_t *length, size_t room, const struct values *values);
bool calls_same(const char *kept, uint16_t length, const struct values *values);

#endif
