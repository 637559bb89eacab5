// SPDX-License-Identifier: BSD-3-Clause
// What dialgatectl top shows: figures of what happened between looks at the daemon.
#ifndef DIALGATE_CTL_TOP_H
#define DIALGATE_CTL_TOP_H

#include <jansson.h>

// What the daemon said at one moment. Whoever holds a look owns the references; NULL: nothing.
struct top_look {
    double at_s;      // of any clock that does not jump
    json_t *status;   // system.status
    json_t *cores;    // core.list; NULL while the dataplane is away
    json_t *peers;    // peer.list
    json_t *families; // of metrics.get: {name: samples}
};

// {name: samples} of a result of metrics.get; a new reference.
json_t *top_families(const json_t *metrics);

// Rates are of the time from before to now, shares and delays of that from oldest to now, totals of all the
// time since the counters began. Counters that went back (another dataplane) count from 0. A new reference:
//   window_s, status, calls{created_rate, answered_share, answered_share_total},
//   messages{received_rate, sent_rate, dropped_rate, dropped_total}, delays[{what, p50_s, p95_s, p99_s,
//   total_...}], cores[...], peers[...], drops[{reason, rate, total}]
// Peers that are not well come first, then busy ones; of drops the most frequent.
// A share or delay of nothing is null.
json_t *top_figures(const struct top_look *now, const struct top_look *before, const struct top_look *oldest);

// Of families what top_figures() asks of `oldest`; a new reference.
json_t *top_lasting(const json_t *families);

struct ctl;
void top_draw(struct ctl *ctl, const json_t *figures);

#endif
