// SPDX-License-Identifier: BSD-3-Clause
#include "server.h"

#include <string.h>

#include "check.h"
#include "client.h"

static void send_answer(struct holder *holder, const struct call *call, const struct flight *flight)
{
    struct wire *wire = holder->wires[wire_of(call, far_side(flight->by))];
    memcpy(wire_room(wire), flight->answer, flight->answer_length);
    wire_sent(wire, flight->answer_length);
}

// STATUS as the flight's answer.
static void write_answer(struct holder *holder, const struct call *call, const struct message *message,
                         unsigned status)
{
    struct flight *flight = calls_flight(&holder->calls, call);
    struct answer answer = {.request = message, .at = far_side(flight->by), .status = status};
    flight->answer_length = (uint16_t)compose_answer(holder, call, &answer, flight->answer);
}

static void answer_at_once(struct holder *holder, const struct call *call, const struct answer *answer)
{
    struct wire *wire = holder->wires[wire_of(call, answer->at)];
    wire_sent(wire, compose_answer(holder, call, answer, wire_room(wire)));
}

// Until the ACK comes: T1, doubling to T2, for 64 * T1 (13.3.1.4; timers G and H of 17.2.1).
static void repeat_until_ack(struct holder *holder, const struct call *call)
{
    *calls_repeat(&holder->calls, call, REPEAT_ANSWER) =
        (struct repeat){.due_us = holder->now_us + holder->t1_us,
                        .end_us = holder->now_us + PATIENCE_OF(holder),
                        .interval_us = holder->t1_us};
}

// Low bits of a hash (FNV-1a) of Dialgate's branch: another branch is another transaction.
static uint32_t passage_of(const struct message *message)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < message->branch.length; i++)
        hash = (hash ^ (uint8_t)message->branch.at[i]) * 16777619u;
    return hash;
}

// An INVITE that Dialgate sends on a second time, as it may after a restart, is merged with the first
// (8.2.2.2). False: it is the first.
static bool merge(struct holder *holder, const struct call *call, const struct message *message)
{
    if (passage_of(message) == call->passage)
        return false;
    answer_at_once(holder, call, &(struct answer){message, CALLEE, 482});
    return true;
}

static void on_first_invite(struct holder *holder, struct call *call, unsigned wire,
                            const struct message *message)
{
    call->member = (uint8_t)(wire - 1);
    if (call->manner == MANNER_MUTE)
        return;
    call->passage = passage_of(message);
    calls_routes(call, message->record_routes, message->record_route_count);
    answer_at_once(holder, call, &(struct answer){message, CALLEE, 180});
    write_answer(holder, call, message, call->manner == MANNER_CANCEL ? 487 : 200);
    if (call->manner == MANNER_CANCEL)
        return;
    send_answer(holder, call, calls_flight(&holder->calls, call));
    repeat_until_ack(holder, call);
}

// The latest response (17.2.1): its final one lies ready for a call that only rings, too, until it is
// cancelled.
static void answer_again(struct holder *holder, const struct call *call, const struct message *message)
{
    bool rings =
        call->manner == MANNER_CANCEL && calls_repeat(&holder->calls, call, REPEAT_ANSWER)->end_us == 0;
    if (rings)
        answer_at_once(holder, call, &(struct answer){message, CALLEE, 180});
    else
        send_answer(holder, call, calls_flight(&holder->calls, call));
}

static void on_request(struct holder *holder, struct call *call, unsigned wire, const struct message *message)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    bool again = flight->answer_length > 0;
    if (message->to_tag.length > 0) {
        write_answer(holder, call, message, 200);
        send_answer(holder, call, flight);
        if (message->method == METHOD_INVITE && !again)
            repeat_until_ack(holder, call);
        return;
    }
    if (!again)
        on_first_invite(holder, call, wire, message);
    else if (call->member != wire - 1)
        tally_finding(&holder->tally, FINDING_MEMBER, NULL);
    else if (!merge(holder, call, message))
        answer_again(holder, call, message);
}

static void server_done(struct holder *holder, struct call *call)
{
    calls_flight(&holder->calls, call)->server_done = true;
    *calls_repeat(&holder->calls, call, REPEAT_ANSWER) = (struct repeat){0};
    client_settle(holder, call);
}

static void on_ack(struct holder *holder, struct call *call, const struct message *message,
                   const char *octets)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    struct asked asked = {METHOD_ACK, flight->by, flight->cseq, METHOD_ACK, {NULL, 0}};
    // The ACK to a refusal is Dialgate's own (17.1.1.3), that to a 2xx comes from the far end.
    bool to_refusal = message->via_count == 1;
    enum finding finding = to_refusal ? FINDING_NONE : check_request(holder, call, &asked, message);
    if (finding != FINDING_NONE)
        tally_finding(&holder->tally, finding, octets);
    else if (to_refusal != (call->manner == MANNER_CANCEL))
        tally_count(&holder->tally, TALLY_LATE); // to a 482
    else if (flight->answer_length > 0)
        server_done(holder, call);
}

