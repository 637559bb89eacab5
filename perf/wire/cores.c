// SPDX-License-Identifier: BSD-3-Clause
// Far ends on one core, the worker on another, turn after turn as in worker_run(). Either as fast as
// far ends can (closed loop: no more than WINDOW answers are awaited), or at a rate, each message when it is
// due: when it should have been sent and was not, since a thread was taken from its core, it is sent as soon
// as that can be, and the ones behind it do not wait longer for it. Half of the highest rate is half of what
// the worker would do without a pause: messages over the time of its turns, as fast as far ends can. What a
// message takes comes from the worker's own histogram of turns, so that turns without work do not count; its
// latency from the other one.
#include <stdatomic.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include "lab.h"

#define WINDOW  1024u // answers that are awaited at most, so that no queue of a NIC overflows
#define REST_NS 60e9

struct cores {
    struct lab lab;
    atomic_bool is_open; // messages come at a rate: the worker may be behind
    double begun_ns;
    double rate;       // messages a second; 0: as fast as far ends can
    uint64_t due_base; // messages that were sent when the rate began
    double due_ns;     // and when that was
};

static bool put(void *context, enum world_side side, uint32_t party, struct rte_mbuf *mbuf)
{
    struct cores *cores = context;
    return rte_ring_enqueue(cores->lab.wire.rx[side][0], mbuf) == 0;
}

static int serve(void *context)
{
    struct cores *cores = context;
    struct worker *worker = cores->lab.plane->workers[0].worker;
    while (!atomic_load_explicit(&cores->lab.plane->published.stop, memory_order_relaxed)) {
        if (!atomic_load_explicit(&cores->is_open, memory_order_relaxed))
            lab_never_behind(worker);
        worker_turn(worker);
        gauges_publish(worker);
    }
    return 0;
}

// How many may be sent now.
static unsigned allowed(const struct cores *cores, double now_ns)
{
    const struct wire_options *options = cores->lab.options;
    uint64_t n = options->batch;
    if (cores->rate != 0) {
        uint64_t due = (uint64_t)((now_ns - cores->due_ns) * cores->rate / 1e9);
        uint64_t sent = crowd_count(cores->lab.crowds[0])->sent - cores->due_base;
        n = RTE_MIN(n, due > sent ? due - sent : 0);
    }
    return (unsigned)n;
}

static void feed(struct cores *cores)
{
    struct rte_mbuf *mbuf;
    double now_ns = lab_wall_ns();
    crowd_send(cores->lab.crowds[0], (uint64_t)((now_ns - cores->begun_ns) / 1e3), allowed(cores, now_ns),
               put, cores);
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < cores->lab.options->batch &&
                             rte_ring_dequeue(cores->lab.wire.tx[side][0], (void **)&mbuf) == 0;
             i++)
            crowd_take(cores->lab.crowds[0], (enum world_side)side, mbuf);
}

// Until so many messages were received; at a rate, until so many seconds are over.
static void pass(struct cores *cores, uint64_t messages, double seconds)
{
    struct lab_moment before, now;
    lab_look(&cores->lab, &before);
    do {
        for (unsigned i = 0; i < 64; i++)
            feed(cores);
        lab_look(&cores->lab, &now);
    } while (lab_wrong(&cores->lab) == 0 && (cores->rate != 0 ? now.wall_ns - before.wall_ns < seconds * 1e9
                                                              : now.received - before.received < messages));
}

// From now on messages come at a rate.
static void open_loop(struct cores *cores)
{
    struct lab_moment before, now;
    const struct wire_options *options = cores->lab.options;
    double rate = options->rate;
    if (options->half) {
        lab_look(&cores->lab, &before);
        pass(cores, options->messages, 0);
        lab_look(&cores->lab, &now);
        struct wire_round round = lab_since(&before, &now);
        rate = (double)round.received / round.ns * 1e9 / 2;
    }
    atomic_store_explicit(&cores->is_open, true, memory_order_relaxed);
    cores->due_base = crowd_count(cores->lab.crowds[0])->sent;
    cores->due_ns = lab_wall_ns();
    cores->rate = rate;
    // What came faster is forgotten: transactions wait for 64 * T1 (RFC 3261 17).
    pass(cores, 0, 64e-3 * options->size.t1_ms + 1);
}

static void measure(struct cores *cores, struct wire_result *result)
{
    struct lab_moment before, now;
    lab_look(&cores->lab, &before);
    pass(cores, cores->lab.options->messages, cores->lab.options->round_s);
    lab_look(&cores->lab, &now);
    result->rounds[result->count++] = lab_since(&before, &now);
}

void cores_run(const struct wire_options *options, struct wire_result *result)
{
    struct cores cores = {.lab.options = options};
    lab_open(&cores.lab, &(struct lab_form){"0@0,1@1", 1, WINDOW});
    rte_eal_remote_launch(serve, &cores, 1);
    double begun = lab_cpu_ns();
    cores.begun_ns = lab_wall_ns();
    while (lab_held(&cores.lab) < options->dialogs && lab_wrong(&cores.lab) == 0)
        feed(&cores);
    result->grown_s = (lab_cpu_ns() - begun) / 1e9;
    crowd_set(cores.lab.crowds[0], CROWD_STEADY);
    pass(&cores, options->messages / 2, 0);
    if (options->round_s != 0)
        open_loop(&cores);
    result->rate = cores.rate;
    while (result->count < options->rounds && lab_wrong(&cores.lab) == 0)
        measure(&cores, result);
    lab_settle(&cores.lab, result);
    cores.rate = 0;
    for (double last = lab_wall_ns() + REST_NS;
         crowd_open(cores.lab.crowds[0]) > 0 && lab_wall_ns() < last && lab_wrong(&cores.lab) == 0;)
        feed(&cores);
    cores.lab.plane->published.stop = true;
    rte_eal_wait_lcore(1);
    lab_judge(&cores.lab, result);
    lab_close(&cores.lab);
}
