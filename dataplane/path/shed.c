// SPDX-License-Identifier: BSD-3-Clause
// A worker that is behind (overload.h) refuses a share of the new calls: an INVITE outside a dialog that no
// transaction knows is answered 503 without state, before anything is looked up for it. What belongs to a
// call goes on: its other requests, responses, and the repeats of an INVITE that was let in.
//
// The answer needs Via, tags and CSeq, and so does the look for a transaction. early.c has them from a glance
// before the parser, where their lines have the plain shape, and comes here at once; the rest comes parsed.
// The next message is looked at before the last one is answered, so that its line of the transaction table,
// which tells whether an INVITE is a repeat, is on its way meanwhile.
//
// A refusal with its ACK was 5,770 instructions when this was counted: 2,000 the walk over their lines, 600
// keyed hashes, 510 checksums, 380 writing the 503, 330 checking the frames, 150 the two To-tags. It was
// 6,640 before the 503 was written in one go, the sender's last Via known again, and the tag the second word
// of a hash that is made anyway, and 7,780 before that. When the lines were walked over once to steer and
// once more to refuse, it took 574 to 664 ns where it takes 331 to 343 now.
//
// To drop INVITEs instead would be no gain: their callers send each seven times in 32 s (RFC 3261 17.1.1.2),
// and to know which to drop, the same at each repeat and none of a dialog, a worker has to receive it and to
// hash its Call-ID, well over a seventh of a refusal; and the caller, who could have gone elsewhere at once,
// would wait all that time. What costs nothing is what does not come: peers that honour Retry-After or RFC
// 7339. perf/README.md has what a refusal costs beside a call.
#include <rte_mempool.h>
#include <rte_ring.h>
#include "feedback.h"
#include "worker_core.h"

// From the end of CSeq on. RFC 7339 tells shares; a Retry-After would stop all of those who listen.
static void make_lines(const struct snapshot_settings *settings, bool listens, struct refusal_lines *lines)
{
    struct writer writer;
    static_assert(sizeof(lines->octets) >
                      NAME_SIZE +
                          sizeof("\r\nRetry-After: 4294967295\r\nServer: \r\nContent-Length: 0\r\n\r\n"),
                  "");
    writer_init(&writer, lines->octets, sizeof(lines->octets));
    write_text(&writer, "\r\n");
    if (settings->overload.retry_after_s != 0 && !listens) {
        write_text(&writer, "Retry-After: ");
        write_number(&writer, settings->overload.retry_after_s);
        write_text(&writer, "\r\n");
    }
    if (settings->server_header[0] != '\0') {
        write_text(&writer, "Server: ");
        write_text(&writer, (const char *)settings->server_header);
        write_text(&writer, "\r\n");
    }
    write_text(&writer, "Content-Length: 0\r\n\r\n");
    lines->length = writer.used;
}

void shed_settings(struct worker *worker)
{
    const struct snapshot_overload *settings = &worker->rules->settings->overload;
    const struct rte_mempool *pool = worker->parts.pool;
    worker->marks = (struct overload_marks){
        .transactions =
            (uint32_t)((uint64_t)worker->parts.transactions_capacity * settings->transactions / 100),
        .mbufs = (uint32_t)((uint64_t)(pool->size - worker->mbufs_at_rest) * settings->mbufs / 100),
        .turn_us = settings->turn_us};
    for (unsigned listens = 0; listens < 2; listens++)
        make_lines(worker->rules->settings, listens != 0, &worker->refusal_lines[listens]);
}

static bool has_full_inbox(const struct worker *worker)
{
    for (unsigned from = 0; from < worker->parts.count; from++) {
        if (worker->parts.inbox[from] != NULL &&
            rte_ring_count(worker->parts.inbox[from]) > WORKER_RING_SIZE / 2)
            return true;
    }
    return false;
}

static void publish(struct worker *worker)
{
    static const enum counter gauges[OVERLOAD_REASONS] = {[OVERLOAD_TRANSACTIONS] =
                                                              COUNTER_OVERLOADED_TRANSACTIONS,
                                                          [OVERLOAD_MBUFS] = COUNTER_OVERLOADED_MBUFS,
                                                          [OVERLOAD_TURN] = COUNTER_OVERLOADED_TURN,
                                                          [OVERLOAD_QUEUE] = COUNTER_OVERLOADED_QUEUE};
    uint64_t *values = worker->parts.counters->values;
    for (unsigned i = 0; i < OVERLOAD_REASONS; i++)
        __atomic_store_n(&values[gauges[i]], worker->overload.reasons >> i & 1, __ATOMIC_RELAXED);
    __atomic_store_n(&values[COUNTER_OVERLOAD_LOSS], shed_percent(worker), __ATOMIC_RELAXED);
}

void shed_turn(struct worker *worker)
{
    struct overload *overload = &worker->overload;
    struct turn_seen *seen = &worker->seen;
    uint32_t loss = overload->loss, reasons = overload->reasons;
    struct overload_turn turn = {.now_us = worker->now_us};
    if (seen->received > 0) { // it was no idle turn, and no sleep came after it
        turn.lasted_us = (uint32_t)RTE_MIN(worker->now_us - seen->began_us, UINT32_MAX);
        turn.full = seen->full || has_full_inbox(worker);
    }
    overload_level(overload, OVERLOAD_TRANSACTIONS, worker->transactions.count, worker->marks.transactions);
    if (worker->now != seen->tick) { // each core's cache is asked
        uint32_t used = rte_mempool_in_use_count(worker->parts.pool);
        overload_level(overload, OVERLOAD_MBUFS, used - RTE_MIN(used, worker->mbufs_at_rest),
                       worker->marks.mbufs);
        seen->tick = worker->now;
    }
    overload_turn(overload, &turn, worker->marks.turn_us);
    if (overload->loss != loss || overload->reasons != reasons)
        publish(worker);
    *seen = (struct turn_seen){.began_us = worker->now_us, .tick = seen->tick};
}

// RFC 7339 4.1: whole per cent.
uint32_t shed_percent(const struct worker *worker)
{
    return (worker->overload.loss * 100 + OVERLOAD_ALL - 1) / OVERLOAD_ALL;
}

void shed_stage(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (!message->is_request || message->method != METHOD_INVITE || message->to_tag.length > 0)
        return;
    bool listens = feedback_is_heard(worker, work);
    if (!overload_refuses(&worker->overload, work->packet->call_hash, listens))
        return;
    count(worker, COUNTER_OVERLOAD_REFUSED);
    count_word(&worker->parts.peers[work->packet->peer].refused_in_total, 1);
    reply_refusal(worker, work, &worker->refusal_lines[listens]);
}
