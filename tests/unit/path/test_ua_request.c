// SPDX-License-Identifier: BSD-3-Clause
// What an application sends inside a dialog, and the responses to it.
#include <errno.h>
#include <string.h>
#include "tests.h"
#include "ua_callee.h"

#define ON_UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)

static const struct ua_wanted nothing = {.body = NULL};
static const struct ua_wanted offer = {
    .fixed = {.flags = CHANNEL_UA_DESCRIPTION},
    .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
    .body = ua_sdp};

// The request of the last command, as it arrived.
static struct wire_packet asked(struct callee *call, const char *method, const struct ua_wanted *more)
{
    assert_int_equal(callee_ask(call, CHANNEL_UA_REQUEST, method, more), 0);
    return callee_arrived(call->world, method);
}

// The response to it, and that it is told with the command's tag.
static void answer(struct callee *call, const struct wire_packet *request, const struct ua_response *response)
{
    ua_respond_from(call->world, request, response);
    struct ua_seen seen = ua_take(call->world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.tag, call->world->tag);
    assert_int_equal(seen.event.dialog, call->dialog);
    assert_memory_equal(seen.packet.text + sizeof("SIP/2.0 ") - 1, response->status, 3);
}

static void reinvite(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_answered(world);
    struct wire_packet invite = asked(&call, "INVITE", &offer);
    assert_starts(&invite, "INVITE sip:bob@10.20.0.11:5060 SIP/2.0\r\n");
    assert_header(&invite, "CSeq", "2 INVITE");
    assert_header(&invite, "Contact", "<sip:10.20.0.10:5060>");
    assert_header(&invite, "Supported", "timer,199,100rel");
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "INVITE", &offer), -EPROTO); // 14.1
    world->tag--;                                                                       // of the first one
    answer(&call, &invite,
           &(struct ua_response){"200 OK", NULL, "Contact: <sip:moved@10.20.0.11>\r\n", ua_sdp});
    struct wire_packet ack = callee_arrived(world, "ACK sip:moved@10.20.0.11 ");
    assert_header(&ack, "CSeq", "2 ACK");
    world->tag++;
    struct wire_packet info = asked(&call, "INFO", &nothing); // 12.2.1.2: the target is another one
    assert_starts(&info, "INFO sip:moved@10.20.0.11 ");
    assert_header(&info, "CSeq", "3 INFO");
    assert_header(&info, "Contact", "");
    answer(&call, &info, &callee_done);
    callee_respond(&call, &callee_fine); // the first INVITE's again
    ack = callee_arrived(world, "ACK ");
    assert_header(&ack, "CSeq", "1 ACK");
    // 14.1: refused, the call goes on as it was.
    invite = asked(&call, "INVITE", &offer);
    answer(&call, &invite, &(struct ua_response){"488 Not Acceptable Here", NULL, NULL, NULL});
    callee_arrived(world, "ACK ");
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_STATE), 0);
    callee_hang_up(&call);
}

// 14.1: between 2.1 and 4 s later, as the Call-ID is ours.
static void glare(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_answered(world);
    struct wire_packet invite = asked(&call, "INVITE", &offer);
    answer(&call, &invite, &(struct ua_response){"491 Request Pending", NULL, NULL, NULL});
    callee_arrived(world, "ACK ");
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "INVITE", &offer), -EAGAIN);
    wire_pass(world->wire, 2000);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_RETRY), 0);
    wire_pass(world->wire, 2100);
    assert_int_equal(ua_take(world, CHANNEL_UA_RETRY).event.dialog, call.dialog);
    invite = asked(&call, "INVITE", &offer);
    answer(&call, &invite, &callee_fine);
    callee_arrived(world, "ACK ");
    callee_hang_up(&call);
}

static void update(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "UPDATE", &nothing), -EPROTO); // no dialog yet
    callee_respond(&call, &callee_ringing);
    ua_forget(world);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "UPDATE", &offer), -EPROTO); // RFC 3311 5.1
    callee_respond(&call, &callee_fine);
    callee_arrived(world, "ACK ");
    ua_forget(world);
    struct wire_packet packet = asked(&call, "UPDATE", &offer);
    assert_header(&packet, "Supported", "timer");
    assert_header(&packet, "Contact", "<sip:10.20.0.10:5060>");
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "UPDATE", &nothing), -EPROTO);
    world->tag--;
    answer(&call, &packet,
           &(struct ua_response){"200 OK", NULL, "Contact: <sip:moved@10.20.0.11>\r\n", ua_sdp});
    world->tag++;
    packet = asked(&call, "UPDATE", &offer);
    assert_starts(&packet, "UPDATE sip:moved@10.20.0.11 ");
    answer(&call, &packet, &(struct ua_response){"500 Later", NULL, "Retry-After: 3\r\n", NULL});
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "UPDATE", &offer), -EAGAIN);
    wire_pass(world->wire, 3200);
    ua_take(world, CHANNEL_UA_RETRY);
    callee_hang_up(&call);
}

