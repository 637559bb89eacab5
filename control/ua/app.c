// SPDX-License-Identifier: BSD-3-Clause
// An application's events lie in a ring of its own: who is attached has a place in it (rpc/follow.h).
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../control.h"
#include "ua.h"

#define HEAD_SIZE 256

bool ua_app_view(const struct ua *ua, const struct ua_app *app, struct config_application_view *view,
                 uint32_t *index)
{
    const struct config *config = ua->control->active.config;
    for (uint32_t i = 0; i < config_applications(config); i++) {
        *view = config_application_view(config, i);
        if (strcmp(view->name, app->name) != 0)
            continue;
        if (index)
            *index = i;
        return true;
    }
    return false;
}

struct ua_app *ua_app_at(struct ua *ua, uint16_t number)
{
    // An operator's REFER that control has given up is told in the names of two peers.
    const struct manifest *manifest = ua->control->manifest;
    bool is = number < PEERS_MAX && manifest_is_application(manifest, number);
    const char *name = is ? manifest_peer_name(manifest, number) : NULL;
    if (!name || ua->apps[number])
        return name ? ua->apps[number] : NULL;
    struct ua_app *app = calloc(1, sizeof(*app));
    if (!app || event_ring_open(&app->ring, UA_RING_EVENTS, UA_RING_OCTETS) < 0) {
        free(app);
        return NULL;
    }
    app->number = number;
    snprintf(app->name, sizeof(app->name), "%s", name);
    ua->apps[number] = app;
    return app;
}

struct ua_app *ua_app_find(const struct ua *ua, const char *name)
{
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        if (ua->apps[i] && ua->apps[i]->served && strcmp(ua->apps[i]->name, name) == 0)
            return ua->apps[i];
    return NULL;
}

// `{"application":..,"stream":..,"seq":..,"time":..,"dialog":..,"event":..`: what every line begins with.
static size_t head(const struct ua *ua, const struct ua_app *app, const struct ua_call *call,
                   const char *event, char text[HEAD_SIZE])
{
    uint64_t now_ms = ua_unix_ms();
    time_t second = (time_t)(now_ms / 1000);
    struct tm utc;
    char stamp[24], id[UA_ID_SIZE];
    gmtime_r(&second, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    int length = snprintf(text, HEAD_SIZE,
                          "{\"application\":\"%s\",\"stream\":\"%016" PRIx64 "\",\"seq\":%" PRIu64
                          ",\"time\":\"%s.%03uZ\"%s%s%s,"
                          "\"event\":\"%s\"",
                          app->name, ua->stream, app->ring.last + 1, stamp, (unsigned)(now_ms % 1000),
                          call ? ",\"dialog\":\"" : "", call ? ua_id(call->by_id.key, id) : "",
                          call ? "\"" : "", event);
    return (size_t)length;
}

void ua_tell(struct ua *ua, struct ua_app *app, const struct ua_call *call, const char *event, json_t *fields)
{
    char text[HEAD_SIZE];
    if (call && call->untold) {
        json_decref(fields);
        return;
    }
    char *rest = fields ? json_dumps(fields, JSON_COMPACT) : NULL; // "{..}"
    size_t begun = head(ua, app, call, event, text), more = rest ? strlen(rest) : 0;
    struct event_kept kept = {.line = rest ? malloc(begun + more + 1) : NULL};
    if (kept.line) {
        memcpy(kept.line, text, begun);
        kept.line[begun] = more > 2 ? ',' : '}'; // takes the place of the brace
        memcpy(kept.line + begun + 1, rest + 1, more);
        kept.length = begun + (more > 2 ? more : 1);
    }
    free(rest);
    json_decref(fields);
    event_ring_add(&app->ring, &kept);
    app->events++;
    events_serve_soon(&ua->control->events);
}
