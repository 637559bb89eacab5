// SPDX-License-Identifier: BSD-3-Clause
// Session timers (RFC 4028) as a proxy observes them (section 8): each 2xx to INVITE or UPDATE says until
// when the session lives. What was not refreshed by then is forgotten, or ended by BYE where the operator
// wants that.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define SE_90    "Session-Expires: 90;refresher=uac\r\n"
#define SE_600   "Session-Expires: 600;refresher=uas\r\nRequire: timer\r\n"
#define SE_SHORT "x:90 ; refresher=uas\r\n"

static void session(struct call *call, struct wire *wire, const char *id, const char *expires)
{
    call_init(call, wire, id);
    call_invite(call);
    call->extra = expires;
    call_answer(call, "180 Ringing"); // only a 2xx begins a session
    call_answer(call, "200 OK");
    call->extra = NULL;
    call_ack(call, DIALOG_CALLER, 100);
    call_expect(call, DIALOG_CONFIRMED);
}

// INVITE or UPDATE and its answer, with these lines in it.
static void refresh(struct call *call, enum dialog_side from, const char *method, const char *status,
                    const char *lines)
{
    char text[WIRE_TEXT_MAX];
    call_send(call, from, method, text);
    struct wire_packet request = call_take(call, 1 - from, method);
    bool invite = request.message.method == METHOD_INVITE;
    call->extra = lines;
    call_respond(call, &request, status, "");
    call->extra = NULL;
    if (invite && status[0] > '2')
        call_take(call, 1 - from, "ACK ");
    struct wire_packet answer = call_take(call, from, "SIP/2.0 ");
    assert_int_equal(strncmp(answer.text + 8, status, 3), 0);
    if (lines != NULL)
        assert_non_null(strstr(answer.text, lines)); // it passes as it is
    if (invite && status[0] > '2')
        call_hop(call, from, "ACK", text);
    else if (invite)
        call_ack(call, from, call->sides[from].cseq);
    wire_expect_silence(call->wire);
}

// From now on it lives as long, and then no more.
static void lives(struct call *call, uint64_t ms)
{
    wire_pass(call->wire, ms - 1000);
    call_expect(call, DIALOG_CONFIRMED);
    wire_expect_silence(call->wire);
    wire_pass(call->wire, 2000);
    call_expect_gone(call);
    wire_expect_silence(call->wire); // section 8: a proxy sends no BYE for it
    wire_expect_count(call->wire, COUNTER_DIALOG_ENDED, 1);
}

static void test_not_refreshed(void **state)
{
    static const char *const lines[] = {SE_90, SE_SHORT, "session-expires:90\r\n"};
    for (unsigned i = 0; i < RTE_DIM(lines); i++) {
        struct call call;
        session(&call, *state, "silent@session", lines[i]);
        lives(&call, 90000);
        wire_close(*state);
        *state = wire_open(&(struct wire_options){0});
    }
}

// What comes after the end passes by its cookie: the agents may have kept what we forgot.
static void test_bye_after_the_end(void **state)
{
    struct call call;
    session(&call, *state, "late-bye@session", SE_90);
    lives(&call, 90000);
    call_hang_up(&call, DIALOG_CALLEE);
}

static void test_refreshed(void **state)
{
    static const struct {
        const char *name, *method;
        enum dialog_side from;
    } rows[] = {{"update-caller@session", "UPDATE", DIALOG_CALLER},
                {"update-callee@session", "UPDATE", DIALOG_CALLEE},
                {"invite-caller@session", "INVITE", DIALOG_CALLER},
                {"invite-callee@session", "INVITE", DIALOG_CALLEE}};
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct call call;
        session(&call, *state, rows[i].name, SE_90);
        for (unsigned k = 0; k < 4; k++) {
            wire_pass(*state, 45000);
            refresh(&call, rows[i].from, rows[i].method, "200 OK", SE_90);
        }
        lives(&call, 90000);
        wire_close(*state);
        *state = wire_open(&(struct wire_options){0});
    }
}

