// SPDX-License-Identifier: BSD-3-Clause
// What control is told of transfers that pass: whose REFER, by its sender's own number, its responses, its
// NOTIFYs, in calls, after them and outside of them.
#include <stdio.h>
#include <string.h>
#include "tests.h"
#include "ua_world.h"

#define REFER_TO "Refer-To: <sip:carol@example.net>\r\n"

struct expected {
    const char *start; // of the message
    bool callee;       // sent it
    uint32_t number;
    uint16_t status;
};

static void expect_told(struct call *call, struct ua_world *world, const struct expected *expected)
{
    struct ua_seen seen = ua_take(world, CHANNEL_UA_REFERRAL);
    const struct channel_ua_event *event = &seen.event;
    if (strncmp(seen.packet.text, expected->start, strlen(expected->start)) != 0)
        fail_msg("not \"%s\" but:\n%s", expected->start, seen.packet.text);
    assert_int_equal((event->flags & CHANNEL_UA_CALLEE) != 0, expected->callee);
    assert_int_equal(event->result, expected->number);
    assert_int_equal(event->status, expected->status);
    assert_int_equal(event->application, expected->callee ? IMAGE_SBCS : IMAGE_CARRIER_A);
    assert_int_equal(event->peer, expected->callee ? IMAGE_CARRIER_A : IMAGE_SBCS);
    assert_int_not_equal(event->dialog, 0);
    assert_int_equal(event->tag, 0);
    assert_int_equal(event->transaction, 0);
    assert_true(ip_equal(&event->source, &call->sides[expected->callee].at.address));
    assert_true(event->call != 0);
}

// A REFER or another request with these lines; what the other end got is answered so.
static struct wire_packet pass(struct call *call, enum dialog_side from, const char *method,
                               const char *lines)
{
    call->extra = lines;
    struct wire_packet request = call_request(call, from, method);
    call->extra = NULL;
    return request;
}

static void answer(struct call *call, enum dialog_side from, const struct wire_packet *request,
                   const char *status)
{
    char start[16];
    call_respond(call, request, status, "");
    snprintf(start, sizeof(start), "SIP/2.0 %.3s ", status);
    call_take(call, from, start);
}

static struct wire *begin(struct call *call, struct ua_world *world, const char *id)
{
    call_init(call, world->wire, id);
    call_establish(call);
    return world->wire;
}

static void test_both_ways(void **state)
{
    struct ua_world *world = *state;
    for (unsigned side = 0; side < 2; side++) {
        struct call call;
        begin(&call, world, side == 0 ? "caller@watch" : "callee@watch");
        struct wire_packet refer = pass(&call, side, "REFER", REFER_TO);
        uint32_t number = call.sides[side].cseq;
        expect_told(&call, world, &(struct expected){"REFER ", side == 1, number, 0});
        answer(&call, side, &refer, "100 Trying"); // hop by hop, and it says nothing
        answer(&call, side, &refer, "202 Accepted");
        expect_told(&call, world, &(struct expected){"SIP/2.0 202 ", side == 0, number, 0});
        struct wire_packet notify = pass(&call, 1 - side, "NOTIFY", "Event: refer\r\n");
        expect_told(&call, world, &(struct expected){"NOTIFY ", side == 0, 0, 0});
        answer(&call, 1 - side, &notify, "200 OK");
        char line[48];
        snprintf(line, sizeof(line), "Event: refer;id=%u\r\n", number);
        notify = pass(&call, 1 - side, "NOTIFY", line);
        expect_told(&call, world, &(struct expected){"NOTIFY ", side == 0, number, 0});
        answer(&call, 1 - side, &notify, "200 OK");
        ua_expect_silence(world);
        call_hang_up(&call, side);
        assert_int_equal(wire_count(world->wire, COUNTER_REFER_TOLD), 4 * (side + 1));
    }
}

