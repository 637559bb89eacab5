// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "../control.h"
#include "../log.h"
#include "call.h"
#include "handlers.h"
#include "text.h"

#define LISTENERS_TEXT_SIZE (PEER_LISTENERS_MAX * (NAME_SIZE + 1))

// Their names with commas between them.
static void listener_names(const struct control *control, const struct snapshot_peer *peer,
                           char text[LISTENERS_TEXT_SIZE])
{
    uint32_t count;
    const struct snapshot_listener *listeners =
        configuration_section(&control->active, SECTION_LISTENERS, &count);
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < PEER_LISTENERS_MAX && peer->listeners[i] < count; i++)
        length += (size_t)snprintf(text + length, LISTENERS_TEXT_SIZE - length, "%s%s", i ? "," : "",
                                   listeners[peer->listeners[i]].name);
}

struct sight {
    enum { SIGHT_UP, SIGHT_UNKNOWN, SIGHT_DOWN, SIGHT_DRAINING, SIGHT_DISABLED } state; // best first
    int64_t since;   // Unix time; 0: not known
    const char *who; // the operator, NULL: what probes found
    int health;      // what probes found, of a member
    char reason[64]; // empty: none
};

static const char *const sight_names[] = {"up", "unknown", "down", "draining", "disabled"};

// What stands for the operator's word is stronger than what probes find.
static void see_operator(struct sight *sight, const struct overlay_row *row)
{
    sight->state = row->state == OVERLAY_DISABLED ? SIGHT_DISABLED : SIGHT_DRAINING;
    sight->since = row->since;
    sight->who = row->who;
    snprintf(sight->reason, sizeof(sight->reason), "by %s", row->who);
}

static struct sight see_member(const struct control *control, uint32_t number,
                               const struct snapshot_member *member, const char *host)
{
    struct sight sight = {.state = SIGHT_UNKNOWN};
    struct counters_member words = {0};
    char address[OVERLAY_ADDRESS_SIZE];
    if (control->counters)
        words = counters_member(control->counters, number);
    if (words.health != MEMBER_UNKNOWN)
        sight.state = words.health == MEMBER_DOWN ? SIGHT_DOWN : SIGHT_UP;
    if (words.health != MEMBER_UNKNOWN && words.health_since_ms > 0 && words.health_since_ms <= clock_ms())
        sight.since = time(NULL) - (int64_t)(clock_ms() - words.health_since_ms) / 1000;
    if (sight.state == SIGHT_DOWN)
        text_member_reason(words.reason, sight.reason);
    sight.health = (int)sight.state;
    const struct overlay_row *row =
        overlay_of_member(&control->overlay, control_peer_name(control, member->peer),
                          overlay_address(&member->address, member->port, address), host);
    if (row)
        see_operator(&sight, row);
    return sight;
}

static const char *host_name(const struct control *control, const struct snapshot_member *member)
{
    const struct host *host = hosts_of_member(control->active.config, resolver_hosts(control->resolver),
                                              control_peer_name(control, member->peer), member);
    return host ? host->name : NULL;
}

// A peer is as its best member is; since that one is. An application has none, and is up unless it is
// drained.
static struct sight see_peer(const struct control *control, uint32_t number, int *up)
{
    const struct snapshot_peer *peer = configuration_peer(&control->active, number);
    const struct overlay_row *row = overlay_find(&control->overlay, peer->name, "");
    struct sight best = {.state = peer->flags & PEER_APPLICATION ? SIGHT_UP : SIGHT_UNKNOWN};
    uint32_t count;
    const uint16_t *lists = configuration_section(&control->active, SECTION_LISTS, &count);
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    *up = 0;
    for (uint32_t i = 0; i < peer->member_count; i++) {
        uint16_t at = lists[peer->list_offset + i];
        struct sight sight = see_member(control, at, &members[at], host_name(control, &members[at]));
        *up += sight.state <= SIGHT_UNKNOWN;
        if (i == 0 || sight.state < best.state)
            best = sight;
    }
    if (row)
        see_operator(&best, row);
    return best;
}

