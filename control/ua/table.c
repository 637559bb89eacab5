// SPDX-License-Identifier: BSD-3-Clause
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_FIRST 64u
#define SIZE_LAST  (1u << 24)

static uint32_t place(uint64_t key, uint32_t size)
{
    // Handles differ in few bits: the product's upper half depends on all of them.
    return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & (size - 1);
}

int ua_table_open(struct ua_table *table)
{
    *table = (struct ua_table){.buckets = calloc(SIZE_FIRST, sizeof(struct ua_node *)), .size = SIZE_FIRST};
    return table->buckets ? 0 : -ENOMEM;
}

void ua_table_close(struct ua_table *table)
{
    free(table->buckets);
    table->buckets = NULL;
}

static void grow(struct ua_table *table)
{
    uint32_t size = table->size * 2;
    struct ua_node **buckets = size <= SIZE_LAST ? calloc(size, sizeof(struct ua_node *)) : NULL;
    if (!buckets)
        return;
    for (uint32_t i = 0; i < table->size; i++) {
        // Backwards and to the front: equal keys keep their order.
        struct ua_node *turned = NULL;
        for (struct ua_node *node = table->buckets[i], *next; node; node = next) {
            next = node->next;
            node->next = turned;
            turned = node;
        }
        for (struct ua_node *node = turned, *next; node; node = next) {
            struct ua_node **bucket = &buckets[place(node->key, size)];
            next = node->next;
            node->next = *bucket;
            *bucket = node;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->size = size;
}

void ua_table_add(struct ua_table *table, struct ua_node *node, uint64_t key)
{
    if (table->count >= table->size)
        grow(table);
    struct ua_node **bucket = &table->buckets[place(key, table->size)];
    *node = (struct ua_node){key, *bucket};
    *bucket = node;
    table->count++;
}

void ua_table_remove(struct ua_table *table, struct ua_node *node)
{
    struct ua_node **link = &table->buckets[place(node->key, table->size)];
    while (*link && *link != node)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = node->next;
    table->count--;
}

struct ua_node *ua_table_find(const struct ua_table *table, uint64_t key)
{
    struct ua_node *node = table->buckets[place(key, table->size)];
    while (node && node->key != key)
        node = node->next;
    return node;
}

struct ua_node *ua_table_next(const struct ua_node *node)
{
    uint64_t key = node->key;
    do
        node = node->next;
    while (node && node->key != key);
    return (struct ua_node *)(uintptr_t)node;
}
