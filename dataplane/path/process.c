// SPDX-License-Identifier: BSD-3-Clause
#include "process.h"

#include <rte_prefetch.h>

// In the order in which they are worked on.
enum process_kind {
    PROCESS_BYE,
    PROCESS_ACK,
    PROCESS_ANSWER_OTHER, // final responses to anything but INVITE
    PROCESS_PROVISIONAL,
    PROCESS_ANSWER, // 2xx to an INVITE
    PROCESS_FAILURE,
    PROCESS_INSIDE, // requests inside dialogs
    PROCESS_OUTSIDE,
    PROCESS_INVITE,
    PROCESS_SETTLED, // by the parser
    PROCESS_LATER,   // in order of arrival
    PROCESS_KINDS
};

#define CALL_BITS 1024u // of the calls of a burst: one in sixty of 32 different ones is taken for another

struct burst {
    struct work works[BURST];
    struct rte_mbuf *done[BURST]; // to be freed
    uint8_t kinds[BURST];
    uint8_t order[BURST];
    uint64_t calls[CALL_BITS / 64];
    unsigned done_count;
};
static_assert(BURST <= UINT8_MAX, "a place in a burst is an octet");

static enum process_kind kind_of_request(const struct message *message)
{
    switch (message->method) {
    case METHOD_BYE:
        return PROCESS_BYE;
    case METHOD_ACK:
        return PROCESS_ACK;
    case METHOD_INVITE:
        return message->to_tag.length == 0 ? PROCESS_INVITE : PROCESS_INSIDE;
    default:
        return message->to_tag.length == 0 ? PROCESS_OUTSIDE : PROCESS_INSIDE;
    }
}

static enum process_kind kind_of_response(const struct message *message)
{
    if (message->status < 200)
        return PROCESS_PROVISIONAL;
    if (message->method != METHOD_INVITE)
        return PROCESS_ANSWER_OTHER;
    return message->status < 300 ? PROCESS_ANSWER : PROCESS_FAILURE;
}

static bool is_first_of_call(struct burst *burst, uint64_t call_hash)
{
    uint64_t *word = &burst->calls[call_hash % CALL_BITS / 64];
    uint64_t bit = UINT64_C(1) << call_hash % 64;
    bool first = (*word & bit) == 0;
    *word |= bit;
    return first;
}

static enum process_kind kind_of(struct burst *burst, const struct work *work)
{
    bool first = is_first_of_call(burst, work->packet->call_hash);
    if (work->outcome != WORK_GOES_ON)
        return PROCESS_SETTLED;
    if (!first)
        return PROCESS_LATER;
    return work->message->is_request ? kind_of_request(work->message) : kind_of_response(work->message);
}

static void parse(struct worker *worker, struct work *work)
{
    worker->received_us = work->packet->received_us;
    if (worker->captures != NULL)
        capture_received(worker, work);
    parse_stage(worker, work);
    if (work->outcome == WORK_GOES_ON && work->message->is_request)
        transaction_prefetch_server(&worker->transactions, work->server_key);
    if (work->outcome == WORK_GOES_ON)
        dialogs_prefetch_begin(&worker->dialogs, work->packet->call_hash);
}

// What the dialogs of a burst touch comes nearer, of all of them side by side. Calls that are refused now
// have none, unless they were let in when less was refused.
static void prefetch_dialogs(const struct worker *worker, const struct burst *burst, unsigned n)
{
    uint64_t hashes[BURST];
    unsigned wanted = 0;
    for (unsigned i = 0; i < n; i++) {
        hashes[wanted] = burst->works[i].packet->call_hash;
        wanted += burst->works[i].outcome == WORK_GOES_ON &&
                  !overload_would_refuse(&worker->overload, hashes[wanted], false);
    }
    dialogs_prefetch(&worker->dialogs, hashes, wanted);
}

static void parse_all(struct worker *worker, struct burst *burst, struct rte_mbuf **mbufs, unsigned n)
{
    rte_prefetch0(packet_of(mbufs[0])->payload);
    for (unsigned i = 0; i < n; i++) {
        struct work *work = &burst->works[i];
        if (i + 1 < n)
            rte_prefetch0(packet_of(mbufs[i + 1])->payload);
        *work = work_of(&worker->messages[i]);
        work->packet = packet_of(mbufs[i]);
        burst->kinds[i] = PROCESS_LATER;
        if (work->packet->ask == ASK_OPEN)
            continue;
        parse(worker, work);
        burst->kinds[i] = kind_of(burst, work);
    }
}

static void sort(struct burst *burst, unsigned n)
{
    uint8_t at[PROCESS_KINDS + 1] = {0};
    for (unsigned i = 0; i < n; i++)
        at[burst->kinds[i] + 1]++;
    for (unsigned kind = 1; kind < PROCESS_KINDS; kind++)
        at[kind] += at[kind - 1];
    for (unsigned i = 0; i < n; i++)
        burst->order[at[burst->kinds[i]]++] = (uint8_t)i;
}

static void go_through_stages(struct worker *worker, struct work *work)
{
    worker->received_us = work->packet->received_us;
    if (work->outcome == WORK_GOES_ON)
        transaction_stage(worker, work);
    if (work->outcome == WORK_GOES_ON && overload_is_behind(&worker->overload))
        shed_stage(worker, work);
    if (work->outcome == WORK_GOES_ON)
        dialog_stage(worker, work);
    if (work->outcome == WORK_GOES_ON)
        route_stage(worker, work);
    if (worker->captures != NULL)
        capture_settled(worker, work);
}

static void process_one(struct worker *worker, struct burst *burst, struct work *work, struct rte_mbuf *mbuf)
{
    if (work->packet->ask == ASK_OPEN) {
        affinity_answer(worker, mbuf);
        return;
    }
    go_through_stages(worker, work);
    if (work->outcome == WORK_ASKS) {
        affinity_ask(worker, mbuf);
    } else if (work->outcome == WORK_HELD) {
        name_hold(worker, mbuf);
    } else {
        count(worker, work->outcome);
        burst->done[burst->done_count++] = mbuf;
    }
}

static void process_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    struct burst burst; // works, kinds and order are written up to n
    burst.done_count = 0;
    memset(burst.calls, 0, sizeof(burst.calls));
    parse_all(worker, &burst, mbufs, n);
    prefetch_dialogs(worker, &burst, n);
    sort(&burst, n);
    for (unsigned i = 0; i < n; i++)
        process_one(worker, &burst, &burst.works[burst.order[i]], mbufs[burst.order[i]]);
    rte_pktmbuf_free_bulk(burst.done, burst.done_count);
}

void process(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    unsigned most = worker->captures == NULL ? BURST : 1;
    for (unsigned i = 0; i < n; i += most)
        process_burst(worker, mbufs + i, RTE_MIN(n - i, most));
}
