// SPDX-License-Identifier: BSD-3-Clause
// The worker's end of the host path: what the kernel gets, how much of it, and what comes back.
#include <string.h>
#include "tests.h"

static const char options[] =
    "OPTIONS sip:10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKx\r\n"
    "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c@host\r\nCSeq: 1 OPTIONS\r\n\r\n";

#define RATE 10u // a second: the bucket holds one frame

struct frame {
    uint8_t octets[WIRE_TEXT_MAX];
    uint32_t length;
};

static struct frame arp(void)
{
    struct frame frame;
    frame.length = wire_frame(wire_carrier, options, sizeof(options) - 1, frame.octets);
    frame.octets[13] = 0x06;
    return frame;
}

static struct frame tcp(void)
{
    struct frame frame;
    frame.length = wire_frame(wire_carrier, options, sizeof(options) - 1, frame.octets);
    uint16_t sum;
    memcpy(&sum, frame.octets + 24, sizeof(sum));
    sum =
        rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(sum) + 11)); // 17 became 6 in the low octet of its word
    memcpy(frame.octets + 24, &sum, sizeof(sum));
    frame.octets[23] = 6;
    return frame;
}

static struct frame elsewhere(void)
{
    struct endpoint from = wire_carrier;
    struct frame frame;
    frame.length = wire_frame(from, options, sizeof(options) - 1, frame.octets);
    frame.octets[36] ^= 1; // destination port; the checksum knows no difference when it is none
    frame.octets[40] = frame.octets[41] = 0;
    return frame;
}

static struct frame in_vlan(struct frame frame, uint16_t vlan)
{
    const uint8_t tag[4] = {0x81, 0, (uint8_t)(vlan >> 8), (uint8_t)vlan};
    memmove(frame.octets + 16, frame.octets + 12, frame.length - 12);
    memcpy(frame.octets + 12, tag, sizeof(tag));
    frame.length += sizeof(tag);
    return frame;
}

static void swap(uint8_t *one, uint8_t *other, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++) {
        uint8_t octet = one[i];
        one[i] = other[i];
        other[i] = octet;
    }
}

// As the kernel sends it: the sums are those of the other direction.
static struct frame to_carrier(void)
{
    static const uint8_t macs[12] = {0x02, 0xaa, 10, 10, 1, 1, 0x02, 0xaa};
    struct frame frame;
    frame.length = wire_frame(wire_carrier, options, sizeof(options) - 1, frame.octets);
    memcpy(frame.octets, macs, sizeof(macs));
    swap(frame.octets + 26, frame.octets + 30, 4);
    swap(frame.octets + 34, frame.octets + 36, 2);
    return frame;
}

static struct rte_ring *ring(const char *name, unsigned size)
{
    struct rte_ring *made = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    assert_non_null(made);
    return made;
}

// Network 0 is a PCI device from here.
static struct host_path_rings *attach(struct wire *wire, uint32_t rate, unsigned size)
{
    struct host_path_rings *rings = &wire->workers[0]->parts.host;
    *rings = (struct host_path_rings){
        .out = ring("out", size), .back = ring("back", 64), .spare = ring("spare", 128)};
    wire->image.networks[0].attach = ATTACH_PCI;
    wire->image.networks[0].host_rate = rate;
    strcpy(wire->image.networks[0].device, "0000:00:02.0");
    wire_reload(wire);
    return rings;
}

static void detach(struct wire *wire)
{
    struct host_path_rings *rings = &wire->workers[0]->parts.host;
    struct rte_ring *const all[] = {rings->out, rings->back, rings->spare};
    *rings = (struct host_path_rings){0};
    for (unsigned i = 0; i < RTE_DIM(all); i++) {
        void *mbuf;
        while (rte_ring_dequeue(all[i], &mbuf) == 0)
            rte_pktmbuf_free(mbuf);
        rte_ring_free(all[i]);
    }
}

static void put(struct wire *wire, struct frame frame)
{
    wire_put_frame(wire, 0, frame.octets, frame.length);
    wire_turn(wire);
}

static void test_kinds(void **state)
{
    struct wire *wire = *state;
    static struct frame (*const kinds[])(void) = {arp, tcp, elsewhere};
    struct host_path_rings *rings = attach(wire, RATE, 64);
    for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
        struct frame frame = kinds[i]();
        void *got = NULL;
        put(wire, frame);
        wire_expect_count(wire, COUNTER_OUT_HOST, i + 1);
        assert_int_equal(rte_ring_dequeue(rings->out, &got), 0);
        assert_int_equal(rte_pktmbuf_data_len((struct rte_mbuf *)got), frame.length);
        assert_memory_equal(rte_pktmbuf_mtod((struct rte_mbuf *)got, void *), frame.octets, frame.length);
        assert_int_equal(packet_of(got)->network, 0);
        rte_pktmbuf_free(got);
    }
    detach(wire);
}

