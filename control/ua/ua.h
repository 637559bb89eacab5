// SPDX-License-Identifier: BSD-3-Clause
// Applications' calls, as control keeps them. What an application wants is a struct ua_wish; ua_do() checks
// it, makes a command of it (command.c) and keeps a struct ua_sent by the command's tag until the data plane
// says what came of it. What the data plane tells (event.c) changes the calls here and becomes events of the
// application (app.c).
//
// Lifetimes. An application, once named, lives as long as control. A call lives from its first event, or from
// the DONE of our INVITE, until the data plane says that it is over; then everything that points to it is
// told so: who waits for a command of it, its requests, timers. A request that came lives until its final
// response is sent, the caller has cancelled it, or its call is over. A sent command lives until its answer.
// All of it runs on control's one thread; functions that are told things must not free what told them.
#ifndef DIALGATE_CONTROL_UA_H
#define DIALGATE_CONTROL_UA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include "../event_ring.h"
#include "dialgate/channel.h"
#include "dialgate/ua.h"
#include "keep.h"
#include "message.h"
#include "table.h"

struct control;
struct event;
struct metrics_visitor;
struct ua_response;
struct ua_call;
struct ua_sent;

#define UA_HISTORY      8u    // changes of state that a call remembers
#define UA_RING_EVENTS  4096u // that an application may be behind
#define UA_RING_OCTETS  (16u << 20)
#define UA_LABEL_MAX    64 // octets of an application's tag
#define UA_CONTEXT_MAX  1024
#define UA_ID_SIZE      17
#define UA_DONE_MS      5000u  // within this the data plane must have carried out a command
#define UA_ANSWER_MS    20000u // within this an application must answer a request that is no INVITE
#define UA_SENT_MAX     200000u
#define UA_REQUESTS_MAX 200000u
#define UA_LOST_STATUS  500u // of a request of ours, told without a message: a restart took its answer

struct ua_app {
    uint16_t number;
    bool served; // in force: the configuration has it
    char name[NAME_SIZE];
    struct event_ring ring;
    unsigned attached; // connections
    uint32_t calls;
    uint64_t events, placed, taken, refused;
};

struct ua_change {     // of a call's state
    uint32_t after_ms; // the call began
    uint8_t from, to;  // enum channel_dialog_state
    uint8_t reason;    // enum channel_reason
};

// Why a call is over, besides enum channel_reason.
enum ua_reason { UA_REASON_CLOSED = CHANNEL_REASON_COUNT, UA_REASON_LOST, UA_REASONS };

enum ua_ender { UA_BY_NOBODY, UA_BY_LOCAL, UA_BY_REMOTE, UA_BY_OPERATOR, UA_BY_TIMEOUT };

struct ua_call {
    struct ua_node by_handle; // of the data plane, changes when our INVITE is tried again
    struct ua_node by_id;     // what the application calls it: the first handle
    struct ua_node by_number; // of its Call-ID
    LIST_ENTRY(ua_call) link;
    struct ua_app *app;
    LIST_HEAD(, ua_sent) sent;
    LIST_HEAD(, ua_request) requests; // that wait for our answer
    struct ua_request *invite;        // theirs, waits for our final response; NULL: none
    struct ua_sent *placing;          // our first INVITE; NULL: it has its final response
    struct ua_sent *changing;         // our re-INVITE or UPDATE, also while it waits for its turn
    struct ua_automatic *machine;     // answers by itself
    struct event *limit;              // our INVITE is cancelled then
    struct ua *limit_of;
    char *context;                  // the application's
    char *description;              // the last that we sent
    char *user, *password, *realm;  // for challenges (credentials.h)
    uint64_t serial;                // of calls, rising
    uint64_t created_ms, active_ms; // Unix time
    uint32_t description_length;
    uint32_t round; // of resuming that has seen it
    uint16_t peer;
    uint8_t state;     // enum channel_dialog_state
    uint8_t ender : 4; // enum ua_ender
    uint8_t changes : 4;
    uint8_t transfers; // REFERs that it came of, one after another
    bool callee : 1;   // we were called
    bool updates : 1;  // the peer's Allow names UPDATE
    bool over : 1;     // the data plane has forgotten it, our INVITE may be tried again
    bool by_update : 1;
    bool referred : 1;   // a REFER has come in it
    bool refers : 1;     // we have sent one in it
    bool subscribes : 1; // its program may have subscriptions of its own in it
    bool untold : 1;     // the application hears nothing of it (yet)
    bool moved : 1;      // its handle was that of a data plane that is gone; in no table by it
    struct ua_change history[UA_HISTORY];
};

