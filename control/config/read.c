// SPDX-License-Identifier: BSD-3-Clause
#include "read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "application.h"
#include "value.h"

#define WHY_SIZE 320

static int refuse_memory(struct places *places)
{
    places_refuse(places, "", "no memory");
    return -ENOMEM;
}

// An array of count zeroed elements; never NULL for want of elements.
static void *make(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

static int read_list(struct places *places, const char *path, const struct key *key,
                     const struct raw_list *raw, struct prefix_list *list)
{
    char row[PLACE_PATH_SIZE], why[WHY_SIZE];
    list->rows = make(raw->count, sizeof(*list->rows));
    if (!list->rows)
        return refuse_memory(places);
    for (; list->count < raw->count; list->count++) {
        if (value_parse(key, raw->rows[list->count], &list->rows[list->count], why, sizeof(why)) == 0)
            continue;
        snprintf(row, sizeof(row), "%s.%s[%zu]", path, key->name, list->count);
        return places_refuse(places, row, "%s", why);
    }
    return 0;
}

static int read_statuses(struct places *places, const char *path, const struct key *key,
                         const struct raw_list *raw, struct status_list *list)
{
    char row[PLACE_PATH_SIZE], why[WHY_SIZE];
    snprintf(row, sizeof(row), "%s.%s", path, key->name);
    if (!raw->rows) {
        if (strcmp(places_find(places, row)->path, row) == 0)
            return 0; // []
        for (const char *at = key->fallback; *at; at += strspn(at, " "))
            list->rows[list->count++] = (uint16_t)strtoul(at, (char **)(uintptr_t)&at, 10);
        return 0;
    }
    for (; list->count < raw->count; list->count++) {
        if (value_parse(key, raw->rows[list->count], &list->rows[list->count], why, sizeof(why)) == 0)
            continue;
        snprintf(row, sizeof(row), "%s.%s[%zu]", path, key->name, list->count);
        return places_refuse(places, row, "%s", why);
    }
    return 0;
}

// A default of several words.
static int read_words(const struct key *key, void *value)
{
    char word[KEY_TARGET_SIZE], why[WHY_SIZE];
    for (const char *at = key->fallback; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        snprintf(word, sizeof(word), "%.*s", (int)length, at);
        int result = value_parse(key, word, value, why, sizeof(why));
        if (result < 0)
            return result;
        at += length;
    }
    return 0;
}

// One name, target or word, or a list of them: value_parse() adds each to value.
static int read_several(struct places *places, const char *path, const struct key *key, void *value)
{
    char row[PLACE_PATH_SIZE], why[WHY_SIZE];
    snprintf(row, sizeof(row), "%s.%s", path, key->name);
    const struct place *place = places_find(places, row);
    if (strcmp(place->path, row) != 0 && key->fallback)
        return read_words(key, value);
    if (strcmp(place->path, row) != 0)
        return places_refuse(places, row, "is missing; give %s", value_range(key, why, sizeof(why)));
    bool single = place->value != NULL;
    size_t i = 0;
    for (;; i++) {
        if (!single) {
            snprintf(row, sizeof(row), "%s.%s[%zu]", path, key->name, i);
            place = places_find(places, row);
            if (strcmp(place->path, row) != 0) // behind the last one
                break;
        }
        if (!place->value)
            return places_refuse(places, row, "is not a single value; give one without { } or [ ]");
        if (value_parse(key, place->value, value, why, sizeof(why)) < 0)
            return places_refuse(places, row, "%s", why);
        if (single)
            return 0;
    }
    snprintf(row, sizeof(row), "%s.%s", path, key->name);
    return i > 0 ? 0
                 : places_refuse(places, row, "names nothing; give %s", value_range(key, why, sizeof(why)));
}

// Reads the keys of one mapping: raw and value are its structs.
static int read_group(struct places *places, const char *path, const struct key_group *group, const void *raw,
                      void *value)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct key *key = &group->keys[i];
        const char *from = (const char *)raw + key->raw_offset;
        char *to = (char *)value + key->offset;
        if (key->kind == KEY_PREFIX) {
            int result = read_list(places, path, key, (const void *)from, (void *)to);
            if (result < 0)
                return result;
            continue;
        }
        if (key->kind == KEY_STATUS) {
            int result = read_statuses(places, path, key, (const void *)from, (void *)to);
            if (result < 0)
                return result;
            continue;
        }
        if (key->kind == KEY_NAMES || key->kind == KEY_TARGETS || key->kind == KEY_DEVICES ||
            key->kind == KEY_WORDS) {
            int result = read_several(places, path, key, (void *)to);
            if (result < 0)
                return result;
            continue;
        }
        char row[PLACE_PATH_SIZE], why[WHY_SIZE];
        const char *text;
        memcpy(&text, from, sizeof(text));
        snprintf(row, sizeof(row), "%s.%s", path, key->name);
        if (!text && !key->fallback)
            return places_refuse(places, row, "is missing; give %s", value_range(key, why, sizeof(why)));
        if (!text && !key->fallback[0])
            continue;
        if (value_parse(key, text ? text : key->fallback, to, why, sizeof(why)) < 0)
            return places_refuse(places, row, "%s", why);
    }
    return 0;
}

