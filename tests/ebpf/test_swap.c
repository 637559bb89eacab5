// SPDX-License-Identifier: BSD-3-Clause
// A configuration is swapped whole: two of 10,000 prefixes are loaded by turns while packets of these sources
// are judged on every CPU. Each has a peer of its own for all of them, and gives nothing to the other's peer
// nor to strangers: a packet that is judged by parts of both is dropped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "fixture.h"
#include "frame.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <cmocka.h>

#define PREFIXES    10000u
#define SWAPS_MAX   200u
#define SECONDS     3
#define PACKETS     16 // of one system call
#define JUDGES_MAX  4u
#define MS_PER_S    1000.0
#define NS_PER_MS   1000000.0
#define FIRST_24    0x0b000000u // 11.0.0.0/24 and those behind it
#define SOURCE_SIZE 16u

static struct program program;
static struct xdp_socket xdp_socket;

struct large {
    struct snapshot_header header;
    struct snapshot_listener listeners[1];
    struct snapshot_source sources[PREFIXES];
    struct snapshot_peer peers[2];
};

static struct large *images[2];

static struct ip_address prefix(uint32_t number)
{
    return (struct ip_address)IP_MAPPED(FIRST_24 + (number << 8));
}

static struct large *make(uint16_t peer)
{
    static const struct bucket_limit ample = {10000000, 1000000000}, none = {0, 1};
    struct large *image = calloc(1, sizeof(*image));
    struct snapshot_range *sections = image->header.sections;

    assert_non_null(image);
    image->header.sequence = peer + 1u;
    image->header.settings.prefilter = (struct snapshot_prefilter){.mode = PREFILTER_ENFORCE,
                                                                   .source_bits = 64,
                                                                   .stranger = ample,
                                                                   .stranger_invite = ample,
                                                                   .strangers = none,
                                                                   .strangers_fragment = none};
    sections[SECTION_LISTENERS] = (struct snapshot_range){offsetof(struct large, listeners), 1};
    sections[SECTION_SOURCES] = (struct snapshot_range){offsetof(struct large, sources), PREFIXES};
    sections[SECTION_PEERS] = (struct snapshot_range){offsetof(struct large, peers), 2};
    sections[SECTION_DENY].offset = sizeof(*image);
    image->listeners[0] = (struct snapshot_listener){.address = IP_MAPPED(0xc0000201), .port = 5060};
    for (uint32_t i = 0; i < PREFIXES; i++)
        image->sources[i] =
            (struct snapshot_source){.address = prefix(i), .length = IP_MAPPED_BITS + 24, .peer = peer};
    for (unsigned i = 0; i < 2; i++) {
        const struct bucket_limit limit = i == peer ? ample : none;

        image->peers[i] = (struct snapshot_peer){
            .flags = SNAPSHOT_PRESENT, .filter_all = limit, .filter_invite = limit, .filter_fragment = limit};
    }
    return image;
}

struct judge {
    pthread_t thread;
    unsigned number;
    uint64_t packets;
};

static atomic_bool over;

// Packets of all prefixes, until it is over.
static void *judge(void *argument)
{
    struct judge *judge = argument;
    uint8_t frame[FRAME_MAX];
    uint32_t at = judge->number * 977;

    while (!over) {
        const uint32_t octets = htonl(FIRST_24 + (at++ % PREFIXES << 8) + 7);
        char source[INET_ADDRSTRLEN];

        inet_ntop(AF_INET, &octets, source, sizeof(source));
        const struct frame_spec spec = {
            .source = source, .destination = US, .port = 5060, .payload = at % 2 ? OPTIONS : INVITE};

        program_run(&program, frame, frame_build(&spec, frame), PACKETS);
        judge->packets += PACKETS;
    }
    return NULL;
}

struct swaps {
    unsigned count;
    double longest_ms;
    double sum_ms;
    unsigned seen[2]; // loads under which packets of this peer came
};

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * MS_PER_S + (double)now.tv_nsec / NS_PER_MS;
}

