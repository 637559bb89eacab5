// SPDX-License-Identifier: BSD-3-Clause
// Far ends on one core, the worker on another, turn after turn as in worker_run(). Either as fast as
// far ends can (closed loop: no more than WINDOW answers are awaited), or at a rate, each message when it is
// due. What a message takes comes from the worker's own histogram of turns, so that turns without work do not
// count; its latency from the other one.
#include <rte_launch.h>
#include <rte_lcore.h>
#include "lab.h"

#define WINDOW  1024u // answers that are awaited at most, so that no queue of a NIC overflows
#define REST_NS 60e9

struct cores {
    struct lab lab;
    double begun_ns;
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
        if (!cores->lab.options->open_loop)
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
    if (options->open_loop && cores->due_ns != 0) {
        uint64_t due = (uint64_t)((now_ns - cores->due_ns) * options->rate / 1e9);
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

// Until so many messages were received; of a rate, until their time is over.
static void pass(struct cores *cores, uint64_t messages)
{
    struct lab_moment before, now;
    const struct wire_options *options = cores->lab.options;
    lab_look(&cores->lab, &before);
    do {
        for (unsigned i = 0; i < 64; i++)
            feed(cores);
        lab_look(&cores->lab, &now);
    } while (lab_wrong(&cores->lab) == 0 &&
             (options->open_loop ? (now.wall_ns - before.wall_ns) * options->rate / 1e9 < (double)messages
                                 : now.received - before.received < messages));
}

static void measure(struct cores *cores, struct wire_result *result)
{
    struct lab_moment before, now;
    lab_look(&cores->lab, &before);
    pass(cores, cores->lab.options->messages);
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
    cores.due_base = crowd_count(cores.lab.crowds[0])->sent;
    cores.due_ns = lab_wall_ns();
    pass(&cores, options->messages / 2);
    while (result->count < options->rounds && lab_wrong(&cores.lab) == 0)
        measure(&cores, result);
    lab_settle(&cores.lab, result);
    for (double last = lab_wall_ns() + REST_NS;
         crowd_open(cores.lab.crowds[0]) > 0 && lab_wall_ns() < last && lab_wrong(&cores.lab) == 0;)
        feed(&cores);
    cores.lab.plane->published.stop = true;
    rte_eal_wait_lcore(1);
    lab_judge(&cores.lab, result);
    lab_close(&cores.lab);
}
