// SPDX-License-Identifier: BSD-3-Clause
// Spirals (RFC 3261 section 6): a proxy behind us sends the call back through us with another Request-URI, so
// that every message of it passes us twice, or three times. Each passage has transactions and a dialog record
// of its own; the records have one Call-ID and the same tags, and differ in their peers, or in nothing but
// our cookie.
//
//   two passages:   alice 10.10.1.7 -> us -> SBC -> us -> bob 10.10.1.1
//   three passages: alice 10.10.1.7 -> us -> SBC -> us -> carrier 10.10.1.1 -> us -> bob, the SBC's address
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define HOPS_MAX 2u

struct spiral {
    struct call call; // between alice and bob
    struct wire *wire;
    struct endpoint hops[HOPS_MAX]; // proxies between two passages, the caller's first
    unsigned hop_count;             // passages less one
    bool leaves;                    // the proxies leave the dialog after the INVITE
    char branches[HOPS_MAX][64];    // of the proxies' INVITEs
    unsigned branch;
};

static unsigned passages(const struct spiral *spiral)
{
    return spiral->hop_count + 1;
}

static void spiral_init(struct spiral *spiral, struct wire *wire, const char *id, unsigned n)
{
    memset(spiral, 0, sizeof(*spiral));
    spiral->wire = wire;
    spiral->hop_count = n - 1;
    call_init(&spiral->call, wire, id);
    spiral->hops[0] = spiral->call.sides[DIALOG_CALLEE].at;
    spiral->hops[1] = wire_carrier;
    spiral->call.sides[DIALOG_CALLER].at = wire_phone;
    if (n == 2)
        spiral->call.sides[DIALOG_CALLEE].at = wire_carrier;
    for (unsigned i = 0; i < 2; i++) // names: only the right record knows the way
        snprintf(spiral->call.sides[i].target, 128, "sip:%s@phone.example", spiral->call.sides[i].user);
}

static const char *uri_of(struct endpoint at, char out[64])
{
    const uint8_t *octets = at.address.octets + IP_MAPPED_BITS / 8;
    snprintf(out, 64, "sip:%u.%u.%u.%u:%u", octets[0], octets[1], octets[2], octets[3], at.port);
    return out;
}

// A hop as a loose router: its own Route goes, its Via and Record-Route come.
static void sends_on(struct spiral *spiral, unsigned hop, const struct wire_packet *in, const char *branch)
{
    char text[WIRE_TEXT_MAX], at[64], own[96], record_route[112] = "", target[128];
    bool begins = in->message.method == METHOD_INVITE && in->message.to_tag.length == 0;
    const char *uri = strchr(in->text, ' ') + 1, *headers = strstr(in->text, "\r\n") + 2;
    uri_of(spiral->hops[hop], at);
    snprintf(own, sizeof(own), "Route: <%s;lr>\r\n", at);
    if (begins && !spiral->leaves)
        snprintf(record_route, sizeof(record_route), "Record-%s", own);
    snprintf(target, sizeof(target), "%.*s", (int)strcspn(uri, " "), uri);
    if (begins)
        snprintf(target, sizeof(target), "sip:bob-%u@10.10.1.1", hop);
    const char *route = strstr(headers, "\r\nRoute: ");
    bool is_own = route != NULL && strncmp(route + 2, own, strlen(own)) == 0;
    int before = is_own ? (int)(route + 2 - headers) : (int)strlen(headers);
    assert_true((size_t)snprintf(text, sizeof(text),
                                 "%.*s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\n%s%.*s%s",
                                 (int)strcspn(in->text, " "), in->text, target, at + 4, branch, record_route,
                                 before, headers, is_own ? route + 2 + strlen(own) : "") < sizeof(text));
    wire_send(spiral->wire, spiral->hops[hop], text);
}

static void passes_request(struct spiral *spiral, unsigned hop, const char *method)
{
    char branch[64];
    struct wire_packet in = wire_take(spiral->wire, spiral->hops[hop]);
    assert_starts(&in, method);
    snprintf(branch, sizeof(branch), "z9hG4bK-hop-%s-%u", spiral->call.id, ++spiral->branch);
    if (in.message.method == METHOD_INVITE)
        snprintf(spiral->branches[hop], sizeof(spiral->branches[hop]), "%s", branch);
    sends_on(spiral, hop, &in, branch);
    if (in.message.method == METHOD_INVITE)
        assert_int_equal(wire_take_all(spiral->wire, spiral->hops[hop], "SIP/2.0 100 "), 1);
}

