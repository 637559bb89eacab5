// SPDX-License-Identifier: BSD-3-Clause
// Ethernet, IP and UDP are checked against the octets that are really there, and fragments are put together;
// what is not for one of our listeners is counted and dropped (under AF_XDP the kernel has had it already;
// under AF_PACKET the kernel sees a copy of everything). The form in which nearly everything comes, IPv4
// without tag or options, is read here; frame.h has the others.
//
// A fragment that another worker is to put together goes to its inbox as it came, when it is known to be of a
// peer and for a listener's address, and goes through all of this once more there. What of its sender was
// sent behind it may so come before it; of such packets nobody who receives by several queues knows the
// order.
#include <netinet/in.h>
#include <string.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>
#include <rte_udp.h>
#include "checksum.h"
#include "frame.h"
#include "owner.h"
#include "worker_core.h"

static bool udp_sum_is_right(const struct rte_ipv4_hdr *ip, const struct rte_udp_hdr *udp, uint32_t octets)
{
    unsigned long long pseudo =
        checksum_pseudo(ip->src_addr, ip->dst_addr, rte_cpu_to_be_16((uint16_t)octets));
    return checksum_fold(checksum_add(pseudo, udp, octets)) == 0xffff;
}

// The NIC has looked, or it never was on a wire: NONE says that the octets are right and the sum is not made
// (virtio). What the NIC finds wrong is summed up here: it may be UDP without a sum, which some call wrong.
static bool sum_is_known(const struct rte_mbuf *mbuf)
{
    uint64_t said = mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    return said == RTE_MBUF_F_RX_L4_CKSUM_GOOD || said == RTE_MBUF_F_RX_L4_CKSUM_NONE;
}

static bool header_sum_is_right(const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
    // The sum over a header with its checksum in place is all ones when it is right (RFC 1071).
    return (mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD ||
           checksum_fold(checksum_header(ip)) == 0xffff;
}

static enum counter screen_plain(const struct worker *worker, struct rte_mbuf *mbuf,
                                 const struct rte_ipv4_hdr *ip, uint32_t octets)
{
    uint32_t total = rte_be_to_cpu_16(ip->total_length);
    if (total < sizeof(*ip) || total > octets || !header_sum_is_right(mbuf, ip))
        return COUNTER_DROP_IP_HEADER;
    if (ip->next_proto_id != IPPROTO_UDP)
        return COUNTER_DROP_NOT_UDP;
    uint32_t from = rte_be_to_cpu_32(ip->src_addr);
    if (frame_is_martian(from))
        return COUNTER_DROP_SOURCE;
    const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);
    if (total < sizeof(*ip) + sizeof(*udp))
        return COUNTER_DROP_UDP_HEADER;
    uint32_t udp_octets = rte_be_to_cpu_16(udp->dgram_len);
    if (udp_octets < sizeof(*udp) || udp_octets > total - sizeof(*ip))
        return COUNTER_DROP_UDP_HEADER;
    // 0 means that the sender computed none (RFC 768).
    if (udp->dgram_cksum != 0 && !sum_is_known(mbuf) && !udp_sum_is_right(ip, udp, udp_octets))
        return COUNTER_DROP_UDP_HEADER;
    struct ip_address to = ip_from_ipv4(rte_be_to_cpu_32(ip->dst_addr));
    uint16_t listener = rules_listener(worker->rules, &to, rte_be_to_cpu_16(udp->dst_port));
    struct packet *packet = packet_of(mbuf);
    if (listener == NUMBER_NONE || worker->rules->listeners[listener].network != packet->network)
        return COUNTER_DROP_NOT_OURS;
    packet->source = (struct endpoint){
        .address = ip_from_ipv4(from), .port = rte_be_to_cpu_16(udp->src_port), .listener = listener};
    packet->payload = (const uint8_t *)(udp + 1);
    packet->length = (uint16_t)(udp_octets - sizeof(*udp));
    return COUNTER_COUNT;
}

