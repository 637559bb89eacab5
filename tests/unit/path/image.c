// SPDX-License-Identifier: BSD-3-Clause
#include "image.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "message.h"

struct ip_address image_address(uint32_t ipv4)
{
    return ip_from_ipv4(ipv4);
}

static struct snapshot_peer peer_of(const char *name, uint16_t listener, struct snapshot_range maglev)
{
    struct snapshot_peer peer = {.flags = SNAPSHOT_PRESENT | PEER_503_PASS,
                                 .retry_after_max_s = 60,
                                 .listeners = {listener, NUMBER_NONE, NUMBER_NONE, NUMBER_NONE},
                                 .balance = BALANCE_CALL_ID,
                                 .maglev_offset = maglev.offset,
                                 .maglev_count = maglev.count,
                                 .member_count = 1,
                                 .attempts = 1, // no fail-over
                                 .limit_reply = 503};
    snprintf(peer.name, sizeof(peer.name), "%s", name);
    return peer;
}

static struct snapshot_member member_of(uint16_t peer, uint32_t address)
{
    return (struct snapshot_member){.flags = SNAPSHOT_PRESENT,
                                    .peer = peer,
                                    .port = 5060,
                                    .address = image_address(address),
                                    .weight = 1,
                                    .priority = 1};
}

static struct snapshot_source source_of(uint32_t address, uint16_t length, uint16_t peer)
{
    return (struct snapshot_source){.address = image_address(address), .length = 96 + length, .peer = peer};
}

static void make_ways(struct snapshot_image *image)
{
    snprintf(image->networks[0].name, NAME_SIZE, "outside");
    snprintf(image->networks[0].interface, NAME_SIZE, "outside0");
    snprintf(image->networks[1].name, NAME_SIZE, "inside");
    snprintf(image->networks[1].interface, NAME_SIZE, "inside0");
    image->networks[0].queues = image->networks[1].queues = 1;
    snprintf(image->listeners[0].name, NAME_SIZE, "edge");
    snprintf(image->listeners[1].name, NAME_SIZE, "core");
    image->listeners[0].address = image_address(IMAGE_EDGE_ADDRESS);
    image->listeners[1].address = image_address(IMAGE_CORE_ADDRESS);
    image->listeners[0].port = image->listeners[1].port = 5060;
    for (unsigned i = 0; i < 2; i++) {
        image->listeners[i].advertised = image->listeners[i].address;
        image->listeners[i].advertised_port = image->listeners[i].port;
    }
    image->listeners[1].network = 1;
    image->peers[IMAGE_CARRIER_A] = peer_of("carrier-a", 0, (struct snapshot_range){0, 1});
    image->peers[IMAGE_SBCS] = peer_of("sbcs", 1, (struct snapshot_range){1, 5});
    image->peers[IMAGE_CARRIER_B] = peer_of("carrier-b", 0, (struct snapshot_range){6, 1});
    for (uint16_t i = IMAGE_CARRIER_A; i <= IMAGE_CARRIER_B; i++)
        image->peers[i].group = i;
    for (uint16_t i = 0; i < IMAGE_MEMBERS; i++)
        image->lists[i] = i;
    image->peers[IMAGE_SBCS].list_offset = IMAGE_MEMBER_SBC1;
    image->peers[IMAGE_SBCS].member_count = 2;
    image->peers[IMAGE_CARRIER_B].list_offset = IMAGE_MEMBER_CARRIER_B;
    image->members[IMAGE_MEMBER_CARRIER_A] = member_of(IMAGE_CARRIER_A, 0x0a0a0101);
    image->members[IMAGE_MEMBER_SBC1] = member_of(IMAGE_SBCS, 0x0a14000b);
    image->members[IMAGE_MEMBER_SBC2] = member_of(IMAGE_SBCS, 0x0a14000c);
    image->members[IMAGE_MEMBER_CARRIER_B] = member_of(IMAGE_CARRIER_B, 0x0a0a0201);
    const uint16_t maglev[8] = {IMAGE_MEMBER_CARRIER_A, IMAGE_MEMBER_SBC1, IMAGE_MEMBER_SBC2,
                                IMAGE_MEMBER_SBC1,      IMAGE_MEMBER_SBC2, IMAGE_MEMBER_SBC1,
                                IMAGE_MEMBER_CARRIER_B};
    memcpy(image->maglev, maglev, sizeof(maglev));
}

