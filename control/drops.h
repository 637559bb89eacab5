// SPDX-License-Identifier: BSD-3-Clause
// The last notes of drops, of all networks: those of XDP programs and those of the workers' filters
// (drop_read.h), taken four times a second, a bounded number each time. They are numbered from 1 as long as
// this process lives; the events' stream id tells the next process's numbers from ours. The newest DROPS_KEPT
// stay: no client and no flood makes this grow.
//
// They are no events (event.h): a flood would push those out. That a peer's packets are dropped is one, from
// the exact counters of its class, when it begins and when it is over.
#ifndef DIALGATE_CONTROL_DROPS_H
#define DIALGATE_CONTROL_DROPS_H

#include <stdint.h>
#include "dialgate/filter_notes.h"
#include "dialgate/snapshot.h"

#define DROPS_KEPT 2048u

struct control;
struct drops;
struct metrics_visitor;

struct drop_row {
    uint64_t time_ms;           // Unix time
    char network[NAME_SIZE];    // as it was named then
    struct prefilter_drop drop; // its number is that of its source, not ours
};

// Behind events_start(). Returns 0 or -ENOMEM; drops_stop() also after a failure.
int drops_start(struct control *control);
void drops_stop(struct control *control);
// The data plane's descriptors are there, or are to go.
void drops_connected(struct control *control);
void drops_disconnected(struct control *control);

uint64_t drops_last(const struct drops *drops);  // number of the newest, 0: none yet
uint64_t drops_first(const struct drops *drops); // the oldest that is kept; last + 1: none
const struct drop_row *drops_row(const struct drops *drops, uint64_t number); // one from first to last
// Notes that we have never seen: they found a ring full, or were written over.
uint64_t drops_lost(const struct drops *drops);
void drops_walk(const struct control *control, const struct metrics_visitor *visitor);

// drop_watch.c: whether packets of peers are dropped, or in dry-run would be. Once a second.
struct drop_watch;
struct drop_watch *drop_watch_create(void); // NULL without memory; free()
void drop_watch_look(struct control *control, struct drop_watch *watch);

#endif
