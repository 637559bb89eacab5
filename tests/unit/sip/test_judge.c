// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "judge.h"

#define VIA                  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define REST                 "From: <sip:a@h>;tag=abc\r\nTo: <sip:b@h>\r\nCall-ID: 1@h\r\n"
#define INVITE(uri, headers) "INVITE " uri " SIP/2.0\r\n" VIA REST "CSeq: 1 INVITE\r\n" headers "\r\n"
#define REQUEST(method, headers)                                                                             \
    method " sip:b@h SIP/2.0\r\n" VIA REST "CSeq: 1 " method "\r\n" headers "\r\n"

static const char *const extensions[] = {"100rel", "timer", NULL};

static const struct judge_options user_agent = {
    .role = JUDGE_UA,
    .schemes = 1u << 0 | 1u << 1, // sip, sips
    .methods = 1u << METHOD_INVITE | 1u << METHOD_ACK | 1u << METHOD_CANCEL | 1u << METHOD_BYE,
    .extensions = extensions,
};

struct row {
    const char *name, *text;
    int status; // 0: fine, -1: silence
    const char *reason, *header;
};

static void check_row(const struct row *row, const struct judge_options *options)
{
    struct message message;
    char text[256];
    struct writer writer;
    size_t length = strlen(row->text);
    int fault = message_parse(guard_copy(row->text, length), (uint32_t)length, &message);
    struct message_verdict verdict = message_judge(&message, fault, options);
    if (options == &judge_front_end && fault == MESSAGE_FINE && message.is_request &&
        judge_front_end_passes(&message))
        assert_number(row->name, verdict.action, JUDGE_FINE);
    assert_number(row->name, verdict.action,
                  row->status == 0    ? JUDGE_FINE
                  : row->status == -1 ? JUDGE_SILENCE
                                      : JUDGE_ANSWER);
    assert_number(row->name, verdict.status, row->status < 0 ? 0 : row->status);
    if (row->reason == NULL)
        assert_null(verdict.reason);
    else
        assert_string_equal(verdict.reason, row->reason);
    writer_init(&writer, text, sizeof(text) - 1);
    write_verdict_header(&writer, &message, &verdict, options);
    text[writer.used] = '\0';
    assert_string_equal(text, row->header == NULL ? "" : row->header);
}

static void test_front_end(void **state)
{
    static const struct row rows[] = {
        {"fine", INVITE("sip:b@h", "Max-Forwards: 1\r\n"), 0, NULL, NULL},
        {"sips", INVITE("sips:b@h", ""), 0, NULL, NULL},
        {"tel", INVITE("tel:+1-2", ""), 0, NULL, NULL},
        {"urn", INVITE("urn:service:sos", ""), 0, NULL, NULL},
        {"unknown scheme", INVITE("nobody:knows", ""), 416, "Unsupported URI Scheme", NULL},
        {"scheme and Max-Forwards", INVITE("x:y", "Max-Forwards: 0\r\n"), 416, "Unsupported URI Scheme",
         NULL},
        {"Max-Forwards 0", INVITE("sip:b@h", "Max-Forwards: 0\r\n"), 483, "Too Many Hops", NULL},
        {"Proxy-Require", INVITE("sip:b@h", "Proxy-Require: a , b\r\nProxy-Require: c\r\n"), 420,
         "Bad Extension", "Unsupported: a, b, c\r\n"},
        {"Proxy-Require that is no list", INVITE("sip:b@h", "Proxy-Require: ;\r\n"), 420, "Bad Extension",
         NULL},
        {"empty Proxy-Require", INVITE("sip:b@h", "Proxy-Require:\r\n"), 0, NULL, NULL},
        {"Require", INVITE("sip:b@h", "Require: a\r\n"), 0, NULL, NULL},
        {"Proxy-Require in CANCEL", REQUEST("CANCEL", "Proxy-Require: a\r\n"), 0, NULL, NULL},
        {"Proxy-Require in ACK", REQUEST("ACK", "Proxy-Require: a\r\n"), 0, NULL, NULL},
        {"ACK with Max-Forwards 0", REQUEST("ACK", "Max-Forwards: 0\r\n"), -1, NULL, NULL},
        {"unknown method", REQUEST("FOO", ""), 0, NULL, NULL},
        {"response", "SIP/2.0 200 OK\r\n" VIA REST "CSeq: 1 FOO\r\n\r\n", 0, NULL, NULL},
        {"bad response", "SIP/2.0 200 OK\r\n" VIA REST "\r\n", -1, NULL, NULL},
        {"version", "INVITE sip:b@h SIP/3.0\r\n" VIA REST "CSeq: 1 INVITE\r\n\r\n", 505,
         "Version Not Supported", NULL},
        {"no Via", "INVITE sip:b@h SIP/2.0\r\n" REST "CSeq: 1 INVITE\r\n\r\n", -1, NULL, NULL},
        {"bad ACK", "ACK sip:b@h SIP/2.0\r\n" VIA REST "CSeq: 1 BYE\r\n\r\n", -1, NULL, NULL},
        {"long and odd", INVITE("sip:b@h;x=y", "X: ;;,,\"\r\nAccept: ?\r\nContact: \"\r\n"), 0, NULL, NULL},
        {"nothing", "", -1, NULL, NULL},
    };
    for (unsigned i = 0; i < ROWS(rows); i++)
        check_row(&rows[i], &judge_front_end);
}

