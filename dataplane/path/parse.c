// SPDX-License-Identifier: BSD-3-Clause
// The whole message is read once. Strangers are dropped before that: a source that is no peer gets no work
// and no answer.
#include <string.h>
#include "judge.h"
#include "worker_core.h"

// CRLF keepalives of RFC 5626 and the NUL octets that some devices send instead.
static bool is_keepalive(const struct packet *packet)
{
    for (uint32_t i = 0; i < packet->length; i++) {
        uint8_t octet = packet->payload[i];
        if (octet != '\r' && octet != '\n' && octet != '\0')
            return false;
    }
    return true;
}

// The peers' words are by enum sip_method.
static_assert((int)PEER_METHOD_INVITE == METHOD_INVITE && (int)PEER_METHOD_INFO == METHOD_INFO &&
                  (int)PEER_METHOD_OTHER == METHOD_OTHER && (int)PEER_METHOD_COUNT == METHOD_COUNT + 1,
              "one order");
void parse_count(struct worker *worker, const struct packet *packet, const struct message *message)
{
    static const uint8_t by_method[METHOD_COUNT] = {
        [METHOD_ACK] = 1, [METHOD_BYE] = 2, [METHOD_CANCEL] = 3, [METHOD_OPTIONS] = 4};
    static const enum counter counters[] = {COUNTER_MESSAGE_OTHER, COUNTER_MESSAGE_ACK, COUNTER_MESSAGE_BYE,
                                            COUNTER_MESSAGE_CANCEL, COUNTER_MESSAGE_OPTIONS};
    struct counters_peer *peer = &worker->parts.peers[packet->peer];
    if (!message->is_request) {
        count_word(&peer->responses[message->status / 100 - 1], 1); // 100 to 699: it was parsed
        count(worker, message->status < 200   ? COUNTER_MESSAGE_1XX
                      : message->status < 300 ? COUNTER_MESSAGE_2XX
                                              : COUNTER_MESSAGE_FAILURE);
        return;
    }
    bool again = message->method == METHOD_INVITE && message->to_tag.length > 0;
    count_word(&peer->requests[again ? PEER_METHOD_REINVITE : message->method], 1);
    if (message->method == METHOD_INVITE)
        count(worker, again ? COUNTER_MESSAGE_REINVITE : COUNTER_MESSAGE_INVITE);
    else
        count(worker, counters[by_method[message->method]]);
}

bool has_magic_cookie(const struct message *message)
{
    static const char magic[] = "z9hG4bK";
    struct span branch = message->via.branch;
    return branch.length > sizeof(magic) - 1 &&
           memcmp(message_at(message, branch), magic, sizeof(magic) - 1) == 0;
}

#define KEY_PIECES 17u // of a request other than INVITE without the magic cookie

struct key {
    struct siphash_piece pieces[KEY_PIECES];
    unsigned count;
};

static void key_octets(struct key *key, const void *octets, size_t length)
{
    key->pieces[key->count++] = (struct siphash_piece){octets, length};
}

static void key_add(struct key *key, const struct message *message, const struct span *span)
{
    key_octets(key, &span->length, sizeof(span->length)); // no octet may pass from one text to the next
    key_octets(key, message_at(message, *span), span->length);
}

// 17.2.3: topmost branch, sent-by and method name a server transaction; ACK and CANCEL name that of their
// INVITE. Without the magic cookie (RFC 2543) Request-URI, tags, Call-ID and CSeq are asked too. An INVITE's
// To-tag is left out, since the ACK to its refusal has the one of our response: match_ack() compares that.
// The peer is part of it: no other peer can reach into a transaction.
static uint64_t server_key(const struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    const struct via *via = &message->via;
    bool of_invite =
        message->method == METHOD_INVITE || message->method == METHOD_ACK || message->method == METHOD_CANCEL;
    bool has_cookie = has_magic_cookie(message);
    static const struct span nothing = {0, 0};
    const uint16_t numbers[4] = {work->packet->peer, via->port, via->host.length, via->branch.length};
    // What nearly all have: numbers, the host with zeros behind, and the branch.
    uint64_t words[3] = {0, 0, 0};
    memcpy(words, numbers, sizeof(numbers));
    if (of_invite && has_cookie && via->host.length <= 16) {
        memcpy(words + 1, message_at(message, via->host), via->host.length);
        return siphash13_behind(&worker->parts.keys.table, words, message_at(message, via->branch),
                                via->branch.length);
    }
    struct key key = {.count = 0};
    key_octets(&key, numbers, sizeof(numbers));
    key_octets(&key, message_at(message, via->host), via->host.length);
    key_octets(&key, message_at(message, via->branch), via->branch.length);
    if (!has_cookie) {
        key_add(&key, message, &message->request_uri);
        key_add(&key, message, &message->from_tag);
        key_add(&key, message, of_invite ? &nothing : &message->to_tag);
        key_add(&key, message, &message->call_id);
        key_octets(&key, &message->cseq_number, sizeof(message->cseq_number));
    }
    if (!of_invite)
        key_add(&key, message, &message->method_name);
    return siphash13_joined(&worker->parts.keys.table, key.pieces, key.count);
}

// 18.2.2 and RFC 3581: back to the source address; to its port when it asked for that.
static struct endpoint way_back(const struct work *work)
{
    struct endpoint to = work->packet->source;
    const struct via *via = &work->message->via;
    if (!via->has_rport)
        to.port = via->port != 0 ? via->port : SIP_PORT;
    return to;
}

bool parse_source(struct worker *worker, struct work *work)
{
    struct packet *packet = work->packet;
    if (packet->source.listener >=
        worker->rules->listener_count) { // the core that received it had older rules
        settle(work, COUNTER_DROP_NOT_OURS);
        return false;
    }
    packet->peer = source_find(&worker->sources, worker->rules, &packet->source.address);
    if (packet->peer != NUMBER_NONE)
        return true;
    settle(work, COUNTER_DROP_UNKNOWN_SOURCE);
    return false;
}

void parse_request(struct worker *worker, struct work *work)
{
    work->reply_to = way_back(work);
    work->server_key = server_key(worker, work);
}

void parse_stage(struct worker *worker, struct work *work)
{
    struct packet *packet = work->packet;
    if (!parse_source(worker, work)) {
        if (work->outcome == COUNTER_DROP_UNKNOWN_SOURCE && !is_keepalive(packet))
            suspect_look(worker, work);
        return;
    }
    if (is_keepalive(packet)) {
        settle(work, COUNTER_DROP_KEEPALIVE);
        return;
    }
    struct message *message = work->message;
    int fault = message_parse(packet->payload, packet->length, message);
    if (packet->call_id.length == 0 && message->call_id.length != 0)
        steer_know(worker, packet, message->call_id); // steer.c did not look for it
    work->reply_to = way_back(work);
    if (fault != MESSAGE_FINE) {
        struct message_verdict verdict = message_judge(message, fault, &judge_front_end);
        if (verdict.status != 0)
            reply_stateless(worker, work, (struct reply){verdict.status, verdict.reason, NULL});
        else
            settle(work, message->is_request || message->status == 0 ? COUNTER_DROP_MALFORMED_REQUEST
                                                                     : COUNTER_DROP_MALFORMED_RESPONSE);
        return;
    }
    if (packet->ask == ASK_NOT && !packet->is_held) // else it was counted before somebody else was asked
        parse_count(worker, packet, message);
    if (message->is_request)
        work->server_key = server_key(worker, work);
}
