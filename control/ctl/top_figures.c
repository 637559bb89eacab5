// SPDX-License-Identifier: BSD-3-Clause
// The figures of a screen, out of what the daemon said at three moments.
#include <stdlib.h>
#include <string.h>
#include "show_value.h"
#include "top.h"

static const struct {
    const char *name, *what;
} delays[] = {{"dialgate_post_dial_delay_seconds", "post-dial delay"},
              {"dialgate_answer_time_seconds", "answer time"},
              {"dialgate_forwarding_latency_seconds", "forwarding"}};

json_t *top_families(const json_t *metrics)
{
    json_t *families = json_object();
    const json_t *list = json_object_get(metrics, "families");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *family = json_array_get(list, i);
        json_object_set(families, text(family, "name"), json_object_get(family, "samples"));
    }
    return families;
}

// The sum of a family's samples that have both labels ("" is in all).
static double metric(const struct top_look *look, const char *name, const char *label, const char *other)
{
    double sum = 0;
    const json_t *samples = json_object_get(look->families, name);
    for (size_t i = 0; i < json_array_size(samples); i++) {
        const json_t *sample = json_array_get(samples, i);
        const char *labels = text(sample, "labels");
        if (strstr(labels, label) && strstr(labels, other))
            sum += json_number_value(json_object_get(sample, "value"));
    }
    return sum;
}

static double grown(double now, double before)
{
    return now < before ? now : now - before;
}

struct span_of_time {
    const struct top_look *now, *before;
};

static json_t *rate_of(const struct span_of_time *span, double now, double before)
{
    double seconds = span->now->at_s - span->before->at_s;
    return json_real(seconds > 0 ? grown(now, before) / seconds : 0);
}

static json_t *metric_rate(const struct span_of_time *span, const char *name, const char *label,
                           const char *other)
{
    return rate_of(span, metric(span->now, name, label, other), metric(span->before, name, label, other));
}

static json_t *share_of(double part, double whole)
{
    return whole > 0 ? json_real(part / whole) : json_null();
}

// The row of a list that has the same name (or number) as row; NULL when it is new.
static const json_t *same_row(const json_t *rows, const json_t *row, const char *key)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (json_equal(json_object_get(json_array_get(rows, i), key), json_object_get(row, key)))
            return json_array_get(rows, i);
    return NULL;
}

static json_t *row_rate(const struct span_of_time *span, const json_t *now, const json_t *before,
                        const char *key)
{
    return rate_of(span, (double)number(now, key), (double)number(before, key));
}

static double bucket_before(const json_t *samples, size_t at, const char *labels)
{
    const json_t *sample = json_array_get(samples, at);
    bool same = strcmp(text(sample, "labels"), labels) == 0;
    return same ? json_number_value(json_object_get(sample, "value")) : 0;
}

// The upper edge of the bucket that holds the share of what came since `before` (NULL: of all), in seconds;
// null where nothing came. What is beyond the last edge is told as that edge.
static json_t *quantile(const json_t *now, const json_t *before, double share)
{
    double all = 0, edge = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < json_array_size(now); i++) {
            const json_t *sample = json_array_get(now, i);
            const char *labels = text(sample, "labels"), *le = strstr(labels, "le=\"");
            if (strcmp(text(sample, "suffix"), "_bucket") != 0 || !le)
                continue;
            double value = json_number_value(json_object_get(sample, "value"));
            value -= bucket_before(before, i, labels);
            bool endless = strncmp(le + 4, "+Inf", 4) == 0;
            if (pass == 0 && endless)
                all = value;
            if (!endless)
                edge = strtod(le + 4, NULL);
            if (pass == 1 && all > 0 && value >= share * all)
                return json_real(edge);
        }
    return json_null();
}

