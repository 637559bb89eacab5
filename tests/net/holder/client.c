// SPDX-License-Identifier: BSD-3-Clause
#include "client.h"

#include <string.h>

#include "check.h"

static struct asked asked_of(const struct flight *flight)
{
    return (struct asked){
        .method = flight->method, .by = flight->by, .cseq = flight->cseq, .transaction = flight->method};
}

static void send_octets(struct holder *holder, const struct call *call, enum side by, const char *octets,
                        size_t length)
{
    struct wire *wire = holder->wires[wire_of(call, by)];
    memcpy(wire_room(wire), octets, length);
    wire_sent(wire, length);
}

static void send_asked(struct holder *holder, const struct call *call, const struct asked *asked)
{
    struct wire *wire = holder->wires[wire_of(call, asked->by)];
    wire_sent(wire, compose_request(holder, call, asked, wire_room(wire)));
}

// The flight's request is sent and repeated: T1, doubling (timers A and E), for 64 * T1 (timers B and F).
static void launch(struct holder *holder, struct call *call, const struct asked *asked)
{
    struct flight *flight = calls_flight(&holder->calls, call);
    flight->request_length = (uint16_t)compose_request(holder, call, asked, flight->request);
    *calls_repeat(&holder->calls, call, REPEAT_REQUEST) =
        (struct repeat){.due_us = holder->now_us + holder->t1_us,
                        .end_us = holder->now_us + PATIENCE_OF(holder),
                        .interval_us = holder->t1_us};
    send_octets(holder, call, asked->by, flight->request, flight->request_length);
}

static void begin(struct holder *holder, struct call *call, enum method method, enum side by)
{
    struct flight *flight = calls_flight(&holder->calls, call);
    flight->method = (uint8_t)method;
    flight->by = (uint8_t)by;
    flight->cseq = ++call->cseq[by];
    struct asked asked = asked_of(flight);
    launch(holder, call, &asked);
}

static void remember(struct holder *holder, const struct call *call, enum history event)
{
    struct identity identity;
    identity_make(&identity, holder->seed, call->number);
    tally_history(&holder->tally, holder->now_us, identity.call_id, event);
}

bool client_call(struct holder *holder, enum manner manner, bool held, uint64_t lifetime_us)
{
    struct call *call = calls_start(&holder->calls);
    if (call == NULL)
        return false;
    call->manner = (uint8_t)manner;
    call->held = held;
    call->end_us = lifetime_us;
    tally_count(&holder->tally, TALLY_STARTED);
    begin(holder, call, METHOD_INVITE, CALLER);
    return true;
}

bool client_ask(struct holder *holder, struct call *call, enum method method, enum side by)
{
    if (calls_fly(&holder->calls, call) == NULL)
        return false;
    if (method == METHOD_BYE) {
        call->state = CALL_ENDING;
        remember(holder, call, HISTORY_ENDING);
    }
    begin(holder, call, method, by);
    return true;
}

static void up(struct holder *holder, struct call *call)
{
    call->state = CALL_UP;
    if (call->held) {
        calls_hold(&holder->calls, call);
        return;
    }
    call->end_us += holder->now_us; // it was a lifetime until now
    calls_age(&holder->calls, call);
}

void client_settle(struct holder *holder, struct call *call)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    if (!flight->client_done || !flight->server_done)
        return;
    if (flight->method == METHOD_BYE || !call->confirmed) {
        calls_end(&holder->calls, call);
        return;
    }
    if (call->state == CALL_UP && flight->method == METHOD_INVITE)
        tally_count(&holder->tally, TALLY_REINVITED);
    calls_land(&holder->calls, call);
    if (call->merged)
        client_ask(holder, call, METHOD_BYE, CALLER); // 13.2.2.4: nobody wants this call any more
    else if (call->state == CALL_SETUP)
        up(holder, call);
    else
        calls_hold(&holder->calls, call);
}

static void client_done(struct holder *holder, struct call *call)
{
    calls_flight(&holder->calls, call)->client_done = true;
    *calls_repeat(&holder->calls, call, REPEAT_REQUEST) = (struct repeat){0};
}

