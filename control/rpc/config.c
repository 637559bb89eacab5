// SPDX-License-Identifier: BSD-3-Clause
// config.*: check, show, diff, reload, history, rollback.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "call.h"
#include "handlers.h"
#include "text.h"

static json_t *word(const char *text)
{
    return text_json(text, strlen(text));
}

static json_t *printed(const struct config *config)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (!memory)
        return NULL;
    int result = config_print(config, memory);
    json_t *value = fclose(memory) == 0 && result == 0 ? json_stringn(text, length) : NULL;
    free(text);
    return value;
}

static json_t *warnings(const struct config *config)
{
    json_t *list = json_array();
    const char *text;
    for (size_t i = 0; (text = config_warning_at(config, i)); i++)
        json_array_append_new(list, word(text));
    return list;
}

// Keys that only a restart brings into force, or null.
static json_t *restart(const struct control *control, const struct config *config)
{
    char keys[ERROR_SIZE];
    return config_needs_restart(control->active.config, config, keys, sizeof(keys)) ? word(keys)
                                                                                    : json_null();
}

// The daemon's working directory is not the caller's. False: the call is answered.
static bool is_absolute(struct rpc_call *call, const char *file)
{
    if (!file || file[0] == '/')
        return true;
    rpc_fail(call, DG_INVALID_PARAMS, "file must be an absolute path");
    return false;
}

void rpc_config_check(struct rpc_call *call)
{
    char error[ERROR_SIZE];
    const struct control *control = rpc_control(call);
    const char *file = rpc_text(call, "file");
    const char *text = rpc_text(call, "text");
    if (!file == !text) {
        rpc_fail(call, DG_INVALID_PARAMS, "give either file or text");
        return;
    }
    if (!is_absolute(call, file))
        return;
    struct config *config = file ? config_load(file, error, sizeof(error))
                                 : config_parse(text, strlen(text), "text", error, sizeof(error));
    if (!config) {
        rpc_fail(call, DG_REFUSED, "%s", error);
        return;
    }
    rpc_reply(call, json_pack("{s:b, s:o, s:o}", "valid", 1, "needs_restart", restart(control, config),
                              "warnings", warnings(config)));
    config_free(config);
}

// The configuration that a call names: a version that is kept, or a file (the one in force where neither is
// given). NULL: the call is answered.
static struct config *named(struct rpc_call *call, char *name, size_t size)
{
    char error[ERROR_SIZE];
    const struct control *control = rpc_control(call);
    const char *file = rpc_text(call, "file");
    int64_t version = rpc_integer(call, "version", 0);
    struct config *config = NULL;
    if (file && version) {
        rpc_fail(call, DG_INVALID_PARAMS, "give either file or version");
        return NULL;
    }
    if (!is_absolute(call, file))
        return NULL;
    if (version) {
        struct history_entry entry;
        snprintf(name, size, "version %u", (unsigned int)version);
        config = version_parse(control, (uint32_t)version, &entry, error, sizeof(error));
    } else {
        snprintf(name, size, "%s", file ? file : control->active.file);
        config = config_load(name, error, sizeof(error));
    }
    if (!config)
        rpc_fail(call, DG_REFUSED, "%s", error);
    return config;
}

void rpc_config_show(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    char name[PATH_MAX];
    if (!rpc_integer(call, "version", 0)) {
        rpc_reply(call,
                  json_pack("{s:o, s:I, s:I, s:o}", "file", word(control->active.file), "sequence",
                            (json_int_t)control->active.image->sequence, "version",
                            (json_int_t)control->versions.active, "yaml", printed(control->active.config)));
        return;
    }
    struct config *config = named(call, name, sizeof(name));
    if (config)
        rpc_reply(call, json_pack("{s:o, s:I, s:o}", "file", word(name), "version",
                                  (json_int_t)rpc_integer(call, "version", 0), "yaml", printed(config)));
    config_free(config);
}

static void add_change(void *context, const struct config_change *change)
{
    static const char *const kinds[] = {
        [CONFIG_CHANGED] = "changed", [CONFIG_ADDED] = "added", [CONFIG_REMOVED] = "removed"};
    json_array_append_new(context, json_pack("{s:o, s:s, s:o, s:o, s:s}", "key", word(change->path), "change",
                                             kinds[change->kind], "before", word(change->before), "after",
                                             word(change->after), "takes_effect", change->effect));
}

void rpc_config_diff(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    char name[PATH_MAX];
    struct config *config = named(call, name, sizeof(name));
    if (!config)
        return;
    json_t *changes = json_array();
    if (config_diff(control->active.config, config, add_change, changes) < 0) {
        json_decref(changes);
        rpc_reply(call, NULL);
    } else {
        rpc_reply(call, json_pack("{s:o, s:o, s:o, s:o}", "file", word(name), "changes", changes,
                                  "needs_restart", restart(control, config), "warnings", warnings(config)));
    }
    config_free(config);
}

static void on_reloaded(void *context, int result, const char *text)
{
    struct rpc_call *call = context;
    const struct control *control = rpc_control(call);
    if (result < 0)
        rpc_fail_errno(call, result, text);
    else
        rpc_reply(call, json_pack("{s:o, s:I, s:I, s:o, s:o}", "file", word(control->active.file), "sequence",
                                  (json_int_t)control->active.image->sequence, "version",
                                  (json_int_t)control->versions.active, "text", word(text), "warnings",
                                  warnings(control->active.config)));
}

void rpc_config_reload(struct rpc_call *call)
{
    char error[ERROR_SIZE];
    struct reload_answer answer = {on_reloaded, call, rpc_who(call)};
    const char *file = rpc_text(call, "file");
    if (is_absolute(call, file) && control_reload(rpc_control(call), file, &answer, error, sizeof(error)) < 0)
        rpc_fail(call, DG_REFUSED, "%s", error);
}

void rpc_config_rollback(struct rpc_call *call)
{
    char error[ERROR_SIZE];
    struct reload_answer answer = {on_reloaded, call, rpc_who(call)};
    uint32_t version = (uint32_t)rpc_integer(call, "version", 0);
    if (control_rollback(rpc_control(call), version, &answer, error, sizeof(error)) < 0)
        rpc_fail(call, DG_REFUSED, "%s", error);
}

static json_t *version_json(const struct control *control, const struct history_entry *entry)
{
    return json_pack("{s:I, s:b, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:o}", "version",
                     (json_int_t)entry->version, "in_force", entry->version == control->versions.active,
                     "time", (json_int_t)entry->time, "who", word(entry->who), "cause", word(entry->cause),
                     "file", word(entry->file), "sha256", word(entry->source.sha256), "octets",
                     (json_int_t)entry->source.octets, "files", (json_int_t)entry->source.files, "sequence",
                     (json_int_t)entry->sequence, "accepted", entry->accepted, "text", word(entry->text));
}

void rpc_config_history(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    struct history_entry *entries;
    size_t count;
    if (history_list(control->state_directory, &entries, &count) < 0) {
        rpc_reply(call, NULL);
        return;
    }
    json_t *versions = json_array();
    for (size_t i = count; i-- > 0;) // newest first
        json_array_append_new(versions, version_json(control, &entries[i]));
    free(entries);
    rpc_reply(call, json_pack("{s:o}", "versions", versions));
}
