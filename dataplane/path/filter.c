// SPDX-License-Identifier: BSD-3-Clause
#include "filter.h"

#include <string.h>
#include <urcu-qsbr.h>
#include "filter_note.h"
#include "frame.h"
#include "verdict.h"
#include "worker_core.h"

static bool is_at_or_before(const struct prefix_step *step, uint64_t high, uint64_t low)
{
    return step->high < high || (step->high == high && step->low <= low);
}

uint32_t filter_class(const struct filter_policy *policy, const struct ip_address *source)
{
    struct ip_words words = ip_words(source);
    uint64_t high = be64toh(words.words[0]), low = be64toh(words.words[1]);
    uint32_t from = 0, to = policy->step_count; // the step looked for is in [from, to)
    while (to - from > 1) {
        uint32_t middle = from + (to - from) / 2;
        if (is_at_or_before(&policy->steps[middle], high, low))
            from = middle;
        else
            to = middle;
    }
    return policy->steps[from].class;
}

const struct filter_ban *filter_ban_find(const struct filter_bans *bans, const struct ban_source *source)
{
    const struct filter_ban *ban = rcu_dereference(bans->chains[filter_ban_chain(bans, source)]);
    while (ban != NULL && !ban_source_equal(&ban->source, source)) // the hash is keyed: chains are short
        ban = rcu_dereference(ban->next);
    return ban;
}

// What of it is one source.
static struct ip_address cut(const struct ip_address *address, const struct prefilter_address *mask)
{
    struct prefilter_address words;
    struct ip_address source;
    memcpy(&words, address, sizeof(words));
    if (!ip_is_ipv4(address))
        verdict_source(&words, mask);
    memcpy(&source, &words, sizeof(source));
    return source;
}

static bool is_in_force(const struct worker *worker, const struct filter_bans *bans,
                        const struct ban_source *source, uint64_t now_ns)
{
    const struct filter_ban *ban = filter_ban_find(bans, source);
    if (ban == NULL || (ban->until_ns != 0 && ban->until_ns <= now_ns))
        return false;
    count_word(&bans->hits[(size_t)worker->parts.id * PREFILTER_BANS_MAX + ban->row], 1);
    return true;
}

static bool is_banned(const struct worker *worker, const struct ip_address *address, uint64_t now_ns)
{
    const struct filter_bans *bans = worker->parts.published->bans;
    const struct ban_lengths *lengths = bans != NULL ? rcu_dereference(bans->lengths) : NULL;
    if (lengths == NULL)
        return false;
    if (ip_is_ipv4(address)) {
        const struct ban_source source = {128, *address};
        return is_in_force(worker, bans, &source, now_ns);
    }
    for (uint32_t i = 0; i < lengths->count; i++) { // at most PREFILTER_BAN_LENGTHS, mostly one
        const struct ban_source source = ban_source(address, lengths->lengths[i]);
        if (is_in_force(worker, bans, &source, now_ns))
            return true;
    }
    return false;
}

static enum payload_kind payload_kind_of(const uint8_t *payload, uint32_t length)
{
    uint8_t start[PAYLOAD_START] = {0};
    if (length >= PAYLOAD_START && payload[0] != '\r')
        return payload_classify(payload);
    memcpy(start, payload, RTE_MIN(length, PAYLOAD_START));
    uint32_t crlf = payload_crlf(start);
    if (crlf > 0 && crlf >= length)
        return PAYLOAD_SIP;
    memset(start, 0, sizeof(start));
    memcpy(start, payload + crlf, RTE_MIN(length - crlf, PAYLOAD_START));
    return payload_classify(start);
}

// The row of a stranger, or the one that it may have.
static struct filter_stranger *find_stranger(struct worker *worker, const struct ip_address *source)
{
    uint64_t hash = siphash13(&worker->parts.keys.table, source, sizeof(*source));
    struct filter_stranger *set = worker->parts.filter->strangers[hash & (FILTER_SETS - 1)];
    struct filter_stranger *oldest = set;
    for (unsigned i = 0; i < FILTER_WAYS; i++) {
        if (ip_equal(&set[i].source, source) || !ip_is_set(&set[i].source))
            return &set[i];
        if ((int32_t)(set[i].seen - oldest->seen) < 0)
            oldest = &set[i];
    }
    return oldest;
}

static enum prefilter_reason judge_stranger(struct worker *worker, const struct filter_policy *policy,
                                            const struct ip_address *source,
                                            const struct verdict_metering *metering)
{
    struct prefilter_buckets *shared = &worker->parts.filter->buckets[PREFILTER_STRANGERS];
    struct filter_stranger *own = find_stranger(worker, source);
    bool is_known = ip_equal(&own->source, source);
    enum prefilter_reason reason = PREFILTER_REASON_REDIRECTED;
    if (is_known)
        reason = verdict_stranger(&own->buckets, &policy->settings, metering);
    if (!verdict_is_drop(reason))
        reason = verdict_strangers(shared, &policy->rules[PREFILTER_STRANGERS], metering);
    if (!is_known && !verdict_is_drop(reason)) {
        *own = (struct filter_stranger){.source = *source};
        reason = verdict_stranger(&own->buckets, &policy->settings, metering);
    }
    if (ip_equal(&own->source, source))
        own->seen = worker->now;
    return reason;
}

// What is judged: a datagram, or a fragment with ports of ours, or one without.
enum judged { JUDGED_DATAGRAM, JUDGED_FIRST, JUDGED_FRAGMENT };

