// SPDX-License-Identifier: BSD-3-Clause
// dialgatectl top: the daemon is asked for what other commands show, too, and the figures are differences
// between its answers; so it keeps no state for those who watch.
#include "top.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "show_value.h"
#include "watch.h"

#define WINDOW_LOOKS 60 // shares and delays of the last 60 looks: of one they would jump

// The looks of a running top; the last one is the newest.
struct top {
    struct top_look looks[WINDOW_LOOKS + 1];
    size_t count;
};

static void forget(struct top_look *look)
{
    json_decref(look->status);
    json_decref(look->cores);
    json_decref(look->peers);
    json_decref(look->families);
    *look = (struct top_look){0};
}

// Of looks before the last two only shares and delays are asked for: the rest would be much with a thousand
// peers.
static void thin(struct top_look *look)
{
    struct top_look thinned = {.at_s = look->at_s, .families = top_lasting(look->families)};
    forget(look);
    *look = thinned;
}

static bool take_look(struct ctl *ctl, struct top *top)
{
    struct timespec time;
    struct top_look look = {0};
    json_t *metrics = NULL, *nothing = json_object();
    look.status = ctl_call(ctl, "system.status", nothing);
    look.peers = look.status ? ctl_call(ctl, "peer.list", nothing) : NULL;
    metrics = look.peers ? ctl_call(ctl, "metrics.get", nothing) : NULL;
    clock_gettime(CLOCK_MONOTONIC, &time);
    look.at_s = (double)time.tv_sec + (double)time.tv_nsec / 1e9;
    if (metrics) {
        look.families = top_families(metrics);
        // It has no counters while the dataplane is away, and says so with an error that is none here.
        if (json_object_get(look.families, "dialgate_turns_total"))
            look.cores = ctl_call(ctl, "core.list", nothing);
    }
    json_decref(nothing);
    json_decref(metrics);
    if (!metrics) {
        forget(&look);
        return false;
    }
    if (top->count == WINDOW_LOOKS + 1) {
        forget(&top->looks[0]);
        memmove(top->looks, top->looks + 1, WINDOW_LOOKS * sizeof(top->looks[0]));
        top->count--;
    }
    if (top->count > 1)
        thin(&top->looks[top->count - 2]);
    top->looks[top->count++] = look;
    return true;
}

static int draw(struct ctl *ctl, void *context)
{
    struct top *top = context;
    if (!take_look(ctl, top))
        return CTL_REFUSED;
    json_t *figures = top_figures(&top->looks[top->count - 1], &top->looks[top->count - 2], &top->looks[0]);
    if (ctl->json)
        ctl_print_json(ctl, figures);
    else
        top_draw(ctl, figures);
    json_decref(figures);
    return CTL_DONE;
}

int run_top(struct ctl *ctl, const json_t *params)
{
    static const struct timespec first = {.tv_sec = 1};
    struct top *top = calloc(1, sizeof(*top));
    int status = CTL_REFUSED;
    // Rates need two looks.
    if (top && take_look(ctl, top)) {
        nanosleep(&first, NULL);
        status = json_object_get(params, "once")
                     ? draw(ctl, top)
                     : watch_run(ctl, ctl->watch_s ? ctl->watch_s : WATCH_SECONDS, draw, top);
    }
    for (size_t i = 0; top && i < top->count; i++)
        forget(&top->looks[i]);
    free(top);
    return status;
}
