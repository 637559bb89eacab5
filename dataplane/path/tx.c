// SPDX-License-Identifier: BSD-3-Clause
// What leaves: a message rendered into a fresh mbuf behind room for the frame's headers. Next hop and MAC
// come from the kernel's tables; an unknown neighbour is asked for and the message counted as not sent (SIP
// repeats it). Checksums are made in software: neither AF_XDP nor AF_PACKET can offload them.
#include <netinet/in.h>
#include <string.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ring.h>
#include <rte_udp.h>
#include "checksum.h"
#include "worker_core.h"

struct frame {
    struct rte_ether_hdr ethernet;
    struct rte_ipv4_hdr ip;
    struct rte_udp_hdr udp;
} __rte_packed __rte_aligned(2); // the mbuf's headroom is even
static_assert(sizeof(struct frame) == FRAME_HEADERS, "the room that tx_open leaves");

struct rte_mbuf *tx_open(struct worker *worker, struct writer *writer)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(worker->parts.pool);
    if (mbuf == NULL)
        return NULL;
    writer_init(writer, rte_pktmbuf_mtod_offset(mbuf, void *, FRAME_HEADERS),
                rte_pktmbuf_tailroom(mbuf) - FRAME_HEADERS);
    return mbuf;
}

// A transaction may remember a listener that a reload has taken away since.
static bool has_listener(const struct worker *worker, struct endpoint to)
{
    return to.listener < worker->rules->listener_count;
}

bool tx_has_mbufs(struct worker *worker)
{
    struct rte_mbuf *mbufs[TX_MBUFS];
    const struct rte_mempool_cache *cache = rte_mempool_default_cache(worker->parts.pool, rte_lcore_id());
    if (cache != NULL && cache->len >= TX_MBUFS)
        return true;
    if (rte_pktmbuf_alloc_bulk(worker->parts.pool, mbufs, TX_MBUFS) != 0)
        return false;
    rte_pktmbuf_free_bulk(mbufs, TX_MBUFS);
    return true;
}

uint32_t tx_room(const struct worker *worker, struct endpoint to)
{
    if (!has_listener(worker, to))
        return 0;
    uint32_t mtu = worker->nexthops->networks[worker->rules->listeners[to.listener].network].mtu;
    uint32_t room = rte_pktmbuf_data_room_size(worker->parts.pool) - RTE_PKTMBUF_HEADROOM - FRAME_HEADERS;
    uint32_t headers = sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr);
    return mtu < headers ? 0 : RTE_MIN(mtu - headers, room);
}

bool tx_is_routed(const struct worker *worker, struct endpoint to)
{
    struct nexthop hop;
    return has_listener(worker, to) &&
           nexthop_find(worker->nexthops, (uint8_t)worker->rules->listeners[to.listener].network, to.address,
                        &hop) != NEXTHOP_UNROUTED;
}

// Neither the driver nor the worker that owns the queue has room for these.
static void tx_refuse(struct worker *worker, struct rte_mbuf **mbufs, unsigned n)
{
    count_add(worker, COUNTER_TX_REFUSED, n);
    for (unsigned i = 0; worker->captures != NULL && i < n; i++)
        capture_frame(worker, mbufs[i], COUNTER_TX_REFUSED, CAPTURE_SENT);
    rte_pktmbuf_free_bulk(mbufs, n);
}

static void tx_hand_over(struct worker *worker, unsigned owner)
{
    struct tx_buffer *buffer = &worker->tx_away[owner];
    unsigned taken = rte_ring_sp_enqueue_burst(worker->parts.tx_out[owner], (void *const *)buffer->mbufs,
                                               buffer->count, NULL);
    if (taken < buffer->count)
        tx_refuse(worker, buffer->mbufs + taken, buffer->count - taken);
    buffer->count = 0;
}

