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
        {"r", HEADER_OTHER}, // Refer-To
        {"s", HEADER_OTHER},
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
    uint32_t seen = 0;
    for (unsigned i = 0; i < ROWS(rows); i++) {
        size_t length = strlen(rows[i].name);
        assert_number(rows[i].name, header_find(guard_copy(rows[i].name, length), length), rows[i].kind);
        seen |= 1u << rows[i].kind;
    }
    assert_int_equal(seen, (1u << HEADER_COUNT) - 1);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_header_find), cmocka_unit_test(test_method)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
