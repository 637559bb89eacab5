// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// The prefilter's maps and counters: what the XDP program, the agent (fills the configuration) and control
// (bans, counters) agree on. Plain data; it compiles for the bpf target too, so it needs nothing but stdint.h
// and spells _Static_assert out (assert.h is the C library's). Addresses are IPv4 in network byte order.
#ifndef DIALGATE_PREFILTER_H
#define DIALGATE_PREFILTER_H

#include <stdint.h>

#define PREFILTER_QUEUES_MAX    64u    // receive queues of a port
#define PREFILTER_LISTENERS_MAX 128u   // rows a half: one a listener, one an address for fragments
#define PREFILTER_SOURCES_MAX   65536u // prefixes a half, peers' and denied ones together
#define PREFILTER_PEERS_MAX     1024u  // as PEERS_MAX of snapshot.h
#define PREFILTER_STRANGERS_MAX 65536u // single unknown sources whose buckets are held (LRU)
#define PREFILTER_BANS_MAX      65536u
#define PREFILTER_DROPPERS_MAX  16384u // sources in the table of droppers (LRU)
#define PREFILTER_DROP_SAMPLE   16u    // one drop in so many, chosen at random, is noted with this weight
#define PREFILTER_METHOD_MAX    32u    // octets of a method that is let through

// M(NAME, name in the ELF, what it is). The first PREFILTER_MAP_SHARED are all that control needs; an agent
// that hands out only these keeps within CHANNEL_FDS_MAX with every network.
// clang-format off
#define PREFILTER_MAPS(M)                                                                                              \
    M(COUNTERS, "counters", "enum prefilter_reason -> packets (uint64_t), per CPU")                                            \
    M(BANS, "bans", "address -> struct prefilter_ban")                                                                 \
    M(DROPPERS, "droppers", "address -> dropped packets (uint64_t), LRU")                                              \
    M(XSKS, "xsks_map", "receive queue -> AF_XDP socket; the driver fills it and wants this name")                     \
    M(ACTIVE, "active", "one uint32_t: which half is in force")                                                        \
    M(SETTINGS, "settings", "struct prefilter_settings, one a half")                                                   \
    M(LISTENERS_A, "listeners_a", "struct prefilter_listener -> 1")                                                    \
    M(LISTENERS_B, "listeners_b", "the other half")                                                                    \
    M(SOURCES_A, "sources_a", "struct prefilter_prefix -> struct prefilter_source, longest prefix")                    \
    M(SOURCES_B, "sources_b", "the other half")                                                                        \
    M(PEERS, "peers", "peer number -> struct prefilter_buckets; the last entry is all strangers together")             \
    M(STRANGERS, "strangers", "address -> struct prefilter_stranger, LRU")
// clang-format on

enum prefilter_map {
#define M(name, text, help) PREFILTER_MAP_##name,
    PREFILTER_MAPS(M)
#undef M
        PREFILTER_MAP_COUNT
};
#define PREFILTER_MAP_SHARED 3u

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
    R(FRAGMENT, "fragment", "IPv4 fragment of UDP to a listener's address")                                           \
    R(DENIED, "denied", "source in a denied prefix")                                                                  \
    R(BANNED, "banned", "source banned by the operator")                                                              \
    R(NOT_SIP, "not_sip", "neither the start of a SIP message nor a CRLF keepalive")                                  \
    R(PEER_RATE, "peer_rate", "peer above its rate")                                                                  \
    R(PEER_INVITE_RATE, "peer_invite_rate", "peer above its rate of INVITEs")                                         \
    R(STRANGER_RATE, "stranger_rate", "unknown source above its rate")                                                \
    R(STRANGER_INVITE_RATE, "stranger_invite_rate", "unknown source above its rate of INVITEs")                       \
    R(STRANGERS_RATE, "strangers_rate", "all unknown sources together above their rate")                              \
    R(DRY_RUN_FRAGMENT, "dry_run_fragment", "would be dropped: IPv4 fragment of UDP to a listener's address")         \
    R(DRY_RUN_DENIED, "dry_run_denied", "would be dropped: source in a denied prefix")                                \
    R(DRY_RUN_BANNED, "dry_run_banned", "would be dropped: source banned by the operator")                            \
    R(DRY_RUN_NOT_SIP, "dry_run_not_sip", "would be dropped: neither the start of a SIP message nor a CRLF keepalive")\
    R(DRY_RUN_PEER_RATE, "dry_run_peer_rate", "would be dropped: peer above its rate")                                \
    R(DRY_RUN_PEER_INVITE_RATE, "dry_run_peer_invite_rate", "would be dropped: peer above its rate of INVITEs")       \
    R(DRY_RUN_STRANGER_RATE, "dry_run_stranger_rate", "would be dropped: unknown source above its rate")              \
    R(DRY_RUN_STRANGER_INVITE_RATE, "dry_run_stranger_invite_rate", "would be dropped: unknown source above its rate of INVITEs")\
    R(DRY_RUN_STRANGERS_RATE, "dry_run_strangers_rate", "would be dropped: all unknown sources together above their rate")
