// SPDX-License-Identifier: BSD-3-Clause
#include "packet_pool.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memzone.h>
#include "interface.h"
#include "memory_node.h"
#include "worker.h"

#define FRAME_OVERHEAD 22u // Ethernet header and two tags
#define DRIVER_EXTRA   42u // what drivers of PCI devices count to it: the CRC, or what virtio-net has before it
static void free_zone(struct rte_mempool_memhdr *chunk, void *zone)
{
    rte_memzone_free(zone);
}

// The AF_XDP driver of DPDK 22.11 registers with the kernel, as one range, the number of objects times their
// size. Where the pool leaves gaps, so that no object crosses a page, its end lies outside: the kernel throws
// such frames away and nobody gets them back. A device behind an IOMMU sees our addresses (--iova-mode=va),
// so that objects may cross pages; we lay the pool out ourselves, and that it is dense is checked.
static struct rte_mempool *dense_pool(const char *name, uint32_t mbufs, uint16_t room, int socket)
{
    struct rte_pktmbuf_pool_private sizes = {.mbuf_data_room_size = room,
                                             .mbuf_priv_size = WORKER_MBUF_PRIVATE};
    unsigned size = (unsigned)sizeof(struct rte_mbuf) + WORKER_MBUF_PRIVATE + room;
    struct rte_mempool *pool = rte_mempool_create_empty(name, mbufs, size, PACKET_POOL_CACHE, sizeof(sizes),
                                                        socket, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
    const struct rte_memzone *zone = NULL;
    size_t octets;

    if (pool == NULL)
        return NULL;
    rte_pktmbuf_pool_init(pool, &sizes);
    octets = ((size_t)pool->header_size + pool->elt_size + pool->trailer_size) * mbufs;
    if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL) == 0)
        zone = rte_memzone_reserve_aligned(name, octets, socket, 0, RTE_MEMPOOL_ALIGN);
    if (zone == NULL || rte_mempool_populate_iova(pool, zone->addr, zone->iova, zone->len, free_zone,
                                                  (void *)(uintptr_t)zone) != (int)mbufs) {
        rte_mempool_free(pool);
        return NULL;
    }
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return pool;
}

static uint16_t room_of(const struct rules *rules)
{
    unsigned room = RTE_MBUF_DEFAULT_DATAROOM;

    for (unsigned i = 0; i < rules->network_count; i++) {
        unsigned frame = interface_mtu(rules->networks[i].interface) + FRAME_OVERHEAD +
                         (rules->networks[i].attach == ATTACH_PCI ? DRIVER_EXTRA : 0);

        if (frame > room && frame <= UINT16_MAX - RTE_PKTMBUF_HEADROOM - RTE_CACHE_LINE_SIZE)
            room = RTE_ALIGN_CEIL(frame, RTE_CACHE_LINE_SIZE);
    }
    return (uint16_t)(RTE_PKTMBUF_HEADROOM + room);
}

static void prefer(struct rte_mempool *pool, void *node, struct rte_mempool_memhdr *chunk, unsigned index)
{
    memory_node_prefer(chunk->addr, chunk->len, *(int *)node);
}

// In the node's memory; where DPDK has none there (or knows of no nodes, as with plain memory), in any, and
// the kernel moves its pages if it can. That is before a driver or an IOMMU has seen them.
static struct rte_mempool *pool_at(const char *name, uint32_t mbufs, uint16_t room, int node)
{
    struct rte_mempool *pool = dense_pool(name, mbufs, room, node == MEMORY_NODE_NONE ? SOCKET_ID_ANY : node);

    if (pool != NULL || node == MEMORY_NODE_NONE)
        return pool;
    pool = dense_pool(name, mbufs, room, SOCKET_ID_ANY);
    if (pool != NULL)
        rte_mempool_mem_iter(pool, prefer, &node);
    return pool;
}

int packet_pools_create(struct packet_pools *pools, const struct rules *rules, const struct port_nodes *nodes,
                        struct fault *fault)
{
    const uint16_t room = room_of(rules);
    uint32_t needed = 0;
    char name[RTE_MEMPOOL_NAMESIZE];

    *pools = (struct packet_pools){.count = 0};
    for (unsigned i = 0; i < nodes->count; i++)
        needed += nodes->least[i];
    if (rules->settings->mbufs < needed)
        return fault_set(fault, EINVAL,
                         "%u packets are too few for these queues and workers; at least %u (memory.mbufs)",
                         rules->settings->mbufs, needed);
    for (unsigned i = 0; i < nodes->count; i++) {
        snprintf(name, sizeof(name), "packets%u", i);
        pools->pools[i] = pool_at(name, nodes->mbufs[i], room, nodes->nodes[i]);
        if (pools->pools[i] == NULL)
            return fault_set(
                fault, ENOMEM,
                "%u packets do not fit in one piece of what memory.mb leaves of its %u MB; raise "
                "memory.mb, lower memory.mbufs or free huge pages",
                nodes->mbufs[i], rules->settings->memory_mb);
        pools->nodes[i] = nodes->nodes[i];
        pools->count++;
    }
    return 0;
}

void packet_pools_free(struct packet_pools *pools)
{
    for (unsigned i = 0; i < pools->count; i++)
        rte_mempool_free(pools->pools[i]);
    pools->count = 0;
}

struct rte_mempool *packet_pools_at(const struct packet_pools *pools, int node)
{
    for (unsigned i = 0; i < pools->count; i++) {
        if (pools->nodes[i] == node)
            return pools->pools[i];
    }
    return pools->pools[0];
}

uint32_t packet_pools_used(const struct packet_pools *pools)
{
    uint32_t used = 0;

    for (unsigned i = 0; i < pools->count; i++)
        used += rte_mempool_in_use_count(pools->pools[i]);
    return used;
}

uint32_t packet_pools_size(const struct packet_pools *pools)
{
    uint32_t size = 0;

    for (unsigned i = 0; i < pools->count; i++)
        size += pools->pools[i]->size;
    return size;
}

// Of any pages: these are no driver's.
int packet_pool_create_large(const struct rules *rules, struct rte_mempool **pool, struct fault *fault)
{
    const struct snapshot_settings *settings = rules->settings;

    *pool = NULL;
    if (settings->large_mbufs == 0)
        return 0;
    *pool = rte_pktmbuf_pool_create("large", settings->large_mbufs, 0, WORKER_MBUF_PRIVATE, WORKER_LARGE_ROOM,
                                    SOCKET_ID_ANY);
    if (*pool == NULL)
        return fault_set(fault, ENOMEM,
                         "%u large packets do not fit in %u MB; raise memory.mb or lower memory.large_mbufs",
                         settings->large_mbufs, settings->memory_mb);
    return 0;
}
