// SPDX-License-Identifier: BSD-3-Clause
// Nothing is believed but what a check covers: the header by its own, a record by its own, a cold block by
// its own, interned text by text_check(). Offsets and lengths are compared with the file before they are
// followed, whatever the check says: it has no key.
#include "image.h"

#include <stdatomic.h>
#include <string.h>

#define HUGE_PAGE       ((size_t)2 << 20) // jemalloc's extents begin at multiples of it
#define CAPACITY_MAX    ((1u << 29) - 1)  // what a wheel handle can name
#define KEY_MARK_OCTETS "dialgate dialogs"

static uint64_t key_mark(const struct siphash_key *key)
{
    return siphash24(key, KEY_MARK_OCTETS, sizeof(KEY_MARK_OCTETS) - 1);
}

// It has no secret: it tells a damaged header from a whole one.
static uint64_t header_check(const struct image_header *header)
{
    const struct siphash_key key = {{IMAGE_MAGIC, IMAGE_VERSION}};
    return siphash24(&key, header, offsetof(struct image_header, check));
}

// What a journal calls an older file.
static uint32_t image_name(const struct image_header *header)
{
    return (uint32_t)header->epoch << 8 | header->worker;
}

static size_t records_octets(uint32_t capacity)
{
    return sizeof(struct dialog_journal) + (size_t)capacity * sizeof(struct dialog);
}

