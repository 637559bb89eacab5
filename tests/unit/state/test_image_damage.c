// SPDX-License-Identifier: BSD-3-Clause
// What a kill in the middle of a change leaves behind, bits that turned, and files that were cut.
#include "image_file.h"

// The process died between the first store of a change and its end.
static void test_settle_change(void **state)
{
    struct file file;
    struct image image, *images[] = {&image};
    file_begin(&file, &ours);
    make_record(&file, 3);
    assert_int_equal(image_open(&image, file.octets, file.layout.size, &ours), IMAGE_FINE);
    struct dialog whole = image.records[3];
    image.journal->record = whole;
    image.journal->index = 3;
    image.records[3].flags ^= DIALOG_FLAG_ACKED;
    assert_int_equal(image_record(&image, 3), IMAGE_RECORD_DAMAGED);
    image_settle(images, 1);
    assert_memory_equal(&image.records[3], &whole, sizeof(whole));
    assert_int_equal(image.journal->index, INDEX_NONE);
    // A journal that was closed, or is damaged, or leads elsewhere, says nothing.
    image.records[3].flags ^= DIALOG_FLAG_ACKED;
    image_settle(images, 1);
    assert_int_equal(image_record(&image, 3), IMAGE_RECORD_DAMAGED);
    image.journal->index = 3;
    image.journal->record.cseq[0]++;
    image_settle(images, 1);
    assert_int_equal(image_record(&image, 3), IMAGE_RECORD_DAMAGED);
    image.journal->record = (struct dialog){.check = 0};
    image.journal->index = 3;
    image_settle(images, 1);
    assert_int_equal(image_record(&image, 3), IMAGE_RECORD_DAMAGED);
    static const uint32_t elsewhere[] = {CAPACITY, UINT32_MAX - 1, 1u << 31};
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
        image.journal->record = whole;
        image.journal->index = elsewhere[i];
        image_settle(images, 1);
        assert_int_equal(image.journal->index, INDEX_NONE);
        assert_int_equal(image_record(&image, 3), IMAGE_RECORD_DAMAGED);
    }
    file_end(&file);
}

static void take(struct image *newer, uint32_t taken, uint32_t from)
{
    newer->journal->taken = taken;
    newer->journal->taken_from = from;
    newer->journal->taken_image = 7u << 8 | 1u;
}

