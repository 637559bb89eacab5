// SPDX-License-Identifier: BSD-3-Clause
// The dataplane may write the file at any moment, its header too: the geometry is copied and checked once,
// and only the copy is used afterwards. F_SEAL_SHRINK makes sure that the mapped pages stay.
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct counters {
    struct counters_header header;
    const uint8_t *map;
    size_t size;
};

static int fault(char *error, size_t size, const char *text)
{
    snprintf(error, size, "counters refused: %s", text);
    return -EPROTO;
}

// Of a worker's block: behind its members, aligned.
static uint64_t filter_offset(const struct counters_header *h)
{
    return ((uint64_t)h->members_offset + (uint64_t)h->members_max * sizeof(struct counters_member) + 63) &
           ~(uint64_t)63;
}

static uint64_t notes_offset(const struct counters_header *h)
{
    return filter_offset(h) + sizeof(struct counters_filter);
}

static int check(const struct counters_header *h, uint64_t file_size, char *error, size_t size)
{
    if (h->magic != COUNTERS_MAGIC || h->version != COUNTERS_VERSION || h->counter_count != COUNTER_COUNT ||
        h->histograms != HISTOGRAM_COUNT)
        return fault(error, size, "made by another release; install the same release of both programs");
    if (h->workers == 0 || h->workers > WORKERS_MAX || h->peers_max > PEERS_MAX ||
        h->members_max > MEMBERS_MAX || h->networks_max > NETWORKS_MAX)
        return fault(error, size, "workers, peers, members or networks out of range");
    if (h->worker_offset % 8 || h->worker_stride % 8 || h->peers_offset % 8 || h->members_offset % 8 ||
        h->agent_offset % 8)
        return fault(error, size, "an offset is not aligned");
    uint64_t agent_end = (uint64_t)h->agent_offset + sizeof(struct counters_agent) +
                         (uint64_t)h->networks_max * sizeof(struct counters_network);
    if (h->agent_offset < sizeof(*h) || h->worker_offset < agent_end ||
        h->peers_offset < sizeof(struct counters_worker))
        return fault(error, size, "blocks overlap");
    uint64_t peers_end = (uint64_t)h->peers_offset + (uint64_t)h->peers_max * sizeof(struct counters_peer);
    if (h->members_offset < peers_end || notes_offset(h) + sizeof(struct filter_notes) > h->worker_stride)
        return fault(error, size, "a worker's block is smaller than its parts");
    if ((uint64_t)h->worker_offset + (uint64_t)h->workers * h->worker_stride > file_size)
        return fault(error, size, "the file is smaller than its header says");
    return 0;
}

int counters_open(int fd, struct counters **counters, char *error, size_t size)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK))
        return fault(error, size, "not a memfd sealed against shrinking");
    if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(struct counters_header))
        return fault(error, size, "the file is shorter than its header");
    struct counters *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->size = (size_t)status.st_size;
    void *map = mmap(NULL, made->size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        int cause = errno;
        free(made);
        snprintf(error, size, "counters not mapped: errno %d", cause);
        return -cause;
    }
    made->map = map;
    made->header = *(const volatile struct counters_header *)map;
    int result = check(&made->header, made->size, error, size);
    if (result < 0) {
        counters_close(made);
        return result;
    }
    *counters = made;
    return 0;
}

void counters_close(struct counters *counters)
{
    if (!counters)
        return;
    munmap((void *)(uintptr_t)counters->map, counters->size);
    free(counters);
}

static const uint8_t *block(const struct counters *counters, uint32_t worker)
{
    return counters->map + counters->header.worker_offset + (size_t)worker * counters->header.worker_stride;
}

