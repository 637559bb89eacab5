// SPDX-License-Identifier: BSD-3-Clause
// The memfd of counters (include/dialgate/counters.h): made once, written by the workers and the agent,
// handed to control read-only.
#ifndef DIALGATE_COUNTERS_FILE_H
#define DIALGATE_COUNTERS_FILE_H

#include <stddef.h>
#include "fault.h"
#include "dialgate/counters.h"
#include "dialgate/filter_notes.h"

struct counters_file {
    struct counters_header *header; // our mapping, NULL: none
    size_t size;
    int fd; // read-only, for control
};

// Room for so many workers, zeroed and populated. Returns 0 or -errno with fault.
int counters_file_create(struct counters_file *file, unsigned workers, struct fault *fault);
void counters_file_destroy(struct counters_file *file);

struct counters_worker *counters_file_worker(const struct counters_file *file, unsigned worker);
struct counters_peer *counters_file_peers(const struct counters_file *file, unsigned worker);
struct counters_member *counters_file_members(const struct counters_file *file, unsigned worker);
struct counters_filter *counters_file_filter(const struct counters_file *file, unsigned worker);
struct filter_notes *counters_file_notes(const struct counters_file *file, unsigned worker);
struct counters_agent *counters_file_agent(const struct counters_file *file);
struct counters_network *counters_file_networks(const struct counters_file *file); // NETWORKS_MAX of them

#endif
