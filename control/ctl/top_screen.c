// SPDX-License-Identifier: BSD-3-Clause
// The screen of dialgatectl top: 80 columns where names are short, and what matters most at its head, since a
// low screen shows no more. ASR: answer-seizure ratio, the answered share of calls (ITU-T E.411).
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "show_value.h"
#include "top.h"

static double real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *rate(const json_t *object, const char *key, char buffer[UNIT_SIZE])
{
    double value = real(object, key);
    if (value < 99.95)
        snprintf(buffer, UNIT_SIZE, "%.1f", value);
    else
        unit_count((int64_t)(value + 0.5), buffer);
    return buffer;
}

static const char *share(const json_t *object, const char *key, char buffer[UNIT_SIZE])
{
    return json_is_number(json_object_get(object, key)) ? unit_share(real(object, key), buffer) : "-";
}

static const char *delay(const json_t *object, const char *key, char buffer[UNIT_SIZE])
{
    double seconds = real(object, key);
    if (!json_is_number(json_object_get(object, key)))
        return "-";
    if (seconds < 0.0009995)
        snprintf(buffer, UNIT_SIZE, "%.0fus", seconds * 1e6);
    else if (seconds < 0.00995)
        snprintf(buffer, UNIT_SIZE, "%.1fms", seconds * 1e3);
    else if (seconds < 9.95)
        snprintf(buffer, UNIT_SIZE, "%.0fms", seconds * 1e3);
    else
        snprintf(buffer, UNIT_SIZE, "%.0fs", seconds);
    return buffer;
}

static void draw_head(struct ctl *ctl, const json_t *figures)
{
    char a[UNIT_SIZE], b[UNIT_SIZE], c[UNIT_SIZE], d[UNIT_SIZE], clock[16] = "";
    const json_t *status = json_object_get(figures, "status");
    const json_t *control = json_object_get(status, "control");
    const json_t *dataplane = json_object_get(status, "dataplane");
    const json_t *now = json_object_get(status, "calls"), *reasons = json_object_get(status, "reasons");
    const json_t *calls = json_object_get(figures, "calls");
    const json_t *messages = json_object_get(figures, "messages");
    time_t seconds = time(NULL);
    struct tm utc;
    if (gmtime_r(&seconds, &utc))
        strftime(clock, sizeof(clock), "%H:%M:%SZ", &utc);
    bool ready = json_is_true(json_object_get(status, "ready"));
    fprintf(ctl->out, "%s  Dialgate %s is ", clock, text(control, "version"));
    print_state(ctl, ready ? "ready" : "NOT READY");
    fprintf(ctl->out, ", dataplane %s", text(dataplane, "state"));
    if (json_object_get(dataplane, "pid"))
        fprintf(ctl->out, ", up %s", unit_duration_ms(number(dataplane, "uptime_s") * 1000, a));
    fputc('\n', ctl->out);
    for (size_t i = 0; i < json_array_size(reasons); i++)
        fprintf(ctl->out, "  because   %s\n", json_string_value(json_array_get(reasons, i)));
    fprintf(ctl->out, "calls       %s early, %s confirmed, %s terminating; %s new/s\n",
            count(now, "early", a), count(now, "confirmed", b), count(now, "terminating", c),
            rate(calls, "created_rate", d));
    fprintf(ctl->out, "answered    %s of the calls of the last %s, %s of all\n",
            share(calls, "answered_share", a),
            unit_duration_ms((int64_t)(real(figures, "window_s") + 0.5) * 1000, b),
            share(calls, "answered_share_total", c));
    fprintf(ctl->out, "messages    %s/s received, %s/s sent, %s/s dropped (%s since start)\n\n",
            rate(messages, "received_rate", a), rate(messages, "sent_rate", b),
            rate(messages, "dropped_rate", c), count(messages, "dropped_total", d));
}

