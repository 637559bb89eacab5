// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "judge.h"

#define START   "INVITE sip:bob@example.com SIP/2.0\r\n"
#define VIA     "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
#define FROM    "From: <sip:alice@example.com>;tag=a\r\n"
#define TO      "To: <sip:bob@example.com>\r\n"
#define CALL_ID "Call-ID: 1@192.0.2.1\r\n"
#define CSEQ    "CSeq: 1 INVITE\r\n"
#define END     "\r\n"
#define GOOD    START VIA FROM TO CALL_ID CSEQ
// The octets of a literal and their number, NULs included.
#define TEXT(literal) (literal), sizeof(literal) - 1

struct good {
    const char *name, *text;
    size_t size;
    int method;
    const char *call_id, *from_tag, *to_tag, *branch, *body;
    uint32_t cseq;
    int max_forwards;
    unsigned headers;
};

static const struct good goods[] = {
    {"least", TEXT(GOOD END), METHOD_INVITE, "1@192.0.2.1", "a", NULL, "z9hG4bK1", NULL, 1, -1, 5},
    {"body", TEXT(GOOD "Max-Forwards: 70\r\nContent-Length: 4\r\n" END "v=0\n"), METHOD_INVITE, "1@192.0.2.1",
     "a", NULL, "z9hG4bK1", "v=0\n", 1, 70, 7},
    {"more than Content-Length", TEXT(GOOD "l: 2\r\n" END "abcdef"), METHOD_INVITE, "1@192.0.2.1", "a", NULL,
     "z9hG4bK1", "ab", 1, -1, 6},
    {"body without Content-Length", TEXT(GOOD END "abc"), METHOD_INVITE, "1@192.0.2.1", "a", NULL, "z9hG4bK1",
     "abc", 1, -1, 5},
    {"Call-ID in the body", TEXT(GOOD END "Call-ID: 2\r\n\r\n"), METHOD_INVITE, "1@192.0.2.1", "a", NULL,
     "z9hG4bK1", "Call-ID: 2\r\n\r\n", 1, -1, 5},
    {"compact",
     TEXT("BYE sip:h SIP/2.0\r\nv:SIP/2.0/UDP "
          "h;branch=b\r\nf:<sip:a>;tag=1\r\nt:<sip:b>;tag=2\r\ni:x\r\nCSeq:7 "
          "BYE\r\nl:0\r\nm:<sip:c>\r\n\r\n"),
     METHOD_BYE, "x", "1", "2", "b", NULL, 7, -1, 7},
    {"line ends before the start line", TEXT("\r\n\n\r\r\n" GOOD END), METHOD_INVITE, "1@192.0.2.1", "a",
     NULL, "z9hG4bK1", NULL, 1, -1, 5},
    {"bare LF",
     TEXT("ACK sip:h SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: <sip:a>\nTo: <sip:b>\nCall-ID: x\nCSeq: 1 "
          "ACK\n\nbody"),
     METHOD_ACK, "x", NULL, NULL, NULL, "body", 1, -1, 5},
    {"folds and white space",
     TEXT("OPTIONS sip:h SIP/2.0\r\nVia  :\r\n SIP/2.0/UDP h;\r\n\tbranch=b\r\nfRoM\t:\r\n  \"A\r\n B\" "
          "<sip:a>\r\n ;"
          "\r\n tag\r\n =\r\n x\r\nto:<sip:b>  \t \r\nCall-ID  :  \r\n\t id@h \r\n \r\nCSEQ: 0009\r\n  "
          "OPTIONS\r\nMax-Forwards: 0068\r\n\r\n"),
     METHOD_OPTIONS, "id@h", "x", NULL, "b", NULL, 9, 68, 6},
    {"tag in the name and in the URI",
     TEXT(START VIA "From: \"a;tag=no\\\";tag=no\" <sip:a;tag=no@h;tag=no>;x=\";tag=no\";TAG=yes\r\n"
                    "To: \"\\\\\" <sip:b;tag=no>\r\n" CALL_ID CSEQ END),
     METHOD_INVITE, "1@192.0.2.1", "yes", NULL, "z9hG4bK1", NULL, 1, -1, 5},
    {"commas",
     TEXT(START
          "Via: SIP/2.0/UDP a;branch=1,SIP/2.0/UDP b;branch=2\r\nRoute: <sip:a;lr>,<sip:b;lr>\r\n" FROM TO
              CALL_ID CSEQ END),
     METHOD_INVITE, "1@192.0.2.1", "a", NULL, "1", NULL, 1, -1, 6},
    {"several Via",
     TEXT(START "v: SIP/2.0/UDP a;branch=1\r\n" VIA FROM TO CALL_ID CSEQ "vIA: SIP/2.0/TCP c\r\n" END),
     METHOD_INVITE, "1@192.0.2.1", "a", NULL, "1", NULL, 1, -1, 7},
    {"other method",
     TEXT("!x*_+`.%'~ sip:h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 2147483647 !x*_+`.%'~\r\n" END),
     METHOD_OTHER, "1@192.0.2.1", "a", NULL, "z9hG4bK1", NULL, 2147483647, -1, 5},
    {"version in lower case", TEXT("INVITE sip:h sip/2.0\r\n" VIA FROM TO CALL_ID CSEQ END), METHOD_INVITE,
     "1@192.0.2.1", "a", NULL, "z9hG4bK1", NULL, 1, -1, 5},
    {"unknown scheme", TEXT("INVITE nobody:knows SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END), METHOD_INVITE,
     "1@192.0.2.1", "a", NULL, "z9hG4bK1", NULL, 1, -1, 5},
    {"control octets in quoted pairs",
     TEXT(START VIA "From: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:a>;tag=a\r\n" TO CALL_ID CSEQ END),
     METHOD_INVITE, "1@192.0.2.1", "a", NULL, "z9hG4bK1", NULL, 1, -1, 5},
    {"odd Call-ID", TEXT(START VIA FROM TO "Call-ID: word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n" CSEQ END),
     METHOD_INVITE, "word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", "a", NULL, "z9hG4bK1", NULL, 1, -1, 5},
    {"empty header", TEXT(GOOD "Subject:\r\nSupported: \r\n" END), METHOD_INVITE, "1@192.0.2.1", "a", NULL,
     "z9hG4bK1", NULL, 1, -1, 7},
    {"response",
     TEXT("SIP/2.0 180 Ringing\r\n" VIA FROM "To: <sip:b>;tag=b\r\n" CALL_ID "CSeq: 3 INVITE\r\n" END),
     METHOD_INVITE, "1@192.0.2.1", "a", "b", "z9hG4bK1", NULL, 3, -1, 5},
    {"response without a phrase", TEXT("SIP/2.0 100 \r\n" VIA FROM TO CALL_ID "CSeq: 3 X\r\n" END),
     METHOD_OTHER, "1@192.0.2.1", "a", NULL, "z9hG4bK1", NULL, 3, -1, 5},
};

struct bad {
    const char *name, *text;
    size_t size;
    int fault, status;
    const char *reason;
};

static const struct bad bads[] = {
    {"nothing", TEXT(""), MESSAGE_NOT_SIP, 0, NULL},
    {"CRLF keepalive", TEXT("\r\n\r\n"), MESSAGE_NOT_SIP, 0, NULL},
    {"NUL keepalive", TEXT("\0\0\0\0"), MESSAGE_NOT_SIP, 0, NULL},
    {"HTTP", TEXT("GET / HTTP/1.1\r\n" VIA END), MESSAGE_NOT_SIP, 0, NULL},
    {"one word", TEXT("INVITE\r\n" VIA END), MESSAGE_NOT_SIP, 0, NULL},
    {"no version", TEXT("INVITE sip:h\r\n" VIA FROM TO CALL_ID CSEQ END), MESSAGE_NOT_SIP, 0, NULL},
    {"start line not ended", TEXT("INVITE sip:h SIP/2.0"), MESSAGE_NOT_SIP, 0, NULL},
    {"space first", TEXT(" " GOOD END), MESSAGE_NOT_SIP, 0, NULL},
    {"large status", TEXT("SIP/2.0 4294967301 better\r\n" VIA END), MESSAGE_NOT_SIP, 0, NULL},
    {"status 099", TEXT("SIP/2.0 099 x\r\n" VIA END), MESSAGE_NOT_SIP, 0, NULL},
    {"status 700", TEXT("SIP/2.0 700 x\r\n" VIA END), MESSAGE_NOT_SIP, 0, NULL},
    {"no status", TEXT("SIP/2.0\r\n" VIA END), MESSAGE_NOT_SIP, 0, NULL},
    {"version 7.0",
     TEXT("OPTIONS sip:h SIP/7.0\r\nVia: SIP/7.0/UDP h;branch=b\r\n" FROM TO CALL_ID
          "CSeq: 1 OPTIONS\r\n" END),
     MESSAGE_BAD_VERSION, 505, "Version Not Supported"},
    {"version 2.01", TEXT("INVITE sip:h SIP/2.01\r\n" VIA FROM TO CALL_ID CSEQ END), MESSAGE_BAD_VERSION, 505,
     "Version Not Supported"},
    {"version of a response", TEXT("SIP/3.0 200 OK\r\n" VIA FROM TO CALL_ID CSEQ END), MESSAGE_BAD_VERSION, 0,
     NULL},
    {"URI in brackets", TEXT("INVITE <sip:u@h> SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END),
     MESSAGE_BAD_REQUEST_URI, 400, "Bad Request-URI"},
    {"white space in the URI", TEXT("INVITE sip:u@h; lr SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END),
     MESSAGE_BAD_REQUEST_URI, 400, "Bad Request-URI"},
    {"two spaces", TEXT("INVITE  sip:u@h  SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END), MESSAGE_BAD_REQUEST_URI,
     400, "Bad Request-URI"},
    {"space behind the version", TEXT("INVITE sip:u@h SIP/2.0 \r\n" VIA FROM TO CALL_ID CSEQ END),
     MESSAGE_BAD_REQUEST_URI, 400, "Bad Request-URI"},
    {"no URI", TEXT("INVITE SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END), MESSAGE_BAD_REQUEST_URI, 400,
     "Bad Request-URI"},
    {"headers in the URI", TEXT("INVITE sip:u@h?Route=x SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END),
     MESSAGE_BAD_REQUEST_URI, 400, "Bad Request-URI"},
    {"NUL in the URI", TEXT("INVITE sip:u\0@h SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END),
     MESSAGE_BAD_REQUEST_URI, 400, "Bad Request-URI"},
    {"no colon", TEXT(GOOD "Subject\r\n" END), MESSAGE_BAD_HEADER_LINE, 400, "Bad Header Line"},
    {"space in a name", TEXT(GOOD "My Subject: x\r\n" END), MESSAGE_BAD_HEADER_LINE, 400, "Bad Header Line"},
    {"no name", TEXT(GOOD ": x\r\n" END), MESSAGE_BAD_HEADER_LINE, 400, "Bad Header Line"},
    {"fold before the colon", TEXT(GOOD "Subject\r\n : x\r\n" END), MESSAGE_BAD_HEADER_LINE, 400,
     "Bad Header Line"},
    {"fold of the start line", TEXT(START " x: y\r\n" VIA FROM TO CALL_ID CSEQ END), MESSAGE_BAD_HEADER_LINE,
     400, "Bad Header Line"},
    {"NUL in a header", TEXT(GOOD "Subject: a\0b\r\n" END), MESSAGE_BAD_HEADER_LINE, 400, "Bad Header Line"},
    {"NUL in the Call-ID", TEXT(START VIA FROM TO "Call-ID: a\0b\r\n" CSEQ END), MESSAGE_BAD_HEADER_LINE, 400,
     "Bad Header Line"},
    {"DEL in a header", TEXT(GOOD "Subject: a\x7f\r\n" END), MESSAGE_BAD_HEADER_LINE, 400, "Bad Header Line"},
    {"CR alone ends no line", TEXT("ACK sip:h SIP/2.0\rVia: SIP/2.0/UDP h\rCall-ID: x\r\r"), MESSAGE_NOT_SIP,
     0, NULL},
    {"CR in a header", TEXT(GOOD "Subject: a\rRoute: <sip:b>\r\n" END), MESSAGE_BAD_HEADER_LINE, 400,
     "Bad Header Line"},
    {"CR behind a backslash", TEXT(GOOD "Subject: \"\\\r\"\r\n" END), MESSAGE_BAD_HEADER_LINE, 400,
     "Bad Header Line"},
    {"CR before the line end", TEXT(GOOD "Subject: a\r\r\n" END), MESSAGE_BAD_HEADER_LINE, 400,
     "Bad Header Line"},
    {"CR before the empty line", TEXT(GOOD "\r\r\n" END), MESSAGE_BAD_HEADER_LINE, 400, "Bad Header Line"},
    {"CR at the end", TEXT(GOOD "\r"), MESSAGE_CUT, 400, "Missing Empty Line"},
    {"CR in a reason phrase", TEXT("SIP/2.0 200 O\rK\r\n" VIA FROM TO CALL_ID CSEQ END),
     MESSAGE_BAD_HEADER_LINE, 0, NULL},
    {"no Via", TEXT(START FROM TO CALL_ID CSEQ END), MESSAGE_NO_VIA, 0, NULL},
    {"empty Via", TEXT(START "Via:\r\n" FROM TO CALL_ID CSEQ END), MESSAGE_BAD_VIA, 0, NULL},
    {"Via without a host", TEXT(START "Via: SIP/2.0/UDP\r\n" FROM TO CALL_ID CSEQ END), MESSAGE_BAD_VIA, 0,
     NULL},
    {"Via with empty parameters",
     TEXT(START "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO CALL_ID CSEQ END), MESSAGE_BAD_VIA, 400,
     "Bad Via"},
    {"Via with a bad port", TEXT(START "Via: SIP/2.0/UDP h:99999\r\n" FROM TO CALL_ID CSEQ END),
     MESSAGE_BAD_VIA, 0, NULL},
    {"no From", TEXT(START VIA TO CALL_ID CSEQ END), MESSAGE_NO_FROM, 400, "Missing From"},
    {"no To", TEXT(START VIA FROM CALL_ID CSEQ END), MESSAGE_NO_TO, 400, "Missing To"},
    {"no Call-ID", TEXT(START VIA FROM TO CSEQ END), MESSAGE_NO_CALL_ID, 400, "Missing Call-ID"},
    {"no CSeq", TEXT(START VIA FROM TO CALL_ID END), MESSAGE_NO_CSEQ, 400, "Missing CSeq"},
    {"only Via and CSeq", TEXT(START VIA CSEQ END), MESSAGE_NO_FROM, 400, "Missing From"},
    {"only Via", TEXT(START VIA END), MESSAGE_NO_FROM, 0, NULL},
    {"no headers", TEXT(START END), MESSAGE_NO_VIA, 0, NULL},
    {"From without a scheme", TEXT(START VIA "From: alice\r\n" TO CALL_ID CSEQ END), MESSAGE_BAD_FROM, 400,
     "Bad From"},
    {"comma in an unquoted name", TEXT(START VIA "From: Bell, A <sip:a>;tag=1\r\n" TO CALL_ID CSEQ END),
     MESSAGE_BAD_FROM, 400, "Bad From"},
    {"two addresses in From", TEXT(START VIA "From: <sip:a>;tag=1, <sip:b>\r\n" TO CALL_ID CSEQ END),
     MESSAGE_BAD_FROM, 400, "Bad From"},
    {"trailing comma in From", TEXT(START VIA "From: <sip:a>;tag=1,\r\n" TO CALL_ID CSEQ END),
     MESSAGE_BAD_FROM, 400, "Bad From"},
    {"two tags", TEXT(START VIA "From: <sip:a>;tag=1;tag=2\r\n" TO CALL_ID CSEQ END), MESSAGE_BAD_FROM, 400,
     "Bad From"},
    {"quotes not closed",
     TEXT(START VIA FROM "To: \"Mr. J. User <sip:j.user@example.com>\r\n" CALL_ID CSEQ END), MESSAGE_BAD_TO,
     400, "Bad To"},
    {"spaces in the URI of To", TEXT(START VIA FROM "To: \"W\" < sip:w@example.org >\r\n" CALL_ID CSEQ END),
     MESSAGE_BAD_TO, 400, "Bad To"},
    {"empty To", TEXT(START VIA FROM "To:\r\n" CALL_ID CSEQ END), MESSAGE_BAD_TO, 400, "Bad To"},
    {"empty Call-ID", TEXT(START VIA FROM TO "Call-ID: \r\n" CSEQ END), MESSAGE_BAD_CALL_ID, 400,
     "Bad Call-ID"},
    {"space in the Call-ID", TEXT(START VIA FROM TO "Call-ID: a b\r\n" CSEQ END), MESSAGE_BAD_CALL_ID, 400,
     "Bad Call-ID"},
    {"two Call-IDs", TEXT(GOOD "i: 2@192.0.2.1\r\n" END), MESSAGE_BAD_CALL_ID, 400, "Bad Call-ID"},
    {"the same Call-ID twice", TEXT(GOOD CALL_ID END), MESSAGE_REPEATED_HEADER, 400, "Repeated Header"},
    {"two From", TEXT(GOOD FROM END), MESSAGE_REPEATED_HEADER, 400, "Repeated Header"},
    {"two To", TEXT(GOOD "t: <sip:x>\r\n" END), MESSAGE_REPEATED_HEADER, 400, "Repeated Header"},
    {"two CSeq", TEXT(GOOD "CSEQ: 2 INVITE\r\n" END), MESSAGE_REPEATED_HEADER, 400, "Repeated Header"},
    {"two Max-Forwards", TEXT(GOOD "Max-Forwards: 5\r\nMax-Forwards: 5\r\n" END), MESSAGE_REPEATED_HEADER,
     400, "Repeated Header"},
    {"two Content-Length", TEXT(GOOD "l: 0\r\nContent-Length: 0\r\n" END), MESSAGE_REPEATED_HEADER, 400,
     "Repeated Header"},
    {"other method in CSeq", TEXT(START VIA FROM TO CALL_ID "CSeq: 1 BYE\r\n" END), MESSAGE_BAD_CSEQ, 400,
     "Bad CSeq"},
    {"method in lower case", TEXT(START VIA FROM TO CALL_ID "CSeq: 1 invite\r\n" END), MESSAGE_BAD_CSEQ, 400,
     "Bad CSeq"},
    {"CSeq 2^31", TEXT(START VIA FROM TO CALL_ID "CSeq: 2147483648 INVITE\r\n" END), MESSAGE_BAD_CSEQ, 400,
     "Bad CSeq"},
    {"CSeq of 20 digits", TEXT(START VIA FROM TO CALL_ID "CSeq: 36893488147419103232 INVITE\r\n" END),
     MESSAGE_BAD_CSEQ, 400, "Bad CSeq"},
    {"CSeq without a number", TEXT(START VIA FROM TO CALL_ID "CSeq: INVITE\r\n" END), MESSAGE_BAD_CSEQ, 400,
     "Bad CSeq"},
    {"CSeq without a method", TEXT(START VIA FROM TO CALL_ID "CSeq: 1\r\n" END), MESSAGE_BAD_CSEQ, 400,
     "Bad CSeq"},
    {"CSeq without white space", TEXT(START VIA FROM TO CALL_ID "CSeq: 1INVITE\r\n" END), MESSAGE_BAD_CSEQ,
     400, "Bad CSeq"},
    {"negative CSeq", TEXT(START VIA FROM TO CALL_ID "CSeq: -1 INVITE\r\n" END), MESSAGE_BAD_CSEQ, 400,
     "Bad CSeq"},
    {"more behind CSeq", TEXT(START VIA FROM TO CALL_ID "CSeq: 1 INVITE (a)\r\n" END), MESSAGE_BAD_CSEQ, 400,
     "Bad CSeq"},
    {"Max-Forwards 256", TEXT(GOOD "Max-Forwards: 256\r\n" END), MESSAGE_BAD_MAX_FORWARDS, 400,
     "Bad Max-Forwards"},
    {"negative Max-Forwards", TEXT(GOOD "Max-Forwards: -1\r\n" END), MESSAGE_BAD_MAX_FORWARDS, 400,
     "Bad Max-Forwards"},
    {"empty Max-Forwards", TEXT(GOOD "Max-Forwards:\r\n" END), MESSAGE_BAD_MAX_FORWARDS, 400,
     "Bad Max-Forwards"},
    {"Content-Length too large", TEXT(GOOD "l: 5\r\n" END "abcd"), MESSAGE_BAD_CONTENT_LENGTH, 400,
     "Bad Content-Length"},
    {"negative Content-Length", TEXT(GOOD "l: -999\r\n" END "abcd"), MESSAGE_BAD_CONTENT_LENGTH, 400,
     "Bad Content-Length"},
    {"Content-Length of 20 digits", TEXT(GOOD "l: 18446744073709551617\r\n" END "a"),
     MESSAGE_BAD_CONTENT_LENGTH, 400, "Bad Content-Length"},
    {"no empty line", TEXT(GOOD), MESSAGE_CUT, 400, "Missing Empty Line"},
    {"cut in a header", TEXT(GOOD "Subj"), MESSAGE_CUT, 400, "Missing Empty Line"},
    {"faulty ACK", TEXT("ACK sip:h SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ END), MESSAGE_BAD_CSEQ, 0, NULL},
    {"faulty response", TEXT("SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID END), MESSAGE_NO_CSEQ, 0, NULL},
    {"first fault", TEXT("INVITE x SIP/2.0\r\n" VIA "junk\r\nFrom: y\r\n" TO CALL_ID CSEQ),
     MESSAGE_BAD_REQUEST_URI, 400, "Bad Request-URI"},
};

static void test_good(void **state)
{
    for (unsigned i = 0; i < ROWS(goods); i++) {
        const struct good *row = &goods[i];
        const uint8_t *text = guard_copy(row->text, row->size);
        struct message message;
        memset(&message, 0xa5, sizeof(message));
        assert_number(row->name, message_parse(text, (uint32_t)row->size, &message), MESSAGE_FINE);
        assert_number(row->name, message.method, row->method);
        assert_number(row->name, message.is_request, message.status == 0);
        assert_span(row->name, text, message.call_id, row->call_id);
        assert_span(row->name, text, message.from_tag, row->from_tag);
        assert_span(row->name, text, message.to_tag, row->to_tag);
        assert_span(row->name, text, message.via.branch, row->branch);
        assert_span(row->name, text, message.body, row->body);
        assert_number(row->name, message.cseq_number, row->cseq);
        assert_number(row->name, message.cseq_method, row->method);
        assert_number(row->name, message.max_forwards, row->max_forwards);
        assert_number(row->name, message.header_count, row->headers);
        assert_number(row->name, message_judge(&message, MESSAGE_FINE, &judge_front_end).action,
                      strcmp(row->name, "unknown scheme") == 0 ? JUDGE_ANSWER : JUDGE_FINE);
    }
}

static void test_bad(void **state)
{
    uint32_t seen = 0;
    for (unsigned i = 0; i < ROWS(bads); i++) {
        const struct bad *row = &bads[i];
        struct message message;
        int fault = message_parse(guard_copy(row->text, row->size), (uint32_t)row->size, &message);
        assert_number(row->name, fault, row->fault);
        struct message_verdict verdict = message_judge(&message, fault, &judge_front_end);
        assert_number(row->name, verdict.status, row->status);
        if (row->reason == NULL)
            assert_null(verdict.reason);
        else
            assert_string_equal(verdict.reason, row->reason);
        seen |= 1u << -fault;
    }
    // The two others need more text than a row: test_limits.
    seen |= 1u << -MESSAGE_TOO_MANY_HEADERS | 1u << -MESSAGE_TOO_LONG;
    assert_int_equal(seen, (1u << (-MESSAGE_TOO_LONG + 1)) - 2);
}

static void assert_within(const char *row, struct span span, size_t length)
{
    if ((size_t)span.offset + span.length > length)
        fail_msg("%s: span %u+%u outside %zu", row, span.offset, span.length, length);
}

// What holds for any octets whatever: spans lie inside, and steering sees the Call-ID that the parser sees.
static void check_any(const char *row, const uint8_t *text, size_t length)
{
    struct message message;
    struct span call_id = {0, 0};
    int fault = message_parse(text, (uint32_t)length, &message);
    assert_true(fault <= 0 && fault >= MESSAGE_TOO_LONG);
    const struct span spans[] = {
        message.method_name, message.request_uri, message.reason,       message.call_id,
        message.from,        message.from_tag,    message.to,           message.to_tag,
        message.cseq,        message.body,        message.via.whole,    message.via.transport,
        message.via.host,    message.via.rport,   message.via.received, message.via.branch};
    for (unsigned i = 0; i < ROWS(spans); i++)
        assert_within(row, spans[i], length);
    for (unsigned i = 0; i < message.header_count; i++) {
        assert_within(row, message.headers[i].line, length);
        assert_within(row, message.headers[i].value, length);
    }
    bool found = peek_call_id(text, (uint32_t)length, &call_id);
    assert_number(row, found, message.call_id.length != 0);
    if (found)
        assert_memory_equal(&call_id, &message.call_id, sizeof(call_id));
}

static void test_cut_everywhere(void **state)
{
    for (unsigned i = 0; i < ROWS(goods); i++)
        for (size_t length = 0; length <= goods[i].size; length++)
            check_any(goods[i].name, guard_copy(goods[i].text, length), length);
    for (unsigned i = 0; i < ROWS(bads); i++)
        for (size_t length = 0; length <= bads[i].size; length++)
            check_any(bads[i].name, guard_copy(bads[i].text, length), length);
}

// No proper prefix of the header part passes as whole.
static void test_cut_is_a_fault(void **state)
{
    static const char text[] = GOOD "Max-Forwards: 70\r\n";
    struct message message;
    for (uint32_t length = 0; length < sizeof(text); length++)
        assert_true(message_parse(guard_copy(text, length), length, &message) < 0);
}

// A whole message, every octet of it replaced by every other.
static void test_octet_replaced(void **state)
{
    static const char text[] = GOOD "Max-Forwards: 70\r\nl: 2\r\n\r\nab";
    for (size_t place = 0; place < sizeof(text) - 1; place++)
        for (unsigned octet = 0; octet < 256; octet++) {
            uint8_t *copy = guard_copy(text, sizeof(text) - 1);
            copy[place] = (uint8_t)octet;
            check_any("octet replaced", copy, sizeof(text) - 1);
        }
}

static size_t with_headers(char *text, size_t size, unsigned count)
{
    int used = snprintf(text, size, "%s", GOOD);
    for (unsigned i = 5; i < count; i++)
        used += snprintf(text + used, size - (size_t)used, "X-%u: y\r\n", i);
    used += snprintf(text + used, size - (size_t)used, "\r\n");
    return (size_t)used;
}

static void test_limits(void **state)
{
    static char text[MESSAGE_SIZE_MAX + 1];
    struct message message;
    size_t length = with_headers(text, sizeof(text), MESSAGE_HEADERS_MAX);
    assert_int_equal(message_parse(guard_copy(text, length), (uint32_t)length, &message), MESSAGE_FINE);
    assert_int_equal(message.header_count, MESSAGE_HEADERS_MAX);
    length = with_headers(text, sizeof(text), 200);
    int fault = message_parse(guard_copy(text, length), (uint32_t)length, &message);
    assert_int_equal(fault, MESSAGE_TOO_MANY_HEADERS);
    assert_int_equal(message.header_count, MESSAGE_HEADERS_MAX);
    assert_int_equal(message_judge(&message, fault, &judge_front_end).status, 400);
    assert_string_equal(message_judge(&message, fault, &judge_front_end).reason, "Too Many Headers");
    check_any("200 headers", guard_copy(text, length), length);

    memset(text, 'x', sizeof(text));
    memcpy(text, GOOD END, sizeof(GOOD END) - 1);
    const uint8_t *copy = guard_copy(text, MESSAGE_SIZE_MAX);
    assert_int_equal(message_parse(copy, MESSAGE_SIZE_MAX, &message), MESSAGE_FINE);
    assert_int_equal(message.body.offset + message.body.length, MESSAGE_SIZE_MAX);
    fault = message_parse(guard_copy(text, sizeof(text)), sizeof(text), &message);
    assert_int_equal(fault, MESSAGE_TOO_LONG);
    assert_int_equal(message_judge(&message, fault, &judge_front_end).status, 0);
    check_any("too long", guard_copy(text, sizeof(text)), sizeof(text));
}

// A Call-ID behind the last header that is looked at is none, for steering too.
static void test_call_id_too_late(void **state)
{
    static char text[8192];
    int used = snprintf(text, sizeof(text), START VIA FROM TO CSEQ);
    for (unsigned i = 4; i < MESSAGE_HEADERS_MAX; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "X: y\r\n");
    used += snprintf(text + used, sizeof(text) - (size_t)used, CALL_ID END);
    struct message message;
    assert_int_equal(message_parse((uint8_t *)text, (uint32_t)used, &message), MESSAGE_TOO_MANY_HEADERS);
    assert_int_equal(message.call_id.length, 0);
    check_any("late", guard_copy(text, (size_t)used), (size_t)used);
}

static void test_response_line(void **state)
{
    static const char text[] = "SIP/2.0 486 Busy Here\r\n" VIA FROM TO CALL_ID CSEQ END;
    struct message message;
    assert_int_equal(message_parse((const uint8_t *)text, sizeof(text) - 1, &message), MESSAGE_FINE);
    assert_false(message.is_request);
    assert_int_equal(message.status, 486);
    assert_span("reason", message.octets, message.reason, "Busy Here");
    assert_int_equal(message.method_name.length, 0);
}

static void test_request_line(void **state)
{
    static const char text[] =
        "\r\nOPTIONS sip:h;x=y SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 OPTIONS\r\n" END "xyz";
    struct message message;
    assert_int_equal(message_parse((const uint8_t *)text, sizeof(text) - 1, &message), MESSAGE_FINE);
    assert_int_equal(message.start, 2);
    assert_span("method", message.octets, message.method_name, "OPTIONS");
    assert_span("Request-URI", message.octets, message.request_uri, "sip:h;x=y");
    assert_int_equal(message.header_end, sizeof(text) - 1 - 3);
    assert_int_equal(message.status, 0);
}

static void test_next_header(void **state)
{
    static const char text[] =
        START VIA "Route: <sip:a>\r\n" FROM "rOUTE: <sip:b>\r\n" TO CALL_ID CSEQ "Route:\r\n <sip:c>\r\n" END;
    struct message message;
    assert_int_equal(message_parse((const uint8_t *)text, sizeof(text) - 1, &message), MESSAGE_FINE);
    uint8_t index = message.first[HEADER_ROUTE];
    assert_int_equal(index, 1);
    assert_span("first", message.octets, message.headers[index].line, "Route: <sip:a>\r\n");
    index = message_next_header(&message, index);
    assert_int_equal(index, 3);
    index = message_next_header(&message, index);
    assert_int_equal(index, 7);
    assert_span("folded line", message.octets, message.headers[index].line, "Route:\r\n <sip:c>\r\n");
    assert_span("folded value", message.octets, message.headers[index].value, "<sip:c>");
    assert_int_equal(message_next_header(&message, index), MESSAGE_NO_HEADER);
    assert_int_equal(message_next_header(&message, MESSAGE_NO_HEADER), MESSAGE_NO_HEADER);
    assert_int_equal(message.first[HEADER_CONTACT], MESSAGE_NO_HEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_cut_is_a_fault),
        cmocka_unit_test(test_octet_replaced),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_call_id_too_late),
        cmocka_unit_test(test_response_line),
        cmocka_unit_test(test_request_line),
        cmocka_unit_test(test_next_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
