// SPDX-License-Identifier: BSD-3-Clause
// Of a worker that is behind most packets are INVITEs that it refuses, and the ACKs to that. Both leave here,
// before the message is read as a whole: what has the plain shape is known from a glance (sip/glance.h), and
// looked at only if its Call-ID is one of those that are refused now. What is refused, and how, is
// shed_stage()'s; whatever is not sure goes on to the parser and comes to the same there.
#include <string.h>
#include "feedback.h"
#include "worker_core.h"

static bool begins_well(const struct packet *packet)
{
    static const char invite[] = "INVITE ", ack[] = "ACK ";
    const uint8_t *at = packet->payload;
    return packet->length >= sizeof(invite) && packet->call_id.length > 0 &&
           (memcmp(at, invite, sizeof(invite) - 1) == 0 || memcmp(at, ack, sizeof(ack) - 1) == 0);
}

// By the MAC in its To-tag. One that a transaction waits for was not refused here.
static void drop_ack(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (!cookie_tag_check(&worker->parts.keys, octets_of(message, message->to_tag),
                          octets_of(message, message->call_id), octets_of(message, message->from_tag),
                          octets_of(message, message->via.branch)))
        return;
    parse_count(worker, work->packet, message);
    settle(work, COUNTER_OUT_ABSORBED);
}

void early_stage(struct worker *worker, struct work *work)
{
    const struct packet *packet = work->packet;
    // One that another worker was asked about was let in.
    if (packet->ask != ASK_NOT || !begins_well(packet) ||
        !overload_would_refuse(&worker->overload, packet->call_hash, false) || !parse_glance(worker, work))
        return;
    if (transaction_find_server(&worker->transactions, work->server_key) != INDEX_NONE)
        return;
    if (work->message->method == METHOD_ACK) {
        drop_ack(worker, work);
        return;
    }
    if (work->message->to_tag.length > 0 ||
        !overload_would_refuse(&worker->overload, packet->call_hash, feedback_is_heard(worker, work)))
        return;
    parse_count(worker, packet, work->message);
    shed_stage(worker, work);
}
