// SPDX-License-Identifier: BSD-3-Clause
// The class of a source among many prefixes that contain, touch and repeat each other, at the edges of each,
// against a search of all of them for the longest one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include "fixture.h"
#include "frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define PREFIXES 700u
#define DENIES   100u
#define PROBES   64u // of addresses that are at no edge

struct many {
    struct image image;
    struct snapshot_source sources[PREFIXES];
    struct snapshot_deny denies[DENIES];
};

static struct program program;
static struct many many;
static uint64_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

// Short of the prefix's own octets there are few, so that prefixes meet.
static struct ip_address pick_address(bool ipv6)
{
    static const uint8_t ends[] = {0, 1, 127, 128, 254, 255};
    struct ip_address address = {{0}};

    if (!ipv6)
        address.octets[10] = address.octets[11] = 0xff;
    for (unsigned i = ipv6 ? 0 : 12; i < 16; i++)
        address.octets[i] = ends[pick(sizeof(ends))];
    if (ipv6 && pick(4) > 0) // most are of one registry
        memcpy(address.octets, (const uint8_t[]){0x20, 0x01, 0x0d, 0xb8}, 4);
    return address;
}

static uint16_t pick_length(bool ipv6)
{
    return (uint16_t)(ipv6 ? pick(129) : IP_MAPPED_BITS + pick(33));
}

static void make(uint64_t number)
{
    struct snapshot_range *sections = many.image.header.sections;

    seed = number;
    image_init(&many.image);
    image_listener(&many.image, US, 5060, 0);
    image_listener(&many.image, US6, 5060, 0);
    sections[SECTION_SOURCES] = (struct snapshot_range){offsetof(struct many, sources), PREFIXES};
    sections[SECTION_DENY] = (struct snapshot_range){offsetof(struct many, denies), DENIES};
    for (unsigned i = 0; i < PREFIXES; i++) {
        const bool ipv6 = pick(2);
        const uint16_t length = pick_length(ipv6);
        const struct ip_address address = pick_address(ipv6);

        // A prefix is one peer's: who has it, follows from it.
        many.sources[i] = (struct snapshot_source){.address = ip_prefix(&address, length), .length = length};
        many.sources[i].peer =
            (uint16_t)((length + ip_words(&many.sources[i].address).words[1] % 97) % IMAGE_PEERS);
    }
    for (unsigned i = 0; i < DENIES; i++) {
        const bool ipv6 = pick(2);
        const uint16_t length = pick_length(ipv6);
        const struct ip_address address = pick_address(ipv6);

        many.denies[i] = (struct snapshot_deny){.address = ip_prefix(&address, length), .length = length};
    }
    program_configure(&program, &many.image);
}

// Neither family's prefixes hold the other's addresses.
static bool holds(const struct ip_address *prefix, uint16_t length, const struct ip_address *address)
{
    const struct ip_address cut = ip_prefix(address, length);

    return (ip_is_ipv4(address) == (ip_is_ipv4(prefix) && length >= IP_MAPPED_BITS)) &&
           ip_equal(&cut, prefix);
}

static uint32_t class_of(const struct ip_address *address)
{
    uint32_t class = PREFILTER_STRANGERS;
    int longest = -1;

    for (unsigned i = 0; i < PREFIXES; i++) {
        const struct snapshot_source *row = &many.sources[i];

        if (row->length > longest && holds(&row->address, row->length, address)) {
            longest = row->length;
            class = row->peer;
        }
    }
    for (unsigned i = 0; i < DENIES; i++) {
        const struct snapshot_deny *row = &many.denies[i];

        if (row->length >= longest && holds(&row->address, row->length, address)) {
            longest = row->length;
            class = PREFILTER_DENIED;
        }
    }
    return class;
}

static void probe(const struct ip_address *address)
{
    const bool ipv6 = !ip_is_ipv4(address);
    char source[INET6_ADDRSTRLEN];
    uint8_t frame[FRAME_MAX];
    const uint32_t class = class_of(address);
    const bool denied = class == PREFILTER_DENIED;
    const uint32_t row = denied ? PREFILTER_STRANGERS : class;
    const enum prefilter_tally tally = denied ? PREFILTER_TALLY_DENIED : PREFILTER_TALLY_PASSED;

    inet_ntop(ipv6 ? AF_INET6 : AF_INET, address->octets + (ipv6 ? 0 : 12), source, sizeof(source));
    const struct frame_spec spec = {
        .source = source, .destination = ipv6 ? US6 : US, .port = 5060, .payload = OPTIONS};
    const uint64_t before = program_tally(&program, row, tally);
    program_run(&program, frame, frame_build(&spec, frame), 1);
    if (program_tally(&program, row, tally) != before + 1)
        fail_msg("%s is not of class %u", source, class);
}

// The address, the first and the last one of the prefix, and the two around it.
static void probe_edges(const struct ip_address *prefix, uint16_t length)
{
    const bool ipv4 = ip_is_ipv4(prefix);
    struct ip_address at = *prefix;

    probe(&at);
    for (int step = -1; step <= 1; step += 2) {
        at = *prefix;
        for (unsigned bit = length; step > 0 && bit < 128; bit++)
            at.octets[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
        if (ip_is_ipv4(&at) == ipv4)
            probe(&at);
        for (unsigned i = 16; i-- > 0;) { // one on, or back
            at.octets[i] = (uint8_t)(at.octets[i] + step);
            if (at.octets[i] != (step > 0 ? 0 : 255))
                break;
        }
        if (ip_is_ipv4(&at) == ipv4)
            probe(&at);
    }
}

static void longest_prefix_wins(void **state)
{
    for (uint64_t number = 1; number <= 4; number++) {
        make(number);
        for (unsigned i = 0; i < PREFIXES; i++)
            probe_edges(&many.sources[i].address, many.sources[i].length);
        for (unsigned i = 0; i < DENIES; i++)
            probe_edges(&many.denies[i].address, many.denies[i].length);
        for (unsigned i = 0; i < PROBES; i++) {
            const struct ip_address address = pick_address(i % 2);

            probe(&address);
        }
    }
}

int main(int argc, char **argv)
{
    static struct xdp_socket socket;

    if (argc != 2)
        return 2;
    if (!fixture_namespace()) {
        fprintf(stderr, "skipped: needs root, namespaces and veth\n");
        return FIXTURE_SKIP;
    }
    program_load(&program, argv[1]);
    socket_open(&socket, FIXTURE_NEAR);
    program_socket(&program, socket.fd);
    const struct CMUnitTest tests[] = {cmocka_unit_test(longest_prefix_wins)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    program_unload(&program);
    return failed;
}
