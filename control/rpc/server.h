// SPDX-License-Identifier: BSD-3-Clause
// The control socket: RUN_DIRECTORY/control.sock, one JSON-RPC object or batch a line. What it refuses is
// counted in control->rpc. Limits come from the section control of the configuration in force.
#ifndef DIALGATE_CONTROL_RPC_SERVER_H
#define DIALGATE_CONTROL_RPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPC_LINE_MAX   (1u << 20) // octets of a request line
#define RPC_ADMIN_PART 8u         // one of so many places is kept for admins

struct control;
struct rpc_server;

// Binds path (mode 0660, given to group when that exists) and serves. The socket of a live process, or of
// another owner, is left alone. Returns NULL with one line in error. A lock file beside the socket keeps two
// starts apart.
struct rpc_server *rpc_server_create(struct control *control, const char *path, const char *group,
                                     char *error, size_t size);

// There are events: who follows them gets what its connection takes. context: the server.
void rpc_server_tell(void *context);

// Closes every connection; calls still under way lose their client. The socket file is removed.
void rpc_server_destroy(struct rpc_server *server);

#endif
