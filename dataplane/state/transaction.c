// SPDX-License-Identifier: BSD-3-Clause
// Each record has one node on the wheel, armed for the nearer of its two times: the next retransmission and
// the end of its state. The table of the machine says which state comes next; what is here is which times a
// state has.
#include "transaction.h"

#include <errno.h>
#include <string.h>

#define LINE            64u
#define TICKS(ms)       ((ms) / TICK_MS)
#define TIMER_D_MINIMUM TICKS(32000u)        // 17.1.1.2: at least 32 seconds over an unreliable transport
#define TIMER_C_MINIMUM (TICKS(180000u) + 1) // 16.6 step 11: larger than three minutes

static size_t records_size(uint32_t capacity)
{
    return ((size_t)capacity * sizeof(struct transaction) + LINE - 1) / LINE * LINE;
}

size_t transactions_memory(uint32_t capacity)
{
    return records_size(capacity) + table_memory(capacity);
}

void transactions_init(struct transactions *set, void *memory, uint32_t capacity, struct arena *arena,
                       struct wheel *wheel)
{
    assert(capacity < 1u << 29);
    memset(memory, 0, records_size(capacity));
    *set = (struct transactions){
        .records = memory,
        .capacity = capacity,
        .free = capacity > 0 ? 0 : INDEX_NONE,
        .arena = arena,
        .wheel = wheel,
        .timers = {
            .t1 = TICKS(500), .t2 = TICKS(4000), .t4 = TICKS(5000), .b = TICKS(32000), .c = TICKS(181000)}};
    for (uint32_t i = 0; i < capacity; i++)
        set->records[i].next_free = i + 1 < capacity ? i + 1 : INDEX_NONE;
    table_init(&set->table, (uint8_t *)memory + records_size(capacity), capacity);
    wheel_class_set(wheel, WHEEL_CLASS_TRANSACTION, memory, sizeof(struct transaction),
                    offsetof(struct transaction, timer));
}

static bool is_client(enum transaction_kind kind)
{
    return kind == TRANSACTION_INVITE_CLIENT || kind == TRANSACTION_CLIENT;
}

static void rearm(struct transactions *set, uint32_t index)
{
    const struct transaction *transaction = &set->records[index];
    uint32_t handle = WHEEL_HANDLE(WHEEL_CLASS_TRANSACTION, index);
    bool repeats = transaction->interval != 0;
    bool ends = transaction->ending != TRANSACTION_ENDING_NEVER;
    tick_t at = transaction->end_at;
    if (repeats && (!ends || (int32_t)(transaction->retransmit_at - at) < 0))
        at = transaction->retransmit_at;
    if (repeats || ends)
        wheel_arm(set->wheel, handle, at);
    else
        wheel_cancel(set->wheel, handle);
}

static void repeat_from(struct transaction *transaction, tick_t interval, tick_t now)
{
    transaction->interval = interval;
    transaction->retransmit_at = now + interval;
}

static void end_from(struct transaction *transaction, tick_t from, tick_t after)
{
    transaction->ending = TRANSACTION_ENDING_AT;
    transaction->end_at = from + after;
}

static tick_t timer_b_or_f(const struct transaction *transaction, const struct transaction_timers *timers)
{
    return transaction->kind == TRANSACTION_CLIENT ? 64 * timers->t1 : timers->b;
}

// B or F as if there had been no nearer end. A reload may have made it shorter than what has passed.
static void slow_no_more(struct transaction *transaction, const struct transaction_timers *timers, tick_t now)
{
    if (transaction->ending != TRANSACTION_ENDING_SLOW)
        return;
    end_from(transaction, transaction->started, timer_b_or_f(transaction, timers));
    if ((int32_t)(transaction->end_at - now) <= 0)
        transaction->end_at = now + 1;
    if ((int32_t)(transaction->retransmit_at - now) <= 0) // it was due as well
        transaction->retransmit_at = now + 1;
}

static void timer_c_from(struct transaction *transaction, tick_t from, tick_t after)
{
    transaction->ending = TRANSACTION_ENDING_TIMER_C;
    transaction->end_at = from + (after < TIMER_C_MINIMUM ? TIMER_C_MINIMUM : after);
}

// RFC 4320 4.1: how long the requester's timer E takes to come to T2.
static tick_t until_late(const struct transaction_timers *timers)
{
    tick_t after = timers->t1;
    for (tick_t interval = timers->t1; interval != 0 && 2 * interval < timers->t2; interval *= 2)
        after += 2 * interval;
    return after;
}