static json_t *delay_rows(const struct top_look *now, const struct top_look *oldest)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        const json_t *all = json_object_get(now->families, delays[i].name);
        const json_t *old = json_object_get(oldest->families, delays[i].name);
        // Another dataplane: its histogram is all new.
        if (metric(now, delays[i].name, "+Inf", "") < metric(oldest, delays[i].name, "+Inf", ""))
            old = NULL;
        json_array_append_new(
            rows, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "what", delays[i].what, "p50_s",
                            quantile(all, old, .5), "p95_s", quantile(all, old, .95), "p99_s",
                            quantile(all, old, .99), "total_p50_s", quantile(all, NULL, .5), "total_p95_s",
                            quantile(all, NULL, .95), "total_p99_s", quantile(all, NULL, .99)));
    }
    return rows;
}

// Heaviest first; those of the same weight stay in their order.
static void sort_rows(json_t *rows, double (*weight)(const json_t *row))
{
    for (size_t i = 1; i < json_array_size(rows); i++) {
        json_t *row = json_incref(json_array_get(rows, i));
        size_t to = i;
        while (to > 0 && weight(json_array_get(rows, to - 1)) < weight(row))
            to--;
        if (to < i) {
            json_array_remove(rows, i);
            json_array_insert(rows, to, row);
        }
        json_decref(row);
    }
}

static json_t *core_rows(const struct span_of_time *span)
{
    static const char *const keys[] = {"received", "sent",    "forwarded",
                                       "answered", "dropped", "steered_away"};
    json_t *rows = json_array();
    const json_t *cores = json_object_get(span->now->cores, "cores");
    const json_t *old = json_object_get(span->before->cores, "cores");
    for (size_t i = 0; i < json_array_size(cores); i++) {
        const json_t *core = json_array_get(cores, i), *was = same_row(old, core, "worker");
        char worker[UNIT_SIZE];
        snprintf(worker, sizeof(worker), "worker=\"%d\"", (int)number(core, "worker"));
        json_t *row = json_pack("{s:I, s:I, s:I, s:o}", "worker", number(core, "worker"), "cpu",
                                number(core, "cpu"), "dialogs", number(core, "dialogs"), "busy_share",
                                metric_rate(span, "dialgate_worker_busy_seconds_total", worker, ""));
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            char key[UNIT_SIZE];
            snprintf(key, sizeof(key), "%s_rate", keys[k]);
            json_object_set_new(row, key, row_rate(span, core, was, keys[k]));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

// What is wrong comes first, then what is busy: a low screen shows the head of the list.
static double weight_of_peer(const json_t *row)
{
    const char *state = text(row, "state");
    bool well = strcmp(state, "up") == 0 || strcmp(state, "unknown") == 0;
    return (strcmp(state, "down") == 0 ? 2e12
            : well                     ? 0
                                       : 1e12) +
           1e3 * (json_number_value(json_object_get(row, "in_rate")) +
                  json_number_value(json_object_get(row, "out_rate"))) +
           (double)(number(row, "calls_in") + number(row, "calls_out")) / 1e6;
}

static json_t *peer_rows(const struct span_of_time *span)
{
    static const char *const copied[] = {"name", "state", "members", "members_up", "calls_in", "calls_out"};
    json_t *rows = json_array();
    const json_t *peers = json_object_get(span->now->peers, "peers");
    const json_t *old = json_object_get(span->before->peers, "peers");
    for (size_t i = 0; i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i), *was = same_row(old, peer, "name");
        double refused = (double)(number(peer, "refused_in_total") + number(peer, "refused_out_total"));
        double refused_before = (double)(number(was, "refused_in_total") + number(was, "refused_out_total"));
        json_t *row = json_pack(
            "{s:o, s:o, s:o, s:o, s:o}", "in_rate", row_rate(span, peer, was, "calls_in_total"), "out_rate",
            row_rate(span, peer, was, "calls_out_total"), "refused_rate",
            rate_of(span, refused, refused_before), "answered_in_share",
            share_of((double)number(peer, "answered_in_total"), (double)number(peer, "calls_in_total")),
            "answered_out_share",
            share_of((double)number(peer, "answered_out_total"), (double)number(peer, "calls_out_total")));
        for (size_t k = 0; k < sizeof(copied) / sizeof(copied[0]); k++)
            json_object_set(row, copied[k], json_object_get(peer, copied[k]));
        json_array_append_new(rows, row);
    }
    sort_rows(rows, weight_of_peer);
    return rows;
}

// {reason: packets} of what all workers dropped.
static json_t *drops_by_reason(const struct top_look *look)
{
    json_t *totals = json_object();
    const json_t *samples = json_object_get(look->families, "dialgate_packets_total");
    for (size_t i = 0; i < json_array_size(samples); i++) {
        const json_t *sample = json_array_get(samples, i);
        const char *labels = text(sample, "labels"), *reason = strstr(labels, "reason=\"");
        char name[UNIT_SIZE];
        if (!strstr(labels, "outcome=\"dropped\"") || !reason)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(reason + 8, "\""), reason + 8);
        double total = json_number_value(json_object_get(totals, name)) +
                       json_number_value(json_object_get(sample, "value"));
        json_object_set_new(totals, name, json_real(total));
    }
    return totals;
}

