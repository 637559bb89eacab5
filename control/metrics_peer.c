// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>
#include "metrics_walk.h"
#include "rpc/text.h"

// Words of peers and members that become one sample each.
struct field {
    enum metric metric;
    const char *labels; // besides the name
    size_t offset;
};

#define PEER(member)   offsetof(struct counters_peer, member)
#define MEMBER(member) offsetof(struct counters_member, member)

// Rows of one metric follow each other.
static const struct field peer_fields[] = {
#define P(name, label) {METRIC_PEER_REQUESTS, "method=\"" label "\"", PEER(requests[PEER_METHOD_##name])},
    PEER_METHODS(P)
#undef P
        {METRIC_PEER_RESPONSES, "class=\"1xx\"", PEER(responses[0])},
    {METRIC_PEER_RESPONSES, "class=\"2xx\"", PEER(responses[1])},
    {METRIC_PEER_RESPONSES, "class=\"3xx\"", PEER(responses[2])},
    {METRIC_PEER_RESPONSES, "class=\"4xx\"", PEER(responses[3])},
    {METRIC_PEER_RESPONSES, "class=\"5xx\"", PEER(responses[4])},
    {METRIC_PEER_RESPONSES, "class=\"6xx\"", PEER(responses[5])},
    {METRIC_PEER_CALLS_TOTAL, "direction=\"in\"", PEER(calls_in_total)},
    {METRIC_PEER_CALLS_TOTAL, "direction=\"out\"", PEER(calls_out_total)},
    {METRIC_PEER_ANSWERED, "direction=\"in\"", PEER(answered_in_total)},
    {METRIC_PEER_ANSWERED, "direction=\"out\"", PEER(answered_out_total)},
    {METRIC_PEER_CALLS, "direction=\"in\"", PEER(calls_in)},
    {METRIC_PEER_CALLS, "direction=\"out\"", PEER(calls_out)},
    {METRIC_PEER_REFUSED, "direction=\"in\"", PEER(refused_in_total)},
    {METRIC_PEER_REFUSED, "direction=\"out\"", PEER(refused_out_total)},
};

static const struct field member_fields[] = {
    {METRIC_MEMBER_CALLS_TOTAL, "", MEMBER(calls_total)},
    {METRIC_MEMBER_ANSWERED, "", MEMBER(answered_total)},
    {METRIC_MEMBER_TIMEOUTS, "", MEMBER(timeouts_total)},
    {METRIC_MEMBER_CALLS, "", MEMBER(calls)},
    {METRIC_MEMBER_FAILOVERS, "", MEMBER(failovers_total)},
    {METRIC_MEMBER_PROBES, "", MEMBER(probes)},
};

#define FIELDS(fields) (sizeof(fields) / sizeof((fields)[0]))

// Both structs are words: the gauges among them are signed.
static double field_value(const void *counters, const struct field *field)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)counters + field->offset, sizeof(word));
    return metric_rows[field->metric].type[0] == 'g' ? (double)(int64_t)word : (double)word;
}

static void walk_peer_fields(const struct control *control, const struct metrics_visitor *v, size_t first,
                             size_t end)
{
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(&control->active, SECTION_PEERS, &count);
    walk_begin(v, peer_fields[first].metric);
    for (uint32_t number = 0; number < count; number++) {
        char name[NAME_LABEL_SIZE], labels[LABELS_SIZE];
        if (!(peers[number].flags & SNAPSHOT_PRESENT))
            continue;
        struct counters_peer sum = counters_peer(control->counters, number);
        walk_label(peers[number].name, name);
        for (size_t i = first; i < end; i++) {
            snprintf(labels, sizeof(labels), "peer=\"%s\",%s", name, peer_fields[i].labels);
            v->sample(v->context, "", labels, field_value(&sum, &peer_fields[i]));
        }
    }
}

static void member_labels(const struct control *control, const struct snapshot_member *member,
                          char labels[LABELS_SIZE])
{
    char address[ADDRESS_TEXT_SIZE];
    char name[NAME_LABEL_SIZE];
    snprintf(labels, LABELS_SIZE, "peer=\"%s\",member=\"%s\"",
             walk_label(control_peer_name(control, member->peer), name),
             text_address(&member->address, member->port, address));
}