struct ua_request {      // one that came and waits for our answer
    struct ua_node node; // transaction
    TAILQ_ENTRY(ua_request) link;
    LIST_ENTRY(ua_request) of_call;
    struct ua_call *call; // NULL: outside dialogs
    struct ua_app *app;
    uint64_t deadline_ms; // 0: an INVITE, the caller decides
    struct ip_address source;
    uint16_t source_port;
    uint16_t peer;                   // number of who sent it
    bool answering;                  // a final response is under way
    bool kept;                       // keep_request.c has it
    uint16_t answered;               // the data plane has taken this one; 0: none
    uint64_t replaces;               // an INVITE: the call whose place it is to take (RFC 3891), 0: none
    struct channel_ua_command *last; // our last 1xx to it, NULL: none
    size_t last_size;
    char method[32];
    char dialog_id[UA_ID_SIZE];
};
TAILQ_HEAD(ua_request_list, ua_request);

// What came of a wish, as far as it is known when the data plane has taken it.
struct ua_outcome {
    enum dg_code code; // DG_OK, or why not
    const char *text;
    const struct ua_call *call;           // NULL: outside dialogs, or gone
    uint64_t request;                     // name of the request that was sent
    const struct message *message;        // as sent; NULL: not known
    const struct channel_ua_event *event; // DONE; NULL: none came
};
struct ua_reply {
    void (*done)(void *context, const struct ua_outcome *outcome); // once; NULL: nobody waits
    void *context;
};

struct ua_fault {
    enum dg_code code;
    char text[256];
};

struct ua_wish {
    enum channel_ua_op op;
    struct ua_app *app;         // outside dialogs
    struct ua_call *call;       // of all else but RESPOND
    struct ua_request *request; // RESPOND
    const char *method;         // REQUEST: NULL: INVITE
    const char *uri;            // Request-URI; NULL: that of `to`
    const char *to, *from;      // URI or name-addr; from NULL: of the application
    const char *contact, *reason;
    const char *targets;      // Contact of a 3xx: values, comma-joined
    const json_t *headers;    // [[name, value], ...]; NULL: none
    const char *extra;        // more header lines, with their ends, that are our own
    size_t answered;          // octets at their end that answer challenges of before
    const char *content_type; // NULL: application/sdp where the body is one
    const char *body;
    size_t body_length;
    const char *user, *password; // NULL: none
    const char *realm;           // whose challenges they answer (credentials.h); only with user
    const char *retry;           // a policy's name; NULL: the application's
    const char *context, *label; // NULL: none
    uint32_t redirects;          // 3xx to follow
    uint32_t timeout_ms;         // 0: none
    uint16_t peer, member;       // numbers, NUMBER_NONE
    uint16_t status;
    uint16_t session_s;
    bool reliable, late_ack;
    bool early_only, claimed; // CLAIM; END, CLAIM
    // Again in the name of an earlier request outside dialogs.
    const char *call_id, *from_tag;
    uint32_t cseq;
};
// To whom the routes lead.
static inline struct ua_wish ua_wish(enum channel_ua_op op)
{
    return (struct ua_wish){.op = op, .peer = NUMBER_NONE, .member = NUMBER_NONE};
}

enum ua_purpose {
    UA_FOR_CALL,     // the first INVITE
    UA_FOR_CHANGE,   // re-INVITE, UPDATE
    UA_FOR_REQUEST,  // any other request
    UA_FOR_REGISTER, // REGISTER, kept alive
    UA_FOR_RESPONSE,
    UA_FOR_END,
    UA_FOR_OTHER,
    UA_PURPOSES
};

enum ua_result { // of an operation, for metrics
    UA_RESULT_DONE,
    UA_RESULT_REFUSED, // by the data plane
    UA_RESULT_NO_ANSWER,
    UA_RESULTS
};

struct ua_sent {
    struct ua_node node; // tag
    TAILQ_ENTRY(ua_sent) link;
    LIST_ENTRY(ua_sent) of_call;
    enum ua_purpose purpose;
    bool done;            // the data plane has taken it
    bool ends;            // its call's ender is its doing
    bool quiet;           // ours, not the application's: it hears nothing
    struct ua_call *call; // NULL: outside dialogs, or gone
    struct ua_app *app;
    uint64_t request; // of a RESPOND with a final status: it is answered. Else 0
    struct ua_reply reply;
    uint64_t name; // of the request for the application: its first tag
    uint64_t begun_us;
    struct ua_try *again; // how it may be tried again; NULL: not
    struct ua_registration *registration;
    struct channel_ua_command *order;
    size_t size;
    char label[UA_LABEL_MAX + 1];
};
TAILQ_HEAD(ua_sent_list, ua_sent);