static enum prefilter_reason judge(struct worker *worker, const struct filter_policy *policy,
                                   const struct packet *packet, uint32_t class, enum judged judged)
{
    const struct ip_address source = cut(&packet->source.address, &policy->settings.source_mask);
    struct verdict_metering metering = {.now_ns = worker->now_us * 1000};
    if (class == PREFILTER_DENIED)
        return PREFILTER_REASON_DENIED;
    if (is_banned(worker, &packet->source.address, metering.now_ns))
        return PREFILTER_REASON_BANNED;
    if (judged != JUDGED_FRAGMENT) {
        enum payload_kind kind = payload_kind_of(packet->payload, packet->length);
        if (kind == PAYLOAD_NOT_SIP)
            return PREFILTER_REASON_NOT_SIP;
        metering.invite = kind == PAYLOAD_INVITE;
    }
    if (judged != JUDGED_DATAGRAM) {
        enum prefilter_reason reason = verdict_fragment(class, &worker->parts.filter->buckets[class],
                                                        &policy->rules[class], metering.now_ns);
        if (verdict_is_drop(reason) || judged == JUDGED_FRAGMENT)
            return reason;
    }
    if (class == PREFILTER_STRANGERS)
        return judge_stranger(worker, policy, &source, &metering);
    return verdict_peer(&worker->parts.filter->buckets[class], &policy->rules[class], &metering);
}

static void note(struct worker *worker, const struct filter_policy *policy, const struct packet *packet,
                 uint32_t class, enum prefilter_reason reason)
{
    if (worker->parts.filter_notes == NULL)
        return;
    const struct filter_drop drop = {.source = &packet->source.address,
                                     .payload = packet->payload,
                                     .length = packet->length,
                                     .source_port = packet->source.port,
                                     .port = packet->source.listener == NUMBER_NONE
                                                 ? 0
                                                 : worker->rules->listeners[packet->source.listener].port,
                                     .class = (uint16_t) class,
                                     .reason = (uint8_t)reason,
                                     .network = packet->network};
    filter_note(worker, policy, &drop);
}

static bool passes(struct worker *worker, const struct filter_policy *policy, const struct packet *packet,
                   enum judged judged)
{
    struct counters_filter *counters = worker->parts.filter_counters;
    uint32_t class = filter_class(policy, &packet->source.address);
    enum prefilter_reason reason = judge(worker, policy, packet, class, judged);
    bool dropped = verdict_is_drop(reason) && !policy->settings.dry_run;
    class = class == PREFILTER_DENIED ? PREFILTER_STRANGERS : class;
    if (verdict_is_drop(reason))
        note(worker, policy, packet, class, reason);
    if (verdict_is_drop(reason) && !dropped)
        reason = reason - PREFILTER_FIRST_DROP + PREFILTER_FIRST_DRY_RUN;
    count_word(&counters->reasons[packet->network][reason], 1);
    count_word(&counters->classes[class][verdict_tally(reason)], 1);
    return !dropped;
}

bool filter_passes(struct worker *worker, const struct filter_policy *policy, const struct packet *packet)
{
    return passes(worker, policy, packet, JUDGED_DATAGRAM);
}

// With mode off what is for us is counted, and of no class.
static bool is_checked(const struct worker *worker, const struct filter_policy *policy, uint8_t network)
{
    if (policy == NULL || (worker->parts.filter->networks >> network & 1) == 0)
        return false;
    if (!policy->settings.check)
        count_word(&worker->parts.filter_counters->reasons[network][PREFILTER_REASON_REDIRECTED], 1);
    return policy->settings.check;
}

// The ports of a fragment, and what its datagram begins with. False: they are not in it, or none of ours.
static bool read_first(const struct worker *worker, struct packet *packet, const struct frame *frame)
{
    struct frame inside = {.is_fragment = true};
    if (frame->offset != 0 ||
        frame_walk(&inside, frame->next, frame->upper, frame->octets) != COUNTER_COUNT ||
        inside.octets < FRAME_UDP)
        return false;
    const uint8_t *udp = inside.upper;
    uint32_t length = (uint32_t)udp[4] << 8 | udp[5];
    uint16_t port = (uint16_t)(udp[2] << 8 | udp[3]);
    uint16_t listener = rules_listener(worker->rules, &frame->destination, port);
    packet->source.port = (uint16_t)(udp[0] << 8 | udp[1]);
    if (listener == NUMBER_NONE || worker->rules->listeners[listener].network != packet->network)
        return false;
    packet->source.listener = listener;
    packet->payload = udp + FRAME_UDP;
    packet->length = (uint16_t)(RTE_MAX(RTE_MIN(length, inside.octets), FRAME_UDP) - FRAME_UDP);
    return true;
}

bool filter_fragment(struct worker *worker, struct packet *packet, const struct frame *frame)
{
    const struct filter_policy *policy = rcu_dereference(worker->parts.published->filter);
    if (!is_checked(worker, policy, packet->network))
        return true;
    packet->source = (struct endpoint){.address = frame->source, .listener = NUMBER_NONE};
    packet->payload = frame->upper;
    packet->length = 0;
    bool is_first = read_first(worker, packet, frame);
    return passes(worker, policy, packet, is_first ? JUDGED_FIRST : JUDGED_FRAGMENT);
}

unsigned filter_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    const struct filter_policy *policy = rcu_dereference(worker->parts.published->filter);
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        struct packet *packet = packet_of(mbufs[i]);
        bool was_judged = packet->ask == ASK_JUDGED;
        packet->ask = was_judged ? ASK_NOT : packet->ask;
        if (was_judged || !is_checked(worker, policy, packet->network) ||
            filter_passes(worker, policy, packet)) {
            mbufs[kept++] = mbufs[i];
            continue;
        }
        count(worker, COUNTER_DROP_FILTERED);
        if (worker->captures != NULL)
            capture_unread(worker, packet, COUNTER_DROP_FILTERED);
        rte_pktmbuf_free(mbufs[i]);
    }
    return kept;
}
