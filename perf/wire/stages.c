// SPDX-License-Identifier: BSD-3-Clause
// The linker puts what stands here around the stages' functions (--wrap), in a program of its own: the data
// plane has no trace of it. Each call of a stage reads the TSC twice, and time belongs to the innermost
// stage: what tx_send() takes is not route's. What a reading takes is measured at the start and taken off,
// both from the stage and from the one that it was called from. What remains: a processor that does less at
// once, since a reading waits for nothing but delays what is behind it.
#include "stages.h"
#include <string.h>
#include <rte_cycles.h>
#include "worker_core.h"

#define DEPTH   16u
#define PROBES  1000u
#define BATCHES 200u

static const char *const names[STAGES] = {"",
                                          "turn: all else",
                                          "rx",
                                          "screen: frames, sums",
                                          "steer: Call-ID, its hash",
                                          "parse",
                                          "transaction: match",
                                          "dialog: match",
                                          "route",
                                          "dialog: records",
                                          "render",
                                          "tx: headers, sums, next hop",
                                          "tx: bursts",
                                          "timers"};

struct tally {
    uint64_t cycles, calls, children;
};

#define MANY KINDS // no message alone

static struct tally tallies[KINDS + 1][STAGES];
static struct {
    enum stage stack[DEPTH];
    unsigned depth;
    unsigned kind; // enum kind of the message in hand, or MANY
    uint64_t since;
} now;
static double inside_cycles, outside_cycles; // of a probe: in its stage, in the one around it

static inline void enter_of(enum stage stage, unsigned kind)
{
    uint64_t tsc = rte_rdtsc();
    struct tally *around = &tallies[now.kind][now.stack[now.depth]];
    around->cycles += tsc - now.since;
    around->children++;
    now.stack[++now.depth] = stage;
    now.kind = kind;
    now.since = tsc;
}

static inline void enter(enum stage stage)
{
    enter_of(stage, now.kind);
}

static inline void leave(void)
{
    uint64_t tsc = rte_rdtsc();
    struct tally *own = &tallies[now.kind][now.stack[now.depth--]];
    own->cycles += tsc - now.since;
    own->calls++;
    if (now.stack[now.depth] <= STAGE_TURN)
        now.kind = MANY;
    now.since = tsc;
}

static unsigned kind_of(const struct work *work)
{
    static const enum kind requests[METHOD_COUNT] = {[METHOD_INVITE] = KIND_INVITE,
                                                     [METHOD_ACK] = KIND_ACK,
                                                     [METHOD_CANCEL] = KIND_CANCEL,
                                                     [METHOD_BYE] = KIND_BYE};
    const struct message *message = work->message;
    const uint8_t method = message->method;
    if (message->is_request)
        return method == METHOD_INVITE || requests[method] != KIND_INVITE ? requests[method] : KIND_INSIDE;
    if (message->status < 200)
        return message->status == 100 ? KIND_TRYING : KIND_RINGING;
    if (message->status >= 300)
        return KIND_REFUSAL;
    if (method == METHOD_INVITE)
        return KIND_ANSWER;
    return method == METHOD_BYE      ? KIND_BYE_ANSWER
           : method == METHOD_CANCEL ? KIND_CANCEL_ANSWER
                                     : KIND_INSIDE_ANSWER;
}

// The least of many batches: an interrupt is in some of them.
static void measure_probes(void)
{
    inside_cycles = outside_cycles = 1e9;
    now.kind = MANY;
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        memset(&tallies, 0, sizeof(tallies));
        now.since = rte_rdtsc();
        for (unsigned i = 0; i < PROBES; i++) {
            enter(STAGE_TIMERS);
            leave();
        }
        inside_cycles = RTE_MIN(inside_cycles, (double)tallies[MANY][STAGE_TIMERS].cycles / PROBES);
        outside_cycles = RTE_MIN(outside_cycles, (double)tallies[MANY][STAGE_OUTSIDE].cycles / PROBES);
    }
}

void stages_begin(void)
{
    measure_probes();
    memset(&tallies, 0, sizeof(tallies));
    now.kind = MANY;
    now.since = rte_rdtsc();
}

static double cycles_of(const struct tally *tally)
{
    return (double)tally->cycles - inside_cycles * (double)tally->calls -
           outside_cycles * (double)tally->children;
}

