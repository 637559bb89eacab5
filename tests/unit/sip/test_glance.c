// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include "guard.h"
#include "glance.h"
#include "mark.h"

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

#define NOT_TAKEN 1

struct row {
    const char *name, *text;
    int fault; // of one that is taken, in what a refusal does not read
};

// What is not taken may be right or wrong: the parser knows.
static const struct row rows[] = {
    {"least", INVITE LINES "\r\n", MESSAGE_FINE},
    {"usual",
     INVITE VIA "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK2\r\nMax-Forwards: 69\r\n" FROM TO CALL_ID CSEQ
                "Contact: <sip:a@192.0.2.1>\r\nRoute: <sip:10.10.0.10;lr>\r\nRoute: <sip:h;lr>\r\n"
                "Allow: INVITE, ACK\r\nContent-Length: 4\r\n\r\nv=0\n",
     MESSAGE_FINE},
    {"ACK",
     "ACK sip:b@h SIP/2.0\r\n" VIA FROM "To: <sip:bob@example.com>;tag=b\r\n" CALL_ID "CSeq: 1 ACK\r\n\r\n",
     NOT_TAKEN},
    {"compact",
     INVITE "v:SIP/2.0/UDP h\r\nf:<sip:a@h>;tag=1\r\nt:<sip:b@h>\r\ni:x\r\nCSeq:7 INVITE\r\nl:0\r\n\r\n",
     MESSAGE_FINE},
    {"other case",
     INVITE "VIA: SIP/2.0/UDP h\r\nFROM: <sip:a@h>;tag=1\r\nTO: <sip:b@h>\r\nI: x\r\nCSEQ: 7 INVITE\r\n\r\n",
     MESSAGE_FINE},
    {"names that begin alike",
     INVITE LINES "Viaduct: a\r\nFromage: a\r\nToast: a\r\nT-Bone: a\r\nIn: a\r\nCall-IDs: a\r\n"
                  "CSeq-: a\r\nCall: a\r\nc: a/b\r\n\r\n",
     MESSAGE_FINE},
    {"more than Content-Length", INVITE LINES "l: 2\r\n\r\nabcdef", MESSAGE_FINE},
    {"a line end in the body", INVITE LINES "\r\nTo: a\r\n\r\n", MESSAGE_FINE},
    {"16 Vias", INVITE FOUR(FOUR(VIA)) FROM TO CALL_ID CSEQ "\r\n", MESSAGE_FINE},
    {"17 Vias", INVITE FOUR(FOUR(VIA)) VIA FROM TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"128 lines",
     INVITE LINES SIXTY_FOUR FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(ONE) FOUR(ONE) ONE ONE ONE
     "\r\n",
     MESSAGE_FINE},
    {"129 lines",
     INVITE LINES SIXTY_FOUR FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(ONE) FOUR(ONE)
         FOUR(ONE) "\r\n",
     NOT_TAKEN},
    {"129 lines, the last a Call-ID",
     INVITE VIA FROM TO CSEQ SIXTY_FOUR FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(FOUR(ONE)) FOUR(ONE) FOUR(ONE)
         FOUR(ONE) CALL_ID "\r\n",
     NOT_TAKEN},
    {"BYE", "BYE sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 BYE\r\n\r\n", NOT_TAKEN},
    {"INVITEE", "INVITEE sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITEE\r\n\r\n", NOT_TAKEN},
    {"invite", "invite sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 invite\r\n\r\n", NOT_TAKEN},
    {"response", "SIP/2.0 200 OK\r\n" LINES "\r\n", NOT_TAKEN},
    {"tel", "INVITE tel:+442079460123 SIP/2.0\r\n" LINES "\r\n", MESSAGE_FINE},
    {"headers in the Request-URI", "INVITE sip:bob@example.com?a=b SIP/2.0\r\n" LINES "\r\n",
     MESSAGE_BAD_REQUEST_URI},
    {"white space in the Request-URI", "INVITE sip:bob @example.com SIP/2.0\r\n" LINES "\r\n",
     MESSAGE_BAD_REQUEST_URI},
    {"short Request-URI", "INVITE sip:b@h SIP/2.0\r\n" LINES "\r\n", MESSAGE_FINE},
    {"no Request-URI", "INVITE  SIP/2.0\r\n" LINES "\r\n", NOT_TAKEN},
    {"version", "INVITE sip:bob@example.com SIP/3.0\r\n" LINES "\r\n", NOT_TAKEN},
    {"line end before", "\r\n" INVITE LINES "\r\n", NOT_TAKEN},
    {"bare LF behind the start line", "INVITE sip:bob@example.com SIP/2.0\n" LINES "\r\n", NOT_TAKEN},
    {"bare LF behind To", INVITE VIA FROM "To: <sip:bob@example.com>\n" CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"bare LF elsewhere", INVITE LINES "Subject: a\n\r\n", MESSAGE_FINE},
    {"bare LF before the body", INVITE LINES "\n", NOT_TAKEN},
    {"fold", INVITE LINES "Subject: a\r\n b\r\n\r\n", NOT_TAKEN},
    {"fold of To", INVITE VIA FROM "To: <sip:bob@example.com>\r\n\t;tag=b\r\n" CALL_ID CSEQ "\r\n",
     NOT_TAKEN},
    {"white space before the colon", INVITE LINES "Subject : a\r\n\r\n", MESSAGE_FINE},
    {"white space before the colon of a second To", INVITE LINES "To : <sip:c@h>\r\n\r\n", NOT_TAKEN},
    {"white space before the colon of t", INVITE VIA FROM "t\t: <sip:c@h>\r\n" CALL_ID CSEQ "\r\n",
     NOT_TAKEN},
    {"white space behind To", INVITE VIA FROM "To: <sip:bob@example.com> \r\n" CALL_ID CSEQ "\r\n",
     NOT_TAKEN},
    {"two spaces before To", INVITE VIA FROM "To:  <sip:bob@example.com>\r\n" CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"no colon", INVITE LINES "Subject\r\n\r\n", MESSAGE_BAD_HEADER_LINE},
    {"control octet", INVITE LINES "Subject: a\001b\r\n\r\n", MESSAGE_BAD_HEADER_LINE},
    {"control octet in From", INVITE VIA "From: <sip:a@h>\001;tag=a\r\n" TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"CR in From", INVITE VIA "From: <sip:a@h>\rTo: x;tag=a\r\n" TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"CR in the second Via", INVITE VIA "Via: SIP/2.0/UDP h\r;a\r\n" FROM TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"line of a CR", INVITE LINES "\rTo: a\r\n\r\n", NOT_TAKEN},
    {"empty value", INVITE LINES "Subject:\r\n\r\n", MESSAGE_FINE},
    {"empty From", INVITE VIA "From:\r\n" TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"no Via", INVITE FROM TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"no From", INVITE VIA TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"no To", INVITE VIA FROM CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"no Call-ID", INVITE VIA FROM TO CSEQ "\r\n", NOT_TAKEN},
    {"no CSeq", INVITE VIA FROM TO CALL_ID "\r\n", NOT_TAKEN},
    {"two From", INVITE LINES FROM "\r\n", NOT_TAKEN},
    {"two To", INVITE LINES TO "\r\n", NOT_TAKEN},
    {"two Call-ID", INVITE LINES CALL_ID "\r\n", NOT_TAKEN},
    {"two CSeq", INVITE LINES CSEQ "\r\n", NOT_TAKEN},
    {"two Max-Forwards", INVITE LINES "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n", MESSAGE_REPEATED_HEADER},
    {"bad Max-Forwards", INVITE LINES "Max-Forwards: 256\r\n\r\n", MESSAGE_BAD_MAX_FORWARDS},
    {"bad Content-Length", INVITE LINES "l: x\r\n\r\n", MESSAGE_BAD_CONTENT_LENGTH},
    {"body too short", INVITE LINES "l: 3\r\n\r\nab", MESSAGE_BAD_CONTENT_LENGTH},
    {"two tags of the caller", INVITE VIA "From: <sip:a@h>;tag=a;tag=b\r\n" TO CALL_ID CSEQ "\r\n",
     MESSAGE_BAD_FROM},
    {"two tags", INVITE VIA FROM "To: <sip:a@h>;tag=a;tag=b\r\n" CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"tag", INVITE VIA FROM "To: <sip:a@h>;x;tag=a\r\n" CALL_ID CSEQ "\r\n", MESSAGE_FINE},
    {"To that ends with a bracket and has none before",
     INVITE VIA FROM "To: sip:a@h>\r\n" CALL_ID CSEQ "\r\n", MESSAGE_BAD_TO},
    {"a tag before the bracket", INVITE VIA FROM "To: <sip:a@h>;tag=b>\r\n" CALL_ID CSEQ "\r\n",
     MESSAGE_BAD_TO},
    {"a bracket in quotes", INVITE VIA FROM "To: <sip:a@h>;tag=b;x=\">\"\r\n" CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"To without brackets", INVITE VIA FROM "To: sip:a@h\r\n" CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"space in the Call-ID", INVITE VIA FROM TO "Call-ID: 1 2\r\n" CSEQ "\r\n", NOT_TAKEN},
    {"octet beyond ASCII in the Call-ID", INVITE VIA FROM TO "Call-ID: 1\3712\r\n" CSEQ "\r\n", NOT_TAKEN},
    {"control octet in a long To",
     INVITE VIA FROM "To: \"a long name, longer than that\001\" <sip:a@h>\r\n" CALL_ID CSEQ "\r\n",
     NOT_TAKEN},
    {"two branches", INVITE "Via: SIP/2.0/UDP h;branch=a;branch=b\r\n" FROM TO CALL_ID CSEQ "\r\n",
     NOT_TAKEN},
    {"two Vias a line", INVITE "Via: SIP/2.0/UDP h, SIP/2.0/UDP i\r\n" FROM TO CALL_ID CSEQ "\r\n",
     NOT_TAKEN},
    {"TCP", INVITE "Via: SIP/2.0/TCP h\r\n" FROM TO CALL_ID CSEQ "\r\n", NOT_TAKEN},
    {"another CSeq", INVITE VIA FROM TO CALL_ID "CSeq: 1 ACK\r\n\r\n", NOT_TAKEN},
    {"no empty line", INVITE LINES, NOT_TAKEN},
    {"half of it", INVITE LINES "\r", NOT_TAKEN},
    {"Call-ID at the end", INVITE VIA FROM TO CSEQ "Call-ID\n", NOT_TAKEN}};

