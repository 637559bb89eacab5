// SPDX-License-Identifier: BSD-3-Clause
// Frames as hostile hosts send them: each has its counter, and none is read beyond its end.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include "tests.h"

static const char options[] =
    "OPTIONS sip:10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKx\r\n"
    "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c@screen\r\nCSeq: 1 OPTIONS\r\n\r\n";

#define IP  14u
#define UDP 34u

struct frame {
    uint8_t octets[WIRE_TEXT_MAX];
    uint32_t length;
    unsigned network;
};

static struct rte_ipv4_hdr *ip_of(struct frame *frame)
{
    return (void *)(frame->octets + IP);
}

static void ip_sum(struct frame *frame)
{
    struct rte_ipv4_hdr *ip = ip_of(frame);
    ip->hdr_checksum = 0;
    ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, (ip->version_ihl & 15u) * 4u);
}

static void no_change(struct frame *frame)
{
}

static void arp(struct frame *frame)
{
    frame->octets[13] = 0x06;
}

static void ipv6(struct frame *frame)
{
    frame->octets[12] = 0x86;
    frame->octets[13] = 0xdd;
}

static void vlan(struct frame *frame)
{
    frame->octets[12] = 0x81;
}

static void wrong_version(struct frame *frame)
{
    frame->octets[IP] = 0x65;
    ip_sum(frame);
}

static void short_header(struct frame *frame)
{
    frame->octets[IP] = 0x44;
    ip_sum(frame);
}

static void long_header(struct frame *frame)
{
    frame->octets[IP] = 0x4f;
    frame->length = IP + 40; // shorter than the header says
}

static void total_too_long(struct frame *frame)
{
    ip_of(frame)->total_length = rte_cpu_to_be_16((uint16_t)(frame->length - IP + 1));
    ip_sum(frame);
}

static void total_too_short(struct frame *frame)
{
    ip_of(frame)->total_length = rte_cpu_to_be_16(19);
    ip_sum(frame);
}

static void wrong_ip_sum(struct frame *frame)
{
    frame->octets[IP + 10] ^= 1;
}

static void more_fragments(struct frame *frame)
{
    uint32_t octets = rte_be_to_cpu_16(ip_of(frame)->total_length) - 20u; // of whole units, if it has one
    if (octets > 16)
        ip_of(frame)->total_length = rte_cpu_to_be_16((uint16_t)(20 + octets / 8 * 8));
    ip_of(frame)->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG);
    ip_sum(frame);
}

static void last_fragment(struct frame *frame)
{
    ip_of(frame)->fragment_offset = rte_cpu_to_be_16(100);
    ip_sum(frame);
}

static void odd_fragment(struct frame *frame)
{
    ip_of(frame)->total_length = rte_cpu_to_be_16((uint16_t)(20 + 12));
    more_fragments(frame);
}

static void far_fragment(struct frame *frame)
{
    ip_of(frame)->packet_id = rte_cpu_to_be_16(7);
    ip_of(frame)->fragment_offset = rte_cpu_to_be_16(0x1fff);
    ip_sum(frame);
}

static void foreign_fragment(struct frame *frame)
{
    frame->octets[IP + 19]++;
    last_fragment(frame);
}

static void strange_fragment(struct frame *frame)
{
    frame->octets[IP + 14] = 9;
    last_fragment(frame);
}

static void tag(struct frame *frame, uint8_t id)
{
    memmove(frame->octets + IP + 2, frame->octets + IP - 2, frame->length - IP + 2);
    frame->octets[IP - 2] = 0x81;
    frame->octets[IP - 1] = 0;
    frame->octets[IP] = 0x60;
    frame->octets[IP + 1] = id;
    frame->length += 4;
}

static void tagged(struct frame *frame)
{
    tag(frame, 5);
}

static void priority(struct frame *frame)
{
    tag(frame, 0);
}

static void do_not_fragment(struct frame *frame)
{
    ip_of(frame)->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
    ip_sum(frame);
}

static void tcp(struct frame *frame)
{
    ip_of(frame)->next_proto_id = IPPROTO_TCP;
    ip_sum(frame);
}

static void wrong_udp_sum(struct frame *frame)
{
    frame->octets[frame->length - 1] ^= 1;
}

static void no_udp_sum(struct frame *frame)
{
    frame->octets[UDP + 6] = frame->octets[UDP + 7] = 0;
}

static void martian(struct frame *frame)
{
    no_udp_sum(frame);
    frame->octets[IP + 12] = 224;
    ip_sum(frame);
}

static void udp_too_long(struct frame *frame)
{
    no_udp_sum(frame);
    frame->octets[UDP + 4] = 0xff;
}

static void udp_too_short(struct frame *frame)
{
    no_udp_sum(frame);
    frame->octets[UDP + 4] = 0;
    frame->octets[UDP + 5] = 7;
}

static void no_udp_header(struct frame *frame)
{
    ip_of(frame)->total_length = rte_cpu_to_be_16(27);
    ip_sum(frame);
}

static void other_port(struct frame *frame)
{
    no_udp_sum(frame);
    frame->octets[UDP + 3]++;
}

static void other_address(struct frame *frame)
{
    no_udp_sum(frame);
    frame->octets[IP + 19]++;
    ip_sum(frame);
}

static void other_network(struct frame *frame) // our address, on the wrong side
{
    frame->network = 1;
}

static void ip_options(struct frame *frame)
{
    memmove(frame->octets + UDP + 8, frame->octets + UDP, frame->length - UDP);
    memset(frame->octets + UDP, 1, 8); // no operation
    frame->length += 8;
    frame->octets[IP] = 0x47;
    ip_of(frame)->total_length = rte_cpu_to_be_16((uint16_t)(frame->length - IP));
    ip_sum(frame);
}

