// SPDX-License-Identifier: BSD-3-Clause
// An operator's REFER into a proxied call: what the referee gets, who sees its NOTIFYs, what becomes of the
// call, and that the numbers of both sides stay right.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "tests.h"
#include "ua_world.h"

#define REFER_TO "Refer-To: <sip:carol@10.20.0.12>\r\n"

struct parties {
    struct ua_world *world;
    struct wire *wire;
    struct call call;
    uint64_t dialog; // handle
};

// What an application's world has, and the carrier's calls go to the SBCs.
static void prepare(struct parties *parties, void **state, const char *id)
{
    parties->world = *state;
    parties->wire = parties->world->wire;
    parties->wire->image.routes[1].from = IMAGE_CARRIER_A;
    wire_reload(parties->wire);
    call_init(&parties->call, parties->wire, id);
}

static uint64_t handle_of(const struct call *call, enum dialog_state state)
{
    uint32_t index = call_expect(call, state);
    return command_handle(call->wire->workers[0]->parts.id,
                          dialog_at(&call->wire->workers[0]->dialogs, index)->generation, index);
}

static void begin(struct parties *parties, void **state, const char *id)
{
    prepare(parties, state, id);
    call_establish(&parties->call);
    parties->dialog = handle_of(&parties->call, DIALOG_CONFIRMED);
}

static int refer(struct parties *parties, enum dialog_side to, uint8_t flags, struct ua_seen *done)
{
    const struct ua_wanted wanted = {
        .fixed = {.op = CHANNEL_UA_REFER,
                  .dialog = parties->dialog,
                  .flags = flags | (to == DIALOG_CALLEE ? CHANNEL_UA_TO_CALLEE : 0)},
        .texts = {[CHANNEL_UA_TEXT_HEADERS] = REFER_TO "Referred-By: <sip:operator@10.10.0.10>\r\n"}};
    return ua_ask(parties->world, &wanted, done);
}

// The REFER as the referee has it; it is accepted.
static struct wire_packet accepted(struct parties *parties, enum dialog_side to, uint8_t flags)
{
    assert_int_equal(refer(parties, to, flags, NULL), 0);
    struct wire_packet request = call_take(&parties->call, to, "REFER ");
    call_respond(&parties->call, &request, "202 Accepted", "");
    struct ua_seen answered = ua_take(parties->world, CHANNEL_UA_ANSWERED);
    assert_int_equal(answered.event.tag, parties->world->tag);
    assert_int_equal(answered.event.status, 202);
    return request;
}

struct notify {
    const char *event; // value
    const char *state; // Subscription-State
    const char *body;
};

