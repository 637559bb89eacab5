// SPDX-License-Identifier: BSD-3-Clause
// How results look on a terminal.
#include <inttypes.h>
#include <string.h>
#include "show_value.h"

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

// Nothing when no worker has ever been behind.
static void show_overload(struct ctl *ctl, const json_t *overload)
{
    char a[UNIT_SIZE];
    if (number(overload, "workers_behind") + number(overload, "refused") == 0)
        return;
    fprintf(ctl->out, "overload    %" PRId64 " workers are behind, %s calls refused since start\n",
            number(overload, "workers_behind"), count(overload, "refused", a));
}

// Workers where they should not be; nothing when each has a CPU of its own, at its devices' memory.
static void show_placement(struct ctl *ctl, const json_t *placement)
{
    static const struct {
        const char *word, *what, *fix;
    } rows[] = {{"shared", "another one's CPU, too", "fewer workers, or more CPUs with --cpus"},
                {"remote", "at another memory node than a device", "CPUs of its node with --cpus"},
                {"remote-memory", "memory at another node than its CPU", "free memory and huge pages there"},
                {"not-isolated", "a CPU that the kernel gives to others", "isolcpus= and nohz_full= for it"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const json_t *workers = json_object_get(placement, rows[i].word);
        for (size_t k = 0; k < json_array_size(workers); k++)
            fprintf(ctl->out, "%s%" JSON_INTEGER_FORMAT, k == 0 ? "placement   worker " : ", ",
                    json_integer_value(json_array_get(workers, k)));
        if (json_array_size(workers) > 0)
            fprintf(ctl->out, ": %s; %s\n", rows[i].what, rows[i].fix);
    }
}

// Each network whose XDP program cannot be had, with the reason; networks with one reason in one line.
static void show_missing(struct ctl *ctl, const json_t *missing)
{
    for (size_t i = 0; i < json_array_size(missing); i++) {
        const char *reason = text(json_array_get(missing, i), "reason");
        bool said = false;
        for (size_t k = 0; k < i && !said; k++)
            said = strcmp(text(json_array_get(missing, k), "reason"), reason) == 0;
        if (said)
            continue;
        fputs("\n  but       no prefilter at ", ctl->out);
        for (size_t k = i; k < json_array_size(missing); k++)
            if (strcmp(text(json_array_get(missing, k), "reason"), reason) == 0)
                fprintf(ctl->out, "%s%s", k > i ? ", " : "", text(json_array_get(missing, k), "network"));
        fprintf(ctl->out, ": %s", reason);
    }
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
    fprintf(ctl->out, "Dialgate %s is ", text(control, "version"));
    print_state(ctl, ready ? "ready" : "NOT READY");
    fputc('\n', ctl->out);
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
    show_missing(ctl, json_object_get(dataplane, "prefilter_missing"));
    fprintf(ctl->out, "\nmessages    %s received, %s sent, %s forwarded, %s answered\n",
            count(messages, "received", a), count(messages, "sent", b), count(messages, "forwarded", c),
            count(messages, "answered", d));
    fprintf(ctl->out, "calls now   %s early, %s confirmed, %s terminating (%s since start)\n",
            count(calls, "early", a), count(calls, "confirmed", b), count(calls, "terminating", c),
            count(calls, "created", d));
    show_network_lines(ctl, json_object_get(result, "networks"));
    show_found(ctl, json_object_get(result, "found"));
    show_overload(ctl, json_object_get(result, "overload"));
    show_placement(ctl, json_object_get(dataplane, "placement"));
    if (json_is_true(json_object_get(json_object_get(result, "node"), "draining")))
        show_drained(ctl, result);
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
