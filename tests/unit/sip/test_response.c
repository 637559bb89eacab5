// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "write.h"

#define SOURCE_PORT 5070

static const struct ip_address source = IP_MAPPED(0xc0000201u); // 192.0.2.1

#define REQUEST(via)                                                                                         \
    "INVITE sip:bob@example.com SIP/2.0\r\n" via "From: <sip:a>;tag=1\r\n"                                   \
    "To: <sip:b>\r\nCall-ID: x@y\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\n\r\n"
#define ANSWER(status, via, to, extra)                                                                       \
    "SIP/2.0 " status "\r\n" via "From: <sip:a>;tag=1\r\nTo: <sip:b>" to                                     \
    "\r\nCall-ID: x@y\r\nCSeq: 1 INVITE\r\n" extra "Content-Length: 0\r\n\r\n"

// The topmost Via as it came and as it must leave, seen from 192.0.2.1:5070 (RFC 3261 18.2.1, RFC 3581 4).
static const struct via_row {
    const char *name, *came, *leaves;
} vias[] = {
    {"address as it says", "SIP/2.0/UDP 192.0.2.1;branch=b", "SIP/2.0/UDP 192.0.2.1;branch=b"},
    {"other address", "SIP/2.0/UDP 192.0.2.2;branch=b", "SIP/2.0/UDP 192.0.2.2;branch=b;received=192.0.2.1"},
    {"name", "SIP/2.0/UDP a.example:5060", "SIP/2.0/UDP a.example:5060;received=192.0.2.1"},
    {"rport and address as it says", "SIP/2.0/UDP 192.0.2.1;rport;branch=b",
     "SIP/2.0/UDP 192.0.2.1;rport=5070;branch=b;received=192.0.2.1"},
    {"rport last", "SIP/2.0/UDP h;branch=b;rport", "SIP/2.0/UDP h;branch=b;rport=5070;received=192.0.2.1"},
    {"rport with a value", "SIP/2.0/UDP h;rport=1;branch=b",
     "SIP/2.0/UDP h;rport=5070;branch=b;received=192.0.2.1"},
    {"received already", "SIP/2.0/UDP 192.0.2.1;received=198.51.100.9;branch=b",
     "SIP/2.0/UDP 192.0.2.1;received=192.0.2.1;branch=b"},
    {"received before rport", "SIP/2.0/UDP h;received=198.51.100.9;rport;branch=b",
     "SIP/2.0/UDP h;received=192.0.2.1;rport=5070;branch=b"},
    {"rport before received", "SIP/2.0/UDP h;rport;received=198.51.100.9",
     "SIP/2.0/UDP h;rport=5070;received=192.0.2.1"},
    {"second value untouched", "SIP/2.0/UDP h;rport;branch=b, SIP/2.0/UDP i;rport",
     "SIP/2.0/UDP h;rport=5070;branch=b;received=192.0.2.1, SIP/2.0/UDP i;rport"},
    {"IPv6 sent-by", "SIP/2.0/UDP [2001:db8::1];branch=b",
     "SIP/2.0/UDP [2001:db8::1];branch=b;received=192.0.2.1"},
};

// From [2001:db8::1].
static const struct via_row ipv6_vias[] = {
    {"address as it says", "SIP/2.0/UDP [2001:db8::1];branch=b", "SIP/2.0/UDP [2001:db8::1];branch=b"},
    {"written otherwise", "SIP/2.0/UDP [2001:DB8:0::0001]:5070;branch=b",
     "SIP/2.0/UDP [2001:DB8:0::0001]:5070;branch=b"},
    {"other address", "SIP/2.0/UDP [2001:db8::2];branch=b",
     "SIP/2.0/UDP [2001:db8::2];branch=b;received=2001:db8::1"},
    {"received already, in brackets", "SIP/2.0/UDP [2001:db8::1];received=[2001:db8::9];branch=b",
     "SIP/2.0/UDP [2001:db8::1];received=2001:db8::1;branch=b"},
    {"received already, without", "SIP/2.0/UDP h;received=2001:db8::9;rport;branch=b",
     "SIP/2.0/UDP h;received=2001:db8::1;rport=5070;branch=b"},
    {"IPv4 in its clothes", "SIP/2.0/UDP [::ffff:192.0.2.1];branch=b",
     "SIP/2.0/UDP [::ffff:192.0.2.1];branch=b;received=2001:db8::1"},
};