static void make_routes(struct snapshot_image *image)
{
    image->sources[0] = source_of(0x0a0a0101, 32, IMAGE_CARRIER_A);
    image->sources[1] = source_of(0x0a14000b, 32, IMAGE_SBCS);
    image->sources[2] = source_of(0x0a14000c, 32, IMAGE_SBCS);
    image->sources[3] = source_of(0x0a0a0201, 32, IMAGE_CARRIER_B);
    image->sources[4] = source_of(0x0a0a0100, 24, IMAGE_CARRIER_A);
    image->sources[5] = source_of(0x0a0a0200, 24, IMAGE_CARRIER_B);
    image->routes[0] = (struct snapshot_route){.from = ROUTE_FROM_ANY_PEER,
                                               .answer = 200,
                                               .action = ROUTE_ANSWER,
                                               .method = METHOD_OPTIONS,
                                               .listener = NUMBER_NONE,
                                               .to_us = 1};
    image->routes[1] = (struct snapshot_route){.from = IMAGE_CARRIER_A,
                                               .to = IMAGE_SBCS,
                                               .action = ROUTE_TO_PEER,
                                               .method = ROUTE_METHOD_ANY,
                                               .listener = NUMBER_NONE};
    image->routes[2] = (struct snapshot_route){.from = IMAGE_SBCS,
                                               .to = IMAGE_CARRIER_A,
                                               .action = ROUTE_TO_PEER,
                                               .method = ROUTE_METHOD_ANY,
                                               .listener = NUMBER_NONE};
    image->allow[0] = (struct snapshot_deny){.address = image_address(0xc6336400), .length = 120};
    image->scanners[0] = (struct snapshot_scanner){"friendly-scanner"};
    image->scanners[1] = (struct snapshot_scanner){"sipcli"};
    image->deny[0] = (struct snapshot_deny){.address = image_address(0xc0000200), .length = 120};
}

#define SECTION_OF(field)                                                                                    \
    {                                                                                                        \
        (uint32_t) offsetof(struct snapshot_image, field),                                                   \
            sizeof(((struct snapshot_image *)0)->field) / sizeof(image->field[0])                            \
    }

void image_make(struct snapshot_image *image)
{
    memset(image, 0, sizeof(*image));
    image->header = (struct snapshot_header){
        .magic = SNAPSHOT_MAGIC,
        .version = SNAPSHOT_VERSION,
        .size = sizeof(*image),
        .sequence = 1,
        .sections = {[SECTION_NETWORKS] = SECTION_OF(networks),
                     [SECTION_LISTENERS] = SECTION_OF(listeners),
                     [SECTION_PEERS] = SECTION_OF(peers),
                     [SECTION_MEMBERS] = SECTION_OF(members),
                     [SECTION_SOURCES] = SECTION_OF(sources),
                     [SECTION_ROUTES] = SECTION_OF(routes),
                     [SECTION_MAGLEV] = SECTION_OF(maglev),
                     [SECTION_DENY] = SECTION_OF(deny),
                     [SECTION_LISTS] = SECTION_OF(lists),
                     [SECTION_TEXTS] = SECTION_OF(texts),
                     [SECTION_ALLOW] = SECTION_OF(allow),
                     [SECTION_SCANNERS] = SECTION_OF(scanners)},
        .settings = {.workers = 1,
                     .idle = IDLE_SPIN,
                     .dialogs_capacity = 64,
                     .transactions_capacity = 128,
                     .arena_octets = 8u << 20,
                     .mbufs = 1024,
                     .memory_mb = 64,
                     .timer_t1_ms = 500,
                     .timer_t2_ms = 4000,
                     .timer_t4_ms = 5000,
                     .timer_b_ms = 32000,
                     .timer_c_ms = 181000,
                     .early_life_ms = 240000,
                     .dialog_life_ms = 12 * 3600000,
                     .limit_reply = 503,
                     .ua_limits = {8192, 65536, 2048, 256, 128, 512, 10, 10, 20, 10},
                     .overload = {.transactions = 100, .mbufs = 100, .turn_us = 10000},
                     .bans = {.rules = {[BAN_RULE_MALFORMED] = {BAN_ON, 3},
                                        [BAN_RULE_SCANNER] = {BAN_ON, 1},
                                        [BAN_RULE_IN_DIALOG] = {BAN_ON, 3}},
                              .within_ms = 10000,
                              .lifetime_ms = 600000,
                              .lifetime_max_ms = 2400000}},
    };
    image->header.sections[SECTION_MAGLEV].count = 7;
    make_ways(image);
    make_routes(image);
}

uint32_t image_text(struct snapshot_image *image, const char *text)
{
    uint32_t offset = 1;
    while (image->texts[offset] != '\0')
        offset += (uint32_t)strlen(image->texts + offset) + 1;
    assert(offset + strlen(text) + 1 < sizeof(image->texts));
    memcpy(image->texts + offset, text, strlen(text) + 1);
    return offset;
}

void image_application(struct snapshot_image *image)
{
    struct snapshot_peer *row = &image->peers[IMAGE_APPLICATION];
    row->flags = SNAPSHOT_PRESENT | PEER_APPLICATION;
    row->maglev_count = row->member_count = 0;
    row->session_minimum_s = 90;
    row->reliable = RELIABLE_SUPPORTED;
    image->members[IMAGE_MEMBER_CARRIER_B].flags = 0;
    image->sources[3].peer = image->sources[5].peer = IMAGE_CARRIER_A;
    image->header.settings.usages_capacity = 64;
    image->routes[1].from = IMAGE_APPLICATION;
    image->routes[1].to = IMAGE_SBCS;
    image->routes[2].from = ROUTE_FROM_ANY_PEER;
    image->routes[2].to = IMAGE_APPLICATION;
}
