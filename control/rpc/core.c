// SPDX-License-Identifier: BSD-3-Clause
// What each worker did, and how evenly: its NIC queues, what it owns of all messages, its inboxes.
#include "../control.h"
#include <time.h>
#include "call.h"
#include "core.h"
#include "core_network.h"
#include "handlers.h"

// Drops are the rows from the first with that outcome to the end of the family PACKETS, where the next
// begins.
static json_int_t drops(const struct counters *counters, uint32_t worker)
{
    uint64_t total = 0;
    for (unsigned int i = COUNTER_DROP_NOT_IP; i < COUNTER_REASSEMBLED; i++)
        total += counters_value(counters, worker, (enum counter)i);
    return (json_int_t)total;
}

// Whatever a worker's part in receiving them, the messages of its Call-IDs are its work.
static uint64_t owned(const struct counters *counters, uint32_t worker)
{
    return counters_value(counters, worker, COUNTER_STEER_HERE) +
           counters_value(counters, worker, COUNTER_INBOX_TAKEN);
}

static double owned_share(const struct counters *counters, uint32_t worker)
{
    uint64_t total = 0;
    for (uint32_t other = 0; other < counters_workers(counters); other++)
        total += owned(counters, other);
    return total > 0 ? (double)owned(counters, worker) / (double)total : 0.0;
}

// Of memory.
static json_t *node_json(int64_t node)
{
    return node < 0 ? json_null() : json_integer(node);
}

static json_t *queues_json(const struct control *control, uint32_t worker)
{
    json_t *queues = json_array();
    struct counters_queue queue;
    for (uint32_t i = 0; counters_queue(control->counters, worker, i, &queue); i++)
        if (queue.network < control->networks)
            json_array_append_new(queues, json_pack("{s:s, s:i, s:I, s:o}", "network",
                                                    control_network_name(control, queue.network), "queue",
                                                    (int)queue.queue, "received", (json_int_t)queue.received,
                                                    "node", node_json(queue.node)));
    return queues;
}

static const struct {
    uint64_t bit;
    const char *word;
} placements[] = {{PLACEMENT_SHARED, "shared"},
                  {PLACEMENT_NOT_ISOLATED, "not-isolated"},
                  {PLACEMENT_REMOTE, "remote"},
                  {PLACEMENT_MEMORY, "remote-memory"}};

static json_t *placement_json(uint64_t placement)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(placements) / sizeof(placements[0]); i++)
        if (placement & placements[i].bit)
            json_array_append_new(list, json_string(placements[i].word));
    return list;
}

json_t *core_placement_json(const struct counters *counters)
{
    json_t *words = json_object();
    for (size_t i = 0; i < sizeof(placements) / sizeof(placements[0]); i++) {
        json_t *workers = json_array();
        for (uint32_t worker = 0; worker < counters_workers(counters); worker++)
            if (counters_placement(counters, worker) & placements[i].bit)
                json_array_append_new(workers, json_integer(worker));
        json_object_set_new(words, placements[i].word, workers);
    }
    return words;
}

// Of the time since the start, whose second alone is known.
static double busy_share(const struct counters *counters, uint32_t worker)
{
    double past = difftime(time(NULL), (time_t)counters_start_time_s(counters));
    double busy = (double)counters_busy_us(counters, worker) / 1e6;
    return past > busy ? busy / past : busy > 0;
}

static json_t *core_json(const struct control *control, uint32_t worker)
{
    const struct counters *counters = control->counters;
    const struct counters_nodes nodes = counters_nodes(counters, worker);
#define VALUE(name) (json_int_t) counters_value(counters, worker, COUNTER_##name)
    json_t *inbox = json_pack("{s:I, s:I, s:I, s:I, s:I}", "taken", VALUE(INBOX_TAKEN), "waiting",
                              VALUE(USED_INBOX), "deepest", VALUE(INBOX_MOST), "room", VALUE(CAPACITY_INBOX),
                              "not_taken", VALUE(DROP_INBOX_FULL));
    return json_pack(
        "{s:i, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o, s:o, s:o}",
        "worker", (int)worker, "cpu", (json_int_t)counters_cpu(counters, worker), "node",
        node_json(nodes.cpu), "memory_node", node_json(nodes.memory), "received", VALUE(RX_PACKETS),
        "steered_away", VALUE(STEER_AWAY), "owned", (json_int_t)owned(counters, worker), "forwarded",
        VALUE(OUT_FORWARDED), "answered", VALUE(OUT_ANSWERED), "absorbed", VALUE(OUT_ABSORBED), "dropped",
        drops(counters, worker), "sent", VALUE(TX_PACKETS), "dialogs", VALUE(DIALOG_CONFIRMED_NOW), "busy_s",
        (double)counters_busy_us(counters, worker) / 1e6, "busy_share", busy_share(counters, worker),
        "owned_share", owned_share(counters, worker), "inbox", inbox, "queues", queues_json(control, worker),
        "placement", placement_json(counters_placement(counters, worker)));
#undef VALUE
}

void rpc_core_list(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    json_t *cores = json_array();
    if (!control->counters) {
        json_decref(cores);
        rpc_fail(call, DG_UNAVAILABLE, "the dataplane is %s: no counters; system.status says more",
                 control_dataplane_state(control));
        return;
    }
    for (uint32_t worker = 0; worker < counters_workers(control->counters); worker++)
        json_array_append_new(cores, core_json(control, worker));
    rpc_reply(call, json_pack("{s:o, s:o}", "cores", cores, "networks", core_networks(control)));
}
