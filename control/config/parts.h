// SPDX-License-Identifier: BSD-3-Clause
// A configuration taken apart into mappings of single values, each with a name ("peers.sbcs.limits"), and two
// of them laid side by side. What has the same name is the same thing wherever it stands. Routes have no
// names: the longest common sequence stays, and what stands between two of it is the same route changed where
// there are as many before as after.
#ifndef DIALGATE_CONFIG_PARTS_H
#define DIALGATE_CONFIG_PARTS_H

#include <stddef.h>
#include "model.h"
#include "place.h"

struct part {
    char name[PLACE_PATH_SIZE];
    char path[PLACE_PATH_SIZE]; // where it stands: "peers[3].limits"
    const struct key_group *group;
    const void *values;
    size_t list;        // octets of name that name the list whose order means something; 0: none does
    struct part *other; // the same in the other configuration; NULL: it is not there
};

struct side {
    const struct config *config;
    struct part *parts; // in the order of the printed form
    size_t count;
    struct part **sorted; // by name
};

// Fills side, which is zeroed; config outlives it. Returns 0 or -ENOMEM. parts_free() frees it either way.
int parts_take(struct side *side, const struct config *config);
void parts_free(struct side *side);

// Lays them side by side: sets `other` of all parts of both. Returns 0 or -ENOMEM.
int parts_match(struct side *olds, struct side *news);

#endif