// From the turn that received a message to now, when the driver has what came of it. Frames of one turn lie
// side by side: mostly one step for all.
static void tx_count_latency(struct worker *worker, const uint32_t *received_us, unsigned n)
{
    uint32_t now_us = (uint32_t)worker_us(worker);
    for (unsigned i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && received_us[end] == received_us[i];)
            end++;
        int32_t latency_us = (int32_t)(now_us - received_us[i]); // another core's clock may be a little ahead
        if (received_us[i] != 0)
            count_histogram(worker, HISTOGRAM_FORWARDING, (uint64_t)RTE_MAX(latency_us, 0), end - i);
    }
}

static void tx_drive(struct worker *worker, uint8_t network)
{
    struct tx_buffer *buffer = &worker->tx_queue[network];
    const struct worker_queue *queue = &worker->queues[worker->queue_of[network]];
    unsigned taken = rte_eth_tx_burst(queue->port, queue->queue, buffer->mbufs, (uint16_t)buffer->count);
    for (unsigned i = taken; i < buffer->count; i++)
        packet_of(buffer->mbufs[i])->network = network; // for captures
    if (taken < buffer->count)
        tx_refuse(worker, buffer->mbufs + taken, buffer->count - taken);
    count_add(worker, COUNTER_TX_PACKETS, taken);
    tx_count_latency(worker, worker->tx_received_us[network], taken);
    buffer->count = 0;
}

// One queue a network: what was sent first leaves first. A full buffer leaves before the next one comes, not
// as soon as it is full: nobody hears a 2xx before the dialog that it makes is in the file.
static void tx_enqueue(struct worker *worker, struct rte_mbuf *mbuf, uint8_t network, uint32_t received_us)
{
    if (worker->queue_of[network] >= 0) {
        struct tx_buffer *buffer = &worker->tx_queue[network];
        if (buffer->count == RTE_DIM(buffer->mbufs))
            tx_drive(worker, network);
        worker->tx_received_us[network][buffer->count] = received_us;
        buffer->mbufs[buffer->count++] = mbuf;
        return;
    }
    unsigned owner = worker->parts.tx_owner[network];
    packet_of(mbuf)->network = network;
    packet_of(mbuf)->received_us = received_us;
    struct tx_buffer *buffer = &worker->tx_away[owner];
    if (buffer->count == RTE_DIM(buffer->mbufs))
        tx_hand_over(worker, owner);
    buffer->mbufs[buffer->count++] = mbuf;
}

static void tx_headers(struct worker *worker, struct frame *frame, uint32_t payload, struct endpoint to)
{
    uint16_t udp_octets = (uint16_t)(payload + sizeof(struct rte_udp_hdr));
    uint32_t from = worker->rules->listener_addresses[to.listener];
    frame->ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
    frame->ip = (struct rte_ipv4_hdr){
        .version_ihl = RTE_IPV4_VHL_DEF,
        .total_length = rte_cpu_to_be_16((uint16_t)(udp_octets + sizeof(struct rte_ipv4_hdr))),
        .packet_id = rte_cpu_to_be_16(worker->ip_id++),
        .time_to_live = 64,
        .next_proto_id = IPPROTO_UDP,
        .src_addr = rte_cpu_to_be_32(from),
        .dst_addr = rte_cpu_to_be_32(to.address),
    };
    frame->ip.hdr_checksum = (uint16_t)~checksum_fold(checksum_header(&frame->ip));
    frame->udp = (struct rte_udp_hdr){
        .src_port = rte_cpu_to_be_16(worker->rules->listeners[to.listener].port),
        .dst_port = rte_cpu_to_be_16(to.port),
        .dgram_len = rte_cpu_to_be_16(udp_octets),
    };
    unsigned long long pseudo = checksum_pseudo(frame->ip.src_addr, frame->ip.dst_addr, frame->udp.dgram_len);
    uint16_t sum = checksum_fold(checksum_add(pseudo, &frame->udp, udp_octets));
    // 0 would say that there is none (RFC 768).
    frame->udp.dgram_cksum = sum == 0xffff ? sum : (uint16_t)~sum;
}