// Its own Via goes.
static void passes_response(struct spiral *spiral, unsigned hop, const char *start)
{
    struct wire_packet in = wire_take(spiral->wire, spiral->hops[hop]);
    assert_starts(&in, start);
    char *via = strstr(in.text, "Via: "), *end = strstr(via, "\r\n") + 2;
    assert_non_null(strstr(via, "z9hG4bK-hop-"));
    memmove(via, end, strlen(end) + 1);
    wire_send(spiral->wire, spiral->hops[hop], in.text);
}

static unsigned hop_at(const struct spiral *spiral, unsigned step, enum dialog_side from)
{
    return from == DIALOG_CALLER ? step : spiral->hop_count - 1 - step;
}

// A request from one end to the other, as that received it.
static struct wire_packet across(struct spiral *spiral, enum dialog_side from, const char *method)
{
    char text[WIRE_TEXT_MAX];
    call_send(&spiral->call, from, method, text);
    for (unsigned i = 0; i < spiral->hop_count; i++)
        passes_request(spiral, hop_at(spiral, i, from), method);
    struct wire_packet packet = call_take(&spiral->call, 1 - from, method);
    wire_expect_silence(spiral->wire);
    return packet;
}

// A response from the end that received the request to the other.
static struct wire_packet back(struct spiral *spiral, const struct wire_packet *request, const char *status)
{
    char start[16] = "SIP/2.0 ";
    struct call *call = &spiral->call;
    enum dialog_side to = endpoint_equal(request->to, call->sides[0].at) ? DIALOG_CALLEE : DIALOG_CALLER;
    bool refusal = request->message.method == METHOD_INVITE && status[0] > '2';
    strncat(start, status, 4);
    call_respond(call, request, status, call->sides[DIALOG_CALLEE].tag);
    if (refusal) // passage by passage
        assert_int_equal(wire_take_all(spiral->wire, request->to, "ACK "), 1);
    for (unsigned i = 0; i < spiral->hop_count; i++) {
        unsigned hop = hop_at(spiral, i, 1 - to);
        passes_response(spiral, hop, start);
        if (refusal)
            assert_int_equal(wire_take_all(spiral->wire, spiral->hops[hop], "ACK "), 1);
    }
    struct wire_packet response = call_take(call, to, start);
    wire_expect_silence(spiral->wire);
    return response;
}

static void expect(const struct spiral *spiral, enum dialog_state state, uint32_t n)
{
    const struct dialogs *dialogs = &spiral->wire->workers[0]->dialogs;
    assert_int_equal(dialogs->by_state[state], n);
    assert_int_equal(dialogs->count, n);
}

static void expect_gone(const struct spiral *spiral)
{
    assert_int_equal(spiral->wire->workers[0]->dialogs.count, 0);
}

static void ring(struct spiral *spiral)
{
    char text[WIRE_TEXT_MAX];
    struct call *call = &spiral->call;
    call_invite_text(call, text);
    wire_send(spiral->wire, call->sides[DIALOG_CALLER].at, text);
    call_take(call, DIALOG_CALLER, "SIP/2.0 100 ");
    for (unsigned i = 0; i < spiral->hop_count; i++)
        passes_request(spiral, i, "INVITE ");
    call->invite = call_take(call, DIALOG_CALLEE, "INVITE sip:bob-");
    wire_expect_silence(spiral->wire);
    assert_int_equal(spiral->wire->workers[0]->transactions.count, 2 * passages(spiral));
    expect(spiral, DIALOG_NONE, passages(spiral));
}

// A 1xx or 2xx: both ends learn their route sets.
static void answer(struct spiral *spiral, const char *status)
{
    spiral->call.answer = back(spiral, &spiral->call.invite, status);
    call_learn(&spiral->call);
}

// Of the first two passages one goes inwards and one outwards; a third goes inwards.
static void expect_calls(const struct spiral *spiral, uint64_t n)
{
    const struct counters_peer *peers = spiral->wire->parts[0].peers;
    uint64_t inwards = n * (passages(spiral) - 1);
    assert_int_equal(peers[IMAGE_CARRIER_A].calls_in, inwards);
    assert_int_equal(peers[IMAGE_CARRIER_A].calls_out, n);
    assert_int_equal(peers[IMAGE_SBCS].calls_in, n);
    assert_int_equal(peers[IMAGE_SBCS].calls_out, inwards);
}

