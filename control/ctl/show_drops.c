// SPDX-License-Identifier: BSD-3-Clause
// prefilter drops: dropped packets, a line each, and those that come.
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "show_value.h"

#define POLL_NS     250000000 // as often as control looks
#define ROWS_A_CALL 1000
#define FROM_SIZE   64

static const char *whose(const json_t *row)
{
    return json_is_string(json_object_get(row, "peer")) ? text(row, "peer") : "strangers";
}

static void print_row(struct ctl *ctl, const json_t *row)
{
    char from[FROM_SIZE], reason[FROM_SIZE];
    const char *source = text(row, "source");
    const json_t *first = json_object_get(row, "first");
    if (ctl->json) {
        ctl_print_json(ctl, row);
        return;
    }
    snprintf(from, sizeof(from), strchr(source, ':') ? "[%s]:%" PRId64 : "%s:%" PRId64, source,
             number(row, "source_port"));
    snprintf(reason, sizeof(reason), "%s%s", text(row, "reason"),
             json_is_true(json_object_get(row, "dry_run")) ? " (dry-run)" : "");
    fprintf(ctl->out, "%s  %-12s %-24s to %-6" PRId64 " %-12s %-24s \"%s\"\n", text(row, "time"),
            text(row, "network"), from, number(row, "port"), whose(row), reason,
            json_is_string(first) ? json_string_value(first) : "");
}

static int64_t print_rows(struct ctl *ctl, const json_t *result)
{
    const json_t *drops = json_object_get(result, "drops");
    for (size_t i = 0; i < json_array_size(drops); i++)
        print_row(ctl, json_array_get(drops, i));
    return (int64_t)json_array_size(drops);
}

// What is not here: on stderr, so that a file of rows stays one.
static void print_missing(const struct ctl *ctl, int64_t count, const char *why)
{
    if (count > 0)
        fprintf(ctl->errors, "dialgatectl: %" PRId64 " more are not shown: %s\n", count, why);
}

static void print_summary(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"NETWORK", false}, {"PEER", false},  {"REASON", false},
                                                  {"NOTES", true},    {"FIRST", false}, {"LAST", false}};
    const json_t *groups = json_object_get(result, "groups");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(groups); i++) {
        char notes[UNIT_SIZE], reason[FROM_SIZE];
        const json_t *group = json_array_get(groups, i);
        snprintf(reason, sizeof(reason), "%s%s", text(group, "reason"),
                 json_is_true(json_object_get(group, "dry_run")) ? " (dry-run)" : "");
        const char *cells[] = {text(group, "network"),       whose(group),         reason,
                               count(group, "notes", notes), text(group, "first"), text(group, "last")};
        table_add(table, cells);
    }
    print_and_free(ctl, table);
    if (json_array_size(groups) == 0)
        fputs("no drop is kept\n", ctl->out);
}

// Asks for what is behind the last answer, again and again. left: rows to print.
static int follow(struct ctl *ctl, json_t *params, json_t *result, int64_t left)
{
    static const struct timespec pause = {0, POLL_NS};
    int64_t lost = number(result, "lost");
    left -= print_rows(ctl, result);
    while (left > 0) {
        json_object_set(params, "stream", json_object_get(result, "stream"));
        json_object_set(params, "after", json_object_get(result, "last"));
        json_object_set_new(params, "limit", json_integer(left < ROWS_A_CALL ? left : ROWS_A_CALL));
        json_decref(result);
        fflush(ctl->out);
        nanosleep(&pause, NULL);
        result = ctl_call(ctl, "prefilter.drops", params);
        if (!result)
            return CTL_REFUSED;
        left -= print_rows(ctl, result);
        print_missing(ctl, number(result, "missed"), "they were written over before we asked");
        print_missing(ctl, number(result, "lost") - lost, "dialgate-control did not get them");
        lost = number(result, "lost");
    }
    json_decref(result);
    return CTL_DONE;
}

int run_prefilter_drops(struct ctl *ctl, const json_t *given)
{
    bool follows = json_is_true(json_object_get(given, "follow"));
    const json_t *limit = json_object_get(given, "limit");
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    int status = CTL_DONE;
    json_object_del(params, "follow");
    if (follows && json_object_get(params, "summary")) {
        fputs("dialgatectl: --follow or --summary, not both\n", ctl->errors);
        json_decref(params);
        return CTL_USAGE;
    }
    json_t *result = ctl_call(ctl, "prefilter.drops", params);
    if (!result)
        status = CTL_REFUSED;
    else if (follows)
        status = follow(ctl, params, result, limit ? json_integer_value(limit) : INT64_MAX);
    else if (ctl->json)
        ctl_print_json(ctl, result);
    else if (json_object_get(params, "summary"))
        print_summary(ctl, result);
    else if (print_rows(ctl, result) == 0)
        fputs("no drop is kept\n", ctl->out);
    if (!follows)
        json_decref(result);
    json_decref(params);
    return status;
}
