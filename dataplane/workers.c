// SPDX-License-Identifier: BSD-3-Clause
#include "workers.h"

#include <assert.h>
#include <errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "clock.h"
#include "filter.h"
#include "log.h"
#include "memory_node.h"
#include "placement.h"
#include "port_offload.h"
#include "ua_ring.h"

#define STOP_MS     3000u
#define PAGE_OCTETS (2u << 20)
#define SPSC        (RING_F_SP_ENQ | RING_F_SC_DEQ)
// Of one worker. A call takes a few messages of about a kilobyte: the events of 1,000 calls that come at once
// have room, and as many commands as control sends before it sees an answer.
#define UA_COMMANDS_OCTETS (1u << 20)
#define UA_EVENTS_OCTETS   (4u << 20)
// Of transfers between peers alone (CHANNEL_UA_REFER, CHANNEL_UA_REFERRAL): no more than a ring must have.
#define UA_LEAST_OCTETS (4 * UA_RING_MESSAGE_MAX)

static int ring_fault(const struct rte_ring *ring, struct fault *fault)
{
    if (ring == NULL)
        return fault_set(fault, ENOMEM, "no room for the rings between workers; raise memory.mb");
    return 0;
}

// At the node of the worker that it belongs to; where DPDK has no memory there, anywhere.
static int make_ring(struct rte_ring **ring, unsigned size, const char *name, int node, struct fault *fault)
{
    *ring = node == MEMORY_NODE_NONE ? NULL : rte_ring_create(name, size, node, SPSC);
    if (*ring == NULL)
        *ring = rte_ring_create(name, size, SOCKET_ID_ANY, SPSC);
    return ring_fault(*ring, fault);
}

static int make_asks(struct rte_ring **ring, const char *name, struct fault *fault)
{
    *ring = rte_ring_create_elem(name, sizeof(struct worker_ask), WORKER_ASKS_SIZE, SOCKET_ID_ANY, SPSC);
    return ring_fault(*ring, fault);
}

// Between a worker and the thread of the host path.
static int make_host_rings(struct workers *workers, const struct rules *rules, struct fault *fault)
{
    char name[RTE_RING_NAMESIZE];
    bool wanted = false;
    int result = 0;

    for (unsigned i = 0; i < rules->network_count; i++)
        wanted |= rules->networks[i].attach == ATTACH_PCI;
    for (unsigned i = 0; i < workers->count && wanted && result == 0; i++) {
        struct host_path_rings *rings = &workers->parts[i].host;

        snprintf(name, sizeof(name), "host_out%u", i);
        result = make_ring(&rings->out, HOST_PATH_RING, name, workers->parts[i].node, fault);
        snprintf(name, sizeof(name), "host_back%u", i);
        if (result == 0)
            result = make_ring(&rings->back, HOST_PATH_RING, name, workers->parts[i].node, fault);
        snprintf(name, sizeof(name), "host_spare%u", i);
        if (result == 0)
            result = make_ring(&rings->spare, 2 * HOST_PATH_SPARE, name, workers->parts[i].node, fault);
    }
    return result;
}

// Two rings from each worker to each other one, and three to the agent.
static int make_rings(struct workers *workers, struct fault *fault)
{
    char name[RTE_RING_NAMESIZE];
    int result = 0;

    for (unsigned to = 0; to < workers->count && result == 0; to++) {
        struct worker_parts *parts = &workers->parts[to];

        for (unsigned from = 0; from < workers->count && result == 0; from++) {
            if (from == to)
                continue;
            snprintf(name, sizeof(name), "inbox%u_%u", from, to);
            result = make_ring(&parts->inbox[from], WORKER_RING_SIZE, name, parts->node, fault);
            workers->parts[from].outbox[to] = parts->inbox[from];
            snprintf(name, sizeof(name), "tx%u_%u", from, to);
            if (result == 0)
                result = make_ring(&parts->tx_in[from], WORKER_RING_SIZE, name, parts->node, fault);
            workers->parts[from].tx_out[to] = parts->tx_in[from];
        }
        snprintf(name, sizeof(name), "commands%u", to);
        if (result == 0)
            result = make_ring(&parts->commands, WORKER_COMMANDS_SIZE, name, parts->node, fault);
        snprintf(name, sizeof(name), "results%u", to);
        if (result == 0)
            result = make_ring(&parts->results, WORKER_COMMANDS_SIZE, name, parts->node, fault);
        snprintf(name, sizeof(name), "asks%u", to);
        if (result == 0)
            result = make_asks(&parts->asks, name, fault);
    }
    return result;
}

unsigned workers_queue_owner(unsigned count, unsigned network, unsigned queue)
{
    assert(count > 0); // rules_create() saw to it
    return (network + queue) % count;
}