static void establish(struct spiral *spiral, struct wire *wire, const char *id, unsigned n)
{
    spiral_init(spiral, wire, id, n);
    ring(spiral);
    answer(spiral, "180 Ringing");
    expect(spiral, DIALOG_EARLY, n);
    answer(spiral, "200 OK");
    expect(spiral, DIALOG_CONFIRMED, n);
    expect_calls(spiral, 1);
    across(spiral, DIALOG_CALLER, "ACK");
}

static void hang_up(struct spiral *spiral, enum dialog_side from)
{
    struct wire_packet bye = across(spiral, from, "BYE");
    expect(spiral, DIALOG_TERMINATING, passages(spiral));
    expect_calls(spiral, 0);
    back(spiral, &bye, "200 OK");
    expect_gone(spiral);
    wire_expect_count(spiral->wire, COUNTER_DIALOG_ENDED, passages(spiral));
    wire_expect_count(spiral->wire, COUNTER_DROP_FORGED_DIALOG, 0);
}

// The records in the order of the passages.
static void records(const struct spiral *spiral, uint32_t found[DIALOGS_OF_CALL_MAX])
{
    struct worker *worker = spiral->wire->workers[0];
    struct dialog_string id = {spiral->call.id, (uint32_t)strlen(spiral->call.id)};
    uint64_t hash = siphash13(&worker->parts.keys.table, id.octets, id.length);
    unsigned n = dialog_find_call(&worker->dialogs, hash, id, found, DIALOGS_OF_CALL_MAX);
    assert_int_equal(n, 2);
    if (dialog_at(&worker->dialogs, found[0])->caller_peer == IMAGE_CARRIER_A)
        return;
    uint32_t first = found[1];
    found[1] = found[0];
    found[0] = first;
}

static void test_bye_of_the_caller(void **state)
{
    struct spiral spiral;
    establish(&spiral, *state, "bye-caller@spiral", 2);
    hang_up(&spiral, DIALOG_CALLER);
}

static void test_bye_of_the_callee(void **state)
{
    struct spiral spiral;
    establish(&spiral, *state, "bye-callee@spiral", 2);
    hang_up(&spiral, DIALOG_CALLEE);
}

static void test_records_have_their_own_peers(void **state)
{
    struct wire *wire = *state;
    struct spiral spiral;
    uint32_t found[DIALOGS_OF_CALL_MAX];
    establish(&spiral, wire, "peers@spiral", 2);
    records(&spiral, found);
    for (unsigned i = 0; i < 5; i++) {
        struct wire_packet info = across(&spiral, i % 2, "INFO");
        back(&spiral, &info, "200 OK");
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct dialog *dialog = dialog_at(&wire->workers[0]->dialogs, found[i]);
        assert_int_equal(dialog->caller_peer, i == 0 ? IMAGE_CARRIER_A : IMAGE_SBCS);
        assert_int_equal(dialog->callee_peer, i == 0 ? IMAGE_SBCS : IMAGE_CARRIER_A);
        assert_true(dialog->flags & DIALOG_FLAG_ACKED);
        for (unsigned side = 0; side < 2; side++)
            assert_int_equal(dialog->cseq[side], spiral.call.sides[side].cseq);
    }
    hang_up(&spiral, DIALOG_CALLER);
}

static void refresh(struct spiral *spiral)
{
    for (unsigned i = 0; i < 2; i++) {
        struct wire_packet update = across(spiral, i, "UPDATE");
        back(spiral, &update, "200 OK");
        struct wire_packet invite = across(spiral, i, "INVITE");
        back(spiral, &invite, "200 OK");
        across(spiral, i, "ACK");
        expect(spiral, DIALOG_CONFIRMED, passages(spiral));
    }
    wire_pass_silently(spiral->wire, 40000);
    assert_int_equal(spiral->wire->workers[0]->transactions.count, 0);
    expect(spiral, DIALOG_CONFIRMED, passages(spiral));
}

