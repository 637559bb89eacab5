// SPDX-License-Identifier: BSD-3-Clause
// Calls that an application begins, and what becomes of them.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests.h"
#include "ua_callee.h"

#define ON_UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)

static void call_and_bye(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &callee_trying);
    ua_expect_silence(world);
    callee_respond(&call, &callee_ringing);
    callee_expect(&call, 180);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_EARLY);
    callee_respond(&call, &callee_fine);
    struct ua_seen seen = callee_expect(&call, 200);
    assert_starts(&seen.packet, "SIP/2.0 200 OK");
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_CONFIRMED);
    struct wire_packet ack = callee_arrived(world, "ACK sip:bob@10.20.0.11:5060 SIP/2.0\r\n");
    assert_header(&ack, "CSeq", "1 ACK");
    assert_header(&ack, "From", header_of(&call.invite, "From"));
    assert_header(&ack, "To", "<sip:bob@10.20.0.11>;tag=b");
    assert_string_not_equal(header_of(&ack, "Via"), header_of(&call.invite, "Via"));
    callee_respond(&call, &callee_fine); // 13.2.2.4: the same ACK again, and nobody is told
    struct wire_packet again = callee_arrived(world, "ACK ");
    assert_string_equal(again.text, ack.text);
    ua_expect_silence(world);
    struct ua_wanted end = {.texts = {[CHANNEL_UA_TEXT_HEADERS] = "Reason: SIP;cause=200\r\n"}};
    assert_int_equal(callee_ask(&call, CHANNEL_UA_END, NULL, &end), 0);
    struct wire_packet bye = callee_arrived(world, "BYE sip:bob@10.20.0.11:5060 SIP/2.0\r\n");
    assert_header(&bye, "CSeq", "2 BYE");
    assert_header(&bye, "Reason", "SIP;cause=200");
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATING);
    ua_respond_from(world, &bye, &callee_done);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
    const struct counters_worker *counters = world->wire->parts[0].counters;
    assert_int_equal(counters->histograms[HISTOGRAM_POST_DIAL_DELAY].buckets[0], 1);
    assert_int_equal(counters->histograms[HISTOGRAM_ANSWER_TIME].buckets[0], 1);
}

static void refused(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &callee_ringing);
    ua_forget(world);
    callee_respond(&call, &(struct ua_response){"486 Busy Here", "b", NULL, NULL});
    struct wire_packet ack = callee_arrived(world, "ACK sip:bob@10.20.0.11 SIP/2.0\r\n");
    assert_header(&ack, "Via", header_of(&call.invite, "Via")); // 17.1.1.3
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 1);
    assert_int_equal(world->seen[0].event.kind, CHANNEL_UA_ANSWERED); // before the end
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.status, 486);
    assert_int_equal(seen.event.dialog, call.dialog);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
    assert_int_equal(world->wire->workers[0]->ua.usages.count, 0);
}

// What waits for no answer is kept for the control that comes, as long as half of the room is free.
static void refused_unheard(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    ua_forget(world);
    world->wire->heard = 0;
    callee_respond(&call, &(struct ua_response){"486 Busy Here", "b", NULL, NULL});
    (void)callee_arrived(world, "ACK ");
    wire_expect_count(world->wire, COUNTER_UA_UNHEARD, 0);
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.status, 486);
    assert_int_equal(seen.event.tag, call.tag);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
}

static void refused_unheard_half_full(void **state)
{
    struct ua_world *world = *state;
    struct ua_ring *ring = world->wire->parts[0].ua_events;
    struct callee call = callee_place(world, NULL);
    uint32_t length;
    ua_forget(world);
    world->wire->heard = 0;
    while (!ua_ring_is_half_full(ring))
        memset(ua_ring_add(ring, 1024), 0, 1024);
    callee_respond(&call, &(struct ua_response){"486 Busy Here", "b", NULL, NULL});
    (void)callee_arrived(world, "ACK ");
    wire_expect_count(world->wire, COUNTER_UA_UNHEARD, 2); // ANSWERED, STATE
    ua_ring_publish(ring);
    while (ua_ring_first(ring, &length) != NULL)
        ua_ring_drop(ring);
    assert_int_equal(ring->lost, 0);
}

static void no_answer(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    wire_pass_silently(world->wire, 40000);
    struct ua_seen seen = callee_expect(&call, 408);
    assert_int_equal(seen.event.length, 0);
    seen = ua_take(world, CHANNEL_UA_STATE);
    assert_int_equal(seen.event.state, CHANNEL_DIALOG_TERMINATED);
    assert_int_equal(seen.event.reason, CHANNEL_REASON_TIMEOUT);
    ua_expect_silence(world);
    assert_int_equal(world->wire->parts[0].members[IMAGE_MEMBER_SBC1].timeouts_total, 1);
}

