// SPDX-License-Identifier: BSD-3-Clause
// What may come next on a command line: from the table of commands, and names from the running system.
#ifndef DIALGATE_CTL_COMPLETE_H
#define DIALGATE_CTL_COMPLETE_H

#include "ctl.h"

// help may be empty.
typedef void complete_take(void *context, const char *word, const char *help);

struct complete_line {
    const char *const *words; // whole ones, before the one that is begun
    int count;
    const char *begun; // may be empty
    bool explain;      // also what is no word itself ("FILE"), and options before their first hyphen
};

// Hands over each word that may stand there and begins so. The daemon is asked for names; without one there
// are none, and nothing is printed.
void complete_words(struct ctl *ctl, const struct complete_line *line, complete_take *take, void *context);

#endif
