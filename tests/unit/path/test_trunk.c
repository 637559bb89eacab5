// SPDX-License-Identifier: BSD-3-Clause
// Several networks on one port: their tags alone tell them apart, and what leaves has those of its own.
#include <string.h>
#include "frame.h"
#include "tests.h"

static void share(struct wire *wire, uint16_t outside, uint16_t inside, uint16_t inside_outer)
{
    memcpy(wire->image.networks[1].interface, wire->image.networks[0].interface, NAME_SIZE);
    wire->image.networks[0].vlan = outside;
    wire->image.networks[1].vlan = inside;
    wire->image.networks[1].outer_vlan = inside_outer;
    wire_reload(wire);
}

static void whole_call(struct wire *wire, const char *id)
{
    struct call call;
    call_init(&call, wire, id);
    call_establish(&call);
    call_hang_up(&call, DIALOG_CALLEE);
    wire_expect_silence(wire);
}

static void test_calls(void **state)
{
    static const struct {
        const char *id;
        uint16_t outside, inside, inside_outer;
    } rows[] = {{"tagged@trunk", 100, 200, 0},
                {"untagged-first@trunk", 0, 200, 0},
                {"untagged-second@trunk", 100, 0, 0},
                {"qinq@trunk", 100, 100, 4000},
                {"outer-alone@trunk", 100, 0, 100}};
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        share(wire, rows[i].outside, rows[i].inside, rows[i].inside_outer);
        whole_call(wire, rows[i].id);
    }
    wire_check(wire);
}

// A datagram of so many octets from the carrier to our address outside, in whatever VLAN.
static void put(struct wire *wire, uint32_t tags, uint32_t length)
{
    static const char octets[3000] = "OPTIONS sip:10.10.0.10 SIP/2.0\r\n";
    wire_put_any(wire, wire_carrier, octets, length, &(struct wire_form){.mtu = 1500, .tags = tags});
    wire_turn(wire);
    wire_expect_silence(wire);
}

static void test_elsewhere(void **state)
{
    static const uint32_t foreign[] = {0, FRAME_TAGS(0, 300), FRAME_TAGS(100, 0), FRAME_TAGS(4000, 100),
                                       FRAME_TAGS(200, 100)};
    struct wire *wire = *state;
    share(wire, 100, 200, 4000);
    for (unsigned i = 0; i < RTE_DIM(foreign); i++)
        put(wire, foreign[i], 100);
    wire_expect_count(wire, COUNTER_DROP_VLAN, RTE_DIM(foreign));
    // In the VLAN of the other network our address is none of ours, whole or in fragments.
    put(wire, FRAME_TAGS(4000, 200), 100);
    wire_expect_count(wire, COUNTER_DROP_NOT_OURS, 1);
    put(wire, FRAME_TAGS(4000, 200), 3000);
    wire_expect_count(wire, COUNTER_DROP_NOT_OURS, 4);
    share(wire, 100, 0, 0);
    put(wire, 0, 100);
    put(wire, FRAME_TAGS(0, 300), 100);
    wire_expect_count(wire, COUNTER_DROP_VLAN, RTE_DIM(foreign) + 1);
    wire_check(wire);
}

static void test_ports(void **state)
{
    struct wire *wire = *state;
    const struct rules_ports *ports;
    share(wire, 100, 0, 0);
    ports = &wire->published.rules->ports;
    assert_int_equal(ports->of[0], 0);
    assert_int_equal(ports->of[1], 0);
    assert_int_equal(ports->untagged[0], 1);
    assert_int_equal(rules_network(wire->published.rules, 0, 100), 0);
    assert_int_equal(rules_network(wire->published.rules, 1, 100), 0); // of any network of the port
    assert_int_equal(rules_network(wire->published.rules, 0, 0), 1);
    assert_int_equal(rules_network(wire->published.rules, 0, 101), NETWORK_NONE);
    strcpy(wire->image.networks[1].interface, "inside0");
    wire_reload(wire);
    ports = &wire->published.rules->ports;
    assert_int_equal(ports->of[1], 1);
    assert_int_equal(ports->untagged[0], NETWORK_NONE);
    assert_int_equal(ports->untagged[1], 1);
    assert_int_equal(rules_network(wire->published.rules, 0, 0), NETWORK_NONE);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_calls), ON_WIRE(test_elsewhere), ON_WIRE(test_ports)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
