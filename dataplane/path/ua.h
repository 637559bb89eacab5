// SPDX-License-Identifier: BSD-3-Clause
// The ua service on its owner core: Dialgate as an end of a dialog (RFC 3261 sections 8, 9, 12-15). What the
// machine of a call is, is state/usage.h; what control and applications see, dialgate/channel_ua.h.
//
//   ua_take.c     what comes for an application: INVITE, requests in and outside dialogs, ACK, CANCEL
//   ua_respond.c  RESPOND: our responses, reliable ones too
//   ua_place.c    INVITE and REQUEST: our requests in and outside dialogs
//   ua_answer.c   responses to them: forks, ACK, PRACK, failures
//   ua_step.c     one step of a call's machine, and what its actions ask for; timers
//   ua_command.c  commands from control, checked, a slice a turn
//   ua_tell.c     events to control
//
// A call with an application has a dialog record as any other (state/dialog.h): identity, targets, route sets,
// CSeqs, both peers (one of them the application), persistence, limits, lists, records of calls. While it is
// early, or something in it is under way, it has a usage beside it: dialog.invite and invite_generation name
// it instead of a server transaction. A confirmed dialog that waits for nothing needs none: ua_rest() packs
// what counts (CSeqs, session) into the record and releases the usage, ua_wake() makes it again; so a dialog
// that is taken over from an earlier process needs no more than its record, and costs no more than a proxied
// one.
//
// Transactions of applications have `ua` set and other == INDEX_NONE. Of a server transaction the request's
// octets are kept in `attempts` (ua_request_keep()) until its final response; a client transaction has
// TRANSACTION_FLAG_OURS, too. The tags of commands lie beside the transactions (struct ua).
//
// Nobody waits for control: when no control is connected, or the events' ring has no room for a request, the
// request is answered 503 with Retry-After and counted.
#ifndef DIALGATE_PATH_UA_H
#define DIALGATE_PATH_UA_H

#include "dialgate/channel_ua.h"
#include "ua_ring.h"
#include "usage.h"
#include "worker_core.h"

struct ua {
    struct usages usages; // capacity 0: there are no applications
    uint64_t *tags;       // of client transactions' commands, by index of the transaction
    struct ua_ring *commands;
    struct ua_ring *events;
    const _Atomic(bool) *heard; // control is connected: the agent writes
};

// The application's side of a dialog; false: both sides are peers.
bool ua_side(const struct worker *worker, uint32_t dialog, enum dialog_side *ours);
// Its usage, made again if it rests. INDEX_NONE: there is no room.
uint32_t ua_usage(struct worker *worker, uint32_t dialog);
// Packs a usage that waits for nothing into its dialog's record, and releases it.
void ua_rest(struct worker *worker, uint32_t dialog);

// --- what the stages call ---

// route.c: a request outside a dialog whose route leads to an application (the route's peer). Settles the work.
void ua_take_new(struct worker *worker, struct work *work, uint16_t application);
// route.c: a request inside a dialog with an application, ACK to a 2xx too; not CANCEL. Settles the work.
void ua_take_inside(struct worker *worker, struct work *work);
// transaction_stage.c: the CANCEL of this server transaction was answered 200.
void ua_take_cancel(struct worker *worker, uint32_t server);
// response.c: a response to a request of an application; actions: of its transaction's step.
void ua_answer(struct worker *worker, struct work *work, unsigned actions);
// response.c: none came, or it could not be sent.
void ua_answer_none(struct worker *worker, uint32_t client);
// expire.c: the wheel gave a usage back, or a dialog with an application is due (dialog_expired()).
void ua_expired(struct worker *worker, uint32_t usage);
void ua_dialog_expired(struct worker *worker, uint32_t dialog, enum dialog_event event);
// command.c, dialog_apply.c: the operator ends it. Returns 0 or -errno.
int ua_end(struct worker *worker, uint32_t dialog, const struct channel_ua_command *command);
// worker.c: at most UA_COMMANDS_A_TURN commands; returns how many.
#define UA_COMMANDS_A_TURN 32u
unsigned ua_command_slice(struct worker *worker);

// --- between the files of ua ---

// A command as it lies in the ring.
struct ua_command {
    const struct channel_ua_command *fixed;
    struct dialog_string texts[CHANNEL_UA_TEXTS];
    struct dialog_string body;
};
int ua_respond(struct worker *worker, const struct ua_command *command);
int ua_place(struct worker *worker, const struct ua_command *command);   // INVITE
int ua_request(struct worker *worker, const struct ua_command *command); // in or outside a dialog
int ua_ack(struct worker *worker, const struct ua_command *command);

// One event of a call's machine: the usage's step, the dialog record's (dialog_apply()), and what the actions
// ask to be sent; DO_SEND and DO_DELIVER are the caller's. Returns the actions. The dialog may be gone.
struct ua_step {
    uint32_t dialog;
    enum usage_event event;
    enum channel_reason reason;
    const struct message *message; // that caused it, NULL: none
};
unsigned ua_step(struct worker *worker, const struct ua_step *step);

// ua_tell.c. False: no room, or no control; counted.
struct ua_told {
    enum channel_ua_kind kind;
    uint64_t tag;
    uint32_t dialog;      // INDEX_NONE
    uint32_t transaction; // INDEX_NONE
    uint16_t application, peer;
    uint16_t status;
    int result;
    enum channel_reason reason;
    const struct message *message; // NULL: none
    struct endpoint source;
};
bool ua_tell(struct worker *worker, const struct ua_told *told);

// The request of a server transaction of ours, kept until its final response.
int ua_request_keep(struct worker *worker, uint32_t server, const struct message *request);
bool ua_request_kept(struct worker *worker, uint32_t server, struct message *request); // into worker->kept or such

#endif