static void put_sight(json_t *object, const struct sight *sight)
{
    json_object_set_new(object, "state", json_string(sight_names[sight->state]));
    json_object_set_new(object, "since", sight->since ? json_integer(sight->since) : json_null());
    json_object_set_new(object, "reason", sight->reason[0] ? json_string(sight->reason) : json_null());
    json_object_set_new(object, "by", sight->who ? json_string(sight->who) : json_null());
}

static json_t *or_null(uint32_t number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *limit_json(const struct call_limit *limit)
{
    return json_pack("{s:o, s:o, s:o}", "concurrent_calls", or_null(limit->concurrent), "calls_per_second",
                     or_null(limit->rate), "burst", or_null(limit->burst));
}

static json_int_t messages(const uint64_t *words, unsigned int count)
{
    uint64_t sum = 0;
    for (unsigned int i = 0; i < count; i++)
        sum += words[i];
    return (json_int_t)sum;
}

static json_t *peer_json(const struct control *control, uint32_t number)
{
    const struct snapshot_peer *peer = configuration_peer(&control->active, number);
    struct counters_peer sum = {0};
    if (control->counters)
        sum = counters_peer(control->counters, number);
    static const char *const balances[] = {[BALANCE_CALL_ID] = "call-id",
                                           [BALANCE_LEAST_CALLS] = "least-calls",
                                           [BALANCE_WEIGHTED] = "weighted"};
    char listeners[LISTENERS_TEXT_SIZE];
    listener_names(control, peer, listeners);
    struct rate rate = rates_of(control->rates, number);
    int up;
    struct sight sight = see_peer(control, number, &up);
    json_t *json =
        json_pack("{s:o, s:i, s:b, s:o, s:s, s:i, s:i}", "name", text_json(peer->name, strlen(peer->name)),
                  "number", (int)number, "application", (peer->flags & PEER_APPLICATION) != 0, "listener",
                  text_json(listeners, strlen(listeners)), "balance", balances[peer->balance], "members",
                  (int)peer->member_count, "members_up", up);
    json_t *counts = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "calls_in", (json_int_t)sum.calls_in,
        "calls_out", (json_int_t)sum.calls_out, "calls_in_total", (json_int_t)sum.calls_in_total,
        "calls_out_total", (json_int_t)sum.calls_out_total, "answered_in_total",
        (json_int_t)sum.answered_in_total, "answered_out_total", (json_int_t)sum.answered_out_total,
        "refused_in_total", (json_int_t)sum.refused_in_total, "refused_out_total",
        (json_int_t)sum.refused_out_total, "requests_in", messages(sum.requests, PEER_METHOD_COUNT),
        "responses_in", messages(sum.responses, PEER_CLASSES), "rate_in", rate.in, "rate_out", rate.out);
    put_sight(json, &sight);
    json_object_set_new(json, "limits",
                        json_pack("{s:o, s:o}", "in", limit_json(&peer->in), "out", limit_json(&peer->out)));
    json_object_update(json, counts);
    json_decref(counts);
    return json;
}

void rpc_peer_list(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    json_t *peers = json_array();
    for (uint32_t number = 0; number < PEERS_MAX; number++)
        if (configuration_peer(&control->active, number))
            json_array_append_new(peers, peer_json(control, number));
    rpc_reply(call, json_pack("{s:b, s:o}", "counters", control->counters != NULL, "peers", peers));
}

