// SPDX-License-Identifier: BSD-3-Clause
// Messages that are made here because there are too many of them, or they are too large, for files: each
// octet before a colon, headers doubled and missing in each form, numbers at and over their ranges, thousands
// of everything.
#include <stdlib.h>

#include "guard.h"
#include "judge.h"
#include "sip_readers.h"
#include "uri.h"

static uint8_t text[MESSAGE_SIZE_MAX + 16];
static uint32_t used;
static struct message message;

static void begin(void)
{
    used = 0;
}

static void add(const void *octets, size_t length)
{
    assert_true(used + length <= sizeof(text));
    memcpy(text + used, octets, length);
    used += (uint32_t)length;
}

static void add_text(const char *string)
{
    add(string, strlen(string));
}

// What the message meets: 0 fine, -1 silence, or the status of the answer. Whatever it is, everything in it
// can be read.
static int reaction(void)
{
    const uint8_t *copy = guard_copy(text, used);
    struct span call_id;
    int fault = message_parse(copy, used, &message);
    struct message_verdict verdict = message_judge(&message, fault, &judge_front_end);
    bool found = peek_call_id(copy, used, &call_id);
    assert_int_equal(found, message.call_id.length != 0);
    assert_true(!found || call_id.offset == message.call_id.offset);
    for (unsigned i = 0; i < message.header_count; i++)
        readers_run_kind(message.headers[i].kind, copy, message.headers[i].value);
    return verdict.action == JUDGE_FINE ? 0 : verdict.action == JUDGE_SILENCE ? -1 : verdict.status;
}

#define START "INVITE sip:b@h SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define FROM  "From: <sip:a@h>;tag=1\r\n"
#define TO    "To: <sip:b@h>\r\n"
#define ID    "Call-ID: 1@h\r\n"
#define CSEQ  "CSeq: 1 INVITE\r\n"
#define GOOD  START VIA FROM TO ID CSEQ

static int reaction_to(const char *before, const char *after)
{
    begin();
    add_text(before);
    add_text(after);
    return reaction();
}

static bool is_token(unsigned octet)
{
    return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= 'a' && octet <= 'z') || (octet != 0 && strchr("-.!%*_+`'~", (int)octet) != NULL);
}

static void test_octet_before_colon(void **state)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        uint8_t one = (uint8_t)octet;
        begin();
        add_text(GOOD "Subject");
        add(&one, 1);
        add_text(": x\r\nX: y\r\n\r\n");
        int got = reaction();
        // White space may stand before a colon; a second colon is part of the value; a lone LF ends the line.
        int want = is_token(octet) || octet == ' ' || octet == '\t' || octet == ':' ? 0 : 400;
        if (got != want)
            fail_msg("octet %02x before the colon: %d, want %d", octet, got, want);
        // The same octet alone, as a name. White space there goes on with the line before.
        begin();
        add_text(GOOD);
        add(&one, 1);
        add_text(": x\r\n\r\n");
        bool compact = octet != 0 && strchr("ftilvFTILV", (int)octet) != NULL;
        got = reaction();
        want = octet == ' ' || octet == '\t' ? 400
               : octet == '\n'               ? 0
               : is_token(octet) && !compact ? 0
                                             : 400;
        if (octet == 'v' || octet == 'V')
            want = 0; // a second Via line, which nobody has to read
        if (got != want)
            fail_msg("octet %02x as a name: %d, want %d", octet, got, want);
    }
}

static const struct mandatory {
    const char *forms[4]; // long, compact, odd case with a fold, another value
    bool single;
} mandatory[] = {
    {{"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n", "v:SIP/2.0/UDP 192.0.2.1\r\n",
      "vIA :\r\n SIP/2.0/UDP 192.0.2.1\r\n", "Via: SIP/2.0/TCP h2\r\n"},
     false},
    {{"From: <sip:a@h>;tag=1\r\n", "f:sip:a@h;tag=1\r\n", "fROM  :\r\n <sip:a@h>\r\n ;tag=1\r\n",
      "From: <sip:x>\r\n"},
     true},
    {{"To: <sip:b@h>\r\n", "t:<sip:b@h>\r\n", "TO\t:\r\n <sip:b@h>\r\n", "To: <sip:x>\r\n"}, true},
    {{"Call-ID: 1@h\r\n", "i:1@h\r\n", "cALL-iD :\r\n 1@h\r\n", "Call-ID: 2@h\r\n"}, true},
    {{"CSeq: 1 INVITE\r\n", "CSeq:1 INVITE\r\n", "CSEQ :\r\n 1\r\n INVITE\r\n", "CSeq: 2 INVITE\r\n"}, true},
};

