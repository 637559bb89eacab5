// SPDX-License-Identifier: BSD-3-Clause
#include "metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "control.h"
#include "log.h"
#include "rpc/text.h"
#include "version.h"

#define LABELS_SIZE     512
#define NAME_LABEL_SIZE (2 * NAME_SIZE)

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

// X(FAMILY, FIELD, LABELS): counters of peers and members by field. A new family begins where help is given.
struct field {
    const char *family; // NULL: as the row before
    const char *type;
    const char *help;
    const char *labels;
    size_t offset;
};

#define PEER(member) offsetof(struct counters_peer, member)
static const struct field peer_fields[] = {
    {"dialgate_peer_messages_total", "counter", "SIP messages received from a peer.", "kind=\"request\"",
     PEER(requests_in)},
    {NULL, NULL, NULL, "kind=\"response\"", PEER(responses_in)},
    {"dialgate_peer_calls_total", "counter",
     "INVITEs outside a dialog that were sent on, by the peer's side of the call.", "direction=\"in\"",
     PEER(calls_in_total)},
    {NULL, NULL, NULL, "direction=\"out\"", PEER(calls_out_total)},
    {"dialgate_peer_calls_answered_total", "counter", "Calls that a 2xx confirmed.", "direction=\"in\"",
     PEER(answered_in_total)},
    {NULL, NULL, NULL, "direction=\"out\"", PEER(answered_out_total)},
    {"dialgate_peer_calls", "gauge", "Calls of a peer now, early and confirmed.", "direction=\"in\"",
     PEER(calls_in)},
    {NULL, NULL, NULL, "direction=\"out\"", PEER(calls_out)},
    {"dialgate_peer_calls_refused_total", "counter", "Calls of a peer that a limit refused.",
     "direction=\"in\"", PEER(refused_in_total)},
    {NULL, NULL, NULL, "direction=\"out\"", PEER(refused_out_total)},
};

#define MEMBER(member) offsetof(struct counters_member, member)
static const struct field member_fields[] = {
    {"dialgate_member_calls_total", "counter", "INVITEs outside a dialog that were sent to a member.", "",
     MEMBER(calls_total)},
    {"dialgate_member_calls_answered_total", "counter", "Calls to a member that a 2xx confirmed.", "",
     MEMBER(answered_total)},
    {"dialgate_member_timeouts_total", "counter", "Client transactions that a member did not answer.", "",
     MEMBER(timeouts_total)},
    {"dialgate_member_calls", "gauge", "Calls with a member now, early and confirmed.", "", MEMBER(calls)},
    {"dialgate_member_failovers_total", "counter", "Requests that went to the next member instead.", "",
     MEMBER(failovers_total)},
    {"dialgate_member_probes_total", "counter", "OPTIONS sent to a member to see whether it is well.", "",
     MEMBER(probes)},
};

static const char *const prefilter_labels[PREFILTER_REASON_COUNT] = {
#define R(name, label, help) [PREFILTER_REASON_##name] = label,
    PREFILTER_REASONS(R)
#undef R
};

// Both structs are words: the gauges among them are signed.
static double field_value(const void *counters, const struct field *field, bool gauge)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)counters + field->offset, sizeof(word));
    return gauge ? (double)(int64_t)word : (double)word;
}

static void one(const struct metrics_visitor *v, const char *name, const char *type, const char *help,
                double value)
{
    v->family(v->context, name, type, help);
    v->sample(v->context, "", "", value);
}

static void walk_workers(const struct control *control, const struct metrics_visitor *v)
{
    for (unsigned int family = 0; family < FAMILY_COUNT; family++) {
        v->family(v->context, families[family].name, families[family].type, families[family].help);
        for (uint32_t worker = 0; worker < counters_workers(control->counters); worker++)
            for (unsigned int i = 0; i < COUNTER_COUNT; i++) {
                char labels[LABELS_SIZE];
                if (rows[i].family != family)
                    continue;
                uint64_t value = counters_value(control->counters, worker, (enum counter)i);
                bool gauge = families[family].type[0] == 'g';
                snprintf(labels, sizeof(labels), "worker=\"%u\"%s%s", worker, rows[i].labels[0] ? "," : "",
                         rows[i].labels);
                v->sample(v->context, "", labels, gauge ? (double)(int64_t)value : (double)value);
            }
    }
}

