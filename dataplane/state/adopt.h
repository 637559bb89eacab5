// SPDX-License-Identifier: BSD-3-Clause
// What one worker takes over from the files of earlier processes, in two steps: before its first packet every
// record that it owns, so that table, timers and counts are whole; then, a slice a turn, the texts, after
// which the older file no longer has the dialog. The number of workers may have changed in between: each
// looks through all files for what is its own.
#ifndef DIALGATE_STATE_ADOPT_H
#define DIALGATE_STATE_ADOPT_H

#include "dialog.h"

struct adoption {
    struct dialogs *set;
    unsigned worker;  // us
    unsigned workers; // of how many
    uint16_t peers;   // a record with a number beyond these is damaged
    uint16_t members;
    // Dialogs by what became of them.
    uint64_t taken;
    uint64_t damaged;
    uint64_t no_room;
    uint32_t next; // records of the set from here on are looked at by the next slice
    uint32_t end;  // none behind it was taken over
};

// The first step, for a set that has no dialogs yet. images: settled, those whose records are to be preferred
// where room is short first, at most DIALOG_IMAGES_MAX; they stay until the second step has come to its end.
// The caller has set what stands above the counts.
void adopt_records(struct adoption *adoption, struct image *const *images, unsigned count, tick_t now);
// One slice of the second step: the texts of at most so many dialogs. Returns how many were fetched; 0 when
// there is nothing left (set->images_left is 0, the images are not touched again) or no room now.
unsigned adopt_texts(struct adoption *adoption, unsigned most);

#endif
