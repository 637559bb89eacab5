// SPDX-License-Identifier: BSD-3-Clause
// What the program and its configuration keep between packets: whose buckets are used, bursts, reloads,
// droppers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "fixture.h"
#include "frame.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <cmocka.h>

static struct program program;
static struct xdp_socket xdp_socket;

static struct prefilter_buckets peer_buckets(uint32_t peer)
{
    struct prefilter_buckets buckets;

    assert_int_equal(bpf_map_lookup_elem(program.maps.fds[PREFILTER_MAP_BUCKETS], &peer, &buckets), 0);
    return buckets;
}

static bool has_stranger(const char *address, struct prefilter_stranger *buckets)
{
    struct ip_address key = IP_MAPPED(0);

    if (inet_pton(AF_INET, address, key.octets + 12) != 1)
        assert_int_equal(inet_pton(AF_INET6, address, key.octets), 1);
    return bpf_map_lookup_elem(program.maps.fds[PREFILTER_MAP_STRANGERS], &key, buckets) == 0;
}

static int run_text(const char *source, const char *payload, int times)
{
    const struct frame_spec spec = {.source = source, .destination = US, .port = 5060, .payload = payload};
    uint8_t frame[FRAME_MAX];

    return program_run(&program, frame, frame_build(&spec, frame), times);
}

// Full again. A bucket that a slower rule emptied stays empty for a tick of the clock.
static void fill_buckets(void)
{
    const struct prefilter_buckets none = {0};

    for (uint32_t i = 0; i < PREFILTER_BUCKETS; i++)
        assert_int_equal(bpf_map_update_elem(program.maps.fds[PREFILTER_MAP_BUCKETS], &i, &none, BPF_ANY), 0);
}

static void whose_buckets(void **state)
{
    struct prefilter_stranger own;
    struct image image;

    fill_buckets();
    image_usual(&image);
    program_configure(&program, &image);
    program_socket(&program, xdp_socket.fd);
    run_text(PEER, OPTIONS, 1);
    assert_true(peer_buckets(7).all != 0 && peer_buckets(7).invite == 0);
    run_text(PEER, INVITE, 1);
    assert_true(peer_buckets(7).invite != 0);
    assert_true(peer_buckets(8).all == 0 && peer_buckets(9).all == 0);
    assert_true(peer_buckets(PREFILTER_STRANGERS).all == 0);
    run_text("203.0.113.17", OPTIONS, 1);
    assert_true(peer_buckets(9).all != 0);
    run_text("203.0.116.1", OPTIONS, 1);
    assert_true(peer_buckets(PREFILTER_STRANGERS).all != 0);
    assert_true(has_stranger("203.0.116.1", &own) && own.all != 0 && own.invite == 0);

    // Refused by what all strangers share: no entry is spent on it.
    image.header.settings.prefilter.strangers.rate = 0;
    program_configure(&program, &image);
    run_text("203.0.116.2", OPTIONS, 1);
    assert_false(has_stranger("203.0.116.2", &own));
}

// A burst passes and no more than the rate after it. The clock runs: the bound is what it allows.
static void burst_then_rate(void **state)
{
    struct timespec begin, end;
    struct image image;

    image_usual(&image);
    image.peers[7].filter_all = (struct bucket_limit){1, 50};
    image.header.settings.prefilter.stranger = (struct bucket_limit){1, 20};
    image.header.settings.prefilter.strangers = (struct bucket_limit){1, 30};
    fill_buckets();
    program_configure(&program, &image);
    program_socket(&program, xdp_socket.fd);

    clock_gettime(CLOCK_MONOTONIC, &begin);
    uint64_t redirected = program_counter(&program, PREFILTER_REASON_REDIRECTED);
    uint64_t refused = program_counter(&program, PREFILTER_REASON_PEER_RATE);
    run_text(PEER, OPTIONS, 1000);
    redirected = program_counter(&program, PREFILTER_REASON_REDIRECTED) - redirected;
    refused = program_counter(&program, PREFILTER_REASON_PEER_RATE) - refused;
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_in_range(redirected, 50, 50 + (uint64_t)(end.tv_sec - begin.tv_sec) + 1);
    assert_int_equal(redirected + refused, 1000);

    // A loud stranger gets its own 20 and leaves the rest of the shared 30 to another one.
    clock_gettime(CLOCK_MONOTONIC, &begin);
    redirected = program_counter(&program, PREFILTER_REASON_REDIRECTED);
    run_text("203.0.117.1", OPTIONS, 1000);
    uint64_t first = program_counter(&program, PREFILTER_REASON_REDIRECTED) - redirected;
    run_text("203.0.117.2", OPTIONS, 1000);
    uint64_t both = program_counter(&program, PREFILTER_REASON_REDIRECTED) - redirected;
    clock_gettime(CLOCK_MONOTONIC, &end);
    uint64_t passed_s = (uint64_t)(end.tv_sec - begin.tv_sec) + 1;
    assert_in_range(first, 20, 20 + passed_s);
    assert_in_range(both, 30, 30 + 2 * passed_s);
    fill_buckets();
}

