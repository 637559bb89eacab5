// SPDX-License-Identifier: BSD-3-Clause
#include "away.h"

#include "worker_core.h"

void away_heed(struct worker *worker)
{
    struct published *published = worker->parts.published;
    uint32_t away = atomic_load_explicit(&published->away, memory_order_acquire);
    if (away == worker->away)
        return;
    for (unsigned i = 0; i < worker->parts.queue_count; i++) {
        struct worker_queue *queue = &worker->queues[i];
        if (worker->away & ~away & 1u << queue->network) // it is back
            queue->port = published->ports[queue->network];
    }
    worker->away = away;
    atomic_store_explicit(&published->away_heard[worker->parts.id], away, memory_order_release);
}

bool away_is_heard(const struct published *published, unsigned count)
{
    uint32_t away = atomic_load(&published->away);
    for (unsigned i = 0; i < count; i++) {
        if (atomic_load_explicit(&published->away_heard[i], memory_order_acquire) != away)
            return false;
    }
    return true;
}