static const struct counters_worker *worker_block(const struct counters *counters, uint32_t worker)
{
    return (const struct counters_worker *)(const void *)block(counters, worker);
}

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static int64_t load_signed(const int64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

uint32_t counters_workers(const struct counters *counters)
{
    return counters->header.workers;
}

uint64_t counters_start_time_s(const struct counters *counters)
{
    return counters->header.start_time_s;
}

uint64_t counters_value(const struct counters *counters, uint32_t worker, enum counter counter)
{
    return load(&worker_block(counters, worker)->values[counter]);
}

uint64_t counters_cpu(const struct counters *counters, uint32_t worker)
{
    return load(&worker_block(counters, worker)->cpu);
}

uint64_t counters_busy_us(const struct counters *counters, uint32_t worker)
{
    return load(&worker_block(counters, worker)->histograms[HISTOGRAM_TURN].sum);
}

uint64_t counters_placement(const struct counters *counters, uint32_t worker)
{
    return __atomic_load_n(&worker_block(counters, worker)->placement, __ATOMIC_RELAXED);
}

struct counters_nodes counters_nodes(const struct counters *counters, uint32_t worker)
{
    const struct counters_worker *block = worker_block(counters, worker);
    return (struct counters_nodes){__atomic_load_n(&block->node, __ATOMIC_RELAXED),
                                   __atomic_load_n(&block->memory_node, __ATOMIC_RELAXED)};
}

bool counters_queue(const struct counters *counters, uint32_t worker, uint32_t index,
                    struct counters_queue *queue)
{
    const struct counters_worker *block = worker_block(counters, worker);
    if (index >= COUNTERS_QUEUES_MAX || index >= __atomic_load_n(&block->queue_count, __ATOMIC_RELAXED))
        return false;
    *queue = (struct counters_queue){__atomic_load_n(&block->queues[index].received, __ATOMIC_RELAXED),
                                     block->queues[index].network, block->queues[index].queue,
                                     block->queues[index].node};
    return true;
}

uint64_t counters_sum(const struct counters *counters, enum counter counter)
{
    uint64_t sum = 0;
    for (uint32_t worker = 0; worker < counters->header.workers; worker++)
        sum += counters_value(counters, worker, counter);
    return sum;
}

struct counters_peer counters_peer(const struct counters *counters, uint32_t peer)
{
    struct counters_peer sum = {0};
    if (peer >= counters->header.peers_max)
        return sum;
    for (uint32_t worker = 0; worker < counters->header.workers; worker++) {
        const void *peers = block(counters, worker) + counters->header.peers_offset;
        const struct counters_peer *one = (const struct counters_peer *)peers + peer;
        for (uint32_t i = 0; i < PEER_METHOD_COUNT; i++)
            sum.requests[i] += load(&one->requests[i]);
        for (uint32_t i = 0; i < PEER_CLASSES; i++)
            sum.responses[i] += load(&one->responses[i]);
        sum.calls_in_total += load(&one->calls_in_total);
        sum.calls_out_total += load(&one->calls_out_total);
        sum.answered_in_total += load(&one->answered_in_total);
        sum.answered_out_total += load(&one->answered_out_total);
        sum.calls_in += load_signed(&one->calls_in);
        sum.calls_out += load_signed(&one->calls_out);
        sum.refused_in_total += load(&one->refused_in_total);
        sum.refused_out_total += load(&one->refused_out_total);
    }
    return sum;
}

struct counters_member counters_member(const struct counters *counters, uint32_t member)
{
    struct counters_member sum = {0};
    if (member >= counters->header.members_max)
        return sum;
    for (uint32_t worker = 0; worker < counters->header.workers; worker++) {
        const void *members = block(counters, worker) + counters->header.members_offset;
        const struct counters_member *one = (const struct counters_member *)members + member;
        sum.calls_total += load(&one->calls_total);
        sum.answered_total += load(&one->answered_total);
        sum.timeouts_total += load(&one->timeouts_total);
        sum.calls += load_signed(&one->calls);
        sum.failovers_total += load(&one->failovers_total);
        if (worker != member % counters->header.workers)
            continue;
        sum.health_since_ms = load(&one->health_since_ms);
        sum.health = __atomic_load_n(&one->health, __ATOMIC_RELAXED);
        sum.reason = __atomic_load_n(&one->reason, __ATOMIC_RELAXED);
        sum.probes_failed = __atomic_load_n(&one->probes_failed, __ATOMIC_RELAXED);
        sum.probes = load(&one->probes);
    }
    return sum;
}

struct histogram_sum counters_histogram(const struct counters *counters, enum histogram histogram)
{
    struct histogram_sum sum = {0};
    for (uint32_t worker = 0; worker < counters->header.workers; worker++) {
        const struct counters_histogram *one = &worker_block(counters, worker)->histograms[histogram];
        for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
            uint64_t value = load(&one->buckets[i]);
            sum.buckets[i] += value;
            sum.count += value;
        }
        sum.sum += load(&one->sum);
    }
    return sum;
}

