// SPDX-License-Identifier: BSD-3-Clause
// The canonical form of a configuration, and the reference of all keys. Both walk the rows of keys.h.
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "config.h"
#include "model.h"
#include "value.h"

// A key whose default is empty and that has no value is not printed: it cannot be said.
static bool is_empty(const struct key *key, const void *value)
{
    if (!key->fallback || key->fallback[0] || key->kind == KEY_PREFIX)
        return false;
    static const struct ip_address none;
    switch (key->kind) {
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
        return *(const char *)value == '\0';
    case KEY_ADDRESS:
        return memcmp(value, &none, sizeof(none)) == 0;
    default:
        return *(const uint64_t *)value == 0;
    }
}

static void print_prefixes(const struct key *key, const struct prefix_list *list, FILE *out)
{
    char text[VALUE_TEXT_SIZE];
    fprintf(out, "%s: [", key->name);
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%s", i ? ", " : "", value_format(key, &list->rows[i], text, sizeof(text)));
    fputs("]", out);
}

static void print_statuses(const struct key *key, const struct status_list *list, FILE *out)
{
    fprintf(out, "%s: [", key->name);
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%u", i ? ", " : "", list->rows[i]);
    fputs("]", out);
}

// All keys of a mapping, each after `before`, with `between` between two.
static void print_group(const struct key_group *group, const void *values, const char *before,
                        const char *between, FILE *out)
{
    char text[VALUE_TEXT_SIZE];
    bool first = true;
    for (size_t i = 0; i < group->count; i++) {
        const struct key *key = &group->keys[i];
        const void *value = (const char *)values + key->offset;
        if (is_empty(key, value))
            continue;
        fprintf(out, "%s%s", first ? "" : between, before);
        if (key->kind == KEY_PREFIX)
            print_prefixes(key, value, out);
        else if (key->kind == KEY_STATUS)
            print_statuses(key, value, out);
        else
            fprintf(out, "%s: %s", key->name, value_format(key, value, text, sizeof(text)));
        first = false;
    }
}

static void print_lists(const struct config *config, FILE *out)
{
    fputs("networks:\n", out);
    for (size_t i = 0; i < config->network_count; i++) {
        fprintf(out, "  %s: {", config->networks[i].name);
        print_group(&keys_network, &config->networks[i], "", ", ", out);
        fputs("}\n", out);
    }
    fputs("listeners:\n", out);
    for (size_t i = 0; i < config->listener_count; i++) {
        fputs("  - {", out);
        print_group(&keys_listener, &config->listeners[i], "", ", ", out);
        fputs("}\n", out);
    }
    fputs(config->peer_count ? "peers:\n" : "peers: []\n", out);
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        fputs("  - ", out);
        print_group(&keys_peer, peer, "", "\n    ", out);
        for (size_t s = 0; s < keys_peer_sections_count; s++) {
            const struct key_group *group = &keys_peer_sections[s];
            fprintf(out, "\n    %s: {", strchr(group->path, '.') + 1);
            print_group(group, (const char *)peer + group->offset, "", ", ", out);
            fputs("}", out);
        }
        fputs(peer->member_count ? "\n    members:\n" : "\n    members: []\n", out);
        for (size_t m = 0; m < peer->member_count; m++) {
            fputs("      - {", out);
            print_group(&keys_member, &peer->members[m], "", ", ", out);
            fputs("}\n", out);
        }
    }
    fputs(config->route_count ? "routes:\n" : "routes: []\n", out);
    for (size_t i = 0; i < config->route_count; i++) {
        fputs("  - {", out);
        print_group(&keys_route, &config->routes[i], "", ", ", out);
        fputs("}\n", out);
    }
}

int config_print(const struct config *config, FILE *out)
{
    print_lists(config, out);
    for (size_t i = 0; i < keys_sections_count; i++) {
        const struct key_group *group = &keys_sections[i];
        const void *values = (const char *)config + group->offset;
        if (strchr(group->path, '.'))
            continue;
        fprintf(out, "%s:\n", group->path);
        print_group(group, values, "  ", "\n", out);
        fputs("\n", out);
        size_t length = strlen(group->path);
        for (size_t b = 0; b < keys_sections_count; b++) {
            const struct key_group *bucket = &keys_sections[b];
            if (strncmp(bucket->path, group->path, length) != 0 || bucket->path[length] != '.')
                continue;
            fprintf(out, "  %s: {", bucket->path + length + 1);
            print_group(bucket, (const char *)config + bucket->offset, "", ", ", out);
            fputs("}\n", out);
        }
    }
    return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}

static void print_reference(const struct key_group *group, FILE *out)
{
    static const char *const effects[] = {
        [EFFECT_RELOAD] = "reload",
        [EFFECT_RESTART] = "restart of dialgate-dataplane",
        [EFFECT_CONTROL] = "restart of dialgate-control",
    };
    char range[VALUE_TEXT_SIZE];
    fprintf(out, "%s: %s\n", group->path, group->help);
    for (size_t i = 0; i < group->count; i++) {
        const struct key *key = &group->keys[i];
        const char *fallback = !key->fallback                                 ? "must be given"
                               : !key->fallback[0] && key->kind == KEY_PREFIX ? "default []"
                               : !key->fallback[0]                            ? "no default"
                                                                              : NULL;
        fprintf(out, "  %s.%s\n      %s\n      ", group->path, key->name, key->help);
        if (fallback)
            fputs(fallback, out);
        else
            fprintf(out, "default %s", key->fallback);
        fprintf(out, "; %s; takes effect on %s\n", value_range(key, range, sizeof(range)),
                effects[key->effect]);
    }
}

void config_reference(FILE *out)
{
    const struct key_group *group;
    for (size_t i = 0; (group = keys_group(i)); i++)
        print_reference(group, out);
}
