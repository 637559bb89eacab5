// SPDX-License-Identifier: BSD-3-Clause
// What comes for an application besides its calls: reliable responses and their PRACK, re-INVITE, UPDATE,
// other requests inside and outside dialogs, session timers.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests.h"
#include "ua_caller.h"

static uint32_t usages(const struct caller *caller)
{
    return caller->world->wire->workers[0]->ua.usages.count;
}

static const char supported[] = "Supported: 100rel\r\n";

// The RAck of a PRACK to this response.
static const char *rack_of(const struct wire_packet *response)
{
    static char line[96];
    snprintf(line, sizeof(line), "RAck: %s 100 INVITE\r\n", header_of(response, "RSeq"));
    return line;
}

// RFC 3262 section 3: repeated without bound but 64*T1, until the PRACK; a 2xx does not overtake a
// description.
static void test_reliable(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "reliable@ua");
    caller_invite(&caller, &(struct asked){supported, ua_sdp});
    const struct ua_wanted early = {
        .fixed.flags = CHANNEL_UA_RELIABLE | CHANNEL_UA_DESCRIPTION,
        .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
        .body = ua_sdp};
    assert_int_equal(caller_answered(&caller, 183, &early), 0);
    struct wire_packet progress = caller_take(&caller, "SIP/2.0 183 Session Progress\r\n");
    assert_header(&progress, "Require", "100rel");
    assert_int_equal(caller_answered(&caller, 180, &early), -EAGAIN);
    wire_pass(caller.world->wire, 1600);
    assert_int_equal(wire_take_all(caller.world->wire, wire_carrier, "SIP/2.0 183"), 2);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    wire_expect_silence(caller.world->wire);
    assert_int_equal(caller_answered(&caller, 200, NULL), -EPROTO);
    uint64_t invite = caller.transaction;
    ua_forget(caller.world);
    caller_send(&caller, "PRACK", &(struct asked){"RAck: 1 99 INVITE\r\n", NULL});
    (void)caller_take(&caller, "SIP/2.0 481 ");
    caller_send(&caller, "PRACK", &(struct asked){rack_of(&progress), NULL});
    struct wire_packet first = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_int_equal(first.message.method, METHOD_PRACK);
    struct wire_packet second = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_int_equal(second.message.method, METHOD_INVITE);
    struct ua_seen prack = ua_take(caller.world, CHANNEL_UA_ASKED);
    assert_int_equal(prack.event.transaction, 0);
    assert_int_equal(prack.event.status, 200);
    caller_expect(&caller, CHANNEL_DIALOG_CONFIRMED);
    caller.transaction = invite;
    assert_int_equal(caller_answered(&caller, 200, NULL), -EPROTO);
    caller.call.sides[DIALOG_CALLER].cseq = 100;
    caller_ack(&caller, NULL);
    caller.call.sides[DIALOG_CALLER].cseq = 102;
    ua_forget(caller.world);
    wire_pass(caller.world->wire, 5000);
    wire_expect_silence(caller.world->wire);
    caller_hang_up(&caller);
}

// 64*T1 without a PRACK: 504 (RFC 3262 section 3: a 5xx).
static void test_no_prack(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "no-prack@ua");
    caller_invite(&caller, &(struct asked){.lines = "Require: 100rel\r\n"});
    assert_int_equal(caller_answered(&caller, 180, NULL), 0); // without having been asked for
    struct wire_packet ringing = caller_take(&caller, "SIP/2.0 180 ");
    assert_header(&ringing, "Require", "100rel");
    ua_forget(caller.world);
    wire_pass(caller.world->wire, 32100);
    assert_int_equal(wire_take_all(caller.world->wire, wire_carrier, "SIP/2.0 180"), 6); // T1, 2*T1, ...
    (void)caller_take(&caller, "SIP/2.0 504 Server Time-out\r\n");
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
}

