// SPDX-License-Identifier: BSD-3-Clause
#include "capturing.h"

#include <stdlib.h>
#include <string.h>

struct capture_file *capturing_file;
struct capture_tails capturing_tails;
static struct capture_place places[WIRE_WORKERS];
struct capture_table capturing_table;

// Workers with rings, and no capture.
void capturing_begin(struct wire *wire)
{
    size_t size = sizeof(*capturing_file) + WIRE_WORKERS * sizeof(struct capture_ring);
    capturing_file = aligned_alloc(64, size);
    assert_non_null(capturing_file);
    memset(capturing_file, 0, size);
    memset(&capturing_tails, 0, sizeof(capturing_tails));
    memset(&capturing_table, 0, sizeof(capturing_table));
    for (unsigned i = 0; i < wire->count; i++) {
        places[i] = (struct capture_place){&capturing_file->rings[i], capturing_file->counts,
                                           &capturing_tails.rings[i].tail};
        wire->workers[i]->parts.captures = &places[i];
        capture_init(wire->workers[i]);
        wire->published.tsc_to_wall_us = WALL_US - wire->workers[i]->us_ahead_of_tsc;
    }
}

void capturing_end(struct wire *wire)
{
    for (unsigned i = 0; i < wire->count; i++) {
        wire->workers[i]->captures = NULL;
        wire->workers[i]->parts.captures = NULL;
    }
    free(capturing_file);
}

struct capture_filter capturing_filter(enum channel_capture_kind kind)
{
    return (struct capture_filter){
        .kind = kind, .messages = UINT64_MAX, .octets = UINT64_MAX, .peer = NUMBER_NONE};
}

// What the agent would publish with this filter in the slot.
void capturing_set(struct wire *wire, unsigned slot, const struct capture_filter *filter)
{
    uint8_t bit = (uint8_t)(1u << slot);
    capturing_table.serial++;
    capturing_table.slots[slot] = *filter;
    capturing_table.slots[slot].serial = capturing_table.serial;
    capturing_table.live |= bit;
    capturing_table.dropped |= filter->only_dropped ? bit : 0;
    capturing_table.call_ids |= filter->kind == CHANNEL_CAPTURE_CALL_ID ? bit : 0;
    capturing_table.peers |= filter->kind == CHANNEL_CAPTURE_PEER ? bit : 0;
    capturing_table.numbers |= filter->kind == CHANNEL_CAPTURE_NUMBER ? bit : 0;
    capturing_file->counts[slot] = (struct capture_count){.serial = capturing_table.serial};
    for (unsigned i = 0; i < wire->count; i++) {
        wire->workers[i]->captures = &capturing_table;
        capture_settings(wire->workers[i]);
    }
}

void capturing_call(struct wire *wire, unsigned slot, const char *call_id)
{
    struct capture_filter filter = capturing_filter(CHANNEL_CAPTURE_CALL_ID);
    filter.call_hash = siphash13(&wire->parts[0].keys.table, call_id, strlen(call_id));
    capturing_set(wire, slot, &filter);
}

void capturing_number(struct wire *wire, unsigned slot, const char *number)
{
    struct capture_filter filter = capturing_filter(CHANNEL_CAPTURE_NUMBER);
    filter.number_length = (uint8_t)strlen(number);
    memcpy(filter.number, number, strlen(number));
    capturing_set(wire, slot, &filter);
}

void capturing_peer(struct wire *wire, unsigned slot, uint16_t peer)
{
    struct capture_filter filter = capturing_filter(CHANNEL_CAPTURE_PEER);
    filter.peer = peer;
    capturing_set(wire, slot, &filter);
}

void capturing_dropped(struct wire *wire, unsigned slot, struct capture_filter filter)
{
    filter.only_dropped = 1;
    capturing_set(wire, slot, &filter);
}

const struct capture_record *capturing_record(unsigned worker)
{
    const struct capture_ring *ring = &capturing_file->rings[worker];
    while (capturing_tails.rings[worker].tail < ring->head) {
        uint32_t at = (uint32_t)(capturing_tails.rings[worker].tail % CAPTURE_RING_OCTETS);
        const struct capture_record *record = (const void *)(ring->octets + at);
        if (record->size != 0 && record->captures != 0)
            return record;
        capturing_tails.rings[worker].tail += record->size != 0 ? record->size : CAPTURE_RING_OCTETS - at;
    }
    return NULL;
}

// The next record is of these captures, and its message contains this text. Returns it.
const struct capture_record *capturing_take(unsigned worker, uint8_t captures, bool sent, const char *text)
{
    static char message[WIRE_TEXT_MAX];
    const struct capture_record *record = capturing_record(worker);
    if (record == NULL)
        fail_msg("no record where \"%s\" was to be", text);
    assert_int_equal(record->size, (sizeof(*record) + record->length + 7u) & ~7u);
    assert_in_range(record->length, 1, sizeof(message) - 1);
    memcpy(message, record + 1, record->length);
    message[record->length] = '\0';
    if (record->captures != captures || (record->flags == CAPTURE_SENT) != sent ||
        strstr(message, text) == NULL)
        fail_msg("captures %u, flags %u where \"%s\" was to be:\n%s", record->captures, record->flags, text,
                 message);
    assert_in_range(record->time_us, WALL_US, UINT64_MAX);
    capturing_tails.rings[worker].tail += record->size;
    return record;
}
