// SPDX-License-Identifier: BSD-3-Clause
// prefilter.*: what the XDP programs of the networks did, and bans. A ban is set on every network that has a
// program.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "../log.h"
#include "call.h"
#include "handlers.h"
#include "text.h"

#define ROWS_MAX    1000
#define TOP_DEFAULT 20

static const struct {
    const char *label;
    const char *help;
} reasons[PREFILTER_REASON_COUNT] = {
#define R(name, label, help) [PREFILTER_REASON_##name] = {label, help},
    PREFILTER_REASONS(R)
#undef R
};

static const char *mode_name(const struct control *control)
{
    static const char *const names[] = {
        [PREFILTER_OFF] = "off", [PREFILTER_DRY_RUN] = "dry-run", [PREFILTER_ENFORCE] = "enforce"};
    return names[control->active.image->settings.prefilter.mode];
}

// Answers the call and returns false when no network has a prefilter.
static bool any_prefilter(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    for (uint32_t network = 0; network < control->networks; network++)
        if (control_has_prefilter(control, network))
            return true;
    if (channel_ready(control->channel))
        rpc_fail(call, DG_REFUSED,
                 "no network runs a prefilter: it needs attach: af_xdp and a running dataplane");
    else
        rpc_fail(call, DG_UNAVAILABLE, "%s", dg_code_text(DG_UNAVAILABLE));
    return false;
}

static json_t *counters_json(const struct prefilter_maps *maps)
{
    uint64_t values[PREFILTER_REASON_COUNT];
    json_t *list = json_array();
    if (prefilter_read_counters(maps, values) < 0)
        return list;
    for (unsigned int i = 0; i < PREFILTER_REASON_COUNT; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "reason", reasons[i].label, "packets",
                                              (json_int_t)values[i], "help", reasons[i].help));
    return list;
}

static json_t *bans_json(const struct prefilter_maps *maps, struct prefilter_ban_row *rows)
{
    json_t *list = json_array();
    int count = prefilter_list_bans(maps, rows, ROWS_MAX);
    for (int i = 0; i < count && i < ROWS_MAX; i++)
        json_array_append_new(
            list,
            json_pack("{s:s, s:o}", "address", rows[i].address, "remaining_s",
                      rows[i].remaining_s ? json_integer((json_int_t)rows[i].remaining_s) : json_null()));
    return list;
}

void rpc_prefilter_show(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    if (!any_prefilter(call))
        return;
    struct prefilter_ban_row *rows = calloc(ROWS_MAX, sizeof(*rows));
    json_t *networks = json_array();
    for (uint32_t network = 0; rows && network < control->networks; network++) {
        const struct prefilter_maps *maps = &control->prefilters[network];
        const char *name = control_network_name(control, network);
        if (control_has_prefilter(control, network))
            json_array_append_new(networks,
                                  json_pack("{s:o, s:o, s:o}", "network", text_json(name, strlen(name)),
                                            "counters", counters_json(maps), "bans", bans_json(maps, rows)));
    }
    free(rows);
    rpc_reply(call, json_pack("{s:s, s:o}", "mode", mode_name(control), "networks", networks));
}

void rpc_prefilter_top(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    int64_t limit = rpc_integer(call, "limit", TOP_DEFAULT);
    if (!any_prefilter(call))
        return;
    struct prefilter_dropper *rows = calloc((size_t)limit, sizeof(*rows));
    json_t *sources = json_array();
    for (uint32_t network = 0; rows && network < control->networks; network++) {
        const char *name = control_network_name(control, network);
        if (!control_has_prefilter(control, network))
            continue;
        int count = prefilter_top(&control->prefilters[network], rows, (size_t)limit);
        for (int i = 0; i < count; i++)
            json_array_append_new(sources,
                                  json_pack("{s:o, s:s, s:I}", "network", text_json(name, strlen(name)),
                                            "address", rows[i].address, "drops", (json_int_t)rows[i].drops));
    }
    free(rows);
    rpc_reply(call, json_pack("{s:o}", "sources", sources));
}

// The first failure ends the walk: networks before it keep the ban, which the text says.
void rpc_prefilter_ban(struct rpc_call *call)
{
    struct control *control = rpc_control(call);
    const char *address = rpc_text(call, "address");
    int64_t seconds = rpc_integer(call, "seconds", 0);
    if (!any_prefilter(call))
        return;
    for (uint32_t network = 0; network < control->networks; network++) {
        if (!control_has_prefilter(control, network))
            continue;
        int result = prefilter_ban(&control->prefilters[network], address, (uint32_t)seconds);
        if (result == -EINVAL) {
            rpc_fail(call, DG_INVALID_PARAMS, "address must be an IPv4 address");
            return;
        }
        if (result < 0) {
            rpc_fail(call, DG_REFUSED, "network %s: %s", control_network_name(control, network),
                     result == -ENOSPC ? "no room for more bans; lift some" : strerror(-result));
            return;
        }
    }
    log_event(LEVEL_INFO, "banned", "address=%s seconds=%lld", address, (long long)seconds);
    event_watch_ban(control, address, (uint32_t)seconds, rpc_who(call));
    rpc_reply(call, json_pack("{s:s, s:o}", "address", address, "seconds",
                              seconds ? json_integer(seconds) : json_null()));
}

void rpc_prefilter_unban(struct rpc_call *call)
{
    struct control *control = rpc_control(call);
    const char *address = rpc_text(call, "address");
    unsigned int lifted = 0;
    if (!any_prefilter(call))
        return;
    for (uint32_t network = 0; network < control->networks; network++) {
        if (!control_has_prefilter(control, network))
            continue;
        int result = prefilter_unban(&control->prefilters[network], address);
        if (result == -EINVAL) {
            rpc_fail(call, DG_INVALID_PARAMS, "address must be an IPv4 address");
            return;
        }
        lifted += result == 0;
    }
    if (lifted == 0) {
        rpc_fail(call, DG_NOT_FOUND, "%s is not banned; prefilter.show lists bans", address);
        return;
    }
    log_event(LEVEL_INFO, "unbanned", "address=%s", address);
    event_watch_unban(control, address, rpc_who(call));
    rpc_reply(call, json_pack("{s:s}", "address", address));
}
