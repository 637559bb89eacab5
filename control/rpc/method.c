// SPDX-License-Identifier: BSD-3-Clause
// One row a method: what it takes, who serves it, what it is for. api.list is made from these rows.
#include "../event_table.h"
#include "call.h"
#include "event.h"
#include "handlers.h"
#include "ua.h"

static const char *const states[] = {"none", "early", "confirmed", "terminating", "terminated", NULL};
static const char *const living[] = {"none", "early", "confirmed", NULL};

static const struct rpc_param nothing[] = {{0}};

static const struct rpc_param peer_params[] = {
    {"peer", RPC_TEXT, true, 1, RPC_NAME_MAX, NULL, "name of a peer"},
    {0},
};

static const struct rpc_param member_params[] = {
    {"peer", RPC_TEXT, true, 1, RPC_NAME_MAX, NULL, "name of a peer"},
    {"member", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL,
     "one of its members: address, address:port or host; without it, the whole peer"},
    {0},
};

static const struct rpc_param list_params[] = {
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "only dialogs from or to this peer"},
    {"state", RPC_CHOICE, false, 0, 0, states, "only dialogs in this state"},
    {"older_ms", RPC_INTEGER, false, 0, RPC_EVER, NULL, "only dialogs at least this old, in milliseconds"},
    {"limit", RPC_INTEGER, false, 1, RPC_EVER, NULL,
     "rows of this page, at most 1000 (100); with stream: of all pages (all there are)"},
    {"cursor", RPC_TEXT, false, 16, 16, NULL, "cursor of the page before"},
    {"stream", RPC_BOOLEAN, false, 0, 0, NULL,
     "page after page as notifications `dialog.page`, as fast as they are read; then the answer"},
    {0},
};

static const struct rpc_param dialog_params[] = {
    {"id", RPC_TEXT, true, 1, RPC_PATH_MAX, NULL, "Call-ID, or the short id of dialog.list"},
    {0},
};

static const struct rpc_param end_params[] = {
    {"id", RPC_TEXT, true, 1, RPC_PATH_MAX, NULL, "Call-ID, or the short id of dialog.list"},
    {"all", RPC_BOOLEAN, false, 0, 0, NULL, "end every dialog with this Call-ID"},
    {0},
};

static const struct rpc_param end_many_params[] = {
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "only dialogs from or to this peer"},
    {"state", RPC_CHOICE, false, 0, 0, living, "only dialogs in this state"},
    {"older_ms", RPC_INTEGER, false, 0, RPC_EVER, NULL, "only dialogs at least this old, in milliseconds"},
    {"all", RPC_BOOLEAN, false, 0, 0, NULL, "every dialog, where none of these is given"},
    // A dialog ended costs the agent a turn or two.
    {"rate", RPC_INTEGER, false, 1, 1000, NULL, "dialogs a second (100)"},
    {"limit", RPC_INTEGER, false, 1, 1000, NULL, "dialogs of this page (100), at most ten seconds' worth"},
    {"cursor", RPC_TEXT, false, 16, 16, NULL, "cursor of the page before"},
    {0},
};

static const struct rpc_param check_params[] = {
    {"file", RPC_TEXT, false, 1, RPC_PATH_MAX, NULL,
     "absolute path of a YAML file that dialgate-control can read"},
    {"text", RPC_TEXT, false, 0, RPC_EVER, NULL, "YAML text, instead of a file"},
    {0},
};

static const struct rpc_param reload_params[] = {
    {"file", RPC_TEXT, false, 1, RPC_PATH_MAX, NULL, "absolute path; without it, the file in force"},
    {0},
};

static const struct rpc_param version_params[] = {
    {"version", RPC_INTEGER, false, 1, UINT32_MAX, NULL,
     "a version of config.history, instead of what is in force"},
    {0},
};

static const struct rpc_param diff_params[] = {
    {"file", RPC_TEXT, false, 1, RPC_PATH_MAX, NULL,
     "absolute path; without it, the file in force as it is now"},
    {"version", RPC_INTEGER, false, 1, UINT32_MAX, NULL, "a version of config.history, instead of a file"},
    {0},
};

