// SPDX-License-Identifier: BSD-3-Clause
// Calls that an application begins, and what becomes of them.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests.h"
#include "ua_world.h"

#define ON_UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)

#define CONTACT "Contact: <sip:bob@10.20.0.11:5060>\r\n"

static const struct ua_response trying = {"100 Trying", NULL, NULL, NULL};
static const struct ua_response ringing = {"180 Ringing", "b", CONTACT, NULL};
static const struct ua_response fine = {"200 OK", "b", CONTACT, ua_sdp};
static const struct ua_response done = {"200 OK", "b", NULL, NULL};

// The call of a test, at the first SBC.
struct placed {
    struct ua_world *world;
    struct wire_packet invite;
    uint64_t dialog, tag;
};

static struct wire_packet arrived(struct ua_world *world, const char *text)
{
    struct wire_packet packet = wire_take(world->wire, wire_sbc1);
    assert_starts(&packet, text);
    return packet;
}

static struct placed place(struct ua_world *world, const struct ua_wanted *more)
{
    static const struct ua_wanted offer = {
        .fixed = {.flags = CHANNEL_UA_DESCRIPTION},
        .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
        .body = ua_sdp};
    struct ua_wanted wanted = more != NULL ? *more : offer;
    struct placed call = {.world = world};
    struct ua_seen answer;
    wanted.fixed.op = CHANNEL_UA_INVITE;
    wanted.fixed.to_peer = IMAGE_SBCS;
    wanted.fixed.to_member = IMAGE_MEMBER_SBC1;
    wanted.texts[CHANNEL_UA_TEXT_URI] = "sip:bob@10.20.0.11";
    assert_int_equal(ua_ask(world, &wanted, &answer), 0);
    call.dialog = answer.event.dialog;
    call.tag = answer.event.tag;
    call.invite = arrived(world, "INVITE ");
    return call;
}

static void respond(struct placed *call, const struct ua_response *response)
{
    ua_respond_from(call->world, &call->invite, response);
}

// ANSWERED with this status, of the INVITE.
static struct ua_seen expect(struct placed *call, uint16_t status)
{
    struct ua_seen seen = ua_take(call->world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.status, status);
    assert_int_equal(seen.event.tag, call->tag);
    return seen;
}

static struct placed answered(struct ua_world *world)
{
    struct placed call = place(world, NULL);
    respond(&call, &fine);
    expect(&call, 200);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_CONFIRMED);
    arrived(world, "ACK ");
    return call;
}

// Inside the dialog: its result.
static int ask(struct placed *call, enum channel_ua_op op, const char *method, const struct ua_wanted *more)
{
    struct ua_wanted wanted = more != NULL ? *more : (struct ua_wanted){.body = NULL};
    wanted.fixed.op = (uint8_t)op;
    wanted.fixed.dialog = call->dialog;
    wanted.texts[CHANNEL_UA_TEXT_METHOD] = method;
    return ua_ask(call->world, &wanted, NULL);
}

static void hang_up(struct placed *call)
{
    assert_int_equal(ask(call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet bye = arrived(call->world, "BYE ");
    ua_respond_from(call->world, &bye, &done);
    ua_forget(call->world);
}

static void call_and_bye(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &trying);
    ua_expect_silence(world);
    respond(&call, &ringing);
    expect(&call, 180);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_EARLY);
    respond(&call, &fine);
    struct ua_seen seen = expect(&call, 200);
    assert_starts(&seen.packet, "SIP/2.0 200 OK");
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_CONFIRMED);
    struct wire_packet ack = arrived(world, "ACK sip:bob@10.20.0.11:5060 SIP/2.0\r\n");
    assert_header(&ack, "CSeq", "1 ACK");
    assert_header(&ack, "From", header_of(&call.invite, "From"));
    assert_header(&ack, "To", "<sip:bob@10.20.0.11>;tag=b");
    assert_string_not_equal(header_of(&ack, "Via"), header_of(&call.invite, "Via"));
    respond(&call, &fine); // 13.2.2.4: the same ACK again, and nobody is told
    struct wire_packet again = arrived(world, "ACK ");
    assert_string_equal(again.text, ack.text);
    ua_expect_silence(world);
    struct ua_wanted end = {.texts = {[CHANNEL_UA_TEXT_HEADERS] = "Reason: SIP;cause=200\r\n"}};
    assert_int_equal(ask(&call, CHANNEL_UA_END, NULL, &end), 0);
    struct wire_packet bye = arrived(world, "BYE sip:bob@10.20.0.11:5060 SIP/2.0\r\n");
    assert_header(&bye, "CSeq", "2 BYE");
    assert_header(&bye, "Reason", "SIP;cause=200");
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATING);
    ua_respond_from(world, &bye, &done);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
}

