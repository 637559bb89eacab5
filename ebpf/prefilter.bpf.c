// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// The prefilter: runs at the driver for every received packet and decides before the packet costs a worker
// anything.
//
// A packet for one of our listeners is checked against, in this order: fragment, source prefix (one trie
// holds deny and peer), bans, the first octets of the payload, token buckets. What passes goes to the AF_XDP
// socket of its receive queue; what is not for a listener goes to the kernel. The configuration is kept twice
// and one word says which half is in force; buckets belong to neither half, so a reload refills none.
//
// Costs decide the order within the buckets. INVITE comes before "all", so that the INVITE bucket empties
// first and what belongs to accepted calls still passes. An unknown source that already has buckets is held
// to them first, so that one loud source cannot spend what all strangers share; a new one must pass the
// shared bucket before an LRU entry (350 ns, and somebody else's eviction) is spent on it.
#include "packet.bpf.h"
#include "bucket.h"

#define MAP(kind, entries, key_type, value_type)                                                             \
    struct {                                                                                                 \
        __uint(type, kind);                                                                                  \
        __uint(max_entries, entries);                                                                        \
        __type(key, key_type);                                                                               \
        __type(value, value_type);                                                                           \
    }

MAP(BPF_MAP_TYPE_XSKMAP, PREFILTER_QUEUES_MAX, __u32, __u32) xsks_map SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, PREFILTER_REASON_COUNT, __u32, __u64) counters SEC(".maps");
MAP(BPF_MAP_TYPE_ARRAY, 1, __u32, __u32) active SEC(".maps");
MAP(BPF_MAP_TYPE_ARRAY, 2, __u32, struct prefilter_settings) settings SEC(".maps");
MAP(BPF_MAP_TYPE_HASH, PREFILTER_LISTENERS_MAX, struct prefilter_listener, __u32) listeners_a SEC(".maps");
MAP(BPF_MAP_TYPE_HASH, PREFILTER_LISTENERS_MAX, struct prefilter_listener, __u32) listeners_b SEC(".maps");
MAP(BPF_MAP_TYPE_ARRAY, PREFILTER_PEERS_MAX + 1, __u32, struct prefilter_buckets) peers SEC(".maps");
MAP(BPF_MAP_TYPE_LRU_HASH, PREFILTER_STRANGERS_MAX, __u32, struct prefilter_stranger) strangers SEC(".maps");
MAP(BPF_MAP_TYPE_HASH, PREFILTER_BANS_MAX, __u32, struct prefilter_ban) bans SEC(".maps");
MAP(BPF_MAP_TYPE_LRU_HASH, PREFILTER_DROPPERS_MAX, __u32, __u64) droppers SEC(".maps");

struct trie {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, PREFILTER_SOURCES_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefilter_prefix);
    __type(value, struct prefilter_source);
};
struct trie sources_a SEC(".maps");
struct trie sources_b SEC(".maps");

// One entry a reason, not one array for all: without CAP_PERFMON the verifier refuses a variable offset into
// a value.
static __always_inline int count(__u32 reason, int verdict)
{
    __u64 *packets = bpf_map_lookup_elem(&counters, &reason);

    if (packets)
        (*packets)++;
    return verdict;
}

static __always_inline int redirect(const struct xdp_md *ctx, enum prefilter_reason reason)
{
    int verdict = bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);

    return count(verdict == XDP_REDIRECT ? reason : PREFILTER_REASON_NO_SOCKET, verdict);
}

// Sampled: a flood from forged sources would otherwise pay an LRU insertion a packet.
static __always_inline void note_drop(__u32 source)
{
    __u64 weight = PREFILTER_DROP_SAMPLE;

    if (bpf_get_prandom_u32() % PREFILTER_DROP_SAMPLE)
        return;
    __u64 *drops = bpf_map_lookup_elem(&droppers, &source);
    if (drops)
        __sync_fetch_and_add(drops, weight);
    else
        bpf_map_update_elem(&droppers, &source, &weight, BPF_NOEXIST);
}

static __always_inline bool is_banned(__u32 source)
{
    const struct prefilter_ban *ban = bpf_map_lookup_elem(&bans, &source);

    return ban && (ban->expires_ns == 0 || bpf_ktime_get_ns() < ban->expires_ns);
}

struct metering {
    const struct prefilter_settings *settings;
    __u64 now;
    bool invite;
};

// REDIRECTED, CONTENDED, or `empty`. A contended bucket lets pass: it only changes while it grants, so what
// slips through is bounded by the rate, and a peer's packet is worth more than exactness.
static __always_inline enum prefilter_reason take(uint64_t *word, __u64 now, const struct bucket_rule *rule,
                                                  enum prefilter_reason empty)
{
    enum bucket_result result = bucket_take(word, now, rule);

    if (result == BUCKET_EMPTY)
        return empty;
    return result == BUCKET_TAKEN ? PREFILTER_REASON_REDIRECTED : PREFILTER_REASON_CONTENDED;
}