uint32_t transaction_create(struct transactions *set, enum transaction_kind kind, uint64_t key, tick_t now)
{
    uint32_t index = set->free;
    if (index == INDEX_NONE)
        return INDEX_NONE;
    if (!is_client(kind) && table_insert(&set->table, key, index) != 0)
        return INDEX_NONE;
    struct transaction *transaction = &set->records[index];
    set->free = transaction->next_free;
    set->count++;
    *transaction = (struct transaction){
        .key = key,
        .generation = transaction->generation,
        .kind = (uint8_t)kind,
        .state = kind == TRANSACTION_INVITE_SERVER ? TRANSACTION_PROCEEDING : TRANSACTION_TRYING,
        .started = now,
        .kept = ARENA_NONE,
        .other = INDEX_NONE,
        .dialog = INDEX_NONE,
        .cancel = is_client(kind) ? INDEX_NONE : ARENA_NONE,
        .ending = TRANSACTION_ENDING_NEVER,
    };
    wheel_node_init(&transaction->timer);
    if (is_client(kind)) {
        repeat_from(transaction, set->timers.t1, now); // A, E
        end_from(transaction, now, timer_b_or_f(transaction, &set->timers));
        rearm(set, index);
    } else if (kind == TRANSACTION_SERVER) {
        repeat_from(transaction, until_late(&set->timers), now);
        rearm(set, index);
    }
    return index;
}

uint32_t transaction_find_server(const struct transactions *set, uint64_t key)
{
    struct table_cursor cursor;
    uint32_t index = table_first(&set->table, key, &cursor);
    while (index != INDEX_NONE && set->records[index].key != key)
        index = table_next(&set->table, &cursor);
    return index;
}

void transaction_prefetch_server(const struct transactions *set, uint64_t key)
{
    table_prefetch(&set->table, key);
}

void transaction_prefetch_release(const struct transactions *set, uint32_t index)
{
    const struct transaction *transaction = &set->records[index];
    __builtin_prefetch(&transaction->other);
    if (!is_client(transaction->kind))
        table_prefetch(&set->table, transaction->key);
}

uint32_t transaction_find_client(const struct transactions *set, uint32_t index, uint16_t generation,
                                 uint64_t key)
{
    if (index >= set->capacity)
        return INDEX_NONE;
    const struct transaction *transaction = &set->records[index];
    bool found = transaction->state != TRANSACTION_FREE && is_client(transaction->kind) &&
                 (uint16_t)transaction->generation == generation && transaction->key == key;
    return found ? index : INDEX_NONE;
}

// Times of a state that was just entered.
static void enter(struct transaction *transaction, const struct transaction_timers *timers, bool trying,
                  tick_t now)
{
    tick_t long_wait = 64 * timers->t1;
    if (transaction->kind == TRANSACTION_CLIENT && transaction->state == TRANSACTION_PROCEEDING)
        return; // E and F run on (17.1.2.2)
    transaction->interval = 0;
    switch (transaction->state) {
    case TRANSACTION_PROCEEDING:
        if (transaction->kind == TRANSACTION_INVITE_CLIENT)
            timer_c_from(transaction, trying ? transaction->started : now, timers->c); // 16.6 step 11
        break;
    case TRANSACTION_COMPLETED:
        if (transaction->kind == TRANSACTION_INVITE_SERVER)
            repeat_from(transaction, timers->t1, now); // G
        if (transaction->kind == TRANSACTION_CLIENT)
            end_from(transaction, now, timers->t4); // K
        else if (transaction->kind == TRANSACTION_INVITE_CLIENT && long_wait < TIMER_D_MINIMUM)
            end_from(transaction, now, TIMER_D_MINIMUM); // D
        else
            end_from(transaction, now, long_wait); // D, H, J
        break;
    case TRANSACTION_CONFIRMED:
        end_from(transaction, now, timers->t4); // I
        break;
    case TRANSACTION_ACCEPTED:
        end_from(transaction, now, long_wait); // L, M
        break;
    default: // Terminated
        transaction->ending = TRANSACTION_ENDING_NEVER;
        break;
    }
}

// Times of a state that goes on.
static void go_on(struct transaction *transaction, const struct transaction_timers *timers,
                  enum transaction_event event, tick_t now)
{
    tick_t next;
    switch (event) {
    case TRANSACTION_ON_RETRANSMIT:
        if (transaction->interval == 0) // it was told to be quiet
            break;
        next = 2 * transaction->interval; // A has no bound but B (17.1.1.2)
        if (transaction->kind != TRANSACTION_INVITE_CLIENT && next > timers->t2)
            next = timers->t2;
        if (transaction->kind == TRANSACTION_CLIENT && transaction->state == TRANSACTION_PROCEEDING)
            next = timers->t2; // 17.1.2.2
        repeat_from(transaction, next, now);
        break;
    case TRANSACTION_ON_1XX:
        // Not after a CANCEL: what ends the transaction then is no timer C.
        if (transaction->ending == TRANSACTION_ENDING_TIMER_C)
            timer_c_from(transaction, now, timers->c);
        break;
    case TRANSACTION_ON_TIMER_C:
        end_from(transaction, now, 64 * timers->t1); // 9.1
        break;
    case TRANSACTION_ON_SLOW:
        slow_no_more(transaction, timers, now);
        break;
    default:
        break;
    }
}

