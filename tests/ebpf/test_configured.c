// SPDX-License-Identifier: BSD-3-Clause
// From the text of a configuration to the verdict: compiled, loaded, run. What a peer's own limits let
// through, and what they leave to its other messages and to other peers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "fixture.h"
#include "frame.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include "config.h"
#include "manifest.h"

// Rates of 1 a second: what passes is the burst, and one packet for each second that the test takes.
#define LOUD_ALL    200u
#define LOUD_INVITE 20u
#define TEXT                                                                                                 \
    "networks: {n: {interface: " FIXTURE_NEAR "}}\n"                                                         \
    "listeners:\n"                                                                                           \
    "  - {name: a, network: n, address: " US "}\n"                                                           \
    "  - {name: b, network: n, address: '" US6 "'}\n"                                                        \
    "peers:\n"                                                                                               \
    "  - {name: quiet, listener: a, sources: [203.0.113.0/24]}\n"                                            \
    "  - name: loud\n"                                                                                       \
    "    listener: [a, b]\n"                                                                                 \
    "    sources: [198.51.100.0/24, '2001:db8:7::/48']\n"                                                    \
    "    prefilter: {rate: 1, burst: 200, invite_rate: 1, invite_burst: 20, fragment_rate: 1, "              \
    "fragment_burst: 10}\n"                                                                                  \
    "prefilter:\n"                                                                                           \
    "  peer: {rate: 1, burst: 1000}\n"                                                                       \
    "  peer_invite: {rate: 1, burst: 500}\n"                                                                 \
    "  peer_fragment: {rate: 1, burst: 100}\n"

#define LOUD   "198.51.100.1"
#define LOUD6  "2001:db8:7::5"
#define QUIET  "203.0.113.1"
#define BYE    "BYE sip:bob@example.com SIP/2.0\r\n"
#define ACK    "ACK sip:bob@example.com SIP/2.0\r\n"
#define ANSWER "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n"

static struct program program;
static struct xdp_socket xdp_socket;
static struct manifest *manifest;
static struct timespec began;

