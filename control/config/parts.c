// SPDX-License-Identifier: BSD-3-Clause
#include "parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "value.h"

static struct part *add_part(struct side *side, const struct key_group *group, const void *values)
{
    struct part *part = &side->parts[side->count];
    side->sorted[side->count++] = part;
    part->group = group;
    part->values = values;
    return part;
}

static void add_peer(struct side *side, size_t number)
{
    const struct config_peer *peer = &side->config->peers[number];
    struct part *part = add_part(side, &keys_peer, peer);
    char address[INET6_ADDRSTRLEN];
    snprintf(part->name, sizeof(part->name), "peers.%s", peer->name);
    snprintf(part->path, sizeof(part->path), "peers[%zu]", number);
    for (size_t s = 0; s < keys_peer_sections_count; s++) {
        const struct key_group *group = &keys_peer_sections[s];
        const char *section = strchr(group->path, '.');
        part = add_part(side, group, (const char *)peer + group->offset);
        snprintf(part->name, sizeof(part->name), "peers.%s%s", peer->name, section);
        snprintf(part->path, sizeof(part->path), "peers[%zu]%s", number, section);
    }
    for (size_t m = 0; m < peer->member_count; m++) {
        const struct config_member *member = &peer->members[m];
        part = add_part(side, &keys_member, member);
        part->list = strlen("peers.") + strlen(peer->name) + strlen(".members");
        value_address(&member->address, address, sizeof(address));
        snprintf(part->name, sizeof(part->name), "peers.%s.members.%s:%u", peer->name,
                 member->host[0] ? member->host : address, (unsigned)member->port);
        snprintf(part->path, sizeof(part->path), "peers[%zu].members[%zu]", number, m);
    }
}

static void add_application(struct side *side, size_t number)
{
    const struct config_application *application = &side->config->applications[number];
    struct part *part = add_part(side, &keys_application, application);
    snprintf(part->name, sizeof(part->name), "applications.%s", application->name);
    snprintf(part->path, sizeof(part->path), "applications[%zu]", number);
    for (size_t s = 0; s < keys_application_sections_count; s++) {
        const struct key_group *group = &keys_application_sections[s];
        const char *section = strchr(group->path, '.');
        part = add_part(side, group, (const char *)application + group->offset);
        snprintf(part->name, sizeof(part->name), "applications.%s%s", application->name, section);
        snprintf(part->path, sizeof(part->path), "applications[%zu]%s", number, section);
    }
}

static void add_parts(struct side *side)
{
    const struct config *config = side->config;
    struct part *part;
    for (size_t i = 0; i < config->network_count; i++) {
        part = add_part(side, &keys_network, &config->networks[i]);
        part->list = strlen("networks");
        snprintf(part->name, sizeof(part->name), "networks.%s", config->networks[i].name);
        snprintf(part->path, sizeof(part->path), "networks.%s", config->networks[i].name);
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        part = add_part(side, &keys_listener, &config->listeners[i]);
        part->list = strlen("listeners");
        snprintf(part->name, sizeof(part->name), "listeners.%s", config->listeners[i].name);
        snprintf(part->path, sizeof(part->path), "listeners[%zu]", i);
    }
    for (size_t i = 0; i < config->peer_count; i++)
        add_peer(side, i);
    for (size_t i = 0; i < config->application_count; i++)
        add_application(side, i);
    for (size_t i = 0; i < config->retry_count; i++) {
        part = add_part(side, &keys_retry, &config->retries[i]);
        snprintf(part->name, sizeof(part->name), "retry.%s", config->retries[i].name);
        snprintf(part->path, sizeof(part->path), "retry[%zu]", i);
    }
    for (size_t i = 0; i < config->route_count; i++) {
        part = add_part(side, &keys_route, &config->routes[i]);
        snprintf(part->name, sizeof(part->name), "routes[%zu]", i);
        snprintf(part->path, sizeof(part->path), "routes[%zu]", i);
    }
    for (size_t i = 0; i < keys_sections_count; i++) {
        const struct key_group *group = &keys_sections[i];
        part = add_part(side, group, (const char *)config + group->offset);
        snprintf(part->name, sizeof(part->name), "%s", group->path);
        snprintf(part->path, sizeof(part->path), "%s", group->path);
    }
}

