// SPDX-License-Identifier: BSD-3-Clause
// The program's verdicts, one row a branch, by BPF_PROG_TEST_RUN on the ELF that was built. An AF_XDP socket
// is bound in a namespace of the test's own, so that a packet that passes ends in a real XDP_REDIRECT. Limits
// are emptied by rate 0, which does not depend on the clock.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "fixture.h"
#include "frame.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include "vectors.h"
#include "verdict.h"

static struct program program;
static struct xdp_socket xdp_socket;

// CLOCK_MONOTONIC; 0: for ever.
static uint64_t ban_until(const struct vector *row)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (row->set & BAN)
        return 0;
    return ((uint64_t)now.tv_sec + (row->set & BAN_HOUR ? 3600 : 0)) * BUCKET_NS_PER_S;
}

static bool has_ban(const struct vector *row)
{
    return row->set & (BAN | BAN_HOUR | BAN_OVER);
}

static int verdict_of(enum prefilter_reason reason)
{
    if (reason == PREFILTER_REASON_PASSED_TO_KERNEL)
        return XDP_PASS;
    if (reason == PREFILTER_REASON_REDIRECTED || reason >= PREFILTER_FIRST_DRY_RUN)
        return XDP_REDIRECT;
    return XDP_DROP;
}

static uint64_t tallies_sum(void)
{
    uint64_t sum = 0;

    for (uint32_t class = 0; class < PREFILTER_CLASSES;
         class = class == IMAGE_PEERS ? PREFILTER_STRANGERS : class + 1)
        for (unsigned i = 0; i < PREFILTER_TALLY_COUNT; i++)
            sum += program_tally(&program, class, (enum prefilter_tally)i);
    return sum;
}

static uint64_t tally_of(const struct vector *row)
{
    uint32_t class = vector_class(row);

    return class < PREFILTER_CLASSES ? program_tally(&program, class, verdict_tally(row->reason)) : 0;
}

// A row passes when its verdict is right and its counter, and no other, moved by one; and likewise of its
// class.
static unsigned check_row(const struct vector *row)
{
    uint64_t before[PREFILTER_REASON_COUNT], after[PREFILTER_REASON_COUNT];
    uint8_t frame[FRAME_MAX];
    struct image image;
    unsigned faults = 0;

    vector_image(row, &image);
    program_configure(&program, &image);
    if (has_ban(row))
        program_ban(&program, vector_banned(row), vector_ban_bits(row), ban_until(row));
    program_socket(&program, row->set & NO_SOCKET ? -1 : xdp_socket.fd);
    size_t length = frame_build(&row->frame, frame);

    assert_int_equal(prefilter_read_counters(&program.maps, before), 0);
    uint64_t own = tally_of(row), all = tallies_sum();
    int verdict = program_run(&program, frame, length, 1);
    const unsigned classed = vector_class(row) < PREFILTER_CLASSES;
    if (tally_of(row) != own + classed || tallies_sum() != all + classed) {
        print_error("%s: class %u, row %u: not counted, or elsewhere\n", row->name, vector_class(row),
                    verdict_tally(row->reason));
        faults++;
    }
    assert_int_equal(prefilter_read_counters(&program.maps, after), 0);
    for (unsigned i = 0; i < PREFILTER_REASON_COUNT; i++) {
        uint64_t expected = before[i] + (i == row->reason);
        if (after[i] != expected) {
            print_error("%s: reason %u moved by %ld\n", row->name, i, (long)(after[i] - before[i]));
            faults++;
        }
    }
    if (verdict != verdict_of(row->reason)) {
        print_error("%s: verdict %d, expected %d\n", row->name, verdict, verdict_of(row->reason));
        faults++;
    }
    if (has_ban(row))
        program_unban(&program, vector_banned(row), vector_ban_bits(row));
    return faults;
}

// The same row with a payload that fills the program's look at it: the program reads long payloads in place
// and copies short ones. Octets after what decides change nothing, but for payloads that end where they
// decide.
static unsigned check_long_row(const struct vector *row)
{
    struct vector longer = *row;
    char payload[256];

    if (row->frame.payload_length || row->frame.cut || row->frame.pad || row->frame.udp_length ||
        strspn(row->frame.payload, "\r\n") == strlen(row->frame.payload))
        return 0;
    snprintf(payload, sizeof(payload), "%s%064d", row->frame.payload, 0);
    longer.frame.payload = payload;
    return check_row(&longer);
}

static void every_branch(void **state)
{
    bool seen[PREFILTER_REASON_COUNT] = {false};
    unsigned faults = 0;

    for (size_t i = 0; i < vectors_count; i++) {
        faults += check_row(&vectors[i]) + check_long_row(&vectors[i]);
        seen[vectors[i].reason] = true;
    }
    assert_int_equal(faults, 0);
    // Contention needs two CPUs at one bucket within nanoseconds: its arithmetic has a test with threads.
    for (unsigned i = 0; i < PREFILTER_REASON_COUNT; i++)
        if (!seen[i] && i != PREFILTER_REASON_CONTENDED)
            fail_msg("no row for reason %u", i);
    print_message("%zu rows\n", vectors_count);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (!fixture_namespace()) {
        fprintf(stderr, "skipped: needs root, namespaces and veth\n");
        return FIXTURE_SKIP;
    }
    program_load(&program, argv[1]);
    socket_open(&xdp_socket, FIXTURE_NEAR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_branch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
