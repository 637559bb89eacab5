// SPDX-License-Identifier: BSD-3-Clause
// What the generator judges: messages as a proxy changes them are taken, and each that it damaged is found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "check.h"

#define ROUTES  "<sip:10.20.0.10;lr;x=1>\n<sip:10.10.0.10;lr>\n"
#define OCTETS  4096u
#define RECORDS "Record-Route: <sip:10.20.0.10;lr;x=1>\r\nRecord-Route: <sip:10.10.0.10;lr>\r\n"

static struct scene scene;
static struct call call;

static int set_up(void **state)
{
    scene = (struct scene){.seed = 3};
    assert_true(scene_places(scene.sides[CALLER], &scene.counts[CALLER], "10.10.1.1"));
    assert_true(scene_places(scene.sides[CALLEE], &scene.counts[CALLEE], "10.20.1.1+1"));
    unsigned count;
    assert_true(scene_places(&scene.proxy[CALLER], &count, "10.10.0.10"));
    assert_true(scene_places(&scene.proxy[CALLEE], &count, "10.20.0.10"));
    call = (struct call){.number = 12, .callee = 1, .routes_length = sizeof(ROUTES) - 1};
    strcpy(call.branch, "z9hG4bKproxy");
    memcpy(call.routes, ROUTES, sizeof(ROUTES));
    return 0;
}

// The first FIND, of which there must be one, becomes PUT.
static void change(char *text, const char *find, const char *put)
{
    char *at = strstr(text, find);
    assert_non_null(at);
    memmove(at + strlen(put), at + strlen(find), strlen(at + strlen(find)) + 1);
    memcpy(at, put, strlen(put));
}

struct damage {
    const char *find, *put; // NULL: none
    enum finding found;
};

static struct asked invite_asked = {.method = METHOD_INVITE, .transaction = METHOD_INVITE, .cseq = 1};
static struct asked ack_asked = {.method = METHOD_ACK, .transaction = METHOD_ACK, .cseq = 1};
static struct asked bye_asked = {.method = METHOD_BYE, .transaction = METHOD_BYE, .cseq = 2};
static struct asked callees_bye_asked = {
    .by = CALLEE, .method = METHOD_BYE, .transaction = METHOD_BYE, .cseq = 1};

// The request as a proxy sends it on: Via and, outside the dialog, Record-Route above; Routes of its own
// gone; one hop less.
static void pass(const struct asked *asked, char text[OCTETS])
{
    size_t length = compose_request(&scene, &call, asked, text);
    text[length] = '\0';
    change(text, "\r\nVia: ", "\r\nVia: SIP/2.0/UDP 10.20.0.10:5060;branch=z9hG4bKproxy\r\nVia: ");
    change(text, ";rport\r\n", ";rport=5060;received=10.10.1.1\r\n");
    change(text, "Max-Forwards: 70\r\n", "Max-Forwards: 69\r\n");
    if (asked->method == METHOD_INVITE)
        change(text, "Max-Forwards", RECORDS "Max-Forwards");
    else
        change(text, "Route: <sip:10.10.0.10;lr>\r\nRoute: <sip:10.20.0.10;lr;x=1>\r\n", "");
}

static enum finding judge_request(const struct asked *asked, const struct damage *damage)
{
    char text[OCTETS];
    struct message message;
    pass(asked, text);
    if (damage->find != NULL)
        change(text, damage->find, damage->put);
    if (!message_read(&message, text, strlen(text)))
        return FINDING_UNREADABLE;
    return check_request(&scene, &call, asked, &message);
}

