// SPDX-License-Identifier: BSD-3-Clause
#include "wire.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include "command.h"

#define RING_SIZE   1024u
#define LARGE_MBUFS 15u
#define POOL_MBUFS  (WIRE_MBUFS_MAX - 1)

const struct endpoint wire_carrier = {IP_MAPPED(0x0a0a0101), 5060, 0};
const struct endpoint wire_phone = {IP_MAPPED(0x0a0a0107), 5070, 0};
const struct endpoint wire_carrier_b = {IP_MAPPED(0x0a0a0201), 5060, 0};
const struct endpoint wire_stranger = {IP_MAPPED(0x0a0a0909), 5060, 0};
const struct endpoint wire_sbc1 = {IP_MAPPED(0x0a14000b), 5060, 1};
const struct endpoint wire_sbc2 = {IP_MAPPED(0x0a14000c), 5060, 1};

// One EAL a process: ports and pool stay, workers come and go.
static struct rte_mempool *pool, *large_pool;
static struct rte_ring *rx[WIRE_NETWORKS][WIRE_QUEUES];
static struct rte_ring *tx[WIRE_NETWORKS][WIRE_QUEUES];
static uint16_t ports[WIRE_NETWORKS];

struct rte_mempool *wire_pool(void)
{
    return pool;
}

unsigned wire_take_mbufs(struct rte_mbuf *mbufs[WIRE_MBUFS_MAX], unsigned leave)
{
    unsigned n = rte_mempool_avail_count(pool) - leave;
    assert_int_equal(rte_pktmbuf_alloc_bulk(pool, mbufs, n), 0);
    return n;
}

struct rte_mempool *wire_large_pool(void)
{
    return large_pool;
}

static struct rte_ring *ring(const char *kind, unsigned a, unsigned b)
{
    static unsigned number; // a test that failed leaves its rings behind
    char name[RTE_RING_NAMESIZE];
    snprintf(name, sizeof(name), "%s%u_%u_%u", kind, a, b, number++);
    struct rte_ring *made = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    assert_non_null(made);
    return made;
}

static void make_port(unsigned network)
{
    char name[32];
    struct rte_eth_conf conf = {0};
    for (unsigned q = 0; q < WIRE_QUEUES; q++) {
        rx[network][q] = ring("wire_rx", network, q);
        tx[network][q] = ring("wire_tx", network, q);
    }
    snprintf(name, sizeof(name), "wire%u", network);
    int port = rte_eth_from_rings(name, rx[network], WIRE_QUEUES, tx[network], WIRE_QUEUES, 0);
    assert_true(port >= 0);
    ports[network] = (uint16_t)port;
    assert_int_equal(rte_eth_dev_configure(ports[network], WIRE_QUEUES, WIRE_QUEUES, &conf), 0);
    for (uint16_t q = 0; q < WIRE_QUEUES; q++) {
        assert_int_equal(rte_eth_rx_queue_setup(ports[network], q, 256, 0, NULL, pool), 0);
        assert_int_equal(rte_eth_tx_queue_setup(ports[network], q, 256, 0, NULL), 0);
    }
    assert_int_equal(rte_eth_dev_start(ports[network]), 0);
}