// One from the referee; text: for its repetition, or NULL.
static void send_notify(struct parties *parties, enum dialog_side from, const struct notify *notify,
                        char text[WIRE_TEXT_MAX])
{
    char plain[WIRE_TEXT_MAX], made[WIRE_TEXT_MAX];
    call_request_text(&parties->call, from, "NOTIFY", plain);
    char *end = strstr(plain, "Content-Length: 0");
    assert_non_null(end);
    snprintf(made, sizeof(made),
             "%.*sEvent: %s\r\nSubscription-State: %s\r\nContent-Type: message/sipfrag;version=2.0\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             (int)(end - plain), plain, notify->event, notify->state, strlen(notify->body), notify->body);
    wire_send(parties->wire, parties->call.sides[from].at, made);
    if (text != NULL)
        memcpy(text, made, sizeof(made));
}

// It is answered here, reaches nobody and is told.
static void absorbed(struct parties *parties, enum dialog_side from, const struct notify *notify)
{
    send_notify(parties, from, notify, NULL);
    struct wire_packet ok = call_take(&parties->call, from, "SIP/2.0 200 OK");
    assert_int_equal(ok.message.method, METHOD_NOTIFY);
    struct ua_seen told = ua_take(parties->world, CHANNEL_UA_REFERRAL);
    assert_int_equal(told.event.tag, parties->world->tag);
    assert_int_equal(told.event.dialog, parties->dialog);
    assert_int_equal(told.event.flags, CHANNEL_UA_ABSORBED | (from == DIALOG_CALLEE ? CHANNEL_UA_CALLEE : 0));
    assert_int_equal(told.event.application, from == DIALOG_CALLEE ? IMAGE_SBCS : IMAGE_CARRIER_A);
    assert_int_equal(told.event.peer, from == DIALOG_CALLEE ? IMAGE_CARRIER_A : IMAGE_SBCS);
    assert_non_null(strstr(told.packet.text, notify->body));
}

static const char active[] = "active;expires=60";
static const char over[] = "terminated;reason=noresource";

// A request and its 200: what the other end sees, and what the sender.
static void exchange(struct call *call, enum dialog_side from, const char *method, const char *other)
{
    char own[48];
    struct wire_packet request = call_request(call, from, method);
    assert_header(&request, "CSeq", other);
    call_respond(call, &request, "200 OK", "");
    struct wire_packet answer = call_take(call, from, "SIP/2.0 200 ");
    snprintf(own, sizeof(own), "%u %s", call->sides[from].cseq, method);
    assert_header(&answer, "CSeq", own);
    if (strcmp(method, "INVITE") == 0) {
        struct wire_packet ack = call_ack(call, from, call->sides[from].cseq);
        assert_int_equal(ack.message.cseq_number, request.message.cseq_number);
    }
    wire_expect_silence(call->wire);
}

static void test_what_the_referee_gets(void **state)
{
    for (enum dialog_side to = DIALOG_CALLER; to <= DIALOG_CALLEE; to++) {
        struct parties parties;
        struct ua_seen done;
        char contact[160];
        begin(&parties, state, to == DIALOG_CALLER ? "caller@refer" : "callee@refer");
        struct call *call = &parties.call;
        assert_int_equal(refer(&parties, to, 0, &done), 0);
        struct wire_packet request = call_take(call, to, "REFER ");
        assert_int_equal(strncmp(request.text + 6, call->sides[to].target, strlen(call->sides[to].target)),
                         0);
        assert_string_equal(done.packet.text, request.text); // what control knows the number from
        assert_int_equal(done.event.dialog, parties.dialog);
        snprintf(contact, sizeof(contact), "<%s>", call->sides[1 - to].target);
        assert_header(&request, "Contact", contact);
        assert_header(&request, "CSeq", to == DIALOG_CALLEE ? "101 REFER" : "1 REFER");
        assert_header(&request, "From",
                      to == DIALOG_CALLEE ? "\"alice\" <sip:alice@10.10.1.1>;tag=tag-alice"
                                          : "<sip:bob@10.10.0.10>;tag=tag-bob");
        assert_header(&request, "To",
                      to == DIALOG_CALLEE ? "<sip:bob@10.10.0.10>;tag=tag-bob"
                                          : "\"alice\" <sip:alice@10.10.1.1>;tag=tag-alice");
        assert_header(&request, "Refer-To", "<sip:carol@10.20.0.12>");
        assert_header(&request, "Referred-By", "<sip:operator@10.10.0.10>");
        assert_header(&request, "Max-Forwards", "70");
        wire_expect_silence(parties.wire);
        call_respond(call, &request, "603 Decline", "");
        struct ua_seen answered = ua_take(parties.world, CHANNEL_UA_ANSWERED);
        assert_int_equal(answered.event.status, 603);
        assert_int_equal(answered.event.tag, parties.world->tag);
        assert_int_equal(answered.event.application, to == DIALOG_CALLEE ? IMAGE_SBCS : IMAGE_CARRIER_A);
        ua_expect_silence(parties.world);
        exchange(call, DIALOG_CALLER, "INVITE", to == DIALOG_CALLEE ? "102 INVITE" : "101 INVITE");
        exchange(call, DIALOG_CALLEE, "INFO", to == DIALOG_CALLEE ? "101 INFO" : "103 INFO");
        exchange(call, DIALOG_CALLER, "BYE", to == DIALOG_CALLEE ? "103 BYE" : "102 BYE");
        call_expect_gone(call);
    }
}

// A 2xx ends the call for both, with numbers that neither has seen.
static void test_success(void **state)
{
    struct parties parties;
    begin(&parties, state, "success@refer");
    struct call *call = &parties.call;
    struct wire_packet request = accepted(&parties, DIALOG_CALLER, 0);
    assert_header(&request, "CSeq", "1 REFER");
    absorbed(&parties, DIALOG_CALLER, &(struct notify){"refer;id=1", active, "SIP/2.0 100 Trying\r\n"});
    absorbed(&parties, DIALOG_CALLER, &(struct notify){"refer", active, "SIP/2.0 180 Ringing"});
    wire_expect_silence(parties.wire);
    absorbed(&parties, DIALOG_CALLER, &(struct notify){"refer;id=1", over, "SIP/2.0 200 OK\r\n"});
    struct wire_packet to_caller = call_take(call, DIALOG_CALLER, "BYE ");
    struct wire_packet to_callee = call_take(call, DIALOG_CALLEE, "BYE ");
    assert_header(&to_caller, "CSeq", "2 BYE");
    assert_header(&to_callee, "CSeq", "104 BYE"); // behind three NOTIFYs that it never saw
    wire_expect_silence(parties.wire);
    call_respond(call, &to_caller, "200 OK", "");
    call_respond(call, &to_callee, "200 OK", "");
    call_expect_gone(call);
    ua_expect_silence(parties.world);
    wire_expect_count(parties.wire, COUNTER_REFER_OPERATOR, 1);
    wire_expect_count(parties.wire, COUNTER_REFER_OPERATOR_NOTIFY, 3);
}

struct outcome {
    const char *name;
    uint8_t flags;
    const char *state;
    const char *body;
};

static const struct outcome stays[] = {
    {"refused", 0, over, "SIP/2.0 486 Busy Here\r\n"},
    {"kept", CHANNEL_UA_KEEP, over, "SIP/2.0 200 OK\r\n"},
    {"unknown", 0, over, "SIP/2.0 100 Trying\r\n"},
    {"no-body", 0, over, ""},
    {"no-sipfrag", 0, over, "2 0 0\r\n"},
    {"not-last", 0, active, "SIP/2.0 603 Decline\r\n"},
};

// Nothing else changes: both go on, and the same transfer can be tried once more.
static void test_the_call_goes_on(void **state)
{
    for (unsigned i = 0; i < RTE_DIM(stays); i++) {
        struct parties parties;
        char id[40];
        snprintf(id, sizeof(id), "%s@refer", stays[i].name);
        print_message("%s\n", stays[i].name);
        begin(&parties, state, id);
        struct call *call = &parties.call;
        exchange(call, DIALOG_CALLEE, "INFO", "101 INFO");
        struct wire_packet request = accepted(&parties, DIALOG_CALLER, stays[i].flags);
        assert_header(&request, "CSeq", "102 REFER");
        absorbed(&parties, DIALOG_CALLER, &(struct notify){"refer;id=102", active, "SIP/2.0 100 Trying\r\n"});
        absorbed(&parties, DIALOG_CALLER, &(struct notify){"refer;id=102", stays[i].state, stays[i].body});
        wire_expect_silence(parties.wire);
        exchange(call, DIALOG_CALLER, "INVITE", "103 INVITE"); // 101 and 102 were NOTIFYs
        exchange(call, DIALOG_CALLEE, "UPDATE", "103 UPDATE");
        request = accepted(&parties, DIALOG_CALLER, 0);
        assert_header(&request, "CSeq", "104 REFER");
        absorbed(&parties, DIALOG_CALLER, &(struct notify){"refer", over, "SIP/2.0 486 Busy Here\r\n"});
        exchange(call, DIALOG_CALLER, "MESSAGE", "105 MESSAGE");
        exchange(call, DIALOG_CALLEE, "BYE", "105 BYE");
        call_expect_gone(call);
        ua_expect_silence(parties.world);
    }
}

// Each is told once; a repetition has its 200 also when the transfer is over.
static void test_repeated_notify(void **state)
{
    struct parties parties;
    char text[WIRE_TEXT_MAX];
    begin(&parties, state, "repeated@refer");
    accepted(&parties, DIALOG_CALLEE, 0);
    const struct notify last = {"refer;id=101", over, "SIP/2.0 404 Not Found\r\n"};
    send_notify(&parties, DIALOG_CALLEE, &last, text);
    for (unsigned i = 0; i < 3; i++) {
        call_take(&parties.call, DIALOG_CALLEE, "SIP/2.0 200 OK");
        wire_expect_silence(parties.wire);
        wire_pass(parties.wire, 8000);
        wire_send(parties.wire, parties.call.sides[DIALOG_CALLEE].at, text);
    }
    call_take(&parties.call, DIALOG_CALLEE, "SIP/2.0 200 OK");
    assert_int_equal(ua_seen_of(parties.world, CHANNEL_UA_REFERRAL), 1);
    ua_forget(parties.world);
    call_hang_up(&parties.call, DIALOG_CALLEE);
}

// NOTIFYs may be faster than the response to their REFER (RFC 6665 4.1.2.4), and the next REFER, too: what
// comes late of the first says nothing of the second.
static void test_late_response(void **state)
{
    struct parties parties;
    begin(&parties, state, "late@refer");
    struct call *call = &parties.call;
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), 0);
    struct wire_packet first = call_take(call, DIALOG_CALLEE, "REFER ");
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=101", over, "SIP/2.0 486 Busy Here"});
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), 0);
    struct wire_packet second = call_take(call, DIALOG_CALLEE, "REFER ");
    assert_header(&second, "CSeq", "102 REFER");
    call_respond(call, &first, "603 Decline", "");
    ua_expect_silence(parties.world);
    call_respond(call, &second, "202 Accepted", "");
    struct ua_seen answered = ua_take(parties.world, CHANNEL_UA_ANSWERED);
    assert_int_equal(answered.event.tag, parties.world->tag);
    assert_int_equal(answered.event.status, 202);
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=102", over, "SIP/2.0 404 Not Found"});
    call_hang_up(call, DIALOG_CALLER);
}

