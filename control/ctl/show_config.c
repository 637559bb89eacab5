// SPDX-License-Identifier: BSD-3-Clause
// config ...: files and versions of the configuration. check and reference ask no daemon.
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "show_value.h"

#define SUM_SHOWN 12 // digits of a SHA-256 that a table shows

void show_config(struct ctl *ctl, const json_t *result)
{
    if (number(result, "sequence"))
        fprintf(ctl->out, "# sequence %" PRId64 ", from %s\n", number(result, "sequence"),
                text(result, "file"));
    fputs(text(result, "yaml"), ctl->out);
}

static void show_warnings(struct ctl *ctl, const json_t *result)
{
    const json_t *warnings = json_object_get(result, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++)
        fprintf(ctl->out, "warning: %s\n", json_string_value(json_array_get(warnings, i)));
}

static void show_reload(struct ctl *ctl, const json_t *result)
{
    fprintf(ctl->out, "%s: sequence %" PRId64 ", version %" PRId64 "; %s\n", text(result, "file"),
            number(result, "sequence"), number(result, "version"), text(result, "text"));
    show_warnings(ctl, result);
}

void show_rollback(struct ctl *ctl, const json_t *result)
{
    show_reload(ctl, result);
    fprintf(ctl->out,
            "note: %s says what it said: the next reload or start reads it; config show --version %" PRId64
            " prints what is in force now\n",
            text(result, "file"), number(result, "version"));
}

static void show_diff(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {
        {"", false}, {"KEY", false}, {"BEFORE", false}, {"AFTER", false}, {"TAKES EFFECT ON", false}};
    const json_t *changes = json_object_get(result, "changes");
    const char *restart = json_string_value(json_object_get(result, "needs_restart"));
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        const char *kind = text(change, "change");
        const char *row[] = {strcmp(kind, "added") == 0     ? "+"
                             : strcmp(kind, "removed") == 0 ? "-"
                                                            : "~",
                             text(change, "key"), text(change, "before"), text(change, "after"),
                             text(change, "takes_effect")};
        table_add(table, row);
    }
    if (json_array_size(changes) == 0)
        fprintf(ctl->out, "%s: nothing would change\n", text(result, "file"));
    print_and_free(ctl, table);
    if (restart)
        fprintf(ctl->out, "restart: %s\n", restart);
    show_warnings(ctl, result);
}

void show_history(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"VERSION", true}, {"", false},      {"TIME", false},
                                                  {"WHO", false},    {"BY", false},    {"RESULT", false},
                                                  {"FILE", false},   {"OCTETS", true}, {"SHA256", false}};
    const json_t *versions = json_object_get(result, "versions");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(versions); i++) {
        const json_t *version = json_array_get(versions, i);
        char buffers[2][UNIT_SIZE], when[TIME_SIZE], sum[SUM_SHOWN + 1];
        snprintf(sum, sizeof(sum), "%.*s", SUM_SHOWN, text(version, "sha256"));
        snprintf(buffers[0], sizeof(buffers[0]), "%" PRId64, number(version, "version"));
        bool accepted = json_is_true(json_object_get(version, "accepted"));
        const char *row[] = {buffers[0],
                             json_is_true(json_object_get(version, "in_force")) ? "*" : " ",
                             stamp(version, "time", "-", when),
                             text(version, "who"),
                             text(version, "cause"),
                             accepted ? "accepted" : text(version, "text"),
                             text(version, "file"),
                             count(version, "octets", buffers[1]),
                             sum};
        table_add(table, row);
    }
    if (json_array_size(versions) == 0)
        fputs("no versions are kept; is the state directory writable?\n", ctl->out);
    print_and_free(ctl, table);
}

// The file is read by this user, with this user's rights; the daemon is not asked.
int run_config_check(struct ctl *ctl, const json_t *params)
{
    char error[1024];
    const char *warning, *file = json_string_value(json_object_get(params, "file"));
    struct config *config = config_load(file, error, sizeof(error));
    if (!config) {
        fprintf(ctl->errors, "%s\n", error);
        return CTL_REFUSED;
    }
    json_t *warnings = json_array();
    for (size_t i = 0; (warning = config_warning_at(config, i)); i++)
        json_array_append_new(warnings, json_string(warning));
    json_t *result = json_pack("{s:b, s:o}", "valid", 1, "warnings", warnings);
    if (ctl->json) {
        ctl_print_json(ctl, result);
    } else {
        show_warnings(ctl, result);
        fprintf(ctl->out, "%s: ok\n", file);
    }
    json_decref(result);
    config_free(config);
    return CTL_DONE;
}

static int call_and_show(struct ctl *ctl, const char *method, const json_t *params,
                         void (*show)(struct ctl *ctl, const json_t *result))
{
    json_t *absolute = json_deep_copy(params);
    const char *file = json_string_value(json_object_get(params, "file"));
    if (file) { // the daemon's working directory is another one
        char *path = realpath(file, NULL);
        if (!path) {
            fprintf(ctl->errors, "dialgatectl: %s: %s\n", file, strerror(errno));
            json_decref(absolute);
            return CTL_REFUSED;
        }
        json_object_set_new(absolute, "file", json_string(path));
        free(path);
    }
    json_t *result = ctl_call(ctl, method, absolute);
    json_decref(absolute);
    if (!result)
        return CTL_REFUSED;
    if (ctl->json)
        ctl_print_json(ctl, result);
    else
        show(ctl, result);
    json_decref(result);
    return CTL_DONE;
}

int run_config_reload(struct ctl *ctl, const json_t *params)
{
    return call_and_show(ctl, "config.reload", params, show_reload);
}

int run_config_diff(struct ctl *ctl, const json_t *params)
{
    return call_and_show(ctl, "config.diff", params, show_diff);
}

static void add_option(void *context, const struct config_option *option)
{
    char path[128];
    snprintf(path, sizeof(path), "%s%s%s", option->group, option->key[0] ? "." : "", option->key);
    json_t *fallback = option->fallback ? json_string(option->fallback) : json_null();
    json_array_append_new(context, json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "key", path, "type",
                                             option->type, "unit", option->unit, "default", fallback, "range",
                                             option->range, "takes_effect", option->effect, "help",
                                             option->help, "section", option->group_help));
}

int run_config_reference(struct ctl *ctl, const json_t *params)
{
    if (!ctl->json) {
        config_reference(ctl->out);
        return CTL_DONE;
    }
    json_t *keys = json_array();
    config_options(add_option, keys);
    json_t *result = json_pack("{s:o}", "keys", keys);
    ctl_print_json(ctl, result);
    json_decref(result);
    return CTL_DONE;
}