bool wire_boot(void)
{
    static char program[] = "test-path", no_huge[] = "--no-huge", no_pci[] = "--no-pci",
                no_shconf[] = "--no-shconf", memory_option[] = "-m", memory[] = "64",
                prefix_option[] = "--file-prefix", lcores_option[] = "--lcores", lcores[] = "0@(0-1023)",
                iova[] = "--iova-mode=va", log[] = "--log-level=error", no_telemetry[] = "--no-telemetry";
    static char prefix[64];
    char *arguments[] = {program, no_huge,       no_pci, no_shconf, memory_option, memory,      prefix_option,
                         prefix,  lcores_option, lcores, iova,      log,           no_telemetry};
    snprintf(prefix, sizeof(prefix), "dialgate-test-path-%d", (int)getpid());
    snprintf(lcores, sizeof(lcores), "0@0");
    if (rte_eal_init(RTE_DIM(arguments), arguments) < 0) {
        fprintf(stderr, "EAL does not start here: %s\n", rte_strerror(rte_errno));
        return false;
    }
    pool = rte_pktmbuf_pool_create("packets", POOL_MBUFS, 0, WORKER_MBUF_PRIVATE, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    large_pool = rte_pktmbuf_pool_create("large", LARGE_MBUFS, 0, WORKER_MBUF_PRIVATE, WORKER_LARGE_ROOM,
                                         SOCKET_ID_ANY);
    assert_non_null(pool);
    assert_non_null(large_pool);
    for (unsigned network = 0; network < WIRE_NETWORKS; network++)
        make_port(network);
    return true;
}

static void make_rings(struct wire *wire)
{
    for (unsigned to = 0; to < wire->count; to++) {
        struct worker_parts *parts = &wire->parts[to];
        for (unsigned from = 0; from < wire->count; from++) {
            if (from == to)
                continue;
            parts->inbox[from] = ring("inbox", from, to);
            parts->tx_in[from] = ring("tx_in", from, to);
            wire->parts[from].outbox[to] = parts->inbox[from];
            wire->parts[from].tx_out[to] = parts->tx_in[from];
        }
        parts->commands = ring("commands", to, to);
        parts->results = ring("results", to, to);
        char name[RTE_RING_NAMESIZE];
        snprintf(name, sizeof(name), "asks%u", to);
        parts->asks = rte_ring_create_elem(name, sizeof(struct worker_ask), WORKER_ASKS_SIZE, SOCKET_ID_ANY,
                                           RING_F_SP_ENQ | RING_F_SC_DEQ);
        assert_non_null(parts->asks);
    }
}

// Queue q of network n belongs to worker (n + q) modulo their number, as in the program.
static void deal_queues(struct wire *wire)
{
    for (unsigned network = 0; network < WIRE_NETWORKS; network++) {
        for (unsigned q = 0; q < wire->queues; q++) {
            unsigned owner = (network + q) % wire->count;
            wire->queue_rows[owner][wire->parts[owner].queue_count++] = (struct worker_queue){
                .port = ports[network], .queue = (uint16_t)q, .network = (uint8_t)network};
        }
        for (unsigned w = 0; w < wire->count; w++)
            wire->parts[w].tx_owner[network] =
                (uint8_t)(wire->queues == wire->count ? w : network % wire->count);
    }
}

static struct ua_ring *ua_ring(void)
{
    struct ua_ring *ring = aligned_alloc(64, sizeof(*ring) + 4 * UA_RING_MESSAGE_MAX);
    assert_non_null(ring);
    memset(ring, 0, sizeof(*ring));
    ring->size = 4 * UA_RING_MESSAGE_MAX;
    return ring;
}

static void make_worker(struct wire *wire, unsigned id, const struct wire_options *options)
{
    char error[256] = "";
    struct worker_parts *parts = &wire->parts[id];
    parts->id = id;
    parts->count = wire->count;
    parts->queues = wire->queue_rows[id];
    parts->pool = pool;
    parts->large = large_pool;
    parts->published = &wire->published;
    parts->counters = calloc(1, sizeof(*parts->counters));
    parts->peers = calloc(PEERS_MAX, sizeof(*parts->peers));
    parts->shared = &wire->shared;
    parts->keys = (struct cookie_keys){{{1, 2}}, {{3, 4}}, {{5, 6}}, 7};
    parts->dialogs_capacity = options->dialogs != 0 ? options->dialogs : 64;
    parts->transactions_capacity = options->transactions != 0 ? options->transactions : 128;
    parts->usages_capacity = options->usages;
    if (options->usages > 0) {
        parts->ua_commands = ua_ring();
        parts->ua_events = ua_ring();
        parts->ua_heard = &wire->heard;
    }
    size_t size =
        worker_memory(parts->dialogs_capacity, parts->transactions_capacity, parts->usages_capacity);
    size = (size + 63) / 64 * 64;
    wire->memory[id] = parts->memory = aligned_alloc(64, size);
    assert_non_null(parts->memory);
    memset(parts->memory, 0, size);
    size = worker_file_memory(parts->dialogs_capacity);
    wire->files[id] = parts->file = aligned_alloc(64, size);
    assert_non_null(parts->file);
    memset(parts->file, 0, size);
    parts->arena_size = wire->image.header.settings.arena_octets;
    wire->arenas[id] = parts->arena = aligned_alloc(2u << 20, parts->arena_size);
    assert_non_null(parts->arena);
    wire->workers[id] = worker_create(parts, error, sizeof(error));
    if (wire->workers[id] == NULL)
        fail_msg("%s", error);
    // The test alone turns the clock. It begins where 32 bits of ticks run over within seconds.
    wire->workers[id]->us_per_tsc_shifted = 0;
}

struct wire *wire_open(const struct wire_options *options)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    char error[256] = "";
    assert_non_null(wire);
    wire->count = options->workers != 0 ? options->workers : 1;
    wire->queues = options->queues != 0 ? options->queues : 1;
    wire->mbufs = rte_mempool_avail_count(pool);
    wire->large_mbufs = rte_mempool_avail_count(large_pool);
    struct reassembly_memory *pieces = calloc(REASSEMBLE_DATAGRAMS, sizeof(*pieces));
    assert_non_null(pieces);
    reassemble_init(&wire->reassembler, pieces, wire->reassembler_counters);
    image_make(&wire->image);
    for (unsigned network = 0; network < WIRE_NETWORKS; network++)
        wire->image.networks[network].queues = wire->queues;
    if (options->usages > 0)
        image_application(&wire->image);
    atomic_init(&wire->heard, 1);
    wire->published.rules = rules_create(&wire->image, sizeof(wire->image), error, sizeof(error));
    if (wire->published.rules == NULL)
        fail_msg("%s", error);
    make_rings(wire);
    deal_queues(wire);
    wire_ways_set(wire, &(struct wire_ways){0});
    for (unsigned i = 0; i < wire->count; i++) {
        wire->parts[i].members = calloc(MEMBERS_MAX, sizeof(*wire->parts[i].members));
        wire->limits[i] = calloc(LIMIT_ROWS, sizeof(*wire->limits[i]));
        wire->shared.members[i] = wire->parts[i].members;
        wire->shared.limits[i] = wire->limits[i];
    }
    for (unsigned i = 0; i < wire->count; i++)
        make_worker(wire, i, options);
    wire_ways_set(wire, &(struct wire_ways){0});
    return wire;
}

