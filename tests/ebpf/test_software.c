// SPDX-License-Identifier: BSD-3-Clause
// The software filter gives the verdicts of the XDP program: the vectors through it, and what it alone has.
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fixture.h"
#include "software.h"
#include "vectors.h"

static struct image image;

static int setup(void **state)
{
    software_open();
    return 0;
}

static int teardown(void **state)
{
    software_close();
    return 0;
}

static void load(void)
{
    software_load(&image.header);
}

// Rows whose packet has another way here, and why. Everything else of the table has the same verdict, but for
// those without a socket: queues have none here. The program reads what a packet is; screen refuses what is
// wrong with it.
static const struct {
    const char *name;
    const char *why;
} others[] = {
    {"fragment without octets", "shorter than IPv4 says"},
    {"first fragment without a whole UDP header", "shorter than IPv4 says"},
    {"method and the end of the frame", "shorter than IPv4 says"},
    {"UDP length 0", "a fault of UDP's header is dropped and counted before the filter"},
    {"UDP length longer than the frame", "likewise"},
    {"later fragment whose first header is none of UDP's",
     "it may be UDP's behind options: it is judged, and its first fragment tells"},
};

static bool is_other(const struct vector *vector)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(vector->name, others[i].name) == 0)
            return true;
    }
    return false;
}

// NULL: fine.
static const char *run(const struct vector *vector)
{
    uint8_t octets[FRAME_MAX];
    size_t length = frame_build(&vector->frame, octets);
    uint64_t reason = software_reason(vector->reason), judged = software_judged();
    uint64_t filtered = software_filtered();
    uint32_t class = vector_class(vector);
    uint64_t of_class = class < PREFILTER_CLASSES ? software_class_packets(class) : 0;
    bool drops = vector->reason >= PREFILTER_FIRST_DROP && vector->reason < PREFILTER_FIRST_DRY_RUN;
    bool goes_on = software_receive(octets, length);
    if (vector->reason == PREFILTER_REASON_PASSED_TO_KERNEL)
        return goes_on || software_judged() != judged ? "it is not ours" : NULL;
    if (software_filtered() != filtered + drops || (drops && goes_on))
        return "the verdict";
    if (software_reason(vector->reason) != reason + 1 || software_judged() != judged + 1)
        return "the reason";
    return class < PREFILTER_CLASSES && software_class_packets(class) != of_class + 1 ? "the class" : NULL;
}

static unsigned run_all(void)
{
    unsigned faults = 0;
    for (size_t i = 0; i < vectors_count; i++) {
        const struct vector *vector = &vectors[i];
        if (vector->set & NO_SOCKET)
            continue;
        const struct ban_source source = fixture_source(vector_banned(vector), vector_ban_bits(vector));
        vector_image(vector, &image);
        load();
        software_ban(vector->set & (BAN | BAN_OVER | BAN_HOUR) ? &source : NULL,
                     vector->set & BAN        ? 0
                     : vector->set & BAN_OVER ? 1
                                              : software_now_ns() + 3600000000000);
        const char *wrong = run(vector);
        if ((wrong != NULL) != is_other(vector)) {
            print_error("%s: %s\n", vector->name, wrong ? wrong : "as the program");
            faults++;
        }
    }
    return faults;
}

static void test_vectors(void **state)
{
    print_message("%zu rows, %zu go another way\n", vectors_count, sizeof(others) / sizeof(others[0]));
    assert_int_equal(run_all(), 0);
}

static struct ip_address address_of(const char *text)
{
    struct in_addr ipv4;
    assert_int_equal(inet_pton(AF_INET, text, &ipv4), 1);
    return ip_from_ipv4(ntohl(ipv4.s_addr));
}

static unsigned passed_of(unsigned times, const char *source, const char *payload)
{
    const struct ip_address address = address_of(source);
    unsigned passed = 0;
    for (unsigned i = 0; i < times; i++)
        passed += software_passes_from(&address, payload);
    return passed;
}

// Burst at once, then the rate; INVITE's bucket empties first.
static void test_rates(void **state)
{
    image_usual(&image);
    image.peers[7].filter_invite = (struct bucket_limit){10, 20};
    image.peers[7].filter_all = (struct bucket_limit){100, 50};
    load();
    assert_int_equal(passed_of(40, PEER, INVITE), 20);
    assert_int_equal(passed_of(100, PEER, OPTIONS), 30);
    software_wait_us(1000000);
    assert_int_equal(passed_of(40, PEER, INVITE), 10);
    assert_int_equal(passed_of(100, PEER, OPTIONS), 40); // not more than the burst, less what INVITEs took
}

