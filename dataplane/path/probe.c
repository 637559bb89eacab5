// SPDX-License-Identifier: BSD-3-Clause
#include "probe.h"

#include <string.h>
#include "random.h"
#include "worker_core.h"

#define BUSY_TICKS 10u   // until a probe is tried again whose predecessor still waits
#define SOON_MS    1000u // until one that an ICMP error asks for

static struct counters_member *words_of(const struct worker *worker, uint32_t member)
{
    return &worker->parts.members[member];
}

static bool has_probes(const struct rules *rules, uint32_t member)
{
    if (member >= rules->member_count)
        return false;
    const struct snapshot_member *row = &rules->members[member];
    return (row->flags & SNAPSHOT_PRESENT) && !(row->flags & MEMBER_DISABLED) &&
           rules->peers[row->peer].probe_interval_ms != 0;
}

static void arm(struct worker *worker, uint32_t member, uint32_t after_ms)
{
    tick_t after = after_ms / TICK_MS;
    wheel_arm(&worker->wheel, WHEEL_HANDLE(WHEEL_CLASS_PROBE, member), worker->now + (after > 0 ? after : 1));
}

// From the interval less its jitter to the interval and its jitter.
static uint32_t next_after(struct worker *worker, const struct snapshot_peer *peer)
{
    uint32_t jitter = (uint32_t)((uint64_t)peer->probe_interval_ms * peer->probe_jitter / 100);
    return peer->probe_interval_ms - jitter + random_below(worker, 2 * jitter + 1);
}

static void tell(struct worker *worker, const struct member_transition *transition)
{
    struct member_transitions *ring = &worker->probes.transitions;
    uint32_t head = ring->head;
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == MEMBER_TRANSITIONS) {
        __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
        return;
    }
    ring->ring[head & (MEMBER_TRANSITIONS - 1)] = *transition;
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

static void change(struct worker *worker, uint32_t member, enum member_health to, uint16_t reason)
{
    const struct probe *probe = &worker->probes.members[member];
    struct counters_member *words = words_of(worker, member);
    struct member_transition transition = {
        .at_ms = worker->now_us / 1000,
        .probes = words->probes,
        .address = probe->at.address,
        .port = probe->at.port,
        .member = (uint16_t)member,
        .peer = probe->peer,
        .reason = reason,
        .from = (uint8_t)words->health,
        .to = (uint8_t)to,
        .in_row = probe->good > 0 ? probe->good : probe->bad,
    };
    __atomic_store_n(&words->reason, reason, __ATOMIC_RELAXED);
    if (words->health == to)
        return;
    __atomic_store_n(&words->health_since_ms, transition.at_ms, __ATOMIC_RELAXED);
    __atomic_store_n(&words->health, (uint16_t)to, __ATOMIC_RELAXED);
    tell(worker, &transition);
}

static bool is_on(const struct probe *probe)
{
    return probe->peer != NUMBER_NONE;
}

static bool is_waiting(const struct worker *worker, const struct probe *probe)
{
    if (probe->transaction == INDEX_NONE)
        return false;
    const struct transaction *transaction = &worker->transactions.records[probe->transaction];
    return transaction->state != TRANSACTION_FREE && transaction->generation == probe->generation;
}

static void begin(struct worker *worker, uint32_t member)
{
    const struct rules *rules = worker->rules;
    struct probe *probe = &worker->probes.members[member];
    probe->at = target_of_member(worker, (uint16_t)member);
    probe->peer = rules->members[member].peer;
    arm(worker, member, random_below(worker, rules->peers[probe->peer].probe_interval_ms));
}

static void forget(struct worker *worker, uint32_t member)
{
    struct probe *probe = &worker->probes.members[member];
    wheel_cancel(&worker->wheel, WHEEL_HANDLE(WHEEL_CLASS_PROBE, member));
    if (is_waiting(worker, probe))
        transaction_release(&worker->transactions, probe->transaction);
    probe->transaction = INDEX_NONE;
    probe->good = probe->bad = 0;
    change(worker, member, MEMBER_UNKNOWN, 0);
    probe->peer = NUMBER_NONE;
}

// The member is probed where the configuration has it.
static bool is_current(const struct worker *worker, uint32_t member)
{
    const struct probe *probe = &worker->probes.members[member];
    if (!is_on(probe) || !has_probes(worker->rules, member) ||
        worker->rules->members[member].peer != probe->peer)
        return false;
    const struct snapshot_member *row = &worker->rules->members[member];
    return ip_equal(&probe->at.address, &row->address) && probe->at.port == row->port &&
           listener_is_of(worker->rules, row->peer, probe->at.listener);
}

