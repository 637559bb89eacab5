// SPDX-License-Identifier: BSD-3-Clause
// The pure part of control/refer: the table by sentence of the RFCs, one NOTIFY at a time, what messages say
// and what is written.
#include "cmocka_first.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "refer/refer.h"

#define S(state) (1u << REFER_##state)
enum {
    ACCEPT = REFER_DO_ACCEPT,
    REFUSE = REFER_DO_REFUSE,
    CALL = REFER_DO_CALL,
    NOTIFY = REFER_DO_NOTIFY,
    LAST = REFER_DO_LAST,
    ANSWER = REFER_DO_ANSWER,
    DENY = REFER_DO_DENY,
    TELL = REFER_DO_TELL,
    END = REFER_DO_END,
    FORGET = REFER_DO_FORGET,
    LIVE = S(CARRIED) | S(SILENT),
    REFERRED = S(ASKED) | S(CARRIED) | S(SILENT) | S(REPORTING),
    ALL = (1u << REFER_STATES) - 1
};

// Each sentence: in these states this event leads there and does that. What has no sentence does nothing.
static const struct sentence {
    unsigned states;
    enum refer_event event;
    enum refer_state next; // FREE: it stays
    unsigned actions;
} sentences[] = {
    {S(ASKED), REFER_ON_ACCEPT, REFER_CARRIED, ACCEPT | CALL | NOTIFY | TELL},
    {S(ASKED), REFER_ON_ACCEPT_SILENT, REFER_SILENT, ACCEPT | CALL | TELL},
    {S(ASKED), REFER_ON_REFUSE, REFER_OVER, REFUSE | END | FORGET},
    {S(ASKED), REFER_ON_GONE, REFER_OVER, REFUSE | TELL | END | FORGET},
    {S(ASKED), REFER_ON_LIFE, REFER_OVER, REFUSE | TELL | END | FORGET},
    {S(CARRIED), REFER_ON_PROGRESS, REFER_CARRIED, NOTIFY | TELL},
    {S(CARRIED), REFER_ON_OUTCOME, REFER_REPORTING, LAST | TELL | END},
    {S(CARRIED), REFER_ON_LIFE, REFER_REPORTING, LAST | TELL | END},
    {S(CARRIED), REFER_ON_SUBSCRIBE, REFER_CARRIED, ANSWER | NOTIFY},
    {S(CARRIED), REFER_ON_UNSUBSCRIBE, REFER_SILENT, ANSWER | LAST},
    {S(CARRIED), REFER_ON_EXPIRED, REFER_SILENT, LAST},
    {S(CARRIED), REFER_ON_DEAF, REFER_SILENT, TELL},
    {S(SILENT), REFER_ON_PROGRESS, REFER_SILENT, TELL},
    {S(SILENT), REFER_ON_OUTCOME, REFER_OVER, TELL | END | FORGET},
    {S(SILENT), REFER_ON_LIFE, REFER_OVER, TELL | END | FORGET},
    {REFERRED & ~S(CARRIED), REFER_ON_SUBSCRIBE, REFER_FREE, DENY},
    {REFERRED & ~S(CARRIED), REFER_ON_UNSUBSCRIBE, REFER_FREE, DENY},
    {S(REPORTING), REFER_ON_LAST_DONE, REFER_OVER, FORGET},
    {S(REPORTING), REFER_ON_DEAF, REFER_OVER, FORGET},
    {S(REPORTING) | S(ENDED) | S(LINGERING), REFER_ON_LIFE, REFER_OVER, FORGET},
    {S(SENDING), REFER_ON_2XX, REFER_WAITING, TELL},
    {S(SENDING), REFER_ON_2XX_SILENT, REFER_OVER, TELL | END | FORGET},
    {S(SENDING), REFER_ON_REFUSED, REFER_OVER, TELL | END | FORGET},
    {S(SENDING) | S(WAITING), REFER_ON_LIFE, REFER_OVER, TELL | END | FORGET},
    {S(SENDING), REFER_ON_TOLD, REFER_SENDING, ANSWER | TELL},
    {S(SENDING), REFER_ON_TOLD_FINAL, REFER_SENDING, ANSWER | TELL},
    {S(SENDING), REFER_ON_TOLD_LAST, REFER_ENDED, ANSWER | TELL | END},
    {S(ENDED), REFER_ON_2XX, REFER_OVER, FORGET},
    {S(ENDED), REFER_ON_2XX_SILENT, REFER_OVER, FORGET},
    {S(ENDED), REFER_ON_REFUSED, REFER_OVER, FORGET},
    {S(ENDED), REFER_ON_TOLD, REFER_FREE, DENY},
    {S(ENDED), REFER_ON_TOLD_FINAL, REFER_FREE, DENY},
    {S(ENDED), REFER_ON_TOLD_LAST, REFER_FREE, DENY},
    {S(WAITING), REFER_ON_TOLD, REFER_WAITING, ANSWER | TELL},
    {S(WAITING), REFER_ON_TOLD_FINAL, REFER_LINGERING, ANSWER | TELL | END},
    {S(WAITING), REFER_ON_TOLD_LAST, REFER_OVER, ANSWER | TELL | END | FORGET},
    {S(LINGERING), REFER_ON_TOLD, REFER_LINGERING, ANSWER},
    {S(LINGERING), REFER_ON_TOLD_FINAL, REFER_LINGERING, ANSWER},
    {S(LINGERING), REFER_ON_TOLD_LAST, REFER_OVER, ANSWER | FORGET},
};