// 9.1: not before a 1xx; the 487 is the end.
static void cancel(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    struct ua_wanted why = {.texts = {[CHANNEL_UA_TEXT_HEADERS] = "Reason: SIP;cause=487\r\n"}};
    assert_int_equal(callee_ask(&call, CHANNEL_UA_CANCEL, NULL, &why), 0);
    wire_expect_silence(world->wire);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_CANCEL, NULL, NULL), -EALREADY);
    callee_respond(&call, &callee_trying);
    struct wire_packet packet = callee_arrived(world, "CANCEL sip:bob@10.20.0.11 SIP/2.0\r\n");
    assert_header(&packet, "Via", header_of(&call.invite, "Via"));
    assert_header(&packet, "CSeq", "1 CANCEL");
    ua_respond_from(world, &packet, &callee_done);
    ua_forget(world);
    callee_respond(&call, &(struct ua_response){"487 Request Terminated", "b", NULL, NULL});
    callee_arrived(world, "ACK ");
    callee_expect(&call, 487);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
}

// The first 1xx may have a tag: it is no fork of what waits for it.
static void cancel_held(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_CANCEL, NULL, NULL), 0);
    callee_respond(&call, &callee_ringing);
    struct wire_packet packet = callee_arrived(world, "CANCEL sip:bob@10.20.0.11 SIP/2.0\r\n");
    ua_respond_from(world, &packet, &callee_done);
    ua_forget(world);
    callee_respond(&call, &(struct ua_response){"487 Request Terminated", "b", NULL, NULL});
    callee_arrived(world, "ACK ");
    callee_expect(&call, 487);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
}

// A 2xx that crosses the CANCEL gets ACK and BYE (RFC 5407 3.1.2).
static void cancel_crosses(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &callee_ringing);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_CANCEL, NULL, NULL), 0);
    struct wire_packet packet = callee_arrived(world, "CANCEL ");
    callee_respond(&call, &callee_fine);
    callee_arrived(world, "ACK ");
    struct wire_packet bye = callee_arrived(world, "BYE ");
    ua_respond_from(world, &packet, &callee_done);
    ua_respond_from(world, &bye, &callee_done);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
    assert_int_equal(world->wire->workers[0]->ua.usages.count, 0);
}

// Cancelled, and nobody answers any more: 64*T1 later it is over.
static void cancel_in_vain(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &callee_ringing);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_CANCEL, NULL, NULL), 0);
    ua_forget(world);
    wire_pass_silently(world->wire, 35000);
    assert_int_equal(callee_expect(&call, 408).event.length, 0);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
}

// Each tag is a dialog; the first 2xx makes the call, the second gets ACK and BYE (13.2.2.4).
static void forks(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    const struct ua_response other_rings = {"180 Ringing", "c", "Contact: <sip:c@10.20.0.11>\r\n", NULL};
    const struct ua_response other = {"200 OK", "c", "Contact: <sip:c@10.20.0.11>\r\n", ua_sdp};
    callee_respond(&call, &callee_ringing);
    callee_respond(&call, &other_rings);
    uint64_t first = callee_expect(&call, 180).event.dialog, second = callee_expect(&call, 180).event.dialog;
    assert_int_equal(first, call.dialog);
    assert_int_not_equal(second, first);
    ua_forget(world);
    callee_respond(&call, &callee_fine);
    assert_int_equal(callee_expect(&call, 200).event.dialog, first);
    ua_expect_state(world, first, CHANNEL_DIALOG_CONFIRMED);
    callee_arrived(world, "ACK sip:bob@");
    callee_respond(&call, &other);
    callee_arrived(world, "ACK sip:c@10.20.0.11 ");
    struct wire_packet bye = callee_arrived(world, "BYE sip:c@10.20.0.11 ");
    assert_header(&bye, "To", "<sip:bob@10.20.0.11>;tag=c");
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    ua_respond_from(world, &bye, &callee_done);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 1);
    assert_int_equal(world->wire->limits[0][LIMIT_PEER_IN(IMAGE_APPLICATION)].held, 1);
    ua_forget(world);
    callee_hang_up(&call);
}

// A CANCEL is of all dialogs of the INVITE, and goes once; a 2xx of any of them that crosses it is ended.
static void forks_cancelled(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    const struct ua_response other_rings = {"180 Ringing", "c", "Contact: <sip:c@10.20.0.11>\r\n", NULL};
    const struct ua_response other = {"200 OK", "c", "Contact: <sip:c@10.20.0.11>\r\n", ua_sdp};
    callee_respond(&call, &callee_ringing);
    callee_respond(&call, &other_rings);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet cancel = callee_arrived(world, "CANCEL ");
    wire_expect_silence(world->wire);
    ua_respond_from(world, &cancel, &callee_done);
    callee_respond(&call, &other);
    callee_arrived(world, "ACK sip:c@10.20.0.11 ");
    struct wire_packet bye = callee_arrived(world, "BYE sip:c@10.20.0.11 ");
    ua_respond_from(world, &bye, &callee_done);
    wire_pass_silently(world->wire, 35000);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
    assert_int_equal(world->wire->workers[0]->ua.usages.count, 0);
}

