// SPDX-License-Identifier: BSD-3-Clause
#include "recording.h"

#include <stdlib.h>
#include <string.h>

struct call_ring *recording_ring;

void recording_begin(struct wire *wire)
{
    recording_ring = aligned_alloc(64, sizeof(*recording_ring));
    assert_non_null(recording_ring);
    memset(recording_ring, 0, sizeof(*recording_ring));
    wire->workers[0]->parts.calls = recording_ring;
    wire->image.header.settings.flags |= SETTINGS_RECORDS;
    wire_reload(wire);
}

void recording_end(void)
{
    assert_int_equal(recording_ring->tail, recording_ring->head); // each was looked at
    free(recording_ring);
}

// The next record.
struct recorded recording_next(void)
{
    struct recorded seen = {0};
    assert_true(recording_ring->tail < recording_ring->head);
    const uint8_t *at = recording_ring->octets + recording_ring->tail % CALL_RING_OCTETS;
    memcpy(&seen.record, at, sizeof(seen.record));
    const char *text = (const char *)at + sizeof(seen.record);
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++) {
        memcpy(seen.texts[i], text, seen.record.text_lengths[i]);
        text += seen.record.text_lengths[i];
    }
    assert_true(text <= (const char *)at + seen.record.size);
    recording_ring->tail += seen.record.size;
    return seen;
}

void recording_expect(const struct recorded *seen, uint16_t status, enum channel_ender ender,
                      enum channel_reason reason)
{
    assert_int_equal(seen->record.status, status);
    assert_int_equal(seen->record.ender, ender);
    assert_int_equal(seen->record.reason, reason);
}

void recording_times(const struct recorded *seen, uint32_t ring_ms, uint32_t answer_ms, uint32_t end_ms)
{
    assert_int_equal(seen->record.ring_ms, ring_ms);
    assert_int_equal(seen->record.answer_ms, answer_ms);
    assert_int_equal(seen->record.end_ms, end_ms);
}
