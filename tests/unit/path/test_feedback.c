// SPDX-License-Identifier: BSD-3-Clause
// Overload control between neighbours (RFC 7339), and members' Retry-After.
#include <stdio.h>
#include <string.h>
#include "feedback.h"
#include "tests.h"

#define LISTENS ";rport;oc;oc-algo=\"loss,A\""

static void use(struct wire *wire, uint32_t carrier, uint32_t sbcs)
{
    wire->image.peers[IMAGE_CARRIER_A].flags |= carrier;
    wire->image.peers[IMAGE_SBCS].flags |= sbcs;
    wire->image.peers[IMAGE_SBCS].retry_after_max_s = 20;
    wire->image.header.settings.overload.retry_after_s = 7;
    wire_reload(wire);
}

static bool has_text(const char *text, const char *wanted)
{
    return strstr(text, wanted) != NULL;
}

static void test_we_tell(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    use(wire, PEER_OVERLOAD, 0);
    call_init(&call, wire, "told@feedback");
    call.sides[DIALOG_CALLER].via_parameters = LISTENS;
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet trying = wire_take(wire, wire_carrier);
    assert_true(has_text(header_of(&trying, "Via"), ";oc=0;oc-validity=0;oc-seq="));
    assert_true(has_text(header_of(&trying, "Via"), ";oc-algo=\"loss\""));
    call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_true(has_text(header_of(&call.invite, "Via"), ";oc;oc-algo=\"loss,A\""));
    // What somebody behind us wrote there is not ours to pass (5.6).
    wire->workers[0]->overload.level_loss[0] = OVERLOAD_ALL / 4;
    wire->workers[0]->overload.loss = OVERLOAD_ALL / 4;
    call_answer(&call, "180 Ringing");
    assert_true(has_text(header_of(&call.answer, "Via"), ";oc=0;oc-validity=0;"));
    wire->image.header.settings.overload.transactions = 1;
    wire_reload(wire);
    wire_turn(wire); // behind: 2 transactions where 1 is too much
    call_answer(&call, "200 OK");
    assert_true(has_text(header_of(&call.answer, "Via"), ";oc=100;oc-validity=500;oc-seq="));
    assert_true(has_text(header_of(&call.answer, "Via"), ";oc-algo=\"loss\""));
    call_ack(&call, DIALOG_CALLER, call.sides[DIALOG_CALLER].cseq);
    struct call next;
    call_init(&next, wire, "refused@feedback");
    next.sides[DIALOG_CALLER].via_parameters = LISTENS;
    call_invite_text(&next, text);
    wire_send(wire, wire_carrier, text);
    next.answer = wire_take(wire, wire_carrier);
    assert_starts(&next.answer, "SIP/2.0 503 ");
    assert_true(has_text(header_of(&next.answer, "Via"), ";oc=100;"));
    assert_header(&next.answer, "Retry-After", "");
}

// To whom nothing is told: who does not ask, offers no algorithm that we have, or has not been configured.
static void test_we_do_not_tell(void **state)
{
    static const struct {
        const char *name, *parameters;
        uint32_t flags;
    } rows[] = {{"does not ask", ";rport", PEER_OVERLOAD},
                {"no algorithm", ";rport;oc", PEER_OVERLOAD},
                {"another one", ";rport;oc;oc-algo=\"rate,lossy\"", PEER_OVERLOAD},
                {"already answered", ";rport;oc=5;oc-algo=\"loss\";oc-seq=1.1", PEER_OVERLOAD},
                {"not configured", LISTENS, 0}};
    struct wire *wire = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call call;
        char text[WIRE_TEXT_MAX], id[32];
        wire->image.peers[IMAGE_CARRIER_A].flags &= ~PEER_OVERLOAD;
        use(wire, rows[i].flags, 0);
        snprintf(id, sizeof(id), "row-%zu@feedback", i);
        call_init(&call, wire, id);
        call.sides[DIALOG_CALLER].via_parameters = rows[i].parameters;
        call_invite_text(&call, text);
        wire_send(wire, wire_carrier, text);
        struct wire_packet trying = wire_take(wire, wire_carrier);
        call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
        if (has_text(header_of(&trying, "Via"), "validity"))
            fail_msg("%s: %s", rows[i].name, header_of(&trying, "Via"));
    }
}

