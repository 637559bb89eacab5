// SPDX-License-Identifier: BSD-3-Clause
// A file as a process leaves it that died with 300 dialogs, made record by record, as dialog_record.h says.
#ifndef DIALGATE_TEST_STATE_IMAGE_FILE_H
#define DIALGATE_TEST_STATE_IMAGE_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "image.h"

#define DIALOGS  300u
#define CAPACITY 320u
#define ARENA    ((size_t)4 << 20)
#define INTERNED 64u // different texts at most
#define TEXT_MAX 96u

static const struct image_identity ours = {
    .epoch = 7, .worker = 1, .workers = 2, .boot_id = "0123456789abcdef", .key = {{5, 6}}};

struct file {
    struct image_layout layout;
    uint8_t *octets;
    struct arena arena;
    struct intern intern;
    void *intern_memory;
};

static inline uint32_t text_of(unsigned dialog, unsigned which, char text[TEXT_MAX])
{
    switch (which) {
    case DIALOG_TEXT_CALL_ID:
        return (uint32_t)snprintf(text, TEXT_MAX, "%08x-1c2d-4e5f-8899-aabbccddee%02x", dialog * 2654435761u,
                                  dialog % 256);
    case DIALOG_TEXT_CALLER_TAG:
    case DIALOG_TEXT_CALLEE_TAG:
        return (uint32_t)snprintf(text, TEXT_MAX, "%x-Tag.%u", which, dialog);
    case DIALOG_TEXT_CALLER_TARGET:
    case DIALOG_TEXT_CALLEE_TARGET:
        return (uint32_t)snprintf(text, TEXT_MAX, "sip:+4930%u@192.0.2.%u:5060", dialog, dialog % 8);
    case DIALOG_TEXT_CALLEE_ROUTES:
        return (uint32_t)snprintf(text, TEXT_MAX, "<sip:198.51.100.%u;lr>", dialog % 4);
    case DIALOG_TEXT_CALLER_ROUTES:
        return 0;
    default:
        return (uint32_t)snprintf(text, TEXT_MAX, "<sip:+4930%u@carrier-%u.example.net>", dialog, which);
    }
}

static inline arena_ref make_cold(struct file *file, unsigned dialog)
{
    static uint8_t packed[TEXT_PACKED_MAX];
    char octets[DIALOG_TEXT_COUNT][TEXT_MAX];
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = (struct dialog_string){octets[i], text_of(dialog, i, octets[i])};
    uint32_t length = text_pack(&file->intern, texts, DIALOG_TEXT_COUNT, packed);
    assert_int_not_equal(length, 0);
    arena_ref ref = arena_get(&file->arena, sizeof(struct dialog_cold) + length);
    assert_int_not_equal(ref, ARENA_NONE);
    struct dialog_cold *cold = arena_at(&file->arena, ref);
    *cold = (struct dialog_cold){.length = (uint16_t)length, .created = dialog};
    memcpy(cold + 1, packed, length);
    cold->check = dialog_cold_check(cold);
    return ref;
}

static inline struct dialog *records_of(const struct file *file)
{
    return (void *)(file->octets + IMAGE_HEADER + sizeof(struct dialog_journal));
}

static inline struct dialog_journal *journal_of(const struct file *file)
{
    return (void *)(file->octets + IMAGE_HEADER);
}

static inline void make_record(struct file *file, unsigned dialog)
{
    struct dialog *record = &records_of(file)[dialog];
    *record = (struct dialog){.call_hash = dialog * 0x9e3779b97f4a7c15u,
                              .cold = make_cold(file, dialog),
                              .caller_tag_hash = (uint16_t)(dialog + 1),
                              .caller_peer = 1,
                              .callee_peer = 2,
                              .row = DIALOG_ROW_CONFIRMED};
    record->check = dialog_record_check(record);
}

static inline void file_begin(struct file *file, const struct image_identity *identity)
{
    file->layout = image_layout(CAPACITY, ARENA);
    file->octets = aligned_alloc((size_t)2 << 20, file->layout.size);
    file->intern_memory = aligned_alloc(64, intern_memory(INTERNED));
    assert_non_null(file->octets);
    assert_non_null(file->intern_memory);
    memset(file->octets, 0, file->layout.size);
    assert_int_equal(arena_init(&file->arena, file->octets + file->layout.arena_offset, ARENA), 0);
    intern_init(&file->intern, file->intern_memory, INTERNED, &file->arena);
    image_begin(file->octets, &file->layout, identity, CAPACITY);
}

static inline void file_end(struct file *file)
{
    arena_fini(&file->arena);
    free(file->intern_memory);
    free(file->octets);
}

static inline void file_make(struct file *file)
{
    file_begin(file, &ours);
    for (unsigned i = 0; i < DIALOGS; i++)
        make_record(file, i);
}

static inline void assert_texts(const struct image *image, unsigned dialog)
{
    struct text_source source = image_texts(image, dialog);
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++) {
        char wanted[TEXT_MAX], found[TEXT_MAX];
        uint32_t length = text_of(dialog, i, wanted);
        assert_int_equal(text_unpack(&source, i, found, TEXT_MAX), length);
        if (length > 0)
            assert_memory_equal(found, wanted, length);
    }
    assert_int_equal(image_cold(image, dialog)->created, dialog);
}

static inline struct dialog_cold *cold_of(const struct file *file, unsigned dialog)
{
    return arena_at(&file->arena, records_of(file)[dialog].cold);
}

#endif