unsigned transaction_step(struct transactions *set, uint32_t index, enum transaction_event event, tick_t now)
{
    struct transaction *transaction = &set->records[index];
    if (event >= TRANSACTION_EVENTS)
        return 0;
    struct transaction_cell cell = transaction_fsm[transaction->kind][transaction->state][event];
    unsigned actions = cell.actions;
    if (cell.next != TRANSACTION_FREE) {
        if (cell.next != transaction->state) {
            transaction->state = cell.next;
            enter(transaction, &set->timers, event == TRANSACTION_ON_100, now);
        } else {
            go_on(transaction, &set->timers, event, now);
        }
        rearm(set, index);
    }
    if (transaction->kept == ARENA_NONE)
        actions &= ~(unsigned)TRANSACTION_DO_RESEND;
    return actions;
}

enum transaction_event transaction_expired(const struct transactions *set, uint32_t index, tick_t now)
{
    const struct transaction *transaction = &set->records[index];
    if (transaction->state == TRANSACTION_FREE)
        return TRANSACTION_EVENTS;
    if (transaction->ending != TRANSACTION_ENDING_NEVER && (int32_t)(transaction->end_at - now) <= 0) {
        if (transaction->ending == TRANSACTION_ENDING_TIMER_C)
            return TRANSACTION_ON_TIMER_C;
        if (transaction->ending == TRANSACTION_ENDING_SLOW)
            return TRANSACTION_ON_SLOW;
        bool waits_for_message =
            transaction->state == TRANSACTION_TRYING || transaction->state == TRANSACTION_PROCEEDING ||
            (transaction->kind == TRANSACTION_INVITE_SERVER && transaction->state == TRANSACTION_COMPLETED);
        return waits_for_message ? TRANSACTION_ON_TIMEOUT : TRANSACTION_ON_END;
    }
    if (transaction->interval != 0 && (int32_t)(transaction->retransmit_at - now) <= 0)
        return transaction->kind == TRANSACTION_SERVER ? TRANSACTION_ON_LATE : TRANSACTION_ON_RETRANSMIT;
    return TRANSACTION_EVENTS;
}

void transaction_end_at(struct transactions *set, uint32_t index, tick_t deadline)
{
    set->records[index].ending = TRANSACTION_ENDING_AT;
    set->records[index].end_at = deadline;
    rearm(set, index);
}

void transaction_slow_at(struct transactions *set, uint32_t index, tick_t deadline)
{
    struct transaction *transaction = &set->records[index];
    if (transaction->state != TRANSACTION_TRYING || (int32_t)(deadline - transaction->end_at) >= 0)
        return;
    transaction->ending = TRANSACTION_ENDING_SLOW;
    transaction->end_at = deadline;
    rearm(set, index);
}

void transaction_quiet(struct transactions *set, uint32_t index, tick_t now)
{
    struct transaction *transaction = &set->records[index];
    transaction->interval = 0;
    slow_no_more(transaction, &set->timers, now);
    rearm(set, index);
}

int transaction_keep(struct transactions *set, uint32_t index, const void *octets, uint32_t length)
{
    struct transaction *transaction = &set->records[index];
    arena_put(set->arena, transaction->kept);
    transaction->kept_length = 0;
    transaction->kept = arena_get(set->arena, length);
    if (transaction->kept == ARENA_NONE)
        return -ENOSPC;
    memcpy(arena_at(set->arena, transaction->kept), octets, length);
    transaction->kept_length = length;
    return 0;
}

void transaction_release(struct transactions *set, uint32_t index)
{
    struct transaction *transaction = &set->records[index];
    if (transaction->state == TRANSACTION_FREE)
        return;
    if (!is_client(transaction->kind)) {
        table_remove(&set->table, transaction->key, index);
        arena_put(set->arena, transaction->attempts);
    }
    arena_put(set->arena, transaction->kept);
    wheel_cancel(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_TRANSACTION, index));
    transaction->kept = ARENA_NONE;
    transaction->state = TRANSACTION_FREE;
    transaction->generation++;
    transaction->next_free = set->free;
    set->free = index;
    set->count--;
}