static void swap(struct swaps *swaps)
{
    const double end_ms = now_ms() + SECONDS * MS_PER_S;
    uint64_t seen[2] = {0, 0};

    while (swaps->count < SWAPS_MAX && now_ms() < end_ms) {
        const unsigned which = swaps->count++ % 2;
        const double begin_ms = now_ms();
        char error[256] = "";

        if (prefilter_load(&program.port, &images[which]->header, 0, error, sizeof(error)))
            fail_msg("%s", error);
        const double took_ms = now_ms() - begin_ms;
        swaps->sum_ms += took_ms;
        swaps->longest_ms = took_ms > swaps->longest_ms ? took_ms : swaps->longest_ms;
        const uint64_t packets = program_tally(&program, !which, PREFILTER_TALLY_PASSED);
        swaps->seen[!which] += packets > seen[!which];
        seen[!which] = packets;
    }
}

static struct judge judges[JUDGES_MAX];
static unsigned judge_count;

static int begin(void **state)
{
    char error[256] = "";

    for (unsigned i = 0; i < 2; i++)
        if (prefilter_load(&program.port, &images[i]->header, 0, error, sizeof(error)))
            fail_msg("%s", error);
    over = false;
    for (unsigned i = 0; i < judge_count; i++) {
        judges[i].number = i;
        assert_int_equal(pthread_create(&judges[i].thread, NULL, judge, &judges[i]), 0);
    }
    return 0;
}

// Packets of all tests so far. Each was judged by one configuration or the other, and none is missing.
static uint64_t judged_whole(void)
{
    uint64_t packets = 0;

    over = true;
    for (unsigned i = 0; i < judge_count; i++) {
        pthread_join(judges[i].thread, NULL);
        packets += judges[i].packets;
    }
    for (unsigned i = 0; i < PREFILTER_REASON_COUNT; i++)
        if (i != PREFILTER_REASON_REDIRECTED && i != PREFILTER_REASON_CONTENDED)
            assert_int_equal(program_counter(&program, i), 0);
    assert_int_equal(program_counter(&program, PREFILTER_REASON_REDIRECTED) +
                         program_counter(&program, PREFILTER_REASON_CONTENDED),
                     packets);
    assert_int_equal(program_tally(&program, 0, PREFILTER_TALLY_PASSED) +
                         program_tally(&program, 1, PREFILTER_TALLY_PASSED),
                     packets);
    return packets;
}

static void loads_under_packets(void **state)
{
    struct swaps swaps = {0};

    swap(&swaps);
    printf("%u loads of %u prefixes under %llu packets on %u CPUs: %.1f ms each, the longest %.1f\n",
           swaps.count, PREFIXES, (unsigned long long)judged_whole(), judge_count, swaps.sum_ms / swaps.count,
           swaps.longest_ms);
    assert_true(swaps.count >= 4);
    assert_true(swaps.seen[0] + swaps.seen[1] >= swaps.count / 2);
}

// Both halves are filled, and only the word that names one changes, some million times: between any two steps
// of a verdict.
static void one_word_decides(void **state)
{
    const int fd = program.port.map_fds[PREFILTER_MAP_CONFIG];
    const double end_ms = now_ms() + SECONDS * MS_PER_S;
    const uint32_t zero = 0;
    struct prefilter_config config;
    uint64_t changes = 0;

    assert_int_equal(bpf_map_lookup_elem(fd, &zero, &config), 0);
    for (; now_ms() < end_ms; changes++) {
        config.active = !config.active;
        assert_int_equal(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), 0);
    }
    printf("%llu changes under %llu packets\n", (unsigned long long)changes,
           (unsigned long long)judged_whole());
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
    program_socket(&program, xdp_socket.fd);
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    judge_count = cpus < (long)JUDGES_MAX ? (unsigned)cpus : JUDGES_MAX;
    images[0] = make(0);
    images[1] = make(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(loads_under_packets, begin),
        cmocka_unit_test_setup(one_word_decides, begin),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(images[0]);
    free(images[1]);
    program_unload(&program);
    return failed;
}
