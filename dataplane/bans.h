// SPDX-License-Identifier: BSD-3-Clause
// Bans: the operator's, and those of the rules (configuration: bans), which workers' verdicts begin. The
// agent keeps the one table of them, so that they need no control to begin and to end; it outlives this
// process in a file. A source that was banned by a rule is remembered for as long again as its ban lasted:
// whoever comes again in that time is banned for twice as long.
//
// The table is fixed: rules fill half of it at most, so that forged sources leave room for the operator.
//
// A ban is of one source: an IPv4 address, or an IPv6 prefix of prefilter.source_prefix bits. When a reload
// changes that length, bans that are there keep theirs, and end as they would have.
#ifndef DIALGATE_BANS_H
#define DIALGATE_BANS_H

#include <stdbool.h>
#include <stddef.h>
#include "dialgate/channel.h"
#include "dialgate/counters.h"
#include "dialgate/prefilter.h"
#include "event_queue.h"
#include "path/ban_source.h"
#include "siphash.h"

#define BANS_MAX        PREFILTER_BANS_MAX
#define BANS_BY_RULES   (BANS_MAX / 2)
#define BAN_EVENTS_KEPT 4096u

struct rules;
struct bans;

// Where bans are in force.
struct ban_place {
    // until_ms: of the monotonic clock, 0: until it is lifted. Returns 0 or -errno (-ENOSPC).
    int (*put)(void *context, const struct ban_source *source, uint64_t until_ms);
    void (*remove)(void *context, const struct ban_source *source);
    uint64_t (*hits)(void *context, const struct ban_source *source); // since it was put there
    // Bans have these lengths from now on. Returns 0 or -errno.
    int (*look)(void *context, const struct ban_lengths *lengths);
    void *context;
};

struct bans_options {
    struct ban_place place;
    struct event_queue *events;      // rows of struct channel_ban_event
    struct counters_agent *counters; // NULL: nobody counts
    struct siphash_key key;
    const char *state_directory; // NULL: nothing outlives us
    const uint8_t *boot_id;      // 16 octets: bans are true until the machine is booted again
};

struct bans *bans_create(const struct bans_options *options); // NULL without memory
void bans_destroy(struct bans *bans);

// The operator's, of an address or of the prefix that is one source now (source_bits of IPv6): replaces what
// there is of the source. Returns 0; -EDOM: a prefix that is another; -EADDRNOTAVAIL: addresses that nobody
// has; -ENOSPC; -E2BIG: PREFILTER_BAN_LENGTHS other lengths of IPv6 have bans; or -errno of the place.
int bans_set(struct bans *bans, const struct channel_ban *ban, uint32_t source_bits, uint64_t now_ms);
// Lifts and forgets: the next ban of the source is its first. With a length the ban of that very prefix, else
// the one that holds the address: of the length of today, or the longest. Returns 0 or -ENOENT.
int bans_lift(struct bans *bans, const struct channel_ban *ban, uint32_t source_bits);
// A worker's verdict. A source that has the address of a peer, or is allowed, is let alone.
void bans_judge(struct bans *bans, const struct rules *rules, const struct ban_source *source,
                enum ban_rule rule, uint64_t now_ms);
// Bans of rules whose source the new rules know or allow, or whose rule does not ban any more, end.
void bans_check(struct bans *bans, const struct rules *rules, uint64_t now_ms);
// Ends what is over. Each second.
void bans_expire(struct bans *bans, uint64_t now_ms);

// At most CHANNEL_BAN_ROWS_MAX rows from a cursor on (0: the first); *cursor is 0 behind the last. Returns
// how many.
uint32_t bans_list(const struct bans *bans, uint64_t *cursor, struct channel_ban_row *rows, uint32_t most,
                   uint64_t now_ms);

// STATE/bans. Does nothing when nothing changed since. Returns 0 or -errno.
int bans_save(struct bans *bans);
unsigned bans_restore(struct bans *bans, uint64_t now_ms); // returns how many are in force

#endif
