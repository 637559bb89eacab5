// SPDX-License-Identifier: BSD-3-Clause
#include "ban_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include "filter.h"

#define NS_PER_MS 1000000u

// A key of the map has the octets of struct ip_address.
_Static_assert(sizeof(struct prefilter_address) == sizeof(struct ip_address), "layout");

static int map_of(const struct port *port)
{
    return port->attached ? port->prefilter.map_fds[PREFILTER_MAP_BANS] : -1;
}

static void remove_ban(void *context, const struct ip_address *source)
{
    struct ports *ports = &((struct dataplane *)context)->ports;
    struct ip_address next;

    for (unsigned i = 0; i < ports->count; i++) {
        int fd = map_of(&ports->ports[i]);

        if (fd < 0)
            continue;
        bpf_map_delete_elem(fd, source);
        if (bpf_map_get_next_key(fd, NULL, &next) && errno == ENOENT)
            prefilter_look_for_bans(&ports->ports[i].prefilter, false);
    }
}

static int put_on(struct port *port, const struct ip_address *source, uint64_t until_ms)
{
    struct prefilter_ban value = {0, 0};
    int fd = map_of(port);

    if (fd < 0)
        return 0;
    // One that goes on keeps its hits, but for those of this moment.
    bpf_map_lookup_elem(fd, source, &value);
    value.expires_ns = until_ms * NS_PER_MS;
    if (bpf_map_update_elem(fd, source, &value, BPF_ANY))
        return errno == E2BIG ? -ENOSPC : -errno;
    return port->prefilter.no_bans ? prefilter_look_for_bans(&port->prefilter, true) : 0;
}

static int put_ban(void *context, const struct ip_address *source, uint64_t until_ms)
{
    struct ports *ports = &((struct dataplane *)context)->ports;

    for (unsigned i = 0; i < ports->count; i++) {
        int result = put_on(&ports->ports[i], source, until_ms);

        if (result == 0)
            continue;
        remove_ban(context, source);
        return result;
    }
    return 0;
}

static uint64_t ban_hits(void *context, const struct ip_address *source)
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

struct ban_place ban_maps_place(struct dataplane *plane)
{
    return (struct ban_place){.put = put_ban, .remove = remove_ban, .hits = ban_hits, .context = plane};
}