int wire_setup(void **state)
{
    *state = wire_open(&(struct wire_options){0});
    return 0;
}

int wire_setup_two(void **state)
{
    *state = wire_open(&(struct wire_options){.workers = 2});
    return 0;
}

int wire_teardown(void **state)
{
    wire_close(*state);
    return 0;
}

static uint32_t live(const struct wire *wire)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < wire->count; i++)
        n += wire->workers[i]->transactions.count + wire->workers[i]->dialogs.count;
    return n;
}

static void check_empty(const struct wire *wire, unsigned i)
{
    const struct worker *worker = wire->workers[i];
    assert_int_equal(worker->transactions.count, 0);
    assert_int_equal(worker->transactions.table.count, 0);
    assert_int_equal(worker->dialogs.count, 0);
    assert_int_equal(worker->dialogs.table.count, 0);
    assert_int_equal(worker->ua.usages.count, 0);
    assert_int_equal(worker->wheel.armed, 0);
    assert_int_equal(worker->arena.used, 0);
    for (unsigned p = 0; p < PEERS_MAX; p++) {
        assert_int_equal(wire->parts[i].peers[p].calls_in, 0);
        assert_int_equal(wire->parts[i].peers[p].calls_out, 0);
    }
    for (unsigned m = 0; m < MEMBERS_MAX; m++)
        assert_int_equal(wire->parts[i].members[m].calls, 0);
    for (unsigned row = 0; row < LIMIT_ROWS; row++)
        assert_int_equal(wire->limits[i][row].held, 0);
}

