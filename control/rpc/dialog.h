// SPDX-License-Identifier: BSD-3-Clause
// What the dialog methods share: ids, rows, and a request under way at the dataplane.
#ifndef DIALGATE_CONTROL_RPC_DIALOG_H
#define DIALGATE_CONTROL_RPC_DIALOG_H

#include "../control.h"
#include "call.h"

#define DIALOG_ID_SIZE 17 // 16 hex digits of the handle, NUL

const char *dialog_id(uint64_t handle, char id[DIALOG_ID_SIZE]);

// True when text is a short id.
bool dialog_handle(const char *text, uint64_t *handle);

// The selection by Call-ID; text is escaped as dialog.list shows it. False: no Call-ID can be like this.
bool dialog_by_call_id(const char *text, struct channel_dialog_select *select);

// A new JSON object of a checked row.
json_t *dialog_json(const struct control *control, const struct channel_dialog_row *row, const char *text);

// Words of enum channel_dialog_state; state is in range.
const char *dialog_state_name(unsigned int state);
// A member as address:port, "-" for one that nobody knows.
json_t *dialog_member_json(const struct control *control, uint32_t number);
// The number of a peer that the manifest knows, configured or not: its dialogs may outlive its configuration.
// -ENOENT.
int dialog_find_peer(const struct control *control, const char *name);

// Reads peer, state, older_ms, limit and cursor. False: it has answered the call.
bool dialog_read_filters(struct rpc_call *call, struct channel_dialog_list *list);

// Serves dialog.list page after page; list: what is asked for, with the first cursor.
void dialog_stream(struct rpc_call *call, const struct channel_dialog_list *list);

// Before the channel goes: dialog.end_many under way ends.
void dialog_end_stop(struct control *control);

int dialog_ask(struct control *control, enum channel_type type, const void *body,
               const struct channel_answer *answer);

#endif