static int deal_queues(struct workers *workers, const struct rules *rules, const struct ports *ports,
                       struct fault *fault)
{
    for (unsigned n = 0; n < ports->count; n++) {
        unsigned queues = ports->ports[n].network->queues, port = rules->ports.of[n];

        assert(queues > 0 && port <= n); // rules_create() saw to it
        if (port != n) {
            for (unsigned w = 0; w < workers->count; w++)
                workers->parts[w].tx_owner[n] = workers->parts[w].tx_owner[port];
            continue;
        }
        for (unsigned q = 0; q < queues; q++) {
            unsigned owner = workers_queue_owner(workers->count, n, q);
            struct worker_parts *parts = &workers->parts[owner];

            if (parts->queue_count == WORKER_QUEUES_MAX)
                return fault_set(fault, E2BIG,
                                 "worker %u would own more than %u queues; use more workers or fewer queues",
                                 owner, WORKER_QUEUES_MAX);
            workers->queues[owner][parts->queue_count++] =
                (struct worker_queue){.port = ports->ports[n].id,
                                      .queue = (uint16_t)q,
                                      .network = (uint8_t)n,
                                      .node = (int16_t)ports->ports[n].node};
        }
        for (unsigned w = 0; w < workers->count; w++) {
            // Us when we own one; else the owners share those who own none.
            unsigned owner = workers_queue_owner(workers->count, n, w % queues);

            for (unsigned q = 0; q < queues; q++) {
                if (workers_queue_owner(workers->count, n, q) == w)
                    owner = w;
            }
            workers->parts[w].tx_owner[n] = (uint8_t)owner;
        }
    }
    return 0;
}

static unsigned long available_mb(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long kilobytes = 0;
    char line[128];

    if (file == NULL)
        return 0;
    while (kilobytes == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "MemAvailable: %lu", &kilobytes) != 1)
            kilobytes = 0;
    }
    fclose(file);
    return kilobytes / 1024;
}

// Populated here, so that no worker ever waits for a page, in the memory of its node.
static void *map_memory(size_t size, int node)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);

    if (memory != MAP_FAILED) {
        memory_node_prefer(memory, size, node);
        if (madvise(memory, size, MADV_POPULATE_WRITE) == 0 || errno == EINVAL) // before Linux 5.14
            return memory;
        munmap(memory, size);
    }
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    memory_node_prefer(memory, size, node);
    // Both are only wishes.
    madvise(memory, size, MADV_HUGEPAGE);
    madvise(memory, size, MADV_POPULATE_WRITE);
    return memory;
}

static size_t round_to_pages(size_t size)
{
    return (size + PAGE_OCTETS - 1) / PAGE_OCTETS * PAGE_OCTETS;
}

static void give_files(struct workers *workers, struct images *images)
{
    const struct image_layout *layout = &images->layout;

    assert(layout->arena_offset - layout->dialogs_offset >= worker_file_memory(images->capacity));
    for (unsigned i = 0; i < workers->count; i++) {
        workers->parts[i].file = images->own[i].octets + layout->dialogs_offset;
        workers->parts[i].arena = images->own[i].octets + layout->arena_offset;
        workers->parts[i].arena_size = layout->arena_octets;
        workers->parts[i].takeover = &images->takeovers[i];
    }
}

static int make_ua_rings(struct workers *workers, const struct snapshot_settings *settings,
                         struct fault *fault)
{
    const bool served = settings->usages_capacity > 0;
    const uint32_t commands = served ? UA_COMMANDS_OCTETS : UA_LEAST_OCTETS;
    const uint32_t events = served ? UA_EVENTS_OCTETS : UA_LEAST_OCTETS;

    workers->ua_memory_size = round_to_pages(2 * sizeof(struct ua_ring) + commands + events);
    for (unsigned i = 0; i < workers->count; i++) {
        struct worker_parts *parts = &workers->parts[i];

        workers->ua_memory[i] = map_memory(workers->ua_memory_size, parts->node);
        if (workers->ua_memory[i] == NULL)
            return fault_set(fault, ENOMEM, "no memory for what control is told by worker %u", i);
        parts->usages_capacity = settings->usages_capacity;
        parts->ua_commands = workers->ua_memory[i];
        parts->ua_commands->size = commands;
        parts->ua_events = (void *)(parts->ua_commands->octets + commands);
        parts->ua_events->size = events;
        parts->ua_heard = &workers->ua_heard;
    }
    return 0;
}