static void test_table(void **state)
{
    for (unsigned i = 0; i < REFER_STATES; i++)
        for (unsigned event = 0; event < REFER_EVENTS; event++) {
            const struct sentence *found = NULL;
            for (size_t k = 0; k < sizeof(sentences) / sizeof(sentences[0]); k++)
                if (sentences[k].event == event && (sentences[k].states & 1u << i)) {
                    assert_null(found);
                    found = &sentences[k];
                }
            if (refer_fsm[i][event].actions != (found ? found->actions : 0) ||
                refer_fsm[i][event].next != (found ? found->next : REFER_FREE))
                fail_msg("%s, event %u", refer_state_name(i), event);
        }
}

// Any events: what the bounds of refer.h promise.
static void test_bounds(void **state)
{
    srand(7);
    for (unsigned run = 0; run < 20000; run++) {
        struct refer refer;
        unsigned calls = 0, ends = 0, notifies = 0, lasts = 0, forgets = 0;
        uint64_t now = 1000;
        refer_begin(&refer, run % 2 ? REFER_ASKED : REFER_SENDING, 7, now);
        for (unsigned step = 0; step < 100 && !forgets; step++) {
            unsigned actions = 0, draw = (unsigned)rand() % (REFER_EVENTS + 3);
            bool waits = refer.out;
            now += (unsigned)rand() % 2000;
            if (draw < REFER_EVENTS)
                actions = refer_step(&refer, draw, (unsigned)rand() % 600 + 100, now);
            else if (draw == REFER_EVENTS)
                actions = refer_notified(&refer, rand() % 8 ? 200 : 481, now);
            else if (draw == REFER_EVENTS + 1)
                actions = refer_subscribe(&refer, (unsigned)rand() % 3 * 60, now);
            else
                actions = refer_clock(&refer, now);
            bool sends = (actions & (NOTIFY | LAST)) != 0;
            assert_false(sends && waits && draw != REFER_EVENTS);
            calls += (actions & CALL) != 0;
            ends += (actions & END) != 0;
            notifies += sends;
            lasts += (actions & LAST) != 0;
            forgets += (actions & FORGET) != 0;
            assert_int_equal((actions & FORGET) != 0, refer.state == REFER_OVER);
        }
        assert_true(calls <= 1 && ends <= 1 && lasts <= 1 && notifies <= REFER_NOTIFIES_MAX + 1);
        // Left alone, it ends.
        for (unsigned turn = 0; turn < 4 && !forgets; turn++) {
            unsigned actions = refer_clock(&refer, refer.life_ms);
            ends += (actions & END) != 0;
            forgets += (actions & FORGET) != 0;
        }
        assert_int_equal(forgets, 1);
        assert_int_equal(ends, 1);
    }
}

