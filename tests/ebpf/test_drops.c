// SPDX-License-Identifier: BSD-3-Clause
// What the program tells of drops: notes through its ring buffer, read as control reads them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include "fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include "control/drop_read.h"
#include "frame.h"

#define BURST_PACKETS (PREFILTER_DROP_SAMPLE * PREFILTER_DROPS_BURST * 2) // far more notes than are granted
#define RING_NOTES    (PREFILTER_DROPS_SIZE / (sizeof(struct prefilter_drop) + 8))

static struct program program;
static struct drop_ring ring;
static struct image image;

static int setup(void **state)
{
    program_load(&program, *state);
    image_usual(&image);
    program_configure(&program, &image);
    assert_int_equal(drop_ring_open(&ring, program.maps.fds[PREFILTER_MAP_DROPS]), 0);
    return 0;
}

static int teardown(void **state)
{
    drop_ring_close(&ring);
    program_unload(&program);
    return 0;
}

static void packets(const char *source, uint16_t port, const char *payload, int times)
{
    const struct frame_spec spec = {
        .source = source, .destination = strchr(source, ':') ? US6 : US, .port = port, .payload = payload};
    uint8_t frame[FRAME_MAX];
    program_run(&program, frame, frame_build(&spec, frame), times);
}

// The bucket of notes is full again; their numbers go on.
static void refill(void)
{
    const uint32_t row = PREFILTER_NOTES;
    struct prefilter_buckets notes;
    assert_int_equal(bpf_map_lookup_elem(program.port.map_fds[PREFILTER_MAP_BUCKETS], &row, &notes), 0);
    notes.all = 0;
    assert_int_equal(bpf_map_update_elem(program.port.map_fds[PREFILTER_MAP_BUCKETS], &row, &notes, 0), 0);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static unsigned read_all(struct prefilter_drop *last, struct drop_gap *gap)
{
    unsigned count = 0;
    for (; drop_ring_next(&ring, last); count++)
        drop_gap_add(gap, last->number);
    return count;
}

static struct prefilter_drop told(const char *source, uint16_t port, const char *payload)
{
    struct prefilter_drop drop = {0};
    struct drop_gap gap = {0};
    refill();
    packets(source, port, payload, BURST_PACKETS);
    assert_in_range(read_all(&drop, &gap), 1, BURST_PACKETS);
    return drop;
}

static void assert_address(const struct prefilter_address *address, const char *text)
{
    struct ip_address got;
    char buffer[INET6_ADDRSTRLEN];
    memcpy(&got, address, sizeof(got));
    bool ipv4 = ip_is_ipv4(&got);
    inet_ntop(ipv4 ? AF_INET : AF_INET6, got.octets + (ipv4 ? 12 : 0), buffer, sizeof(buffer));
    assert_string_equal(buffer, text);
}

static void each_field(void **state)
{
    static const struct {
        const char *source, *payload;
        uint16_t port, reason, class;
        const char *first; // PREFILTER_FIRST_OCTETS, zeros behind its end
    } rows[] = {
        {DENIED, "\x16\x03\x01 no SIP at all", 5060, PREFILTER_REASON_DENIED, PREFILTER_STRANGERS,
         "\x16\x03\x01 no SIP at al"},
        {STRANGER, "x", 5080, PREFILTER_REASON_NOT_SIP, PREFILTER_STRANGERS, "x"},
        {PEER, "fifteen:octets!", 5060, PREFILTER_REASON_NOT_SIP, 7, "fifteen:octets!"},
        {STRANGER6, "{no SIP either", 5060, PREFILTER_REASON_NOT_SIP, PREFILTER_STRANGERS, "{no SIP either"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char first[PREFILTER_FIRST_OCTETS + 1] = {0};
        uint64_t before = now_ns();
        struct prefilter_drop drop = told(rows[i].source, rows[i].port, rows[i].payload);
        strncpy(first, rows[i].first, PREFILTER_FIRST_OCTETS);
        assert_memory_equal(drop.first, first, PREFILTER_FIRST_OCTETS);
        assert_in_range(drop.time_ns, before, now_ns());
        assert_address(&drop.source, rows[i].source);
        assert_int_equal(drop.port, rows[i].port);
        assert_int_equal(drop.source_port, 5060);
        assert_int_equal(drop.reason, rows[i].reason);
        assert_int_equal(drop.class, rows[i].class);
        assert_int_equal(drop.dry_run, 0);
    }
}

static void dry_run_is_told(void **state)
{
    image.header.settings.prefilter.mode = PREFILTER_DRY_RUN;
    program_configure(&program, &image);
    struct prefilter_drop drop = told(DENIED, 5060, OPTIONS);
    assert_int_equal(drop.reason, PREFILTER_REASON_DENIED);
    assert_int_equal(drop.dry_run, 1);
}

// One in PREFILTER_DROP_SAMPLE, the burst at once and then the rate; numbers from 1 without a gap.
static void sampled_and_limited(void **state)
{
    struct prefilter_drop drop = {0};
    struct drop_gap gap = {0};
    uint64_t begun = now_ns();
    packets(DENIED, 5060, OPTIONS, 160);
    assert_in_range(read_all(&drop, &gap), 1, 60); // 10, and 16 standard deviations
    assert_int_equal(gap.before, 0);
    packets(DENIED, 5060, OPTIONS, BURST_PACKETS);
    read_all(&drop, &gap);
    uint64_t granted = PREFILTER_DROPS_BURST + (now_ns() - begun) / 10000000 + 1;
    assert_in_range(gap.seen, PREFILTER_DROPS_BURST, granted);
    assert_int_equal(drop_gap_lost(&gap), 0);
    assert_int_equal(gap.highest, gap.seen);
}

// Nobody reads: what finds the ring full is a gap in the numbers, and a new reader goes on where it is.
static void overrun_is_told(void **state)
{
    struct prefilter_drop drop = {0};
    struct drop_gap gap = {0};
    for (unsigned i = 0; i < RING_NOTES / PREFILTER_DROPS_BURST + 3; i++) {
        refill();
        packets(DENIED, 5060, OPTIONS, BURST_PACKETS);
    }
    assert_in_range(read_all(&drop, &gap), RING_NOTES - 2, RING_NOTES);
    assert_int_equal(drop_gap_lost(&gap), 0); // the newest are missing
    drop_ring_close(&ring);
    assert_int_equal(drop_ring_open(&ring, program.maps.fds[PREFILTER_MAP_DROPS]), 0);
    refill();
    packets(DENIED, 5060, OPTIONS, BURST_PACKETS);
    assert_in_range(read_all(&drop, &gap), 1, BURST_PACKETS);
    assert_in_range(drop_gap_lost(&gap), PREFILTER_DROPS_BURST, 4 * PREFILTER_DROPS_BURST);
    assert_int_equal(gap.highest, gap.seen + drop_gap_lost(&gap));
}

// The position in the shared page is another's word for it: nonsense there costs notes and no more.
static void position_is_not_trusted(void **state)
{
    struct prefilter_drop drop;
    struct drop_gap gap = {0};
    static const uint64_t positions[] = {UINT64_MAX, 4, 1ull << 40, 12, 8};
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        refill();
        packets(DENIED, 5060, OPTIONS, BURST_PACKETS);
        *ring.consumer = positions[i];
        drop_ring_close(&ring);
        assert_int_equal(drop_ring_open(&ring, program.maps.fds[PREFILTER_MAP_DROPS]), 0);
        read_all(&drop, &gap);
        read_all(&drop, &gap); // what looks unfinished is waited for once
        assert_int_equal(*ring.consumer, *ring.producer);
    }
    refill();
    packets(DENIED, 5060, OPTIONS, BURST_PACKETS);
    assert_in_range(read_all(&drop, &gap), PREFILTER_DROPS_BURST, BURST_PACKETS);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (!fixture_namespace()) {
        fprintf(stderr, "skipped: needs root, namespaces and veth\n");
        return FIXTURE_SKIP;
    }
#define T(name) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, argv[1])
    const struct CMUnitTest tests[] = {T(each_field), T(dry_run_is_told), T(sampled_and_limited),
                                       T(overrun_is_told), T(position_is_not_trusted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
