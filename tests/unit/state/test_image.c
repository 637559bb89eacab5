// SPDX-License-Identifier: BSD-3-Clause
// Which files are read, and which records of them: one fault a row.
#include "image_file.h"

static struct image_header *header_of(const struct file *file)
{
    return (void *)file->octets;
}

// Makes the header whole again after a field of it was changed: what a hostile writer would do.
static void sign(struct file *file)
{
    const struct siphash_key key = {{IMAGE_MAGIC, IMAGE_VERSION}};
    header_of(file)->check = siphash24(&key, file->octets, offsetof(struct image_header, check));
}

static enum image_fault fault_of(const struct file *file, size_t size)
{
    struct image image;
    return image_open(&image, file->octets, size, &ours);
}

static void test_layout(void **state)
{
    static const uint32_t capacities[] = {1, 1024, 32704, 32705, 65536, 16777216};
    for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
        struct image_layout layout = image_layout(capacities[i], ARENA);
        size_t end = IMAGE_HEADER + sizeof(struct dialog_journal) + capacities[i] * sizeof(struct dialog);
        assert_int_equal(layout.dialogs_offset, IMAGE_HEADER);
        assert_int_equal(layout.arena_offset % (2u << 20), 0);
        assert_in_range(layout.arena_offset, end, end + (2u << 20) - 1);
        assert_int_equal(layout.size, layout.arena_offset + ARENA);
    }
}

static void no_change(struct file *file)
{
}
static void no_magic(struct file *file)
{
    header_of(file)->magic = 0;
}
static void other_magic(struct file *file)
{
    header_of(file)->magic++;
}
static void version(struct file *file)
{
    header_of(file)->version++;
    sign(file);
}
static void record_octets(struct file *file)
{
    header_of(file)->record_octets += 8;
    sign(file);
}
static void unsigned_epoch(struct file *file)
{
    header_of(file)->epoch++;
}
static void boot(struct file *file)
{
    header_of(file)->boot_id[15] ^= 1;
    sign(file);
}
static void key(struct file *file)
{
    header_of(file)->key_mark++;
    sign(file);
}
static void capacity(struct file *file)
{
    header_of(file)->capacity = 1u << 30;
    sign(file);
}
static void capacity_over_arena(struct file *file)
{
    header_of(file)->capacity = (uint32_t)(file->layout.arena_offset / sizeof(struct dialog));
    sign(file);
}
static void arena_in_records(struct file *file)
{
    header_of(file)->arena_offset = IMAGE_HEADER;
    sign(file);
}
static void arena_odd(struct file *file)
{
    header_of(file)->arena_offset += 8;
    sign(file);
}
static void arena_wraps(struct file *file)
{
    header_of(file)->arena_octets = UINT64_MAX - 4096;
    sign(file);
}

