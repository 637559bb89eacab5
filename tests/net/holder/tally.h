// SPDX-License-Identifier: BSD-3-Clause
// What happened: counts, what should not have happened, and the history of each call.
#ifndef HOLDER_TALLY_H
#define HOLDER_TALLY_H

#include <stdint.h>
#include <stdio.h>

// name in the report
#define TALLY_COUNTS(X)                                                                                      \
    X(STARTED, "started")     /* INVITEs outside a dialog */                                                 \
    X(CONFIRMED, "confirmed") /* their 200 reached the caller */                                             \
    X(ENDED, "ended")         /* BYE answered */                                                             \
    X(HUNG_UP, "hung_up")     /* Dialgate has sent BYE to both ends */                                       \
    X(REINVITED, "reinvited") /* re-INVITE answered and acknowledged */                                      \
    X(PROBED, "probed")       /* OPTIONS inside a dialog answered */                                         \
    X(CANCELLED, "cancelled") /* 487 reached the caller */                                                   \
    X(TIMED_OUT, "timed_out") /* 408 for a callee that is mute */                                            \
    X(UNACKED, "unacked")     /* 200 that is not acknowledged on purpose */                                  \
    X(MERGED, "merged")       /* 482 while the callee was answering its first passage */                     \
    X(ABANDONED, "abandoned") /* calls that were never answered */                                           \
    X(REPEATED_REQUESTS, "repeated_requests")                                                                \
    X(REPEATED_ANSWERS, "repeated_answers")                                                                  \
    X(LATE, "late") /* messages of what is over; repeats leave some */

#define TALLY_FINDINGS(X)                                                                                    \
    X(NO_MESSAGE, "no_message")         /* cannot be read */                                                 \
    X(STRANGE_SOURCE, "strange_source") /* not from Dialgate's address and port */                           \
    X(UNKNOWN_CALL, "unknown_call")                                                                          \
    X(NOT_SENT, "not_sent") /* a request that nobody sent */                                                 \
    X(REQUEST_URI, "request_uri")                                                                            \
    X(ROUTE, "route") /* a Route is left */                                                                  \
    X(RECORD_ROUTE, "record_route")                                                                          \
    X(VIA, "via")                                                                                            \
    X(MAX_FORWARDS, "max_forwards")                                                                          \
    X(PARTIES, "parties") /* From, To, tags */                                                               \
    X(CONTACT, "contact")                                                                                    \
    X(BODY, "body")                                                                                          \
    X(MEMBER, "member")                     /* another callee than before */                                 \
    X(STATUS, "status")                     /* a final response that was not to come */                      \
    X(NOT_ARRIVED, "not_arrived")           /* answered, but the far end never saw the request */            \
    X(FORGOTTEN_INVITE, "forgotten_invite") /* Dialgate said 100, but the callee never saw it */             \
    X(UNANSWERED_INVITE, "unanswered_invite")                                                                \
    X(UNANSWERED_REINVITE, "unanswered_reinvite")                                                            \
    X(UNANSWERED_BYE, "unanswered_bye")                                                                      \
    X(UNANSWERED_OPTIONS, "unanswered_options")                                                              \
    X(NOT_ACKNOWLEDGED, "not_acknowledged")                                                                  \
    X(NO_ROOM, "no_room") /* for a call, in this program */

#define TALLY_ENUM(name, text) TALLY_##name,
enum tally_count { TALLY_COUNTS(TALLY_ENUM) TALLY_COUNT_END };
#define FINDING_ENUM(name, text) FINDING_##name,
enum finding { FINDING_NONE, TALLY_FINDINGS(FINDING_ENUM) FINDING_END };

enum history { HISTORY_CONFIRMED, HISTORY_ENDING, HISTORY_ENDED };

struct tally {
    uint64_t counts[TALLY_COUNT_END];
    uint64_t findings[FINDING_END];
    unsigned shown;                // findings printed whole
    uint64_t heard_us, silence_us; // last answer; longest time between two since the mark
    FILE *history;                 // NULL: none is kept
};

void tally_count(struct tally *tally, enum tally_count count);

// The first few are printed to stderr with the message, which may be NULL.
void tally_finding(struct tally *tally, enum finding finding, const char *message);
uint64_t tally_findings(const struct tally *tally);

// An answer came at NOW.
void tally_heard(struct tally *tally, uint64_t now_us);
// From now on silence is measured anew.
void tally_mark(struct tally *tally, uint64_t now_us);

// A line: milliseconds of CLOCK_MONOTONIC, Call-ID, "confirmed" (the 200 is at the caller), "ending" (a BYE
// was sent) or "ended" (its 200 came).
void tally_history(struct tally *tally, uint64_t now_us, const char *call_id, enum history event);

// Members of a JSON object, without the braces.
void tally_print(const struct tally *tally, FILE *to);

#endif