enum ua_restarted { UA_RESTARTED_NOTHING, UA_RESTARTED_CONTROL, UA_RESTARTED_DATAPLANE };

#define UA_TIMES         16u
#define UA_TIME_FIRST_US 125u
struct ua_counts {
    uint64_t operations[UA_PURPOSES][UA_RESULTS];
    uint64_t lost; // events that the data plane could not keep for us
    uint64_t retries, redirects, challenges, failovers;
    // From, to, why.
    uint64_t transitions[CHANNEL_DIALOG_TERMINATED + 1][CHANNEL_DIALOG_TERMINATED + 1][UA_REASONS];
    uint64_t times[UA_TIMES]; // operations that took up to 2^n * UA_TIME_FIRST_US; the last: more
    uint64_t times_sum_us;
};

struct ua {
    struct control *control;
    struct ua_app *apps[PEERS_MAX]; // by number
    struct ua_table handles, ids, numbers, requests, tags;
    struct ua_sent_list waiting;       // for their DONE, oldest first
    struct ua_request_list unanswered; // no INVITEs, oldest first
    LIST_HEAD(, ua_registration) registrations;
    LIST_HEAD(, ua_call) calls; // newest first
    uint64_t last_serial;
    uint64_t last_tag;
    uint64_t boot;              // of the data plane that was asked last
    uint64_t taken, taken_boot; // the last event that is in what is kept, of this data plane's process
    uint64_t said_taken;        // of which it knows that
    uint64_t last_registration;
    struct keep *keep; // what the next control knows, too; NULL: it cannot be
    bool tried_to_keep;
    bool same_machine; // what was kept is of this boot of the machine
    uint64_t stream;   // random: tells our events from another process's
    struct event *sweep;
    struct ua_resume *resume;  // under way; NULL: not
    uint64_t settle_ms;        // what it left open is decided then; 0: nothing
    enum ua_restarted restart; // since calls were resumed last
    // Offered each new call before the application hears of it. True: it is taken care of, the event's
    // fields, too: it is refused, or ua_call_arrived() comes later. NULL: nobody wants them.
    bool (*called)(struct ua *ua, struct ua_request *request, const struct message *message, json_t *fields);
    // The request is about to be forgotten; that of a call that is confirmed. NULL: likewise
    void (*settled)(struct ua *ua, const struct ua_request *request);
    void (*confirmed)(struct ua *ua, const struct ua_call *call);
    // Offered each request that waits for an answer before the application hears of it. True: it is taken
    // care of, by ua_do() with CHANNEL_UA_RESPOND. NULL: nobody wants them.
    bool (*asked)(struct ua *ua, struct ua_request *request, const struct message *message);
    // A response came to the request of ours that has this name (the last one without a message: none came).
    // True: the application hears nothing of it; it does of its calls. NULL: nobody wants them.
    bool (*answered)(struct ua *ua, uint64_t name, const struct ua_response *response);
    void (*ended)(struct ua *ua, struct ua_call *call); // it is about to be forgotten. NULL: likewise
    // The data plane was started anew: what was under way is gone, which is told next. NULL: likewise
    void (*restarted)(struct ua *ua);
    void (*resumed)(struct ua *ua); // calls are as the data plane has them. NULL: likewise
    uint32_t round;
    struct ua_counts counts;
};

// --- ua.c ---

int ua_start(struct control *control); // 0 or -ENOMEM
void ua_stop(struct control *control);
void ua_configured(struct control *control); // another configuration is in force
void ua_connected(struct control *control);  // the data plane greets
void ua_disconnected(struct control *control);
void ua_lost(struct control *control, uint64_t count);
void ua_taking(struct control *control, uint64_t number); // the event that comes next has this number

uint64_t ua_unix_ms(void);
const char *ua_id(uint64_t number, char id[UA_ID_SIZE]);

// --- app.c ---

// NULL: no application in force is called so.
struct ua_app *ua_app_find(const struct ua *ua, const char *name);
// What the configuration in force says of it. False: it is not there any more. index: NULL, or its own.
struct config_application_view;
bool ua_app_view(const struct ua *ua, const struct ua_app *app, struct config_application_view *view,
                 uint32_t *index);
