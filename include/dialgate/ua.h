// SPDX-License-Identifier: BSD-3-Clause
// libdialgate: the C library for applications that talk to dialgate-control over its socket (JSON-RPC 2.0,
// one object a line).
//
// An agent (dg_agent_) is an application of Dialgate's configuration: a user agent that is client and server.
// It makes and takes calls; each is a dialog (dg_dialog_). What waits for an answer, of theirs or of ours, is
// a request (dg_request_, dg_refer_). Packets, retransmissions and timers are Dialgate's: dialogs live on
// when the program, or dialgate-control, ends and comes again. control/client/README.md has an example of
// each group of functions. A client (dg_client_) calls any method of the socket and waits: it is one
// connection and belongs to one thread at a time.
//
// Ownership: what a dg_ function hands out is given back by the dg_ function named with it, never by free().
// Errors: functions return an enum dg_code; a struct dg_error that is passed in (NULL: none is wanted) gets
// the same code and one line of text. Threads: every function of agents, dialogs and requests may be called
// from any thread, from callbacks too. Callbacks run one at a time an agent, in the order of what happened,
// in the thread that calls dg_agent_process() (dg_agent_start(): in one of the agent's own), and never under
// a lock. A callback may take its time: up to options.queue events wait meanwhile, then the oldest are
// dropped and DG_ON_LOST says how many. What dg_dialog_state() and its like say is right all the same.
#ifndef DIALGATE_UA_H
#define DIALGATE_UA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ua_client.h"
#include "ua_error.h"
#include "ua_event.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Agents ---

// Structures of options begin with their size, so that they may grow: begin them with DG_INIT(). What is zero
// is as if it were not there.
#define DG_INIT(type)                                                                                        \
    {                                                                                                        \
        .size = sizeof(struct type)                                                                          \
    }

// Listeners, peers with their members, weights and failover, limits and sessions of an application are in
// Dialgate's configuration (`applications:`), which is read there alone.
struct dg_agent_options {
    size_t size;
    const char *socket;                           // NULL: DG_DEFAULT_SOCKET
    const char *application;                      // its name in the configuration
    dg_on_event *on_event;                        // everything; NULL: dg_agent_subscribe() says what
    void *context;                                // of on_event and log
    void (*log)(void *context, const char *line); // connection and losses; in any thread, no call back
    const char *retry; // name of a policy for what is sent; NULL: the application's
    int timeout_ms;    // of each call to Dialgate (10000)
    unsigned queue;    // events that wait for callbacks (4096)
};

// Connects, attaches to the application and takes up the dialogs that it has. NULL: *error says why. One
// agent a process and application is enough; when there are more, each hears everything and the first answer
// counts.
struct dg_agent *dg_agent_create(const struct dg_agent_options *options, struct dg_error *error);
// Waits for a callback under way in another thread, then no more come. The dialogs go on in Dialgate; handles
// that the program still has are good for reading and dg_..._unref(), all else is DG_CLOSED. NULL is allowed.
void dg_agent_close(struct dg_agent *agent);

// For the caller's loop: poll the descriptor for POLLIN, then dg_agent_process(), which reads, sends, and
// calls the callbacks of what came; it never waits. DG_NOT_CONNECTED: dialgate-control is gone, and tried
// again by itself while the descriptor is served.
int dg_agent_fd(const struct dg_agent *agent);
enum dg_code dg_agent_process(struct dg_agent *agent);
// Or a thread of the agent's own serves it.
enum dg_code dg_agent_start(struct dg_agent *agent);
bool dg_agent_is_connected(struct dg_agent *agent);

// on_event hears the kinds of mask, of one dialog (NULL: of all). Returns a number for unsubscribe, 0: no
// memory. After unsubscribe it is not called any more; one under way in another thread is waited for.
uint64_t dg_agent_subscribe(struct dg_agent *agent, struct dg_dialog *dialog, unsigned mask,
                            dg_on_event *on_event, void *context);
void dg_agent_unsubscribe(struct dg_agent *agent, uint64_t subscription);

// --- What is sent ---

struct dg_header {
    const char *name, *value;
};

// Of a call with done set: it returns when the request has left for Dialgate; done is told like an event what
// came of it. The handles are gone with its return.
struct dg_result {
    enum dg_code code;
    const char *text; // why not
    struct dg_dialog *dialog;
    struct dg_request *request;
};
typedef void dg_done(void *context, const struct dg_result *result);