// A NOTIFY that is not about the operator's REFER reaches who it is for, numbers restored.
static void test_others_pass(void **state)
{
    static const char ringing[] = "SIP/2.0 180 Ringing\r\n";
    struct parties parties;
    begin(&parties, state, "others@refer");
    struct call *call = &parties.call;
    accepted(&parties, DIALOG_CALLEE, CHANNEL_UA_KEEP); // 101 at the callee
    call->extra = REFER_TO;
    struct wire_packet request = call_request(call, DIALOG_CALLER, "REFER"); // 101 of the caller's
    call->extra = NULL;
    assert_header(&request, "CSeq", "102 REFER");
    call_respond(call, &request, "202 Accepted", "");
    call_take(call, DIALOG_CALLER, "SIP/2.0 202 ");
    ua_forget(parties.world);
    static const struct notify pass[] = {{"refer;id=102", active, ringing},
                                         {"refer;id=7", active, ringing},
                                         {"refer;id=4294967296", active, ringing},
                                         {"dialog", active, ringing},
                                         {"referx", active, ringing}};
    for (unsigned i = 0; i < RTE_DIM(pass); i++) {
        send_notify(&parties, DIALOG_CALLEE, &pass[i], NULL);
        struct wire_packet notify = call_take(call, DIALOG_CALLER, "NOTIFY ");
        assert_header(&notify, "Event", i == 0 ? "refer;id=101" : pass[i].event);
        call_respond(call, &notify, "200 OK", "");
        call_take(call, DIALOG_CALLEE, "SIP/2.0 200 ");
    }
    // The side that was not referred has no such subscription.
    send_notify(&parties, DIALOG_CALLER, &(struct notify){"refer;id=101", active, ringing}, NULL);
    call_take(call, DIALOG_CALLEE, "NOTIFY ");
    ua_forget(parties.world);
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=101", active, ringing});
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer", over, "SIP/2.0 200 OK"}); // of the first one
    ua_forget(parties.world);
    call_hang_up(call, DIALOG_CALLER);
}

