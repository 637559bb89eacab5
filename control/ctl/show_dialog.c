// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "show_value.h"

#define PAGE_ROWS   500 // of a listing that the daemon gives in pages
#define CURSOR_SIZE 17  // a cursor with its NUL
#define END_RATE    100 // dialogs a second, where the operator names none

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

// The cursor at the end of a page, empty behind the last one. False: the page does not end with it.
static bool page_cursor(const char *page, char cursor[CURSOR_SIZE])
{
    static const char key[] = "\"cursor\":\"", none[] = "\"cursor\":null}";
    const size_t size = strlen(key) + CURSOR_SIZE - 1 + strlen("\"}"), length = strlen(page);
    cursor[0] = '\0';
    if (length >= strlen(none) && strcmp(page + length - strlen(none), none) == 0)
        return true;
    const char *at = page + (length < size ? 0 : length - size);
    if (length < size || strncmp(at, key, strlen(key)) != 0 || strcmp(page + length - 2, "\"}") != 0)
        return false;
    memcpy(cursor, at + strlen(key), CURSOR_SIZE - 1);
    cursor[CURSOR_SIZE - 1] = '\0';
    return true;
}

// As JSON and to the end: what came is printed as it came. To read it and write it again would take longer
// than all else.
static int list_as_it_comes(struct ctl *ctl, json_t *params)
{
    char cursor[CURSOR_SIZE];
    int status = CTL_DONE;
    json_object_set_new(params, "limit", json_integer(PAGE_ROWS));
    do {
        char *page = ctl_call_text(ctl, "dialog.list", params);
        if (!page)
            return CTL_REFUSED;
        fprintf(ctl->out, "%s\n", page);
        if (!page_cursor(page, cursor)) {
            fputs("dialgatectl: a page without cursor; there may be more dialogs\n", stderr);
            status = CTL_REFUSED;
        }
        json_object_set_new(params, "cursor", json_string(cursor));
        dg_free(page);
    } while (status == CTL_DONE && cursor[0]);
    return status;
}

// Prints page after page as it comes, so that a million rows need no memory here and begin at once.
int run_dialog_list(struct ctl *ctl, const json_t *given)
{
    int64_t left = json_object_get(given, "limit") ? number(given, "limit") : INT64_MAX;
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    struct table *table = table_create(list_columns, COLUMNS(list_columns));
    int status = table && params ? CTL_DONE : CTL_REFUSED;
    if (status == CTL_DONE && ctl->json && left == INT64_MAX) {
        status = list_as_it_comes(ctl, params);
        left = 0;
    }
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

static void show_ended(struct ctl *ctl, const json_t *result)
{
    const json_t *ended = json_object_get(result, "ended");
    for (size_t i = 0; i < json_array_size(ended); i++) {
        const json_t *dialog = json_array_get(ended, i);
        fprintf(ctl->out, "ended %s (%s, Call-ID %s)\n", text(dialog, "id"), text(dialog, "state"),
                text(dialog, "call_id"));
    }
}

static int end_one(struct ctl *ctl, const json_t *params)
{
    json_t *result = ctl_call(ctl, "dialog.end", params);
    if (!result)
        return CTL_REFUSED;
    if (ctl->json)
        ctl_print_json(ctl, result);
    else
        show_ended(ctl, result);
    json_decref(result);
    return CTL_DONE;
}

struct end_sum {
    int64_t ended, gone;
};

static void print_sum(FILE *out, const struct end_sum *sum, const char *end)
{
    char a[UNIT_SIZE], b[UNIT_SIZE];
    fprintf(out, "ended %s dialogs", unit_count(sum->ended, a));
    if (sum->gone > 0)
        fprintf(out, ", %s had ended by themselves", unit_count(sum->gone, b));
    fputs(end, out);
}

// A page is a second's worth, so that Ctrl-C stops it soon.
static int end_many(struct ctl *ctl, const json_t *given)
{
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    int64_t rate = json_object_get(given, "rate") ? number(given, "rate") : END_RATE;
    struct end_sum sum = {0};
    bool more = params != NULL, shown = false;
    int status = params ? CTL_DONE : CTL_REFUSED;
    json_object_set_new(params, "limit", json_integer(rate < PAGE_ROWS ? rate : PAGE_ROWS));
    while (more) {
        json_t *page = ctl_call(ctl, "dialog.end_many", params);
        if (!page) {
            status = CTL_REFUSED;
            break;
        }
        const char *cursor = json_string_value(json_object_get(page, "cursor"));
        sum.ended += number(page, "ended");
        sum.gone += number(page, "gone");
        more = cursor != NULL;
        if (more)
            json_object_set_new(params, "cursor", json_string(cursor));
        if (ctl->json)
            ctl_print_json(ctl, page);
        else if (more && isatty(STDERR_FILENO)) {
            print_sum(stderr, &sum, "\r");
            shown = true;
        }
        json_decref(page);
    }
    if (shown)
        fputc('\n', stderr);
    if (!ctl->json && (status == CTL_DONE || sum.ended > 0))
        print_sum(ctl->out, &sum, "\n");
    json_decref(params);
    return status;
}

int run_dialog_end(struct ctl *ctl, const json_t *params)
{
    static const char *const filters[] = {"peer", "state", "older_ms", "rate"};
    bool filtered = false;
    for (size_t i = 0; i < COLUMNS(filters); i++)
        filtered = filtered || json_object_get(params, filters[i]);
    bool by_id = json_object_get(params, "id") != NULL;
    if (by_id ? filtered : json_object_size(params) == (json_object_get(params, "rate") != NULL)) {
        fputs("dialgatectl: dialog end takes an ID, or some of --peer, --state, --older-than, or --all\n",
              stderr);
        return CTL_USAGE;
    }
    return by_id ? end_one(ctl, params) : end_many(ctl, params);
}