// Nothing was answered at the far end that it would have to wait for.
static void both_done(struct holder *holder, struct call *call)
{
    client_done(holder, call);
    calls_flight(&holder->calls, call)->server_done = true;
    *calls_repeat(&holder->calls, call, REPEAT_ANSWER) = (struct repeat){0};
    client_settle(holder, call);
}

static void on_provisional(struct holder *holder, struct call *call)
{
    struct flight *flight = calls_flight(&holder->calls, call);
    struct repeat *repeat = calls_repeat(&holder->calls, call, REPEAT_REQUEST);
    if (flight->client_done || flight->cancelling)
        return;
    flight->provisional = true;
    if (flight->method != METHOD_INVITE) {
        repeat->interval_us = T2_OF(holder); // 17.1.2.2
        return;
    }
    // RFC 3261 lets a caller wait for as long as it likes: longer than Dialgate's timer B and the callee's
    // repeats.
    *repeat = (struct repeat){.end_us = holder->now_us + PATIENCE_OF(holder) * 5 / 4};
    if (call->manner == MANNER_CANCEL) {
        struct asked cancel = asked_of(flight);
        cancel.method = METHOD_CANCEL;
        flight->cancelling = true;
        launch(holder, call, &cancel);
    }
}

static void acknowledge(struct holder *holder, const struct call *call, struct asked asked,
                        const struct message *message)
{
    asked.method = METHOD_ACK;
    if (message->status < 300)
        asked.transaction = METHOD_ACK;
    else
        asked.to_tag = message->to_tag;
    send_asked(holder, call, &asked);
}

static void on_invite_success(struct holder *holder, struct call *call, const struct message *message)
{
    struct flight *flight = calls_flight(&holder->calls, call);
    if (call->manner == MANNER_UNACKED) {
        if (!flight->client_done)
            tally_count(&holder->tally, TALLY_UNACKED);
        client_done(holder, call);
        return;
    }
    if (call->merged) {
        call->confirmed = true;
    } else if (!call->confirmed) {
        call->confirmed = true;
        tally_count(&holder->tally, TALLY_CONFIRMED);
        remember(holder, call, HISTORY_CONFIRMED);
    }
    client_done(holder, call);
    acknowledge(holder, call, asked_of(flight), message);
    client_settle(holder, call);
}

// True: this refusal is what the call's manner asks for.
static bool wanted(struct holder *holder, const struct call *call, unsigned status)
{
    if (call->manner == MANNER_CANCEL && status == 487)
        tally_count(&holder->tally, TALLY_CANCELLED);
    else if (call->manner == MANNER_MUTE && status == 408)
        tally_count(&holder->tally, TALLY_TIMED_OUT);
    else
        return false;
    return true;
}

static void on_refusal(struct holder *holder, struct call *call, const struct message *message,
                       const char *octets)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    if (call->state == CALL_SETUP && call->confirmed && !call->merged)
        return; // RFC 6026 8.4: after a 2xx no other final response counts
    if (flight->method == METHOD_INVITE)
        acknowledge(holder, call, asked_of(flight), message);
    if (flight->client_done)
        return;
    bool answering = flight->answer_length > 0 && !flight->server_done;
    call->merged = answering && call->state == CALL_SETUP && message->status == 482;
    if (call->merged)
        tally_count(&holder->tally, TALLY_MERGED);
    else if (!wanted(holder, call, message->status))
        tally_finding(&holder->tally, FINDING_STATUS, octets);
    // The callee waits for the ACK to its own answer.
    if (answering && (call->merged || message->status == 487))
        client_done(holder, call);
    else
        both_done(holder, call);
}

static void on_success(struct holder *holder, struct call *call, const char *octets)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    if (flight->answer_length == 0)
        tally_finding(&holder->tally, FINDING_NOT_ARRIVED, octets);
    if (flight->method == METHOD_BYE)
        remember(holder, call, HISTORY_ENDED);
    tally_count(&holder->tally, flight->method == METHOD_BYE ? TALLY_ENDED : TALLY_PROBED);
    both_done(holder, call);
}