// Without an id it is about the first REFER that the referee had: here the caller's.
static void test_first_was_anothers(void **state)
{
    struct parties parties;
    begin(&parties, state, "first@refer");
    struct call *call = &parties.call;
    call->extra = REFER_TO;
    struct wire_packet request = call_request(call, DIALOG_CALLER, "REFER");
    call->extra = NULL;
    call_respond(call, &request, "202 Accepted", "");
    call_take(call, DIALOG_CALLER, "SIP/2.0 202 ");
    accepted(&parties, DIALOG_CALLEE, 0);
    ua_forget(parties.world);
    send_notify(&parties, DIALOG_CALLEE, &(struct notify){"refer", over, "SIP/2.0 200 OK\r\n"}, NULL);
    struct wire_packet notify = call_take(call, DIALOG_CALLER, "NOTIFY ");
    call_respond(call, &notify, "200 OK", "");
    call_take(call, DIALOG_CALLEE, "SIP/2.0 200 ");
    ua_forget(parties.world);
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=102", over, "SIP/2.0 486 Busy Here\r\n"});
    call_hang_up(call, DIALOG_CALLEE);
}

// While a re-INVITE is open a REFER is legal, and one of the other side's at the same moment has a number of
// its own.
static void test_glare(void **state)
{
    struct parties parties;
    begin(&parties, state, "glare@refer");
    struct call *call = &parties.call;
    struct wire_packet invite = call_request(call, DIALOG_CALLER, "INVITE"); // 101
    struct wire_packet request = accepted(&parties, DIALOG_CALLEE, 0);
    assert_header(&request, "CSeq", "102 REFER");
    call_respond(call, &invite, "200 OK", "");
    struct wire_packet answer = call_take(call, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_header(&answer, "CSeq", "101 INVITE");
    struct wire_packet ack = call_ack(call, DIALOG_CALLER, 101);
    assert_header(&ack, "CSeq", "101 ACK");
    call->extra = REFER_TO;
    request = call_request(call, DIALOG_CALLER, "REFER"); // 102 of the caller's
    call->extra = NULL;
    assert_header(&request, "CSeq", "103 REFER");
    call_respond(call, &request, "603 Decline", "");
    answer = call_take(call, DIALOG_CALLER, "SIP/2.0 603 ");
    assert_header(&answer, "CSeq", "102 REFER");
    ua_forget(parties.world);
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=102", over, "SIP/2.0 486 Busy Here"});
    exchange(call, DIALOG_CALLER, "BYE", "104 BYE");
}

// Whoever is silent is given up after 64*T1, and another one may follow.
static void test_no_answer(void **state)
{
    struct parties parties;
    begin(&parties, state, "silence@refer");
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), 0);
    wire_pass(parties.wire, 31500);
    assert_int_equal(ua_seen_of(parties.world, CHANNEL_UA_ANSWERED), 0);
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), -EBUSY);
    wire_pass(parties.wire, 700);
    struct ua_seen answered = ua_take(parties.world, CHANNEL_UA_ANSWERED);
    assert_int_equal(answered.event.status, 408);
    assert_int_equal(answered.event.length, 0);
    assert_true(wire_take_all(parties.wire, parties.call.sides[DIALOG_CALLEE].at, "REFER ") > 5);
    struct wire_packet request = accepted(&parties, DIALOG_CALLEE, 0);
    assert_header(&request, "CSeq", "102 REFER");
    wire_pass(parties.wire, 32100); // timer N: no NOTIFY came
    accepted(&parties, DIALOG_CALLEE, 0);
    absorbed(&parties, DIALOG_CALLEE,
             &(struct notify){"refer;id=103", "active;expires=100", "SIP/2.0 100 Trying"});
    wire_pass(parties.wire, 99000);
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), -EBUSY);
    wire_pass(parties.wire, 1100);
    accepted(&parties, DIALOG_CALLEE, 0);
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=104", "pending", "SIP/2.0 100 Trying"});
    wire_pass(parties.wire, 179000);
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), -EBUSY);
    wire_pass(parties.wire, 1100);
    // What comes now is nobody's here.
    send_notify(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=104", over, "SIP/2.0 200 OK"}, NULL);
    call_take(&parties.call, DIALOG_CALLER, "NOTIFY ");
    ua_forget(parties.world);
    call_hang_up(&parties.call, DIALOG_CALLER);
}

