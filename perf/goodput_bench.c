// SPDX-License-Identifier: BSD-3-Clause
#include "goodput_bench.h"
#include <string.h>
#include <rte_debug.h>
#include "image.h"

#define DIALOGS      (1u << 18)
#define TRANSACTIONS (1u << 19)
#define USAGES       (1u << 14)
#define ARENA        ((size_t)1 << 30)

static void make_ways(struct plane_options *options, bool beside)
{
    struct nexthop_network networks[NETWORKS_MAX] = {{.mtu = 1500, .up = true}, {.mtu = 1500, .up = true}};
    const struct nexthop_route routes[2] = {
        {.prefix = IP_MAPPED(0x0a0a0000), .length = IP_MAPPED_BITS + 16, .network = 0},
        {.prefix = IP_MAPPED(0x0a140000), .length = IP_MAPPED_BITS + 16, .network = 1}};
    const struct nexthop_neighbour neighbours[2] = {
        {.address = IP_MAPPED(0x0a0a0101), .mac = {2, 1}, .network = 0, .usable = 1},
        {.address = IP_MAPPED(0x0a14000b), .mac = {2, 2}, .network = 1, .usable = 1}};
    static struct snapshot_image image;
    char error[256];
    image_make(&image);
    if (beside) {
        const struct snapshot_route kept[2] = {image.routes[1], image.routes[2]};
        image_application(&image);
        memcpy(&image.routes[1], kept, sizeof(kept));
    }
    // One callee; and what a transaction leaves behind is gone soon, so that a minute's calls need no room.
    image.members[IMAGE_MEMBER_SBC2].flags |= MEMBER_DISABLED;
    image.header.settings.timer_t1_ms = 20;
    image.header.settings.timer_t2_ms = 20;
    image.header.settings.timer_t4_ms = 20;
    image.header.settings.overload =
        (struct snapshot_overload){.transactions = 90, .mbufs = 90, .turn_us = 10000, .retry_after_s = 5};
    options->rules = rules_create(&image, sizeof(image), error, sizeof(error));
    options->nexthops = nexthop_create(networks, routes, 2, neighbours, 2);
    if (options->rules == NULL)
        rte_exit(1, "%s\n", error);
}

struct plane *goodput_open(const struct plane_wire *wire, bool beside)
{
    struct plane_options options = {.workers = 1,
                                    .dialogs = DIALOGS,
                                    .transactions = TRANSACTIONS,
                                    .usages = beside ? USAGES : 0,
                                    .arena = ARENA};
    make_ways(&options, beside);
    return plane_open(wire, &options);
}