static void test_refresh_through_both(void **state)
{
    struct spiral spiral;
    establish(&spiral, *state, "refresh@spiral", 2);
    refresh(&spiral);
    hang_up(&spiral, DIALOG_CALLEE);
}

static void test_glare_through_both(void **state)
{
    struct spiral spiral;
    char text[WIRE_TEXT_MAX];
    establish(&spiral, *state, "glare@spiral", 2);
    struct wire_packet to_bob = across(&spiral, DIALOG_CALLER, "INVITE");
    call_send(&spiral.call, DIALOG_CALLEE, "INVITE", text);
    passes_request(&spiral, 0, "INVITE");
    struct wire_packet to_alice = call_take(&spiral.call, DIALOG_CALLER, "INVITE ");
    back(&spiral, &to_bob, "491 Request Pending");
    back(&spiral, &to_alice, "491 Request Pending");
    expect(&spiral, DIALOG_CONFIRMED, 2);
    hang_up(&spiral, DIALOG_CALLER);
}

// RFC 5057: 481 to a request other than BYE tells every passage that the dialog is dead.
static void test_481_ends_both(void **state)
{
    struct spiral spiral;
    establish(&spiral, *state, "481@spiral", 2);
    struct wire_packet info = across(&spiral, DIALOG_CALLER, "INFO");
    back(&spiral, &info, "481 Call/Transaction Does Not Exist");
    expect(&spiral, DIALOG_TERMINATING, 2);
    wire_pass_silently(*state, 33000);
    expect_gone(&spiral);
}

// Our own values follow each other in the Route.
static void test_proxy_that_does_not_stay(void **state)
{
    struct spiral spiral;
    spiral_init(&spiral, *state, "leaves@spiral", 2);
    spiral.leaves = true;
    ring(&spiral);
    answer(&spiral, "200 OK");
    across(&spiral, DIALOG_CALLER, "ACK");
    struct wire_packet info = across(&spiral, DIALOG_CALLEE, "INFO");
    back(&spiral, &info, "200 OK");
    hang_up(&spiral, DIALOG_CALLER);
}

static void test_refused(void **state)
{
    struct spiral spiral;
    spiral_init(&spiral, *state, "refused@spiral", 3);
    ring(&spiral);
    answer(&spiral, "180 Ringing");
    back(&spiral, &spiral.call.invite, "486 Busy Here");
    expect_gone(&spiral);
    wire_expect_count(spiral.wire, COUNTER_DIALOG_REFUSED, 3);
}

static void test_cancelled(void **state)
{
    struct spiral spiral;
    spiral_init(&spiral, *state, "cancelled@spiral", 2);
    ring(&spiral);
    answer(&spiral, "180 Ringing");
    call_cancel(&spiral.call);
    call_take(&spiral.call, DIALOG_CALLER, "SIP/2.0 200 ");
    struct wire_packet cancel = wire_take(spiral.wire, spiral.hops[0]);
    assert_starts(&cancel, "CANCEL ");
    // 9.1: the proxy's own CANCEL has one Via, that of its INVITE.
    char *via = strstr(cancel.text, "Via: "), *end = strstr(via, "\r\n") + 2;
    memmove(via, end, strlen(end) + 1);
    sends_on(&spiral, 0, &cancel, spiral.branches[0]);
    assert_int_equal(wire_take_all(spiral.wire, spiral.hops[0], "SIP/2.0 200 "), 1);
    struct wire_packet to_bob = call_take(&spiral.call, DIALOG_CALLEE, "CANCEL ");
    call_respond(&spiral.call, &to_bob, "200 OK", "c");
    wire_expect_silence(spiral.wire);
    expect(&spiral, DIALOG_EARLY, 2);
    back(&spiral, &spiral.call.invite, "487 Request Terminated");
    expect_gone(&spiral);
}

// Each branch of a fork behind us has a record in each passage.
static void test_forked(void **state)
{
    struct spiral spiral;
    struct call *call = &spiral.call;
    spiral_init(&spiral, *state, "forked@spiral", 2);
    ring(&spiral);
    answer(&spiral, "180 Ringing");
    snprintf(call->sides[DIALOG_CALLEE].tag, 32, "second");
    answer(&spiral, "180 Ringing");
    expect(&spiral, DIALOG_EARLY, 4);
    answer(&spiral, "200 OK");
    across(&spiral, DIALOG_CALLER, "ACK");
    assert_int_equal(spiral.wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 2);
    assert_int_equal(spiral.wire->workers[0]->dialogs.by_state[DIALOG_EARLY], 2);
    expect_calls(&spiral, 2);
    wire_pass_silently(*state, 33000); // 13.2.2.4
    expect(&spiral, DIALOG_CONFIRMED, 2);
    hang_up(&spiral, DIALOG_CALLEE);
}

