// SPDX-License-Identifier: BSD-3-Clause
// The ua service on its owner core: Dialgate as an end of a dialog (RFC 3261 sections 8, 9, 12-15). What the
// machine of a call is, is state/usage.h; what control and applications see, dialgate/channel_ua.h.
//
//   ua_take.c     what comes for an application outside dialogs; ua_take_inside.c: inside, ACK and CANCEL too
//   ua_respond.c  RESPOND: our responses, reliable ones too
//   ua_place.c    INVITE and REQUEST outside a dialog
//   ua_draft.c    such a request as a message; ua_way.c: its peer and its member
//   ua_request.c  REQUEST inside one, ACK, CANCEL
//   ua_send.c     what our requests have in common; ACK, CANCEL, PRACK that nobody asked for
//   ua_answer.c   responses to them; ua_answer_invite.c: forks, ACK, PRACK, failures
//   ua_tag.c      tags that tell whose they are
//   ua_step.c     one step of a call's machine, and what its actions ask for; timers
//   ua_rest.c     usages of dialogs: made, put to rest, woken
//   ua_command.c  commands from control, checked, a slice a turn
//   ua_claim.c    CLAIM: the dialog that a Replaces names
//   ua_tell.c     events to control
//
// A call with an application has a dialog record as any other (state/dialog.h): identity, targets, route
// sets, CSeqs, both peers (one of them the application), persistence, limits, lists, records of calls. While
// it is early, or something in it is under way, it has a usage beside it, which dialog.invite names (with
// UA_INVITE set) instead of a server transaction. A confirmed dialog that waits for nothing needs none: CSeqs
// and session are in the record, ua_rest() releases the usage, ua_usage() makes it again; so a dialog that is
// taken over from an earlier process needs no more than its record, and costs no more than a proxied one. The
// record's session_end is when the usage is needed next: to refresh, or to end the session.
//
// Transactions of applications have `ua` set and other == INDEX_NONE. Of a server transaction the request's
// octets are kept in `attempts` (ua_request_keep()) until its final response; a client transaction has
// TRANSACTION_FLAG_OURS, too. The tags of commands lie beside the transactions (struct ua in worker_core.h).
//
// Nobody waits for control: when no control is connected, or the events' ring has no room for a request, the
// request is answered 503 with Retry-After and counted.
#ifndef DIALGATE_PATH_UA_H
#define DIALGATE_PATH_UA_H

#include "dialgate/channel_ua.h"
#include "worker_core.h"

#define UA_PHRASE_MAX 128u       // octets of a reason phrase, NUL included
#define UA_INVITE     (1u << 30) // in dialog.invite: it names a usage; no transaction has such an index

// --- what the stages call ---

// The application's side of a dialog; false: both sides are peers.
bool ua_side(const struct worker *worker, uint32_t dialog, enum dialog_side *ours);
// target.c: a request outside a dialog whose route leads to this application. Settles the work.
void ua_take_new(struct worker *worker, struct work *work, uint16_t application);
// route.c: a request inside a dialog with an application, ACK to a 2xx too; not CANCEL. Settles the work.
void ua_take_inside(struct worker *worker, struct work *work);
// dialog_stage.c: a request with a tag of an application's but without a record; work->to_peer is that then.
bool ua_is_stray(const struct worker *worker, struct work *work);
// route.c: such a request. Settles the work.
void ua_take_stray(struct worker *worker, struct work *work);
// transaction_stage.c: the To-tag of responses to this INVITE, for the 200 to its CANCEL (9.2). False: the
// INVITE has had its final response.
bool ua_cancel_tag(struct worker *worker, uint32_t server, const struct message *cancel,
                   char tag[COOKIE_TEXT_MAX]);
// That CANCEL was answered 200.
void ua_take_cancel(struct worker *worker, uint32_t server, const struct message *cancel);
// response.c: a response to a request of an application; actions: of its transaction's step.
void ua_answer(struct worker *worker, struct work *work, unsigned actions);
// response.c: none came, or it could not be sent.
void ua_answer_none(struct worker *worker, uint32_t client, uint16_t status); // 408, 503
// expire.c: the wheel gave a usage back, or a dialog with an application is due (dialog_expired()).
void ua_expired(struct worker *worker, uint32_t usage);
void ua_dialog_expired(struct worker *worker, uint32_t dialog, enum dialog_event event);
// expire.c: a request other than INVITE that waits long gets a 100 (RFC 4320 4.1).
void ua_trying_late(struct worker *worker, uint32_t server);
// expire.c: the time of an INVITE is over whose caller waits for an answer: it gets one. False: it is none,
// or that could not be sent.
bool ua_invite_overdue(struct worker *worker, uint32_t server);
// expire.c: a server transaction whose request nobody answered.
void ua_unanswered(struct worker *worker, uint32_t server);
// response.c: the BYE that its record sent is answered, or is not.
void ua_bye_ended(struct worker *worker, uint32_t dialog);
// dialog_apply.c, keepalive.c: the operator ends it, or it is dead. Returns 0 or -errno.
int ua_end(struct worker *worker, uint32_t dialog, enum channel_reason reason);
// worker.c: at most UA_COMMANDS_A_TURN commands; returns how many.
#define UA_COMMANDS_A_TURN 32u
unsigned ua_command_slice(struct worker *worker);