static void test_not_reliable(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "not-reliable@ua");
    caller_invite(&caller, NULL);
    assert_int_equal(caller_answered(&caller, 180, &(struct ua_wanted){.fixed.flags = CHANNEL_UA_RELIABLE}),
                     -EOPNOTSUPP);
    wire_expect_silence(caller.world->wire);
    caller.world->wire->image.peers[IMAGE_APPLICATION].reliable = RELIABLE_REQUIRED;
    wire_reload(caller.world->wire);
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    struct wire_packet ringing = caller_take(&caller, "SIP/2.0 180 ");
    assert_header(&ringing, "Require", "");
    assert_int_equal(caller_answered(&caller, 486, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 486 ");
    ua_forget(caller.world);
    caller_init(&caller, *state, "required@ua");
    caller_invite(&caller, &(struct asked){.lines = supported});
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    ringing = caller_take(&caller, "SIP/2.0 180 ");
    assert_header(&ringing, "Require", "100rel");
    assert_int_equal(caller_answered(&caller, 486, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 486 ");
    ua_forget(caller.world);
}

// An answer that does not fit in a datagram changes nothing, not even the next RSeq.
static void test_too_long(void **state)
{
    static char body[2000];
    struct caller caller;
    memset(body, 'x', sizeof(body) - 1);
    caller_init(&caller, *state, "too-long@ua");
    caller.world->wire->workers[0]->parts.large = NULL; // nor are there buffers for fragments
    caller_invite(&caller, &(struct asked){.lines = supported});
    const struct ua_wanted large = {.fixed.flags = CHANNEL_UA_RELIABLE, .body = body};
    assert_int_equal(caller_answered(&caller, 183, &large), -EMSGSIZE);
    assert_int_equal(caller_answered(&caller, 200, &large), -EMSGSIZE);
    assert_int_equal(caller_answered(&caller, 486, &large), -EMSGSIZE);
    wire_pass(caller.world->wire, 1000);
    wire_expect_silence(caller.world->wire);
    assert_int_equal(caller_answered(&caller, 180, &(struct ua_wanted){.fixed.flags = CHANNEL_UA_RELIABLE}),
                     0);
    (void)caller_take(&caller, "SIP/2.0 180 ");
    assert_int_equal(caller_answered(&caller, 200, NULL), 0); // no description waits for its PRACK
    (void)caller_take(&caller, "SIP/2.0 200 ");
    caller_ack(&caller, NULL);
    ua_forget(caller.world);
    caller_hang_up(&caller);
}

// A re-INVITE moves the caller's target when it is accepted, and not before (12.2.2).
static void test_reinvite(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "reinvite@ua");
    caller_establish(&caller);
    snprintf(caller.call.sides[DIALOG_CALLER].target, 128, "sip:moved@10.10.1.1:5062");
    assert_int_equal(caller_asks(&caller, "INVITE", &(struct asked){.body = ua_sdp}).event.dialog,
                     caller.dialog);
    uint32_t first = caller.call.sides[DIALOG_CALLER].cseq;
    caller_send(&caller, "INVITE", NULL); // 14.2
    struct wire_packet refused = caller_take(&caller, "SIP/2.0 500 ");
    assert_string_not_equal(header_of(&refused, "Retry-After"), "");
    assert_int_equal(
        caller_answered(&caller, 200,
                        &(struct ua_wanted){.fixed.flags = CHANNEL_UA_DESCRIPTION, .body = ua_sdp}),
        0);
    (void)caller_take(&caller, "SIP/2.0 200 OK\r\n");
    caller.call.sides[DIALOG_CALLER].cseq = first;
    caller_ack(&caller, NULL);
    caller.call.sides[DIALOG_CALLER].cseq = first + 1;
    assert_int_equal(ua_seen_of(caller.world, CHANNEL_UA_ASKED), 1);
    ua_forget(caller.world);
    assert_int_equal(usages(&caller), 0);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    struct wire_packet bye = wire_take(caller.world->wire, (struct endpoint){wire_carrier.address, 5062, 0});
    assert_starts(&bye, "BYE sip:moved@10.10.1.1:5062 SIP/2.0\r\n");
    ua_respond_from(caller.world, &bye, &(struct ua_response){.status = "200 OK"});
    ua_forget(caller.world);
}

static void test_reinvite_refused(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "kept@ua");
    caller_establish(&caller);
    snprintf(caller.call.sides[DIALOG_CALLER].target, 128, "sip:moved@10.10.1.1:5062");
    (void)caller_asks(&caller, "INVITE", NULL);
    assert_int_equal(caller_answered(&caller, 488, NULL), 0);
    caller.call.answer = caller_take(&caller, "SIP/2.0 488 Not Acceptable Here\r\n");
    call_hop(&caller.call, DIALOG_CALLER, "ACK", caller.invite);
    (void)caller_asks(&caller, "INVITE", NULL);
    call_hop(&caller.call, DIALOG_CALLER, "CANCEL", caller.invite);
    struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 ");
    assert_int_equal(ok.message.method, METHOD_CANCEL);
    (void)caller_take(&caller, "SIP/2.0 487 ");
    assert_int_equal(ua_seen_of(caller.world, CHANNEL_UA_CANCELLED), 1);
    call_hop(&caller.call, DIALOG_CALLER, "ACK", caller.invite);
    ua_expect_silence((ua_forget(caller.world), caller.world));
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    (void)caller_take(&caller, "BYE sip:alice@10.10.1.1:5060 SIP/2.0\r\n");
    ua_forget(caller.world);
}

// 12.2.2: a CSeq that is not higher than the last one.
static void test_order(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "order@ua");
    caller_establish(&caller);
    caller.call.sides[DIALOG_CALLER].cseq = 110;
    (void)caller_asks(&caller, "INFO", NULL);
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    caller.call.sides[DIALOG_CALLER].cseq = 104;
    caller_send(&caller, "INFO", NULL);
    (void)caller_take(&caller, "SIP/2.0 500 ");
    ua_expect_silence(caller.world);
    caller.call.sides[DIALOG_CALLER].cseq = 200;
    caller_hang_up(&caller);
}

