// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "header.h"

static void test_header_find(void **state)
{
    static const struct {
        const char *name;
        enum sip_header kind;
    } rows[] = {
        {"Via", HEADER_VIA},
        {"v", HEADER_VIA},
        {"V", HEADER_VIA},
        {"From", HEADER_FROM},
        {"f", HEADER_FROM},
        {"To", HEADER_TO},
        {"tO", HEADER_TO},
        {"t", HEADER_TO},
        {"Call-ID", HEADER_CALL_ID},
        {"CALL-ID", HEADER_CALL_ID},
        {"i", HEADER_CALL_ID},
        {"CSeq", HEADER_CSEQ},
        {"Max-Forwards", HEADER_MAX_FORWARDS},
        {"MaX-fOrWaRdS", HEADER_MAX_FORWARDS},
        {"Contact", HEADER_CONTACT},
        {"m", HEADER_CONTACT},
        {"Route", HEADER_ROUTE},
        {"Record-Route", HEADER_RECORD_ROUTE},
        {"Content-Length", HEADER_CONTENT_LENGTH},
        {"l", HEADER_CONTENT_LENGTH},
        {"Content-Type", HEADER_CONTENT_TYPE},
        {"c", HEADER_CONTENT_TYPE},
        {"Proxy-Require", HEADER_PROXY_REQUIRE},
        {"Proxy-Authorization", HEADER_PROXY_AUTHORIZATION},
        {"Require", HEADER_REQUIRE},
        {"Supported", HEADER_SUPPORTED},
        {"k", HEADER_SUPPORTED},
        {"Retry-After", HEADER_RETRY_AFTER},
        {"Reason", HEADER_REASON},
        {"Timestamp", HEADER_TIMESTAMP},
        {"", HEADER_OTHER},
        {"a", HEADER_ACCEPT_CONTACT},
        {"b", HEADER_REFERRED_BY},
        {"d", HEADER_REQUEST_DISPOSITION},
        {"e", HEADER_CONTENT_ENCODING},
        {"j", HEADER_REJECT_CONTACT},
        {"o", HEADER_EVENT},
        {"r", HEADER_REFER_TO},
        {"R", HEADER_REFER_TO},
        {"s", HEADER_SUBJECT},
        {"u", HEADER_ALLOW_EVENTS},
        {"x", HEADER_SESSION_EXPIRES},
        {"y", HEADER_IDENTITY},
        {"g", HEADER_OTHER},
        {"z", HEADER_OTHER},
        {"@", HEADER_OTHER},
        {"[", HEADER_OTHER},
        {"Vi", HEADER_OTHER},
        {"Vias", HEADER_OTHER},
        {"Call_ID", HEADER_OTHER},
        {"Callxid", HEADER_OTHER},
        {"Call-IDs", HEADER_OTHER},
        {"Content-Lengtx", HEADER_OTHER},
        {"Proxy-Authorizatiox", HEADER_OTHER},
        {"Proxy-Authorizations", HEADER_OTHER},
        {"X-Something-Long-That-Nobody-Knows", HEADER_OTHER},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        size_t length = strlen(rows[i].name);
        assert_number(rows[i].name, header_find(guard_copy(rows[i].name, length), length), rows[i].kind);
    }
}

// Each kind has a name of its own, which is found in any case, and no longer, shorter or changed name is.
static void test_every_name(void **state)
{
    for (unsigned kind = HEADER_OTHER + 1; kind < HEADER_COUNT; kind++) {
        const char *name = header_text(kind);
        size_t length = strlen(name);
        char text[40];
        assert_true(length >= 2 && length < sizeof(text) - 1);
        assert_number(name, header_find(guard_copy(name, length), length), kind);
        for (unsigned bit = 0; bit <= 0x20; bit += 0x20) {
            for (size_t i = 0; i < length; i++)
                text[i] = name[i] == '-' ? '-' : (char)((name[i] & ~0x20) | (char)bit);
            assert_number(name, header_find(guard_copy(text, length), length), kind);
        }
        // The rest of "To" is its compact form.
        if (length > 2)
            assert_number(name, header_find(guard_copy(name, length - 1), length - 1), HEADER_OTHER);
        memcpy(text, name, length);
        text[length] = 's';
        assert_number(name, header_find(guard_copy(text, length + 1), length + 1), HEADER_OTHER);
        for (size_t i = 0; i < length; i++) {
            memcpy(text, name, length);
            text[i] = '_';
            assert_number(name, header_find(guard_copy(text, length), length), HEADER_OTHER);
        }
    }
    assert_string_equal(header_text(HEADER_OTHER), "");
    assert_string_equal(header_text(HEADER_COUNT), "");
}

static void test_method(void **state)
{
    for (unsigned method = 0; method < METHOD_OTHER; method++) {
        size_t length = strlen(method_text(method));
        assert_int_equal(method_find(guard_copy(method_text(method), length), length), method);
        assert_int_equal(method_find(guard_copy(method_text(method), length), length - 1), METHOD_OTHER);
    }
    // RFC 3261 7.1: methods are case-sensitive.
    assert_int_equal(method_find((const uint8_t *)"invite", 6), METHOD_OTHER);
    assert_int_equal(method_find((const uint8_t *)"INVITED", 7), METHOD_OTHER);
    assert_string_equal(method_text(METHOD_INVITE), "INVITE");
    assert_string_equal(method_text(METHOD_UPDATE), "UPDATE");
    assert_string_equal(method_text(METHOD_OTHER), "OTHER");
    assert_string_equal(method_text(200), "OTHER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_header_find), cmocka_unit_test(test_every_name),
                                       cmocka_unit_test(test_method)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
