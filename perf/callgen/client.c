// SPDX-License-Identifier: BSD-3-Clause
// The callers: RFC 3261 8.1, 9.1, 13.2, 14.1, 15.1.1 and the client transactions of 17.1.
#include "check.h"
#include "generator.h"

#define RINGS_T1 8u // a caller who wants to give up waits for a 180 for so many T1

// What the caller waits for an answer to. INVITE, re-INVITE and BYE are numbered 1, 2 and what comes then.
static struct asked asked_of(const struct call *call)
{
    struct asked asked = {.method = METHOD_INVITE, .transaction = METHOD_INVITE, .cseq = 1};
    if (call->client == CLIENT_ASKING)
        asked.method = METHOD_OPTIONS;
    else if (call->client == CLIENT_ENDING)
        asked = (struct asked){.method = METHOD_BYE, .cseq = call->kind == KIND_CHANGED ? 3 : 2};
    else if (call->client == CLIENT_CHANGING)
        asked.cseq = 2;
    if (asked.method != METHOD_INVITE)
        asked.transaction = asked.method;
    return asked;
}

static void arm(struct generator *generator, struct call *call, uint64_t ns)
{
    wheel_arm(&generator->wheel, WHEEL_HANDLE(TIMER_CLIENT, calls_place(&generator->calls, call)),
              tick_of(ns));
}

static uint64_t patience(const struct generator *generator)
{
    return 64 * generator->load.t1_ns;
}

// A request goes out and is repeated until it is answered or 64 * T1 have passed (timers B and F).
static void launch(struct generator *generator, struct call *call, enum client_state state, uint64_t due_ns)
{
    call->client = state;
    call->due_ns = due_ns;
    call->client_repeats = 0;
    call->provisional = false;
    call->client_end = tick_of(generator->now_ns + patience(generator));
    struct asked asked = asked_of(call);
    generator_ask(generator, call, &asked);
    generator_note(generator, TIME_LATENESS, due_ns);
    arm(generator, call, generator->now_ns + generator_wait(generator, 0, false));
}

static enum kind draw(struct generator *generator)
{
    generator->random = generator->random * 6364136223846793005u + 1442695040888963407u;
    unsigned drawn = (unsigned)((generator->random >> 33) % 1000), below = 0;
    for (unsigned kind = KIND_PLAIN + 1; kind < KINDS; kind++) {
        below += generator->load.per_mille[kind];
        if (drawn < below)
            return kind;
    }
    return KIND_PLAIN;
}

void client_begin(struct generator *generator, uint64_t due_ns)
{
    struct call *call = calls_take(&generator->calls);
    enum kind kind = draw(generator);
    if (call == NULL) {
        tally_count(&generator->tally, TALLY_NO_ROOM);
        return;
    }
    uint32_t calls = generator->calls.capacity - generator->calls.free_count;
    if (calls > generator->tally.peak)
        generator->tally.peak = calls;
    call->kind = kind;
    tally_count(&generator->tally, TALLY_STARTED);
    launch(generator, call, kind == KIND_OPTIONS ? CLIENT_ASKING : CLIENT_CALLING, due_ns);
}

static void over(struct generator *generator, struct call *call)
{
    wheel_cancel(&generator->wheel, WHEEL_HANDLE(TIMER_CLIENT, calls_place(&generator->calls, call)));
    wheel_cancel(&generator->wheel, WHEEL_HANDLE(TIMER_SERVER, calls_place(&generator->calls, call)));
    calls_free(&generator->calls, call);
}

static void failed(struct generator *generator, struct call *call, enum tally_count how)
{
    tally_count(&generator->tally, how);
    over(generator, call);
}

void client_unanswered(struct generator *generator, struct call *call)
{
    failed(generator, call, TALLY_TIMED_OUT);
}

// The caller has done all that its kind asks for; the callee may still wait for an ACK.
static void done(struct generator *generator, struct call *call)
{
    wheel_cancel(&generator->wheel, WHEEL_HANDLE(TIMER_CLIENT, calls_place(&generator->calls, call)));
    call->client = CLIENT_DONE;
    client_settle(generator, call);
}

void client_settle(struct generator *generator, struct call *call)
{
    if (call->client != CLIENT_DONE || call->server != SERVER_DONE)
        return;
    if (call->wrong) {
        failed(generator, call, TALLY_WRONG);
        return;
    }
    tally_count(&generator->tally, TALLY_COMPLETED);
    if (generator->begun < generator->load.count)
        tally_count(&generator->tally, TALLY_COMPLETED_MEANWHILE);
    generator->tally.completed[call->kind]++;
    over(generator, call);
}

void client_wrong(struct generator *generator, struct call *call, enum finding finding, struct span octets)
{
    call->wrong = true;
    tally_finding(&generator->tally, finding, octets);
}