static bool message_glance(const uint8_t *octets, uint32_t length, struct message *message)
{
    struct glance glance;
    static struct glance_via known; // whichever was the last
    return glance_begin(octets, length, message, &glance) && glance_rest(&glance, &known);
}

static void check_taken(const struct row *row, const uint8_t *octets, uint32_t length)
{
    static struct message glanced, parsed;
    bool taken = row->fault != NOT_TAKEN;
    if (message_glance(octets, length, &glanced) != taken)
        fail_msg("%s: %s", row->name, taken ? "not taken" : "taken");
    if (!taken)
        return;
    if (message_parse(octets, length, &parsed) != row->fault)
        fail_msg("%s: another fault", row->name);
    assert_int_equal(glanced.method, parsed.method);
    assert_int_equal(glanced.cseq_number, parsed.cseq_number);
    assert_int_equal(glanced.header_end, parsed.header_end);
    assert_memory_equal(&glanced.from, &parsed.from, sizeof(parsed.from));
    assert_memory_equal(&glanced.to, &parsed.to, sizeof(parsed.to));
    if (row->fault != MESSAGE_BAD_TO)
        assert_memory_equal(&glanced.to_tag, &parsed.to_tag, sizeof(parsed.to_tag));
    assert_memory_equal(&glanced.call_id, &parsed.call_id, sizeof(parsed.call_id));
    assert_memory_equal(&glanced.via.branch, &parsed.via.branch, sizeof(parsed.via.branch));
}