static void walk_delay(const struct control *control, const struct metrics_visitor *v)
{
    struct delay_histogram delay = counters_delay(control->counters);
    uint64_t below = 0;
    v->family(v->context, "dialgate_post_dial_delay_seconds", "histogram",
              "INVITE received to the first 180, 183 or 2xx sent on.");
    for (unsigned int i = 0; i < DELAY_BUCKETS - 1; i++) {
        char label[64];
        below += delay.buckets[i];
        snprintf(label, sizeof(label), "le=\"%g\"", delay_bounds_ms[i] / 1000.0);
        v->sample(v->context, "_bucket", label, (double)below);
    }
    v->sample(v->context, "_bucket", "le=\"+Inf\"", (double)delay.count);
    v->sample(v->context, "_sum", "", (double)delay.sum_ms / 1000.0);
    v->sample(v->context, "_count", "", (double)delay.count);
}

// Names are checked by the configuration; this holds even if that changes.
static const char *label_text(const char *name, char out[NAME_LABEL_SIZE])
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

static void walk_peers(const struct control *control, const struct metrics_visitor *v)
{
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(&control->active, SECTION_PEERS, &count);
    for (size_t first = 0; first < sizeof(peer_fields) / sizeof(peer_fields[0]); first += 2) {
        const struct field *family = &peer_fields[first];
        v->family(v->context, family->family, family->type, family->help);
        for (uint32_t number = 0; number < count; number++) {
            if (!(peers[number].flags & SNAPSHOT_PRESENT))
                continue;
            struct counters_peer sum = counters_peer(control->counters, number);
            char name[NAME_LABEL_SIZE];
            label_text(peers[number].name, name);
            for (size_t i = 0; i < 2; i++) { // two directions, or kinds, a family
                char labels[LABELS_SIZE];
                snprintf(labels, sizeof(labels), "peer=\"%s\",%s", name, family[i].labels);
                v->sample(v->context, "", labels, field_value(&sum, &family[i], family->type[0] == 'g'));
            }
        }
    }
}

static void member_labels(const struct control *control, const struct snapshot_member *member,
                          char labels[LABELS_SIZE])
{
    char address[ADDRESS_TEXT_SIZE];
    char name[NAME_LABEL_SIZE];
    snprintf(labels, LABELS_SIZE, "peer=\"%s\",member=\"%s\"",
             label_text(control_peer_name(control, member->peer), name),
             text_address(&member->address, member->port, address));
}

static void walk_members(const struct control *control, const struct metrics_visitor *v)
{
    uint32_t count;
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    for (size_t i = 0; i < sizeof(member_fields) / sizeof(member_fields[0]); i++) {
        const struct field *field = &member_fields[i];
        v->family(v->context, field->family, field->type, field->help);
        for (uint32_t number = 0; number < count; number++) {
            char labels[LABELS_SIZE];
            const struct snapshot_member *member = &members[number];
            if (!(member->flags & SNAPSHOT_PRESENT))
                continue;
            struct counters_member sum = counters_member(control->counters, number);
            member_labels(control, member, labels);
            v->sample(v->context, "", labels, field_value(&sum, field, field->type[0] == 'g'));
        }
    }
}

// Members that are not probed, or whose first probes are still under way, have no sample: nothing is known.
static void walk_health(const struct control *control, const struct metrics_visitor *v)
{
    static const struct {
        const char *name, *type, *help;
    } health[] = {
        {"dialgate_member_up", "gauge",
         "1 while the probes of a member are answered well, 0 while it is down."},
        {"dialgate_member_probes_failed_total", "counter", "Of the probes: not answered, or not well."}};
    uint32_t count;
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    for (unsigned int i = 0; i < sizeof(health) / sizeof(health[0]); i++) {
        v->family(v->context, health[i].name, health[i].type, health[i].help);
        for (uint32_t number = 0; number < count; number++) {
            char labels[LABELS_SIZE];
            struct counters_member sum = counters_member(control->counters, number);
            if (!(members[number].flags & SNAPSHOT_PRESENT) || (i == 0 && sum.health == MEMBER_UNKNOWN))
                continue;
            member_labels(control, &members[number], labels);
            v->sample(v->context, "", labels, i == 0 ? sum.health != MEMBER_DOWN : sum.probes_failed);
        }
    }
}

