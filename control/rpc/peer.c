// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include "../control.h"
#include "call.h"
#include "handlers.h"
#include "text.h"

static const char *listener_name(const struct control *control, uint32_t index)
{
    uint32_t count;
    const struct snapshot_listener *listeners =
        configuration_section(&control->active, SECTION_LISTENERS, &count);
    return index < count ? listeners[index].name : "-";
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
    return json_pack(
        "{s:o, s:i, s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
        text_json(peer->name, strlen(peer->name)), "number", (int)number, "listener",
        text_json(listener_name(control, peer->listener), strlen(listener_name(control, peer->listener))),
        "balance", balances[peer->balance], "members", (int)peer->member_count, "calls_in",
        (json_int_t)sum.calls_in, "calls_out", (json_int_t)sum.calls_out, "calls_in_total",
        (json_int_t)sum.calls_in_total, "calls_out_total", (json_int_t)sum.calls_out_total,
        "answered_in_total", (json_int_t)sum.answered_in_total, "answered_out_total",
        (json_int_t)sum.answered_out_total, "requests_in", (json_int_t)sum.requests_in, "responses_in",
        (json_int_t)sum.responses_in);
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
    for (uint32_t i = 0; i < count; i++) {
        char address[ADDRESS_TEXT_SIZE];
        struct counters_member sum = {0};
        if (!(members[i].flags & SNAPSHOT_PRESENT) || members[i].peer != peer)
            continue;
        if (control->counters)
            sum = counters_member(control->counters, i);
        const struct host *host = hosts_of_member(control->active.config, resolver_hosts(control->resolver),
                                                  row->name, &members[i]);
        json_array_append_new(
            list, json_pack("{s:s, s:s?, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:f}", "address",
                            text_address(&members[i].address, members[i].port, address), "host",
                            host ? host->name : NULL, "priority", (int)members[i].priority, "number", (int)i,
                            "weight", (json_int_t)members[i].weight, "calls", (json_int_t)sum.calls,
                            "calls_total", (json_int_t)sum.calls_total, "answered_total",
                            (json_int_t)sum.answered_total, "timeouts_total", (json_int_t)sum.timeouts_total,
                            "share", total ? (double)sum.calls_total / (double)total : 0.0));
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
    struct delay_histogram delay = counters_delay(control->counters);
    uint32_t half = delay_quantile_ms(&delay, 0.5);
    uint32_t most = delay_quantile_ms(&delay, 0.99);
    // null: longer than the last bound
    return json_pack("{s:I, s:f, s:o, s:o}", "count", (json_int_t)delay.count, "mean_ms",
                     delay.count ? (double)delay.sum_ms / (double)delay.count : 0.0, "p50_at_most_ms",
                     half == UINT32_MAX ? json_null() : json_integer(half), "p99_at_most_ms",
                     most == UINT32_MAX ? json_null() : json_integer(most));
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
