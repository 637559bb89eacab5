// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include "show_value.h"

static void print_counters(struct ctl *ctl, const json_t *networks)
{
    static const struct table_column columns[] = {
        {"NETWORK", false}, {"REASON", false}, {"PACKETS", true}, {"MEANING", false}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        const json_t *counters = json_object_get(network, "counters");
        for (size_t k = 0; k < json_array_size(counters); k++) {
            char packets[UNIT_SIZE];
            const json_t *row = json_array_get(counters, k);
            json_int_t value = json_integer_value(json_object_get(row, "packets"));
            const char *cells[] = {text(network, "network"), text(row, "reason"), unit_count(value, packets),
                                   text(row, "help")};
            if (value > 0) // most reasons never happen; --json has them all
                table_add(table, cells);
        }
    }
    print_and_free(ctl, table);
}

void show_bans(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"BANNED", false},   {"REASON", false}, {"SINCE", false},
                                                  {"STILL FOR", true}, {"TIMES", true},   {"PACKETS", true}};
    const json_t *bans = json_object_get(result, "bans"), *cursor = json_object_get(result, "cursor");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(bans); i++) {
        char rest[UNIT_SIZE], packets[UNIT_SIZE], since[TIME_SIZE], times[UNIT_SIZE], reason[64];
        const json_t *ban = json_array_get(bans, i);
        const json_t *seconds = json_object_get(ban, "remaining_s");
        snprintf(reason, sizeof(reason), "%s%s", text(ban, "reason"),
                 json_is_true(json_object_get(ban, "dry_run")) ? " (dry-run)" : "");
        const char *cells[] = {text(ban, "address"),
                               reason,
                               stamp(ban, "since", "-", since),
                               json_is_integer(seconds)
                                   ? unit_duration_ms(json_integer_value(seconds) * 1000, rest)
                                   : "until lifted",
                               count(ban, "times", times),
                               count(ban, "hits", packets)};
        table_add(table, cells);
    }
    print_and_free(ctl, table);
    if (json_array_size(bans) == 0)
        fputs("nobody is banned\n", ctl->out);
    if (json_is_string(cursor))
        fprintf(ctl->out, "more: --after %s\n", json_string_value(cursor));
}

void show_prefilter(struct ctl *ctl, const json_t *result)
{
    const json_t *networks = json_object_get(result, "networks");
    fprintf(ctl->out, "mode %s\n", text(result, "mode"));
    for (size_t i = 0; i < json_array_size(networks); i++)
        fprintf(ctl->out, "%s: %s%s\n", text(json_array_get(networks, i), "network"),
                text(json_array_get(networks, i), "runs"),
                json_is_true(json_object_get(json_array_get(networks, i), "program_missing"))
                    ? ": the XDP program is MISSING, dialgatectl status says why"
                    : "");
    print_counters(ctl, networks);
}

static const char *whose(const json_t *row)
{
    return json_is_string(json_object_get(row, "peer")) ? text(row, "peer") : "strangers";
}

void show_top(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"NETWORK", false}, {"SOURCE", false},
                                                  {"PEER", false},    {"DROPS (ABOUT)", true},
                                                  {"LAST", true},     {"REASON", false}};
    const json_t *sources = json_object_get(result, "sources");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(sources); i++) {
        char drops[UNIT_SIZE], age[UNIT_SIZE], last[UNIT_SIZE + 8];
        const json_t *row = json_array_get(sources, i);
        snprintf(last, sizeof(last), "%s ago",
                 unit_duration_ms(json_integer_value(json_object_get(row, "age_s")) * 1000, age));
        const char *cells[] = {text(row, "network"),
                               text(row, "address"),
                               whose(row),
                               unit_count(json_integer_value(json_object_get(row, "drops")), drops),
                               last,
                               text(row, "reason")};
        table_add(table, cells);
    }
    print_and_free(ctl, table);
    if (json_array_size(sources) == 0)
        fputs("nothing was dropped\n", ctl->out);
}

void show_ban(struct ctl *ctl, const json_t *result)
{
    char rest[UNIT_SIZE];
    const json_t *seconds = json_object_get(result, "seconds");
    if (json_is_integer(seconds))
        fprintf(ctl->out, "%s is banned for %s\n", text(result, "address"),
                unit_duration_ms(json_integer_value(seconds) * 1000, rest));
    else
        fprintf(ctl->out, "%s is banned until it is lifted\n", text(result, "address"));
}

void show_unban(struct ctl *ctl, const json_t *result)
{
    fprintf(ctl->out, "%s is no longer banned\n", text(result, "address"));
}