static void parse(struct message *message, const char *text, int fault)
{
    assert_number(text, message_parse((const uint8_t *)text, (uint32_t)strlen(text), message), fault);
}

static void assert_text(const char *row, const uint8_t *got, size_t length, const char *want)
{
    if (length != strlen(want) || memcmp(got, want, length) != 0)
        fail_msg("%s: got\n%.*s\nwant\n%s", row, (int)length, (const char *)got, want);
}

static void test_via_response(void **state)
{
    for (unsigned i = 0; i < ROWS(vias); i++) {
        char text[1024], want[1024];
        uint8_t out[1024];
        struct message request;
        struct writer writer;
        const struct response_parts parts = {.status = 404,
                                             .reason = "Not Found",
                                             .to_tag = "t",
                                             .source_address = source,
                                             .source_port = SOURCE_PORT};
        snprintf(text, sizeof(text), REQUEST("Via: %s\r\nv: SIP/2.0/UDP low;rport\r\n"), vias[i].came);
        snprintf(want, sizeof(want),
                 ANSWER("404 Not Found", "Via: %s\r\nVia: SIP/2.0/UDP low;rport\r\n", ";tag=t", ""),
                 vias[i].leaves);
        parse(&request, text, MESSAGE_FINE);
        writer_init(&writer, out, sizeof(out));
        write_response(&writer, &request, &parts);
        assert_false(writer.overflow);
        assert_text(vias[i].name, out, writer.used, want);
        // No room but the exact one is enough.
        for (uint32_t size = 0; size < strlen(want); size++) {
            writer_init(&writer, guard_copy(want, size), size);
            write_response(&writer, &request, &parts);
            assert_true(writer.overflow);
        }
    }
}

static void check_via_edit(const struct via_row *row, const struct ip_address *from)
{
    char text[1024], want[1024];
    uint8_t out[1024];
    struct message request;
    struct edits edits;
    snprintf(text, sizeof(text), REQUEST("v : %s\r\nVia: SIP/2.0/UDP low;rport\r\n"), row->came);
    snprintf(want, sizeof(want), REQUEST("v : %s\r\nVia: SIP/2.0/UDP low;rport\r\n"), row->leaves);
    parse(&request, text, MESSAGE_FINE);
    edits_init(&edits);
    edit_via_source(&edits, &request, from, SOURCE_PORT);
    int used = edits_render(&edits, &request, out, sizeof(out));
    assert_true(used > 0);
    assert_text(row->name, out, (size_t)used, want);
}

static void test_via_edit(void **state)
{
    static const struct ip_address ipv6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    for (unsigned i = 0; i < ROWS(vias); i++)
        check_via_edit(&vias[i], &source);
    for (unsigned i = 0; i < ROWS(ipv6_vias); i++)
        check_via_edit(&ipv6_vias[i], &ipv6);
}

#define VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=b\r\n"

