// SPDX-License-Identifier: BSD-3-Clause
// Dialogs: a step, a life, finding one of a million, and what a confirmed one costs in memory. The call is
// the typical one: a UUID as Call-ID, tags of 16 hexadecimal digits, numbers at a carrier's and an SBC's
// host, one Record-Route each way.
#include "dialog.h"
#include "harness.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HELD     1000000u
#define CAPACITY 1048576u
#define REGION   ((size_t)1 << 30)
#define HOT      1024u
#define BURST    32u
#define LOOKUPS  65536u
#define WANTED   128u
#define TEXT_MAX 64u

static bool placed; // by an application

struct core {
    struct wheel wheel;
    struct arena arena;
    struct dialogs set;
    uint64_t next;   // number of the next call
    uint32_t *index; // of held calls
    uint64_t *number;
};

static uint64_t mix(uint64_t number)
{
    uint64_t z = number * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// Like a worker's memory: what was never touched costs nothing.
static void *memory_of(size_t size, int advice)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, "bench_dialog: no memory for %zu octets\n", size);
        exit(1);
    }
    (void)madvise(memory, size, advice); // a wish
    return memory;
}

struct call {
    char octets[DIALOG_TEXT_COUNT][TEXT_MAX];
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    uint64_t hash;
};

static void set_text(struct call *call, enum dialog_text which, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void set_text(struct call *call, enum dialog_text which, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = vsnprintf(call->octets[which], TEXT_MAX, format, list);
    va_end(list);
    call->texts[which] = (struct dialog_string){call->octets[which], (uint32_t)length};
}

// 26 letters of a Call-ID of ours, or as many of them as a tag has.
static void set_word(struct call *call, enum dialog_text which, const char *begin, const uint64_t random[2],
                     int length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    char word[27] = {0};
    for (unsigned i = 0; i < 26; i++)
        word[i] = letters[random[i / 13] >> 5 * (i % 13) & 31];
    set_text(call, which, "%s%.*s", begin, length, word);
}

// What an application's call has of its own side (path/ua_place.c): that side's route set is empty.
static void make_placed(struct call *call, uint64_t a, uint64_t b)
{
    set_word(call, DIALOG_TEXT_CALL_ID, "", (uint64_t[]){a, b}, 26);
    set_word(call, DIALOG_TEXT_CALLER_TAG, "0002", (uint64_t[]){mix(a), 0}, 13);
    set_text(call, DIALOG_TEXT_CALLER_FROM, "<sip:desk@203.0.113.10:5060>");
    set_text(call, DIALOG_TEXT_CALLER_TARGET, "sip:10.0.0.10:5060");
    call->texts[DIALOG_TEXT_CALLER_ROUTES].length = 0;
}

static void call_of(uint64_t number, struct call *call)
{
    uint64_t a = mix(2 * number), b = mix(2 * number + 1);
    unsigned from = (unsigned)(a % 10000000), to = (unsigned)(b % 10000000);
    set_text(call, DIALOG_TEXT_CALL_ID, "%08x-%04x-%04x-%04x-%012llx", (uint32_t)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff), (unsigned)(b >> 48),
             (unsigned long long)(b & 0xffffffffffff));
    set_text(call, DIALOG_TEXT_CALLER_TAG, "%016llx", (unsigned long long)mix(a));
    set_text(call, DIALOG_TEXT_CALLEE_TAG, "%016llx", (unsigned long long)mix(b));
    set_text(call, DIALOG_TEXT_CALLER_FROM, "<sip:+1415%07u@carrier-a.example.net>", from);
    set_text(call, DIALOG_TEXT_CALLEE_TO, "<sip:+4930%07u@sbc.example.com>", to);
    set_text(call, DIALOG_TEXT_CALLER_TARGET, "sip:+1415%07u@198.51.100.%u:5060", from, (unsigned)(a % 8));
    set_text(call, DIALOG_TEXT_CALLEE_TARGET, "sip:+4930%07u@10.0.1.%u:5060", to, (unsigned)(b % 8));
    set_text(call, DIALOG_TEXT_CALLER_ROUTES, "<sip:198.51.100.%u;lr>", 100 + (unsigned)(a % 4));
    set_text(call, DIALOG_TEXT_CALLEE_ROUTES, "<sip:10.0.1.%u;lr>", 100 + (unsigned)(b % 4));
    if (placed)
        make_placed(call, a, b);
    call->hash = mix(a ^ b);
}

