// SPDX-License-Identifier: BSD-3-Clause
// The system calls that a daemon may make once it serves; every other one fails with EPERM and is told to the
// kernel's audit log. Found by strace of the tests in tests/net, and by reading what libevent, c-ares,
// libbpf, DPDK and the C library may want besides. What is missing shows as "Operation not permitted";
// --no-sandbox tells whether that is the reason.
#ifndef DIALGATE_CALLS_H
#define DIALGATE_CALLS_H

#include <stdint.h>

enum calls_of { CALLS_DATAPLANE = 1, CALLS_CONTROL = 2, CALLS_BOTH = 3 };

// Allowed whatever the arguments: names with a space after each.
struct call_list {
    enum calls_of who;
    const char *names;
};

// Allowed when the argument (0: the first) masked by mask is value. Several rows of one call allow what any
// of them does.
struct call_rule {
    const char *name;
    enum calls_of who;
    unsigned argument;
    uint64_t mask;
    uint64_t value;
};

extern const struct call_list call_lists[];
extern const unsigned call_list_count;
extern const struct call_rule call_rules[];
extern const unsigned call_rule_count;

#endif
