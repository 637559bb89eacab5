// SPDX-License-Identifier: BSD-3-Clause
// JSON-RPC 2.0: one line in, at most one line out. A method is one row of the table in method.c; its handler
// answers with rpc_reply or rpc_fail, exactly once, at once or later. Batches are not served: a line is one
// object.
#ifndef DIALGATE_CONTROL_RPC_CALL_H
#define DIALGATE_CONTROL_RPC_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/ua.h"

struct control;
struct rpc_call;

enum rpc_type { RPC_TEXT, RPC_INTEGER, RPC_BOOLEAN };

struct rpc_param {
    const char *name; // NULL behind the last one
    enum rpc_type type;
    bool required;
    const char *help;
};

struct rpc_method {
    const char *name;
    const struct rpc_param *params;
    void (*handler)(struct rpc_call *call);
    const char *help;
};

// The rows; the last one has no name.
extern const struct rpc_method rpc_methods[];

// Serves one line (without its end). answer is called once: with the response line, which has its line end
// and which the callee frees, or NULL when the line was a notification.
struct rpc_answer {
    void (*answer)(void *context, char *line);
    void *context;
    // From now on events go to this client too; peer: only those of this peer's dialogs, NUMBER_NONE: all.
    // NULL: the client cannot follow.
    void (*follow)(void *context, uint16_t peer);
    const char *who; // the client's user, for the log; valid until the answer. NULL: not known
};
void rpc_serve(struct control *control, const char *line, size_t length, const struct rpc_answer *answer);

// For handlers.
struct control *rpc_control(const struct rpc_call *call);
const char *rpc_text(const struct rpc_call *call, const char *name); // NULL: not given
const char *rpc_who(const struct rpc_call *call);                    // "-": not known
int64_t rpc_integer(const struct rpc_call *call, const char *name, int64_t otherwise);
bool rpc_boolean(const struct rpc_call *call, const char *name);
void rpc_reply(struct rpc_call *call, json_t *result); // takes the reference; NULL: out of memory
void rpc_fail(struct rpc_call *call, enum dg_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool rpc_follow(struct rpc_call *call, uint16_t peer); // false: this client cannot; the call is not answered
void rpc_fail_errno(struct rpc_call *call, int result, const char *text); // what the dataplane said

// An error line without a request to answer, for the server: free() it.
char *rpc_error_line(enum dg_code code, const char *text);

#endif
