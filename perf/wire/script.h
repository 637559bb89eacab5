// SPDX-License-Identifier: BSD-3-Clause
// What user agents write. All texts of a call follow from its number, so that a held one costs its memory and
// no texts: users, tags, Call-ID, branches, the order of header lines and what else is in them.
#ifndef DIALGATE_PERF_SCRIPT_H
#define DIALGATE_PERF_SCRIPT_H

#include "world.h"

enum kind {
    KIND_INVITE,
    KIND_ACK,
    KIND_CANCEL,
    KIND_BYE,
    KIND_INSIDE, // INFO, OPTIONS, UPDATE; to us OPTIONS alone
    KIND_REQUESTS,
    KIND_TRYING = KIND_REQUESTS,
    KIND_RINGING,
    KIND_ANSWER, // 200 to INVITE
    KIND_REFUSAL,
    KIND_BYE_ANSWER,
    KIND_CANCEL_ANSWER,
    KIND_INSIDE_ANSWER,
    KINDS
};

// Of INVITE, but where a kind has one alone.
enum inside_method { INSIDE_NOT, INSIDE_INFO, INSIDE_UPDATE, INSIDE_OPTIONS, INSIDES };

struct script {
    uint64_t number;         // of the call
    uint32_t slot;           // that its Call-ID tells
    uint32_t caller, callee; // parties
    const char *routes; // Record-Route values as the callee got them, a line feed behind each; NULL: none yet
};

struct draft {
    const struct world *world;
    const struct script *script;
    enum world_side side; // who sends
    enum kind kind;
    enum inside_method inside;
    uint32_t cseq;
    bool confirmed;   // the dialog is: an ACK is to a 2xx
    uint16_t status;  // of a refusal
    const char *echo; // Via and Record-Route lines of the request that is answered
    uint32_t echo_length;
};

#define SCRIPT_CALL_ID_MAX 64u
#define SCRIPT_TAG_MAX     40u

// Each returns octets; none ends them with a NUL.
uint32_t script_write(const struct draft *draft, char out[]); // at most DATAGRAM_TEXT_MAX, or it does not end
uint32_t script_call_id(const struct script *script, char out[SCRIPT_CALL_ID_MAX]);
uint32_t script_tag(const struct script *script, enum world_side side, char out[SCRIPT_TAG_MAX]);
// The branch that a request of this side has.
uint32_t script_branch(const struct draft *draft, char out[SCRIPT_TAG_MAX]);
// The slot that a Call-ID of this form names; of a text of another form, any.
uint32_t script_slot(const char *call_id);
unsigned script_vias(const struct draft *draft); // in a request

// A number that others follow from.
static inline uint64_t script_mix(uint64_t x)
{
    x = (x ^ x >> 31) * 0x7fb5d329728ea185u;
    x = (x ^ x >> 27) * 0x81dadef4bc2dd44du;
    return x ^ x >> 33;
}

extern const char *const script_kinds[KINDS]; // as a reader would say
extern const char *const script_methods[KIND_REQUESTS];
extern const char *const script_insides[INSIDES];

#endif
