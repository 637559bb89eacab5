// SPDX-License-Identifier: BSD-3-Clause
// Addresses and ports of a command line, and the texts by which a call is known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "check.h"

static void test_places(void **state)
{
    static const struct {
        const char *text;
        unsigned count; // 0: refused
        const char *last;
    } rows[] = {
        {"10.10.0.1", 1, "10.10.0.1:5060"},
        {"10.10.0.1:5070", 1, "10.10.0.1:5070"},
        {"10.10.0.1+2", 3, "10.10.0.3:5060"},
        {"10.10.0.254+2:5060+3", 12, "10.10.1.0:5063"},
        {"10.10.0.1+7:5060+7", 64, "10.10.0.8:5067"},
        {"10.10.0.1+8:5060+7", 0, NULL},
        {"10.10.0.1+64", 0, NULL},
        {"10.10.0.256", 0, NULL},
        {"10.10.0", 0, NULL},
        {"", 0, NULL},
        {"10.10.0.1:", 0, NULL},
        {"10.10.0.1:0", 0, NULL},
        {"10.10.0.1:65535+1", 0, NULL},
        {"10.10.0.1:5060x", 0, NULL},
        {"10.10.0.1+", 0, NULL},
        {"carrier", 0, NULL},
        {"123.123.123.123.123.123", 0, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene = {.direct = false};
        bool read = scene_places(scene.sides[CALLER], &scene.counts[CALLER], rows[i].text);
        assert_int_equal(read, rows[i].count > 0);
        if (!read)
            continue;
        assert_int_equal(scene.counts[CALLER], rows[i].count);
        const struct place *last = &scene.sides[CALLER][rows[i].count - 1];
        assert_string_equal(last->text, rows[i].last);
        assert_int_equal(scene_find(&scene, CALLER, last->address, last->port), rows[i].count - 1);
        assert_int_equal(scene_find(&scene, CALLER, last->address, last->port + 1), -1);
        assert_int_equal(scene_find(&scene, CALLEE, last->address, last->port), -1);
    }
}

// Each call's number comes back from its Call-ID, in every form; one octet more, less or another is no
// call's.
static void test_call_ids(void **state)
{
    struct scene scene = {.seed = 7};
    assert_true(scene_places(scene.sides[CALLER], &scene.counts[CALLER], "10.10.0.1+3"));
    for (uint32_t number = 0; number < 200; number++) {
        char octets[COMPOSE_VALUE + 1];
        struct text text = {.octets = octets, .room = COMPOSE_VALUE};
        uint32_t found;
        compose_call_id(&scene, number, &text);
        assert_true(check_call_id(&scene, (struct span){octets, text.length}, &found));
        assert_int_equal(found, number);
        octets[text.length] = 'x';
        assert_false(check_call_id(&scene, (struct span){octets, text.length + 1}, &found));
        for (size_t i = 0; i < text.length; i++) {
            assert_false(check_call_id(&scene, (struct span){octets, i}, &found));
            octets[i] ^= 1;
            assert_false(check_call_id(&scene, (struct span){octets, text.length}, &found));
            octets[i] ^= 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places), cmocka_unit_test(test_call_ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
