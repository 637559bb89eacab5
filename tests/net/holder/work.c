// SPDX-License-Identifier: BSD-3-Clause
#include "work.h"

#include "client.h"

#define PRICE 1000000u

static void earn(struct pace *pace, uint64_t elapsed_us)
{
    uint64_t most = pace->rate / 50 * PRICE + PRICE; // after a pause, no more than 20 ms at once
    pace->credit += pace->rate * elapsed_us;
    if (pace->credit > most)
        pace->credit = most;
}

static bool affords(const struct pace *pace)
{
    return pace->credit >= PRICE;
}

static void start_some(struct work *work, struct holder *holder)
{
    while (work->start.left > 0 && affords(&work->start.pace)) {
        if (!client_call(holder, work->start.manner, true, 0))
            return; // when a flight or a place is free again
        work->start.pace.credit -= PRICE;
        work->start.left--;
    }
}

static void ask_some(struct work *work, struct holder *holder)
{
    struct calls *calls = &holder->calls;
    while (work->ask.left > 0 && affords(&work->ask.pace) && calls->free_flight_count > 0) {
        uint64_t chance = identity_mix(holder->seed, work->ask.limit, (uint32_t)holder->now_us);
        enum side by = work->ask.side == SIDES ? (enum side)(chance >> 63) : (enum side)work->ask.side;
        struct call *call = calls_take(calls, (uint32_t)(chance % work->ask.limit), work->ask.limit);
        work->ask.limit--;
        work->ask.left--;
        work->ask.pace.credit -= PRICE;
        client_ask(holder, call, work->ask.method, by);
    }
}

static void run_some(struct work *work, struct holder *holder)
{
    struct call *call;
    while (holder->calls.free_flight_count > 0 && (call = calls_aged(&holder->calls, holder->now_us)) != NULL)
        client_ask(holder, call, METHOD_BYE, (enum side)(call->number & 1));
    while (affords(&work->run.pace)) {
        if (!client_call(holder, MANNER_PLAIN, false, work->run.lifetime_us))
            return;
        work->run.pace.credit -= PRICE;
    }
}

void work_turn(struct work *work, struct holder *holder)
{
    uint64_t elapsed_us = work->turned_us == 0 ? 0 : holder->now_us - work->turned_us;
    work->turned_us = holder->now_us;
    earn(&work->start.pace, elapsed_us);
    earn(&work->ask.pace, elapsed_us);
    earn(&work->run.pace, elapsed_us);
    run_some(work, holder);
    start_some(work, holder);
    ask_some(work, holder);
}

bool work_idle(const struct work *work, const struct holder *holder)
{
    const struct calls *calls = &holder->calls;
    if (work->start.left > 0 || work->ask.left > 0)
        return false;
    if (work->run.pace.rate == 0)
        return calls->aging_count == 0 && calls->free_flight_count == calls->flight_capacity;
    return calls_busy(calls) == 0;
}

static void begin(struct work *work, const struct holder *holder, struct pace *pace, uint64_t rate)
{
    work->began_us = holder->now_us;
    *pace = (struct pace){.rate = rate};
}

bool work_start(struct work *work, const struct holder *holder, enum manner manner, uint64_t count,
                uint64_t rate)
{
    if (work->start.left > 0)
        return false;
    begin(work, holder, &work->start.pace, rate);
    work->start.left = count;
    work->start.manner = manner;
    return true;
}

bool work_ask(struct work *work, const struct holder *holder, enum method method, uint64_t count,
              uint64_t rate)
{
    uint32_t held = holder->calls.held_count;
    if (work->ask.left > 0)
        return false;
    begin(work, holder, &work->ask.pace, rate);
    work->ask.left = count < held ? (uint32_t)count : held;
    work->ask.limit = held;
    work->ask.method = method;
    return true;
}

void work_run(struct work *work, uint64_t rate, uint64_t lifetime_us)
{
    work->run.pace = (struct pace){.rate = rate};
    work->run.lifetime_us = lifetime_us;
}
