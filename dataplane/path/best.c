// SPDX-License-Identifier: BSD-3-Clause
#include "best.h"
#include <string.h>
#include "affinity.h"

#define CHALLENGES_MAX 1536u // octets that an edit of the response has room for

struct attempts *best_attempts(struct worker *worker, uint32_t server)
{
    arena_ref ref = transaction_at(&worker->transactions, server)->attempts;
    return ref == ARENA_NONE ? NULL : arena_at(&worker->arena, ref);
}

struct attempts *best_begin(struct worker *worker, uint32_t server, uint16_t member)
{
    struct transaction *record = transaction_at(&worker->transactions, server);
    record->attempts = arena_get(&worker->arena, sizeof(struct attempts));
    if (record->attempts == ARENA_NONE)
        return NULL;
    struct attempts *attempts = arena_at(&worker->arena, record->attempts);
    *attempts = (struct attempts){.tried = {member}, .tried_count = 1, .member = NUMBER_NONE};
    return attempts;
}

static bool is_invite(const struct worker *worker, uint32_t server)
{
    return worker->transactions.records[server].kind == TRANSACTION_INVITE_SERVER;
}

static bool is_challenge(uint16_t status)
{
    return status == 401 || status == 407;
}

// Less is better.
static unsigned rank(uint16_t status, bool invite)
{
    static const uint16_t first[] = {401, 407, 415, 420, 484}; // 16.7 step 6
    if (status >= 600)
        return 0;
    if (status == 408 && !invite)
        return UINT32_MAX;
    unsigned within = status == 408 || status == 487 || status == 503 ? 2 : 1;
    for (unsigned i = 0; i < RTE_DIM(first); i++)
        within = status == first[i] ? 0 : within;
    return status / 100u * 10 + within;
}

static bool is_better(const struct attempts *than, const struct branch_end *end, bool invite)
{
    if (than->status == 0)
        return true;
    unsigned before = rank(than->status, invite), now = rank(end->status, invite);
    return now < before || (now == before && end->message != NULL);
}

static uint8_t *octets_behind(struct attempts *attempts)
{
    return (uint8_t *)(attempts + 1);
}

static void write_challenges(struct writer *writer, const struct message *message)
{
    static const enum sip_header headers[] = {HEADER_WWW_AUTHENTICATE, HEADER_PROXY_AUTHENTICATE};
    for (unsigned i = 0; i < RTE_DIM(headers); i++) {
        for (uint8_t field = message_first_header(message, headers[i]); field != MESSAGE_NO_HEADER;
             field = message_next_header(message, field))
            write_span(writer, message, message->headers[field].line); // whole or not at all
    }
}

// All challenges but those of the one that is best from now on, in the scratch room. What loses to a better
// one has none, since only a 3xx or 6xx is better than a challenge, and then they are not wanted.
static uint32_t gather(struct worker *worker, struct attempts *attempts)
{
    struct writer writer;
    writer_init(&writer, worker->scratch, CHALLENGES_MAX);
    write_octets(&writer, octets_behind(attempts) + attempts->length, attempts->challenges);
    if (is_challenge(attempts->status) &&
        message_parse(octets_behind(attempts), attempts->length, &worker->kept) == MESSAGE_FINE)
        write_challenges(&writer, &worker->kept);
    return writer.used;
}

bool best_note(struct worker *worker, uint32_t server, const struct branch_end *end)
{
    struct transaction *record = transaction_at(&worker->transactions, server);
    struct attempts *old = best_attempts(worker, server);
    if (!is_better(old, end, is_invite(worker, server)))
        return false;
    struct attempts head = *old;
    uint32_t challenges = gather(worker, old);
    head.status = end->status;
    head.member = end->member;
    head.length = end->message != NULL ? end->message->length : 0;
    head.challenges = (uint16_t)challenges;
    arena_ref ref = arena_get(&worker->arena, sizeof(head) + head.length + challenges);
    if (ref == ARENA_NONE && end->message == NULL) {
        *old = head;
        old->challenges = 0; // they lie behind the response that was
    }
    if (ref == ARENA_NONE)
        return true;
    struct attempts *made = arena_at(&worker->arena, ref);
    *made = head;
    if (head.length > 0)
        memcpy(octets_behind(made), end->message->octets, head.length);
    memcpy(octets_behind(made) + head.length, worker->scratch, challenges);
    arena_put(&worker->arena, record->attempts);
    record->attempts = ref;
    return true;
}

void best_send_own(struct worker *worker, uint32_t server, uint32_t client, uint16_t status)
{
    uint16_t peer = transaction_at(&worker->transactions, client)->peer;
    bool pass = peer < worker->rules->peer_count && (worker->rules->peers[peer].flags & PEER_503_PASS);
    struct reply reply = {status, NULL, NULL};
    if (status == 408)
        reply.reason = "Request Timeout";
    else if (status == 503 && !pass) // 16.7 step 6
        reply.status = 500;
    reply_for(worker, server, client, reply);
}

void best_send(struct worker *worker, uint32_t server, uint32_t client)
{
    struct attempts *best = best_attempts(worker, server);
    if (best->status == 408 && !is_invite(worker, server)) { // RFC 4320 4.2
        transaction_release(&worker->transactions, server);
        return;
    }
    if (best->length == 0) {
        best_send_own(worker, server, client, best->status);
        return;
    }
    if (message_parse(octets_behind(best), best->length, &worker->kept) != MESSAGE_FINE)
        return; // it was parsed before
    unsigned actions =
        transaction_step(&worker->transactions, server, TRANSACTION_ON_SEND_FAILURE, worker->now);
    if (!(actions & TRANSACTION_DO_SEND))
        return;
    const struct message *message = &worker->kept;
    struct packet packet = {.peer = transaction_at(&worker->transactions, client)->peer,
                            .call_hash =
                                siphash13(&worker->parts.keys.table, message_at(message, message->call_id),
                                          message->call_id.length)};
    const struct transaction *record = transaction_at(&worker->transactions, server);
    struct work work = {.packet = &packet,
                        .message = &worker->kept,
                        .dialog = INDEX_NONE,
                        .client = INDEX_NONE,
                        .to_peer = record->peer};
    transaction_upstream(&work);
    if (is_challenge(best->status) || best->status == 422)
        affinity_challenged(worker, &work, packet.peer, best->member);
    (void)forward_response(worker, &work, record->remote, server);
}

void best_challenges(struct worker *worker, const struct message *message, uint32_t server)
{
    struct attempts *attempts = best_attempts(worker, server);
    if (!is_challenge(message->status) || attempts == NULL || attempts->challenges == 0)
        return;
    // Above the CSeq, which is in every response.
    edit_insert(&worker->edits, message->headers[message->first[HEADER_CSEQ]].line.offset,
                octets_behind(attempts) + attempts->length, attempts->challenges);
}
