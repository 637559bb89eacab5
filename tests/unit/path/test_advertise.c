// SPDX-License-Identifier: BSD-3-Clause
// A listener behind NAT: others see what it is advertised as, and both addresses are ours in what comes.
#include <stdio.h>
#include <string.h>
#include "listener.h"
#include "probing.h"
#include "tests.h"
#include "ua_caller.h"

#define PUBLIC "198.51.100.7:5070"

static void advertise(struct wire *wire, unsigned listener)
{
    wire->image.listeners[listener].advertised = image_address(0xc6336407);
    wire->image.listeners[listener].advertised_port = 5070;
    wire_reload(wire);
}

static void expect_begin(const struct wire_packet *packet, const char *header, const char *begin)
{
    const char *got = header_of(packet, header);
    if (strncmp(got, begin, strlen(begin)) != 0)
        fail_msg("%s is not %s but\n%s", header, begin, packet_text(packet));
}

static void test_call(void **state)
{
    struct wire *wire = *state;
    struct call call;
    advertise(wire, 0);
    call_init(&call, wire, "inward@nat");
    call_invite(&call);
    expect_begin(&call.invite, "Via", "SIP/2.0/UDP 10.20.0.10:5060;");
    expect_begin(&call.invite, "Record-Route", "<sip:10.20.0.10:5060;lr;dg=");
    assert_non_null(strstr(header_of(&call.invite, "Record-Route"), "|<sip:" PUBLIC ";lr;dg="));
    call_answer(&call, "180 Ringing");
    call_answer(&call, "200 OK");
    assert_non_null(strstr(header_of(&call.answer, "Record-Route"), "|<sip:" PUBLIC ";lr;dg="));
    struct wire_packet got = call_request(&call, DIALOG_CALLER, "ACK");
    assert_header(&got, "Route", "");
    got = call_request(&call, DIALOG_CALLEE, "INFO"); // its response comes by our Via
    expect_begin(&got, "Via", "SIP/2.0/UDP " PUBLIC ";");
    assert_header(&got, "Route", "");
    call_respond(&call, &got, "200 OK", "");
    got = call_take(&call, DIALOG_CALLEE, "SIP/2.0 200 ");
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_call_outward(void **state)
{
    struct wire *wire = *state;
    struct call call;
    advertise(wire, 0);
    call_init_outward(&call, wire, "outward@nat");
    call_invite(&call);
    expect_begin(&call.invite, "Via", "SIP/2.0/UDP " PUBLIC ";");
    expect_begin(&call.invite, "Record-Route", "<sip:" PUBLIC ";lr;dg=");
    call_answer(&call, "200 OK");
    struct wire_packet ack = call_request(&call, DIALOG_CALLER, "ACK");
    expect_begin(&ack, "Via", "SIP/2.0/UDP " PUBLIC ";");
    call_hang_up(&call, DIALOG_CALLEE);
}

// Calls that began before it was advertised have the listener's own address in their route sets.
static void test_reload(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "reload@nat");
    call_establish(&call);
    assert_non_null(strstr(call.sides[DIALOG_CALLER].routes, "10.10.0.10:5060"));
    advertise(wire, 0);
    call_hang_up(&call, DIALOG_CALLER);
}

static const struct {
    const char *name, *uri;
    bool to_us;
} targets[] = {{"what it is advertised as", "sip:" PUBLIC, true},
               {"its own address", "sip:10.10.0.10", true},
               {"the advertised address, another port", "sip:198.51.100.7", false},
               {"its own address, the advertised port", "sip:10.10.0.10:5070", false}};

static void test_to_us(void **state)
{
    struct wire *wire = *state;
    char text[512];
    advertise(wire, 0);
    for (unsigned i = 0; i < RTE_DIM(targets); i++) {
        snprintf(text, sizeof(text),
                 "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKt%u\r\nFrom: "
                 "<sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: to-us-%u\r\nCSeq: 1 OPTIONS\r\n"
                 "Max-Forwards: 9\r\nContent-Length: 0\r\n\r\n",
                 targets[i].uri, i, i);
        wire_send(wire, wire_carrier, text);
        assert_int_equal(wire->out_count, 1);
        if (starts(&wire->out[0], "SIP/2.0 200 ") != targets[i].to_us)
            fail_msg("%s:\n%s", targets[i].name, packet_text(&wire->out[0]));
        wire->out_count = 0;
    }
    wire_pass_silently(wire, 64000);
}

// Packets have the listener's own address: NAT has put it there.
static void test_packets(void **state)
{
    struct wire *wire = *state;
    advertise(wire, 0);
    const struct rules *rules = wire->published.rules;
    assert_int_equal(rules_listener(rules, &(struct ip_address)IP_MAPPED(0xc6336407), 5070), NUMBER_NONE);
    assert_int_equal(rules_listener_named(rules, &(struct ip_address)IP_MAPPED(0xc6336407), 5070), 0);
    assert_int_equal(rules_listener_named(rules, &(struct ip_address)IP_MAPPED(IMAGE_EDGE_ADDRESS), 5060), 0);
    assert_int_equal(rules_listener_named(rules, &(struct ip_address)IP_MAPPED(IMAGE_CORE_ADDRESS), 5060), 1);
}

static void test_probe(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    advertise(wire, 1);
    probing_next(wire, wire_sbc1, &probe);
    expect_begin(&probe, "Via", "SIP/2.0/UDP " PUBLIC ";");
    expect_begin(&probe, "From", "<sip:probe@" PUBLIC ">;");
    probing_answer(wire, &probe, G);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UP);
    probing_end(wire);
}

static void test_application(void **state)
{
    struct ua_world *world = *state;
    struct caller caller;
    advertise(world->wire, 0);
    caller_init(&caller, world, "application@nat");
    caller_establish(&caller);
    assert_string_equal(caller.call.sides[DIALOG_CALLEE].target, "sip:" PUBLIC);
    assert_int_equal(caller_end(&caller, NULL, 0), 0);
    struct wire_packet bye = caller_take(&caller, "BYE ");
    expect_begin(&bye, "Via", "SIP/2.0/UDP " PUBLIC ";");
    call_respond(&caller.call, &bye, "200 OK", "");
    ua_forget(world);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_call),
        ON_WIRE(test_call_outward),
        ON_WIRE(test_reload),
        ON_WIRE(test_to_us),
        ON_WIRE(test_packets),
        ON_WIRE(test_probe),
        cmocka_unit_test_setup_teardown(test_application, ua_setup, ua_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
