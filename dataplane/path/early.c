// SPDX-License-Identifier: BSD-3-Clause
// Of a worker that is behind most packets are INVITEs that it refuses, and the ACKs to that. Both leave here,
// before the message is read as a whole. An INVITE is known from a glance at the lines that its refusal
// repeats (sip/glance.h), and looked at only if its Call-ID is one of those that are refused now; what is
// refused, and how, is shed_stage()'s. A fault in another line is not seen: 503 answers that as well as 400.
// The ACK is known by the To-tag that only such a refusal has, whatever else it holds: there is no
// transaction that it could be for, and nobody answers an ACK. What is not sure goes on to the parser and
// comes to the same there.
#include <string.h>
#include "feedback.h"
#include "worker_core.h"

#define BEGINS(packet, text)                                                                                 \
    ((packet)->length >= sizeof(text) && memcmp((packet)->payload, text, sizeof(text) - 1) == 0)

// Knows no transaction by it, and marks the message for parse_count().
static bool is_refusals_ack(struct worker *worker, struct work *work)
{
    const struct packet *packet = work->packet;
    struct message *message = work->message;
    struct span tag;
    if (!peek_to_tag(packet->payload, packet->length, packet->call_id, COOKIE_REFUSAL_LENGTH, &tag))
        return false;
    struct cookie_octets text = {packet->payload + tag.offset, tag.length};
    if (!cookie_refusal_check(&worker->parts.keys, text, packet->call_hash) || !parse_source(worker, work))
        return false;
    message->is_request = true;
    message->method = METHOD_ACK;
    return true;
}

// One that another worker was asked about, or that waited for a name, was let in.
static bool is_new(const struct packet *packet)
{
    return packet->ask == ASK_NOT && !packet->is_held && packet->call_id.length != 0;
}

void early_look(struct worker *worker, struct work *work)
{
    const struct packet *packet = work->packet;
    work->is_glanced =
        is_new(packet) && overload_would_refuse(&worker->overload, packet->call_hash, false) &&
        BEGINS(packet, "INVITE ") && parse_glance(worker, work) && work->message->to_tag.length == 0 &&
        overload_would_refuse(&worker->overload, packet->call_hash, feedback_is_heard(worker, work));
    if (work->is_glanced)
        transaction_prefetch_server(&worker->transactions, work->server_key);
}

bool early_leaves(struct worker *worker, struct work *work)
{
    const struct packet *packet = work->packet;
    if (work->is_glanced)
        return transaction_find_server(&worker->transactions, work->server_key) == INDEX_NONE;
    return is_new(packet) && BEGINS(packet, "ACK ") && is_refusals_ack(worker, work);
}

void early_stage(struct worker *worker, struct work *work)
{
    parse_count(worker, work->packet, work->message);
    if (work->message->method == METHOD_ACK)
        settle(work, COUNTER_OUT_ABSORBED);
    else
        shed_stage(worker, work);
}