// A whole datagram, wherever it lies.
static enum counter screen_datagram(const struct worker *worker, struct packet *packet,
                                    const struct frame *frame, bool sum_is_known)
{
    struct frame_udp udp;
    enum counter outcome = frame_udp(frame, sum_is_known, &udp);
    if (outcome != COUNTER_COUNT)
        return outcome;
    uint16_t listener = rules_listener(worker->rules, &frame->destination, udp.destination_port);
    if (listener == NUMBER_NONE || worker->rules->listeners[listener].network != packet->network)
        return COUNTER_DROP_NOT_OURS;
    if (ip_is_ipv4(&frame->source) && ip_ipv4(&frame->source) == 0) // DHCP is the kernel's, SIP is nobody's
        return COUNTER_DROP_SOURCE;
    packet->source =
        (struct endpoint){.address = frame->source, .port = udp.source_port, .listener = listener};
    packet->payload = udp.payload;
    packet->length = udp.length;
    return COUNTER_COUNT;
}

// Any port of ours: a fragment mostly has none.
static bool is_to_us(const struct worker *worker, const struct ip_address *address, uint8_t network)
{
    const struct rules *rules = worker->rules;
    for (uint32_t i = 0; i < rules->listener_count; i++) {
        if (rules->listeners[i].network == network && ip_equal(&rules->listeners[i].address, address))
            return true;
    }
    return false;
}

// The datagram takes the place of its last fragment, in a buffer of the size that it needs.
static enum counter screen_whole(struct worker *worker, struct rte_mbuf **mbuf, struct frame *frame,
                                 const struct reassembled_datagram *whole)
{
    struct packet *packet = packet_of(*mbuf);
    enum counter outcome = frame_walk(frame, whole->next, whole->octets, whole->length);
    if (outcome == COUNTER_COUNT)
        outcome = screen_datagram(worker, packet, frame, false);
    if (outcome != COUNTER_COUNT)
        return outcome;
    bool is_small = packet->length <= tx_small_room(worker);
    struct rte_mempool *pool = is_small ? worker->parts.pool : worker->parts.large;
    struct rte_mbuf *made = pool == NULL ? NULL : rte_pktmbuf_alloc(pool);
    if (made == NULL)
        return COUNTER_DROP_NO_MBUF;
    uint8_t *octets = is_small ? rte_pktmbuf_mtod(made, uint8_t *) : made->buf_addr;
    memcpy(octets, packet->payload, packet->length);
    *packet_of(made) = *packet;
    packet_of(made)->payload = octets;
    packet_of(made)->ask = worker->parts.filter != NULL ? ASK_JUDGED : ASK_NOT;
    rte_pktmbuf_free(*mbuf);
    *mbuf = made;
    return COUNTER_COUNT;
}

// The worker that puts a fragment's datagram together. Those of one datagram may come by several queues,
// since all but the first have no ports for a NIC's hash; where these are several workers', one of them is
// named by what the fragments share (RFC 791 3.2, RFC 8200 4.5; the protocol is always UDP), under a key, so
// that nobody outside chooses it. Elsewhere it is the one that has them.
static unsigned assembler_of(const struct worker *worker, const struct fragment *fragment)
{
    const struct {
        struct ip_address source, destination;
        uint32_t id, network;
    } words = {fragment->source, fragment->destination, fragment->id, fragment->network};
    static_assert(sizeof(words) == 40, "no padding");
    if (worker->parts.count == 1 || worker->rules->networks[fragment->network].queues == 1)
        return worker->parts.id;
    return owner_of(siphash13(&worker->parts.keys.table, &words, sizeof(words)), worker->parts.count);
}

