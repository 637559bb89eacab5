// SPDX-License-Identifier: BSD-3-Clause
// Peers behind several listeners: what is sent to them leaves where the kernel's routes lead, and a dialog
// stays with the listener by which the far end knows us.
#include "listener.h"
#include <stdio.h>
#include <string.h>
#include "probing.h"
#include "tests.h"

#define EDGE 0
#define CORE 1
#define NONE NUMBER_NONE

#define WAY(net, octets, bits, cost)                                                                         \
    {                                                                                                        \
        .prefix = IP_MAPPED(octets), .length = IP_MAPPED_BITS + (bits), .network = (net), .metric = (cost)   \
    }
#define CARRIER IP_MAPPED(0x0a0a0101u)

struct row {
    const char *name;
    uint16_t listeners[PEER_LISTENERS_MAX];
    uint16_t known;
    uint8_t down; // network + 1
    struct nexthop_route routes[4];
    uint16_t chosen;
};

static const struct row rows[] = {
    {"one, routed elsewhere", {CORE, NONE, NONE, NONE}, NONE, 0, {WAY(0, 0, 0, 0)}, CORE},
    {"no route at all: the first", {CORE, EDGE, NONE, NONE}, EDGE, 0, {WAY(0, 0x0b000000, 8, 0)}, CORE},
    {"only the second has one", {EDGE, CORE, NONE, NONE}, NONE, 0, {WAY(1, 0x0a0a0000, 16, 0)}, CORE},
    {"the longer prefix",
     {EDGE, CORE, NONE, NONE},
     NONE,
     0,
     {WAY(0, 0, 0, 0), WAY(1, 0x0a0a0000, 16, 9)},
     CORE},
    {"it comes before the metric",
     {CORE, EDGE, NONE, NONE},
     NONE,
     0,
     {WAY(0, 0, 0, 0), WAY(1, 0x0a0a0000, 16, 9)},
     CORE},
    {"the lower metric", {EDGE, CORE, NONE, NONE}, NONE, 0, {WAY(0, 0, 0, 20), WAY(1, 0, 0, 10)}, CORE},
    {"equal: as configured", {CORE, EDGE, NONE, NONE}, NONE, 0, {WAY(0, 0, 0, 7), WAY(1, 0, 0, 7)}, CORE},
    {"equal: the other way round",
     {EDGE, CORE, NONE, NONE},
     NONE,
     0,
     {WAY(0, 0, 0, 7), WAY(1, 0, 0, 7)},
     EDGE},
    {"the known one", {EDGE, CORE, NONE, NONE}, CORE, 0, {WAY(0, 0x0a0a0000, 16, 0), WAY(1, 0, 0, 9)}, CORE},
    {"the known one has no route", {EDGE, CORE, NONE, NONE}, CORE, 0, {WAY(0, 0, 0, 0)}, EDGE},
    {"the known one's network is down",
     {EDGE, CORE, NONE, NONE},
     CORE,
     2,
     {WAY(0, 0, 0, 9), WAY(1, 0, 0, 0)},
     EDGE},
    {"the known one is none of them",
     {CORE, NONE, NONE, NONE},
     EDGE,
     0,
     {WAY(0, 0, 0, 0), WAY(1, 0, 0, 0)},
     CORE},
    {"the better one's network is down",
     {EDGE, CORE, NONE, NONE},
     NONE,
     1,
     {WAY(0, 0, 0, 0), WAY(1, 0, 0, 9)},
     CORE},
};

static void test_choice(void **state)
{
    struct wire *wire = *state;
    for (size_t i = 0; i < RTE_DIM(rows); i++) {
        const struct row *row = &rows[i];
        struct nexthop_network networks[NETWORKS_MAX] = {{.up = row->down != 1}, {.up = row->down != 2}};
        uint32_t count = row->routes[1].network != 0 ? 2 : 1;
        struct nexthop_table *table = nexthop_create(networks, row->routes, count, NULL, 0);
        assert_non_null(table);
        memcpy(wire->image.peers[IMAGE_CARRIER_A].listeners, row->listeners, sizeof(row->listeners));
        wire_reload(wire);
        const struct listener_choice choice = {IMAGE_CARRIER_A, row->known, CARRIER};
        uint16_t chosen = listener_choose(wire->published.rules, table, &choice);
        nexthop_destroy(table);
        if (chosen != row->chosen)
            fail_msg("%s: %u", row->name, chosen);
    }
}

