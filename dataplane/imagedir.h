// SPDX-License-Identifier: BSD-3-Clause
// Directories in memory where the dialogs' files may lie.
#ifndef DIALGATE_IMAGEDIR_H
#define DIALGATE_IMAGEDIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "fault.h"

#define IMAGEDIRS_MAX 12u

struct imagedir {
    char path[PATH_MAX];
    bool usable; // for new files; others are only looked into
};

struct imagedirs {
    struct imagedir dirs[IMAGEDIRS_MAX]; // in the order in which new files try them
    unsigned count;
};

// configured: the operator's choice, "" leaves it to us: hugetlbfs mounts with 2 MiB pages that we may write
// to, then the state directory, or one in /dev/shm named after it when that is not in memory. Where files lay
// before (state_directory/dialogs.directory) is looked into in any case.
void imagedirs_find(struct imagedirs *dirs, const char *configured, const char *state_directory);
// Remembers where files lie now. Returns 0 or -errno.
int imagedir_remember(const char *directory, const char *state_directory);

struct imageroom {
    uint64_t octets; // that can be had there now
    size_t page;     // files are whole multiples of it
    bool huge;       // hugetlbfs
};
// Of the directory, or of the one above it while it is not made. Returns 0 or -errno.
int imagedir_room(const char *directory, struct imageroom *room);

#endif