// clang-format on

enum prefilter_reason {
#define R(name, label, help) PREFILTER_REASON_##name,
    PREFILTER_REASONS(R)
#undef R
        PREFILTER_REASON_COUNT
};

#define PREFILTER_FIRST_DROP    PREFILTER_REASON_FRAGMENT
#define PREFILTER_FIRST_DRY_RUN PREFILTER_REASON_DRY_RUN_FRAGMENT
_Static_assert(PREFILTER_REASON_COUNT - PREFILTER_FIRST_DRY_RUN ==
                   PREFILTER_FIRST_DRY_RUN - PREFILTER_FIRST_DROP,
               "one dry-run row a drop");

// What a token bucket's rate and burst come to (ebpf/bucket.h). interval_ns 0: nothing passes.
struct bucket_rule {
    uint64_t interval_ns;  // between two packets at the rate
    uint64_t tolerance_ns; // how far the bucket may run ahead: (burst - 1) intervals
};
_Static_assert(sizeof(struct bucket_rule) == 16, "layout");

// One word a bucket: the theoretical arrival time in ns of CLOCK_MONOTONIC. A line each, since CPUs contend
// for them.
struct prefilter_buckets {
    uint64_t all;
    uint64_t invite;
    uint64_t pad[6];
};
_Static_assert(sizeof(struct prefilter_buckets) == 64, "one line");

// The buckets of one stranger stay small: there are many of them and an LRU entry is not aligned to lines.
struct prefilter_stranger {
    uint64_t all;
    uint64_t invite;
};
_Static_assert(sizeof(struct prefilter_stranger) == 16, "layout");

#define PREFILTER_PEERS_STRANGERS PREFILTER_PEERS_MAX // index in PREFILTER_MAP_PEERS

struct prefilter_settings {
    uint64_t sequence; // of the configuration in this half
    uint32_t check;    // 0: everything for a listener goes to the workers unchecked
    uint32_t dry_run;  // 1: count what would be dropped, drop nothing
    struct bucket_rule peer;
    struct bucket_rule peer_invite;
    struct bucket_rule stranger;
    struct bucket_rule stranger_invite;
    struct bucket_rule strangers;
};
_Static_assert(sizeof(struct prefilter_settings) == 96, "layout");

// Each listener has two rows: its own, and one for fragments of its address, which may carry no port.
struct prefilter_listener {
    uint8_t address[4];
    uint8_t port[2];  // network byte order; zero with fragment
    uint8_t fragment; // 1: the row for fragments
    uint8_t pad;      // zero
};
_Static_assert(sizeof(struct prefilter_listener) == 8, "layout");

struct prefilter_prefix {
    uint32_t length; // 0 .. 32
    uint8_t address[4];
};
_Static_assert(sizeof(struct prefilter_prefix) == 8, "layout");

struct prefilter_source {
    uint16_t peer;   // number
    uint16_t denied; // 1: dropped, whatever peer says
};
_Static_assert(sizeof(struct prefilter_source) == 4, "layout");

// Written by control. An expired ban drops nothing; control removes it when it lists bans.
struct prefilter_ban {
    uint64_t expires_ns; // CLOCK_MONOTONIC; 0: for ever
};
_Static_assert(sizeof(struct prefilter_ban) == 8, "layout");

#endif
