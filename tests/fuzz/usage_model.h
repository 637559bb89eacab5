// SPDX-License-Identifier: BSD-3-Clause
// A plain model of struct usage: a heap of facts and deadlines and an if for each sentence of the RFCs, no
// table and no states. It says what each event, and each request that comes in, has to lead to. Offers are
// no part of it.
#ifndef DIALGATE_FUZZ_USAGE_MODEL_H
#define DIALGATE_FUZZ_USAGE_MODEL_H

#include "usage.h"

enum { MODEL_T1 = 50, MODEL_T2 = 400, MODEL_LONG = 64 * MODEL_T1, MODEL_EARLY = 7000, MODEL_CALL = 7000 };

struct wait {
    bool set;
    tick_t at;
};

struct model {
    bool client, over;
    bool first;        // the INVITE below is the first one
    bool ours, theirs; // an INVITE without final response
    bool came, lost;   // ours: a 1xx, a 199
    bool cancel, early_bye, early_done;
    bool owes_ack;       // the user
    bool held, unacked;  // theirs: 2xx waits for a PRACK, for its ACK
    bool ending, left;   // unacked, and our BYE waits; the peer's came
    bool confirmed, bye; // bye: ours is out
    bool surplus, late;
    bool rings_elsewhere; // another branch of our first INVITE is open; told before each event
    bool reliable, body;
    struct wait waits[USAGE_TIMERS];
    tick_t interval;
    bool kept, kept_held; // octets to be repeated; of the 2xx that is held
};

void model_wait(struct model *model, enum usage_timer timer, tick_t deadline);
void model_forget(struct model *model, enum usage_timer timer);
bool model_is_early(const struct model *model); // our first INVITE has no 2xx here
bool model_is_idle(const struct model *model);  // the call goes on and no INVITE is under way

// The actions that the event leads to. The model changes.
unsigned model_event(struct model *model, enum usage_event event, tick_t now);
// A request of the peer: the status of its refusal, or 0 and its actions.
unsigned model_request(struct model *model, enum usage_method method, tick_t now, unsigned *actions);
// The first of the deadlines that have passed; USAGE_EVENTS: none has.
enum usage_event model_due(const struct model *model, tick_t now);

#endif
