// SPDX-License-Identifier: BSD-3-Clause
#include "member_events.h"

#include <stdio.h>
#include <time.h>
#include "address_text.h"
#include "clock.h"
#include "probe.h"

#define REASON_SIZE 32u

void member_events_init(struct member_events *events, const struct workers *workers,
                        struct event_queue *queue)
{
    *events = (struct member_events){.workers = workers, .queue = queue};
}

static void reason_text(const struct member_transition *transition, char text[REASON_SIZE])
{
    if (transition->reason >= 100)
        snprintf(text, REASON_SIZE, "answers %u", transition->reason);
    else
        snprintf(text, REASON_SIZE, "%s",
                 transition->reason == MEMBER_REASON_UNREACHABLE ? "unreachable" : "no answer");
}

static const char *peer_name(const struct workers *workers, uint16_t peer)
{
    const struct rules *rules = workers->published.rules;

    return peer < rules->peer_count && (rules->peers[peer].flags & SNAPSHOT_PRESENT) ? rules->peers[peer].name
                                                                                     : "-";
}

static void log_transition(struct member_events *events, const struct member_transition *transition)
{
    static const char *const names[] = {"member_unknown", "member_up", "member_down"};
    char reason[REASON_SIZE], address[ADDRESS_TEXT_SIZE];

    if (!log_allowed(&events->limit, "member_state"))
        return;
    reason_text(transition, reason);
    if (transition->to == MEMBER_DOWN)
        log_event(LOG_WARNING, names[transition->to], "peer=%s member=%s:%u reason=\"%s\" probes_in_row=%u",
                  peer_name(events->workers, transition->peer), address_text(&transition->address, address),
                  transition->port, reason, transition->in_row);
    else
        log_event(LOG_INFO, names[transition->to], "peer=%s member=%s:%u probes_in_row=%u",
                  peer_name(events->workers, transition->peer), address_text(&transition->address, address),
                  transition->port, transition->in_row);
}

static struct channel_member_event event_of(const struct member_transition *transition)
{
    struct timespec now;
    uint64_t now_ms = clock_ms();

    clock_gettime(CLOCK_REALTIME, &now);
    return (struct channel_member_event){
        .time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 -
                   (now_ms > transition->at_ms ? now_ms - transition->at_ms : 0),
        .probes = transition->probes,
        .address = transition->address,
        .port = transition->port,
        .member = transition->member,
        .peer = transition->peer,
        .reason = transition->reason,
        .from = transition->from,
        .to = transition->to,
        .in_row = transition->in_row,
    };
}

void member_events_take(struct member_events *events, unsigned worker, struct member_transitions *ring)
{
    uint64_t lost = __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
    uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    uint32_t tail = ring->tail;

    for (; tail != head; tail++) {
        const struct member_transition *transition = &ring->ring[tail & (MEMBER_TRANSITIONS - 1)];
        const struct channel_member_event event = event_of(transition);

        events->changed = true;
        log_transition(events, transition);
        event_queue_add(events->queue, &event);
    }
    __atomic_store_n(&ring->tail, head, __ATOMIC_RELEASE);
    event_queue_skip(events->queue, lost - events->lost[worker]);
    events->lost[worker] = lost;
}
