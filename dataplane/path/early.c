// SPDX-License-Identifier: BSD-3-Clause
// Of a worker that is behind most packets are INVITEs that it refuses, and the ACKs to that. Both leave here,
// before the message is read as a whole, and before it is steered: what finds their Call-ID finds the rest on
// its way. An INVITE is known from a glance at the lines that its refusal repeats (sip/glance.h), and looked
// at only if its Call-ID is one of those that are refused now; what is refused, and how, is shed_stage()'s. A
// fault in another line is not seen: 503 answers that as well as 400. The ACK is known by the To-tag that
// only such a refusal has, whatever else it holds: there is no transaction that it could be for, and nobody
// answers an ACK. What is not sure goes on to the parser and comes to the same there.
//
// What leaves early leaves before the rest: in turns with calls, whose code and tables are many times as
// large, each would find the caches without its own. Messages of one call stay in order: it is refused now,
// and has none but those that leave, or it is not.
#include "feedback.h"
#include "owner.h"
#include "worker_core.h"

// What the packets of a burst share, as they come one after another.
struct early {
    struct work works[2];
    bool leaves[2]; // of an INVITE: unless a transaction has it
};

// Knows no transaction by it, and marks the message for parse_count().
static bool is_refusals_ack(struct worker *worker, struct work *work, struct glance *glance)
{
    const struct packet *packet = work->packet;
    struct message *message = work->message;
    struct span tag;
    if (!glance_to_tag(glance, COOKIE_REFUSAL_LENGTH, &tag))
        return false;
    struct cookie_octets text = {packet->payload + tag.offset, tag.length};
    if (!cookie_refusal_check(&worker->parts.keys, text, work->refusal_mac) || !parse_source(worker, work))
        return false;
    message->is_request = true;
    message->method = METHOD_ACK;
    return true;
}

// 17.2.3: by the magic cookie a server transaction is known by what a glance tells.
static bool is_refused(struct worker *worker, struct work *work, struct glance *glance)
{
    uint64_t call_hash = work->packet->call_hash;
    if (!overload_would_refuse(&worker->overload, call_hash, false) || !parse_source(worker, work) ||
        !glance_rest(glance, &worker->vias[work->packet->peer % KNOWN_VIAS]) ||
        work->message->to_tag.length != 0 || !has_magic_cookie(work->message) ||
        !overload_would_refuse(&worker->overload, call_hash, feedback_is_heard(worker, work)))
        return false;
    parse_request(worker, work);
    transaction_prefetch_server(&worker->transactions, work->server_key);
    return true;
}

static bool look(struct worker *worker, struct rte_mbuf *mbuf, struct work *work)
{
    struct packet *packet = packet_of(mbuf);
    struct glance glance;
    work->packet = packet;
    work->outcome = WORK_GOES_ON;
    // One that another worker was asked about, or that waited for a name, was let in.
    if (packet->ask != ASK_NOT || packet->is_held ||
        !glance_begin(packet->payload, packet->length, work->message, &glance))
        return false;
    packet->call_id = glance.values[HEADER_CALL_ID];
    struct siphash_two hash = siphash13_two(&worker->parts.keys.table,
                                            packet->payload + packet->call_id.offset, packet->call_id.length);
    packet->call_hash = hash.first; // what steer_know() finds
    work->refusal_mac = hash.second;
    if (owner_of(packet->call_hash, worker->parts.count) != worker->parts.id)
        return false;
    return glance.is_ack ? is_refusals_ack(worker, work, &glance) : is_refused(worker, work, &glance);
}

static void leave(struct worker *worker, struct work *work)
{
    worker->received_us = work->packet->received_us;
    if (worker->captures != NULL)
        capture_received(worker, work);
    parse_count(worker, work->packet, work->message);
    if (work->message->method == METHOD_ACK)
        settle(work, COUNTER_OUT_ABSORBED);
    else
        shed_stage(worker, work);
    if (worker->captures != NULL)
        capture_settled(worker, work);
    count(worker, work->outcome);
}

static bool is_known(const struct worker *worker, const struct work *work)
{
    return work->message->method == METHOD_INVITE &&
           transaction_find_server(&worker->transactions, work->server_key) != INDEX_NONE;
}

unsigned early_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    struct early early;
    struct rte_mbuf *left[BURST];
    unsigned kept = 0, gone = 0;
    for (unsigned i = 0; i < 2; i++) {
        early.works[i] = work_of(&worker->messages[i]);
        early.works[i].glanced = true;
    }
    for (unsigned i = 0; i <= n; i++) {
        unsigned last = (i + 1) % 2;
        if (i < n) // before the one before it is done: its line of the table is on its way meanwhile
            early.leaves[i % 2] = look(worker, mbufs[i], &early.works[i % 2]);
        if (i == 0)
            continue;
        if (!early.leaves[last] || is_known(worker, &early.works[last])) {
            mbufs[kept++] = mbufs[i - 1];
            continue;
        }
        leave(worker, &early.works[last]);
        left[gone++] = mbufs[i - 1];
        if (gone == BURST) {
            rte_pktmbuf_free_bulk(left, gone);
            gone = 0;
        }
    }
    rte_pktmbuf_free_bulk(left, gone);
    return kept;
}
