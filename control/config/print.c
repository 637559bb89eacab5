// SPDX-License-Identifier: BSD-3-Clause
// The canonical form of a configuration: a walk over the rows of keys.h.
#include <errno.h>
#include <string.h>
#include "config.h"
#include "model.h"
#include "place.h"
#include "print.h"
#include "value.h"

#define WHY_SIZE 320

// Where values stand and how they are set apart: each after `before`, with `between` between two.
struct form {
    const struct config *config;
    const char *before;
    const char *between;
    FILE *out;
    bool set; // only keys that are not at their default
};

// The value of key at path, as it is written where the environment gave it: in single quotes, a single quote
// doubled (YAML 1.1 section 9.1.2).
static void print_value(const struct form *form, const char *path, const struct key *key, const void *value)
{
    char text[VALUE_TEXT_SIZE];
    const char *written = config_written(form->config, path);
    if (!written) {
        fputs(value_format(key, value, text, sizeof(text)), form->out);
        return;
    }
    fputc('\'', form->out);
    for (const char *at = written; *at; at++)
        fprintf(form->out, *at == '\'' ? "''" : "%c", *at);
    fputc('\'', form->out);
}

static void print_list(const struct form *form, const char *path, const struct key *key, const void *value)
{
    const struct prefix_list *prefixes = value;
    const struct status_list *statuses = value;
    bool is_prefix = key->kind == KEY_PREFIX;
    size_t count = is_prefix ? prefixes->count : statuses->count;
    char row[PLACE_PATH_SIZE + 24];
    fprintf(form->out, "%s: [", key->name);
    for (size_t i = 0; i < count; i++) {
        snprintf(row, sizeof(row), "%s[%zu]", path, i);
        fputs(i ? ", " : "", form->out);
        print_value(form, row, key, is_prefix ? (const void *)&prefixes->rows[i] : &statuses->rows[i]);
    }
    fputs("]", form->out);
}

static bool at_default(const struct key *key, const void *value)
{
    const struct prefix_list *prefixes = value;
    const struct status_list *statuses = value;
    const struct target_list *words = value;
    char text[VALUE_TEXT_SIZE], why[WHY_SIZE];
    union {
        uint64_t number;
        char text[KEY_TEXT_SIZE];
        struct key_endpoint endpoint;
    } fallback = {0};
    if (!key->fallback)
        return false;
    if (key->kind == KEY_PREFIX)
        return prefixes->count == 0;
    if (key->kind == KEY_STATUS) {
        size_t length = 0;
        text[0] = '\0';
        for (size_t i = 0; i < statuses->count; i++)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u", i ? " " : "",
                                       statuses->rows[i]);
        return strcmp(text, key->fallback) == 0;
    }
    if (key->kind == KEY_WORDS) {
        size_t length = 0;
        for (size_t i = 0; i < words->count && length < sizeof(text); i++)
            length +=
                (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? " " : "", words->rows[i]);
        return strcmp(text, key->fallback) == 0;
    }
    if (!key->fallback[0])
        return value_is_empty(key, value);
    char given[VALUE_TEXT_SIZE];
    if (value_parse(key, key->fallback, &fallback, why, sizeof(why)) < 0)
        return false;
    return strcmp(value_format(key, value, given, sizeof(given)),
                  value_format(key, &fallback, text, sizeof(text))) == 0;
}

// All keys of the mapping at path.
static void print_group(const struct form *form, const char *path, const struct key_group *group,
                        const void *values)
{
    char row[PLACE_PATH_SIZE];
    bool first = true;
    for (size_t i = 0; i < group->count; i++) {
        const struct key *key = &group->keys[i];
        const void *value = (const char *)values + key->offset;
        if (value_is_empty(key, value) || (form->set && at_default(key, value)))
            continue;
        snprintf(row, sizeof(row), "%s.%s", path, key->name);
        fprintf(form->out, "%s%s", first ? "" : form->between, form->before);
        first = false;
        if (key->kind == KEY_PREFIX || key->kind == KEY_STATUS) {
            print_list(form, row, key, value);
            continue;
        }
        fprintf(form->out, "%s: ", key->name);
        print_value(form, row, key, value);
    }
}

static void print_peer(const struct form *flow, size_t number)
{
    const struct config_peer *peer = &flow->config->peers[number];
    struct form block = *flow;
    char path[PLACE_PATH_SIZE];
    FILE *out = flow->out;
    block.between = "\n    ";
    snprintf(path, sizeof(path), "peers[%zu]", number);
    fputs("  - ", out);
    print_group(&block, path, &keys_peer, peer);
    for (size_t s = 0; s < keys_peer_sections_count; s++) {
        const struct key_group *group = &keys_peer_sections[s];
        const char *name = strchr(group->path, '.');
        snprintf(path, sizeof(path), "peers[%zu]%s", number, name);
        fprintf(out, "\n    %s: {", name + 1);
        print_group(flow, path, group, (const char *)peer + group->offset);
        fputs("}", out);
    }
    fputs(peer->member_count ? "\n    members:\n" : "\n    members: []\n", out);
    for (size_t m = 0; m < peer->member_count; m++) {
        snprintf(path, sizeof(path), "peers[%zu].members[%zu]", number, m);
        fputs("      - {", out);
        print_group(flow, path, &keys_member, &peer->members[m]);
        fputs("}\n", out);
    }
}