// Half of the pause is before a re-INVITE, half behind it.
static void talk(struct generator *generator, struct call *call)
{
    uint64_t pause_ns = generator->load.hold_ns;
    if (call->kind == KIND_CHANGED)
        pause_ns /= 2;
    else if (call->kind == KIND_HUNG_UP)
        pause_ns += 2 * patience(generator); // for the callee's 200 and its BYE
    call->client = CLIENT_TALKING;
    arm(generator, call, generator->now_ns + pause_ns);
}

static void acknowledge(struct generator *generator, const struct call *call, struct asked asked,
                        const struct message *message)
{
    asked.method = METHOD_ACK;
    if (message->status < 300)
        asked.transaction = METHOD_ACK;
    else
        asked.to_tag = message->to_tag;
    generator_ask(generator, call, &asked);
}

static void give_up(struct generator *generator, struct call *call)
{
    call->client = CLIENT_CANCELLING;
    call->client_repeats = 0;
    struct asked cancel = {.method = METHOD_CANCEL, .transaction = METHOD_INVITE, .cseq = 1};
    generator_ask(generator, call, &cancel);
    arm(generator, call, generator->now_ns + generator_wait(generator, 0, true));
}

static void on_provisional(struct generator *generator, struct call *call, const struct message *message)
{
    if (call->client != CLIENT_CALLING && call->client != CLIENT_CHANGING)
        return;
    if (!call->provisional && call->client == CLIENT_CALLING)
        generator_note(generator, TIME_TRYING, call->due_ns);
    call->provisional = true;
    // From here on it rings for as long as the callee likes.
    call->client_end = tick_of(generator->now_ns + generator->load.ring_ns + patience(generator));
    arm(generator, call, generator->now_ns + generator->load.ring_ns + patience(generator));
    if (call->kind == KIND_CANCELLED) // a 180 that is lost does not come again
        arm(generator, call, generator->now_ns + RINGS_T1 * generator->load.t1_ns);
    if (message->status != 180 || call->client == CLIENT_CHANGING)
        return;
    generator_note(generator, TIME_RINGING, call->due_ns);
    if (call->kind == KIND_CANCELLED)
        give_up(generator, call);
}

// The final answer to the first INVITE, or to the one that changes the session.
static void on_invite_final(struct generator *generator, struct call *call, const struct asked *asked,
                            const struct message *message)
{
    acknowledge(generator, call, *asked, message);
    if (message->status == 200 &&
        (call->kind == KIND_PLAIN || call->kind == KIND_CHANGED || call->kind == KIND_HUNG_UP)) {
        if (call->answered_ns != 0)
            generator_note(generator, TIME_ANSWER_PASSES, call->answered_ns);
        call->changed = asked->cseq == 2;
        talk(generator, call);
    } else if (message->status == 486 && call->kind == KIND_REFUSED) {
        done(generator, call);
    } else if (message->status == 487 && call->client == CLIENT_CANCELLING) {
        call->ended = true;
        if (call->cancel_answered)
            done(generator, call);
    } else {
        generator->tally.refused[message->status]++;
        failed(generator, call, TALLY_REFUSED);
    }
}

static void on_final(struct generator *generator, struct call *call, const struct asked *asked,
                     const struct message *message)
{
    if (asked->method == METHOD_INVITE) {
        on_invite_final(generator, call, asked, message);
    } else if (message->status == 200) {
        generator_note(generator, asked->method == METHOD_BYE ? TIME_BYE : TIME_OPTIONS, call->due_ns);
        done(generator, call);
    } else {
        generator->tally.refused[message->status]++;
        failed(generator, call, TALLY_REFUSED);
    }
}

static bool waiting(const struct call *call)
{
    return call->client != CLIENT_TALKING && call->client != CLIENT_DONE && !call->ended;
}

// An answer to what was answered already: a 2xx is acknowledged again (13.2.2.4), and so is a refusal
// (17.1.1.2). One that is provisional was overtaken by the final one.
static void on_again(struct generator *generator, struct call *call, const struct message *message)
{
    struct asked asked = {.method = METHOD_INVITE, .transaction = METHOD_INVITE, .cseq = message->cseq};
    if (message->method == METHOD_INVITE && message->status > 100 && message->status < 200) {
        tally_count(&generator->tally, TALLY_REORDERED);
        return;
    }
    tally_count(&generator->tally, TALLY_ANSWERS_AGAIN);
    if (message->method == METHOD_INVITE && message->status >= 200)
        acknowledge(generator, call, asked, message);
}

static void on_cancel_answer(struct generator *generator, struct call *call, const struct message *message,
                             struct span octets)
{
    struct asked asked = {.method = METHOD_CANCEL, .transaction = METHOD_INVITE, .cseq = 1};
    enum finding finding = check_response(&generator->scene, call, &asked, message, false);
    if (finding == FINDING_NONE && message->status != 200)
        finding = FINDING_STATUS;
    if (finding != FINDING_NONE || call->kind != KIND_CANCELLED) {
        client_wrong(generator, call, finding != FINDING_NONE ? finding : FINDING_UNEXPECTED, octets);
        return;
    }
    if (call->cancel_answered)
        tally_count(&generator->tally, TALLY_ANSWERS_AGAIN);
    call->cancel_answered = true;
    if (call->ended && call->client == CLIENT_CANCELLING)
        done(generator, call);
}

