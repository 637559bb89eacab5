// SPDX-License-Identifier: BSD-3-Clause
// Between the parts of the walk over all metrics; metrics.c alone calls them.
#ifndef DIALGATE_CONTROL_METRICS_WALK_H
#define DIALGATE_CONTROL_METRICS_WALK_H

#include "control.h"
#include "metrics.h"
#include "metrics_table.h"

#define LABELS_SIZE     512
#define NAME_LABEL_SIZE (2 * NAME_SIZE)

void walk_begin(const struct metrics_visitor *visitor, enum metric metric); // its samples follow
void walk_one(const struct metrics_visitor *visitor, enum metric metric, double value);
// A name as it stands in a label. Returns out.
const char *walk_label(const char *name, char out[NAME_LABEL_SIZE]);

// metrics_worker.c: of the counters file, which is there: what workers count, histograms, packet buffers and
// networks.
void walk_workers(const struct control *control, const struct metrics_visitor *visitor);
// metrics_peer.c: what the configuration says of peers and members.
void walk_limits(const struct control *control, const struct metrics_visitor *visitor);
void walk_drained(const struct control *control, const struct metrics_visitor *visitor);
// metrics_peer.c: of the counters file, by peer and by member.
void walk_peers(const struct control *control, const struct metrics_visitor *visitor);

#endif
