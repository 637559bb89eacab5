// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// The prefilter's maps and counters: what the XDP program, the agent (fills the configuration), control
// (counters, drops) and the software filter of the workers agree on. Plain data; it compiles for the bpf
// target too, so it needs nothing but stdint.h and spells _Static_assert out (assert.h is the C library's).
//
// A class is a peer, by its number, or all strangers together: each has rules, buckets and counters of its
// own.
#ifndef DIALGATE_PREFILTER_H
#define DIALGATE_PREFILTER_H

#include <stdint.h>

#define PREFILTER_QUEUES_MAX    64u    // receive queues of a port
#define PREFILTER_LISTENERS_MAX 128u   // rows a half: one a listener, one an address for fragments
#define PREFILTER_STEPS_MAX     65544u // rows a family a half: two a prefix of a configuration, and some
#define PREFILTER_SLOTS         65536u // rows of the index of a family a half
#define PREFILTER_PEERS_MAX     1024u  // as PEERS_MAX of snapshot.h
#define PREFILTER_CLASSES       (PREFILTER_PEERS_MAX + 1)
#define PREFILTER_STRANGERS     PREFILTER_PEERS_MAX // the class of every source that is no peer's
#define PREFILTER_STRANGERS_MAX 65536u              // single unknown sources whose buckets are held (LRU)
#define PREFILTER_BANS_MAX      65536u
#define PREFILTER_BAN_LENGTHS   4u     // prefix lengths of IPv6 that bans may have at once
#define PREFILTER_DROPPERS_MAX  16384u // sources in the table of droppers (LRU)
#define PREFILTER_DROP_SAMPLE   16u    // one drop in so many, chosen at random, is noted with this weight
#define PREFILTER_DROPS_SIZE    65536u // octets of the ring of drops; a power of two
#define PREFILTER_DROPS_RATE    100u   // notes a second in that ring, all CPUs together
#define PREFILTER_DROPS_BURST   200u
#define PREFILTER_DROPPERS_RATE                                                                              \
    10000u                         // new droppers a second: an LRU insertion costs as much as ten verdicts
#define PREFILTER_METHOD_MAX   32u // octets of a method that is let through
#define PREFILTER_HEADERS_MAX  8u  // IPv6 extension headers that are read
#define PREFILTER_FIRST_OCTETS 16u // of a dropped payload that are told

// M(NAME, name in the ELF, what it is). The first PREFILTER_MAP_SHARED are what control needs; an agent
// that hands out only these keeps within CHANNEL_FDS_MAX with every network.
// clang-format off
#define PREFILTER_MAPS(M)                                                                                              \
    M(COUNTERS, "counters", "enum prefilter_reason -> packets (uint64_t), per CPU")                                    \
    M(DROPPERS, "droppers", "struct prefilter_address -> struct prefilter_dropped, LRU")                               \
    M(CLASSES, "classes", "prefilter_tally_key() -> packets (uint64_t), per CPU")                                      \
    M(DROPS, "drops", "ring buffer of struct prefilter_drop: a sample")                                                \
    M(BANS, "bans", "struct prefilter_prefix6 -> struct prefilter_ban")                                                \
    M(XSKS, "xsks_map", "receive queue -> AF_XDP socket; the driver fills it and wants this name")                     \
    M(CONFIG, ".data.config", "one struct prefilter_config; libbpf names the map as the program's section")            \
    M(LISTENERS_A, "listeners_a", "struct prefilter_listener -> 1")                                                    \
    M(LISTENERS_B, "listeners_b", "the other half")                                                                    \
    M(SLOTS, "slots", "prefilter_slot_row() -> prefilter_slot(): index of the steps; may be mapped")                    \
    M(STEPS4, "steps4", "struct prefilter_step4, PREFILTER_STEPS_MAX a half; may be mapped")                           \
    M(STEPS6, "steps6", "struct prefilter_step6, PREFILTER_STEPS_MAX a half; may be mapped")                           \
    M(RULES, "rules", "class, and PREFILTER_CLASSES more in the second half -> struct prefilter_rules")                \
    M(BUCKETS, "buckets", "class -> struct prefilter_buckets; one more row, PREFILTER_NOTES, meters notes of drops")   \
    M(STRANGERS, "strangers", "struct prefilter_address -> struct prefilter_stranger, LRU")
// clang-format on

enum prefilter_map {
#define M(name, text, help) PREFILTER_MAP_##name,
    PREFILTER_MAPS(M)
#undef M
        PREFILTER_MAP_COUNT
};
#define PREFILTER_MAP_SHARED 4u

