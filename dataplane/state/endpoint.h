// SPDX-License-Identifier: BSD-3-Clause
// Where a message comes from or goes to, and ticks: the two small types that every module of state/ shares.
#ifndef DIALGATE_STATE_ENDPOINT_H
#define DIALGATE_STATE_ENDPOINT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/address.h"

struct endpoint {
    struct ip_address address;
    uint16_t port;     // host order
    uint16_t listener; // ours: index of the listener that receives from it or sends to it
};
static_assert(sizeof(struct endpoint) == 20, "no padding");

// Time is handed in, in ticks of 10 ms of a monotonic clock. 32 bits last 497 days; differences are taken
// modulo 2^32.
typedef uint32_t tick_t;
#define TICK_MS 10u

// Records are addressed by index; no record.
#define INDEX_NONE UINT32_MAX

static inline bool endpoint_equal(struct endpoint a, struct endpoint b)
{
    return ip_equal(&a.address, &b.address) && a.port == b.port;
}

#endif