// RFC 3311 5.2: one at a time; 14.2 and glare with a re-INVITE's offer.
static void test_update(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "update@ua");
    caller_establish(&caller);
    snprintf(caller.call.sides[DIALOG_CALLER].target, 128, "sip:moved@10.10.1.1:5060");
    (void)caller_asks(&caller, "UPDATE", &(struct asked){.body = ua_sdp});
    caller_send(&caller, "UPDATE", NULL);
    (void)caller_take(&caller, "SIP/2.0 500 ");
    assert_int_equal(usages(&caller), 1);
    const struct ua_wanted answer = {.fixed.flags = CHANNEL_UA_DESCRIPTION, .body = ua_sdp};
    assert_int_equal(caller_answered(&caller, 180, &answer), -EPROTO);
    assert_int_equal(caller_answered(&caller, 200, &answer), 0);
    struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 ");
    assert_header(&ok, "Contact", "<sip:10.10.0.10:5060>");
    assert_int_equal(usages(&caller), 0);
    (void)caller_asks(&caller, "UPDATE", NULL);
    assert_int_equal(caller_answered(&caller, 504, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 504 ");
    assert_int_equal(usages(&caller), 0);
    (void)caller_asks(&caller, "UPDATE", NULL);
    wire_pass_silently(caller.world->wire, 35000); // nobody answers it
    assert_int_equal(usages(&caller), 0);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    (void)caller_take(&caller, "BYE sip:moved@10.10.1.1:5060 SIP/2.0\r\n");
    ua_forget(caller.world);
}

// RFC 4028 section 9: the caller refreshes; when it does not, BYE 32 seconds before the end.
static void test_session(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "session@ua");
    caller_invite(&caller,
                  &(struct asked){.lines = "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n"});
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 ");
    assert_header(&ok, "Session-Expires", "120;refresher=uac");
    assert_header(&ok, "Require", "timer");
    caller_ack(&caller, NULL);
    ua_forget(caller.world);
    assert_int_equal(usages(&caller), 0); // the record knows
    wire_pass(caller.world->wire, 80000);
    (void)caller_asks(&caller, "UPDATE",
                      &(struct asked){.lines = "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n"});
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    wire_pass(caller.world->wire, 87000);
    wire_expect_silence(caller.world->wire);
    ua_expect_silence(caller.world);
    wire_pass(caller.world->wire, 1200);
    (void)caller_take(&caller, "BYE ");
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.state, CHANNEL_DIALOG_TERMINATING);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_SESSION_END);
}