// What the configuration says about this member. An interval that became shorter counts from now.
static void follow(struct worker *worker, uint32_t member)
{
    const struct probe *probe = &worker->probes.members[member];
    if (is_current(worker, member)) {
        uint32_t interval_ms = worker->rules->peers[probe->peer].probe_interval_ms;
        if ((tick_t)(probe->timer.deadline - worker->now) > 2 * (interval_ms / TICK_MS))
            arm(worker, member, random_below(worker, interval_ms));
        return;
    }
    if (is_on(probe))
        forget(worker, member);
    if (has_probes(worker->rules, member))
        begin(worker, member);
}

void probe_init(struct worker *worker)
{
    struct probes *probes = &worker->probes;
    for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
        probes->members[i] = (struct probe){.transaction = INDEX_NONE, .peer = NUMBER_NONE};
        wheel_node_init(&probes->members[i].timer);
    }
    wheel_class_set(&worker->wheel, WHEEL_CLASS_PROBE, probes->members, sizeof(struct probe),
                    offsetof(struct probe, timer));
}

void probe_settings(struct worker *worker)
{
    worker->probes.cursor = worker->parts.id;
}

unsigned probe_slice(struct worker *worker)
{
    struct probes *probes = &worker->probes;
    unsigned n = 0;
    for (; n < PROBES_A_TURN && probes->cursor < MEMBERS_MAX; n++) {
        follow(worker, probes->cursor);
        probes->cursor += worker->parts.count;
    }
    return n;
}

struct request {
    const struct snapshot_peer *peer;
    struct endpoint to;
    char branch[COOKIE_TEXT_MAX];
    char call_id[COOKIE_TEXT_MAX];
    char tag[COOKIE_TEXT_MAX];
};

static void write_place(struct writer *writer, const struct ip_address *address, uint16_t port)
{
    write_ip_host(writer, address);
    if (port == SIP_PORT)
        return;
    write_text(writer, ":");
    write_number(writer, port);
}

