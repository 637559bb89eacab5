// SPDX-License-Identifier: BSD-3-Clause
// The handlers behind the rows of method.c, by file.
#ifndef DIALGATE_CONTROL_RPC_HANDLERS_H
#define DIALGATE_CONTROL_RPC_HANDLERS_H

struct rpc_call;

// system.c
void rpc_system_status(struct rpc_call *call);
void rpc_core_list(struct rpc_call *call);
void rpc_metrics_get(struct rpc_call *call);

// peer.c
void rpc_peer_list(struct rpc_call *call);
void rpc_peer_show(struct rpc_call *call);

// drain.c
void rpc_peer_drain(struct rpc_call *call);
void rpc_peer_enable(struct rpc_call *call);
void rpc_peer_disable(struct rpc_call *call);
void rpc_drain_on(struct rpc_call *call);
void rpc_drain_off(struct rpc_call *call);
void rpc_drain_status(struct rpc_call *call);

// dialog.c
void rpc_dialog_list(struct rpc_call *call);
void rpc_dialog_show(struct rpc_call *call);
void rpc_dialog_count(struct rpc_call *call);

// dialog_end.c
void rpc_dialog_end(struct rpc_call *call);

// dialog_end_many.c
void rpc_dialog_end_many(struct rpc_call *call);

// config.c
void rpc_config_check(struct rpc_call *call);
void rpc_config_show(struct rpc_call *call);
void rpc_config_diff(struct rpc_call *call);
void rpc_config_reload(struct rpc_call *call);
void rpc_config_history(struct rpc_call *call);
void rpc_config_rollback(struct rpc_call *call);

// filter.c
void rpc_prefilter_show(struct rpc_call *call);
void rpc_prefilter_top(struct rpc_call *call);
void rpc_prefilter_ban(struct rpc_call *call);
void rpc_prefilter_unban(struct rpc_call *call);
void rpc_prefilter_bans(struct rpc_call *call);

// drops.c
void rpc_prefilter_drops(struct rpc_call *call);

// capture.c
void rpc_capture_start(struct rpc_call *call);
void rpc_capture_list(struct rpc_call *call);
void rpc_capture_stop(struct rpc_call *call);

// event.c
void rpc_events_follow(struct rpc_call *call);

// ua_call.c
void rpc_ua_call(struct rpc_call *call);
void rpc_ua_progress(struct rpc_call *call);
void rpc_ua_answer(struct rpc_call *call);
void rpc_ua_reject(struct rpc_call *call);
void rpc_ua_redirect(struct rpc_call *call);
void rpc_ua_terminate(struct rpc_call *call);
void rpc_ua_cancel(struct rpc_call *call);
void rpc_ua_close(struct rpc_call *call);
void rpc_ua_ack(struct rpc_call *call);
void rpc_ua_reinvite(struct rpc_call *call);
void rpc_ua_update(struct rpc_call *call);
void rpc_ua_hold(struct rpc_call *call);
void rpc_ua_unhold(struct rpc_call *call);
void rpc_ua_request_send(struct rpc_call *call);
void rpc_ua_respond(struct rpc_call *call);
void rpc_ua_register(struct rpc_call *call);
void rpc_ua_unregister(struct rpc_call *call);

// ua_list.c
void rpc_application_list(struct rpc_call *call);
void rpc_ua_attach(struct rpc_call *call);
void rpc_ua_detach(struct rpc_call *call);
void rpc_ua_get(struct rpc_call *call);
void rpc_ua_list(struct rpc_call *call);
void rpc_ua_count(struct rpc_call *call);
void rpc_ua_context(struct rpc_call *call);

// refer.c
void rpc_refer_send(struct rpc_call *call);
void rpc_refer_answer(struct rpc_call *call);
void rpc_refer_notify(struct rpc_call *call);
void rpc_refer_list(struct rpc_call *call);
void rpc_refer_show(struct rpc_call *call);
// refer_dialog.c
void rpc_refer_dialog(struct rpc_call *call);

// method.c
void rpc_api_list(struct rpc_call *call);

#endif
