// SPDX-License-Identifier: BSD-3-Clause
// peer.drain, peer.disable, peer.enable, drain.*: what the operator takes out of service.
#include "../drain.h"
#include "drain.h"

#include <string.h>
#include "call.h"
#include "handlers.h"
#include "text.h"

static json_int_t dialogs_left(const struct control *control)
{
    static const enum counter gauges[] = {COUNTER_DIALOG_NONE_NOW, COUNTER_DIALOG_EARLY_NOW,
                                          COUNTER_DIALOG_CONFIRMED_NOW, COUNTER_DIALOG_TERMINATING_NOW};
    json_int_t left = 0;
    for (size_t i = 0; control->counters && i < sizeof(gauges) / sizeof(gauges[0]); i++)
        left += (json_int_t)counters_sum(control->counters, gauges[i]);
    return left;
}

// Calls of the peer, or of its members that are meant by member.
static json_int_t calls_left(const struct control *control, const char *peer, const char *member)
{
    uint32_t number, count;
    const struct snapshot_peer *row = drain_peer(control, peer, &number);
    const uint16_t *lists = configuration_section(&control->active, SECTION_LISTS, &count);
    const struct snapshot_member *members = configuration_section(&control->active, SECTION_MEMBERS, &count);
    json_int_t left = 0;
    if (!row || !control->counters)
        return 0;
    if (member[0] == '\0') {
        struct counters_peer sum = counters_peer(control->counters, number);
        return (json_int_t)sum.calls_in + (json_int_t)sum.calls_out;
    }
    for (uint32_t i = 0; i < row->member_count; i++) {
        char address[OVERLAY_ADDRESS_SIZE];
        uint16_t at = lists[row->list_offset + i];
        const struct host *host = hosts_of_member(control->active.config, resolver_hosts(control->resolver),
                                                  row->name, &members[at]);
        if (strcmp(overlay_address(&members[at].address, members[at].port, address), member) == 0 ||
            (host && strcmp(host->name, member) == 0))
            left += (json_int_t)counters_member(control->counters, at).calls;
    }
    return left;
}

static json_t *row_json(const struct control *control, const struct overlay_row *row)
{
    return json_pack("{s:s, s:s?, s:s, s:I, s:s, s:I}", "peer", row->peer, "member",
                     row->member[0] ? row->member : NULL, "state", overlay_state_name(row->state), "since",
                     (json_int_t)row->since, "by", row->who, "calls",
                     calls_left(control, row->peer, row->member));
}

// Rows of one peer, of all for NULL.
static json_t *rows_json(const struct control *control, const char *peer)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < control->overlay.count; i++) {
        const struct overlay_row *row = &control->overlay.rows[i];
        if (row->peer[0] && (!peer || strcmp(row->peer, peer) == 0))
            json_array_append_new(rows, row_json(control, row));
    }
    return rows;
}

json_t *drain_node_json(const struct control *control)
{
    const struct overlay_row *row = overlay_find(&control->overlay, "", "");
    return json_pack("{s:b, s:o, s:s?, s:I}", "draining", row != NULL, "since",
                     row ? json_integer(row->since) : json_null(), "by", row ? row->who : NULL, "dialogs",
                     dialogs_left(control));
}

static void on_done(void *context, int result, const char *text)
{
    struct rpc_call *call = context;
    const struct control *control = rpc_control(call);
    if (result < 0)
        rpc_fail_errno(call, result, text);
    else
        rpc_reply(call, json_pack("{s:o, s:o, s:o}", "node", drain_node_json(control), "peers",
                                  rows_json(control, rpc_text(call, "peer")), "text",
                                  text_json(text, strlen(text))));
}

static void request(struct rpc_call *call, enum overlay_state state)
{
    char error[ERROR_SIZE];
    struct reload_answer answer = {on_done, call, rpc_who(call)};
    struct drain_request request = {rpc_text(call, "peer"), rpc_text(call, "member"), state, rpc_who(call)};
    int result = drain_request(rpc_control(call), &request, &answer, error, sizeof(error));
    if (result < 0)
        rpc_fail_errno(call, result, error);
}

void rpc_peer_drain(struct rpc_call *call)
{
    request(call, OVERLAY_DRAINING);
}

void rpc_peer_disable(struct rpc_call *call)
{
    request(call, OVERLAY_DISABLED);
}

void rpc_peer_enable(struct rpc_call *call)
{
    request(call, OVERLAY_ENABLED);
}

void rpc_drain_on(struct rpc_call *call)
{
    request(call, OVERLAY_DRAINING);
}

void rpc_drain_off(struct rpc_call *call)
{
    request(call, OVERLAY_ENABLED);
}

void rpc_drain_status(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    rpc_reply(call,
              json_pack("{s:o, s:o}", "node", drain_node_json(control), "peers", rows_json(control, NULL)));
}
