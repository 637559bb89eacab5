// SPDX-License-Identifier: BSD-3-Clause
// Frames of the wire: made as a peer's host makes them, and read strictly.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include "wire.h"

struct headers {
    struct rte_ether_hdr ethernet;
    struct rte_ipv4_hdr ip;
    struct rte_udp_hdr udp;
} __rte_packed __rte_aligned(2);

static const uint32_t our_addresses[] = {IMAGE_EDGE_ADDRESS, IMAGE_CORE_ADDRESS};

static void mac_of(uint32_t address, uint8_t mac[6])
{
    const uint8_t octets[6] = {0x02,
                               0xaa,
                               (uint8_t)(address >> 24),
                               (uint8_t)(address >> 16),
                               (uint8_t)(address >> 8),
                               (uint8_t)address};
    memcpy(mac, octets, sizeof(octets));
}

uint32_t wire_frame(struct endpoint from, const void *octets, uint32_t length, uint8_t frame[WIRE_TEXT_MAX])
{
    struct headers headers = {.ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)};
    assert_true(sizeof(headers) + length <= WIRE_TEXT_MAX);
    headers.ip = (struct rte_ipv4_hdr){
        .version_ihl = RTE_IPV4_VHL_DEF,
        .total_length = rte_cpu_to_be_16((uint16_t)(sizeof(headers.ip) + sizeof(headers.udp) + length)),
        .time_to_live = 64,
        .next_proto_id = IPPROTO_UDP,
        .src_addr = rte_cpu_to_be_32(wire_ipv4(from)),
        .dst_addr = rte_cpu_to_be_32(our_addresses[from.listener])};
    headers.ip.hdr_checksum = rte_ipv4_cksum(&headers.ip);
    headers.udp =
        (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(from.port),
                             .dst_port = rte_cpu_to_be_16(5060),
                             .dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(headers.udp) + length))};
    memcpy(frame, &headers, sizeof(headers));
    memcpy(frame + sizeof(headers), octets, length);
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(void *)(frame + sizeof(headers.ethernet));
    struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(void *)(ip + 1);
    udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
    return (uint32_t)sizeof(headers) + length;
}

static void check_headers(const struct rte_mbuf *mbuf, const struct headers *headers, unsigned network)
{
    uint8_t mac[6];
    uint32_t to = rte_be_to_cpu_32(headers->ip.dst_addr);
    assert_int_equal(mbuf->nb_segs, 1);
    assert_true(mbuf->data_len > sizeof(*headers));
    assert_int_equal(mbuf->pkt_len, mbuf->data_len);
    mac_of(to, mac);
    assert_memory_equal(&headers->ethernet.dst_addr, mac, 6);
    mac_of(network, mac);
    assert_memory_equal(&headers->ethernet.src_addr, mac, 6);
    assert_int_equal(headers->ethernet.ether_type, rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4));
    assert_int_equal(headers->ip.version_ihl, RTE_IPV4_VHL_DEF);
    assert_int_equal(headers->ip.next_proto_id, IPPROTO_UDP);
    assert_int_equal(headers->ip.time_to_live, 64);
    assert_int_equal(rte_be_to_cpu_32(headers->ip.src_addr), our_addresses[network]);
    assert_int_equal(rte_be_to_cpu_16(headers->ip.total_length), mbuf->data_len - sizeof(headers->ethernet));
    assert_int_equal(rte_be_to_cpu_16(headers->udp.src_port), 5060);
    assert_int_equal(rte_be_to_cpu_16(headers->udp.dgram_len),
                     mbuf->data_len - sizeof(headers->ethernet) - sizeof(headers->ip));
    assert_int_equal(rte_raw_cksum(&headers->ip, sizeof(headers->ip)), 0xffff);
    // Over octets with their right sum in place it comes to 0, which UDP writes as all ones.
    assert_int_equal(rte_ipv4_udptcp_cksum(&headers->ip, &headers->udp), 0xffff);
}