static int read_networks(const struct raw *raw, const struct schema *schema, struct places *places,
                         struct config *config)
{
    static const struct key name_key = {.name = "name", .kind = KEY_NAME};
    size_t count = schema_network_count(schema);
    config->networks = make(count, sizeof(*config->networks));
    if (!config->networks)
        return refuse_memory(places);
    for (size_t i = 0; i < count; i++) {
        struct config_network *network = &config->networks[config->network_count++];
        const char *path = schema_network_path(schema, i);
        char why[WHY_SIZE];
        if (value_parse(&name_key, path + strlen("networks."), network->name, why, sizeof(why)) < 0)
            return places_refuse_key(places, path, "%s", why);
        int result = read_group(places, path, &keys_network, &raw->networks[i], network);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_peer_sections(struct places *places, const char *path, const struct raw_peer *from,
                              struct config_peer *peer)
{
    char inner[PLACE_PATH_SIZE];
    int result = 0;
    for (size_t i = 0; result == 0 && i < keys_peer_sections_count; i++) {
        const struct key_group *group = &keys_peer_sections[i];
        snprintf(inner, sizeof(inner), "%s%s", path, strchr(group->path, '.'));
        result = read_group(places, inner, group, (const char *)from + group->raw_offset,
                            (char *)peer + group->offset);
    }
    return result;
}

static int read_peers(const struct raw *raw, struct places *places, struct config *config)
{
    char path[PLACE_PATH_SIZE];
    config->peers = make(raw->peers_count, sizeof(*config->peers));
    if (!config->peers)
        return refuse_memory(places);
    for (size_t i = 0; i < raw->peers_count; i++) {
        const struct raw_peer *from = &raw->peers[i];
        struct config_peer *peer = &config->peers[config->peer_count++];
        snprintf(path, sizeof(path), "peers[%zu]", i);
        int result = read_group(places, path, &keys_peer, from, peer);
        if (result == 0)
            result = read_peer_sections(places, path, from, peer);
        if (result < 0)
            return result;
        peer->members = make(from->members_count, sizeof(*peer->members));
        if (!peer->members)
            return refuse_memory(places);
        for (size_t m = 0; m < from->members_count; m++) {
            snprintf(path, sizeof(path), "peers[%zu].members[%zu]", i, m);
            result = read_group(places, path, &keys_member, &from->members[m], &peer->members[m]);
            if (result < 0)
                return result;
            peer->member_count++;
        }
    }
    return 0;
}

static int read_listeners(const struct raw *raw, struct places *places, struct config *config)
{
    char path[PLACE_PATH_SIZE];
    config->listeners = make(raw->listeners_count, sizeof(*config->listeners));
    if (!config->listeners)
        return refuse_memory(places);
    for (size_t i = 0; i < raw->listeners_count; i++) {
        snprintf(path, sizeof(path), "listeners[%zu]", i);
        int result = read_group(places, path, &keys_listener, &raw->listeners[i],
                                &config->listeners[config->listener_count++]);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_applications(const struct raw *raw, struct places *places, struct config *config)
{
    char path[PLACE_PATH_SIZE];
    config->applications = make(raw->applications_count, sizeof(*config->applications));
    if (!config->applications)
        return refuse_memory(places);
    for (size_t i = 0; i < raw->applications_count; i++) {
        const struct raw_application *from = &raw->applications[i];
        struct config_application *application = &config->applications[config->application_count++];
        snprintf(path, sizeof(path), "applications[%zu]", i);
        int result = read_group(places, path, &keys_application, from, application);
        for (size_t s = 0; result == 0 && s < keys_application_sections_count; s++) {
            const struct key_group *group = &keys_application_sections[s];
            snprintf(path, sizeof(path), "applications[%zu]%s", i, strchr(group->path, '.'));
            result = read_group(places, path, group, (const char *)from + group->raw_offset,
                                (char *)application + group->offset);
        }
        if (result == 0)
            result = application_read_body(places, i, application);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_retries(const struct raw *raw, struct places *places, struct config *config)
{
    char path[PLACE_PATH_SIZE];
    config->retries = make(raw->retry_count + APPLICATION_RETRIES, sizeof(*config->retries));
    if (!config->retries)
        return refuse_memory(places);
    for (size_t i = 0; i < raw->retry_count; i++) {
        snprintf(path, sizeof(path), "retry[%zu]", i);
        int result =
            read_group(places, path, &keys_retry, &raw->retry[i], &config->retries[config->retry_count++]);
        if (result < 0)
            return result;
    }
    application_add_retries(config);
    return 0;
}

static int read_routes(const struct raw *raw, struct places *places, struct config *config)
{
    char path[PLACE_PATH_SIZE];
    config->routes = make(raw->routes_count, sizeof(*config->routes));
    if (!config->routes)
        return refuse_memory(places);
    for (size_t i = 0; i < raw->routes_count; i++) {
        snprintf(path, sizeof(path), "routes[%zu]", i);
        int result =
            read_group(places, path, &keys_route, &raw->routes[i], &config->routes[config->route_count++]);
        if (result < 0)
            return result;
    }
    return 0;
}

int read_config(const struct raw *raw, const struct schema *schema, struct places *places,
                struct config *config)
{
    int result = read_networks(raw, schema, places, config);
    if (result == 0)
        result = read_listeners(raw, places, config);
    if (result == 0)
        result = read_peers(raw, places, config);
    if (result == 0)
        result = read_applications(raw, places, config);
    if (result == 0)
        result = read_retries(raw, places, config);
    if (result == 0)
        result = read_routes(raw, places, config);
    for (size_t i = 0; result == 0 && i < keys_sections_count; i++) {
        const struct key_group *group = &keys_sections[i];
        result = read_group(places, group->path, group, (const char *)raw + group->raw_offset,
                            (char *)config + group->offset);
    }
    if (config->application_count > 0 && config->dialogs.applications == 0)
        config->dialogs.applications = APPLICATION_CALLS;
    // RFC 3261 17.1.1.2: timer B is 64 * T1.
    if (config->timers.b == 0)
        config->timers.b = 64 * config->timers.t1;
    return result;
}
