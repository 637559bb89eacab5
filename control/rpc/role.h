// SPDX-License-Identifier: BSD-3-Clause
// Who speaks on the control socket and what he may do. The kernel lets in the owner, root and the members of
// control.group (mode 0660); a role comes from the groups that the peer's process had when it connected
// (SO_PEERCRED, SO_PEERGROUPS: the kernel's word, supplementary groups too). Root and the daemon's own user
// are admins. A role may do what the roles before it may.
#ifndef DIALGATE_CONTROL_RPC_ROLE_H
#define DIALGATE_CONTROL_RPC_ROLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../config/config.h"
#include "../config/overlay.h"

enum rpc_role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN, ROLE_COUNT };

struct rpc_user {
    char name[OVERLAY_WHO_SIZE]; // a word: the user's name, or uid-N where there is none that is one
    uid_t uid;
    pid_t pid;
    enum rpc_role role;
};

// Of the process at the other end of fd. Group names are looked up now, so that a group that was made later
// counts. What cannot be learned gives no role.
void role_of_peer(int fd, const struct config_control_view *view, struct rpc_user *user);

const char *role_name(enum rpc_role role); // "viewer"

// Writes how this role is got: "join group dialgate-admin". Returns text.
const char *role_way(const struct config_control_view *view, enum rpc_role role, char *text, size_t size);

#endif