// R(NAME, metric label, help). Every packet that the program sees is counted in exactly one of these; in
// dry-run a packet that enforce would have dropped goes to the socket and is counted under DRY_RUN_reason
// instead of REDIRECTED.
// clang-format off
#define PREFILTER_REASONS(R)                                                                                          \
    R(PASSED_TO_KERNEL, "passed_to_kernel", "not for a listener")                                                     \
    R(REDIRECTED, "redirected", "given to the workers")                                                               \
    R(CONTENDED, "contended", "given to the workers unmetered: other CPUs kept changing the bucket")                  \
    R(NO_SOCKET, "no_socket", "dropped: no worker has this receive queue open")                                       \
    /* Drops. The DRY_RUN rows repeat them in the same order. */                                                      \
    R(DENIED, "denied", "source in a denied prefix")                                                                  \
    R(BANNED, "banned", "source banned")                                                                              \
    R(NOT_SIP, "not_sip", "neither the start of a SIP message nor a CRLF keepalive")                                  \
    R(PEER_RATE, "peer_rate", "peer above its rate")                                                                  \
    R(PEER_INVITE_RATE, "peer_invite_rate", "peer above its rate of INVITEs")                                         \
    R(PEER_FRAGMENT_RATE, "peer_fragment_rate", "peer above its rate of fragments")                                   \
    R(STRANGER_RATE, "stranger_rate", "unknown source above its rate")                                                \
    R(STRANGER_INVITE_RATE, "stranger_invite_rate", "unknown source above its rate of INVITEs")                       \
    R(STRANGERS_RATE, "strangers_rate", "all unknown sources together above their rate")                              \
    R(STRANGERS_FRAGMENT_RATE, "strangers_fragment_rate", "all unknown sources together above their rate of fragments") \
    R(DRY_RUN_DENIED, "dry_run_denied", "would be dropped: source in a denied prefix")                                \
    R(DRY_RUN_BANNED, "dry_run_banned", "would be dropped: source banned")                                            \
    R(DRY_RUN_NOT_SIP, "dry_run_not_sip", "would be dropped: neither the start of a SIP message nor a CRLF keepalive")\
    R(DRY_RUN_PEER_RATE, "dry_run_peer_rate", "would be dropped: peer above its rate")                                \
    R(DRY_RUN_PEER_INVITE_RATE, "dry_run_peer_invite_rate", "would be dropped: peer above its rate of INVITEs")       \
    R(DRY_RUN_PEER_FRAGMENT_RATE, "dry_run_peer_fragment_rate", "would be dropped: peer above its rate of fragments") \
    R(DRY_RUN_STRANGER_RATE, "dry_run_stranger_rate", "would be dropped: unknown source above its rate")              \
    R(DRY_RUN_STRANGER_INVITE_RATE, "dry_run_stranger_invite_rate", "would be dropped: unknown source above its rate of INVITEs")\
    R(DRY_RUN_STRANGERS_RATE, "dry_run_strangers_rate", "would be dropped: all unknown sources together above their rate") \
    R(DRY_RUN_STRANGERS_FRAGMENT_RATE, "dry_run_strangers_fragment_rate", "would be dropped: all unknown sources together above their rate of fragments")
// clang-format on

enum prefilter_reason {
#define R(name, label, help) PREFILTER_REASON_##name,
    PREFILTER_REASONS(R)
#undef R
        PREFILTER_REASON_COUNT
};

#define PREFILTER_FIRST_DROP    PREFILTER_REASON_DENIED
#define PREFILTER_FIRST_DRY_RUN PREFILTER_REASON_DRY_RUN_DENIED
_Static_assert(PREFILTER_REASON_COUNT - PREFILTER_FIRST_DRY_RUN ==
                   PREFILTER_FIRST_DRY_RUN - PREFILTER_FIRST_DROP,
               "one dry-run row a drop");

// T(NAME, metric label, help). What is counted by class: every packet whose class was asked for, that is of a
// port for which the prefilter is on, but NO_SOCKET. DRY_RUN is one row for all reasons.
// clang-format off
#define PREFILTER_TALLIES(T)                                                         \
    T(PASSED, "passed", "given to the workers")                                      \
    T(DENIED, "denied", "dropped: source in a denied prefix")                        \
    T(BANNED, "banned", "dropped: source banned")                                    \
    T(NOT_SIP, "not_sip", "dropped: not SIP")                                        \
    T(RATE, "rate", "dropped: above a rate for all SIP")                             \
    T(INVITE_RATE, "invite_rate", "dropped: above a rate of INVITEs")                \
    T(FRAGMENT_RATE, "fragment_rate", "dropped: above the rate of fragments")        \
    T(DRY_RUN, "dry_run", "given to the workers, would be dropped")
