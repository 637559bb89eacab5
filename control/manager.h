// SPDX-License-Identifier: BSD-3-Clause
// What control owes systemd: readiness, reloads, the watchdog, one line of status.
#ifndef DIALGATE_CONTROL_MANAGER_H
#define DIALGATE_CONTROL_MANAGER_H

#include <event2/event.h>
#include "control.h"

struct manager {
    struct control *control;
    struct event *timer;
    uint64_t fed_ms;  // when the watchdog was fed
    char status[256]; // told last
};

// control serves from here on. Returns false without memory. Ended with manager_stop(), whatever it returned.
bool manager_start(struct manager *manager, struct control *control);
// Around a reload by signal.
void manager_reloading(void);
void manager_reloaded(void);
void manager_stop(struct manager *manager);

#endif
