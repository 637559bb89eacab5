// SPDX-License-Identifier: BSD-3-Clause
// Taking over the dialogs of a process that died: what a restart costs before the first packet (records), and
// until the older file can go (all of it, texts too).
#include "adopt.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define ARENA_OF  224u // octets of arena for a dialog, more than it needs
#define TEXT_MAX  96u

struct process {
    struct image_layout layout;
    uint8_t *file;
    void *private;
    struct arena arena;
    struct wheel wheel;
    struct dialogs dialogs;
    struct image image;
};

struct import {
    uint32_t count;
    uint64_t epoch;
    struct process *older, *newer;
};

static const struct siphash_key key = {{31, 32}};

static void *memory(size_t size)
{
    uint8_t *space = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED) {
        perror("memory");
        exit(1);
    }
    space += (HUGE_PAGE - (uintptr_t)space % HUGE_PAGE) % HUGE_PAGE;
    madvise(space, size, MADV_HUGEPAGE);
    madvise(space, size, MADV_POPULATE_WRITE);
    return space;
}

static struct process *process_new(uint32_t count)
{
    struct process *process = calloc(1, sizeof(*process));
    if (process == NULL)
        exit(1);
    process->layout = image_layout(count, (size_t)count * ARENA_OF + 4 * HUGE_PAGE);
    process->file = memory(process->layout.size);
    process->private = memory(dialogs_private_memory(count));
    return process;
}

// Like the agent at a start, but for the memory, which is there.
static void process_start(struct process *process, uint64_t epoch, uint32_t count)
{
    const struct image_identity identity = {.epoch = epoch, .workers = 1, .key = key};
    const struct dialogs_place place = {.file = process->file + process->layout.dialogs_offset,
                                        .private = process->private,
                                        .capacity = count,
                                        .key = key};
    memset(process->file, 0, process->layout.arena_offset);
    image_begin(process->file, &process->layout, &identity, count);
    wheel_init(&process->wheel, 1000);
    if (arena_init(&process->arena, process->file + process->layout.arena_offset,
                   process->layout.arena_octets) != 0)
        exit(1);
    dialogs_init(&process->dialogs, &place, &process->arena, &process->wheel);
    if (image_open(&process->image, process->file, process->layout.size, &identity) != IMAGE_FINE)
        exit(1);
}

static uint32_t text_of(uint64_t word, unsigned which, char text[TEXT_MAX])
{
    unsigned number = (unsigned)(word % 10000000000u);
    switch (which) {
    case DIALOG_TEXT_CALL_ID:
        return (uint32_t)snprintf(text, TEXT_MAX, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)word,
                                  (unsigned)(word >> 16) & 0xffff, (unsigned)word & 0xfff,
                                  (unsigned)(word >> 8) & 0xfff,
                                  (unsigned long long)(word * 0x9e3779b97f4a7c15u >> 16));
    case DIALOG_TEXT_CALLER_TAG:
    case DIALOG_TEXT_CALLEE_TAG:
        return (uint32_t)snprintf(text, TEXT_MAX, "%016llx", (unsigned long long)(word * (which * 2u + 1u)));
    case DIALOG_TEXT_CALLER_TARGET:
    case DIALOG_TEXT_CALLEE_TARGET:
        return (uint32_t)snprintf(text, TEXT_MAX, "sip:+%u@198.51.100.%u:5060", number, which);
    case DIALOG_TEXT_CALLER_ROUTES:
    case DIALOG_TEXT_CALLEE_ROUTES:
        return (uint32_t)snprintf(text, TEXT_MAX, "<sip:10.0.1.%u;lr>", which);
    default:
        return (uint32_t)snprintf(text, TEXT_MAX, "<sip:+%u@carrier-a.example.net>", number);
    }
}

// A confirmed dialog of the typical call.
static void add(struct process *process, uint64_t number)
{
    uint64_t word = (number + 1) * 0xbf58476d1ce4e5b9u;
    char octets[DIALOG_TEXT_COUNT][TEXT_MAX];
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = (struct dialog_string){octets[i], text_of(word, i, octets[i])};
    const struct dialog_birth birth = {
        .call_hash = siphash13(&key, texts[0].octets, texts[0].length),
        .texts = texts,
        .callee_peer = 1,
        .learnt = {{IP_MAPPED(0xc6336401u), 5060, 0}, {IP_MAPPED(0x0a000101u), 5060, 1}},
    };
    uint32_t index = dialog_create(&process->dialogs, &birth, 1000);
    if (index == INDEX_NONE) {
        fprintf(stderr, "no room for dialog %llu\n", (unsigned long long)number);
        exit(1);
    }
    dialog_step(&process->dialogs, index, DIALOG_ON_SUCCESS, 1000);
    dialog_step(&process->dialogs, index, DIALOG_ON_ACK, 1000);
}

static void *setup(const struct bench *bench)
{
    struct import *import = calloc(1, sizeof(*import));
    if (import == NULL)
        exit(1);
    import->count = (uint32_t)bench->size;
    import->older = process_new(import->count);
    import->newer = process_new(import->count);
    process_start(import->older, ++import->epoch, import->count);
    for (uint32_t i = 0; i < import->count; i++)
        add(import->older, i);
    return import;
}

static void process_free(struct process *process)
{
    munmap(process->file, process->layout.size);
    munmap(process->private, dialogs_private_memory(process->dialogs.capacity));
    free(process);
}

static void teardown(void *data)
{
    struct import *import = data;
    arena_fini(&import->older->arena);
    process_free(import->older);
    process_free(import->newer);
    free(import);
}

static struct adoption adopt(struct import *import)
{
    struct image *images[] = {&import->older->image};
    struct adoption adoption = {
        .set = &import->newer->dialogs, .workers = 1, .peers = 16, .members = UINT16_MAX};
    process_start(import->newer, ++import->epoch, import->count);
    image_settle(images, 1);
    adopt_records(&adoption, images, 1, 1001);
    if (adoption.taken != import->count)
        exit(1);
    return adoption;
}

static void run_records(void *data, uint64_t iterations)
{
    struct import *import = data;
    for (uint64_t i = 0; i < iterations; i++) {
        (void)adopt(import);
        arena_fini(&import->newer->arena);
    }
}

// Each process takes over from the one before.
static void run_all(void *data, uint64_t iterations)
{
    struct import *import = data;
    for (uint64_t i = 0; i < iterations; i++) {
        struct adoption adoption = adopt(import);
        while (adopt_texts(&adoption, 64) > 0) {
        }
        if (import->newer->dialogs.images_left != 0)
            exit(1);
        arena_fini(&import->older->arena);
        struct process *older = import->older;
        import->older = import->newer;
        import->newer = older;
    }
}

int main(int argc, char **argv)
{
    static const struct bench rows[] = {
        {.name = "import/records/100k", .size = 100000, .run = run_records, .items = 100000},
        {.name = "import/records/1M", .size = 1000000, .run = run_records, .items = 1000000},
        {.name = "import/all/100k", .size = 100000, .run = run_all, .items = 100000},
        {.name = "import/all/1M", .size = 1000000, .run = run_all, .items = 1000000},
    };
    static struct bench copies[sizeof(rows) / sizeof(rows[0])];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        copies[i] = rows[i];
        copies[i].setup = setup;
        copies[i].teardown = teardown;
        bench_add(&copies[i]);
    }
    return bench_main(argc, argv);
}