// Each load replaces the whole configuration, whichever half it falls on.
static void reload_swaps_all(void **state)
{
    static const char *const addresses[] = {"192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14"};
    uint8_t frame[FRAME_MAX];

    program_socket(&program, xdp_socket.fd);
    for (unsigned i = 0; i < 4; i++) {
        struct image image;

        image_init(&image);
        image_listener(&image, addresses[i], 5060, 0);
        image_deny(&image, addresses[i], 32);
        program_configure(&program, &image);
        for (unsigned j = 0; j < 4; j++) {
            struct frame_spec spec = {
                .source = PEER, .destination = addresses[j], .port = 5060, .payload = OPTIONS};

            assert_int_equal(program_run(&program, frame, frame_build(&spec, frame), 1),
                             j == i ? XDP_REDIRECT : XDP_PASS);
            spec.destination = addresses[i];
            spec.source = addresses[j];
            assert_int_equal(program_run(&program, frame, frame_build(&spec, frame), 1),
                             j == i ? XDP_DROP : XDP_REDIRECT);
        }
    }
}

static void failed_load_changes_nothing(void **state)
{
    char error[256] = "";
    struct image image;

    image_usual(&image);
    program_configure(&program, &image);
    program_socket(&program, xdp_socket.fd);
    image.header.settings.prefilter.mode = PREFILTER_OFF;
    for (unsigned twice = 0; twice < 2; twice++) {
        struct prefilter_port broken = program.port;

        broken.map_fds[PREFILTER_MAP_STEPS4] = -1;
        assert_true(prefilter_load(&broken, &image.header, 0, error, sizeof(error)) < 0);
        assert_non_null(strstr(error, "sources"));
        assert_int_equal(run_text(DENIED, OPTIONS, 1), XDP_DROP);
        assert_int_equal(run_text(PEER, OPTIONS, 1), XDP_REDIRECT);
    }
}

// More than are found without a lookup, of both families; none is found that is not there.
static void many_listeners(void **state)
{
    const unsigned count = PREFILTER_QUICK_MAX + 1, count6 = PREFILTER_QUICK6_MAX + 2;
    uint8_t frame[FRAME_MAX];
    struct image image;

    program_socket(&program, xdp_socket.fd);
    for (unsigned with = 1; with <= count; with++) {
        image_init(&image);
        for (unsigned i = 0; i < with; i++)
            image_listener(&image, US, (uint16_t)(6000 + i), 0);
        for (unsigned i = 0; i < with && i < count6; i++)
            image_listener(&image, US6, (uint16_t)(6000 + i), 0);
        program_configure(&program, &image);
        for (unsigned i = 0; i <= count; i++) {
            struct frame_spec spec = {
                .source = PEER, .destination = US, .port = (uint16_t)(6000 + i), .payload = OPTIONS};

            assert_int_equal(program_run(&program, frame, frame_build(&spec, frame), 1),
                             i < with ? XDP_REDIRECT : XDP_PASS);
            spec.source = PEER6;
            spec.destination = US6;
            assert_int_equal(program_run(&program, frame, frame_build(&spec, frame), 1),
                             i < with && i < count6 ? XDP_REDIRECT : XDP_PASS);
        }
    }
}

// Droppers are sampled: 8192 drops show up as 8192 give or take 8 standard deviations of the sampling.
static void droppers_are_noted(void **state)
{
    struct prefilter_dropper top[4];
    struct image image;

    image_usual(&image);
    program_configure(&program, &image);
    run_text("198.51.100.33", "x", 8192);
    run_text("198.51.100.34", "x", 100000);
    int count = prefilter_top(&program.maps, top, 4);
    assert_true(count >= 2);
    assert_string_equal(top[0].address, "198.51.100.34");
    assert_in_range(top[0].drops, 90000, 110000);
    assert_string_equal(top[1].address, "198.51.100.33");
    assert_in_range(top[1].drops, 8192 - 2830, 8192 + 2830);
    assert_int_equal(prefilter_top(&program.maps, top, 1), 1);
    assert_string_equal(top[0].address, "198.51.100.34");
    assert_int_equal(prefilter_top(&program.maps, top, 0), 0);
}

static void no_configuration_is_the_kernels(void **state)
{
    const char *path = *state;
    struct program fresh;
    const struct frame_spec spec = {.source = PEER, .destination = US, .port = 5060, .payload = OPTIONS};
    uint8_t frame[FRAME_MAX];

    program_load(&fresh, path);
    assert_int_equal(program_run(&fresh, frame, frame_build(&spec, frame), 1), XDP_PASS);
    assert_int_equal(program_counter(&fresh, PREFILTER_REASON_PASSED_TO_KERNEL), 1);
    program_unload(&fresh);
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
        cmocka_unit_test(whose_buckets),
        cmocka_unit_test(burst_then_rate),
        cmocka_unit_test(reload_swaps_all),
        cmocka_unit_test(failed_load_changes_nothing),
        cmocka_unit_test(many_listeners),
        cmocka_unit_test(droppers_are_noted),
        cmocka_unit_test_prestate(no_configuration_is_the_kernels, argv[1]),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
