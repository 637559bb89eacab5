// SPDX-License-Identifier: BSD-3-Clause
#include "suspect.h"

#include <string.h>
#include "siphash.h"
#include "worker_core.h"

static struct suspect *find(struct worker *worker, const struct ban_source *source)
{
    uint64_t hash = siphash13(&worker->parts.keys.table, source, sizeof(*source));
    struct suspect *set = worker->suspects.rows[hash & (SUSPECT_SETS - 1)];
    struct suspect *oldest = set;
    for (unsigned i = 0; i < SUSPECT_WAYS; i++) {
        if (ban_source_equal(&set[i].source, source) || set[i].source.length == 0)
            return &set[i];
        if ((int32_t)(set[i].seen - oldest->seen) < 0)
            oldest = &set[i];
    }
    return oldest;
}

// Without room in the ring the count stays, and the next sign tries again.
static bool tell(struct suspects *suspects, const struct ban_source *source, enum ban_rule rule)
{
    uint32_t head = suspects->head;
    if (head - __atomic_load_n(&suspects->tail, __ATOMIC_ACQUIRE) == SUSPECT_VERDICTS)
        return false;
    suspects->ring[head & (SUSPECT_VERDICTS - 1)] = (struct suspect_verdict){*source, (uint32_t)rule};
    __atomic_store_n(&suspects->head, head + 1, __ATOMIC_RELEASE);
    return true;
}

static void note(struct worker *worker, const struct ip_address *address, enum ban_rule rule)
{
    static const enum counter counters[BAN_RULE_COUNT] = {[BAN_RULE_MALFORMED] = COUNTER_SIGN_MALFORMED,
                                                          [BAN_RULE_SCANNER] = COUNTER_SIGN_SCANNER,
                                                          [BAN_RULE_IN_DIALOG] = COUNTER_SIGN_IN_DIALOG};
    const struct snapshot_bans *bans = &worker->rules->settings->bans;
    const struct ban_source source = ban_source(address, worker->rules->settings->prefilter.source_bits);
    if (bans->rules[rule].action == BAN_OFF)
        return;
    count(worker, counters[rule]);
    struct suspect *suspect = find(worker, &source);
    if (!ban_source_equal(&suspect->source, &source) ||
        worker->now - suspect->began > (tick_t)(bans->within_ms / TICK_MS))
        *suspect = (struct suspect){.source = source, .began = worker->now};
    suspect->seen = worker->now;
    suspect->counts[rule] += suspect->counts[rule] < UINT16_MAX;
    if (suspect->counts[rule] >= bans->rules[rule].count && tell(&worker->suspects, &source, rule))
        suspect->counts[rule] = 0;
}

static uint8_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

static bool begins(const uint8_t *text, uint32_t length, const char *word)
{
    uint32_t i = 0;
    while (i < SCANNER_SIZE && word[i] != '\0' && i < length && lower(text[i]) == (uint8_t)word[i])
        i++;
    return i < SCANNER_SIZE && word[i] == '\0';
}

#define AGENT_LOOKED_AT 128u // octets of a User-Agent

static bool is_scanner(const struct worker *worker, const struct message *message)
{
    const struct rules *rules = worker->rules;
    uint8_t index = message_first_header(message, HEADER_USER_AGENT);
    if (index >= message->header_count)
        return false;
    struct span value = message->headers[index].value;
    const uint8_t *text = message_at(message, value);
    uint32_t length = RTE_MIN((uint32_t)value.length, AGENT_LOOKED_AT);
    for (uint32_t word = 0; word < rules->scanner_count; word++) {
        for (uint32_t at = 0; at < length; at++) {
            if (begins(text + at, length - at, rules->scanners[word].word))
                return true;
        }
    }
    return false;
}

static bool is_wanted(const struct snapshot_bans *bans)
{
    for (unsigned rule = 0; rule < BAN_RULE_COUNT; rule++) {
        if (bans->rules[rule].action != BAN_OFF)
            return true;
    }
    return false;
}

// No dialog of ours has a stranger in it, and we have asked it nothing.
static bool is_in_dialog(const struct message *message)
{
    return !message->is_request || message->to_tag.length > 0;
}

void suspect_look(struct worker *worker, const struct work *work)
{
    struct suspects *suspects = &worker->suspects;
    const struct packet *packet = work->packet;
    struct message *message = work->message;
    if (!is_wanted(&worker->rules->settings->bans))
        return;
    if (suspects->tick != worker->now)
        suspects->looks = 0;
    suspects->tick = worker->now;
    if (suspects->looks++ >= SUSPECT_LOOKS_A_TICK)
        return;
    const struct ip_address source = packet->source.address;
    int fault = message_parse(packet->payload, packet->length, message);
    if (message->is_request && fault != MESSAGE_NOT_SIP && is_scanner(worker, message))
        note(worker, &source, BAN_RULE_SCANNER);
    if (fault != MESSAGE_FINE)
        note(worker, &source, BAN_RULE_MALFORMED);
    else if (is_in_dialog(message))
        note(worker, &source, BAN_RULE_IN_DIALOG);
}
