// SPDX-License-Identifier: BSD-3-Clause
// libdialgate: the C library for applications that talk to dialgate-control over its socket (JSON-RPC 2.0,
// one object a line). A client is one connection and belongs to one thread at a time; several clients may
// live side by side.
//
// Ownership: what a dg_ function hands out is freed by the dg_ function named with it, never by free().
// Errors: functions return an enum dg_code; a struct dg_error that is passed in gets the same code and one
// line of text.
#ifndef DIALGATE_UA_H
#define DIALGATE_UA_H

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

#ifdef __cplusplus
}
#endif

#endif