// Each header in each form, once: fine. Left out: 400, or silence without Via. Twice, in every pair of forms:
// 400, but Via.
static void test_mandatory(void **state)
{
    for (unsigned header = 0; header < ROWS(mandatory); header++)
        for (unsigned form = 0; form < 4; form++)
            for (unsigned second = 0; second < 5; second++) {
                begin();
                add_text(START);
                for (unsigned i = 0; i < ROWS(mandatory); i++)
                    if (i != header)
                        add_text(mandatory[i].forms[form % 3]);
                int missing = used;
                add_text("\r\n");
                assert_int_equal(reaction(), header == 0 ? -1 : 400);
                used = (uint32_t)missing;
                add_text(mandatory[header].forms[form]);
                if (second < 4)
                    add_text(mandatory[header].forms[second]);
                add_text("\r\n");
                assert_int_equal(reaction(), second < 4 && mandatory[header].single ? 400 : 0);
            }
}

struct row {
    const char *line;
    int want;
};

static void check_rows(const char *before, const struct row *rows, size_t count, const char *after)
{
    for (size_t i = 0; i < count; i++) {
        begin();
        add_text(before);
        add_text(rows[i].line);
        add_text(after);
        int got = reaction();
        if (got != rows[i].want)
            fail_msg("%s: %d, want %d", rows[i].line, got, rows[i].want);
    }
}

static void test_numbers(void **state)
{
    static const struct row lengths[] = {
        {"Content-Length: 4", 0},
        {"Content-Length: 0", 0},
        {"Content-Length: 3", 0},
        {"Content-Length: 0000000000000000000004", 0},
        {"X: no length", 0},
        {"Content-Length: 5", 400},
        {"Content-Length: -1", 400},
        {"Content-Length: +4", 400},
        {"Content-Length: 4 4", 400},
        {"Content-Length: 0x4", 400},
        {"Content-Length: 4.0", 400},
        {"Content-Length:", 400},
        {"Content-Length: four", 400},
        {"Content-Length: 65536", 400},
        {"Content-Length: 65540", 400},
        {"Content-Length: 2147483648", 400},
        {"Content-Length: 4294967300", 400},
        {"Content-Length: 18446744073709551620", 400},
        {"Content-Length: 4, 4", 400},
        {"l: 4\r\nContent-Length: 4", 400},
    };
    static const struct row sequences[] = {
        {"CSeq: 0 INVITE", 0},
        {"CSeq: 2147483647 INVITE", 0},
        {"CSeq: 00002147483647 INVITE", 0},
        {"CSeq: 2147483648 INVITE", 400},
        {"CSeq: 4294967296 INVITE", 400},
        {"CSeq: 4294967297 INVITE", 400},
        {"CSeq: 18446744073709551617 INVITE", 400},
        {"CSeq: -1 INVITE", 400},
        {"CSeq: 1", 400},
        {"CSeq: INVITE", 400},
        {"CSeq:", 400},
    };
    static const struct row vias[] = {
        {"Via: SIP/2.0/UDP h:1", 0},
        {"Via: SIP/2.0/UDP h:65535", 0},
        {"Via: SIP/2.0/UDP h:0", -1},
        {"Via: SIP/2.0/UDP h:65536", -1},
        {"Via: SIP/2.0/UDP h:4294967297", -1},
        {"Via: SIP/2.0/UDP h:", -1},
        {"Via: SIP/2.0/UDP h:50:60", 400}, // a second colon: an answer still finds its way
        {"Via: SIP/2.0/UDP h:5060:;branch=z9hG4bKx", 400},
        {"Via: SIP/2.0/UDP 2001:db8::1", -1},
        {"Via: SIP/2.0/UDP [::1", -1},
        {"Via: SIP/2.0/UDP h;rport=65536", 400},
        {"Via: SIP/2.0/UDP h;rport=x", 400},
        {"Via: SIP/2.0/UDP", -1},
        {"Via: SIP/2.0 UDP h", -1},
        {"Via: SIP/2.0/UDP h;branch=a;branch=b", 400},
        {"Via: SIP/2.0/UDP h (never closed", 400},
    };
    static const struct row hops[] = {
        {"Max-Forwards: 1", 0},     {"Max-Forwards: 255", 0},          {"Max-Forwards: 256", 400},
        {"Max-Forwards: -1", 400},  {"Max-Forwards: 4294967297", 400}, {"Max-Forwards: 0", 483},
        {"Max-Forwards: 000", 483}, {"Max-Forwards: 7 0", 400},
    };
    check_rows(GOOD, lengths, ROWS(lengths), "\r\n\r\nbody");
    check_rows(START VIA FROM TO ID, sequences, ROWS(sequences), "\r\n\r\n");
    check_rows(START FROM TO ID CSEQ, vias, ROWS(vias), "\r\n\r\n");
    check_rows(GOOD, hops, ROWS(hops), "\r\n\r\n");
}