// --- commands ---

// As it lies in the ring, checked: lengths, texts, header lines. A handle that it names was found.
struct ua_command {
    const struct channel_ua_command *fixed;
    struct dialog_string texts[CHANNEL_UA_TEXTS];
    struct dialog_string body;
    uint32_t dialog;      // index, INDEX_NONE; INVITE sets it
    uint32_t transaction; // likewise, of a live transaction; INVITE and REQUEST set it
};
// Each returns 0 or -errno as channel_ua.h has them; DONE is told by the caller, before or after what else
// comes of the command.
int ua_respond(struct worker *worker, struct ua_command *command);
int ua_place(struct worker *worker, struct ua_command *command);   // INVITE
int ua_request(struct worker *worker, struct ua_command *command); // in a dialog, or ua_place_other()
int ua_place_other(struct worker *worker, struct ua_command *command);
int ua_ack(struct worker *worker, struct ua_command *command);
int ua_cancel(struct worker *worker, struct ua_command *command);

// --- usages (ua_rest.c) ---

// Its usage, made again if it rests. INDEX_NONE: there is no room, or the dialog is not confirmed and has
// none.
uint32_t ua_usage(struct worker *worker, uint32_t dialog);
// The same without making one.
uint32_t ua_usage_awake(struct worker *worker, uint32_t dialog);
// Ties a new usage and its dialog to each other.
void ua_tie(struct worker *worker, uint32_t dialog, uint32_t usage);
// The dialog of a usage, INDEX_NONE: it is gone.
uint32_t ua_dialog_of(struct worker *worker, uint32_t usage);
// Releases the usage of a confirmed dialog when it waits for nothing. The caller has no more need of it.
void ua_rest(struct worker *worker, uint32_t dialog);
// CSeq of our next request inside the dialog, committed. 0: there is none (8.1.1.5), or no room for a usage.
uint32_t ua_number(struct worker *worker, uint32_t dialog);
// The session's terms, from a 2xx on (uac: to a request of ours), in the usage and for the record.
void ua_session(struct worker *worker, uint32_t dialog, struct session_terms terms, bool uac);
// The record's session_end has come: its usage is awake, and will do what is due; the record looks again
// later.
void ua_session_due(struct worker *worker, uint32_t dialog);
// The peer's remote target from now on (12.2.1.2, 12.2.2): the Contact of this message of the peer.
void ua_target(struct worker *worker, uint32_t dialog, const struct message *message);
// The live server or client transaction of the INVITE under way, INDEX_NONE.
uint32_t ua_invite(struct worker *worker, uint32_t usage);

// --- one step of a call's machine (ua_step.c) ---

struct ua_step {
    uint32_t dialog;
    enum usage_event event;
    enum channel_reason reason;    // told with STATE; 0 (CREATED): what the event says
    uint16_t status;               // of the response that is or was sent, if that is what it is about
    uint64_t tag;                  // of the command, for the challenge of its BYE; 0: none
    const struct message *message; // that caused it, NULL: none
    struct dialog_string headers;  // lines for a BYE, a CANCEL or a refusal that comes of it
    struct dialog_string phrase;   // of that refusal, empty: the RFC's
};
// The usage's step, and ua_do() of its actions, which it returns. DO_NOT_NOW and nothing happened: also when
// there is no usage. DO_SEND and DO_DELIVER are the caller's. The dialog may be gone afterwards.
unsigned ua_step(struct worker *worker, const struct ua_step *step);
// The same for every dialog of our INVITE as long as none is answered: what is wanted of one of them, and can
// only be had of all (CANCEL). Returns the actions of the step's own.
unsigned ua_step_set(struct worker *worker, const struct ua_step *step);
// What the actions ask for, which usage_step(), usage_receive() or usage_receive_ack() of this dialog's usage
// gave: the record's state, BYE, refusals, repetitions, STATE told, release, rest.
void ua_do(struct worker *worker, const struct ua_step *step, unsigned actions);

