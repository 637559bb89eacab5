// SPDX-License-Identifier: BSD-3-Clause
// Transfers, whoever makes them.
#include <inttypes.h>
#include <string.h>
#include "show_value.h"

// "-" while nothing was said.
static const char *status_of(const json_t *row, char buffer[16])
{
    if (number(row, "status") == 0)
        return "-";
    snprintf(buffer, 16, "%" PRId64, number(row, "status"));
    return buffer;
}

static const char *began(const json_t *row, char buffer[TIME_SIZE])
{
    json_t *seconds = json_pack("{s:I}", "at", (json_int_t)number(row, "began_ms") / 1000);
    const char *time = number(row, "began_ms") > 0 ? stamp(seconds, "at", "-", buffer) : "-";
    json_decref(seconds);
    return time;
}

void show_refers(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"REFER", false},   {"ORIGIN", false}, {"KIND", false},
                                                  {"FROM", false},    {"TO", false},     {"STATE", false},
                                                  {"OUTCOME", false}, {"STATUS", true},  {"SINCE", false},
                                                  {"DIALOG", false},  {"TARGET", false}};
    const json_t *rows = json_object_get(result, "transfers");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char status[16], time[TIME_SIZE];
        const char *cells[COLUMNS(columns)] = {
            text(row, "refer"),   text(row, "origin"), text(row, "kind"),    text(row, "from_peer"),
            text(row, "to_peer"), text(row, "state"),  text(row, "outcome"), status_of(row, status),
            began(row, time),     text(row, "dialog"), text(row, "to")};
        table_add(table, cells);
    }
    print_and_free(ctl, table);
    if (json_array_size(rows) == 0)
        fputs("no transfers\n", ctl->out);
    else if (number(result, "kept") > (int64_t)json_array_size(rows))
        fprintf(ctl->out, "%zu of %" PRId64 "; --limit shows more\n", json_array_size(rows),
                number(result, "kept"));
}

static void line(struct ctl *ctl, const char *name, const json_t *row, const char *key)
{
    if (json_is_string(json_object_get(row, key)))
        fprintf(ctl->out, "  %-11s %s\n", name, text(row, key));
}

void show_refer(struct ctl *ctl, const json_t *result)
{
    const json_t *steps = json_object_get(result, "steps");
    char status[16], time[TIME_SIZE], lasted[UNIT_SIZE];
    fprintf(ctl->out, "refer %s, %s, %s, %s refers %s, ", text(result, "refer"), text(result, "origin"),
            text(result, "kind"), text(result, "from_peer"), text(result, "to_peer"));
    print_state(ctl, text(result, "outcome"));
    fprintf(ctl->out, " (%s), status %s\n", text(result, "state"), status_of(result, status));
    line(ctl, "target", result, "to");
    line(ctl, "replaces", result, "replaces");
    line(ctl, "referred by", result, "referred_by");
    line(ctl, "application", result, "application");
    line(ctl, "call", result, "target");
    fprintf(ctl->out, "  dialog      %s%s\n", text(result, "dialog"),
            json_is_true(json_object_get(result, "dialog_over")) ? ", which is over" : "");
    fprintf(ctl->out, "  since       %s, for %s\n", began(result, time),
            unit_duration_ms(number(result, "duration_ms"), lasted));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        char after[UNIT_SIZE];
        fprintf(ctl->out, "  after %s: %s, %" PRId64 " %s\n",
                unit_duration_ms(number(step, "after_ms"), after), text(step, "state"),
                number(step, "status"), text(step, "reason"));
    }
}