// What no proxy needs is not judged, however wrong.
static void test_not_ours(void **state)
{
    static const struct row rows[] = {
        {"Contact: <sip:a>;q=1.001", 0},
        {"Contact: <sip:a>;q=-1", 0},
        {"Contact: <sip:a>;expires=4294967295", 0},
        {"Contact: <sip:a>;expires=4294967296", 0},
        {"Contact: <sip:a>;expires=99999999999999999999", 0},
        {"Contact: \"", 0},
        {"Contact: \"\\", 0},
        {"Contact:", 0},
        {"Expires: 4294967295", 0},
        {"Expires: 4294967296", 0},
        {"Expires: -1", 0},
        {"Refer-To: <tel:+1>", 0},
        {"Refer-To: <urn:service:sos>", 0},
        {"Route: <tel:+1>", 0},
        {"Content-Type: multipart/mixed;boundary=\"\"\r\nContent-Length: 0", 0},
        {"Content-Type: multipart/mixed;boundary=a\r\nContent-Length: 9\r\n\r\n--a--\r\n\r\n", 0},
        {"Warning: \"\\", 0},
    };
    check_rows(GOOD, rows, ROWS(rows), "\r\n\r\n");
}

static void test_uris(void **state)
{
    static const struct row rows[] = {
        {"sip:h", 0},         {"tel:+1-201-555-0123", 0},
        {"tel:", 400},        {"urn:service:sos.fire", 0},
        {"urn:", 400},        {"sip:", 400},
        {"sip:@h", 400},      {"sip:a@", 400},
        {"sip:a@@h", 400},    {"sip:a@b@h", 400},
        {"sip:tel:+1", 400},  {"sip:urn:service:sos", 400},
        {"sip:h:0", 400},     {"sip:h:65535", 0},
        {"sip:h:65536", 400}, {"sip:h:99999999999999999999", 400},
        {"sip:h:", 400},      {"sip:h:5060:5060", 400},
        {"sip:[::1]", 0},     {"sip:[::1", 400},
        {"sip:[]", 400},      {"sip:\x80", 400},
        {":", 400},           {"*", 400},
        {"sip", 400},         {"://", 400},
    };
    check_rows("INVITE ", rows, ROWS(rows), " SIP/2.0\r\n" VIA FROM TO ID CSEQ "\r\n");
    assert_int_equal(
        reaction_to(START VIA "From: <tel:+1>;tag=1\r\nTo: <urn:service:sos>\r\n" ID CSEQ, "\r\n"), 0);
}

static void test_quotes_at_the_end(void **state)
{
    static const struct row rows[] = {
        {"\"", 400},
        {"\"a", 400},
        {"\"a\\", 400},
        {"\"a\\\"", 400},
        {"\"a\"", 400},
        {"\"a\" <", 400},
        {"\"a\" <sip:a", 400},
        {"\"a\" <sip:a>;tag=\"", 400},
        {"\"a\" <sip:a>;x=\"\\", 400},
        {"\"\\\\\" <sip:a>", 0},
        {"\"\\\"\" <sip:a>", 0},
        {"<sip:a>;x=\"\"", 0},
    };
    check_rows(START VIA FROM ID CSEQ "To: ", rows, ROWS(rows), "\r\n\r\n");
}