static void ethernet_padding(struct frame *frame)
{
    memset(frame->octets + frame->length, 'x', 30);
    frame->length += 30;
}

static void runt(struct frame *frame)
{
    frame->length = 33;
}

static const struct {
    const char *name;
    void (*change)(struct frame *frame);
    enum counter counter;
} rows[] = {
    {"as it should be", no_change, COUNTER_OUT_ANSWERED},
    {"ARP", arp, COUNTER_DROP_NOT_IP},
    {"IPv6 by its type alone", ipv6, COUNTER_DROP_IP_HEADER},
    {"VLAN by its type alone", vlan, COUNTER_DROP_NOT_IP},
    {"a tag that nobody asked for", tagged, COUNTER_DROP_VLAN},
    {"a tag that says priority alone", priority, COUNTER_OUT_ANSWERED},
    {"source that no host has", martian, COUNTER_DROP_SOURCE},
    {"version 6 inside", wrong_version, COUNTER_DROP_IP_HEADER},
    {"header of 16 octets", short_header, COUNTER_DROP_IP_HEADER},
    {"header longer than the frame", long_header, COUNTER_DROP_IP_HEADER},
    {"packet longer than the frame", total_too_long, COUNTER_DROP_IP_HEADER},
    {"packet shorter than its header", total_too_short, COUNTER_DROP_IP_HEADER},
    {"IP checksum", wrong_ip_sum, COUNTER_DROP_IP_HEADER},
    {"first fragment", more_fragments, COUNTER_OUT_FRAGMENT},
    {"last fragment", last_fragment, COUNTER_OUT_FRAGMENT},
    {"first fragment, not of whole units", odd_fragment, COUNTER_DROP_IP_HEADER},
    {"fragment beyond what IP carries", far_fragment, COUNTER_DROP_FRAGMENT},
    {"fragment to another address", foreign_fragment, COUNTER_DROP_NOT_OURS},
    {"fragment of a stranger", strange_fragment, COUNTER_DROP_UNKNOWN_SOURCE},
    {"DF", do_not_fragment, COUNTER_OUT_ANSWERED},
    {"TCP", tcp, COUNTER_DROP_NOT_UDP},
    {"UDP checksum", wrong_udp_sum, COUNTER_DROP_UDP_HEADER},
    {"no UDP checksum (RFC 768)", no_udp_sum, COUNTER_OUT_ANSWERED},
    {"UDP longer than the packet", udp_too_long, COUNTER_DROP_UDP_HEADER},
    {"UDP shorter than its header", udp_too_short, COUNTER_DROP_UDP_HEADER},
    {"no room for UDP's header", no_udp_header, COUNTER_DROP_UDP_HEADER},
    {"another port", other_port, COUNTER_DROP_NOT_OURS},
    {"another address", other_address, COUNTER_DROP_NOT_OURS},
    {"the other network", other_network, COUNTER_DROP_NOT_OURS},
    {"IP options", ip_options, COUNTER_OUT_ANSWERED},
    {"Ethernet padding", ethernet_padding, COUNTER_OUT_ANSWERED},
    {"shorter than the headers", runt, COUNTER_DROP_NOT_IP},
};

static void test_rows(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct frame frame = {.network = 0};
        uint64_t before = wire_count(wire, rows[i].counter);
        frame.length = wire_frame(wire_carrier, options, sizeof(options) - 1, frame.octets);
        rows[i].change(&frame);
        wire_put_frame(wire, frame.network, frame.octets, frame.length);
        wire_turn(wire);
        if (wire_count(wire, rows[i].counter) != before + 1)
            fail_msg("%s", rows[i].name);
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "),
                         rows[i].counter == COUNTER_OUT_ANSWERED);
        wire_check(wire);
    }
    wire_expect_silence(wire);
}

// Every octet of the headers takes every value, and every length is cut off.
static void test_any_header(void **state)
{
    struct wire *wire = *state;
    struct frame good = {.network = 0};
    good.length = wire_frame(wire_carrier, options, sizeof(options) - 1, good.octets);
    for (uint32_t length = 0; length < good.length; length += length < 60 ? 1 : 13) {
        wire_put_frame(wire, 0, good.octets, length);
        wire_turn(wire);
    }
    wire_expect_silence(wire);
    for (uint32_t at = 0; at < UDP + 8; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct frame frame = good;
            frame.octets[at] = (uint8_t)value;
            if (at >= IP && at < UDP)
                ip_sum(&frame);
            wire_put_frame(wire, 0, frame.octets, frame.length);
            wire_turn(wire);
            wire->out_count = 0;
        }
    }
    wire_check(wire);
}

// A SIP message cut off or changed at any octet.
static void test_any_message(void **state)
{
    struct wire *wire = *state;
    static const uint8_t values[] = {0, '\r', '\n', ' ', ':', ';', ',', '<', '"', '(', 0x80, 0xff};
    for (uint32_t at = 0; at < sizeof(options) - 1; at++) {
        wire_put(wire, wire_carrier, options, at);
        wire_turn(wire);
        wire->out_count = 0;
        for (unsigned i = 0; i < sizeof(values); i++) {
            char text[sizeof(options)];
            memcpy(text, options, sizeof(text));
            text[at] = (char)values[i];
            wire_put(wire, wire_carrier, text, sizeof(text) - 1);
            wire_turn(wire);
            wire->out_count = 0;
        }
    }
    wire_check(wire);
    wire_pass_silently(wire, 33000); // some of them were sent on with this branch
    wire_send(wire, wire_carrier, options);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_rows), ON_WIRE(test_any_header),
                                       ON_WIRE(test_any_message)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
