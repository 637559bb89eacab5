// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_paths.h"

#define IPV4_MTU_MIN 576u // RFC 791 section 3.1: what every host takes, whole or in fragments

static uint16_t least_mtu(const struct ip_address *address)
{
    return ip_is_ipv4(address) ? IPV4_MTU_MIN : NEXTHOP_IPV6_MTU_MIN;
}

bool hostnet_paths_lower(struct hostnet_paths *paths, const struct hostnet_path *path)
{
    uint16_t least = least_mtu(&path->address), mtu = path->mtu > least ? path->mtu : least;
    struct hostnet_path *row = NULL, *oldest = &paths->rows[0];

    for (unsigned i = 0; i < paths->count && row == NULL; i++) {
        if (paths->rows[i].network == path->network && ip_equal(&paths->rows[i].address, &path->address))
            row = &paths->rows[i];
        else if (paths->rows[i].until_ms < oldest->until_ms)
            oldest = &paths->rows[i];
    }
    // What it says may be a forgery or old, but a router that must say it again says it is still so.
    if (row != NULL && row->until_ms != 0 && row->mtu <= mtu) {
        if (row->mtu == mtu)
            row->until_ms = path->until_ms;
        return false;
    }
    if (row == NULL)
        row = paths->count < HOSTNET_PATHS_MAX ? &paths->rows[paths->count++] : oldest;
    *row = *path;
    row->mtu = mtu;
    return true;
}

bool hostnet_paths_expire(struct hostnet_paths *paths, uint64_t now_ms)
{
    bool any = false;

    for (unsigned i = 0; i < paths->count; i++) {
        if (paths->rows[i].until_ms == 0 || paths->rows[i].until_ms > now_ms)
            continue;
        paths->rows[i].until_ms = 0;
        any = true;
    }
    return any;
}

uint64_t hostnet_paths_next(const struct hostnet_paths *paths)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < paths->count; i++) {
        if (paths->rows[i].until_ms != 0 && paths->rows[i].until_ms < next)
            next = paths->rows[i].until_ms;
    }
    return next;
}