// Made when it is new; NULL: the number is no application's, or none can be made.
struct ua_app *ua_app_at(struct ua *ua, uint16_t number);
// `"dialog"` of the call, then fields, which are taken. call NULL: outside dialogs. Nobody is attached and
// nobody will read it: it is kept all the same.
void ua_tell(struct ua *ua, struct ua_app *app, const struct ua_call *call, const char *event,
             json_t *fields);

// --- call.c ---

struct ua_call *ua_call_by_handle(const struct ua *ua, uint64_t handle);
struct ua_call *ua_call_by_id(const struct ua *ua, uint64_t id); // or by its handle
struct ua_call *ua_call_begin(struct ua *ua, struct ua_app *app, uint64_t handle, uint64_t number);
void ua_call_rename(struct ua *ua, struct ua_call *call, uint64_t handle);
void ua_call_lift(struct ua *ua, struct ua_call *call); // its handle names nothing any more
// The call of before the data plane was started anew that has this Call-ID's number and this role: it has
// this handle now. NULL: there is none.
struct ua_call *ua_call_moved(struct ua *ua, const struct ua_app *app, uint64_t handle, uint64_t number,
                              bool callee);
void ua_call_change(struct ua *ua, struct ua_call *call, unsigned state, unsigned reason);
void ua_call_forget(struct ua *ua, struct ua_call *call); // frees it, and tells nobody but who waits for it
// The dialog with which our INVITE goes on when this one of its forks ends. NULL: there is none.
struct ua_call *ua_call_fork(const struct ua *ua, const struct ua_call *call);
// Tells `ended` and frees it.
void ua_call_end(struct ua *ua, struct ua_call *call, unsigned reason);
const char *ua_reason_name(unsigned reason); // UA_REASON_ or CHANNEL_REASON_
json_t *ua_call_json(const struct ua *ua, const struct ua_call *call);
void ua_call_keep_description(struct ua_call *call, const void *octets, size_t length);
struct ua_request *ua_request_begin(struct ua *ua, const struct channel_ua_event *event, struct ua_app *app,
                                    struct ua_call *call);
struct ua_request *ua_request_find(const struct ua *ua, uint64_t transaction);
void ua_request_end(struct ua *ua, struct ua_request *request);

// --- command.c: a command of a wish, or NULL with the fault. free() it ---

struct channel_ua_command *ua_order(const struct ua *ua, const struct ua_wish *wish, size_t *size,
                                    struct ua_fault *fault);
struct ua_words { // of a command; not NUL-terminated
    struct {
        const char *octets;
        size_t length;
    } texts[CHANNEL_UA_TEXTS + 1]; // the last: the body
};
void ua_order_words(const struct channel_ua_command *order, struct ua_words *words);
struct channel_ua_command *ua_order_join(const struct channel_ua_command *fixed, const struct ua_words *words,
                                         size_t *size);

// --- sent.c ---

// Carries out a wish. Returns 0: reply will be told; or -1 with the fault: it will not.
int ua_do(struct ua *ua, const struct ua_wish *wish, const struct ua_reply *reply, struct ua_fault *fault);
// Sends its order again under a new tag. Returns 0 or -errno.
int ua_sent_again(struct ua *ua, struct ua_sent *sent);
struct ua_sent *ua_sent_find(const struct ua *ua, uint64_t tag);
void ua_sent_untie(struct ua_sent *sent);               // from its call
void ua_sent_free(struct ua *ua, struct ua_sent *sent); // who waits for it must have been told
// Tells who waits for it, if anybody still does, and frees it.
void ua_sent_fail(struct ua *ua, struct ua_sent *sent, enum dg_code code, const char *text);
void ua_sent_sweep(struct ua *ua);
void ua_sent_connected(struct ua *ua); // what waits for its DONE begins to wait
// Tells who waits for it, once.
void ua_sent_tell(struct ua_sent *sent, const struct ua_outcome *outcome);

// --- outcome.c ---

// What the data plane's result means to an application, and to who reads it.
struct ua_meaning {
    enum dg_code code;
    const char *text;
};
struct ua_meaning ua_meaning(int result); // 0 or -errno
// DONE of this command. message: what went out, NULL: none.
void ua_sent_done(struct ua *ua, struct ua_sent *sent, const struct channel_ua_event *event,
                  const struct message *message);

// --- retry.c ---