// The BYEs of one passage's end go through the other, by that part of the route set which lies behind it.
static void test_operator_ends_one_passage(void **state)
{
    for (unsigned passage = 0; passage < 2; passage++) {
        struct spiral spiral;
        struct call *call = &spiral.call;
        uint32_t found[DIALOGS_OF_CALL_MAX];
        char at[64], route[160];
        establish(&spiral, *state, passage == 0 ? "operator-0@spiral" : "operator-1@spiral", 2);
        records(&spiral, found);
        assert_int_equal(dialog_end(spiral.wire->workers[0], found[passage]), 0);
        wire_turn(spiral.wire);
        // To the end beside it directly, to the other by the proxy and us again.
        enum dialog_side near = passage == 0 ? DIALOG_CALLER : DIALOG_CALLEE;
        struct wire_packet to_near = call_take(call, near, "BYE ");
        assert_header(&to_near, "Route", "");
        snprintf(route, sizeof(route), "<%s;lr>,<sip:10.20.0.10:5060;lr;dg=", uri_of(spiral.hops[0], at));
        assert_int_equal(strncmp(header_of(&spiral.wire->out[0], "Route"), route, strlen(route)), 0);
        assert_non_null(strstr(header_of(&spiral.wire->out[0], "Route"), ",<sip:10.10.0.10:5060;lr;dg="));
        // The proxy takes its own value off the line.
        struct wire_packet at_proxy = wire_take(spiral.wire, spiral.hops[0]);
        char *own = strstr(at_proxy.text, "Route: <") + 7, *rest = strchr(own, ',') + 1;
        memmove(own, rest, strlen(rest) + 1);
        sends_on(&spiral, 0, &at_proxy, "z9hG4bK-hop-bye");
        struct wire_packet to_far = call_take(call, 1 - near, "BYE ");
        expect(&spiral, DIALOG_TERMINATING, 2);
        call_respond(call, &to_near, "200 OK", "");
        call_respond(call, &to_far, "200 OK", "");
        passes_response(&spiral, 0, "SIP/2.0 200 ");
        wire_expect_silence(spiral.wire); // it was ours
        expect_gone(&spiral);
        wire_pass_silently(spiral.wire, 40000);
    }
}

// Records of both passages are made anew by the 2xx.
static void test_2xx_after_a_restart(void **state)
{
    struct spiral spiral;
    spiral_init(&spiral, *state, "restart@spiral", 2);
    ring(&spiral);
    wire_close(*state);
    *state = spiral.wire = spiral.call.wire = wire_open(&(struct wire_options){0});
    answer(&spiral, "200 OK");
    expect(&spiral, DIALOG_CONFIRMED, 2);
    expect_calls(&spiral, 1);
    across(&spiral, DIALOG_CALLER, "ACK");
    hang_up(&spiral, DIALOG_CALLEE);
}

// The first and the third have the same peers.
static void test_three_passages(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct spiral spiral;
        establish(&spiral, *state, i == 0 ? "three-caller@spiral" : "three-callee@spiral", 3);
        refresh(&spiral);
        struct wire_packet bye = across(&spiral, i, "BYE");
        expect(&spiral, DIALOG_TERMINATING, 3);
        back(&spiral, &bye, "200 OK");
        expect_gone(&spiral);
        expect_calls(&spiral, 0);
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_bye_of_the_caller),
        ON_WIRE(test_bye_of_the_callee),
        ON_WIRE(test_records_have_their_own_peers),
        ON_WIRE(test_refresh_through_both),
        ON_WIRE(test_glare_through_both),
        ON_WIRE(test_481_ends_both),
        ON_WIRE(test_proxy_that_does_not_stay),
        ON_WIRE(test_refused),
        ON_WIRE(test_cancelled),
        ON_WIRE(test_forked),
        ON_WIRE(test_operator_ends_one_passage),
        ON_WIRE(test_2xx_after_a_restart),
        ON_WIRE(test_three_passages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
