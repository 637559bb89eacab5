// SPDX-License-Identifier: BSD-3-Clause
#include "unreachable.h"

#include <string.h>
#include "failover.h"
#include "ua.h"

void unreachable_ignore(struct unreachables *ring)
{
    __atomic_store_n(&ring->ignored, ring->ignored + 1, __ATOMIC_RELAXED);
}

void unreachable_put(struct unreachables *ring, const struct unreachable *error)
{
    uint32_t head = ring->head;
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == UNREACHABLES) {
        unreachable_ignore(ring);
        return;
    }
    ring->ring[head & (UNREACHABLES - 1)] = *error;
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

void unreachable_narrowed(struct unreachables *ring)
{
    __atomic_store_n(&ring->narrowed, ring->narrowed + 1, __ATOMIC_RELAXED);
}

void unreachable_suspect(struct unreachables *ring, uint16_t member)
{
    const struct unreachable suspicion = {.member = member};
    if (ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) < UNREACHABLES / 2)
        unreachable_put(ring, &suspicion);
}

// The error has no Call-ID, which the transaction's key needs: the request itself is asked.
static bool has_sent(struct worker *worker, const struct transaction *client, const struct unreachable *error)
{
    const struct message *request = &worker->kept;
    return client->kept != ARENA_NONE &&
           message_parse(arena_at(&worker->arena, client->kept), client->kept_length, &worker->kept) ==
               MESSAGE_FINE &&
           request->via.branch.length == sizeof(error->branch) &&
           memcmp(message_at(request, request->via.branch), error->branch, sizeof(error->branch)) == 0;
}

// The client transaction whose request did not arrive and that has heard nothing final yet, INDEX_NONE.
static uint32_t find(struct worker *worker, const struct unreachable *error)
{
    struct cookie_branch hint;
    if (!cookie_branch_hint((struct cookie_octets){error->branch, sizeof(error->branch)}, &hint) ||
        hint.index >= worker->transactions.capacity)
        return INDEX_NONE;
    const struct transaction *client = &worker->transactions.records[hint.index];
    bool is_client = client->kind == TRANSACTION_INVITE_CLIENT || client->kind == TRANSACTION_CLIENT;
    bool waits = client->state == TRANSACTION_TRYING || client->state == TRANSACTION_PROCEEDING;
    return is_client && waits && (uint16_t)client->generation == hint.generation &&
                   ip_equal(&client->remote.address, &error->address) && client->remote.port == error->port &&
                   has_sent(worker, client, error)
               ? hint.index
               : INDEX_NONE;
}

// A request of ours fails as if it had been answered 503 (8.1.3.1). False: nothing has come of it.
static bool fail(struct worker *worker, uint32_t client)
{
    if (!(transaction_at(&worker->transactions, client)->flags & TRANSACTION_FLAG_OURS))
        return failover_unreachable(worker, client);
    probe_ended(worker, client, MEMBER_REASON_UNREACHABLE);
    unsigned actions = transaction_step(&worker->transactions, client, TRANSACTION_ON_TRANSPORT, worker->now);
    if ((actions & TRANSACTION_DO_FAIL) && transaction_at(&worker->transactions, client)->ua)
        ua_answer_none(worker, client, 503);
    else if (actions & TRANSACTION_DO_FAIL)
        response_failed(worker, client);
    if (actions & TRANSACTION_DO_RELEASE)
        transaction_release(&worker->transactions, client);
    return true;
}

static void take(struct worker *worker, const struct unreachable *error)
{
    if (error->member != NUMBER_NONE) {
        probe_soon(worker, error->member);
        return;
    }
    uint32_t client = find(worker, error);
    bool failed = client != INDEX_NONE && fail(worker, client);
    count(worker, failed ? COUNTER_ICMP_FAILED : COUNTER_ICMP_STRAY);
}

unsigned unreachable_slice(struct worker *worker)
{
    struct unreachables *ring = &worker->unreachables;
    uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    uint32_t ignored = __atomic_load_n(&ring->ignored, __ATOMIC_RELAXED);
    uint32_t narrowed = __atomic_load_n(&ring->narrowed, __ATOMIC_RELAXED);
    unsigned n = 0;
    for (; n < UNREACHABLES_A_TURN && ring->tail != head; n++) {
        struct unreachable error = ring->ring[ring->tail & (UNREACHABLES - 1)];
        __atomic_store_n(&ring->tail, ring->tail + 1, __ATOMIC_RELEASE);
        take(worker, &error);
    }
    count_add(worker, COUNTER_ICMP_IGNORED, ignored - ring->counted);
    ring->counted = ignored;
    count_add(worker, COUNTER_ICMP_NARROWED, narrowed - ring->counted_narrowed);
    ring->counted_narrowed = narrowed;
    return n;
}
