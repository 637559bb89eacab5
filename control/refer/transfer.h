// SPDX-License-Identifier: BSD-3-Clause
// Transfers of applications' calls: REFERs that came in them (transfer_take.c) and that they send
// (transfer_send.c); REFERs that came outside dialogs, for an application (transfer_outside.c). All run on
// control's one thread.
#ifndef DIALGATE_CONTROL_REFER_TRANSFER_H
#define DIALGATE_CONTROL_REFER_TRANSFER_H

#include "../ua/ua.h"
#include "refer.h"
#include "replaces.h"

#define TRANSFERS_MAX      4096u
#define TRANSFERS_APP_MAX  2048u // of one application: the others have room, whatever it does
#define TRANSFERS_CALL_MAX 8u    // of one dialog at once
#define TRANSFER_CALL_MS   180000u

struct transfer {
    struct refer refer;
    LIST_ENTRY(transfer) link;
    struct ua_app *app;
    uint64_t id;
    uint64_t dialog;  // that the REFER is in
    uint64_t request; // that waits for its answer; 0: it is answered, or ours
    uint64_t target;  // dialog of the new call; 0: none
    uint64_t invite;  // name of its INVITE, 0: none
    uint64_t sent;    // name of our REFER
    uint64_t notify;  // name of the NOTIFY that waits
    uint16_t to_peer; // where the call has to go; NUMBER_NONE: the routes say
    uint16_t refusal; // status to refuse it with
    uint8_t depth;    // of the chain
    bool ours;
    bool program;     // makes the call itself
    bool alone;       // its dialog is over, or never was a call's
    bool outside;     // it came outside dialogs: with our 200 it is one of its own (RFC 3515 2.4.4)
    char reason[128]; // of the status
    bool kept;        // from before control was started anew, and waits for the calls
    char label[UA_LABEL_MAX + 1];
    char *call_id; // of the dialog
    // The subscription's dialog, when the call is over (RFC 5057): of our last NOTIFY.
    char *uri, *from, *from_tag, *to, *routes;
    uint32_t cseq;
    // What the program gave for the new call, NULL: nothing. A restart of control loses it.
    char *offer, *offer_type;
    size_t offer_length;
    uint16_t peer, member;    // where NOTIFYs of one that is alone go; NUMBER_NONE: the peer's balance
    uint16_t later;           // actions that wait for the tag of our 200
    uint32_t their_cseq;      // of the last request in a dialog of its own
    struct ip_address source; // that one came from, as refer_source has it
    struct refer_ask ask;     // ours: uri, replaces, referred_by
    struct ua_reply asker;    // who sent ours, until it is sent
};

// REFERs outside dialogs that an address sends: what is more than REFER_SOURCE_RATE in a second, or more
// than TRANSFERS_CALL_MAX at once, gets 503 and 486.
#define REFER_SOURCES     256u // the one that has been silent longest gives its place up
#define REFER_SOURCE_RATE 10u
struct refer_source {
    struct ip_address address; // of IPv6 its /64
    uint32_t count;            // in this second
    uint64_t second;
};

struct transfers {
    LIST_HEAD(, transfer) list;
    struct replacements replacements;
    uint64_t takeovers[TAKEOVER_COUNT]; // of INVITEs with Replaces
    struct event *clock;
    uint64_t last;
    uint32_t count;
    struct refer_source sources[REFER_SOURCES];
};

int transfers_start(struct control *control); // after ua_start(). 0 or -ENOMEM
void transfers_stop(struct control *control); // before ua_stop()

// --- transfer.c ---

struct transfer *transfer_begin(struct ua *ua, const struct ua_call *call, enum refer_state state,
                                uint32_t cseq);
// One without a call.
struct transfer *transfer_begin_outside(struct ua *ua, struct ua_app *app, enum refer_state state,
                                        uint32_t cseq);
struct transfer *transfer_find(const struct ua *ua, uint64_t id);
// Carries out actions of refer.h; the transfer may be gone then.
void transfer_act(struct ua *ua, struct transfer *transfer, unsigned actions);
json_t *transfer_json(const struct transfer *transfer);
unsigned transfer_count_of(const struct ua *ua, uint64_t dialog);
// A reply that finds its transfer by its id, if it is still there. done NULL: no memory.
struct ua_reply transfer_reply(struct ua *ua, const struct transfer *transfer,
                               void (*told)(struct ua *, struct transfer *, const struct ua_outcome *));
