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