// Both ways to find the lines; without marks nothing is taken.
static void test_taken(void **state)
{
    static const enum mark_level levels[] = {MARK_SCALAR, MARK_SSE, MARK_AVX2, MARK_AVX512};
    for (size_t level = 0; level < ROWS(levels); level++) {
        if (!mark_use(levels[level]))
            continue;
        for (size_t i = 0; i < ROWS(rows); i++) {
            uint32_t length = (uint32_t)strlen(rows[i].text);
            check_taken(&rows[i], guard_copy(rows[i].text, length), length);
        }
    }
}

// Cut before its body begins it is not taken, and nothing behind the cut is read.
static void test_cut(void **state)
{
    static struct message message;
    uint32_t length = (uint32_t)strlen(rows[1].text);
    uint32_t body = (uint32_t)(strstr(rows[1].text, "\r\n\r\n") + 4 - rows[1].text);
    for (uint32_t cut = 0; cut <= length; cut++)
        assert_int_equal(message_glance(guard_copy(rows[1].text, cut), cut, &message), cut >= body);
}

#define PADDED                                                                                               \
    FROM TO CALL_ID CSEQ                                                                                     \
        "Subject: as many octets as a look at a Via that may be known wants behind it\r\n\r\n"

// One Via after another of one sender: whichever was known before, what is read is the parser's.
static const struct {
    const char *name, *via;
    bool known; // its branch apart
} vias[] = {
    {"first", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", false},
    {"another branch", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-longer.than_that", true},
    {"short", "SIP/2.0/UDP 192.0.2.1:5060;branch=z", true},
    {"the longest", "SIP/2.0/UDP 192.0.2.1:5060;branch=" FOUR("0123456789abcdef"), true},
    {"longer", "SIP/2.0/UDP 192.0.2.1:5060;branch=" FOUR("0123456789abcdef") "0", false},
    {"no branch", "SIP/2.0/UDP 192.0.2.1:5060;branch=", false},
    {"no branch and more", "SIP/2.0/UDP 192.0.2.1:5060;branch=;rport", false},
    {"first again", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", true},
    {"a parameter behind", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport", false},
    {"the same", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK123;rport", true},
    {"none behind", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK123", false},
    {"a branch that is no word", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK+1", false},
    {"another port", "SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK1", false},
    {"parameters on both sides", "SIP/2.0/UDP h;rport;x=y;branch=a;received=192.0.2.9;z", false},
    {"the same", "SIP/2.0/UDP h;rport;x=y;branch=abcde;received=192.0.2.9;z", true},
    {"the other way round", "SIP/2.0/UDP h;received=192.0.2.9;branch=a;x;rport=7", false},
    {"the same", "SIP/2.0/UDP h;received=192.0.2.9;branch=abc-d;x;rport=7", true},
    {"another number behind", "SIP/2.0/UDP h;received=192.0.2.9;branch=abc-d;x;rport=8", false},
    {"two branches", "SIP/2.0/UDP h;received=192.0.2.9;branch=abc-d;branch=x;rport=8", false},
    {"65 octets before", "SIP/2.0/UDP 01234567890123456789012345678901234.example:5;branch=a", false},
    {"64 octets before", "SIP/2.0/UDP 0123456789012345678901234567890123.example:5;branch=a", false},
    {"the same", "SIP/2.0/UDP 0123456789012345678901234567890123.example:5;branch=ab", true},
    {"33 octets behind", "SIP/2.0/UDP h;branch=a;x=012345678901234567890123456789", false},
    {"32 octets behind", "SIP/2.0/UDP h;branch=a;x=01234567890123456789012345678", false},
    {"the same", "SIP/2.0/UDP h;branch=ab;x=01234567890123456789012345678", true},
    {"the last of them is another", "SIP/2.0/UDP h;branch=ab;x=01234567890123456789012345679", false},
};

static void check_known(size_t i, struct glance_via *known, bool counts)
{
    static struct message glanced, parsed;
    struct glance_via before = *known;
    struct glance glance;
    char text[1024];
    uint32_t length = (uint32_t)snprintf(text, sizeof(text), INVITE "Via: %s\r\n" PADDED, vias[i].via);
    const uint8_t *octets = guard_copy(text, length);
    bool fine = message_parse(octets, length, &parsed) == MESSAGE_FINE;
    bool taken = glance_begin(octets, length, &glanced, &glance) && glance_rest(&glance, known);
    if (taken && (!fine || memcmp(&glanced.via, &parsed.via, sizeof(parsed.via)) != 0))
        fail_msg("%s: another Via", vias[i].name);
    if (!taken && fine)
        fail_msg("%s: not taken", vias[i].name);
    // What was known is not learnt again.
    if (counts && taken && (memcmp(&before, known, sizeof(before)) == 0) != vias[i].known)
        fail_msg("%s: %s", vias[i].name, vias[i].known ? "not known" : "known");
}

static void test_known(void **state)
{
    static const enum mark_level levels[] = {MARK_SSE, MARK_AVX2};
    for (size_t level = 0; level < ROWS(levels); level++) {
        struct glance_via known, again;
        memset(&known, 0, sizeof(known));
        if (!mark_use(levels[level]))
            continue;
        for (size_t i = 0; i < ROWS(vias); i++)
            check_known(i, &known, levels[level] == MARK_AVX2);
        for (size_t first = 0; first < ROWS(vias); first++)
            for (size_t second = 0; second < ROWS(vias); second++) {
                memset(&again, 0, sizeof(again));
                check_known(first, &again, false);
                check_known(second, &again, false);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken), cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