static void test_states(void **state)
{
    struct parties parties;
    prepare(&parties, state, "states@refer");
    struct call *call = &parties.call;
    call_invite(call);
    call_answer(call, "180 Ringing");
    parties.dialog = handle_of(call, DIALOG_EARLY);
    assert_int_equal(refer(&parties, DIALOG_CALLER, 0, NULL), -EPROTO);
    call_answer(call, "200 OK");
    assert_int_equal(refer(&parties, DIALOG_CALLER, 0, NULL), -EPROTO); // no ACK as yet
    call_request(call, DIALOG_CALLER, "ACK");
    parties.dialog++;
    assert_int_equal(refer(&parties, DIALOG_CALLER, 0, NULL), -ENOENT);
    parties.dialog--;
    accepted(&parties, DIALOG_CALLER, 0);
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), -EBUSY);
    struct wire_packet bye = call_request(call, DIALOG_CALLER, "BYE");
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), -EALREADY);
    call_respond(call, &bye, "200 OK", "");
    call_take(call, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), -ENOENT);
    ua_expect_silence(parties.world);
}

// The table is full: with transfers that wait, and no more with those whose call has ended.
static void test_full(void **state)
{
    struct parties parties;
    begin(&parties, state, "full@refer");
    struct refers_sent *sent = &parties.wire->workers[0]->refers;
    for (; sent->count < REFERS_MAX; sent->count++)
        sent->rows[sent->count] = (struct refer_sent){.stage = REFER_SENT, .dialog = 5, .generation = 99};
    assert_int_equal(refer(&parties, DIALOG_CALLEE, 0, NULL), -ENOSPC);
    wire_expect_count(parties.wire, COUNTER_REFER_OPERATOR_FULL, 1);
    for (unsigned i = 0; i < REFERS_MAX; i++)
        sent->rows[i].stage = REFER_ACCEPTED;
    struct wire_packet request = accepted(&parties, DIALOG_CALLEE, 0);
    assert_header(&request, "CSeq", "101 REFER");
    assert_int_equal(sent->count, 1);
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=101", over, "SIP/2.0 486 Busy Here"});
    call_hang_up(&parties.call, DIALOG_CALLER);
}

