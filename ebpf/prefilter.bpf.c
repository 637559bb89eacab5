// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// The prefilter: runs at the driver for every received packet and decides before the packet costs a worker
// anything.
//
// A packet for one of our listeners is checked against, in this order: source prefix (one table a family
// holds deny and peer), bans, the budget of fragments, the first octets of the payload, token buckets. What
// passes goes to the AF_XDP socket of its receive queue; what is not for a listener goes to the kernel. The
// configuration is kept twice and one word says which half is in force; buckets belong to neither half, so a
// reload refills none.
//
// What is asked of every packet is inline code: array maps, read at the row of the half in force. A call
// costs more than all the reading around it, most of all the general lookup that the verifier leaves where
// one call may be for two maps: where hash maps have two halves, each has a call of its own (TWO_CALLS).
//
// verdict.h has the arithmetic and says why the buckets are asked in this order. An insertion into an LRU map
// costs as much as ten verdicts and somebody else's eviction: that of a new stranger waits for the bucket
// that all strangers share, that of a new dropper for one of its own, so that forged sources cannot make the
// maps work.
#include "maps.bpf.h"
#include "packet.bpf.h"
#include "verdict.h"

static __always_inline int count(struct judged *judged, __u64 reason, int verdict)
{
    judged->reason = reason;
    __u64 *packets = bpf_map_lookup_elem(&counters, &fresh(judged)->reason);

    if (packets)
        (*packets)++;
    return verdict;
}

// Nothing for a class that was not asked for: its key is in no map.
static __always_inline void tally(struct judged *judged, __u64 reason)
{
    judged->tally = prefilter_tally_key(judged->class, verdict_tally(reason));
    __u64 *packets = bpf_map_lookup_elem(&classes, &fresh(judged)->tally);

    if (packets)
        (*packets)++;
}

static __always_inline int redirect(const struct xdp_md *ctx, struct judged *judged, __u64 reason)
{
    int verdict = bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);

    if (verdict != XDP_REDIRECT)
        return count(judged, PREFILTER_REASON_NO_SOCKET, verdict);
    tally(judged, reason);
    return count(judged, reason, verdict);
}

// Notes of drops.

static __always_inline void note_dropper(const struct judged *judged, __u64 reason,
                                         struct prefilter_buckets *notes, __u64 now_ns)
{
    struct prefilter_dropped *known = bpf_map_lookup_elem(&droppers, &judged->key);

    if (known) {
        __sync_fetch_and_add(&known->packets, PREFILTER_DROP_SAMPLE);
        known->reason = reason;
        known->class = judged->class;
        known->seen_s = now_ns / BUCKET_NS_PER_S;
        return;
    }
    if (!verdict_note(&notes->invite, now_ns, PREFILTER_DROPPERS_RATE, PREFILTER_DROPPERS_RATE))
        return;
    // Whole words: kernel 6.1 refuses less where a pointer was spilled, without CAP_PERFMON.
    const __u64 first[] = {PREFILTER_DROP_SAMPLE,
                           reason | (__u64)judged->class << 16 | now_ns / BUCKET_NS_PER_S << 32};
    bpf_map_update_elem(&droppers, &judged->key, first, BPF_NOEXIST);
}

// Numbered before there is room: what finds the ring full leaves a gap that its reader sees. Two CPUs may
// come to the ring in another order than to their numbers; two that never agree on one share it.
static __always_inline __u64 note_number(struct prefilter_buckets *notes)
{
    __u64 number = 0;

#pragma GCC unroll 4
    for (int i = 0; i < BUCKET_TRIES; i++) {
        __u64 seen = *(volatile __u64 *)&notes->fragment;

        number = seen + 1;
        if (__sync_val_compare_and_swap(&notes->fragment, seen, number) == seen)
            break;
    }
    return number;
}

static __always_inline void note_event(struct xdp_md *ctx, const struct judged *judged, __u64 reason,
                                       struct prefilter_buckets *notes, __u64 now_ns)
{
    const struct packet *packet = &judged->packet;
    __u64 number = note_number(notes);
    struct prefilter_drop *drop = bpf_ringbuf_reserve(&drops, sizeof(*drop), 0);

    if (!drop)
        return;
    drop->number = number;
    drop->time_ns = now_ns;
    drop->source = packet->source;
    drop->source_port = bpf_ntohs(packet->source_port);
    drop->port = bpf_ntohs(packet->to.port);
    drop->class = judged->class;
    drop->reason = reason;
    drop->dry_run = settings_of(judged)->dry_run != 0;
    __builtin_memset(drop->first, 0, sizeof(drop->first));
    if (packet->offset && packet->length) {
        __u64 more = packet->length - 1; // as in packet_start()
        barrier_var(more);
        if (more > sizeof(drop->first) - 1)
            more = sizeof(drop->first) - 1;
        bpf_xdp_load_bytes(ctx, packet->offset, drop->first, more + 1);
    }
    bpf_ringbuf_submit(drop, BPF_RB_NO_WAKEUP); // its reader looks by itself
}