static void read_packet(const struct rte_mbuf *mbuf, unsigned network, struct wire_packet *packet)
{
    const struct headers *headers = rte_pktmbuf_mtod(mbuf, const struct headers *);
    check_headers(mbuf, headers, network);
    packet->to = (struct endpoint){.address = ip_from_ipv4(rte_be_to_cpu_32(headers->ip.dst_addr)),
                                   .port = rte_be_to_cpu_16(headers->udp.dst_port),
                                   .listener = (uint16_t)network};
    packet->length = mbuf->data_len - (uint32_t)sizeof(*headers);
    assert_true(packet->length < WIRE_TEXT_MAX);
    memcpy(packet->text, headers + 1, packet->length);
    packet->text[packet->length] = '\0';
    int fault = message_parse((const uint8_t *)packet->text, packet->length, &packet->message);
    // A refusal of ours repeats what was wrong in the request, or lacks what it lacked (RFC 4475 3.3.1).
    bool as_received = packet->message.status >= 400 && fault != MESSAGE_NOT_SIP && fault != MESSAGE_CUT;
    if (fault != MESSAGE_FINE && !as_received)
        fail_msg("what left is no SIP (fault %d):\n%s", fault, packet->text);
}

// IPv4 without a tag in one frame, and not larger than tests are used to.
static bool is_plain(const struct rte_mbuf *mbuf)
{
    const struct headers *headers = rte_pktmbuf_mtod(mbuf, const struct headers *);
    return headers->ethernet.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
           headers->ip.fragment_offset == 0;
}

// What the NIC was left to do.
static void make_sums(struct wire *wire, struct rte_mbuf *mbuf)
{
    uint8_t *ip = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, mbuf->l2_len), *udp = ip + mbuf->l3_len;
    if (mbuf->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) {
        struct rte_ipv4_hdr *header = (void *)ip;
        assert_true(mbuf->ol_flags & RTE_MBUF_F_TX_IPV4 && header->hdr_checksum == 0);
        header->hdr_checksum = (uint16_t)~rte_raw_cksum(header, mbuf->l3_len);
        wire->ip_sums++;
    }
    if ((mbuf->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM) {
        struct rte_udp_hdr *header = (void *)udp;
        uint16_t sum = rte_raw_cksum(udp, (size_t)(rte_pktmbuf_mtod(mbuf, uint8_t *) + mbuf->data_len - udp));
        assert_true(((mbuf->ol_flags & RTE_MBUF_F_TX_IPV4) != 0) !=
                    ((mbuf->ol_flags & RTE_MBUF_F_TX_IPV6) != 0));
        header->dgram_cksum = sum == 0xffff ? sum : (uint16_t)~sum;
        wire->udp_sums++;
    }
}

void wire_drain(struct wire *wire, struct rte_ring *ring, unsigned network, bool keep)
{
    const uint8_t untagged = wire->published.rules->ports.untagged[network];
    void *taken;
    while (rte_ring_dequeue(ring, &taken) == 0) {
        // One that shares the port of another one sends nothing by its own.
        assert_int_equal(wire->published.rules->ports.of[network], network);
        static struct wire_packet thrown_away;
        assert_true(!keep || wire->out_count < WIRE_OUT_MAX);
        struct wire_packet *packet = keep ? &wire->out[wire->out_count] : &thrown_away;
        bool is_message = true;
        make_sums(wire, taken);
        if (untagged != NETWORK_NONE && is_plain(taken))
            read_packet(taken, untagged, packet);
        else
            is_message = wire_read_any(wire, taken, network, packet);
        wire->out_count += keep && is_message;
        rte_pktmbuf_free(taken);
    }
    if (!keep)
        wire->out_count = 0;
}

static void remove_out(struct wire *wire, uint32_t at)
{
    wire->out_count--;
    memmove(&wire->out[at], &wire->out[at + 1], (wire->out_count - at) * sizeof(wire->out[0]));
}