// A process later: the numbers stay right, the NOTIFYs reach the other side.
static void test_restart(void **state)
{
    struct parties parties;
    begin(&parties, state, "restart@refer");
    struct call *call = &parties.call;
    struct worker *worker = parties.wire->workers[0];
    accepted(&parties, DIALOG_CALLEE, 0);
    absorbed(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=101", active, "SIP/2.0 100 Trying"});
    for (uint32_t i = 0; i < worker->transactions.capacity; i++)
        transaction_release(&worker->transactions, i);
    memset(&worker->refers, 0, sizeof(worker->refers));
    send_notify(&parties, DIALOG_CALLEE, &(struct notify){"refer;id=101", over, "SIP/2.0 200 OK"}, NULL);
    struct wire_packet notify = call_take(call, DIALOG_CALLER, "NOTIFY ");
    assert_header(&notify, "CSeq", "102 NOTIFY");
    call_respond(call, &notify, "481 Subscription Does Not Exist", "");
    call_take(call, DIALOG_CALLEE, "SIP/2.0 481 ");
    ua_forget(parties.world);
    exchange(call, DIALOG_CALLER, "INVITE", "102 INVITE");
    exchange(call, DIALOG_CALLEE, "BYE", "103 BYE");
    call_expect_gone(call);
}

int path_tests(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {UA(test_what_the_referee_gets),
                                       UA(test_success),
                                       UA(test_the_call_goes_on),
                                       UA(test_repeated_notify),
                                       UA(test_late_response),
                                       UA(test_others_pass),
                                       UA(test_first_was_anothers),
                                       UA(test_glare),
                                       UA(test_no_answer),
                                       UA(test_states),
                                       UA(test_full),
                                       UA(test_restart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