static void test_one_notify_at_a_time(void **state)
{
    struct refer refer;
    refer_begin(&refer, REFER_ASKED, 7, 0);
    assert_int_equal(refer_step(&refer, REFER_ON_ACCEPT, 0, 0), ACCEPT | CALL | NOTIFY | TELL);
    assert_int_equal(refer.status, 100);
    assert_int_equal(refer_step(&refer, REFER_ON_PROGRESS, 180, 1), TELL);
    assert_int_equal(refer_step(&refer, REFER_ON_PROGRESS, 183, 2), TELL);
    assert_int_equal(refer_notified(&refer, 100, 3), 0);
    assert_int_equal(refer_notified(&refer, 200, 3), NOTIFY);
    assert_int_equal(refer.status, 183);
    assert_int_equal(refer_step(&refer, REFER_ON_OUTCOME, 200, 4), TELL | END);
    assert_int_equal(refer_notified(&refer, 200, 5), LAST);
    assert_int_equal(refer_notified(&refer, 200, 6), FORGET);
}

static void test_so_many_notifies(void **state)
{
    struct refer refer;
    unsigned sent = 1;
    refer_begin(&refer, REFER_ASKED, 7, 0);
    refer_step(&refer, REFER_ON_ACCEPT, 0, 0);
    for (unsigned i = 0; i < 50; i++) {
        refer_notified(&refer, 200, 1);
        sent += (refer_step(&refer, REFER_ON_PROGRESS, 180, 1) & NOTIFY) != 0;
    }
    assert_int_equal(sent, REFER_NOTIFIES_MAX);
    assert_int_equal(refer_step(&refer, REFER_ON_OUTCOME, 486, 1), LAST | TELL | END);
}

static void test_subscription(void **state)
{
    struct refer refer;
    refer_begin(&refer, REFER_ASKED, 7, 0);
    refer_step(&refer, REFER_ON_ACCEPT, 0, 0);
    refer_notified(&refer, 200, 0);
    assert_int_equal(refer_clock(&refer, REFER_EXPIRES_S * 1000ull - 1), 0);
    assert_int_equal(refer_subscribe(&refer, 600, 100000), ANSWER | NOTIFY);
    refer_notified(&refer, 200, 100000);
    assert_int_equal(refer_clock(&refer, 699999), 0);
    assert_int_equal(refer_clock(&refer, 700000), LAST);
    assert_true(refer.ran_out);
    assert_int_equal(refer.state, REFER_SILENT);
    assert_int_equal(refer_notified(&refer, 200, 700001), 0);
    assert_int_equal(refer_subscribe(&refer, 600, 700002), DENY);
    assert_int_equal(refer_step(&refer, REFER_ON_OUTCOME, 200, 700003), TELL | END | FORGET);
    // What has no outcome is told as 408.
    refer_begin(&refer, REFER_ASKED, 7, 0);
    refer_step(&refer, REFER_ON_ACCEPT, 0, 0);
    refer_notified(&refer, 200, 0);
    refer_subscribe(&refer, UINT32_MAX, 0);
    refer_notified(&refer, 200, 0);
    assert_int_equal(refer_clock(&refer, REFER_EXPIRES_MAX_S * 1000ull), LAST | TELL | END);
    assert_int_equal(refer.status, 408);
}

#define MESSAGE(headers)                                                                                     \
    "REFER sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=f\r\n"       \
    "To: <sip:b@y>;tag=t\r\nCall-ID: c1@test\r\nCSeq: 7 REFER\r\nMax-Forwards: 70\r\n" headers "\r\n"
#define TO(uri) "Refer-To: <" uri ">\r\n"

static void parse(const char *text, struct message *message)
{
    assert_int_equal(message_parse((const uint8_t *)text, (uint32_t)strlen(text), message), MESSAGE_FINE);
}

// maddr takes a request to another host than the URI names.
static void test_elsewhere(void **state)
{
    static const struct {
        const char *headers;
        bool elsewhere;
    } rows[] = {
        {TO("sip:c@z;x=1;lr"), false},
        {TO("sip:c@z;MAddr=192.0.2.66"), true},
        {TO("sip:maddr=1@z"), false},
        {TO("sip:c@z;m%61ddr=192.0.2.66"), true},
        {TO("sip:c@z;x=maddr"), false},
        {TO("sip:c@z;x=%31"), false},
        {TO("sip:c@z?maddr=1"), false},
        {"Refer-To: sip:c@z;maddr=192.0.2.66\r\n", false},
        {TO("sip:c@z;x;maddr?Subject=a"), true},
    };
    static const struct refer_limits limits = {96, 60, 4};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message message;
        struct refer_ask ask;
        char text[2048];
        snprintf(text, sizeof(text), MESSAGE("%s"), rows[i].headers);
        parse(text, &message);
        assert_int_equal(refer_read(&message, &limits, &ask), 0);
        if (ask.elsewhere != rows[i].elsewhere)
            fail_msg("%s", rows[i].headers);
    }
}