// Which members a function takes depends on what it sends; one that does not belong there is
// DG_INVALID_PARAMS and named in the error's text.
struct dg_options {
    size_t size;
    int timeout_ms; // for Dialgate's answer, not for the far end's; 0: the agent's
    dg_done *done;  // NULL: the call waits
    void *context;  // of done

    const struct dg_header
        *headers;        // any but those that Dialgate keeps: Via, Route, Record-Route, From, To, Call-ID,
    size_t header_count; // CSeq, Max-Forwards, Contact, Content-Length, Session-Expires, RSeq, RAck
    const void *body;
    size_t body_length;       // 0: up to its NUL
    const char *content_type; // NULL: application/sdp where the body begins with v=0
    const char *user_agent, *subject, *allow, *supported, *accept;
    const char *asserted_identity; // P-Asserted-Identity (RFC 3325): URI, name-addr, or DG_SAME_AS_FROM
    unsigned expires_s;            // Expires
    const char *reason;            // phrase of a response

    const char *to;              // dg_agent_request() alone
    const char *from, *contact;  // URI or name-addr (dg_address_text()); NULL: as configured
    const char *peer, *member;   // where to: a peer, one of its members (address:port); NULL: by the routes
    const char *user, *password; // answers 401 and 407: MD5, SHA-256 (RFC 8760)
    const char *retry;           // policy; NULL: the agent's
    unsigned redirects;          // 3xx to follow
    unsigned ring_ms;            // the INVITE is cancelled without a final response by then; 0: never
    unsigned session_expires_s;  // RFC 4028; 0: as configured
    const char *note;            // a text that Dialgate keeps with the dialog (dg_dialog_note())
    const char *tag;             // comes back in every event about this request; at most 64 octets
    bool late_ack; // the ACK of the 2xx waits for dg_dialog_ack(): its answer comes from elsewhere
    bool reliable; // 1xx: until PRACK (RFC 3262)

    const char *cause_protocol; // Reason (RFC 3326) of an ending: SIP, Q.850
    unsigned cause;
    const char *cause_text;
    unsigned status; // of the refusal where an ending meets a call that we have not answered

    const char *referred_by; // RFC 3892
    bool no_subscription;    // RFC 4488: no progress is wanted
    bool early_only;         // RFC 3891: only while the dialog to be replaced is early

    const char *realm; // whose challenges alone user and password answer; NULL: of all that stand on the way
                       // to where the request was sent first, and behind a 3xx of those among them
};
#define DG_SAME_AS_FROM "from"

// `"display" <uri;uri_parameters>;parameters`, quoted as it must be; uri NULL: sip:user@host. NULL: no
// memory, or a control character. For dg_free().
struct dg_address {
    const char *display, *user, *host, *uri;
    const char *uri_parameters, *parameters; // without the first semicolon
};
char *dg_address_text(const struct dg_address *address);

// A new call. *dialog (which may be NULL) is the caller's, for dg_dialog_unref().
enum dg_code dg_agent_call(struct dg_agent *agent, const char *to, const struct dg_options *options,
                           struct dg_dialog **dialog, struct dg_error *error);
// A request outside dialogs to options->to: OPTIONS, MESSAGE, SUBSCRIBE, ... *request (which may be NULL) is
// the caller's, for dg_request_unref(); its answer is DG_EVENT_RESPONSE or dg_request_wait()'s.
enum dg_code dg_agent_request(struct dg_agent *agent, const char *method, const struct dg_options *options,
                              struct dg_request **request, struct dg_error *error);
// Binds and refreshes (RFC 3261 section 10) until it is taken back; DG_EVENT_REGISTERED says how it goes.
struct dg_registration {
    size_t size;
    const char *registrar, *aor; // sip:example.net, sip:alice@example.net
    const char *contact, *peer, *user, *password, *tag;
    unsigned expires_s; // 0: 3600
    const char *realm;  // as in struct dg_options
};
enum dg_code dg_agent_register(struct dg_agent *agent, const struct dg_registration *registration,
                               struct dg_error *error);
enum dg_code dg_agent_unregister(struct dg_agent *agent, const struct dg_registration *registration,
                                 struct dg_error *error);

// By id: a handle (the caller's), NULL: there is none. By Call-ID and tags (NULL: any): asks Dialgate, and
// visits all that match. List: those that the agent knows. visit is never called under a lock, its handle is
// gone when it returns; false ends the visits.
typedef bool dg_visit(void *context, struct dg_dialog *dialog);
struct dg_names {
    const char *call_id, *local_tag, *remote_tag;
};
struct dg_dialog *dg_agent_find(struct dg_agent *agent, const char *id);
enum dg_code dg_agent_find_names(struct dg_agent *agent, const struct dg_names *names, dg_visit *visit,
                                 void *context);
