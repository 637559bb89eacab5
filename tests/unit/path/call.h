// SPDX-License-Identifier: BSD-3-Clause
// Two user agents on the two sides of a wire, and a call between them. What they send is made from what they
// received, as RFC 3261 section 12 says.
#ifndef DIALGATE_TEST_PATH_CALL_H
#define DIALGATE_TEST_PATH_CALL_H

#include "wire.h"

#define CALL_TEXT 1024u

struct side {
    struct endpoint at;
    const char *user;
    char tag[32];
    char target[128];       // its Contact
    char routes[CALL_TEXT]; // Route lines of its requests
    uint32_t cseq;
    const char *via_parameters; // of its own Via, behind the branch
};

struct call {
    struct wire *wire;
    char id[48];
    struct side sides[2];      // by enum dialog_side
    const char *extra;         // further header lines of the next request or response, each with CRLF; NULL
    unsigned branch;           // number of the last one
    struct wire_packet invite; // as the callee received it
    struct wire_packet answer; // the last response to it as the caller received it
};

// From the carrier to the SBC that the Call-ID leads to, or the other way.
void call_init(struct call *call, struct wire *wire, const char *id);
void call_init_outward(struct call *call, struct wire *wire, const char *id);
// The caller's INVITE; *100 is taken, the INVITE at the callee is in call->invite.
void call_invite(struct call *call);
// The text of that INVITE.
void call_invite_text(struct call *call, char text[WIRE_TEXT_MAX]);
// Any response to a request that an agent received; tag: of the To when it has none, "": it stays without.
void call_respond(struct call *call, const struct wire_packet *request, const char *status, const char *tag);
// The callee's response to the INVITE; what the caller received is in call->answer. A 18x or 2xx makes the
// dialog in both.
void call_answer(struct call *call, const char *status);
// Both agents take their route sets from call->invite and call->answer.
void call_learn(struct call *call);
// A request inside the dialog. method INVITE and others count CSeq up, ACK does not. Returns what the other
// side received.
struct wire_packet call_request(struct call *call, enum dialog_side from, const char *method);
void call_request_text(struct call *call, enum dialog_side from, const char *method,
                       char text[WIRE_TEXT_MAX]);
// Sends a request inside the dialog and takes nothing but the 100 of an INVITE. text: for its repetition, ACK
// or CANCEL.
void call_send(struct call *call, enum dialog_side from, const char *method, char text[WIRE_TEXT_MAX]);
// The first packet that waits for this side; it begins with text.
struct wire_packet call_take(struct call *call, enum dialog_side at, const char *text);
// The ACK to the 2xx of an INVITE with this CSeq, as the other side received it.
struct wire_packet call_ack(struct call *call, enum dialog_side from, uint32_t cseq);
// ACK to a refused INVITE or CANCEL of one, made from its text: the same branch. Takes nothing.
void call_hop(struct call *call, enum dialog_side from, const char *method, const char *invite);
// INVITE, 180, 200, ACK.
void call_establish(struct call *call);
// BYE and its 200.
void call_hang_up(struct call *call, enum dialog_side from);
// The hop-by-hop ACK for call->answer, a refusal: the INVITE's branch and the refusal's To-tag.
void call_ack_refusal(struct call *call);
// CANCEL of the INVITE.
void call_cancel(struct call *call);

// The call has one record, and it is in this state; its index.
uint32_t call_expect(const struct call *call, enum dialog_state state);
// There is no record any more.
void call_expect_gone(const struct call *call);

// Values of all headers with this name in order, joined by "|".
const char *header_of(const struct wire_packet *packet, const char *name);
// Octets of text that a packet's start line has.
static inline const char *packet_text(const struct wire_packet *packet)
{
    return packet->text;
}
bool starts(const struct wire_packet *packet, const char *text);
#define assert_starts(packet, wanted)                                                                        \
    do {                                                                                                     \
        if (!starts(packet, wanted))                                                                         \
            fail_msg("not \"%s\" but:\n%s", wanted, packet_text(packet));                                    \
    } while (0)
#define assert_header(packet, name, value) assert_string_equal(header_of(packet, name), value)

#endif