// Limits as they are configured, so that a rule can set calls against them; what has none has no sample.
static void walk_limits(const struct control *control, const struct metrics_visitor *v)
{
    static const struct {
        const char *name, *help;
    } limits[] = {
        {"dialgate_peer_calls_limit", "Calls that a peer may have at once."},
        {"dialgate_peer_calls_per_second_limit", "New calls a second that a peer may begin or get."}};
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(&control->active, SECTION_PEERS, &count);
    for (unsigned int i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        v->family(v->context, limits[i].name, "gauge", limits[i].help);
        for (uint32_t number = 0; number < count; number++)
            for (unsigned int out = 0; out < 2; out++) {
                const struct call_limit *limit = out ? &peers[number].out : &peers[number].in;
                uint32_t value = i == 0 ? limit->concurrent : limit->rate;
                char labels[LABELS_SIZE], name[NAME_LABEL_SIZE];
                if (!(peers[number].flags & SNAPSHOT_PRESENT) || value == 0)
                    continue;
                snprintf(labels, sizeof(labels), "peer=\"%s\",direction=\"%s\"",
                         label_text(peers[number].name, name), out ? "out" : "in");
                v->sample(v->context, "", labels, value);
            }
    }
}

// Members that the operator has taken out, alone or with their peer.
static void walk_drained(const struct control *control, const struct metrics_visitor *v)
{
    uint32_t count;
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    bool node = (control->active.image->settings.flags & SETTINGS_DRAINING) != 0;
    one(v, "dialgate_draining", "gauge", "1 while the operator drains this node.", node);
    v->family(v->context, "dialgate_member_drained", "gauge",
              "1 while the operator drains or disables a member, or its peer.");
    for (uint32_t number = 0; number < count; number++) {
        char labels[LABELS_SIZE];
        if (!(members[number].flags & SNAPSHOT_PRESENT))
            continue;
        member_labels(control, &members[number], labels);
        v->sample(v->context, "", labels, (members[number].flags & (MEMBER_DRAINING | MEMBER_DISABLED)) != 0);
    }
}

static void walk_prefilter(const struct control *control, const struct metrics_visitor *v)
{
    bool begun = false;
    for (uint32_t network = 0; network < control->networks; network++) {
        uint64_t values[PREFILTER_REASON_COUNT];
        char name[NAME_LABEL_SIZE];
        if (!control_has_prefilter(control, network) ||
            prefilter_read_counters(&control->prefilters[network], values) < 0)
            continue;
        if (!begun)
            v->family(v->context, "dialgate_prefilter_packets_total", "counter",
                      "What the XDP program did with each packet, by reason.");
        begun = true;
        label_text(control_network_name(control, network), name);
        for (unsigned int i = 0; i < PREFILTER_REASON_COUNT; i++) {
            char labels[LABELS_SIZE];
            snprintf(labels, sizeof(labels), "network=\"%s\",reason=\"%s\"", name, prefilter_labels[i]);
            v->sample(v->context, "", labels, (double)values[i]);
        }
    }
}

void metrics_walk(const struct control *control, const struct metrics_visitor *v)
{
    char buffer[ERROR_SIZE];
    bool up = channel_ready(control->channel) && control->hello.state == CHANNEL_RUNNING;
    v->family(v->context, "dialgate_build_info", "gauge", "Always 1; the release of dialgate-control.");
    v->sample(v->context, "", "version=\"" DIALGATE_VERSION "\"", 1);
    one(v, "dialgate_dataplane_up", "gauge", "1 when the dataplane is connected and takes packets.", up);
    one(v, "dialgate_ready", "gauge", "1 when calls can be taken with the present configuration.",
        control_not_ready(control, 0, buffer, sizeof(buffer)) == NULL);
    one(v, "dialgate_configuration_sequence", "gauge",
        "Sequence of the configuration that control has in force.", (double)control->active.image->sequence);
    one(v, "dialgate_control_uptime_seconds", "gauge", "Since dialgate-control started.",
        (double)(clock_ms() - control->started_ms) / 1000.0);
    rpc_counts_walk(&control->rpc, v);
    walk_limits(control, v);
    walk_drained(control, v);
    if (control->counters) {
        one(v, "dialgate_dataplane_start_time_seconds", "gauge", "Unix time at which the dataplane started.",
            (double)counters_start_time_s(control->counters));
        walk_workers(control, v);
        walk_delay(control, v);
        walk_peers(control, v);
        walk_members(control, v);
        walk_health(control, v);
    }
    walk_prefilter(control, v);
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
