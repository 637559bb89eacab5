// SPDX-License-Identifier: BSD-3-Clause
// libdialgate: a client, which calls any method of the control socket and waits. A part of ua.h.
#ifndef DIALGATE_UA_CLIENT_H
#define DIALGATE_UA_CLIENT_H

#include "ua_error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DG_DEFAULT_SOCKET "/run/dialgate/control.sock"

struct dg_client;

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