// The refresh is the application's, half of the interval after the 2xx.
static void test_session_ours(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "session-ours@ua");
    caller_invite(&caller,
                  &(struct asked){.lines = "Supported: timer\r\nSession-Expires: 120;refresher=uas\r\n"});
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    caller_ack(&caller, NULL);
    ua_forget(caller.world);
    assert_int_equal(usages(&caller), 0);
    wire_pass(caller.world->wire, 59900);
    ua_expect_silence(caller.world);
    wire_pass(caller.world->wire, 300);
    assert_int_equal(ua_take(caller.world, CHANNEL_UA_REFRESH).event.dialog, caller.dialog);
    wire_pass(caller.world->wire, 27600);
    wire_expect_silence(caller.world->wire);
    wire_pass(caller.world->wire, 500); // 88 s: nobody refreshed it
    (void)caller_take(&caller, "BYE ");
    ua_forget(caller.world);
}

static void test_session_refused(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "session-short@ua");
    caller_invite_text(&caller, &(struct asked){.lines = "Supported: timer\r\nSession-Expires: 60\r\n"});
    wire_send(caller.world->wire, wire_carrier, caller.invite);
    struct wire_packet answer = caller_take(&caller, "SIP/2.0 422 Session Interval Too Small\r\n");
    assert_header(&answer, "Min-SE", "90");
    ua_expect_silence(caller.world);
}

// Requests outside dialogs are told and answered; nobody waits for ever.
static void test_outside(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "outside@ua");
    caller_send(&caller, "MESSAGE", NULL);
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_ASKED);
    assert_int_equal(seen.event.dialog, 0);
    assert_int_equal(seen.event.application, IMAGE_APPLICATION);
    assert_int_equal(seen.event.peer, IMAGE_CARRIER_A);
    caller.transaction = seen.event.transaction;
    assert_int_equal(caller_answered(&caller, 202, NULL), 0);
    struct wire_packet answer = caller_take(&caller, "SIP/2.0 202 Accepted\r\n");
    assert_string_not_equal(header_of(&answer, "To"), "<sip:bob@10.10.0.10>");
    call_expect_gone(&caller.call);
    caller.call.invite.length = 0;
    caller_send(&caller, "OPTIONS", NULL);
    ua_forget(caller.world);
    wire_pass(caller.world->wire, 8000); // RFC 4320 4.1: not before T2
    (void)caller_take(&caller, "SIP/2.0 100 Trying\r\n");
    assert_int_equal(caller.world->wire->workers[0]->transactions.count, 2);
    wire_pass(caller.world->wire, 26000);
    wire_pass(caller.world->wire, 8000);
    wire_expect_silence(caller.world->wire);
    assert_int_equal(caller.world->wire->workers[0]->transactions.count, 0);
}

