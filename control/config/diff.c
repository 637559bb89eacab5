// SPDX-License-Identifier: BSD-3-Clause
// What differs between two configurations. Values are compared as they are, defaults and the environment
// included, and shown as they are printed. What has a name is the same thing wherever it stands; routes have
// none, so what is left between their common beginning and their common end counts as changed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "effect.h"
#include "model.h"
#include "place.h"
#include "print.h"
#include "value.h"

#define SHOWN_SIZE 320u // octets of a path that is shown

struct diff {
    const struct config *old, *new;
    config_change_visitor *visit;
    void *context;
    bool failed; // no memory
};

// The same thing before and after, with what it is called; NULL values: it was not or is not there.
struct pair {
    const char *name; // "peers.sbcs.limits"
    const struct key_group *group;
    char old_path[PLACE_PATH_SIZE], new_path[PLACE_PATH_SIZE];
    const void *old, *new;
};

static struct mapping mapping_of(const struct diff *diff, const struct pair *pair, bool new)
{
    return (struct mapping){new ? diff->new : diff->old, new ? pair->new_path : pair->old_path, pair->group,
                            new ? pair->new : pair->old};
}

static void visit(struct diff *diff, const struct config_change *change)
{
    diff->visit(diff->context, change);
}

// One line of key (NULL: all that are not at their default) before or after; the caller frees it, NULL
// without memory.
static char *text_of(struct diff *diff, const struct pair *pair, const struct key *key, bool new)
{
    const struct mapping mapping = mapping_of(diff, pair, new);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out && key && !value_is_empty(key, (const char *)mapping.values + key->offset))
        print_one(&mapping, key, out);
    else if (out && !key)
        print_mapping(&mapping, out);
    if (!out || fclose(out) != 0) {
        diff->failed = true;
        free(text);
        return NULL;
    }
    return text;
}

static int compare_prefixes(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct key_prefix));
}

// A prefix of one side as it is printed.
static const char *prefix_text(const struct mapping *mapping, const struct key *key, size_t index,
                               char text[SHOWN_SIZE])
{
    const struct prefix_list *list = (const void *)((const char *)mapping->values + key->offset);
    char path[SHOWN_SIZE];
    snprintf(path, sizeof(path), "%s.%s[%zu]", mapping->path, key->name, index);
    const char *written = config_written(mapping->config, path);
    if (written)
        snprintf(text, SHOWN_SIZE, "'%.*s'", (int)SHOWN_SIZE - 3, written);
    else
        value_format(key, &list->rows[index], text, SHOWN_SIZE);
    return text;
}

// Prefixes that went and came; path is what is shown.
static void diff_prefixes(struct diff *diff, const struct pair *pair, const struct key *key, const char *path)
{
    for (int from = 0; from < 2; from++) {
        const struct mapping here = mapping_of(diff, pair, from), there = mapping_of(diff, pair, !from);
        const struct prefix_list *one = (const void *)((const char *)here.values + key->offset),
                                 *other = (const void *)((const char *)there.values + key->offset);
        struct key_prefix *sorted = calloc(other->count + 1, sizeof(*sorted));
        if (!sorted) {
            diff->failed = true;
            return;
        }
        if (other->count)
            memcpy(sorted, other->rows, other->count * sizeof(*sorted));
        qsort(sorted, other->count, sizeof(*sorted), compare_prefixes);
        for (size_t i = 0; i < one->count; i++) {
            char text[SHOWN_SIZE];
            if (bsearch(&one->rows[i], sorted, other->count, sizeof(*sorted), compare_prefixes))
                continue;
            prefix_text(&here, key, i, text);
            const struct config_change change = {from ? CONFIG_ADDED : CONFIG_REMOVED, path, from ? "" : text,
                                                 from ? text : "", effect_name(key->effect)};
            visit(diff, &change);
        }
        free(sorted);
    }
}

static bool same_value(const struct key *key, const void *old, const void *new)
{
    char before[VALUE_TEXT_SIZE], after[VALUE_TEXT_SIZE];
    const struct status_list *one = old, *other = new;
    if (key->kind == KEY_STATUS)
        return one->count == other->count &&
               memcmp(one->rows, other->rows, one->count * sizeof(one->rows[0])) == 0;
    return strcmp(value_format(key, old, before, sizeof(before)),
                  value_format(key, new, after, sizeof(after))) == 0;
}

