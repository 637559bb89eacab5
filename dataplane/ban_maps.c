// SPDX-License-Identifier: BSD-3-Clause
#include "ban_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include "filter.h"

#define NS_PER_MS 1000000u

static int map_of(const struct port *port)
{
    return port->attached ? port->prefilter.map_fds[PREFILTER_MAP_BANS] : -1;
}

static void remove_ban(void *context, const struct ban_source *source)
{
    struct dataplane *plane = context;
    struct ports *ports = &plane->ports;

    if (plane->workers.published.bans != NULL)
        filter_bans_remove(plane->workers.published.bans, source);
    for (unsigned i = 0; i < ports->count; i++) {
        int fd = map_of(&ports->ports[i]);

        if (fd >= 0)
            bpf_map_delete_elem(fd, source);
    }
}

static int put_on(const struct port *port, const struct ban_source *source, uint64_t until_ms)
{
    const struct prefilter_ban value = {.expires_ns = until_ms * NS_PER_MS};
    int fd = map_of(port);

    if (fd < 0 || bpf_map_update_elem(fd, source, &value, BPF_ANY) == 0)
        return 0;
    return errno == E2BIG ? -ENOSPC : -errno;
}

static int put_ban(void *context, const struct ban_source *source, uint64_t until_ms)
{
    struct dataplane *plane = context;
    struct filter_bans *bans = plane->workers.published.bans;
    int result = bans != NULL ? filter_bans_put(bans, source, until_ms * NS_PER_MS) : 0;

    for (unsigned i = 0; i < plane->ports.count && result == 0; i++)
        result = put_on(&plane->ports.ports[i], source, until_ms);
    if (result < 0)
        remove_ban(context, source);
    return result;
}

static uint64_t ban_hits(void *context, const struct ban_source *source)
{
    const struct dataplane *plane = context;
    const struct ports *ports = &plane->ports;
    struct prefilter_ban value;
    uint64_t hits = filter_bans_hits(plane->workers.published.bans, source);

    for (unsigned i = 0; i < ports->count; i++)
        if (map_of(&ports->ports[i]) >= 0 &&
            bpf_map_lookup_elem(map_of(&ports->ports[i]), source, &value) == 0)
            hits += value.hits;
    return hits;
}

static int look_for(void *context, const struct ban_lengths *lengths)
{
    const struct dataplane *plane = context;
    const struct ports *ports = &plane->ports;
    int result =
        plane->workers.published.bans != NULL ? filter_bans_look(plane->workers.published.bans, lengths) : 0;

    for (unsigned i = 0; i < ports->count && result == 0; i++) {
        if (map_of(&ports->ports[i]) >= 0)
            result = prefilter_look_for_bans(&ports->ports[i].prefilter, lengths);
    }
    return result;
}

struct ban_place ban_maps_place(struct dataplane *plane)
{
    return (struct ban_place){
        .put = put_ban, .remove = remove_ban, .hits = ban_hits, .look = look_for, .context = plane};
}