// Whatever the routes say: IPv6 leaves from IPv6.
static void test_family(void **state)
{
    struct wire *wire = *state;
    static const struct ip_address ours = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    static const struct ip_address theirs = {{0x20, 0x01, 0x0d, 0xb8, [15] = 2}};
    const uint16_t orders[2][PEER_LISTENERS_MAX] = {{EDGE, CORE, NONE, NONE}, {CORE, EDGE, NONE, NONE}};
    const struct nexthop_network networks[NETWORKS_MAX] = {{.up = true}, {.up = true}};
    const struct nexthop_route ways[] = {WAY(1, 0, 0, 0), {.network = 0}};
    wire->image.listeners[CORE].address = wire->image.listeners[CORE].advertised = ours;
    for (unsigned i = 0; i < 4; i++) {
        struct nexthop_table *table = nexthop_create(networks, ways, i / 2 * 2, NULL, 0);
        assert_non_null(table);
        memcpy(wire->image.peers[IMAGE_CARRIER_A].listeners, orders[i % 2], sizeof(orders[0]));
        wire_reload(wire);
        const struct rules *rules = wire->published.rules;
        const struct listener_choice ipv4 = {IMAGE_CARRIER_A, CORE, CARRIER};
        const struct listener_choice ipv6 = {IMAGE_CARRIER_A, EDGE, theirs};
        assert_int_equal(listener_choose(rules, table, &ipv4), EDGE);
        assert_int_equal(listener_choose(rules, table, &ipv6), CORE);
        assert_true(listener_reaches(rules, IMAGE_CARRIER_A, &theirs));
        assert_false(listener_reaches(rules, IMAGE_CARRIER_B, &theirs));
        nexthop_destroy(table);
    }
}

// The carrier and the SBCs have both listeners; the kernel prefers those of the usual networks.
static const struct nexthop_route usual[] = {WAY(1, 0x0a0a0000, 16, 10), WAY(0, 0x0a140000, 16, 10)};

static void both_ways(struct wire *wire)
{
    static const uint16_t peers[] = {IMAGE_CARRIER_A, IMAGE_SBCS};
    for (unsigned i = 0; i < RTE_DIM(peers); i++)
        wire->image.peers[peers[i]].listeners[1] = i == 0 ? CORE : EDGE;
    wire_reload(wire);
    wire_ways_set(wire, &(struct wire_ways){.more = usual, .more_count = RTE_DIM(usual)});
}

// The ways of a network to the other one's addresses are all that is left of it.
static void lose_network(struct wire *wire, unsigned network)
{
    wire_ways_set(wire, &(struct wire_ways){
                            .more = usual, .more_count = RTE_DIM(usual), .unrouted = (uint32_t)network + 1});
}

static void expect_from(const struct wire_packet *packet, uint16_t listener)
{
    const char *via = header_of(packet, "Via");
    const char *ours = listener == EDGE ? "SIP/2.0/UDP 10.10.0.10:5060;" : "SIP/2.0/UDP 10.20.0.10:5060;";
    assert_int_equal(packet->to.listener, listener);
    if (packet->message.is_request && strncmp(via, ours, strlen(ours)) != 0)
        fail_msg("not from %s but\n%s", ours, packet_text(packet));
}

static void expect_routes(const struct wire_packet *packet, const char *first, const char *second)
{
    const char *got = header_of(packet, "Record-Route");
    assert_true(strncmp(got, first, strlen(first)) == 0);
    const char *next = strchr(got, '|');
    assert_int_equal(next != NULL, second != NULL);
    if (next != NULL)
        assert_true(strncmp(next + 1, second, strlen(second)) == 0);
}

#define AT_EDGE "<sip:10.10.0.10:5060;lr;dg="
#define AT_CORE "<sip:10.20.0.10:5060;lr;dg="

// From an SBC to the carrier, whose network fails: new calls go through the other one, and so does what is
// left of the old one.
static void test_network_lost(void **state)
{
    struct wire *wire = *state;
    struct call first, second;
    both_ways(wire);
    call_init_outward(&first, wire, "first@listener");
    call_establish(&first);
    expect_from(&first.invite, EDGE);
    expect_routes(&first.invite, AT_EDGE, AT_CORE);
    lose_network(wire, 0);
    call_init_outward(&second, wire, "second@listener");
    call_establish(&second);
    expect_from(&second.invite, CORE);
    expect_routes(&second.invite, AT_CORE, NULL);
    struct wire_packet info = call_request(&first, DIALOG_CALLER, "INFO");
    expect_from(&info, CORE);
    first.sides[DIALOG_CALLEE].at.listener = CORE;
    call_respond(&first, &info, "200 OK", "");
    call_take(&first, DIALOG_CALLER, "SIP/2.0 200 ");
    // Back again: the second call stays where its callee knows us.
    both_ways(wire);
    info = call_request(&second, DIALOG_CALLER, "INFO");
    expect_from(&info, CORE);
    second.sides[DIALOG_CALLEE].at.listener = CORE;
    call_respond(&second, &info, "200 OK", "");
    call_take(&second, DIALOG_CALLER, "SIP/2.0 200 ");
    call_hang_up(&second, DIALOG_CALLEE);
    call_hang_up(&first, DIALOG_CALLER);
}