// The budget of fragments is the class's, all strangers' together, and nothing else is spent by them.
static void test_fragment_rates(void **state)
{
    static const struct frame_spec ours = {
        .source = PEER, .destination = US, .port = 5060, .payload = OPTIONS, .fragment = 0x0010};
    uint8_t octets[FRAME_MAX];
    image_usual(&image);
    image.peers[7].filter_fragment = (struct bucket_limit){10, 20};
    image.header.settings.prefilter.strangers_fragment = (struct bucket_limit){10, 5};
    load();
    for (unsigned i = 0; i < 40; i++)
        software_receive(octets, frame_build(&ours, octets));
    assert_int_equal(software_reason(PREFILTER_REASON_REDIRECTED), 20);
    assert_int_equal(software_reason(PREFILTER_REASON_PEER_FRAGMENT_RATE), 20);
    for (unsigned i = 0; i < 40; i++) {
        char source[32];
        struct frame_spec forged = ours;
        snprintf(source, sizeof(source), "203.0.115.%u", i);
        forged.source = source;
        software_receive(octets, frame_build(&forged, octets));
    }
    assert_int_equal(software_reason(PREFILTER_REASON_REDIRECTED), 25);
    assert_int_equal(software_reason(PREFILTER_REASON_STRANGERS_FRAGMENT_RATE), 35);
    assert_int_equal(software_strangers(), 0);
    assert_int_equal(software_filtered(), 55);
    assert_int_equal(passed_of(5, PEER, OPTIONS), 5);
    software_wait_us(1000000);
    for (unsigned i = 0; i < 40; i++)
        software_receive(octets, frame_build(&ours, octets));
    assert_int_equal(software_reason(PREFILTER_REASON_PEER_FRAGMENT_RATE), 50);
}

// A million sources: none gets memory before the shared bucket grants it, and a known one is held to its own.
static void test_many_strangers(void **state)
{
    unsigned passed = 0;
    image_usual(&image);
    image.header.settings.prefilter.strangers = (struct bucket_limit){1000, 100};
    image.header.settings.prefilter.stranger = (struct bucket_limit){1, 5};
    load();
    for (uint32_t i = 0; i < 1000000; i++) {
        const struct ip_address source = IP_MAPPED(0x30000000u + i);
        passed += software_passes_from(&source, OPTIONS);
    }
    assert_int_equal(passed, 100);
    assert_in_range(software_strangers(), 90, 100);
    software_wait_us(10000000);
    assert_int_equal(passed_of(20, STRANGER, OPTIONS), 5);
    assert_int_equal(passed_of(20, PEER, OPTIONS), 20);
}

// Prefixes within each other, at both ends of the addresses, and the same one twice.
static void test_steps(void **state)
{
    static const struct {
        const char *address;
        uint32_t class;
    } rows[] = {{"9.255.255.255", PREFILTER_STRANGERS},
                {"10.0.0.0", 1},
                {"10.1.0.0", SOFTWARE_DENIED},
                {"10.1.2.3", 2},
                {"10.1.2.4", SOFTWARE_DENIED},
                {"10.1.255.255", SOFTWARE_DENIED},
                {"10.2.0.0", 1},
                {"10.255.255.255", 1},
                {"11.0.0.0", PREFILTER_STRANGERS},
                {"12.0.0.1", SOFTWARE_DENIED},
                {"255.255.255.255", 3}};
    image_init(&image);
    image_source(&image, "10.0.0.0", 8, 1);
    image_deny(&image, "10.1.0.0", 16);
    image_source(&image, "10.1.2.3", 32, 2);
    image_source(&image, "12.0.0.0", 24, 4);
    image_deny(&image, "12.0.0.0", 24);
    image_source(&image, "255.255.255.255", 32, 3);
    image_deny(&image, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128);
    load();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct ip_address address = address_of(rows[i].address);
        if (software_class(&address) != rows[i].class)
            fail_msg("%s", rows[i].address);
    }
    struct ip_address last;
    memset(&last, 0xff, sizeof(last));
    assert_int_equal(software_class(&last), SOFTWARE_DENIED);
    last.octets[15] = 0xfe;
    assert_int_equal(software_class(&last), PREFILTER_STRANGERS);
}

// ::/0 and what else holds the mapped addresses says nothing of IPv4.
static void test_families(void **state)
{
    const struct ip_address four = address_of(STRANGER), peer = address_of(PEER);
    const struct ip_address six = {{0x20, 1, 0x0d, 0xb8, [15] = 1}};
    image_init(&image);
    image_deny(&image, "::", 0);
    image_source(&image, PEER, 32, 7);
    load();
    assert_int_equal(software_class(&four), PREFILTER_STRANGERS);
    assert_int_equal(software_class(&peer), 7);
    assert_int_equal(software_class(&six), SOFTWARE_DENIED);
    image_init(&image);
    image_source(&image, "::", 64, 3);
    image_source(&image, "0.0.0.0", 0, 7);
    load();
    assert_int_equal(software_class(&four), 7);
    assert_int_equal(software_class(&six), PREFILTER_STRANGERS);
    image_deny(&image, "0.0.0.0", 0);
    load();
    assert_int_equal(software_class(&four), SOFTWARE_DENIED);
}

// What a ban drops is counted for it, and goes on when the table is made anew.
static void test_hits(void **state)
{
    const struct ban_source peer = fixture_source(PEER, 64);
    image_usual(&image);
    load();
    software_ban(&peer, 0);
    assert_int_equal(passed_of(3, PEER, OPTIONS), 0);
    assert_int_equal(software_hits(&peer), 3);
    assert_int_equal(passed_of(3, STRANGER, OPTIONS), 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_vectors),  T(test_rates), T(test_fragment_rates), T(test_many_strangers), T(test_steps),
        T(test_families), T(test_hits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