static void print_application(const struct form *flow, size_t number)
{
    const struct config_application *application = &flow->config->applications[number];
    struct form block = *flow;
    char path[PLACE_PATH_SIZE];
    block.between = "\n    ";
    snprintf(path, sizeof(path), "applications[%zu]", number);
    fputs("  - ", flow->out);
    print_group(&block, path, &keys_application, application);
    for (size_t s = 0; s < keys_application_sections_count; s++) {
        const struct key_group *group = &keys_application_sections[s];
        const char *name = strchr(group->path, '.');
        snprintf(path, sizeof(path), "applications[%zu]%s", number, name);
        fprintf(flow->out, "\n    %s: {", name + 1);
        print_group(flow, path, group, (const char *)application + group->offset);
        fputs("}", flow->out);
    }
    fputs("\n", flow->out);
}

static void print_lists(const struct form *flow)
{
    const struct config *config = flow->config;
    char path[PLACE_PATH_SIZE];
    FILE *out = flow->out;
    fputs("networks:\n", out);
    for (size_t i = 0; i < config->network_count; i++) {
        snprintf(path, sizeof(path), "networks.%s", config->networks[i].name);
        fprintf(out, "  %s: {", config->networks[i].name);
        print_group(flow, path, &keys_network, &config->networks[i]);
        fputs("}\n", out);
    }
    fputs("listeners:\n", out);
    for (size_t i = 0; i < config->listener_count; i++) {
        snprintf(path, sizeof(path), "listeners[%zu]", i);
        fputs("  - {", out);
        print_group(flow, path, &keys_listener, &config->listeners[i]);
        fputs("}\n", out);
    }
    fputs(config->peer_count ? "peers:\n" : "peers: []\n", out);
    for (size_t i = 0; i < config->peer_count; i++)
        print_peer(flow, i);
    fputs(config->application_count ? "applications:\n" : "applications: []\n", out);
    for (size_t i = 0; i < config->application_count; i++)
        print_application(flow, i);
    fputs("retry:\n", out);
    for (size_t i = 0; i < config->retry_count; i++) {
        snprintf(path, sizeof(path), "retry[%zu]", i);
        fputs("  - {", out);
        print_group(flow, path, &keys_retry, &config->retries[i]);
        fputs("}\n", out);
    }
    fputs(config->route_count ? "routes:\n" : "routes: []\n", out);
    for (size_t i = 0; i < config->route_count; i++) {
        snprintf(path, sizeof(path), "routes[%zu]", i);
        fputs("  - {", out);
        print_group(flow, path, &keys_route, &config->routes[i]);
        fputs("}\n", out);
    }
}

void print_mapping(const struct mapping *mapping, FILE *out)
{
    const struct form flow = {mapping->config, "", ", ", out, true};
    print_group(&flow, mapping->path, mapping->group, mapping->values);
}

void print_one(const struct mapping *mapping, const struct key *key, FILE *out)
{
    const struct form flow = {mapping->config, "", ", ", out, false};
    const void *value = (const char *)mapping->values + key->offset;
    const struct status_list *statuses = value;
    char path[PLACE_PATH_SIZE + 24];
    snprintf(path, sizeof(path), "%s.%s", mapping->path, key->name);
    if (key->kind != KEY_STATUS) {
        print_value(&flow, path, key, value);
        return;
    }
    fputs("[", out);
    for (size_t i = 0; i < statuses->count; i++)
        fprintf(out, "%s%u", i ? ", " : "", statuses->rows[i]);
    fputs("]", out);
}

void print_row(const struct mapping *mapping, const struct key *key, size_t row, FILE *out)
{
    const struct form flow = {mapping->config, "", ", ", out, false};
    const struct prefix_list *list = (const void *)((const char *)mapping->values + key->offset);
    char path[PLACE_PATH_SIZE + 24];
    snprintf(path, sizeof(path), "%s.%s[%zu]", mapping->path, key->name, row);
    print_value(&flow, path, key, &list->rows[row]);
}

int config_print(const struct config *config, FILE *out)
{
    const struct form flow = {config, "", ", ", out, false}, block = {config, "  ", "\n", out, false};
    print_lists(&flow);
    for (size_t i = 0; i < keys_sections_count; i++) {
        const struct key_group *group = &keys_sections[i];
        if (strchr(group->path, '.'))
            continue;
        fprintf(out, "%s:\n", group->path);
        print_group(&block, group->path, group, (const char *)config + group->offset);
        fputs("\n", out);
        size_t length = strlen(group->path);
        for (size_t b = 0; b < keys_sections_count; b++) {
            const struct key_group *bucket = &keys_sections[b];
            if (strncmp(bucket->path, group->path, length) != 0 || bucket->path[length] != '.')
                continue;
            fprintf(out, "  %s: {", bucket->path + length + 1);
            print_group(&flow, bucket->path, bucket, (const char *)config + bucket->offset);
            fputs("}\n", out);
        }
    }
    return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
