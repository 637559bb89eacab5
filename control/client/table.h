// SPDX-License-Identifier: BSD-3-Clause
// Handles by id: chains that grow with what is in them.
#ifndef DIALGATE_CONTROL_CLIENT_TABLE_H
#define DIALGATE_CONTROL_CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_ID_SIZE 40

struct node {
    struct node *next;
    uint64_t hash;
    char id[TABLE_ID_SIZE];
};

struct table {
    struct node **chains;
    size_t size; // a power of two, or 0
    size_t count;
};

bool table_add(struct table *table, struct node *node, const char *id); // false: no memory
struct node *table_find(const struct table *table, const char *id);
void table_remove(struct table *table, struct node *node);
// Any order; from NULL the first. NULL: no more. What is in it must not change meanwhile.
struct node *table_next(const struct table *table, const struct node *after);
void table_free(struct table *table);

#define TABLE_OF(pointer, type) ((struct type *)(void *)((char *)(pointer)-offsetof(struct type, node)))

#endif
