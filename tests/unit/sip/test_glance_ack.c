// SPDX-License-Identifier: BSD-3-Clause
// Call-ID and To-tag of an ACK without the parser; that they are the parser's is for tests/fuzz (sip_glance).
#include "glance.h"
#include "guard.h"
#include "mark.h"

#define ACK  "ACK sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define REST "Call-ID: 1@192.0.2.1\r\nCSeq: 1 ACK\r\n\r\n"

static const struct {
    const char *name, *text, *tag; // NULL: it is not seen
} rows[] = {
    {"usual", ACK "To: <sip:bob@example.com>;tag=abcde\r\n" REST, "abcde"},
    {"compact", ACK "t:sip:b@h;tag=abcde\r\n" REST, "abcde"},
    {"other case", ACK "TO:<sip:b@h>;x=y;tag=abcde\r\n" REST, "abcde"},
    {"white space before the colon", ACK "To : <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"white space behind", ACK "To: <sip:b@h>;tag=abcde \r\n" REST, NULL},
    {"behind a value that ends so", ACK "Subject: a;tag=fghij\r\nTo: <sip:b@h>;tag=abcde\r\n" REST, "abcde"},
    {"the last octets: a fold may be cut", ACK "To: <sip:b@h>;tag=abcde\r\n", NULL},
    {"no value before", ACK "To: ;tag=abcde\r\n" REST, NULL},
    {"no To", ACK REST, NULL},
    {"no tag", ACK "To: <sip:b@h>\r\n" REST, NULL},
    {"a shorter tag", ACK "To: <sip:b@h>;tag=abcd\r\n" REST, NULL},
    {"a longer one", ACK "To: <sip:b@h>;tag=abcdef\r\n" REST, NULL},
    {"not the last parameter", ACK "To: <sip:b@h>;tag=abcde;x\r\n" REST, NULL},
    {"a second To is a fault", ACK "To: <sip:b@h>\r\nTo: <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"compact Call-ID", ACK "To: <sip:b@h>;tag=abcde\r\ni:1@192.0.2.1\r\n\r\n", "abcde"},
    {"short start line",
     "ACK sip:h SIP/2.0\r\ni:1\r\nVia: SIP/2.0/UDP h\r\nt:b;tag=abcde\r\nCSeq: 1 ACK\r\n\r\n", "abcde"},
    {"lines before the Call-ID", ACK "To: <sip:b@h>;tag=abcde\r\nA: b\r\nC: d\r\n" REST, "abcde"},
    {"behind the Call-ID", ACK "Call-ID: 1\r\nTo: <sip:b@h>;tag=abcde\r\n\r\n", "abcde"},
    {"lines behind the Call-ID", ACK "Call-ID: 1\r\nA: b\r\nTo: <sip:b@h>;tag=abcde\r\nC: d\r\n\r\n",
     "abcde"},
    {"fold behind the Call-ID", ACK "To: <sip:b@h>;tag=abcde\r\nCall-ID: 1\r\n \r\n\r\n", NULL},
    {"space in the Call-ID", ACK "To: <sip:b@h>;tag=abcde\r\nCall-ID: 1 2\r\n\r\n", NULL},
    {"long Call-ID with a quote",
     ACK "To: <sip:b@h>;tag=abcde\r\nCall-ID: 0123456789012345678901234567890123\"\r\n\r\n", NULL},
    {"version", "ACK sip:bob@example.com SIP/3.0\r\nTo: <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"BYE", "BYE sip:bob@example.com SIP/2.0\r\nTo: <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"another name", ACK "Tow: <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"in the body", ACK REST "To: <sip:b@h>;tag=abcde\r\n", NULL},
    {"in the first line", "To: <sip:b@h>;tag=abcde\r\n" REST, NULL},
    {"fold", ACK "To: <sip:b@h>;x=\"y;tag=abcde\r\n \"\r\n" REST, NULL},
    {"line feed alone", ACK "To: <sip:b@h>;tag=abcde\n" REST, NULL},
    {"no line end", ACK "To: <sip:b@h>;tag=abcde", NULL},
    {"short line", ACK "t:g=abcde\r\n" REST, NULL},
    {"nothing", "", NULL},
};

static void check(size_t i)
{
    static struct message message;
    struct glance glance;
    struct span tag, call_id = {0, 0};
    struct glance_via known = {.before_length = 0};
    uint32_t length = (uint32_t)strlen(rows[i].text);
    const uint8_t *octets = guard_copy(rows[i].text, length);
    bool begun = glance_begin(octets, length, &message, &glance);
    if ((begun && glance_to_tag(&glance, 5, &tag)) != (rows[i].tag != NULL))
        fail_msg("%s: %s", rows[i].name, rows[i].tag != NULL ? "not seen" : "seen");
    if (begun && (!glance.is_ack || !peek_call_id(octets, length, &call_id) ||
                  memcmp(&call_id, &glance.values[HEADER_CALL_ID], sizeof(call_id)) != 0))
        fail_msg("%s: another Call-ID", rows[i].name);
    if (rows[i].tag != NULL && (tag.length != 5 || memcmp(octets + tag.offset, rows[i].tag, tag.length) != 0))
        fail_msg("%s: another", rows[i].name);
    if (begun && glance_rest(&glance, &known))
        fail_msg("%s: no INVITE", rows[i].name);
}

static void test_to_tag(void **state)
{
    static const enum mark_level levels[] = {MARK_SCALAR, MARK_AVX2};
    for (size_t level = 0; level < ROWS(levels); level++) {
        if (!mark_use(levels[level]))
            continue;
        for (size_t i = 0; i < ROWS(rows); i++)
            check(i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_to_tag)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
