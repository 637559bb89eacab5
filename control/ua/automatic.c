// SPDX-License-Identifier: BSD-3-Clause
// Applications that answer by themselves (applications[].answer): rings after a time, answers after another
// with the description of the configuration, hangs up after a third.
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "ua.h"

#define CONNECT_MS 200u

enum step { RING, ANSWER, HANG_UP };

struct ua_automatic {
    struct ua *ua;
    struct ua_call *call;
    enum step step; // that comes next
    struct event *timer;
};

static bool view_of(const struct ua *ua, const struct ua_app *app, struct config_answer_view *view)
{
    struct config_application_view application;
    if (!ua_app_view(ua, app, &application, NULL))
        return false;
    *view = application.answer;
    return view->status != 0;
}

static void wait_ms(struct ua_automatic *machine, enum step step, uint32_t delay_ms)
{
    struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000) * 1000};
    machine->step = step;
    evtimer_add(machine->timer, &delay);
}

static void respond(struct ua_automatic *machine, const struct config_answer_view *view, uint16_t status)
{
    struct ua_fault fault;
    bool described = status >= 200 && status < 300 && view->body_length > 0;
    const struct ua_wish wish = {.op = CHANNEL_UA_RESPOND,
                                 .request = machine->call->invite,
                                 .status = status,
                                 .body = described ? view->body : NULL,
                                 .body_length = described ? view->body_length : 0,
                                 .content_type = described ? "application/sdp" : NULL,
                                 .peer = NUMBER_NONE,
                                 .member = NUMBER_NONE};
    if (machine->call->invite && !machine->call->invite->answering)
        (void)ua_do(machine->ua, &wish, NULL, &fault); // the caller gives up when it cannot be sent
}

static void on_time(evutil_socket_t fd, short what, void *context)
{
    struct ua_automatic *machine = context;
    struct config_answer_view view;
    struct ua_fault fault;
    struct ua_wish end = ua_wish(CHANNEL_UA_END);
    end.call = machine->call;
    if (!channel_ready(machine->ua->control->channel) || machine->call->moved) { // after a restart of either
        wait_ms(machine, machine->step, CONNECT_MS);
        return;
    }
    if (machine->step == HANG_UP) {
        (void)ua_do(machine->ua, &end, NULL, &fault);
        return;
    }
    if (!view_of(machine->ua, machine->call->app, &view)) {
        view = (struct config_answer_view){.status = 480}; // a reload took the answer away
        machine->step = ANSWER;
    }
    if (machine->step == RING) {
        wait_ms(machine, ANSWER, view.after_ms > view.ring_after_ms ? view.after_ms - view.ring_after_ms : 0);
        respond(machine, &view, view.ring_status);
    } else {
        respond(machine, &view, view.status);
    }
}

bool ua_automatic_begin(struct ua *ua, struct ua_call *call)
{
    struct config_answer_view view;
    struct ua_automatic *machine = view_of(ua, call->app, &view) ? calloc(1, sizeof(*machine)) : NULL;
    if (!machine)
        return false;
    *machine = (struct ua_automatic){.ua = ua, .call = call};
    machine->timer = evtimer_new(ua->control->base, on_time, machine);
    if (!machine->timer) {
        free(machine);
        return false;
    }
    call->machine = machine;
    bool rings = view.ring_status != 0 && view.ring_after_ms < view.after_ms;
    wait_ms(machine, rings ? RING : ANSWER, rings ? view.ring_after_ms : view.after_ms);
    return true;
}

void ua_automatic_answered(struct ua *ua, struct ua_call *call)
{
    struct config_answer_view view;
    if (call->machine && view_of(ua, call->app, &view) && view.hang_up_ms > 0)
        wait_ms(call->machine, HANG_UP, view.hang_up_ms);
}

void ua_automatic_end(struct ua_call *call)
{
    if (!call->machine)
        return;
    event_free(call->machine->timer);
    free(call->machine);
    call->machine = NULL;
}
