// SPDX-License-Identifier: BSD-3-Clause
// What records of calls cost a worker: the record of a call that ends, and what all of a call's dialog costs
// with records and without, where the difference is also that the answer's time is kept. The ring is read by
// nobody here: it is emptied when it is half full.
#include "call_ring.h"
#include "harness.h"
#include "worker_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD     1024u
#define CAPACITY 4096u
#define REGION   ((size_t)64 << 20)

struct core {
    struct worker worker;
    struct rules rules;
    struct snapshot_settings settings;
    uint32_t held[HELD];
};

static void *memory_of(size_t size)
{
    void *memory = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    if (memory == NULL) {
        fprintf(stderr, "bench_record: no memory for %zu octets\n", size);
        exit(1);
    }
    memset(memory, 0, size);
    return memory;
}

static uint32_t create(struct core *core, uint64_t number)
{
    char call_id[64], tag[32];
    snprintf(call_id, sizeof(call_id), "%08x-1b2c-4d5e-8f90-%012llx", (uint32_t)(number * 0x9e3779b9u),
             (unsigned long long)number * 7919);
    snprintf(tag, sizeof(tag), "%016llx", (unsigned long long)(number * 0x9e3779b97f4a7c15u));
#define TEXT(text)                                                                                           \
    {                                                                                                        \
        text, (uint32_t)strlen(text)                                                                         \
    }
    const struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALL_ID] = TEXT(call_id),
        [DIALOG_TEXT_CALLER_TAG] = TEXT(tag),
        [DIALOG_TEXT_CALLEE_TAG] = TEXT(""),
        [DIALOG_TEXT_CALLER_FROM] = TEXT("<sip:+14155550123@carrier-a.example.net>"),
        [DIALOG_TEXT_CALLEE_TO] = TEXT("<sip:+493055501234@sbc.example.com>"),
        [DIALOG_TEXT_CALLER_TARGET] = TEXT("sip:+14155550123@198.51.100.7:5060"),
        [DIALOG_TEXT_CALLEE_TARGET] = TEXT(""),
        [DIALOG_TEXT_CALLER_ROUTES] = TEXT("<sip:198.51.100.101;lr>"),
        [DIALOG_TEXT_CALLEE_ROUTES] = TEXT(""),
    };
    const struct dialog_birth birth = {
        .call_hash = number * 0x9e3779b97f4a7c15u,
        .texts = texts,
        .caller_peer = 1,
        .callee_peer = 2,
        .callee_member = 3,
        .cseq = 1,
        .counted = true,
        .learnt = {{IP_MAPPED(0xc6336407), 5060, 0}, {IP_MAPPED(0x0a000101), 5060, 1}},
        .invite = INDEX_NONE};
    return dialog_create(&core->worker.dialogs, &birth, core->worker.now);
}

// The 180 brings tag, target and routes; the 200 says it again, and settles it.
static void confirm(struct core *core, uint32_t index)
{
    const struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALLEE_TAG] = TEXT("a1b2c3d4e5f60718"),
        [DIALOG_TEXT_CALLEE_TARGET] = TEXT("sip:+493055501234@10.0.1.7:5060"),
        [DIALOG_TEXT_CALLEE_ROUTES] = TEXT("<sip:10.0.1.101;lr>")};
#undef TEXT
    bool wanted = call_record_wanted(&core->worker);
    struct dialogs *set = &core->worker.dialogs;
    for (unsigned answered = 0; answered < 2; answered++) {
        const struct dialog_change change = {.texts = texts,
                                             .early = !answered,
                                             .settles = answered,
                                             .rings = wanted && !answered,
                                             .answered = wanted && answered,
                                             .now = core->worker.now,
                                             .now_ms = call_record_ms(&core->worker)};
        if (index == INDEX_NONE || dialog_change(set, index, &change) != 0)
            abort();
        dialog_step(set, index, answered ? DIALOG_ON_SUCCESS : DIALOG_ON_PROVISIONAL, core->worker.now);
    }
    dialog_step(set, index, DIALOG_ON_ACK, core->worker.now);
}

static void end(struct core *core, uint32_t index)
{
    static const struct call_end bye = {true, CHANNEL_ENDER_CALLER, CHANNEL_REASON_BYE, .status = 487};
    struct call_ring *ring = core->worker.parts.calls;
    if (!call_record_is_due(&core->worker, index, DIALOG_ON_BYE))
        return;
    call_record_end(&core->worker, index, DIALOG_ON_BYE, &bye);
    if (ring->head - ring->tail > CALL_RING_OCTETS / 2)
        ring->tail = ring->head;
}

static void *core_of(const struct bench *bench)
{
    struct core *core = memory_of(sizeof(*core));
    struct worker *worker = &core->worker;
    core->settings.flags = bench->size != 0 ? SETTINGS_RECORDS : 0;
    core->rules.settings = &core->settings;
    worker->rules = &core->rules;
    worker->now = 1000;
    worker->now_us = (uint64_t)worker->now * TICK_MS * 1000 + 7000;
    worker->parts.calls = memory_of(sizeof(*worker->parts.calls));
    worker->parts.counters = memory_of(sizeof(*worker->parts.counters));
    wheel_init(&worker->wheel, worker->now);
    if (arena_init(&worker->arena, memory_of(REGION), REGION) != 0)
        abort();
    const struct dialogs_place place = {.file = memory_of(dialogs_file_memory(CAPACITY)),
                                        .private = memory_of(dialogs_private_memory(CAPACITY)),
                                        .capacity = CAPACITY,
                                        .key = {{5, 6}}};
    dialogs_init(&worker->dialogs, &place, &worker->arena, &worker->wheel);
    for (uint32_t i = 0; i < HELD; i++) {
        core->held[i] = create(core, i + 1);
        confirm(core, core->held[i]);
    }
    return core;
}

static void run_end(void *data, uint64_t iterations)
{
    struct core *core = data;
    for (uint64_t i = 0; i < iterations; i++)
        end(core, core->held[i % HELD]);
}

// INVITE, 180, 200, ACK, BYE and its 200.
static void run_life(void *data, uint64_t iterations)
{
    struct core *core = data;
    struct dialogs *set = &core->worker.dialogs;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t index = create(core, HELD + 1 + i);
        confirm(core, index);
        end(core, index);
        dialog_step(set, index, DIALOG_ON_BYE, core->worker.now);
        dialog_step(set, index, DIALOG_ON_BYE_DONE, core->worker.now);
        dialog_release(set, index);
    }
}

static const struct bench benches[] = {
    {"record_end/on", .size = 1, .setup = core_of, .run = run_end},
    {"record_end/off", .setup = core_of, .run = run_end},
    {"record_life/on", .size = 1, .setup = core_of, .run = run_life, .floor = "record_life/off"},
    {"record_life/off", .setup = core_of, .run = run_life},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
    return bench_main(argc, argv);
}
