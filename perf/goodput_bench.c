// SPDX-License-Identifier: BSD-3-Clause
#include "goodput_bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include "ua_ring.h"

#define QUEUE        2048u // of a NIC, packets
#define POOL         65535u
#define DIALOGS      (1u << 18)
#define TRANSACTIONS (1u << 19)
#define USAGES       (1u << 14)
#define ARENA        ((size_t)1 << 30)

static struct rte_mempool *pool;

static void make_ports(struct goodput_wire *wire, unsigned number)
{
    char name[64];
    wire->number = number;
    for (unsigned i = 0; i < 2; i++) {
        struct rte_eth_conf conf = {0};
        snprintf(name, sizeof(name), "rx%u-%u", number, i);
        wire->rx[i] = rte_ring_create(name, QUEUE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        snprintf(name, sizeof(name), "tx%u-%u", number, i);
        wire->tx[i] = rte_ring_create(name, 8 * QUEUE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        snprintf(name, sizeof(name), "wire%u-%u", number, i);
        int port = rte_eth_from_rings(name, &wire->rx[i], 1, &wire->tx[i], 1, 0);
        if (port < 0 || rte_eth_dev_configure((uint16_t)port, 1, 1, &conf) != 0 ||
            rte_eth_rx_queue_setup((uint16_t)port, 0, QUEUE, 0, NULL, pool) != 0 ||
            rte_eth_tx_queue_setup((uint16_t)port, 0, QUEUE, 0, NULL) != 0 ||
            rte_eth_dev_start((uint16_t)port) != 0)
            rte_exit(1, "no port\n");
        wire->ports[i] = (uint16_t)port;
    }
}

struct rte_mempool *goodput_boot(const char *program, struct goodput_wire *wires, unsigned n)
{
    char prefix[64], name[64];
    snprintf(prefix, sizeof(prefix), "dialgate-goodput-%d", (int)getpid());
    snprintf(name, sizeof(name), "%s", program);
    char *arguments[] = {name,
                         (char[]){"--no-huge"},
                         (char[]){"--no-pci"},
                         (char[]){"--no-shconf"},
                         (char[]){"-m"},
                         (char[]){"512"},
                         (char[]){"--file-prefix"},
                         prefix,
                         (char[]){"--lcores"},
                         (char[]){"0@(0-1023)"},
                         (char[]){"--iova-mode=va"},
                         (char[]){"--log-level=error"},
                         (char[]){"--no-telemetry"}};
    snprintf(arguments[9], 4, "0@0");
    if (rte_eal_init(RTE_DIM(arguments), arguments) < 0)
        rte_exit(1, "EAL does not start\n");
    pool = rte_pktmbuf_pool_create("packets", POOL, 256, WORKER_MBUF_PRIVATE, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    if (pool == NULL)
        rte_exit(1, "no pool\n");
    for (unsigned i = 0; i < n; i++)
        make_ports(&wires[i], i);
    return pool;
}

static void *zeroed(size_t size)
{
    void *memory = aligned_alloc(2u << 20, (size + (2u << 20) - 1) & ~(size_t)((2u << 20) - 1));
    if (memory == NULL)
        rte_exit(1, "no memory\n");
    // Huge pages where the kernel has some to give, as the real process; all are there before the first turn.
    (void)madvise(memory, size, MADV_HUGEPAGE);
    memset(memory, 0, size);
    return memory;
}

static void make_ways(struct goodput_bench *bench, bool beside)
{
    struct nexthop_network networks[NETWORKS_MAX] = {{.mtu = 1500, .up = true}, {.mtu = 1500, .up = true}};
    const struct nexthop_route routes[2] = {
        {.prefix = IP_MAPPED(0x0a0a0000), .length = IP_MAPPED_BITS + 16, .network = 0},
        {.prefix = IP_MAPPED(0x0a140000), .length = IP_MAPPED_BITS + 16, .network = 1}};
    const struct nexthop_neighbour neighbours[2] = {
        {.address = IP_MAPPED(0x0a0a0101), .mac = {2, 1}, .network = 0, .usable = 1},
        {.address = IP_MAPPED(0x0a14000b), .mac = {2, 2}, .network = 1, .usable = 1}};
    char error[256];
    image_make(&bench->image);
    if (beside) {
        const struct snapshot_route kept[2] = {bench->image.routes[1], bench->image.routes[2]};
        image_application(&bench->image);
        memcpy(&bench->image.routes[1], kept, sizeof(kept));
    }
    // One callee; and what a transaction leaves behind is gone soon, so that a minute's calls need no room.
    bench->image.members[IMAGE_MEMBER_SBC2].flags |= MEMBER_DISABLED;
    bench->image.header.settings.timer_t1_ms = 20;
    bench->image.header.settings.timer_t2_ms = 20;
    bench->image.header.settings.timer_t4_ms = 20;
    bench->image.header.settings.overload =
        (struct snapshot_overload){.transactions = 90, .mbufs = 90, .turn_us = 10000, .retry_after_s = 5};
    bench->published.rules = rules_create(&bench->image, sizeof(bench->image), error, sizeof(error));
    bench->published.nexthops = nexthop_create(networks, routes, 2, neighbours, 2);
    if (bench->published.rules == NULL)
        rte_exit(1, "%s\n", error);
}

// They are there without applications, too.
static struct ua_ring *ua_ring(void)
{
    struct ua_ring *ring = zeroed(sizeof(*ring) + 4 * UA_RING_MESSAGE_MAX);
    ring->size = 4 * UA_RING_MESSAGE_MAX;
    return ring;
}

static struct rte_ring *small_ring(const struct goodput_wire *wire, const char *what, uint32_t octets)
{
    char name[32];
    snprintf(name, sizeof(name), "%s%u", what, wire->number);
    return rte_ring_create_elem(name, octets, 64, SOCKET_ID_ANY, 0);
}

struct goodput_bench *goodput_open(const struct goodput_wire *wire, bool beside)
{
    struct goodput_bench *bench = zeroed(sizeof(*bench));
    struct worker_parts *parts = &bench->parts;
    static const atomic_uint heard = 1; // control is connected
    char error[256];
    make_ways(bench, beside);
    for (uint8_t i = 0; i < 2; i++)
        bench->queues[i] = (struct worker_queue){.port = wire->ports[i], .network = i};
    *parts = (struct worker_parts){.count = 1,
                                   .queues = bench->queues,
                                   .queue_count = 2,
                                   .pool = pool,
                                   .published = &bench->published,
                                   .shared = &bench->shared,
                                   .keys = {{{1, 2}}, {{3, 4}}, {{5, 6}}, 7},
                                   .dialogs_capacity = DIALOGS,
                                   .transactions_capacity = TRANSACTIONS,
                                   .arena_size = ARENA,
                                   .usages_capacity = beside ? USAGES : 0,
                                   .ua_commands = ua_ring(),
                                   .ua_events = ua_ring(),
                                   .ua_heard = &heard};
    parts->commands = small_ring(wire, "commands", sizeof(void *));
    parts->results = small_ring(wire, "results", sizeof(void *));
    parts->asks = small_ring(wire, "asks", sizeof(struct worker_ask));
    parts->counters = zeroed(sizeof(*parts->counters));
    parts->peers = zeroed(PEERS_MAX * sizeof(*parts->peers));
    parts->members = zeroed(MEMBERS_MAX * sizeof(*parts->members));
    bench->shared.members[0] = parts->members;
    bench->shared.limits[0] = zeroed(LIMIT_ROWS * sizeof(struct limit_words));
    parts->memory = zeroed(worker_memory(DIALOGS, TRANSACTIONS, parts->usages_capacity));
    parts->file = zeroed(worker_file_memory(DIALOGS));
    parts->arena = zeroed(ARENA);
    bench->worker = worker_create(parts, error, sizeof(error));
    if (bench->worker == NULL)
        rte_exit(1, "%s\n", error);
    // Timers count from when the worker was made.
    bench->began_us = bench->worker->now_us;
    bench->worker->us_per_tsc_shifted = 0;
    return bench;
}

void goodput_close(struct goodput_bench *bench, const struct goodput_wire *wire)
{
    struct rte_mbuf *mbuf;
    for (unsigned i = 0; i < 2; i++)
        while (rte_ring_dequeue(wire->rx[i], (void **)&mbuf) == 0 ||
               rte_ring_dequeue(wire->tx[i], (void **)&mbuf) == 0)
            rte_pktmbuf_free(mbuf);
    worker_destroy(bench->worker);
    rte_ring_free(bench->parts.commands);
    rte_ring_free(bench->parts.results);
    rte_ring_free(bench->parts.asks);
    free(bench->parts.ua_commands);
    free(bench->parts.ua_events);
    free(bench->parts.counters);
    free(bench->parts.peers);
    free(bench->parts.members);
    free(bench->parts.memory);
    free(bench->parts.file);
    free(bench->parts.arena);
    free((void *)(uintptr_t)bench->shared.limits[0]);
    rules_destroy(bench->published.rules);
    nexthop_destroy(bench->published.nexthops);
    free(bench);
}
