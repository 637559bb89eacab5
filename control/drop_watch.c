// SPDX-License-Identifier: BSD-3-Clause
// Exact counters are looked at, not notes: a sample may have none of a peer that loses little. Those of a
// class are read only in seconds in which anything was dropped.
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "drops.h"
#include "log.h"
#include "rpc/text.h"

#define QUIET_S   10u // a peer of which nothing was dropped for so long loses no more
#define TEXT_SIZE 128

static const char *const results[PREFILTER_TALLY_COUNT] = {
#define T(name, label, help) [PREFILTER_TALLY_##name] = label,
    PREFILTER_TALLIES(T)
#undef T
};

typedef uint64_t tallies[PREFILTER_TALLY_COUNT];

struct losing_peer {
    bool is_losing;
    uint64_t packets, since_s, last_s;
};

struct drop_watch {
    const struct counters *seen; // whose values these are
    uint64_t drops;              // of all reasons on all networks
    struct losing_peer peers[PEERS_MAX];
    tallies before[PEERS_MAX], now[PEERS_MAX];
    struct log_limit log;
};

struct drop_watch *drop_watch_create(void)
{
    return calloc(1, sizeof(struct drop_watch));
}

static uint64_t count_drops(const struct control *control)
{
    uint64_t drops = 0, values[PREFILTER_REASON_COUNT];
    for (uint32_t network = 0; network < control->networks; network++) {
        if (control_filter_counters(control, network, values) < 0)
            continue;
        for (unsigned reason = PREFILTER_FIRST_DROP; reason < PREFILTER_REASON_COUNT; reason++)
            drops += values[reason];
    }
    return drops;
}

static void read_classes(const struct control *control, tallies *values)
{
    memset(values, 0, PEERS_MAX * sizeof(*values));
    for (uint32_t peer = 0; control->counters && peer < PEERS_MAX; peer++)
        if (configuration_peer(&control->active, peer))
            counters_class(control->counters, peer, values[peer]);
    for (uint32_t network = 0; network < control->networks; network++)
        if (control_has_prefilter(control, network))
            prefilter_add_classes(&control->prefilters[network], PEERS_MAX, values);
}

static struct event_about about_peer(uint32_t peer)
{
    return (struct event_about){.peers = {(uint16_t)peer, NUMBER_NONE}};
}

static void tell_began(struct control *control, struct drop_watch *watch, uint32_t peer, uint64_t packets)
{
    const char *name = control_peer_name(control, peer);
    const struct event_about about = about_peer(peer);
    json_t *reasons = json_array();
    char text[TEXT_SIZE] = "";
    for (unsigned i = PREFILTER_TALLY_PASSED + 1; i < PREFILTER_TALLY_COUNT; i++) {
        size_t used = strlen(text);
        if (watch->now[peer][i] <= watch->before[peer][i])
            continue;
        json_array_append_new(reasons, json_string(results[i]));
        snprintf(text + used, sizeof(text) - used, "%s%s", used ? "," : "", results[i]);
    }
    if (log_allowed(&watch->log))
        log_event(LEVEL_WARNING, "peer_drops", "peer=%s reasons=%s packets=%llu", name, text,
                  (unsigned long long)packets);
    event_emit(control, EVENT_DROP_BEGAN, &about,
               json_pack("{s:o, s:o, s:I}", "peer", text_json(name, strlen(name)), "reasons", reasons,
                         "packets_per_second", (json_int_t)packets));
}

static void tell_over(struct control *control, uint32_t peer, const struct losing_peer *row)
{
    const char *name = control_peer_name(control, peer);
    const struct event_about about = about_peer(peer);
    const json_int_t seconds = (json_int_t)row->last_s - (json_int_t)row->since_s + 1;
    event_emit(control, EVENT_DROP_OVER, &about,
               json_pack("{s:o, s:I, s:I}", "peer", text_json(name, strlen(name)), "packets",
                         (json_int_t)row->packets, "seconds", seconds));
}

static void look_at_peer(struct control *control, struct drop_watch *watch, uint32_t peer, bool grew)
{
    struct losing_peer *row = &watch->peers[peer];
    uint64_t now_s = clock_ms() / 1000, packets = 0;
    for (unsigned i = PREFILTER_TALLY_PASSED + 1; grew && i < PREFILTER_TALLY_COUNT; i++)
        if (watch->now[peer][i] > watch->before[peer][i])
            packets += watch->now[peer][i] - watch->before[peer][i];
    if (packets > 0) {
        bool began = !row->is_losing;
        if (began)
            *row = (struct losing_peer){.is_losing = true, .since_s = now_s};
        row->packets += packets;
        row->last_s = now_s;
        if (began)
            tell_began(control, watch, peer, packets);
    } else if (row->is_losing && now_s - row->last_s >= QUIET_S) {
        row->is_losing = false;
        tell_over(control, peer, row);
    }
}

void drop_watch_look(struct control *control, struct drop_watch *watch)
{
    uint64_t drops = count_drops(control);
    bool first = control->counters != watch->seen, grew = drops != watch->drops;
    if (!control->counters)
        return;
    watch->seen = control->counters;
    watch->drops = drops;
    if (grew || first)
        read_classes(control, watch->now);
    for (uint32_t peer = 0; peer < PEERS_MAX && !first; peer++)
        look_at_peer(control, watch, peer, grew);
    if (grew || first)
        memcpy(watch->before, watch->now, sizeof(watch->before));
}