static const struct rpc_param rollback_params[] = {
    {"version", RPC_INTEGER, false, 1, UINT32_MAX, NULL,
     "a version of config.history; without it, the newest of before that says something else"},
    {0},
};

static const struct rpc_param top_params[] = {
    {"limit", RPC_INTEGER, false, 1, 1000, NULL, "rows a network (20)"},
    {0},
};

static const struct rpc_param drops_params[] = {
    {"network", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "only of this network"},
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "only of this peer's sources"},
    {"strangers", RPC_BOOLEAN, false, 0, 0, NULL, "only of sources that are no peer's"},
    {"reason", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "only for this reason, a drop's of prefilter.show"},
    {"source", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "only from this address or prefix"},
    {"limit", RPC_INTEGER, false, 1, 1000, NULL, "rows (50): the newest; with after, the oldest behind it"},
    {"after", RPC_INTEGER, false, 0, RPC_EVER, NULL, "`last` of the answer before"},
    {"stream", RPC_TEXT, false, 16, 16, NULL, "of the answer before: of another, all that is kept comes"},
    {"summary", RPC_BOOLEAN, false, 0, 0, NULL,
     "how many of those that are kept, by network, peer and reason"},
    {0},
};

static const struct rpc_param ban_params[] = {
    {"address", RPC_TEXT, true, 1, RPC_NAME_MAX, NULL,
     "IPv4 address, or one of IPv6, which stands for its prefix of prefilter.source_prefix bits"},
    {"seconds", RPC_INTEGER, false, 0, 31536000, NULL,
     "lifetime (0: until it is lifted or the machine is booted again)"},
    {0},
};

static const struct rpc_param unban_params[] = {
    {"address", RPC_TEXT, true, 1, RPC_NAME_MAX, NULL,
     "an address that is banned, or what prefilter.bans shows"},
    {0},
};

static const struct rpc_param bans_params[] = {
    {"limit", RPC_INTEGER, false, 1, 1000, NULL, "rows of this page (100)"},
    {"cursor", RPC_TEXT, false, 16, 16, NULL, "cursor of the page before"},
    {0},
};

static const struct rpc_param follow_params[] = {
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "only what concerns this peer"},
    {"kinds", RPC_CHOICES, false, 0, 0, event_kinds, "only these kinds"},
    {"call_id", RPC_TEXT, false, 1, RPC_PATH_MAX, NULL,
     "only the dialogs of this Call-ID, running or to come"},
    {"since", RPC_INTEGER, false, 0, RPC_EVER, NULL,
     "first those that are kept behind this seq; without it, only what comes"},
    {"stream", RPC_TEXT, false, 16, 16, NULL,
     "the stream that since is of: when it is another one now, all that is kept comes"},
    {0},
};

static const struct rpc_param capture_params[] = {
    {"call_id", RPC_TEXT, false, 1, RPC_PATH_MAX, NULL, "messages with this Call-ID"},
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "whole calls from or to this peer"},
    {"number", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL,
     "whole calls whose user in Request-URI, From or To begins so"},
    {"sample", RPC_INTEGER, false, 1, 1000000, NULL, "one of so many calls, whole; 1: all"},
    {"dropped", RPC_BOOLEAN, false, 0, 0, NULL,
     "only what is dropped, of these or of everything, with the reason"},
    {"duration_ms", RPC_INTEGER, false, 100, 604800000, NULL, "it ends then (capture.duration)"},
    {"messages", RPC_INTEGER, false, 1, RPC_EVER, NULL, "and after so many messages"},
    {"octets", RPC_INTEGER, false, 4096, RPC_EVER, NULL, "and before the file is longer (capture.size)"},
    {"file", RPC_TEXT, false, 1, 128, NULL,
     "a new file in capture.directory; without it, named by time and id"},
    {"hep", RPC_TEXT, false, 1, 80, NULL, "ADDRESS[:PORT] of a collector, instead of a file; port 9060"},
    {0},
};