static void free_worker(struct wire *wire, unsigned i)
{
    struct worker_parts *parts = &wire->parts[i];
    worker_destroy(wire->workers[i]);
    for (unsigned from = 0; from < wire->count; from++) {
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
    free(wire->limits[i]);
    free(wire->memory[i]);
    free(wire->files[i]);
    free(wire->arenas[i]);
}

void wire_close(struct wire *wire)
{
    // A dialog lives for twelve hours at most, then its BYEs for half a minute.
    for (unsigned i = 0; i < 20000 && live(wire) > 0; i++)
        wire_pass_silently(wire, 2500);
    wire_pass_silently(wire, 1100); // what waits for a name is dropped
    wire_check(wire);
    for (unsigned i = 0; i < wire->count; i++)
        check_empty(wire, i);
    assert_int_equal(rte_mempool_avail_count(pool), wire->mbufs);
    assert_int_equal(rte_mempool_avail_count(large_pool), wire->large_mbufs);
    assert_int_equal(wire->reassembler.count, 0);
    free(wire->reassembler.memory);
    for (unsigned i = 0; i < wire->count; i++)
        free_worker(wire, i);
    rules_destroy(wire->published.rules);
    nexthop_destroy(wire->published.nexthops);
    name_table_destroy(wire->published.names);
    free(wire);
}

void wire_put_mbuf(unsigned network, struct rte_mbuf *mbuf)
{
    assert_int_equal(rte_ring_enqueue(rx[network][0], mbuf), 0);
}

void wire_put_frame_queue(struct wire *wire, const struct worker_queue *queue, const void *octets,
                          uint32_t length)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
    assert_non_null(mbuf);
    uint32_t first = wire->rx_segment != 0 && wire->rx_segment < length ? wire->rx_segment : length;
    assert_true(queue->queue < wire->queues);
    void *at = rte_pktmbuf_append(mbuf, (uint16_t)first);
    assert_non_null(at);
    memcpy(at, octets, first);
    if (first < length) {
        struct rte_mbuf *second = rte_pktmbuf_alloc(pool);
        assert_non_null(second);
        memcpy(rte_pktmbuf_append(second, (uint16_t)(length - first)), (const uint8_t *)octets + first,
               length - first);
        assert_int_equal(rte_pktmbuf_chain(mbuf, second), 0);
    }
    mbuf->ol_flags |= wire->rx_flags;
    assert_int_equal(
        rte_ring_enqueue(rx[wire->published.rules->ports.of[queue->network]][queue->queue], mbuf), 0);
}

void wire_put_frame(struct wire *wire, unsigned network, const void *octets, uint32_t length)
{
    wire_put_frame_queue(wire, &(struct worker_queue){.network = (uint8_t)network}, octets, length);
}

void wire_put_queue(struct wire *wire, unsigned queue, struct endpoint from, const char *text)
{
    uint8_t frame[WIRE_TEXT_MAX];
    uint32_t length = wire_frame(from, text, (uint32_t)strlen(text), frame);
    wire_put_frame_queue(wire,
                         &(struct worker_queue){.network = (uint8_t)from.listener, .queue = (uint16_t)queue},
                         frame, length);
}

void wire_put(struct wire *wire, struct endpoint from, const void *octets, uint32_t length)
{
    uint32_t tags = wire->workers[0]->tags[from.listener];
    if (tags != 0 || !ip_is_ipv4(&from.address)) {
        wire_put_any(wire, from, octets, length, &(struct wire_form){.mtu = 1500, .tags = tags});
        return;
    }
    uint8_t frame[WIRE_TEXT_MAX];
    wire_put_frame(wire, from.listener, frame, wire_frame(from, octets, length, frame));
}

