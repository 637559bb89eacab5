// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "show_value.h"

#define CLOCK_SIZE 24

// The last event seen: where to go on.
struct place {
    char stream[32];
    int64_t seq;
};

// Local time of an event's "2026-11-21T21:35:29.123Z".
static const char *clock_text(const json_t *params, char text_out[CLOCK_SIZE])
{
    const char *time = text(params, "time"), *rest;
    struct tm utc = {0}, local;
    rest = strptime(time, "%Y-%m-%dT%H:%M:%S", &utc);
    if (!rest)
        return "-";
    time_t seconds = timegm(&utc);
    localtime_r(&seconds, &local);
    size_t used = strftime(text_out, CLOCK_SIZE, "%H:%M:%S", &local);
    snprintf(text_out + used, CLOCK_SIZE - used, "%.4s", rest);
    return text_out;
}

static const char *colour_of(const char *kind, const char *name)
{
    static const struct {
        const char *kind, *colour;
    } colours[] = {
        {"limit", "\033[33m"}, {"ban", "\033[35m"}, {"config", "\033[36m"}, {"health", COLOUR_BOLD}};
    if (strcmp(kind, "member") == 0)
        return table_state_colour(name);
    for (size_t i = 0; i < COLUMNS(colours); i++)
        if (strcmp(kind, colours[i].kind) == 0)
            return colours[i].colour;
    return NULL;
}

static void print_value(FILE *out, const json_t *value)
{
    const char *word = json_string_value(value);
    if (word && word[0] && !strpbrk(word, " \"")) {
        fputs(word, out);
    } else if (json_is_null(value)) {
        fputs("-", out);
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            fputs(i ? "," : "", out);
            print_value(out, json_array_get(value, i));
        }
    } else {
        json_dumpf(value, out, JSON_ENCODE_ANY | JSON_COMPACT);
    }
}

// What is in no column of its own, in the order in which it came.
static void print_fields(FILE *out, const json_t *params)
{
    static const char *const shown[] = {"stream", "seq", "time", "kind", "name", "dataplane_seq"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)params, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < COLUMNS(shown); i++)
            known = known || strcmp(key, shown[i]) == 0;
        if (known)
            continue;
        fprintf(out, " %s=", key);
        print_value(out, value);
    }
}

static void print_dialog(FILE *out, const json_t *params)
{
    char states[32];
    snprintf(states, sizeof(states), "%s > %s", text(params, "from"), text(params, "to"));
    fprintf(out, "  %s  %-25s %-15s %s > %s %s", text(params, "id"), states, text(params, "reason"),
            text(params, "caller_peer"), text(params, "callee_peer"), text(params, "member"));
}

static void print_event(struct ctl *ctl, const json_t *params)
{
    char clock[CLOCK_SIZE];
    const char *kind = text(params, "kind"), *name = text(params, "name");
    const char *colour = ctl->colours ? colour_of(kind, name) : NULL;
    fprintf(ctl->out, "%s %8" PRId64 "  %s%-6s", clock_text(params, clock), number(params, "seq"),
            colour ? colour : "", kind);
    if (strcmp(kind, "dialog") == 0 && strcmp(name, "changed") == 0) {
        print_dialog(ctl->out, params);
    } else {
        fprintf(ctl->out, "  %-19s", name);
        print_fields(ctl->out, params);
    }
    fprintf(ctl->out, "%s\n", colour ? COLOUR_NONE : "");
}

static void print_lost(struct ctl *ctl, const json_t *params)
{
    fprintf(ctl->out, "-- %" PRId64 " events are missing", number(params, "count"));
    if (json_object_get(params, "first")) // else they were lost in this process
        fprintf(ctl->out, ", %" PRId64 " to %" PRId64 ": %s", number(params, "first"), number(params, "last"),
                strcmp(text(params, "cause"), "slow") == 0 ? "they were not read in time"
                                                           : "they are not kept any more");
    fputs(" --\n", ctl->out);
}

static void print(struct ctl *ctl, const char *notification, struct place *place)
{
    json_t *line = json_loads(notification, 0, NULL);
    const json_t *params = json_object_get(line, "params");
    bool event = strcmp(text(line, "method"), "event") == 0;
    if (ctl->json)
        fprintf(ctl->out, "%s\n", notification);
    else if (event)
        print_event(ctl, params);
    else
        print_lost(ctl, params);
    if (event) {
        place->seq = number(params, "seq");
        snprintf(place->stream, sizeof(place->stream), "%s", text(params, "stream"));
    }
    fflush(ctl->out); // somebody watches, or a pipe reads
    json_decref(line);
}

// False when the daemon refused.
static bool begin(struct ctl *ctl, const json_t *given, struct place *place)
{
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    json_object_del(params, "limit");
    json_t *following = ctl_call(ctl, "events.follow", params);
    json_decref(params);
    if (!following)
        return false;
    snprintf(place->stream, sizeof(place->stream), "%s", text(following, "stream"));
    place->seq = number(following, "from") - 1;
    if (json_object_get(following, "call"))
        fprintf(ctl->errors, "following events of call %s; Ctrl-C ends\n", text(following, "call"));
    else
        fputs("following events; Ctrl-C ends\n", ctl->errors);
    if (!json_is_true(json_object_get(following, "same_stream")))
        fputs("dialgate-control has restarted since, or has not come that far: all that it keeps follows\n",
              ctl->errors);
    json_decref(following);
    return true;
}

static void leave(struct ctl *ctl) // or the shell's next command would be told events
{
    dg_client_close(ctl->client);
    ctl->client = NULL;
}

int run_events(struct ctl *ctl, const json_t *given)
{
    const json_t *limit = json_object_get(given, "limit");
    int64_t left = limit ? json_integer_value(limit) : INT64_MAX;
    struct place place;
    if (!begin(ctl, given, &place))
        return CTL_REFUSED;
    for (; left > 0; left--) {
        struct dg_error error;
        char *notification;
        if (dg_client_next(ctl->client, -1, &notification, &error) != DG_OK) {
            fprintf(ctl->errors, "dialgatectl: %s; go on with --stream %s --since %" PRId64 "\n", error.text,
                    place.stream, place.seq);
            leave(ctl);
            return CTL_REFUSED;
        }
        print(ctl, notification, &place);
        dg_free(notification);
    }
    leave(ctl);
    return CTL_DONE;
}