static void test_read(void **state)
{
    static const struct {
        const char *name, *headers;
        unsigned status, judged;
        const char *uri, *replaces;
    } rows[] = {
        {"blind", TO("sip:c@z"), 0, 0, "sip:c@z", ""},
        {"compact", "r: sip:c@z\r\n", 0, 0, "sip:c@z", ""},
        {"none", "", 400, 0, NULL, NULL},
        {"two", TO("sip:c@z") TO("sip:d@z"), 400, 0, NULL, NULL},
        {"joined", "Refer-To: <sip:c@z>, <sip:d@z>\r\n", 400, 0, NULL, NULL},
        {"no address", "Refer-To: <c>\r\n", 400, 0, NULL, NULL},
        {"method INVITE goes", TO("sip:c@z;method=INVITE;user=phone"), 0, 0, "sip:c@z;user=phone", ""},
        {"another method", TO("sip:c@z;method=BYE"), 0, 403, "sip:c@z", ""},
        {"parameters stay", TO("sip:c@z;lr;x=1?Subject=a"), 0, 0, "sip:c@z;lr;x=1", ""},
        {"tel", TO("tel:+4912345"), 0, 416, NULL, ""},
        {"https", TO("https://z/"), 0, 416, NULL, ""},
        {"attended", TO("sip:c@z?Replaces=9%40z%3Bto-tag%3D1%3Bfrom-tag%3D2"), 0, 0, "sip:c@z",
         "9@z;to-tag=1;from-tag=2"},
        {"early", TO("sip:c@z?Replaces=9%40z%3Bfrom-tag%3D2%3Bearly-only%3Bto-tag%3D1"), 0, 0, "sip:c@z",
         "9@z;to-tag=1;from-tag=2;early-only"},
        {"Replaces without a tag", TO("sip:c@z?Replaces=9%40z%3Bto-tag%3D1"), 400, 0, NULL, NULL},
        {"a header in Replaces", TO("sip:c@z?Replaces=9%0d%0aX:%3Bto-tag%3D1%3Bfrom-tag%3D2"), 400, 0, NULL,
         NULL},
        {"two Replaces", TO("sip:c@z?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=b"), 400, 0, NULL, NULL},
        {"its own dialog", TO("sip:c@z?Replaces=c1%40test%3Bto-tag%3Dt%3Bfrom-tag%3Df"), 0, 482, "sip:c@z",
         "c1@test;to-tag=t;from-tag=f"},
        {"empty parameters", TO("sip:c@z;;x=1;method=INVITE;="), 0, 0, "sip:c@z;x=1", ""},
        {"too many parameters", TO("sip:c@z;a;b;c;d;e"), 400, 0, NULL, NULL},
        {"long Replaces",
         TO("sip:c@z?Replaces=99999999999999999999999999999999999999999999999999999999999999"), 400, 0, NULL,
         NULL},
        {"long URI",
         TO("sip:"
            "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc@"
            "z"),
         400, 0, NULL, NULL},
        {"two Referred-By", TO("sip:c@z") "Referred-By: <sip:a@x>\r\nReferred-By: <sip:a@x>\r\n", 400, 0,
         NULL, NULL},
    };
    static const struct refer_limits limits = {96, 60, 4};
    struct message message;
    struct refer_ask ask;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        snprintf(text, sizeof(text), MESSAGE("%s"), rows[i].headers);
        parse(text, &message);
        unsigned status = refer_read(&message, &limits, &ask);
        if (status != rows[i].status || (status == 0 && refer_judge(&message, &ask, 0) != rows[i].judged) ||
            (rows[i].uri && strcmp(ask.uri, rows[i].uri) != 0) ||
            (rows[i].replaces && strcmp(ask.replaces, rows[i].replaces) != 0))
            fail_msg("%s: %u %u %s %s", rows[i].name, status, refer_judge(&message, &ask, 0), ask.uri,
                     ask.replaces);
    }
    // Longer than what is kept of it, whatever the limits: too large, not malformed.
    char text[4096], call_id[sizeof(ask.replaces)];
    memset(call_id, '9', sizeof(call_id) - 1);
    call_id[sizeof(call_id) - 1] = '\0';
    snprintf(text, sizeof(text),
             MESSAGE("Refer-To: <sip:c@z?Replaces=%s%%3Bto-tag%%3D1%%3Bfrom-tag%%3D2>\r\n"), call_id);
    parse(text, &message);
    assert_int_equal(refer_read(&message, &(struct refer_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX}, &ask),
                     413);
    parse(MESSAGE(TO("sip:c@z") "Refer-Sub: false\r\nReferred-By: <sip:a@x>;\r\n cid=\"7\"\r\n"), &message);
    assert_int_equal(refer_read(&message, &limits, &ask), 0);
    assert_true(ask.silent);
    assert_string_equal(ask.referred_by, "<sip:a@x>; cid=\"7\"");
    assert_string_equal(ask.user, "c");
    assert_string_equal(ask.host, "z");
    assert_int_equal(refer_judge(&message, &ask, REFER_DEPTH_MAX - 1), 0);
    assert_int_equal(refer_judge(&message, &ask, REFER_DEPTH_MAX), 482);
}

