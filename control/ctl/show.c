// SPDX-License-Identifier: BSD-3-Clause
// How results look on a terminal. A result comes from our own daemon, but a key that is missing shows as "-"
// or 0, never as a crash.
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "ctl.h"
#include "table.h"

#define COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && value[0] ? value : "-";
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *count(const json_t *object, const char *key, char buffer[UNIT_SIZE])
{
    return unit_count(number(object, key), buffer);
}

static void print_and_free(struct ctl *ctl, struct table *table)
{
    if (table)
        table_print(table, ctl->out);
    table_free(table);
}

// What the start found of an earlier process; nothing after a start that found nothing.
static void show_found(struct ctl *ctl, const json_t *found)
{
    char a[UNIT_SIZE], b[UNIT_SIZE], c[UNIT_SIZE], d[UNIT_SIZE];
    if (number(found, "taken_over") + number(found, "damaged") + number(found, "no_room") == 0)
        return;
    fprintf(
        ctl->out,
        "taken over  %s dialogs of an earlier process, %s damaged, %s without room, %s still in its files\n",
        count(found, "taken_over", a), count(found, "damaged", b), count(found, "no_room", c),
        count(found, "in_files", d));
}

void show_status(struct ctl *ctl, const json_t *result)
{
    char a[UNIT_SIZE], b[UNIT_SIZE], c[UNIT_SIZE], d[UNIT_SIZE];
    const json_t *control = json_object_get(result, "control");
    const json_t *dataplane = json_object_get(result, "dataplane");
    const json_t *messages = json_object_get(result, "messages");
    const json_t *calls = json_object_get(result, "calls");
    const json_t *reasons = json_object_get(result, "reasons");
    bool ready = json_is_true(json_object_get(result, "ready"));
    fprintf(ctl->out, "Dialgate %s is %s\n", text(control, "version"), ready ? "ready" : "NOT READY");
    for (size_t i = 0; i < json_array_size(reasons); i++)
        fprintf(ctl->out, "  because   %s\n", json_string_value(json_array_get(reasons, i)));
    fprintf(ctl->out, "control     up %s, pid %" PRId64 "\n",
            unit_duration_ms(number(control, "uptime_s") * 1000, a), number(control, "pid"));
    fprintf(ctl->out, "config      sequence %" PRId64 " from %s, %s\n", number(control, "sequence"),
            text(control, "file"), text(control, "configuration"));
    fprintf(ctl->out, "dataplane   %s", text(dataplane, "state"));
    if (json_object_get(dataplane, "pid"))
        fprintf(ctl->out, ", up %s, pid %" PRId64 ", %" PRId64 " workers, %" PRId64 " networks",
                unit_duration_ms(number(dataplane, "uptime_s") * 1000, a), number(dataplane, "pid"),
                number(dataplane, "workers"), number(dataplane, "networks"));
    fprintf(ctl->out, "\nmessages    %s received, %s sent, %s forwarded, %s answered\n",
            count(messages, "received", a), count(messages, "sent", b), count(messages, "forwarded", c),
            count(messages, "answered", d));
    fprintf(ctl->out, "calls now   %s early, %s confirmed, %s terminating (%s since start)\n",
            count(calls, "early", a), count(calls, "confirmed", b), count(calls, "terminating", c),
            count(calls, "created", d));
    show_found(ctl, json_object_get(result, "found"));
}

