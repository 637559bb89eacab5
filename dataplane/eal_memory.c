// SPDX-License-Identifier: BSD-3-Clause
#include "eal_memory.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "memory_node.h"

#define HUGE_PAGES "hugepages/hugepages-2048kB/free_hugepages"

// Written by whichever thread asks for memory, read by the agent.
static atomic_ullong refused;
static atomic_int refused_node;

static uint32_t read_free_mb(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned long pages = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (uint32_t)(pages * EAL_MEMORY_HUGE_MB);
}

static uint32_t free_mb_at(int node)
{
    char path[128];

    snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/" HUGE_PAGES, node);
    return read_free_mb(path);
}

static unsigned find_nodes(int *nodes)
{
    unsigned count = 0;
    char path[64];

    for (int node = 0; node < (int)MEMORY_NODES_MAX && count < EAL_MEMORY_NODES; node++) {
        FILE *file;

        snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
        file = fopen(path, "re");
        if (file == NULL)
            continue;
        fclose(file);
        nodes[count++] = node;
    }
    return count;
}

static unsigned row_of(int node, const int *nodes, unsigned count)
{
    unsigned row = 0;

    while (row < count && nodes[row] != node)
        row++;
    return row;
}

bool eal_memory_split(const struct eal_memory_wants *wants, const int *nodes, unsigned count,
                      uint32_t *shares)
{
    uint32_t weights[EAL_MEMORY_NODES] = {0}, least[EAL_MEMORY_NODES] = {0}, odd = 0;
    unsigned first = count;

    for (unsigned i = 0; i < wants->thread_count; i++) {
        const unsigned row = row_of(wants->threads[i], nodes, count);

        if (row == count)
            return false;
        least[row] = EAL_MEMORY_BASE_MB;
    }
    for (unsigned i = 0; i < wants->ports->count; i++) {
        const unsigned row = row_of(wants->ports->nodes[i], nodes, count);

        if (row == count)
            return false;
        weights[row] = wants->ports->mbufs[i];
        first = row < first ? row : first;
    }
    memory_node_shares(wants->mb, weights, least, count, shares);
    // What is no whole page, or what rounding gave to a node that wants nothing, goes to one with packets.
    for (unsigned i = 0; i < count; i++) {
        const uint32_t kept = weights[i] > 0 ? shares[i] / EAL_MEMORY_HUGE_MB * EAL_MEMORY_HUGE_MB : least[i];

        odd += shares[i] - kept;
        shares[i] = kept;
    }
    if (first < count)
        shares[first] += odd;
    return first < count;
}

static void write_list(char *text, const uint32_t *values, unsigned count)
{
    size_t used = 0;

    for (unsigned i = 0; i < count && used < EAL_MEMORY_SIZE; i++)
        used += (size_t)snprintf(text + used, EAL_MEMORY_SIZE - used, "%s%u", i > 0 ? "," : "", values[i]);
}

// Where huge pages are elsewhere than wanted, they are still better than plain memory: DPDK takes them where
// they are, and each node may have all.
void eal_memory_plan(struct eal_memory *memory, const struct eal_memory_wants *wants)
{
    uint32_t shares[EAL_MEMORY_NODES] = {0}, all[EAL_MEMORY_NODES] = {wants->mb};
    int nodes[EAL_MEMORY_NODES];
    const unsigned count = find_nodes(nodes);
    bool there = count > 1 && wants->ports != NULL && eal_memory_split(wants, nodes, count, shares);

    *memory = (struct eal_memory){
        .mb = wants->mb, .huge = wants->may_huge && read_free_mb("/sys/kernel/mm/" HUGE_PAGES) >= wants->mb};
    for (unsigned i = 0; i < count; i++) {
        all[i] = wants->mb;
        there &= free_mb_at(nodes[i]) >= shares[i];
    }
    memory->split = memory->huge && there;
    write_list(memory->shares, shares, count);
    // 0 would be no limit: a node without a share may have a page, for what insists on it.
    for (unsigned i = 0; i < count; i++)
        shares[i] = shares[i] > 0 ? shares[i] : EAL_MEMORY_HUGE_MB;
    write_list(memory->limits, memory->split ? shares : all, count > 0 ? count : 1);
}

static int refuse(int node, size_t limit, size_t wanted)
{
    atomic_store(&refused_node, node);
    atomic_fetch_add(&refused, 1);
    return -1;
}

int eal_memory_watch(const struct eal_memory *memory)
{
    const char *at = memory->limits;

    for (unsigned i = 0; memory->huge && i < rte_socket_count() && *at != '\0'; i++) {
        char *end;
        const size_t mb = strtoul(at, &end, 10);

        if (rte_mem_alloc_validator_register("memory.mb", refuse, rte_socket_id_by_idx(i), mb << 20) != 0)
            return -rte_errno;
        at = end + (*end == ',');
    }
    return 0;
}

uint64_t eal_memory_refused(int *node)
{
    *node = atomic_load(&refused_node);
    return atomic_load(&refused);
}
