// SPDX-License-Identifier: BSD-3-Clause
// JSON-RPC 2.0: one line in, at most one line out, parts of a streamed answer before it. A method is one row
// of the table in method.c; its handler answers with rpc_reply or rpc_fail, exactly once, at once or later.
// Role and parameters are checked against the row before the handler runs.
#ifndef DIALGATE_CONTROL_RPC_CALL_H
#define DIALGATE_CONTROL_RPC_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/ua.h"
#include "role.h"

struct control;
struct follower;
struct rpc_call;
struct ua_app;

enum rpc_type {
    RPC_TEXT,    // least .. most octets
    RPC_INTEGER, // least .. most
    RPC_BOOLEAN,
    RPC_CHOICE,  // a text, one of choices
    RPC_CHOICES, // a list of such texts
    RPC_TEXTS,   // a list of least .. most texts
    RPC_PAIRS    // a list of at most `most` [name, value]
};

#define RPC_PATH_MAX 4095 // octets
#define RPC_NAME_MAX 255  // octets of a peer's, member's or host's name
#define RPC_EVER     INT64_MAX

struct rpc_param {
    const char *name; // NULL behind the last one
    enum rpc_type type;
    bool required;
    int64_t least, most;
    const char *const *choices; // NULL behind the last one; NULL: of another type
    const char *help;
};

struct rpc_method {
    const char *name;
    const struct rpc_param *params; // params by position come in this order
    void (*handler)(struct rpc_call *call);
    enum rpc_role role; // the least that may call it
    bool audited;       // it changes something, or shows what is private
    const char *since;  // release
    const char *help;
};

// The rows; the last one has no name.
extern const struct rpc_method rpc_methods[];

#define RPC_BATCH_MAX        100u       // requests in a batch
#define RPC_BATCH_OCTETS_MAX (8u << 20) // of its answers; what comes behind is refused

// Where answers go.
struct rpc_answer {
    // Called once: with the response line, which has its line end and which the callee frees, or NULL when
    // there is none (notifications).
    void (*answer)(void *context, char *line);
    void *context;
    // From now on this client follows events; a copy is taken. NULL: it cannot.
    void (*follow)(void *context, const struct follower *follower);
    const struct rpc_stream *stream; // NULL: takes no parts
    const struct rpc_user *user;     // valid until the answer. NULL: the daemon itself, which may all
    // Attaches this client to an application, or (app NULL) detaches it. NULL: it cannot.
    void (*attach)(void *context, const struct follower *follower);
    struct ua_app *(*attached)(void *context); // its application, NULL: none
};
struct rpc_stream {
    void (*part)(void *context, char *line); // a line before the answer; the callee frees it
    // Calls go(what) once and later: when most of what was sent is taken, or when its reader goes. Not when
    // gone().
    void (*when_taken)(void *context, void (*go)(void *what), void *what);
    bool (*gone)(void *context); // nobody is there
};

// Serves one line (without its end): a request or a batch of them, one after another.
void rpc_serve(struct control *control, const char *line, size_t length, const struct rpc_answer *answer);

// Serves one request of a line; takes the reference.
void rpc_serve_request(struct control *control, json_t *request, const struct rpc_answer *answer);

// batch.c; takes the reference of a JSON array.
void rpc_serve_batch(struct control *control, json_t *requests, const struct rpc_answer *answer);

// params.c: an object of checked parameters (a new reference), or NULL with the reason in text. given: the
// request's params, NULL: none.
json_t *rpc_params(const struct rpc_method *method, json_t *given, char *text, size_t size);

// For handlers.
struct control *rpc_control(const struct rpc_call *call);
const char *rpc_text(const struct rpc_call *call, const char *name);   // NULL: not given
const json_t *rpc_list(const struct rpc_call *call, const char *name); // borrowed; NULL: not given
const char *rpc_who(const struct rpc_call *call);                      // user's name, "-": not known
const struct rpc_user *rpc_user(const struct rpc_call *call);          // NULL: the daemon itself
int64_t rpc_integer(const struct rpc_call *call, const char *name, int64_t otherwise);
bool rpc_boolean(const struct rpc_call *call, const char *name);
bool rpc_is_false(const struct rpc_call *call, const char *name); // given, and false
void rpc_reply(struct rpc_call *call, json_t *result);            // takes the reference; NULL: out of memory
void rpc_fail(struct rpc_call *call, enum dg_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool rpc_attach(struct rpc_call *call, const struct follower *follower); // likewise
struct ua_app *rpc_attached(const struct rpc_call *call);                // NULL: to none
// False: this client cannot; the call is not answered.
bool rpc_follow(struct rpc_call *call, const struct follower *follower);
void rpc_fail_errno(struct rpc_call *call, int result, const char *text); // what the dataplane said

// Streamed answers: a notification {"method": method, "params": {"id": the request's, name: rows}} a part,
// each sent when the one before is taken, so that the reader sets the pace and no more than one part waits
// here.
bool rpc_streams(const struct rpc_call *call); // may parts be sent: not in a batch, not without an id
void rpc_part(struct rpc_call *call, const char *method, const char *name, json_t *rows); // takes rows
void rpc_when_taken(struct rpc_call *call, void (*go)(void *what), void *what); // not when rpc_gone()
bool rpc_gone(const struct rpc_call *call);                                     // answer now: nobody reads it

// An error line without a request to answer, for the server: free() it.
char *rpc_error_line(enum dg_code code, const char *text);

#endif
