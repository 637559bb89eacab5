// SPDX-License-Identifier: BSD-3-Clause
// What the software filter looks into, made by the agent.
#include <stdlib.h>
#include <string.h>
#include "bucket.h"
#include "dialgate/snapshot.h"
#include "filter.h"

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
    struct filter_policy *policy =
        calloc(1, sizeof(*policy) + prefix_steps_room(image) * sizeof(policy->steps[0]));

    if (policy == NULL)
        return NULL;
    policy->step_count = prefix_steps_make(image, policy->steps);
    if (policy->step_count == 0) {
        free(policy);
        return NULL;
    }
    make_rules(policy, image);
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
