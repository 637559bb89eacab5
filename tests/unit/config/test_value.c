// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include "rows.h"
#include "value.h"

static const struct key count_key = {.name = "k", .kind = KEY_COUNT, .least = 1, .most = 64};
static const struct key duration_key = {.name = "k", .kind = KEY_DURATION, .least = 0, .most = UINT64_MAX};
static const struct key size_key = {.name = "k", .kind = KEY_SIZE, .least = 0, .most = UINT64_MAX};
static const struct key bool_key = {.name = "k", .kind = KEY_CHOICE, .choices = choices_bool};
static const struct key name_key = {.name = "k", .kind = KEY_NAME};
static const struct key interface_key = {.name = "k", .kind = KEY_INTERFACE};
static const struct key address_key = {.name = "k", .kind = KEY_ADDRESS};
static const struct key endpoint_key = {.name = "k", .kind = KEY_ENDPOINT};
static const struct key path_key = {.name = "k", .kind = KEY_PATH};
static const struct key prefix_key = {.name = "k", .kind = KEY_PREFIX};

union value {
    uint64_t number;
    char text[KEY_TEXT_SIZE];
    struct ip_address address;
    struct key_endpoint endpoint;
    struct key_prefix prefix;
};

#define N31 "abcdefghijklmnopqrstuvwxyz01234"

// What is read and how it is printed again; NULL: refused.
static const struct {
    const struct key *key;
    const char *text;
    const char *printed;
} value_rows[] = {
    {&count_key, "1", "1"},
    {&count_key, "64", "64"},
    {&count_key, "007", "7"},
    {&count_key, "0", NULL},
    {&count_key, "65", NULL},
    {&count_key, "-1", NULL},
    {&count_key, "+1", NULL},
    {&count_key, " 1", NULL},
    {&count_key, "1 ", NULL},
    {&count_key, "1.0", NULL},
    {&count_key, "0x1", NULL},
    {&count_key, "18446744073709551617", NULL},
    {&count_key, "", NULL},
    {&duration_key, "500ms", "500ms"},
    {&duration_key, "1000ms", "1s"},
    {&duration_key, "90s", "90s"},
    {&duration_key, "120s", "2m"},
    {&duration_key, "24h", "1d"},
    {&duration_key, "36h", "36h"},
    {&duration_key, "0s", "0ms"},
    {&duration_key, "5", NULL},
    {&duration_key, "5S", NULL},
    {&duration_key, "5 s", NULL},
    {&duration_key, "s", NULL},
    {&duration_key, "1.5s", NULL},
    {&duration_key, "1m30s", NULL},
    {&duration_key, "18446744073709551615s", NULL},
    {&size_key, "0", "0"},
    {&size_key, "1023", "1023"},
    {&size_key, "1024", "1KiB"},
    {&size_key, "64MiB", "64MiB"},
    {&size_key, "2048MiB", "2GiB"},
    {&size_key, "5MB", NULL},
    {&size_key, "5M", NULL},
    {&size_key, "17179869184GiB", NULL},
    {&bool_key, "true", "true"},
    {&bool_key, "false", "false"},
    {&bool_key, "yes", NULL},
    {&bool_key, "True", NULL},
    {&name_key, "carrier-a_1", "carrier-a_1"},
    {&name_key, N31, N31},
    {&name_key, N31 "5", NULL},
    {&name_key, "1a", NULL},
    {&name_key, "-a", NULL},
    {&name_key, "a b", NULL},
    {&name_key, "a.b", NULL},
    {&name_key, "a\nb", NULL},
    {&name_key, "\xc3\xa4", NULL},
    {&interface_key, "eth0.100", "eth0.100"},
    {&interface_key, "veth@if3", "veth@if3"},
    {&interface_key, "fifteen-letters", "fifteen-letters"},
    {&interface_key, "sixteen-letters!", NULL},
    {&interface_key, "sixteen-letters-", NULL},
    {&interface_key, "a/b", NULL},
    {&interface_key, "..", NULL},
    {&address_key, "192.0.2.1", "192.0.2.1"},
    {&address_key, "127.0.0.1", "127.0.0.1"},
    {&address_key, "223.255.255.255", "223.255.255.255"},
    {&address_key, "0.0.0.0", NULL},
    {&address_key, "224.0.0.1", NULL},
    {&address_key, "255.255.255.255", NULL},
    {&address_key, "192.0.2", NULL},
    {&address_key, "192.0.2.256", NULL},
    {&address_key, "192.0.2.1:5060", NULL},
    {&address_key, "192.0.2.1/32", NULL},
    {&address_key, "2001:db8::1", "'2001:db8::1'"},
    {&address_key, "2001:DB8:0:0::", "'2001:db8::'"},
    {&address_key, "::1", "'::1'"},
    {&address_key, "::", NULL},
    {&address_key, "fe80::1", NULL},
    {&address_key, "fe80::1%eth0", NULL},
    {&address_key, "ff02::1", NULL},
    {&address_key, "::ffff:192.0.2.1", NULL},
    {&address_key, "[2001:db8::1]", NULL},
    {&address_key, "host.example", NULL},
    {&endpoint_key, "127.0.0.1:9464", "127.0.0.1:9464"},
    {&endpoint_key, "0.0.0.0:1", "0.0.0.0:1"},
    {&endpoint_key, "127.0.0.1", NULL},
    {&endpoint_key, "127.0.0.1:", NULL},
    {&endpoint_key, "127.0.0.1:0", NULL},
    {&endpoint_key, "127.0.0.1:65536", NULL},
    {&endpoint_key, "127.0.0.1:80x", NULL},
    {&endpoint_key, ":80", NULL},
    {&endpoint_key, "[::1]:80", "'[::1]:80'"},
    {&endpoint_key, "[2001:db8::7]:65535", "'[2001:db8::7]:65535'"},
    {&endpoint_key, "[::1]", NULL},
    {&endpoint_key, "[::1]80", NULL},
    {&endpoint_key, "[]:80", NULL},
    {&endpoint_key, "[:80", NULL},
    {&endpoint_key, "::1:80", NULL},
    {&endpoint_key, "[127.0.0.1]:80", NULL},
    {&endpoint_key, "[::1]:0", NULL},
    {&path_key, "/a b/c#d", "'/a b/c#d'"},
    {&path_key, "/it's", "'/it''s'"},
    {&path_key, "a", NULL},
    {&path_key, "/a\nb", NULL},
    {&prefix_key, "198.51.100.0/28", "198.51.100.0/28"},
    {&prefix_key, "198.51.100.7", "198.51.100.7/32"},
    {&prefix_key, "0.0.0.0/0", "0.0.0.0/0"},
    {&prefix_key, "128.0.0.0/1", "128.0.0.0/1"},
    {&prefix_key, "198.51.100.1/28", NULL},
    {&prefix_key, "1.0.0.0/0", NULL},
    {&prefix_key, "198.51.100.0/33", NULL},
    {&prefix_key, "198.51.100.0/", NULL},
    {&prefix_key, "198.51.100.0/-1", NULL},
    {&prefix_key, "198.51.100.0/28 ", NULL},
    {&prefix_key, "198.51.100/24", NULL},
    {&prefix_key, "/24", NULL},
    {&prefix_key, "2001:db8::/32", "'2001:db8::/32'"},
    {&prefix_key, "2001:db8::7", "'2001:db8::7/128'"},
    {&prefix_key, "2001:db8:0:8000::/49", "'2001:db8:0:8000::/49'"},
    {&prefix_key, "::/0", "'::/0'"},
    {&prefix_key, "2001:db8::/129", NULL},
    {&prefix_key, "2001:db8:0:8000::/48", NULL},
    {&prefix_key, "::ffff:10.0.0.0/104", NULL},
};

