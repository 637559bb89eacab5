// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/mman.h>
#include <rte_debug.h>
#include "config.h"

#define PREFIX_LENGTHS 5u // from /24, or /64
#define ROW_OCTETS     96u

const uint8_t world_macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
static const uint8_t own_macs[2][6] = {{2, 0, 0, 0, 1, 1}, {2, 0, 0, 0, 1, 2}};

static void name_party(struct party *party, const char *text)
{
    struct in_addr ipv4;
    bool is_ipv4 = inet_pton(AF_INET, text, &ipv4) == 1;
    if (is_ipv4)
        party->address = ip_from_ipv4(ntohl(ipv4.s_addr));
    else if (inet_pton(AF_INET6, text, &party->address) != 1)
        rte_exit(1, "no address: %s\n", text);
    party->host_length = (uint8_t)snprintf(party->host, sizeof(party->host), is_ipv4 ? "%s" : "[%s]", text);
}

// The prefix of a caller ends in zeros, he himself in 7.
static void prefix_text(const struct world *world, unsigned number, bool himself, char text[44])
{
    if (world->size.ipv6)
        snprintf(text, 44, "2001:db8:a:%x::%s", number, himself ? "7" : "");
    else
        snprintf(text, 44, "10.%u.%u.%s", 64 + number / 256, number % 256, himself ? "7" : "0");
}

static void callee_text(const struct world *world, unsigned number, char text[44])
{
    if (world->size.ipv6)
        snprintf(text, 44, "2001:db8:20::1:%x", number + 1);
    else
        snprintf(text, 44, "10.20.%u.%u", 1 + number / 200, 1 + number % 200);
}

struct world *world_create(const struct world_size *size)
{
    struct world *world = calloc(1, sizeof(*world));
    char text[44];
    world->size = *size;
    world->counts[WORLD_CALLER] = RTE_MAX(size->prefixes, size->callers);
    world->counts[WORLD_CALLEE] = size->members;
    for (unsigned side = 0; side < 2; side++)
        world->parties[side] = calloc(world->counts[side], sizeof(struct party));
    for (unsigned i = 0; i < world->counts[WORLD_CALLER]; i++) {
        prefix_text(world, i, true, text);
        name_party(&world->parties[WORLD_CALLER][i], text);
    }
    for (unsigned i = 0; i < size->members; i++) {
        callee_text(world, i, text);
        name_party(&world->parties[WORLD_CALLEE][i], text);
    }
    name_party(&world->ours[0], size->ipv6 ? "2001:db8:10::10" : "10.10.0.10");
    name_party(&world->ours[1], size->ipv6 ? "2001:db8:20::10" : "10.20.0.10");
    return world;
}

void world_destroy(struct world *world)
{
    free(world->parties[0]);
    free(world->parties[1]);
    free(world);
}

static const char *bare(const struct party *party, char text[48])
{
    snprintf(text, 48, "%s", party->host);
    if (text[0] != '[')
        return text;
    text[strlen(text) - 1] = '\0';
    return text + 1;
}

static void write_peers(const struct world *world, FILE *out)
{
    char text[48];
    fprintf(out, "peers:\n  - name: carriers\n    listener: edge\n    sources:\n");
    const bool wide = world->size.callers > world->size.prefixes; // the last one has all others
    for (unsigned i = 0; i + wide < world->size.prefixes; i++) {
        prefix_text(world, i, false, text);
        fprintf(out, "      - \"%s/%u\"\n", text, (world->size.ipv6 ? 64u : 24u) + i % PREFIX_LENGTHS);
    }
    if (wide)
        fprintf(out, "      - \"%s\"\n", world->size.ipv6 ? "2001:db8:a::/48" : "10.64.0.0/10");
    fprintf(out, "    members: [{address: \"%s\"}]\n", bare(&world->parties[WORLD_CALLER][0], text));
    fprintf(out, "  - name: sbcs\n    listener: core\n    members:\n");
    for (unsigned i = 0; i < world->size.members; i++)
        fprintf(out, "      - {address: \"%s\"}\n", bare(&world->parties[WORLD_CALLEE][i], text));
}

static void write_routes(const struct world *world, FILE *out)
{
    fprintf(out, "routes:\n  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}\n");
    for (unsigned i = 3; i < world->size.routes; i++)
        fprintf(out, "  - {from: carriers, uri_user: \"+99%u\", to: sbcs}\n", 1000 + i);
    fprintf(out, "  - {from: carriers, to: sbcs}\n  - {from: sbcs, to: carriers}\n");
}

