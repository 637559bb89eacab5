// SPDX-License-Identifier: BSD-3-Clause
#include "name.h"
#include <string.h>
#include "worker_core.h"

#define LABEL_MAX 63u // octets (RFC 1035 2.3.4)

uint64_t name_hash(const struct siphash_key *key, const struct channel_name *name)
{
    return siphash13(key, name, offsetof(struct channel_name, octets) + name->length);
}

static bool same_name(const struct channel_name *one, const struct channel_name *other)
{
    return one->length == other->length && one->service == other->service &&
           memcmp(one->octets, other->octets, one->length) == 0;
}

const struct name_row *name_table_find(const struct name_table *table, const struct channel_name *name,
                                       uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & table->mask;
    // At most half full, so an empty slot ends it.
    for (uint32_t i = 0; i <= table->mask && table->slots[slot] != 0; i++) {
        const struct name_row *row = &table->rows[table->slots[slot] - 1];
        if (row->hash == hash && same_name(&row->name, name))
            return row;
        slot = (slot + 1) & table->mask;
    }
    return NULL;
}

static bool is_letter(char octet)
{
    return octet >= 'a' && octet <= 'z';
}

static bool is_alphanumeric(char octet)
{
    return is_letter(octet) || (octet >= '0' && octet <= '9');
}

// Letters, digits and inner hyphens in each label, and a letter at the beginning of the last one.
static bool is_hostname(const struct channel_name *name)
{
    uint32_t label = 0; // where this one begins
    for (uint32_t i = 0; i <= name->length; i++) {
        char octet = i < name->length ? name->octets[i] : '.';
        if (octet == '.') {
            if (i == label || i - label > LABEL_MAX || !is_alphanumeric(name->octets[label]) ||
                !is_alphanumeric(name->octets[i - 1]))
                return false;
            if (i == name->length)
                return is_letter(name->octets[label]);
            label = i + 1;
        } else if (!is_alphanumeric(octet) && octet != '-') {
            return false;
        }
    }
    return false;
}

bool name_of_host(const uint8_t *octets, struct span host, bool service, struct channel_name *name)
{
    uint32_t length = host.length;
    if (length > 0 && octets[host.offset + length - 1] == '.')
        length--;
    if (length == 0 || length >= CHANNEL_NAME_SIZE)
        return false;
    *name = (struct channel_name){.length = (uint8_t)length, .service = service};
    for (uint32_t i = 0; i < length; i++) {
        uint8_t octet = octets[host.offset + i];
        name->octets[i] = (char)(octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet);
    }
    return is_hostname(name);
}

// One peer's names are not to take the ring from the others.
static bool may_ask(struct worker *worker, uint16_t peer)
{
    struct names *names = &worker->names;
    if (worker->now - names->peers[peer].since >= 1000 / TICK_MS) {
        names->peers[peer].since = worker->now;
        names->peers[peer].asked = 0;
    }
    return names->peers[peer].asked++ < NAME_ASKS_A_SECOND;
}

static void ask(struct worker *worker, uint16_t peer, const struct channel_name *name, uint64_t hash)
{
    struct names *names = &worker->names;
    struct name_asks *asks = &names->asks;
    uint32_t place = (uint32_t)hash & (NAME_ASKED - 1), tag = (uint32_t)(hash >> 32);
    if (names->asked[place].tag == tag && (int32_t)(names->asked[place].until - worker->now) > 0)
        return;
    if (!may_ask(worker, peer)) {
        count(worker, COUNTER_NAME_LIMITED);
        return;
    }
    uint32_t head = asks->head;
    if (head - __atomic_load_n(&asks->tail, __ATOMIC_ACQUIRE) == NAME_ASKS) {
        count(worker, COUNTER_NAME_FULL);
        return;
    }
    asks->ring[head & (NAME_ASKS - 1)] = (struct name_ask){*name, peer};
    __atomic_store_n(&asks->head, head + 1, __ATOMIC_RELEASE);
    names->asked[place].tag = tag;
    names->asked[place].until = worker->now + NAME_ASK_TICKS;
    count(worker, COUNTER_NAME_ASKED);
}

// Of the best rank that has any of the peer's: one by Call-ID, so that all of a dialog goes to the same
// (RFC 3263 4.4).
static bool choose(const struct worker *worker, const struct work *work, const struct name_row *row,
                   struct name_address *chosen)
{
    uint32_t first = 0;
    while (first < row->count) {
        uint32_t end = first + 1;
        while (end < row->count && row->addresses[end].rank == row->addresses[first].rank)
            end++;
        for (uint32_t i = 0; i < end - first; i++) {
            *chosen = row->addresses[first + ((uint32_t)work->packet->call_hash + i) % (end - first)];
            if (rules_peer(worker->rules, &chosen->address) == work->to_peer &&
                listener_reaches(worker->rules, work->to_peer, &chosen->address))
                return true;
        }
        first = end;
    }
    return false;
}