// At most, as histograms tell it.
static void draw_delays(struct ctl *ctl, const json_t *figures)
{
    char last[3][UNIT_SIZE], window[UNIT_SIZE];
    static const char *const parts[] = {"p50_s",       "p95_s",       "p99_s",
                                        "total_p50_s", "total_p95_s", "total_p99_s"};
    static const char *const titles[] = {"50 %", "95 %", "99 %"};
    struct table_column columns[] = {{"AT MOST", false},  {NULL, true},   {NULL, true},  {NULL, true},
                                     {"ALL: 50 %", true}, {"95 %", true}, {"99 %", true}};
    unit_duration_ms((int64_t)(real(figures, "window_s") + 0.5) * 1000, window);
    for (size_t i = 0; i < 3; i++) {
        snprintf(last[i], UNIT_SIZE, "%.20s%s%s", i ? "" : window, i ? "" : ": ", titles[i]);
        columns[1 + i].title = last[i];
    }
    struct table *table = table_create(columns, COLUMNS(columns));
    const json_t *rows = json_object_get(figures, "delays");
    for (size_t i = 0; table && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char cells[COLUMNS(parts)][UNIT_SIZE];
        const char *line[COLUMNS(columns)] = {text(row, "what")};
        for (size_t k = 0; k < COLUMNS(parts); k++)
            line[1 + k] = delay(row, parts[k], cells[k]);
        table_add(table, line);
    }
    print_and_free(ctl, table);
}

static void draw_cores(struct ctl *ctl, const json_t *cores)
{
    static const struct table_column columns[] = {
        {"WORKER", true},    {"CPU", true},      {"BUSY", true},   {"RX/S", true},    {"TX/S", true},
        {"FORWARD/S", true}, {"ANSWER/S", true}, {"DROP/S", true}, {"STEER/S", true}, {"DIALOGS", true}};
    static const char *const rates[] = {"received_rate", "sent_rate",    "forwarded_rate",
                                        "answered_rate", "dropped_rate", "steered_away_rate"};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(cores); i++) {
        const json_t *core = json_array_get(cores, i);
        char cells[COLUMNS(columns)][UNIT_SIZE];
        const char *row[COLUMNS(columns)] = {count(core, "worker", cells[0]), count(core, "cpu", cells[1]),
                                             share(core, "busy_share", cells[2])};
        for (size_t k = 0; k < COLUMNS(rates); k++)
            row[3 + k] = rate(core, rates[k], cells[3 + k]);
        row[9] = count(core, "dialogs", cells[9]);
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

static void draw_peers(struct ctl *ctl, const json_t *peers)
{
    static const struct table_column columns[] = {
        {"PEER", false}, {"STATE", false}, {"UP", true},     {"IN", true},      {"OUT", true},
        {"IN/S", true},  {"OUT/S", true},  {"IN ASR", true}, {"OUT ASR", true}, {"REFUSED/S", true}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        char cells[COLUMNS(columns)][UNIT_SIZE];
        snprintf(cells[2], UNIT_SIZE, "%" PRId64 "/%" PRId64, number(peer, "members_up"),
                 number(peer, "members"));
        const char *row[COLUMNS(columns)] = {text(peer, "name"),
                                             text(peer, "state"),
                                             cells[2],
                                             count(peer, "calls_in", cells[3]),
                                             count(peer, "calls_out", cells[4]),
                                             rate(peer, "in_rate", cells[5]),
                                             rate(peer, "out_rate", cells[6]),
                                             share(peer, "answered_in_share", cells[7]),
                                             share(peer, "answered_out_share", cells[8]),
                                             rate(peer, "refused_rate", cells[9])};
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

static void draw_drops(struct ctl *ctl, const json_t *drops)
{
    static const struct table_column columns[] = {{"DROPPED", false}, {"/S", true}, {"SINCE START", true}};
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(drops); i++) {
        const json_t *drop = json_array_get(drops, i);
        char a[UNIT_SIZE], b[UNIT_SIZE];
        const char *row[COLUMNS(columns)] = {text(drop, "reason"), rate(drop, "rate", a),
                                             count(drop, "total", b)};
        table_add(table, row);
    }
    print_and_free(ctl, table);
}

// Rows behind an empty line, or nothing.
static void draw_rows(struct ctl *ctl, const json_t *rows, void (*draw)(struct ctl *ctl, const json_t *rows))
{
    if (json_array_size(rows) == 0)
        return;
    fputc('\n', ctl->out);
    draw(ctl, rows);
}

void top_draw(struct ctl *ctl, const json_t *figures)
{
    draw_head(ctl, figures);
    draw_delays(ctl, figures);
    draw_rows(ctl, json_object_get(figures, "drops"), draw_drops);
    draw_rows(ctl, json_object_get(figures, "cores"), draw_cores);
    draw_rows(ctl, json_object_get(figures, "peers"), draw_peers);
}