static int compare_names(const void *left, const void *right)
{
    return strcmp((*(struct part *const *)left)->name, (*(struct part *const *)right)->name);
}

int parts_take(struct side *side, const struct config *config)
{
    size_t room = config->network_count + config->listener_count + config->route_count + keys_sections_count +
                  config->application_count * (1 + keys_application_sections_count) + config->retry_count;
    for (size_t i = 0; i < config->peer_count; i++)
        room += 1 + keys_peer_sections_count + config->peers[i].member_count;
    side->config = config;
    side->parts = calloc(room, sizeof(*side->parts));
    side->sorted = calloc(room, sizeof(struct part *));
    if (!side->parts || !side->sorted)
        return -ENOMEM;
    add_parts(side);
    qsort(side->sorted, side->count, sizeof(struct part *), compare_names);
    return 0;
}

void parts_free(struct side *side)
{
    free(side->parts);
    free(side->sorted);
}

static void meet(struct part *old, struct part *new)
{
    old->other = new;
    new->other = old;
}

static void match_names(struct side *olds, const struct side *news)
{
    for (size_t i = 0; i < olds->count; i++) {
        struct part *part = &olds->parts[i];
        struct part **found = bsearch(&part, news->sorted, news->count, sizeof(struct part *), compare_names);
        if (found && part->group != &keys_route)
            meet(part, *found);
    }
}

static struct part *first_route(const struct side *side)
{
    struct part *part = side->parts;
    while (part->group != &keys_route && part < side->parts + side->count - 1)
        part++;
    return part;
}

// The structs come zeroed and each value is written once, so that equal values are equal octets.
static bool same_route(const struct part *old, const struct part *new)
{
    return memcmp(old->values, new->values, sizeof(struct config_route)) == 0;
}

// What stands between two routes that stay: as many before as after are the same ones, changed.
static void match_between(struct part *old, const struct part *old_end, struct part *new,
                          const struct part *new_end)
{
    if (old_end - old != new_end - new)
        return;
    while (old < old_end)
        meet(old++, new ++);
}

// The classic table of lengths: at [i][j] of the longest common sequence of what begins there.
static int match_routes(const struct side *olds, const struct side *news)
{
    size_t rows = olds->config->route_count, columns = news->config->route_count, i = 0, j = 0;
    struct part *old = first_route(olds), *new = first_route(news);
    uint16_t(*lengths)[ROUTES_MAX + 1] = calloc(rows + 1, sizeof(*lengths));
    if (!lengths)
        return -ENOMEM;
    for (i = rows; i-- > 0;)
        for (j = columns; j-- > 0;) {
            uint16_t down = lengths[i + 1][j], right = lengths[i][j + 1];
            lengths[i][j] = same_route(&old[i], &new[j]) ? (uint16_t)(lengths[i + 1][j + 1] + 1)
                            : down > right               ? down
                                                         : right;
        }
    size_t old_done = 0, new_done = 0;
    for (i = j = 0; i < rows && j < columns;) {
        if (same_route(&old[i], &new[j])) {
            match_between(&old[old_done], &old[i], &new[new_done], &new[j]);
            meet(&old[i++], &new[j++]);
            old_done = i;
            new_done = j;
        } else if (lengths[i + 1][j] >= lengths[i][j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    match_between(&old[old_done], &old[rows], &new[new_done], &new[columns]);
    free(lengths);
    return 0;
}

int parts_match(struct side *olds, struct side *news)
{
    match_names(olds, news);
    return match_routes(olds, news);
}
