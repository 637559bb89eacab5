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

void show_networks(struct ctl *ctl, const json_t *networks)
{
    static const struct table_column columns[] = {
        {"NETWORK", false}, {"LINK", false}, {"MTU", true}, {"NIC'S CHECKSUMS", false}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        char mtu[UNIT_SIZE], sums[WORDS_SIZE];
        bool up = json_is_true(json_object_get(network, "up"));
        table_add(table,
                  (const char *[]){text(network, "network"), up ? "up" : "down", count(network, "mtu", mtu),
                                   words(json_object_get(network, "nic_checksums"), sums)});
    }
    print_and_free(ctl, table);
}