// What is of another package, or no transfer at all, is nobody's business.
static void test_others(void **state)
{
    static const char *const rows[][2] = {{"NOTIFY", "Event: presence\r\n"},
                                          {"NOTIFY", "Event: refer.winfo;id=101\r\n"},
                                          {"NOTIFY", "Event: refer;id=x\r\n"},
                                          {"NOTIFY", "Event: refer;id=4294967297\r\n"},
                                          {"NOTIFY", NULL},
                                          {"SUBSCRIBE", "Event: refer\r\n"},
                                          {"INFO", REFER_TO}};
    struct ua_world *world = *state;
    struct call call;
    begin(&call, world, "others@watch");
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct wire_packet request = pass(&call, DIALOG_CALLER, rows[i][0], rows[i][1]);
        answer(&call, DIALOG_CALLER, &request, "200 OK");
        ua_expect_silence(world);
    }
    call_hang_up(&call, DIALOG_CALLER);
}

// Requests of ours have shifted the numbers of both sides: told is what the REFER's sender has written.
static void test_numbers(void **state)
{
    struct ua_world *world = *state;
    struct wire *wire = world->wire;
    struct call call;
    wire->image.header.settings.keepalive_ms = 20000;
    wire_reload(wire);
    begin(&call, world, "numbers@watch");
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned ms = 0; wire->out_count == 0; ms += 100) {
            assert_true(ms < 80000);
            wire_pass(wire, 100);
        }
        struct wire_packet options = call_take(&call, side, "OPTIONS ");
        call_respond(&call, &options, "200 OK", "");
    }
    for (unsigned side = 0; side < 2; side++) {
        char line[48];
        struct wire_packet refer = pass(&call, side, "REFER", REFER_TO);
        uint32_t number = call.sides[side].cseq;
        assert_int_not_equal(refer.message.cseq_number, number);
        expect_told(&call, world, &(struct expected){"REFER ", side == 1, number, 0});
        answer(&call, side, &refer, "200 OK");
        expect_told(&call, world, &(struct expected){"SIP/2.0 200 ", side == 0, number, 0});
        snprintf(line, sizeof(line), "Event: refer;id=%u\r\n", refer.message.cseq_number);
        struct wire_packet notify = pass(&call, 1 - side, "NOTIFY", line);
        snprintf(line, sizeof(line), "refer;id=%u", number);
        assert_header(&notify, "Event", line);
        expect_told(&call, world, &(struct expected){"NOTIFY ", side == 0, number, 0});
        answer(&call, 1 - side, &notify, "200 OK");
    }
    wire->image.header.settings.keepalive_ms = 0;
    wire_reload(wire);
    call_hang_up(&call, DIALOG_CALLEE);
    ua_expect_silence(world);
}

static void test_denied(void **state)
{
    struct ua_world *world = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    world->wire->image.peers[IMAGE_SBCS].flags |= PEER_REFER_REFUSE;
    wire_reload(world->wire);
    begin(&call, world, "denied@watch");
    call.extra = REFER_TO;
    call_send(&call, DIALOG_CALLEE, "REFER", text);
    call_take(&call, DIALOG_CALLEE, "SIP/2.0 403 REFER Not Allowed");
    expect_told(&call, world, &(struct expected){"REFER ", true, call.sides[DIALOG_CALLEE].cseq, 403});
    wire_expect_count(world->wire, COUNTER_REFER_DENIED, 1);
    call_send(&call, DIALOG_CALLER, "REFER", text); // who may
    call_take(&call, DIALOG_CALLEE, "REFER ");
    expect_told(&call, world, &(struct expected){"REFER ", false, call.sides[DIALOG_CALLER].cseq, 0});
    call.extra = NULL;
    call_hang_up(&call, DIALOG_CALLER);
}

// RFC 5057 section 4: the subscription goes on after the BYE, without a record here.
static void test_after_bye(void **state)
{
    struct ua_world *world = *state;
    struct call call;
    begin(&call, world, "after@watch");
    struct wire_packet refer = pass(&call, DIALOG_CALLER, "REFER", REFER_TO);
    struct ua_seen first = ua_take(world, CHANNEL_UA_REFERRAL);
    call_hang_up(&call, DIALOG_CALLER);
    answer(&call, DIALOG_CALLER, &refer, "202 Accepted");
    struct ua_seen response = ua_take(world, CHANNEL_UA_REFERRAL);
    struct wire_packet notify = pass(&call, DIALOG_CALLEE, "NOTIFY", "Event: refer\r\n");
    struct ua_seen second = ua_take(world, CHANNEL_UA_REFERRAL);
    answer(&call, DIALOG_CALLEE, &notify, "200 OK");
    assert_int_not_equal(first.event.dialog, 0);
    assert_int_equal(response.event.dialog | second.event.dialog, 0);
    assert_true(first.event.call == second.event.call && first.event.call == response.event.call);
    assert_int_equal(response.event.result, first.event.result);
    assert_int_equal(second.event.application, IMAGE_SBCS);
    assert_int_equal(second.event.peer, IMAGE_CARRIER_A);
}

