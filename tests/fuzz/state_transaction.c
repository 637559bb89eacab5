// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of transactions' beginnings, events, kept messages and turns of the clock, against the plain
// model. The whole sequence runs a second time with one of the arena's requests failing. Input: that
// request's number, then four octets an operation.
#include <string.h>

#include "sip_check.h"
#include "state_model.h"

#define CAPACITY  24u // small, so that it is full now and then
#define REGION    ((size_t)8 << 20)
#define KEYS      32u
#define BATCH     8u
#define STALE_MAX 16u

struct handle {
    uint32_t index;
    uint16_t generation;
    uint64_t key;
};

struct subject {
    struct transactions set;
    struct wheel wheel;
    tick_t now;
    bool live[CAPACITY];
    struct plain plain[CAPACITY]; // by index
    uint32_t count;
    struct handle stale[STALE_MAX]; // of client transactions that are gone
    unsigned stale_next;
};

static struct arena arena;

static struct plain *plain_at(struct subject *subject, uint32_t index)
{
    CHECK(index < CAPACITY && subject->live[index]);
    return &subject->plain[index];
}

static void check_one(const struct subject *subject, uint32_t index)
{
    const struct transaction *record = &subject->set.records[index];
    const struct plain *plain = &subject->plain[index];
    CHECK(record->state == plain->state && record->kind == plain->kind && record->key == plain->key);
    CHECK(record->kept_length == plain->kept && (plain->kept == 0) == (record->kept == ARENA_NONE));
    bool waits = plain->repeats || plain->ends != PLAIN_NEVER;
    CHECK(wheel_armed(&record->timer) == waits);
    if (record->kept == ARENA_NONE)
        return;
    const uint8_t *octets = arena_at(&arena, record->kept);
    for (uint32_t i = 0; i < plain->kept; i++)
        CHECK(octets[i] == plain->fill);
}

static void check_all(const struct subject *subject)
{
    uint32_t armed = 0;
    uint32_t servers = 0;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        if (!subject->live[i]) {
            CHECK(subject->set.records[i].state == TRANSACTION_FREE);
            continue;
        }
        check_one(subject, i);
        armed += subject->plain[i].repeats || subject->plain[i].ends != PLAIN_NEVER;
        servers += subject->plain[i].kind <= TRANSACTION_SERVER;
    }
    CHECK(subject->set.count == subject->count && subject->wheel.armed == armed);
    CHECK(subject->set.table.count == servers);
}

static void release(struct subject *subject, uint32_t index)
{
    struct plain *plain = plain_at(subject, index);
    if (plain->kind > TRANSACTION_SERVER)
        subject->stale[subject->stale_next++ % STALE_MAX] =
            (struct handle){index, (uint16_t)subject->set.records[index].generation, plain->key};
    transaction_release(&subject->set, index);
    subject->live[index] = false;
    subject->count--;
}

static void step(struct subject *subject, uint32_t index, enum transaction_event event)
{
    unsigned actions = transaction_step(&subject->set, index, event, subject->now);
    if (!subject->live[index]) {
        CHECK(actions == 0);
        return;
    }
    CHECK(actions == plain_step(plain_at(subject, index), event, &subject->set.timers, subject->now));
    check_one(subject, index);
    if (actions & TRANSACTION_DO_RELEASE)
        release(subject, index);
}

// Which transaction the list knows for a server's key.
static uint32_t list_find(const struct subject *subject, uint64_t key)
{
    for (uint32_t i = 0; i < CAPACITY; i++)
        if (subject->live[i] && subject->plain[i].kind <= TRANSACTION_SERVER && subject->plain[i].key == key)
            return i;
    return INDEX_NONE;
}

// A request that is known is a repetition.
static void begin(struct subject *subject, enum transaction_kind kind, uint8_t number)
{
    // Keys that share the bucket, and half of them the fingerprint.
    uint64_t key = (uint64_t)(number % KEYS) << 46 | 7;
    uint32_t known = list_find(subject, key);
    CHECK(transaction_find_server(&subject->set, key) == known);
    if (kind <= TRANSACTION_SERVER && known != INDEX_NONE) {
        step(subject, known, TRANSACTION_ON_REQUEST);
        return;
    }
    uint32_t index = transaction_create(&subject->set, kind, key, subject->now);
    CHECK((index == INDEX_NONE) == (subject->count == CAPACITY));
    if (index == INDEX_NONE)
        return;
    CHECK(index < CAPACITY && !subject->live[index]);
    subject->live[index] = true;
    subject->count++;
    plain_begin(&subject->plain[index], kind, &subject->set.timers, subject->now);
    subject->plain[index].key = key;
    check_one(subject, index);
}

static void keep(struct subject *subject, uint32_t index, const uint8_t *octets)
{
    static uint8_t message[4096];
    uint32_t length = 1 + (octets[0] | (unsigned)octets[1] << 8) % sizeof(message);
    if (!subject->live[index])
        return;
    struct plain *plain = plain_at(subject, index);
    uint64_t refused = arena.refused;
    memset(message, octets[1], length);
    int result = transaction_keep(&subject->set, index, message, length);
    CHECK((result == 0) == (arena.refused == refused));
    plain->kept = result == 0 ? length : 0;
    plain->fill = octets[1];
    check_one(subject, index);
}

