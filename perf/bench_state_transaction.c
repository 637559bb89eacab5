// SPDX-License-Identifier: BSD-3-Clause
// The life of a transaction among a hundred thousand others, with the message that it keeps. And what a
// transaction costs in memory.
#include "bench_state.h"
#include "harness.h"
#include "transaction.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CAPACITY (1u << 18)
#define LIVE     100000u
#define OTHERS   (1u << 14)
#define REGION   ((size_t)512 << 20)
#define RESPONSE 360u       // octets of a response without body that is kept
#define INVITE   950u       // octets of an INVITE that is kept
#define COUNT    (1u << 18) // transactions whose memory is measured

struct core {
    struct wheel wheel;
    struct arena arena;
    struct transactions set;
    tick_t now;
    uint64_t key;
    uint32_t live[OTHERS];
};

static const uint8_t text[1024];

static uint32_t begin_server(struct core *core, enum transaction_kind kind, tick_t now)
{
    uint32_t index = transaction_create(&core->set, kind, bench_mix(core->key++), now);
    if (index == INDEX_NONE || transaction_keep(&core->set, index, text, RESPONSE) != 0)
        abort();
    return index;
}

static struct core *core_new(void)
{
    struct core *core = bench_memory(sizeof(*core));
    wheel_init(&core->wheel, 0);
    if (arena_init(&core->arena, bench_memory(REGION), REGION) != 0)
        abort();
    transactions_init(&core->set, bench_memory(transactions_memory(CAPACITY)), CAPACITY, &core->arena,
                      &core->wheel);
    return core;
}

static void *core_of(const struct bench *bench)
{
    static struct core *core;
    if (core == NULL) {
        core = core_new();
        for (uint32_t i = 0; i < LIVE; i++)
            (void)begin_server(core, TRANSACTION_INVITE_SERVER, 0);
        for (uint32_t i = 0; i < OTHERS; i++)
            core->live[i] = begin_server(core, TRANSACTION_SERVER, 0);
    }
    return core;
}

// The oldest of 16,384 ends, and a new one takes its place: created, answered, the answer kept.
static void run_server(void *data, uint64_t iterations)
{
    struct core *core = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t *place = &core->live[i % OTHERS];
        transaction_release(&core->set, *place);
        *place = begin_server(core, TRANSACTION_SERVER, 0);
        if (!(transaction_step(&core->set, *place, TRANSACTION_ON_SEND_2XX, 0) & TRANSACTION_DO_SEND))
            abort();
    }
}

// The same for an INVITE's client transaction: request kept, 180, 200, end.
static void run_invite_client(void *data, uint64_t iterations)
{
    struct core *core = data;
    struct transactions *set = &core->set;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t index = transaction_create(set, TRANSACTION_INVITE_CLIENT, bench_mix(core->key++), 0);
        if (index == INDEX_NONE || transaction_keep(set, index, text, INVITE) != 0)
            abort();
        transaction_step(set, index, TRANSACTION_ON_100, 0);
        transaction_step(set, index, TRANSACTION_ON_1XX, 0);
        transaction_step(set, index, TRANSACTION_ON_2XX, 0);
        transaction_step(set, index, TRANSACTION_ON_END, 0);
        transaction_release(set, index);
    }
}

// A step that changes neither state nor timer: what a repeated request costs.
static void run_repeat(void *data, uint64_t iterations)
{
    struct core *core = data;
    uint32_t first = transaction_find_server(&core->set, bench_mix(0));
    for (uint64_t i = 0; i < iterations; i++) {
        unsigned actions = transaction_step(&core->set, first + (uint32_t)i % 64, TRANSACTION_ON_REQUEST, 0);
        bench_keep(&actions);
    }
}

// Like a worker's memory: what was never touched costs nothing.
static void *untouched(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

// Octets of a transaction beyond the message that it keeps, when the set is full.
static double octets_beyond(enum transaction_kind kind, uint32_t kept)
{
    static struct core core;
    core = (struct core){.key = 1};
    size_t before = bench_resident();
    wheel_init(&core.wheel, 0);
    if (arena_init(&core.arena, untouched(REGION), REGION) != 0)
        abort();
    transactions_init(&core.set, untouched(transactions_memory(COUNT)), COUNT, &core.arena, &core.wheel);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t index = transaction_create(&core.set, kind, bench_mix(core.key++), 0);
        if (index == INDEX_NONE || transaction_keep(&core.set, index, text, kept) != 0)
            abort();
    }
    return (double)(bench_resident() - before) / COUNT - kept;
}

static double server_octets(const struct bench *bench)
{
    return octets_beyond(TRANSACTION_INVITE_SERVER, (uint32_t)bench->size);
}

static double client_octets(const struct bench *bench)
{
    return octets_beyond(TRANSACTION_INVITE_CLIENT, (uint32_t)bench->size);
}

static const struct bench benches[] = {
    {"transaction_server/100k", 0, NULL, .setup = core_of, .run = run_server},
    {"transaction_invite_client/100k", 0, NULL, .setup = core_of, .run = run_invite_client},
    {"transaction_repeat/100k", 0, NULL, .setup = core_of, .run = run_repeat},
    {"transaction_octets/invite-server", RESPONSE, .figure = server_octets, .unit = "octets"},
    {"transaction_octets/invite-client", INVITE, .figure = client_octets, .unit = "octets"},
};

void bench_state_transaction(void)
{
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
}