static __always_inline enum prefilter_reason judge_peer(__u32 peer, const struct metering *metering)
{
    struct prefilter_buckets *buckets = bpf_map_lookup_elem(&peers, &peer);
    enum prefilter_reason reason;

    if (!buckets)
        return PREFILTER_REASON_REDIRECTED;
    if (metering->invite) {
        reason = take(&buckets->invite, metering->now, &metering->settings->peer_invite,
                      PREFILTER_REASON_PEER_INVITE_RATE);
        if (reason >= PREFILTER_FIRST_DROP)
            return reason;
    }
    return take(&buckets->all, metering->now, &metering->settings->peer, PREFILTER_REASON_PEER_RATE);
}

static __always_inline enum prefilter_reason judge_own(struct prefilter_stranger *own,
                                                       const struct metering *metering)
{
    enum prefilter_reason reason;

    if (metering->invite) {
        reason = take(&own->invite, metering->now, &metering->settings->stranger_invite,
                      PREFILTER_REASON_STRANGER_INVITE_RATE);
        if (reason >= PREFILTER_FIRST_DROP)
            return reason;
    }
    return take(&own->all, metering->now, &metering->settings->stranger, PREFILTER_REASON_STRANGER_RATE);
}

static __always_inline enum prefilter_reason judge_stranger(__u32 source, const struct metering *metering)
{
    __u32 shared = PREFILTER_PEERS_STRANGERS;
    struct prefilter_buckets *all = bpf_map_lookup_elem(&peers, &shared);
    struct prefilter_stranger *own = bpf_map_lookup_elem(&strangers, &source);
    struct prefilter_stranger full = {0, 0};
    enum prefilter_reason reason, own_reason;

    if (own) {
        own_reason = judge_own(own, metering);
        if (own_reason >= PREFILTER_FIRST_DROP)
            return own_reason;
    }
    if (!all)
        return PREFILTER_REASON_STRANGERS_RATE;
    reason = take(&all->all, metering->now, &metering->settings->strangers, PREFILTER_REASON_STRANGERS_RATE);
    if (own || reason >= PREFILTER_FIRST_DROP)
        return reason;
    // Another CPU may have inserted it meanwhile; the LRU may have evicted it again. Both end in the lookup's
    // answer.
    bpf_map_update_elem(&strangers, &source, &full, BPF_NOEXIST);
    own = bpf_map_lookup_elem(&strangers, &source);
    return own ? judge_own(own, metering) : PREFILTER_REASON_CONTENDED;
}

static __always_inline enum prefilter_reason judge(struct xdp_md *ctx, const struct packet *packet,
                                                   __u32 half, const struct prefilter_settings *mine)
{
    struct prefilter_prefix key = {.length = 32};
    const struct prefilter_source *source;

    __builtin_memcpy(key.address, &packet->source, 4);
    if (half)
        source = bpf_map_lookup_elem(&sources_b, &key);
    else
        source = bpf_map_lookup_elem(&sources_a, &key);
    if (source && source->denied)
        return PREFILTER_REASON_DENIED;
    if (is_banned(packet->source))
        return PREFILTER_REASON_BANNED;

    enum payload_kind payload = packet_payload(ctx, packet);
    if (payload == PAYLOAD_NOT_SIP)
        return PREFILTER_REASON_NOT_SIP;

    struct metering metering = {mine, bpf_ktime_get_ns(), payload == PAYLOAD_INVITE};

    return source ? judge_peer(source->peer, &metering) : judge_stranger(packet->source, &metering);
}

static __always_inline bool is_ours(const struct prefilter_listener *to, __u32 half)
{
    return half ? bpf_map_lookup_elem(&listeners_b, to) : bpf_map_lookup_elem(&listeners_a, to);
}

SEC("xdp") int dialgate(struct xdp_md *ctx)
{
    struct packet packet;
    enum packet_kind kind = packet_read(ctx, &packet);
    __u32 zero = 0;
    const __u32 *half = bpf_map_lookup_elem(&active, &zero);

    if (kind == PACKET_OTHER || !half)
        return count(PREFILTER_REASON_PASSED_TO_KERNEL, XDP_PASS);
    __u32 index = *half & 1;
    const struct prefilter_settings *mine = bpf_map_lookup_elem(&settings, &index);
    if (!mine || !is_ours(&packet.to, index))
        return count(PREFILTER_REASON_PASSED_TO_KERNEL, XDP_PASS);
    if (!mine->check)
        return redirect(ctx, PREFILTER_REASON_REDIRECTED);

    enum prefilter_reason reason =
        kind == PACKET_FRAGMENT ? PREFILTER_REASON_FRAGMENT : judge(ctx, &packet, index, mine);
    if (reason < PREFILTER_FIRST_DROP)
        return redirect(ctx, reason);
    note_drop(packet.source);
    if (mine->dry_run)
        return redirect(ctx, reason - PREFILTER_FIRST_DROP + PREFILTER_FIRST_DRY_RUN);
    return count(reason, XDP_DROP);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
