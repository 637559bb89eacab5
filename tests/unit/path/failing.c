// SPDX-License-Identifier: BSD-3-Clause
#include "failing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct endpoint failing_third = {.address = IP_MAPPED(0x0a14000b), .port = 5070, .listener = 1};

void failing_configure(struct wire *wire, uint16_t attempts, const uint16_t statuses[STATUSES_MAX])
{
    struct snapshot_image *image = &wire->image;
    struct snapshot_peer *sbcs = &image->peers[IMAGE_SBCS];
    sbcs->attempts = attempts;
    sbcs->failover_after_ms = 500;
    memcpy(sbcs->failover_statuses, statuses, sizeof(sbcs->failover_statuses));
    // carrier-b's member becomes a third SBC.
    sbcs->member_count = FAILING_MEMBERS;
    image->peers[IMAGE_CARRIER_B].member_count = 0;
    image->peers[IMAGE_CARRIER_B].maglev_count = 0;
    image->members[IMAGE_MEMBER_CARRIER_B] = image->members[IMAGE_MEMBER_SBC1];
    image->members[IMAGE_MEMBER_CARRIER_B].port = failing_third.port;
    wire_reload(wire);
}

const uint16_t failing_usual[STATUSES_MAX] = {408, 503};

static bool is_member(struct endpoint at)
{
    return endpoint_equal(at, wire_sbc1) || endpoint_equal(at, wire_sbc2) ||
           endpoint_equal(at, failing_third);
}

uint16_t failing_member(struct endpoint at)
{
    return endpoint_equal(at, wire_sbc1)   ? IMAGE_MEMBER_SBC1
           : endpoint_equal(at, wire_sbc2) ? IMAGE_MEMBER_SBC2
                                           : IMAGE_MEMBER_CARRIER_B;
}

static unsigned count_at_members(const struct wire *wire, const char *method)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < wire->out_count; i++)
        n += is_member(wire->out[i].to) && starts(&wire->out[i], method);
    return n;
}

struct wire_packet failing_asked(struct wire *wire, const char *method)
{
    assert_int_equal(count_at_members(wire, method), 1);
    for (uint32_t i = 0; i < wire->out_count; i++) {
        if (is_member(wire->out[i].to) && starts(&wire->out[i], method))
            return wire_take(wire, wire->out[i].to);
    }
    abort();
}

void failing_begin(struct call *call, struct wire *wire, const char *id)
{
    char text[WIRE_TEXT_MAX];
    call_init(call, wire, id);
    call_invite_text(call, text);
    wire_send(wire, wire_carrier, text);
    call_take(call, DIALOG_CALLER, "SIP/2.0 100 ");
    call->invite = failing_asked(wire, "INVITE ");
}

void failing_speak_as(struct call *call, struct endpoint member)
{
    call->sides[DIALOG_CALLEE].at = member;
    snprintf(call->sides[DIALOG_CALLEE].target, sizeof(call->sides[0].target), "sip:bob@10.20.0.%u:%u",
             wire_ipv4(member) & 0xff, member.port);
}

void failing_respond(struct call *call, const struct wire_packet *request, const char *status,
                     const char *tag)
{
    failing_speak_as(call, request->to);
    call_respond(call, request, status, tag);
}

void failing_by(struct call *call, const char *status)
{
    struct wire_packet before = call->invite;
    if (status[0] == '-') {
        wire_pass(call->wire, 500);
    } else {
        failing_respond(call, &before, status, "failed");
        struct wire_packet ack = failing_asked(call->wire, "ACK ");
        assert_true(endpoint_equal(ack.to, before.to));
        assert_memory_equal(header_of(&ack, "Via"), header_of(&before, "Via"),
                            strlen(header_of(&ack, "Via")));
    }
    call->invite = failing_asked(call->wire, "INVITE ");
    assert_false(endpoint_equal(call->invite.to, before.to));
    // The same request but for our branch.
    struct span one = before.message.via.branch, other = call->invite.message.via.branch;
    assert_int_equal(one.length, other.length);
    assert_int_not_equal(memcmp(before.text + one.offset, call->invite.text + other.offset, one.length), 0);
    memcpy(before.text + one.offset, call->invite.text + other.offset, one.length);
    assert_string_equal(before.text, call->invite.text);
    assert_int_equal(wire_take_all(call->wire, wire_carrier, ""), 0);
}

void failing_ack(struct call *call, const char *tag)
{
    char text[WIRE_TEXT_MAX];
    snprintf(call->sides[DIALOG_CALLEE].tag, sizeof(call->sides[0].tag), "%s", tag);
    failing_speak_as(call, call->invite.to);
    call_learn(call);
    call_request_text(call, DIALOG_CALLER, "ACK", text);
    wire_send(call->wire, wire_carrier, text);
    failing_asked(call->wire, "ACK ");
}