static void test_refused_refresh_is_none(void **state)
{
    struct call call;
    session(&call, *state, "refused@session", SE_90);
    wire_pass(*state, 45000);
    refresh(&call, DIALOG_CALLER, "UPDATE", "491 Request Pending", NULL);
    refresh(&call, DIALOG_CALLER, "INVITE", "422 Session Interval Too Small", "Min-SE: 1800\r\n");
    refresh(&call, DIALOG_CALLER, "INFO", "200 OK", SE_600); // no method of a session
    lives(&call, 45000);
}

static void test_longer_and_shorter(void **state)
{
    struct call call;
    session(&call, *state, "longer@session", SE_90);
    refresh(&call, DIALOG_CALLER, "UPDATE", "200 OK", SE_600);
    wire_pass(*state, 500000);
    call_expect(&call, DIALOG_CONFIRMED);
    refresh(&call, DIALOG_CALLEE, "INVITE", "200 OK", SE_90);
    lives(&call, 90000);
}

// Without a Session-Expires in the 2xx the session has no end (section 7.2), whatever held before.
static void test_timer_is_given_up(void **state)
{
    struct call call;
    session(&call, *state, "given-up@session", SE_90);
    refresh(&call, DIALOG_CALLEE, "UPDATE", "200 OK", NULL);
    wire_pass_silently(*state, 200000);
    call_expect(&call, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_none_at_all(void **state)
{
    static const char *const lines[] = {"", "Session-Expires: soon\r\n"};
    for (unsigned i = 0; i < RTE_DIM(lines); i++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "none-%u@session", i);
        session(&call, *state, id, lines[i]);
        wire_pass_silently(*state, 200000);
        call_expect(&call, DIALOG_CONFIRMED);
        call_hang_up(&call, DIALOG_CALLER);
    }
}

// Shorter than RFC 4028 allows (section 4): it is not what ends a call early.
static void test_too_short(void **state)
{
    struct call call;
    session(&call, *state, "short@session", "Session-Expires: 1;refresher=uas\r\n");
    lives(&call, 90000);
}

static void test_repeated_2xx_does_not_refresh(void **state)
{
    struct call call;
    session(&call, *state, "repeated@session", SE_90);
    wire_pass(*state, 20000);
    call.extra = SE_90;
    call_answer(&call, "200 OK"); // its ACK was lost
    call.extra = NULL;
    call_ack(&call, DIALOG_CALLER, 100);
    wire_pass(*state, 69000);
    call_expect(&call, DIALOG_CONFIRMED);
    wire_pass(*state, 2000);
    call_expect_gone(&call);
}

static void test_bye_by_choice(void **state)
{
    struct wire *wire = *state;
    struct call call;
    wire->image.header.settings.session_end = SESSION_END_BYE;
    wire_reload(wire);
    session(&call, wire, "bye@session", SE_90);
    refresh(&call, DIALOG_CALLEE, "UPDATE", "200 OK", SE_90);
    wire_pass(wire, 89000);
    call_expect(&call, DIALOG_CONFIRMED);
    wire_pass(wire, 1200);
    struct wire_packet to_caller = call_take(&call, DIALOG_CALLER, "BYE ");
    struct wire_packet to_callee = call_take(&call, DIALOG_CALLEE, "BYE ");
    assert_header(&to_caller, "CSeq", "102 BYE");
    assert_header(&to_callee, "CSeq", "101 BYE");
    call_expect(&call, DIALOG_TERMINATING);
    wire_expect_count(wire, COUNTER_DIALOG_SESSION_END, 1);
    wire_expect_count(wire, COUNTER_DIALOG_EXPIRED, 0);
    call_respond(&call, &to_caller, "200 OK", "");
    call_respond(&call, &to_callee, "481 Call/Transaction Does Not Exist", "");
    call_expect_gone(&call);
    wire_expect_silence(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_not_refreshed),
        ON_WIRE(test_bye_after_the_end),
        ON_WIRE(test_refreshed),
        ON_WIRE(test_refused_refresh_is_none),
        ON_WIRE(test_longer_and_shorter),
        ON_WIRE(test_timer_is_given_up),
        ON_WIRE(test_none_at_all),
        ON_WIRE(test_too_short),
        ON_WIRE(test_repeated_2xx_does_not_refresh),
        ON_WIRE(test_bye_by_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
