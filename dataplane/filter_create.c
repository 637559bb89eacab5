// SPDX-License-Identifier: BSD-3-Clause
// What the software filter looks into, made by the agent.
#include <stdlib.h>
#include <string.h>
#include "bucket.h"
#include "dialgate/snapshot.h"
#include "filter.h"

struct prefix {
    struct ip_address first, last;
    uint32_t class;
    uint16_t length;
};

// Of the same prefix the highest wins: denied before a peer's, a peer's before nobody's.
static uint32_t rank_of(uint32_t class)
{
    return class == PREFILTER_STRANGERS ? 0 : class + 1;
}

// Outer ones first; of the same prefix the one that wins last.
static int compare(const void *left, const void *right)
{
    const struct prefix *a = left, *b = right;
    uint32_t of_a = rank_of(a->class), of_b = rank_of(b->class);
    int order = memcmp(&a->first, &b->first, sizeof(a->first));
    if (order == 0)
        order = (int)a->length - (int)b->length;
    return order ? order : (of_a > of_b) - (of_a < of_b);
}

static struct prefix prefix_of(const struct ip_address *address, uint16_t length, uint32_t class)
{
    struct prefix prefix = {.first = *address, .last = *address, .class = class, .length = length};
    for (unsigned bit = length; bit < 128; bit++) {
        prefix.first.octets[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
        prefix.last.octets[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    }
    return prefix;
}

static void step(struct filter_policy *policy, uint64_t high, uint64_t low, uint32_t class)
{
    struct filter_step *last = &policy->steps[policy->step_count - 1];
    if (last->high == high && last->low == low)
        last->class = class;
    else
        policy->steps[policy->step_count++] = (struct filter_step){.high = high, .low = low, .class = class};
}

// Behind the last address of a prefix whatever surrounds it goes on.
static void step_out(struct filter_policy *policy, const struct prefix *prefix, uint32_t class)
{
    struct ip_words last = ip_words(&prefix->last);
    uint64_t high = be64toh(last.words[0]), low = be64toh(last.words[1]) + 1;
    high += low == 0;
    if (high != 0 || low != 0)
        step(policy, high, low, class);
}

static void make_steps(struct filter_policy *policy, const struct prefix *prefixes, uint32_t count)
{
    const struct prefix *open[130] = {
        NULL}; // prefixes that contain each other; the same one twice is possible
    uint32_t depth = 0;
    policy->steps[0] = (struct filter_step){.class = PREFILTER_STRANGERS};
    policy->step_count = 1;
    for (uint32_t i = 0; i <= count; i++) {
        while (depth > 0 && (i == count || memcmp(&open[depth - 1]->last, &prefixes[i].first,
                                                  sizeof(prefixes[i].first)) < 0)) {
            depth--;
            step_out(policy, open[depth], depth > 0 ? open[depth - 1]->class : PREFILTER_STRANGERS);
        }
        if (i == count)
            return;
        if (depth > 0 && compare(open[depth - 1], &prefixes[i]) < 0 &&
            open[depth - 1]->length == prefixes[i].length)
            depth--; // the same prefix wins
        open[depth++] = &prefixes[i];
        struct ip_words first = ip_words(&prefixes[i].first);
        step(policy, be64toh(first.words[0]), be64toh(first.words[1]), prefixes[i].class);
    }
}

static const void *section(const struct snapshot_header *image, enum snapshot_section which)
{
    return (const uint8_t *)image + image->sections[which].offset;
}

static struct bucket_rule rule_of(const struct bucket_limit *limit)
{
    return bucket_rule(limit->rate, limit->burst);
}

static void make_rules(struct filter_policy *policy, const struct snapshot_header *image)
{
    const struct snapshot_prefilter *from = &image->settings.prefilter;
    const struct snapshot_peer *peers = section(image, SECTION_PEERS);
    struct ip_address mask = {{0}};
    for (uint32_t bit = 0; bit < from->source_bits && bit < 128; bit++)
        mask.octets[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    policy->settings = (struct prefilter_settings){.sequence = image->sequence,
                                                   .check = from->mode != PREFILTER_OFF,
                                                   .dry_run = from->mode == PREFILTER_DRY_RUN,
                                                   .stranger = rule_of(&from->stranger),
                                                   .stranger_invite = rule_of(&from->stranger_invite)};
    memcpy(&policy->settings.source_mask, &mask, sizeof(mask));
    policy->rules[PREFILTER_STRANGERS] = (struct prefilter_rules){
        .all = rule_of(&from->strangers), .fragment = rule_of(&from->strangers_fragment)};
    for (uint32_t i = 0; i < image->sections[SECTION_PEERS].count; i++)
        policy->rules[i] = (struct prefilter_rules){.all = rule_of(&peers[i].filter_all),
                                                    .invite = rule_of(&peers[i].filter_invite),
                                                    .fragment = rule_of(&peers[i].filter_fragment)};
}

struct filter_policy *filter_policy_create(const struct snapshot_header *image)
{
    const struct snapshot_source *sources = section(image, SECTION_SOURCES);
    const struct snapshot_deny *denies = section(image, SECTION_DENY);
    uint32_t source_count = image->sections[SECTION_SOURCES].count;
    uint32_t rows = source_count + image->sections[SECTION_DENY].count, count = rows + 1;
    const struct ip_address ipv4 = IP_MAPPED(0);
    struct prefix *prefixes = calloc(count, sizeof(*prefixes));
    struct filter_policy *policy =
        calloc(1, sizeof(*policy) + (2 * (size_t)count + 1) * sizeof(policy->steps[0]));
    if (prefixes == NULL || policy == NULL) {
        free(prefixes);
        free(policy);
        return NULL;
    }
    for (uint32_t i = 0; i < source_count; i++)
        prefixes[i] = prefix_of(&sources[i].address, sources[i].length, sources[i].peer);
    for (uint32_t i = source_count; i < rows; i++)
        prefixes[i] =
            prefix_of(&denies[i - source_count].address, denies[i - source_count].length, FILTER_DENIED);
    prefixes[rows] = prefix_of(&ipv4, IP_MAPPED_BITS, PREFILTER_STRANGERS); // ::/0 is IPv6's alone
    qsort(prefixes, count, sizeof(*prefixes), compare);
    make_steps(policy, prefixes, count);
    make_rules(policy, image);
    free(prefixes);
    return policy;
}

void filter_policy_destroy(struct filter_policy *policy)
{
    free(policy);
}

struct filter_bans *filter_bans_create(uint32_t count, uint32_t workers, const struct siphash_key *key)
{
    uint32_t slots = 2;
    while (slots < 2 * count)
        slots *= 2;
    struct filter_bans *bans = calloc(1, sizeof(*bans) + slots * sizeof(bans->slots[0]));
    uint64_t *hits = calloc((size_t)count * workers + 1, sizeof(*hits));
    if (bans == NULL || hits == NULL) {
        free(bans);
        free(hits);
        return NULL;
    }
    *bans =
        (struct filter_bans){.key = *key, .mask = slots - 1, .room = count, .workers = workers, .hits = hits};
    return bans;
}

void filter_bans_add(struct filter_bans *bans, const struct ban_source *source, uint64_t until_ns,
                     uint64_t hits)
{
    uint32_t slot = (uint32_t)siphash13(&bans->key, source, sizeof(*source)) & bans->mask;
    while (bans->slots[slot].source.length != 0)
        slot = (slot + 1) & bans->mask;
    bans->hits[bans->count] = hits; // goes on in the first worker's
    bans->slots[slot] = (struct filter_ban){.source = *source, .until_ns = until_ns, .row = bans->count++};
}

uint64_t filter_bans_hits(const struct filter_bans *bans, const struct ban_source *source)
{
    const struct filter_ban *ban = bans != NULL ? filter_ban_find(bans, source) : NULL;
    uint64_t hits = 0;
    for (uint32_t i = 0; ban != NULL && i < bans->workers; i++)
        hits += __atomic_load_n(&bans->hits[(size_t)i * bans->room + ban->row], __ATOMIC_RELAXED);
    return hits;
}

void filter_bans_destroy(struct filter_bans *bans)
{
    if (bans != NULL)
        free(bans->hits);
    free(bans);
}
