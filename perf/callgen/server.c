// SPDX-License-Identifier: BSD-3-Clause
// The callees: RFC 3261 8.2, 9.2, 13.3, 14.2, 15.1.2 and the server transactions of 17.2.
#include "check.h"
#include "generator.h"

static uint32_t handle(const struct generator *generator, const struct call *call)
{
    return WHEEL_HANDLE(TIMER_SERVER, calls_place(&generator->calls, call));
}

// The answer to the INVITE that the call keeps the Vias of, again.
static void answer_again(struct generator *generator, const struct call *call)
{
    struct answer answer = {.by = CALLEE,
                            .method = METHOD_INVITE,
                            .cseq = call->server_cseq,
                            .status = call->status,
                            .vias = {call->vias, call->vias_length}};
    generator_answer(generator, call, &answer);
}

// A 2xx, and a refusal (timer G), is repeated until its ACK comes (13.3.1.4, 17.2.1).
static void answer_invite(struct generator *generator, struct call *call, unsigned status)
{
    call->status = (uint16_t)status;
    answer_again(generator, call);
    if (status < 200) {
        call->server = SERVER_RINGING;
        return;
    }
    if (status == 200)
        call->answered_ns = generator->now_ns;
    call->server = status == 200 ? SERVER_ANSWERED : SERVER_REFUSED;
    call->server_repeats = 0;
    call->server_end = tick_of(generator->now_ns + 64 * generator->load.t1_ns);
    wheel_arm(&generator->wheel, handle(generator, call),
              tick_of(generator->now_ns + generator_wait(generator, 0, true)));
}

static void answer_other(struct generator *generator, struct call *call, const struct message *message)
{
    char vias[CALL_VIAS_OCTETS];
    uint16_t length;
    struct answer answer = {.by = CALLEE, .method = message->method, .cseq = message->cseq, .status = 200};
    if (!calls_keep(vias, &length, sizeof(vias), &message->vias)) {
        client_wrong(generator, call, FINDING_VIA, (struct span){NULL, 0});
        return;
    }
    answer.vias = (struct span){vias, length};
    generator_answer(generator, call, &answer);
}

static bool same_branch(const struct call *call, const struct message *message)
{
    return span_equal(message->branch, (struct span){call->branch, strlen(call->branch)});
}

// What the proxy put above the request: its answers go back by it.
static bool keep(struct call *call, const struct message *message)
{
    if (message->branch.length >= sizeof(call->branch))
        return false;
    memcpy(call->branch, message->branch.at, message->branch.length);
    call->branch[message->branch.length] = '\0';
    call->server_cseq = message->cseq;
    return calls_keep(call->vias, &call->vias_length, sizeof(call->vias), &message->vias) &&
           (message->cseq > 1 ||
            calls_keep(call->routes, &call->routes_length, sizeof(call->routes), &message->record_routes));
}

static void on_invite(struct generator *generator, struct call *call, const struct datagram *datagram,
                      const struct message *message)
{
    struct asked asked = {
        .method = METHOD_INVITE, .transaction = METHOD_INVITE, .cseq = message->cseq > 1 ? 2 : 1};
    if (call->server != SERVER_NONE && same_branch(call, message)) {
        tally_count(&generator->tally, TALLY_REQUESTS_AGAIN);
        if (call->server != SERVER_TALKING && call->server != SERVER_DONE)
            answer_again(generator, call);
        return;
    }
    if (asked.cseq == 1)
        call->callee = (uint8_t)datagram->place;
    enum finding finding = check_request(&generator->scene, call, &asked, message);
    // The ACK to the first INVITE may still be behind its re-INVITE.
    bool wanted = asked.cseq == 1 ? call->server == SERVER_NONE && call->client != CLIENT_ASKING
                                  : call->client == CLIENT_CHANGING;
    if (finding == FINDING_NONE && !wanted)
        finding = FINDING_UNEXPECTED;
    if (finding == FINDING_NONE && !keep(call, message))
        finding = FINDING_RECORD_ROUTE;
    if (finding != FINDING_NONE) {
        client_wrong(generator, call, finding, datagram->octets);
        return;
    }
    if (asked.cseq == 2) {
        answer_invite(generator, call, 200);
        return;
    }
    generator_note(generator, TIME_INVITE_PASSES, call->due_ns);
    if (call->kind == KIND_REFUSED) {
        answer_invite(generator, call, 486);
        return;
    }
    answer_invite(generator, call, 180);
    if (call->kind == KIND_CANCELLED)
        return;
    if (generator->load.ring_ns == 0)
        answer_invite(generator, call, 200);
    else
        wheel_arm(&generator->wheel, handle(generator, call),
                  tick_of(generator->now_ns + generator->load.ring_ns));
}

