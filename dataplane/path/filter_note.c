// SPDX-License-Identifier: BSD-3-Clause
// Of a full set of droppers one that has been silent for a minute makes room, else the one with the fewest
// drops; and new ones come in at FILTER_DROPPERS_RATE at most. So forged sources, each of which has one drop,
// push each other out and nobody who is worth a line of `prefilter top`.
#include "filter_note.h"

#include <string.h>
#include <time.h>
#include "filter.h"
#include "random.h"
#include "verdict.h"
#include "worker_core.h"

#define FILTER_DROPPERS_RATE                                                                                 \
    (PREFILTER_DROPPERS_RATE * (FILTER_DROPPER_SETS * FILTER_DROPPER_WAYS) / PREFILTER_DROPPERS_MAX)
#define SILENT_S 60u

// Of the clock that control has: a worker's own counts from the TSC's start.
static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * BUCKET_NS_PER_S + (uint64_t)now.tv_nsec;
}

// xorshift64*: a sample need not be unguessable, whoever evades it is counted all the same.
static bool is_of_sample(struct worker *worker, struct filter_notes *notes)
{
    uint64_t word = notes->random;
    while (word == 0)
        word = random_word(worker);
    word ^= word >> 12;
    word ^= word << 25;
    word ^= word >> 27;
    notes->random = word;
    return word * 0x2545f4914f6cdd1du >> 32 < ((uint64_t)1 << 32) / PREFILTER_DROP_SAMPLE;
}

static void begin(uint64_t *version)
{
    __atomic_store_n(version, *version + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end(uint64_t *version)
{
    __atomic_store_n(version, *version + 1, __ATOMIC_RELEASE);
}

static bool is_of(const struct filter_dropper *row, const struct prefilter_address *source, uint32_t network)
{
    return row->network == network && memcmp(&row->source, source, sizeof(*source)) == 0;
}

static bool is_before(const struct filter_dropper *row, const struct filter_dropper *other, uint32_t now_s)
{
    bool silent = now_s - row->dropped.seen_s >= SILENT_S;
    if (silent != (now_s - other->dropped.seen_s >= SILENT_S))
        return silent;
    return row->dropped.packets < other->dropped.packets;
}

// The row of a source, or the one that it may have: an empty one has no drops and was never seen.
static struct filter_dropper *find(struct filter_dropper *set, const struct prefilter_address *source,
                                   uint32_t network, uint32_t now_s)
{
    struct filter_dropper *least = set;
    for (unsigned i = 0; i < FILTER_DROPPER_WAYS; i++) {
        if (is_of(&set[i], source, network))
            return &set[i];
        if (is_before(&set[i], least, now_s))
            least = &set[i];
    }
    return least;
}

static void note_dropper(const struct worker *worker, const struct filter_drop *drop,
                         const struct prefilter_address *source, uint64_t now_ns)
{
    struct filter_notes *notes = worker->parts.filter_notes;
    uint32_t now_s = (uint32_t)(now_ns / BUCKET_NS_PER_S);
    uint64_t hash = siphash13(&worker->parts.keys.table, source, sizeof(*source));
    struct filter_dropper *row =
        find(notes->droppers[hash & (FILTER_DROPPER_SETS - 1)], source, drop->network, now_s);
    struct prefilter_dropped dropped = {
        .packets = PREFILTER_DROP_SAMPLE, .reason = drop->reason, .class = drop->class, .seen_s = now_s};
    if (is_of(row, source, drop->network))
        dropped.packets += row->dropped.packets;
    else if (!verdict_note(&notes->droppers_bucket, now_ns, FILTER_DROPPERS_RATE, FILTER_DROPPERS_RATE))
        return;
    begin(&row->version);
    row->source = *source;
    row->network = drop->network;
    row->dropped = dropped;
    end(&row->version);
}

static void note_event(struct filter_notes *notes, const struct filter_drop *drop, uint64_t now_ns,
                       bool dry_run)
{
    uint64_t number = notes->last + 1;
    struct filter_note *slot = &notes->ring[number % FILTER_NOTES];
    struct filter_note note = {.drop = {.time_ns = now_ns,
                                        .source_port = drop->source_port,
                                        .port = drop->port,
                                        .class = drop->class,
                                        .reason = drop->reason,
                                        .dry_run = dry_run},
                               .network = drop->network};
    memcpy(&note.drop.source, drop->source, sizeof(note.drop.source));
    if (drop->payload != NULL)
        memcpy(note.drop.first, drop->payload, RTE_MIN(drop->length, PREFILTER_FIRST_OCTETS));
    __atomic_store_n(&slot->drop.number, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    *slot = note;
    __atomic_store_n(&slot->drop.number, number, __ATOMIC_RELEASE);
    __atomic_store_n(&notes->last, number, __ATOMIC_RELEASE);
}

void filter_note(struct worker *worker, const struct filter_policy *policy, const struct filter_drop *drop)
{
    struct filter_notes *notes = worker->parts.filter_notes;
    struct prefilter_address source;
    if (notes == NULL || !is_of_sample(worker, notes))
        return;
    memcpy(&source, drop->source, sizeof(source));
    if (!ip_is_ipv4(drop->source))
        verdict_source(&source, &policy->settings.source_mask);
    uint64_t now_ns = clock_ns();
    note_dropper(worker, drop, &source, now_ns);
    if (verdict_note(&notes->drops_bucket, now_ns, PREFILTER_DROPS_RATE, PREFILTER_DROPS_BURST))
        note_event(notes, drop, now_ns, policy->settings.dry_run != 0);
}