// Every node that expires was due; afterwards nothing is.
static void turn(struct subject *subject, tick_t ticks, unsigned max)
{
    uint32_t expired[BATCH];
    subject->now += ticks;
    while (subject->wheel.now != subject->now) {
        unsigned count = wheel_advance(&subject->wheel, subject->now, expired, max);
        for (unsigned i = 0; i < count; i++) {
            uint32_t index = WHEEL_INDEX(expired[i]);
            CHECK(WHEEL_CLASS(expired[i]) == WHEEL_CLASS_TRANSACTION);
            enum transaction_event event = transaction_expired(&subject->set, index, subject->now);
            CHECK(event == plain_due(plain_at(subject, index), subject->now));
            CHECK(event != TRANSACTION_EVENTS);
            step(subject, index, event);
        }
    }
    for (uint32_t i = 0; i < CAPACITY; i++)
        CHECK(!subject->live[i] || plain_due(&subject->plain[i], subject->now) == TRANSACTION_EVENTS);
}

static void configure(struct subject *subject, const uint8_t *octets)
{
    static const tick_t t1s[] = {50, 10, 100, 1, 500};
    struct transaction_timers *timers = &subject->set.timers;
    timers->t1 = t1s[octets[0] % 5];
    timers->t2 = timers->t1 << octets[0] % 7;
    timers->t4 = 1 + octets[1] * 4u;
    timers->b = 1 + octets[1] * 40u;
    timers->c = 17000 + octets[0] * 10u;
}

static void find_clients(const struct subject *subject)
{
    for (unsigned i = 0; i < STALE_MAX; i++) {
        const struct handle *stale = &subject->stale[i];
        CHECK(transaction_find_client(&subject->set, stale->index, stale->generation, stale->key) ==
              INDEX_NONE);
    }
    for (uint32_t i = 0; i < CAPACITY; i++) {
        uint16_t generation = (uint16_t)subject->set.records[i].generation;
        bool client = subject->live[i] && subject->plain[i].kind > TRANSACTION_SERVER;
        CHECK(transaction_find_client(&subject->set, i, generation, subject->plain[i].key) ==
              (client ? i : INDEX_NONE));
        CHECK(transaction_find_client(&subject->set, i, generation, subject->plain[i].key ^ 1) == INDEX_NONE);
    }
}

// A client whose answer is wanted sooner, or which is to repeat nothing more.
static void hurry(struct subject *subject, uint32_t index, const uint8_t *octets)
{
    struct plain *plain = plain_at(subject, index);
    if (octets[0] % 2 == 0) {
        tick_t deadline = subject->now + 1 + octets[1];
        transaction_slow_at(&subject->set, index, deadline);
        plain_slow_at(plain, deadline);
    } else {
        transaction_quiet(&subject->set, index, subject->now);
        plain_quiet(plain, &subject->set.timers, subject->now);
    }
    check_one(subject, index);
}

static void operate(struct subject *subject, const uint8_t *octets)
{
    uint32_t index = octets[1] % CAPACITY;
    tick_t ticks = octets[2] | (unsigned)octets[3] << 8;
    switch (octets[0] % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
        begin(subject, (enum transaction_kind)(octets[1] % TRANSACTION_KINDS), octets[2]);
        break;
    case 4:
    case 5:
        keep(subject, index, octets + 2);
        break;
    case 6:
        turn(subject, ticks % 20000, 1 + octets[1] % BATCH);
        break;
    case 7:
    case 8:
        turn(subject, ticks % 200, 1 + octets[1] % BATCH);
        break;
    case 9:
        if (subject->live[index] && subject->plain[index].state != TRANSACTION_TERMINATED) {
            transaction_end_at(&subject->set, index, subject->now + 1 + ticks);
            plain_end_at(&subject->plain[index], subject->now + 1 + ticks);
        }
        break;
    case 12:
        if (subject->live[index] && subject->plain[index].kind > TRANSACTION_SERVER)
            hurry(subject, index, octets + 2);
        break;
    case 10:
        if (octets[2] % 4 == 0 && subject->live[index])
            release(subject, index);
        else
            find_clients(subject);
        break;
    case 11:
        configure(subject, octets + 2);
        break;
    default:
        step(subject, index, (enum transaction_event)(octets[2] % (TRANSACTION_EVENTS + 1)));
        break;
    }
}

static void run(const uint8_t *data, size_t size, int64_t fail_at)
{
    static struct subject subject;
    static _Alignas(64) uint8_t memory[8192];
    arena.fail_at = fail_at;
    memset(&subject, 0, sizeof(subject));
    CHECK(transactions_memory(CAPACITY) <= sizeof(memory));
    subject.now = 0xffff0000u; // the clock runs over
    wheel_init(&subject.wheel, subject.now);
    transactions_init(&subject.set, memory, CAPACITY, &arena, &subject.wheel);
    for (unsigned i = 0; i < STALE_MAX; i++)
        subject.stale[i].index = INDEX_NONE;
    for (size_t at = 0; at + 4 <= size; at += 4)
        operate(&subject, data + at);
    check_all(&subject);
    for (uint32_t i = 0; i < CAPACITY; i++)
        if (subject.live[i])
            release(&subject, i);
    check_all(&subject);
    CHECK(arena.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *region;
    if (size < 1)
        return 0;
    if (region == NULL) {
        region = aligned_alloc((size_t)2 << 20, REGION);
        CHECK(region != NULL && arena_init(&arena, region, REGION) == 0);
    }
    run(data + 1, size - 1, -1);
    run(data + 1, size - 1, data[0]);
    return 0;
}