static void on_final(struct holder *holder, struct call *call, const struct message *message,
                     const char *octets)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    tally_heard(&holder->tally, holder->now_us);
    if (message->status >= 300)
        on_refusal(holder, call, message, octets);
    else if (flight->method == METHOD_INVITE)
        on_invite_success(holder, call, message);
    else
        on_success(holder, call, octets);
}

// A response to what is over: a repeated 2xx needs its ACK again (13.2.2.4), all else needs nothing.
static void on_late(struct holder *holder, const struct call *call, enum side side,
                    const struct message *message)
{
    tally_count(&holder->tally, TALLY_LATE);
    if (message->method == METHOD_INVITE && message->status / 100 == 2 && call->manner != MANNER_UNACKED)
        acknowledge(holder, call, (struct asked){.by = side, .cseq = message->cseq}, message);
}

static bool flight_of(const struct flight *flight, enum side side, const struct message *message)
{
    return flight != NULL && flight->by == side && flight->cseq == message->cseq &&
           (flight->method == message->method || (flight->cancelling && message->method == METHOD_CANCEL));
}

static void on_cancel_answered(struct holder *holder, struct call *call, const struct message *message,
                               const char *octets)
{
    struct repeat *repeat = calls_repeat(&holder->calls, call, REPEAT_REQUEST);
    if (message->status != 200)
        tally_finding(&holder->tally, FINDING_STATUS, octets);
    repeat->due_us = 0; // the 487 ends it
}

void client_response(struct holder *holder, enum side side, const struct message *message, const char *octets)
{
    char branch[COMPOSE_VALUE];
    struct call *call = check_call(holder, message, octets);
    if (call == NULL)
        return;
    const struct flight *flight = calls_flight(&holder->calls, call);
    if (!flight_of(flight, side, message)) {
        on_late(holder, call, side, message);
        return;
    }
    struct asked asked = asked_of(flight);
    compose_branch(holder, call, &asked, branch);
    enum finding finding = span_is(message->branch, branch) ? FINDING_NONE : FINDING_VIA;
    if (finding == FINDING_NONE && (message->status == 180 || message->status == 200) &&
        message->method != METHOD_CANCEL)
        finding = check_response(holder, call, &asked, message);
    if (finding != FINDING_NONE)
        tally_finding(&holder->tally, finding, octets);
    else if (message->method == METHOD_CANCEL)
        on_cancel_answered(holder, call, message, octets);
    else if (message->status < 200)
        on_provisional(holder, call);
    else
        on_final(holder, call, message, octets);
}

void client_repeat(struct holder *holder, struct call *call)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    struct repeat *repeat = calls_repeat(&holder->calls, call, REPEAT_REQUEST);
    tally_count(&holder->tally, TALLY_REPEATED_REQUESTS);
    repeat->interval_us *= 2;
    if ((flight->method != METHOD_INVITE || flight->cancelling) && repeat->interval_us > T2_OF(holder))
        repeat->interval_us = T2_OF(holder);
    repeat->due_us = holder->now_us + repeat->interval_us;
    send_octets(holder, call, flight->by, flight->request, flight->request_length);
}

static enum finding unanswered(const struct call *call, const struct flight *flight)
{
    if (flight->method != METHOD_INVITE)
        return flight->method == METHOD_BYE ? FINDING_UNANSWERED_BYE : FINDING_UNANSWERED_OPTIONS;
    if (call->state != CALL_SETUP)
        return FINDING_UNANSWERED_REINVITE;
    return flight->provisional && flight->answer_length == 0 ? FINDING_FORGOTTEN_INVITE
                                                             : FINDING_UNANSWERED_INVITE;
}

void client_give_up(struct holder *holder, struct call *call)
{
    const struct flight *flight = calls_flight(&holder->calls, call);
    tally_finding(&holder->tally, unanswered(call, flight), flight->request);
    if (call->state == CALL_SETUP)
        tally_count(&holder->tally, TALLY_ABANDONED);
    both_done(holder, call);
}
