// SPDX-License-Identifier: BSD-3-Clause
// Records of usages, dialog sets, kept messages. What an event does is in usage_step.c.
#include "usage.h"

#include <errno.h>
#include <string.h>

#define LINE      64u
#define TICKS(ms) ((ms) / TICK_MS)

static size_t records_size(uint32_t capacity)
{
    return ((size_t)capacity * sizeof(struct usage) + LINE - 1) / LINE * LINE;
}

size_t usages_memory(uint32_t capacity)
{
    return records_size(capacity);
}

void usages_init(struct usages *set, void *memory, uint32_t capacity, struct arena *arena,
                 struct wheel *wheel)
{
    assert(capacity < 1u << 29);
    memset(memory, 0, records_size(capacity));
    *set = (struct usages){
        .records = memory,
        .capacity = capacity,
        .free = capacity > 0 ? 0 : INDEX_NONE,
        .arena = arena,
        .wheel = wheel,
        .timers = {.t1 = TICKS(500),
                   .t2 = TICKS(4000),
                   .early = TICKS(180000),
                   .confirmed = TICKS(86400000u)},
    };
    for (uint32_t i = 0; i < capacity; i++)
        set->records[i].next_free = i + 1 < capacity ? i + 1 : INDEX_NONE;
    wheel_class_set(wheel, WHEEL_CLASS_USAGE, memory, sizeof(struct usage), offsetof(struct usage, timer));
}

static uint32_t take(struct usages *set, const struct usage *fresh)
{
    uint32_t index = set->free;
    if (index == INDEX_NONE)
        return INDEX_NONE;
    struct usage *usage = &set->records[index];
    uint32_t generation = usage->generation;
    set->free = usage->next_free;
    set->count++;
    *usage = *fresh;
    usage->generation = generation;
    usage->next_of_set = index;
    wheel_node_init(&usage->timer);
    return index;
}

uint32_t usage_create(struct usages *set, enum usage_role role, uint32_t cseq, tick_t now)
{
    struct usage fresh = {
        .state = role == USAGE_CLIENT ? USAGE_CALLING : USAGE_INVITED,
        .role = (uint8_t)role,
        .flags = role == USAGE_CLIENT ? 0 : USAGE_FLAG_REMOTE_CSEQ,
        .local_cseq = role == USAGE_CLIENT ? cseq : 0,
        .remote_cseq = role == USAGE_CLIENT ? 0 : cseq,
        .invite_cseq = cseq,
        .kept = {ARENA_NONE, ARENA_NONE, ARENA_NONE},
        .dialog = INDEX_NONE,
        .invite = INDEX_NONE,
    };
    uint32_t index = take(set, &fresh);
    if (index != INDEX_NONE)
        usage_arm(set, index, USAGE_TIMER_LIFE, now + set->timers.early);
    return index;
}

uint32_t usage_resume(struct usages *set, const struct usage_numbers *numbers, tick_t life)
{
    struct usage fresh = {
        .state = USAGE_CONFIRMED,
        .role = (uint8_t)numbers->role,
        .flags = numbers->remote ? USAGE_FLAG_REMOTE_CSEQ : 0,
        .local_cseq = numbers->local_cseq,
        .remote_cseq = numbers->remote_cseq,
        .kept = {ARENA_NONE, ARENA_NONE, ARENA_NONE},
        .dialog = INDEX_NONE,
        .invite = INDEX_NONE,
    };
    uint32_t index = take(set, &fresh);
    if (index != INDEX_NONE)
        usage_arm(set, index, USAGE_TIMER_LIFE, life);
    return index;
}

bool usage_may_rest(const struct usages *set, uint32_t index)
{
    const struct usage *usage = &set->records[index];
    const unsigned waits = ~(1u << USAGE_TIMER_LIFE | 1u << USAGE_TIMER_EXPIRED | 1u << USAGE_TIMER_REFRESH);
    const unsigned open = USAGE_FLAG_UNACKED | USAGE_FLAG_UPDATE_SENT | USAGE_FLAG_UPDATE_RECEIVED;
    return usage->state == USAGE_CONFIRMED && (usage->armed & waits) == 0 && (usage->flags & open) == 0 &&
           usage->offer.state == OFFER_STABLE && usage->next_of_set == index;
}

unsigned usage_set(const struct usages *set, uint32_t index, uint32_t *indexes)
{
    unsigned count = 0;
    uint32_t i = index;
    do {
        indexes[count++] = i;
        i = set->records[i].next_of_set;
    } while (i != index && count < USAGES_OF_SET_MAX);
    return count;
}