void wire_send(struct wire *wire, struct endpoint from, const char *text)
{
    wire_put(wire, from, text, (uint32_t)strlen(text));
    wire_turn(wire);
}

static void turns(struct wire *wire, bool keep)
{
    // Received by one, owned by another, sent by the first: three turns of each are enough.
    for (unsigned round = 0; round < (wire->count > 1 ? 3u : 1u); round++) {
        for (unsigned i = 0; i < wire->count; i++)
            worker_turn(wire->workers[i]);
    }
    for (unsigned network = 0; network < WIRE_NETWORKS; network++) {
        for (unsigned q = 0; q < WIRE_QUEUES; q++)
            wire_drain(wire, tx[network][q], network, keep);
    }
}

void wire_turn(struct wire *wire)
{
    turns(wire, true);
}

void wire_turn_silently(struct wire *wire)
{
    turns(wire, false);
}

static void pass(struct wire *wire, uint64_t ms, bool keep)
{
    uint64_t step = keep ? 100 : 2500;
    for (uint64_t at = 0; at < ms; at += step) {
        for (unsigned i = 0; i < wire->count; i++)
            wire->workers[i]->us_base += RTE_MIN(step, ms - at) * 1000;
        turns(wire, keep);
    }
}

void wire_pass(struct wire *wire, uint64_t ms)
{
    pass(wire, ms, true);
}

void wire_pass_silently(struct wire *wire, uint64_t ms)
{
    pass(wire, ms, false);
}

uint64_t wire_count(const struct wire *wire, enum counter counter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < wire->count; i++)
        sum += wire->parts[i].counters->values[counter];
    return sum;
}

void wire_check(const struct wire *wire)
{
    static const enum counter_family families[COUNTER_COUNT] = {
#define C(name, family, labels, help) [COUNTER_##name] = FAMILY_##family,
        COUNTERS(C)
#undef C
    };
    uint64_t outcomes = 0;
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        if (families[i] == FAMILY_PACKETS)
            outcomes += wire_count(wire, i);
    }
    assert_int_equal(outcomes, wire_count(wire, COUNTER_RX_PACKETS));
}

void wire_reload(struct wire *wire)
{
    char error[256] = "";
    struct rules *rules = rules_create(&wire->image, sizeof(wire->image), error, sizeof(error));
    if (rules == NULL)
        fail_msg("%s", error);
    rules_destroy(wire->published.rules);
    wire->published.rules = rules;
    for (unsigned i = 0; i < wire->count; i++) {
        wire->workers[i]->rules = rules;
        worker_settings(wire->workers[i]);
    }
}

void wire_names(struct wire *wire, const struct name_row *rows, uint32_t count)
{
    struct name_table *before = wire->published.names;
    wire->published.names = name_table_create(before != NULL ? before->serial + 1 : 1, rows, count);
    assert_non_null(wire->published.names);
    for (unsigned i = 0; i < wire->count; i++)
        wire->workers[i]->name_table = wire->published.names;
    name_table_destroy(before);
}

uint32_t wire_asked(struct wire *wire)
{
    struct worker_ask ask;
    for (unsigned i = 0; i < wire->count; i++) {
        if (rte_ring_dequeue_elem(wire->parts[i].asks, &ask, sizeof(ask)) == 0)
            return ip_ipv4(&ask.address);
    }
    return 0;
}

void wire_command(struct wire *wire, unsigned worker, struct command *command)
{
    void *back = NULL;
    assert_int_equal(rte_ring_enqueue(wire->parts[worker].commands, command), 0);
    wire_turn(wire);
    assert_int_equal(rte_ring_dequeue(wire->parts[worker].results, &back), 0);
    assert_ptr_equal(back, command);
}