static void refused(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &ringing);
    ua_forget(world);
    respond(&call, &(struct ua_response){"486 Busy Here", "b", NULL, NULL});
    struct wire_packet ack = arrived(world, "ACK sip:bob@10.20.0.11 SIP/2.0\r\n");
    assert_header(&ack, "Via", header_of(&call.invite, "Via")); // 17.1.1.3
    // The answer is told before the end.
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.status, 486);
    assert_int_equal(seen.event.dialog, call.dialog);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
    assert_int_equal(world->wire->workers[0]->ua.usages.count, 0);
}

static void no_answer(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    wire_pass_silently(world->wire, 40000);
    struct ua_seen seen = expect(&call, 408);
    assert_int_equal(seen.event.length, 0);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
    assert_int_equal(world->wire->parts[0].members[IMAGE_MEMBER_SBC1].timeouts_total, 1);
}

// 9.1: not before a 1xx; the 487 is the end.
static void cancel(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    struct ua_wanted why = {.texts = {[CHANNEL_UA_TEXT_HEADERS] = "Reason: SIP;cause=487\r\n"}};
    assert_int_equal(ask(&call, CHANNEL_UA_CANCEL, NULL, &why), 0);
    wire_expect_silence(world->wire);
    assert_int_equal(ask(&call, CHANNEL_UA_CANCEL, NULL, NULL), -EALREADY);
    respond(&call, &trying);
    struct wire_packet packet = arrived(world, "CANCEL sip:bob@10.20.0.11 SIP/2.0\r\n");
    assert_header(&packet, "Via", header_of(&call.invite, "Via"));
    assert_header(&packet, "CSeq", "1 CANCEL");
    ua_respond_from(world, &packet, &done);
    ua_forget(world);
    respond(&call, &(struct ua_response){"487 Request Terminated", "b", NULL, NULL});
    arrived(world, "ACK ");
    expect(&call, 487);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
}

// A 2xx that crosses the CANCEL gets ACK and BYE (RFC 5407 3.1.2).
static void cancel_crosses(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &ringing);
    assert_int_equal(ask(&call, CHANNEL_UA_CANCEL, NULL, NULL), 0);
    struct wire_packet packet = arrived(world, "CANCEL ");
    respond(&call, &fine);
    arrived(world, "ACK ");
    struct wire_packet bye = arrived(world, "BYE ");
    ua_respond_from(world, &packet, &done);
    ua_respond_from(world, &bye, &done);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
    assert_int_equal(world->wire->workers[0]->ua.usages.count, 0);
}

// Cancelled, and nobody answers any more: 64*T1 later it is over.
static void cancel_in_vain(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &ringing);
    assert_int_equal(ask(&call, CHANNEL_UA_CANCEL, NULL, NULL), 0);
    ua_forget(world);
    wire_pass_silently(world->wire, 35000);
    assert_int_equal(expect(&call, 408).event.length, 0);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
}

// Each tag is a dialog; the first 2xx makes the call, the second gets ACK and BYE (13.2.2.4).
static void forks(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    const struct ua_response other_rings = {"180 Ringing", "c", "Contact: <sip:c@10.20.0.11>\r\n", NULL};
    const struct ua_response other = {"200 OK", "c", "Contact: <sip:c@10.20.0.11>\r\n", ua_sdp};
    respond(&call, &ringing);
    respond(&call, &other_rings);
    uint64_t first = expect(&call, 180).event.dialog, second = expect(&call, 180).event.dialog;
    assert_int_equal(first, call.dialog);
    assert_int_not_equal(second, first);
    ua_forget(world);
    respond(&call, &fine);
    assert_int_equal(expect(&call, 200).event.dialog, first);
    ua_expect_state(world, first, CHANNEL_DIALOG_CONFIRMED);
    arrived(world, "ACK sip:bob@");
    respond(&call, &other);
    arrived(world, "ACK sip:c@10.20.0.11 ");
    struct wire_packet bye = arrived(world, "BYE sip:c@10.20.0.11 ");
    assert_header(&bye, "To", "<sip:bob@10.20.0.11>;tag=c");
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    ua_respond_from(world, &bye, &done);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 1);
    assert_int_equal(world->wire->limits[0][LIMIT_PEER_IN(IMAGE_APPLICATION)].held, 1);
    ua_forget(world);
    hang_up(&call);
}