uint32_t usage_fork(struct usages *set, uint32_t index, uint32_t cseq, tick_t now)
{
    uint32_t members[USAGES_OF_SET_MAX];
    unsigned count = usage_set(set, index, members);
    if (count == USAGES_OF_SET_MAX)
        return INDEX_NONE;
    const struct usage *of = &set->records[index];
    struct usage fresh = {
        .state = USAGE_PROCEEDING,
        .role = USAGE_CLIENT,
        .flags = of->flags & (USAGE_FLAG_LATE_ACK | USAGE_FLAG_OFFERED | USAGE_FLAG_SURPLUS),
        .local_cseq = cseq,
        .invite_cseq = cseq,
        .kept = {ARENA_NONE, ARENA_NONE, ARENA_NONE},
        .dialog = INDEX_NONE,
        .invite = of->invite,
        .invite_generation = of->invite_generation,
    };
    for (unsigned i = 0; i < count; i++) {
        const struct usage *member = &set->records[members[i]];
        if (!usage_is_early_client(member))
            fresh.flags |= USAGE_FLAG_SURPLUS;
        if (member->state == USAGE_CANCELLED || member->state == USAGE_CANCEL_HELD)
            fresh.state = USAGE_CANCELLED;
    }
    if ((fresh.flags & USAGE_FLAG_OFFERED) != 0)
        offer_sent(&fresh.offer, OFFER_IN_INVITE); // each dialog gets an answer of its own
    uint32_t fork = take(set, &fresh);
    if (fork == INDEX_NONE)
        return INDEX_NONE;
    set->records[fork].next_of_set = set->records[index].next_of_set;
    set->records[index].next_of_set = fork;
    bool soon = (fresh.flags & USAGE_FLAG_SURPLUS) != 0 || fresh.state == USAGE_CANCELLED;
    usage_arm(set, fork, USAGE_TIMER_LIFE, now + (soon ? 64 * set->timers.t1 : set->timers.early));
    return fork;
}

void usage_drop(struct usages *set, struct usage *usage, enum usage_slot slot)
{
    arena_put(set->arena, usage->kept[slot]);
    usage->kept[slot] = ARENA_NONE;
}

static int keep(struct usages *set, struct usage *usage, enum usage_slot slot, struct usage_octets message)
{
    usage_drop(set, usage, slot);
    arena_ref kept = arena_get(set->arena, message.length);
    if (kept == ARENA_NONE)
        return -ENOSPC;
    memcpy(arena_at(set->arena, kept), message.octets, message.length);
    usage->kept[slot] = kept;
    usage->kept_length[slot] = message.length;
    return 0;
}

int usage_keep_1xx(struct usages *set, uint32_t index, struct usage_octets message)
{
    return keep(set, &set->records[index], USAGE_SLOT_REPEATED, message);
}

int usage_keep_2xx(struct usages *set, uint32_t index, struct usage_octets message)
{
    struct usage *usage = &set->records[index];
    return keep(set, usage, usage_must_hold(usage) ? USAGE_SLOT_HELD : USAGE_SLOT_REPEATED, message);
}

int usage_keep_ack(struct usages *set, uint32_t index, uint32_t cseq, struct usage_octets message)
{
    struct usage *usage = &set->records[index];
    bool older = usage->kept[USAGE_SLOT_ACK] != ARENA_NONE && cseq < usage->ack_cseq;
    if ((usage->armed & 1u << USAGE_TIMER_FORGET) == 0 || older)
        return 0;
    usage->ack_cseq = cseq;
    return keep(set, usage, USAGE_SLOT_ACK, message);
}

static struct usage_octets octets_of(const struct usages *set, uint32_t index, enum usage_slot slot)
{
    const struct usage *usage = &set->records[index];
    if (usage->kept[slot] == ARENA_NONE)
        return (struct usage_octets){NULL, 0};
    return (struct usage_octets){arena_at(set->arena, usage->kept[slot]), usage->kept_length[slot]};
}

struct usage_octets usage_repeated(const struct usages *set, uint32_t index)
{
    return octets_of(set, index, USAGE_SLOT_REPEATED);
}

struct usage_octets usage_ack(const struct usages *set, uint32_t index, uint32_t cseq)
{
    if (set->records[index].ack_cseq != cseq)
        return (struct usage_octets){NULL, 0};
    return octets_of(set, index, USAGE_SLOT_ACK);
}

void usage_release(struct usages *set, uint32_t index)
{
    struct usage *usage = &set->records[index];
    if (usage->state == USAGE_FREE)
        return;
    uint32_t members[USAGES_OF_SET_MAX];
    unsigned count = usage_set(set, index, members);
    set->records[members[count - 1]].next_of_set = usage->next_of_set;
    for (unsigned slot = 0; slot < USAGE_SLOTS; slot++)
        usage_drop(set, usage, (enum usage_slot)slot);
    wheel_cancel(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_USAGE, index));
    usage->state = USAGE_FREE;
    usage->generation++;
    usage->next_free = set->free;
    set->free = index;
    set->count--;
}
