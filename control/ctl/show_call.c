// SPDX-License-Identifier: BSD-3-Clause
// Applications and their calls.
#include <inttypes.h>
#include "show_value.h"

void show_applications(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {
        {"APPLICATION", false}, {"SERVED", false}, {"ATTACHED", true},   {"DIALOGS", true},
        {"PLACED", true},       {"OFFERED", true}, {"UNATTENDED", true}, {"EVENTS", true}};
    static const char *const keys[] = {"attached", "dialogs", "placed", "offered", "unattended", "events"};
    const json_t *rows = json_object_get(result, "applications");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char values[COLUMNS(keys)][UNIT_SIZE];
        const char *cells[COLUMNS(columns)] = {text(row, "application"),
                                               json_is_true(json_object_get(row, "served")) ? "yes" : "no"};
        for (size_t k = 0; k < COLUMNS(keys); k++)
            cells[2 + k] = count(row, keys[k], values[k]);
        table_add(table, cells);
    }
    print_and_free(ctl, table);
    if (json_array_size(rows) == 0)
        fputs("no applications are configured\n", ctl->out);
}

void show_calls(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"DIALOG", false}, {"APPLICATION", false}, {"PEER", false},
                                                  {"ROLE", false},   {"STATE", false},       {"SINCE", false},
                                                  {"CONTEXT", false}};
    const json_t *rows = json_object_get(result, "dialogs");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char time[TIME_SIZE];
        json_t *seconds = json_pack("{s:I}", "at", (json_int_t)number(row, "created_ms") / 1000);
        const char *cells[] = {text(row, "dialog"), text(row, "application"), text(row, "peer"),
                               text(row, "role"),   text(row, "state"),       stamp(seconds, "at", "-", time),
                               text(row, "context")};
        table_add(table, cells);
        json_decref(seconds);
    }
    print_and_free(ctl, table);
    if (json_array_size(rows) == 0)
        fputs("no calls of applications\n", ctl->out);
    if (json_is_string(json_object_get(result, "after")))
        fprintf(ctl->out, "more: --after %s\n", text(result, "after"));
}

static void print_side(struct ctl *ctl, const json_t *call, const char *side)
{
    const json_t *there = json_object_get(call, side);
    if (there)
        fprintf(ctl->out, "  %-6s %s\n    tag    %s\n    target %s\n    CSeq   %" PRId64 "\n", side,
                text(there, "uri"), text(there, "tag"), text(there, "target"), number(there, "cseq"));
}

void show_call(struct ctl *ctl, const json_t *result)
{
    const json_t *history = json_object_get(result, "history");
    fprintf(ctl->out, "dialog %s of %s, %s, with %s, ", text(result, "dialog"), text(result, "application"),
            text(result, "role"), text(result, "peer"));
    print_state(ctl, text(result, "state"));
    fprintf(ctl->out, "\n  Call-ID %s\n", text(result, "call_id"));
    if (json_object_get(result, "context"))
        fprintf(ctl->out, "  context %s\n", text(result, "context"));
    if (json_object_get(result, "request"))
        fprintf(ctl->out, "  request %s waits for an answer\n", text(result, "request"));
    if (json_object_get(result, "replaces"))
        fprintf(ctl->out, "  replaces %s when it is answered\n", text(result, "replaces"));
    print_side(ctl, result, "local");
    print_side(ctl, result, "remote");
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *change = json_array_get(history, i);
        char after[UNIT_SIZE];
        fprintf(ctl->out, "  after %s: %s > %s, %s\n", unit_duration_ms(number(change, "after_ms"), after),
                text(change, "from"), text(change, "to"), text(change, "reason"));
    }
}

int run_call_place(struct ctl *ctl, const json_t *params)
{
    const json_t *wait = json_object_get(params, "wait");
    if (!wait)
        return ctl_act(ctl, "ua.call", params);
    if (!json_object_get(params, "application")) {
        fputs("dialgatectl: --wait needs --application\n", ctl->errors);
        return CTL_USAGE;
    }
    json_t *listen =
        json_pack("{s:O, s:b}", "application", json_object_get(params, "application"), "listen", 1);
    bool listens = ctl_wait_begin(ctl, "ua.attach", listen);
    json_decref(listen);
    if (!listens)
        return CTL_REFUSED;
    json_t *given = json_copy((json_t *)(uintptr_t)params);
    json_object_del(given, "wait");
    json_t *result = ctl_ask(ctl, "ua.call", given);
    int status = CTL_REFUSED;
    json_decref(given);
    if (result) {
        const struct ctl_waiting waiting = {"dialog", text(result, "dialog"), json_integer_value(wait)};
        ctl_print_sent(ctl, result);
        fflush(ctl->out);
        status = ctl_wait(ctl, &waiting);
    } else {
        ctl_wait_end(ctl);
    }
    json_decref(result);
    return status;
}

int run_call_ring(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.progress", params);
}

int run_call_answer(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.answer", params);
}

int run_call_reject(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.reject", params);
}

int run_call_redirect(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.redirect", params);
}

int run_call_end(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.terminate", params);
}

int run_dialog_send(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.request", params);
}

int run_dialog_hold(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.hold", params);
}

int run_dialog_unhold(struct ctl *ctl, const json_t *params)
{
    return ctl_act(ctl, "ua.unhold", params);
}