static void test_user_agent(void **state)
{
    static const struct row rows[] = {
        {"fine", INVITE("sip:b@h", "Require: TIMER,100rel\r\nMax-Forwards: 0\r\n"), 0, NULL, NULL},
        {"method not served", REQUEST("OPTIONS", ""), 405, "Method Not Allowed",
         "Allow: INVITE, ACK, BYE, CANCEL\r\n"},
        {"method not known", REQUEST("FOO", ""), 501, "Not Implemented", NULL},
        {"tel", INVITE("tel:+1", ""), 416, "Unsupported URI Scheme", NULL},
        {"Require", INVITE("sip:b@h", "Require: timer, a\r\nRequire: 100rel,b\r\n"), 420, "Bad Extension",
         "Unsupported: a, b\r\n"},
        {"Require in CANCEL", REQUEST("CANCEL", "Require: a\r\n"), 0, NULL, NULL},
        {"Proxy-Require", INVITE("sip:b@h", "Proxy-Require: a\r\n"), 0, NULL, NULL},
    };
    for (unsigned i = 0; i < ROWS(rows); i++)
        check_row(&rows[i], &user_agent);
    struct judge_options none = user_agent;
    none.methods = 0;
    const struct row nothing = {"nothing served", REQUEST("BYE", ""), 405, "Method Not Allowed",
                                "Allow:\r\n"};
    check_row(&nothing, &none);
}

struct limit_row {
    const char *name;
    struct judge_limits limits; // that the text just keeps
    const char *text;
    int status;
    const char *reason;
};

// Each limit holds at its number and not one below it.
static void test_limits(void **state)
{
    static const struct limit_row rows[] = {
        {"message",
         {.message = sizeof(REQUEST("BYE", "")) - 1},
         REQUEST("BYE", ""),
         513,
         "Message Too Large"},
        {"line",
         {.header_line = sizeof(VIA) - 1},
         REQUEST("BYE", "Subject: b\r\n"),
         400,
         "Header Line Too Long"},
        {"body", {.body = 3}, REQUEST("BYE", "") "abc", 413, "Request Entity Too Large"},
        {"Request-URI", {.uri = 9}, INVITE("sip:abc@h", ""), 414, "Request-URI Too Long"},
        {"Contact", {.uri = 9}, REQUEST("BYE", "Contact: <sip:a>,<sip:abc@h>\r\n"), 400, "URI Too Long"},
        {"Refer-To", {.uri = 9}, REQUEST("BYE", "Refer-To: <sip:abc@h>\r\n"), 400, "URI Too Long"},
        {"Call-ID", {.call_id = 3}, REQUEST("BYE", ""), 400, "Call-ID Too Long"},
        {"tag", {.tag = 3}, REQUEST("BYE", ""), 400, "Tag Too Long"},
        {"Via", {.vias = 3}, REQUEST("BYE", "v: SIP/2.0/UDP a,SIP/2.0/UDP b\r\n"), 400, "Too Many Vias"},
        {"Route",
         {.routes = 3},
         REQUEST("BYE", "Route: <sip:a>,<sip:b>\r\nRoute: <sip:c>\r\n"),
         400,
         "Too Many Routes"},
        {"Replaces",
         {.replaces = 21},
         REQUEST("BYE", "Replaces: a;to-tag=1;from-tag=2\r\n"),
         400,
         "Replaces Too Long"},
        {"Replaces in Refer-To",
         {.replaces = 5},
         REQUEST("BYE", "r: <sip:a?Subject=123456&Replaces=12345>\r\n"),
         400,
         "Replaces Too Long"},
        {"Refer-To",
         {.refer_to_parameters = 5},
         REQUEST("BYE", "Refer-To: <sip:a;b;c=d?e=f&g=h>;i\r\n"),
         400,
         "Too Many Refer-To Parameters"},
        {"media",
         {.media_lines = 2},
         REQUEST("BYE", "c: Application/SDP\r\n") "v=0\r\nm=a\r\nm=b\n",
         400,
         "Bad SDP"},
    };
    for (unsigned i = 0; i < ROWS(rows); i++) {
        struct judge_options options = judge_front_end;
        uint32_t words[sizeof(struct judge_limits) / sizeof(uint32_t)];
        options.limits = rows[i].limits;
        check_row(&(struct row){rows[i].name, rows[i].text, 0, NULL, NULL}, &options);
        memcpy(words, &rows[i].limits, sizeof(words));
        for (unsigned k = 0; k < ROWS(words); k++)
            words[k] -= words[k] != 0;
        memcpy(&options.limits, words, sizeof(words));
        check_row(&(struct row){rows[i].name, rows[i].text, rows[i].status, rows[i].reason, NULL}, &options);
    }
    struct judge_options options = user_agent;
    options.limits = judge_limits_ua;
    static const struct row sdp[] = {
        {"SDP", REQUEST("BYE", "c: application/sdp;x=y\r\n") "v=0", 0, NULL, NULL},
        {"no SDP", REQUEST("BYE", "c: application/sdp\r\n") "v=1", 400, "Bad SDP", NULL},
        {"short", REQUEST("BYE", "c: application/sdp\r\n") "v=", 400, "Bad SDP", NULL},
        {"no body", REQUEST("BYE", "c: application/sdp\r\n"), 0, NULL, NULL},
        {"another type", REQUEST("BYE", "c: text/plain\r\n") "hello", 0, NULL, NULL},
    };
    for (unsigned i = 0; i < ROWS(sdp); i++)
        check_row(&sdp[i], &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_front_end), cmocka_unit_test(test_user_agent),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
