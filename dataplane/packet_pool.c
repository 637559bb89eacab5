// SPDX-License-Identifier: BSD-3-Clause
#include "packet_pool.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memzone.h>
#include "interface.h"
#include "port_bond.h"
#include "worker.h"

#define POOL_CACHE     256u
#define FRAME_OVERHEAD 22u // Ethernet header and two tags
#define DRIVER_EXTRA   42u // what drivers of PCI devices count to it: the CRC, or what virtio-net has before it
// Packets that a driver keeps a queue: fill ring and receive ring of AF_XDP, 2048 descriptors either way of a
// NIC.
#define QUEUE_RESERVED 4096u

static void free_zone(struct rte_mempool_memhdr *chunk, void *zone)
{
    rte_memzone_free(zone);
}

// The AF_XDP driver of DPDK 22.11 registers with the kernel, as one range, the number of objects times their
// size. Where the pool leaves gaps, so that no object crosses a page, its end lies outside: the kernel throws
// such frames away and nobody gets them back. A device behind an IOMMU sees our addresses (--iova-mode=va),
// so that objects may cross pages; we lay the pool out ourselves, and that it is dense is checked.
static struct rte_mempool *dense_pool(uint32_t mbufs, uint16_t room, int socket)
{
    struct rte_pktmbuf_pool_private sizes = {.mbuf_data_room_size = room,
                                             .mbuf_priv_size = WORKER_MBUF_PRIVATE};
    unsigned size = (unsigned)sizeof(struct rte_mbuf) + WORKER_MBUF_PRIVATE + room;
    struct rte_mempool *pool = rte_mempool_create_empty("packets", mbufs, size, POOL_CACHE, sizeof(sizes),
                                                        socket, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
    const struct rte_memzone *zone = NULL;
    size_t octets;

    if (pool == NULL)
        return NULL;
    rte_pktmbuf_pool_init(pool, &sizes);
    octets = ((size_t)pool->header_size + pool->elt_size + pool->trailer_size) * mbufs;
    if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL) == 0)
        zone = rte_memzone_reserve_aligned("packets", octets, socket, 0, RTE_MEMPOOL_ALIGN);
    if (zone == NULL || rte_mempool_populate_iova(pool, zone->addr, zone->iova, zone->len, free_zone,
                                                  (void *)(uintptr_t)zone) != (int)mbufs) {
        rte_mempool_free(pool);
        return NULL;
    }
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return pool;
}

// The memory node of the devices, when they share one.
static int socket_of_devices(const struct rules *rules)
{
    int socket = SOCKET_ID_ANY;
    uint16_t id;

    for (unsigned i = 0; i < rules->network_count; i++) {
        if (rules->networks[i].attach != ATTACH_PCI ||
            rte_eth_dev_get_port_by_name(rules->networks[i].device, &id) != 0)
            continue;
        if (socket != SOCKET_ID_ANY && rte_eth_dev_socket_id(id) != socket)
            return SOCKET_ID_ANY;
        socket = rte_eth_dev_socket_id(id);
    }
    return socket;
}

struct rte_mempool *packet_pool_create(const struct rules *rules, struct fault *fault)
{
    unsigned room = RTE_MBUF_DEFAULT_DATAROOM;
    unsigned needed = rules->settings->workers * POOL_CACHE * 2;
    const char *devices[NETWORK_DEVICES_MAX];
    struct rte_mempool *pool;

    for (unsigned i = 0; i < rules->network_count; i++) {
        unsigned frame = interface_mtu(rules->networks[i].interface) + FRAME_OVERHEAD +
                         (rules->networks[i].attach == ATTACH_PCI ? DRIVER_EXTRA : 0);

        if (frame > room && frame <= UINT16_MAX - RTE_PKTMBUF_HEADROOM - RTE_CACHE_LINE_SIZE)
            room = RTE_ALIGN_CEIL(frame, RTE_CACHE_LINE_SIZE);
        if (rules->networks[i].attach != ATTACH_AF_PACKET && rules->ports.of[i] == i)
            needed += rules->networks[i].queues * port_devices(&rules->networks[i], devices) * QUEUE_RESERVED;
    }
    if (rules->settings->mbufs < needed) {
        fault_set(fault, EINVAL,
                  "%u packets are too few for these queues and workers; at least %u (memory.mbufs)",
                  rules->settings->mbufs, needed);
        return NULL;
    }
    pool =
        dense_pool(rules->settings->mbufs, (uint16_t)(RTE_PKTMBUF_HEADROOM + room), socket_of_devices(rules));
    if (pool == NULL) // that node may have no memory of ours
        pool = dense_pool(rules->settings->mbufs, (uint16_t)(RTE_PKTMBUF_HEADROOM + room), SOCKET_ID_ANY);
    if (pool == NULL)
        fault_set(fault, ENOMEM,
                  "%u packets do not fit in one piece of %u MB; raise memory.mb, lower memory.mbufs or free "
                  "huge pages",
                  rules->settings->mbufs, rules->settings->memory_mb);
    return pool;
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
