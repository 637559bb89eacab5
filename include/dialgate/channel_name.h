// SPDX-License-Identifier: BSD-3-Clause
// Names of hosts that the data plane asks control for, and the answers, on the channel (channel.h).
#ifndef DIALGATE_CHANNEL_NAME_H
#define DIALGATE_CHANNEL_NAME_H

#include <assert.h>
#include <stdint.h>
#include "dialgate/address.h"

#define CHANNEL_NAME_SIZE      254u // octets of a name with its NUL
#define CHANNEL_NAME_ADDRESSES 16u
#define CHANNEL_NAME_TTL_MAX_S 300u

// A host's name in lower case, of letters, digits, hyphens and single dots, without the root's dot. With
// service its SRV records for SIP over UDP come first, else its addresses alone are wanted (RFC 3263 4.2).
struct channel_name {
    uint8_t length;  // without the NUL
    uint8_t service; // 0 or 1
    char octets[CHANNEL_NAME_SIZE];
};
static_assert(sizeof(struct channel_name) == 256, "layout");

struct channel_name_ask {
    struct channel_name name;
};
static_assert(sizeof(struct channel_name_ask) == 256, "layout");

enum channel_name_result {
    CHANNEL_NAME_FOUND,
    CHANNEL_NAME_NONE,  // there is no such name, or it has no address of ours
    CHANNEL_NAME_FAILED // DNS could not be asked, or did not say
};

struct channel_name_address {
    struct ip_address address;
    uint16_t port; // of its SRV record; 0: there is none
    uint16_t rank; // of its SRV priority, from 0
};
static_assert(sizeof(struct channel_name_address) == 20, "layout");

// Repeats the name: whoever asked may be gone, and another name asked for since.
struct channel_name_answer {
    struct channel_name name;
    uint32_t ttl_s;  // 1 .. CHANNEL_NAME_TTL_MAX_S: how long this may be used
    uint16_t result; // enum channel_name_result
    uint16_t count;  // 0 unless the result is CHANNEL_NAME_FOUND, then at least 1
    struct channel_name_address rows[CHANNEL_NAME_ADDRESSES]; // by rank
};
static_assert(sizeof(struct channel_name_answer) == 264 + 20 * CHANNEL_NAME_ADDRESSES, "layout");

#endif
