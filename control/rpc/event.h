// SPDX-License-Identifier: BSD-3-Clause
// What clients get without having asked for each line: the rows of the reference.
#ifndef DIALGATE_CONTROL_RPC_EVENT_H
#define DIALGATE_CONTROL_RPC_EVENT_H

#include <jansson.h>

// Of api.list: notifications, kinds of events and events. New references.
json_t *event_api_notifications(void);
json_t *event_api_kinds(void);
json_t *event_api_events(void);

#endif
