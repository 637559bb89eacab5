// SPDX-License-Identifier: BSD-3-Clause
// Offer and answer (RFC 3264) as SIP carries them (RFC 3261 13.2.1, RFC 3262 section 5, RFC 3311, RFC 6337):
// of one dialog, who owes an answer. A session description is opaque; whether it is an offer or an answer
// follows from what was before it and from the message that it lies in. Descriptions in unreliable
// provisional responses are no part of this: they only show an answer early (13.2.1).
#ifndef DIALGATE_STATE_OFFER_H
#define DIALGATE_STATE_OFFER_H

#include <stdbool.h>
#include <stdint.h>

enum offer_state {
    OFFER_STABLE,
    OFFER_SENT,     // the peer owes us an answer
    OFFER_RECEIVED, // we owe the answer
    OFFER_STATES
};

enum offer_message { // that has a session description
    OFFER_IN_INVITE,
    OFFER_IN_RELIABLE, // provisional response that is sent reliably
    OFFER_IN_2XX,      // to an INVITE
    OFFER_IN_ACK,
    OFFER_IN_PRACK,
    OFFER_IN_PRACK_2XX,
    OFFER_IN_UPDATE,
    OFFER_IN_UPDATE_2XX,
    OFFER_MESSAGES
};

enum offer_verdict {
    OFFER_IS_NONE, // received: it says nothing new and is not looked at; to be sent: it may not be there
    OFFER_IS_OFFER,
    OFFER_IS_ANSWER,
    OFFER_REFUSE_491, // received: ours is not answered yet (RFC 3311 5.2)
    OFFER_REFUSE_500, // received: theirs is not answered yet; with Retry-After of 0 to 10 seconds (RFC
                      // 3311 5.2)
};

struct offer {
    uint8_t state;   // enum offer_state
    uint8_t carrier; // enum offer_message of the unanswered offer
    bool answered;   // the INVITE's own exchange is complete (an UPDATE or a PRACK has one of its own)
};

// A description is sent or was received in such a message. Changes the state and says what it is; refused and
// none: nothing changed.
enum offer_verdict offer_sent(struct offer *offer, enum offer_message message);
enum offer_verdict offer_received(struct offer *offer, enum offer_message message);
// An INVITE begins: its responses may offer or answer again.
void offer_begin(struct offer *offer);
// The request, or what it was to carry on, failed: an unanswered offer in it or in what belongs to it was
// never made (RFC 3261 14.1, RFC 3311 5.1). message: OFFER_IN_INVITE (with its 1xx, PRACKs and ACK),
// OFFER_IN_PRACK or OFFER_IN_UPDATE.
void offer_failed(struct offer *offer, enum offer_message message);

#endif
