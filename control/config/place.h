// SPDX-License-Identifier: BSD-3-Clause
// Where each key and value of a YAML text stands. libcyaml tells at best where it was in its reading when
// something went wrong, and nothing later; this walk over libyaml's events keeps every node's path, so that
// each error names the very line and column. On the way it refuses what a configuration has no use for:
// aliases, repeated keys, a second document, NUL in a value, deep nesting.
//
// Several files (include.h) are walked into one tree: mappings are joined, lists go on, a value has one
// place.
#ifndef DIALGATE_CONFIG_PLACE_H
#define DIALGATE_CONFIG_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include "sha256.h"

#define PLACE_PATH_SIZE    192u
#define PLACE_DEPTH_MAX    8u
#define PLACE_FILES_MAX    32u
#define PLACE_KEYS_MAX     64u // keys of one mapping
#define PLACE_WARNINGS_MAX 32u // of one file; more are not kept

enum place_kind { PLACE_VALUE, PLACE_MAPPING, PLACE_LIST };

struct place {
    char *path;    // "", "peers", "peers[1].members[0].address"; a path within
    char *value;   // of PLACE_VALUE; NULL of others
    char *written; // where the environment gave the value: what stands in the file; else NULL
    enum place_kind kind;
    unsigned file;       // index
    size_t parent;       // index; 0 is the root's own
    size_t name;         // offset of the last key in path
    unsigned line;       // of the value, from 1
    unsigned column;     // of the value, in characters, from 1
    unsigned key_line;   // of the key; the value's for an entry of a list
    unsigned key_column; //
};

struct places {
    struct place *rows;
    size_t count;
    size_t room;
    const char *file; // name of the first one
    char *included[PLACE_FILES_MAX - 1];
    unsigned file_count; // that were begun
    struct sha256 sum;   // of the octets of all files, one behind the other
    char *error;         // the one line; the first error written stays
    size_t error_size;
    char *warnings[PLACE_WARNINGS_MAX];
    size_t warning_count;
};

// Walks text[0, length), the text of places->file. Returns 0, or -EINVAL or -ENOMEM with the error in places.
// places_free() frees it either way. file and error stay the caller's and outlive places.
int places_read(struct places *places, const char *text, size_t length);

// The same for another file, called name, whose keys join those that are there. At most PLACE_FILES_MAX
// files.
int places_add(struct places *places, const char *name, const char *text, size_t length);

// The name of a file.
const char *places_file(const struct places *places, unsigned file);

// All files as one YAML text, without the top-level key `include`. The caller frees it; NULL: no memory.
char *places_text(const struct places *places, size_t *length);

void places_free(struct places *places);

// The node at path, or the nearest one above it that the text has; NULL only before places_read().
const struct place *places_find(const struct places *places, const char *path);

// Writes `FILE:LINE:COLUMN: path: ...` for the value at path (places_refuse) or for its key
// (places_refuse_key). Returns -EINVAL. What the environment gave is not repeated in it.
__attribute__((format(printf, 3, 4))) int places_refuse(struct places *places, const char *path,
                                                        const char *format, ...);
__attribute__((format(printf, 3, 4))) int places_refuse_key(struct places *places, const char *path,
                                                            const char *format, ...);

// Keeps `FILE:LINE:COLUMN: path: ...` for the value at path: legal, but odd. The caller may take the warnings
// out; places_free() frees those that are left.
__attribute__((format(printf, 3, 4))) void places_warn(struct places *places, const char *path,
                                                       const char *format, ...);

#endif