static void load(const char *text)
{
    static uint64_t sequence;
    char error[512] = "";
    struct config *config = config_parse(text, strlen(text), "t", error, sizeof(error));
    const struct compile_input input = {.config = config, .manifest = manifest, .sequence = ++sequence};
    size_t size = 0;
    int fd = -1;

    if (config == NULL || config_compile(&input, &fd, &size, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    config_free(config);
    const struct snapshot_header *image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(image != MAP_FAILED);
    if (prefilter_load(&program.port, image, 0, error, sizeof(error)))
        fail_msg("%s", error);
    munmap((void *)(uintptr_t)image, size);
    close(fd);
}

// Every bucket full again.
static int begin(void **state)
{
    const struct prefilter_buckets none = {0};

    for (uint32_t i = 0; i < PREFILTER_BUCKETS; i++)
        assert_int_equal(bpf_map_update_elem(program.maps.fds[PREFILTER_MAP_BUCKETS], &i, &none, BPF_ANY), 0);
    load(TEXT);
    clock_gettime(CLOCK_MONOTONIC, &began);
    return 0;
}

// How many of `times` packets pass.
static uint64_t passed(const char *source, const char *payload, int times)
{
    const bool ipv6 = strchr(source, ':') != NULL;
    const struct frame_spec spec = {
        .source = source, .destination = ipv6 ? US6 : US, .port = 5060, .payload = payload};
    uint8_t frame[FRAME_MAX];
    const uint64_t before = program_counter(&program, PREFILTER_REASON_REDIRECTED);

    program_run(&program, frame, frame_build(&spec, frame), times);
    return program_counter(&program, PREFILTER_REASON_REDIRECTED) - before;
}

// What a rate of 1 a second, the clock of the last tick and the slack of a bucket may have added by now.
static uint64_t more(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec - began.tv_sec) + 1;
}

static uint64_t refused(enum prefilter_reason reason)
{
    return program_counter(&program, reason);
}

// INVITEs are refused before the bucket for all SIP is touched by them: what belongs to accepted calls
// passes.
static void invites_end_first(void **state)
{
    const uint64_t invites = refused(PREFILTER_REASON_PEER_INVITE_RATE);
    const uint64_t others = refused(PREFILTER_REASON_PEER_RATE);
    const uint64_t let_in = passed(LOUD, INVITE, 10000);

    assert_in_range(let_in, LOUD_INVITE, LOUD_INVITE + more());
    assert_int_equal(refused(PREFILTER_REASON_PEER_INVITE_RATE) - invites, 10000 - let_in);
    const uint64_t left = LOUD_ALL - let_in;
    assert_int_equal(passed(LOUD, BYE, 50), 50);
    assert_int_equal(passed(LOUD, ACK, 50), 50);
    assert_int_equal(passed(LOUD, ANSWER, 50), 50);
    assert_int_equal(refused(PREFILTER_REASON_PEER_RATE), others);
    // All SIP has an end, too, for INVITEs and the rest together.
    assert_in_range(passed(LOUD, BYE, 10000), left - 150, left - 150 + 2 * more());
    assert_true(refused(PREFILTER_REASON_PEER_RATE) > others);
}

// Its addresses of both families share its buckets.
static void one_budget_for_all_sources(void **state)
{
    const uint64_t first = passed(LOUD, INVITE, 15), second = passed(LOUD6, INVITE, 1000),
                   third = passed("198.51.100.250", INVITE, 1000);

    assert_int_equal(first, 15);
    assert_in_range(first + second + third, LOUD_INVITE, LOUD_INVITE + more());
    assert_int_equal(passed(LOUD6, BYE, 50), 50);
}

// Another peer has the common limits, and loses nothing.
static void others_lose_nothing(void **state)
{
    passed(LOUD, INVITE, 100000);
    passed(LOUD, BYE, 100000);
    assert_int_equal(passed(QUIET, INVITE, 500), 500);
    assert_in_range(passed(QUIET, INVITE, 500), 0, more());
    assert_int_equal(passed(QUIET, BYE, 400), 400);
}

// Fragments spend neither of the two.
static void fragments_have_their_own(void **state)
{
    const struct frame_spec spec = {.source = LOUD,
                                    .destination = US,
                                    .port = 5060,
                                    .payload = "the middle of some SIP",
                                    .fragment = 0x2000 | 100};
    uint8_t frame[FRAME_MAX];
    const uint64_t before = refused(PREFILTER_REASON_PEER_FRAGMENT_RATE);

    program_run(&program, frame, frame_build(&spec, frame), 1000);
    assert_in_range(refused(PREFILTER_REASON_PEER_FRAGMENT_RATE) - before, 990 - more(), 990);
    assert_int_equal(passed(LOUD, INVITE, 20), 20);
    assert_int_equal(passed(LOUD, BYE, 150), 150);
}

// A reload that gives the peer more refills nothing, and what the rate brings then passes.
static void reload_gives_more(void **state)
{
    const struct timespec pause = {.tv_nsec = 100000000};

    passed(LOUD, INVITE, 1000);
    passed(LOUD, BYE, 1000);
    load("networks: {n: {interface: " FIXTURE_NEAR "}}\n"
         "listeners:\n"
         "  - {name: a, network: n, address: " US "}\n"
         "peers:\n"
         "  - {name: quiet, listener: a, sources: [203.0.113.0/24]}\n"
         "  - {name: loud, listener: a, sources: [198.51.100.0/24], prefilter: {rate: 1000, burst: 100, "
         "invite_rate: 500, invite_burst: 50}}\n");
    // The old rule's debts are forgiven, and the bucket is one just emptied (bucket.h).
    assert_in_range(passed(LOUD, BYE, 200), 0, 99 + 1000 * more());
    nanosleep(&pause, NULL);
    assert_int_equal(passed(LOUD, BYE, 50), 50);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (!fixture_namespace()) {
        fprintf(stderr, "skipped: needs root, namespaces and veth\n");
        return FIXTURE_SKIP;
    }
    manifest = manifest_create();
    program_load(&program, argv[1]);
    socket_open(&xdp_socket, FIXTURE_NEAR);
    program_socket(&program, xdp_socket.fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(invites_end_first, begin),
        cmocka_unit_test_setup(one_budget_for_all_sources, begin),
        cmocka_unit_test_setup(others_lose_nothing, begin),
        cmocka_unit_test_setup(fragments_have_their_own, begin),
        cmocka_unit_test_setup(reload_gives_more, begin),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    manifest_free(manifest);
    program_unload(&program);
    return failed;
}
