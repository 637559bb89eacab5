// SPDX-License-Identifier: BSD-3-Clause
#include "manager.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "log.h"
#include "notify.h"

#define PERIOD_S 1

static void tell_status(struct manager *manager)
{
    char reason[ERROR_SIZE], status[sizeof(manager->status)];
    const char *missing = control_not_ready(manager->control, 0, reason, sizeof(reason));
    uint64_t sequence = manager->control->active.image->sequence;

    snprintf(status, sizeof(status), "%s%.180s, configuration %" PRIu64, missing ? "not ready: " : "serving",
             missing ? missing : "", sequence);
    // A line of the manager's protocol ends at a line's end; the reason may quote what came from elsewhere.
    for (char *c = status; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    if (strcmp(status, manager->status) == 0)
        return;
    memcpy(manager->status, status, sizeof(status));
    notify_send("STATUS=%s", status);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct manager *manager = context;
    uint64_t period_ms = notify_watchdog_ms(), now_ms = clock_ms();

    tell_status(manager);
    if (period_ms == 0 || now_ms - manager->fed_ms < period_ms)
        return;
    manager->fed_ms = now_ms;
    notify_send("WATCHDOG=1");
}

bool manager_start(struct manager *manager, struct control *control)
{
    // Shorter than a second only where the watchdog wants it.
    uint64_t watchdog_ms = notify_watchdog_ms();
    struct timeval period = {PERIOD_S, 0};

    if (watchdog_ms > 0 && watchdog_ms < 1000 * PERIOD_S)
        period = (struct timeval){0, (suseconds_t)watchdog_ms * 1000};
    *manager = (struct manager){.control = control, .fed_ms = clock_ms()};
    manager->timer = event_new(control->base, -1, EV_PERSIST, on_timer, manager);
    if (!manager->timer || event_add(manager->timer, &period) < 0)
        return false;
    notify_send("READY=1");
    tell_status(manager);
    return true;
}

void manager_reloading(void)
{
    // systemd.service(5), Type=notify-reload: the time tells this from an older reload.
    notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_ms() * 1000);
}

void manager_reloaded(void)
{
    notify_send("READY=1");
}

void manager_stop(struct manager *manager)
{
    notify_send("STOPPING=1\nSTATUS=ending");
    if (manager->timer)
        event_free(manager->timer);
    manager->timer = NULL;
}
