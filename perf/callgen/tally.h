// SPDX-License-Identifier: BSD-3-Clause
// What happened: counts, findings and times. Everything that comes is counted once, as what it was for or as
// what was wrong with it.
#ifndef CALLGEN_TALLY_H
#define CALLGEN_TALLY_H

#include <stdio.h>
#include "calls.h"
#include "histogram.h"

#define TALLY_COUNT_TABLE(X)                                                                                 \
    X(STARTED, started)                                                                                      \
    X(NO_ROOM, no_room)                                                                                      \
    X(SKIPPED, skipped)                                                                                      \
    X(COMPLETED, completed)                                                                                  \
    X(COMPLETED_MEANWHILE, completed_meanwhile)                                                              \
    X(WRONG, wrong)                                                                                          \
    X(REFUSED, refused)                                                                                      \
    X(TIMED_OUT, timed_out)                                                                                  \
    X(REQUESTS_REPEATED, requests_repeated)                                                                  \
    X(ANSWERS_REPEATED, answers_repeated)                                                                    \
    X(REQUESTS_AGAIN, requests_again)                                                                        \
    X(ANSWERS_AGAIN, answers_again)                                                                          \
    X(REORDERED, reordered)                                                                                  \
    X(LATE, late)                                                                                            \
    X(PACKETS_RECEIVED, packets_received)                                                                    \
    X(PACKETS_SENT, packets_sent)                                                                            \
    X(PACKETS_NOT_SENT, packets_not_sent)                                                                    \
    X(PACKETS_OF_OTHERS, packets_of_others)

enum tally_count {
#define X(name, text) TALLY_##name,
    TALLY_COUNT_TABLE(X)
#undef X
        TALLY_COUNTS
};

// What a message had to be and was not.
#define TALLY_FINDING_TABLE(X)                                                                               \
    X(UNREADABLE, unreadable)                                                                                \
    X(CHECKSUM, checksum)                                                                                    \
    X(STRANGE_SOURCE, strange_source)                                                                        \
    X(UNKNOWN_CALL, unknown_call)                                                                            \
    X(UNEXPECTED, unexpected)                                                                                \
    X(STATUS, status)                                                                                        \
    X(CSEQ, cseq)                                                                                            \
    X(PARTIES, parties)                                                                                      \
    X(REQUEST_URI, request_uri)                                                                              \
    X(VIA, via)                                                                                              \
    X(MAX_FORWARDS, max_forwards)                                                                            \
    X(ROUTE, route)                                                                                          \
    X(RECORD_ROUTE, record_route)                                                                            \
    X(CONTACT, contact)                                                                                      \
    X(BODY, body)                                                                                            \
    X(NO_ACK, no_ack)                                                                                        \
    X(TOO_LONG, too_long)

enum finding {
    FINDING_NONE,
#define X(name, text) FINDING_##name,
    TALLY_FINDING_TABLE(X)
#undef X
        FINDINGS
};

// Times. All but those of a passage count from when the request was due, however late it went out.
#define TALLY_TIME_TABLE(X)                                                                                  \
    X(LATENESS, lateness, "our own: a request due until it was given to the port")                           \
    X(INVITE_PASSES, invite_passes, "INVITE due until it is at the callee")                                  \
    X(TRYING, trying, "INVITE due until the first 1xx")                                                      \
    X(RINGING, ringing, "INVITE due until 180, through the proxy and back")                                  \
    X(ANSWER_PASSES, answer_passes, "200 sent by the callee until it is at the caller")                      \
    X(BYE, bye, "BYE due until its 200, through the proxy and back")                                         \
    X(OPTIONS, options, "OPTIONS due until its 200, through the proxy and back")

enum tally_time {
#define X(name, text, what) TIME_##name,
    TALLY_TIME_TABLE(X)
#undef X
        TIMES
};

#define TALLY_STATUSES 700u

struct tally {
    uint64_t counts[TALLY_COUNTS];
    uint64_t findings[FINDINGS];
    uint64_t completed[KINDS];
    uint64_t refused[TALLY_STATUSES]; // by status, of calls that nobody was to refuse
    struct histogram times[TIMES];
    uint32_t peak; // most calls at once
    unsigned shown;
};

static inline void tally_count(struct tally *tally, enum tally_count which)
{
    tally->counts[which]++;
}

// Counts it, and shows the first few on standard error. OCTETS may be NULL.
void tally_finding(struct tally *tally, enum finding finding, struct span octets);

struct summary {
    double rate; // asked for, calls a second
    double seconds,
        cpu_seconds; // from the first call due to the end of the last; of this program's thread meanwhile
    double offered_seconds; // in which calls were begun, which is longer than they were due when this program
                            // was late
};

// One object of JSON, and a table for people.
void tally_json(const struct tally *tally, const struct summary *summary, FILE *to);
void tally_print(const struct tally *tally, const struct summary *summary, FILE *to);
bool tally_clean(
    const struct tally *tally); // every call was completed as it had to be, and nothing was found

#endif