void client_response(struct generator *generator, struct call *call, const struct message *message,
                     struct span octets)
{
    struct asked asked = asked_of(call);
    if (message->method == METHOD_CANCEL) {
        on_cancel_answer(generator, call, message, octets);
        return;
    }
    if (message->method == METHOD_INVITE &&
        (!waiting(call) || asked.method != METHOD_INVITE || message->cseq != asked.cseq)) {
        if (message->cseq == 0 || message->cseq > 2 || call->client == CLIENT_ASKING ||
            message->cseq > asked.cseq)
            client_wrong(generator, call, FINDING_CSEQ, octets);
        else
            on_again(generator, call, message);
        return;
    }
    if (!waiting(call) && message->method == METHOD_BYE) {
        tally_count(&generator->tally, TALLY_ANSWERS_AGAIN);
        return;
    }
    if (message->method != asked.method || message->cseq != asked.cseq) {
        client_wrong(generator, call, FINDING_CSEQ, octets);
        return;
    }
    // What the callee has not said is the proxy's.
    bool callees = message->status == call->status || (message->status == 180 && call->server != SERVER_NONE);
    enum finding finding = check_response(&generator->scene, call, &asked, message, callees);
    if (finding == FINDING_NONE && message->status < 300 && message->status > 100 &&
        call->server == SERVER_NONE)
        finding = FINDING_STATUS;
    if (finding != FINDING_NONE)
        client_wrong(generator, call, finding, octets);
    if (message->status < 200)
        on_provisional(generator, call, message);
    else
        on_final(generator, call, &asked, message);
}

void client_request(struct generator *generator, struct call *call, const struct datagram *datagram,
                    const struct message *message)
{
    char vias[CALL_VIAS_OCTETS];
    uint16_t length;
    struct asked asked = {.by = CALLEE, .method = METHOD_BYE, .transaction = METHOD_BYE, .cseq = 1};
    enum finding finding = FINDING_UNEXPECTED;
    if (message->method == METHOD_BYE && call->kind == KIND_HUNG_UP &&
        (call->client == CLIENT_TALKING || call->client == CLIENT_DONE))
        finding = check_request(&generator->scene, call, &asked, message);
    if (finding == FINDING_NONE && !calls_keep(vias, &length, sizeof(vias), &message->vias))
        finding = FINDING_VIA;
    if (finding != FINDING_NONE) {
        client_wrong(generator, call, finding, datagram->octets);
        return;
    }
    struct answer answer = {.by = CALLER, .method = METHOD_BYE, .cseq = 1, .status = 200};
    answer.vias = (struct span){vias, length};
    generator_answer(generator, call, &answer);
    if (call->client == CLIENT_DONE)
        tally_count(&generator->tally, TALLY_REQUESTS_AGAIN);
    else
        done(generator, call);
}

void client_late(struct generator *generator, uint32_t number, const struct message *message)
{
    struct call gone = {.number = number};
    struct asked asked = {.method = METHOD_INVITE, .transaction = METHOD_INVITE, .cseq = message->cseq};
    tally_count(&generator->tally, TALLY_LATE);
    if (message->method == METHOD_INVITE && message->status >= 300 && message->cseq == 1)
        acknowledge(generator, &gone, asked, message);
}

static void repeat(struct generator *generator, struct call *call)
{
    struct asked asked = asked_of(call);
    bool invite = asked.method == METHOD_INVITE && call->client != CLIENT_CANCELLING;
    if (call->client == CLIENT_CALLING && call->provisional && call->kind == KIND_CANCELLED) {
        give_up(generator, call);
        return;
    }
    if (invite ? call->provisional : call->cancel_answered) {
        arm(generator, call, generator->now_ns + patience(generator)); // the final answer is still to come
        return;
    }
    if (call->client == CLIENT_CANCELLING)
        asked.method = METHOD_CANCEL;
    tally_count(&generator->tally, TALLY_REQUESTS_REPEATED);
    call->client_repeats++;
    generator_ask(generator, call, &asked);
    arm(generator, call, generator->now_ns + generator_wait(generator, call->client_repeats, !invite));
}

void client_expired(struct generator *generator, struct call *call, tick_t deadline)
{
    if (call->client == CLIENT_TALKING && call->kind == KIND_HUNG_UP) {
        failed(generator, call, TALLY_TIMED_OUT);
    } else if (call->client == CLIENT_TALKING) {
        bool change = call->kind == KIND_CHANGED && !call->changed;
        launch(generator, call, change ? CLIENT_CHANGING : CLIENT_ENDING, ns_of(generator, deadline));
    } else if ((int32_t)(tick_of(generator->now_ns) - call->client_end) >= 0) {
        failed(generator, call, TALLY_TIMED_OUT);
    } else {
        repeat(generator, call);
    }
}