// A REFER outside dialogs: the tag of its 200 is told, and a NOTIFY goes in its name (RFC 6665 4.1.2).
static void test_subscribed(void **state)
{
    struct caller caller;
    struct ua_seen done;
    caller_init(&caller, *state, "subscribed@ua");
    caller_send(&caller, "REFER", &(struct asked){.lines = "Refer-To: <sip:carol@10.10.1.1>\r\n"});
    caller.transaction = ua_take(caller.world, CHANNEL_UA_ASKED).event.transaction;
    const struct ua_wanted wanted = {
        .fixed = {.op = CHANNEL_UA_RESPOND, .transaction = caller.transaction, .status = 200}};
    assert_int_equal(ua_ask(caller.world, &wanted, &done), 0);
    struct wire_packet answer = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_string_equal(done.packet.text, answer.text);
    const struct side *ours = &caller.call.sides[DIALOG_CALLEE];
    const struct ua_wanted notify = {.fixed = {.op = CHANNEL_UA_REQUEST,
                                               .application = IMAGE_APPLICATION,
                                               .to_peer = IMAGE_SBCS,
                                               .to_member = IMAGE_MEMBER_SBC2,
                                               .cseq = 1},
                                     .texts = {[CHANNEL_UA_TEXT_METHOD] = "NOTIFY",
                                               [CHANNEL_UA_TEXT_URI] = "sip:alice@10.10.1.1:5060",
                                               [CHANNEL_UA_TEXT_TO] = "<sip:alice@10.10.1.1>;tag=a",
                                               [CHANNEL_UA_TEXT_HEADERS] = "Event: refer\r\n",
                                               [CHANNEL_UA_TEXT_CALL_ID] = "subscribed@ua",
                                               [CHANNEL_UA_TEXT_FROM_TAG] = ours->tag}};
    assert_int_equal(ua_ask(caller.world, &notify, NULL), 0);
    struct wire_packet packet = wire_take(caller.world->wire, wire_sbc2);
    assert_starts(&packet, "NOTIFY sip:alice@10.10.1.1:5060 SIP/2.0\r\n");
    assert_int_equal(packet.message.from_tag.length, strlen(ours->tag));
    ua_respond_from(caller.world, &packet, &(struct ua_response){"200 OK", NULL, NULL, NULL});
    assert_int_equal(ua_take(caller.world, CHANNEL_UA_ANSWERED).event.status, 200);
}

// 12.2.2: what needs a dialog and names none.
static void test_no_dialog(void **state)
{
    static const char *const methods[] = {"BYE", "PRACK", "UPDATE", "INFO"};
    struct caller caller;
    caller_init(&caller, *state, "no-dialog@ua");
    for (unsigned i = 0; i < RTE_DIM(methods); i++) {
        caller_send(&caller, methods[i], NULL);
        (void)caller_take(&caller, "SIP/2.0 481 ");
    }
    ua_expect_silence(caller.world);
}

// Until something leaves.
static struct wire_packet wait_for(struct caller *caller, const char *text)
{
    for (unsigned i = 0; i < 130 && caller->world->wire->out_count == 0; i++)
        wire_pass(caller->world->wire, 1000);
    return caller_take(caller, text);
}

// The far end alone is asked whether it lives, under the application's own numbers.
static void test_keepalive(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "keepalive@ua");
    caller.world->wire->image.header.settings.keepalive_ms = 60000;
    wire_reload(caller.world->wire);
    caller_establish(&caller);
    struct wire_packet options = wait_for(&caller, "OPTIONS sip:alice@10.10.1.1:5060 SIP/2.0\r\n");
    assert_header(&options, "CSeq", "1 OPTIONS");
    caller.world->wire->out_count = 0; // its repetitions
    ua_respond_from(caller.world, &options, &(struct ua_response){.status = "200 OK"});
    assert_int_equal(usages(&caller), 0);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    options = caller_take(&caller, "BYE ");
    assert_header(&options, "CSeq", "2 BYE");
    ua_respond_from(caller.world, &options, &(struct ua_response){.status = "200 OK"});
    ua_forget(caller.world);
}

static void test_dead(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "dead@ua");
    caller.world->wire->image.header.settings.keepalive_ms = 60000;
    wire_reload(caller.world->wire);
    caller_establish(&caller);
    struct wire_packet options = wait_for(&caller, "OPTIONS ");
    caller.world->wire->out_count = 0; // its repetitions
    ua_respond_from(caller.world, &options, &(struct ua_response){.status = "481 Gone"});
    (void)caller_take(&caller, "BYE ");
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_DEAD);
}

