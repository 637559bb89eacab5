// SPDX-License-Identifier: BSD-3-Clause
#include "drop_read.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_STEP   8u
#define DROPPER_TRIES 4u

static bool drop_is_sound(const struct prefilter_drop *drop)
{
    return drop->number > 0 && drop->number <= INT64_MAX && drop->reason >= PREFILTER_FIRST_DROP &&
           drop->reason < PREFILTER_FIRST_DRY_RUN && drop->class < PREFILTER_CLASSES && drop->dry_run <= 1;
}

int drop_ring_open(struct drop_ring *ring, int fd)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (consumer == MAP_FAILED)
        return -errno;
    void *rest = mmap(NULL, page + 2 * (size_t)PREFILTER_DROPS_SIZE, PROT_READ, MAP_SHARED, fd, (off_t)page);
    if (rest == MAP_FAILED) {
        int result = -errno;
        munmap(consumer, page);
        return result;
    }
    *ring = (struct drop_ring){.consumer = consumer,
                               .producer = rest,
                               .octets = (const uint8_t *)rest + page,
                               .position = __atomic_load_n((uint64_t *)consumer, __ATOMIC_RELAXED),
                               .page = page};
    return 0;
}

void drop_ring_close(struct drop_ring *ring)
{
    if (ring->page > 0) {
        munmap(ring->consumer, ring->page);
        munmap((void *)(uintptr_t)ring->producer, ring->page + 2 * (size_t)PREFILTER_DROPS_SIZE);
    }
    *ring = (struct drop_ring){.consumer = NULL};
}

// The record at our position, which moves behind it. False: it is not whole yet, or none is there. The
// program holds no record for longer than a packet takes: one that is not whole at two reads is none.
static bool take(struct drop_ring *ring, uint64_t head, struct prefilter_drop *drop, bool *is_ours)
{
    const uint8_t *at = ring->octets + (ring->position & (PREFILTER_DROPS_SIZE - 1));
    uint32_t word = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
    if (word & BPF_RINGBUF_BUSY_BIT) {
        if (ring->is_waiting)
            ring->position = head;
        ring->is_waiting = !ring->is_waiting;
        return false;
    }
    ring->is_waiting = false;
    uint32_t length = word & ~(uint32_t)(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    uint64_t size = (BPF_RINGBUF_HDR_SZ + (uint64_t)length + RECORD_STEP - 1) & ~(uint64_t)(RECORD_STEP - 1);
    if (size > head - ring->position) {
        ring->position = head; // no ring of the program's
        return false;
    }
    *is_ours = length == sizeof(*drop) && !(word & BPF_RINGBUF_DISCARD_BIT);
    if (*is_ours)
        memcpy(drop, at + BPF_RINGBUF_HDR_SZ, sizeof(*drop));
    ring->position += size;
    return true;
}

// Each round moves on by a step at least, and there is no more than the ring has.
bool drop_ring_next(struct drop_ring *ring, struct prefilter_drop *drop)
{
    uint64_t head = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE), from = ring->position;
    bool found = false;
    if (head - ring->position > PREFILTER_DROPS_SIZE || ring->position % RECORD_STEP || head % RECORD_STEP)
        ring->position = head & ~(uint64_t)(RECORD_STEP - 1);
    else
        while (!found && ring->position != head) {
            bool is_ours = false;
            if (!take(ring, head, drop, &is_ours))
                break;
            found = is_ours && drop_is_sound(drop);
        }
    if (ring->position != from)
        __atomic_store_n(ring->consumer, ring->position, __ATOMIC_RELEASE);
    return found;
}

// Word by word, since the worker may be writing there.
static void copy(void *to, const void *from, size_t size)
{
    const uint64_t *words = from;
    for (size_t i = 0; i < size / sizeof(*words); i++) {
        uint64_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
        memcpy((uint8_t *)to + i * sizeof(word), &word, sizeof(word));
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static bool note_at(const struct filter_notes *notes, uint64_t number, struct filter_note *note)
{
    const struct filter_note *slot = &notes->ring[number % FILTER_NOTES];
    if (__atomic_load_n(&slot->drop.number, __ATOMIC_ACQUIRE) != number)
        return false;
    copy(note, slot, sizeof(*note));
    note->drop.number = number;
    return __atomic_load_n(&slot->drop.number, __ATOMIC_RELAXED) == number && drop_is_sound(&note->drop);
}

uint64_t drop_notes_first(const struct filter_notes *notes)
{
    uint64_t last = __atomic_load_n(&notes->last, __ATOMIC_ACQUIRE);
    return last < FILTER_NOTES ? 1 : last - FILTER_NOTES + 1;
}

bool drop_notes_next(const struct filter_notes *notes, uint64_t *next, struct filter_note *note)
{
    uint64_t last = __atomic_load_n(&notes->last, __ATOMIC_ACQUIRE);
    uint64_t first = last < FILTER_NOTES ? 1 : last - FILTER_NOTES + 1;
    if (last > INT64_MAX || *next > last)
        return false;
    for (uint64_t number = *next < first ? first : *next; number <= last; number++) {
        *next = number + 1;
        if (note_at(notes, number, note))
            return true;
    }
    return false;
}

bool drop_notes_dropper(const struct filter_notes *notes, uint32_t set, uint32_t way,
                        struct filter_dropper *dropper)
{
    static const struct prefilter_address none;
    const struct filter_dropper *slot = &notes->droppers[set][way];
    for (unsigned i = 0; i < DROPPER_TRIES; i++) {
        uint64_t version = __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);
        copy(dropper, slot, sizeof(*dropper));
        if (version % 2 == 0 && __atomic_load_n(&slot->version, __ATOMIC_RELAXED) == version)
            return memcmp(&dropper->source, &none, sizeof(none)) != 0 &&
                   dropper->dropped.class < PREFILTER_CLASSES &&
                   dropper->dropped.reason >= PREFILTER_FIRST_DROP &&
                   dropper->dropped.reason < PREFILTER_FIRST_DRY_RUN && dropper->dropped.packets <= INT64_MAX;
    }
    return false;
}

void drop_gap_add(struct drop_gap *gap, uint64_t number)
{
    if (gap->seen++ == 0)
        gap->before = number - 1;
    if (number > gap->highest)
        gap->highest = number;
}

uint64_t drop_gap_lost(const struct drop_gap *gap)
{
    uint64_t span = gap->highest - gap->before; // what came in another order may lie before the first
    return gap->seen > 0 && span > gap->seen ? span - gap->seen : 0;
}
