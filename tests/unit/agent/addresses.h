// SPDX-License-Identifier: BSD-3-Clause
// Addresses as tests of the agent write them.
#ifndef DIALGATE_TEST_AGENT_ADDRESSES_H
#define DIALGATE_TEST_AGENT_ADDRESSES_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "dialgate/address.h"

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define IP(a, b, c, d)   ((struct ip_address)IP_MAPPED(IPV4(a, b, c, d)))

static inline struct ip_address ip6(const char *text)
{
    struct ip_address address;

    assert_int_equal(inet_pton(AF_INET6, text, address.octets), 1);
    return address;
}

static inline bool is(const struct ip_address *address, struct ip_address wanted)
{
    return ip_equal(address, &wanted);
}

#endif