// The process died between its own commit of a record and the moment when the older file lost it.
static void test_settle_taken(void **state)
{
    struct image_identity next = ours;
    struct file files[2];
    struct image parts[2], *images[] = {&parts[0], &parts[1]};
    struct image *older = &parts[0], *newer = &parts[1];
    next.epoch = 8;
    file_begin(&files[0], &ours);
    file_begin(&files[1], &next);
    for (unsigned i = 0; i < 4; i++)
        make_record(&files[0], i);
    for (unsigned i = 0; i < 2; i++) {
        make_record(&files[1], i);
        assert_int_equal(image_open(&parts[i], files[i].octets, files[i].layout.size, &ours), IMAGE_FINE);
    }
    take(newer, 0, 0);
    image_settle(images, 2);
    assert_int_equal(image_record(older, 0), IMAGE_RECORD_NONE);
    assert_int_equal(image_record(newer, 0), IMAGE_RECORD_FINE);
    assert_int_equal(newer->journal->taken, INDEX_NONE);
    // Not committed here: the older one keeps it.
    newer->records[1].check = 0;
    take(newer, 1, 1);
    image_settle(images, 2);
    assert_int_equal(image_record(older, 1), IMAGE_RECORD_FINE);
    // Not the same dialog, no such record, no such file.
    newer->records[1].check = dialog_record_check(&newer->records[1]);
    take(newer, 1, 2);
    image_settle(images, 2);
    take(newer, 1, CAPACITY);
    image_settle(images, 2);
    take(newer, CAPACITY, 1);
    image_settle(images, 2);
    take(newer, 1, 1);
    newer->journal->taken_image++;
    image_settle(images, 2);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(image_record(older, i), IMAGE_RECORD_FINE);
    // A file that names itself loses nothing.
    take(newer, 1, 1);
    newer->journal->taken_image = 8u << 8 | 1u;
    image_settle(images, 2);
    assert_int_equal(image_record(newer, 1), IMAGE_RECORD_FINE);
    file_end(&files[0]);
    file_end(&files[1]);
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

// Which dialog an octet belongs to, DIALOGS: to none, or to several.
static unsigned owner_of_octet(const struct file *file, size_t at)
{
    size_t records = IMAGE_HEADER + sizeof(struct dialog_journal);
    if (at >= records && at < records + DIALOGS * sizeof(struct dialog))
        return (unsigned)((at - records) / sizeof(struct dialog));
    for (unsigned i = 0; i < DIALOGS; i++) {
        const struct dialog_cold *cold = cold_of(file, i);
        size_t begin = (size_t)((const uint8_t *)cold - file->octets);
        if (at >= begin && at < begin + sizeof(*cold) + cold->length)
            return i;
    }
    return DIALOGS;
}

// Settles and reads a file that may be damaged: what is fine is what it was. Returns the damaged ones.
static unsigned count_damaged(uint8_t *octets, size_t size, unsigned expected)
{
    struct image image, *images[] = {&image};
    unsigned damaged = 0;
    if (image_open(&image, octets, size, &ours) != IMAGE_FINE)
        return DIALOGS;
    image_settle(images, 1);
    for (unsigned i = 0; i < DIALOGS; i++) {
        enum image_record found = image_record(&image, i);
        assert_int_not_equal(found, IMAGE_RECORD_NONE);
        if (found == IMAGE_RECORD_FINE)
            assert_texts(&image, i);
        if (found == IMAGE_RECORD_DAMAGED && expected < DIALOGS)
            assert_int_equal(i, expected);
        damaged += found == IMAGE_RECORD_DAMAGED;
    }
    for (unsigned i = DIALOGS; i < CAPACITY; i++)
        assert_int_not_equal(image_record(&image, i), IMAGE_RECORD_FINE);
    return damaged;
}

// An octet of the file: of a record, of a cold block, of a text that a quarter of the dialogs share, or any.
static size_t choose_octet(struct file *file, unsigned kind, uint64_t *seed)
{
    size_t length = sizeof(struct dialog_journal) + CAPACITY * sizeof(struct dialog);
    const uint8_t *from = file->octets + IMAGE_HEADER;
    if (kind == 1) {
        const struct dialog_cold *cold = cold_of(file, next_random(seed) % DIALOGS);
        from = (const uint8_t *)cold;
        length = sizeof(*cold) + cold->length;
    } else if (kind == 2) {
        char text[TEXT_MAX];
        uint32_t octets = text_of(next_random(seed) % 4, DIALOG_TEXT_CALLEE_ROUTES, text);
        arena_ref ref = intern_get(&file->intern, text, octets);
        intern_put(&file->intern, ref);
        from = arena_at(&file->arena, ref);
        length = offsetof(struct intern_block, octets) + octets;
    } else if (kind == 3) {
        from = file->octets + file->layout.arena_offset;
        length = file->arena.taken;
    }
    return (size_t)(from - file->octets) + next_random(seed) % length;
}

// One bit turns: at most the one dialog is lost to which it belongs, or those whose shared text it is. A bit
// of a cold block is always seen.
static void test_flips(void **state)
{
    struct file file;
    uint64_t seed = 1;
    unsigned shared = 0;
    file_make(&file);
    assert_int_equal(count_damaged(file.octets, file.layout.size, DIALOGS), 0);
    for (unsigned i = 0; i < 2000; i++) {
        size_t at = choose_octet(&file, i % 4, &seed);
        uint8_t flip = (uint8_t)(1u << next_random(&seed) % 8);
        unsigned owner = owner_of_octet(&file, at);
        struct dialog_journal journal = *journal_of(&file);
        file.octets[at] ^= flip;
        unsigned damaged = count_damaged(file.octets, file.layout.size, owner);
        if (i % 4 == 0)
            assert_in_range(damaged, 0, 1);
        if (i % 4 == 1)
            assert_int_equal(damaged, 1);
        shared += damaged == DIALOGS / 4;
        *journal_of(&file) = journal;
        if (at < IMAGE_HEADER || at >= IMAGE_HEADER + sizeof(struct dialog_journal))
            file.octets[at] ^= flip;
    }
    assert_int_equal(count_damaged(file.octets, file.layout.size, DIALOGS), 0);
    // All but those of the count of users.
    assert_in_range(shared, 250, 450);
    file_end(&file);
}

// A block of memory was lost, or the file's end: nothing is read outside of what is left.
static void test_truncations(void **state)
{
    struct file file;
    uint64_t seed = 2;
    file_make(&file);
    for (unsigned i = 0; i < 300; i++) {
        size_t used = file.layout.arena_offset + file.arena.taken;
        size_t size = i < 100 ? next_random(&seed) % used : used - next_random(&seed) % (64u << 10);
        uint8_t *cut = aligned_alloc(64, (size + 63) / 64 * 64);
        assert_non_null(cut);
        memcpy(cut, file.octets, size);
        for (unsigned junk = i % 3; junk > 0 && size > IMAGE_HEADER + 64; junk--) {
            size_t at = IMAGE_HEADER + next_random(&seed) % (size - IMAGE_HEADER - 64);
            for (unsigned k = 0; k < 64; k++)
                cut[at + k] = (uint8_t)next_random(&seed);
        }
        count_damaged(cut, size, DIALOGS);
        free(cut);
    }
    file_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settle_change),
        cmocka_unit_test(test_settle_taken),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
