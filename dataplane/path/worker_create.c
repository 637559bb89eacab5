// SPDX-License-Identifier: BSD-3-Clause
// What happens to a worker before its first turn and after its last.
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <rte_cycles.h>
#include "worker_core.h"

static size_t own_size(void)
{
    return (sizeof(struct worker) + 63) & ~(size_t)63;
}

static size_t fragments_size(void)
{
    return REASSEMBLE_DATAGRAMS * sizeof(struct reassembly_memory);
}

static size_t tags_size(uint32_t transactions_capacity)
{
    return ((size_t)transactions_capacity * sizeof(uint64_t) + 63) & ~(size_t)63;
}

size_t worker_memory(uint32_t dialogs_capacity, uint32_t transactions_capacity, uint32_t usages_capacity)
{
    size_t size = own_size() + fragments_size() + dialogs_private_memory(dialogs_capacity) +
                  transactions_memory(transactions_capacity);
    if (usages_capacity > 0)
        size += usages_memory(usages_capacity) + merged_memory(transactions_capacity) +
                tags_size(transactions_capacity);
    return size;
}

size_t worker_file_memory(uint32_t dialogs_capacity)
{
    return dialogs_file_memory(dialogs_capacity);
}

struct dialog_transitions *worker_transitions(struct worker *worker)
{
    return &worker->transitions;
}

struct member_transitions *worker_member_transitions(struct worker *worker)
{
    return &worker->probes.transitions;
}

struct unreachables *worker_unreachables(struct worker *worker)
{
    return &worker->unreachables;
}

struct suspects *worker_suspects(struct worker *worker)
{
    return &worker->suspects;
}

struct name_asks *worker_name_asks(struct worker *worker)
{
    return &worker->names.asks;
}

static uint64_t us_per_tsc_shifted(void)
{
    return ((uint64_t)1000000 << 32) / rte_get_tsc_hz();
}

static uint64_t tsc_us(uint64_t tsc)
{
    return (uint64_t)((unsigned __int128)tsc * us_per_tsc_shifted() >> 32);
}

uint64_t worker_tsc_us(void)
{
    return tsc_us(rte_rdtsc());
}

static void start_clock(struct worker *worker)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    worker->tsc_base = rte_rdtsc();
    worker->us_base = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    clock_gettime(CLOCK_REALTIME, &now);
    worker->wall_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 - worker->us_base;
    worker->us_per_tsc_shifted = us_per_tsc_shifted();
    worker->us_ahead_of_tsc = worker->us_base - tsc_us(worker->tsc_base);
    worker_clock(worker);
}

// memory: usages, the index of merged requests, tags.
static void make_ua(struct worker *worker, uint8_t *memory)
{
    const struct worker_parts *parts = &worker->parts;
    if (parts->usages_capacity == 0)
        return;
    usages_init(&worker->ua.usages, memory, parts->usages_capacity, &worker->arena, &worker->wheel);
    memory += usages_memory(parts->usages_capacity);
    merged_init(&worker->ua.merged, memory, parts->transactions_capacity, parts->keys.table);
    memory += merged_memory(parts->transactions_capacity);
    worker->ua.tags = (uint64_t *)(void *)memory;
}

static void take_queues(struct worker *worker, const struct worker_parts *parts)
{
    memcpy(worker->queues, parts->queues, parts->queue_count * sizeof(*parts->queues));
    worker->parts.queues = worker->queues;
    for (unsigned i = 0; i < parts->queue_count; i++)
        parts->counters->queues[i] = (struct counters_queue){.network = parts->queues[i].network,
                                                             .queue = parts->queues[i].queue,
                                                             .node = parts->queues[i].node};
    parts->counters->queue_count = parts->queue_count;
    for (unsigned network = 0; network < NETWORKS_MAX; network++)
        worker->queue_of[network] = -1;
    for (unsigned i = parts->queue_count; i-- > 0;)
        worker->queue_of[parts->queues[i].network] = (int)i;
}

struct worker *worker_create(const struct worker_parts *parts, char *error, size_t error_size)
{
    if (parts->queue_count > WORKER_QUEUES_MAX || parts->count > WORKERS_MAX || parts->id >= parts->count) {
        snprintf(error, error_size, "worker %u: %u queues are more than %u", parts->id, parts->queue_count,
                 WORKER_QUEUES_MAX);
        return NULL;
    }
    uint8_t *memory = parts->memory;
    struct worker *worker = (struct worker *)memory;
    memory += own_size();
    worker->parts = *parts;
    take_queues(worker, parts);
    int failed = arena_init(&worker->arena, parts->arena, parts->arena_size);
    if (failed != 0) {
        snprintf(error, error_size, "worker %u: arena of %zu octets: %s", parts->id, parts->arena_size,
                 strerror(-failed));
        return NULL;
    }
    reassemble_init(&worker->reassembler, (struct reassembly_memory *)(void *)memory,
                    parts->counters->values);
    memory += fragments_size();
    start_clock(worker);
    wheel_init(&worker->wheel, worker->now);
    probe_init(worker);
    capture_init(worker);
    const struct dialogs_place place = {.file = parts->file,
                                        .private = memory,
                                        .capacity = parts->dialogs_capacity,
                                        .key = parts->keys.table};
    dialogs_init(&worker->dialogs, &place, &worker->arena, &worker->wheel);
    worker->dialogs.transitions = &worker->transitions;
    memory += dialogs_private_memory(parts->dialogs_capacity);
    transactions_init(&worker->transactions, memory, parts->transactions_capacity, &worker->arena,
                      &worker->wheel);
    make_ua(worker, memory + transactions_memory(parts->transactions_capacity));
    worker->rules = parts->published->rules;
    worker->nexthops = parts->published->nexthops;
    worker->name_table = parts->published->names;
    worker->limits = (struct limits){.own = parts->id, .workers = parts->count};
    worker->view = (struct member_view){.limits = &worker->limits,
                                        .credits = worker->credits,
                                        .lately = worker->lately,
                                        .now = &worker->now,
                                        .workers = parts->count};
    for (unsigned i = 0; i < parts->count; i++) {
        worker->limits.words[i] = parts->shared->limits[i];
        worker->view.members[i] = parts->shared->members[i];
    }
    worker->began = worker->now;
    worker->mbufs_at_rest = rte_mempool_in_use_count(parts->pool);
    worker_settings(worker);
    parts->counters->cpu = parts->cpu;
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (worker == NULL)
        return;
    name_drop_held(worker);
    arena_fini(&worker->arena);
}