static void diff_keys(struct diff *diff, const struct pair *pair)
{
    char path[SHOWN_SIZE];
    for (size_t k = 0; k < pair->group->count; k++) {
        const struct key *key = &pair->group->keys[k];
        const void *old = (const char *)pair->old + key->offset, *new = (const char *)pair->new + key->offset;
        snprintf(path, sizeof(path), "%s.%s", pair->name, key->name);
        if (key->kind == KEY_PREFIX) {
            diff_prefixes(diff, pair, key, path);
            continue;
        }
        if (same_value(key, old, new))
            continue;
        char *before = text_of(diff, pair, key, false), *after = text_of(diff, pair, key, true);
        const struct config_change change = {CONFIG_CHANGED, path, before, after, effect_name(key->effect)};
        if (before && after)
            visit(diff, &change);
        free(before);
        free(after);
    }
}

// What came or went as a whole, or its keys.
static void diff_pair(struct diff *diff, const struct pair *pair)
{
    if (pair->old && pair->new) {
        diff_keys(diff, pair);
        return;
    }
    char *text = text_of(diff, pair, NULL, pair->new != NULL);
    const struct config_change change = {pair->new ? CONFIG_ADDED : CONFIG_REMOVED, pair->name,
                                         pair->new ? "" : text, pair->new ? text : "",
                                         effect_name(pair->group->keys[0].effect)};
    if (text)
        visit(diff, &change);
    free(text);
}

static void diff_networks(struct diff *diff)
{
    for (int from = 0; from < 2; from++) {
        const struct config *one = from ? diff->new : diff->old, *other = from ? diff->old : diff->new;
        for (size_t i = 0; i < one->network_count; i++) {
            const struct config_network *here = &one->networks[i], *there = model_network(other, here->name);
            struct pair pair = {
                .group = &keys_network, .old = from ? there : here, .new = from ? here : there};
            if (from && there)
                continue; // compared from the other side
            snprintf(pair.old_path, sizeof(pair.old_path), "networks.%s", here->name);
            snprintf(pair.new_path, sizeof(pair.new_path), "networks.%s", here->name);
            pair.name = pair.old_path;
            diff_pair(diff, &pair);
        }
    }
}

static void diff_listeners(struct diff *diff)
{
    for (int from = 0; from < 2; from++) {
        const struct config *one = from ? diff->new : diff->old, *other = from ? diff->old : diff->new;
        for (size_t i = 0; i < one->listener_count; i++) {
            const struct config_listener *here = &one->listeners[i],
                                         *there = model_listener(other, here->name);
            struct pair pair = {
                .group = &keys_listener, .old = from ? there : here, .new = from ? here : there};
            char name[SHOWN_SIZE];
            if (from && there)
                continue;
            size_t at = there ? (size_t)(there - other->listeners) : 0;
            snprintf(name, sizeof(name), "listeners.%s", here->name);
            snprintf(pair.old_path, sizeof(pair.old_path), "listeners[%zu]", from ? at : i);
            snprintf(pair.new_path, sizeof(pair.new_path), "listeners[%zu]", from ? i : at);
            pair.name = name;
            diff_pair(diff, &pair);
        }
    }
}

static const struct config_member *find_member(const struct config_peer *peer,
                                               const struct config_member *like)
{
    for (size_t i = 0; i < peer->member_count; i++) {
        const struct config_member *member = &peer->members[i];
        if (memcmp(&member->address, &like->address, sizeof(like->address)) == 0 &&
            member->port == like->port && strcmp(member->host, like->host) == 0)
            return member;
    }
    return NULL;
}

// old and new are the same peer.
static void diff_members(struct diff *diff, const struct config_peer *old, const struct config_peer *new)
{
    char name[SHOWN_SIZE], address[INET6_ADDRSTRLEN];
    for (int from = 0; from < 2; from++) {
        const struct config_peer *one = from ? new : old, *other = from ? old : new;
        for (size_t i = 0; i < one->member_count; i++) {
            const struct config_member *here = &one->members[i], *there = find_member(other, here);
            struct pair pair = {
                .group = &keys_member, .old = from ? there : here, .new = from ? here : there};
            if (from && there)
                continue;
            size_t at = there ? (size_t)(there - other->members) : 0;
            value_address(&here->address, address, sizeof(address));
            snprintf(name, sizeof(name), "peers.%s.members.%s:%u", old->name,
                     here->host[0] ? here->host : address, (unsigned)here->port);
            snprintf(pair.old_path, sizeof(pair.old_path), "peers[%zu].members[%zu]",
                     (size_t)(old - diff->old->peers), from ? at : i);
            snprintf(pair.new_path, sizeof(pair.new_path), "peers[%zu].members[%zu]",
                     (size_t)(new - diff->new->peers), from ? i : at);
            pair.name = name;
            diff_pair(diff, &pair);
        }
    }
}

