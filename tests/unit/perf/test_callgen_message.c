// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "message.h"

#define FIRST "INVITE sip:bob@example.org SIP/2.0\r\n"
#define REST                                                                                                 \
    "From: \"A, <b\" <sip:a@example.org>;tag=1\r\nTo: <sip:b@example.org;user=phone>\r\nCall-ID: x@y\r\n"    \
    "CSeq: 7 INVITE\r\nMax-Forwards: 69\r\nContact: <sip:a@192.0.2.1;transport=udp>;expires=3\r\n"
#define VIA "Via: SIP/2.0/UDP a.example;branch=z9hG4bKx;rport\r\n"
#define END "Content-Length: 4\r\n\r\nbody"

static bool text_is(struct span span, const char *text)
{
    return span_equal(span, (struct span){text, strlen(text)});
}

static void test_a_whole_message(void **state)
{
    static const char text[] =
        FIRST VIA "v: SIP/2.0/UDP b, SIP/2.0/UDP c;x=\"1,2\"\r\n"
                  "Record-Route: <sip:p;lr;a=1,2>, <sip:q;lr>\r\nROUTE :<sip:r;lr>\r\n" REST END;
    struct message message;
    assert_true(message_read(&message, text, sizeof(text) - 1));
    assert_int_equal(message.status, 0);
    assert_int_equal(message.method, METHOD_INVITE);
    assert_int_equal(message.cseq, 7);
    assert_int_equal(message.max_forwards, 69);
    assert_int_equal(message.vias.count, 3);
    assert_true(text_is(message.vias.list[2], "SIP/2.0/UDP c;x=\"1,2\""));
    assert_int_equal(message.record_routes.count, 2);
    assert_true(text_is(message.record_routes.list[0], "<sip:p;lr;a=1,2>"));
    assert_true(text_is(message.record_routes.list[1], "<sip:q;lr>"));
    assert_int_equal(message.routes.count, 1);
    assert_true(text_is(message.branch, "z9hG4bKx"));
    assert_true(text_is(message.uri, "sip:bob@example.org"));
    assert_true(text_is(message.from_tag, "1"));
    assert_true(text_is(message.to, "<sip:b@example.org;user=phone>"));
    assert_int_equal(message.to_tag.length, 0);
    assert_true(text_is(message.call_id, "x@y"));
    assert_true(text_is(message.contact, "sip:a@192.0.2.1;transport=udp"));
    assert_true(text_is(message.body, "body"));
}

static void test_what_is_read_and_what_is_not(void **state)
{
    static const struct {
        const char *text;
        bool read;
    } rows[] = {
        {FIRST VIA REST "\r\n", true},
        {"SIP/2.0 180 Ringing\r\n" VIA REST "\r\n", true},
        {"SIP/2.0 200 \r\n" VIA REST "\r\n", true},
        {FIRST VIA REST "l: 3\r\n\r\nbody", false},
        {FIRST VIA REST "l: 5\r\n\r\nbody", false},
        {FIRST VIA REST "l: x\r\n\r\n", false},
        {FIRST REST "\r\n", false},
        {FIRST VIA REST, false},
        {"SIP/2.0 99 Less\r\n" VIA REST "\r\n", false},
        {"SIP/2.0 700 More\r\n" VIA REST "\r\n", false},
        {"INVITE sip:a SIP/3.0\r\n" VIA REST "\r\n", false},
        {"BYE sip:a SIP/2.0\r\n" VIA REST "\r\n", false},
        {"PUBLISH sip:a SIP/2.0\r\n" VIA REST "\r\n", false},
        {FIRST VIA VIA VIA VIA VIA VIA VIA VIA VIA REST "\r\n", false},
        {FIRST VIA "no colon\r\n" REST "\r\n", false},
        {FIRST "Via: SIP/2.0/UDP a\n" REST "\r\n", false},
        {"", false},
        {"\r\n", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message message;
        assert_int_equal(message_read(&message, rows[i].text, strlen(rows[i].text)), rows[i].read);
    }
}

// Nothing behind the octets is looked at, wherever they end and whatever one of them is.
static void test_damaged_octets_are_read_to_their_end(void **state)
{
    static const char text[] = FIRST VIA REST END;
    static const char odd[] = {0, '\n', '\r', ':', ',', '"', '<', '>', ';', ' ', (char)0xff};
    for (size_t length = 0; length < sizeof(text); length++) {
        char *octets = malloc(length + (length == 0));
        struct message message;
        memcpy(octets, text, length);
        assert_int_equal(message_read(&message, octets, length), length == sizeof(text) - 1);
        for (size_t i = 0; length + 20 > sizeof(text) && i < length; i++)
            for (size_t j = 0; j < sizeof(odd); j++) {
                char was = octets[i];
                octets[i] = odd[j];
                message_read(&message, octets, length);
                octets[i] = was;
            }
        free(octets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_message),
        cmocka_unit_test(test_what_is_read_and_what_is_not),
        cmocka_unit_test(test_damaged_octets_are_read_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
