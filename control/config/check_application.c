// SPDX-License-Identifier: BSD-3-Clause
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int check_names(const struct config *config, size_t number, struct places *places)
{
    const struct config_application *application = &config->applications[number];
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "applications[%zu].name", number);
    if (strcmp(application->name, ANY_PEER) == 0)
        return places_refuse(places, path, ANY_PEER " means every peer in routes; choose another name");
    if (model_peer(config, application->name))
        return places_refuse(places, path, "%s is the name of a peer; rename one", application->name);
    if (model_application(config, application->name) != application)
        return places_refuse(places, path, "%s is the name of two applications; rename one",
                             application->name);
    snprintf(path, sizeof(path), "applications[%zu].listener", number);
    if (application->listener[0] && !model_listener(config, application->listener))
        return places_refuse(places, path, "no listener is called %s; add it under listeners",
                             application->listener);
    snprintf(path, sizeof(path), "applications[%zu].retry", number);
    if (!model_retry(config, application->retry))
        return places_refuse(places, path, "no policy is called %s; add it under retry", application->retry);
    return 0;
}

static int check_targets(const struct config *config, size_t number, struct places *places)
{
    const struct config_application *application = &config->applications[number];
    const struct target_list *targets = &application->refer_targets;
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "applications[%zu].refer", number);
    if (application->refer == CONFIG_REFER_ACCEPT && targets->count == 0)
        return places_refuse(places, path,
                             "accept would let callers call anybody through us; give refer_targets, too");
    for (size_t i = 0; i < targets->count; i++) {
        const char *target = targets->rows[i], *at = strchr(target, '@');
        snprintf(path, sizeof(path), "applications[%zu].refer_targets[%zu]", number, i);
        if (!at && !model_peer(config, target) && !model_application(config, target))
            return places_refuse(places, path,
                                 "no peer is called %s; give one, or such as +49@* or @example.net", target);
        if (at && strcmp(at + 1, "*") != 0 && !check_is_host(at + 1))
            return places_refuse(places, path, "'%s' is not a host; give one such as example.net, or *",
                                 at + 1);
        if (at && at == target && strcmp(at + 1, "*") == 0)
            return places_refuse(places, path, "@* allows everybody; give whom, or refer: ask");
    }
    return 0;
}

static size_t media_lines(const struct config_application *application)
{
    size_t lines = 0;
    for (size_t i = 1; i + 1 < application->body_length; i++)
        lines += memcmp(application->body + i - 1, "\nm=", 3) == 0;
    return lines;
}

static int check_answer(const struct config *config, size_t number, struct places *places)
{
    const struct config_answer *answer = &config->applications[number].answer;
    bool accepted = answer->status >= 200 && answer->status < 300;
    const struct {
        const char *key;
        bool wrong;
        const char *why;
    } rows[] = {
        {"after", answer->after && !answer->status, "is given without status; give that too"},
        {"ring", answer->ring && !answer->status, "is given without status; give that too"},
        {"ring_after", answer->ring_after && !answer->ring, "is given without ring; give that too"},
        {"ring_after", answer->ring && answer->ring_after >= answer->after,
         "is not before the answer; give less than after"},
        {"hang_up", answer->hang_up && !accepted, "is given without a status of 200 to 299; give that too"},
        {"body", answer->body[0] && !accepted, "is given without a status of 200 to 299; give that too"},
        {"status", accepted && !answer->body[0],
         "takes calls without a session description (RFC 3261 13.2.1); give body, too"},
    };
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(path, sizeof(path), "applications[%zu].answer.%s", number, rows[i].key);
        if (rows[i].wrong)
            return places_refuse(places, path, "%s", rows[i].why);
    }
    snprintf(path, sizeof(path), "applications[%zu].answer.body", number);
    if (config->applications[number].body_length > config->application_limits.body)
        return places_refuse(places, path, "is longer than application_limits.body; give a shorter one");
    if (media_lines(&config->applications[number]) > config->application_limits.media)
        return places_refuse(places, path, "has more m= lines than application_limits.media; give fewer");
    return 0;
}

static int check_numbers(const struct config *config, size_t number, struct places *places)
{
    const struct config_application *application = &config->applications[number];
    const struct config_session *session = &application->session;
    const struct config_peer_limits *limits = &application->limits;
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "applications[%zu].session.expires", number);
    if (session->expires && session->expires < session->minimum)
        return places_refuse(places, path, "is shorter than minimum; give it or more");
    snprintf(path, sizeof(path), "applications[%zu].limits.burst", number);
    if (limits->burst && !limits->calls_per_second)
        return places_refuse(places, path, "is given without calls_per_second; give that too");
    snprintf(path, sizeof(path), "applications[%zu].limits.out_burst", number);
    if (limits->out_burst && !limits->out_calls_per_second)
        return places_refuse(places, path, "is given without out_calls_per_second; give that too");
    return 0;
}

static int check_retries(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < config->retry_count; i++) {
        const struct config_retry *retry = &config->retries[i];
        snprintf(path, sizeof(path), "retry[%zu].name", i);
        if (model_retry(config, retry->name) != retry)
            return places_refuse(places, path, "%s is the name of two policies; rename one", retry->name);
        snprintf(path, sizeof(path), "retry[%zu].cap", i);
        if (retry->cap < retry->first)
            return places_refuse(places, path, "is shorter than first; give it or more");
    }
    return 0;
}

int check_applications(const struct config *config, struct places *places)
{
    int result = check_retries(config, places);
    for (size_t i = 0; result == 0 && i < config->application_count; i++) {
        result = check_names(config, i, places);
        if (result == 0)
            result = check_targets(config, i, places);
        if (result == 0)
            result = check_answer(config, i, places);
        if (result == 0)
            result = check_numbers(config, i, places);
    }
    if (result == 0 && config->peer_count + config->application_count > PEERS_MAX)
        return places_refuse(places, "applications", "and peers are more than %u together; give fewer",
                             PEERS_MAX);
    return result;
}

// A program that names a peer with its call needs no route, but is called by nobody.
void warn_applications(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < config->application_count; i++) {
        const char *name = config->applications[i].name;
        bool from = false, to = false;
        for (size_t r = 0; r < config->route_count; r++) {
            from |= strcmp(config->routes[r].from, name) == 0;
            to |= strcmp(config->routes[r].to, name) == 0;
        }
        snprintf(path, sizeof(path), "applications[%zu]", i);
        if (!from && !to)
            places_warn(places, path,
                        "no route names it: nobody calls it, and it calls only where a call names its peer");
        snprintf(path, sizeof(path), "applications[%zu].answer", i);
        if (config->applications[i].answer.status && !to)
            places_warn(places, path, "has no effect: no route leads to it");
    }
}
