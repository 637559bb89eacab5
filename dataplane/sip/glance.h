// SPDX-License-Identifier: BSD-3-Clause
// The quick look at an INVITE that is only to be refused, and at the ACK to that. In two steps, since the
// Call-ID tells whether the second is wanted.
#ifndef DIALGATE_SIP_GLANCE_H
#define DIALGATE_SIP_GLANCE_H

#include "message.h"

#define GLANCE_VIAS_MAX 16u // lines; who has more is parsed

// What the walk over the lines has seen.
struct glance {
    const uint8_t *octets;
    struct message *message; // the caller's
    uint32_t length;
    uint32_t begin;                      // of the next line
    uint32_t place;                      // of the octets that are looked at together
    uint32_t lines_left;                 // that may come
    uint64_t feeds;                      // line feeds among those octets that were not reached yet
    struct span values[HEADER_CSEQ + 1]; // by kind, but of Via
    uint8_t vias;
    uint8_t seen; // kinds, as bits
    bool is_ack;
};

// The last Via of a sender: most of its next one is the same but for the branch. All zeros: none as yet.
#define GLANCE_BEFORE_MAX 64u
#define GLANCE_BEHIND_MAX 32u
struct glance_via {
    uint8_t before[GLANCE_BEFORE_MAX]; // the branch, zeros behind
    uint8_t behind[GLANCE_BEHIND_MAX]; // the branch, zeros before
    uint32_t before_length;            // with the equals sign; 0: none
    uint32_t behind_length;
    struct via via; // as if the branch were empty; spans count from the begin of the value
    bool rport_is_behind, received_is_behind;
};

// True for an INVITE or ACK up to whose Call-ID all is as nearly all have it: values[HEADER_CALL_ID] is then
// what peek_call_id() finds. False: it may be anything. message is for glance_rest(), and undefined until
// then.
bool glance_begin(const uint8_t *octets, uint32_t length, struct message *message, struct glance *glance);

// Of an INVITE for which glance_begin() returned true. True when Via, From, To, Call-ID and CSeq have the
// shape that nearly all have. message is then what message_parse() would have made of it, but without
// Request-URI, From-tag, Max-Forwards and body, and of the header lines there are those of Via alone. In what
// is left out there may be a fault, of a kind that gets an answer (judge.h), and in From and To; there is
// none in the rest. False: it may be anything, parse it; message is then undefined. Agrees with
// message_parse() on every input (tests/fuzz proves it), whatever Via is known of whichever sender: that
// saves time and changes nothing else.
bool glance_rest(struct glance *glance, struct glance_via *known);

// Of an ACK for which glance_begin() returned true: whether its To ends with a tag of that many octets, which
// are set. For who knows a tag of its own when it sees it: says nothing about the rest of the message; but
// where message_parse() finds no fault, it finds this tag (tests/fuzz proves it).
bool glance_to_tag(struct glance *glance, uint32_t tag_length, struct span *tag);

#endif