// Of one turn's messages most leave by the same next hop as the last one; the table does not change in a
// turn.
static enum nexthop_result find_hop(struct worker *worker, uint8_t network, uint32_t address,
                                    struct nexthop *hop)
{
    struct last_hop *last = &worker->last_hop;
    if (last->is_known && last->address == address && last->network == network) {
        *hop = last->hop;
        return NEXTHOP_FOUND;
    }
    enum nexthop_result result = nexthop_find(worker->nexthops, network, address, hop);
    if (result == NEXTHOP_FOUND)
        *last = (struct last_hop){.hop = *hop, .address = address, .network = network, .is_known = true};
    return result;
}

uint32_t tx_send(struct worker *worker, struct rte_mbuf *mbuf, const struct writer *writer,
                 struct endpoint to)
{
    uint32_t outcome = COUNTER_DROP_NO_NEXT_HOP;
    if (!has_listener(worker, to))
        goto drop;
    outcome = COUNTER_DROP_TOO_LONG;
    if (writer->overflow || writer->used > tx_room(worker, to))
        goto drop;
    uint8_t network = (uint8_t)worker->rules->listeners[to.listener].network;
    struct nexthop hop;
    switch (find_hop(worker, network, to.address, &hop)) {
    case NEXTHOP_FOUND:
        break;
    case NEXTHOP_UNRESOLVED:
        // A full ask ring only delays the question: the next packet asks again.
        if (rte_ring_sp_enqueue(worker->parts.asks, WORKER_ASK(network, hop.address)) == 0)
            count(worker, COUNTER_NEXT_HOP_ASKED);
        outcome = COUNTER_DROP_NO_NEXT_HOP;
        goto drop;
    default:
        count(worker, COUNTER_NEXT_HOP_UNROUTED);
        outcome = COUNTER_DROP_NO_NEXT_HOP;
        goto drop;
    }
    struct frame *frame = rte_pktmbuf_mtod(mbuf, struct frame *);
    memcpy(&frame->ethernet.dst_addr, hop.mac, sizeof(hop.mac));
    memcpy(&frame->ethernet.src_addr, worker->nexthops->networks[network].mac, sizeof(hop.mac));
    tx_headers(worker, frame, writer->used, to);
    mbuf->data_len = (uint16_t)(FRAME_HEADERS + writer->used);
    mbuf->pkt_len = mbuf->data_len;
    if (worker->captures != NULL)
        capture_sent(worker, writer, to, CAPTURE_NO_OUTCOME);
    tx_enqueue(worker, mbuf, network, worker->received_us);
    return 0;
drop:
    if (worker->captures != NULL)
        capture_sent(worker, writer, to, (uint16_t)outcome);
    rte_pktmbuf_free(mbuf);
    return outcome;
}

uint32_t tx_copy(struct worker *worker, const void *octets, uint32_t length, struct endpoint to)
{
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open(worker, &writer);
    if (mbuf == NULL)
        return COUNTER_DROP_NO_MBUF;
    write_octets(&writer, octets, length);
    return tx_send(worker, mbuf, &writer, to);
}

void tx_flush(struct worker *worker)
{
    for (unsigned from = 0; from < worker->parts.count; from++) {
        if (worker->parts.tx_in[from] == NULL)
            continue;
        struct rte_mbuf *mbufs[BURST];
        unsigned n = rte_ring_sc_dequeue_burst(worker->parts.tx_in[from], (void **)mbufs, BURST, NULL);
        for (unsigned i = 0; i < n; i++)
            tx_enqueue(worker, mbufs[i], packet_of(mbufs[i])->network, packet_of(mbufs[i])->received_us);
    }
    for (unsigned network = 0; network < worker->rules->network_count; network++) {
        if (worker->tx_queue[network].count > 0)
            tx_drive(worker, (uint8_t)network);
    }
    for (unsigned owner = 0; owner < worker->parts.count; owner++) {
        if (worker->tx_away[owner].count > 0)
            tx_hand_over(worker, owner);
    }
}
