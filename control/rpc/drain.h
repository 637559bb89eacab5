// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_CONTROL_RPC_DRAIN_H
#define DIALGATE_CONTROL_RPC_DRAIN_H

#include <jansson.h>

struct control;

// A new object: is this node drained, since when, by whom, and the dialogs it has.
json_t *drain_node_json(const struct control *control);

#endif