static const struct rpc_param capture_id_params[] = {
    {"id", RPC_INTEGER, true, 1, UINT32_MAX, NULL, "of capture.start and capture.list"},
    {0},
};

// name, parameters, handler, role, audited, since, help
const struct rpc_method rpc_methods[] = {
    {"system.status", nothing, rpc_system_status, ROLE_VIEWER, false, "0.1",
     "state of control and dataplane, calls now, readiness"},
    {"core.list", nothing, rpc_core_list, ROLE_VIEWER, false, "0.1",
     "workers with what they did: messages, inboxes, NIC queues, and where they run"},
    {"peer.list", nothing, rpc_peer_list, ROLE_VIEWER, false, "0.1", "peers with their calls"},
    {"peer.show", peer_params, rpc_peer_show, ROLE_VIEWER, false, "0.1", "one peer with its members"},
    {"peer.drain", member_params, rpc_peer_drain, ROLE_OPERATOR, true, "0.1",
     "no new requests to it, nor from a whole peer; its calls go on"},
    {"peer.disable", member_params, rpc_peer_disable, ROLE_OPERATOR, true, "0.1",
     "as peer.drain, and it is not probed"},
    {"peer.enable", member_params, rpc_peer_enable, ROLE_OPERATOR, true, "0.1",
     "takes back peer.drain and peer.disable of the same"},
    {"drain.on", nothing, rpc_drain_on, ROLE_OPERATOR, true, "0.1",
     "requests outside dialogs are answered 503, calls go on"},
    {"drain.off", nothing, rpc_drain_off, ROLE_OPERATOR, true, "0.1", "takes new calls again"},
    {"drain.status", nothing, rpc_drain_status, ROLE_VIEWER, false, "0.1",
     "what is drained or disabled, since when, by whom, calls left"},
    {"dialog.list", list_params, rpc_dialog_list, ROLE_VIEWER, false, "0.1", "a page of dialogs"},
    {"dialog.show", dialog_params, rpc_dialog_show, ROLE_VIEWER, false, "0.1", "every dialog with this id"},
    {"dialog.count", nothing, rpc_dialog_count, ROLE_VIEWER, false, "0.1", "dialogs by state and by peer"},
    {"dialog.end", end_params, rpc_dialog_end, ROLE_OPERATOR, true, "0.1", "end a dialog on both sides"},
    {"dialog.end_many", end_many_params, rpc_dialog_end_many, ROLE_OPERATOR, true, "0.1",
     "end the dialogs that match, page after page"},
    {"events.follow", follow_params, rpc_events_follow, ROLE_VIEWER, false, "0.1",
     "from now on a notification `event` for each event, `events.lost` where some are missing"},
    {"capture.start", capture_params, rpc_capture_start, ROLE_OPERATOR, true, "0.1",
     "messages as they are on the wire, both directions, to a file or a collector"},
    {"capture.list", nothing, rpc_capture_list, ROLE_VIEWER, false, "0.1",
     "captures that run and the last that are over; what of, for operators alone"},
    {"capture.stop", capture_id_params, rpc_capture_stop, ROLE_OPERATOR, true, "0.1",
     "end a capture; answered when its file is whole"},
    {"config.check", check_params, rpc_config_check, ROLE_ADMIN, false, "0.1",
     "is this configuration acceptable, what needs a restart"},
    {"config.show", version_params, rpc_config_show, ROLE_VIEWER, false, "0.1",
     "the configuration in force, or a version of it, every key"},
    {"config.diff", diff_params, rpc_config_diff, ROLE_ADMIN, false, "0.1",
     "what a file or a version would change, key by key, and what needs a restart"},
    {"config.reload", reload_params, rpc_config_reload, ROLE_ADMIN, true, "0.1",
     "bring a configuration into force, whole or not at all"},
    {"config.history", nothing, rpc_config_history, ROLE_VIEWER, false, "0.1",
     "versions that are kept, newest first: when, by whom, from which file, what came of it"},
    {"config.rollback", rollback_params, rpc_config_rollback, ROLE_ADMIN, true, "0.1",
     "bring a version that is kept into force again, as a version of its own"},
    {"prefilter.show", nothing, rpc_prefilter_show, ROLE_VIEWER, false, "0.1",
     "packets by reason and network"},
    {"prefilter.top", top_params, rpc_prefilter_top, ROLE_VIEWER, false, "0.1",
     "sources with the most dropped packets, why the last one was and how long ago"},
    {"prefilter.drops", drops_params, rpc_prefilter_drops, ROLE_VIEWER, false, "0.1",
     "the last dropped packets of a sample: one in 16, at most 100 a second of each network or worker"},
    {"prefilter.ban", ban_params, rpc_prefilter_ban, ROLE_OPERATOR, true, "0.1",
     "drop everything from an address on every network"},
    {"prefilter.unban", unban_params, rpc_prefilter_unban, ROLE_OPERATOR, true, "0.1",
     "lift a ban, an operator's or a rule's, and forget the source"},
    {"prefilter.bans", bans_params, rpc_prefilter_bans, ROLE_VIEWER, false, "0.1",
     "a page of bans: why, since when, for how long, packets dropped; those that a rule in dry-run would "
     "have begun, too"},
    {"application.list", nothing, rpc_application_list, ROLE_VIEWER, false, "0.1",
     "applications, who is attached, their dialogs"},
    {"ua.attach", ua_attach_params, rpc_ua_attach, ROLE_OPERATOR, true, "0.1",
     "from now on a notification `ua.event` for each event of an application"},
    {"ua.detach", nothing, rpc_ua_detach, ROLE_OPERATOR, true, "0.1", "no more of them"},
    {"ua.call", ua_call_params, rpc_ua_call, ROLE_OPERATOR, true, "0.1",
     "begin a call; answered when the INVITE is sent"},
    {"ua.progress", ua_progress_params, rpc_ua_progress, ROLE_OPERATOR, true, "0.1",
     "a provisional response to the INVITE that waits"},
    {"ua.answer", ua_answer_params, rpc_ua_answer, ROLE_OPERATOR, true, "0.1",
     "a 2xx to the INVITE that waits"},
    {"ua.reject", ua_reject_params, rpc_ua_reject, ROLE_OPERATOR, true, "0.1",
     "a refusal of the INVITE that waits"},
    {"ua.redirect", ua_redirect_params, rpc_ua_redirect, ROLE_OPERATOR, true, "0.1",
     "other targets for the INVITE that waits"},
    {"ua.terminate", ua_terminate_params, rpc_ua_terminate, ROLE_OPERATOR, true, "0.1",
     "end a dialog by what its state asks for: CANCEL, a refusal, BYE"},
    {"ua.cancel", ua_dialog_params, rpc_ua_cancel, ROLE_OPERATOR, true, "0.1",
     "cancel our INVITE or re-INVITE"},
    {"ua.close", ua_dialog_params, rpc_ua_close, ROLE_OPERATOR, true, "0.1",
     "forget a dialog; nothing is sent"},
    {"ua.ack", ua_ack_params, rpc_ua_ack, ROLE_OPERATOR, true, "0.1", "the ACK that late_ack keeps waiting"},
    {"ua.reinvite", ua_change_params, rpc_ua_reinvite, ROLE_OPERATOR, true, "0.1",
     "a re-INVITE; one that meets a 491 comes again by itself"},
    {"ua.update", ua_change_params, rpc_ua_update, ROLE_OPERATOR, true, "0.1", "an UPDATE, likewise"},
    {"ua.hold", ua_hold_params, rpc_ua_hold, ROLE_OPERATOR, true, "0.1",
     "a re-INVITE that holds the other side"},
    {"ua.unhold", ua_hold_params, rpc_ua_unhold, ROLE_OPERATOR, true, "0.1", "and takes it back"},
    {"ua.request", ua_request_params, rpc_ua_request_send, ROLE_OPERATOR, true, "0.1",
     "any other request, in a dialog or outside"},
    {"ua.respond", ua_respond_params, rpc_ua_respond, ROLE_OPERATOR, true, "0.1",
     "a response to a request that waits"},
    {"ua.register", ua_register_params, rpc_ua_register, ROLE_OPERATOR, true, "0.1",
     "register, and keep the registration; `registered` tells what came of it, each time"},
    {"ua.unregister", ua_unregister_params, rpc_ua_unregister, ROLE_OPERATOR, true, "0.1",
     "take a registration back"},
    {"ua.get", ua_dialog_params, rpc_ua_get, ROLE_VIEWER, false, "0.1", "everything about a dialog"},
    {"ua.list", ua_list_params, rpc_ua_list, ROLE_VIEWER, false, "0.1",
     "dialogs of applications, newest first"},
    {"ua.count", ua_app_params, rpc_ua_count, ROLE_VIEWER, false, "0.1", "how many there are, by state"},
    {"ua.context", ua_context_params, rpc_ua_context, ROLE_OPERATOR, true, "0.1",
     "keep a text of the application with a dialog"},
    {"refer.send", refer_send_params, rpc_refer_send, ROLE_OPERATOR, true, "0.1",
     "refer the far end of a dialog to somebody, or to the far end of another dialog"},
    {"refer.dialog", refer_dialog_params, rpc_refer_dialog, ROLE_OPERATOR, true, "0.1",
     "refer one party of a call between two peers to somebody, or into another call"},
    {"refer.answer", refer_answer_params, rpc_refer_answer, ROLE_OPERATOR, true, "0.1",
     "accept or refuse a REFER that waits for the program"},
    {"refer.notify", refer_notify_params, rpc_refer_notify, ROLE_OPERATOR, true, "0.1",
     "how the call of a transfer goes that the program makes itself"},
    {"refer.list", refer_list_params, rpc_refer_list, ROLE_VIEWER, false, "0.1",
     "transfers, those under way and the last that ended: between peers, of operators, of applications"},
    {"refer.show", refer_show_params, rpc_refer_show, ROLE_VIEWER, false, "0.1",
     "one of them, with all that was told of it"},
    {"metrics.get", nothing, rpc_metrics_get, ROLE_VIEWER, false, "0.1", "every metric, as on /metrics"},
    {"api.list", nothing, rpc_api_list, ROLE_VIEWER, false, "0.1", "the methods and what they take"},
    {0},
};

