// SPDX-License-Identifier: BSD-3-Clause
#include "plane.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include "ua_ring.h"

#define QUEUE 2048u // of a NIC, packets
#define POOL  65535u
#define HUGE  ((size_t)2 << 20)

static struct rte_mempool *pool;

static struct rte_ring *ring(const char *what, unsigned size, unsigned flags)
{
    static unsigned made;
    char name[RTE_RING_NAMESIZE];
    snprintf(name, sizeof(name), "%s%u", what, made++);
    struct rte_ring *ring = rte_ring_create(name, size, SOCKET_ID_ANY, flags);
    if (ring == NULL)
        rte_exit(1, "no ring\n");
    return ring;
}

static void make_port(struct plane_wire *wire, unsigned network, bool shared)
{
    char name[64];
    struct rte_eth_conf conf = {0};
    const uint16_t queues = (uint16_t)wire->queues;
    for (unsigned q = 0; q < queues; q++) {
        wire->rx[network][q] = ring("rx", QUEUE, (shared ? 0 : RING_F_SP_ENQ) | RING_F_SC_DEQ);
        wire->tx[network][q] = ring("tx", 8 * QUEUE, RING_F_SP_ENQ | RING_F_SC_DEQ);
    }
    snprintf(name, sizeof(name), "wire%u-%u", wire->number, network);
    int port = rte_eth_from_rings(name, wire->rx[network], queues, wire->tx[network], queues, 0);
    bool is_ready = port >= 0 && rte_eth_dev_configure((uint16_t)port, queues, queues, &conf) == 0;
    for (uint16_t q = 0; is_ready && q < queues; q++)
        is_ready = rte_eth_rx_queue_setup((uint16_t)port, q, QUEUE, 0, NULL, pool) == 0 &&
                   rte_eth_tx_queue_setup((uint16_t)port, q, QUEUE, 0, NULL) == 0;
    if (!is_ready || rte_eth_dev_start((uint16_t)port) != 0)
        rte_exit(1, "no port\n");
    wire->ports[network] = (uint16_t)port;
}

