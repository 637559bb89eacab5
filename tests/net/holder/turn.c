// SPDX-License-Identifier: BSD-3-Clause
#include "turn.h"

#include <time.h>

#include "client.h"
#include "server.h"

#define BATCHES 16u // of one wire in a turn, so that no wire waits long for the others

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void take(struct holder *holder, unsigned wire, unsigned index)
{
    size_t length;
    bool from_remote;
    struct message message;
    const char *octets = wire_datagram(holder->wires[wire], index, &length, &from_remote);
    if (!from_remote)
        tally_finding(&holder->tally, FINDING_STRANGE_SOURCE, octets);
    else if (!message_read(&message, octets, length))
        tally_finding(&holder->tally, FINDING_NO_MESSAGE, octets);
    else if (message.status == 0)
        server_request(holder, wire, &message, octets);
    else
        client_response(holder, wire == 0 ? CALLER : CALLEE, &message, octets);
}

static void receive(struct holder *holder, unsigned wire)
{
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        unsigned count = wire_receive(holder->wires[wire]);
        for (unsigned i = 0; i < count; i++)
            take(holder, wire, i);
        if (count < WIRE_BATCH)
            break;
    }
}

static bool due(const struct repeat *repeat, uint64_t now_us)
{
    return repeat->end_us != 0 && repeat->due_us != 0 && repeat->due_us <= now_us;
}

static bool over(const struct repeat *repeat, uint64_t now_us)
{
    return repeat->end_us != 0 && repeat->end_us <= now_us;
}

// There are a few thousand flights at most: looking at all of them costs less than a queue. A flight whose
// call gives up is another one afterwards, hence one thing at a time.
static void repeat_flight(struct holder *holder, uint32_t index)
{
    const struct repeat *repeats = holder->calls.repeats[index];
    if (repeats[REPEAT_REQUEST].end_us == 0 && repeats[REPEAT_ANSWER].end_us == 0)
        return;
    struct call *call = calls_find(&holder->calls, holder->calls.flights[index].call);
    if (over(&repeats[REPEAT_REQUEST], holder->now_us))
        client_give_up(holder, call);
    else if (over(&repeats[REPEAT_ANSWER], holder->now_us))
        server_give_up(holder, call);
    else if (due(&repeats[REPEAT_REQUEST], holder->now_us))
        client_repeat(holder, call);
    else if (due(&repeats[REPEAT_ANSWER], holder->now_us))
        server_repeat(holder, call);
}

int turn(struct holder *holder, struct work *work)
{
    holder->now_us = clock_us();
    for (unsigned wire = 0; wire < holder->wire_count; wire++)
        receive(holder, wire);
    for (uint32_t i = 0; i < holder->calls.flight_capacity; i++)
        repeat_flight(holder, i);
    work_turn(work, holder);
    for (unsigned wire = 0; wire < holder->wire_count; wire++)
        wire_flush(holder->wires[wire]);
    bool quiet = work->run.pace.rate == 0 && holder->calls.aging_count == 0 &&
                 holder->calls.free_flight_count == holder->calls.flight_capacity && work->start.left == 0 &&
                 work->ask.left == 0;
    return quiet ? 100 : 1;
}