// A request of ours that control sent before it was started anew: its answer finds it by its tag. It is not
// tried again. NULL: no memory.
struct ua_before {
    enum ua_purpose purpose;
    struct ua_app *app;
    struct ua_call *call; // NULL: outside dialogs
    uint64_t tag, name;
    char label[UA_LABEL_MAX + 1];
};
struct ua_sent *ua_sent_before(struct ua *ua, const struct ua_before *before);
struct ua_response {
    unsigned status;
    const struct message *message; // NULL: none
    struct ip_address source;      // not set: nobody
    uint16_t source_port;
    uint16_t peer;
};
// A final response, or none, came to a request of ours. True: it is tried again, now or later.
bool ua_retry(struct ua *ua, struct ua_sent *sent, const struct ua_response *response);
struct ua_try *ua_try_make(const struct ua *ua, const struct ua_wish *wish);
void ua_try_free(struct ua_try *again);
void ua_try_begin(struct ua *ua, struct ua_try *again, struct ua_call *call); // its first
// The request as it was sent: what it is repeated in the name of.
void ua_try_sent(struct ua_try *again, const struct message *message);
bool ua_try_is_waiting(const struct ua_try *again);
struct ua_credentials;
struct ua_credentials *ua_try_credentials(struct ua_try *again); // its own; NULL: there is no try
// Tells the application what came in the end, and frees it.
void ua_call_limit(struct ua *ua, struct ua_call *call, uint64_t limit_ms); // our INVITE is cancelled then
void ua_give_up(struct ua *ua, struct ua_sent *sent, const struct ua_response *response);

// --- event.c ---

// The application hears of a call that waits for its answer (fields are taken); automatic: what answers by
// itself may. Without either it is refused.
void ua_call_arrived(struct ua *ua, struct ua_call *call, json_t *fields, bool automatic);

void ua_take(struct control *control, const struct channel_ua_event *event, const uint8_t *octets);

// --- session.c: what control does in a dialog without being told ---

void ua_session_refresh(struct ua *ua, struct ua_call *call);
void ua_session_extend(struct ua *ua, struct ua_call *call);
void ua_session_retry(struct ua *ua, struct ua_call *call);
void ua_session_resync(struct ua *ua, struct ua_call *call);
// The last description with another direction (hold), its version one higher (RFC 3264 section 8). Returns a
// text for free(), NULL: there is none or no memory.
char *ua_session_description(const struct ua_call *call, bool hold, size_t *length);

// --- automatic.c ---

bool ua_automatic_begin(struct ua *ua, struct ua_call *call);    // false: the application is to answer
void ua_automatic_answered(struct ua *ua, struct ua_call *call); // confirmed: its time begins
void ua_automatic_end(struct ua_call *call);

// --- resume.c ---

void ua_resume_begin(struct ua *ua);
void ua_resume_stop(struct ua *ua);
void ua_resume_settle(struct ua *ua); // settle_ms has come

// --- keep_call.c ---

void ua_keep_start(struct ua *ua);                            // once: opens it, takes up what is there
void ua_keep_boot(struct ua *ua);                             // another data plane's process
void ua_call_keep(struct ua *ua, const struct ua_call *call); // as it is now
// How its INVITE is tried again (keep_invite.c).
void ua_invite_keep(struct ua *ua, const struct ua_sent *sent);
void ua_invites_take(struct ua *ua);
// A request that waits for the program (keep_request.c), until its end.
void ua_request_keep(struct ua *ua, struct ua_request *request);
void ua_requests_take(struct ua *ua);
// The application of a record: its number and name. NULL: there is none any more.
struct ua_app *ua_app_kept(struct ua *ua, struct keep_reader *reader);

// --- register.c ---

void ua_registered(struct ua *ua, struct ua_sent *sent, const struct ua_response *response);
void ua_registration_lost(struct ua_registration *registration); // its REGISTER is gone without an answer
void ua_registration_sent(struct ua_sent *sent, const struct message *message);
struct ua_registration_wish {
    struct ua_app *app;
    const char *registrar, *aor, *contact, *user, *password, *realm, *label;
    uint16_t peer;
    uint32_t expires_s; // 0: the binding is removed
};
int ua_register(struct ua *ua, const struct ua_registration_wish *wish, const struct ua_reply *reply,
                struct ua_fault *fault);
void ua_registrations_stop(struct ua *ua);

// --- metrics.c ---

void ua_count(struct ua *ua, const struct ua_sent *sent, enum ua_result result);
void ua_registrations_take(struct ua *ua); // those that are kept
void ua_walk(const struct control *control, const struct metrics_visitor *visitor);

#endif
