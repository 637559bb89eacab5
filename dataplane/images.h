// SPDX-License-Identifier: BSD-3-Clause
// The files of the workers' dialogs (state/image.h): those of earlier processes, from which the workers take
// over, and this process's own. One a worker, named dialogs.EPOCH.WORKER, mode 0600, locked while somebody
// uses it. README.md says which files are removed when.
#ifndef DIALGATE_IMAGES_H
#define DIALGATE_IMAGES_H

#include "backing.h"
#include "dialgate/counters.h"
#include "image.h"
#include "imagedir.h"
#include "imagefile.h"
#include "takeover.h"

#define IMAGES_OLDER_MAX 128u

struct images {
    struct imagedirs dirs;
    struct image_identity identity; // of this process; worker counts up while files are made
    uint32_t capacity;              // of our own files
    struct image_layout layout;     // of them
    unsigned count;                 // of own
    struct imagefile own[WORKERS_MAX];
    // Of earlier processes, newest first.
    unsigned older_count;
    struct imagefile older[IMAGES_OLDER_MAX];
    struct image parts[IMAGES_OLDER_MAX];
    struct image *list[IMAGES_OLDER_MAX]; // what takeovers point to
    struct takeover takeovers[WORKERS_MAX];
    uint64_t begun_ms; // when the workers were given them
    struct backing backing;
};

struct images_plan {
    const char *configured; // directory that the operator wants, "": none
    const char *state_directory;
    struct siphash_key key; // of the Call-IDs
    unsigned workers;
    const int *nodes;  // memory node of each worker, NULL: any
    uint32_t capacity; // dialogs a worker
    size_t arena_octets;
};

// Finds earlier files, checks and settles them. Those that cannot be taken over are logged, each with its
// reason. Returns 0 or -errno with fault; images_close() in any case.
int images_open(struct images *images, const struct images_plan *plan, struct fault *fault);
// Makes our own: records are present, the arena is reserved and follows. Room for as much again is required:
// the next process needs it beside ours.
int images_create(struct images *images, const struct images_plan *plan, struct fault *fault);
// Waits until every worker takes packets, logs what was taken over, and has the arenas made present.
void images_wait(struct images *images);
// The agent's tick: removes the earlier files once no worker needs them.
void images_poll(struct images *images);
// Gives back mappings and locks. Our own files stay where dialogs are in them: the next process has them.
void images_close(struct images *images);

#endif
