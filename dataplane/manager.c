// SPDX-License-Identifier: BSD-3-Clause
#include "manager.h"

#include "confine.h"
#include "log.h"
#include "notify.h"

void manager_waiting(void)
{
    notify_send("STATUS=waiting for dialgate-control and its configuration");
}

static void give_up_rights(void)
{
    char text[160];

    if (confine(CALLS_DATAPLANE, text, sizeof(text)) < 0)
        log_event(LOG_WARNING, "not_confined", "%s", text);
    else
        log_event(LOG_INFO, "confined", "%s", text);
}

void manager_running(struct manager *manager, const struct workers *workers)
{
    const struct rules *rules = workers->published.rules;

    if (manager->sandbox)
        give_up_rights();
    else
        log_event(LOG_WARNING, "not_confined", "reason=\"--no-sandbox\"");
    notify_send("READY=1\nSTATUS=serving: %u workers, %u networks, %u listeners, configuration %llu",
                workers->count, rules->network_count, rules->listener_count,
                (unsigned long long)rules->image->sequence);
}

static uint64_t turns_of(const struct worker_parts *parts)
{
    const uint64_t *values = parts->counters->values;

    return __atomic_load_n(&values[COUNTER_TURN_BUSY], __ATOMIC_RELAXED) +
           __atomic_load_n(&values[COUNTER_TURN_IDLE], __ATOMIC_RELAXED);
}

// A worker that stands still is no reason to end at once: the manager's time is twice the time between looks.
void manager_poll(struct manager *manager, const struct workers *workers, uint64_t now_ms)
{
    uint64_t period_ms = notify_watchdog_ms();
    bool all = true;

    if (period_ms == 0 || now_ms - manager->fed_ms < period_ms)
        return;
    manager->fed_ms = now_ms;
    for (unsigned i = 0; i < workers->count; i++) {
        uint64_t turns = turns_of(&workers->parts[i]);

        if (turns == manager->turns[i]) {
            all = false;
            if (!manager->stuck)
                log_event(LOG_ERROR, "worker_stands_still", "worker=%u watchdog_ms=%llu", i,
                          (unsigned long long)period_ms * 2);
        }
        manager->turns[i] = turns;
    }
    manager->stuck = !all;
    if (all)
        notify_send("WATCHDOG=1");
}

void manager_stopping(void)
{
    notify_send("STOPPING=1\nSTATUS=ending");
}