// Some drivers make one whatever they are told: where the rest has no room in the first buffer, it is no
// frame that could be written whole.
// The device leaves them with the kernel: what comes all the same is nobody's.
static void test_isolated(void **state)
{
    struct wire *wire = *state;
    struct host_path_rings *rings = attach(wire, RATE, 64);
    wire->workers[0]->parts.isolated = 1;
    put(wire, arp());
    wire_expect_count(wire, COUNTER_DROP_NOT_IP, 1);
    put(wire, tcp());
    wire_expect_count(wire, COUNTER_DROP_NOT_UDP, 1);
    put(wire, elsewhere());
    wire_expect_count(wire, COUNTER_DROP_NOT_OURS, 1);
    wire_expect_count(wire, COUNTER_OUT_HOST, 0);
    assert_int_equal(rte_ring_count(rings->out), 0);
    wire->workers[0]->parts.isolated = 0;
    detach(wire);
}

static void test_chain(void **state)
{
    struct wire *wire = *state;
    struct host_path_rings *rings = attach(wire, RATE, 64);
    struct frame frame = arp();
    struct rte_mbuf *head = rte_pktmbuf_alloc(wire_pool()), *tail = rte_pktmbuf_alloc(wire_pool());
    assert_true(head != NULL && tail != NULL);
    memcpy(rte_pktmbuf_append(head, (uint16_t)frame.length), frame.octets, frame.length);
    assert_non_null(rte_pktmbuf_append(head, (uint16_t)(rte_pktmbuf_tailroom(head) - 99)));
    assert_non_null(rte_pktmbuf_append(tail, 100));
    assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
    wire_put_mbuf(0, head);
    wire_turn(wire);
    assert_int_equal(rte_ring_count(rings->out), 0);
    wire_expect_count(wire, COUNTER_DROP_NOT_IP, 1);
    detach(wire);
}

static void test_chain_with_room(void **state)
{
    struct wire *wire = *state;
    struct host_path_rings *rings = attach(wire, RATE, 64);
    struct frame frame = arp();
    void *got = NULL;
    wire->rx_segment = 40;
    put(wire, frame);
    assert_int_equal(rte_ring_dequeue(rings->out, &got), 0);
    assert_int_equal(rte_pktmbuf_data_len((struct rte_mbuf *)got), frame.length);
    assert_memory_equal(rte_pktmbuf_mtod((struct rte_mbuf *)got, void *), frame.octets, frame.length);
    rte_pktmbuf_free(got);
    detach(wire);
}

// On a trunk: what is in none of our VLANs, and what is in one of them and not ours, goes to the one
// interface that stands for the NIC.
static void test_trunk(void **state)
{
    struct wire *wire = *state;
    struct host_path_rings *rings = attach(wire, RATE, 64);
    struct frame frames[3] = {in_vlan(elsewhere(), 300), in_vlan(elsewhere(), 200), in_vlan(arp(), 200)};
    wire->image.networks[1] = wire->image.networks[0];
    strcpy(wire->image.networks[1].name, "inside");
    wire->image.networks[0].vlan = 100;
    wire->image.networks[1].vlan = 200;
    wire_reload(wire);
    for (unsigned i = 0; i < RTE_DIM(frames); i++) {
        void *got = NULL;
        put(wire, frames[i]);
        wire_expect_count(wire, COUNTER_OUT_HOST, i + 1);
        assert_int_equal(rte_ring_dequeue(rings->out, &got), 0);
        assert_int_equal(rte_pktmbuf_data_len((struct rte_mbuf *)got), frames[i].length);
        assert_memory_equal(rte_pktmbuf_mtod((struct rte_mbuf *)got, void *), frames[i].octets,
                            frames[i].length);
        assert_int_equal(packet_of(got)->network, 0);
        rte_pktmbuf_free(got);
    }
    detach(wire);
}

// More than the rate of one kind takes nothing from the others, and time gives it again.
static void test_rate(void **state)
{
    struct wire *wire = *state;
    attach(wire, RATE, 64);
    put(wire, elsewhere());
    put(wire, elsewhere());
    put(wire, elsewhere());
    wire_expect_count(wire, COUNTER_OUT_HOST, 1);
    wire_expect_count(wire, COUNTER_DROP_HOST_RATE, 2);
    put(wire, arp());
    put(wire, tcp());
    wire_expect_count(wire, COUNTER_OUT_HOST, 3);
    wire_pass(wire, 1000 / RATE);
    put(wire, elsewhere());
    wire_expect_count(wire, COUNTER_OUT_HOST, 4);
    wire_expect_count(wire, COUNTER_DROP_HOST_RATE, 2);
    detach(wire);
}