// A 2xx to an INVITE that a 486 had ended.
static void answered_after_the_end(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &(struct ua_response){"486 Busy Here", "b", NULL, NULL});
    callee_arrived(world, "ACK ");
    ua_forget(world);
    callee_respond(&call, &(struct ua_response){"200 OK", "c", CALLEE_CONTACT, ua_sdp});
    callee_arrived(world, "ACK sip:bob@10.20.0.11:5060 ");
    struct wire_packet bye = callee_arrived(world, "BYE sip:bob@10.20.0.11:5060 ");
    assert_header(&bye, "CSeq", "2 BYE");
    ua_respond_from(world, &bye, &callee_done);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
}

// RFC 3262: PRACK by itself, in order, once; by command when the 1xx has an offer.
static void reliable(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    const struct ua_response first = {"183 Progress", "b", CALLEE_CONTACT "Require: 100rel\r\nRSeq: 70\r\n",
                                      ua_sdp};
    const struct ua_response early = {"180 Ringing", "b", CALLEE_CONTACT "Require: 100rel\r\nRSeq: 72\r\n",
                                      NULL};
    callee_respond(&call, &first);
    struct wire_packet prack = callee_arrived(world, "PRACK sip:bob@10.20.0.11:5060 ");
    assert_header(&prack, "RAck", "70 1 INVITE");
    assert_header(&prack, "CSeq", "2 PRACK");
    callee_expect(&call, 183);
    callee_respond(&call, &first); // again
    callee_respond(&call, &early); // out of order
    wire_expect_silence(world->wire);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    ua_respond_from(world, &prack, &callee_done);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 0);
    callee_respond(&call, &callee_fine);
    callee_expect(&call, 200);
    struct wire_packet ack = callee_arrived(world, "ACK ");
    assert_header(&ack, "CSeq", "1 ACK"); // not of the PRACK
    ua_forget(world);
    callee_hang_up(&call);
}

static void reliable_offer(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted none = {.body = NULL};
    struct callee call = callee_place(world, &none);
    callee_respond(&call, &(struct ua_response){"183 Progress", "b",
                                                CALLEE_CONTACT "Require: 100rel\r\nRSeq: 1\r\n", ua_sdp});
    wire_expect_silence(world->wire);
    ua_forget(world);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "PRACK", NULL), -EINVAL); // without the answer
    struct ua_wanted answer = {.fixed = {.flags = CHANNEL_UA_DESCRIPTION},
                               .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
                               .body = ua_sdp};
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "PRACK", &answer), 0);
    uint64_t tag = world->tag;
    struct wire_packet prack = callee_arrived(world, "PRACK ");
    assert_header(&prack, "RAck", "1 1 INVITE");
    assert_non_null(strstr(prack.text, ua_sdp));
    ua_respond_from(world, &prack, &callee_done);
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.tag, tag);
    callee_respond(&call, &(struct ua_response){"200 OK", "b", CALLEE_CONTACT, NULL});
    callee_arrived(world, "ACK ");
    ua_forget(world);
    callee_hang_up(&call);
}

// Third-party call control: the offer is in the 2xx, the answer in an ACK by command.
static void late_ack(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted late = {.fixed = {.flags = CHANNEL_UA_LATE_ACK}};
    struct callee call = callee_place(world, &late);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_ACK, NULL, NULL), -EPROTO);
    callee_respond(&call, &callee_fine);
    callee_respond(&call, &callee_fine);
    wire_expect_silence(world->wire);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_ANSWERED), 1);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_ACK, NULL, NULL), -EINVAL); // the answer is due
    struct ua_wanted answer = {.fixed = {.flags = CHANNEL_UA_DESCRIPTION},
                               .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
                               .body = ua_sdp};
    assert_int_equal(callee_ask(&call, CHANNEL_UA_ACK, NULL, &answer), 0);
    struct wire_packet ack = callee_arrived(world, "ACK ");
    assert_non_null(strstr(ack.text, ua_sdp));
    callee_respond(&call, &callee_fine);
    struct wire_packet again = callee_arrived(world, "ACK ");
    assert_string_equal(again.text, ack.text);
    ua_forget(world);
    callee_hang_up(&call);
}

// The ACK never comes from the application: 64*T1 later one goes by itself, and a BYE.
static void late_ack_never(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted late = {.fixed = {.flags = CHANNEL_UA_LATE_ACK}};
    struct callee call = callee_place(world, &late);
    callee_respond(&call, &callee_fine);
    wire_pass(world->wire, 32200);
    callee_arrived(world, "ACK ");
    struct wire_packet bye = callee_arrived(world, "BYE ");
    ua_respond_from(world, &bye, &callee_done);
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
}

