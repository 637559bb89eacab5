// SPDX-License-Identifier: BSD-3-Clause
// Where dialgatectl's --hep leads: names are looked up, what is no name goes to the daemon as it is.
#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector.h"

#define LABEL "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop" // longer than one may be

static const struct {
    const char *given;
    const char *found[2]; // either; NULL: it is refused
} rows[] = {
    {"127.0.0.1", {"127.0.0.1", "127.0.0.1"}},
    {"127.0.0.1:9060", {"127.0.0.1:9060", "127.0.0.1:9060"}},
    {"[::1]:9060", {"[::1]:9060", "[::1]:9060"}},
    {"::1", {"::1", "::1"}},
    {":9060", {":9060", ":9060"}},
    {"", {"", ""}},
    {"localhost", {"127.0.0.1", "[::1]"}},
    {"localhost:9061", {"127.0.0.1:9061", "[::1]:9061"}},
    {LABEL ":9060", {NULL, NULL}},
};

static void test_look_up(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[COLLECTOR_SIZE] = "", *told = NULL;
        size_t size;
        struct ctl ctl = {.errors = open_memstream(&told, &size)};
        bool known = collector_look_up(&ctl, rows[i].given, out, sizeof(out));
        fclose(ctl.errors);
        print_message("%s: %s%s", rows[i].given, out, known ? "\n" : told);
        const char *const *found = rows[i].found;
        assert_int_equal(known, found[0] != NULL);
        if (found[0])
            assert_true(strcmp(out, found[0]) == 0 || strcmp(out, found[1]) == 0);
        else
            assert_non_null(strstr(told, "is not known"));
        free(told);
    }
}

// What does not fit is not cut.
static void test_room(void **state)
{
    char out[10];
    struct ctl ctl = {.errors = stderr};
    assert_false(collector_look_up(&ctl, "127.0.0.1:9060", out, sizeof(out)));
    assert_true(collector_look_up(&ctl, "127.0.0.1", out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_look_up), cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