static void acknowledged(struct generator *generator, struct call *call)
{
    wheel_cancel(&generator->wheel, handle(generator, call));
    call->server = call->server == SERVER_ANSWERED ? SERVER_TALKING : SERVER_DONE;
    if (call->server == SERVER_TALKING && call->kind == KIND_HUNG_UP)
        wheel_arm(&generator->wheel, handle(generator, call),
                  tick_of(generator->now_ns + generator->load.hold_ns));
    client_settle(generator, call);
}

static enum finding judge_ack(const struct generator *generator, const struct call *call,
                              const struct message *message)
{
    struct asked asked = {.method = METHOD_ACK, .transaction = METHOD_ACK, .cseq = call->server_cseq};
    if (call->server == SERVER_REFUSED)
        return check_hop(&generator->scene, call, message);
    return check_request(&generator->scene, call, &asked, message);
}

static void on_ack(struct generator *generator, struct call *call, const struct datagram *datagram,
                   const struct message *message)
{
    if (call->server != SERVER_ANSWERED && call->server != SERVER_REFUSED) {
        tally_count(&generator->tally, TALLY_REQUESTS_AGAIN);
        return;
    }
    if (message->cseq < call->server_cseq) { // to the INVITE before
        tally_count(&generator->tally, TALLY_REQUESTS_AGAIN);
        return;
    }
    enum finding finding = judge_ack(generator, call, message);
    if (finding != FINDING_NONE)
        client_wrong(generator, call, finding, datagram->octets);
    acknowledged(generator, call);
}

static void on_cancel(struct generator *generator, struct call *call, const struct datagram *datagram,
                      const struct message *message)
{
    enum finding finding =
        call->kind == KIND_CANCELLED ? check_hop(&generator->scene, call, message) : FINDING_UNEXPECTED;
    if (finding != FINDING_NONE)
        client_wrong(generator, call, finding, datagram->octets);
    answer_other(generator, call, message);
    if (call->server == SERVER_RINGING)
        answer_invite(generator, call, 487);
    else
        tally_count(&generator->tally, TALLY_REQUESTS_AGAIN);
}

static void on_bye(struct generator *generator, struct call *call, const struct datagram *datagram,
                   const struct message *message)
{
    struct asked asked = {
        .method = METHOD_BYE, .transaction = METHOD_BYE, .cseq = call->kind == KIND_CHANGED ? 3 : 2};
    enum finding finding = check_request(&generator->scene, call, &asked, message);
    if (call->client != CLIENT_ENDING && call->client != CLIENT_DONE)
        finding = FINDING_UNEXPECTED;
    if (finding != FINDING_NONE)
        client_wrong(generator, call, finding, datagram->octets);
    if (call->server == SERVER_DONE)
        tally_count(&generator->tally, TALLY_REQUESTS_AGAIN);
    if (call->server == SERVER_ANSWERED) { // its ACK was overtaken
        tally_count(&generator->tally, TALLY_REORDERED);
        wheel_cancel(&generator->wheel, handle(generator, call));
    }
    call->server = SERVER_DONE;
    call->status = 200;
    answer_other(generator, call, message);
}

static void on_options(struct generator *generator, struct call *call, const struct datagram *datagram,
                       const struct message *message)
{
    struct asked asked = {.method = METHOD_OPTIONS, .transaction = METHOD_OPTIONS, .cseq = 1};
    call->callee = (uint8_t)datagram->place;
    enum finding finding = check_request(&generator->scene, call, &asked, message);
    if (call->kind != KIND_OPTIONS)
        finding = FINDING_UNEXPECTED;
    if (finding != FINDING_NONE)
        client_wrong(generator, call, finding, datagram->octets);
    if (call->server == SERVER_DONE)
        tally_count(&generator->tally, TALLY_REQUESTS_AGAIN);
    call->server = SERVER_DONE;
    call->status = 200;
    answer_other(generator, call, message);
}

