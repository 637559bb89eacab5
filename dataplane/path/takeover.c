// SPDX-License-Identifier: BSD-3-Clause
// Dialogs of an earlier process. Nothing is received before every record of ours is back with its timer and
// its peers' counts; the texts follow beside the calls, more of them in a turn that has nothing else to do.
#include "takeover.h"
#include "worker_core.h"

#define TEXTS_A_BUSY_TURN 16u // about a microsecond each
#define TEXTS_A_TURN      128u

void takeover_begin(struct worker *worker)
{
    struct takeover *takeover = worker->parts.takeover;
    if (takeover == NULL)
        return;
    struct adoption *adoption = &worker->adoption;
    struct dialog_transitions *transitions = worker->dialogs.transitions;
    *adoption = (struct adoption){.set = &worker->dialogs,
                                  .worker = worker->parts.id,
                                  .workers = worker->parts.count,
                                  .peers = PEERS_MAX,
                                  .members = MEMBERS_MAX};
    // Nothing happens to a dialog by being taken over: whoever watches is not told of a million.
    worker->dialogs.transitions = NULL;
    adopt_records(adoption, takeover->images, takeover->image_count, worker->now);
    worker->dialogs.transitions = transitions;
    for (uint32_t i = 0; i < adoption->end; i++)
        dialog_taken(worker, i);
    count_add(worker, COUNTER_FOUND_TAKEN, adoption->taken);
    count_add(worker, COUNTER_FOUND_DAMAGED, adoption->damaged);
    count_add(worker, COUNTER_FOUND_NO_ROOM, adoption->no_room);
    takeover->taken = adoption->taken;
    takeover->damaged = adoption->damaged;
    takeover->no_room = adoption->no_room;
    atomic_store_explicit(&takeover->begun, true, memory_order_release);
}

unsigned takeover_slice(struct worker *worker, bool busy)
{
    struct takeover *takeover = worker->parts.takeover;
    if (takeover == NULL)
        return 0;
    unsigned fetched = adopt_texts(&worker->adoption, busy ? TEXTS_A_BUSY_TURN : TEXTS_A_TURN);
    __atomic_store_n(&worker->parts.counters->values[COUNTER_IN_IMAGES_NOW], worker->dialogs.images_left,
                     __ATOMIC_RELAXED);
    if (worker->dialogs.images_left == 0) {
        // The agent removes the files, and they are not touched from here on.
        worker->parts.takeover = NULL;
        atomic_store_explicit(&takeover->finished, true, memory_order_release);
    }
    return fetched;
}