static uint32_t create(struct core *core, const struct call *call)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    memcpy(texts, call->texts, sizeof(texts));
    texts[DIALOG_TEXT_CALLEE_TAG].length = 0;
    texts[DIALOG_TEXT_CALLEE_TARGET].length = 0;
    texts[DIALOG_TEXT_CALLEE_ROUTES].length = 0;
    const struct dialog_birth birth = {
        .call_hash = call->hash,
        .texts = texts,
        .caller_peer = 1,
        .callee_peer = 2,
        .callee_member = 3,
        .cseq = 1,
        .learnt = {{IP_MAPPED(0xc6336407), 5060, 0}, {IP_MAPPED(0x0a000101), 5060, 1}},
        .invite = INDEX_NONE};
    return dialog_create(&core->set, &birth, core->wheel.now);
}

// The 180 brings tag and target, the 200 the routes as well; then ACK.
static void confirm(struct core *core, uint32_t index, const struct call *call)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALLEE_TAG] = call->texts[DIALOG_TEXT_CALLEE_TAG],
        [DIALOG_TEXT_CALLEE_TARGET] = call->texts[DIALOG_TEXT_CALLEE_TARGET]};
    for (unsigned i = 0; i < 2; i++) {
        const struct dialog_change change = {.texts = texts, .early = i == 0, .settles = i == 1};
        if (i == 1)
            texts[DIALOG_TEXT_CALLEE_ROUTES] = call->texts[DIALOG_TEXT_CALLEE_ROUTES];
        if (index == INDEX_NONE || dialog_change(&core->set, index, &change) != 0)
            abort();
        dialog_step(&core->set, index, i == 0 ? DIALOG_ON_PROVISIONAL : DIALOG_ON_SUCCESS, core->wheel.now);
    }
    dialog_step(&core->set, index, DIALOG_ON_ACK, core->wheel.now);
}

static void hold(struct core *core, uint32_t at)
{
    struct call call;
    core->number[at] = core->next++;
    call_of(core->number[at], &call);
    core->index[at] = create(core, &call);
    confirm(core, core->index[at], &call);
}

static struct core *core_new(int advice)
{
    struct core *core = memory_of(sizeof(*core), advice);
    wheel_init(&core->wheel, 1000);
    if (arena_init(&core->arena, memory_of(REGION, advice), REGION) != 0)
        abort();
    const struct dialogs_place place = {.file = memory_of(dialogs_file_memory(CAPACITY), advice),
                                        .private = memory_of(dialogs_private_memory(CAPACITY), advice),
                                        .capacity = CAPACITY,
                                        .key = {{5, 6}}};
    dialogs_init(&core->set, &place, &core->arena, &core->wheel);
    core->index = memory_of(HELD * sizeof(*core->index), advice);
    core->number = memory_of(HELD * sizeof(*core->number), advice);
    memset(core->index, 0, HELD * sizeof(*core->index));
    memset(core->number, 0, HELD * sizeof(*core->number));
    return core;
}

static void *core_of(const struct bench *bench)
{
    static struct core *core;
    if (core == NULL) {
        core = core_new(MADV_HUGEPAGE);
        for (uint32_t i = 0; i < HELD; i++)
            hold(core, i);
    }
    return core;
}