// 11.1, 8.1.1. Max-Forwards is the 70 of 8.1.1.6: with less, a member that is a proxy would answer 483, and
// how many hops lie behind it is its own affair.
static void write_options(const struct worker *worker, struct writer *writer, const struct request *request)
{
    const struct rules *rules = worker->rules;
    uint16_t listener = request->to.listener;
    write_text(writer, "OPTIONS sip:");
    write_place(writer, &request->to.address, request->to.port);
    write_text(writer, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
    listener_write(rules, writer, listener);
    write_text(writer, ";branch=");
    write_text(writer, request->branch);
    write_text(writer, "\r\nMax-Forwards: 70\r\nFrom: <");
    if (request->peer->probe_from != 0) {
        write_text(writer, rules_text(rules, request->peer->probe_from));
    } else {
        write_text(writer, "sip:probe@");
        write_place(writer, &rules->listeners[listener].advertised,
                    rules->listeners[listener].advertised_port);
    }
    write_text(writer, ">;tag=");
    write_text(writer, request->tag);
    write_text(writer, "\r\nTo: <sip:");
    write_place(writer, &request->to.address, request->to.port);
    write_text(writer, ">\r\nCall-ID: ");
    write_text(writer, request->call_id);
    write_text(writer, "\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

// Texts of the request, and the key by which its answers find the transaction.
static void make_request(struct worker *worker, uint32_t index, struct request *request)
{
    struct transaction *transaction = transaction_at(&worker->transactions, index);
    const struct cookie_keys *keys = &worker->parts.keys;
    struct cookie_octets call_id = {request->call_id, strlen(request->call_id)};
    struct cookie_branch parts = {
        .worker = (uint8_t)worker->parts.id, .generation = (uint16_t)transaction->generation, .index = index};
    cookie_branch_write(keys, &parts, call_id, request->branch);
    transaction->key = cookie_branch_key(&parts, siphash13(&keys->table, call_id.octets, call_id.length));
    cookie_tag_write(keys, call_id, (struct cookie_octets){"From", 4}, (struct cookie_octets){NULL, 0},
                     request->tag);
}

static void send_probe(struct worker *worker, uint32_t member)
{
    struct probe *probe = &worker->probes.members[member];
    probe->at = target_of_member(worker, (uint16_t)member); // by the way that a call would go now
    struct request request = {.peer = &worker->rules->peers[probe->peer], .to = probe->at};
    if (!random_call_id(worker, request.call_id))
        return;
    uint32_t index = originate_begin(worker, METHOD_OPTIONS, probe->at, INDEX_NONE);
    if (index == INDEX_NONE)
        return;
    struct transaction *transaction = transaction_at(&worker->transactions, index);
    transaction->peer = probe->peer;
    transaction->member = (uint16_t)member;
    uint32_t generation = transaction->generation;
    make_request(worker, index, &request);
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open(worker, &writer);
    if (mbuf == NULL) {
        transaction_release(&worker->transactions, index);
        return;
    }
    write_options(worker, &writer, &request);
    // Sent without room to keep it, its transaction is over: the answer will be nobody's.
    if (!originate_send(worker, index, mbuf, &writer, probe->at) || transaction->generation != generation)
        return;
    probe->transaction = index;
    probe->generation = generation;
    transaction_end_at(&worker->transactions, index,
                       worker->now + (request.peer->probe_timeout_ms + TICK_MS - 1) / TICK_MS);
    count_word(&words_of(worker, member)->probes, 1);
}

bool probe_is_ours(const struct worker *worker, const struct message *message)
{
    return message->cseq_method == METHOD_OPTIONS &&
           cookie_tag_check(&worker->parts.keys, octets_of(message, message->from_tag),
                            octets_of(message, message->call_id), (struct cookie_octets){"From", 4},
                            (struct cookie_octets){NULL, 0});
}

void probe_expired(struct worker *worker, uint32_t member)
{
    const struct probe *probe = &worker->probes.members[member];
    if (!is_current(worker, member)) {
        follow(worker, member); // the slice has not come here yet
        return;
    }
    if (is_waiting(worker, probe)) { // jitter made the distance less than the timeout
        arm(worker, member, BUSY_TICKS * TICK_MS);
        return;
    }
    arm(worker, member, next_after(worker, &worker->rules->peers[probe->peer]));
    send_probe(worker, member);
}

void probe_soon(struct worker *worker, uint32_t member)
{
    if (member >= MEMBERS_MAX || member % worker->parts.count != worker->parts.id ||
        !is_current(worker, member))
        return;
    const struct probe *probe = &worker->probes.members[member];
    if (is_waiting(worker, probe) || (tick_t)(probe->timer.deadline - worker->now) <= SOON_MS / TICK_MS)
        return;
    arm(worker, member, SOON_MS / 2 + random_below(worker, SOON_MS / 2));
    count(worker, COUNTER_PROBE_EARLY);
}

static bool is_good(const struct snapshot_peer *peer, uint16_t status)
{
    if (status / 100 == 2)
        return true;
    for (unsigned i = 0; status != 0 && i < STATUSES_MAX; i++) {
        if (peer->probe_accept[i] == status)
            return true;
    }
    return false;
}

static void judge(struct worker *worker, uint32_t member, uint16_t status)
{
    struct probe *probe = &worker->probes.members[member];
    const struct snapshot_peer *peer = &worker->rules->peers[probe->peer];
    struct counters_member *words = words_of(worker, member);
    if (is_good(peer, status)) {
        probe->bad = 0;
        probe->good += probe->good < UINT8_MAX;
        // What was never down need not come up again.
        if (words->health != MEMBER_DOWN || probe->good >= peer->probe_up_after)
            change(worker, member, MEMBER_UP, 0);
        return;
    }
    probe->good = 0;
    probe->bad += probe->bad < UINT8_MAX;
    __atomic_store_n(&words->probes_failed, words->probes_failed + 1, __ATOMIC_RELAXED);
    if (words->health == MEMBER_DOWN || probe->bad >= peer->probe_down_after)
        change(worker, member, MEMBER_DOWN, status);
}

void probe_ended(struct worker *worker, uint32_t client, uint16_t status)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    if (transaction->method != METHOD_OPTIONS || transaction->member >= MEMBERS_MAX)
        return;
    struct probe *probe = &worker->probes.members[transaction->member];
    if (probe->transaction != client || probe->generation != transaction->generation)
        return;
    probe->transaction = INDEX_NONE;
    if (is_current(worker, transaction->member))
        judge(worker, transaction->member, status);
}
