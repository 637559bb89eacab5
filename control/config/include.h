// SPDX-License-Identifier: BSD-3-Clause
// include: [FILE, ...] at the top of a configuration file. A FILE is looked for from the directory of the
// file that names it. Behind its last / may stand a pattern (fnmatch: *, ?, [a-z]): all files that match, in
// the order of the octets of their names; none is a warning. What it says joins what is there already:
// mappings are joined, lists go on behind what stands there, and a value has one place. First comes the whole
// file, then what it includes, in order, each with what that includes.
#ifndef DIALGATE_CONFIG_INCLUDE_H
#define DIALGATE_CONFIG_INCLUDE_H

#include <stddef.h>
#include "place.h"

#define INCLUDE_DEPTH_MAX 4u // files within each other; PLACE_FILES_MAX in all

// Walks the files that are included by the one that places holds. Returns 0, or -EINVAL or -ENOMEM with the
// error in places.
int include_files(struct places *places);

// Returns 0 where nothing is included, else -EINVAL with the error in places: a text that is no file has no
// directory.
int include_refuse(struct places *places);

// Reads fd to its end, at most `most` octets, into a buffer that the caller frees; NULL with errno.
char *include_read(int fd, size_t most, size_t *length);

#endif