static void test_notify(void **state)
{
    static const struct {
        const char *name, *rest;
        unsigned result, status;
        bool last, first, other; // about the first REFER, about a later one with CSeq 7
    } rows[] = {
        {"trying", "Event: refer\r\nSubscription-State: active;expires=60\r\n\r\nSIP/2.0 100 Trying\r\n", 0,
         100, false, true, false},
        {"id", "o: refer;id=7\r\nSubscription-State: active\r\n\r\nSIP/2.0 180 Ringing", 0, 180, false, true,
         true},
        {"another id", "Event: refer;id=8\r\nSubscription-State: active\r\n\r\n", 0, 0, false, false, false},
        {"last", "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n\r\nSIP/2.0 200 OK\r\n",
         0, 200, true, true, false},
        {"no state", "Event: refer\r\n\r\nSIP/2.0 200 OK\r\n", 400, 0, false, true, false},
        {"no sipfrag", "Event: refer\r\nSubscription-State: active\r\n\r\n<xml>\r\n", 400, 0, false, true,
         false},
        {"another package", "Event: presence\r\nSubscription-State: active\r\n\r\n", 489, 0, false, false,
         false},
        {"no package", "Subscription-State: active\r\n\r\n", 489, 0, false, false, false},
    };
    struct message message;
    struct refer_news news;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        snprintf(text, sizeof(text),
                 "NOTIFY sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: "
                 "<sip:a@x>;tag=f\r\nTo: <sip:b@y>;tag=t\r\nCall-ID: c1@test\r\nCSeq: 9 "
                 "NOTIFY\r\nMax-Forwards: 70\r\n%s",
                 rows[i].rest);
        parse(text, &message);
        if (refer_read_notify(&message, &news) != rows[i].result ||
            (rows[i].result == 0 && (news.status != rows[i].status || news.last != rows[i].last)) ||
            refer_is_about(&message, 7, true) != rows[i].first ||
            refer_is_about(&message, 7, false) != rows[i].other)
            fail_msg("%s: %u %d", rows[i].name, news.status, news.last);
    }
}

static void test_expires(void **state)
{
    struct message message;
    parse(MESSAGE(TO("sip:c@z") "Expires: 60\r\n"), &message);
    assert_int_equal(refer_read_expires(&message), 60);
    assert_false(refer_is_silent(&message));
    parse(MESSAGE(TO("sip:c@z") "Expires: x\r\nRefer-Sub: falsely\r\n"), &message);
    assert_int_equal(refer_read_expires(&message), REFER_EXPIRES_S);
    assert_false(refer_is_silent(&message));
    parse(MESSAGE(TO("sip:c@z") "Refer-Sub: true\r\n"), &message);
    assert_false(refer_is_silent(&message));
}

