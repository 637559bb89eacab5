// SPDX-License-Identifier: BSD-3-Clause
// Parts of the printed form. What the environment gave is printed as it is written in the file.
#ifndef DIALGATE_CONFIG_PRINT_H
#define DIALGATE_CONFIG_PRINT_H

#include <stdio.h>
#include "model.h"

// A mapping: values of group, which stand at path ("peers[3].limits").
struct mapping {
    const struct config *config;
    const char *path;
    const struct key_group *group;
    const void *values;
};

// `key: value, key: value` of the keys that are not at their default.
void print_mapping(const struct mapping *mapping, FILE *out);

// The value of a key, which is no list of prefixes; of such a list, one row.
void print_one(const struct mapping *mapping, const struct key *key, FILE *out);
void print_row(const struct mapping *mapping, const struct key *key, size_t row, FILE *out);

#endif
