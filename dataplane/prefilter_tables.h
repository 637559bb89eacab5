// SPDX-License-Identifier: BSD-3-Clause
// The tables by which the XDP program tells the class of a source, written from a snapshot into mapped
// memory: 10,000 prefixes are some ms, where a call a row took hundreds.
#ifndef DIALGATE_DATAPLANE_PREFILTER_TABLES_H
#define DIALGATE_DATAPLANE_PREFILTER_TABLES_H

#include "dialgate/prefilter.h"

struct prefilter_port;
struct snapshot_header;

// Fills slots and steps of a half that is not in force, and slot6_base and slot6_shift of its settings.
// Returns 0 or -errno; -E2BIG: more steps than rows.
int prefilter_tables_fill(const struct prefilter_port *port, const struct snapshot_header *image,
                          uint32_t half, struct prefilter_settings *settings);

#endif