static void test_faults(void **state)
{
    static const struct {
        const char *name;
        void (*change)(struct file *file);
        size_t size; // of the file, 0: whole
        enum image_fault fault;
    } rows[] = {
        {"whole", no_change, 0, IMAGE_FINE},
        {"no magic", no_magic, 0, IMAGE_UNFINISHED},
        {"other magic", other_magic, 0, IMAGE_DAMAGED},
        {"version", version, 0, IMAGE_OTHER_VERSION},
        {"record's octets", record_octets, 0, IMAGE_OTHER_VERSION},
        {"epoch", unsigned_epoch, 0, IMAGE_DAMAGED},
        {"boot", boot, 0, IMAGE_OTHER_BOOT},
        {"key", key, 0, IMAGE_OTHER_KEY},
        {"capacity", capacity, 0, IMAGE_DAMAGED},
        {"records reach into the arena", capacity_over_arena, 0, IMAGE_DAMAGED},
        {"arena in the records", arena_in_records, 0, IMAGE_DAMAGED},
        {"arena at an odd place", arena_odd, 0, IMAGE_DAMAGED},
        {"arena longer than all memory", arena_wraps, 0, IMAGE_DAMAGED},
        {"cut in the header", no_change, sizeof(struct image_header) - 1, IMAGE_CUT},
        {"cut behind the header", no_change, IMAGE_HEADER, IMAGE_CUT},
        {"cut before the last record's end", no_change,
         IMAGE_HEADER + sizeof(struct dialog_journal) + CAPACITY * sizeof(struct dialog) - 1, IMAGE_CUT},
        {"cut behind the records", no_change,
         IMAGE_HEADER + sizeof(struct dialog_journal) + CAPACITY * sizeof(struct dialog), IMAGE_FINE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct file file;
        file_begin(&file, &ours);
        rows[i].change(&file);
        enum image_fault fault = fault_of(&file, rows[i].size > 0 ? rows[i].size : file.layout.size);
        if (fault != rows[i].fault)
            print_error("row '%s': %s\n", rows[i].name, image_fault_text(fault));
        assert_int_equal(fault, rows[i].fault);
        file_end(&file);
    }
    struct image image;
    assert_int_equal(image_open(&image, NULL, 0, &ours), IMAGE_UNFINISHED);
    for (unsigned i = 0; i < IMAGE_FAULTS; i++)
        assert_non_null(image_fault_text((enum image_fault)i));
}

// No bit of a header can turn without notice.
static void test_header_flips(void **state)
{
    struct file file;
    file_begin(&file, &ours);
    for (unsigned bit = 0; bit < 8 * sizeof(struct image_header); bit++) {
        file.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(fault_of(&file, file.layout.size), IMAGE_FINE);
        file.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(fault_of(&file, file.layout.size), IMAGE_FINE);
    file_end(&file);
}

static void sign_record(struct file *file)
{
    struct dialog *record = &records_of(file)[0];
    record->check = dialog_record_check(record);
}

static void struck(struct file *file)
{
    records_of(file)[0].check = 0;
}
static void dead_fields(struct file *file)
{
    memset(&records_of(file)[0], 0x77, offsetof(struct dialog, call_hash));
}
static void row_free(struct file *file)
{
    records_of(file)[0].row = DIALOG_ROW_FREE;
    sign_record(file);
}
static void row_terminated(struct file *file)
{
    records_of(file)[0].row = DIALOG_ROW_TERMINATED;
    sign_record(file);
}
static void row_unknown(struct file *file)
{
    records_of(file)[0].row = 200;
    sign_record(file);
}
static void no_cold(struct file *file)
{
    records_of(file)[0].cold = ARENA_NONE;
    sign_record(file);
}
static void cold_at_end(struct file *file)
{
    records_of(file)[0].cold = (arena_ref)(ARENA / ARENA_ALIGN) - 2;
    sign_record(file);
}
static void cold_behind(struct file *file)
{
    records_of(file)[0].cold = UINT32_MAX;
    sign_record(file);
}
static void cold_of_zeros(struct file *file)
{
    records_of(file)[0].cold = (arena_ref)(ARENA / ARENA_ALIGN) - 8;
    sign_record(file);
}
static void cold_check(struct file *file)
{
    cold_of(file, 0)->check ^= 4;
}
static void cold_too_long(struct file *file)
{
    struct dialog *record = &records_of(file)[0];
    record->cold = (arena_ref)(ARENA / ARENA_ALIGN) - 4;
    struct dialog_cold *cold = cold_of(file, 0);
    *cold = (struct dialog_cold){.length = 29}; // one more than there is behind it
    sign_record(file);
}
static void texts_missing(struct file *file)
{
    struct dialog_cold *cold = cold_of(file, 0);
    cold->length = 0;
    cold->check = dialog_cold_check(cold);
}
static void texts_cut(struct file *file)
{
    struct dialog_cold *cold = cold_of(file, 0);
    cold->length -= 1;
    cold->check = dialog_cold_check(cold);
}

static void test_records(void **state)
{
    static const struct {
        const char *name;
        void (*change)(struct file *file);
        enum image_record found;
    } rows[] = {
        {"whole", no_change, IMAGE_RECORD_FINE},
        {"what dies with the process", dead_fields, IMAGE_RECORD_FINE},
        {"struck out", struck, IMAGE_RECORD_NONE},
        {"row of a free record", row_free, IMAGE_RECORD_DAMAGED},
        {"row of an ended one", row_terminated, IMAGE_RECORD_DAMAGED},
        {"no row", row_unknown, IMAGE_RECORD_DAMAGED},
        {"no cold block", no_cold, IMAGE_RECORD_DAMAGED},
        {"cold block's head reaches over the end", cold_at_end, IMAGE_RECORD_DAMAGED},
        {"cold block behind the arena", cold_behind, IMAGE_RECORD_DAMAGED},
        {"cold block of zeros", cold_of_zeros, IMAGE_RECORD_DAMAGED},
        {"cold block's check", cold_check, IMAGE_RECORD_DAMAGED},
        {"cold block's texts reach over the end", cold_too_long, IMAGE_RECORD_DAMAGED},
        {"no texts", texts_missing, IMAGE_RECORD_DAMAGED},
        {"last octet of the texts is missing", texts_cut, IMAGE_RECORD_DAMAGED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct file file;
        struct image image;
        file_begin(&file, &ours);
        make_record(&file, 0);
        make_record(&file, 1);
        rows[i].change(&file);
        assert_int_equal(image_open(&image, file.octets, file.layout.size, &ours), IMAGE_FINE);
        if (image_record(&image, 0) != rows[i].found)
            print_error("row '%s'\n", rows[i].name);
        assert_int_equal(image_record(&image, 0), rows[i].found);
        assert_int_equal(image_record(&image, 1), IMAGE_RECORD_FINE);
        assert_texts(&image, 1);
        assert_int_equal(image_record(&image, 2), IMAGE_RECORD_NONE);
        image_strike(&image, 1);
        assert_int_equal(image_record(&image, 1), IMAGE_RECORD_NONE);
        file_end(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_header_flips),
        cmocka_unit_test(test_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