// A NUL, a lone LF and a lone CR in each place of a message: never a fault of ours, and a NUL or CR outside a
// quoted pair, before the body, is never let pass.
static void test_controls_everywhere(void **state)
{
    static const char good[] =
        START VIA "From: \"A\" <sip:a@h>;tag=1\r\n" TO ID CSEQ "Subject: x y\r\nl: 4\r\n\r\nbody";
    static const uint8_t controls[] = {'\0', '\n', '\r'};
    const char *head_end = strstr(good, "\r\n\r\n");
    for (unsigned control = 0; control < sizeof(controls); control++)
        for (size_t place = 0; place < sizeof(good) - 1; place++) {
            begin();
            add(good, place);
            add(&controls[control], 1);
            add(good + place, sizeof(good) - 1 - place);
            int inserted = reaction();
            begin();
            add(good, sizeof(good) - 1);
            text[place] = controls[control];
            int replaced = reaction();
            // Before the start line line ends are ignored.
            if (controls[control] == '\n' || place > (size_t)(head_end - good) || place == 0)
                continue;
            bool is_line_end = good[place] == '\r' || good[place] == '\n';
            if (inserted == 0)
                fail_msg("%02x inserted at %zu passes", controls[control], place);
            if (replaced == 0 && !is_line_end)
                fail_msg("%02x at %zu passes", controls[control], place);
        }
}

static void add_many(const char *line, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        add_text(line);
}

static void test_thousands(void **state)
{
    static const unsigned counts[] = {100, 1000, 5000};
    for (unsigned i = 0; i < ROWS(counts); i++) {
        unsigned count = counts[i];
        int many = count + 5 <= MESSAGE_HEADERS_MAX ? 0 : 400;
        begin();
        add_text(GOOD);
        add_many("X:y\r\n", count);
        add_text("\r\n");
        assert_int_equal(reaction(), many);
        begin();
        add_text(START);
        add_many("v:SIP/2.0/UDP h\r\n", count > 3000 ? 3000 : count);
        add_text(FROM TO ID CSEQ "\r\n");
        // Behind too many Vias there is nobody to answer: no CSeq, no Call-ID.
        assert_int_equal(reaction(), many == 0 ? 0 : -1);
        begin();
        add_text(START "v:SIP/2.0/UDP h");
        add_many(",SIP/2.0/UDP h", count > 3000 ? 3000 : count);
        add_text("\r\n" FROM TO ID CSEQ "\r\n");
        assert_int_equal(reaction(), 0);
        begin();
        add_text(START "v:SIP/2.0/UDP h");
        add_many(";a=b", count);
        add_text("\r\n" FROM TO ID CSEQ "\r\n");
        assert_int_equal(reaction(), 0);
        begin();
        add_text(START VIA "From:<sip:a>");
        add_many(";a=b", count);
        add_text("\r\n" TO ID CSEQ "Contact: <sip:a");
        add_many(";c", count);
        add_text(">\r\n\r\n");
        assert_int_equal(reaction(), 0);
        begin();
        add_text(START VIA FROM TO ID "CSeq:1");
        add_many("\r\n ", count);
        add_text("INVITE\r\n\r\n");
        assert_int_equal(reaction(), 0);
        begin();
        add_text(START VIA FROM TO ID CSEQ "Subject:");
        add_many("(", count);
        add_text("\r\n\r\n");
        assert_int_equal(reaction(), 0);
    }
}

// Datagrams of the largest size, with each octet value, as a value, a body, a name, and nothing else.
static void test_largest(void **state)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        memset(text, (int)octet, sizeof(text));
        used = MESSAGE_SIZE_MAX;
        (void)reaction();
        memcpy(text, GOOD "\r\n", sizeof(GOOD "\r\n") - 1);
        assert_int_equal(reaction(), 0);
        memcpy(text, GOOD "Subject:", sizeof(GOOD "Subject:") - 1);
        assert_int_equal(reaction(), octet == '\n' ? 0 : 400); // no empty line
        memcpy(text + MESSAGE_SIZE_MAX - 4, "\r\n\r\n", 4);
        (void)reaction();
        used = MESSAGE_SIZE_MAX + 1;
        assert_int_equal(message_parse(guard_copy(text, used), used, &message), MESSAGE_TOO_LONG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_octet_before_colon),
        cmocka_unit_test(test_mandatory),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_quotes_at_the_end),
        cmocka_unit_test(test_controls_everywhere),
        cmocka_unit_test(test_thousands),
        cmocka_unit_test(test_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