struct wire_packet wire_take(struct wire *wire, struct endpoint to)
{
    for (uint32_t i = 0; i < wire->out_count; i++) {
        if (!endpoint_equal(wire->out[i].to, to))
            continue;
        struct wire_packet packet = wire->out[i];
        remove_out(wire, i);
        return packet;
    }
    for (uint32_t i = 0; i < wire->out_count; i++)
        print_error("to %08x:%u\n%s\n", wire_ipv4(wire->out[i].to), wire->out[i].to.port, wire->out[i].text);
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        static const char *const names[] = {
#define C(name, family, labels, help) #name,
            COUNTERS(C)
#undef C
        };
        if (wire_count(wire, i) != 0)
            print_error("%s %lu\n", names[i], (unsigned long)wire_count(wire, i));
    }
    fail_msg("nothing left for %08x:%u", wire_ipv4(to), to.port);
    return wire->out[0];
}

unsigned wire_take_all(struct wire *wire, struct endpoint to, const char *text)
{
    unsigned n = 0;
    for (uint32_t i = wire->out_count; i-- > 0;) {
        if (!endpoint_equal(wire->out[i].to, to) || strncmp(wire->out[i].text, text, strlen(text)) != 0)
            continue;
        remove_out(wire, i);
        n++;
    }
    return n;
}

void wire_expect_silence(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->out_count; i++)
        print_error("to %08x:%u\n%s\n", wire_ipv4(wire->out[i].to), wire->out[i].to.port, wire->out[i].text);
    assert_int_equal(wire->out_count, 0);
}

void wire_ways_set(struct wire *wire, const struct wire_ways *ways)
{
    const uint32_t addresses[] = {wire_ipv4(wire_carrier),  wire_ipv4(wire_phone), wire_ipv4(wire_carrier_b),
                                  wire_ipv4(wire_stranger), wire_ipv4(wire_sbc1),  wire_ipv4(wire_sbc2)};
    struct nexthop_network networks[NETWORKS_MAX] = {0};
    struct nexthop_route routes[WIRE_NETWORKS + 8];
    struct nexthop_neighbour neighbours[2 * RTE_DIM(addresses)];
    uint32_t route_count = 0, count = RTE_DIM(addresses);
    assert_true(ways->more_count <= RTE_DIM(routes) - WIRE_NETWORKS);
    for (unsigned i = 0; i < WIRE_NETWORKS; i++) {
        mac_of(i, networks[i].mac);
        networks[i].mtu = ways->mtu != 0 ? ways->mtu : 1500;
        networks[i].up = true;
        if (ways->unrouted != i + 1)
            routes[route_count++] =
                (struct nexthop_route){.prefix = ip_from_ipv4(our_addresses[i] & 0xffff0000),
                                       .length = IP_MAPPED_BITS + 16,
                                       .network = (uint8_t)i};
    }
    for (unsigned i = 0; i < RTE_DIM(addresses); i++) {
        neighbours[i] = (struct nexthop_neighbour){.address = ip_from_ipv4(addresses[i]),
                                                   .network = (addresses[i] & 0xffff0000) == 0x0a140000,
                                                   .usable = addresses[i] != ip_ipv4(&ways->unresolved)};
        mac_of(addresses[i], neighbours[i].mac);
    }
    for (unsigned i = 0; i < ways->more_count; i++)
        routes[route_count++] = ways->more[i];
    for (unsigned i = 0; ways->more_count > 0 && i < RTE_DIM(addresses); i++) {
        neighbours[count] = neighbours[i];
        neighbours[count++].network = !neighbours[i].network;
    }
    nexthop_destroy(wire->published.nexthops);
    wire->published.nexthops = nexthop_create(networks, routes, route_count, neighbours, count);
    assert_non_null(wire->published.nexthops);
    for (unsigned i = 0; i < wire->count; i++) {
        if (wire->workers[i] != NULL)
            wire->workers[i]->nexthops = wire->published.nexthops;
    }
}
