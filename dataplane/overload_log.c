// SPDX-License-Identifier: BSD-3-Clause
#include "overload_log.h"
#include <stdio.h>
#include <string.h>

static const struct {
    enum counter gauge;
    const char *name;
} reason_rows[] = {{COUNTER_OVERLOADED_TRANSACTIONS, "transactions"},
                   {COUNTER_OVERLOADED_MBUFS, "mbufs"},
                   {COUNTER_OVERLOADED_TURN, "turn"},
                   {COUNTER_OVERLOADED_QUEUE, "queue"}};
#define REASONS (sizeof(reason_rows) / sizeof(reason_rows[0]))

static uint64_t value(const struct workers *workers, unsigned worker, enum counter counter)
{
    return __atomic_load_n(&workers->parts[worker].counters->values[counter], __ATOMIC_RELAXED);
}

static uint32_t reasons_of(const struct workers *workers, unsigned worker, char *names, size_t size)
{
    uint32_t reasons = 0;
    size_t used = 0;

    names[0] = '\0';
    for (unsigned i = 0; i < REASONS; i++) {
        if (value(workers, worker, reason_rows[i].gauge) == 0)
            continue;
        used +=
            (size_t)snprintf(names + used, size - used, "%s%s", reasons != 0 ? "," : "", reason_rows[i].name);
        reasons |= 1u << i;
    }
    return reasons;
}

void overload_log_poll(struct overload_log *log, const struct workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++) {
        char names[64];
        uint32_t reasons = reasons_of(workers, i, names, sizeof(names));
        uint64_t refused = value(workers, i, COUNTER_OVERLOAD_REFUSED);

        if (reasons == log->reasons[i])
            continue;
        if (log_allowed(&log->limit, "overload")) {
            if (reasons != 0)
                log_event(LOG_WARNING, "overload", "worker=%u reasons=%s refused_percent=%llu", i, names,
                          (unsigned long long)value(workers, i, COUNTER_OVERLOAD_LOSS));
            else
                log_event(LOG_INFO, "overload_over", "worker=%u refused=%llu", i,
                          (unsigned long long)(refused - log->refused[i]));
        }
        if (log->reasons[i] == 0 || reasons == 0)
            log->refused[i] = refused;
        log->reasons[i] = reasons;
    }
}
