// SPDX-License-Identifier: BSD-3-Clause
#include "reason.h"
#include "retry_after.h"
#include "sipfrag.h"
#include "value.h"

static bool dump_reason(const uint8_t *octets, struct span text, struct writer *out)
{
    struct reason reason;
    uint32_t at = 0;
    int more;
    while ((more = reason_next(octets, text, &at, &reason)) == 1) {
        write_reason(out, octets, &reason);
        write_text(out, "|");
    }
    return more == 0;
}

static void test_reason(void **state)
{
    static const struct value_row rows[] = {
        {"SIP;cause=200;text=\"Call completed elsewhere\"",
         "SIP;cause=200;text=\"Call completed elsewhere\"|"},
        {"Q.850 ;text=\"a, b\" ; cause = 16 , X;y=z", "Q.850;cause=16;text=\"a, b\"|X|"},
        {"SIP;cause=65536", NULL},
        {"SIP;cause=x", NULL},
        {"SIP;cause", NULL},
        {"SIP;cause=1;cause=2", NULL},
        {"SIP;text=\"a", NULL},
        {"SIP,", NULL},
        {";cause=1", NULL},
    };
    CHECK_ROWS(rows, dump_reason);
}

static bool dump_retry(const uint8_t *octets, struct span text, struct writer *out)
{
    struct retry_after retry;
    if (retry_after_read(octets, text, &retry) != 0)
        return false;
    write_retry_after(out, octets, &retry);
    return true;
}

static void test_retry_after(void **state)
{
    static const struct value_row rows[] = {
        {"0", "0"},
        {"18000;duration=3600", "18000;duration=3600"},
        {"120 (I'm in a \\) (long) meeting) ;x;Duration = 5", "120 (I'm in a \\) (long) meeting);duration=5"},
        {"4294967295", "4294967295"},
        {"4294967296", NULL},
        {"-1", NULL},
        {"Mon, 21 Jul 1997 18:48:34 GMT", NULL}, // RFC 2543 knew dates
        {"5 (a", NULL},
        {"5 (a\\)", NULL},
        {"5 a", NULL},
        {"5;duration=x", NULL},
        {"5;duration=1;duration=2", NULL},
        {"5,6", NULL},
        {"", NULL},
    };
    CHECK_ROWS(rows, dump_retry);
}

static bool dump_frag(const uint8_t *octets, struct span text, struct writer *out)
{
    struct sipfrag frag;
    if (sipfrag_read(octets, text, &frag) != 0)
        return false;
    if (frag.status != 0)
        dump_number(out, "status=", frag.status);
    dump_span(out, " reason=", octets, frag.reason);
    dump_span(out, "method=", octets, frag.method);
    dump_span(out, " uri=", octets, frag.request_uri);
    dump_span(out, " rest=", octets, frag.rest);
    return true;
}

static void test_sipfrag(void **state)
{
    static const struct value_row rows[] = {
        {"SIP/2.0 100 Trying", "status=100 reason=Trying"},
        {"SIP/2.0 200 OK\r\n", "status=200 reason=OK"},
        {"sip/2.0 603 \r\n", "status=603"},
        {"SIP/2.0 603\n", "status=603"},
        {"SIP/2.0 180 Ringing\r\nTo: <sip:a>\r\n\r\nx",
         "status=180 reason=Ringing rest=To: <sip:a>\r\n\r\nx"},
        {"INVITE sip:a@h SIP/2.0\r\nTo: b", "method=INVITE uri=sip:a@h rest=To: b"},
        {"To: <sip:a>\r\nFrom: b", " rest=To: <sip:a>\r\nFrom: b"},
        {"SIP/2.0 99 x", NULL},
        {"SIP/2.0 700 x", NULL},
        {"SIP/2.0 1000 x", NULL},
        {"SIP/2.0 200OK", NULL},
        {"SIP/2.0", NULL},
        {"SIP/3.0 200 OK", NULL},
        {"INVITE SIP/2.0", NULL},
        {"hello", NULL},
        {": x", NULL},
        {"", NULL},
    };
    char text[40];
    struct writer writer;
    CHECK_ROWS(rows, dump_frag);
    writer_init(&writer, text, sizeof(text));
    write_sipfrag(&writer, 486, "Busy Here");
    assert_int_equal(writer.used, strlen("SIP/2.0 486 Busy Here\r\n"));
    assert_memory_equal(text, "SIP/2.0 486 Busy Here\r\n", writer.used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reason), cmocka_unit_test(test_retry_after),
                                       cmocka_unit_test(test_sipfrag)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
