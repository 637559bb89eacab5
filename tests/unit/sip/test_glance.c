// SPDX-License-Identifier: BSD-3-Clause
#include "guard.h"
#include "glance.h"

#define INVITE     "INVITE sip:+442079460123@10.10.0.10 SIP/2.0\r\n"
#define VIA        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n"
#define FROM       "From: \"A. Caller\" <sip:alice@example.com>;tag=a\r\n"
#define TO         "To: <sip:bob@example.com>\r\n"
#define CALL_ID    "Call-ID: 1@192.0.2.1\r\n"
#define CSEQ       "CSeq: 1 INVITE\r\n"
#define LINES      VIA FROM TO CALL_ID CSEQ
#define FOUR(x)    x x x x
#define ONE        "a: b\r\n"
#define SIXTY_FOUR FOUR(FOUR(FOUR(ONE)))

struct row {
    const char *name, *text;
    bool taken;
};

// What is not taken may be right or wrong: the parser knows.
static const struct row rows[] = {
    {"least", INVITE LINES "\r\n", true},
    {"usual",
     INVITE VIA "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK2\r\nMax-Forwards: 69\r\n" FROM TO CALL_ID CSEQ
                "Contact: <sip:a@192.0.2.1>\r\nRoute: <sip:10.10.0.10;lr>\r\nRoute: <sip:h;lr>\r\n"
                "Allow: INVITE, ACK\r\nContent-Length: 4\r\n\r\nv=0\n",
     true},
    {"ACK",
     "ACK sip:b@h SIP/2.0\r\n" VIA FROM "To: <sip:bob@example.com>;tag=b\r\n" CALL_ID "CSeq: 1 ACK\r\n\r\n",
     false},
    {"compact",
     INVITE "v:SIP/2.0/UDP h\r\nf:<sip:a@h>;tag=1\r\nt:<sip:b@h>\r\ni:x\r\nCSeq:7 INVITE\r\nl:0\r\n\r\n",
     true},
    {"more than Content-Length", INVITE LINES "l: 2\r\n\r\nabcdef", true},
    {"16 Vias", INVITE FOUR(FOUR(VIA)) FROM TO CALL_ID CSEQ "\r\n", true},
    {"17 Vias", INVITE FOUR(FOUR(VIA)) VIA FROM TO CALL_ID CSEQ "\r\n", false},
    {"127 lines",
     INVITE LINES SIXTY_FOUR FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(ONE) FOUR(ONE) ONE ONE
     "\r\n",
     true},
    {"128 lines",
     INVITE LINES SIXTY_FOUR FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(ONE) FOUR(ONE) ONE ONE ONE
     "\r\n",
     false},
    {"BYE", "BYE sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 BYE\r\n\r\n", false},
    {"INVITEE", "INVITEE sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITEE\r\n\r\n", false},
    {"invite", "invite sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 invite\r\n\r\n", false},
    {"response", "SIP/2.0 200 OK\r\n" LINES "\r\n", false},
    {"tel", "INVITE tel:+44 SIP/2.0\r\n" LINES "\r\n", false},
    {"headers in the Request-URI", "INVITE sip:b@h?a=b SIP/2.0\r\n" LINES "\r\n", false},
    {"version", "INVITE sip:b@h SIP/3.0\r\n" LINES "\r\n", false},
    {"line end before", "\r\n" INVITE LINES "\r\n", false},
    {"bare LF", "INVITE sip:b@h SIP/2.0\n" LINES "\r\n", false},
    {"fold", INVITE LINES "Subject: a\r\n b\r\n\r\n", false},
    {"white space before the colon", INVITE LINES "Subject : a\r\n\r\n", false},
    {"no colon", INVITE LINES "Subject\r\n\r\n", false},
    {"control octet", INVITE LINES "Subject: a\001b\r\n\r\n", false},
    {"empty value", INVITE LINES "Subject:\r\n\r\n", false},
    {"no Via", INVITE FROM TO CALL_ID CSEQ "\r\n", false},
    {"no From", INVITE VIA TO CALL_ID CSEQ "\r\n", false},
    {"no To", INVITE VIA FROM CALL_ID CSEQ "\r\n", false},
    {"no Call-ID", INVITE VIA FROM TO CSEQ "\r\n", false},
    {"no CSeq", INVITE VIA FROM TO CALL_ID "\r\n", false},
    {"two From", INVITE LINES FROM "\r\n", false},
    {"two To", INVITE LINES TO "\r\n", false},
    {"two Call-ID", INVITE LINES CALL_ID "\r\n", false},
    {"two CSeq", INVITE LINES CSEQ "\r\n", false},
    {"two Max-Forwards", INVITE LINES "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n", false},
    {"two Content-Length", INVITE LINES "l: 0\r\nl: 0\r\n\r\n", false},
    {"bad Max-Forwards", INVITE LINES "Max-Forwards: 256\r\n\r\n", false},
    {"bad Content-Length", INVITE LINES "l: x\r\n\r\n", false},
    {"body too short", INVITE LINES "l: 3\r\n\r\nab", false},
    {"two tags", INVITE VIA "From: <sip:a@h>;tag=a;tag=b\r\n" TO CALL_ID CSEQ "\r\n", false},
    {"two branches", INVITE "Via: SIP/2.0/UDP h;branch=a;branch=b\r\n" FROM TO CALL_ID CSEQ "\r\n", false},
    {"two Vias a line", INVITE "Via: SIP/2.0/UDP h, SIP/2.0/UDP i\r\n" FROM TO CALL_ID CSEQ "\r\n", false},
    {"TCP", INVITE "Via: SIP/2.0/TCP h\r\n" FROM TO CALL_ID CSEQ "\r\n", false},
    {"another CSeq", INVITE VIA FROM TO CALL_ID "CSeq: 1 ACK\r\n\r\n", false},
    {"no empty line", INVITE LINES, false},
    {"half of it", INVITE LINES "\r", false}};

static void test_taken(void **state)
{
    static struct message glanced, parsed;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint32_t length = (uint32_t)strlen(rows[i].text);
        const uint8_t *octets = guard_copy(rows[i].text, length);
        if (message_glance(octets, length, &glanced) != rows[i].taken)
            fail_msg("%s: %s", rows[i].name, rows[i].taken ? "not taken" : "taken");
        if (!rows[i].taken)
            continue;
        assert_int_equal(message_parse(octets, length, &parsed), MESSAGE_FINE);
        assert_int_equal(glanced.method, parsed.method);
        assert_memory_equal(&glanced.from, &parsed.from, sizeof(parsed.from));
        assert_memory_equal(&glanced.to_tag, &parsed.to_tag, sizeof(parsed.to_tag));
        assert_memory_equal(&glanced.body, &parsed.body, sizeof(parsed.body));
    }
}

// Cut anywhere it is not taken, and nothing behind the cut is read.
static void test_cut(void **state)
{
    static struct message message;
    uint32_t length = (uint32_t)strlen(rows[1].text);
    for (uint32_t cut = 0; cut < length; cut++)
        assert_false(message_glance(guard_copy(rows[1].text, cut), cut, &message));
    assert_true(message_glance(guard_copy(rows[1].text, length), length, &message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken), cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
