// SPDX-License-Identifier: BSD-3-Clause
// Notes of drops in memory that another process writes, as control reads them. The first four octets place
// the reader before the head of the ring of a program, the next two say how often what follows is repeated.
// 1. Reading ends, within as many steps as the ring has, and what it gives is in range.
// 2. What stands where it cannot be is passed over: after two reads the reader is at the head.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "drop_read.h"
#include "sip_check.h"

#define LEAD 6u

static uint8_t octets[2 * PREFILTER_DROPS_SIZE] __attribute__((aligned(64)));
static struct filter_notes notes;

static void fill(uint8_t *to, size_t room, const uint8_t *from, size_t size)
{
    memset(to, 0, room);
    for (size_t at = 0; size > 0 && at < room; at += size)
        memcpy(to + at, from, size < room - at ? size : room - at);
}

static void check(const struct prefilter_drop *drop)
{
    CHECK(drop->number > 0 && drop->number <= INT64_MAX && drop->class < PREFILTER_CLASSES);
    CHECK(drop->reason >= PREFILTER_FIRST_DROP && drop->reason < PREFILTER_FIRST_DRY_RUN &&
          drop->dry_run <= 1);
}

static void read_ring(uint64_t consumer, uint64_t producer)
{
    struct drop_ring ring = {
        .consumer = &consumer, .producer = &producer, .octets = octets, .position = consumer};
    struct drop_gap gap = {0};
    struct prefilter_drop drop;
    for (unsigned twice = 0; twice < 2; twice++)
        for (uint32_t steps = 0; drop_ring_next(&ring, &drop); steps++) {
            CHECK(steps <= PREFILTER_DROPS_SIZE / 8);
            check(&drop);
            drop_gap_add(&gap, drop.number);
        }
    CHECK(consumer == ring.position && ring.position == producer);
    CHECK(drop_gap_lost(&gap) <= INT64_MAX);
    drop_ring_close(&ring);
}

static void read_notes(uint64_t next)
{
    struct filter_dropper dropper;
    struct filter_note note;
    uint64_t before = next;
    for (uint32_t steps = 0; drop_notes_next(&notes, &next, &note); steps++) {
        CHECK(steps <= FILTER_NOTES && next > before && note.drop.number == next - 1);
        before = next;
        check(&note.drop);
    }
    CHECK(drop_notes_first(&notes) > 0);
    for (uint32_t i = 0; i < FILTER_DROPPER_SETS * FILTER_DROPPER_WAYS; i++)
        if (drop_notes_dropper(&notes, i / FILTER_DROPPER_WAYS, i % FILTER_DROPPER_WAYS, &dropper))
            CHECK(dropper.dropped.class < PREFILTER_CLASSES &&
                  dropper.dropped.reason < PREFILTER_FIRST_DRY_RUN);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    uint32_t behind;
    uint16_t last;
    if (size < LEAD)
        return 0;
    memcpy(&behind, input, sizeof(behind));
    memcpy(&last, input + sizeof(behind), sizeof(last));
    input += LEAD;
    size -= LEAD;
    fill(octets, PREFILTER_DROPS_SIZE, input, size);
    memcpy(octets + PREFILTER_DROPS_SIZE, octets, PREFILTER_DROPS_SIZE);
    read_ring(((uint64_t)1 << 40) - behind, (uint64_t)1 << 40);
    fill((uint8_t *)&notes, sizeof(notes), input, size);
    read_notes(last);
    notes.last = last; // else it hardly ever is near
    for (uint32_t i = 0; i < FILTER_NOTES && last > 0; i++) {
        struct filter_note *slot = &notes.ring[(last - i) % FILTER_NOTES];
        slot->drop.number = i % 3 && last > i ? last - i : slot->drop.number;
    }
    read_notes(last > FILTER_NOTES ? last - FILTER_NOTES / 2 : 1);
    return 0;
}