// A subscription outlives the call that it was made in (RFC 5057 section 5).
static void test_stray(void **state)
{
    struct caller caller;
    caller_init(&caller, *state, "stray@ua");
    caller_establish(&caller);
    caller_hang_up(&caller);
    caller_send(&caller, "NOTIFY",
                &(struct asked){.lines = "Event: refer\r\nSubscription-State: active\r\n"});
    struct ua_seen seen = ua_take(caller.world, CHANNEL_UA_ASKED);
    assert_int_equal(seen.event.dialog, 0);
    assert_int_equal(seen.event.application, IMAGE_APPLICATION);
    caller.transaction = seen.event.transaction;
    assert_int_equal(caller_answered(&caller, 200, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 200 ");
    static const char *const others[] = {"BYE", "INFO", "UPDATE", "MESSAGE"};
    for (unsigned i = 0; i < RTE_DIM(others); i++) {
        caller_send(&caller, others[i], NULL);
        (void)caller_take(&caller, "SIP/2.0 481 ");
    }
    caller.call.sides[DIALOG_CALLEE].tag[3] ^= 1; // another application's
    caller_send(&caller, "NOTIFY", NULL);
    (void)caller_take(&caller, "SIP/2.0 481 ");
    ua_expect_silence(caller.world);
}

// A NOTIFY of the application's, answered.
static struct wire_packet notify(struct caller *caller)
{
    assert_int_equal(
        ua_ask(caller->world,
               &(struct ua_wanted){
                   .fixed = {.op = CHANNEL_UA_REQUEST, .dialog = caller->dialog},
                   .texts =
                       {[CHANNEL_UA_TEXT_METHOD] = "NOTIFY", [CHANNEL_UA_TEXT_HEADERS] = "Event: refer\r\n"}},
               NULL),
        0);
    struct wire_packet sent = caller_take(caller, "NOTIFY ");
    ua_respond_from(caller->world, &sent, &(struct ua_response){"200 OK", NULL, NULL, NULL});
    ua_forget(caller->world);
    return sent;
}

// 12.2.1.1: the Contact that the far end has of us goes with whatever would refresh it, until a command gives
// another.
static void test_contact(void **state)
{
    static const char box[] = "<sip:box@10.10.0.10:5060>";
    struct caller caller;
    caller_init(&caller, *state, "contact@ua");
    caller_establish(&caller);
    struct wire_packet sent = notify(&caller);
    assert_header(&sent, "Contact", "<sip:10.10.0.10:5060>");
    for (unsigned i = 0; i < 2; i++) {
        (void)caller_asks(&caller, "INVITE", NULL);
        assert_int_equal(
            caller_answered(&caller, 200,
                            &(struct ua_wanted){.texts = {[CHANNEL_UA_TEXT_CONTACT] = i == 0 ? box : NULL}}),
            0);
        struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 OK\r\n");
        assert_header(&ok, "Contact", box);
        caller_ack(&caller, NULL);
        ua_forget(caller.world);
        sent = notify(&caller);
        assert_header(&sent, "Contact", box);
    }
    caller_hang_up(&caller);
}

int path_tests(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    // clang-format off
    const struct CMUnitTest tests[] = {
        UA(test_reliable), UA(test_no_prack), UA(test_not_reliable), UA(test_too_long),
        UA(test_reinvite), UA(test_reinvite_refused), UA(test_order), UA(test_update),
        UA(test_session), UA(test_session_ours), UA(test_session_refused), UA(test_outside),
        UA(test_subscribed), UA(test_stray), UA(test_no_dialog), UA(test_keepalive),
        UA(test_dead), UA(test_contact),
    };
    // clang-format on
    return cmocka_run_group_tests(tests, NULL, NULL);
}
