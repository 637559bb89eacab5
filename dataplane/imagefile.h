// SPDX-License-Identifier: BSD-3-Clause
// One file that is mapped and locked, mode 0600. Locked (flock) by who maps it, so that two processes never
// share one, whatever directories they were given.
#ifndef DIALGATE_IMAGEFILE_H
#define DIALGATE_IMAGEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IMAGEFILE_NAME_SIZE 40u

struct imagefile {
    const char *directory; // the caller's
    char name[IMAGEFILE_NAME_SIZE];
    uint64_t epoch;  // of the name
    int fd;          // -1: none
    uint8_t *octets; // 2 MiB aligned, NULL: none
    size_t size;
    int node; // memory node of the pages of a new one, MEMORY_NODE_NONE: any
};

// For the log, valid until the next call.
const char *imagefile_path(const struct imagefile *file);
// Opens what directory and name say. Returns 0 or -errno: -EWOULDBLOCK somebody uses it, -EPERM no file of
// ours alone; imagefile_close() in any case. An empty file has no octets.
int imagefile_open(struct imagefile *file);
// Makes a new one of file->size, all of it reserved: a page that cannot be had later would cost the process
// its life. Its first `now` octets are present at once. huge: on hugetlbfs. Returns how many octets are
// present, or -errno; imagefile_remove() then.
ssize_t imagefile_make(struct imagefile *file, bool huge, size_t now);
void imagefile_close(struct imagefile *file);
void imagefile_remove(struct imagefile *file); // and its directory when nothing else is in it

#endif
