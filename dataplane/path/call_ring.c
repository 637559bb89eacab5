// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include "call_ring.h"

static uint32_t measure(struct channel_record *record, const struct call_text *texts)
{
    uint32_t size = sizeof(*record);
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++) {
        bool cut = texts[i].length > CHANNEL_RECORD_TEXT_MAX;
        record->text_lengths[i] = (uint16_t)(cut ? CHANNEL_RECORD_TEXT_MAX : texts[i].length);
        record->flags |= cut ? CHANNEL_RECORD_CUT : 0;
        size += record->text_lengths[i];
    }
    return (size + 7) & ~7u;
}

static void write_texts(uint8_t *out, const struct channel_record *record, const struct call_text *texts)
{
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++) {
        if (record->text_lengths[i] > 0)
            memcpy(out, texts[i].octets, record->text_lengths[i]);
        out += record->text_lengths[i];
    }
    while ((uintptr_t)out % 8 != 0)
        *out++ = 0;
}

bool call_ring_put(struct call_ring *ring, struct channel_record *record, const struct call_text *texts,
                   uint32_t reserve)
{
    static const uint64_t skipped = 0;
    uint64_t head = ring->head;
    uint32_t at = (uint32_t)(head % CALL_RING_OCTETS), left = CALL_RING_OCTETS - at;
    record->size = measure(record, texts);
    uint32_t skip = left < record->size ? left : 0;
    uint64_t used = head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    if (used + skip + record->size + reserve > CALL_RING_OCTETS) {
        __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
        return false;
    }
    if (skip > 0) {
        memcpy(ring->octets + at, &skipped, sizeof(skipped)); // all is in steps of 8
        at = 0;
    }
    // Before head: a kill in between leaves a gap, which is told, and never one number twice.
    __atomic_store_n(&ring->sequence, ring->sequence + 1, __ATOMIC_RELEASE);
    record->sequence = ring->sequence;
    memcpy(ring->octets + at, record, sizeof(*record));
    write_texts(ring->octets + at + sizeof(*record), record, texts);
    __atomic_store_n(&ring->head, head + skip + record->size, __ATOMIC_RELEASE);
    return true;
}