static json_t *param_json(const struct rpc_param *param)
{
    static const char *const types[] = {"text", "integer", "boolean", "choice", "choices", "texts", "pairs"};
    json_t *json = json_pack("{s:s, s:s, s:b, s:s}", "name", param->name, "type", types[param->type],
                             "required", param->required, "help", param->help);
    if (param->type != RPC_BOOLEAN && param->type != RPC_CHOICE && param->type != RPC_CHOICES) {
        json_object_set_new(json, "least", json_integer(param->least));
        json_object_set_new(json, "most", param->most == RPC_EVER ? json_null() : json_integer(param->most));
    }
    for (size_t i = 0; param->choices && param->choices[i]; i++) {
        if (i == 0)
            json_object_set_new(json, "choices", json_array());
        json_array_append_new(json_object_get(json, "choices"), json_string(param->choices[i]));
    }
    return json;
}

void rpc_api_list(struct rpc_call *call)
{
    json_t *methods = json_array();
    for (const struct rpc_method *method = rpc_methods; method->name; method++) {
        json_t *params = json_array();
        for (const struct rpc_param *param = method->params; param->name; param++)
            json_array_append_new(params, param_json(param));
        json_array_append_new(methods,
                              json_pack("{s:s, s:s, s:s, s:b, s:s, s:o}", "name", method->name, "help",
                                        method->help, "role", role_name(method->role), "audited",
                                        method->audited, "since", method->since, "params", params));
    }
    rpc_reply(call,
              json_pack("{s:o, s:o, s:o, s:o}", "methods", methods, "notifications",
                        event_api_notifications(), "kinds", event_api_kinds(), "events", event_api_events()));
}