static void diff_peer(struct diff *diff, const struct config_peer *old, const struct config_peer *new)
{
    char name[SHOWN_SIZE];
    const struct config_peer *either = old ? old : new;
    struct pair pair = {.name = name, .group = &keys_peer, .old = old, .new = new};
    snprintf(name, sizeof(name), "peers.%s", either->name);
    snprintf(pair.old_path, sizeof(pair.old_path), "peers[%zu]", old ? (size_t)(old - diff->old->peers) : 0);
    snprintf(pair.new_path, sizeof(pair.new_path), "peers[%zu]", new ? (size_t)(new - diff->new->peers) : 0);
    diff_pair(diff, &pair);
    if (!old || !new)
        return;
    for (size_t s = 0; s < keys_peer_sections_count; s++) {
        const struct key_group *group = &keys_peer_sections[s];
        const char *section = strchr(group->path, '.');
        struct pair inner = {.name = name,
                             .group = group,
                             .old = (const char *)old + group->offset,
                             .new = (const char *)new + group->offset};
        snprintf(name, sizeof(name), "peers.%s%s", old->name, section);
        snprintf(inner.old_path, sizeof(inner.old_path), "%.100s%s", pair.old_path, section);
        snprintf(inner.new_path, sizeof(inner.new_path), "%.100s%s", pair.new_path, section);
        diff_keys(diff, &inner);
    }
    diff_members(diff, old, new);
}

static void diff_peers(struct diff *diff)
{
    for (size_t i = 0; i < diff->old->peer_count; i++) {
        const struct config_peer *old = &diff->old->peers[i];
        diff_peer(diff, old, model_peer(diff->new, old->name));
    }
    for (size_t i = 0; i < diff->new->peer_count; i++)
        if (!model_peer(diff->old, diff->new->peers[i].name))
            diff_peer(diff, NULL, &diff->new->peers[i]);
}

static void diff_route(struct diff *diff, const struct config_route *old, const struct config_route *new)
{
    char name[SHOWN_SIZE];
    struct pair pair = {.name = name, .group = &keys_route, .old = old, .new = new};
    size_t before = old ? (size_t)(old - diff->old->routes) : 0,
           after = new ? (size_t)(new - diff->new->routes) : 0;
    snprintf(name, sizeof(name), "routes[%zu]", new ? after : before);
    snprintf(pair.old_path, sizeof(pair.old_path), "routes[%zu]", before);
    snprintf(pair.new_path, sizeof(pair.new_path), "routes[%zu]", after);
    diff_pair(diff, &pair);
}

static bool same_route(const struct config_route *old, const struct config_route *new)
{
    for (size_t k = 0; k < keys_route.count; k++) {
        const struct key *key = &keys_route.keys[k];
        if (!same_value(key, (const char *)old + key->offset, (const char *)new + key->offset))
            return false;
    }
    return true;
}

static void diff_routes(struct diff *diff)
{
    const struct config *old = diff->old, *new = diff->new;
    size_t first = 0, old_end = old->route_count, new_end = new->route_count;
    while (first < old_end && first < new_end && same_route(&old->routes[first], &new->routes[first]))
        first++;
    while (old_end > first && new_end > first &&
           same_route(&old->routes[old_end - 1], &new->routes[new_end - 1])) {
        old_end--;
        new_end--;
    }
    bool paired = old_end == new_end;
    for (size_t i = first; i < old_end; i++)
        diff_route(diff, &old->routes[i], paired ? &new->routes[i] : NULL);
    for (size_t i = first; i < new_end && !paired; i++)
        diff_route(diff, NULL, &new->routes[i]);
}

int config_diff(const struct config *old, const struct config *new, config_change_visitor *visitor,
                void *context)
{
    struct diff diff = {.old = old, .new = new, .visit = visitor, .context = context};
    diff_networks(&diff);
    diff_listeners(&diff);
    diff_peers(&diff);
    diff_routes(&diff);
    for (size_t i = 0; i < keys_sections_count; i++) {
        const struct key_group *group = &keys_sections[i];
        struct pair pair = {.name = group->path,
                            .group = group,
                            .old = (const char *)old + group->offset,
                            .new = (const char *)new + group->offset};
        snprintf(pair.old_path, sizeof(pair.old_path), "%s", group->path);
        snprintf(pair.new_path, sizeof(pair.new_path), "%s", group->path);
        diff_keys(&diff, &pair);
    }
    return diff.failed ? -ENOMEM : 0;
}