// --- events (ua_tell.c) ---

struct ua_told {
    enum channel_ua_kind kind;
    uint64_t tag;
    uint64_t dialog;      // handle, 0: none
    uint64_t transaction; // handle, 0: none
    uint64_t call;        // 0: by the message's Call-ID, if there is one
    uint16_t application, peer;
    uint16_t status;
    int result;
    enum dialog_state state;
    enum channel_reason reason;
    bool called;                   // the application was
    bool absorbed;                 // REFERRAL: it went no further
    const struct message *message; // NULL: none
    struct endpoint source;
};
// What is always the same of events of a dialog; the rest zeros.
struct ua_told ua_told_of(const struct worker *worker, enum channel_ua_kind kind, uint32_t dialog);
// False: no room, or no control and it waits for an answer; counted.
bool ua_tell(struct worker *worker, const struct ua_told *told);
// Whether control is there to be told.
bool ua_is_heard(const struct worker *worker);
// Whether the ring is less than half full: then also what waits for no answer is told without a control.
bool ua_may_keep(const struct worker *worker);
uint64_t ua_transaction_handle(struct worker *worker, uint32_t transaction);
// The live transaction of an application that a handle names, INDEX_NONE.
uint32_t ua_transaction_by_handle(struct worker *worker, uint64_t handle);

// --- requests that wait for RESPOND (ua_respond.c) ---

// To-tag of responses to a request that began outside a dialog.
void ua_tag_for(const struct worker *worker, const struct message *request, uint16_t application,
                char tag[COOKIE_TEXT_MAX]);
// The Contact value of who gives none: sip: and the listener.
void ua_contact_write(const struct worker *worker, struct writer *writer, uint16_t listener);
// The Contact of `ours` that stands, as the next INVITE, 2xx, NOTIFY has it (12.1, 12.2.1.1): the last that a
// command gave, else our listener's. In `out`.
struct dialog_string ua_contact(const struct worker *worker, uint32_t dialog, enum dialog_side ours,
                                struct writer *out);
// Keeps the request of a server transaction of ours until its final response. Returns 0 or -ENOSPC.
int ua_request_keep(struct worker *worker, uint32_t server, const struct work *work, uint16_t application);
// It again, in worker->kept, and what was kept with it. False: it is not kept (any more).
struct ua_kept {
    struct endpoint source; // of the request
    uint16_t application;
    uint16_t owed;           // status of a final response that found no mbuf, 0: none
    uint16_t phrase_length;  // of what is owed, behind the request
    uint32_t length;         // octets of the request behind this
    uint32_t headers_length; // of what is owed, behind its phrase
};
bool ua_request_kept(struct worker *worker, uint32_t server, struct ua_kept *kept);
void ua_request_forget(struct worker *worker, uint32_t server);
// A response by the kept request.
struct ua_response {
    uint16_t status;
    struct dialog_string phrase; // empty: the RFC's
    const char *lines;           // of ours, with CRLF each, or NULL
    struct dialog_string headers;
    struct dialog_string contact; // empty: none is written, unless `ours`
    bool ours;                    // contact is sip: and the listener when it is empty
    struct dialog_string body;
};
// Returns 0 with a message to be sent to the transaction's remote end; -ENOENT: the request is not kept;
// -EMSGSIZE; -ENOBUFS: no mbuf.
int ua_response_write(struct worker *worker, uint32_t server, const struct ua_response *response,
                      struct rendered *rendered);
// Sends it as a response of the transaction, which is stepped; a 2xx to INVITE is not kept there. Takes the
// mbuf. False: the transaction has had its final response.
bool ua_response_send(struct worker *worker, uint32_t server, uint16_t status, struct rendered *rendered);
// A final response of ours to a kept request, without a word of any application; not a 2xx to INVITE. Steps
// the transaction alone. Without an mbuf it is owed, and goes out later; without memory to keep them, too,
// without its phrase and headers.
struct ua_final {
    uint16_t status;
    struct dialog_string phrase;  // empty: the RFC's
    struct dialog_string headers; // lines with CRLF each
};
void ua_finish(struct worker *worker, uint32_t server, const struct ua_final *final);
bool ua_is_owed(struct worker *worker, uint32_t server);
// transaction_stage.c: the request came again. True: it has what was owed.
bool ua_pay(struct worker *worker, uint32_t server);

#endif
