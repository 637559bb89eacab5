// SPDX-License-Identifier: BSD-3-Clause
#include "dialog_events.h"

#include <string.h>
#include <time.h>
#include "clock.h"
#include "command.h"
#include "dialog.h"

static const uint8_t states[DIALOG_STATES] = {[DIALOG_FREE] = CHANNEL_DIALOG_ANY,
                                              [DIALOG_NONE] = CHANNEL_DIALOG_NONE,
                                              [DIALOG_EARLY] = CHANNEL_DIALOG_EARLY,
                                              [DIALOG_CONFIRMED] = CHANNEL_DIALOG_CONFIRMED,
                                              [DIALOG_TERMINATING] = CHANNEL_DIALOG_TERMINATING,
                                              [DIALOG_TERMINATED] = CHANNEL_DIALOG_TERMINATED};

static const uint8_t reasons[DIALOG_EVENTS] = {
    [DIALOG_ON_PROVISIONAL] = CHANNEL_REASON_PROVISIONAL,
    [DIALOG_ON_SUCCESS] = CHANNEL_REASON_SUCCESS,
    [DIALOG_ON_REFUSED] = CHANNEL_REASON_REFUSED,
    [DIALOG_ON_ACK] = CHANNEL_REASON_ACK,
    [DIALOG_ON_CANCEL] = CHANNEL_REASON_CANCEL,
    [DIALOG_ON_BYE] = CHANNEL_REASON_BYE,
    [DIALOG_ON_BYE_DONE] = CHANNEL_REASON_BYE_DONE,
    [DIALOG_ON_BYE_CHALLENGED] = CHANNEL_REASON_BYE_CHALLENGED,
    [DIALOG_ON_TIMEOUT] = CHANNEL_REASON_TIMEOUT,
    [DIALOG_ON_OPERATOR_END] = CHANNEL_REASON_OPERATOR,
    [DIALOG_ON_GONE] = CHANNEL_REASON_GONE,
    [DIALOG_ON_NO_ACK] = CHANNEL_REASON_NO_ACK,
    [DIALOG_ON_SESSION_END] = CHANNEL_REASON_SESSION_END,
    [DIALOG_ON_END_UNACKED] = CHANNEL_REASON_OPERATOR,
    [DIALOG_ON_DEAD] = CHANNEL_REASON_DEAD,
};

void dialog_events_init(struct dialog_events *events, const struct workers *workers,
                        struct event_queue *queue)
{
    *events = (struct dialog_events){.workers = workers, .queue = queue};
}

static uint64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// Ticks are of the monotonic clock (state/endpoint.h).
static struct channel_event event_of(const struct dialog_events *events,
                                     const struct dialog_transition *transition, unsigned worker)
{
    tick_t age = (tick_t)(clock_ms() / TICK_MS) - transition->at;
    uint8_t reason = transition->reason < DIALOG_EVENTS ? reasons[transition->reason]
                     : transition->to == DIALOG_NONE    ? CHANNEL_REASON_CREATED
                                                        : CHANNEL_REASON_RESTORED;
    return (struct channel_event){
        .handle = command_handle(worker, transition->generation, transition->index),
        .time_ms = unix_ms() - ((int32_t)age > 0 ? (uint64_t)age * TICK_MS : 0),
        .call = dialog_events_call(events->workers, transition->call_hash),
        .caller_peer = transition->caller_peer,
        .callee_peer = transition->callee_peer,
        .callee_member = transition->callee_member,
        .from = states[transition->from],
        .to = states[transition->to],
        .reason = reason,
    };
}

// At most what the ring held when we came: a busy worker does not keep the agent here.
void dialog_events_take(struct dialog_events *events, unsigned worker, struct dialog_transitions *ring)
{
    uint64_t lost = __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
    uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    uint32_t tail = ring->tail;

    for (; tail != head; tail++) {
        const struct channel_event event =
            event_of(events, &ring->ring[tail & (DIALOG_TRANSITIONS - 1)], worker);

        event_queue_add(events->queue, &event);
    }
    __atomic_store_n(&ring->tail, head, __ATOMIC_RELEASE);
    event_queue_skip(events->queue, lost - events->lost[worker]);
    events->lost[worker] = lost;
}