// The member of its peer that the request came from, for NOTIFYs that go in the name of a dialog.
uint16_t transfer_member(const struct control *control, const struct ua_request *request);
// From now on its NOTIFYs go in the name of its dialog, not in it. False: they do already.
bool transfer_leave(struct transfer *transfer);
char *transfer_copy(const struct message *message, struct span span); // for free()

// transfer_note.c: the actions of a step, for the table of all transfers (referral.h).
void transfer_note(struct ua *ua, const struct transfer *transfer, unsigned actions);

// --- transfer_take.c ---

bool transfer_take_refer(struct ua *ua, struct ua_request *request, const struct message *message);
// 0, or the status to refuse it with. What it asks for is in transfer->ask then.
uint16_t transfer_judge(struct ua *ua, struct transfer *transfer, const struct message *message,
                        const struct config_application_view *view, uint32_t application);
void transfer_tell(struct ua *ua, const struct transfer *transfer, const struct ua_call *call);
unsigned transfer_take_up(struct transfer *transfer); // it is accepted: returns actions
bool transfer_take_subscribe(struct ua *ua, struct ua_request *request, const struct message *message);
void transfer_respond_to(struct ua *ua, struct ua_request *request, uint16_t status, const char *extra);
void transfer_respond(struct ua *ua, const struct transfer *transfer, uint16_t status);
bool transfer_notify(struct ua *ua, struct transfer *transfer, bool last);
// What the program says of a REFER that waits. DG_OK, or why not.
struct transfer_verdict {
    bool accept;
    uint16_t status;    // of a refusal
    const char *reason; // its phrase; NULL: the RFC's
    const char *body;   // accepted: what the new call offers; NULL: what it has without
    size_t body_length;
    const char *content_type; // NULL: application/sdp where the body is one
};
enum dg_code transfer_answer(struct ua *ua, struct transfer *transfer,
                             const struct transfer_verdict *verdict);
// What the program says of the call that it makes itself; the first one accepts the REFER.
enum dg_code transfer_report(struct ua *ua, struct transfer *transfer, unsigned status, const char *reason,
                             bool final);

// --- transfer_call.c ---

bool transfer_call(struct ua *ua, struct transfer *transfer); // false: it could not be sent
// 0, or 480: nobody could describe the session of the new call.
uint16_t transfer_judge_offer(const struct ua *ua, const struct transfer *transfer);

// --- transfer_outside.c ---

bool transfer_take_outside(struct ua *ua, struct ua_request *request, const struct message *message);
// Accepts it. What else is to be done is done when our tag is known; the transfer may be gone then.
void transfer_open(struct ua *ua, struct transfer *transfer, unsigned later);
// RFC 5057 section 5.4: a SUBSCRIBE moves the target of the subscription's own dialog.
void transfer_move(struct transfer *transfer, const struct message *subscribe);
// Whether a request of theirs belongs to its dialog: the call, or the one of its own.
bool transfer_has(const struct transfer *transfer, const struct ua_request *request,
                  const struct message *message);

// --- transfer_send.c ---

// --- transfer_keep.c: over a restart of control. A new field that has to outlive it belongs there ---

void transfer_keep(struct ua *ua, const struct transfer *transfer); // as it is now
void transfers_take(struct ua *ua);
void transfers_resumed(struct ua *ua);
void transfers_restarted(struct ua *ua);

struct transfer_wish {
    struct ua_call *call; // NULL: outside dialogs, with what follows
    struct ua_app *app;
    const char *uri, *from;      // whom to refer; NULL: of the application
    const char *user, *password; // for challenges; NULL: none
    const char *realm;           // whose; NULL: see ../ua/credentials.h
    uint16_t peer, member;       // where to; NUMBER_NONE: the routes, the balance
    const struct refer_order *order;
    const json_t *headers;
    const char *label;
    struct ua_reply reply; // its outcome's request is the id of the transfer
};
// 0: reply will be told; -1 with the fault: it will not.
int transfer_send(struct ua *ua, const struct transfer_wish *wish, struct ua_fault *fault);
bool transfer_take_notify(struct ua *ua, struct ua_request *request, const struct message *message);

#endif