// 22.1, 22.2: again in its name, and the ACK has the credentials, too.
static void challenged(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &(struct ua_response){"407 Proxy Authentication Required", "b", NULL, NULL});
    callee_arrived(world, "ACK ");
    ua_forget(world);
    struct ua_wanted again = {
        .fixed = {.cseq = 2},
        .texts = {[CHANNEL_UA_TEXT_CALL_ID] = header_of(&call.invite, "Call-ID"),
                  [CHANNEL_UA_TEXT_FROM_TAG] = strstr(header_of(&call.invite, "From"), ";tag=") + 5,
                  [CHANNEL_UA_TEXT_HEADERS] = "Proxy-Authorization: Digest x\r\n"}};
    struct callee second = callee_place(world, &again);
    assert_int_not_equal(second.dialog, call.dialog);
    assert_header(&second.invite, "CSeq", "2 INVITE");
    assert_header(&second.invite, "Call-ID", header_of(&call.invite, "Call-ID"));
    assert_header(&second.invite, "From", header_of(&call.invite, "From"));
    callee_respond(&second, &(struct ua_response){"200 OK", "b", CALLEE_CONTACT, NULL});
    struct wire_packet ack = callee_arrived(world, "ACK ");
    assert_header(&ack, "CSeq", "2 ACK");
    assert_header(&ack, "Proxy-Authorization", "Digest x");
    callee_expect(&second, 200);
    ua_forget(world);
    callee_hang_up(&second);
}

// A challenged BYE comes again with credentials; whatever else answers it ends the call.
static void bye_challenged(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_answered(world);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet bye = callee_arrived(world, "BYE ");
    ua_forget(world);
    ua_respond_from(world, &bye, &(struct ua_response){"401 Unauthorized", NULL, NULL, NULL});
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.status, 401);
    assert_int_equal(seen.event.tag, world->tag); // who ended the call has the credentials
    struct ua_wanted again = {.texts = {[CHANNEL_UA_TEXT_HEADERS] = "Authorization: Digest x\r\n"}};
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "BYE", &again), 0);
    bye = callee_arrived(world, "BYE ");
    assert_header(&bye, "CSeq", "3 BYE");
    assert_header(&bye, "Authorization", "Digest x");
    ua_respond_from(world, &bye, &(struct ua_response){"481 Gone", NULL, NULL, NULL});
    assert_int_equal(world->wire->workers[0]->dialogs.count, 0);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "BYE", NULL), -ENOENT);
}

// The route set of the 2xx, reversed (12.1.2), with a loose router first.
static void route_set(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call,
                   &(struct ua_response){"200 OK", "b",
                                         "Record-Route: <sip:far.example;lr>, <sip:10.20.0.12:5070;lr>\r\n"
                                         "Contact: <sip:bob@192.0.2.9>\r\n",
                                         ua_sdp});
    struct endpoint near = wire_sbc2;
    near.port = 5070;
    struct wire_packet ack = wire_take(world->wire, near);
    assert_starts(&ack, "ACK sip:bob@192.0.2.9 SIP/2.0\r\n");
    assert_header(&ack, "Route", "<sip:10.20.0.12:5070;lr>,<sip:far.example;lr>");
    assert_int_equal(callee_ask(&call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet bye = wire_take(world->wire, near);
    assert_header(&bye, "Route", "<sip:10.20.0.12:5070;lr>,<sip:far.example;lr>");
    ua_respond_from(world, &bye, &callee_done);
}

// Nobody is sent to who is not of the peer, whatever a Contact says.
static void foreign_target(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &(struct ua_response){"200 OK", "b", "Contact: <sip:bob@10.10.9.9>\r\n", ua_sdp});
    struct wire_packet ack =
        callee_arrived(world, "ACK sip:bob@10.10.9.9 SIP/2.0\r\n"); // to where the INVITE went
    assert_true(wire_same(ack.to, wire_sbc1));
    ua_forget(world);
    callee_hang_up(&call);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_UA(call_and_bye),    ON_UA(refused),
                                       ON_UA(refused_unheard), ON_UA(refused_unheard_half_full),
                                       ON_UA(no_answer),       ON_UA(cancel),
                                       ON_UA(cancel_crosses),  ON_UA(cancel_in_vain),
                                       ON_UA(forks),           ON_UA(forks_cancelled),
                                       ON_UA(reliable),        ON_UA(answered_after_the_end),
                                       ON_UA(reliable_offer),  ON_UA(late_ack),
                                       ON_UA(late_ack_never),  ON_UA(challenged),
                                       ON_UA(bye_challenged),  ON_UA(route_set),
                                       ON_UA(foreign_target),  ON_UA(cancel_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