size_t dg_agent_list(struct dg_agent *agent, dg_visit *visit, void *context); // how many were visited
size_t dg_agent_count(struct dg_agent *agent, enum dg_state state);
size_t dg_agent_total(struct dg_agent *agent);

// --- Dialogs ---

// An event's handle is gone when the callback returns: who keeps it takes a reference.
struct dg_dialog *dg_dialog_ref(struct dg_dialog *dialog);
void dg_dialog_unref(struct dg_dialog *dialog); // NULL is allowed

const char *dg_dialog_id(const struct dg_dialog *dialog); // does not change, as long as the handle
bool dg_dialog_is_callee(struct dg_dialog *dialog);       // role: server
enum dg_state dg_dialog_state(struct dg_dialog *dialog);
enum dg_sipgo_state dg_dialog_sipgo_state(struct dg_dialog *dialog);
const char *dg_state_text(enum dg_state state);
// Whether a dialog may go from one state to the other at all.
bool dg_state_can_follow(enum dg_state from, enum dg_state to);
// The program's own pointer, in this process only.
void dg_dialog_set_context(struct dg_dialog *dialog, void *context);
void *dg_dialog_context(struct dg_dialog *dialog);

struct dg_change {
    uint64_t after_ms; // since it was created
    enum dg_state from, to;
    const char *reason;
};
struct dg_end { // a side of a dialog; NULL: not known
    const char *uri, *tag, *target;
    uint32_t cseq;
};
// As Dialgate knows it now; for dg_dialog_info_free().
struct dg_dialog_info {
    const char *id, *call_id, *application, *peer, *note;
    struct dg_end local, remote;
    enum dg_state state;
    bool callee, acked;
    uint64_t created_ms, active_ms; // Unix time
    const struct dg_change *history;
    size_t changes;
};
enum dg_code dg_dialog_info(struct dg_dialog *dialog, struct dg_dialog_info **info, struct dg_error *error);
void dg_dialog_info_free(struct dg_dialog_info *info);

// A call that came: 1xx, 2xx (kept up until the ACK, then BYE without one), refusal, 3xx to count targets.
enum dg_code dg_dialog_progress(struct dg_dialog *dialog, unsigned status, const struct dg_options *options,
                                struct dg_error *error);
enum dg_code dg_dialog_answer(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_error *error);
enum dg_code dg_dialog_reject(struct dg_dialog *dialog, unsigned status, const struct dg_options *options,
                              struct dg_error *error);
enum dg_code dg_dialog_redirect(struct dg_dialog *dialog, const char *const *targets, size_t count,
                                const struct dg_options *options, struct dg_error *error);
// BYE, CANCEL or refusal, whatever its state asks for, and when RFC 3261 section 15 allows it. cancel: only a
// call of ours that nobody has answered. close: our side forgets it without BYE.
enum dg_code dg_dialog_terminate(struct dg_dialog *dialog, const struct dg_options *options,
                                 struct dg_error *error);
enum dg_code dg_dialog_cancel(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_error *error);
enum dg_code dg_dialog_close(struct dg_dialog *dialog, struct dg_error *error);
// The ACK that late_ack holds back.
enum dg_code dg_dialog_ack(struct dg_dialog *dialog, const struct dg_options *options,
                           struct dg_error *error);
// What changes a session; glare (491) is tried again by itself. hold and unhold without a body: the
// description that was sent last, with its direction changed. *request (which may be NULL) is the caller's.
enum dg_code dg_dialog_reinvite(struct dg_dialog *dialog, const struct dg_options *options,
                                struct dg_request **request, struct dg_error *error);
enum dg_code dg_dialog_update(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_request **request, struct dg_error *error);
enum dg_code dg_dialog_hold(struct dg_dialog *dialog, const struct dg_options *options,
                            struct dg_request **request, struct dg_error *error);
enum dg_code dg_dialog_unhold(struct dg_dialog *dialog, const struct dg_options *options,
                              struct dg_request **request, struct dg_error *error);
// Refreshes the session now (RFC 4028); Dialgate does so in time by itself.
enum dg_code dg_dialog_refresh(struct dg_dialog *dialog, struct dg_error *error);
// Any other request in the dialog: INFO, MESSAGE, NOTIFY, OPTIONS, ...
enum dg_code dg_dialog_request(struct dg_dialog *dialog, const char *method, const struct dg_options *options,
                               struct dg_request **request, struct dg_error *error);