// A REFER that makes a dialog of its own (RFC 7647 is about those that do not).
static void test_outside(void **state)
{
    struct ua_world *world = *state;
    struct wire *wire = world->wire;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "outside@watch");
    call.extra = REFER_TO;
    call_request_text(&call, DIALOG_CALLER, "REFER", text);
    wire_send(wire, wire_carrier, text);
    call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    struct ua_seen refer = ua_take(world, CHANNEL_UA_REFERRAL);
    wire_send(wire, wire_carrier, text); // repeated: the transaction's
    wire_expect_silence(wire);
    ua_expect_silence(world);
    call.extra = NULL;
    call_answer(&call, "202 Accepted");
    struct ua_seen response = ua_take(world, CHANNEL_UA_REFERRAL);
    pass(&call, DIALOG_CALLEE, "NOTIFY", "Event: refer\r\n");
    struct ua_seen notify = ua_take(world, CHANNEL_UA_REFERRAL);
    const struct channel_ua_event *events[] = {&refer.event, &response.event, &notify.event};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(events[i]->dialog, 0);
        assert_int_equal(events[i]->application, i == 0 ? IMAGE_CARRIER_A : IMAGE_SBCS);
        assert_int_equal(events[i]->peer, i == 0 ? IMAGE_SBCS : IMAGE_CARRIER_A);
        assert_true(events[i]->call == events[0]->call);
    }
    assert_int_equal(refer.event.result, response.event.result);
}

// Everything passes, whether control can be told of it or not.
static void test_untold(void **state)
{
    struct ua_world *world = *state;
    struct wire *wire = world->wire;
    struct ua_ring *ring = wire->parts[0].ua_events;
    struct call call;
    uint32_t length;
    begin(&call, world, "untold@watch");
    atomic_store(&wire->heard, 0);
    pass(&call, DIALOG_CALLER, "REFER", REFER_TO); // kept for the control that comes
    wire_expect_count(wire, COUNTER_REFER_TOLD, 1);
    (void)ua_take(world, CHANNEL_UA_REFERRAL);
    ua_expect_silence(world);
    while (!ua_ring_is_half_full(ring)) {
        struct channel_ua_event *event = ua_ring_add(ring, sizeof(*event));
        memset(event, 0, sizeof(*event));
    }
    ua_ring_publish(ring);
    pass(&call, DIALOG_CALLER, "REFER", REFER_TO);
    atomic_store(&wire->heard, 1);
    pass(&call, DIALOG_CALLER, "REFER", REFER_TO);
    wire_expect_count(wire, COUNTER_REFER_UNTOLD, 2);
    wire_expect_count(wire, COUNTER_REFER_TOLD, 1);
    ua_ring_drop(ring);
    pass(&call, DIALOG_CALLER, "REFER", REFER_TO);
    wire_expect_count(wire, COUNTER_REFER_TOLD, 2);
    while (ua_ring_first(ring, &length) != NULL)
        ua_ring_drop(ring);
    assert_int_equal(ring->lost, 0); // no event of an application's is missing for that
    call_hang_up(&call, DIALOG_CALLER);
}

// The carrier's calls go to the SBCs, not to the application.
static int setup(void **state)
{
    int result = ua_setup(state);
    struct ua_world *world = *state;
    if (result != 0)
        return result;
    world->wire->image.routes[1].from = IMAGE_CARRIER_A;
    wire_reload(world->wire);
    return 0;
}

#define WATCHED(test) cmocka_unit_test_setup_teardown(test, setup, ua_teardown)

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        WATCHED(test_both_ways), WATCHED(test_others),  WATCHED(test_numbers), WATCHED(test_denied),
        WATCHED(test_after_bye), WATCHED(test_outside), WATCHED(test_untold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
