// SPDX-License-Identifier: BSD-3-Clause
// Overload control between neighbours (RFC 7339, the loss-based scheme), with peers that are configured for
// it. As a server we tell in each response what share of new requests its client is to hold back; as a client
// we say that we listen, and hold back what a member tells. Besides, a member's 503 with Retry-After (RFC
// 3261 21.5.4) gives it the rest that it asks for.
//
// Each worker tells its own share and keeps for itself what members tell it: they see the workers as one
// client whose parts follow within a few responses.
#include "feedback.h"
#include <string.h>
#include "retry_after.h"
#include "worker_core.h"

#define VALIDITY_MS     500u   // of what we tell (4.3): it is told again with each response
#define VALIDITY_MAX_MS 60000u // of what is believed
#define SEQUENCE_DIGITS 5u     // behind the point (section 8)

bool feedback_is_on(const struct worker *worker, uint16_t peer)
{
    return peer < worker->rules->peer_count && (worker->rules->peers[peer].flags & PEER_OVERLOAD);
}

// 4.4: a sequence that grows: the time. Without a share to hold back validity is 0 (4.3).
const char *feedback_text(const struct worker *worker, uint16_t peer, char text[FEEDBACK_TEXT_MAX])
{
    if (!feedback_is_on(worker, peer))
        return NULL;
    uint32_t percent = shed_percent(worker);
    uint64_t now_us = worker->now_us + worker->wall_us;
    uint32_t fraction = (uint32_t)(now_us % 1000000 / 10);
    struct writer writer;
    writer_init(&writer, text, FEEDBACK_TEXT_MAX - 1);
    write_text(&writer, "=");
    write_number(&writer, percent);
    write_text(&writer, ";oc-validity=");
    write_number(&writer, percent != 0 ? VALIDITY_MS : 0);
    write_text(&writer, ";oc-seq=");
    write_number(&writer, (uint32_t)(now_us / 1000000));
    write_text(&writer, ".");
    for (uint32_t place = 10000; place > 1 && fraction < place; place /= 10)
        write_text(&writer, "0");
    write_number(&writer, fraction);
    text[writer.used] = '\0';
    return text;
}

void feedback_edit(struct worker *worker, const struct message *message, const struct via *via, uint16_t peer)
{
    char text[FEEDBACK_TEXT_MAX];
    edit_via_overload(&worker->edits, message, via, feedback_text(worker, peer, text));
}

bool feedback_is_heard(const struct worker *worker, const struct work *work)
{
    struct via_parameters parameters;
    return feedback_is_on(worker, work->packet->peer) &&
           via_takes_overload(work->message->octets, &work->message->via, &parameters);
}

// 1*12DIGIT "." 1*5DIGIT, in hundred thousandths; 0: none.
static uint64_t read_sequence(const struct message *message, struct span text)
{
    const uint8_t *at = message_at(message, text);
    uint64_t value = 0;
    uint32_t i = 0, behind = 0;
    for (; i < text.length && i < 12 && at[i] >= '0' && at[i] <= '9'; i++)
        value = value * 10 + (at[i] - '0');
    if (i == 0 || i == text.length || at[i] != '.')
        return 0;
    for (i++; i < text.length && behind < SEQUENCE_DIGITS && at[i] >= '0' && at[i] <= '9'; i++, behind++)
        value = value * 10 + (at[i] - '0');
    if (behind == 0 || i != text.length)
        return 0;
    for (; behind < SEQUENCE_DIGITS; behind++)
        value *= 10;
    return value;
}

// 5.4, 5.5: only values of the one algorithm that we offer, in their order.
static void take_overload(struct worker *worker, const struct message *message, uint16_t member)
{
    struct via_parameters parameters;
    struct member_lately *lately = &worker->lately[member];
    if (via_parameters_read(message->octets, &message->via, &parameters) != 0 || parameters.oc.length == 0)
        return;
    const uint8_t *digits = message_at(message, parameters.oc);
    uint32_t percent = 0;
    for (uint32_t i = 0; i < parameters.oc.length && percent <= 100; i++)
        percent = percent * 10 + (digits[i] - '0'); // a number, or it had not been read
    uint64_t sequence = read_sequence(message, parameters.oc_sequence);
    struct span algorithm = parameters.oc_algorithm;
    static const char loss[] = "loss";
    bool is_loss = algorithm.length == sizeof(loss) - 1 &&
                   memcmp(message_at(message, algorithm), loss, sizeof(loss) - 1) == 0;
    if (percent > 100 || !is_loss || (sequence != 0 && sequence <= lately->sequence))
        return;
    lately->sequence = sequence != 0 ? sequence : lately->sequence;
    if (parameters.oc_validity_ms == 0)
        percent = 0;
    if (percent != 0 && lately->holds_back == 0)
        count(worker, COUNTER_OVERLOAD_HEARD);
    lately->holds_back = (uint8_t)percent;
    lately->holds_until = worker->now + RTE_MIN(parameters.oc_validity_ms, VALIDITY_MAX_MS) / TICK_MS;
}

static void take_retry_after(struct worker *worker, const struct message *message, uint16_t member)
{
    const struct snapshot_peer *peer = &worker->rules->peers[worker->rules->members[member].peer];
    uint8_t field = message_first_header(message, HEADER_RETRY_AFTER);
    struct retry_after retry;
    if (field == MESSAGE_NO_HEADER ||
        retry_after_read(message->octets, message->headers[field].value, &retry) != 0)
        return;
    uint32_t rest_s = RTE_MIN(retry.delay_s, peer->retry_after_max_s);
    if (rest_s == 0)
        return;
    member_rests(&worker->view, member, rest_s * (1000 / TICK_MS));
    count(worker, COUNTER_OVERLOAD_RESTS);
}

void feedback_take(struct worker *worker, const struct work *work, const struct transaction *client)
{
    uint16_t member = client->member;
    if (member >= worker->rules->member_count || !(worker->rules->members[member].flags & SNAPSHOT_PRESENT) ||
        !ip_equal(&work->packet->source.address, &client->remote.address))
        return;
    if (feedback_is_on(worker, worker->rules->members[member].peer))
        take_overload(worker, work->message, member);
    if (work->message->status == 503)
        take_retry_after(worker, work->message, member);
}