// One drop in PREFILTER_DROP_SAMPLE: xorshift64, whose seed is the kernel's, instead of a call each.
static __always_inline bool is_sampled(struct judged *judged)
{
    __u64 random = judged->random;

    if (!random)
        random = (__u64)bpf_get_prandom_u32() << 32 | 1;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    judged->random = random;
    return (random >> 32 & (PREFILTER_DROP_SAMPLE - 1)) == 0;
}

// Of one drop in PREFILTER_DROP_SAMPLE. A function of its own: the usual packet pays for none of its stack.
static __noinline int note_drop(struct xdp_md *ctx, const struct judged *judged, __u64 reason)
{
    __u32 row = PREFILTER_NOTES;
    struct prefilter_buckets *notes = bpf_map_lookup_elem(&buckets, &row);
    __u64 now_ns = bpf_ktime_get_ns();

    if (!notes)
        return 0;
    note_dropper(judged, reason, notes, now_ns);
    if (verdict_note(&notes->all, now_ns, PREFILTER_DROPS_RATE, PREFILTER_DROPS_BURST))
        note_event(ctx, judged, reason, notes, now_ns);
    return 0;
}

// The verdict.

// By the key in judged->banned.
static __always_inline bool is_in_force(struct judged *judged)
{
    struct prefilter_ban *ban = bpf_map_lookup_elem(&bans, &fresh(judged)->banned);

    if (!ban || (ban->expires_ns && bpf_ktime_get_ns() >= ban->expires_ns))
        return false;
    __sync_fetch_and_add(&ban->hits, 1);
    return true;
}

// Bans of IPv6 have the lengths that prefilter.source_prefix had when they began: mostly one.
static __noinline int is_banned_ipv6(struct judged *judged)
{
#pragma GCC unroll 4
    for (__u32 i = 0; i < PREFILTER_BAN_LENGTHS; i++) {
        if (!config.ban_lengths[i])
            return false;
        judged->banned.length = config.ban_lengths[i];
        judged->banned.address = judged->packet.source;
        verdict_source(&judged->banned.address, &config.ban_masks[i]);
        if (is_in_force(judged))
            return true;
    }
    return false;
}

static __always_inline bool is_banned(struct judged *judged)
{
    if (judged->packet.ipv6)
        return is_banned_ipv6(judged);
    judged->banned.length = 128;
    judged->banned.address = judged->packet.source;
    return is_in_force(judged);
}

// The search in the steps of a slot. Unrolled: without CAP_PERFMON the verifier follows a loop beyond its
// end, speculatively, and never comes back. The address is read from memory again and again, for the
// registers.
struct steps {
    __u64 class; // of the last step that is not behind the address
    __u64 first; // the row of the first one that may be
    __u64 count; // how many there are
};

static __always_inline struct steps steps_of(__u64 slot)
{
    return (struct steps){slot & 0xffff, slot >> 40, slot >> 16 & ((1 << PREFILTER_SLOT_BITS) - 1)};
}

// Half of the steps are left: those behind the one in the middle, if the address is not before it.
static __always_inline void halve(struct steps *steps, bool behind, __u64 class)
{
    __u64 half = steps->count / 2;

    if (behind) {
        steps->class = class;
        steps->first += half + 1;
        steps->count -= half + 1;
    } else {
        steps->count = half;
    }
}

static __always_inline __u64 search_ipv4(struct judged *judged)
{
    struct steps steps = steps_of(judged->slot);

#pragma GCC unroll 17
    for (__u32 i = 0; i < STEPS_HALVED; i++) {
        if (!steps.count)
            break;
        judged->row = steps.first + steps.count / 2;
        const struct prefilter_step4 *step = bpf_map_lookup_elem(&steps4, &fresh(judged)->row);

        if (!step)
            break;
        halve(&steps, step->from <= judged->low, step->class);
    }
    return steps.class;
}

static __always_inline __u64 search_ipv6(struct judged *judged)
{
    struct steps steps = steps_of(judged->slot);

#pragma GCC unroll 17
    for (__u32 i = 0; i < STEPS_HALVED; i++) {
        if (!steps.count)
            break;
        judged->row = steps.first + steps.count / 2;
        const struct prefilter_step6 *step = bpf_map_lookup_elem(&steps6, &fresh(judged)->row);

        if (!step)
            break;
        halve(&steps, step->high < judged->high || (step->high == judged->high && step->low <= judged->low),
              step->class);
    }
    return steps.class;
}

