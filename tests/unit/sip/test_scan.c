// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "scan.h"

static const uint8_t *control_by_octet(const uint8_t *at, const uint8_t *end)
{
    while (at < end && !scan_is_control(*at))
        at++;
    return at;
}

// Every octet at every place of every short text: what skips ahead finds what the plain loop finds.
static void test_control(void **state)
{
    for (unsigned length = 0; length <= 40; length++)
        for (unsigned place = 0; place < length; place++)
            for (unsigned octet = 0; octet < 256; octet++) {
                uint8_t text[40];
                memset(text, 'a', sizeof(text));
                text[place] = (uint8_t)octet;
                text[length - 1 - place] ^= (uint8_t)(place & 1 ? '\t' : 0xc3) ^ 'a';
                const uint8_t *copy = guard_copy(text, length);
                assert_ptr_equal(scan_control(copy, copy + length), control_by_octet(copy, copy + length));
            }
}

static const uint8_t *uri_by_octet(const uint8_t *at, const uint8_t *end)
{
    while (at < end && scan_is(*at, SCAN_URI))
        at++;
    return at;
}

// The same for URIs.
static void test_uri_octets(void **state)
{
    for (unsigned length = 0; length <= 40; length++)
        for (unsigned place = 0; place < length; place++)
            for (unsigned octet = 0; octet < 256; octet++) {
                uint8_t text[40];
                memset(text, 'a', sizeof(text));
                text[place] = (uint8_t)octet;
                text[length - 1 - place] ^= (uint8_t)(place & 1 ? '>' : '\\') ^ 'a';
                const uint8_t *copy = guard_copy(text, length);
                assert_ptr_equal(scan_while(copy, copy + length, SCAN_URI),
                                 uri_by_octet(copy, copy + length));
            }
}

static void test_control_octets(void **state)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        bool control = (octet < 32 && octet != 9) || octet == 127;
        assert_int_equal(scan_is_control((uint8_t)octet), control);
    }
}

static void test_token_class(void **state)
{
    // RFC 3261 25.1.
    static const char marks[] = "-.!%*_+`'~";
    for (unsigned octet = 0; octet < 256; octet++) {
        bool alnum = (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
                     (octet >= 'a' && octet <= 'z');
        bool token = alnum || (octet != 0 && octet < 128 && strchr(marks, (int)octet) != NULL);
        assert_int_equal(scan_is((uint8_t)octet, SCAN_TOKEN), token);
    }
}

static void test_number(void **state)
{
    static const struct {
        const char *name, *text;
        uint32_t limit;
        int used; // -1: none
        uint32_t number;
    } rows[] = {
        {"zero", "0", 10, 1, 0},
        {"leading zeros", "000000000000000000000000070", 255, 27, 70},
        {"limit", "255", 255, 3, 255},
        {"over the limit", "256", 255, -1, 0},
        {"2^32 and more", "4294967296", UINT32_MAX, -1, 0},
        {"20 digits", "18446744073709551617", UINT32_MAX, -1, 0},
        {"stops at a letter", "12a", 99, 2, 12},
        {"no digit", "a", 99, -1, 0},
        {"sign", "-1", 99, -1, 0},
        {"nothing", "", 99, -1, 0},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        const uint8_t *text = guard_copy(rows[i].text, strlen(rows[i].text));
        uint32_t number = 0;
        const uint8_t *behind = scan_number(text, text + strlen(rows[i].text), rows[i].limit, &number);
        assert_number(rows[i].name, behind == NULL ? -1 : behind - text, rows[i].used);
        if (behind != NULL)
            assert_number(rows[i].name, number, rows[i].number);
    }
}

static void test_quoted(void **state)
{
    static const struct {
        const char *name, *text;
        int used;
    } rows[] = {
        {"empty", "\"\"", 2},
        {"text", "\"ab\" c", 4},
        {"escaped quote", "\"a\\\"b\"c", 6},
        {"escaped backslash", "\"a\\\\\"b\"", 5},
        {"not closed", "\"abc", -1},
        {"closed by an escape only", "\"abc\\\"", -1},
        {"ends in a backslash", "\"abc\\", -1},
        {"alone", "\"", -1},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        const uint8_t *text = guard_copy(rows[i].text, strlen(rows[i].text));
        const uint8_t *behind = scan_quoted(text, text + strlen(rows[i].text));
        assert_number(rows[i].name, behind == NULL ? -1 : behind - text, rows[i].used);
    }
}

static void test_host(void **state)
{
    static const struct {
        const char *name, *text;
        int used;
    } rows[] = {
        {"name", "example.com:5060", 11}, {"address", "192.0.2.1", 9}, {"reference", "[2001:db8::1]:5", 13},
        {"any address", "[::]", 4},       {"open", "[::1", -1},        {"no address", "[x]", -1},
        {"empty reference", "[]", -1},    {"nothing", "", -1},         {"colon", ":5060", -1},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        const uint8_t *text = guard_copy(rows[i].text, strlen(rows[i].text));
        const uint8_t *behind = scan_host(text, text + strlen(rows[i].text));
        assert_number(rows[i].name, behind == NULL ? -1 : behind - text, rows[i].used);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control),        cmocka_unit_test(test_uri_octets),
        cmocka_unit_test(test_control_octets), cmocka_unit_test(test_token_class),
        cmocka_unit_test(test_number),         cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
