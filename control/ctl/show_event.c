// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include "ctl.h"

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && value[0] ? value : "-";
}

static void print_event(struct ctl *ctl, const json_t *params)
{
    char clock[16], states[32];
    int64_t time_ms = json_integer_value(json_object_get(params, "time_ms"));
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(clock, sizeof(clock), "%H:%M:%S", &local);
    snprintf(states, sizeof(states), "%s > %s", text(params, "from"), text(params, "to"));
    fprintf(ctl->out, "%s.%03d  %s  %-25s %-15s %s > %s %s\n", clock, (int)(time_ms % 1000),
            text(params, "id"), states, text(params, "reason"), text(params, "caller_peer"),
            text(params, "callee_peer"), text(params, "member"));
}

static void print(struct ctl *ctl, const char *notification)
{
    json_t *event = json_loads(notification, 0, NULL);
    const json_t *params = json_object_get(event, "params");
    const char *method = text(event, "method");
    if (ctl->json)
        fprintf(ctl->out, "%s\n", notification);
    else if (strcmp(method, "event") == 0)
        print_event(ctl, params);
    else
        fprintf(ctl->out, "-- %" PRId64 " events were lost --\n",
                (int64_t)json_integer_value(json_object_get(params, "count")));
    fflush(ctl->out); // somebody watches, or a pipe reads
    json_decref(event);
}

int run_events(struct ctl *ctl, const json_t *given)
{
    const json_t *limit = json_object_get(given, "limit");
    int64_t left = limit ? json_integer_value(limit) : INT64_MAX;
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    json_object_del(params, "limit");
    json_t *following = ctl_call(ctl, "events.follow", params);
    json_decref(params);
    if (!following)
        return CTL_REFUSED;
    json_decref(following);
    fputs("following changes of dialogs; Ctrl-C ends\n", stderr);
    for (; left > 0; left--) {
        struct dg_error error;
        char *notification;
        if (dg_client_next(ctl->client, -1, &notification, &error) != DG_OK) {
            fprintf(stderr, "dialgatectl: %s\n", error.text);
            dg_client_close(ctl->client);
            ctl->client = NULL;
            return CTL_REFUSED;
        }
        print(ctl, notification);
        dg_free(notification);
    }
    dg_client_close(ctl->client); // or the shell's next command would be told events
    ctl->client = NULL;
    return CTL_DONE;
}
