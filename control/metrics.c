// SPDX-License-Identifier: BSD-3-Clause
#include "metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include "event.h"
#include "log.h"
#include "metrics_walk.h"
#include "version.h"

const struct metric_row metric_rows[METRIC_COUNT] = {
#define M(name, metric, type, labels, help) [METRIC_##name] = {metric, type, labels, help},
    METRICS(M)
#undef M
};

static const char *const prefilter_labels[PREFILTER_REASON_COUNT] = {
#define R(name, label, help) [PREFILTER_REASON_##name] = label,
    PREFILTER_REASONS(R)
#undef R
};

void walk_begin(const struct metrics_visitor *v, enum metric metric)
{
    const struct metric_row *row = &metric_rows[metric];
    v->family(v->context, row->name, row->type, row->help);
}

void walk_one(const struct metrics_visitor *v, enum metric metric, double value)
{
    walk_begin(v, metric);
    v->sample(v->context, "", "", value);
}

// Names are checked by the configuration; this holds even if that changes.
const char *walk_label(const char *name, char out[NAME_LABEL_SIZE])
{
    size_t used = 0;
    for (; *name && used + 3 < NAME_LABEL_SIZE; name++) {
        if (*name == '"' || *name == '\\')
            out[used++] = '\\';
        out[used++] = *name;
    }
    out[used] = '\0';
    return out;
}

static void walk_prefilter(const struct control *control, const struct metrics_visitor *v)
{
    walk_begin(v, METRIC_PREFILTER);
    for (uint32_t network = 0; network < control->networks; network++) {
        uint64_t values[PREFILTER_REASON_COUNT];
        char name[NAME_LABEL_SIZE];
        if (control_filter_counters(control, network, values) < 0)
            continue;
        walk_label(control_network_name(control, network), name);
        for (unsigned int i = 0; i < PREFILTER_REASON_COUNT; i++) {
            char labels[LABELS_SIZE];
            snprintf(labels, sizeof(labels), "network=\"%s\",reason=\"%s\"", name, prefilter_labels[i]);
            v->sample(v->context, "", labels, (double)values[i]);
        }
    }
}

static void walk_class(const struct control *control, const struct metrics_visitor *v, uint32_t class,
                       const char *name)
{
    static const char *const results[PREFILTER_TALLY_COUNT] = {
#define T(name, label, help) [PREFILTER_TALLY_##name] = label,
        PREFILTER_TALLIES(T)
#undef T
    };
    uint64_t values[PREFILTER_TALLY_COUNT];
    char label[NAME_LABEL_SIZE], labels[LABELS_SIZE];
    walk_label(name, label);
    control_filter_class(control, class, values);
    for (unsigned int i = 0; i < PREFILTER_TALLY_COUNT; i++) {
        snprintf(labels, sizeof(labels), "peer=\"%s\",result=\"%s\"", label, results[i]);
        v->sample(v->context, "", labels, (double)values[i]);
    }
}

// Of the peers in force, and all strangers together.
static void walk_classes(const struct control *control, const struct metrics_visitor *v)
{
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(&control->active, SECTION_PEERS, &count);
    walk_begin(v, METRIC_PREFILTER_CLASS);
    for (uint32_t i = 0; i < count && control->networks > 0; i++)
        if ((peers[i].flags & SNAPSHOT_PRESENT) && !(peers[i].flags & PEER_APPLICATION))
            walk_class(control, v, i, peers[i].name);
    if (control->networks > 0)
        walk_class(control, v, PREFILTER_STRANGERS, "-");
}

static void walk_configuration(const struct control *control, const struct metrics_visitor *v)
{
    bool connected = channel_ready(control->channel) && control->hello.state == CHANNEL_RUNNING;
    uint64_t sequence = control->active.image->sequence;
    uint64_t there = control->handed == HANDED_ACCEPTED ? sequence : control->hello.snapshot_sequence;
    walk_one(v, METRIC_SEQUENCE, (double)sequence);
    walk_one(v, METRIC_DATAPLANE_SEQUENCE, connected ? (double)there : 0);
    walk_begin(v, METRIC_RELOADS);
    v->sample(v->context, "", "result=\"taken\"", (double)control->reloads.taken);
    v->sample(v->context, "", "result=\"refused\"", (double)control->reloads.refused);
    walk_one(v, METRIC_RELOAD_GOOD, !control->reloads.last_refused);
    walk_one(v, METRIC_RELOAD_TIME, (double)control->reloads.last_s);
}

void metrics_walk(const struct control *control, const struct metrics_visitor *v)
{
    char buffer[ERROR_SIZE];
    bool up = channel_ready(control->channel) && control->hello.state == CHANNEL_RUNNING;
    walk_begin(v, METRIC_BUILD_INFO);
    v->sample(v->context, "", "version=\"" DIALGATE_VERSION "\"", 1);
    walk_one(v, METRIC_DATAPLANE_UP, up);
    walk_one(v, METRIC_READY, control_not_ready(control, 0, buffer, sizeof(buffer)) == NULL);
    walk_configuration(control, v);
    walk_one(v, METRIC_UPTIME, (double)(clock_ms() - control->started_ms) / 1000.0);
    walk_one(v, METRIC_START_TIME, (double)control->start_time_s);
    walk_limits(control, v);
    walk_drained(control, v);
    if (control->counters) {
        walk_one(v, METRIC_DATAPLANE_START, (double)counters_start_time_s(control->counters));
        walk_workers(control, v);
        walk_peers(control, v);
    }
    rpc_counts_walk(&control->rpc, v);
    events_walk(control, v);
    record_walk(control, v);
    capture_walk(control, v);
    ua_walk(control, v);
    referrals_walk(control, v);
    walk_prefilter(control, v);
    walk_classes(control, v);
    drops_walk(control, v);
}

struct text_context {
    struct evbuffer *out;
    const char *family;
};

static void text_family(void *context, const char *name, const char *type, const char *help)
{
    struct text_context *text = context;
    text->family = name;
    evbuffer_add_printf(text->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void text_sample(void *context, const char *suffix, const char *labels, double value)
{
    struct text_context *text = context;
    evbuffer_add_printf(text->out, "%s%s%s%s%s %.15g\n", text->family, suffix, labels[0] ? "{" : "", labels,
                        labels[0] ? "}" : "", value);
}

void metrics_text(const struct control *control, struct evbuffer *out)
{
    struct text_context text = {.out = out};
    struct metrics_visitor visitor = {text_family, text_sample, &text};
    metrics_walk(control, &visitor);
}