static void on_cancel(struct holder *holder, struct call *call, const struct message *message)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    answer_at_once(holder, call, &(struct answer){message, CALLEE, 200});
    if (flight->answer_length == 0 || flight->server_done)
        return;
    send_answer(holder, call, flight);
    repeat_until_ack(holder, call);
}

// The flight that this request belongs to; NULL: none.
static const struct flight *flight_of(const struct holder *holder, const struct call *call, enum side by,
                                      const struct message *message)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    if (flight == NULL || flight->by != by || flight->cseq != message->cseq || flight->server_done)
        return NULL;
    bool follows =
        flight->method == METHOD_INVITE &&
        (message->method == METHOD_ACK || (message->method == METHOD_CANCEL && flight->cancelling));
    return follows || flight->method == message->method ? flight : NULL;
}

// Dialgate ends a call that rests: BYE to both ends, each numbered behind what its sender said last.
static void on_hang_up(struct holder *holder, struct call *call, enum side by, const struct message *message,
                       const char *octets)
{
    enum finding finding = check_hang_up(holder, call, by, message);
    if (finding != FINDING_NONE) {
        tally_finding(&holder->tally, finding, octets);
        return;
    }
    if ((call->hung_up & 1u << by) == 0 && call->hung_up != 0)
        tally_count(&holder->tally, TALLY_HUNG_UP);
    call->hung_up |= (uint8_t)(1u << by);
    answer_at_once(holder, call, &(struct answer){message, far_side(by), 200});
}

static void on_stray(struct holder *holder, struct call *call, enum side by, const struct message *message,
                     const char *octets)
{
    if (message->cseq > call->cseq[by] && message->method == METHOD_BYE && call->confirmed && holder->let_end)
        on_hang_up(holder, call, by, message, octets);
    else if (message->cseq > call->cseq[by])
        tally_finding(&holder->tally, FINDING_NOT_SENT, octets);
    else
        tally_count(&holder->tally, TALLY_LATE);
    if (message->method == METHOD_INVITE && message->to_tag.length == 0 && call->confirmed)
        merge(holder, call, message);
}

void server_request(struct holder *holder, unsigned wire, const struct message *message, const char *octets)
{
    enum side by = wire == 0 ? CALLEE : CALLER;
    struct call *call = check_call(holder, message, octets);
    if (call == NULL)
        return;
    const struct flight *flight = flight_of(holder, call, by, message);
    // An INVITE without To-tag that comes after its 200 is a repeat.
    bool repeat = message->method == METHOD_INVITE && call->confirmed && message->to_tag.length == 0;
    if (flight == NULL || repeat) {
        on_stray(holder, call, by, message, octets);
        return;
    }
    if (message->method == METHOD_ACK) {
        on_ack(holder, call, message, octets);
    } else if (message->method == METHOD_CANCEL) {
        on_cancel(holder, call, message);
    } else {
        struct asked asked = {flight->method, by, flight->cseq, flight->method, {NULL, 0}};
        enum finding finding = check_request(holder, call, &asked, message);
        if (finding == FINDING_NONE)
            on_request(holder, call, wire, message);
        else
            tally_finding(&holder->tally, finding, octets);
    }
}

void server_repeat(struct holder *holder, struct call *call)
{
    struct repeat *repeat = calls_repeat(&holder->calls, call, REPEAT_ANSWER);
    tally_count(&holder->tally, TALLY_REPEATED_ANSWERS);
    repeat->interval_us = 2 * repeat->interval_us > T2_OF(holder) ? T2_OF(holder) : 2 * repeat->interval_us;
    repeat->due_us = holder->now_us + repeat->interval_us;
    send_answer(holder, call, calls_flight(&holder->calls, call));
}

// A callee that hears no ACK ends the call with BYE (13.3.1.4), unless its caller knows of no answer.
void server_give_up(struct holder *holder, struct call *call)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    bool answered = flight->client_done;
    if (call->manner != MANNER_UNACKED && !call->merged)
        tally_finding(&holder->tally, FINDING_NOT_ACKNOWLEDGED, flight->answer);
    if (!answered) {
        server_done(holder, call);
        return;
    }
    calls_land(&holder->calls, call);
    client_ask(holder, call, METHOD_BYE, CALLEE);
}
