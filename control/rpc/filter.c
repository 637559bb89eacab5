// SPDX-License-Identifier: BSD-3-Clause
// prefilter.show and prefilter.top: what the XDP programs of the networks, or the workers' filters, did.
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "../droppers.h"
#include "../log.h"
#include "call.h"
#include "filter.h"
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

const char *filter_reason_name(unsigned int reason)
{
    return reason < PREFILTER_REASON_COUNT ? reasons[reason].label : "-";
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

static json_t *dropper_json(const struct control *control, const char *network,
                            const struct prefilter_dropper *row)
{
    uint32_t now_s = (uint32_t)(clock_ms() / 1000), age_s = now_s - row->seen_s;
    return json_pack("{s:o, s:s, s:I, s:s, s:o, s:I}", "network", text_json(network, strlen(network)),
                     "address", row->address, "drops", (json_int_t)row->drops, "reason",
                     filter_reason_name(row->reason), "peer", filter_class_json(control, row->class), "age_s",
                     (json_int_t)(age_s > INT32_MAX ? 0 : age_s));
}

void rpc_prefilter_top(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    int64_t limit = rpc_integer(call, "limit", TOP_DEFAULT);
    if (!channel_ready(control->channel)) {
        rpc_fail(call, DG_UNAVAILABLE, "%s", dg_code_text(DG_UNAVAILABLE));
        return;
    }
    struct prefilter_dropper *rows = calloc((size_t)limit, sizeof(*rows));
    json_t *sources = json_array();
    for (uint32_t network = 0; rows && network < control->networks; network++) {
        int count = droppers_top(control, network, rows, (size_t)limit);
        for (int i = 0; i < count; i++)
            json_array_append_new(sources,
                                  dropper_json(control, control_network_name(control, network), &rows[i]));
    }
    free(rows);
    rpc_reply(call, json_pack("{s:o}", "sources", sources));
}