struct rte_mempool *plane_boot(const struct plane_boot *boot, struct plane_wire *wires, unsigned n)
{
    char prefix[64], name[256], lcores[64];
    snprintf(prefix, sizeof(prefix), "dialgate-perf-%d", (int)getpid());
    snprintf(name, sizeof(name), "%s", boot->program);
    snprintf(lcores, sizeof(lcores), "%s", boot->lcores);
    char *arguments[] = {name,
                         (char[]){"--no-huge"},
                         (char[]){"--no-pci"},
                         (char[]){"--no-shconf"},
                         (char[]){"-m"},
                         (char[]){"512"},
                         (char[]){"--file-prefix"},
                         prefix,
                         (char[]){"--lcores"},
                         lcores,
                         (char[]){"--iova-mode=va"},
                         (char[]){"--log-level=error"},
                         (char[]){"--no-telemetry"}};
    if (rte_eal_init(RTE_DIM(arguments), arguments) < 0)
        rte_exit(1, "EAL does not start\n");
    pool = rte_pktmbuf_pool_create("packets", POOL, 256, WORKER_MBUF_PRIVATE, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    if (pool == NULL)
        rte_exit(1, "no pool\n");
    for (unsigned i = 0; i < n; i++) {
        wires[i].number = i;
        wires[i].queues = boot->queues;
        for (unsigned network = 0; network < PLANE_NETWORKS; network++)
            make_port(&wires[i], network, boot->shared);
    }
    return pool;
}

void *plane_memory(size_t size)
{
    void *memory = aligned_alloc(HUGE, (size + HUGE - 1) / HUGE * HUGE);
    if (memory == NULL)
        rte_exit(1, "no memory: %zu octets\n", size);
    (void)madvise(memory, size, MADV_HUGEPAGE);
    memset(memory, 0, size);
    return memory;
}

// They are there without applications, too.
static struct ua_ring *ua_ring(void)
{
    struct ua_ring *ring = plane_memory(sizeof(*ring) + 4 * UA_RING_MESSAGE_MAX);
    ring->size = 4 * UA_RING_MESSAGE_MAX;
    return ring;
}

static struct rte_ring *asks_ring(const struct plane *plane, unsigned id)
{
    char name[RTE_RING_NAMESIZE];
    snprintf(name, sizeof(name), "asks%u-%u", plane->wire->number, id);
    return rte_ring_create_elem(name, sizeof(struct worker_ask), 64, SOCKET_ID_ANY, 0);
}

static void make_rings(struct plane *plane)
{
    const unsigned single = RING_F_SP_ENQ | RING_F_SC_DEQ;
    for (unsigned to = 0; to < plane->count; to++) {
        struct worker_parts *parts = &plane->workers[to].parts;
        for (unsigned from = 0; from < plane->count; from++) {
            if (from == to)
                continue;
            parts->inbox[from] = ring("inbox", WORKER_RING_SIZE, single);
            parts->tx_in[from] = ring("tx_in", WORKER_RING_SIZE, single);
            plane->workers[from].parts.outbox[to] = parts->inbox[from];
            plane->workers[from].parts.tx_out[to] = parts->tx_in[from];
        }
        parts->commands = ring("commands", 64, single);
        parts->results = ring("results", 64, single);
        parts->asks = asks_ring(plane, to);
    }
}

static void make_worker(struct plane *plane, unsigned id, const struct plane_options *options)
{
    static const atomic_uint heard = 1; // control is connected
    struct plane_worker *own = &plane->workers[id];
    struct worker_parts *parts = &own->parts;
    char error[256];
    for (uint8_t i = 0; i < PLANE_NETWORKS; i++) {
        own->queues[i] =
            (struct worker_queue){.port = plane->wire->ports[i], .queue = (uint16_t)id, .network = i};
        parts->tx_owner[i] = (uint8_t)id;
    }
    parts->id = id;
    parts->count = plane->count;
    parts->queues = own->queues;
    parts->queue_count = PLANE_NETWORKS;
    parts->pool = pool;
    parts->published = &plane->published;
    parts->shared = &plane->shared;
    parts->keys = (struct cookie_keys){{{1, 2}}, {{3, 4}}, {{5, 6}}, 7};
    parts->dialogs_capacity = options->dialogs;
    parts->transactions_capacity = options->transactions;
    parts->usages_capacity = options->usages;
    parts->arena_size = options->arena;
    parts->ua_commands = ua_ring();
    parts->ua_events = ua_ring();
    parts->ua_heard = &heard;
    parts->memory = plane_memory(worker_memory(options->dialogs, options->transactions, options->usages));
    parts->file = plane_memory(worker_file_memory(options->dialogs));
    parts->arena = plane_memory(options->arena);
    own->worker = worker_create(parts, error, sizeof(error));
    if (own->worker == NULL)
        rte_exit(1, "%s\n", error);
    // Timers count from when the worker was made.
    own->began_us = own->worker->now_us;
    if (!options->clock_runs)
        own->worker->us_per_tsc_shifted = 0;
}

struct plane *plane_open(const struct plane_wire *wire, const struct plane_options *options)
{
    struct plane *plane = plane_memory(sizeof(*plane));
    plane->wire = wire;
    plane->count = options->workers;
    plane->published.rules = options->rules;
    plane->published.nexthops = options->nexthops;
    for (unsigned i = 0; i < plane->count; i++) {
        struct worker_parts *parts = &plane->workers[i].parts;
        parts->counters = plane_memory(sizeof(*parts->counters));
        parts->peers = plane_memory(PEERS_MAX * sizeof(*parts->peers));
        parts->members = plane_memory(MEMBERS_MAX * sizeof(*parts->members));
        plane->shared.members[i] = parts->members;
        plane->shared.limits[i] = plane_memory(LIMIT_ROWS * sizeof(struct limit_words));
    }
    make_rings(plane);
    for (unsigned i = 0; i < plane->count; i++)
        make_worker(plane, i, options);
    return plane;
}

static void close_worker(struct plane *plane, unsigned id)
{
    const struct worker_parts *parts = &plane->workers[id].parts;
    worker_destroy(plane->workers[id].worker);
    for (unsigned from = 0; from < plane->count; from++) {
        rte_ring_free(parts->inbox[from]);
        rte_ring_free(parts->tx_in[from]);
    }
    rte_ring_free(parts->commands);
    rte_ring_free(parts->results);
    rte_ring_free(parts->asks);
    free(parts->ua_commands);
    free(parts->ua_events);
    free(parts->counters);
    free(parts->peers);
    free(parts->members);
    free(parts->memory);
    free(parts->file);
    free(parts->arena);
    free((void *)(uintptr_t)plane->shared.limits[id]);
}

void plane_close(struct plane *plane)
{
    struct rte_mbuf *mbuf;
    for (unsigned i = 0; i < PLANE_NETWORKS; i++)
        for (unsigned q = 0; q < plane->wire->queues; q++)
            while (rte_ring_dequeue(plane->wire->rx[i][q], (void **)&mbuf) == 0 ||
                   rte_ring_dequeue(plane->wire->tx[i][q], (void **)&mbuf) == 0)
                rte_pktmbuf_free(mbuf);
    for (unsigned i = 0; i < plane->count; i++)
        close_worker(plane, i);
    rules_destroy(plane->published.rules);
    nexthop_destroy(plane->published.nexthops);
    free(plane);
}

void plane_clock(struct plane *plane, uint64_t us)
{
    for (unsigned i = 0; i < plane->count; i++)
        plane->workers[i].worker->us_base = plane->workers[i].began_us + us;
}

uint64_t plane_count(const struct plane *plane, enum counter counter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < plane->count; i++)
        sum += plane->workers[i].parts.counters->values[counter];
    return sum;
}