// clang-format on

enum prefilter_tally {
#define T(name, label, help) PREFILTER_TALLY_##name,
    PREFILTER_TALLIES(T)
#undef T
        PREFILTER_TALLY_COUNT
};

// One entry a row of a class, not a struct a class: without CAP_PERFMON the verifier refuses a variable
// offset into a value.
#define PREFILTER_TALLIES_MAX (PREFILTER_CLASSES * PREFILTER_TALLY_COUNT)
static inline uint32_t prefilter_tally_key(uint32_t class, enum prefilter_tally tally)
{
    return class * PREFILTER_TALLY_COUNT + tally;
}

// An IP address in network byte order, the octets of struct ip_address: IPv4 is ::ffff:a.b.c.d. Words, since
// the bpf target copies octets one by one. Where it names a source that is held to a bucket, an IPv6 address
// is cut to the prefix that counts as one source (settings.source_mask).
struct prefilter_address {
    uint32_t words[4];
};
_Static_assert(sizeof(struct prefilter_address) == 16, "layout");

// What a token bucket's rate and burst come to (ebpf/bucket.h). interval_ns 0: nothing passes.
struct bucket_rule {
    uint64_t interval_ns;  // between two packets at the rate
    uint64_t tolerance_ns; // how far the bucket may run ahead: (burst - 1) intervals
};
_Static_assert(sizeof(struct bucket_rule) == 16, "layout");

// Of a class. Those of PREFILTER_STRANGERS are for all strangers together, and `invite` is not asked.
struct prefilter_rules {
    struct bucket_rule all;
    struct bucket_rule invite;
    struct bucket_rule fragment;
};
_Static_assert(sizeof(struct prefilter_rules) == 48, "layout");

// One word a bucket: the theoretical arrival time in ns of CLOCK_MONOTONIC. A line each, since CPUs contend
// for them.
struct prefilter_buckets {
    uint64_t all;
    uint64_t invite;
    uint64_t fragment;
    uint64_t pad[5];
};
_Static_assert(sizeof(struct prefilter_buckets) == 64, "one line");

// Row of PREFILTER_MAP_BUCKETS: all: drops, invite: new droppers, fragment: number of the last note.
#define PREFILTER_NOTES   PREFILTER_CLASSES
#define PREFILTER_BUCKETS (PREFILTER_CLASSES + 1)

// The buckets of one stranger stay small: there are many of them and an LRU entry is not aligned to lines.
struct prefilter_stranger {
    uint64_t all;
    uint64_t invite;
};
_Static_assert(sizeof(struct prefilter_stranger) == 16, "layout");

// Each listener has two rows: its own, and one for fragments of its address, which may carry no port. Tags
// are identifiers: that of the inner tag (802.1Q), that of the outer one (802.1ad) 16 bits up; 0: none. So
// listeners of several VLANs share an interface.
struct prefilter_listener {
    struct prefilter_address address;
    uint32_t tags;
    uint16_t port;     // network byte order; zero with fragment
    uint16_t fragment; // 1: the row for fragments
};
_Static_assert(sizeof(struct prefilter_listener) == 24, "layout");

#define PREFILTER_QUICK_MAX  8u // IPv4 listeners that are found without a lookup
#define PREFILTER_QUICK6_MAX 4u // IPv6 ones

struct prefilter_settings {
    uint64_t sequence;                        // of the configuration in this half
    uint32_t check;                           // 0: everything for a listener goes to the workers unchecked
    uint32_t dry_run;                         // 1: count what would be dropped, drop nothing
    uint32_t quick_all;                       // 1: `quick` has every IPv4 listener
    uint32_t exact;                           // 1: some burst is over within a tick of the clock
    uint64_t quick[PREFILTER_QUICK_MAX];      // prefilter_quick() of IPv4 listeners, all ones behind the last
    uint32_t quick_tags[PREFILTER_QUICK_MAX]; // and the tags of each
    struct prefilter_listener quick6[PREFILTER_QUICK6_MAX]; // IPv6 listeners; port 0 behind the last
    uint32_t quick6_all;                                    // 1: `quick6` has every one
    uint32_t slot6_shift;                                   // prefilter_slot6()
    uint64_t slot6_base;
    struct prefilter_address source_mask; // what of an IPv6 address is one source
    struct bucket_rule stranger;          // of each stranger
    struct bucket_rule stranger_invite;
};
_Static_assert(sizeof(struct prefilter_settings) == 280, "layout");