// A callee's response with this behind our oc.
static void answer_with(struct call *call, const char *status, const char *told)
{
    struct wire_packet invite = call->invite;
    char *at = strstr(invite.text, ";oc;"), rest[WIRE_TEXT_MAX];
    assert_non_null(at);
    snprintf(rest, sizeof(rest), "%s", at + 3);
    snprintf(at + 3, 128, "%s", told);
    memcpy(at + 3 + strlen(told), rest, strlen(rest) + 1);
    call_respond(call, &invite, status, "tag-bob");
}

// Whom a new INVITE goes to: one of the SBCs, or the caller, who is refused.
static struct endpoint goes_to(struct wire *wire, unsigned number)
{
    struct call call;
    char text[WIRE_TEXT_MAX], id[32];
    snprintf(id, sizeof(id), "next-%u@feedback", number);
    call_init(&call, wire, id);
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    struct endpoint to = wire_carrier;
    bool gone = false, refused = false;
    for (uint32_t i = 0; i < wire->out_count; i++) { // beside repeats of others
        const struct wire_packet *packet = &wire->out[i];
        if (strcmp(header_of(packet, "Call-ID"), id) != 0)
            continue;
        refused |= starts(packet, "SIP/2.0 503 ");
        gone |= starts(packet, "INVITE ");
        if (starts(packet, "INVITE "))
            to = packet->to;
    }
    wire->out_count = 0;
    assert_true(gone != refused);
    return to;
}

static unsigned how_many(struct wire *wire, unsigned from, struct endpoint to)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 12; i++)
        n += endpoint_equal(goes_to(wire, from + i), to);
    return n;
}

static void test_we_listen(void **state)
{
    struct wire *wire = *state;
    struct call call;
    use(wire, 0, PEER_OVERLOAD);
    call_init(&call, wire, "first@feedback");
    call_invite(&call);
    struct endpoint member = call.sides[DIALOG_CALLEE].at;
    const char *via = header_of(&call.invite, "Via");
    assert_true(has_text(via, FEEDBACK_OFFER) && strstr(via, FEEDBACK_OFFER) < strchr(via, '|'));
    assert_true(how_many(wire, 0, member) > 0);
    // All new requests, for a second and a half: they go to the other one.
    answer_with(&call, "180 Ringing", "=100;oc-validity=1500;oc-seq=1282321615.782");
    wire_expect_count(wire, COUNTER_OVERLOAD_HEARD, 1);
    wire->out_count = 0;
    assert_int_equal(how_many(wire, 100, member), 0);
    assert_int_equal(how_many(wire, 150, wire_carrier), 0);
    // An older one does not count, nor one without the algorithm's name, nor more than all.
    answer_with(&call, "180 Ringing", "=0;oc-validity=0;oc-seq=1282321615.78");
    answer_with(&call, "180 Ringing", "=101;oc-seq=1282321616.0");
    wire->out_count = 0;
    assert_int_equal(how_many(wire, 200, member), 0);
    // The end of it by time.
    wire_pass_silently(wire, 2500);
    assert_true(how_many(wire, 300, member) > 0);
    // And by word.
    answer_with(&call, "180 Ringing", "=100;oc-validity=60000;oc-seq=1282321617.1");
    wire->out_count = 0;
    assert_int_equal(how_many(wire, 400, member), 0);
    answer_with(&call, "180 Ringing", "=0;oc-validity=0;oc-seq=1282321617.10001");
    wire->out_count = 0;
    assert_true(how_many(wire, 500, member) > 0);
}

