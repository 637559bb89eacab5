// SPDX-License-Identifier: BSD-3-Clause
// The prefilter's verdict by BPF_PROG_TEST_RUN: what one packet costs at the driver, with what the kernel's
// own loop around the program costs as the floor. The program is loaded with the capabilities of the data
// plane; rows that end in -perfmon with CAP_PERFMON beside them, which spares it the barriers against
// speculation. It needs root.
#include "fixture.h"
#include "frame.h"
#include "harness.h"
#include "prefixes.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>

#define RUNS_MAX 20000u // packets of one system call

static const char *elf;

struct measured {
    struct program program;
    uint8_t frame[FRAME_MAX];
    size_t length;
};

enum load { LOAD_DATAPLANE, LOAD_PERFMON };

// Of this thread while the program is loaded: the verifier asks for the effective ones.
static void load(struct program *program, enum load with)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2], few[2];

    syscall(SYS_capget, &header, all);
    memcpy(few, all, sizeof(few));
    few[0].effective = 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | 1u << CAP_IPC_LOCK;
    few[1].effective = 1u << (CAP_BPF - 32) | (with == LOAD_PERFMON ? 1u << (CAP_PERFMON - 32) : 0);
    syscall(SYS_capset, &header, few);
    program_load(program, elf);
    syscall(SYS_capset, &header, all);
}

struct row {
    struct bench bench;
    enum load load;
    struct frame_spec frame;
    unsigned no_strangers; // their bucket is empty
};

static void *setup(const struct bench *bench)
{
    const struct row *row = bench->with;
    struct measured *measured = calloc(1, sizeof(*measured));
    struct prefixes_image *image = calloc(1, sizeof(*image));

    if (geteuid() != 0 || measured == NULL || image == NULL) {
        free(measured);
        free(image);
        return NULL;
    }
    load(&measured->program, row->load);
    prefixes_make(image, bench->size, row->no_strangers);
    program_configure(&measured->program, &image->image);
    free(image);
    measured->length = frame_build(&row->frame, measured->frame);
    return measured;
}

static void run(void *data, uint64_t iterations)
{
    const struct measured *measured = data;

    while (iterations > 0) {
        const uint64_t runs = iterations < RUNS_MAX ? iterations : RUNS_MAX;

        program_run(&measured->program, measured->frame, measured->length, (int)runs);
        iterations -= runs;
    }
}

static void teardown(void *data)
{
    struct measured *measured = data;

    program_unload(&measured->program);
    free(measured);
}

// A program that only says XDP_PASS.
static void *setup_floor(const struct bench *bench)
{
    const struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
                                    {.code = BPF_JMP | BPF_EXIT}};
    const struct frame_spec spec = {.source = PEER, .destination = US, .port = 5060, .payload = OPTIONS};
    struct measured *measured = calloc(1, sizeof(*measured));

    if (geteuid() != 0 || measured == NULL) {
        free(measured);
        return NULL;
    }
    measured->program.fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "floor", "GPL", pass, 2, NULL);
    measured->length = frame_build(&spec, measured->frame);
    return measured;
}

static void teardown_floor(void *data)
{
    struct measured *measured = data;

    close(measured->program.fd);
    free(measured);
}

#define FLOOR "floor_program/pass"
static const struct bench floor_row = {
    .name = FLOOR, .setup = setup_floor, .run = run, .teardown = teardown_floor};

#define FRAME(source_, payload_)                                                                             \
    {                                                                                                        \
        .source = source_, .destination = US, .port = 5060, .payload = payload_                              \
    }
#define KERNELS                                                                                              \
    {                                                                                                        \
        .source = PEER, .destination = US, .port = 5061, .payload = OPTIONS                                  \
    }
#define ROW(name_, prefixes, load_, no_strangers_, ...)                                                      \
    {                                                                                                        \
        {.name = "prefilter_" name_,                                                                         \
         .size = prefixes,                                                                                   \
         .setup = setup,                                                                                     \
         .run = run,                                                                                         \
         .teardown = teardown,                                                                               \
         .floor = FLOOR},                                                                                    \
            load_, __VA_ARGS__, no_strangers_                                                                \
    }

static struct row rows[] = {
    ROW("to_kernel/20", 20, LOAD_DATAPLANE, 0, KERNELS),
    ROW("peer/20", 20, LOAD_DATAPLANE, 0, FRAME(PEER, OPTIONS LONG)),
    ROW("peer/20-perfmon", 20, LOAD_PERFMON, 0, FRAME(PEER, OPTIONS LONG)),
    ROW("peer_invite/20", 20, LOAD_DATAPLANE, 0, FRAME(PEER, INVITE LONG)),
    ROW("peer/10k", 10000, LOAD_DATAPLANE, 0, FRAME(PEER, OPTIONS LONG)),
    ROW("peer/10k-perfmon", 10000, LOAD_PERFMON, 0, FRAME(PEER, OPTIONS LONG)),
    ROW("peer6/20", 20, LOAD_DATAPLANE, 0,
        {.source = PEER6, .destination = US6, .port = 5060, .payload = OPTIONS LONG}),
    ROW("peer6/20-perfmon", 20, LOAD_PERFMON, 0,
        {.source = PEER6, .destination = US6, .port = 5060, .payload = OPTIONS LONG}),
    ROW("refused_stranger/20", 20, LOAD_DATAPLANE, 1, FRAME(STRANGER, OPTIONS LONG)),
    ROW("refused_stranger/20-perfmon", 20, LOAD_PERFMON, 1, FRAME(STRANGER, OPTIONS LONG)),
    ROW("not_sip/20", 20, LOAD_DATAPLANE, 0, FRAME(PEER, "<not SIP at all>" LONG)),
    ROW("denied/20", 20, LOAD_DATAPLANE, 0, FRAME(DENIED, OPTIONS LONG)),
};

int main(int argc, char **argv)
{
    elf = PERF_PREFILTER;
    bench_add(&floor_row);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rows[i].bench.with = &rows[i];
        bench_add(&rows[i].bench);
    }
    return bench_main(argc, argv);
}
