// SPDX-License-Identifier: BSD-3-Clause
// The To-tag without the parser; that it is the parser's is for tests/fuzz (sip_peek). The Call-ID is in
// test_message.c.
#include "guard.h"
#include "message.h"

#define ACK  "ACK sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define REST "Call-ID: 1@192.0.2.1\r\nCSeq: 1 ACK\r\n\r\n"

static const struct {
    const char *name, *text, *tag; // NULL: it is not seen
} rows[] = {
    {"usual", ACK "To: <sip:bob@example.com>;tag=abcde\r\n" REST, "abcde"},
    {"compact", ACK "t:sip:b@h;tag=abcde\r\n" REST, "abcde"},
    {"other case, space", ACK "TO :\t<sip:b@h>;x=y;tag=abcde\r\n" REST, "abcde"},
    {"behind a value that ends so", ACK "Subject: a;tag=fghij\r\nTo: <sip:b@h>;tag=abcde\r\n" REST, "abcde"},
    {"the last octets: a fold may be cut", ACK "To: <sip:b@h>;tag=abcde\r\n", NULL},
    {"no value before", ACK "To: ;tag=abcde\r\n" REST, "abcde"},
    {"no To", ACK REST, NULL},
    {"no tag", ACK "To: <sip:b@h>\r\n" REST, NULL},
    {"a shorter tag", ACK "To: <sip:b@h>;tag=abcd\r\n" REST, NULL},
    {"a longer one", ACK "To: <sip:b@h>;tag=abcdef\r\n" REST, NULL},
    {"not the last parameter", ACK "To: <sip:b@h>;tag=abcde;x\r\n" REST, NULL},
    {"a second To is a fault", ACK "To: <sip:b@h>\r\nTo: <sip:b@h>;tag=abcde\r\n" REST, "abcde"},
    {"lines before the Call-ID", ACK "To: <sip:b@h>;tag=abcde\r\nA: b\r\nC: d\r\n" REST, "abcde"},
    {"behind the Call-ID", ACK "Call-ID: 1\r\nTo: <sip:b@h>;tag=abcde\r\n\r\n", "abcde"},
    {"another name", ACK "Tow: <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"in the body", ACK REST "To: <sip:b@h>;tag=abcde\r\n", NULL},
    {"in the first line", "To: <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"fold", ACK "To: <sip:b@h>;x=\"y;tag=abcde\r\n \"\r\n" REST, NULL},
    {"line feed alone", ACK "To: <sip:b@h>;tag=abcde\n" REST, NULL},
    {"no line end", ACK "To: <sip:b@h>;tag=abcde", NULL},
    {"short line", ACK "t:g=abcde\r\n" REST, NULL},
    {"nothing", "", NULL},
};

static void test_to_tag(void **state)
{
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct span tag, call_id = {0, 0};
        uint32_t length = (uint32_t)strlen(rows[i].text);
        const uint8_t *octets = guard_copy(rows[i].text, length);
        (void)peek_call_id(octets, length, &call_id);
        if (peek_to_tag(octets, length, call_id, 5, &tag) != (rows[i].tag != NULL))
            fail_msg("%s: %s", rows[i].name, rows[i].tag != NULL ? "not seen" : "seen");
        if (rows[i].tag != NULL &&
            (tag.length != 5 || memcmp(octets + tag.offset, rows[i].tag, tag.length) != 0))
            fail_msg("%s: another", rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_to_tag)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
