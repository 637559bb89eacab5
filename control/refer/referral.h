// SPDX-License-Identifier: BSD-3-Clause
// Every transfer that Dialgate knows of, whoever makes it: what `refer list`, `refer show`, the events of
// kind refer and the metrics tell of. Who carries a transfer out or watches it says here what becomes of it:
//
//   watch.c      transfers between peers, as they pass (CHANNEL_UA_REFERRAL)
//   transfer.c   of applications' calls, in either role
//   operator.c   that an operator has put into a call
//
// At most REFERRALS_MAX are kept, those that ended long ago make room. While so many are under way at once
// (each ends by itself when nothing is heard of it), another one is not kept, and counted.
#ifndef DIALGATE_CONTROL_REFER_REFERRAL_H
#define DIALGATE_CONTROL_REFER_REFERRAL_H

#include <jansson.h>
#include <sys/queue.h>
#include "../ua/table.h"
#include "refer.h"

struct control;
struct event;
struct metrics_visitor;
struct channel_ua_event;
struct channel_event;

#define REFERRALS_MAX      4096u
#define REFERRALS_CALL_MAX 64u // of one call, so that finding them has an end
#define REFERRAL_STEPS     16u // that are shown; of more the last one takes the place of the last but one
#define REFERRAL_TEXT_MAX  512u

#define REFERRAL_ORIGINS(O)                                                                                  \
    O(PROXIED, "proxied")   /* one peer refers the other */                                                  \
    O(OPERATOR, "operator") /* Dialgate refers one peer in the name of the other */                          \
    O(APPLICATION, "application")
enum referral_origin {
#define O(name, word) REFERRAL_##name,
    REFERRAL_ORIGINS(O)
#undef O
        REFERRAL_ORIGIN_COUNT
};

#define REFERRAL_OUTCOMES(O)                                                                                 \
    O(OPEN, "open")             /* under way */                                                              \
    O(SUCCEEDED, "succeeded")   /* a 2xx of the new call was told */                                         \
    O(FAILED, "failed")         /* another final status */                                                   \
    O(REFUSED, "refused")       /* the REFER was, by who was to be referred */                               \
    O(CHALLENGED, "challenged") /* likewise by 401 or 407; another REFER follows */                          \
    O(DENIED, "denied")         /* the REFER was, by Dialgate */                                             \
    O(UNREPORTED, "unreported") /* accepted, and nobody wants to hear of it (RFC 4488) */                    \
    O(UNKNOWN, "unknown")       /* the subscription ended without a final status */                          \
    O(EXPIRED, "expired")       /* nothing was heard of it for too long */                                   \
    O(LOST, "lost")             /* a restart took who heard of it */
enum referral_outcome {
#define O(name, word) REFERRAL_##name,
    REFERRAL_OUTCOMES(O)
#undef O
        REFERRAL_OUTCOME_COUNT
};

struct referral_step {
    uint32_t after_ms; // since it began
    uint16_t status;
    uint8_t state; // enum refer_state
    char reason[49];
};

struct referral {
    struct ua_node by_id, by_call;
    TAILQ_ENTRY(referral) link;
    struct refer refer; // its state; of watched ones all of it
    uint64_t dialog;    // handle, 0: none. It changes when the data plane is started anew
    uint64_t began_ms;  // both clock_ms() but began_unix_ms
    uint64_t changed_ms;
    uint64_t began_unix_ms;
    uint16_t from_peer, to_peer; // whose REFER it is and who is referred; NUMBER_NONE: not known
    uint16_t application;        // NUMBER_NONE: none
    uint16_t status;             // the last that was told, of the REFER or of the call; 0: none
    uint8_t origin, outcome;
    bool callee;   // the callee's REFER
    bool attended; // with Replaces
    bool accepted;
    bool over;         // its dialog is
    uint16_t reported; // status of the call that was told last, 0: none
    uint8_t step_count;
    struct referral_step steps[REFERRAL_STEPS];
    char *target, *replaces, *referred_by;
};

TAILQ_HEAD(referral_list, referral);
struct referrals {
    struct ua_table by_id, by_call;
    struct referral_list open, ended; // newest first
    uint32_t count;
    uint64_t counts[REFERRAL_ORIGIN_COUNT][2][REFERRAL_OUTCOME_COUNT]; // [1]: attended
    uint64_t unkept;
    uint64_t untold; // by the data plane, as it was seen last
    const void *counters;
    struct event *clock;
};

int referrals_start(struct control *control); // 0 or -ENOMEM; before transfers_start()
void referrals_stop(struct control *control);

struct referral_birth {
    enum referral_origin origin;
    uint64_t id; // 0: a new one
    uint64_t dialog, call;
    uint64_t time_ms; // Unix time; 0: now
    uint16_t from_peer, to_peer, application;
    bool callee;
    uint32_t cseq;
    const struct refer_ask *ask; // uri, replaces, referred_by
};
// It is in the state REFER_SENDING. NULL: no room, counted.
struct referral *referral_begin(struct control *control, const struct referral_birth *birth);
// One that an earlier control knew, in the table as it is in its fields. False: no room.
bool referral_take(struct control *control, struct referral *referral, uint64_t id, uint64_t call);
struct referral *referral_find(const struct control *control, uint64_t id);
// It came to another state, or something was told of it: status 0, reason NULL: nothing new.
struct referral_news {
    enum refer_state state;
    uint16_t status;
    const char *reason;
    bool of_call; // the status is the new call's, not the REFER's
};
void referral_step(struct control *control, struct referral *referral, const struct referral_news *news);
// It is over. Once; later calls change nothing. OPEN: as the steps tell.
void referral_end(struct control *control, struct referral *referral, enum referral_outcome outcome);
// referral_keep.c: over a restart of control. A change of what is no step is written by who makes it.
void referral_keep(struct control *control, const struct referral *referral);
void referrals_take(struct control *control); // once the transfers are taken
// For `refer list`, or with all steps for `refer show`.
json_t *referral_json(const struct control *control, const struct referral *referral, bool whole);
const char *referral_outcome_name(enum referral_outcome outcome);
const char *referral_origin_name(enum referral_origin origin);

// watch.c: what passed between two peers; message: event->length octets.
void refer_watch_take(struct control *control, const struct channel_ua_event *event, const uint8_t *octets);
// event_take.c: the dialog has come to its end.
void refer_watch_ended(struct control *control, const struct channel_event *event);
void refer_watch_clock(struct control *control);

// metrics.c
void referrals_walk(const struct control *control, const struct metrics_visitor *visitor);

#endif