// When all hold back there is nobody left; a request inside a dialog goes all the same.
static void test_all_hold_back(void **state)
{
    struct wire *wire = *state;
    struct call call;
    use(wire, 0, PEER_OVERLOAD);
    call_init(&call, wire, "held@feedback");
    call_establish(&call);
    for (unsigned i = 0; i < IMAGE_MEMBERS; i++) {
        wire->workers[0]->lately[i].holds_back = 100;
        wire->workers[0]->lately[i].holds_until = wire->workers[0]->now + 100;
    }
    assert_int_equal(how_many(wire, 600, wire_carrier), 12);
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "INFO");
    assert_starts(&bye, "INFO ");
    call_respond(&call, &bye, "200 OK", "");
    wire_take(wire, wire_carrier);
    call_hang_up(&call, DIALOG_CALLER);
}

// Only who was asked, and only who is configured.
static void test_whom_we_believe(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char lines[WIRE_TEXT_MAX];
    use(wire, 0, PEER_OVERLOAD);
    call_init(&call, wire, "believed@feedback");
    call_invite(&call);
    struct endpoint member = call.sides[DIALOG_CALLEE].at;
    struct endpoint other = endpoint_equal(member, wire_sbc1) ? wire_sbc2 : wire_sbc1;
    char *via = strstr(call.invite.text, ";oc;");
    snprintf(lines, sizeof(lines),
             "SIP/2.0 180 Ringing\r\nVia: %.*s;oc=100;oc-algo=\"loss\";oc-seq=5.1\r\nVia: %s\r\n"
             "From: %s\r\nTo: %s;tag=x\r\nCall-ID: %s\r\nCSeq: %s\r\n\r\n",
             (int)(via - strstr(call.invite.text, "SIP/2.0/UDP")), strstr(call.invite.text, "SIP/2.0/UDP"),
             strchr(header_of(&call.invite, "Via"), '|') + 1, header_of(&call.invite, "From"),
             header_of(&call.invite, "To"), call.id, header_of(&call.invite, "CSeq"));
    wire_send(wire, other, lines);
    wire->out_count = 0;
    wire_expect_count(wire, COUNTER_OVERLOAD_HEARD, 0);
    wire->image.peers[IMAGE_SBCS].flags &= ~PEER_OVERLOAD;
    wire_reload(wire);
    wire_send(wire, member, lines);
    wire->out_count = 0;
    wire_expect_count(wire, COUNTER_OVERLOAD_HEARD, 0);
    wire->image.peers[IMAGE_SBCS].flags |= PEER_OVERLOAD;
    wire_reload(wire);
    wire_send(wire, member, lines);
    wire->out_count = 0;
    wire_expect_count(wire, COUNTER_OVERLOAD_HEARD, 1);
}

static void test_retry_after(void **state)
{
    struct wire *wire = *state;
    struct call call;
    use(wire, 0, 0);
    call_init(&call, wire, "rest@feedback");
    call_invite(&call);
    struct endpoint member = call.sides[DIALOG_CALLEE].at;
    call.extra = "Retry-After: 3600\r\n";
    call_respond(&call, &call.invite, "503 Service Unavailable", "tag-bob");
    wire->out_count = 0;
    wire_expect_count(wire, COUNTER_OVERLOAD_RESTS, 1);
    assert_int_equal(how_many(wire, 700, member), 0);
    assert_int_equal(how_many(wire, 750, wire_carrier), 0);
    wire_pass_silently(wire, 17500);
    assert_int_equal(how_many(wire, 800, member), 0);
    wire_pass_silently(wire, 5000); // no longer than the configuration allows
    assert_true(how_many(wire, 900, member) > 0);
}

static int setup(void **state)
{
    *state = wire_open(&(struct wire_options){.transactions = 1024, .dialogs = 256});
    return 0;
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, setup, wire_teardown)

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_we_tell),         ON_WIRE(test_we_do_not_tell),
                                       WITH_ROOM(test_we_listen),     WITH_ROOM(test_all_hold_back),
                                       ON_WIRE(test_whom_we_believe), WITH_ROOM(test_retry_after)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
