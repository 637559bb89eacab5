// SPDX-License-Identifier: BSD-3-Clause
#include "memory_node.h"

#include <limits.h>
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLACES 64u // pages that are looked at

int memory_node_of_cpu(unsigned cpu)
{
    int node = numa_available() < 0 ? -1 : numa_node_of_cpu((int)cpu);

    return node < 0 ? MEMORY_NODE_NONE : node;
}

// -1 stands in it where firmware does not say.
static int read_node(const char *path)
{
    FILE *file = fopen(path, "re");
    int node = MEMORY_NODE_NONE;

    if (file == NULL)
        return MEMORY_NODE_NONE;
    if (fscanf(file, "%d", &node) != 1 || node < 0)
        node = MEMORY_NODE_NONE;
    fclose(file);
    return node;
}

int memory_node_of_interface(const char *interface)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "/sys/class/net/%s/device/numa_node", interface);
    return read_node(path);
}

int memory_node_of_device(const char *device)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", device);
    return read_node(path);
}

struct memory_range memory_node_pages(uintptr_t begin, size_t size, size_t page)
{
    const uintptr_t first = (begin + page - 1) / page * page, end = (begin + size) / page * page;

    return (struct memory_range){.begin = first, .size = end > first ? end - first : 0};
}

bool memory_node_mask(int node, unsigned long mask[MEMORY_MASK_WORDS])
{
    const unsigned bits = 8 * sizeof(*mask);

    memset(mask, 0, MEMORY_MASK_WORDS * sizeof(*mask));
    if (node < 0 || (unsigned)node >= MEMORY_NODES_MAX)
        return false;
    mask[(unsigned)node / bits] = 1ul << (unsigned)node % bits;
    return true;
}

void memory_node_shares(uint32_t whole, const uint32_t *weights, const uint32_t *least, unsigned count,
                        uint32_t *shares)
{
    uint64_t weight = 0, needed = 0, left, given = 0;

    for (unsigned i = 0; i < count; i++) {
        weight += weights[i];
        needed += least[i];
    }
    left = whole > needed ? whole - needed : 0;
    for (unsigned i = 0; i < count; i++) {
        const uint32_t more = weight > 0 ? (uint32_t)(left * weights[i] / weight) : 0;

        shares[i] = least[i] + more;
        given += more;
    }
    if (count > 0)
        shares[0] += (uint32_t)(left - given);
}

// PREFERRED, not BIND: where the node is full, a worker with memory elsewhere is better than one that the
// kernel kills for want of a page.
void memory_node_prefer(void *octets, size_t size, int node)
{
    const struct memory_range range =
        memory_node_pages((uintptr_t)octets, size, (size_t)sysconf(_SC_PAGESIZE));
    unsigned long mask[MEMORY_MASK_WORDS];

    if (!memory_node_mask(node, mask) || range.size == 0)
        return;
    // The kernel counts one bit less than it is told. It refuses a node that it does not have.
    mbind((void *)range.begin, range.size, MPOL_PREFERRED, mask, MEMORY_NODES_MAX + 1, MPOL_MF_MOVE);
}

int memory_node_found(const void *octets, size_t size, int wanted)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const struct memory_range range = memory_node_pages((uintptr_t)octets, size, page);
    const size_t pages = range.size / page, count = pages < PLACES ? pages : PLACES;
    void *places[PLACES];
    int nodes[PLACES], found = MEMORY_NODE_NONE;

    for (size_t i = 0; i < count; i++)
        places[i] = (void *)(range.begin + i * pages / count * page);
    if (count == 0 || move_pages(0, count, places, NULL, nodes, 0) < 0)
        return MEMORY_NODE_NONE;
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] >= 0 && (found == MEMORY_NODE_NONE || found == wanted))
            found = nodes[i];
    }
    return found;
}