static struct asked bye_of(void)
{
    return (struct asked){.by = CALLEE, .method = METHOD_BYE, .transaction = METHOD_BYE, .cseq = 1};
}

// Timers E and F of 17.1.2.2.
static void end(struct generator *generator, struct call *call, tick_t deadline)
{
    struct asked asked = bye_of();
    if (call->server == SERVER_TALKING) {
        call->server = SERVER_ENDING;
        call->server_repeats = 0;
        call->server_end = tick_of(generator->now_ns + 64 * generator->load.t1_ns);
        call->bye_due_ns = ns_of(generator, deadline);
        generator_note(generator, TIME_LATENESS, call->bye_due_ns);
    } else if ((int32_t)(tick_of(generator->now_ns) - call->server_end) >= 0) {
        client_unanswered(generator, call);
        return;
    } else {
        tally_count(&generator->tally, TALLY_REQUESTS_REPEATED);
        call->server_repeats++;
    }
    generator_ask(generator, call, &asked);
    wheel_arm(&generator->wheel, handle(generator, call),
              tick_of(generator->now_ns + generator_wait(generator, call->server_repeats, true)));
}

void server_response(struct generator *generator, struct call *call, const struct message *message,
                     struct span octets)
{
    struct asked asked = bye_of();
    enum finding finding = FINDING_UNEXPECTED;
    if (call->server == SERVER_DONE && call->kind == KIND_HUNG_UP && message->method == METHOD_BYE) {
        tally_count(&generator->tally, TALLY_ANSWERS_AGAIN);
        return;
    }
    if (call->server == SERVER_ENDING && message->method == METHOD_BYE && message->cseq == asked.cseq)
        finding = check_response(&generator->scene, call, &asked, message, call->client == CLIENT_DONE);
    if (finding == FINDING_NONE && message->status != 200)
        finding = FINDING_STATUS;
    if (finding != FINDING_NONE) {
        client_wrong(generator, call, finding, octets);
        return;
    }
    generator_note(generator, TIME_BYE, call->bye_due_ns);
    wheel_cancel(&generator->wheel, handle(generator, call));
    call->server = SERVER_DONE;
    client_settle(generator, call);
}

void server_request(struct generator *generator, struct call *call, const struct datagram *datagram,
                    const struct message *message)
{
    switch ((enum method)message->method) {
    case METHOD_INVITE:
        on_invite(generator, call, datagram, message);
        break;
    case METHOD_ACK:
        on_ack(generator, call, datagram, message);
        break;
    case METHOD_CANCEL:
        on_cancel(generator, call, datagram, message);
        break;
    case METHOD_BYE:
        on_bye(generator, call, datagram, message);
        break;
    case METHOD_OPTIONS:
        on_options(generator, call, datagram, message);
        break;
    case METHODS:
        break;
    }
}

void server_expired(struct generator *generator, struct call *call)
{
    if (call->server == SERVER_RINGING) {
        answer_invite(generator, call, 200);
        return;
    }
    if ((call->server == SERVER_TALKING && call->kind == KIND_HUNG_UP) || call->server == SERVER_ENDING) {
        end(generator, call, call->server_timer.deadline);
        return;
    }
    if (call->server != SERVER_ANSWERED && call->server != SERVER_REFUSED)
        return;
    if ((int32_t)(tick_of(generator->now_ns) - call->server_end) >= 0) {
        client_wrong(generator, call, FINDING_NO_ACK, (struct span){NULL, 0});
        acknowledged(generator, call);
        return;
    }
    tally_count(&generator->tally, TALLY_ANSWERS_REPEATED);
    call->server_repeats++;
    answer_again(generator, call);
    wheel_arm(&generator->wheel, handle(generator, call),
              tick_of(generator->now_ns + generator_wait(generator, call->server_repeats, true)));
}
