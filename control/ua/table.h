// SPDX-License-Identifier: BSD-3-Clause
// A hash table of 64-bit keys whose nodes lie in what they name. It doubles when it is full; without memory
// its chains grow instead. Keys are handles and numbers of ours or of the data plane, nobody's choice.
#ifndef DIALGATE_CONTROL_UA_TABLE_H
#define DIALGATE_CONTROL_UA_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct ua_node {
    uint64_t key;
    struct ua_node *next;
};

struct ua_table {
    struct ua_node **buckets;
    uint32_t size; // a power of two
    uint32_t count;
};

#define UA_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

int ua_table_open(struct ua_table *table); // 0 or -ENOMEM
void ua_table_close(struct ua_table *table);
void ua_table_add(struct ua_table *table, struct ua_node *node, uint64_t key); // equal keys may be many
void ua_table_remove(struct ua_table *table, struct ua_node *node);
// The newest node with this key, and the next older one. NULL: none.
struct ua_node *ua_table_find(const struct ua_table *table, uint64_t key);
struct ua_node *ua_table_next(const struct ua_node *node);

#endif
