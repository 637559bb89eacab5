// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "histogram.h"

static struct histogram histogram;

static int empty(void **state)
{
    memset(&histogram, 0, sizeof(histogram));
    return 0;
}

// What is read back lies within 1 % of what was noted, over the whole range.
static void test_each_size_is_read_back_within_a_percent(void **state)
{
    for (uint64_t noted = 1; noted < UINT64_C(1000000000000); noted += 1 + noted / 333) {
        empty(state);
        histogram_note(&histogram, noted);
        histogram_note(&histogram, UINT64_C(1) << 39); // so that the largest does not help
        double read = (double)histogram_at(&histogram, noted < UINT64_C(1) << 39 ? 0.5 : 1);
        double error = read - (double)noted;
        if (noted < UINT64_C(1) << 39)
            assert_true(error <= (double)noted / 100 && error >= -(double)noted / 100);
    }
}

static void test_shares_of_a_known_row(void **state)
{
    static const struct {
        double share;
        uint64_t wanted;
    } rows[] = {{0.5, 500000}, {0.9, 900000}, {0.99, 990000}, {0.999, 999000}, {1, 1000000}};
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_note(&histogram, i * 1000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t found = histogram_at(&histogram, rows[i].share);
        assert_in_range(found, rows[i].wanted - rows[i].wanted / 100, rows[i].wanted + rows[i].wanted / 100);
    }
    assert_int_equal(histogram.count, 1000);
    assert_int_equal(histogram.sum_ns, 500500000);
}

static void test_nothing_noted_is_zero(void **state)
{
    assert_int_equal(histogram_at(&histogram, 0.5), 0);
    assert_int_equal(histogram_at(&histogram, 1), 0);
}

static void test_small_times_are_exact(void **state)
{
    for (uint64_t i = 0; i < 128; i++)
        histogram_note(&histogram, i);
    assert_int_equal(histogram_at(&histogram, 0.5), 63);
    assert_int_equal(histogram_at(&histogram, 1), 127);
}

static void test_what_is_longer_than_the_range_is_its_end(void **state)
{
    histogram_note(&histogram, UINT64_MAX / 2);
    histogram_note(&histogram, UINT64_C(1) << 50);
    assert_int_equal(histogram.cells[HISTOGRAM_CELLS - 1], 2);
    assert_int_equal(histogram.largest_ns, UINT64_MAX / 2);
}

static void test_never_more_than_the_largest(void **state)
{
    histogram_note(&histogram, 1000001);
    assert_true(histogram_at(&histogram, 0.999) <= 1000001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_size_is_read_back_within_a_percent, empty),
        cmocka_unit_test_setup(test_shares_of_a_known_row, empty),
        cmocka_unit_test_setup(test_nothing_noted_is_zero, empty),
        cmocka_unit_test_setup(test_small_times_are_exact, empty),
        cmocka_unit_test_setup(test_what_is_longer_than_the_range_is_its_end, empty),
        cmocka_unit_test_setup(test_never_more_than_the_largest, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
