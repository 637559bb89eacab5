// SPDX-License-Identifier: BSD-3-Clause
// Messages fall into three classes: requests that can be refused and only offer; what offers or answers,
// whatever is open; what only answers. RFC 6337 table 1 is this table spelled out.
#include "offer.h"

enum offer_class { CLASS_REQUEST, CLASS_EITHER, CLASS_ANSWER, CLASSES };

static const uint8_t class_of[OFFER_MESSAGES] = {
    [OFFER_IN_INVITE] = CLASS_REQUEST, [OFFER_IN_RELIABLE] = CLASS_EITHER,
    [OFFER_IN_2XX] = CLASS_EITHER,     [OFFER_IN_ACK] = CLASS_ANSWER,
    [OFFER_IN_PRACK] = CLASS_EITHER,   [OFFER_IN_PRACK_2XX] = CLASS_ANSWER,
    [OFFER_IN_UPDATE] = CLASS_REQUEST, [OFFER_IN_UPDATE_2XX] = CLASS_ANSWER,
};

struct offer_cell {
    uint8_t next;    // enum offer_state
    uint8_t verdict; // enum offer_verdict
};

// clang-format off
static const struct offer_cell when_sent[OFFER_STATES][CLASSES] = {
    [OFFER_STABLE]   = {[CLASS_REQUEST] = {OFFER_SENT, OFFER_IS_OFFER},
                        [CLASS_EITHER]  = {OFFER_SENT, OFFER_IS_OFFER},
                        [CLASS_ANSWER]  = {OFFER_STABLE, OFFER_IS_NONE}},
    [OFFER_SENT]     = {[CLASS_REQUEST] = {OFFER_SENT, OFFER_IS_NONE},
                        [CLASS_EITHER]  = {OFFER_SENT, OFFER_IS_NONE},
                        [CLASS_ANSWER]  = {OFFER_SENT, OFFER_IS_NONE}},
    [OFFER_RECEIVED] = {[CLASS_REQUEST] = {OFFER_RECEIVED, OFFER_IS_NONE},
                        [CLASS_EITHER]  = {OFFER_STABLE, OFFER_IS_ANSWER},
                        [CLASS_ANSWER]  = {OFFER_STABLE, OFFER_IS_ANSWER}},
};

static const struct offer_cell when_received[OFFER_STATES][CLASSES] = {
    [OFFER_STABLE]   = {[CLASS_REQUEST] = {OFFER_RECEIVED, OFFER_IS_OFFER},
                        [CLASS_EITHER]  = {OFFER_RECEIVED, OFFER_IS_OFFER},
                        [CLASS_ANSWER]  = {OFFER_STABLE, OFFER_IS_NONE}},
    [OFFER_SENT]     = {[CLASS_REQUEST] = {OFFER_SENT, OFFER_REFUSE_491},
                        [CLASS_EITHER]  = {OFFER_STABLE, OFFER_IS_ANSWER},
                        [CLASS_ANSWER]  = {OFFER_STABLE, OFFER_IS_ANSWER}},
    [OFFER_RECEIVED] = {[CLASS_REQUEST] = {OFFER_RECEIVED, OFFER_REFUSE_500},
                        [CLASS_EITHER]  = {OFFER_RECEIVED, OFFER_IS_NONE},
                        [CLASS_ANSWER]  = {OFFER_RECEIVED, OFFER_IS_NONE}},
};
// clang-format on

// What an answer in this message is to.
static bool answers(enum offer_message message, enum offer_message carrier)
{
    switch (message) {
    case OFFER_IN_RELIABLE:
    case OFFER_IN_2XX:
        return carrier == OFFER_IN_INVITE;
    case OFFER_IN_ACK:
        return carrier == OFFER_IN_2XX;
    case OFFER_IN_PRACK:
        return carrier == OFFER_IN_RELIABLE;
    case OFFER_IN_PRACK_2XX:
        return carrier == OFFER_IN_PRACK;
    default:
        return carrier == OFFER_IN_UPDATE; // its 2xx
    }
}

static enum offer_verdict apply(struct offer *offer, struct offer_cell cell, enum offer_message message)
{
    if (cell.verdict == OFFER_IS_ANSWER && !answers(message, (enum offer_message)offer->carrier))
        return OFFER_IS_NONE;
    // 13.2.1: once the exchange of the INVITE is done, what its responses repeat is not looked at.
    if (cell.verdict == OFFER_IS_OFFER && offer->answered &&
        (message == OFFER_IN_RELIABLE || message == OFFER_IN_2XX))
        return OFFER_IS_NONE;
    if (cell.verdict == OFFER_IS_OFFER)
        offer->carrier = (uint8_t)message;
    if (cell.verdict == OFFER_IS_ANSWER && offer->carrier != OFFER_IN_UPDATE &&
        offer->carrier != OFFER_IN_PRACK)
        offer->answered = true;
    offer->state = cell.next;
    return (enum offer_verdict)cell.verdict;
}

enum offer_verdict offer_sent(struct offer *offer, enum offer_message message)
{
    return apply(offer, when_sent[offer->state][class_of[message]], message);
}

enum offer_verdict offer_received(struct offer *offer, enum offer_message message)
{
    return apply(offer, when_received[offer->state][class_of[message]], message);
}

void offer_begin(struct offer *offer)
{
    offer->answered = false;
}

void offer_failed(struct offer *offer, enum offer_message message)
{
    bool update = offer->carrier == OFFER_IN_UPDATE;
    bool prack = offer->carrier == OFFER_IN_PRACK;
    if (message == OFFER_IN_UPDATE ? update : message == OFFER_IN_PRACK ? prack : !update)
        offer->state = OFFER_STABLE;
}