void show_cores(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {
        {"WORKER", true},    {"CPU", true},      {"RECEIVED", true}, {"STEERED AWAY", true},
        {"FORWARDED", true}, {"ANSWERED", true}, {"DROPPED", true},  {"SENT", true},
        {"DIALOGS", true},   {"BUSY", true}};
    static const char *const keys[] = {"worker",   "cpu",     "received", "steered_away", "forwarded",
                                       "answered", "dropped", "sent",     "dialogs"};
    struct table *table = table_create(columns, COLUMNS(columns));
    const json_t *cores = json_object_get(result, "cores");
    for (size_t i = 0; table && i < json_array_size(cores); i++) {
        const json_t *core = json_array_get(cores, i);
        char cells[COLUMNS(columns)][UNIT_SIZE];
        const char *row[COLUMNS(columns)];
        for (size_t k = 0; k < COLUMNS(keys); k++)
            row[k] = count(core, keys[k], cells[k]);
        row[COLUMNS(keys)] =
            unit_share(json_real_value(json_object_get(core, "busy_share")), cells[COLUMNS(keys)]);
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

static void peers_table(struct ctl *ctl, const json_t *peers)
{
    static const struct table_column columns[] = {
        {"PEER", false},     {"LISTENER", false},   {"MEMBERS", true},
        {"IN NOW", true},    {"OUT NOW", true},     {"IN TOTAL", true},
        {"OUT TOTAL", true}, {"IN ANSWERED", true}, {"OUT ANSWERED", true}};
    static const char *const keys[] = {"members",           "calls_in",        "calls_out",
                                       "calls_in_total",    "calls_out_total", "answered_in_total",
                                       "answered_out_total"};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        char cells[COLUMNS(keys)][UNIT_SIZE];
        const char *row[COLUMNS(columns)] = {text(peer, "name"), text(peer, "listener")};
        for (size_t k = 0; k < COLUMNS(keys); k++)
            row[k + 2] = count(peer, keys[k], cells[k]);
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

void show_peers(struct ctl *ctl, const json_t *result)
{
    peers_table(ctl, json_object_get(result, "peers"));
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
        char stamp[32] = "never";
        time_t at = (time_t)number(host, "resolved_at");
        struct tm utc;
        if (json_is_integer(json_object_get(host, "resolved_at")) && gmtime_r(&at, &utc))
            strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
        fprintf(ctl->out, "%shost %s, resolved %s:", i ? "" : "\n", text(host, "host"), stamp);
        for (size_t a = 0; a < json_array_size(addresses); a++)
            fprintf(ctl->out, " %s", json_string_value(json_array_get(addresses, a)));
        fprintf(ctl->out, "%s\n", json_array_size(addresses) ? "" : " no address");
        if (json_string_length(json_object_get(host, "fault")) > 0)
            fprintf(ctl->out, "  the last look-up failed (%s); the next is %" PRId64 " s after it\n",
                    text(host, "fault"), number(host, "wait_s"));
    }
}

void show_peer(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {{"MEMBER", false}, {"WEIGHT", true}, {"SHARE", true},
                                                  {"NOW", true},     {"TOTAL", true},  {"ANSWERED", true},
                                                  {"TIMEOUTS", true}};
    static const char *const keys[] = {"calls", "calls_total", "answered_total", "timeouts_total"};
    const json_t *members = json_object_get(result, "members");
    const json_t *delay = json_object_get(result, "post_dial_delay");
    json_t *one = json_pack("[O]", json_object_get(result, "peer"));
    peers_table(ctl, one);
    json_decref(one);
    fputc('\n', ctl->out);
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(members); i++) {
        const json_t *member = json_array_get(members, i);
        char cells[COLUMNS(columns)][UNIT_SIZE];
        const char *row[COLUMNS(columns)] = {
            text(member, "address"), count(member, "weight", cells[1]),
            unit_share(json_real_value(json_object_get(member, "share")), cells[2])};
        for (size_t k = 0; k < COLUMNS(keys); k++)
            row[k + 3] = count(member, keys[k], cells[k + 3]);
        table_add(table, row);
    }
    print_and_free(ctl, table);
    show_hosts(ctl, json_object_get(result, "hosts"));
    if (json_is_object(delay) && number(delay, "count") > 0) {
        char a[UNIT_SIZE], b[UNIT_SIZE], c[UNIT_SIZE];
        fprintf(ctl->out, "\npost-dial delay of all calls: p50 %s, p99 %s, mean %.1f ms, %s calls\n",
                delay_text(delay, "p50_at_most_ms", a), delay_text(delay, "p99_at_most_ms", b),
                json_number_value(json_object_get(delay, "mean_ms")), count(delay, "count", c));
    }
}

void show_config(struct ctl *ctl, const json_t *result)
{
    fprintf(ctl->out, "# sequence %" PRId64 ", from %s\n%s", number(result, "sequence"), text(result, "file"),
            text(result, "yaml"));
}

void show_reload(struct ctl *ctl, const json_t *result)
{
    fprintf(ctl->out, "%s: sequence %" PRId64 "; %s\n", text(result, "file"), number(result, "sequence"),
            text(result, "text"));
}

void show_metrics(struct ctl *ctl, const json_t *result)
{
    const json_t *families = json_object_get(result, "families");
    for (size_t i = 0; i < json_array_size(families); i++) {
        const json_t *family = json_array_get(families, i);
        const json_t *samples = json_object_get(family, "samples");
        const char *name = text(family, "name");
        fprintf(ctl->out, "# HELP %s %s\n# TYPE %s %s\n", name, text(family, "help"), name,
                text(family, "type"));
        for (size_t k = 0; k < json_array_size(samples); k++) {
            const json_t *sample = json_array_get(samples, k);
            const char *labels = json_string_value(json_object_get(sample, "labels"));
            const char *suffix = json_string_value(json_object_get(sample, "suffix"));
            bool bare = !labels || !labels[0];
            fprintf(ctl->out, "%s%s%s%s%s %.15g\n", name, suffix ? suffix : "", bare ? "" : "{",
                    bare ? "" : labels, bare ? "" : "}", json_number_value(json_object_get(sample, "value")));
        }
    }
}