// A call that comes in at the second listener: answers leave where their requests came in, with and without a
// transaction, and what goes to the caller is sent from where it sends to.
static void test_caller_at_second(void **state)
{
    struct wire *wire = *state;
    struct call call;
    both_ways(wire);
    call_init(&call, wire, "second-in@listener");
    call.sides[DIALOG_CALLER].at.listener = CORE;
    call_establish(&call);
    expect_routes(&call.invite, AT_CORE, NULL);
    assert_int_equal(call.answer.to.listener, CORE);
    struct wire_packet info = call_request(&call, DIALOG_CALLER, "INFO");
    call_respond(&call, &info, "200 OK", "");
    struct wire_packet done = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_int_equal(done.to.listener, CORE);
    info = call_request(&call, DIALOG_CALLEE, "INFO");
    expect_from(&info, CORE);
    call_respond(&call, &info, "200 OK", "");
    call_take(&call, DIALOG_CALLEE, "SIP/2.0 200 ");
    // Our own BYE goes by the same listeners.
    uint32_t index = call_expect(&call, DIALOG_CONFIRMED);
    assert_int_equal(dialog_end(wire->workers[0], index), 0);
    wire_turn(wire);
    struct wire_packet bye = call_take(&call, DIALOG_CALLER, "BYE ");
    expect_from(&bye, CORE);
    call_respond(&call, &bye, "200 OK", "");
    bye = call_take(&call, DIALOG_CALLEE, "BYE ");
    expect_from(&bye, CORE);
    call_respond(&call, &bye, "200 OK", "");
    wire_expect_silence(wire);
}

// A listener that is not the peer's: a source is easily forged from another network.
static void test_foreign_listener(void **state)
{
    struct wire *wire = *state;
    static const char *const methods[] = {"INVITE", "OPTIONS", "MESSAGE", "REGISTER", "BYE"};
    struct endpoint forged = wire_carrier;
    char text[512];
    forged.listener = CORE;
    for (unsigned i = 0; i < RTE_DIM(methods); i++) {
        snprintf(text, sizeof(text),
                 "%s sip:b@10.20.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKf%u\r\nFrom: "
                 "<sip:a@x>;tag=1\r\n"
                 "To: <sip:b@x>\r\nCall-ID: forged-%u\r\nCSeq: 1 %s\r\nMax-Forwards: 9\r\nContent-Length: "
                 "0\r\n\r\n",
                 methods[i], i, i, methods[i]);
        wire_send(wire, forged, text);
        wire_expect_silence(wire);
        wire_expect_count(wire, COUNTER_DROP_LISTENER, i + 1);
    }
    wire->image.peers[IMAGE_CARRIER_A].listeners[1] = CORE;
    wire_reload(wire);
    wire_send(wire, forged, text); // BYE outside a dialog goes its way like any other request
    wire_expect_count(wire, COUNTER_DROP_LISTENER, RTE_DIM(methods));
    wire_pass_silently(wire, 64000);
}

// One half of the SBCs is behind each network: the request that goes to the next one names the other
// listener.
static void reach_apart(struct wire *wire)
{
    static const struct nexthop_route apart[] = {WAY(0, 0x0a14000c, 32, 0)};
    wire->image.peers[IMAGE_SBCS].listeners[1] = EDGE;
    wire->image.peers[IMAGE_SBCS].attempts = 2;
    wire->image.peers[IMAGE_SBCS].failover_statuses[0] = 503;
    wire->image.peers[IMAGE_SBCS].flags |= PEER_PATH;
    wire_reload(wire);
    wire_ways_set(wire, &(struct wire_ways){.more = apart, .more_count = 1});
}

static struct endpoint listened(struct endpoint at)
{
    at.listener = wire_same(at, wire_sbc2) ? EDGE : CORE;
    return at;
}

