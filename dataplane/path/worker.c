// SPDX-License-Identifier: BSD-3-Clause
// The turn of a poll-mode core. worker_turn() is the life of a packet; each name is a stage with a file of
// its own.
#include <time.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <urcu-qsbr.h>
#include "away.h"
#include "frame.h"
#include "process.h"
#include "ua.h"

#define BURSTS_BEHIND    8u    // of one queue in a turn, of a worker that is behind
#define IDLE_SPIN_TURNS  64u   // empty turns before the first sleep
#define IDLE_SHORT_TURNS 1024u // empty turns of short sleeps before longer ones
#define IDLE_SHORT_NS    50000
#define IDLE_LONG_NS     500000

uint64_t worker_us(const struct worker *worker)
{
    uint64_t cycles = rte_rdtsc() - worker->tsc_base;
    return worker->us_base + (uint64_t)((unsigned __int128)cycles * worker->us_per_tsc_shifted >> 32);
}

void worker_clock(struct worker *worker)
{
    worker->now_us = worker_us(worker);
    worker->now = (tick_t)(worker->now_us / (TICK_MS * 1000));
}

struct work work_of(struct message *message)
{
    return (struct work){
        .message = message, .outcome = WORK_GOES_ON, .dialog = INDEX_NONE, .client = INDEX_NONE};
}

static unsigned process_held(struct worker *worker)
{
    struct rte_mbuf *mbufs[NAME_HELD];
    unsigned n = name_release(worker, mbufs);
    process(worker, mbufs, n);
    return n;
}

static unsigned leave_early(struct worker *worker, struct rte_mbuf **mbufs, unsigned n, unsigned *early)
{
    unsigned left = overload_is_behind(&worker->overload) ? early_burst(worker, mbufs, n) : n;
    *early += n - left;
    return left;
}

// From one queue, less than two bursts that this worker owns. One that is behind takes more until it has a
// burst to work on: many refusals one after another, and then many messages of calls, find their code in the
// caches; by turns of a few each they do not.
static unsigned receive(struct worker *worker, const struct worker_queue *queue, struct rte_mbuf **mbufs,
                        unsigned *early)
{
    unsigned n = 0, received = BURST;
    for (unsigned bursts = overload_is_behind(&worker->overload) ? BURSTS_BEHIND : 1;
         bursts > 0 && received == BURST && n < BURST; bursts--) {
        received = rx_burst(worker, queue, mbufs + n);
        worker->seen.received += received;
        unsigned ours = screen_burst(worker, mbufs + n, received);
        if (worker->parts.filter != NULL)
            ours = filter_burst(worker, mbufs + n, ours);
        unsigned left = leave_early(worker, mbufs + n, ours, early);
        count_add(worker, COUNTER_STEER_HERE, ours - left);
        n += steer_burst(worker, mbufs + n, left);
    }
    worker->seen.full |= received == BURST;
    return n;
}

// What was learnt from tables lasts as long as they do.
static void heed_tables(struct worker *worker)
{
    const struct rules *rules = worker->rules;
    const struct nexthop_table *nexthops = worker->nexthops;
    worker->last_hop.is_known = false;
    if (worker->sources.serial != rules->serial)
        sources_renew(&worker->sources, rules);
    if (worker->plains.rules != rules->serial || worker->plains.nexthops != nexthops->serial)
        tx_plain_renew(&worker->plains, rules->serial, nexthops->serial);
}

unsigned worker_turn(struct worker *worker)
{
    struct rte_mbuf **mbufs = worker->burst;
    worker_clock(worker);
    away_heed(worker);
    heed_tables(worker);
    // The time of the last turn, unless the worker slept after it.
    if (worker->seen.received > 0 && worker->idle_turns == 0)
        count_histogram(worker, HISTOGRAM_TURN, worker->now_us - worker->seen.began_us, 1);
    shed_turn(worker);
    unsigned released = process_held(worker), n = 0, early = 0;
    for (unsigned i = 0; i < worker->parts.queue_count; i++)
        n += receive(worker, &worker->queues[i], mbufs + n, &early);
    unsigned handed = steer_inbox(worker, mbufs + n);
    steer_flush(worker);
    n += leave_early(worker, mbufs + n, handed, &early);
    process(worker, mbufs, n); // parse, transaction, dialog, route
    worker->received_us = 0;   // what is sent from here on answers nothing that came now
    expire_slice(worker);
    bool commanded = command_slice(worker);
    unsigned probed = probe_slice(worker) + unreachable_slice(worker);
    unsigned asked = worker->parts.ua_commands != NULL ? ua_command_slice(worker) : 0;
    tx_flush(worker);
    // Packets that were all dropped are work, too.
    return worker->seen.received + released + host_path_slice(worker) + commanded + probed + asked +
           takeover_slice(worker, n > 0);
}

