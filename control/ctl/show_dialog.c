// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include "ctl.h"
#include "table.h"

#define COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))
#define PAGE_ROWS        500 // of a listing that the daemon gives in pages

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && value[0] ? value : "-";
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const struct table_column list_columns[] = {{"ID", false},     {"STATE", false},  {"AGE", true},
                                                   {"FROM", false},   {"TO", false},     {"MEMBER", false},
                                                   {"CALLER", false}, {"CALLEE", false}, {"CALL-ID", false}};

static void add_rows(struct table *table, const json_t *dialogs)
{
    for (size_t i = 0; i < json_array_size(dialogs); i++) {
        char age[UNIT_SIZE];
        const json_t *dialog = json_array_get(dialogs, i);
        const json_t *caller = json_object_get(dialog, "caller");
        const json_t *callee = json_object_get(dialog, "callee");
        const char *cells[COLUMNS(list_columns)] = {
            text(dialog, "id"),   text(dialog, "state"), unit_duration_ms(number(dialog, "age_ms"), age),
            text(caller, "peer"), text(callee, "peer"),  text(callee, "member"),
            text(caller, "uri"),  text(callee, "uri"),   text(dialog, "call_id")};
        table_add(table, cells);
    }
}

// Prints page after page as it comes, so that a million rows need no memory here and begin at once.
int run_dialog_list(struct ctl *ctl, const json_t *given)
{
    int64_t left = json_object_get(given, "limit") ? number(given, "limit") : INT64_MAX;
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    struct table *table = table_create(list_columns, COLUMNS(list_columns));
    int status = table && params ? CTL_DONE : CTL_REFUSED;
    while (status == CTL_DONE && left > 0) {
        json_object_set_new(params, "limit", json_integer(left < PAGE_ROWS ? left : PAGE_ROWS));
        json_t *page = ctl_call(ctl, "dialog.list", params);
        if (!page) {
            status = CTL_REFUSED;
            break;
        }
        const json_t *dialogs = json_object_get(page, "dialogs");
        json_t *cursor = json_object_get(page, "cursor");
        left -= (int64_t)json_array_size(dialogs);
        if (ctl->json)
            ctl_print_json(ctl, page);
        else
            add_rows(table, dialogs);
        table_print(table, ctl->out);
        bool more = json_is_string(cursor);
        if (more && left <= 0 && !ctl->json)
            fprintf(ctl->out, "more: --after %s\n", json_string_value(cursor));
        if (more)
            json_object_set(params, "cursor", cursor);
        json_decref(page);
        if (!more)
            break;
    }
    table_free(table);
    json_decref(params);
    return status;
}

static void print_side(struct ctl *ctl, const char *name, const json_t *side)
{
    fprintf(ctl->out, "  %s   %s\n    peer     %s", name, text(side, "uri"), text(side, "peer"));
    if (json_object_get(side, "member"))
        fprintf(ctl->out, ", member %s", text(side, "member"));
    fprintf(ctl->out, "\n    tag      %s\n    target   %s\n    CSeq     %" PRId64 "\n", text(side, "tag"),
            text(side, "target"), number(side, "cseq"));
}

void show_dialogs(struct ctl *ctl, const json_t *result)
{
    const json_t *dialogs = json_object_get(result, "dialogs");
    for (size_t i = 0; i < json_array_size(dialogs); i++) {
        char age[UNIT_SIZE], since[UNIT_SIZE];
        const json_t *dialog = json_array_get(dialogs, i);
        fprintf(ctl->out, "dialog %s\n  Call-ID  %s\n  state    %s for %s%s, age %s, worker %" PRId64 "\n",
                text(dialog, "id"), text(dialog, "call_id"), text(dialog, "state"),
                unit_duration_ms(number(dialog, "state_ms"), since),
                json_is_true(json_object_get(dialog, "acked")) ? ", ACK seen" : "",
                unit_duration_ms(number(dialog, "age_ms"), age), number(dialog, "worker"));
        print_side(ctl, "caller", json_object_get(dialog, "caller"));
        print_side(ctl, "callee", json_object_get(dialog, "callee"));
    }
}

void show_dialog_count(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"PEER", false}, {"IN", true}, {"OUT", true}};
    char a[UNIT_SIZE], b[UNIT_SIZE], c[UNIT_SIZE], d[UNIT_SIZE], e[UNIT_SIZE];
    const json_t *states = json_object_get(result, "states");
    const json_t *peers = json_object_get(result, "peers");
    fprintf(ctl->out, "%s dialogs: %s none, %s early, %s confirmed, %s terminating\n",
            unit_count(number(result, "total"), a), unit_count(number(states, "none"), b),
            unit_count(number(states, "early"), c), unit_count(number(states, "confirmed"), d),
            unit_count(number(states, "terminating"), e));
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        const char *cells[] = {text(peer, "name"), unit_count(number(peer, "in"), a),
                               unit_count(number(peer, "out"), b)};
        table_add(table, cells);
    }
    if (table)
        table_print(table, ctl->out);
    table_free(table);
}

void show_ended(struct ctl *ctl, const json_t *result)
{
    const json_t *ended = json_object_get(result, "ended");
    for (size_t i = 0; i < json_array_size(ended); i++) {
        const json_t *dialog = json_array_get(ended, i);
        fprintf(ctl->out, "ended %s (%s, Call-ID %s)\n", text(dialog, "id"), text(dialog, "state"),
                text(dialog, "call_id"));
    }
}