// What may come at once is a twentieth of a second's worth.
static void test_burst(void **state)
{
    struct wire *wire = *state;
    attach(wire, 1000, 256);
    for (unsigned i = 0; i < 80; i++) {
        wire_put_frame(wire, 0, arp().octets, arp().length);
        if (i % 16 == 15)
            wire_turn(wire);
    }
    uint64_t went = wire_count(wire, COUNTER_OUT_HOST);
    assert_in_range(went, 51, 52);
    wire_expect_count(wire, COUNTER_DROP_HOST_RATE, 80 - went);
    detach(wire);
}

static void test_full(void **state)
{
    struct wire *wire = *state;
    attach(wire, 1000000, 4); // a ring of four holds three
    for (unsigned i = 0; i < 5; i++)
        put(wire, arp());
    wire_expect_count(wire, COUNTER_OUT_HOST, 3);
    wire_expect_count(wire, COUNTER_DROP_HOST_FULL, 2);
    detach(wire);
}

// Who asks for an address (DHCP, RFC 2131 4.1) asks the kernel, whatever form the frame has. SIP from there
// is nobody's, and so is what comes from the rest of "this network".
static void test_no_address(void **state)
{
    struct wire *wire = *state;
    struct endpoint from = wire_carrier;
    struct host_path_rings *rings = attach(wire, 1000, 64);
    from.address = ip_from_ipv4(0);
    for (unsigned i = 0; i < 2; i++) {
        struct frame frame;
        void *got = NULL;
        frame.length = wire_frame(from, options, sizeof(options) - 1, frame.octets);
        if (i == 1) // a priority is no VLAN
            frame = in_vlan(frame, 0);
        put(wire, frame);
        wire_expect_count(wire, COUNTER_DROP_SOURCE, i + 1);
        frame.octets[36 + 4 * i] = 67 >> 8; // destination port; no sum knows it
        frame.octets[37 + 4 * i] = 67;
        frame.octets[40 + 4 * i] = frame.octets[41 + 4 * i] = 0;
        put(wire, frame);
        wire_expect_count(wire, COUNTER_OUT_HOST, i + 1);
        assert_int_equal(rte_ring_dequeue(rings->out, &got), 0);
        assert_memory_equal(rte_pktmbuf_mtod((struct rte_mbuf *)got, void *), frame.octets, frame.length);
        rte_pktmbuf_free(got);
    }
    from.address = ip_from_ipv4(1);
    struct frame other;
    other.length = wire_frame(from, options, sizeof(options) - 1, other.octets);
    put(wire, other);
    wire_expect_count(wire, COUNTER_DROP_SOURCE, 3);
    assert_true(rte_ring_empty(rings->out));
    detach(wire);
}

// Broken headers are for nobody, and other networks have no host path.
static void test_not_for_the_kernel(void **state)
{
    struct wire *wire = *state;
    struct host_path_rings *rings = attach(wire, RATE, 64);
    struct frame broken = tcp();
    broken.octets[24] ^= 1;
    broken.octets[23] = 17;
    put(wire, broken);
    wire_expect_count(wire, COUNTER_DROP_IP_HEADER, 1);
    wire_put_frame(wire, 1, arp().octets, arp().length);
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_DROP_NOT_IP, 1);
    assert_true(rte_ring_empty(rings->out));
    wire_send(wire, wire_carrier, options);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    detach(wire);
}

// Empty mbufs lie ready; one of them brings a frame of the kernel, another only comes back.
static void test_back(void **state)
{
    struct wire *wire = *state;
    struct host_path_rings *rings = attach(wire, RATE, 64);
    for (unsigned i = 0; i < 4; i++)
        wire_turn(wire);
    assert_int_equal(rte_ring_count(rings->spare), HOST_PATH_SPARE);
    struct frame frame = to_carrier();
    for (unsigned i = 0; i < 2; i++) {
        void *mbuf = NULL;
        assert_int_equal(rte_ring_dequeue(rings->spare, &mbuf), 0);
        memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame.length), frame.octets, frame.length);
        packet_of(mbuf)->network = i == 0 ? 0 : HOST_PATH_DONE;
        assert_int_equal(rte_ring_enqueue(rings->back, mbuf), 0);
    }
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_TX_HOST, 1);
    assert_int_equal(wire_take_all(wire, wire_carrier, "OPTIONS "), 1);
    assert_true(rte_ring_empty(rings->back));
    detach(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_isolated),
                                       ON_WIRE(test_kinds),
                                       ON_WIRE(test_trunk),
                                       ON_WIRE(test_chain),
                                       ON_WIRE(test_chain_with_room),
                                       ON_WIRE(test_rate),
                                       ON_WIRE(test_burst),
                                       ON_WIRE(test_full),
                                       ON_WIRE(test_back),
                                       ON_WIRE(test_no_address),
                                       ON_WIRE(test_not_for_the_kernel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