// A text that Dialgate keeps with the dialog: it is there after a restart of the program, too.
enum dg_code dg_dialog_note(struct dg_dialog *dialog, const char *note, struct dg_error *error);

// Transfers (RFC 3515): blind to a URI, attended to the far end of another dialog (Replaces). *refer (which
// may be NULL) is the caller's, for dg_request_unref().
enum dg_code dg_dialog_refer(struct dg_dialog *dialog, const char *to, const struct dg_options *options,
                             struct dg_request **refer, struct dg_error *error);
enum dg_code dg_dialog_refer_replace(struct dg_dialog *dialog, struct dg_dialog *other,
                                     const struct dg_options *options, struct dg_request **refer,
                                     struct dg_error *error);

// Wait for the far end at most timeout_ms (negative: for ever): DG_OK: it is so; DG_TIMEOUT: not yet;
// DG_CLOSED: the agent was closed; DG_INVALID_TRANSITION: the dialog ended first. Not from a callback: what
// they wait for comes behind it. wait_answer: 2xx (DG_OK), another final response (DG_REFUSED). *outcome may
// be NULL.
struct dg_outcome {
    unsigned status;            // 0: none came
    char reason[128];           // its phrase, or why there is none
    struct dg_message *message; // the caller's, for dg_message_unref(); NULL: none
};
enum dg_code dg_dialog_wait_answer(struct dg_dialog *dialog, int timeout_ms, struct dg_outcome *outcome);
enum dg_code dg_dialog_wait_ack(struct dg_dialog *dialog, int timeout_ms);
enum dg_code dg_dialog_wait_state(struct dg_dialog *dialog, enum dg_state state, int timeout_ms);
// DG_OK: a final response came, whichever; of a transfer: its last NOTIFY. outcome as above.
enum dg_code dg_request_wait(struct dg_request *request, int timeout_ms, struct dg_outcome *outcome);
enum dg_code dg_dialog_wait_refer(struct dg_request *refer, int timeout_ms, struct dg_outcome *outcome);

// --- Requests ---

struct dg_request *dg_request_ref(struct dg_request *request);
void dg_request_unref(struct dg_request *request); // NULL is allowed
const char *dg_request_id(const struct dg_request *request);
const char *dg_request_method(const struct dg_request *request);
bool dg_request_is_ours(const struct dg_request *request);
struct dg_dialog *dg_request_dialog(const struct dg_request *request);         // NULL: outside; the request's
const struct dg_message *dg_request_message(const struct dg_request *request); // theirs; NULL: none
const char *dg_request_tag(const struct dg_request *request);
// Answers one of theirs.
enum dg_code dg_request_respond(struct dg_request *request, unsigned status, const struct dg_options *options,
                                struct dg_error *error);

// A transfer that was asked of us: where to (a URI), whom it replaces and who sent it ("": not said).
// Accepted, the new call is Dialgate's to make and to report, with the body of the options or, without one,
// as the call is described that the REFER came in; where nothing describes it, DG_EVENT_ANSWERED of the new
// call has the target's offer, and dg_dialog_ack() answers it. A refusal may have a reason. A program that
// makes the call itself says by notify how it goes.
const char *dg_refer_to(const struct dg_request *refer);
const char *dg_refer_replaces(const struct dg_request *refer);
const char *dg_refer_referred_by(const struct dg_request *refer);
enum dg_code dg_refer_accept(struct dg_request *refer, const struct dg_options *options,
                             struct dg_error *error);
enum dg_code dg_refer_refuse(struct dg_request *refer, unsigned status, const struct dg_options *options,
                             struct dg_error *error);
enum dg_code dg_refer_notify(struct dg_request *refer, unsigned status, bool final,
                             const struct dg_options *options, struct dg_error *error);

// --- Messages: as they came, read-only, in any thread ---

struct dg_message *dg_message_ref(const struct dg_message *message);
void dg_message_unref(struct dg_message *message); // NULL is allowed
const char *dg_message_start(const struct dg_message *message);
// The value of the index-th field of this name, compact forms are the same (RFC 3261 7.3.3); NULL: there is
// none.
const char *dg_message_header(const struct dg_message *message, const char *name, size_t index);
// All in order; false: there are no more.
bool dg_message_header_at(const struct dg_message *message, size_t index, struct dg_header *header);
// Octets with a NUL behind them; length (which may be NULL) does not count it. "": none.
const char *dg_message_body(const struct dg_message *message, size_t *length);

#ifdef __cplusplus
}
#endif

#endif