bool stages_read(struct stage_times *times)
{
    *times = (struct stage_times){.probe_cycles = inside_cycles + outside_cycles};
    for (unsigned i = STAGE_TURN; i < STAGES; i++) {
        struct stage_time *stage = &times->stages[i];
        stage->name = names[i];
        for (unsigned kind = 0; kind <= MANY; kind++) {
            double cycles = cycles_of(&tallies[kind][i]);
            stage->cycles += cycles;
            stage->calls += tallies[kind][i].calls;
            if (kind != MANY)
                stage->kinds[kind] = cycles;
        }
        times->probes += stage->calls;
    }
    for (unsigned kind = 0; kind < KINDS; kind++)
        times->messages[kind] = tallies[kind][STAGE_PARSE].calls;
    return true;
}

#define WRAP(stage, type, name, parameters, arguments)                                                       \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        enter(stage);                                                                                        \
        type result = __real_##name arguments;                                                               \
        leave();                                                                                             \
        return result;                                                                                       \
    }
#define WRAP_VOID(stage, name, parameters, arguments)                                                        \
    void __real_##name parameters;                                                                           \
    void __wrap_##name parameters;                                                                           \
    void __wrap_##name parameters                                                                            \
    {                                                                                                        \
        enter(stage);                                                                                        \
        __real_##name arguments;                                                                             \
        leave();                                                                                             \
    }
// Of one message, whose kind is known when it is parsed.
#define WRAP_MESSAGE(stage, name)                                                                            \
    void __real_##name(struct worker *worker, struct work *work);                                            \
    void __wrap_##name(struct worker *worker, struct work *work);                                            \
    void __wrap_##name(struct worker *worker, struct work *work)                                             \
    {                                                                                                        \
        enter_of(stage, (stage) == STAGE_PARSE ? MANY : kind_of(work));                                      \
        __real_##name(worker, work);                                                                         \
        now.kind = kind_of(work);                                                                            \
        leave();                                                                                             \
    }
#define MBUFS_OF (struct worker * worker, struct rte_mbuf * *mbufs, unsigned n)
#define MESSAGE  (struct worker * worker, struct work * work)
#define NOTHING  (struct worker * worker)

WRAP(STAGE_TURN, unsigned, worker_turn, NOTHING, (worker))
WRAP(STAGE_RX, unsigned, rx_burst,
     (struct worker * worker, const struct worker_queue *queue, struct rte_mbuf **mbufs),
     (worker, queue, mbufs))
WRAP(STAGE_SCREEN, unsigned, screen_burst, MBUFS_OF, (worker, mbufs, n))
WRAP(STAGE_STEER, unsigned, steer_burst, MBUFS_OF, (worker, mbufs, n))
WRAP(STAGE_STEER, unsigned, steer_inbox, (struct worker * worker, struct rte_mbuf **mbufs), (worker, mbufs))
WRAP_VOID(STAGE_STEER, steer_flush, NOTHING, (worker))
WRAP_MESSAGE(STAGE_PARSE, parse_stage)
WRAP_MESSAGE(STAGE_TRANSACTION, transaction_stage)
WRAP_MESSAGE(STAGE_DIALOG, dialog_stage)
WRAP_MESSAGE(STAGE_ROUTE, route_stage)
WRAP(STAGE_RECORD, uint32_t, dialog_begin,
     (struct worker * worker, const struct work *work, const struct route_target *target, uint32_t server),
     (worker, work, target, server))
WRAP_VOID(STAGE_RECORD, dialog_request, MESSAGE, (worker, work))
WRAP_VOID(STAGE_RECORD, dialog_response, MESSAGE, (worker, work))
WRAP(STAGE_RENDER, uint32_t, forward_render,
     (struct worker * worker, struct work *work, const struct forward *forward, struct rendered *rendered),
     (worker, work, forward, rendered))
WRAP(STAGE_RENDER, uint32_t, forward_response,
     (struct worker * worker, struct work *work, struct endpoint to, uint32_t server),
     (worker, work, to, server))
WRAP(STAGE_TX, uint32_t, tx_send,
     (struct worker * worker, struct rte_mbuf *mbuf, const struct writer *writer, struct endpoint to),
     (worker, mbuf, writer, to))
WRAP_VOID(STAGE_FLUSH, tx_flush, NOTHING, (worker))
WRAP_VOID(STAGE_TIMERS, expire_slice, NOTHING, (worker))