// An IPv4 address and a port, both in network byte order, as one word.
static inline uint64_t prefilter_quick(uint32_t address, uint16_t port)
{
    return (uint64_t)address << 16 | port;
}

struct prefilter_config {
    uint32_t active; // the half that is in force
    uint32_t banned; // 1: there may be bans; 0: the program looks for none
    struct prefilter_settings settings[2];
    uint32_t ban_lengths[PREFILTER_BAN_LENGTHS]; // of bans of IPv6; 0: no more
    struct prefilter_address ban_masks[PREFILTER_BAN_LENGTHS];
};
_Static_assert(sizeof(struct prefilter_config) == 648, "layout");

// Which class an address is of. All prefixes of a family are laid out as steps, in order of address: from a
// step up to the next one every address has the same longest prefix, and so the same class. A slot of the
// index tells the class of the first address that falls into it, and which steps begin behind that; among
// them a search by halves finds the last one at or before an address. Most slots have none, or a few.
// Addresses are in host order; the class of a denied prefix is PREFILTER_DENIED.
#define PREFILTER_DENIED 0xffffu

struct prefilter_step4 {
    uint32_t from;
    uint32_t class;
};
_Static_assert(sizeof(struct prefilter_step4) == 8, "layout");

struct prefilter_step6 {
    uint64_t high, low; // from
    uint64_t class;
};
_Static_assert(sizeof(struct prefilter_step6) == 24, "layout");

// A slot is one word: class, 24 bits of the number of its steps, 24 bits of the row of the first.
#define PREFILTER_SLOT_BITS 24
static inline uint64_t prefilter_slot(uint32_t class, uint32_t count, uint32_t first)
{
    return (uint64_t)first << 40 | (uint64_t)count << 16 | class;
}

// An IPv4 address falls into the slot of its first 16 bits, an IPv6 one into that of its distance from the
// first step, shifted so that the last step has a slot, too.
static inline uint32_t prefilter_slot6(const struct prefilter_settings *settings, uint64_t high)
{
    uint64_t slot = high < settings->slot6_base ? 0 : (high - settings->slot6_base) >> settings->slot6_shift;

    return slot < PREFILTER_SLOTS ? (uint32_t)slot : PREFILTER_SLOTS - 1;
}

static inline uint32_t prefilter_slot_row(uint32_t ipv6, uint32_t half, uint32_t slot)
{
    return (2 * ipv6 + half) * PREFILTER_SLOTS + slot;
}

// Key of a ban.
struct prefilter_prefix6 {
    uint32_t length; // 0 .. 128
    struct prefilter_address address;
};
_Static_assert(sizeof(struct prefilter_prefix6) == 20, "layout");

// Of a source: an IPv4 address (length 128), or the IPv6 prefix that was one when the ban began. Written by
// the agent. An expired ban drops nothing.
struct prefilter_ban {
    uint64_t expires_ns; // CLOCK_MONOTONIC; 0: for ever
    uint64_t hits;       // packets that it dropped; written by the program
};
_Static_assert(sizeof(struct prefilter_ban) == 16, "layout");

struct prefilter_dropped {
    uint64_t packets; // estimated from samples: a multiple of PREFILTER_DROP_SAMPLE
    uint16_t reason;  // enum prefilter_reason, of the last sample; in dry-run too the drop's own
    uint16_t class;   // of the last sample
    uint32_t seen_s;  // when it was noted: CLOCK_MONOTONIC, modulo 2^32
};
_Static_assert(sizeof(struct prefilter_dropped) == 16, "layout");

// One of PREFILTER_DROP_SAMPLE drops, and at most PREFILTER_DROPS_RATE a second.
struct prefilter_drop {
    uint64_t number;  // from 1, each port (or worker) for itself: a gap is notes that found the ring full
    uint64_t time_ns; // CLOCK_MONOTONIC
    struct prefilter_address source; // whole
    uint16_t source_port;            // host order; 0: a fragment without ports
    uint16_t port;                   // of ours
    uint16_t class;
    uint8_t reason;                        // enum prefilter_reason; in dry-run too the drop's own
    uint8_t dry_run;                       // 1: it went to the workers
    uint8_t first[PREFILTER_FIRST_OCTETS]; // of the payload, zeros behind its end
};
_Static_assert(sizeof(struct prefilter_drop) == 56, "layout");

#endif
