// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include "name.h"

// One piece of memory, so that it is freed in one.
struct owned_table {
    struct name_table table;
    struct name_row rows[];
};

struct name_table *name_table_create(uint64_t serial, const struct name_row *rows, uint32_t count)
{
    uint32_t slots = 16;

    while (slots < 2 * count)
        slots *= 2;
    struct owned_table *owned =
        calloc(1, sizeof(*owned) + count * sizeof(*rows) + slots * sizeof(*owned->table.slots));
    if (owned == NULL)
        return NULL;
    uint16_t *table = (uint16_t *)&owned->rows[count];
    if (count > 0)
        memcpy(owned->rows, rows, count * sizeof(*rows));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = (uint32_t)rows[i].hash & (slots - 1);
        while (table[slot] != 0)
            slot = (slot + 1) & (slots - 1);
        table[slot] = (uint16_t)(i + 1);
    }
    owned->table = (struct name_table){serial, count, slots - 1, table, owned->rows};
    return &owned->table;
}

void name_table_destroy(struct name_table *table)
{
    free(table);
}
