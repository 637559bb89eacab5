// SPDX-License-Identifier: BSD-3-Clause
// Notes of drops: a worker writes them, control reads them, at the same time.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "../../../control/drop_read.h"
#include "filter_note.h"
#include "worker_core.h"

static struct worker *worker;
static struct filter_notes *notes;
static struct filter_policy policy;

static int setup(void **state)
{
    worker = aligned_alloc(64, (sizeof(*worker) + 63) / 64 * 64);
    notes = aligned_alloc(64, sizeof(*notes));
    assert_true(worker != NULL && notes != NULL);
    memset(worker, 0, sizeof(*worker));
    memset(notes, 0, sizeof(*notes));
    memset(&policy, 0, sizeof(policy));
    memset(&policy.settings.source_mask, 0xff, 8); // the /64
    worker->parts.filter_notes = notes;
    worker->parts.keys = (struct cookie_keys){{{1, 2}}, {{3, 4}}, {{5, 6}}, 7};
    worker->now_us = 5000000000;
    return 0;
}

static int teardown(void **state)
{
    free(worker);
    free(notes);
    return 0;
}

static void drop(const struct ip_address *source, const char *payload, unsigned times)
{
    const struct filter_drop one = {.source = source,
                                    .payload = (const uint8_t *)payload,
                                    .length = payload ? (uint32_t)strlen(payload) : 0,
                                    .source_port = 40000,
                                    .port = 5060,
                                    .class = 7,
                                    .reason = PREFILTER_REASON_PEER_RATE,
                                    .network = 3};
    for (unsigned i = 0; i < times; i++)
        filter_note(worker, &policy, &one);
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static unsigned droppers(struct filter_dropper *most)
{
    struct filter_dropper row;
    unsigned count = 0;
    memset(most, 0, sizeof(*most));
    for (uint32_t set = 0; set < FILTER_DROPPER_SETS; set++)
        for (uint32_t way = 0; way < FILTER_DROPPER_WAYS; way++) {
            if (!drop_notes_dropper(notes, set, way, &row))
                continue;
            count++;
            if (row.dropped.packets > most->dropped.packets)
                *most = row;
        }
    return count;
}

static void each_field(void **state)
{
    static const char *const payloads[] = {"OPTIONS sip:nobody SIP/2.0", "x", "", NULL};
    const struct ip_address source = {{0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
    uint64_t next = 1;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        struct filter_note note;
        char first[PREFILTER_FIRST_OCTETS] = {0};
        uint64_t before = monotonic_ns();
        unsigned seen = 0;
        policy.settings.dry_run = i % 2;
        drop(&source, payloads[i], 1000);
        for (; drop_notes_next(notes, &next, &note); seen++) {
            assert_int_equal(note.drop.number + 1, next);
            assert_in_range(note.drop.time_ns, before, monotonic_ns());
            assert_memory_equal(&note.drop.source, &source, sizeof(source));
            assert_int_equal(note.drop.source_port, 40000);
            assert_int_equal(note.drop.port, 5060);
            assert_int_equal(note.drop.class, 7);
            assert_int_equal(note.drop.reason, PREFILTER_REASON_PEER_RATE);
            assert_int_equal(note.drop.dry_run, i % 2);
            assert_int_equal(note.network, 3);
            strncpy(first, payloads[i] ? payloads[i] : "", sizeof(first));
            assert_memory_equal(note.drop.first, first, sizeof(first));
        }
        assert_in_range(seen, 10, 1000);
        notes->drops_bucket = 0; // full again
    }
}

// One in PREFILTER_DROP_SAMPLE: 8 standard deviations. Of those the burst at once and then the rate; the
// table has them all. An IPv6 source is its prefix.
static void sampled_and_limited(void **state)
{
    struct ip_address source = {{0x20, 1, 0xd, 0xb8}};
    struct filter_dropper most;
    uint64_t begun = monotonic_ns();
    for (unsigned i = 0; i < 160000; i++) {
        source.octets[15] = (uint8_t)i;
        drop(&source, "x", 1);
    }
    assert_int_equal(droppers(&most), 1);
    source.octets[15] = 0;
    assert_memory_equal(&most.source, &source, sizeof(source));
    assert_in_range(most.dropped.packets, 160000 - 12400, 160000 + 12400);
    assert_in_range(most.dropped.seen_s, begun / 1000000000, monotonic_ns() / 1000000000);
    assert_in_range(notes->last, PREFILTER_DROPS_BURST,
                    PREFILTER_DROPS_BURST + (monotonic_ns() - begun) / 10000000 + 1);
}

// A million sources with a drop or so each push out nobody who has many.
static void forged_sources(void **state)
{
    const struct ip_address loud = IP_MAPPED(0xc0000201u);
    struct filter_dropper most;
    drop(&loud, "x", 10000);
    for (uint32_t i = 0; i < 1000000; i++) {
        const struct ip_address source = IP_MAPPED(0x30000000u + i);
        drop(&source, "x", 1);
    }
    assert_in_range(droppers(&most), 100, FILTER_DROPPER_SETS * FILTER_DROPPER_WAYS);
    assert_memory_equal(&most.source, &loud, sizeof(loud));
}

// What has been silent for a minute makes room, however many drops it had.
static void silence_makes_room(void **state)
{
    struct filter_dropper most;
    for (uint32_t i = 0; i < FILTER_DROPPER_SETS * FILTER_DROPPER_WAYS * 8; i++) {
        const struct ip_address source = IP_MAPPED(0x30000000u + i);
        notes->droppers_bucket = 0;
        drop(&source, "x", 100);
    }
    assert_int_equal(droppers(&most), FILTER_DROPPER_SETS * FILTER_DROPPER_WAYS);
    for (uint32_t set = 0; set < FILTER_DROPPER_SETS; set++)
        for (uint32_t way = 0; way < FILTER_DROPPER_WAYS; way++) {
            notes->droppers[set][way].dropped.seen_s -= 60;
            notes->droppers[set][way].dropped.packets = 1000000;
        }
    const struct ip_address late = IP_MAPPED(0xc0000202u);
    drop(&late, "x", 200);
    uint64_t found = 0;
    for (uint32_t set = 0; set < FILTER_DROPPER_SETS; set++)
        for (uint32_t way = 0; way < FILTER_DROPPER_WAYS; way++)
            found += memcmp(&notes->droppers[set][way].source, &late, sizeof(late)) == 0;
    assert_int_equal(found, 1);
}

// Nobody has read for a while: the newest are there, what went is a gap.
static void written_over(void **state)
{
    const struct ip_address source = IP_MAPPED(0xc0000201u);
    struct drop_gap gap = {0};
    struct filter_note note;
    uint64_t next = drop_notes_first(notes);
    assert_int_equal(next, 1);
    drop(&source, "x", 100);
    while (drop_notes_next(notes, &next, &note))
        drop_gap_add(&gap, note.drop.number);
    uint64_t before = gap.seen;
    for (unsigned i = 0; i < 3 * FILTER_NOTES; i++) {
        notes->drops_bucket = 0;
        drop(&source, "x", 16);
    }
    assert_int_equal(drop_notes_first(notes), notes->last - FILTER_NOTES + 1);
    while (drop_notes_next(notes, &next, &note))
        drop_gap_add(&gap, note.drop.number);
    assert_int_equal(gap.seen, before + FILTER_NOTES);
    assert_int_equal(drop_gap_lost(&gap), notes->last - before - FILTER_NOTES);
    assert_int_equal(next, notes->last + 1);
}

// Reordered, as CPUs may bring them: nothing is lost.
static void gaps(void **state)
{
    static const uint64_t numbers[] = {5, 4, 6, 8, 7};
    struct drop_gap gap = {0};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        drop_gap_add(&gap, numbers[i]);
    assert_int_equal(drop_gap_lost(&gap), 0);
    drop_gap_add(&gap, 20);
    assert_in_range(drop_gap_lost(&gap), 10, 11);
}

static atomic_bool enough;

// Notes in which everything says the same number.
static void *write_on(void *argument)
{
    for (uint32_t i = 1; !atomic_load(&enough); i++) {
        const struct ip_address source = IP_MAPPED(i);
        const uint32_t words[4] = {i, i, i, i};
        const struct filter_drop one = {.source = &source,
                                        .payload = (const uint8_t *)words,
                                        .length = sizeof(words),
                                        .reason = PREFILTER_REASON_DENIED};
        notes->drops_bucket = notes->droppers_bucket = 0;
        filter_note(worker, &policy, &one);
    }
    return NULL;
}

static void assert_whole(const struct filter_note *note)
{
    struct ip_address source;
    uint32_t words[4];
    memcpy(&source, &note->drop.source, sizeof(source));
    memcpy(words, note->drop.first, sizeof(words));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(words[i], ip_ipv4(&source));
}

static void read_while_written(void **state)
{
    struct filter_dropper most;
    struct filter_note note;
    uint64_t next = 1, seen = 0;
    pthread_t thread;
    atomic_store(&enough, false);
    assert_int_equal(pthread_create(&thread, NULL, write_on, NULL), 0);
    while (seen < 5000) {
        for (uint64_t before = 0; drop_notes_next(notes, &next, &note); before = note.drop.number, seen++) {
            assert_true(note.drop.number > before);
            assert_whole(&note);
        }
        droppers(&most);
    }
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    while (drop_notes_next(notes, &next, &note))
        assert_whole(&note);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(each_field),         T(sampled_and_limited), T(forged_sources),
                                       T(silence_makes_room), T(written_over),        T(gaps),
                                       T(read_while_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