// BYE and its challenge by turns: a change of state, of the timer, and the commit, on records in the cache.
static void run_step(void *data, uint64_t iterations)
{
    struct core *core = data;
    for (uint64_t i = 0; i < iterations; i++) {
        enum dialog_event event = i / HOT % 2 == 0 ? DIALOG_ON_BYE : DIALOG_ON_BYE_CHALLENGED;
        unsigned actions = dialog_step(&core->set, core->index[i % HOT], event, core->wheel.now);
        bench_keep(&actions);
    }
    for (uint64_t i = 0; i < HOT; i++)
        dialog_step(&core->set, core->index[i], DIALOG_ON_BYE_CHALLENGED, core->wheel.now);
}

// What these steps do with the wheel, without the rest: every second one moves its timer.
static void run_step_timer(void *data, uint64_t iterations)
{
    struct core *core = data;
    for (uint64_t i = 0; i < iterations; i++)
        if (i / HOT % 2 == 0)
            wheel_arm(&core->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, core->index[i % HOT]),
                      core->wheel.now + core->set.life.terminating);
}

// The commit by way of the journal: a higher CSeq.
static void run_see(void *data, uint64_t iterations)
{
    static uint32_t cseq = 10;
    struct core *core = data;
    for (uint64_t i = 0; i < iterations; i++) {
        cseq += i % HOT == 0;
        dialog_see(&core->set, core->index[i % HOT],
                   &(struct dialog_seen){.side = DIALOG_CALLER, .cseq = cseq});
    }
}

// INVITE, 180, 200, ACK, BYE and its 200, beside the held ones.
static void run_life(void *data, uint64_t iterations)
{
    enum { CALLS = 4096 };
    static struct call calls[CALLS];
    struct core *core = data;
    if (calls[0].hash == 0)
        for (unsigned i = 0; i < CALLS; i++)
            call_of(core->next++, &calls[i]);
    for (uint64_t i = 0; i < iterations; i++) {
        const struct call *call = &calls[i % CALLS];
        uint32_t index = create(core, call);
        confirm(core, index, call);
        dialog_see(&core->set, index, &(struct dialog_seen){.side = DIALOG_CALLER, .cseq = 2});
        dialog_step(&core->set, index, DIALOG_ON_BYE, core->wheel.now);
        dialog_step(&core->set, index, DIALOG_ON_BYE_DONE, core->wheel.now);
        dialog_release(&core->set, index);
    }
}

// Requests inside of held dialogs, in an order without pattern, made before they are timed.
struct lookups {
    struct core *core;
    struct dialog_id *ids;
    char (*octets)[WANTED]; // Call-ID and tags one after another, as a parsed message has them at hand
    bool ahead;             // with the prefetch of a burst
};

static struct dialog_string put(char **octets, const struct call *call, enum dialog_text which)
{
    struct dialog_string text = {*octets, call->texts[which].length};
    memcpy(*octets, call->texts[which].octets, text.length);
    *octets += text.length;
    return text;
}

static void *lookups_of(const struct bench *bench)
{
    struct lookups *lookups = calloc(1, sizeof(*lookups));
    lookups->core = core_of(bench);
    lookups->ids = calloc(LOOKUPS, sizeof(*lookups->ids));
    lookups->octets = calloc(LOOKUPS, WANTED);
    lookups->ahead = bench->size != 0;
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        uint32_t at = (uint32_t)(mix(i + 77) % HELD);
        struct call call;
        call_of(lookups->core->number[at], &call);
        char *octets = lookups->octets[i];
        lookups->ids[i] = (struct dialog_id){.call_hash = call.hash,
                                             .call_id = put(&octets, &call, DIALOG_TEXT_CALL_ID),
                                             .from_tag = put(&octets, &call, DIALOG_TEXT_CALLEE_TAG),
                                             .to_tag = put(&octets, &call, DIALOG_TEXT_CALLER_TAG),
                                             .peer = 2};
        if (bench->with != NULL) {
            lookups->ids[i].has_hint = true;
            lookups->ids[i].hint = lookups->core->index[at];
            lookups->ids[i].hint_generation =
                (uint16_t)dialog_at(&lookups->core->set, lookups->core->index[at])->generation;
        }
    }
    return lookups;
}