// total: calls of all members of its peer
static json_t *member_json(const struct control *control, uint32_t number,
                           const struct snapshot_member *member, uint64_t total)
{
    char address[ADDRESS_TEXT_SIZE];
    struct counters_member sum = {0};
    const char *host = host_name(control, member);
    struct sight sight = see_member(control, number, member, host);
    if (control->counters)
        sum = counters_member(control->counters, number);
    json_t *json =
        json_pack("{s:s, s:s?, s:i, s:i, s:i, s:o, s:o}", "address",
                  text_address(&member->address, member->port, address), "host", host, "number", (int)number,
                  "priority", (int)member->priority, "weight", (int)member->weight, "capacity",
                  or_null(member->capacity), "calls_per_second", or_null(member->rate));
    json_t *counts = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "calls", (json_int_t)sum.calls, "calls_total",
        (json_int_t)sum.calls_total, "answered_total", (json_int_t)sum.answered_total, "timeouts_total",
        (json_int_t)sum.timeouts_total, "failovers_total", (json_int_t)sum.failovers_total, "probes_total",
        (json_int_t)sum.probes, "probes_failed_total", (json_int_t)sum.probes_failed, "share",
        total ? (double)sum.calls_total / (double)total : 0.0);
    put_sight(json, &sight);
    json_object_set_new(json, "health", json_string(sight_names[sight.health]));
    json_object_update(json, counts);
    json_decref(counts);
    return json;
}

static json_t *members_json(const struct control *control, uint32_t peer)
{
    uint32_t count;
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    uint64_t total = 0;
    for (uint32_t i = 0; control->counters && i < count; i++)
        if ((members[i].flags & SNAPSHOT_PRESENT) && members[i].peer == peer)
            total += counters_member(control->counters, i).calls_total;
    json_t *list = json_array();
    const struct snapshot_peer *row = configuration_peer(&control->active, peer);
    const uint16_t *lists = configuration_section(&control->active, SECTION_LISTS, &count);
    for (uint32_t i = 0; i < row->member_count; i++) {
        uint16_t at = lists[row->list_offset + i];
        json_array_append_new(list, member_json(control, at, &members[at], total));
    }
    return list;
}

// The hosts among a peer's members, with what their look-ups led to.
static json_t *hosts_json(const struct control *control, const char *peer)
{
    json_t *list = json_array();
    const char *name;
    for (size_t i = 0; (name = hosts_of_peer(control->active.config, peer, i)); i++) {
        const struct host *host = hosts_find(resolver_hosts(control->resolver), name);
        struct resolver_state state = resolver_state(control->resolver, name);
        json_t *addresses = json_array();
        for (uint32_t a = 0; host && a < host->count; a++) {
            char address[ADDRESS_TEXT_SIZE];
            const struct host_address *row = &host->addresses[a];
            json_array_append_new(addresses, json_string(text_address(&row->address, row->port, address)));
        }
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o, s:i, s:s}", "host", name, "addresses", addresses, "resolved_at",
                            host && host->resolved ? json_integer(host->resolved) : json_null(), "wait_s",
                            (int)state.wait_s, "fault", state.fault));
    }
    return list;
}

static json_t *delay_json(const struct control *control)
{
    if (!control->counters)
        return json_null();
    struct histogram_sum delay = counters_histogram(control->counters, HISTOGRAM_POST_DIAL_DELAY);
    uint64_t half = histogram_quantile(&delay, 0.5);
    uint64_t most = histogram_quantile(&delay, 0.99);
    // null: longer than the last bound
    return json_pack("{s:I, s:f, s:o, s:o}", "count", (json_int_t)delay.count, "mean_ms",
                     delay.count ? (double)delay.sum / (double)delay.count : 0.0, "p50_at_most_ms",
                     half == UINT64_MAX ? json_null() : json_integer((json_int_t)half), "p99_at_most_ms",
                     most == UINT64_MAX ? json_null() : json_integer((json_int_t)most));
}

void rpc_peer_show(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    const char *name = rpc_text(call, "peer");
    for (uint32_t number = 0; number < PEERS_MAX; number++) {
        const struct snapshot_peer *peer = configuration_peer(&control->active, number);
        if (!peer || strcmp(peer->name, name) != 0)
            continue;
        rpc_reply(call, json_pack("{s:o, s:o, s:o, s:o}", "peer", peer_json(control, number), "members",
                                  members_json(control, number), "hosts", hosts_json(control, peer->name),
                                  "post_dial_delay", delay_json(control)));
        return;
    }
    rpc_fail(call, DG_NOT_FOUND, "no peer is called %.64s; peer.list names them", name);
}
