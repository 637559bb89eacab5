// SPDX-License-Identifier: BSD-3-Clause
// Random octets as the file of an earlier process. The input is a header's worth of octets and what follows
// it, laid over a small file whose header, when the first octet says so, is signed, and so are the records
// and cold blocks that the input names: the reader sees what a hostile writer could make.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define CAPACITY  16u
#define ARENA     4096u
#define FILE_SIZE (IMAGE_HEADER + sizeof(struct dialog_journal) + CAPACITY * sizeof(struct dialog) + ARENA)

enum choice { SIGN_HEADER = 1, SIGN_RECORDS = 2, SIGN_COLD = 4, CUT = 8, TWO_FILES = 16 };

static const struct image_identity ours = {.epoch = 3, .worker = 0, .workers = 1, .key = {{1, 2}}};

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size);

static void sign_header(uint8_t *file)
{
    struct image_header *header = (void *)file;
    const struct image_layout layout = {.dialogs_offset = IMAGE_HEADER,
                                        .arena_offset = FILE_SIZE - ARENA,
                                        .arena_octets = ARENA,
                                        .size = FILE_SIZE};
    uint32_t index, taken;
    memcpy(&index, file + IMAGE_HEADER, sizeof(index));
    memcpy(&taken, file + IMAGE_HEADER + offsetof(struct dialog_journal, taken), sizeof(taken));
    image_begin(header, &layout, &ours, CAPACITY);
    memcpy(file + IMAGE_HEADER, &index, sizeof(index));
    memcpy(file + IMAGE_HEADER + offsetof(struct dialog_journal, taken), &taken, sizeof(taken));
}

static void sign_records(uint8_t *file, unsigned choice)
{
    struct dialog_journal *journal = (void *)(file + IMAGE_HEADER);
    struct dialog *records = (void *)(file + IMAGE_HEADER + sizeof(*journal));
    uint8_t *arena = file + FILE_SIZE - ARENA;
    for (unsigned i = 0; i < CAPACITY; i++) {
        size_t at = (size_t)records[i].cold * ARENA_ALIGN;
        struct dialog_cold *cold = (void *)(arena + at);
        if (records[i].check == 0)
            continue;
        if (choice & SIGN_RECORDS)
            records[i].check = dialog_record_check(&records[i]);
        if ((choice & SIGN_COLD) && at + sizeof(*cold) <= ARENA &&
            at + sizeof(*cold) + dialog_cold_octets(cold) <= ARENA)
            cold->check = dialog_cold_check(cold);
    }
    if (choice & SIGN_RECORDS)
        journal->record.check = dialog_record_check(&journal->record);
}

// Reads all that can be read. The caller's copy has exactly the file's size.
static void read_all(struct image *image)
{
    static uint8_t out[TEXT_LENGTH_MAX];
    for (uint32_t i = 0; i < image->header->capacity; i++) {
        if (image_record(image, i) != IMAGE_RECORD_FINE)
            continue;
        (void)dialog_learnt(image_cold(image, i), DIALOG_CALLER);
        (void)dialog_learnt(image_cold(image, i), DIALOG_CALLEE);
        struct text_source texts = image_texts(image, i);
        for (unsigned which = 0; which < DIALOG_TEXT_COUNT; which++) {
            uint32_t length = text_unpack(&texts, which, out, sizeof(out));
            if (length <= sizeof(out) &&
                !text_equal(&texts, which, (struct dialog_string){.octets = out, .length = length}))
                abort();
        }
        image_strike(image, i);
        if (image_record(image, i) != IMAGE_RECORD_NONE)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size)
{
    struct image parts[2], *images[2];
    uint8_t *files[2] = {NULL, NULL};
    unsigned count = 0;
    if (size < 2)
        return 0;
    unsigned choice = octets[0];
    size_t length = choice & CUT ? (size_t)octets[1] * FILE_SIZE / 255 : FILE_SIZE;
    octets += 2;
    size -= 2;
    for (unsigned i = 0; i < (choice & TWO_FILES ? 2u : 1u); i++) {
        uint8_t *whole = calloc(1, FILE_SIZE);
        size_t part = choice & TWO_FILES ? size / 2 : size;
        size_t at = choice & SIGN_HEADER ? IMAGE_HEADER : 0;
        files[i] = malloc(length + 1);
        if (whole == NULL || files[i] == NULL)
            abort();
        memcpy(whole + at, octets + i * part, part < FILE_SIZE - at ? part : FILE_SIZE - at);
        if (choice & SIGN_HEADER)
            sign_header(whole);
        sign_records(whole, choice);
        memcpy(files[i], whole, length);
        free(whole);
        if (image_open(&parts[count], files[i], length, &ours) == IMAGE_FINE) {
            images[count] = &parts[count];
            count++;
        }
    }
    image_settle(images, count);
    for (unsigned i = 0; i < count; i++)
        read_all(images[i]);
    free(files[0]);
    free(files[1]);
    return 0;
}
