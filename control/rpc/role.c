// SPDX-License-Identifier: BSD-3-Clause
#include "role.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const names[ROLE_COUNT] = {"none", "viewer", "operator", "admin"};

const char *role_name(enum rpc_role role)
{
    return names[role];
}

struct groups {
    gid_t *rows;
    size_t count;
};

static bool read_groups(int fd, struct groups *groups)
{
    socklen_t length = 0;
    *groups = (struct groups){NULL, 0};
    // Refused with ERANGE where there are any; length says how much room they need, now and later.
    int result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &length);
    if (result == 0 || errno != ERANGE)
        return result == 0;
    groups->rows = malloc(length);
    if (!groups->rows || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups->rows, &length) < 0)
        return false;
    groups->count = length / sizeof(gid_t);
    return true;
}

static bool is_member(const struct groups *groups, gid_t first, const char *name)
{
    const struct group *entry = name[0] ? getgrnam(name) : NULL;
    bool found = entry && entry->gr_gid == first;
    for (size_t i = 0; entry && !found && i < groups->count; i++)
        found = groups->rows[i] == entry->gr_gid;
    return found;
}

static void name_user(struct rpc_user *user)
{
    const struct passwd *entry = getpwuid(user->uid);
    if (entry && entry->pw_name[0] && strlen(entry->pw_name) < sizeof(user->name) &&
        strpbrk(entry->pw_name, " \t\r\n\v\f\"") == NULL)
        snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
    else
        snprintf(user->name, sizeof(user->name), "uid-%u", (unsigned)user->uid);
}

void role_of_peer(int fd, const struct config_control_view *view, struct rpc_user *user)
{
    struct ucred credentials;
    struct groups groups;
    socklen_t length = sizeof(credentials);
    *user = (struct rpc_user){.name = "-", .uid = (uid_t)-1, .pid = -1};
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
        return;
    user->uid = credentials.uid;
    user->pid = credentials.pid;
    name_user(user);
    if (user->uid == 0 || user->uid == geteuid()) {
        user->role = ROLE_ADMIN;
        return;
    }
    if (read_groups(fd, &groups)) {
        if (!view->role_groups[0][0]) // the door alone makes a viewer
            user->role = ROLE_VIEWER;
        for (int role = ROLE_VIEWER; role < ROLE_COUNT; role++)
            if (is_member(&groups, credentials.gid, view->role_groups[role - ROLE_VIEWER]))
                user->role = (enum rpc_role)role;
    }
    free(groups.rows);
}

const char *role_way(const struct config_control_view *view, enum rpc_role role, char *text, size_t size)
{
    const char *group = role > ROLE_NONE ? view->role_groups[role - ROLE_VIEWER] : "";
    if (group[0])
        snprintf(text, size, "join group %s and connect again", group);
    else
        snprintf(text, size, "no group gives it: set control.%s_group", names[role]);
    return text;
}
