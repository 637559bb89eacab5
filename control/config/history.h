// SPDX-License-Identifier: BSD-3-Clause
// Configurations that were brought before the dataplane, kept in DIRECTORY/versions, a file each, named by
// its number. Such a file is a configuration that stands alone: what config_print() wrote, with its included
// files in it and its variables' names, behind comments that tell where it came from:
//
//   # dialgate-version 1
//   # time 1789000000
//   ...
//   networks:
//   ...
//   # end
#ifndef DIALGATE_CONFIG_HISTORY_H
#define DIALGATE_CONFIG_HISTORY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "config.h"

#define HISTORY_WORD_SIZE 64u
#define HISTORY_TEXT_SIZE 256u

struct history_entry {
    uint32_t version;
    int64_t time; // seconds since 1970
    char who[HISTORY_WORD_SIZE];
    char cause[HISTORY_WORD_SIZE]; // "start", "reload", "rollback 5"
    char file[PATH_MAX];           // that was read
    struct config_source source;
    uint64_t sequence; // of its image
    bool accepted;
    char text[HISTORY_TEXT_SIZE]; // what came of it
};

// Writes config as the next version, whose number goes into entry. Afterwards there are at most `keep`
// versions: refused ones go first, then the oldest, never this one. Returns 0 or -errno with one line in
// error.
struct history_target {
    const char *directory;
    uint64_t keep;
    char *error;
    size_t error_size;
};
int history_add(const struct history_target *target, const struct config *config,
                struct history_entry *entry);

// All versions, oldest first; free() them. What cannot be read is left out. Returns 0 or -ENOMEM.
int history_list(const char *directory, struct history_entry **entries, size_t *count);

// Reads one version, *text with its length too (which the caller frees; text may be NULL). Returns 0, or
// -errno with one line in error.
struct history_text {
    char *octets;
    size_t length;
};
int history_read(const char *directory, uint32_t version, struct history_entry *entry,
                 struct history_text *text);

// Is this what the version says? False also where it cannot be read.
bool history_is(const char *directory, uint32_t version, const struct config *config);

#endif
