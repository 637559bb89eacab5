// SPDX-License-Identifier: BSD-3-Clause
// A configuration as control would compile it: two networks, a listener on each, a carrier and a second one
// without a route outside, two SBCs inside.
#ifndef DIALGATE_TEST_PATH_IMAGE_H
#define DIALGATE_TEST_PATH_IMAGE_H

#include "dialgate/snapshot.h"

#define IMAGE_EDGE_ADDRESS 0x0a0a000au // 10.10.0.10
#define IMAGE_CORE_ADDRESS 0x0a14000au // 10.20.0.10

enum image_peer { IMAGE_CARRIER_A, IMAGE_SBCS, IMAGE_CARRIER_B, IMAGE_PEERS };
enum image_member {
    IMAGE_MEMBER_CARRIER_A,
    IMAGE_MEMBER_SBC1,
    IMAGE_MEMBER_SBC2,
    IMAGE_MEMBER_CARRIER_B,
    IMAGE_MEMBERS
};

struct snapshot_image {
    struct snapshot_header header;
    struct snapshot_network networks[2];
    struct snapshot_listener listeners[2];
    struct snapshot_peer peers[IMAGE_PEERS];
    struct snapshot_member members[IMAGE_MEMBERS];
    struct snapshot_source sources[6];
    struct snapshot_route routes[3];
    uint16_t maglev[8]; // one for each carrier, five for the SBCs, and one that nobody uses
    struct snapshot_deny deny[1];
    uint16_t lists[IMAGE_MEMBERS]; // members by peer
    struct snapshot_deny allow[1];
    struct snapshot_scanner scanners[2];
    char texts[256];
};

// Puts a text in the image and returns its offset.
uint32_t image_text(struct snapshot_image *image, const char *text);

void image_make(struct snapshot_image *image);
// Carrier-b becomes an application, as control compiles one: what the SBCs and carrier-a send goes there,
// what it sends to the SBCs.
#define IMAGE_APPLICATION IMAGE_CARRIER_B
void image_application(struct snapshot_image *image);
struct ip_address image_address(uint32_t ipv4); // host order

#endif
