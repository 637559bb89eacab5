// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "show_value.h"

#define PAGE_ROWS 500 // of dialogs that are ended, a call
#define END_RATE  100 // dialogs a second, where the operator names none

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

struct listing {
    struct ctl *ctl;
    struct table *table;
    bool any;
};

// A part goes out as it came: a million rows need no memory here and begin at once.
static void print_part(void *context, const char *part)
{
    struct listing *listing = context;
    if (listing->ctl->json) {
        fprintf(listing->ctl->out, "%s\n", part);
    } else {
        json_t *page = json_loads(part, 0, NULL);
        add_rows(listing->table, json_object_get(page, "dialogs"));
        listing->any = listing->any || json_array_size(json_object_get(page, "dialogs")) > 0;
        table_print(listing->table, listing->ctl->out);
        json_decref(page);
    }
    fflush(listing->ctl->out);
}

int run_dialog_list(struct ctl *ctl, const json_t *given)
{
    struct listing listing = {ctl, table_create(list_columns, COLUMNS(list_columns)), false};
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    if (listing.table && ctl->colours)
        table_colour(listing.table);
    json_object_set_new(params, "stream", json_true());
    json_t *result = listing.table ? ctl_call_parts(ctl, "dialog.list", params, print_part, &listing) : NULL;
    const char *cursor = json_string_value(json_object_get(result, "cursor"));
    int status = result ? CTL_DONE : CTL_REFUSED;
    if (result && ctl->json)
        ctl_print_json(ctl, result);
    else if (cursor)
        fprintf(ctl->out, "more: --after %s\n", cursor);
    else if (result && !listing.any)
        fputs("no dialogs\n", ctl->out);
    table_free(listing.table);
    json_decref(params);
    json_decref(result);
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
    print_and_free(ctl, table);
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
        else if (more && isatty(fileno(ctl->errors))) {
            print_sum(ctl->errors, &sum, "\r");
            shown = true;
        }
        json_decref(page);
    }
    if (shown)
        fputc('\n', ctl->errors);
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
              ctl->errors);
        return CTL_USAGE;
    }
    return by_id ? end_one(ctl, params) : end_many(ctl, params);
}