char *world_yaml(const struct world *world, size_t *length)
{
    char *text = NULL, address[2][48];
    FILE *out = open_memstream(&text, length);
    fprintf(out,
            "networks:\n  outside: {interface: wire0, attach: af_packet, queues: %u}\n"
            "  inside: {interface: wire1, attach: af_packet, queues: %u}\n"
            "listeners:\n  - {name: edge, network: outside, address: \"%s\"}\n"
            "  - {name: core, network: inside, address: \"%s\"}\n",
            world->size.workers, world->size.workers, bare(&world->ours[0], address[0]),
            bare(&world->ours[1], address[1]));
    write_peers(world, out);
    write_routes(world, out);
    fprintf(out,
            "workers: {count: %u, idle: spin}\nprefilter: {mode: \"off\"}\n"
            "overload: {transactions: 100, mbufs: 100, turn: 1s}\n",
            world->size.workers);
    fclose(out);
    return text;
}

// Timers are shorter than a configuration may ask for: what ended calls leave behind stands in the way of
// nobody's measurement then, but who asks for more of it.
static struct rules *rules_of(const struct world *world, int memfd, size_t size)
{
    char error[256];
    struct snapshot_header *image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, memfd, 0);
    close(memfd);
    if (image == MAP_FAILED)
        rte_exit(1, "no memory\n");
    image->settings.timer_t1_ms = world->size.t1_ms;
    image->settings.timer_t2_ms = world->size.t1_ms * 8;
    image->settings.timer_t4_ms = world->size.t1_ms * 10;
    image->settings.timer_b_ms = world->size.t1_ms * 64;
    struct rules *rules = rules_create(image, size, error, sizeof(error));
    if (rules == NULL)
        rte_exit(1, "%s\n", error);
    munmap(image, size);
    return rules;
}

struct rules *world_rules(const struct world *world)
{
    char error[512];
    size_t length, size;
    int memfd;
    char *text = world_yaml(world, &length);
    struct config *config = config_parse(text, length, "wire.yaml", error, sizeof(error));
    struct manifest *manifest = manifest_create();
    struct compile_input input = {.config = config, .manifest = manifest, .sequence = 1};
    if (config == NULL || manifest == NULL ||
        config_compile(&input, &memfd, &size, error, sizeof(error)) != 0)
        rte_exit(1, "%s\n", error);
    config_free(config);
    manifest_free(manifest);
    free(text);
    return rules_of(world, memfd, size);
}

// Callers are behind a router, SBCs on the link.
struct nexthop_table *world_nexthops(const struct world *world)
{
    const bool ipv6 = world->size.ipv6;
    struct nexthop_network networks[NETWORKS_MAX] = {{.mtu = 1500, .up = true}, {.mtu = 1500, .up = true}};
    struct party gateway, everybody, inside;
    name_party(&gateway, ipv6 ? "2001:db8:10::1" : "10.10.0.1");
    name_party(&everybody, ipv6 ? "2001:db8:a::" : "10.64.0.0");
    name_party(&inside, ipv6 ? "2001:db8:20::" : "10.20.0.0");
    const struct nexthop_route routes[2] = {
        {.prefix = everybody.address,
         .gateway = gateway.address,
         .length = (uint8_t)(ipv6 ? 48 : IP_MAPPED_BITS + 10),
         .network = 0},
        {.prefix = inside.address, .length = (uint8_t)(ipv6 ? 48 : IP_MAPPED_BITS + 16), .network = 1}};
    struct nexthop_neighbour *neighbours = calloc(world->size.members + 1, sizeof(*neighbours));
    for (unsigned i = 0; i < 2; i++)
        memcpy(networks[i].mac, own_macs[i], sizeof(networks[i].mac));
    neighbours[0] = (struct nexthop_neighbour){.address = gateway.address, .network = 0, .usable = 1};
    memcpy(neighbours[0].mac, world_macs[0], 6);
    for (unsigned i = 0; i < world->size.members; i++) {
        struct nexthop_neighbour *row = &neighbours[i + 1];
        *row = (struct nexthop_neighbour){
            .address = world->parties[WORLD_CALLEE][i].address, .network = 1, .usable = 1};
        memcpy(row->mac, world_macs[1], 6);
    }
    struct nexthop_table *table = nexthop_create(networks, routes, 2, neighbours, world->size.members + 1);
    free(neighbours);
    return table;
}
