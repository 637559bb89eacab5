// SPDX-License-Identifier: BSD-3-Clause
#include "application.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "include.h"

#define BODY_MAX 65536u // application_limits.body is never more

static const struct config_retry retries[APPLICATION_RETRIES] = {
    {.name = "default", .count = 3, .first = 100, .factor = 200, .cap = 5000, .jitter = 20},
    {.name = "network", .count = 5, .first = 200, .factor = 150, .cap = 10000, .jitter = 20},
};

void application_add_retries(struct config *config)
{
    for (size_t i = 0; i < APPLICATION_RETRIES; i++)
        if (!model_retry(config, retries[i].name))
            config->retries[config->retry_count++] = retries[i];
}

// A FIFO would hold us up, and a device might answer.
static char *read_file(const char *path, size_t *length)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *text = NULL;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        text = include_read(fd, BODY_MAX, length);
    else
        errno = EINVAL;
    int reason = errno;
    close(fd);
    errno = reason;
    return text;
}

// Lines end in CRLF there (RFC 4566 5), and in files of this world in LF. Frees text; NULL: no memory.
static char *end_lines(char *text, size_t *length)
{
    size_t ends = 0, to = 0;
    for (size_t i = 0; i < *length; i++)
        ends += text[i] == '\n';
    char *made = malloc(*length + ends + 1);
    for (size_t i = 0; made && i < *length; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            made[to++] = '\r';
        made[to++] = text[i];
    }
    free(text);
    *length = to;
    return made;
}

int application_read_body(struct places *places, size_t number, struct config_application *application)
{
    char path[PLACE_PATH_SIZE];
    if (application->answer.body[0] == '\0')
        return 0;
    snprintf(path, sizeof(path), "applications[%zu].answer.body", number);
    application->body = read_file(application->answer.body, &application->body_length);
    if (!application->body)
        return places_refuse(places, path, "%s cannot be read: %s; give a readable file of at most %u KiB",
                             application->answer.body, strerror(errno), BODY_MAX >> 10);
    // RFC 4566 5.1: a description begins with its version, which is 0.
    if (application->body_length < 4 || memcmp(application->body, "v=0", 3) != 0 ||
        (application->body[3] != '\r' && application->body[3] != '\n') ||
        memchr(application->body, '\0', application->body_length) != NULL)
        return places_refuse(places, path, "%s is no session description; give one that begins with v=0",
                             application->answer.body);
    application->body = end_lines(application->body, &application->body_length);
    if (application->body)
        return 0;
    places_refuse(places, path, "no memory");
    return -ENOMEM;
}

const struct config_application *model_application(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->application_count; i++)
        if (strcmp(config->applications[i].name, name) == 0)
            return &config->applications[i];
    return NULL;
}

const struct config_retry *model_retry(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->retry_count; i++)
        if (strcmp(config->retries[i].name, name) == 0)
            return &config->retries[i];
    return NULL;
}

uint32_t config_applications(const struct config *config)
{
    return (uint32_t)config->application_count;
}

static struct config_retry_view retry_view(const struct config_retry *retry)
{
    return (struct config_retry_view){(uint32_t)retry->count, (uint32_t)retry->first, (uint32_t)retry->factor,
                                      (uint32_t)retry->cap, (uint32_t)retry->jitter};
}

bool config_retry_view(const struct config *config, const char *name, struct config_retry_view *view)
{
    const struct config_retry *retry = model_retry(config, name);
    if (retry)
        *view = retry_view(retry);
    return retry != NULL;
}

struct config_application_view config_application_view(const struct config *config, uint32_t index)
{
    const struct config_application *application = &config->applications[index];
    const struct config_answer *answer = &application->answer;
    return (struct config_application_view){.name = application->name,
                                            .answer = {.status = (uint16_t)answer->status,
                                                       .ring_status = (uint16_t)answer->ring,
                                                       .after_ms = (uint32_t)answer->after,
                                                       .ring_after_ms = (uint32_t)answer->ring_after,
                                                       .hang_up_ms = (uint32_t)answer->hang_up,
                                                       .body = application->body,
                                                       .body_length = application->body_length},
                                            .refer = (enum config_refer)application->refer,
                                            .refer_targets = application->refer_targets.count,
                                            .refer_wait_ms = (uint32_t)application->refer_wait,
                                            .replaces = (enum config_refer)application->replaces,
                                            .replaces_any_peer = application->replaces_from != 0,
                                            .retry = retry_view(model_retry(config, application->retry)),
                                            .session_expires_s =
                                                (uint32_t)((application->session.expires + 999) / 1000)};
}

bool config_refer_target_at(const struct config *config, uint32_t application, size_t index,
                            struct config_refer_target *target)
{
    const struct target_list *list = &config->applications[application].refer_targets;
    if (index >= list->count)
        return false;
    const char *text = list->rows[index], *at = strchr(text, '@');
    *target = (struct config_refer_target){.peer = at ? NULL : text};
    if (!at)
        return true;
    target->user = text;
    target->user_length = (size_t)(at - text);
    target->host = strcmp(at + 1, "*") == 0 ? NULL : at + 1;
    return true;
}

bool config_refer_target_takes(const struct config_refer_target *target, const struct config_refer_uri *uri)
{
    if (target->peer)
        return uri->peer && strcmp(target->peer, uri->peer) == 0;
    // Hosts are compared without case, user parts with it (RFC 3261 19.1.4). What is escaped equals nothing:
    // who is allowed is written as it is.
    if (target->host && (uri->elsewhere || strlen(target->host) != uri->host_length ||
                         strncasecmp(target->host, uri->host, uri->host_length) != 0))
        return false;
    return target->user_length <= uri->user_length &&
           memcmp(target->user, uri->user, target->user_length) == 0;
}

struct config_ua_limits_view config_ua_limits_view(const struct config *config)
{
    const struct config_application_limits *limits = &config->application_limits;
    return (struct config_ua_limits_view){.header_line = (uint32_t)limits->header_line,
                                          .body = (uint32_t)limits->body,
                                          .uri = (uint32_t)limits->uri,
                                          .call_id = (uint32_t)limits->call_id,
                                          .replaces = (uint32_t)limits->replaces,
                                          .tag = (uint32_t)limits->tag,
                                          .vias = (uint32_t)limits->vias,
                                          .routes = (uint32_t)limits->routes,
                                          .refer_to_parameters = (uint32_t)limits->refer_to_parameters,
                                          .media = (uint32_t)limits->media};
}