static int make_memory(struct workers *workers, const struct snapshot_settings *settings, struct fault *fault)
{
    size_t size = worker_memory(settings->dialogs_capacity, settings->transactions_capacity,
                                workers->parts[0].usages_capacity);
    unsigned long needed_mb;

    workers->memory_size = round_to_pages(size);
    needed_mb = (unsigned long)(workers->memory_size >> 20) * workers->count;
    if (needed_mb > available_mb())
        return fault_set(fault, ENOMEM,
                         "%u workers need %lu MB for tables and transactions, %lu MB are available; lower "
                         "dialogs.capacity or transactions.capacity",
                         workers->count, needed_mb, available_mb());
    for (unsigned i = 0; i < workers->count; i++) {
        workers->memory[i] = map_memory(workers->memory_size, workers->parts[i].node);
        if (workers->memory[i] == NULL)
            return fault_set(fault, ENOMEM,
                             "%zu MB for worker %u: %s; lower dialogs.capacity or transactions.capacity",
                             workers->memory_size >> 20, i, strerror(errno));
        workers->parts[i].memory = workers->memory[i];
    }
    return 0;
}

// Before the first worker: each reads the words of all.
static int make_shared(struct workers *workers, const struct workers_plan *plan, struct fault *fault)
{
    const size_t size = LIMIT_ROWS * sizeof(struct limit_words);

    for (unsigned i = 0; i < workers->count; i++) {
        workers->limits[i] = aligned_alloc(64, (size + 63) / 64 * 64);
        if (workers->limits[i] == NULL)
            return fault_set(fault, ENOMEM, "no memory for the limits of worker %u", i);
        memset(workers->limits[i], 0, size);
        workers->shared.limits[i] = workers->limits[i];
        workers->shared.members[i] = counters_file_members(plan->counters, i);
    }
    return 0;
}

static uint32_t unfiltered_networks(const struct ports *ports)
{
    uint32_t networks = 0;

    for (unsigned i = 0; i < ports->count; i++)
        networks |= ports->ports[ports->ports[i].shared].attached ? 0 : 1u << i;
    return networks;
}

// For the networks without an XDP program.
static int make_filter(struct worker_parts *parts, const struct workers_plan *plan, struct fault *fault)
{
    uint32_t networks = unfiltered_networks(plan->ports);

    if (networks == 0)
        return 0;
    parts->filter = map_memory(round_to_pages(sizeof(*parts->filter)), parts->node);
    if (parts->filter == NULL)
        return fault_set(fault, ENOMEM, "no memory for the filter of worker %u", parts->id);
    parts->filter->networks = networks;
    parts->filter_counters = counters_file_filter(plan->counters, parts->id);
    parts->filter_notes = counters_file_notes(plan->counters, parts->id);
    return 0;
}

static int make_bans(struct workers *workers, const struct workers_plan *plan, struct fault *fault)
{
    if (unfiltered_networks(plan->ports) == 0)
        return 0;
    workers->published.bans = filter_bans_create(workers->count, &plan->keys->table);
    return workers->published.bans != NULL ? 0 : fault_set(fault, ENOMEM, "no memory for the filter's bans");
}

// What lies in files that were made whole for all workers: counters, captures and records of calls.
static void settle_files(const struct worker_parts *parts, const struct workers_plan *plan)
{
    memory_node_prefer(parts->counters, plan->counters->header->worker_stride, parts->node);
    memory_node_prefer(parts->captures->ring, sizeof(*parts->captures->ring), parts->node);
    if (parts->calls != NULL)
        memory_node_prefer(parts->calls, sizeof(*parts->calls), parts->node);
}

// Of tables and dialogs: what lies elsewhere than it should is worth more than what does not.
static int memory_node(const struct worker_parts *parts, size_t size, const struct image_layout *layout)
{
    const int tables = memory_node_found(parts->memory, size, parts->node);
    const int dialogs =
        memory_node_found(parts->file, layout->arena_offset - layout->dialogs_offset, parts->node);

    return tables == parts->node && dialogs != MEMORY_NODE_NONE ? dialogs : tables;
}