// A 2xx to an INVITE that a 486 had ended.
static void answered_after_the_end(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &(struct ua_response){"486 Busy Here", "b", NULL, NULL});
    arrived(world, "ACK ");
    ua_forget(world);
    respond(&call, &(struct ua_response){"200 OK", "c", CONTACT, ua_sdp});
    arrived(world, "ACK sip:bob@10.20.0.11:5060 ");
    struct wire_packet bye = arrived(world, "BYE sip:bob@10.20.0.11:5060 ");
    assert_header(&bye, "CSeq", "2 BYE");
    ua_respond_from(world, &bye, &done);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
}

// RFC 3262: PRACK by itself, in order, once; by command when the 1xx has an offer.
static void reliable(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    const struct ua_response first = {"183 Progress", "b", CONTACT "Require: 100rel\r\nRSeq: 70\r\n", ua_sdp};
    const struct ua_response early = {"180 Ringing", "b", CONTACT "Require: 100rel\r\nRSeq: 72\r\n", NULL};
    respond(&call, &first);
    struct wire_packet prack = arrived(world, "PRACK sip:bob@10.20.0.11:5060 ");
    assert_header(&prack, "RAck", "70 1 INVITE");
    assert_header(&prack, "CSeq", "2 PRACK");
    expect(&call, 183);
    respond(&call, &first); // again
    respond(&call, &early); // out of order
    wire_expect_silence(world->wire);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    ua_respond_from(world, &prack, &done);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    respond(&call, &fine);
    expect(&call, 200);
    struct wire_packet ack = arrived(world, "ACK ");
    assert_header(&ack, "CSeq", "1 ACK"); // not of the PRACK
    ua_forget(world);
    hang_up(&call);
}

static void reliable_offer(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted none = {.body = NULL};
    struct placed call = place(world, &none);
    respond(&call,
            &(struct ua_response){"183 Progress", "b", CONTACT "Require: 100rel\r\nRSeq: 1\r\n", ua_sdp});
    wire_expect_silence(world->wire);
    ua_forget(world);
    assert_int_equal(ask(&call, CHANNEL_UA_REQUEST, "PRACK", NULL), -EINVAL); // without the answer
    struct ua_wanted answer = {.fixed = {.flags = CHANNEL_UA_DESCRIPTION},
                               .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
                               .body = ua_sdp};
    assert_int_equal(ask(&call, CHANNEL_UA_REQUEST, "PRACK", &answer), 0);
    uint64_t tag = world->tag;
    struct wire_packet prack = arrived(world, "PRACK ");
    assert_header(&prack, "RAck", "1 1 INVITE");
    assert_non_null(strstr(prack.text, ua_sdp));
    ua_respond_from(world, &prack, &done);
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.tag, tag);
    respond(&call, &(struct ua_response){"200 OK", "b", CONTACT, NULL});
    arrived(world, "ACK ");
    ua_forget(world);
    hang_up(&call);
}

// Third-party call control: the offer is in the 2xx, the answer in an ACK by command.
static void late_ack(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted late = {.fixed = {.flags = CHANNEL_UA_LATE_ACK}};
    struct placed call = place(world, &late);
    assert_int_equal(ask(&call, CHANNEL_UA_ACK, NULL, NULL), -EPROTO);
    respond(&call, &fine);
    respond(&call, &fine);
    wire_expect_silence(world->wire);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 1);
    assert_int_equal(ask(&call, CHANNEL_UA_ACK, NULL, NULL), -EINVAL); // the answer is due
    struct ua_wanted answer = {.fixed = {.flags = CHANNEL_UA_DESCRIPTION},
                               .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
                               .body = ua_sdp};
    assert_int_equal(ask(&call, CHANNEL_UA_ACK, NULL, &answer), 0);
    struct wire_packet ack = arrived(world, "ACK ");
    assert_non_null(strstr(ack.text, ua_sdp));
    respond(&call, &fine);
    struct wire_packet again = arrived(world, "ACK ");
    assert_string_equal(again.text, ack.text);
    ua_forget(world);
    hang_up(&call);
}

// The ACK never comes from the application: 64*T1 later one goes by itself, and a BYE.
static void late_ack_never(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted late = {.fixed = {.flags = CHANNEL_UA_LATE_ACK}};
    struct placed call = place(world, &late);
    respond(&call, &fine);
    wire_pass(world->wire, 32200);
    arrived(world, "ACK ");
    struct wire_packet bye = arrived(world, "BYE ");
    ua_respond_from(world, &bye, &done);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
}