static enum name_end end_of(const struct worker *worker, const struct work *work, const struct name_row *row,
                            struct name_address *chosen)
{
    if (row->result == CHANNEL_NAME_FAILED)
        return NAME_FAILED;
    if (row->result == CHANNEL_NAME_NONE)
        return NAME_UNKNOWN;
    return choose(worker, work, row, chosen) ? NAME_FOUND : NAME_FOREIGN;
}

enum name_end name_find(struct worker *worker, const struct work *work, const struct next_hop_uri *hop,
                        struct endpoint *to)
{
    static const enum counter counters[] = {[NAME_FOUND] = COUNTER_NAME_FOUND,
                                            [NAME_FOREIGN] = COUNTER_NAME_FOREIGN,
                                            [NAME_UNKNOWN] = COUNTER_NAME_UNKNOWN,
                                            [NAME_FAILED] = COUNTER_NAME_FAILED};
    const struct name_table *table = worker->name_table;
    const struct name_row *row = NULL;
    struct channel_name name;
    struct name_address chosen;
    uint64_t now_ms = worker->now_us / 1000, hash = 0;
    // A port in the URI leaves nothing for SRV to say (RFC 3263 4.2).
    bool valid = name_of_host(work->message->octets, hop->host, hop->port == 0, &name);
    if (valid) {
        hash = name_hash(&worker->parts.keys.table, &name);
        row = table != NULL ? name_table_find(table, &name, hash) : NULL;
        if (row == NULL || now_ms >= row->fresh_ms)
            ask(worker, work->packet->peer, &name, hash);
        if (row == NULL || now_ms >= row->until_ms)
            return NAME_OPEN;
    }
    enum name_end end = valid ? end_of(worker, work, row, &chosen) : NAME_UNKNOWN;
    count(worker, counters[end]);
    if (end == NAME_FOUND) {
        to->address = chosen.address;
        to->port = hop->port != 0 ? hop->port : chosen.port != 0 ? chosen.port : SIP_PORT;
    }
    return end;
}

static void drop(struct worker *worker, struct rte_mbuf *mbuf, enum counter outcome)
{
    count(worker, outcome);
    if (worker->captures != NULL && outcome == COUNTER_DROP_NAME_OPEN)
        capture_dropped(worker, packet_of(mbuf), (uint16_t)outcome);
    rte_pktmbuf_free(mbuf);
}

static bool is_held(const struct names *names, const struct packet *packet)
{
    for (uint32_t i = 0; i < names->held_count; i++) {
        const struct packet *other = packet_of(names->held[i]);
        if (other->call_hash == packet->call_hash && other->length == packet->length &&
            endpoint_equal(other->source, packet->source) &&
            memcmp(other->payload, packet->payload, packet->length) == 0)
            return true;
    }
    return false;
}

static bool is_overdue(const struct worker *worker, const struct packet *packet)
{
    return packet->is_held && (int32_t)((uint32_t)worker->now_us - packet->received_us) >= NAME_HOLD_US;
}

void name_hold(struct worker *worker, struct rte_mbuf *mbuf)
{
    struct names *names = &worker->names;
    struct packet *packet = packet_of(mbuf);
    if (!packet->is_held && is_held(names, packet)) {
        drop(worker, mbuf, COUNTER_OUT_ABSORBED); // a repetition
        return;
    }
    if (is_overdue(worker, packet) || names->held_count == NAME_HELD ||
        names->peers[packet->peer].held == NAME_HELD_OF_PEER) {
        drop(worker, mbuf, COUNTER_DROP_NAME_OPEN);
        return;
    }
    if (!packet->is_held) {
        packet->is_held = true;
        count(worker, COUNTER_NAME_HELD);
    }
    names->peers[packet->peer].held++;
    names->held[names->held_count++] = mbuf;
}

// The oldest come first, and all wait equally long.
static void drop_overdue(struct worker *worker)
{
    struct names *names = &worker->names;
    unsigned n = 0;
    while (n < names->held_count && is_overdue(worker, packet_of(names->held[n]))) {
        names->peers[packet_of(names->held[n])->peer].held--;
        drop(worker, names->held[n++], COUNTER_DROP_NAME_OPEN);
    }
    names->held_count -= n;
    for (unsigned i = 0; n > 0 && i < names->held_count; i++)
        names->held[i] = names->held[i + n];
}

unsigned name_release(struct worker *worker, struct rte_mbuf *mbufs[NAME_HELD])
{
    struct names *names = &worker->names;
    uint64_t serial = worker->name_table != NULL ? worker->name_table->serial : 0;
    if (names->held_count == 0)
        return 0;
    if (serial == names->serial) {
        drop_overdue(worker);
        return 0;
    }
    unsigned n = names->held_count;
    for (unsigned i = 0; i < n; i++) {
        mbufs[i] = names->held[i];
        names->peers[packet_of(mbufs[i])->peer].held--;
    }
    names->serial = serial;
    names->held_count = 0;
    return n;
}

void name_drop_held(struct worker *worker)
{
    struct names *names = &worker->names;
    for (unsigned i = 0; i < names->held_count; i++) {
        names->peers[packet_of(names->held[i])->peer].held--;
        drop(worker, names->held[i], COUNTER_DROP_NAME_OPEN);
    }
    names->held_count = 0;
}
