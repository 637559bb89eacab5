// SPDX-License-Identifier: BSD-3-Clause
// What the agent owes systemd and gives up for good: readiness, the watchdog, rights and system calls.
#ifndef DIALGATE_MANAGER_H
#define DIALGATE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>
#include "workers.h"

struct manager {
    bool sandbox;                // give up what is not needed once packets are taken
    uint64_t fed_ms;             // when the watchdog was last looked after
    uint64_t turns[WORKERS_MAX]; // of each worker, then
    bool stuck;                  // a worker stood still at the last look; told once
};

// Before configuration comes.
void manager_waiting(void);
// Packets are taken: ready, and confined from here on.
void manager_running(struct manager *manager, const struct workers *workers);
// Feeds the watchdog while every worker turns. Called at each tick.
void manager_poll(struct manager *manager, const struct workers *workers, uint64_t now_ms);
void manager_stopping(void);

#endif
