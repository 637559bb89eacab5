// SPDX-License-Identifier: BSD-3-Clause
// The part of the channel (channel.h) by which applications make and take calls: commands from control,
// events from the data plane.
//
//   control                                        dataplane
//   UA_COMMAND                               ->    nothing answers it; what comes of it are events with its
//                                                  tag
//                                            <-    UA_EVENTS, unasked
//
// A control that has greeted serves applications, until its connection ends. UA_COMMAND is a struct
// channel_ua_command, its texts and its body. It goes to the worker that its `transaction` names, else to
// that of its `dialog`; what is outside dialogs, to the owner of its CALL_ID, or to any. What no worker takes
// is answered DONE by the agent: -ENOENT, -ENOSPC.
//
// UA_EVENTS is a struct channel_event_run, and so many times a struct channel_ua_event, its message, and
// padding to 8 octets. They are numbered by the data plane's process, from 1. Control says by UA_TAKEN up to
// which one it has taken them: what the next control would need of them is kept. Those that went out and are
// not taken when a connection ends come again on the next one, under their numbers; who knows them passes
// over them. Those that have not gone out when a control goes wait for the next one, and so do those that
// come while there is none and wait for no answer, as long as half of a worker's room for events is free.
// What has gone out and is not taken is a few MiB at most: then the rest waits.
//
// An application is a peer (SNAPSHOT_PRESENT | PEER_APPLICATION) without sources and members: a route leads
// to it, its calls count, are limited and listed as any peer's. A dialog with an application has it on one
// side and a peer on the other.
//
// The data plane does what a user agent must do in time and without asking: transactions, repetitions, the
// ACK to a 2xx that has none of ours to wait for, PRACK to a reliable 1xx that carries no offer, 200 to BYE
// and CANCEL, 487, BYE when an ACK never comes, CSeq, glare, session timers (state/usage.h). All else is
// told, and waits for a command.
//
// Headers. The data plane writes what keeps a dialog together: request line or status line, Via, Route,
// Record-Route of a response, From, To, Call-ID, CSeq, Max-Forwards, RSeq, RAck, Require: 100rel,
// Session-Expires and Min-SE, Content-Length. Contact is UA_TEXT_CONTACT or, when that is empty, sip: and our
// listener in what makes a target or refreshes one (INVITE, SUBSCRIBE, NOTIFY, REFER, UPDATE, their 2xx); any
// other request has none then, so that a REGISTER without one asks for the bindings (RFC 3261 10.2.3). Every
// other header field is the application's, in UA_TEXT_HEADERS; one of those above there refuses the command
// (EINVAL), and so do a CR or LF that ends no line, and a NUL. INVITE and UPDATE have a Supported of the data
// plane's, too, which the application's own stands beside.
//
// CLAIM (RFC 3891). `application`, CALL_ID, TO with the to-tag and FROM_TAG with the from-tag of a Replaces,
// as the field has them. It goes to the owner of the CALL_ID, which looks for a dialog of that application
// whose local tag is the to-tag and whose remote tag is the from-tag, and holds it for control: no second
// CLAIM gets it. DONE tells the dialog, or -ENOENT: there is none (481), -EALREADY: it has ended (603),
// -EISCONN: it is confirmed, and EARLY_ONLY was asked for (486), -EPROTO: it is early, and the application
// did not start it (481), -EBUSY: somebody else has it (486), -ENOSPC: too many are held. Control then
// answers the new INVITE and sends END with CLAIMED, or gives it back by a CLAIM of the same `dialog` without
// texts. What the far end does meanwhile goes its way: a BYE before that END ends the dialog, and the END is
// told -ENOENT or -EALREADY; -EALREADY also when it was claimed with EARLY_ONLY and is confirmed by now. A
// claim ends with its dialog, with the control that made it, and 64 * T1 after it was made or, by a CLAIM of
// the `dialog` with CLAIMED, was renewed.
//
// REFER. An operator's transfer of one side of a proxied call: the data plane sends a REFER in the name of
// the other side, with its tag, target and CSeq (state/dialog_cseq.c), HEADERS are Refer-To and what goes
// with it. DONE as ever, with the REFER as it was sent; -EPROTO: the dialog is not confirmed and
// acknowledged, or the other side's target is not known; -EBUSY: a REFER of ours is under way in it. ANSWERED
// tells its final response; the NOTIFYs of its subscription (RFC 6665, 7647) are answered 200 here, go no
// further, and are told as REFERRAL with ABSORBED and the command's tag. On one that tells of a 2xx the data
// plane sends BYE to both sides, as CHANNEL_DIALOG_END does, unless KEEP says not. Nothing else of the call
// changes.
//
// REFERRAL. Of a proxied dialog control is told each REFER, each response to one but 100, and each NOTIFY of
// Event refer, as it went through, was refused here (`status`), or was absorbed; of REFERs outside dialogs
// and of what comes after a dialog's end likewise, with `dialog` 0. `call` is always there. `result` is the
// number of the REFER that it is about, as the REFER's sender counts: its CSeq, of a NOTIFY the id of its
// Event; 0: it has none, and means the first of its dialog (RFC 3515 2.4.6). What finds less than half of the
// room that there is for events is not told, and counted.
//
// A REQUEST outside dialogs that has CALL_ID may have a tag in TO and Route in HEADERS: it belongs to a
// dialog that the application keeps by itself (a subscription, RFC 6665), and goes where `to_peer` and
// `to_member` say. FROM_TAG is that of an earlier request, or the To-tag of the 2xx to a REFER or SUBSCRIBE
// outside dialogs, which the DONE of its RESPOND has.
#ifndef DIALGATE_CHANNEL_UA_H
#define DIALGATE_CHANNEL_UA_H

