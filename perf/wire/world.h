// SPDX-License-Identifier: BSD-3-Clause
// Who calls through the worker, and the configuration that control compiles of it: callers of one peer
// outside, in so many prefixes, SBCs of another peer inside, and so many routes, the last of which counts.
#ifndef DIALGATE_PERF_WORLD_H
#define DIALGATE_PERF_WORLD_H

#include <stdbool.h>
#include "plane.h"

enum world_side { WORLD_CALLER, WORLD_CALLEE }; // also the numbers of their networks

struct world_size {
    bool ipv6;
    unsigned prefixes; // of the callers' peer
    unsigned callers;  // one in each prefix; when there are more of them, the others are in the last one
    unsigned members;  // SBCs
    unsigned routes;
    uint32_t t1_ms;
    unsigned workers;
};

struct party {
    struct ip_address address;
    char host[44]; // as in a URI
    uint8_t host_length;
};

struct world {
    struct world_size size;
    struct party *parties[2]; // callers, callees
    unsigned counts[2];
    struct party ours[2];
};

#define WORLD_PORT 5060u
// Of the frames that leave by a network.
extern const uint8_t world_macs[2][6];

struct world *world_create(const struct world_size *size);
void world_destroy(struct world *world);
// Compiles the configuration; ends the program with its error. The caller owns both.
struct rules *world_rules(const struct world *world);
struct nexthop_table *world_nexthops(const struct world *world);
// The configuration as an operator would write it; free() frees it.
char *world_yaml(const struct world *world, size_t *length);

#endif
