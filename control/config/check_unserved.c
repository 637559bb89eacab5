// SPDX-License-Identifier: BSD-3-Clause
// Keys that are read and that nothing honours yet: another value than the default is refused, so that no file
// means more than it does. A row goes when its key is served.
#include "read.h"

#include <stdio.h>
#include <string.h>
#include "value.h"

static const char *const unserved[] = {
    "overload.transactions",
    "overload.mbufs",
    "overload.turn",
    "overload.retry_after",
};

static bool is_unserved(const char *group, const char *key)
{
    char path[64];
    snprintf(path, sizeof(path), "%s.%s", group, key);
    for (size_t i = 0; i < sizeof(unserved) / sizeof(unserved[0]); i++)
        if (strcmp(path, unserved[i]) == 0)
            return true;
    return false;
}

static bool is_default(const struct key *key, const void *value)
{
    char text[VALUE_TEXT_SIZE], fallback[VALUE_TEXT_SIZE], why[128];
    union {
        uint64_t number;
        char text[KEY_TEXT_SIZE];
    } parsed = {.text = ""};
    if (key->kind == KEY_STATUS) {
        const struct status_list *list = value;
        size_t used = 0;
        text[0] = '\0';
        for (size_t i = 0; i < list->count; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? " " : "", list->rows[i]);
        return strcmp(text, key->fallback) == 0;
    }
    if (key->fallback[0] == '\0')
        return key->kind == KEY_NAME || key->kind == KEY_TEXT ? *(const char *)value == '\0'
                                                              : *(const uint64_t *)value == 0;
    if (value_parse(key, key->fallback, &parsed, why, sizeof(why)) < 0)
        return false;
    value_format(key, &parsed, fallback, sizeof(fallback));
    return strcmp(value_format(key, value, text, sizeof(text)), fallback) == 0;
}

static int check_group(struct places *places, const char *path, const struct key_group *group,
                       const void *values)
{
    char row[PLACE_PATH_SIZE];
    for (size_t i = 0; i < group->count; i++) {
        const struct key *key = &group->keys[i];
        if (!is_unserved(group->path, key->name) || is_default(key, (const char *)values + key->offset))
            continue;
        snprintf(row, sizeof(row), "%s.%s", path, key->name);
        return places_refuse(places, row, "is not served by this release yet; remove the key");
    }
    return 0;
}

int check_unserved(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    int result = 0;
    for (size_t i = 0; result == 0 && i < config->peer_count; i++) {
        snprintf(path, sizeof(path), "peers[%zu]", i);
        result = check_group(places, path, &keys_peer, &config->peers[i]);
        for (size_t s = 0; result == 0 && s < keys_peer_sections_count; s++) {
            snprintf(path, sizeof(path), "peers[%zu]%s", i, strchr(keys_peer_sections[s].path, '.'));
            result = check_group(places, path, &keys_peer_sections[s],
                                 (const char *)&config->peers[i] + keys_peer_sections[s].offset);
        }
    }
    for (size_t i = 0; result == 0 && i < config->route_count; i++) {
        snprintf(path, sizeof(path), "routes[%zu]", i);
        result = check_group(places, path, &keys_route, &config->routes[i]);
    }
    for (size_t i = 0; result == 0 && i < keys_sections_count; i++)
        result = check_group(places, keys_sections[i].path, &keys_sections[i],
                             (const char *)config + keys_sections[i].offset);
    return result;
}
