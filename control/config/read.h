// SPDX-License-Identifier: BSD-3-Clause
// From the texts that libcyaml read to values: defaults, kinds and ranges of single keys (read.c), then what
// keys must be to each other (check.c).
#ifndef DIALGATE_CONFIG_READ_H
#define DIALGATE_CONFIG_READ_H

#include "model.h"
#include "place.h"
#include "schema.h"

// Fills config, which is zero, from raw. Returns 0, or -EINVAL or -ENOMEM with the error in places;
// config_free() frees what was filled either way.
int read_config(const struct raw *raw, const struct schema *schema, struct places *places,
                struct config *config);

// Checks references, names and limits across keys of a filled config. Returns 0 or -EINVAL with the error in
// places.
int check_config(const struct config *config, struct places *places);

#endif
