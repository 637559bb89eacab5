// SPDX-License-Identifier: BSD-3-Clause
// libdialgate: what functions return, and whose matter it is. A part of ua.h.
#ifndef DIALGATE_UA_ERROR_H
#define DIALGATE_UA_ERROR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DG_ERROR_TEXT_SIZE 512

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

#ifdef __cplusplus
}
#endif

#endif
