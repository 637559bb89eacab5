// SPDX-License-Identifier: BSD-3-Clause
#include "cmocka_first.h"
#include <stdlib.h>
#include "table.h"

static const struct table_column columns[] = {{"NAME", false}, {"N", true}, {"LAST", false}};

static struct table *filled(FILE *out, const char *const (*rows)[3], size_t count)
{
    struct table *table = table_create(columns, 3);
    assert_non_null(table);
    for (size_t i = 0; i < count; i++)
        assert_true(table_add(table, rows[i]));
    table_print(table, out);
    return table;
}

static void test_alignment(void **state)
{
    static const char *const rows[][3] = {
        {"a", "1", "x"}, {"longer", "1,000", NULL}, {"\xc3\xa4\xc3\xb6", "20", "long end"}};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct table *table = filled(out, rows, 3);
    fclose(out);
    assert_string_equal(text, "NAME        N  LAST\n"
                              "a           1  x\n"
                              "longer  1,000  -\n"
                              "\xc3\xa4\xc3\xb6         20  long end\n");
    table_free(table);
    free(text);
}

static void test_colours(void **state)
{
    static const char *const row[] = {"a", "down", "up"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct table *table = table_create(columns, 3);
    table_colour(table);
    assert_true(table_add(table, row));
    table_print(table, out);
    fclose(out);
    // Widths are those of the words alone.
    assert_string_equal(text, "\033[1mNAME\033[0m     \033[1mN\033[0m  \033[1mLAST\033[0m\n"
                              "a     \033[31mdown\033[0m  \033[32mup\033[0m\n");
    table_free(table);
    free(text);
}

static void test_pages_stream(void **state)
{
    static const char *const rows[][3] = {{"first", "1", "x"}};
    static const char *const next[] = {"b", "2", "y"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct table *table = filled(out, rows, 1);
    assert_true(table_add(table, next));
    table_print(table, out);
    table_print(table, out); // nothing new: nothing
    fclose(out);
    assert_string_equal(text, "NAME   N  LAST\nfirst  1  x\nb      2  y\n");
    table_free(table);
    free(text);
}

static void test_no_rows_no_titles(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    table_free(filled(out, NULL, 0));
    fclose(out);
    assert_string_equal(text, "");
    free(text);
}

static void test_counts(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"},
                {999, "999"},
                {1000, "1,000"},
                {-1000, "-1,000"},
                {1234567, "1,234,567"},
                {INT64_MAX, "9,223,372,036,854,775,807"},
                {INT64_MIN, "-9,223,372,036,854,775,808"}};
    char buffer[UNIT_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(unit_count(rows[i].value, buffer), rows[i].text);
    assert_string_equal(unit_share(0.255, buffer), "25.5 %");
}

static void test_durations(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0s"},          {1, "1ms"},           {999, "999ms"},      {1000, "1s"},
                {59999, "59s"},     {60000, "1m00s"},     {61000, "1m01s"},    {3599999, "59m59s"},
                {3600000, "1h00m"}, {86399999, "23h59m"}, {86400000, "1d00h"}, {90000000, "1d01h"}};
    char buffer[UNIT_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(unit_duration_ms(rows[i].ms, buffer), rows[i].text);
}

static void test_parse_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"500ms", 500},   {"5s", 5000}, {"5", 5000},  {"10m", 600000},     {"2h", 7200000},
                {"1d", 86400000}, {"0s", 0},    {"", -1},     {"s", -1},           {"-5s", -1},
                {"5x", -1},       {"5 s", -1},  {"1.5h", -1}, {"99999999999s", -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(unit_parse_duration_ms(rows[i].text), rows[i].ms);
}

static void test_parse_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t octets;
    } rows[] = {{"0", 0},
                {"4096", 4096},
                {"64KiB", 65536},
                {"10MiB", 10485760},
                {"999999999GiB", 1073741822926258176},
                {"", -1},
                {"KiB", -1},
                {"64KB", -1},
                {"64 KiB", -1},
                {"-1", -1},
                {"1M", -1},
                {"1.5MiB", -1},
                {"1000000000", -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(unit_parse_size(rows[i].text), rows[i].octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment),       cmocka_unit_test(test_colours),
        cmocka_unit_test(test_pages_stream),    cmocka_unit_test(test_no_rows_no_titles),
        cmocka_unit_test(test_counts),          cmocka_unit_test(test_durations),
        cmocka_unit_test(test_parse_durations), cmocka_unit_test(test_parse_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
