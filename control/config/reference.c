// SPDX-License-Identifier: BSD-3-Clause
// The reference of all keys: the rows of keys.h in words.
#include <string.h>
#include "config.h"
#include "effect.h"
#include "keys.h"
#include "value.h"

static const char *const effects[] = {
    [EFFECT_RELOAD] = "reload",
    [EFFECT_RESTART] = "restart of dialgate-dataplane",
    [EFFECT_CONTROL] = "restart of dialgate-control",
};

const char *effect_name(enum key_effect effect)
{
    return effects[effect];
}

void config_options(config_option_visitor *visit, void *context)
{
    const struct key_group *group;
    char range[VALUE_TEXT_SIZE];
    for (size_t i = 0; (group = keys_group(i)); i++)
        for (size_t k = 0; k < group->count; k++) {
            const struct key *key = &group->keys[k];
            bool list = key->kind == KEY_PREFIX && key->fallback && !key->fallback[0];
            const struct config_option option = {.group = group->path,
                                                 .group_help = group->help,
                                                 .key = key->name,
                                                 .type = value_type(key),
                                                 .unit = value_unit(key),
                                                 .fallback = list ? "[]" : key->fallback,
                                                 .range = value_range(key, range, sizeof(range)),
                                                 .effect = effects[key->effect],
                                                 .help = key->help};
            visit(context, &option);
        }
    const struct config_option include = {
        .group = "include",
        .group_help = "other files, from the directory of this one; what they say joins what stands here",
        .key = "",
        .type = "list of files",
        .unit = "",
        .fallback = "[]",
        .range = "paths",
        .effect = effects[EFFECT_RELOAD],
        .help = "mappings are joined, lists go on behind what stands there, a value has one place; "
                "peers.d/*.yaml: all that match, in the order of their names"};
    visit(context, &include);
}

#define WIDTH_MAX 48 // a column is not made wider for one long value

struct columns {
    FILE *out;
    int key, type, fallback, range;
    const char *group; // of the row before
};

static int wider(int width, const char *text, size_t more)
{
    size_t length = strlen(text) + more;
    return length > (size_t)width && length <= WIDTH_MAX ? (int)length : width;
}

static const char *fallback_words(const struct config_option *option)
{
    return !option->fallback ? "must be given" : option->fallback[0] ? option->fallback : "none";
}

static void measure(void *context, const struct config_option *option)
{
    struct columns *columns = context;
    columns->key = wider(columns->key, option->group, strlen(option->key) + (option->key[0] != '\0'));
    columns->type = wider(columns->type, option->type, 0);
    columns->fallback = wider(columns->fallback, fallback_words(option), 0);
    columns->range = wider(columns->range, option->range, 0);
}

static void print_option(void *context, const struct config_option *option)
{
    struct columns *columns = context;
    char path[128];
    snprintf(path, sizeof(path), "%s%s%s", option->group, option->key[0] ? "." : "", option->key);
    if (!columns->group || strcmp(columns->group, option->group) != 0)
        fprintf(columns->out, "%s%s: %s\n", columns->group ? "\n" : "", option->group, option->group_help);
    columns->group = option->group;
    fprintf(columns->out, "  %-*s  %-*s  %-*s  %-*s  %s\n      %s\n", columns->key, path, columns->type,
            option->type, columns->fallback, fallback_words(option), columns->range, option->range,
            option->effect, option->help);
}

void config_reference(FILE *out)
{
    struct columns columns = {.out = out};
    static const struct config_option titles = {
        .group = "KEY", .key = "", .type = "TYPE", .fallback = "DEFAULT", .range = "RANGE"};
    measure(&columns, &titles);
    config_options(measure, &columns);
    fprintf(out, "  %-*s  %-*s  %-*s  %-*s  %s\n\n", columns.key, "KEY", columns.type, "TYPE",
            columns.fallback, "DEFAULT", columns.range, "RANGE", "TAKES EFFECT ON");
    config_options(print_option, &columns);
}
