// SPDX-License-Identifier: BSD-3-Clause
// Names of next hops on their way between workers and control, and what is known of them: answers are kept as
// long as control says, and workers read them from a table that is made anew when they change.
//
// A name is asked for once, however many workers want it, and again when a worker uses it in the last quarter
// of its time. What one peer's messages can make us ask for, and keep, is bounded: its own oldest name makes
// room for its next one.
#ifndef DIALGATE_NAME_CACHE_H
#define DIALGATE_NAME_CACHE_H

#include "channel_server.h"
#include "dialgate/counters.h"
#include "name.h"

#define NAME_CACHE_OF_PEER      512u // of NAME_ROWS_MAX
#define NAME_CACHE_OPEN         256u // questions without an answer
#define NAME_CACHE_OPEN_OF_PEER 16u
#define NAME_CACHE_OPEN_MS      15000u // then it counts as not resolved: control and its DNS give up earlier
#define NAME_CACHE_FAILED_MS    5000u
#define NAME_CACHE_PUBLISH_MS   20u // from one table to the next
#define NAME_CACHE_HEADS        4096u

struct name_entry;

struct name_cache_options {
    struct channel_server *channel;
    struct name_asks *const *asks; // of each worker
    unsigned ask_count;
    const struct siphash_key *key;                            // the workers' for names
    void (*publish)(void *context, struct name_table *table); // takes it
    void *context;
};

struct name_cache {
    struct channel_server *channel;
    struct name_asks *asks[WORKERS_MAX];
    unsigned ask_count;
    struct siphash_key key;
    void (*publish)(void *context, struct name_table *table);
    void *context;
    struct name_entry *entries;       // NAME_ROWS_MAX
    uint32_t used;                    // from the front
    uint16_t heads[NAME_CACHE_HEADS]; // entry + 1, by hash; 0: none
    uint16_t of_peer[PEERS_MAX];
    uint16_t open_of_peer[PEERS_MAX];
    uint32_t open;
    bool changed; // since the last table
    uint64_t published_ms;
    uint64_t serial;
    struct log_limit limit;
};

int name_cache_init(struct name_cache *cache, const struct name_cache_options *options); // 0 or -ENOMEM
void name_cache_fini(struct name_cache *cache); // zeroed memory is fine

// Takes what workers ask, passes it on to control when it is there, and publishes what is new. Each tick.
void name_cache_poll(struct name_cache *cache, uint64_t now_ms);
// A checked answer. What was not asked for is left alone.
void name_cache_answer(struct name_cache *cache, const struct channel_name_answer *answer, uint64_t now_ms);
// The connection is gone: what is open is asked again when there is another.
void name_cache_forget(struct name_cache *cache);

#endif
