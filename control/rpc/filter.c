// SPDX-License-Identifier: BSD-3-Clause
// prefilter.show and prefilter.top: what the XDP programs of the networks did.
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "call.h"
#include "handlers.h"
#include "text.h"

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

static json_t *counters_json(const struct control *control, uint32_t network)
{
    uint64_t values[PREFILTER_REASON_COUNT];
    json_t *list = json_array();
    if (control_filter_counters(control, network, values) < 0)
        return list;
    for (unsigned int i = 0; i < PREFILTER_REASON_COUNT; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "reason", reasons[i].label, "packets",
                                              (json_int_t)values[i], "help", reasons[i].help));
    return list;
}

void rpc_prefilter_show(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    if (!channel_ready(control->channel)) {
        rpc_fail(call, DG_UNAVAILABLE, "%s", dg_code_text(DG_UNAVAILABLE));
        return;
    }
    json_t *networks = json_array();
    for (uint32_t network = 0; network < control->networks; network++) {
        static const char *const places[] = {[FILTER_IN_XDP] = "xdp",
                                             [FILTER_IN_WORKERS] = "software",
                                             [FILTER_SHARED] = "shared",
                                             [FILTER_INSTEAD] = "software",
                                             [FILTER_NOWHERE] = "none"};
        const char *name = control_network_name(control, network);
        enum filter_place place = control_filter_place(control, network);
        json_array_append_new(networks,
                              json_pack("{s:o, s:s, s:b, s:o}", "network", text_json(name, strlen(name)),
                                        "runs", places[place], "program_missing", place == FILTER_INSTEAD,
                                        "counters", counters_json(control, network)));
    }
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
