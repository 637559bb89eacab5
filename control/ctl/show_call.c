// SPDX-License-Identifier: BSD-3-Clause
// Applications and their calls. Bodies come from files, header fields as "Name: value".
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "show_value.h"

#define BODY_MAX 65536u // octets; the daemon takes no more

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
    print_side(ctl, result, "local");
    print_side(ctl, result, "remote");
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *change = json_array_get(history, i);
        char after[UNIT_SIZE];
        fprintf(ctl->out, "  after %s: %s > %s, %s\n", unit_duration_ms(number(change, "after_ms"), after),
                text(change, "from"), text(change, "to"), text(change, "reason"));
    }
}

// A file's text; "-": standard input. NULL after one line on stderr.
static json_t *read_text(struct ctl *ctl, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *octets = malloc(BODY_MAX + 1);
    size_t length = file && octets ? fread(octets, 1, BODY_MAX + 1, file) : 0;
    json_t *made = file && octets && length <= BODY_MAX ? json_stringn(octets, length) : NULL;
    if (!file)
        fprintf(ctl->errors, "dialgatectl: %s: %s\n", path, strerror(errno));
    else if (!made)
        fprintf(ctl->errors, "dialgatectl: %s: no UTF-8, or more than %u octets\n", path, BODY_MAX);
    if (file && file != stdin)
        fclose(file);
    free(octets);
    return made;
}

// ["Name: value"] -> [["Name", "value"]]. NULL after one line on stderr.
static json_t *read_headers(struct ctl *ctl, const json_t *lines)
{
    json_t *pairs = json_array();
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const char *line = json_string_value(json_array_get(lines, i));
        size_t name = strcspn(line, ":");
        const char *value = line[name] ? line + name + 1 : line + name;
        if (name == 0 || !line[name]) {
            fprintf(ctl->errors, "dialgatectl: --header: \"%s\" is not \"Name: value\"\n", line);
            json_decref(pairs);
            return NULL;
        }
        json_array_append_new(pairs, json_pack("[s#, s]", line, (int)name, value + strspn(value, " \t")));
    }
    return pairs;
}

// Parameters as the daemon wants them, NULL after one line on stderr.
static json_t *prepare(struct ctl *ctl, const json_t *given)
{
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    const char *const files[][2] = {{"body", "body"}, {"password_file", "password"}};
    const json_t *headers = json_object_get(params, "headers");
    json_t *pairs = headers ? read_headers(ctl, headers) : NULL;
    bool good = !headers || pairs;
    if (pairs)
        json_object_set_new(params, "headers", pairs);
    for (size_t i = 0; i < COLUMNS(files) && good; i++) {
        const char *path = json_string_value(json_object_get(params, files[i][0]));
        json_t *octets = path ? read_text(ctl, path) : NULL;
        good = !path || octets;
        if (!octets)
            continue;
        json_object_del(params, files[i][0]);
        if (i == 1) { // its first line
            const char *line = json_string_value(octets);
            json_t *first = json_stringn(line, strcspn(line, "\r\n"));
            json_decref(octets);
            octets = first;
        }
        json_object_set_new(params, files[i][1], octets);
    }
    if (good)
        return params;
    json_decref(params);
    return NULL;
}

static int act(struct ctl *ctl, const char *method, const json_t *given)
{
    json_t *params = prepare(ctl, given);
    json_t *result = params ? ctl_call(ctl, method, params) : NULL;
    json_decref(params);
    if (!result)
        return CTL_REFUSED;
    if (ctl->json)
        ctl_print_json(ctl, result);
    else if (json_object_get(result, "call_id"))
        fprintf(ctl->out, "dialog %s, Call-ID %s\n", text(result, "dialog"), text(result, "call_id"));
    else
        fputs("sent\n", ctl->out);
    json_decref(result);
    return CTL_DONE;
}

int run_call_place(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.call", params);
}

int run_call_ring(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.progress", params);
}

int run_call_answer(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.answer", params);
}

int run_call_reject(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.reject", params);
}

int run_call_redirect(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.redirect", params);
}

int run_call_end(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.terminate", params);
}

int run_dialog_send(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.request", params);
}

int run_dialog_hold(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.hold", params);
}

int run_dialog_unhold(struct ctl *ctl, const json_t *params)
{
    return act(ctl, "ua.unhold", params);
}
