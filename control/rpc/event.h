// SPDX-License-Identifier: BSD-3-Clause
// Events on their way from the dataplane to the clients that follow them, as JSON-RPC notifications.
#ifndef DIALGATE_CONTROL_RPC_EVENT_H
#define DIALGATE_CONTROL_RPC_EVENT_H

#include "../control.h"
#include "server.h"

struct events {
    const struct control *control;
    struct rpc_server *server;
};
// For struct event_sink; context: struct events.
void events_publish(void *context, const struct channel_events *events);
void events_publish_members(void *context, const struct channel_member_events *events);

#endif
