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

#ifdef __cplusplus
extern "C" {
#endif

#define DG_ERROR_TEXT_SIZE 512
#define DG_DEFAULT_SOCKET  "/run/dialgate/control.sock"

// X(NAME, JSON-RPC error code on the wire (0: never on the wire), what it means)
#define DG_CODES(X)                                                                                          \
    X(DG_OK, 0, "done")                                                                                      \
    X(DG_NO_MEMORY, 0, "out of memory")                                                                      \
    X(DG_NOT_CONNECTED, 0, "dialgate-control is not there; is it running?")                                  \
    X(DG_PERMISSION, 0, "no permission for the control socket; join its group")                              \
    X(DG_CLOSED, 0, "the connection ended; open a new client")                                               \
    X(DG_TIMEOUT, 0, "no answer in time")                                                                    \
    X(DG_BAD_REPLY, 0, "the answer is not JSON-RPC; install the same release of both programs")              \
    X(DG_BAD_ARGUMENT, 0, "an argument of the call is not JSON, or too long")                                \
    X(DG_PARSE, -32700, "the request is not JSON")                                                           \
    X(DG_INVALID_REQUEST, -32600, "the request is not a JSON-RPC 2.0 object")                                \
    X(DG_UNKNOWN_METHOD, -32601, "there is no such method; api.list names them")                             \
    X(DG_INVALID_PARAMS, -32602, "a parameter is unknown, missing or of the wrong type")                     \
    X(DG_INTERNAL, -32603, "dialgate-control failed")                                                        \
    X(DG_REFUSED, -32000, "refused; the text says why")                                                      \
    X(DG_NOT_FOUND, -32001, "there is no such object")                                                       \
    X(DG_UNAVAILABLE, -32002, "the dataplane is not connected; system.status says why")                      \
    X(DG_NO_ANSWER, -32003, "the dataplane does not answer")                                                 \
    X(DG_AMBIGUOUS, -32004, "more than one object matches")                                                  \
    X(DG_DENIED, -32005, "your role does not allow it; the text says which one does")                        \
    X(DG_INVALID_STATE, -32010, "not now: something else is under way, or it is ending")                     \
    X(DG_INVALID_TRANSITION, -32011, "not in this state of the dialog")                                      \
    X(DG_TRANSACTION_GONE, -32012, "the request is answered, cancelled or gone")                             \
    X(DG_TRANSACTION_TIMEOUT, -32013, "the far end did not answer")                                          \
    X(DG_TOO_MANY_DIALOGS, -32014, "no more dialogs may be held")                                            \
    X(DG_REFER_REFUSED, -32015, "the REFER is not accepted")                                                 \
    X(DG_REFER_TARGET, -32016, "a transfer to this target is not allowed")                                   \
    X(DG_TRANSPORT, -32017, "there is no way to the far end")                                                \
    X(DG_DIALOG_EXPIRED, -32018, "the session was not refreshed, or the dialog lived too long")              \
    X(DG_CONFIGURATION, -32019, "the configuration does not allow it")                                       \
    X(DG_PROTOCOL, -32020, "SIP, or what the far end supports, does not allow it")                           \
    X(DG_RESOURCES, -32021, "transactions, dialogs or memory are full")                                      \
    X(DG_RATE_LIMITED, -32022, "a limit of the application or the peer is reached")

enum dg_code {
#define X(name, wire, text) name,
    DG_CODES(X)
#undef X
        DG_CODE_COUNT
};

struct dg_error {
    enum dg_code code;
    char text[DG_ERROR_TEXT_SIZE];
};

struct dg_client;

// What a code means: a constant text, also for codes out of range.
const char *dg_code_text(enum dg_code code);

// Whose matter a code is, and how bad it is: for metrics and for what to do about it.
enum dg_category {
    DG_CATEGORY_NONE,      // DG_OK
    DG_CATEGORY_USE,       // the program asked for what cannot be: a fault in it
    DG_CATEGORY_STATE,     // too early, too late, or gone
    DG_CATEGORY_FAR_END,   // SIP: the other side, or the way to it
    DG_CATEGORY_LIMIT,     // full, or too fast: again later
    DG_CATEGORY_POLICY,    // the configuration or a role does not allow it
    DG_CATEGORY_CONNECTION // dialgate-control, or its data plane
};
enum dg_severity { DG_SEVERITY_NONE, DG_SEVERITY_NOTICE, DG_SEVERITY_WARNING, DG_SEVERITY_ERROR };
enum dg_category dg_code_category(enum dg_code code);
enum dg_severity dg_code_severity(enum dg_code code);
const char *dg_category_text(enum dg_category category);
const char *dg_severity_text(enum dg_severity severity);
const char *dg_code_advice(enum dg_code code); // what to do
bool dg_code_is_temporary(enum dg_code code);  // the same call may succeed later

// Connects to the control socket; path NULL: DG_DEFAULT_SOCKET. Waits up to two seconds while others crowd it
// (then DG_TIMEOUT). Returns a client for dg_client_close(), or NULL with *error (which may be NULL) filled.
struct dg_client *dg_client_open(const char *path, struct dg_error *error);

// The descriptor, for poll(): readable also means that the daemon has closed. It stays the client's.
int dg_client_fd(const struct dg_client *client);

// Calls method with params (JSON text of an object; NULL: none) and waits for the answer at most timeout_ms
// (negative: for ever). DG_OK: *result is the answer's JSON text, for dg_free(). Otherwise *result is NULL
// and *error (which may be NULL) says why; for an error of the daemon the text is the daemon's. After
// DG_CLOSED, DG_BAD_REPLY, or DG_TIMEOUT while sending every further call gives DG_CLOSED. An answer that
// comes after its DG_TIMEOUT is skipped.
enum dg_code dg_client_call(struct dg_client *client, const char *method, const char *params, int timeout_ms,
                            char **result, struct dg_error *error);

// From now on parts of streamed answers (`dialog.list` with "stream": true) go to take, each as the JSON text
// of its params ({"id": N, "dialogs": [...]}), which is gone when take returns; the deadline of the call
// begins anew with each. The daemon waits while take does: a slow reader loses nothing. NULL: they are kept
// as notifications.
typedef void dg_take_part(void *context, const char *part);
void dg_client_on_part(struct dg_client *client, dg_take_part *take, void *context);

// Waits at most timeout_ms (negative: for ever) for the next notification: after `events.follow` the daemon
// sends one for each change of a dialog's state. DG_OK: *notification is its JSON text
// ({"method": ..., "params": {...}}), for dg_free(). Those that come while dg_client_call() waits are kept,
// at most 1,024; then the oldest are dropped, and the next one given is {"method":"events.lost",
// "params":{"count":N}}.
enum dg_code dg_client_next(struct dg_client *client, int timeout_ms, char **notification,
                            struct dg_error *error);

// Ends the connection and frees the client; NULL is allowed.
void dg_client_close(struct dg_client *client);

// Frees a text that a dg_ function handed out; NULL is allowed.
void dg_free(char *text);

// --- Agents ---

struct dg_agent;
struct dg_dialog;
struct dg_request;
struct dg_message;

// RFC 3261 section 12. Confirmed begins at the 2xx.
enum dg_state {
    DG_STATE_NONE, // nobody has answered yet
    DG_STATE_EARLY,
    DG_STATE_CONFIRMED,
    DG_STATE_TERMINATING,
    DG_STATE_TERMINATED
};
// The same as sipgo sees it: established is a 2xx without its ACK.
enum dg_sipgo_state { DG_SIPGO_NONE, DG_SIPGO_ESTABLISHED, DG_SIPGO_CONFIRMED, DG_SIPGO_ENDED };

// X(NAME, word on the socket, what it means)
#define DG_EVENTS(X)                                                                                         \
    X(INCOMING, "incoming", "a call: event->request is its INVITE, answer it by the dialog")                 \
    X(PROGRESS, "progress", "1xx to our INVITE")                                                             \
    X(ANSWERED, "answered", "2xx to our INVITE")                                                             \
    X(FAILED, "failed", "any other final response to our INVITE, or none")                                   \
    X(ACK, "ack", "the ACK of our 2xx")                                                                      \
    X(CANCELLED, "cancelled", "the caller gave up; the request is answered")                                 \
    X(REQUEST, "request", "any other request; request NULL: it is answered already")                         \
    X(RESPONSE, "response", "to a request of ours")                                                          \
    X(STATE, "state", "the dialog's state has changed")                                                      \
    X(FORKED, "forked", "one more early dialog of our INVITE")                                               \
    X(REGISTERED, "registered", "REGISTER was answered, or refreshed")                                       \
    X(REFER, "refer", "a transfer is asked of us: dg_refer_accept() or dg_refer_refuse()")                   \
    X(REFER_PROGRESS, "refer_progress", "what became of a transfer")                                         \
    X(ENDED, "ended", "the last event of a dialog")                                                          \
    X(RESUMED, "resumed", "connected again: dialogs are there, handles go on")                               \
    X(DISCONNECTED, "", "dialgate-control is gone; it is tried again by itself")                             \
    X(LOST, "lost", "events were dropped: count of them, 0 where nobody knows")

enum dg_event_kind {
#define X(name, word, text) DG_EVENT_##name,
    DG_EVENTS(X)
#undef X
        DG_EVENT_KINDS
};
enum dg_event_mask {
#define X(name, word, text) DG_ON_##name = 1 << DG_EVENT_##name,
    DG_EVENTS(X)
#undef X
        DG_ON_BODY = 1 << DG_EVENT_KINDS, // whatever comes with a body
    DG_ON_ALL = (1 << DG_EVENT_KINDS) - 1
};

// Everything here is gone when the callback returns, but for what is kept by a _ref function.
struct dg_event {
    enum dg_event_kind kind;
    struct dg_agent *agent;
    struct dg_dialog *dialog;   // NULL: outside dialogs
    struct dg_request *request; // theirs that waits for an answer, or ours that was answered; NULL: none
    struct dg_dialog *replaces; // INCOMING: it ends when this call is answered (RFC 3891); NULL: none
    const struct dg_message *message; // NULL: none
    unsigned status;                  // of a response; 0: none
    bool final;                       // no more of this comes
    const char *method;               // "": none
    const char *reason;               // phrase of a response, or why a state changed
    const char *tag;                  // of the request, as the program gave it
    const char *by;                   // ENDED: local, remote, operator, timeout
    const char *peer, *source;        // INCOMING, REQUEST: name of the peer, address:port
    enum dg_state from, to;           // STATE
    uint32_t expires_s;               // REGISTERED
    uint64_t count;                   // LOST
    uint64_t number;                  // of the event in its stream
};
typedef void dg_on_event(void *context, const struct dg_event *event);

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
// Accepted, the new call is Dialgate's to make and to report; a program that does so itself says by notify
// how it goes.
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
