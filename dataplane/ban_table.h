// SPDX-License-Identifier: BSD-3-Clause
// The rows of bans.c: sources by their hash, and what follows from a ban that is in force or is no more. Only
// bans.c includes this.
#ifndef DIALGATE_BAN_TABLE_H
#define DIALGATE_BAN_TABLE_H

#include "bans.h"
#include "log.h"

#define BAN_LENGTHS 129u // that a prefix may have
#define BAN_NONE    UINT32_MAX

enum ban_state { BAN_FREE, BAN_LIVE, BAN_REMEMBERED };

struct ban {
    struct ban_source source;
    uint32_t next;        // of its chain, or of the free ones
    uint64_t since_ms;    // Unix time
    uint64_t until_ms;    // of the monotonic clock; 0: until it is lifted. Of a remembered one: till then
    uint64_t lifetime_ms; // 0: likewise
    uint32_t times;
    uint8_t state; // enum ban_state
    uint8_t reason;
    uint8_t dry_run;
    uint8_t reserved;
};
static_assert(sizeof(struct ban) == 56, "the file has them as they are");

struct bans {
    struct bans_options options;
    struct log_limit limit;
    struct ban rows[BANS_MAX];
    uint32_t heads[BANS_MAX];        // of chains
    uint32_t free;                   // first of the free ones that were used before
    uint32_t used;                   // rows from here on were never used
    uint32_t by_rule;                // live or remembered
    uint32_t remembered;             // of these
    uint32_t hand;                   // where the next remembered one that makes room is looked for
    uint32_t live;                   // and no dry run
    uint32_t of_length[BAN_LENGTHS]; // of these, of IPv6
    bool changed;                    // since it was saved
};

static inline bool ban_is_in_force(const struct ban *ban)
{
    return ban->state == BAN_LIVE && !ban->dry_run;
}

// Of a source that nobody has no row is made: it would look like none.
static inline bool ban_is_somebody(const struct ban_source *source)
{
    return ip_is_set(&source->address);
}

uint64_t ban_table_wall_ms(void);
void ban_table_init(struct bans *bans);                                         // zeroed but for its options
struct ban *ban_table_find(struct bans *bans, const struct ban_source *source); // NULL: none
// A free row. NULL: there is none.
struct ban *ban_table_insert(struct bans *bans, const struct ban_source *source);
// The row is free; it must not be in force.
void ban_table_forget(struct bans *bans, struct ban *ban);
// Puts it in force, or notes what it would be. Returns 0 or -errno; then it is forgotten.
int ban_table_begin(struct bans *bans, struct ban *ban, uint64_t lifetime_ms, uint64_t now_ms);
// The place gets what is live and no dry run. Returns 0 or -errno.
int ban_table_put(struct bans *bans, const struct ban *ban);
// Does nothing for what is not in force.
void ban_table_take_away(struct bans *bans, const struct ban *ban);
void ban_table_publish(const struct bans *bans); // how many are in force, to the counters

#endif
