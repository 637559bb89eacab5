// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_vlan.h"

#include <stdio.h>
#include <string.h>

#define TAGGED_NAME (IF_NAMESIZE + 12) // two identifiers and their dots more

static const struct hostnet_link *by_name(const struct hostnet_link *links, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(links[i].name, name) == 0)
            return &links[i];
    }
    return NULL;
}

static const struct hostnet_link *upon(const struct hostnet_link *links, unsigned count,
                                       const struct hostnet_link *base, uint16_t vlan)
{
    for (unsigned i = 0; i < count && base != NULL; i++) {
        if (links[i].vlan == vlan && links[i].parent == base->ifindex)
            return &links[i];
    }
    return NULL;
}

static const struct hostnet_link *by_tagged_name(const struct hostnet_link *links, unsigned count,
                                                 const struct hostnet_place *place)
{
    const struct hostnet_link *found;
    const unsigned single = place->vlan != 0 ? place->vlan : place->outer_vlan;
    char name[TAGGED_NAME];

    if (place->vlan != 0 && place->outer_vlan != 0)
        snprintf(name, sizeof(name), "%s.%u.%u", place->interface, place->outer_vlan, place->vlan);
    else
        snprintf(name, sizeof(name), "%s.%u", place->interface, single);
    found = by_name(links, count, name);
    return found != NULL && found->vlan == 0 ? found : NULL; // not one of another VLAN
}

const struct hostnet_link *hostnet_vlan_find(const struct hostnet_link *links, unsigned count,
                                             const struct hostnet_place *place,
                                             const struct hostnet_link **base)
{
    const struct hostnet_link *found;

    *base = found = by_name(links, count, place->interface);
    if (*base == NULL || (place->vlan == 0 && place->outer_vlan == 0))
        return *base;
    if (place->outer_vlan != 0)
        found = upon(links, count, found, place->outer_vlan);
    if (place->vlan != 0)
        found = upon(links, count, found, place->vlan);
    if (found == NULL)
        found = by_tagged_name(links, count, place);
    return found == NULL ? *base : found;
}
