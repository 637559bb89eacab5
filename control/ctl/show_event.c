// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include "show_value.h"

static const char *clock_text(const json_t *params, char text[24])
{
    int64_t time_ms = json_integer_value(json_object_get(params, "time_ms"));
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    size_t used = strftime(text, 16, "%H:%M:%S", &local);
    snprintf(text + used, 24 - used, ".%03d", (int)(time_ms % 1000));
    return text;
}

static void print_event(struct ctl *ctl, const json_t *params)
{
    char clock[24], states[32];
    snprintf(states, sizeof(states), "%s > %s", text(params, "from"), text(params, "to"));
    fprintf(ctl->out, "%s  %s  %-25s %-15s %s > %s %s\n", clock_text(params, clock), text(params, "id"),
            states, text(params, "reason"), text(params, "caller_peer"), text(params, "callee_peer"),
            text(params, "member"));
}

static void print_member(struct ctl *ctl, const char *method, const json_t *params)
{
    char clock[24];
    fprintf(ctl->out, "%s  %-16s  %s %s: was %s; %s, probes in a row %d\n", clock_text(params, clock), method,
            text(params, "peer"), text(params, "member"), text(params, "from"), text(params, "reason"),
            (int)json_integer_value(json_object_get(params, "in_row")));
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
    else if (strncmp(method, "member.", 7) == 0)
        print_member(ctl, method, params);
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
    fputs("following changes of dialogs and members; Ctrl-C ends\n", ctl->errors);
    for (; left > 0; left--) {
        struct dg_error error;
        char *notification;
        if (dg_client_next(ctl->client, -1, &notification, &error) != DG_OK) {
            fprintf(ctl->errors, "dialgatectl: %s\n", error.text);
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
