// SPDX-License-Identifier: BSD-3-Clause
// Which of the kernel's interfaces is a network's.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hostnet_vlan.h"

static const struct hostnet_link links[] = {
    {.ifindex = 12, .name = "uplink", .vlan = 100, .parent = 9}, // told before what it is upon
    {.ifindex = 9, .name = "eth0"},
    {.ifindex = 10, .name = "eth1"},
    {.ifindex = 13, .name = "outer", .vlan = 4000, .parent = 9},
    {.ifindex = 14, .name = "inner", .vlan = 7, .parent = 13},
    {.ifindex = 15, .name = "eth1.100", .vlan = 5, .parent = 10},
    {.ifindex = 16, .name = "eth0.200"},
    {.ifindex = 17, .name = "eth0.4000.8"},
    {.ifindex = 18, .name = "seven", .vlan = 7, .parent = 10},
};

static const struct {
    const char *what;
    struct hostnet_place place;
    int found; // index, 0: none
    int base;
} rows[] = {
    {"no tags", {"eth0", 0, 0}, 9, 9},
    {"no interface", {"eth2", 0, 0}, 0, 0},
    {"tags of no interface", {"eth2", 100, 0}, 0, 0},
    {"VLAN interface of any name", {"eth0", 100, 0}, 12, 9},
    {"another's is not ours", {"eth1", 7, 0}, 18, 10},
    {"inner VLAN is not the outer one", {"eth0", 7, 0}, 9, 9},
    {"both tags", {"eth0", 7, 4000}, 14, 9},
    {"outer tag alone", {"eth0", 0, 4000}, 13, 9},
    {"by its name", {"eth0", 200, 0}, 16, 9},
    {"both by its name", {"eth0", 8, 4000}, 17, 9},
    {"its name on another VLAN", {"eth1", 100, 0}, 10, 10},
    {"none for these tags", {"eth0", 300, 0}, 9, 9},
    {"the outer one is no stand-in", {"eth0", 9, 4000}, 9, 9},
};

static void test_find(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct hostnet_link *base, *found;

        found = hostnet_vlan_find(links, sizeof(links) / sizeof(links[0]), &rows[i].place, &base);
        if ((found == NULL ? 0 : found->ifindex) != rows[i].found ||
            (base == NULL ? 0 : base->ifindex) != rows[i].base)
            fail_msg("%s", rows[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
