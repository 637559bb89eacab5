// SPDX-License-Identifier: BSD-3-Clause
// The directories of one instance: the run directory (socket, lock, records) and the state directory (keys,
// last snapshot).
#ifndef DIALGATE_RUNDIR_H
#define DIALGATE_RUNDIR_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include "fault.h"

#define RUNDIR_DEFAULT     "/run/dialgate"
#define RUNDIR_PREFIX_SIZE 64u

struct rundir {
    char run[PATH_MAX];              // absolute, without links
    char state[PATH_MAX];            // absolute
    char prefix[RUNDIR_PREFIX_SIZE]; // names this instance among others on the machine: EAL's file-prefix
    int lock;
};

// Makes what is missing and takes the lock: one data plane a run directory. state may be NULL: derived from
// run. Returns 0 or -errno with fault.
int rundir_open(struct rundir *dir, const char *run, const char *state, struct fault *fault);
// Listens at RUN/dataplane.sock, replacing what a dead instance left. Returns the descriptor or -errno with
// fault.
int rundir_listen(const struct rundir *dir, struct fault *fault);
// Makes a directory that is not there and refuses one that others can write to, or that another user owns: it
// could be filled with keys and snapshots of his. option: how the operator chooses another. Returns 0 or
// -errno with fault.
int rundir_make(const char *path, mode_t mode, const char *option, struct fault *fault);
// Removes the socket when listening is true and gives up the lock.
void rundir_close(struct rundir *dir, bool listening);

#endif
