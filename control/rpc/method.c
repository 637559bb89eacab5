// SPDX-License-Identifier: BSD-3-Clause
// One row a method: what it takes, who serves it, what it is for. api.list is made from these rows.
#include "call.h"
#include "handlers.h"

static const struct rpc_param nothing[] = {{0}};

static const struct rpc_param peer_params[] = {
    {"peer", RPC_TEXT, true, "name of a peer"},
    {0},
};

static const struct rpc_param member_params[] = {
    {"peer", RPC_TEXT, true, "name of a peer"},
    {"member", RPC_TEXT, false,
     "one of its members: address, address:port or host; without it, the whole peer"},
    {0},
};

static const struct rpc_param list_params[] = {
    {"peer", RPC_TEXT, false, "only dialogs from or to this peer"},
    {"state", RPC_TEXT, false, "none, early, confirmed, terminating or terminated"},
    {"older_ms", RPC_INTEGER, false, "only dialogs at least this old, in milliseconds"},
    {"limit", RPC_INTEGER, false, "rows of this page, 1 to 1000 (100)"},
    {"cursor", RPC_TEXT, false, "cursor of the page before"},
    {0},
};

static const struct rpc_param dialog_params[] = {
    {"id", RPC_TEXT, true, "Call-ID, or the short id of dialog.list"},
    {0},
};

static const struct rpc_param end_params[] = {
    {"id", RPC_TEXT, true, "Call-ID, or the short id of dialog.list"},
    {"all", RPC_BOOLEAN, false, "end every dialog with this Call-ID"},
    {0},
};

static const struct rpc_param end_many_params[] = {
    {"peer", RPC_TEXT, false, "only dialogs from or to this peer"},
    {"state", RPC_TEXT, false, "none, early or confirmed"},
    {"older_ms", RPC_INTEGER, false, "only dialogs at least this old, in milliseconds"},
    {"all", RPC_BOOLEAN, false, "every dialog, where none of these is given"},
    {"rate", RPC_INTEGER, false, "dialogs a second, 1 to 1000 (100)"},
    {"limit", RPC_INTEGER, false, "dialogs of this page, 1 to 1000 (100), at most ten seconds' worth"},
    {"cursor", RPC_TEXT, false, "cursor of the page before"},
    {0},
};

static const struct rpc_param check_params[] = {
    {"file", RPC_TEXT, false, "absolute path of a YAML file that dialgate-control can read"},
    {"text", RPC_TEXT, false, "YAML text, instead of a file"},
    {0},
};

static const struct rpc_param reload_params[] = {
    {"file", RPC_TEXT, false, "absolute path; without it, the file in force"},
    {0},
};

static const struct rpc_param top_params[] = {
    {"limit", RPC_INTEGER, false, "rows a network, 1 to 1000 (20)"},
    {0},
};

static const struct rpc_param ban_params[] = {
    {"address", RPC_TEXT, true, "IPv4 address"},
    {"seconds", RPC_INTEGER, false, "lifetime (0: until it is lifted or the dataplane restarts)"},
    {0},
};

static const struct rpc_param unban_params[] = {
    {"address", RPC_TEXT, true, "IPv4 address"},
    {0},
};

static const struct rpc_param follow_params[] = {
    {"peer", RPC_TEXT, false, "only dialogs from or to this peer"},
    {0},
};

const struct rpc_method rpc_methods[] = {
    {"system.status", nothing, rpc_system_status, "state of control and dataplane, calls now, readiness"},
    {"core.list", nothing, rpc_core_list, "workers with what they did"},
    {"peer.list", nothing, rpc_peer_list, "peers with their calls"},
    {"peer.show", peer_params, rpc_peer_show, "one peer with its members"},
    {"peer.drain", member_params, rpc_peer_drain,
     "no new requests to it, nor from a whole peer; its calls go on"},
    {"peer.disable", member_params, rpc_peer_disable, "as peer.drain, and it is not probed"},
    {"peer.enable", member_params, rpc_peer_enable, "takes back peer.drain and peer.disable of the same"},
    {"drain.on", nothing, rpc_drain_on, "requests outside dialogs are answered 503, calls go on"},
    {"drain.off", nothing, rpc_drain_off, "takes new calls again"},
    {"drain.status", nothing, rpc_drain_status,
     "what is drained or disabled, since when, by whom, calls left"},
    {"dialog.list", list_params, rpc_dialog_list, "a page of dialogs"},
    {"dialog.show", dialog_params, rpc_dialog_show, "every dialog with this id"},
    {"dialog.count", nothing, rpc_dialog_count, "dialogs by state and by peer"},
    {"dialog.end", end_params, rpc_dialog_end, "end a dialog on both sides"},
    {"dialog.end_many", end_many_params, rpc_dialog_end_many, "end the dialogs that match, page after page"},
    {"events.follow", follow_params, rpc_events_follow,
     "from now on, a notification `event` for each change of a dialog's state, `events.lost` where some are "
     "missing"},
    {"config.check", check_params, rpc_config_check,
     "is this configuration acceptable, what needs a restart"},
    {"config.show", nothing, rpc_config_show, "the configuration in force, every key"},
    {"config.reload", reload_params, rpc_config_reload,
     "bring a configuration into force, whole or not at all"},
    {"prefilter.show", nothing, rpc_prefilter_show, "packets by reason and network, and bans"},
    {"prefilter.top", top_params, rpc_prefilter_top, "sources with the most dropped packets"},
    {"prefilter.ban", ban_params, rpc_prefilter_ban, "drop everything from an address on every network"},
    {"prefilter.unban", unban_params, rpc_prefilter_unban, "lift a ban"},
    {"metrics.get", nothing, rpc_metrics_get, "every metric, as on /metrics"},
    {"api.list", nothing, rpc_api_list, "the methods and what they take"},
    {0},
};

void rpc_api_list(struct rpc_call *call)
{
    static const char *const types[] = {"text", "integer", "boolean"};
    json_t *methods = json_array();
    for (const struct rpc_method *method = rpc_methods; method->name; method++) {
        json_t *params = json_array();
        for (const struct rpc_param *param = method->params; param->name; param++)
            json_array_append_new(params, json_pack("{s:s, s:s, s:b, s:s}", "name", param->name, "type",
                                                    types[param->type], "required", param->required, "help",
                                                    param->help));
        json_array_append_new(methods, json_pack("{s:s, s:s, s:o}", "name", method->name, "help",
                                                 method->help, "params", params));
    }
    rpc_reply(call, json_pack("{s:o}", "methods", methods));
}