// Any method goes in a dialog; what is not a request of its own, does not.
static void methods(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_answered(world);
    static const char *const refused[] = {"ACK", "CANCEL", "REGISTER", "", "IN FO"};
    for (unsigned i = 0; i < RTE_DIM(refused); i++)
        assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, refused[i], &nothing), -EINVAL);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "PRACK", &nothing), -EPROTO);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_CANCEL, NULL, &nothing), -EPROTO);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_ACK, NULL, &nothing), -EPROTO);
    static const char *const fine[] = {"MESSAGE", "OPTIONS", "NOTIFY", "REFER", "FROB"};
    for (unsigned i = 0; i < RTE_DIM(fine); i++) {
        struct wire_packet packet = asked(&call, fine[i], &nothing);
        answer(&call, &packet, &callee_done);
    }
    static char body[2000];
    memset(body, 'x', sizeof(body) - 1);
    struct ua_wanted large = {.body = body};
    world->wire->workers[0]->parts.large = NULL; // nor are there buffers for fragments
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "MESSAGE", &large), -EMSGSIZE);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet bye = callee_arrived(world, "BYE ");
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "INFO", &nothing), -EALREADY);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_END, NULL, &nothing), -EALREADY);
    ua_respond_from(world, &bye, &callee_done);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_REQUEST, "INFO", &nothing), -ENOENT);
    ua_forget(world);
}

// RFC 5057: what ends the call, by BYE (12.2.1.2), and what does not.
static void endings(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_answered(world);
    struct wire_packet packet = asked(&call, "NOTIFY", &nothing);
    answer(&call, &packet, &(struct ua_response){"481 No Subscription", NULL, NULL, NULL});
    packet = asked(&call, "REFER", &nothing);
    answer(&call, &packet, &(struct ua_response){"603 Decline", NULL, NULL, NULL});
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_STATE), 0);
    packet = asked(&call, "INFO", &nothing);
    answer(&call, &packet, &(struct ua_response){"481 No Call", NULL, NULL, NULL});
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATING);
    struct wire_packet bye = callee_arrived(world, "BYE ");
    ua_respond_from(world, &bye, &callee_done);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(world);
}

static void nobody_answers(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_answered(world);
    asked(&call, "INFO", &nothing);
    wire_pass_silently(world->wire, 32500);
    struct ua_seen seen = ua_take(world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.status, 408);
    assert_int_equal(seen.event.length, 0);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATING);
}

// RFC 4028: half of the interval later the refresh is asked for; without one the call ends.
static void session(void **state)
{
    struct ua_world *world = *state;
    struct ua_wanted wanted = {.fixed = {.session_s = 100}};
    struct callee call = callee_place(world, &wanted);
    assert_header(&call.invite, "Session-Expires", "100");
    callee_respond(&call, &(struct ua_response){"200 OK", "b",
                                                CALLEE_CONTACT
                                                "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n",
                                                NULL});
    callee_arrived(world, "ACK ");
    ua_forget(world);
    wire_pass_silently(world->wire, 46000);
    assert_int_equal(ua_take(world, CHANNEL_UA_REFRESH).event.dialog, call.dialog);
    struct wire_packet packet = asked(&call, "UPDATE", &nothing);
    assert_header(&packet, "Session-Expires", "90;refresher=uac");
    answer(&call, &packet, &(struct ua_response){"422 Too Short", NULL, "Min-SE: 200\r\n", NULL});
    struct ua_wanted longer = {.fixed = {.min_se_s = 200}};
    packet = asked(&call, "UPDATE", &longer);
    assert_header(&packet, "Session-Expires", "200;refresher=uac");
    assert_header(&packet, "Min-SE", "200");
    answer(
        &call, &packet,
        &(struct ua_response){"200 OK", NULL, CALLEE_CONTACT "Session-Expires: 200;refresher=uas\r\n", NULL});
    wire_pass_silently(world->wire, 160000);
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_REFRESH), 0); // it is theirs
    ua_expect_silence(world);
    wire_pass_silently(world->wire, 12500);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATING);
}

static void reinvite_cancelled(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_answered(world);
    struct wire_packet invite = asked(&call, "INVITE", &offer);
    uint64_t tag = world->tag;
    ua_respond_from(world, &invite, &callee_trying);
    assert_int_equal(callee_ask(&call, CHANNEL_UA_CANCEL, NULL, &nothing), 0);
    struct wire_packet cancel = callee_arrived(world, "CANCEL ");
    assert_header(&cancel, "CSeq", "2 CANCEL");
    ua_respond_from(world, &cancel, &callee_done);
    world->tag = tag;
    answer(&call, &invite, &(struct ua_response){"487 Request Terminated", NULL, NULL, NULL});
    callee_arrived(world, "ACK ");
    assert_int_equal(ua_seen_of(world, CHANNEL_UA_STATE), 0); // the call goes on
    world->tag++;
    callee_hang_up(&call);
}

// ICMP: as if it had been answered 503 (8.1.3.1).
static void unreachable(void **state)
{
    struct ua_world *world = *state;
    struct callee call = callee_place(world, NULL);
    struct unreachable error = {
        .address = call.invite.to.address, .port = call.invite.to.port, .member = NUMBER_NONE};
    const char *branch = strstr(header_of(&call.invite, "Via"), "branch=") + sizeof("branch=") - 1;
    memcpy(error.branch, branch, sizeof(error.branch));
    unreachable_put(&world->wire->workers[0]->unreachables, &error);
    wire_turn(world->wire);
    struct ua_seen seen = callee_expect(&call, 503);
    assert_int_equal(seen.event.length, 0);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_TERMINATED);
    wire_expect_count(world->wire, COUNTER_ICMP_FAILED, 1);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_UA(reinvite),   ON_UA(glare),          ON_UA(update),  ON_UA(methods),
        ON_UA(endings),    ON_UA(nobody_answers), ON_UA(session), ON_UA(reinvite_cancelled),
        ON_UA(unreachable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
