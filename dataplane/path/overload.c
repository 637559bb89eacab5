// SPDX-License-Identifier: BSD-3-Clause
// Levels and flows need different loops.
//
// A level (transactions, mbufs) is what has flowed in and not yet out: a transaction stays for half a minute.
// A loop that counted up while the level is too high would go on refusing until it is empty. So the loss
// follows the level itself: beyond the mark the worker is behind, and refuses everything; then less, in
// proportion, down to nothing at 80 % of the mark, where it is no longer behind. A load of whatever size
// holds the level between the two, and with it (Little's law) the calls that are served at 80 % of the most
// or more.
//
// A queue that does not drain fills within milliseconds, and then loses what belongs to calls as well as new
// ones. So a worker that is behind refuses by how long its queues have had more than it took: nothing below a
// millisecond, everything from six on; that alone keeps it as busy as it can be, and its queues short. It is
// behind when they had for more than half of a tenth of a second. Only its own time counts: what a machine
// that gave the core to others leaves in the queues is no reason.
//
// The loss, the steady part that clients are told and hold back, moves ten times a second: up by a quarter of
// what had to be refused beyond it, of all new calls that came in the step and not only of those that came
// while some were refused; down by an eighth and a little, by half when queues alone are to blame and refuse
// next to nothing. It is not what protects: it may be late, and it stays below what is needed. An eighth of
// what it lets through is left to the queues: a loss that also took in what an interruption left there would
// refuse it for seconds to a worker that has nothing to do.
//
// Turns that last too long say that too much comes, but not how much: the loss alone moves, up by an eighth
// of what is left, when more than half of a tenth of a second went to such. A turn counts as an eighth of it
// at most, however long: an interruption is none.
#include "overload.h"

#define STEP_US       100000u
#define BACKLOG_US    1000u // an older backlog is late
#define BACKLOG_ALL   6000u
#define SMOOTH        8u                  // turns that the smoothed length is made of
#define TURN_MAX      1000u               // of its own time; what is longer was the machine's
#define CALM_STEPS    10u                 // a second without a reason: no longer behind
#define LEAST         (OVERLOAD_ALL / 64) // is always let in by the flows' loss: else nobody knew when it is over
#define HINDERED_LEFT (OVERLOAD_ALL / 8)  // of what the loss lets through: the queues' part
#define HINDERED_CALM (OVERLOAD_ALL / 64) // more is a reason to stay behind, and to be careful
#define FLOWS         (1u << OVERLOAD_TURN | 1u << OVERLOAD_QUEUE)

static uint32_t greater(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

// The loss, and what is refused beyond it: everything beyond a level's mark, and the queues' part.
static void sum_up(struct overload *overload)
{
    overload->loss = overload->flow_loss;
    overload->now = 0;
    for (unsigned i = 0; i < OVERLOAD_LEVELS; i++) {
        overload->loss = greater(overload->loss, overload->level_loss[i]);
        if (overload->level_loss[i] == OVERLOAD_ALL)
            overload->now = OVERLOAD_ALL;
    }
    if (!(overload->reasons & 1u << OVERLOAD_QUEUE) || overload->backlog_us <= BACKLOG_US)
        return;
    uint32_t late_us = lesser(overload->backlog_us - BACKLOG_US, BACKLOG_ALL - BACKLOG_US);
    overload->now = greater(overload->now, late_us * OVERLOAD_ALL / (BACKLOG_ALL - BACKLOG_US));
}

void overload_level(struct overload *overload, enum overload_reason level, uint32_t used, uint32_t mark)
{
    uint32_t left = (uint32_t)((uint64_t)mark * 8 / 10), bit = 1u << level;
    if (used > mark)
        overload->reasons |= bit;
    else if (used <= left)
        overload->reasons &= ~bit;
    uint32_t loss = 0;
    if (used > mark)
        loss = OVERLOAD_ALL;
    else if (overload->reasons & bit)
        loss = (uint32_t)((uint64_t)(used - left) * OVERLOAD_ALL / (mark - left));
    overload->level_loss[level] = loss;
}

// Of the loss, when it is not too small.
static uint32_t fall(const struct overload *overload, uint64_t hindered)
{
    bool careful = hindered > HINDERED_CALM || (overload->reasons & 1u << OVERLOAD_TURN) != 0;
    return overload->flow_loss / (careful ? 8 : 2) + OVERLOAD_ALL / 512;
}

static void step(struct overload *overload, uint64_t passed_us)
{
    uint32_t reasons = 0, left = OVERLOAD_ALL - overload->flow_loss, more = 0;
    if (overload->long_us * 2 > passed_us) {
        reasons |= 1u << OVERLOAD_TURN;
        more = left / 8;
    }
    if (overload->late_us * 2 > passed_us)
        reasons |= 1u << OVERLOAD_QUEUE;
    uint64_t hindered = (uint64_t)overload->hindered * OVERLOAD_ALL / greater(overload->asked, 1);
    if (hindered > HINDERED_CALM)
        reasons |= overload->reasons & 1u << OVERLOAD_QUEUE;
    if (hindered > HINDERED_LEFT)
        more = greater(more, (uint32_t)(left * (hindered - HINDERED_LEFT) / OVERLOAD_ALL / 4));
    if (more != 0)
        overload->flow_loss = lesser(overload->flow_loss + more, OVERLOAD_ALL - LEAST);
    else
        overload->flow_loss -= lesser(overload->flow_loss, fall(overload, hindered));
    overload->reasons |= reasons;
    overload->calm = reasons != 0 || overload->flow_loss != 0 ? 0 : overload->calm + 1;
    if (overload->calm >= CALM_STEPS)
        overload->reasons &= ~FLOWS;
    overload->long_us = overload->late_us = 0;
    overload->asked = overload->hindered = 0;
}

void overload_turn(struct overload *overload, const struct overload_turn *turn, uint32_t mark_us)
{
    // Once behind for its turns, it is until they are down to 80 % of the mark.
    uint64_t mark = (uint64_t)mark_us * SMOOTH;
    if (overload->reasons & 1u << OVERLOAD_TURN)
        mark = mark * 8 / 10;
    overload->smooth_us += lesser(turn->lasted_us, STEP_US) - overload->smooth_us / SMOOTH;
    if (overload->smooth_us > mark)
        overload->long_us += lesser(turn->lasted_us, STEP_US / 8);
    uint32_t own_us = lesser(turn->lasted_us, TURN_MAX);
    overload->backlog_us = turn->full ? overload->backlog_us + own_us : 0;
    if (overload->backlog_us > BACKLOG_US)
        overload->late_us += own_us;
    if (turn->now_us - overload->step_us >= STEP_US) {
        step(overload, turn->now_us - overload->step_us);
        overload->step_us = turn->now_us;
    }
    sum_up(overload);
}

bool overload_refuses(struct overload *overload, uint64_t call_hash, bool listens)
{
    bool refused = overload_would_refuse(overload, call_hash, listens);
    if (!listens && (uint32_t)(call_hash >> 16 & (OVERLOAD_ALL - 1)) < overload->loss)
        return true; // by the loss alone
    overload->asked++;
    overload->hindered += refused;
    return refused;
}
