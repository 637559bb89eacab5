// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <time.h>
#include "../metrics_walk.h"
#include "../rpc/dialog.h"
#include "ua.h"

static const char *const purposes[UA_PURPOSES] = {"call",     "change", "request", "register",
                                                  "response", "end",    "other"};
static const char *const results[UA_RESULTS] = {"done", "refused", "no_answer"};

void ua_count(struct ua *ua, const struct ua_sent *sent, enum ua_result result)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 - sent->begun_us;
    unsigned bucket = 0;
    while (bucket < UA_TIMES - 1 && us > (uint64_t)UA_TIME_FIRST_US << bucket)
        bucket++;
    ua->counts.operations[sent->purpose][result]++;
    ua->counts.times[bucket]++;
    ua->counts.times_sum_us += us;
}

static void walk_operations(const struct ua_counts *counts, const struct metrics_visitor *visitor)
{
    char labels[LABELS_SIZE];
    walk_begin(visitor, METRIC_UA_OPERATIONS);
    for (unsigned purpose = 0; purpose < UA_PURPOSES; purpose++)
        for (unsigned result = 0; result < UA_RESULTS; result++) {
            snprintf(labels, sizeof(labels), "operation=\"%s\",result=\"%s\"", purposes[purpose],
                     results[result]);
            visitor->sample(visitor->context, "", labels, (double)counts->operations[purpose][result]);
        }
}

static void walk_times(const struct ua_counts *counts, const struct metrics_visitor *visitor)
{
    char labels[LABELS_SIZE];
    uint64_t sum = 0;
    walk_begin(visitor, METRIC_UA_TIMES);
    for (unsigned i = 0; i < UA_TIMES - 1; i++) {
        sum += counts->times[i];
        snprintf(labels, sizeof(labels), "le=\"%g\"", (double)((uint64_t)UA_TIME_FIRST_US << i) / 1e6);
        visitor->sample(visitor->context, "_bucket", labels, (double)sum);
    }
    sum += counts->times[UA_TIMES - 1];
    visitor->sample(visitor->context, "_bucket", "le=\"+Inf\"", (double)sum);
    visitor->sample(visitor->context, "_sum", "", (double)counts->times_sum_us / 1e6);
    visitor->sample(visitor->context, "_count", "", (double)sum);
}

static void walk_again(const struct ua_counts *counts, const struct metrics_visitor *visitor)
{
    walk_begin(visitor, METRIC_UA_AGAIN);
    visitor->sample(visitor->context, "", "cause=\"any\"", (double)counts->retries);
    visitor->sample(visitor->context, "", "cause=\"redirect\"", (double)counts->redirects);
    visitor->sample(visitor->context, "", "cause=\"challenge\"", (double)counts->challenges);
    visitor->sample(visitor->context, "", "cause=\"failover\"", (double)counts->failovers);
}

static void walk_transitions(const struct ua_counts *counts, const struct metrics_visitor *visitor)
{
    char labels[LABELS_SIZE];
    walk_begin(visitor, METRIC_UA_TRANSITIONS);
    for (unsigned from = CHANNEL_DIALOG_ANY; from <= CHANNEL_DIALOG_TERMINATED; from++)
        for (unsigned to = CHANNEL_DIALOG_NONE; to <= CHANNEL_DIALOG_TERMINATED; to++)
            for (unsigned reason = 0; reason < UA_REASONS; reason++) {
                if (counts->transitions[from][to][reason] == 0)
                    continue;
                snprintf(labels, sizeof(labels), "from=\"%s\",to=\"%s\",reason=\"%s\"",
                         dialog_state_name(from), dialog_state_name(to), ua_reason_name(reason));
                visitor->sample(visitor->context, "", labels, (double)counts->transitions[from][to][reason]);
            }
}

static double of_app(const struct ua_app *app, enum metric metric)
{
    switch (metric) {
    case METRIC_UA_DIALOGS:
        return app->calls;
    case METRIC_UA_CALLS_PLACED:
        return (double)app->placed;
    case METRIC_UA_CALLS_TAKEN:
        return (double)app->taken;
    case METRIC_UA_REFUSED:
        return (double)app->refused;
    case METRIC_UA_EVENTS:
        return (double)app->events;
    default:
        return app->attached;
    }
}

void ua_walk(const struct control *control, const struct metrics_visitor *visitor)
{
    static const enum metric families[] = {METRIC_UA_DIALOGS, METRIC_UA_CALLS_PLACED, METRIC_UA_CALLS_TAKEN,
                                           METRIC_UA_REFUSED, METRIC_UA_EVENTS,       METRIC_UA_ATTACHED};
    const struct ua *ua = &control->ua;
    for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        walk_begin(visitor, families[i]);
        for (uint32_t number = 0; number < PEERS_MAX; number++) {
            char label[NAME_LABEL_SIZE], labels[LABELS_SIZE];
            if (!ua->apps[number])
                continue;
            snprintf(labels, sizeof(labels), "application=\"%s\"", walk_label(ua->apps[number]->name, label));
            visitor->sample(visitor->context, "", labels, of_app(ua->apps[number], families[i]));
        }
    }
    walk_operations(&ua->counts, visitor);
    walk_times(&ua->counts, visitor);
    walk_again(&ua->counts, visitor);
    walk_transitions(&ua->counts, visitor);
    walk_one(visitor, METRIC_UA_EVENTS_LOST, (double)ua->counts.lost);
    walk_one(visitor, METRIC_UA_NOT_KEPT, (double)keep_failures(ua->keep));
}