#include <assert.h>
#include <stdint.h>
#include "dialgate/address.h"

#define CHANNEL_STATUS_MAX 699u // RFC 3261 section 7.2

enum channel_ua_op {
    CHANNEL_UA_NO_OP,
    CHANNEL_UA_INVITE, // a new call: `application`, `to_peer`, `to_member`, URI, FROM, TO, HEADERS, BODY
    // Any other request of ours; a re-INVITE too. In `dialog`, or outside one (0) with what UA_INVITE has.
    CHANNEL_UA_REQUEST,
    CHANNEL_UA_RESPOND, // `status` to the request `transaction`
    CHANNEL_UA_ACK,     // of `dialog`: to the 2xx that CHANNEL_UA_LATE_ACK keeps waiting
    CHANNEL_UA_CANCEL,  // the INVITE, re-INVITE of ours in `dialog`
    CHANNEL_UA_END, // `dialog`, by what its state asks for: CANCEL, refusal with `status`, BYE now or after
                    // the ACK. HEADERS go with it (Reason)
    CHANNEL_UA_RELEASE, // `dialog` is forgotten, and nothing is sent any more
    CHANNEL_UA_CLAIM,   // the application's dialog that a Replaces names is to be replaced, see below
    CHANNEL_UA_REFER,   // into the proxied `dialog`, see below
    CHANNEL_UA_OPS
};

#define CHANNEL_UA_DESCRIPTION 1u // the body is a session description (RFC 3264)
#define CHANNEL_UA_RELIABLE    2u // RESPOND with 101-199: sent reliably (RFC 3262), or EOPNOTSUPP
#define CHANNEL_UA_LATE_ACK    4u // INVITE, re-INVITE: the ACK to its 2xx is a command
#define CHANNEL_UA_EARLY_ONLY  8u // CLAIM: only while it is not confirmed (RFC 3891 section 3)
#define CHANNEL_UA_CLAIMED                                                                                   \
    16u // END: only if `dialog` is claimed still; CLAIM: of `dialog`, which stays claimed
#define CHANNEL_UA_TO_CALLEE 32u // REFER: to the callee, in the name of the caller; else the other way round
#define CHANNEL_UA_KEEP      64u // REFER: the call stays when the referee tells of a 2xx
#define CHANNEL_UA_FLAGS     127u

enum channel_ua_text {       // without NUL, one after another behind the struct, the body behind them
    CHANNEL_UA_TEXT_METHOD,  // REQUEST
    CHANNEL_UA_TEXT_REASON,  // RESPOND, END: the phrase, at most 127 octets; empty: the RFC's
    CHANNEL_UA_TEXT_URI,     // Request-URI of what is outside a dialog
    CHANNEL_UA_TEXT_FROM,    // name-addr without tag, of what is outside a dialog; empty: made of the
                             // application
    CHANNEL_UA_TEXT_TO,      // likewise; empty: the Request-URI
    CHANNEL_UA_TEXT_CONTACT, // name-addr with parameters
    CHANNEL_UA_TEXT_HEADERS, // lines, CRLF each
    // Outside a dialog, again in the name of an earlier request: both, and `cseq`. Empty: new ones.
    CHANNEL_UA_TEXT_CALL_ID,
    CHANNEL_UA_TEXT_FROM_TAG,
    CHANNEL_UA_TEXTS
};

struct channel_ua_command {
    uint64_t tag;    // control's, not 0; repeated in the events that come of it, also when another control
                     // has connected since: no two controls count alike
    uint64_t dialog; // handle; 0: none
    uint64_t transaction; // handle; 0: none
    uint16_t application; // number, of what is outside a dialog
    uint16_t to_peer;     // number; NUMBER_NONE: the routes from the application say
    uint16_t to_member;   // number; NUMBER_NONE: the peer's balance says
    uint16_t status;
    uint8_t op;    // enum channel_ua_op
    uint8_t flags; // CHANNEL_UA_*
    uint16_t body_length;
    uint16_t text_lengths[CHANNEL_UA_TEXTS];
    uint16_t session_s; // INVITE, re-INVITE, UPDATE: Session-Expires (RFC 4028), 0: as configured
    uint16_t min_se_s;  // the highest Min-SE that a 422 of this call named, 0: none did
    uint16_t reserved;
    uint32_t cseq; // with CALL_ID: above that of the earlier request
};
static_assert(sizeof(struct channel_ua_command) == 64, "layout");

