// SPDX-License-Identifier: BSD-3-Clause
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 64u

// FNV-1a: ids are Dialgate's own, nobody else chooses them.
static uint64_t hash_of(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static bool grow(struct table *table)
{
    size_t size = table->size ? table->size * 2 : SIZE_FIRST;
    struct node **chains = calloc(size, sizeof(struct node *));
    if (!chains)
        return table->size > 0; // longer chains then
    for (size_t i = 0; i < table->size; i++) {
        for (struct node *node = table->chains[i], *next; node; node = next) {
            next = node->next;
            node->next = chains[node->hash & (size - 1)];
            chains[node->hash & (size - 1)] = node;
        }
    }
    free(table->chains);
    table->chains = chains;
    table->size = size;
    return true;
}

bool table_add(struct table *table, struct node *node, const char *id)
{
    if (table->count >= table->size && !grow(table))
        return false;
    snprintf(node->id, sizeof(node->id), "%s", id);
    node->hash = hash_of(node->id);
    node->next = table->chains[node->hash & (table->size - 1)];
    table->chains[node->hash & (table->size - 1)] = node;
    table->count++;
    return true;
}

struct node *table_find(const struct table *table, const char *id)
{
    uint64_t hash = hash_of(id);
    struct node *node = table->size ? table->chains[hash & (table->size - 1)] : NULL;
    while (node && (node->hash != hash || strcmp(node->id, id) != 0))
        node = node->next;
    return node;
}

void table_remove(struct table *table, struct node *node)
{
    struct node **at = &table->chains[node->hash & (table->size - 1)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    table->count--;
}

struct node *table_next(const struct table *table, const struct node *after)
{
    if (after && after->next)
        return after->next;
    for (size_t i = after ? (after->hash & (table->size - 1)) + 1 : 0; i < table->size; i++)
        if (table->chains[i])
            return table->chains[i];
    return NULL;
}

void table_free(struct table *table)
{
    free(table->chains);
    *table = (struct table){0};
}