// A sleeping worker is offline for RCU, so that a reload does not wait for it.
static void worker_idle(struct worker *worker)
{
    worker->idle_turns++;
    if (worker->rules->settings->idle == IDLE_SPIN || worker->idle_turns < IDLE_SPIN_TURNS) {
        rte_pause();
        return;
    }
    struct timespec pause = {.tv_nsec = worker->idle_turns < IDLE_SHORT_TURNS ? IDLE_SHORT_NS : IDLE_LONG_NS};
    rcu_thread_offline();
    nanosleep(&pause, NULL);
    rcu_thread_online();
}

static tick_t ticks_of(uint64_t ms)
{
    return (tick_t)((ms + TICK_MS - 1) / TICK_MS);
}

void worker_settings(struct worker *worker)
{
    const struct snapshot_settings *settings = worker->rules->settings;
    worker->settled = worker->rules->serial;
    worker->view.rules = worker->rules;
    for (uint32_t i = 0; i < worker->rules->network_count; i++) {
        worker->tags[i] = snapshot_tags(&worker->rules->networks[i]);
        worker->queue_of[i] = worker->queue_of[worker->rules->ports.of[i]];
    }
    name_drop_held(worker);
    probe_settings(worker);
    shed_settings(worker);
    worker->transactions.timers = (struct transaction_timers){.t1 = ticks_of(settings->timer_t1_ms),
                                                              .t2 = ticks_of(settings->timer_t2_ms),
                                                              .t4 = ticks_of(settings->timer_t4_ms),
                                                              .b = ticks_of(settings->timer_b_ms),
                                                              .c = ticks_of(settings->timer_c_ms)};
    worker->ua.usages.timers = (struct usage_timers){.t1 = ticks_of(settings->timer_t1_ms),
                                                     .t2 = ticks_of(settings->timer_t2_ms),
                                                     .early = ticks_of(settings->early_life_ms),
                                                     .confirmed = ticks_of(settings->dialog_life_ms)};
    // A BYE that nobody answers is given up when its sender gives up: timer F. The callee's own BYE for want
    // of an ACK begins after 64*T1 (13.3.1.4), and may be on its way for T4.
    worker->dialogs.life =
        (struct dialog_life){.none = ticks_of(settings->early_life_ms),
                             .early = ticks_of(settings->early_life_ms),
                             .confirmed = ticks_of(settings->dialog_life_ms),
                             .no_ack = 64 * ticks_of(settings->timer_t1_ms) + ticks_of(settings->timer_t4_ms),
                             .terminating = 64 * ticks_of(settings->timer_t1_ms),
                             .keepalive = ticks_of(settings->keepalive_ms)};
}

// Tables are told apart by their serials: one that was published while the worker slept, and was offline, may
// lie where the last one did.
static void take_tables(struct worker *worker)
{
    struct published *published = worker->parts.published;
    worker->rules = rcu_dereference(published->rules);
    worker->nexthops = rcu_dereference(published->nexthops);
    worker->name_table = rcu_dereference(published->names);
    worker->captures = rcu_dereference(published->captures);
    if ((worker->captures != NULL ? worker->captures->serial : 0) != worker->capturing.settled)
        capture_settings(worker);
    if (worker->rules->serial != worker->settled)
        worker_settings(worker);
}

int worker_run(void *argument)
{
    struct worker *worker = argument;
    struct published *published = worker->parts.published;
    rcu_register_thread();
    takeover_begin(worker);
    while (!atomic_load_explicit(&published->stop, memory_order_relaxed)) {
        take_tables(worker);
        if (worker_turn(worker) > 0) {
            worker->idle_turns = 0;
            count(worker, COUNTER_TURN_BUSY);
            gauges_publish(worker);
            rcu_quiescent_state();
        } else {
            count(worker, COUNTER_TURN_IDLE);
            gauges_publish(worker); // timers may have ended something
            rcu_quiescent_state();
            worker_idle(worker);
        }
    }
    rcu_unregister_thread();
    return 0;
}
