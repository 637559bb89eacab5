// SPDX-License-Identifier: BSD-3-Clause
// The shape of the YAML, as libcyaml checks it: which keys exist, what is a mapping, a list or a value, how
// many entries a list may have. Values stay text here.
#ifndef DIALGATE_CONFIG_SCHEMA_H
#define DIALGATE_CONFIG_SCHEMA_H

#include "model.h"
#include "place.h"

struct schema;

// Reads the text of places into *raw; networks are in the order of the file.
// Returns 0, or -EINVAL or -ENOMEM with the error in places. schema_free() frees *schema with *raw either
// way.
int schema_load(struct places *places, struct schema **schema, struct raw **raw);
void schema_free(struct schema *schema);

// How many networks there are, and the path of one ("networks.outside"); the name begins behind the dot.
size_t schema_network_count(const struct schema *schema);
const char *schema_network_path(const struct schema *schema, size_t index);

#endif
