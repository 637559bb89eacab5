// SPDX-License-Identifier: BSD-3-Clause
// What there is of each thing now, and how much there can be. Numbers of dialogs and transactions are there
// each turn; the rest, for which rings of other cores are looked at, each 160 ms.
#include <rte_ring.h>
#include "worker_core.h"

#define SLOW_TICKS 16u

static void put(struct worker *worker, enum counter gauge, uint64_t value)
{
    __atomic_store_n(&worker->parts.counters->values[gauge], value, __ATOMIC_RELAXED);
}

static uint32_t fullest(struct rte_ring *const *rings, unsigned n)
{
    uint32_t most = 0;
    for (unsigned i = 0; i < n; i++) {
        if (rings[i] != NULL)
            most = RTE_MAX(most, rte_ring_count(rings[i]));
    }
    return most;
}

static void publish_resources(struct worker *worker)
{
    const struct worker_parts *parts = &worker->parts;
    put(worker, COUNTER_USED_DIALOGS, worker->dialogs.count);
    put(worker, COUNTER_USED_TRANSACTIONS, worker->transactions.count);
    put(worker, COUNTER_USED_TABLE, worker->dialogs.table.count);
    put(worker, COUNTER_USED_ARENA, worker->arena.used);
    put(worker, COUNTER_USED_INBOX, fullest(parts->inbox, parts->count));
    put(worker, COUNTER_USED_TX, fullest(parts->tx_in, parts->count));
    put(worker, COUNTER_USED_COMMANDS, rte_ring_count(parts->commands));
    put(worker, COUNTER_USED_USAGES, worker->ua.usages.count);
    put(worker, COUNTER_CAPACITY_DIALOGS, worker->dialogs.capacity);
    put(worker, COUNTER_CAPACITY_TRANSACTIONS, parts->transactions_capacity);
    put(worker, COUNTER_CAPACITY_TABLE, worker->dialogs.table.capacity);
    put(worker, COUNTER_CAPACITY_ARENA, worker->arena.size);
    put(worker, COUNTER_CAPACITY_INBOX, WORKER_RING_SIZE - 1); // a ring keeps one place empty
    put(worker, COUNTER_CAPACITY_TX, WORKER_RING_SIZE - 1);
    put(worker, COUNTER_CAPACITY_COMMANDS, WORKER_COMMANDS_SIZE - 1);
    put(worker, COUNTER_CAPACITY_USAGES, worker->ua.usages.capacity);
    put(worker, COUNTER_TIMERS_NOW, worker->wheel.armed);
    put(worker, COUNTER_ARENA_REFUSED, worker->arena.refused);
}

void gauges_publish(struct worker *worker)
{
    const uint32_t *by_state = worker->dialogs.by_state;
    put(worker, COUNTER_TRANSACTION_NOW, worker->transactions.count);
    put(worker, COUNTER_DIALOG_NONE_NOW, by_state[DIALOG_NONE]);
    put(worker, COUNTER_DIALOG_EARLY_NOW, by_state[DIALOG_EARLY]);
    put(worker, COUNTER_DIALOG_CONFIRMED_NOW, by_state[DIALOG_CONFIRMED]);
    put(worker, COUNTER_DIALOG_TERMINATING_NOW, by_state[DIALOG_TERMINATING]);
    if (worker->now - worker->gauged < SLOW_TICKS)
        return;
    worker->gauged = worker->now;
    publish_resources(worker);
}