static void test_replaces(void **state)
{
    static const struct {
        struct refer_match match;
        bool early_only;
        unsigned status;
    } rows[] = {
        {{.found = false, .allowed = true}, false, 481},
        {{.found = true, .confirmed = true, .allowed = true}, false, 0},
        {{.found = true, .confirmed = true, .allowed = true}, true, 486},
        {{.found = true, .confirmed = true, .ended = true, .allowed = true}, false, 603},
        {{.found = true, .confirmed = true}, false, 403},
        {{.found = true, .confirmed = true}, true, 403}, // who may not hears no more
        {{.found = true, .ended = true}, false, 603},
        {{.found = true, .confirmed = true, .taken = true, .allowed = true}, false, 486},
        {{.found = true, .taken = true, .allowed = true}, true, 486},
        {{.found = true, .allowed = true}, false, 0},
        {{.found = true, .allowed = true}, true, 0},
        {{.found = true, .callee = true, .allowed = true}, true, 481},
        {{.found = true, .confirmed = true, .callee = true, .allowed = true}, false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (refer_judge_replaces(&rows[i].match, rows[i].early_only) != rows[i].status)
            fail_msg("row %zu", i);
}

static void expect(struct writer *writer, const char *text)
{
    assert_false(writer->overflow);
    writer->octets[writer->used] = '\0';
    assert_string_equal((char *)writer->octets, text);
    writer->used = 0;
}

static void test_write(void **state)
{
    char octets[4096];
    struct writer writer;
    struct refer refer = {.cseq = 7, .until_ms = 61000};
    struct refer_ask ask = {.referred_by = "<sip:a@x>", .replaces = "9@z;to-tag=1;from-tag=2"};
    writer_init(&writer, octets, sizeof(octets) - 1);
    refer_write_notify(&writer, &refer, false, 1001);
    expect(&writer, "Event: refer\r\nSubscription-State: active;expires=60\r\n");
    refer.named = true;
    refer_write_notify(&writer, &refer, true, 1000);
    expect(&writer, "Event: refer;id=7\r\nSubscription-State: terminated;reason=noresource\r\n");
    refer.ran_out = true;
    refer_write_notify(&writer, &refer, true, 1000);
    expect(&writer, "Event: refer;id=7\r\nSubscription-State: terminated;reason=timeout\r\n");
    refer_write_call(&writer, &ask);
    expect(&writer, "Referred-By: <sip:a@x>\r\nRequire: replaces\r\nReplaces: 9@z;to-tag=1;from-tag=2\r\n");

    struct refer_order order = {.uri = "sip:c@z"};
    assert_true(refer_write_refer(&writer, &order));
    expect(&writer, "Refer-To: <sip:c@z>\r\n");
    order = (struct refer_order){.uri = "sip:c@z;user=phone",
                                 .method = "BYE",
                                 .referred_by = "<sip:a@x>",
                                 .call_id = "9;1@z",
                                 .to_tag = "t=1",
                                 .from_tag = "f",
                                 .early_only = true,
                                 .silent = true};
    assert_true(refer_write_refer(&writer, &order));
    expect(&writer,
           "Refer-To: <sip:c@z;user=phone;method=BYE?Replaces=9%3B1%40z%3Bto-tag%3Dt%3D1%3Bfrom-tag%3Df"
           "%3Bearly-only>\r\nReferred-By: <sip:a@x>\r\nRefer-Sub: false\r\nSupported: norefersub\r\n");
    static const char *const wrong[] = {"", "c", "sip:c@z?a=b", "sip:c@z;method=INVITE", "<sip:c@z>"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        order = (struct refer_order){.uri = wrong[i]};
        assert_false(refer_write_refer(&writer, &order));
        assert_int_equal(writer.used, 0);
    }
    // No other URI has headers (RFC 3261 19.1.1), so none can carry Replaces.
    order = (struct refer_order){.uri = "tel:+15551", .call_id = "9@z", .to_tag = "t", .from_tag = "f"};
    assert_false(refer_write_refer(&writer, &order));
    order.call_id = NULL;
    assert_true(refer_write_refer(&writer, &order));
    expect(&writer, "Refer-To: <tel:+15551>\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_one_notify_at_a_time),
        cmocka_unit_test(test_so_many_notifies),
        cmocka_unit_test(test_subscription),
        cmocka_unit_test(test_elsewhere),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_notify),
        cmocka_unit_test(test_expires),
        cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
