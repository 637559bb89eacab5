// SPDX-License-Identifier: BSD-3-Clause
// Which member of a peer a request goes to: by priority, state, what was tried already, and the peer's
// `balance`. All of it is a function of the configuration, of words that others may write, and of the
// request.
#ifndef DIALGATE_PATH_MEMBER_H
#define DIALGATE_PATH_MEMBER_H

#include "limit.h"
#include "rules.h"
#include "wheel.h"

#define MEMBER_TRIED_MAX 8u

// What one worker saw of a member lately, of a probe or of any request. A member that rests gets new requests
// only when there is no other.
enum member_rest {
    MEMBER_RESTS_NOT,
    MEMBER_RESTS_SILENT, // it answers nothing; when the time is over one request a time finds out, until it
                         // does
    MEMBER_RESTS_ASKED   // it asked for it, or another one did for it: until the time is over
};
struct member_lately {
    tick_t heard; // its last response
    tick_t until; // it rests
    uint8_t rest; // enum member_rest
    bool heard_once;
    uint8_t holds_back; // per cent of new requests that it asked us not to send (RFC 7339)
    tick_t holds_until; // so long
    uint64_t sequence;  // of what it asked
};

// What one worker looks at. members[i]: the counters of worker i; a member's health is in those of the worker
// that probes it, number % workers.
struct member_view {
    const struct rules *rules;
    const struct counters_member *members[WORKERS_MAX];
    const struct limits *limits;
    int32_t *credits;             // MEMBERS_MAX of them: whose turn it is (weighted), this worker's own
    struct member_lately *lately; // MEMBERS_MAX, likewise
    const tick_t *now;
    unsigned workers;
};

struct member_choice {
    uint16_t peer;
    uint16_t tried_count;
    uint16_t tried[MEMBER_TRIED_MAX];
    uint64_t call_hash;
    bool again; // another one has failed: nobody who rests is asked
};

// NUMBER_NONE: the peer has no member that may take it: all were tried, are full, drained or disabled, or
// down while the peer is not fail-open.
uint16_t member_choose(const struct member_view *view, const struct member_choice *choice);
// Notes that this member was tried; more than MEMBER_TRIED_MAX are not asked for.
void member_tried(struct member_choice *choice, uint16_t member);
// Whether a member that holds what the request is about takes it: of this peer, up, not full, not disabled.
// One that drains does: its calls go on.
bool member_keeps(const struct member_view *view, const struct member_choice *choice, uint16_t member);
// A response of it came; it is sent a new request; it did not answer one that was sent at that time, which
// says something only when it has answered nothing at all since.
void member_heard(const struct member_view *view, uint16_t member);
void member_asked(const struct member_view *view, uint16_t member);
void member_silent(const struct member_view *view, uint16_t member, tick_t since);
// It is to get no new requests for so long.
void member_rests(const struct member_view *view, uint16_t member, tick_t ticks);
bool member_is_up(const struct member_view *view, uint16_t member);

#endif