static void run_find(void *data, uint64_t iterations)
{
    const struct lookups *lookups = data;
    const struct dialogs *set = &lookups->core->set;
    uint64_t hashes[BURST];
    for (uint64_t i = 0; i < iterations; i++) {
        const struct dialog_id *ids = &lookups->ids[i * BURST % LOOKUPS];
        for (unsigned k = 0; k < BURST; k++)
            hashes[k] = ids[k].call_hash;
        if (lookups->ahead)
            dialogs_prefetch(set, hashes, BURST);
        for (unsigned k = 0; k < BURST; k++) {
            enum dialog_side side;
            if (dialog_find(set, &ids[k], &side) == INDEX_NONE || side != DIALOG_CALLEE)
                abort();
        }
    }
}

static void lookups_free(void *data)
{
    struct lookups *lookups = data;
    free(lookups->ids);
    free(lookups->octets);
    free(lookups);
}

// A confirmed dialog, everything counted: record, block, interned texts, table, wheel, allocator. Then
// fifteen of sixteen are released at random and made anew, three times over.
struct octets {
    double fresh, churned;
};

static struct octets octets_measured(bool by_application)
{
    placed = by_application;
    size_t before = bench_resident();
    struct core *core = core_new(MADV_NOHUGEPAGE);
    before += HELD * (sizeof(*core->index) + sizeof(*core->number)); // the benchmark's own
    for (uint32_t i = 0; i < HELD; i++)
        hold(core, i);
    struct octets octets = {.fresh = (double)(bench_resident() - before) / HELD};
    for (unsigned round = 1; round <= 3; round++) {
        for (uint32_t i = 0; i < HELD; i++)
            if (mix((uint64_t)round << 32 | i) % 16 != 0) {
                dialog_release(&core->set, core->index[i]);
                core->index[i] = INDEX_NONE;
            }
        for (uint32_t i = 0; i < HELD; i++)
            if (core->index[i] == INDEX_NONE)
                hold(core, i);
    }
    octets.churned = (double)(bench_resident() - before) / HELD;
    placed = false;
    return octets;
}

static const struct octets *octets_of(const struct bench *bench)
{
    static struct octets of_peers, of_application;
    struct octets *octets = bench->with != NULL ? &of_application : &of_peers;
    if (octets->fresh == 0)
        *octets = octets_measured(bench->with != NULL);
    return octets;
}

static double fresh(const struct bench *bench)
{
    return octets_of(bench)->fresh;
}

static double churned(const struct bench *bench)
{
    return octets_of(bench)->churned;
}

static const struct bench benches[] = {
    {"dialog_step/hot", .setup = core_of, .run = run_step, .floor = "dialog_step_timer/hot"},
    {"dialog_step_timer/hot", .setup = core_of, .run = run_step_timer},
    {"dialog_see/hot", .setup = core_of, .run = run_see},
    {"dialog_life/1M", .setup = core_of, .run = run_life},
    {"dialog_find_hint/1M", .with = "hint", .setup = lookups_of, .run = run_find, .teardown = lookups_free,
     .items = BURST},
    {"dialog_find_table/1M", .setup = lookups_of, .run = run_find, .teardown = lookups_free, .items = BURST},
    {"dialog_find_hint_ahead/1M", .size = 1, .with = "hint", .setup = lookups_of, .run = run_find,
     .teardown = lookups_free, .items = BURST},
    {"dialog_find_table_ahead/1M", .size = 1, .setup = lookups_of, .run = run_find, .teardown = lookups_free,
     .items = BURST},
    {"dialog_octets/fresh", .figure = fresh, .unit = "octets"},
    {"dialog_octets/churned", .figure = churned, .unit = "octets"},
    {"dialog_octets/application", .with = "application", .figure = fresh, .unit = "octets"},
    {"dialog_octets/application-churned", .with = "application", .figure = churned, .unit = "octets"},
};

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
    return bench_main(argc, argv);
}
