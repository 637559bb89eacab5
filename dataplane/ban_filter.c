// SPDX-License-Identifier: BSD-3-Clause
#include "ban_filter.h"

#include "filter.h"
#include "reload.h"

#define NS_PER_MS 1000000u

struct making {
    struct filter_bans *bans;
    const struct filter_bans *before; // whose hits go on
};

static void add(void *context, const struct ban_source *source, uint64_t until_ms)
{
    struct making *making = context;

    filter_bans_add(making->bans, source, until_ms * NS_PER_MS, filter_bans_hits(making->before, source));
}

void ban_filter_poll(struct dataplane *plane, const struct bans *bans)
{
    const struct workers *workers = &plane->workers;
    struct making making = {.before = workers->published.bans};

    if (workers->parts[0].filter == NULL || plane->bans_generation == bans_generation(bans))
        return;
    making.bans = filter_bans_create(bans_in_force(bans), workers->count, &plane->keys.table);
    if (making.bans == NULL)
        return;
    making.bans->lengths = bans_lengths(bans);
    bans_each(bans, add, &making);
    reload_bans(plane, making.bans);
    plane->bans_generation = bans_generation(bans);
}
