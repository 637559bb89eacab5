// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include "../control.h"
#include "../metrics_walk.h"
#include "referral.h"

static const char *const takeovers[] = {
#define T(name, word) word,
    TAKEOVERS(T)
#undef T
};

void referrals_walk(const struct control *control, const struct metrics_visitor *visitor)
{
    const struct referrals *referrals = &control->referrals;
    uint32_t open[REFERRAL_ORIGIN_COUNT] = {0};
    char labels[LABELS_SIZE];
    walk_begin(visitor, METRIC_REFERS);
    for (unsigned origin = 0; origin < REFERRAL_ORIGIN_COUNT; origin++)
        for (unsigned attended = 0; attended < 2; attended++)
            for (unsigned outcome = REFERRAL_OPEN + 1; outcome < REFERRAL_OUTCOME_COUNT; outcome++) {
                snprintf(labels, sizeof(labels), "origin=\"%s\",kind=\"%s\",outcome=\"%s\"",
                         referral_origin_name(origin), attended ? "attended" : "blind",
                         referral_outcome_name(outcome));
                visitor->sample(visitor->context, "", labels,
                                (double)referrals->counts[origin][attended][outcome]);
            }
    const struct referral *referral;
    TAILQ_FOREACH(referral, &referrals->open, link)
    open[referral->origin]++;
    walk_begin(visitor, METRIC_REFERS_OPEN);
    for (unsigned origin = 0; origin < REFERRAL_ORIGIN_COUNT; origin++) {
        snprintf(labels, sizeof(labels), "origin=\"%s\"", referral_origin_name(origin));
        visitor->sample(visitor->context, "", labels, open[origin]);
    }
    walk_one(visitor, METRIC_REFERS_UNKEPT, (double)referrals->unkept);
    walk_begin(visitor, METRIC_TAKEOVERS);
    for (unsigned outcome = 0; outcome < TAKEOVER_COUNT; outcome++) {
        snprintf(labels, sizeof(labels), "outcome=\"%s\"", takeovers[outcome]);
        visitor->sample(visitor->context, "", labels, (double)control->transfers.takeovers[outcome]);
    }
}