// 22.1, 22.2: again in its name, and the ACK has the credentials, too.
static void challenged(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &(struct ua_response){"407 Proxy Authentication Required", "b", NULL, NULL});
    arrived(world, "ACK ");
    ua_forget(world);
    struct ua_wanted again = {
        .fixed = {.cseq = 2},
        .texts = {[CHANNEL_UA_TEXT_CALL_ID] = header_of(&call.invite, "Call-ID"),
                  [CHANNEL_UA_TEXT_FROM_TAG] = strstr(header_of(&call.invite, "From"), ";tag=") + 5,
                  [CHANNEL_UA_TEXT_HEADERS] = "Proxy-Authorization: Digest x\r\n"}};
    struct placed second = place(world, &again);
    assert_int_not_equal(second.dialog, call.dialog);
    assert_header(&second.invite, "CSeq", "2 INVITE");
    assert_header(&second.invite, "Call-ID", header_of(&call.invite, "Call-ID"));
    assert_header(&second.invite, "From", header_of(&call.invite, "From"));
    respond(&second, &(struct ua_response){"200 OK", "b", CONTACT, NULL});
    struct wire_packet ack = arrived(world, "ACK ");
    assert_header(&ack, "CSeq", "2 ACK");
    assert_header(&ack, "Proxy-Authorization", "Digest x");
    expect(&second, 200);
    ua_forget(world);
    hang_up(&second);
}

// A challenged BYE comes again with credentials; whatever else answers it ends the call.
static void bye_challenged(void **state)
{
    struct ua_world *world = *state;
    struct placed call = answered(world);
    assert_int_equal(ask(&call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet bye = arrived(world, "BYE ");
    ua_forget(world);
    ua_respond_from(world, &bye, &(struct ua_response){"401 Unauthorized", NULL, NULL, NULL});
    assert_int_equal(ua_take(world, CHANNEL_UA_ANSWERED).event.status, 401);
    struct ua_wanted again = {.texts = {[CHANNEL_UA_TEXT_HEADERS] = "Authorization: Digest x\r\n"}};
    assert_int_equal(ask(&call, CHANNEL_UA_REQUEST, "BYE", &again), 0);
    bye = arrived(world, "BYE ");
    assert_header(&bye, "CSeq", "3 BYE");
    assert_header(&bye, "Authorization", "Digest x");
    ua_respond_from(world, &bye, &(struct ua_response){"481 Gone", NULL, NULL, NULL});
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
    assert_int_equal(ask(&call, CHANNEL_UA_REQUEST, "BYE", NULL), -ENOENT);
}

// The route set of the 2xx, reversed (12.1.2), with a loose router first.
static void route_set(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &(struct ua_response){"200 OK", "b",
                                         "Record-Route: <sip:far.example;lr>, <sip:10.20.0.12:5070;lr>\r\n"
                                         "Contact: <sip:bob@192.0.2.9>\r\n",
                                         ua_sdp});
    struct endpoint near = wire_sbc2;
    near.port = 5070;
    struct wire_packet ack = wire_take(world->wire, near);
    assert_starts(&ack, "ACK sip:bob@192.0.2.9 SIP/2.0\r\n");
    assert_header(&ack, "Route", "<sip:10.20.0.12:5070;lr>,<sip:far.example;lr>");
    assert_int_equal(ask(&call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet bye = wire_take(world->wire, near);
    assert_header(&bye, "Route", "<sip:10.20.0.12:5070;lr>,<sip:far.example;lr>");
    ua_respond_from(world, &bye, &done);
}

// Nobody is sent to who is not of the peer, whatever a Contact says.
static void foreign_target(void **state)
{
    struct ua_world *world = *state;
    struct placed call = place(world, NULL);
    respond(&call, &(struct ua_response){"200 OK", "b", "Contact: <sip:bob@10.10.9.9>\r\n", ua_sdp});
    struct wire_packet ack = arrived(world, "ACK sip:bob@10.10.9.9 SIP/2.0\r\n"); // to where the INVITE went
    assert_int_equal(ack.to.address, wire_sbc1.address);
    ua_forget(world);
    hang_up(&call);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_UA(call_and_bye),   ON_UA(refused),        ON_UA(no_answer),
        ON_UA(cancel),         ON_UA(cancel_crosses), ON_UA(cancel_in_vain),
        ON_UA(forks),          ON_UA(reliable),       ON_UA(answered_after_the_end),
        ON_UA(reliable_offer), ON_UA(late_ack),       ON_UA(late_ack_never),
        ON_UA(challenged),     ON_UA(bye_challenged), ON_UA(route_set),
        ON_UA(foreign_target)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