static double weight_of_drop(const json_t *row)
{
    return json_number_value(json_object_get(row, "rate"));
}

// Reasons that have ever dropped something.
static json_t *drop_rows(const struct span_of_time *span)
{
    json_t *now = drops_by_reason(span->now), *before = drops_by_reason(span->before), *rows = json_array();
    const char *reason;
    const json_t *value;
    json_object_foreach(now, reason, value)
    {
        double total = json_number_value(value);
        if (total > 0)
            json_array_append_new(
                rows, json_pack("{s:s, s:o, s:I}", "reason", reason, "rate",
                                rate_of(span, total, json_number_value(json_object_get(before, reason))),
                                "total", (json_int_t)total));
    }
    json_decref(now);
    json_decref(before);
    sort_rows(rows, weight_of_drop);
    return rows;
}

// Seizures are calls that were sent on (ITU-T E.410): what was refused here was none.
#define SEIZURES "dialgate_peer_calls_total"
#define ANSWERS  "dialgate_peer_calls_answered_total"
#define OUT      "direction=\"out\""

static json_t *call_figures(const struct span_of_time *span, const struct top_look *oldest)
{
    double seizures = metric(span->now, SEIZURES, OUT, ""), answers = metric(span->now, ANSWERS, OUT, "");
    return json_pack("{s:o, s:o, s:o}", "created_rate",
                     rate_of(span, (double)number(json_object_get(span->now->status, "calls"), "created"),
                             (double)number(json_object_get(span->before->status, "calls"), "created")),
                     "answered_share",
                     share_of(grown(answers, metric(oldest, ANSWERS, OUT, "")),
                              grown(seizures, metric(oldest, SEIZURES, OUT, ""))),
                     "answered_share_total", share_of(answers, seizures));
}

json_t *top_figures(const struct top_look *now, const struct top_look *before, const struct top_look *oldest)
{
    struct span_of_time span = {now, before};
    json_t *messages =
        json_pack("{s:o, s:o, s:o, s:I}", "received_rate",
                  metric_rate(&span, "dialgate_packets_received_total", "", ""), "sent_rate",
                  metric_rate(&span, "dialgate_packets_sent_total", "result=\"sent\"", ""), "dropped_rate",
                  metric_rate(&span, "dialgate_packets_total", "outcome=\"dropped\"", ""), "dropped_total",
                  (json_int_t)metric(now, "dialgate_packets_total", "outcome=\"dropped\"", ""));
    return json_pack("{s:f, s:O, s:o, s:o, s:o, s:o, s:o, s:o}", "window_s", now->at_s - oldest->at_s,
                     "status", now->status, "calls", call_figures(&span, oldest), "messages", messages,
                     "delays", delay_rows(now, oldest), "cores", core_rows(&span), "peers", peer_rows(&span),
                     "drops", drop_rows(&span));
}

json_t *top_lasting(const json_t *families)
{
    json_t *kept = json_object();
    for (size_t i = 0; i < COLUMNS(delays); i++)
        json_object_set(kept, delays[i].name, json_object_get(families, delays[i].name));
    json_object_set(kept, SEIZURES, json_object_get(families, SEIZURES));
    json_object_set(kept, ANSWERS, json_object_get(families, ANSWERS));
    return kept;
}