uint64_t histogram_quantile(const struct histogram_sum *histogram, double share)
{
    uint64_t seen = 0;
    if (histogram->count == 0)
        return 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += histogram->buckets[i];
        if ((double)seen >= share * (double)histogram->count)
            return histogram_bound(i);
    }
    return UINT64_MAX;
}

struct counters_agent counters_agent(const struct counters *counters)
{
    const void *place = counters->map + counters->header.agent_offset;
    const struct counters_agent *agent = place;
    struct counters_agent copy = {.mbufs_used = load(&agent->mbufs_used),
                                  .mbufs_capacity = load(&agent->mbufs_capacity),
                                  .bans = load(&agent->bans),
                                  .bans_refused = load(&agent->bans_refused),
                                  .host_reads = load(&agent->host_reads),
                                  .host_read_failures = load(&agent->host_read_failures),
                                  .host_asks_dropped = load(&agent->host_asks_dropped),
                                  .addresses_missing = load(&agent->addresses_missing),
                                  .memory_refused = load(&agent->memory_refused)};
    for (unsigned rule = 0; rule < BAN_RULE_COUNT; rule++) {
        copy.bans_begun[rule] = load(&agent->bans_begun[rule]);
        copy.bans_told[rule] = load(&agent->bans_told[rule]);
    }
    return copy;
}

struct counters_network counters_network(const struct counters *counters, uint32_t network)
{
    struct counters_network copy = {0};
    if (network >= counters->header.networks_max)
        return copy;
    const void *place = counters->map + counters->header.agent_offset + sizeof(struct counters_agent);
    const struct counters_network *one = (const struct counters_network *)place + network;
#define N(field, name, type, help) copy.field = load(&one->field);
    NETWORK_COUNTERS(N)
#undef N
    copy.offload = load(&one->offload);
    return copy;
}

static const struct counters_filter *filter_of(const struct counters *counters, uint32_t worker)
{
    const void *place = counters->map + counters->header.worker_offset +
                        (size_t)worker * counters->header.worker_stride + filter_offset(&counters->header);
    return place;
}

void counters_filter(const struct counters *counters, uint32_t network,
                     uint64_t values[PREFILTER_REASON_COUNT])
{
    memset(values, 0, PREFILTER_REASON_COUNT * sizeof(*values));
    for (uint32_t worker = 0; worker < counters->header.workers && network < COUNTERS_FILTER_NETWORKS;
         worker++)
        for (uint32_t reason = 0; reason < PREFILTER_REASON_COUNT; reason++)
            values[reason] += load(&filter_of(counters, worker)->reasons[network][reason]);
}

void counters_class(const struct counters *counters, uint32_t class, uint64_t values[PREFILTER_TALLY_COUNT])
{
    memset(values, 0, PREFILTER_TALLY_COUNT * sizeof(*values));
    for (uint32_t worker = 0; worker < counters->header.workers && class < PREFILTER_CLASSES; worker++)
        for (uint32_t tally = 0; tally < PREFILTER_TALLY_COUNT; tally++)
            values[tally] += load(&filter_of(counters, worker)->classes[class][tally]);
}

const struct filter_notes *counters_notes(const struct counters *counters, uint32_t worker)
{
    const void *place = block(counters, worker) + notes_offset(&counters->header);
    return place;
}
