// SPDX-License-Identifier: BSD-3-Clause
// What the files that fill the image share: the plan, and how they write into it.
#ifndef DIALGATE_CONFIG_COMPILE_H
#define DIALGATE_CONFIG_COMPILE_H

#include "manifest.h"
#include "model.h"
#include "overlay.h"

#define ROUTE_TEXTS  9u // texts of a route
#define PRIORITY_MAX 16u

struct plan {
    const struct config *config;
    struct manifest *manifest;
    const struct overlay *overlay;
    uint16_t *peers;                 // permanent number of each configured peer, then of each application
    uint16_t *members;               // of each member, peer after peer
    size_t member_count;             // of all peers
    struct snapshot_source *sources; // sorted, no prefix twice
    uint32_t counts[SECTION_COUNT];
    uint32_t text_used; // of SECTION_TEXTS
    struct snapshot_header *image;
    char *error;
    size_t error_size;
};

// Writes the error and returns reason.
__attribute__((format(printf, 3, 4))) int plan_fail(struct plan *plan, int reason, const char *format, ...);

// Where a section of the image begins.
void *plan_section(const struct plan *plan, enum snapshot_section which);

// The offset of a copy in SECTION_TEXTS, 0 for an empty text.
uint32_t plan_text(struct plan *plan, const char *text);

// Whole seconds, rounded up.
uint32_t plan_seconds(uint64_t ms);

// A burst that is not given is a second's worth.
struct call_limit plan_limit(uint64_t rate, uint64_t burst, uint64_t concurrent);

// A bucket of the prefilter: what is 0 in an own one is as in the common one, but for the burst of an own
// rate.
struct bucket_limit plan_bucket(const struct config_bucket *common, uint64_t rate, uint64_t burst);
void plan_peer_limits(struct snapshot_peer *row, const struct config_peer_limits *limits);

// The permanent number of a peer or an application; NUMBER_NONE: there is none of this name.
uint16_t plan_number(const struct plan *plan, const char *name);

extern const uint16_t plan_replies[]; // statuses in the order of choices_reply

// Members of the best priority: those that the peer's Maglev table is of.
uint32_t compile_best_count(const struct config_peer *peer);

// Peers with their members, lists and tables. Returns 0 or -errno with the plan's error written.
int compile_peers(struct plan *plan);

void compile_applications(struct plan *plan);
void compile_routes(struct plan *plan);
void compile_bans(struct plan *plan);

#endif
