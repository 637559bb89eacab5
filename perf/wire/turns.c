// SPDX-License-Identifier: BSD-3-Clause
// Far ends and worker on one core, by turns: the far ends send a batch, the worker works until its queues are
// empty, the far ends look at what came. Only the worker's part is timed, by the CPU time of the thread, once
// a batch: reading the clock costs nothing to speak of then, and what else the machine does is not in it.
// What the far ends leave in the caches is, as are the messages in them: so is what a NIC leaves there.
//
// Sorted, a batch is of one kind, and each kind has a time of its own. A batch of these finds its code in the
// caches: their sum is less than what mixed traffic takes.
//
// The worker's clock is set: it goes on by what a batch takes at the given rate. So a run is the same
// whatever the machine does, and under a tool that counts instructions too.
#include "lab.h"
#include <inttypes.h>
#include <stdio.h>

#define IDLE_ROUNDS_MAX 2000000u // in which nothing comes and something is still awaited

struct turns {
    struct lab lab;
    double now_us;
    struct wire_kind *kinds;
};

static bool put(void *context, enum world_side side, uint32_t party, struct rte_mbuf *mbuf)
{
    struct turns *turns = context;
    return rte_ring_enqueue(turns->lab.wire.rx[side][0], mbuf) == 0;
}

static void take_all(struct turns *turns)
{
    struct rte_mbuf *mbuf;
    for (unsigned side = 0; side < 2; side++)
        while (rte_ring_dequeue(turns->lab.wire.tx[side][0], (void **)&mbuf) == 0)
            crowd_take(turns->lab.crowds[0], (enum world_side)side, mbuf);
}

static void work(struct turns *turns)
{
    do
        worker_turn(turns->lab.plane->workers[0].worker);
    while (rte_ring_count(turns->lab.wire.rx[0][0]) + rte_ring_count(turns->lab.wire.rx[1][0]) > 0);
}

// Of a name of its own, for tools that count what is done in it.
__attribute__((noinline)) double work_measured(struct turns *turns);

double work_measured(struct turns *turns)
{
    double begun = lab_cpu_ns();
    work(turns);
    return lab_cpu_ns() - begun;
}

// The same for messages of a kind. Each notes something else, or the compiler makes them one.
#define WORK_KIND(kind, name)                                                                                \
    __attribute__((noinline)) double work_kind_##name(struct turns *turns);                                  \
    double work_kind_##name(struct turns *turns)                                                             \
    {                                                                                                        \
        double begun = lab_cpu_ns();                                                                         \
        work(turns);                                                                                         \
        double ns = lab_cpu_ns() - begun;                                                                    \
        turns->kinds[kind].ns += ns;                                                                         \
        return ns;                                                                                           \
    }
WORK_KIND(KIND_INVITE, invite)
WORK_KIND(KIND_ACK, ack)
WORK_KIND(KIND_CANCEL, cancel)
WORK_KIND(KIND_BYE, bye)
WORK_KIND(KIND_INSIDE, inside)
WORK_KIND(KIND_TRYING, trying)
WORK_KIND(KIND_RINGING, ringing)
WORK_KIND(KIND_ANSWER, answer)
WORK_KIND(KIND_REFUSAL, refusal)
WORK_KIND(KIND_BYE_ANSWER, bye_answer)
WORK_KIND(KIND_CANCEL_ANSWER, cancel_answer)
WORK_KIND(KIND_INSIDE_ANSWER, inside_answer)

