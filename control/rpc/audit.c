// SPDX-License-Identifier: BSD-3-Clause
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../control.h"
#include "../log.h"
#include "text.h"

#define PARAMS_SHOWN 1000u // octets of the log line; the file has all

void audit_reopen(struct control *control)
{
    if (control->audit.fd >= 0)
        close(control->audit.fd);
    control->audit.fd = -1;
}

// O_NONBLOCK: a FIFO that nobody reads must not hold the daemon up.
static int open_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}

int audit_open(struct control *control)
{
    struct audit_file *file = &control->audit;
    const char *path = config_control_view(control->active.config).audit;
    if (file->fd >= 0 && strcmp(file->path, path) == 0)
        return 0;
    audit_reopen(control);
    if (!path[0])
        return 0;
    snprintf(file->path, sizeof(file->path), "%s", path);
    int result = open_file(path);
    if (result >= 0) {
        file->fd = result;
        return 0;
    }
    log_event(LEVEL_ERROR, "audit_not_opened", "path=\"%s\" reason=\"%s\"", path,
              result == -EINVAL ? "is no plain file" : strerror(-result));
    return result;
}

// Without what is nobody's business, or too long for a line.
static json_t *shown(const json_t *params)
{
    json_t *copy = params ? json_copy((json_t *)(uintptr_t)params) : json_object();
    const json_t *body = json_object_get(copy, "body");
    char text[32];
    if (json_object_get(copy, "password"))
        json_object_set_new(copy, "password", json_string("(not shown)"));
    snprintf(text, sizeof(text), "(%zu octets)", json_string_length(body));
    if (body)
        json_object_set_new(copy, "body", json_string(text));
    return copy;
}

static void add_named(json_t *json, const struct audit_entry *entry, const char *key)
{
    json_t *named = json_object_get(entry->result, key);
    if (json_is_string(named) && !json_object_get(entry->params, key))
        json_object_set(json, key, named);
}

static json_t *entry_json(const struct audit_entry *entry)
{
    struct timespec now;
    struct tm utc;
    char stamp[32], whole[48];
    const struct rpc_user *user = entry->user;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(whole, sizeof(whole), "%s.%03ldZ", stamp, now.tv_nsec / 1000000);
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:s, s:s, s:o, s:s, s:o*}", "time", whole, "user", user ? user->name : "-",
        "uid", user ? (json_int_t)user->uid : -1, "pid", user ? (json_int_t)user->pid : -1, "role",
        user ? role_name(user->role) : "daemon", "method", entry->method->name, "params",
        shown(entry->params), "result", entry->code == DG_OK ? "done" : "refused", "text",
        entry->code == DG_OK ? NULL : text_json(entry->text, strlen(entry->text)));
    add_named(json, entry, "dialog");
    add_named(json, entry, "refer");
    return json;
}

static void append(struct control *control, json_t *json)
{
    char *line = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
    size_t length = line ? strlen(line) : 0;
    if (line)
        line[length] = '\n'; // the line end takes the place of the NUL: the length is known
    ssize_t written = line && control->audit.fd >= 0 ? write(control->audit.fd, line, length + 1) : -1;
    if (written == (ssize_t)length + 1) {
        control->audit.broken = false;
    } else {
        control->rpc.audit_lost++;
        if (!control->audit.broken) // until one is written again
            log_event(LEVEL_ERROR, "audit_not_written", "path=\"%s\" errno=%d", control->audit.path,
                      line ? errno : ENOMEM);
        control->audit.broken = true;
    }
    free(line);
}

static void log_entry(const struct audit_entry *entry, const json_t *json)
{
    const struct rpc_user *user = entry->user;
    const bool done = entry->code == DG_OK;
    const char *dialog = json_string_value(json_object_get(json, "dialog"));
    char *params = json_dumps(json_object_get(json, "params"), JSON_COMPACT | JSON_ENSURE_ASCII);
    log_event(LEVEL_INFO, "audit", "user=%s uid=%lld pid=%lld method=%s params=%.*s%s%s result=%s%s%s%s",
              user ? user->name : "-", user ? (long long)user->uid : -1, user ? (long long)user->pid : -1,
              entry->method->name, (int)PARAMS_SHOWN, params ? params : "{}", dialog ? " dialog=" : "",
              dialog ? dialog : "", done ? "done" : "refused", done ? "" : " text=\"",
              done ? "" : entry->text, done ? "" : "\"");
    free(params);
}

void audit_write(struct control *control, const struct audit_entry *entry)
{
    // What is refused for want of a role anybody who may connect can ask for without end.
    if (entry->code == DG_DENIED && !log_allowed(&control->audit.denied))
        return;
    json_t *json = entry_json(entry);
    if (!entry->program || log_allowed(&control->audit.programs))
        log_entry(entry, json);
    control->rpc.audited++;
    if (config_control_view(control->active.config).audit[0]) {
        // What cannot be opened is tried again with each line.
        (void)audit_open(control);
        append(control, json);
    }
    json_decref(json);
}