static void test_invite(void **state)
{
    static const struct damage rows[] = {
        {NULL, NULL, FINDING_NONE},
        {";rport=5060;received=10.10.1.1", "", FINDING_NONE},
        {"Via: SIP/2.0/UDP 10.10.1.1:5060;", "Via: SIP/2.0/UDP 10.10.1.1:5060;received=10.10.1.1;",
         FINDING_NONE},
        {"Via: SIP/2.0/UDP 10.10.1.1:5060", "Via: SIP/2.0/UDP 10.10.1.1:5061", FINDING_VIA},
        {"i1;rport", "i2;rport", FINDING_VIA},
        {"i1;rport", "i1;foo=1;rport", FINDING_VIA},
        {"10.20.0.10:5060;branch", "10.20.0.11:5060;branch", FINDING_VIA},
        {"Via: SIP/2.0/UDP 10.20.0.10:5060;branch=z9hG4bKproxy\r\n", "", FINDING_VIA},
        {"Max-Forwards: 69", "Max-Forwards: 70", FINDING_MAX_FORWARDS},
        {"\"Caller\"", "\"caller\"", FINDING_PARTIES},
        {"CSeq: 1 INVITE", "CSeq: 2 INVITE", FINDING_CSEQ},
        {"CSeq: 1 INVITE", "CSeq: 1 BYE", FINDING_UNREADABLE},
        {"INVITE sip:+4969", "INVITE sip:4969", FINDING_REQUEST_URI},
        {"<sip:10.10.0.10;lr>", "<sip:10.10.0.9;lr>", FINDING_RECORD_ROUTE},
        {RECORDS, "", FINDING_RECORD_ROUTE},
        {RECORDS, "Route: <sip:10.20.0.10;lr>\r\n" RECORDS, FINDING_ROUTE},
        {"m=audio 16384", "m=audio 16385", FINDING_BODY},
        {"Contact: <sip:+4930", "Contact: <sip:+4931", FINDING_CONTACT},
        {"\r\nCall-ID:", ";tag=1\r\nCall-ID:", FINDING_PARTIES},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(judge_request(&invite_asked, &rows[i]), rows[i].found);
}

static void test_inside(void **state)
{
    static const struct damage rows[] = {
        {NULL, NULL, FINDING_NONE},
        {"10.20.1.2:5060;transport=udp SIP", "10.20.1.1:5060;transport=udp SIP", FINDING_REQUEST_URI},
        {"Max-Forwards", "Route: <sip:10.20.0.10;lr;x=1>\r\nMax-Forwards", FINDING_ROUTE},
        {"Content-Length: 0\r\n\r\n", "Content-Length: 1\r\n\r\nx", FINDING_BODY},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(judge_request(&ack_asked, &rows[i]), rows[i].found);
        assert_int_equal(judge_request(&bye_asked, &rows[i]), rows[i].found);
    }
    static const struct damage untagged = {">;tag=", ">;tog=", FINDING_UNREADABLE};
    assert_int_equal(judge_request(&bye_asked, &untagged), FINDING_UNREADABLE);
}

// An answer as it came to the caller: the proxy took its own Via away.
static enum finding judge_response(const struct asked *asked, unsigned status, bool callees,
                                   const struct damage *damage)
{
    char text[OCTETS], vias[COMPOSE_VALUE];
    struct message message;
    struct text kept = {.octets = vias, .room = sizeof(vias) - 1};
    compose_via(&scene, &call, asked, &kept);
    vias[kept.length++] = '\n';
    struct answer answer = {.by = far_side(asked->by),
                            .method = asked->method,
                            .cseq = asked->cseq,
                            .status = status,
                            .vias = {vias, kept.length}};
    size_t length = compose_answer(&scene, &call, &answer, text);
    text[length] = '\0';
    if (damage->find != NULL)
        change(text, damage->find, damage->put);
    if (!message_read(&message, text, strlen(text)))
        return FINDING_UNREADABLE;
    return check_response(&scene, &call, asked, &message, callees);
}

static void test_answers(void **state)
{
    static const struct damage rows[] = {
        {NULL, NULL, FINDING_NONE},
        {"Via: SIP/2.0/UDP 10.10.1.1",
         "Via: SIP/2.0/UDP 10.20.0.10;branch=z9hG4bKproxy\r\nVia: SIP/2.0/UDP 10.10.1.1", FINDING_VIA},
        {"<sip:10.10.0.10;lr>", "<sip:10.10.0.10;lr;y>", FINDING_RECORD_ROUTE},
        {"Record-Route: <sip:10.10.0.10;lr>\r\n", "", FINDING_RECORD_ROUTE},
        {"Contact: <sip:+4969", "Contact: <sip:+4968", FINDING_CONTACT},
        {"\r\nCall-ID:", "0\r\nCall-ID:", FINDING_PARTIES},
    };
    static const struct damage body = {"m=audio 16384", "m=audio 16386", FINDING_BODY};
    static const struct damage tag = {"\r\nCall-ID:", "0\r\nCall-ID:", FINDING_NONE};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(judge_response(&invite_asked, 200, true, &rows[i]), rows[i].found);
        assert_int_equal(judge_response(&invite_asked, 180, true, &rows[i]), rows[i].found);
    }
    assert_int_equal(judge_response(&invite_asked, 200, true, &body), FINDING_BODY);
    // What the proxy answers by itself has a tag of its own.
    assert_int_equal(judge_response(&invite_asked, 487, false, &tag), FINDING_NONE);
    assert_int_equal(judge_response(&invite_asked, 487, true, &tag), FINDING_PARTIES);
    assert_int_equal(judge_response(&bye_asked, 200, true, &rows[0]), FINDING_NONE);
    assert_int_equal(judge_response(&callees_bye_asked, 200, true, &rows[0]), FINDING_NONE);
    assert_int_equal(judge_response(&callees_bye_asked, 200, true, &tag), FINDING_PARTIES);
}

// ACK to a refusal and CANCEL are the proxy's own: one Via, that of its INVITE.
static void test_hop(void **state)
{
    static const struct damage rows[] = {
        {NULL, NULL, FINDING_NONE},
        {"z9hG4bKproxy", "z9hG4bKproxies", FINDING_VIA},
        {"Max-Forwards", "Via: SIP/2.0/UDP 10.10.1.1\r\nMax-Forwards", FINDING_VIA},
        {"CSeq: 1", "CSeq: 2", FINDING_CSEQ},
        {"\"Caller\"", "\"Calle\"", FINDING_PARTIES},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[OCTETS], via[COMPOSE_VALUE];
        struct message message;
        struct text sent = {.octets = via, .room = sizeof(via) - 1};
        struct asked cancel = {.method = METHOD_CANCEL, .transaction = METHOD_INVITE, .cseq = 1};
        text[compose_request(&scene, &call, &cancel, text)] = '\0';
        compose_via(&scene, &call, &cancel, &sent);
        via[sent.length] = '\0';
        change(text, via, "SIP/2.0/UDP 10.20.0.10:5060;branch=z9hG4bKproxy");
        if (rows[i].find != NULL)
            change(text, rows[i].find, rows[i].put);
        assert_true(message_read(&message, text, strlen(text)));
        assert_int_equal(check_hop(&scene, &call, &message), rows[i].found);
    }
}

static void test_routes_in_reverse(void **state)
{
    char text[OCTETS];
    text[compose_request(&scene, &call, &bye_asked, text)] = '\0';
    assert_non_null(strstr(text, "\r\nRoute: <sip:10.10.0.10;lr>\r\nRoute: <sip:10.20.0.10;lr;x=1>\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_invite, set_up),
        cmocka_unit_test_setup(test_inside, set_up),
        cmocka_unit_test_setup(test_answers, set_up),
        cmocka_unit_test_setup(test_hop, set_up),
        cmocka_unit_test_setup(test_routes_in_reverse, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
