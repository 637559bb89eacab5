// SPDX-License-Identifier: BSD-3-Clause
#include "event.h"

#include <stdlib.h>
#include <string.h>
#include "dialgate/counters.h"
#include "dialog.h"
#include "handlers.h"
#include "text.h"

static const char *const reasons[CHANNEL_REASON_COUNT] = {
#define R(name, word) [CHANNEL_REASON_##name] = word,
    CHANNEL_REASONS(R)
#undef R
};

static json_t *event_json(const struct control *control, const struct channel_event *event)
{
    char id[DIALOG_ID_SIZE];
    const char *caller = control_peer_name(control, event->caller_peer);
    const char *callee = control_peer_name(control, event->callee_peer);
    return json_pack("{s:s, s:s, s:{s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o}}", "jsonrpc", "2.0", "method",
                     "event", "params", "time_ms", (json_int_t)event->time_ms, "id",
                     dialog_id(event->handle, id), "from",
                     event->from == CHANNEL_DIALOG_ANY ? "-" : dialog_state_name(event->from), "to",
                     dialog_state_name(event->to), "reason", reasons[event->reason], "caller_peer",
                     text_json(caller, strlen(caller)), "callee_peer", text_json(callee, strlen(callee)),
                     "member", dialog_member_json(control, event->callee_member));
}

static void publish(struct rpc_server *server, json_t *line, const uint16_t peers[2])
{
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    size_t length = text ? strlen(text) : 0;
    json_decref(line);
    if (!text)
        return;
    text[length] = '\n'; // the line end takes the place of the NUL: the length is known
    rpc_server_publish(server, &(struct rpc_event){text, length + 1, {peers[0], peers[1]}});
    free(text);
}

// To all: whose they were is what was lost.
static void publish_lost(struct rpc_server *server, uint64_t lost)
{
    publish(server,
            json_pack("{s:s, s:s, s:{s:I}}", "jsonrpc", "2.0", "method", "events.lost", "params", "count",
                      (json_int_t)lost),
            (const uint16_t[2]){NUMBER_NONE, NUMBER_NONE});
}

void events_publish(void *context, const struct channel_events *events)
{
    const struct events *to = context;
    if (!rpc_server_followed(to->server))
        return;
    if (events->lost > 0)
        publish_lost(to->server, events->lost);
    for (uint32_t i = 0; i < events->count; i++) {
        const struct channel_event *event = &events->rows[i];
        publish(to->server, event_json(to->control, event),
                (const uint16_t[2]){event->caller_peer, event->callee_peer});
    }
}

static json_t *member_json(const struct control *control, const struct channel_member_event *event)
{
    static const char *const methods[] = {"member.unknown", "member.up", "member.down"};
    static const char *const states[] = {"unknown", "up", "down"};
    char address[ADDRESS_TEXT_SIZE], reason[REASON_TEXT_SIZE];
    const char *peer = control_peer_name(control, event->peer);
    return json_pack(
        "{s:s, s:s, s:{s:I, s:o, s:s, s:s, s:o, s:i, s:I}}", "jsonrpc", "2.0", "method", methods[event->to],
        "params", "time_ms", (json_int_t)event->time_ms, "peer", text_json(peer, strlen(peer)), "member",
        text_address(&event->address, event->port, address), "from", states[event->from], "reason",
        event->to == MEMBER_DOWN ? json_string(text_member_reason(event->reason, reason)) : json_null(),
        "in_row", (int)event->in_row, "probes_total", (json_int_t)event->probes);
}

void events_publish_members(void *context, const struct channel_member_events *events)
{
    const struct events *to = context;
    if (!rpc_server_followed(to->server))
        return;
    if (events->lost > 0)
        publish_lost(to->server, events->lost);
    for (uint32_t i = 0; i < events->count; i++) {
        const struct channel_member_event *event = &events->rows[i];
        publish(to->server, member_json(to->control, event), (const uint16_t[2]){event->peer, NUMBER_NONE});
    }
}

void rpc_events_follow(struct rpc_call *call)
{
    const char *name = rpc_text(call, "peer");
    int peer = name ? dialog_find_peer(rpc_control(call), name) : (int)NUMBER_NONE;
    if (peer < 0) {
        rpc_fail(call, DG_NOT_FOUND, "no peer is called %.64s; peer.list names them", name);
        return;
    }
    if (!rpc_follow(call, (uint16_t)peer)) {
        rpc_fail(call, DG_REFUSED, "events need a connection of their own");
        return;
    }
    rpc_reply(call, json_pack("{s:b}", "following", true));
}
