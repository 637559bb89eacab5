// SPDX-License-Identifier: BSD-3-Clause
// Who changed what: each call of an audited method is one line of the log and, where control.audit names a
// file, one JSON object a line there. The file is only appended to, made with mode 0640, never followed
// through a symbolic link, and opened again after audit_reopen(): whoever rotates it renames it and sends
// SIGUSR1 or SIGHUP. A line is one write(2); it is not synced to the disk. Passwords are in neither, of
// bodies the length is. Of what programs do the log has so many lines a second (log_allowed()), the file
// each.
#ifndef DIALGATE_CONTROL_RPC_AUDIT_H
#define DIALGATE_CONTROL_RPC_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include "../log.h"
#include "call.h"

struct audit_file {
    int fd;      // -1: none
    bool broken; // the last line was not written
    struct log_limit denied, programs;
    char path[256]; // what fd was opened from
};

struct audit_entry {
    const struct rpc_user *user; // NULL: the daemon itself
    const struct rpc_method *method;
    const json_t *params; // NULL: none
    const json_t *result; // NULL: none. What it names and params do not is part of the line: dialog, refer
    bool program;         // attached to an application: it may do this thousands of times a second
    enum dg_code code;
    const char *text; // why it was refused; with DG_OK: not read
};
void audit_write(struct control *control, const struct audit_entry *entry);

// The next line opens the file anew.
void audit_reopen(struct control *control);

// Opens the file now, so that a start tells what is wrong with it. 0 or -errno, which is logged.
int audit_open(struct control *control);

#endif
