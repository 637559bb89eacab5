// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>
#include "show_value.h"

// Calls now, and the limit behind them where there is one: "12/20,000".
static const char *against(int64_t now, const json_t *limit, char buffer[UNIT_SIZE])
{
    char a[UNIT_SIZE], b[UNIT_SIZE];
    unit_count(now, a);
    if (json_is_integer(limit))
        snprintf(buffer, UNIT_SIZE, "%.22s/%.22s", a, unit_count(json_integer_value(limit), b));
    else
        snprintf(buffer, UNIT_SIZE, "%.47s", a);
    return buffer;
}

static const char *rate(const json_t *peer, const char *key, const char *direction, char buffer[UNIT_SIZE])
{
    const json_t *limits = json_object_get(json_object_get(peer, "limits"), direction);
    const json_t *limit = json_object_get(limits, "calls_per_second");
    char b[UNIT_SIZE];
    snprintf(buffer, UNIT_SIZE, "%.1f%s%.20s", json_number_value(json_object_get(peer, key)),
             json_is_integer(limit) ? "/" : "",
             json_is_integer(limit) ? unit_count(json_integer_value(limit), b) : "");
    return buffer;
}

static const json_t *most_calls(const json_t *peer, const char *direction)
{
    return json_object_get(json_object_get(json_object_get(peer, "limits"), direction), "concurrent_calls");
}

// A row a direction, so that it fits a terminal of 80 columns: calls from the peer, calls to it.
static void add_direction(struct table *table, const json_t *peer, bool in, const char *const *names)
{
    static const char *const keys[][2] = {{"calls_out", "calls_in"},
                                          {"rate_out", "rate_in"},
                                          {"calls_out_total", "calls_in_total"},
                                          {"answered_out_total", "answered_in_total"},
                                          {"refused_out_total", "refused_in_total"}};
    const char *direction = in ? "in" : "out";
    char cells[COLUMNS(keys)][UNIT_SIZE];
    const char *row[] = {names[0],
                         names[1],
                         names[2],
                         direction,
                         against(number(peer, keys[0][in]), most_calls(peer, direction), cells[0]),
                         rate(peer, keys[1][in], direction, cells[1]),
                         count(peer, keys[2][in], cells[2]),
                         count(peer, keys[3][in], cells[3]),
                         count(peer, keys[4][in], cells[4])};
    table_add(table, row);
}

static void peers_table(struct ctl *ctl, const json_t *peers)
{
    static const struct table_column columns[] = {{"PEER", false},  {"STATE", false},   {"UP", true},
                                                  {"CALLS", false}, {"NOW", true},      {"PER S", true},
                                                  {"TOTAL", true},  {"ANSWERED", true}, {"REFUSED", true}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        char up[UNIT_SIZE] = "app", listener[UNIT_SIZE];
        if (!json_is_true(json_object_get(peer, "application")))
            snprintf(up, sizeof(up), "%" PRId64 "/%" PRId64, number(peer, "members_up"),
                     number(peer, "members"));
        snprintf(listener, sizeof(listener), "  on %.40s", text(peer, "listener"));
        add_direction(table, peer, true, (const char *const[]){text(peer, "name"), text(peer, "state"), up});
        add_direction(table, peer, false, (const char *const[]){listener, "", ""});
    }
    print_and_free(ctl, table);
}

void show_peers(struct ctl *ctl, const json_t *result)
{
    const json_t *peers = json_object_get(result, "peers");
    peers_table(ctl, peers);
    if (json_array_size(peers) == 0)
        fputs("no peers are configured\n", ctl->out);
}

static const char *delay_text(const json_t *delay, const char *key, char buffer[UNIT_SIZE])
{
    const json_t *value = json_object_get(delay, key);
    if (json_is_null(value))
        return "> 30s";
    char duration[UNIT_SIZE];
    snprintf(buffer, UNIT_SIZE, "<= %.*s", UNIT_SIZE - 4,
             unit_duration_ms(json_integer_value(value), duration));
    return buffer;
}

// Members that DNS gave: what each name led to, and when.
static void show_hosts(struct ctl *ctl, const json_t *hosts)
{
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        const json_t *host = json_array_get(hosts, i), *addresses = json_object_get(host, "addresses");
        char at[TIME_SIZE];
        fprintf(ctl->out, "%shost %s, resolved %s:", i ? "" : "\n", text(host, "host"),
                stamp(host, "resolved_at", "never", at));
        for (size_t a = 0; a < json_array_size(addresses); a++)
            fprintf(ctl->out, " %s", json_string_value(json_array_get(addresses, a)));
        fprintf(ctl->out, "%s\n", json_array_size(addresses) ? "" : " no address");
        if (json_string_length(json_object_get(host, "fault")) > 0)
            fprintf(ctl->out, "  the last look-up failed (%s); the next is %" PRId64 " s after it\n",
                    text(host, "fault"), number(host, "wait_s"));
    }
}

