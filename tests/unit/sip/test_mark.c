// SPDX-License-Identifier: BSD-3-Clause
// Every level marks what the octet loop would find.
#include "guard.h"
#include "mark.h"

#define TEXT_MAX (MARK_WINDOW + 3 * MARK_BLOCK)

static const char *const level_names[MARK_LEVEL_COUNT] = {"none", "scalar", "sse", "avx2", "avx512"};

static bool is_marked(const struct marks *marks, enum mark_class class, unsigned place)
{
    return (marks->bits[class][place / 64] >> place % 64 & 1) != 0;
}

static void check_octet(const char *name, const struct marks *marks, unsigned place, uint8_t octet)
{
    assert_number(name, is_marked(marks, MARK_CONTROL, place), scan_is_control(octet));
    assert_number(name, is_marked(marks, MARK_WORD, place), !scan_is(octet, SCAN_HOST));
    assert_number(name, is_marked(marks, MARK_URI, place), !scan_is(octet, SCAN_URI) || octet == '\\');
}

static void check_marks(const char *name, const struct marks *marks, const uint8_t *text, size_t length)
{
    assert_ptr_equal(marks->from, text);
    assert_true(marks->length <= length && marks->length <= MARK_WINDOW);
    assert_true(marks->length == length || marks->length % MARK_BLOCK == 0);
    // The first block at least.
    assert_true(marks->length >= (length < MARK_BLOCK ? length : MARK_BLOCK));
    for (unsigned i = 0; i < marks->length; i++)
        check_octet(name, marks, i, text[i]);
    // Where a walk from mark to mark ends, wherever it begins.
    for (unsigned class = 0; class < MARK_CLASS_COUNT; class ++)
        for (unsigned i = 0; i < 8; i++)
            assert_true(is_marked(marks, (enum mark_class) class, marks->length + i));
}

// Every octet at a place of each residue, the text ending at an unreadable page.
static void check_level(enum mark_level level)
{
    static struct marks marks;
    uint8_t text[MARK_BLOCK * 3];
    for (unsigned length = 0; length <= sizeof(text); length += length < 70 ? 1 : 29)
        for (unsigned octet = 0; octet < 256; octet++) {
            for (unsigned i = 0; i < length; i++)
                text[i] = (uint8_t)(octet + i * (octet % 5));
            const uint8_t *copy = guard_copy(text, length);
            memset(&marks, 0x5a, sizeof(marks));
            mark_fill(&marks, copy, copy + length);
            check_marks(level_names[level], &marks, copy, length);
        }
}

static void test_levels(void **state)
{
    unsigned levels = 0;
    for (unsigned level = MARK_SCALAR; level < MARK_LEVEL_COUNT; level++) {
        if (!mark_use((enum mark_level)level)) {
            print_message("%s: not on this processor\n", level_names[level]);
            continue;
        }
        check_level((enum mark_level)level);
        levels++;
    }
    assert_true(levels > 0);
}

struct extent {
    const char *name, *before; // the text: `before`, then filler up to length
    size_t length;
    uint32_t marked;
};

// A window is full, or its block holds the end of the headers; a fold or a line end does not stop it.
static void test_extent(void **state)
{
    static const struct extent rows[] = {
        {"nothing", "", 0, 0},
        {"less than a block", "a: b\r\n", 63, 63},
        {"a block", "", MARK_BLOCK, MARK_BLOCK},
        {"window", "", MARK_WINDOW, MARK_WINDOW},
        {"more than the window", "", MARK_WINDOW + 1, MARK_WINDOW},
        {"empty line", "a: b\r\n\r\nbody", 500, MARK_BLOCK},
        {"empty line, LF", "a: b\n\r\nbody", 500, MARK_BLOCK},
        {"empty line over the edge of a block",
         "123456789 123456789 123456789 123456789 123456789 123456789 abc\r\n\r\nbody", 500, 2 * MARK_BLOCK},
        {"empty line hidden by the edge of a block",
         "123456789 123456789 123456789 123456789 123456789 123456789 ab\r\n\r\nbody", 500, 500},
        {"fold", "a: b\r\n \r\n c", 500, 500},
        {"two line ends", "a: b\n\nbody", 500, 500},
    };
    static struct marks marks;
    static char text[TEXT_MAX];
    for (unsigned level = MARK_SCALAR; level < MARK_LEVEL_COUNT; level++) {
        if (!mark_use((enum mark_level)level))
            continue;
        for (unsigned i = 0; i < ROWS(rows); i++) {
            memset(text, 'x', sizeof(text));
            memcpy(text, rows[i].before, strlen(rows[i].before));
            const uint8_t *copy = guard_copy(text, rows[i].length);
            mark_fill(&marks, copy, copy + rows[i].length);
            assert_number(rows[i].name, marks.length, rows[i].marked);
            check_marks(rows[i].name, &marks, copy, rows[i].length);
        }
    }
}

static void test_next(void **state)
{
    static struct marks marks;
    static char text[200];
    memset(text, 'x', sizeof(text));
    text[3] = ':';
    text[150] = ';';
    const uint8_t *copy = guard_copy(text, sizeof(text));
    const uint8_t *end = copy + sizeof(text);
    mark_fill(&marks, copy, end);
    for (unsigned place = 0; place < sizeof(text); place++) {
        size_t next = place <= 3 ? 3 : place <= 150 ? 150 : sizeof(text);
        assert_int_equal(mark_next(&marks, MARK_WORD, place), next);
        assert_int_equal(mark_next(&marks, MARK_URI, place), sizeof(text));
    }
    assert_ptr_equal(mark_skip(&marks, MARK_WORD, copy + 4, copy + 100), copy + 100);
    assert_ptr_equal(mark_skip(&marks, MARK_WORD, copy + 4, end), copy + 150);
    // Outside of the marks nothing is known.
    assert_ptr_equal(mark_skip(&marks, MARK_WORD, end, end), end);
    assert_ptr_equal(mark_skip(&marks, MARK_WORD, copy - 1, end), copy - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_extent),
                                       cmocka_unit_test(test_next)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
