// SPDX-License-Identifier: BSD-3-Clause
// Memory nodes (NUMA): where CPUs and devices are, where a worker's memory is to lie and where it lies. A
// worker's memory is made present by the agent's threads, which run elsewhere: without a policy of its own
// it would lie at their node. All of it is a wish: memory of another node serves, slower, and is told.
#ifndef DIALGATE_MEMORY_NODE_H
#define DIALGATE_MEMORY_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_NODE_NONE  (-1) // none in particular, or not known
#define MEMORY_NODES_MAX  1024u
#define MEMORY_MASK_WORDS (MEMORY_NODES_MAX / (8 * sizeof(unsigned long)))

// The node, MEMORY_NODE_NONE where the kernel does not say.
int memory_node_of_cpu(unsigned cpu);
int memory_node_of_interface(const char *interface); // of the device behind a kernel's interface
int memory_node_of_device(const char *device);       // a PCI address

// Asks the kernel to take the pages of these octets from a node, those that are there already too. Pages that
// lie in them whole: what shares its first or last page with others goes where that goes. Nothing happens
// with MEMORY_NODE_NONE. Holds for a file's pages as well, whoever touches them first.
void memory_node_prefer(void *octets, size_t size, int node);
// Where the pages of these octets lie that are present, looked at in 64 places: the first that is not
// `wanted`, else wanted; MEMORY_NODE_NONE where none is present or the kernel does not say.
int memory_node_found(const void *octets, size_t size, int wanted);

// The arithmetic of both.
struct memory_range {
    uintptr_t begin; // multiple of a page
    size_t size;     // the same; 0: there is no whole page
};
struct memory_range memory_node_pages(uintptr_t begin, size_t size, size_t page);
// Returns false for a node that no mask has.
bool memory_node_mask(int node, unsigned long mask[MEMORY_MASK_WORDS]);
// Divides `whole` in proportion to count weights: shares[] sum up to it, and none is below least[], as long
// as these together are not above it. Without any weight the first has all that is left.
void memory_node_shares(uint32_t whole, const uint32_t *weights, const uint32_t *least, unsigned count,
                        uint32_t *shares);

#endif
