// SPDX-License-Identifier: BSD-3-Clause
#include "versions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "control.h"
#include "log.h"

static void add(struct control *control, const struct configuration *configuration, int result,
                const char *text)
{
    char error[ERROR_SIZE];
    const struct versions *versions = &control->versions;
    const struct history_target target = {control->state_directory, config_versions(configuration->config),
                                          error, sizeof(error)};
    struct history_entry *entry = calloc(1, sizeof(*entry));
    int written = -ENOMEM;
    snprintf(error, sizeof(error), "no memory");
    if (entry) {
        *entry = (struct history_entry){.time = (int64_t)time(NULL),
                                        .source = versions->source,
                                        .sequence = configuration->image->sequence,
                                        .accepted = result == 0};
        snprintf(entry->who, sizeof(entry->who), "%s", versions->who);
        snprintf(entry->cause, sizeof(entry->cause), "%s", versions->cause);
        snprintf(entry->file, sizeof(entry->file), "%s", configuration->file);
        snprintf(entry->text, sizeof(entry->text), "%s", text);
        written = history_add(&target, configuration->config, entry);
    }
    if (written < 0)
        log_event(LEVEL_ERROR, "version_not_kept", "reason=\"%s\"", error);
    else
        log_event(LEVEL_INFO, "version",
                  "version=%u cause=\"%s\" who=\"%s\" sequence=%" PRIu64 " accepted=%d", entry->version,
                  entry->cause, entry->who, entry->sequence, entry->accepted);
    if (result == 0)
        control->versions.active = written == 0 ? entry->version : 0;
    free(entry);
}

void version_begin(struct versions *versions, const char *cause, const char *who,
                   const struct config_source *source)
{
    versions->source = *source;
    snprintf(versions->cause, sizeof(versions->cause), "%s", cause);
    snprintf(versions->who, sizeof(versions->who), "%s", who ? who : "-");
}

static bool same_file(const struct control *control, uint32_t version, const char *file)
{
    struct history_entry *entry = malloc(sizeof(*entry));
    bool same = entry && history_read(control->state_directory, version, entry, NULL) == 0 &&
                strcmp(entry->file, file) == 0;
    free(entry);
    return same;
}

void version_start(struct control *control)
{
    struct history_entry *entries;
    size_t count;
    uint32_t newest = 0;
    if (history_list(control->state_directory, &entries, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (entries[i].accepted)
            newest = entries[i].version;
    free(entries);
    if (newest && history_is(control->state_directory, newest, control->active.config) &&
        same_file(control, newest, control->active.file)) {
        control->versions.active = newest;
        return;
    }
    version_begin(&control->versions, "start", NULL, config_source(control->active.config));
    add(control, &control->active, 0, "read at start");
}

void version_record(struct control *control, const struct configuration *configuration, int result,
                    const char *text)
{
    uint32_t active = control->versions.active;
    bool reload = strcmp(control->versions.cause, "reload") == 0;
    if (result == 0 && reload && active &&
        history_is(control->state_directory, active, configuration->config) &&
        same_file(control, active, configuration->file))
        return;
    add(control, configuration, result, text);
}

uint32_t version_before(const struct control *control)
{
    struct history_entry *entries;
    size_t count;
    uint32_t found = 0;
    if (history_list(control->state_directory, &entries, &count) < 0)
        return 0;
    for (size_t i = count; i-- > 0 && !found;)
        if (entries[i].accepted && entries[i].version != control->versions.active &&
            !history_is(control->state_directory, entries[i].version, control->active.config))
            found = entries[i].version;
    free(entries);
    return found;
}

struct config *version_parse(const struct control *control, uint32_t version, struct history_entry *entry,
                             char *error, size_t size)
{
    struct history_text text = {0};
    char name[PATH_MAX + 32];
    snprintf(name, sizeof(name), "%s/versions/%u", control->state_directory, version);
    int result = history_read(control->state_directory, version, entry, &text);
    if (result < 0) {
        snprintf(error, size, "version %u: %s; see config history", version,
                 result == -ENOENT    ? "there is none"
                 : result == -EBADMSG ? "is damaged"
                                      : strerror(-result));
        errno = -result;
        return NULL;
    }
    struct config *config = config_parse(text.octets, text.length, name, error, size);
    free(text.octets);
    errno = EINVAL;
    return config;
}