static const struct {
    const char *name, *request;
    int fault;
    struct response_parts parts;
    const char *want;
} rows[] = {
    {"100 has no tag and the Timestamp",
     REQUEST(VIA),
     MESSAGE_FINE,
     {.status = 100, .reason = "Trying"},
     ANSWER("100 Trying", VIA, "", "Timestamp: 54\r\n")},
    {"empty tag",
     REQUEST(VIA),
     MESSAGE_FINE,
     {.status = 200, .reason = "OK", .to_tag = ""},
     ANSWER("200 OK", VIA, "", "")},
    {"extra headers",
     REQUEST(VIA),
     MESSAGE_FINE,
     {.status = 503, .reason = "Service Unavailable", .to_tag = "t", .extra = "Retry-After: 5\r\nA: b\r\n"},
     ANSWER("503 Service Unavailable", VIA, ";tag=t", "Retry-After: 5\r\nA: b\r\n")},
    {"tag there already",
     "BYE sip:h SIP/2.0\r\n" VIA "From: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\ni: x\r\n"
     "CSeq: 2 BYE\r\n\r\n",
     MESSAGE_FINE,
     {.status = 481, .reason = "No", .to_tag = "t"},
     "SIP/2.0 481 No\r\n" VIA "From: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\nCall-ID: x\r\nCSeq: 2 BYE\r\n"
     "Content-Length: 0\r\n\r\n"},
    {"folds become spaces",
     "BYE sip:h SIP/2.0\n"
     "v:\n SIP/2.0/UDP 192.0.2.1\n ;branch=b\nf: <sip:a>\r\n ;tag=1\nt: <sip:b>\ni: x\nCSeq: 2\n BYE\n\n",
     MESSAGE_FINE,
     {.status = 481, .reason = "No", .to_tag = "t"},
     "SIP/2.0 481 No\r\nVia: SIP/2.0/UDP 192.0.2.1  ;branch=b\r\nFrom: <sip:a>   ;tag=1\r\nTo: "
     "<sip:b>;tag=t\r\n"
     "Call-ID: x\r\nCSeq: 2  BYE\r\nContent-Length: 0\r\n\r\n"},
    {"what is missing stays away",
     "INVITE sip:h SIP/2.0\r\n" VIA "CSeq: 1 INVITE\r\n\r\n",
     MESSAGE_NO_FROM,
     {.status = 400, .reason = "Missing From", .to_tag = "t"},
     "SIP/2.0 400 Missing From\r\n" VIA "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"},
    {"overload: a value behind oc, one algorithm",
     REQUEST("Via: SIP/2.0/UDP 192.0.2.1;oc;branch=b;oc-algo=\"A, loss\"\r\n"),
     MESSAGE_FINE,
     {.status = 200, .reason = "OK", .overload = "=20;oc-validity=500"},
     ANSWER("200 OK", "Via: SIP/2.0/UDP 192.0.2.1;oc=20;oc-validity=500;branch=b;oc-algo=\"loss\"\r\n", "",
            "")},
    {"overload: among the others, and in place of a value",
     REQUEST("Via: SIP/2.0/UDP h;oc-algo=\"LOSS\";rport;OC=7;branch=b\r\n"),
     MESSAGE_FINE,
     {.status = 200, .reason = "OK", .overload = "=0;oc-validity=0"},
     ANSWER(
         "200 OK",
         "Via: SIP/2.0/UDP h;oc-algo=\"loss\";rport=5070;OC=0;oc-validity=0;branch=b;received=192.0.2.1\r\n",
         "", "")},
    {"overload: not for who does not ask",
     REQUEST(VIA),
     MESSAGE_FINE,
     {.status = 200, .reason = "OK", .overload = "=20"},
     ANSWER("200 OK", VIA, "", "")},
    {"overload: nor with another algorithm",
     REQUEST("Via: SIP/2.0/UDP 192.0.2.1;branch=b;oc;oc-algo=\"rate\"\r\n"),
     MESSAGE_FINE,
     {.status = 200, .reason = "OK", .overload = "=20"},
     ANSWER("200 OK", "Via: SIP/2.0/UDP 192.0.2.1;branch=b;oc;oc-algo=\"rate\"\r\n", "", "")},
    {"overload: nor where a value stands apart",
     REQUEST("Via: SIP/2.0/UDP 192.0.2.1;branch=b;oc = 3;oc-algo=\"loss\"\r\n"),
     MESSAGE_FINE,
     {.status = 200, .reason = "OK", .overload = "=20"},
     ANSWER("200 OK", "Via: SIP/2.0/UDP 192.0.2.1;branch=b;oc = 3;oc-algo=\"loss\"\r\n", "", "")},
    {"Via with a fault",
     "INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=b;;,\r\nCSeq: 1 INVITE\r\n\r\n",
     MESSAGE_BAD_VIA,
     {.status = 400, .reason = "Bad Via"},
     "SIP/2.0 400 Bad Via\r\nVia: SIP/2.0/UDP h;branch=b;received=192.0.2.1;;,\r\nCSeq: 1 INVITE\r\n"
     "Content-Length: 0\r\n\r\n"},
};

static void test_response(void **state)
{
    for (unsigned i = 0; i < ROWS(rows); i++) {
        uint8_t out[1024];
        struct message request;
        struct writer writer;
        struct response_parts parts = rows[i].parts;
        parts.source_address = source;
        parts.source_port = SOURCE_PORT;
        parse(&request, rows[i].request, rows[i].fault);
        writer_init(&writer, out, sizeof(out));
        write_response(&writer, &request, &parts);
        assert_text(rows[i].name, out, writer.used, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_via_response),
        cmocka_unit_test(test_via_edit),
        cmocka_unit_test(test_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
