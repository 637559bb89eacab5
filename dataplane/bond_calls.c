// SPDX-License-Identifier: BSD-3-Clause
#include "bond_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#define DRIVER "librte_net_bond.so"

// DPDK 23.11 names them anew.
static const struct {
    const char *name, *later;
    size_t offset;
} rows[] = {
    {"rte_eth_bond_slave_add", "rte_eth_bond_member_add", offsetof(struct bond_calls, add)},
    {"rte_eth_bond_slave_remove", "rte_eth_bond_member_remove", offsetof(struct bond_calls, remove)},
    {"rte_eth_bond_slaves_get", "rte_eth_bond_members_get", offsetof(struct bond_calls, devices)},
    {"rte_eth_bond_primary_set", NULL, offsetof(struct bond_calls, set_primary)},
    {"rte_eth_bond_primary_get", NULL, offsetof(struct bond_calls, primary)},
    {"rte_eth_bond_mac_address_set", NULL, offsetof(struct bond_calls, set_mac)},
};

static int open_driver(struct dl_phdr_info *info, size_t size, void *data)
{
    void **driver = data;

    if (strstr(info->dlpi_name, DRIVER) == NULL)
        return 0;
    *driver = dlopen(info->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
    return *driver != NULL;
}

int bond_calls_find(struct bond_calls *calls)
{
    void *driver = NULL;
    int result = 0;

    dl_iterate_phdr(open_driver, &driver);
    if (driver == NULL)
        return -ENOSYS;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && result == 0; i++) {
        void *call = dlsym(driver, rows[i].name);

        if (call == NULL && rows[i].later != NULL)
            call = dlsym(driver, rows[i].later);
        memcpy((char *)calls + rows[i].offset, &call, sizeof(call));
        result = call == NULL ? -ENOSYS : 0;
    }
    dlclose(driver); // EAL has it open until it ends
    return result;
}
