// SPDX-License-Identifier: BSD-3-Clause
#include "ua_callee.h"

const struct ua_response callee_trying = {"100 Trying", NULL, NULL, NULL};
const struct ua_response callee_ringing = {"180 Ringing", "b", CALLEE_CONTACT, NULL};
const struct ua_response callee_fine = {"200 OK", "b", CALLEE_CONTACT, ua_sdp};
const struct ua_response callee_done = {"200 OK", "b", NULL, NULL};

struct wire_packet callee_arrived(struct ua_world *world, const char *text)
{
    struct wire_packet packet = wire_take(world->wire, wire_sbc1);
    assert_starts(&packet, text);
    return packet;
}

struct callee callee_place(struct ua_world *world, const struct ua_wanted *more)
{
    static const struct ua_wanted offer = {
        .fixed = {.flags = CHANNEL_UA_DESCRIPTION},
        .texts = {[CHANNEL_UA_TEXT_HEADERS] = "Content-Type: application/sdp\r\n"},
        .body = ua_sdp};
    struct ua_wanted wanted = more != NULL ? *more : offer;
    struct callee call = {.world = world};
    struct ua_seen answer;
    wanted.fixed.op = CHANNEL_UA_INVITE;
    wanted.fixed.to_peer = IMAGE_SBCS;
    wanted.fixed.to_member = IMAGE_MEMBER_SBC1;
    wanted.texts[CHANNEL_UA_TEXT_URI] = "sip:bob@10.20.0.11";
    assert_int_equal(ua_ask(world, &wanted, &answer), 0);
    call.dialog = answer.event.dialog;
    call.tag = answer.event.tag;
    call.invite = callee_arrived(world, "INVITE ");
    return call;
}

void callee_respond(struct callee *call, const struct ua_response *response)
{
    ua_respond_from(call->world, &call->invite, response);
}

struct ua_seen callee_expect(struct callee *call, uint16_t status)
{
    struct ua_seen seen = ua_take(call->world, CHANNEL_UA_ANSWERED);
    assert_int_equal(seen.event.status, status);
    assert_int_equal(seen.event.tag, call->tag);
    return seen;
}

struct callee callee_answered(struct ua_world *world)
{
    struct callee call = callee_place(world, NULL);
    callee_respond(&call, &callee_fine);
    callee_expect(&call, 200);
    ua_expect_state(world, call.dialog, CHANNEL_DIALOG_CONFIRMED);
    callee_arrived(world, "ACK ");
    return call;
}

int callee_ask(struct callee *call, enum channel_ua_op op, const char *method, const struct ua_wanted *more)
{
    struct ua_wanted wanted = more != NULL ? *more : (struct ua_wanted){.body = NULL};
    wanted.fixed.op = (uint8_t)op;
    wanted.fixed.dialog = call->dialog;
    wanted.texts[CHANNEL_UA_TEXT_METHOD] = method;
    return ua_ask(call->world, &wanted, NULL);
}

void callee_hang_up(struct callee *call)
{
    assert_int_equal(callee_ask(call, CHANNEL_UA_END, NULL, NULL), 0);
    struct wire_packet bye = callee_arrived(call->world, "BYE ");
    ua_respond_from(call->world, &bye, &callee_done);
    ua_forget(call->world);
}