static void test_values(void **state)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++) {
        union value value = {0}, again = {0};
        char why[320] = "", printed[VALUE_TEXT_SIZE] = "";
        int result = value_parse(value_rows[i].key, value_rows[i].text, &value, why, sizeof(why));
        bool good = value_rows[i].printed != NULL;
        if (result == 0)
            value_format(value_rows[i].key, &value, printed, sizeof(printed));
        bool same = good ? result == 0 && strcmp(printed, value_rows[i].printed) == 0
                         : result < 0 && strstr(why, "; ") != NULL;
        // What was printed (but for its quotes) is the same value again.
        if (same && good && printed[0] != '\'')
            same = value_parse(value_rows[i].key, printed, &again, why, sizeof(why)) == 0 &&
                   memcmp(&value, &again, sizeof(value)) == 0;
        if (!same) {
            print_error("'%s': expected %s, got %s (%s)\n", value_rows[i].text,
                        good ? value_rows[i].printed : "a refusal", result == 0 ? printed : "a refusal", why);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

// Longest texts stay within their buffers (ASan) and are refused or kept whole.
static void test_long(void **state)
{
    static const struct key *const keys[] = {&count_key, &duration_key,  &size_key,    &bool_key,
                                             &name_key,  &interface_key, &address_key, &endpoint_key,
                                             &path_key,  &prefix_key};
    char text[4096], why[320], printed[VALUE_TEXT_SIZE];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text[0] = '/';
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        union value value = {0};
        assert_int_equal(value_parse(keys[i], text, &value, why, sizeof(why)), -EINVAL);
    }
    union value value = {0};
    text[KEY_TEXT_SIZE - 1] = '\0';
    assert_int_equal(value_parse(&path_key, text, &value, why, sizeof(why)), 0);
    value_format(&path_key, &value, printed, sizeof(printed));
    assert_int_equal(strlen(printed), KEY_TEXT_SIZE - 1 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_long)};
    return cmocka_run_group_tests_name("config value", tests, NULL, NULL);
}
