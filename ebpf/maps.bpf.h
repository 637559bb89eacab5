// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// The program's maps, and what it keeps of the packet in hand. include/dialgate/prefilter.h has the layouts.
#ifndef DIALGATE_MAPS_BPF_H
#define DIALGATE_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "packet.bpf.h"

#define MAP(kind, entries, key_type, value_type)                                                             \
    struct {                                                                                                 \
        __uint(type, kind);                                                                                  \
        __uint(max_entries, entries);                                                                        \
        __type(key, key_type);                                                                               \
        __type(value, value_type);                                                                           \
    }
#define SOURCE struct prefilter_address

MAP(BPF_MAP_TYPE_XSKMAP, PREFILTER_QUEUES_MAX, __u32, __u32) xsks_map SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, PREFILTER_REASON_COUNT, __u32, __u64) counters SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, PREFILTER_TALLIES_MAX, __u32, __u64) classes SEC(".maps");
MAP(BPF_MAP_TYPE_HASH, PREFILTER_LISTENERS_MAX, struct prefilter_listener, __u32) listeners_a SEC(".maps");
MAP(BPF_MAP_TYPE_HASH, PREFILTER_LISTENERS_MAX, struct prefilter_listener, __u32) listeners_b SEC(".maps");
MAP(BPF_MAP_TYPE_ARRAY, 2 * PREFILTER_CLASSES, __u32, struct prefilter_rules) rules SEC(".maps");
MAP(BPF_MAP_TYPE_ARRAY, PREFILTER_BUCKETS, __u32, struct prefilter_buckets) buckets SEC(".maps");
MAP(BPF_MAP_TYPE_LRU_HASH, PREFILTER_STRANGERS_MAX, SOURCE, struct prefilter_stranger) strangers SEC(".maps");
MAP(BPF_MAP_TYPE_HASH, PREFILTER_BANS_MAX, struct prefilter_prefix6, struct prefilter_ban) bans SEC(".maps");
MAP(BPF_MAP_TYPE_LRU_HASH, PREFILTER_DROPPERS_MAX, SOURCE, struct prefilter_dropped) droppers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, PREFILTER_DROPS_SIZE);
} drops SEC(".maps");

// The loader maps these, and writes a half without a call a row.
#define TABLE(entries, value_type)                                                                           \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_ARRAY);                                                                    \
        __uint(max_entries, entries);                                                                        \
        __uint(map_flags, BPF_F_MMAPABLE);                                                                   \
        __type(key, __u32);                                                                                  \
        __type(value, value_type);                                                                           \
    }
TABLE(4 * PREFILTER_SLOTS, __u64) slots SEC(".maps");
TABLE(2 * PREFILTER_STEPS_MAX, struct prefilter_step4) steps4 SEC(".maps");
TABLE(2 * PREFILTER_STEPS_MAX, struct prefilter_step6) steps6 SEC(".maps");

struct prefilter_config config SEC(".data.config");

// What is known of a packet while it is judged, with the keys that it is looked up by. One a CPU, not on the
// stack: without CAP_PERFMON every first write to a slot of the stack costs a speculation barrier.
struct judged {
    struct packet packet;
    __u64 now_ns;
    __u64 tick; // when tick_ns was read; it outlives the packet
    __u64 tick_ns;
    __u64 random; // outlives the packet, too
    __u32 half;
    __u32 kind; // enum packet_kind
    __u32 invite;
    __u32 known;  // the stranger had buckets
    __u32 class;  // PREFILTER_CLASSES: was not asked for
    __u32 reason; // enum prefilter_reason
    __u32 tally;
    struct prefilter_address key;    // the source, as its buckets know it
    struct prefilter_prefix6 banned; // as a ban does
    __u64 high, low;                 // its whole address in host order; of IPv4 `low` alone
    __u64 slot;
    __u32 row;
    struct prefilter_listener fragments; // the listener's row for fragments
};
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, 1, __u32, struct judged) scratch SEC(".maps");

// Keeps the call before it apart from its twin.
#define TWO_CALLS(result) barrier_var(result)

// A search by halves in all steps of a half: 2^17 are more.
#define STEPS_HALVED 17u

// The same pointer, which the compiler does not know for the same: so it adds the offset of a key where it
// needs it, and spills no sum.
static __always_inline struct judged *fresh(struct judged *judged)
{
    barrier_var(judged);
    return judged;
}

// Always of what is in memory: a pointer that is kept over a call is spilled to the stack.
static __always_inline const struct prefilter_settings *settings_of(const struct judged *judged)
{
    const struct prefilter_settings *settings = &config.settings[0];

    if (judged->half) {
        settings = &config.settings[1];
        barrier_var(settings);
    }
    return settings;
}

#endif
