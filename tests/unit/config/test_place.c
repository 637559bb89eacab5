// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include "place.h"
#include "rows.h"

static const char text[] = "a: 1\n"
                           "b:\n"
                           "  - x: {y: z}\n"
                           "  - [p, \"q\"]\n"
                           "\"c d\":   v\n";

static const struct {
    const char *path;
    const char *found; // path of the node that answers
    unsigned line, column, key_line, key_column;
} places_rows[] = {
    {"", "", 1, 1, 1, 1},
    {"a", "a", 1, 4, 1, 1},
    {"b", "b", 3, 3, 2, 1},
    {"b[0]", "b[0]", 3, 5, 3, 5},
    {"b[0].x", "b[0].x", 3, 8, 3, 5},
    {"b[0].x.y", "b[0].x.y", 3, 12, 3, 9},
    {"b[1]", "b[1]", 4, 5, 4, 5},
    {"b[1][1]", "b[1][1]", 4, 9, 4, 9},
    {"c d", "c d", 5, 10, 5, 1},
    {"b[0].missing", "b[0]", 3, 5, 3, 5},
    {"b[7].x", "b", 3, 3, 2, 1},
    {"nowhere.at.all", "", 1, 1, 1, 1},
};

static void test_find(void **state)
{
    struct places places = {.file = "t"};
    assert_int_equal(places_read(&places, text, sizeof(text) - 1), 0);
    for (size_t i = 0; i < sizeof(places_rows) / sizeof(places_rows[0]); i++) {
        const struct place *place = places_find(&places, places_rows[i].path);
        assert_non_null(place);
        assert_string_equal(place->path, places_rows[i].found);
        assert_int_equal(place->line, places_rows[i].line);
        assert_int_equal(place->column, places_rows[i].column);
        assert_int_equal(place->key_line, places_rows[i].key_line);
        assert_int_equal(place->key_column, places_rows[i].key_column);
    }
    places_free(&places);
}

// The first error stays, and is one line whatever the file holds.
static void test_error(void **state)
{
    char error[128] = "";
    struct places places = {.file = "t", .error = error, .error_size = sizeof(error)};
    assert_int_equal(places_read(&places, text, sizeof(text) - 1), 0);
    assert_int_equal(places_refuse(&places, "a", "one\ntwo"), -EINVAL);
    assert_int_equal(places_refuse_key(&places, "b", "three"), -EINVAL);
    assert_string_equal(error, "t:1:4: a: one?two");
    places_free(&places);
}

// Every prefix and every changed octet of a good text ends in a result, never in a fault (ASan, UBSan).
static void test_damage(void **state)
{
    char copy[sizeof(text)], error[512];
    size_t refused = 0;
    for (size_t length = 0; length < sizeof(text); length++)
        for (unsigned octet = 0; octet < 256; octet += 3) {
            memcpy(copy, text, sizeof(text));
            copy[length] = (char)octet;
            error[0] = '\0';
            struct places places = {.file = "t", .error = error, .error_size = sizeof(error)};
            int result = places_read(&places, copy, length + 1);
            assert_true(result == 0 || (result == -EINVAL && strncmp(error, "t:", 2) == 0));
            refused += result < 0;
            places_free(&places);
        }
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_error),
                                       cmocka_unit_test(test_damage)};
    return cmocka_run_group_tests_name("config place", tests, NULL, NULL);
}
