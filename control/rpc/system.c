// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../control.h"
#include "../log.h"
#include "../metrics.h"
#include "version.h"
#include "call.h"
#include "core.h"
#include "core_network.h"
#include "drain.h"
#include "handlers.h"
#include "text.h"

static json_int_t sum(const struct control *control, enum counter counter)
{
    return control->counters ? (json_int_t)counters_sum(control->counters, counter) : 0;
}

// Workers that refuse a share of new calls now.
static json_int_t behind(const struct control *control)
{
    json_int_t count = 0;
    for (uint32_t i = 0; control->counters && i < counters_workers(control->counters); i++)
        count += counters_value(control->counters, i, COUNTER_OVERLOAD_LOSS) != 0;
    return count;
}

// Networks that attach otherwise than configured, since the XDP program cannot be had.
static json_t *no_program_json(const struct control *control)
{
    json_t *networks = json_array();
    for (uint32_t i = 0; i < control->networks; i++) {
        const char *reason = control->hello.no_program[i], *name = control_network_name(control, i);
        if (reason[0])
            json_array_append_new(networks, json_pack("{s:o, s:o}", "network", text_json(name, strlen(name)),
                                                      "reason", text_json(reason, strlen(reason))));
    }
    return networks;
}

static json_t *dataplane_json(const struct control *control)
{
    bool ready = channel_ready(control->channel);
    const char *fault = ready ? control->hello.text : channel_fault(control->channel);
    json_t *dataplane = json_pack("{s:s, s:o}", "state", control_dataplane_state(control), "text",
                                  text_json(fault, strlen(fault)));
    if (!ready)
        return dataplane;
    json_object_set_new(dataplane, "pid", json_integer(control->hello.pid));
    json_object_set_new(dataplane, "workers", json_integer(control->hello.workers));
    json_object_set_new(dataplane, "networks", json_integer(control->hello.networks));
    json_object_set_new(dataplane, "prefilter_missing", no_program_json(control));
    json_object_set_new(
        dataplane, "sequence",
        json_integer((json_int_t)(control->handed == HANDED_ACCEPTED ? control->active.image->sequence
                                                                     : control->hello.snapshot_sequence)));
    if (control->counters) {
        json_int_t start = (json_int_t)counters_start_time_s(control->counters);
        json_int_t uptime = (json_int_t)time(NULL) - start;
        json_object_set_new(dataplane, "uptime_s", json_integer(uptime > 0 ? uptime : 0));
        json_object_set_new(dataplane, "placement", core_placement_json(control->counters));
    }
    return dataplane;
}

void rpc_system_status(struct rpc_call *call)
{
    static const char *const hand_over[] = {"not sent", "sent", "accepted", "refused"};
    const struct control *control = rpc_control(call);
    char buffer[ERROR_SIZE];
    const char *reason;
    json_t *reasons = json_array();
    for (unsigned int i = 0; (reason = control_not_ready(control, i, buffer, sizeof(buffer))); i++)
        json_array_append_new(reasons, text_json(reason, strlen(reason)));
    json_t *own =
        json_pack("{s:s, s:i, s:I, s:o, s:I, s:s}", "version", DIALGATE_VERSION, "pid", (int)getpid(),
                  "uptime_s", (json_int_t)(clock_ms() - control->started_ms) / 1000, "file",
                  text_json(control->active.file, strlen(control->active.file)), "sequence",
                  (json_int_t)control->active.image->sequence, "configuration", hand_over[control->handed]);
    json_t *packets = json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "received", sum(control, COUNTER_RX_PACKETS), "sent",
        sum(control, COUNTER_TX_PACKETS), "forwarded", sum(control, COUNTER_OUT_FORWARDED), "answered",
        sum(control, COUNTER_OUT_ANSWERED), "absorbed", sum(control, COUNTER_OUT_ABSORBED));
    json_t *calls = json_pack("{s:I, s:I, s:I, s:I}", "early",
                              sum(control, COUNTER_DIALOG_NONE_NOW) + sum(control, COUNTER_DIALOG_EARLY_NOW),
                              "confirmed", sum(control, COUNTER_DIALOG_CONFIRMED_NOW), "terminating",
                              sum(control, COUNTER_DIALOG_TERMINATING_NOW), "created",
                              sum(control, COUNTER_DIALOG_CREATED));
    json_t *found =
        json_pack("{s:I, s:I, s:I, s:I}", "taken_over", sum(control, COUNTER_FOUND_TAKEN), "damaged",
                  sum(control, COUNTER_FOUND_DAMAGED), "no_room", sum(control, COUNTER_FOUND_NO_ROOM),
                  "in_files", sum(control, COUNTER_IN_IMAGES_NOW));
    json_t *overload = json_pack("{s:I, s:I}", "workers_behind", behind(control), "refused",
                                 sum(control, COUNTER_OVERLOAD_REFUSED));
    rpc_reply(call,
              json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ready",
                        json_array_size(reasons) == 0, "reasons", reasons, "control", own, "dataplane",
                        dataplane_json(control), "messages", packets, "calls", calls, "found", found, "node",
                        drain_node_json(control), "overload", overload, "networks", core_networks(control)));
}

struct collect {
    json_t *families;
    json_t *samples; // of the family under way, borrowed
};

static void collect_family(void *context, const char *name, const char *type, const char *help)
{
    struct collect *collect = context;
    collect->samples = json_array();
    json_array_append_new(collect->families, json_pack("{s:s, s:s, s:s, s:o}", "name", name, "type", type,
                                                       "help", help, "samples", collect->samples));
}

#define WHOLE_MAX 9007199254740992.0 // 2^53

static void collect_sample(void *context, const char *suffix, const char *labels, double value)
{
    struct collect *collect = context;
    // Beyond it a double is no count of ones, and what the data plane counts may be anything.
    bool whole = value > -WHOLE_MAX && value < WHOLE_MAX && value == (double)(json_int_t)value;
    json_array_append_new(collect->samples,
                          json_pack("{s:s, s:s, s:o}", "suffix", suffix, "labels", labels, "value",
                                    whole ? json_integer((json_int_t)value) : json_real(value)));
}

void rpc_metrics_get(struct rpc_call *call)
{
    struct collect collect = {.families = json_array()};
    struct metrics_visitor visitor = {collect_family, collect_sample, &collect};
    metrics_walk(rpc_control(call), &visitor);
    rpc_reply(call, json_pack("{s:o}", "families", collect.families));
}