struct image_layout image_layout(uint32_t capacity, size_t arena_octets)
{
    struct image_layout layout = {.dialogs_offset = IMAGE_HEADER, .arena_octets = arena_octets};
    layout.arena_offset = (IMAGE_HEADER + records_octets(capacity) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    layout.size = layout.arena_offset + arena_octets;
    return layout;
}

void image_begin(void *file, const struct image_layout *layout, const struct image_identity *identity,
                 uint32_t capacity)
{
    struct image_header header = {
        .magic = IMAGE_MAGIC,
        .version = IMAGE_VERSION,
        .record_octets = sizeof(struct dialog),
        .epoch = identity->epoch,
        .worker = identity->worker,
        .workers = identity->workers,
        .key_mark = key_mark(&identity->key),
        .capacity = capacity,
        .arena_offset = layout->arena_offset,
        .arena_octets = layout->arena_octets,
    };
    memcpy(header.boot_id, identity->boot_id, IMAGE_BOOT_ID);
    header.check = header_check(&header);
    struct dialog_journal *journal = (void *)((uint8_t *)file + layout->dialogs_offset);
    journal->index = INDEX_NONE;
    journal->taken = INDEX_NONE;
    struct image_header *out = file;
    memcpy((uint8_t *)out + sizeof(out->magic), (const uint8_t *)&header + sizeof(header.magic),
           sizeof(header) - sizeof(header.magic));
    atomic_signal_fence(memory_order_seq_cst);
    out->magic = header.magic;
}

const char *image_fault_text(enum image_fault fault)
{
    static const char *const texts[IMAGE_FAULTS] = {
        [IMAGE_FINE] = "whole",
        [IMAGE_UNFINISHED] = "never finished, nothing is in it",
        [IMAGE_DAMAGED] = "its header is damaged",
        [IMAGE_OTHER_VERSION] = "another release's layout",
        [IMAGE_OTHER_BOOT] = "from before the machine was booted",
        [IMAGE_OTHER_KEY] = "made with other keys than those of the state directory",
        [IMAGE_CUT] = "cut off before the end of its records",
    };
    return texts[fault];
}

// Whether the parts lie one after another, each of the size that the header says. A file may end early.
static bool parts_fit(const struct image_header *header)
{
    return header->capacity <= CAPACITY_MAX && header->arena_offset % ARENA_ALIGN == 0 &&
           header->arena_offset >= IMAGE_HEADER + records_octets(header->capacity) &&
           header->arena_octets <= (uint64_t)UINT32_MAX * ARENA_ALIGN;
}

enum image_fault image_open(struct image *image, void *octets, size_t size, const struct image_identity *ours)
{
    const struct image_header *header = octets;
    if (size < sizeof(*header))
        return size == 0 ? IMAGE_UNFINISHED : IMAGE_CUT;
    if (header->magic == 0)
        return IMAGE_UNFINISHED;
    if (header->magic != IMAGE_MAGIC)
        return IMAGE_DAMAGED;
    // Another release may have put its check elsewhere.
    if (header->version != IMAGE_VERSION)
        return IMAGE_OTHER_VERSION;
    if (header->check != header_check(header))
        return IMAGE_DAMAGED;
    if (header->record_octets != sizeof(struct dialog))
        return IMAGE_OTHER_VERSION;
    if (!parts_fit(header))
        return IMAGE_DAMAGED;
    if (memcmp(header->boot_id, ours->boot_id, IMAGE_BOOT_ID) != 0)
        return IMAGE_OTHER_BOOT;
    if (header->key_mark != key_mark(&ours->key))
        return IMAGE_OTHER_KEY;
    if (size < IMAGE_HEADER + records_octets(header->capacity))
        return IMAGE_CUT;
    *image = (struct image){.octets = octets, .size = size, .header = header};
    image->journal = (void *)(image->octets + IMAGE_HEADER);
    image->records = (void *)(image->octets + IMAGE_HEADER + sizeof(struct dialog_journal));
    // Where the arena is cut off, the records whose text was there are damaged, and no others.
    if (size > header->arena_offset) {
        size_t left = size - header->arena_offset;
        image->arena.octets = image->octets + header->arena_offset;
        image->arena.size = left < header->arena_octets ? left : header->arena_octets;
    }
    return IMAGE_FINE;
}

// The record that was being changed gets back what it was. A journal that is damaged itself says nothing.
static void settle_change(struct image *image)
{
    struct dialog_journal *journal = image->journal;
    const struct dialog *before = &journal->record;
    if (journal->index < image->header->capacity && before->check != 0 &&
        before->check == dialog_record_check(before))
        image->records[journal->index] = *before;
    atomic_signal_fence(memory_order_seq_cst);
    journal->index = INDEX_NONE;
}

static bool is_committed(const struct dialog *record)
{
    return record->check != 0 && record->check == dialog_record_check(record);
}

// A record that is committed here was taken over, and perhaps the older image does not know it yet. That the
// two are one dialog is asked of the records, not of the journal.
static void settle_taken(struct image *image, struct image *const *images, unsigned count)
{
    struct dialog_journal *journal = image->journal;
    uint32_t taken = journal->taken, from = journal->taken_from;
    for (unsigned i = 0; i < count && taken < image->header->capacity; i++) {
        struct image *older = images[i];
        if (older == image || image_name(older->header) != journal->taken_image ||
            from >= older->header->capacity)
            continue;
        const struct dialog *here = &image->records[taken], *there = &older->records[from];
        if (is_committed(here) && here->call_hash == there->call_hash &&
            here->caller_tag_hash == there->caller_tag_hash && here->caller_peer == there->caller_peer)
            image_strike(older, from);
    }
    atomic_signal_fence(memory_order_seq_cst);
    journal->taken = INDEX_NONE;
}

void image_settle(struct image *const *images, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        settle_change(images[i]);
    for (unsigned i = 0; i < count; i++)
        settle_taken(images[i], images, count);
}

const struct dialog_cold *image_cold(const struct image *image, uint32_t index)
{
    return (const void *)(image->arena.octets + (size_t)image->records[index].cold * ARENA_ALIGN);
}

struct text_source image_texts(const struct image *image, uint32_t index)
{
    const struct dialog_cold *cold = image_cold(image, index);
    return (struct text_source){
        .region = image->arena, .packed = (const uint8_t *)(cold + 1), .length = cold->length};
}

// Whether the cold block lies in the arena with all that it says it has.
static bool cold_fits(const struct image *image, arena_ref ref)
{
    size_t at = (size_t)ref * ARENA_ALIGN;
    if (ref == ARENA_NONE || at > image->arena.size || image->arena.size - at < sizeof(struct dialog_cold))
        return false;
    const struct dialog_cold *cold = (const void *)(image->arena.octets + at);
    return dialog_shift_count(cold, DIALOG_CALLER) <= DIALOG_SHIFTS_MAX &&
           dialog_shift_count(cold, DIALOG_CALLEE) <= DIALOG_SHIFTS_MAX &&
           dialog_cold_octets(cold) <= image->arena.size - at - sizeof(*cold);
}

enum image_record image_record(const struct image *image, uint32_t index)
{
    const struct dialog *record = &image->records[index];
    if (record->check == 0)
        return IMAGE_RECORD_NONE;
    if (record->check != dialog_record_check(record) || record->row < DIALOG_ROW_NONE ||
        record->row >= DIALOG_ROW_TERMINATED || !cold_fits(image, record->cold))
        return IMAGE_RECORD_DAMAGED;
    const struct dialog_cold *cold = image_cold(image, index);
    if (cold->check == 0 || cold->check != dialog_cold_check(cold))
        return IMAGE_RECORD_DAMAGED;
    struct text_source texts = image_texts(image, index);
    return text_check(&texts, DIALOG_TEXT_COUNT) ? IMAGE_RECORD_FINE : IMAGE_RECORD_DAMAGED;
}

void image_strike(struct image *image, uint32_t index)
{
    image->records[index].check = 0;
}
