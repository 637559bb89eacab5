// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include "ctl.h"
#include "show_value.h"
#include "table.h"

#define WORDS_SIZE 64

static const char *words(const json_t *list, char *cell)
{
    cell[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t used = strlen(cell);
        const char *word = json_string_value(json_array_get(list, i));
        snprintf(cell + used, WORDS_SIZE - used, "%s%s", i ? "," : "", word ? word : "");
    }
    return cell[0] ? cell : "none";
}

// How the kernel has what is not ours.
static const char *kernel_way(const json_t *network)
{
    static const struct {
        const char *word, *shown;
    } rows[] = {{"xdp", "passed on by XDP"},
                {"packet-sockets", "has it anyway"},
                {"host-path", "host path"},
                {"isolated-flows", "isolated flows"}};
    const char *word = text(network, "kernel");
    if (json_is_true(json_object_get(network, "fragments_lost")))
        return "isolated flows, and all fragments";
    for (size_t i = 0; i < COLUMNS(rows); i++)
        if (strcmp(word, rows[i].word) == 0)
            return rows[i].shown;
    return word;
}

void show_networks(struct ctl *ctl, const json_t *networks)
{
    static const struct table_column columns[] = {{"NETWORK", false},  {"INTERFACE", false},
                                                  {"LINK", false},     {"MTU", true},
                                                  {"NIC DOES", false}, {"KERNEL'S SHARE", false}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        char mtu[UNIT_SIZE], does[WORDS_SIZE];
        bool up = json_is_true(json_object_get(network, "up"));
        table_add(table,
                  (const char *[]){text(network, "network"), text(network, "interface"), up ? "up" : "down",
                                   count(network, "mtu", mtu),
                                   words(json_object_get(network, "offloads"), does), kernel_way(network)});
    }
    print_and_free(ctl, table);
}

void show_network_lines(struct ctl *ctl, const json_t *networks)
{
    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        char mtu[UNIT_SIZE], does[WORDS_SIZE];
        fprintf(ctl->out, "network     %s by %s: link ", text(network, "network"),
                text(network, "interface"));
        print_state(ctl, json_is_true(json_object_get(network, "up")) ? "up" : "down");
        fprintf(ctl->out, ", MTU %s, NIC does %s, kernel's share: %s\n", count(network, "mtu", mtu),
                words(json_object_get(network, "offloads"), does), kernel_way(network));
    }
}
