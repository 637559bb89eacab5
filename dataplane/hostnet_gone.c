// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_gone.h"

#include <stdbool.h>

static bool has(const struct hostnet_gone *set, const struct ip_address *address)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (ip_equal(&set->addresses[i], address))
            return true;
    }
    return false;
}

static void add(struct hostnet_gone *set, const struct ip_address *address)
{
    if (!has(set, address))
        set->addresses[set->count++] = *address;
}

struct hostnet_gone_news hostnet_gone_update(struct hostnet_gone *gone, const struct ip_address *wanted,
                                             unsigned count, uint64_t missing)
{
    struct hostnet_gone now = {.count = 0};
    struct hostnet_gone_news news = {.gone = {.count = 0}};

    for (unsigned i = 0; i < count; i++) {
        const bool was = has(gone, &wanted[i]), is = (missing & UINT64_C(1) << i) != 0;

        if (is)
            add(&now, &wanted[i]);
        if (is && !was)
            add(&news.gone, &wanted[i]);
        if (!is && was)
            add(&news.back, &wanted[i]);
    }
    *gone = now;
    return news;
}