// COUNTER_STEER_FRAGMENT: it is to be handed over.
static enum counter screen_fragment(struct worker *worker, struct rte_mbuf **mbuf, struct frame *frame)
{
    struct fragment fragment = {.source = frame->source,
                                .destination = frame->destination,
                                .id = frame->id,
                                .network = packet_of(*mbuf)->network,
                                .next = frame->next,
                                .has_more = frame->has_more,
                                .offset = frame->offset,
                                .length = frame->octets,
                                .octets = frame->upper};
    struct reassembled_datagram whole;
    struct packet *packet = packet_of(*mbuf);
    if (!is_to_us(worker, &fragment.destination, fragment.network))
        return COUNTER_DROP_NOT_OURS;
    if (packet->ask != ASK_FRAGMENT && worker->parts.filter != NULL &&
        !filter_fragment(worker, packet, frame))
        return COUNTER_DROP_FILTERED;
    // What they send is dropped anyway (parse.c): they are given no room.
    fragment.peer = rules_peer(worker->rules, &fragment.source);
    if (fragment.peer == NUMBER_NONE)
        return COUNTER_DROP_UNKNOWN_SOURCE;
    if (packet->ask != ASK_FRAGMENT) {
        packet->asker = (uint8_t)assembler_of(worker, &fragment);
        if (packet->asker != worker->parts.id)
            return COUNTER_STEER_FRAGMENT;
    }
    packet->ask = ASK_NOT;
    switch (reassemble_add(&worker->reassembler, &fragment, worker->now_us, &whole)) {
    case REASSEMBLED_NOT:
        return COUNTER_OUT_FRAGMENT;
    case REASSEMBLED_WHOLE:
        return screen_whole(worker, mbuf, frame, &whole);
    default:
        return COUNTER_DROP_FRAGMENT;
    }
}

// COUNTER_COUNT: it is ours. Not inlined, so that the plain form's way is short.
static __attribute__((noinline)) enum counter screen_any(struct worker *worker, struct rte_mbuf **mbuf)
{
    struct frame frame;
    enum counter outcome = frame_read(rte_pktmbuf_mtod(*mbuf, const uint8_t *), (*mbuf)->data_len, &frame);
    if (outcome != COUNTER_COUNT)
        return outcome;
    uint8_t network = rules_network(worker->rules, packet_of(*mbuf)->network, frame.tags);
    if (network == NETWORK_NONE)
        return COUNTER_DROP_VLAN;
    packet_of(*mbuf)->network = network;
    if (frame.is_fragment)
        return screen_fragment(worker, mbuf, &frame);
    return screen_datagram(worker, packet_of(*mbuf), &frame, sum_is_known(*mbuf));
}

static enum counter screen(struct worker *worker, struct rte_mbuf **mbuf)
{
    // A NIC may fill less of a buffer than it holds, and go on in the next one: all fits into the first.
    if ((*mbuf)->nb_segs != 1 && rte_pktmbuf_linearize(*mbuf) != 0)
        return COUNTER_DROP_NOT_IP;
    uint32_t octets = rte_pktmbuf_data_len(*mbuf);
    uint8_t network = worker->rules->ports.untagged[packet_of(*mbuf)->network];
    const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(*mbuf, const struct rte_ether_hdr *);
    const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(ethernet + 1);
    if (octets < sizeof(*ethernet) + sizeof(*ip) ||
        ethernet->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ||
        ip->version_ihl != RTE_IPV4_VHL_DEF || ip->src_addr == 0 ||
        (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0 ||
        network == NETWORK_NONE)
        return screen_any(worker, mbuf);
    packet_of(*mbuf)->network = network;
    return screen_plain(worker, *mbuf, ip, octets - (uint32_t)sizeof(*ethernet));
}

unsigned screen_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    unsigned kept = 0;
    if (reassemble_is_due(&worker->reassembler, worker->now_us))
        reassemble_expire(&worker->reassembler, worker->now_us);
    for (unsigned i = 0; i < n; i++) {
        enum counter outcome = screen(worker, &mbufs[i]);
        if (outcome == COUNTER_COUNT) {
            mbufs[kept++] = mbufs[i];
            continue;
        }
        if (outcome == COUNTER_STEER_FRAGMENT) {
            steer_fragment(worker, mbufs[i]);
            continue;
        }
        if (host_path_give(worker, mbufs[i], outcome))
            continue;
        count(worker, outcome);
        if (worker->captures != NULL && outcome != COUNTER_OUT_FRAGMENT)
            capture_frame(worker, mbufs[i], (uint16_t)outcome, 0);
        rte_pktmbuf_free(mbufs[i]);
    }
    return kept;
}
