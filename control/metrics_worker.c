// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include "metrics_walk.h"

struct row {
    unsigned int family;
    const char *labels;
};

static const struct {
    const char *name;
    const char *type;
    const char *help;
} families[FAMILY_COUNT] = {
#define F(family, name, type, help) [FAMILY_##family] = {name, type, help},
    COUNTER_FAMILIES(F)
#undef F
};

static const struct row rows[COUNTER_COUNT] = {
#define C(name, family, labels, help) [COUNTER_##name] = {FAMILY_##family, labels},
    COUNTERS(C)
#undef C
};

static const struct {
    const char *name;
    double steps; // of its values in a second
    const char *help;
} histograms[HISTOGRAM_COUNT] = {
#define H(name, metric, steps, help) [HISTOGRAM_##name] = {metric, steps, help},
    HISTOGRAMS(H)
#undef H
};

static const struct {
    const char *name;
    const char *type;
    const char *help;
    size_t offset;
} network_rows[] = {
#define N(field, name, type, help) {name, type, help, offsetof(struct counters_network, field)},
    NETWORK_COUNTERS(N)
#undef N
};

static void walk_family(const struct counters *counters, unsigned int family, const struct metrics_visitor *v)
{
    bool gauge = families[family].type[0] == 'g';
    v->family(v->context, families[family].name, families[family].type, families[family].help);
    for (uint32_t worker = 0; worker < counters_workers(counters); worker++)
        for (unsigned int i = 0; i < COUNTER_COUNT; i++) {
            char labels[LABELS_SIZE];
            if (rows[i].family != family)
                continue;
            uint64_t value = counters_value(counters, worker, (enum counter)i);
            snprintf(labels, sizeof(labels), "worker=\"%u\"%s%s", worker, rows[i].labels[0] ? "," : "",
                     rows[i].labels);
            v->sample(v->context, "", labels, gauge ? (double)(int64_t)value : (double)value);
        }
}

static void walk_histogram(const struct counters *counters, enum histogram which,
                           const struct metrics_visitor *v)
{
    struct histogram_sum sum = counters_histogram(counters, which);
    double steps = histograms[which].steps;
    uint64_t below = 0;
    v->family(v->context, histograms[which].name, "histogram", histograms[which].help);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        char label[64];
        below += sum.buckets[i];
        snprintf(label, sizeof(label), "le=\"%g\"", (double)histogram_bound(i) / steps);
        v->sample(v->context, "_bucket", label, (double)below);
    }
    v->sample(v->context, "_bucket", "le=\"+Inf\"", (double)sum.count);
    v->sample(v->context, "_sum", "", (double)sum.sum / steps);
    v->sample(v->context, "_count", "", (double)sum.count);
}

static void walk_networks(const struct control *control, const struct metrics_visitor *v)
{
    for (size_t i = 0; i < sizeof(network_rows) / sizeof(network_rows[0]); i++) {
        v->family(v->context, network_rows[i].name, network_rows[i].type, network_rows[i].help);
        for (uint32_t network = 0; network < control->networks; network++) {
            struct counters_network words = counters_network(control->counters, network);
            const void *word = (const uint8_t *)&words + network_rows[i].offset;
            char name[NAME_LABEL_SIZE], labels[LABELS_SIZE];
            snprintf(labels, sizeof(labels), "network=\"%s\"",
                     walk_label(control_network_name(control, network), name));
            v->sample(v->context, "", labels, (double)*(const uint64_t *)word);
        }
    }
}

static void walk_bans(const struct counters_agent *agent, const struct metrics_visitor *v)
{
    char labels[LABELS_SIZE];
    walk_one(v, METRIC_BANS, (double)agent->bans);
    walk_begin(v, METRIC_BANS_BEGUN);
    for (unsigned int rule = 0; rule < BAN_RULE_COUNT; rule++) {
        const char *name = ban_reason_name(CHANNEL_BAN_OPERATOR + 1 + rule);
        snprintf(labels, sizeof(labels), "rule=\"%s\",action=\"ban\"", name);
        v->sample(v->context, "", labels, (double)agent->bans_begun[rule]);
        snprintf(labels, sizeof(labels), "rule=\"%s\",action=\"dry-run\"", name);
        v->sample(v->context, "", labels, (double)agent->bans_told[rule]);
    }
    walk_one(v, METRIC_BANS_REFUSED, (double)agent->bans_refused);
}

static void walk_queues(const struct control *control, const struct metrics_visitor *v)
{
    walk_begin(v, METRIC_QUEUE_RECEIVED);
    for (uint32_t worker = 0; worker < counters_workers(control->counters); worker++) {
        struct counters_queue queue;
        for (uint32_t i = 0; counters_queue(control->counters, worker, i, &queue); i++) {
            char name[NAME_LABEL_SIZE], labels[LABELS_SIZE];
            if (queue.network >= control->networks)
                continue;
            snprintf(labels, sizeof(labels), "network=\"%s\",queue=\"%u\",worker=\"%u\"",
                     walk_label(control_network_name(control, queue.network), name), queue.queue, worker);
            v->sample(v->context, "", labels, (double)queue.received);
        }
    }
}

static void walk_busy(const struct counters *counters, const struct metrics_visitor *v)
{
    walk_begin(v, METRIC_WORKER_BUSY);
    for (uint32_t worker = 0; worker < counters_workers(counters); worker++) {
        char labels[LABELS_SIZE];
        snprintf(labels, sizeof(labels), "worker=\"%u\"", worker);
        v->sample(v->context, "", labels, (double)counters_busy_us(counters, worker) / 1e6);
    }
}

void walk_workers(const struct control *control, const struct metrics_visitor *v)
{
    struct counters_agent agent = counters_agent(control->counters);
    for (unsigned int family = 0; family < FAMILY_COUNT; family++)
        walk_family(control->counters, family, v);
    for (unsigned int i = 0; i < HISTOGRAM_COUNT; i++)
        walk_histogram(control->counters, (enum histogram)i, v);
    walk_one(v, METRIC_MBUFS_USED, (double)agent.mbufs_used);
    walk_one(v, METRIC_MBUFS_CAPACITY, (double)agent.mbufs_capacity);
    walk_one(v, METRIC_MEMORY_REFUSED, (double)agent.memory_refused);
    walk_one(v, METRIC_HOST_READS, (double)agent.host_reads);
    walk_one(v, METRIC_HOST_READ_FAILURES, (double)agent.host_read_failures);
    walk_one(v, METRIC_HOST_ASKS_DROPPED, (double)agent.host_asks_dropped);
    walk_one(v, METRIC_ADDRESSES_MISSING, (double)agent.addresses_missing);
    walk_networks(control, v);
    walk_bans(&agent, v);
    walk_queues(control, v);
    walk_busy(control->counters, v);
}
