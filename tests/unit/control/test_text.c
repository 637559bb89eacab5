// SPDX-License-Identifier: BSD-3-Clause
#include "cmocka_first.h"
#include <string.h>
#include "rpc/text.h"

static const struct {
    const char *what;
    const char *octets;
    size_t length;
    const char *json;
} rows[] = {
    {"empty", "", 0, ""},
    {"plain", "abc@host", 8, "abc@host"},
    {"UTF-8 of two, three, four octets", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9,
     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"a lone continuation", "a\x80z", 3, "a\\x80z"},
    {"cut short", "a\xe2\x82", 3, "a\\xe2\\x82"},
    {"overlong slash", "\xc0\xaf", 2, "\\xc0\\xaf"},
    {"overlong of three", "\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf"},
    {"surrogate", "\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
    {"beyond U+10FFFF", "\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
    {"0xff", "\xff", 1, "\\xff"},
    {"NUL inside", "a\0b", 3, "a\\x00b"},
    {"escape sequence of a terminal", "\x1b[2J", 4, "\\x1b[2J"},
    {"line end", "a\r\nb", 4, "a\\x0d\\x0ab"},
    {"DEL", "\x7f", 1, "\\x7f"},
    {"C1 control in UTF-8", "\xc2\x9b", 2, "\\xc2\\x9b"},
    {"first printable behind C1", "\xc2\xa0", 2, "\xc2\xa0"},
    {"right-to-left override", "\xe2\x80\xae", 3, "\\xe2\\x80\\xae"},
    {"isolate", "\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"},
    {"backslash", "a\\b", 3, "a\\x5cb"},
    {"what looks escaped", "\\x41", 4, "\\x5cx41"},
};

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char back[64];
        json_t *json = text_json(rows[i].octets, rows[i].length);
        print_message("%s\n", rows[i].what);
        assert_non_null(json);
        assert_string_equal(json_string_value(json), rows[i].json);
        assert_int_equal(text_octets(json_string_value(json), back, sizeof(back)), rows[i].length);
        assert_memory_equal(back, rows[i].octets, rows[i].length);
        json_decref(json);
    }
}

static void test_every_pair_of_octets(void **state)
{
    for (unsigned int pair = 0; pair < 65536; pair++) {
        char octets[2] = {(char)(pair >> 8), (char)(pair & 0xff)};
        char back[2];
        json_t *json = text_json(octets, 2);
        assert_non_null(json);
        assert_int_equal(text_octets(json_string_value(json), back, 2), 2);
        assert_memory_equal(back, octets, 2);
        json_decref(json);
    }
}

static void test_broken_escapes(void **state)
{
    static const char *const broken[] = {"\\", "\\x", "\\x4", "\\xg0", "\\n", "a\\x4"};
    char back[8];
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(text_octets(broken[i], back, sizeof(back)), -1);
    assert_int_equal(text_octets("123456789", back, sizeof(back)), -1);
    assert_int_equal(text_octets("12345678", back, sizeof(back)), 8);
}

static void test_addresses(void **state)
{
    char text[ADDRESS_TEXT_SIZE];
    struct ip_address v4 = {.octets = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 1, [14] = 2, [15] = 3}};
    struct ip_address v6 = {.octets = {[0] = 0x20, [1] = 0x01, [15] = 1}};
    assert_string_equal(text_address(&v4, 5060, text), "10.1.2.3:5060");
    assert_string_equal(text_address(&v4, 0, text), "10.1.2.3");
    assert_string_equal(text_address(&v6, 5060, text), "[2001::1]:5060");
    assert_string_equal(text_address(&v6, 0, text), "2001::1");
}

static void test_sources(void **state)
{
    static const struct {
        const char *text;
        const char *address; // NULL: no source
        unsigned int length;
    } table[] = {
        {"10.1.2.3", "10.1.2.3", 0},
        {"10.1.2.3/32", "10.1.2.3", 128},
        {"10.1.2.0/24", "10.1.2.0", 120},
        {"0.0.0.0/0", "0.0.0.0", 96},
        {"2001:db8::/64", "2001:db8::", 64},
        {"2001:db8::1", "2001:db8::1", 0},
        {"::/0", "::", 0},
        {"10.1.2.3/33", NULL, 0},
        {"2001:db8::/129", NULL, 0},
        {"2001:db8::/99999999999999999999", NULL, 0},
        {"10.1.2.3/", NULL, 0},
        {"10.1.2.3/-1", NULL, 0},
        {"10.1.2.3/ 8", NULL, 0},
        {"10.1.2.3/8x", NULL, 0},
        {"10.1.2.3/8/8", NULL, 0},
        {"10.1.2/24", NULL, 0},
        {"/24", NULL, 0},
        {"", NULL, 0},
        {"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ip_address address = {{0}};
        unsigned int length = 0;
        char text[ADDRESS_TEXT_SIZE];
        print_message("%s\n", table[i].text);
        assert_int_equal(text_read_source(table[i].text, &address, &length), table[i].address != NULL);
        if (table[i].address == NULL)
            continue;
        assert_string_equal(text_address(&address, 0, text), table[i].address);
        assert_int_equal(length, table[i].length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_every_pair_of_octets),
                                       cmocka_unit_test(test_broken_escapes),
                                       cmocka_unit_test(test_addresses), cmocka_unit_test(test_sources)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