// Whether the slot has steps: else its class is that of all its addresses.
static __always_inline bool find_slot(struct judged *judged, __u32 row)
{
    judged->row = row;
    const __u64 *slot = bpf_map_lookup_elem(&slots, &fresh(judged)->row);

    judged->slot = slot ? *slot : PREFILTER_STRANGERS;
    return judged->slot >> 16 & ((1 << PREFILTER_SLOT_BITS) - 1);
}

static __always_inline __u32 class_of(struct judged *judged)
{
    const __u32 *words = judged->packet.source.words;

    judged->low = bpf_ntohl(words[3]);
    if (!judged->packet.ipv6) {
        if (find_slot(judged, prefilter_slot_row(0, judged->half, judged->low >> 16)))
            return search_ipv4(judged);
        return judged->slot & 0xffff;
    }
    judged->low |= (__u64)bpf_ntohl(words[2]) << 32;
    judged->high = (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
    if (find_slot(judged,
                  prefilter_slot_row(1, judged->half, prefilter_slot6(settings_of(judged), judged->high))))
        return search_ipv6(judged);
    return judged->slot & 0xffff;
}

static __always_inline const struct prefilter_rules *rules_of(struct judged *judged)
{
    judged->row = judged->class + (judged->half ? PREFILTER_CLASSES : 0);
    return bpf_map_lookup_elem(&rules, &fresh(judged)->row);
}

static __always_inline struct verdict_metering metering_of(const struct judged *judged)
{
    return (struct verdict_metering){judged->now_ns, judged->invite};
}

static __always_inline __u64 judge_own(struct judged *judged, struct prefilter_stranger *own)
{
    const struct verdict_metering metering = metering_of(judged);

    return verdict_stranger(own, settings_of(judged), &metering);
}

// The source as its buckets and the table of droppers know it.
static __always_inline void name_source(struct judged *judged)
{
    judged->key = judged->packet.source;
    if (judged->packet.ipv6)
        verdict_source(&judged->key, &settings_of(judged)->source_mask);
}

static __always_inline __u64 judge_stranger(struct judged *judged)
{
    name_source(judged);
    struct prefilter_stranger *own = bpf_map_lookup_elem(&strangers, &fresh(judged)->key);
    const struct prefilter_stranger full = {0, 0};
    __u64 reason;

    judged->known = own != NULL;
    if (own) {
        reason = judge_own(judged, own);
        if (verdict_is_drop(reason))
            return reason;
    }
    const struct prefilter_rules *rules = rules_of(judged);
    struct prefilter_buckets *shared = bpf_map_lookup_elem(&buckets, &fresh(judged)->class);
    if (!rules || !shared)
        return PREFILTER_REASON_STRANGERS_RATE;
    const struct verdict_metering metering = metering_of(judged);
    reason = verdict_strangers(shared, rules, &metering);
    if (judged->known || verdict_is_drop(reason))
        return reason;
    // Another CPU may have inserted it meanwhile; the LRU may have evicted it again. Both end in the lookup's
    // answer.
    bpf_map_update_elem(&strangers, &fresh(judged)->key, &full, BPF_NOEXIST);
    own = bpf_map_lookup_elem(&strangers, &fresh(judged)->key);
    return own ? judge_own(judged, own) : PREFILTER_REASON_CONTENDED;
}

static __always_inline __u64 judge_fragment(struct judged *judged)
{
    const struct prefilter_rules *rules = rules_of(judged);
    struct prefilter_buckets *mine = bpf_map_lookup_elem(&buckets, &fresh(judged)->class);

    if (!rules || !mine)
        return PREFILTER_REASON_STRANGERS_FRAGMENT_RATE;
    return verdict_fragment(judged->class, mine, rules, judged->now_ns);
}

static __always_inline __u64 judge_peer(struct judged *judged)
{
    const struct prefilter_rules *rules = rules_of(judged);
    struct prefilter_buckets *mine = bpf_map_lookup_elem(&buckets, &fresh(judged)->class);

    if (!rules || !mine)
        return PREFILTER_REASON_PEER_RATE;
    const struct verdict_metering metering = metering_of(judged);
    return verdict_peer(mine, rules, &metering);
}

// The class of the source. False: it is denied.
static __always_inline bool classify(struct judged *judged)
{
    const __u32 class = class_of(judged);

    judged->class = class == PREFILTER_DENIED ? PREFILTER_STRANGERS : class;
    return class != PREFILTER_DENIED;
}

// The clock of the last tick, asked for once a tick and CPU: another call that most packets are spared. The
// tick is counted before its time is set, so that what is read is at most two ticks old.
static __always_inline __u64 tick_clock(struct judged *judged)
{
    const __u64 tick = bpf_jiffies64();

    if (judged->tick != tick) {
        judged->tick_ns = bpf_ktime_get_coarse_ns();
        judged->tick = tick;
    }
    return judged->tick_ns;
}

static __always_inline __u64 judge(struct xdp_md *ctx, struct judged *judged)
{
    judged->invite = 0;
    if (!classify(judged))
        return PREFILTER_REASON_DENIED;
    if (config.banned && is_banned(judged))
        return PREFILTER_REASON_BANNED;
    if (judged->kind != PACKET_FRAGMENT) {
        enum payload_kind payload = packet_payload(ctx, &judged->packet);

        if (payload == PAYLOAD_NOT_SIP)
            return PREFILTER_REASON_NOT_SIP;
        if (payload == PAYLOAD_INVITE)
            judged->invite = 1;
    }
    // The exact clock costs as much as the rest of a verdict. A bucket grants at most what two ticks bring
    // more.
    judged->now_ns = settings_of(judged)->exact ? bpf_ktime_get_ns() : tick_clock(judged);
    if (judged->kind != PACKET_DATAGRAM) {
        __u64 reason = judge_fragment(judged);

        if (verdict_is_drop(reason) || judged->kind == PACKET_FRAGMENT)
            return reason;
    }
    return judged->class == PREFILTER_STRANGERS ? judge_stranger(judged) : judge_peer(judged);
}

static __always_inline bool is_listener(const struct prefilter_listener *to, __u32 half)
{
    const __u32 *found;

    if (half) {
        found = bpf_map_lookup_elem(&listeners_b, to);
        TWO_CALLS(found);
        return found;
    }
    found = bpf_map_lookup_elem(&listeners_a, to);
    return found;
}

static __always_inline bool is_quick(const struct prefilter_settings *settings,
                                     const struct prefilter_listener *to)
{
    __u64 quick = prefilter_quick(to->address.words[3], to->port);

#pragma GCC unroll 8
    for (__u32 i = 0; i < PREFILTER_QUICK_MAX; i++)
        if (settings->quick[i] == quick && settings->quick_tags[i] == to->tags)
            return true;
    return false;
}

static __always_inline bool is_quick6(const struct prefilter_settings *settings,
                                      const struct prefilter_listener *to)
{
#pragma GCC unroll 4
    for (__u32 i = 0; i < PREFILTER_QUICK6_MAX; i++) {
        const struct prefilter_listener *quick = &settings->quick6[i];

        if (quick->port == to->port && quick->address.words[3] == to->address.words[3] &&
            quick->address.words[2] == to->address.words[2] &&
            quick->address.words[1] == to->address.words[1] &&
            quick->address.words[0] == to->address.words[0] && quick->tags == to->tags && quick->port)
            return true;
    }
    return false;
}

// All fragments to a listener's address are ours, whatever the port, since only the first has it: one of
// another port is held to the budget of fragments alone, and is dropped by whoever puts it together.
static __always_inline bool is_ours(struct judged *judged)
{
    const struct packet *packet = &judged->packet;

    if (judged->kind == PACKET_DATAGRAM) {
        const struct prefilter_settings *settings = settings_of(judged);

        if (packet->ipv6 ? is_quick6(settings, &packet->to) : is_quick(settings, &packet->to))
            return true;
        if (packet->ipv6 ? settings->quick6_all : settings->quick_all)
            return false;
    }
    if (judged->kind != PACKET_FRAGMENT && is_listener(&packet->to, judged->half))
        return true;
    if (judged->kind == PACKET_DATAGRAM)
        return false;
    judged->kind = PACKET_FRAGMENT;
    judged->fragments.address = packet->to.address;
    judged->fragments.tags = packet->to.tags;
    judged->fragments.port = 0;
    judged->fragments.fragment = 1;
    return is_listener(&judged->fragments, judged->half);
}

SEC("xdp") int dialgate(struct xdp_md *ctx)
{
    __u32 zero = 0;
    struct judged *judged = bpf_map_lookup_elem(&scratch, &zero);

    if (!judged)
        return XDP_PASS;
    judged->kind = packet_read(ctx, &judged->packet);
    judged->half = config.active & 1;
    judged->class = PREFILTER_CLASSES;
    if (judged->kind == PACKET_OTHER || !is_ours(judged))
        return count(judged, PREFILTER_REASON_PASSED_TO_KERNEL, XDP_PASS);
    if (!settings_of(judged)->check)
        return redirect(ctx, judged, PREFILTER_REASON_REDIRECTED);

    __u64 reason = judge(ctx, judged);
    if (!verdict_is_drop(reason))
        return redirect(ctx, judged, reason);
    if (is_sampled(judged)) {
        name_source(judged);
        note_drop(ctx, judged, reason);
    }
    if (settings_of(judged)->dry_run)
        return redirect(ctx, judged, reason - PREFILTER_FIRST_DROP + PREFILTER_FIRST_DRY_RUN);
    tally(judged, reason);
    return count(judged, reason, XDP_DROP);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
