// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include "ctl.h"
#include "show_value.h"
#include "table.h"

static const char *placement(const json_t *core, char *cell, size_t size)
{
    const json_t *words = json_object_get(core, "placement");
    cell[0] = '\0';
    for (size_t i = 0; i < json_array_size(words); i++) {
        size_t used = strlen(cell);
        snprintf(cell + used, size - used, "%s%s", i ? "," : "", json_string_value(json_array_get(words, i)));
    }
    return cell[0] ? cell : "good";
}

static const char *share(const json_t *core, const char *key, char *cell)
{
    return unit_share(json_real_value(json_object_get(core, key)), cell);
}

// A memory node.
static const char *node_of(const json_t *row, const char *key, char *cell)
{
    return json_is_integer(json_object_get(row, key)) ? count(row, key, cell) : "-";
}

static void show_workers(struct ctl *ctl, const json_t *cores)
{
    static const struct table_column columns[] = {
        {"WORKER", true},   {"CPU", true},          {"NODE", true},  {"MEMORY AT", true},
        {"RECEIVED", true}, {"STEERED AWAY", true}, {"OWNED", true}, {"FORWARDED", true},
        {"ANSWERED", true}, {"DROPPED", true},      {"SENT", true},  {"DIALOGS", true},
        {"BUSY", true},     {"CPU'S STATE", false}};
    static const char *const keys[] = {"worker",       "cpu",         "node",      "memory_node", "received",
                                       "steered_away", "owned_share", "forwarded", "answered",    "dropped",
                                       "sent",         "dialogs",     "busy_share"};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(cores); i++) {
        const json_t *core = json_array_get(cores, i);
        char cells[COLUMNS(columns)][UNIT_SIZE], state[64];
        const char *row[COLUMNS(columns)];
        for (size_t k = 0; k < COLUMNS(keys); k++)
            row[k] = strstr(keys[k], "_share") ? share(core, keys[k], cells[k])
                     : strstr(keys[k], "node") ? node_of(core, keys[k], cells[k])
                                               : count(core, keys[k], cells[k]);
        row[COLUMNS(keys)] = placement(core, state, sizeof(state));
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

// Messages that other cores received: how many came, and how many waited or found no room.
static void show_inboxes(struct ctl *ctl, const json_t *cores)
{
    static const struct table_column columns[] = {{"INBOX OF", true}, {"TAKEN", true},
                                                  {"WAITING", true},  {"DEEPEST", true},
                                                  {"ROOM", true},     {"NOT TAKEN BY OTHERS", true}};
    static const char *const keys[] = {"taken", "waiting", "deepest", "room", "not_taken"};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(cores); i++) {
        const json_t *core = json_array_get(cores, i), *inbox = json_object_get(core, "inbox");
        char cells[COLUMNS(columns)][UNIT_SIZE];
        const char *row[COLUMNS(columns)] = {count(core, "worker", cells[0])};
        for (size_t k = 0; k < COLUMNS(keys); k++)
            row[k + 1] = count(inbox, keys[k], cells[k + 1]);
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

static int64_t received_from(const json_t *cores, const char *network)
{
    int64_t total = 0;
    for (size_t i = 0; i < json_array_size(cores); i++) {
        const json_t *queues = json_object_get(json_array_get(cores, i), "queues");
        for (size_t k = 0; k < json_array_size(queues); k++) {
            const json_t *queue = json_array_get(queues, k);
            if (strcmp(text(queue, "network"), network) == 0)
                total += number(queue, "received");
        }
    }
    return total;
}

// How the NIC spreads packets over its queues.
static void show_queues(struct ctl *ctl, const json_t *cores)
{
    static const struct table_column columns[] = {{"NETWORK", false}, {"QUEUE", true},    {"WORKER", true},
                                                  {"NODE", true},     {"RECEIVED", true}, {"SHARE", true}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(cores); i++) {
        const json_t *core = json_array_get(cores, i), *queues = json_object_get(core, "queues");
        for (size_t k = 0; k < json_array_size(queues); k++) {
            const json_t *queue = json_array_get(queues, k);
            char cells[COLUMNS(columns)][UNIT_SIZE];
            int64_t total = received_from(cores, text(queue, "network"));
            table_add(table,
                      (const char *[]){
                          text(queue, "network"), count(queue, "queue", cells[1]),
                          count(core, "worker", cells[2]), node_of(queue, "node", cells[5]),
                          count(queue, "received", cells[3]),
                          unit_share(total > 0 ? (double)number(queue, "received") / (double)total : 0.0,
                                     cells[4])});
        }
    }
    print_and_free(ctl, table);
}

void show_cores(struct ctl *ctl, const json_t *result)
{
    const json_t *cores = json_object_get(result, "cores");
    show_workers(ctl, cores);
    if (json_array_size(cores) > 1) {
        fputc('\n', ctl->out);
        show_inboxes(ctl, cores);
    }
    fputc('\n', ctl->out);
    show_queues(ctl, cores);
    fputc('\n', ctl->out);
    show_networks(ctl, json_object_get(result, "networks"));
}