static double work_sorted(struct turns *turns)
{
    static double (*const by_kind[KINDS])(struct turns *
                                          turns) = {[KIND_INVITE] = work_kind_invite,
                                                    [KIND_ACK] = work_kind_ack,
                                                    [KIND_CANCEL] = work_kind_cancel,
                                                    [KIND_BYE] = work_kind_bye,
                                                    [KIND_INSIDE] = work_kind_inside,
                                                    [KIND_TRYING] = work_kind_trying,
                                                    [KIND_RINGING] = work_kind_ringing,
                                                    [KIND_ANSWER] = work_kind_answer,
                                                    [KIND_REFUSAL] = work_kind_refusal,
                                                    [KIND_BYE_ANSWER] = work_kind_bye_answer,
                                                    [KIND_CANCEL_ANSWER] = work_kind_cancel_answer,
                                                    [KIND_INSIDE_ANSWER] = work_kind_inside_answer};
    const uint64_t *received = &turns->lab.plane->workers[0].parts.counters->values[COUNTER_RX_PACKETS];
    const uint64_t before = *received;
    const enum kind kind = crowd_kind(turns->lab.crowds[0]);
    double ns = by_kind[kind](turns);
    turns->kinds[kind].received += *received - before;
    return ns;
}

// Returns the CPU time of the worker when it is measured.
static double round_once(struct turns *turns, bool measured)
{
    const struct wire_options *options = turns->lab.options;
    double ns = 0;
    plane_clock(turns->lab.plane, (uint64_t)turns->now_us);
    unsigned n = crowd_send(turns->lab.crowds[0], (uint64_t)turns->now_us, options->batch, put, turns);
    if (!measured)
        work(turns);
    else
        ns = options->sorted ? work_sorted(turns) : work_measured(turns);
    take_all(turns);
    // Batches of one kind are mostly smaller. Time goes on when nothing is sent, too.
    turns->now_us += (options->sorted && n > 0 ? n : options->batch) * 1e6 / options->rate;
    return ns;
}

static void measure(struct turns *turns, struct wire_result *result)
{
    const uint64_t *values = turns->lab.plane->workers[0].parts.counters->values;
    struct wire_round *round = &result->rounds[result->count++];
    const uint64_t received = values[COUNTER_RX_PACKETS], sent = values[COUNTER_TX_PACKETS];
    const struct crowd_count *count = crowd_count(turns->lab.crowds[0]);
    const uint64_t calls = count->completed + count->cancelled + count->refused;
    double ns = 0;
    while (values[COUNTER_RX_PACKETS] - received < turns->lab.options->messages)
        ns += round_once(turns, true);
    *round = (struct wire_round){.received = values[COUNTER_RX_PACKETS] - received,
                                 .sent = values[COUNTER_TX_PACKETS] - sent,
                                 .calls = count->completed + count->cancelled + count->refused - calls,
                                 .ns = ns,
                                 .rss_octets = lab_resident()};
}

static bool grow(struct turns *turns)
{
    const struct wire_options *options = turns->lab.options;
    while (lab_held(&turns->lab) < options->dialogs && lab_wrong(&turns->lab) == 0)
        round_once(turns, false);
    crowd_set(turns->lab.crowds[0], CROWD_STEADY);
    const uint64_t *values = turns->lab.plane->workers[0].parts.counters->values;
    for (uint64_t before = values[COUNTER_RX_PACKETS];
         values[COUNTER_RX_PACKETS] - before < options->messages && lab_wrong(&turns->lab) == 0;)
        round_once(turns, false);
    return lab_wrong(&turns->lab) == 0;
}

void turns_run(const struct wire_options *options, struct wire_result *result)
{
    struct turns turns = {.lab.options = options, .kinds = result->kinds};
    char lcores[16];
    snprintf(lcores, sizeof(lcores), "0@%" PRIu32, options->core);
    lab_open(&turns.lab, &(struct lab_form){lcores, 1, 0});
    double begun = lab_cpu_ns();
    bool goes = grow(&turns);
    result->grown_s = (lab_cpu_ns() - begun) / 1e9;
    stages_begin();
    while (goes && result->count < options->rounds && lab_wrong(&turns.lab) == 0)
        measure(&turns, result);
    result->has_stages = stages_read(&result->stages);
    gauges_publish(turns.lab.plane->workers[0].worker);
    lab_settle(&turns.lab, result);
    for (unsigned i = 0; i < IDLE_ROUNDS_MAX && crowd_open(turns.lab.crowds[0]) > 0; i++)
        round_once(&turns, false);
    lab_judge(&turns.lab, result);
    lab_close(&turns.lab);
}
