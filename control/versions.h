// SPDX-License-Identifier: BSD-3-Clause
// The history of what was brought before the dataplane: which version is in force, and a new one for each
// change.
#ifndef DIALGATE_CONTROL_VERSIONS_H
#define DIALGATE_CONTROL_VERSIONS_H

#include <stddef.h>
#include <stdint.h>
#include "config/history.h"

struct control;
struct configuration;

struct versions {
    uint32_t active; // in force; 0: it could not be written
    // Of the configuration that is on its way.
    char cause[HISTORY_WORD_SIZE];
    char who[HISTORY_WORD_SIZE];
    struct config_source source; // of a version that comes back: what it was made from
};

// What control began with: the version that is in force already when it says the same, else a new one.
void version_start(struct control *control);

// A configuration sets out; who may be NULL.
void version_begin(struct versions *versions, const char *cause, const char *who,
                   const struct config_source *source);

// What came of it. A reload that took what is in force already makes no version. What cannot be written is
// logged.
void version_record(struct control *control, const struct configuration *configuration, int result,
                    const char *text);

// The newest version before that in force which was accepted and says something else; 0: none.
uint32_t version_before(const struct control *control);

// Reads a version. Returns its configuration, which the caller frees, or NULL with errno and one line in
// error.
struct config *version_parse(const struct control *control, uint32_t version, struct history_entry *entry,
                             char *error, size_t size);

#endif