// Octets of a command with its texts and its body.
static inline uint32_t channel_ua_command_size(const struct channel_ua_command *command)
{
    uint32_t size = (uint32_t)sizeof(*command) + command->body_length;

    for (unsigned i = 0; i < CHANNEL_UA_TEXTS; i++)
        size += command->text_lengths[i];
    return size;
}

enum channel_ua_kind {
    CHANNEL_UA_NO_EVENT,
    CHANNEL_UA_CALL,     // an INVITE outside a dialog. `transaction` waits for RESPOND
    CHANNEL_UA_ASKED,    // another request came. `transaction` waits for RESPOND; 0: it was answered with
                         // `status` (BYE: 200), or has no answer (ACK to a 2xx)
    CHANNEL_UA_ANSWERED, // a response to the request with this tag; 2xx to an INVITE with CHANNEL_UA_LATE_ACK
                         // wait for ACK. Without a message: none came (408), or it could not be sent (503)
    CHANNEL_UA_CANCELLED, // the INVITE `transaction` was cancelled; it has had its 487
    CHANNEL_UA_STATE,     // the dialog's state is `state` now, by `reason` (enum channel_reason)
    // The command was carried out as far as it is a matter of the data plane, result 0; or it was not, and
    // nothing more comes of it: result -errno, see below. 0 of INVITE and REQUEST: the message is the request
    // as it was sent, `source` where to; of a 2xx to a REFER or SUBSCRIBE outside dialogs: the response.
    CHANNEL_UA_DONE,
    CHANNEL_UA_RETRY,    // re-INVITE or UPDATE met 491 or a Retry-After, and may come again now
    CHANNEL_UA_REFRESH,  // half of the session interval is over, and the refresh is ours (RFC 4028)
    CHANNEL_UA_EXTEND,   // a minute after the last 1xx of ours: it is to come again (13.3.1.1)
    CHANNEL_UA_RESYNC,   // a re-INVITE failed after a part of it took effect: send another (RFC 6141 3.4)
    CHANNEL_UA_REFERRAL, // of the proxied `dialog`; `application` and `peer` are the peers of the sender and
                         // of the other side, CALLEE: the callee sent it, of a dialog that has a record
    CHANNEL_UA_KINDS
};

#define CHANNEL_UA_CALLEE      1u // the application was called; else it called
#define CHANNEL_UA_CUT         2u // there is no message: it is longer than a datagram takes
#define CHANNEL_UA_ABSORBED    4u // REFERRAL: it went no further
#define CHANNEL_UA_EVENT_FLAGS 7u

// DONE, result: 0; -ENOENT no such dialog or transaction; -EPROTO not in this state (invalid transition);
// -EALREADY it is ending; -EINVAL a text is not what it must be; -EMSGSIZE larger than the way takes;
// -ENOSPC transactions, dialogs or memory are full; -EBUSY a limit of the application or the peer;
// -ENETUNREACH no way or no member; -EOPNOTSUPP the far end has not what it needs; -EAGAIN glare: after
// RETRY; of a reliable RESPOND: after the PRACK to the one before.
struct channel_ua_event {
    uint64_t tag;         // of the command that it comes of, 0: of none
    uint64_t dialog;      // handle, 0: outside dialogs
    uint64_t transaction; // handle, 0: nothing waits for an answer
    uint64_t call;        // the same for all dialogs of one Call-ID
    uint64_t time_ms;     // Unix time
    int32_t result;       // DONE; REFERRAL
    uint16_t application; // number
    uint16_t peer;        // number of the other side
    uint16_t status;
    uint16_t length; // octets of the message, as it was received, behind the struct; then padding to 8 octets
    uint8_t kind;    // enum channel_ua_kind
    uint8_t state;   // enum channel_dialog_state
    uint8_t reason;  // enum channel_reason, with STATE
    uint8_t flags;   // CHANNEL_UA_CALLEE, CHANNEL_UA_CUT, CHANNEL_UA_ABSORBED
    // Of the message; without one the address is not set.
    struct ip_address source;
    uint16_t source_port;
    uint16_t reserved[3];
};
static_assert(sizeof(struct channel_ua_event) == 80, "layout");

struct channel_ua_taken {
    uint64_t number; // of the last event that is
};

// Octets of an event with its message and padding.
static inline uint32_t channel_ua_event_size(const struct channel_ua_event *event)
{
    return (uint32_t)sizeof(*event) + (event->length + 7u) / 8 * 8;
}

#endif