static int make_workers(struct workers *workers, const struct workers_plan *plan, struct fault *fault)
{
    const struct snapshot_settings *settings = plan->rules->settings;

    for (unsigned i = 0; i < workers->count; i++) {
        struct worker_parts *parts = &workers->parts[i];

        parts->id = i;
        parts->count = workers->count;
        parts->queues = workers->queues[i];
        parts->pool = packet_pools_at(&plan->ports->pools, parts->node);
        parts->large = plan->ports->large;
        for (unsigned k = 0; k < plan->ports->count; k++) {
            const struct port *port = &plan->ports->ports[plan->ports->ports[k].shared];

            parts->offload[k] = port_offload_of_workers(port->offload);
            parts->isolated |= port->flows.is_isolated ? 1u << k : 0;
        }
        parts->published = &workers->published;
        parts->counters = counters_file_worker(plan->counters, i);
        parts->counters->cpu = parts->cpu;
        parts->counters->node = parts->node;
        parts->counters->memory_node = memory_node(parts, workers->memory_size, &plan->images->layout);
        parts->counters->placement = placement_check(plan->eal, parts, (int)parts->counters->memory_node);
        parts->peers = counters_file_peers(plan->counters, i);
        parts->members = counters_file_members(plan->counters, i);
        parts->shared = &workers->shared;
        parts->captures = &plan->captures->places[i];
        parts->calls = call_records_ring(plan->records, i);
        parts->keys = *plan->keys;
        parts->dialogs_capacity = settings->dialogs_capacity;
        parts->transactions_capacity = settings->transactions_capacity;
        settle_files(parts, plan);
        if (make_filter(parts, plan, fault) < 0)
            return -ENOMEM;
        workers->workers[i] = worker_create(parts, fault->text, sizeof(fault->text));
        if (workers->workers[i] == NULL)
            return -EINVAL;
    }
    return 0;
}

int workers_create(struct workers *workers, const struct workers_plan *plan, struct fault *fault)
{
    int result;

    memset(workers, 0, sizeof(*workers));
    workers->count = plan->rules->settings->workers;
    workers->published.rules = plan->rules;
    workers->published.nexthops = plan->nexthops;
    workers->published.filter = plan->filter;
    for (unsigned i = 0; i < workers->count; i++) {
        workers->parts[i].cpu = eal_worker_cpu(plan->eal, i);
        workers->parts[i].node = eal_worker_node(plan->eal, i);
    }
    result = make_rings(workers, fault);
    if (result == 0)
        result = make_host_rings(workers, plan->rules, fault);
    if (result == 0)
        result = deal_queues(workers, plan->rules, plan->ports, fault);
    if (result == 0)
        result = make_ua_rings(workers, plan->rules->settings, fault);
    if (result == 0)
        result = make_memory(workers, plan->rules->settings, fault);
    if (result == 0)
        give_files(workers, plan->images);
    if (result == 0)
        result = make_shared(workers, plan, fault);
    if (result == 0)
        result = make_bans(workers, plan, fault);
    if (result == 0)
        result = make_workers(workers, plan, fault);
    if (result < 0)
        workers_destroy(workers);
    return result;
}

int workers_launch(struct workers *workers, struct fault *fault)
{
    for (unsigned i = 0; i < workers->count; i++) {
        int result = rte_eal_remote_launch(worker_run, workers->workers[i], eal_worker_lcore(i));

        if (result < 0)
            return fault_set(fault, -result, "worker %u did not start: %s", i, strerror(-result));
        workers->launched[i] = true;
    }
    return 0;
}

bool workers_stop(struct workers *workers)
{
    uint64_t deadline_ms = clock_ms() + STOP_MS;

    atomic_store(&workers->published.stop, true);
    for (unsigned i = 0; i < workers->count; i++) {
        while (workers->launched[i] && rte_eal_get_lcore_state(eal_worker_lcore(i)) == RUNNING) {
            if (clock_ms() > deadline_ms) {
                log_event(LOG_ERROR, "worker_stuck", "worker=%u", i);
                return false;
            }
            usleep(1000);
        }
        workers->launched[i] = false;
    }
    return true;
}

static void free_ring(struct rte_ring **ring, bool packets)
{
    void *item;

    while (packets && *ring != NULL && rte_ring_dequeue(*ring, &item) == 0)
        rte_pktmbuf_free(item);
    rte_ring_free(*ring);
    *ring = NULL;
}

void workers_destroy(struct workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++) {
        struct worker_parts *parts = &workers->parts[i];

        if (workers->workers[i] != NULL)
            worker_destroy(workers->workers[i]);
        for (unsigned j = 0; j < workers->count; j++) {
            free_ring(&parts->inbox[j], true);
            free_ring(&parts->tx_in[j], true);
        }
        free_ring(&parts->host.out, true);
        free_ring(&parts->host.back, true);
        free_ring(&parts->host.spare, true);
        free_ring(&parts->commands, false);
        free_ring(&parts->results, false);
        free_ring(&parts->asks, false);
        if (parts->filter != NULL)
            munmap(parts->filter, round_to_pages(sizeof(*parts->filter)));
        if (workers->memory[i] != NULL)
            munmap(workers->memory[i], workers->memory_size);
        if (workers->ua_memory[i] != NULL)
            munmap(workers->ua_memory[i], workers->ua_memory_size);
        free(workers->limits[i]);
        explicit_bzero(&parts->keys, sizeof(parts->keys));
    }
    workers->count = 0;
}