static void test_failover(void **state)
{
    struct wire *wire = *state;
    bool seen[2] = {false};
    reach_apart(wire);
    for (unsigned i = 0; i < 40 && !(seen[0] && seen[1]); i++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "apart-%u@listener", i);
        call_init(&call, wire, id);
        struct side *callee = &call.sides[DIALOG_CALLEE];
        bool from_core = wire_same(callee->at, wire_sbc1);
        callee->at = listened(callee->at);
        seen[from_core] = true;
        call_invite(&call);
        expect_from(&call.invite, from_core ? CORE : EDGE);
        expect_routes(&call.invite, from_core ? AT_CORE : AT_EDGE, from_core ? AT_EDGE : NULL);
        struct wire_packet before = call.invite;
        before.to = callee->at;
        call_respond(&call, &before, "503 Busy", "first");
        call_take(&call, DIALOG_CALLEE, "ACK ");
        callee->at = listened(from_core ? wire_sbc2 : wire_sbc1);
        snprintf(callee->target, sizeof(callee->target), "sip:bob@10.20.0.1%c", from_core ? '2' : '1');
        call.invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
        expect_from(&call.invite, from_core ? EDGE : CORE);
        expect_routes(&call.invite, from_core ? AT_EDGE : AT_CORE, from_core ? NULL : AT_EDGE);
        assert_string_equal(header_of(&call.invite, "Contact"), header_of(&before, "Contact"));
        call.invite.to = callee->at;
        call_answer(&call, "200 OK");
        struct wire_packet ack = call_request(&call, DIALOG_CALLER, "ACK");
        expect_from(&ack, from_core ? EDGE : CORE);
        call_hang_up(&call, DIALOG_CALLEE);
    }
    assert_true(seen[0] && seen[1]);
}

static void test_failover_of_a_registration(void **state)
{
    struct wire *wire = *state;
    reach_apart(wire);
    for (unsigned i = 0; i < 20; i++) {
        char text[512], copy[WIRE_TEXT_MAX];
        snprintf(text, sizeof(text),
                 "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKr%u\r\nFrom: "
                 "<sip:a@x>;tag=1\r\n"
                 "To: <sip:a@x>\r\nCall-ID: register-%u\r\nCSeq: 1 REGISTER\r\nMax-Forwards: "
                 "9\r\nContent-Length: 0\r\n\r\n",
                 i, i);
        wire_send(wire, wire_carrier, text);
        assert_int_equal(wire->out_count, 1);
        for (unsigned hop = 0; hop < 2; hop++) {
            struct wire_packet got = wire_take(wire, wire->out[0].to);
            struct endpoint at = listened(got.to);
            expect_from(&got, at.listener);
            assert_header(&got, "Path",
                          at.listener == EDGE ? "<sip:10.10.0.10:5060;lr>" : "<sip:10.20.0.10:5060;lr>");
            struct call call = {.wire = wire};
            call.sides[DIALOG_CALLEE].at = got.to = at;
            memcpy(copy, got.text, sizeof(copy));
            call_respond(&call, &got, hop == 0 ? "503 Busy" : "200 OK", "t");
        }
        struct wire_packet done = wire_take(wire, wire_carrier);
        assert_starts(&done, "SIP/2.0 200 ");
        wire_expect_silence(wire);
    }
    wire_pass_silently(wire, 64000);
}

// Probes follow the way that a call would take, and a change of it makes nobody forget that a member is down.
static void test_probes(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    both_ways(wire);
    for (unsigned i = 0; i < 3; i++)
        probing_one(wire, wire_sbc1, B);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    probing_next(wire, wire_sbc1, &probe);
    expect_from(&probe, CORE);
    probing_answer(wire, &probe, B);
    lose_network(wire, 1);
    wire_reload(wire);
    wire_turn(wire);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    probing_next(wire, wire_sbc1, &probe);
    expect_from(&probe, EDGE);
    probing_answer(wire, &probe, B);
    // Away from the listener that it was probed from last: it begins anew.
    probing_peer(wire)->listeners[1] = NONE;
    wire_reload(wire);
    wire_turn(wire);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
    probing_end(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_choice),
        ON_WIRE(test_family),
        ON_WIRE(test_network_lost),
        ON_WIRE(test_caller_at_second),
        ON_WIRE(test_foreign_listener),
        ON_WIRE(test_failover),
        ON_WIRE(test_failover_of_a_registration),
        ON_WIRE(test_probes),
    };
    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