static void walk_member_field(const struct control *control, const struct metrics_visitor *v,
                              const struct field *field)
{
    uint32_t count;
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    walk_begin(v, field->metric);
    for (uint32_t number = 0; number < count; number++) {
        char labels[LABELS_SIZE];
        if (!(members[number].flags & SNAPSHOT_PRESENT))
            continue;
        struct counters_member sum = counters_member(control->counters, number);
        member_labels(control, &members[number], labels);
        v->sample(v->context, "", labels, field_value(&sum, field));
    }
}

// Members that are not probed, or whose first probes are still under way, are neither up nor down.
static void walk_health(const struct control *control, const struct metrics_visitor *v, enum metric metric)
{
    uint32_t count;
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    bool up = metric == METRIC_MEMBER_UP;
    walk_begin(v, metric);
    for (uint32_t number = 0; number < count; number++) {
        char labels[LABELS_SIZE];
        struct counters_member sum = counters_member(control->counters, number);
        if (!(members[number].flags & SNAPSHOT_PRESENT) || (up && sum.health == MEMBER_UNKNOWN))
            continue;
        member_labels(control, &members[number], labels);
        v->sample(v->context, "", labels, up ? sum.health != MEMBER_DOWN : sum.probes_failed);
    }
}

void walk_peers(const struct control *control, const struct metrics_visitor *v)
{
    for (size_t first = 0, end; first < FIELDS(peer_fields); first = end) {
        for (end = first + 1; end < FIELDS(peer_fields);)
            if (peer_fields[end].metric == peer_fields[first].metric)
                end++;
            else
                break;
        walk_peer_fields(control, v, first, end);
    }
    for (size_t i = 0; i < FIELDS(member_fields); i++)
        walk_member_field(control, v, &member_fields[i]);
    walk_health(control, v, METRIC_MEMBER_UP);
    walk_health(control, v, METRIC_MEMBER_PROBES_FAILED);
}

// Limits as they are configured, so that a rule can set calls against them; what has none has no sample.
static void walk_limit(const struct control *control, const struct metrics_visitor *v, enum metric metric)
{
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(&control->active, SECTION_PEERS, &count);
    walk_begin(v, metric);
    for (uint32_t number = 0; number < count; number++)
        for (unsigned int out = 0; out < 2; out++) {
            const struct call_limit *limit = out ? &peers[number].out : &peers[number].in;
            uint32_t value = metric == METRIC_CALLS_LIMIT ? limit->concurrent : limit->rate;
            char labels[LABELS_SIZE], name[NAME_LABEL_SIZE];
            if (!(peers[number].flags & SNAPSHOT_PRESENT) || value == 0)
                continue;
            snprintf(labels, sizeof(labels), "peer=\"%s\",direction=\"%s\"",
                     walk_label(peers[number].name, name), out ? "out" : "in");
            v->sample(v->context, "", labels, value);
        }
}

void walk_limits(const struct control *control, const struct metrics_visitor *v)
{
    walk_limit(control, v, METRIC_CALLS_LIMIT);
    walk_limit(control, v, METRIC_RATE_LIMIT);
}

// Members that the operator has taken out, alone or with their peer.
void walk_drained(const struct control *control, const struct metrics_visitor *v)
{
    uint32_t count;
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    bool node = (control->active.image->settings.flags & SETTINGS_DRAINING) != 0;
    walk_one(v, METRIC_DRAINING, node);
    walk_begin(v, METRIC_MEMBER_DRAINED);
    for (uint32_t number = 0; number < count; number++) {
        char labels[LABELS_SIZE];
        if (!(members[number].flags & SNAPSHOT_PRESENT))
            continue;
        member_labels(control, &members[number], labels);
        v->sample(v->context, "", labels, (members[number].flags & (MEMBER_DRAINING | MEMBER_DISABLED)) != 0);
    }
}
