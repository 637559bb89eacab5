// SPDX-License-Identifier: BSD-3-Clause
// --wait: what becomes of a call or a transfer, a line an event, until it is decided. For a call the
// connection listens to its application without speaking for it (ua.attach with listen), for a transfer it
// follows the events of all transfers.
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "show_value.h"

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The exit status that an event decides; -1: none yet.
static int judge(const json_t *event, bool transfer)
{
    const char *name = text(event, transfer ? "name" : "event");
    if (transfer) {
        const char *outcome = text(event, "outcome");
        // With --no-subscribe nobody reports: what was asked for is that the REFER is accepted.
        const bool done = strcmp(outcome, "succeeded") == 0 || strcmp(outcome, "unreported") == 0;
        return strcmp(name, "ended") != 0 ? -1 : done ? CTL_DONE : CTL_FAILED;
    }
    if (strcmp(name, "answered") == 0)
        return CTL_DONE;
    return strcmp(name, "failed") == 0 || strcmp(name, "ended") == 0 ? CTL_FAILED : -1;
}

static void print(struct ctl *ctl, const json_t *event, const char *notification)
{
    if (ctl->json)
        fprintf(ctl->out, "%s\n", notification);
    else if (json_object_get(event, "outcome"))
        fprintf(ctl->out, "%s\n", text(event, "outcome"));
    else if (number(event, "status") > 0)
        fprintf(ctl->out, "%" PRId64 " %s\n", number(event, "status"), text(event, "reason"));
    else if (strcmp(text(event, "event"), "ended") == 0)
        fprintf(ctl->out, "ended: %s\n", text(event, "reason"));
    fflush(ctl->out); // somebody watches, or a pipe reads
}

static int take(struct ctl *ctl, const char *notification, const struct ctl_waiting *waiting)
{
    json_t *line = json_loads(notification, 0, NULL);
    const json_t *event = json_object_get(line, "params");
    const bool about = strcmp(text(event, waiting->key), waiting->id) == 0;
    int status = about ? judge(event, strcmp(waiting->key, "refer") == 0) : -1;
    if (about)
        print(ctl, event, notification);
    json_decref(line);
    return status;
}

bool ctl_wait_begin(struct ctl *ctl, const char *method, const json_t *params)
{
    json_t *result = ctl_call(ctl, method, params);
    bool told = result != NULL;
    json_decref(result);
    return told;
}

int ctl_wait(struct ctl *ctl, const struct ctl_waiting *waiting)
{
    const int64_t end_ms = now_ms() + waiting->timeout_ms;
    int status = -1;
    for (int64_t left; status < 0 && (left = end_ms - now_ms()) > 0;) {
        struct dg_error error;
        char *notification;
        enum dg_code code =
            dg_client_next(ctl->client, (int)(left < 60000 ? left : 60000), &notification, &error);
        if (code == DG_OK) {
            status = take(ctl, notification, waiting);
            dg_free(notification);
        } else if (code != DG_TIMEOUT) {
            fprintf(ctl->errors, "dialgatectl: %s; it goes on\n", error.text);
            status = CTL_REFUSED;
        }
    }
    if (status < 0) {
        fprintf(ctl->errors, "dialgatectl: nothing is decided yet; it goes on\n");
        status = CTL_UNDECIDED;
    }
    ctl_wait_end(ctl);
    return status;
}

void ctl_wait_end(struct ctl *ctl) // or the shell's next command would be told events
{
    dg_client_close(ctl->client);
    ctl->client = NULL;
}
