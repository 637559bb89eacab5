// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "collector.h"
#include "show_value.h"

static bool is_over(const json_t *capture)
{
    return strcmp(text(capture, "state"), "over") == 0;
}

static const char *place(const json_t *capture)
{
    return json_is_string(json_object_get(capture, "file")) ? text(capture, "file") : text(capture, "hep");
}

// Why it is over, in words that say what to do.
static const char *ending(const json_t *capture)
{
    static const struct {
        const char *word, *says;
    } reasons[] = {
        {"messages", "it has the messages that were wanted"},
        {"octets", "it is as long as it may be; see --max-size and capture.size"},
        {"duration", "its time was over; see --for"},
        {"stopped", "it was stopped"},
        {"file", "the file could not be written"},
        {"dataplane", "dialgate-dataplane ended or was restarted"},
        {"control", "dialgate-control ended"},
    };
    for (size_t i = 0; i < COLUMNS(reasons); i++)
        if (strcmp(text(capture, "reason"), reasons[i].word) == 0)
            return reasons[i].says;
    return text(capture, "reason");
}

static void print_missing(struct ctl *ctl, const json_t *capture)
{
    char value[UNIT_SIZE];
    if (number(capture, "lost") > 0)
        fprintf(ctl->out, "  lost   %s messages that found the rings full; capture less\n",
                count(capture, "lost", value));
    if (number(capture, "failed") > 0)
        fprintf(ctl->out, "  lost   %s messages that could not be written or sent\n",
                count(capture, "failed", value));
    if (number(capture, "calls_forgotten") > 0)
        fprintf(ctl->out, "  lost   the rest of %s calls: too many at once\n",
                count(capture, "calls_forgotten", value));
}

static void print_how(struct ctl *ctl, const json_t *capture)
{
    if (json_is_string(json_object_get(capture, "file")))
        fprintf(ctl->out, "  file   %s\n  open   wireshark, tshark -r or sngrep -I with that file\n",
                place(capture));
    else
        fprintf(ctl->out, "  HEP    %s\n", place(capture));
}

static void show_over(struct ctl *ctl, const json_t *capture)
{
    char messages[UNIT_SIZE];
    fprintf(ctl->out, "capture %" PRId64 " is over: %s messages; %s", number(capture, "id"),
            count(capture, "messages", messages), ending(capture));
    if (json_is_string(json_object_get(capture, "fault")))
        fprintf(ctl->out, ": %s", text(capture, "fault"));
    fputc('\n', ctl->out);
    print_missing(ctl, capture);
    print_how(ctl, capture);
}

void show_capture_stopped(struct ctl *ctl, const json_t *result)
{
    show_over(ctl, result);
}

void show_captures(struct ctl *ctl, const json_t *result)
{
    static const struct table_column columns[] = {
        {"ID", false},  {"STATE", false}, {"WHY", false},     {"MESSAGES", true},     {"OCTETS", true},
        {"LOST", true}, {"BY", false},    {"STARTED", false}, {"MESSAGES OF", false}, {"TO", false}};
    const json_t *captures = json_object_get(result, "captures");
    struct table *table = table_create(columns, COLUMNS(columns));
    for (size_t i = 0; table && i < json_array_size(captures); i++) {
        const json_t *capture = json_array_get(captures, i);
        char id[UNIT_SIZE], messages[UNIT_SIZE], octets[UNIT_SIZE], lost[UNIT_SIZE], started[TIME_SIZE];
        snprintf(id, sizeof(id), "%" PRId64, number(capture, "id"));
        const char *cells[COLUMNS(columns)] = {
            id,
            text(capture, "state"),
            text(capture, "reason"),
            count(capture, "messages", messages),
            count(capture, "octets", octets),
            unit_count(number(capture, "lost") + number(capture, "failed"), lost),
            text(capture, "by"),
            stamp(capture, "started", "-", started),
            text(capture, "what"),
            place(capture)};
        table_add(table, cells);
    }
    print_and_free(ctl, table);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    interrupted = 1;
}

// The capture as it is now; NULL: it is not known any more, or nobody answers.
static json_t *look(struct ctl *ctl, int64_t id)
{
    json_t *params = json_object(), *result = ctl_call(ctl, "capture.list", params), *found = NULL;
    const json_t *captures = json_object_get(result, "captures");
    for (size_t i = 0; i < json_array_size(captures); i++)
        if (number(json_array_get(captures, i), "id") == id)
            found = json_incref(json_array_get(captures, i));
    json_decref(result);
    json_decref(params);
    return found;
}

static json_t *stop(struct ctl *ctl, int64_t id)
{
    json_t *params = json_pack("{s:I}", "id", (json_int_t)id),
           *result = ctl_call(ctl, "capture.stop", params);
    json_decref(params);
    return result;
}

// Until it is over; Ctrl-C stops it. Returns its last state, NULL after one line on stderr.
static json_t *await(struct ctl *ctl, int64_t id)
{
    struct sigaction before, on = {.sa_handler = on_interrupt};
    json_t *capture = NULL;
    bool waits = true;
    interrupted = 0;
    sigaction(SIGINT, &on, &before);
    while (waits) {
        json_decref(capture);
        capture = interrupted ? stop(ctl, id) : look(ctl, id);
        waits = capture && !is_over(capture) && !interrupted;
        if (waits)
            sleep(1); // Ctrl-C ends it
    }
    sigaction(SIGINT, &before, NULL);
    return capture;
}

static void show_started(struct ctl *ctl, const json_t *capture, bool waits)
{
    int64_t id = number(capture, "id");
    fprintf(ctl->out, "capture %" PRId64 " runs: %s\n", id, text(capture, "what"));
    print_how(ctl, capture);
    if (waits)
        fprintf(ctl->out, "  end    Ctrl-C\n");
    else
        fprintf(ctl->out, "  end    dialgatectl capture stop %" PRId64 "\n", id);
    fflush(ctl->out);
}

static bool place_collector(struct ctl *ctl, json_t *params)
{
    char address[COLLECTOR_SIZE];
    const char *given = json_string_value(json_object_get(params, "hep"));
    if (!given)
        return true;
    return collector_look_up(ctl, given, address, sizeof(address)) &&
           json_object_set_new(params, "hep", json_string(address)) == 0;
}

int run_capture_start(struct ctl *ctl, const json_t *given)
{
    bool waits = json_is_true(json_object_get(given, "wait"));
    json_t *params = json_copy((json_t *)(uintptr_t)given);
    json_object_del(params, "wait");
    json_t *capture = place_collector(ctl, params) ? ctl_call(ctl, "capture.start", params) : NULL;
    json_decref(params);
    if (capture && !ctl->json)
        show_started(ctl, capture, waits);
    if (capture && waits) {
        int64_t id = number(capture, "id");
        json_decref(capture);
        capture = await(ctl, id);
        if (capture && !ctl->json)
            show_over(ctl, capture);
    }
    if (capture && ctl->json)
        ctl_print_json(ctl, capture);
    int status = capture ? CTL_DONE : CTL_REFUSED;
    json_decref(capture);
    return status;
}
