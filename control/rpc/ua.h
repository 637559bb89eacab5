// SPDX-License-Identifier: BSD-3-Clause
// What the methods of applications share.
#ifndef DIALGATE_CONTROL_RPC_UA_H
#define DIALGATE_CONTROL_RPC_UA_H

#include "../control.h"
#include "call.h"

// Of `application`, or the one that the client is attached to. NULL: the call is answered.
struct ua_app *rpc_ua_app(struct rpc_call *call);
// Of `dialog`. NULL: the call is answered.
struct ua_call *rpc_ua_dialog(struct rpc_call *call);
// Of `request`, or the INVITE that waits in `dialog`. NULL: the call is answered.
struct ua_request *rpc_ua_request(struct rpc_call *call);
// The number of a peer or, of `member`, "address:port" of its member; NUMBER_NONE: not given. False: the call
// is answered.
bool rpc_ua_peer(struct rpc_call *call, struct ua_wish *wish);
// What a quoted string holds as it stands: `user` and `password` go into Authorization. False: the call is
// answered.
bool rpc_ua_has_plain_credentials(struct rpc_call *call);
// Fills in reason, headers, body, content type, label, and carries it out: the call is answered then, or
// later.
void rpc_ua_do(struct rpc_call *call, struct ua_wish *wish);
// The body as octets, *made: for free(). False: the call is answered.
bool rpc_ua_read_body(struct rpc_call *call, struct ua_wish *wish, char **made);

// ua_params.c
extern const struct rpc_param ua_app_params[], ua_attach_params[], ua_call_params[], ua_progress_params[],
    ua_answer_params[], ua_reject_params[], ua_redirect_params[], ua_terminate_params[], ua_dialog_params[],
    ua_ack_params[], ua_change_params[], ua_hold_params[], ua_request_params[], ua_respond_params[],
    ua_register_params[], ua_unregister_params[], ua_list_params[], ua_context_params[];
// refer.c
extern const struct rpc_param refer_send_params[], refer_answer_params[], refer_notify_params[],
    refer_list_params[], refer_show_params[], refer_dialog_params[];

#endif