static void members_table(struct ctl *ctl, const json_t *members)
{
    static const struct table_column columns[] = {{"MEMBER", false}, {"STATE", false}, {"SINCE", false},
                                                  {"REASON", false}, {"PRIO", true},   {"WEIGHT", true},
                                                  {"SHARE", true}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(members); i++) {
        const json_t *member = json_array_get(members, i);
        char cells[3][UNIT_SIZE], at[TIME_SIZE];
        const char *row[COLUMNS(columns)] = {
            text(member, "address"),
            text(member, "state"),
            stamp(member, "since", "-", at),
            text(member, "reason"),
            count(member, "priority", cells[0]),
            count(member, "weight", cells[1]),
            unit_share(json_real_value(json_object_get(member, "share")), cells[2])};
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

static void member_calls_table(struct ctl *ctl, const json_t *members)
{
    static const struct table_column columns[] = {
        {"MEMBER", false},  {"NOW", true},        {"TOTAL", true},  {"ANSWERED", true},
        {"TIMEOUTS", true}, {"FAIL-OVERS", true}, {"PROBES", true}, {"FAILED", true}};
    static const char *const keys[] = {"calls_total",     "answered_total", "timeouts_total",
                                       "failovers_total", "probes_total",   "probes_failed_total"};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(members); i++) {
        const json_t *member = json_array_get(members, i);
        char cells[COLUMNS(columns)][UNIT_SIZE];
        const char *row[COLUMNS(columns)] = {
            text(member, "address"),
            against(number(member, "calls"), json_object_get(member, "capacity"), cells[1])};
        for (size_t k = 0; k < COLUMNS(keys); k++)
            row[2 + k] = count(member, keys[k], cells[2 + k]);
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

void show_peer(struct ctl *ctl, const json_t *result)
{
    const json_t *peer = json_object_get(result, "peer");
    const json_t *delay = json_object_get(result, "post_dial_delay");
    char at[TIME_SIZE];
    json_t *one = json_pack("[O]", peer);
    peers_table(ctl, one);
    json_decref(one);
    if (json_is_string(json_object_get(peer, "by")))
        fprintf(ctl->out, "%s since %s %s\n", text(peer, "state"), stamp(peer, "since", "-", at),
                text(peer, "reason"));
    fputc('\n', ctl->out);
    members_table(ctl, json_object_get(result, "members"));
    if (json_array_size(json_object_get(result, "members")) > 0)
        fputc('\n', ctl->out);
    member_calls_table(ctl, json_object_get(result, "members"));
    show_hosts(ctl, json_object_get(result, "hosts"));
    if (json_is_object(delay) && number(delay, "count") > 0) {
        char a[UNIT_SIZE], b[UNIT_SIZE], c[UNIT_SIZE];
        fprintf(ctl->out, "\npost-dial delay of all calls: p50 %s, p99 %s, mean %.1fms, %s calls\n",
                delay_text(delay, "p50_at_most_ms", a), delay_text(delay, "p99_at_most_ms", b),
                json_number_value(json_object_get(delay, "mean_ms")), count(delay, "count", c));
    }
}

// What is out of service, after a change too.
void show_drained(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"PEER", false},  {"MEMBER", false}, {"STATE", false},
                                                  {"SINCE", false}, {"BY", false},     {"CALLS LEFT", true}};
    const json_t *node = json_object_get(result, "node"), *rows = json_object_get(result, "peers");
    struct table *table = table_create(columns, COLUMNS(columns));
    char left[UNIT_SIZE], at[TIME_SIZE];
    if (json_is_true(json_object_get(node, "draining")))
        fprintf(ctl->out, "node        draining since %s by %s, %s dialogs left\n",
                stamp(node, "since", "-", at), text(node, "by"), count(node, "dialogs", left));
    else
        fprintf(ctl->out, "node        takes calls, %s dialogs\n", count(node, "dialogs", left));
    for (size_t i = 0; table && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *cells[COLUMNS(columns)] = {
            text(row, "peer"),  json_is_string(json_object_get(row, "member")) ? text(row, "member") : "all",
            text(row, "state"), stamp(row, "since", "-", at),
            text(row, "by"),    count(row, "calls", left)};
        table_add(table, cells);
    }
    print_and_free(ctl, table);
}
