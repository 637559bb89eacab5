// SPDX-License-Identifier: BSD-3-Clause
// What leaves: a message rendered into a fresh mbuf behind room for the frame's headers. Next hop and MAC
// come from the kernel's tables; an unknown neighbour is asked for and the message counted as not sent (SIP
// repeats it). Checksums are made in software where the NIC makes none: AF_XDP and AF_PACKET never do. Frames
// that are IPv4 without a tag are tx_plain.c's, all others tx_frame.c's.
//
// Tried in vain: pools that give out first what came back last (DPDK's lf_stack and stack), so that fewer
// buffers are touched. perf/wire was no faster, once the cache of a core is between.
#include <string.h>
#include <rte_ethdev.h>
#include <rte_ring_elem.h>
#include "tx_frame.h"
#include "worker_core.h"

uint32_t tx_small_room(const struct worker *worker)
{
    return rte_pktmbuf_data_room_size(worker->parts.pool) - RTE_PKTMBUF_HEADROOM - FRAME_HEADERS;
}

struct rte_mbuf *tx_open(struct worker *worker, struct writer *writer)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(worker->parts.pool);
    if (mbuf == NULL)
        return NULL;
    writer_init(writer, rte_pktmbuf_mtod_offset(mbuf, void *, FRAME_HEADERS),
                rte_pktmbuf_tailroom(mbuf) - FRAME_HEADERS);
    return mbuf;
}

// A large buffer never leaves itself: only UDP's header has to have room in it.
struct rte_mbuf *tx_open_for(struct worker *worker, struct writer *writer, uint32_t octets)
{
    if (octets <= tx_small_room(worker) || worker->parts.large == NULL)
        return tx_open(worker, writer);
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(worker->parts.large);
    if (mbuf == NULL)
        return NULL;
    writer_init(writer, (uint8_t *)mbuf->buf_addr + FRAME_UDP,
                RTE_MIN((uint32_t)mbuf->buf_len - FRAME_UDP, MESSAGE_SIZE_MAX));
    return mbuf;
}

// A transaction may remember a listener that a reload has taken away since.
static bool has_listener(const struct worker *worker, struct endpoint to)
{
    return to.listener < worker->rules->listener_count;
}

// Frames of a small MTU, generously.
#define FRAME_OCTETS 512u

bool tx_has_mbufs(struct worker *worker, uint32_t octets)
{
    struct rte_mbuf *mbufs[TX_MBUFS + MESSAGE_SIZE_MAX / FRAME_OCTETS];
    const struct rte_mempool_cache *cache = rte_mempool_default_cache(worker->parts.pool, rte_lcore_id());
    unsigned n = TX_MBUFS + (octets > tx_small_room(worker) ? octets / FRAME_OCTETS : 0);
    if (n == TX_MBUFS && cache != NULL && cache->len >= TX_MBUFS)
        return true;
    if (n > TX_MBUFS && worker->parts.large != NULL) {
        struct rte_mbuf *large = rte_pktmbuf_alloc(worker->parts.large);
        if (large == NULL)
            return false;
        rte_pktmbuf_free(large);
    }
    if (rte_pktmbuf_alloc_bulk(worker->parts.pool, mbufs, n) != 0)
        return false;
    rte_pktmbuf_free_bulk(mbufs, n);
    return true;
}

uint32_t tx_room(const struct worker *worker, struct endpoint to)
{
    if (!has_listener(worker, to))
        return 0;
    const struct headers_way way = {.to = to.address};
    uint32_t mtu = worker->nexthops->networks[worker->rules->listeners[to.listener].network].mtu;
    if (headers_piece_room(&way, mtu) > 0 && worker->parts.large != NULL)
        return MESSAGE_SIZE_MAX;
    uint32_t room = headers_room(&way, mtu);
    return room < FRAME_UDP ? 0 : RTE_MIN(room - FRAME_UDP, tx_small_room(worker));
}

bool tx_is_routed(const struct worker *worker, struct endpoint to)
{
    struct nexthop hop;
    return has_listener(worker, to) &&
           nexthop_find(worker->nexthops, (uint8_t)worker->rules->listeners[to.listener].network, &to.address,
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
    unsigned ready = worker->away & 1u << network ? 0 : buffer->count, taken = 0;
    // Some drivers have something of their own to do for their NIC's sums.
    if (ready > 0 && worker->parts.offload[network] != 0)
        ready = rte_eth_tx_prepare(queue->port, queue->queue, buffer->mbufs, (uint16_t)ready);
    if (ready > 0 || buffer->count == 0)
        taken = rte_eth_tx_burst(queue->port, queue->queue, buffer->mbufs, (uint16_t)ready);
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

// Of what has no row of tx_plain.h most leaves by the same next hop as the last one; the table does not
// change in a turn.
static enum nexthop_result find_hop(struct worker *worker, uint8_t network, const struct ip_address *address,
                                    struct nexthop *hop)
{
    struct last_hop *last = &worker->last_hop;
    if (last->is_known && ip_equal(&last->address, address) && last->network == network) {
        *hop = last->hop;
        return NEXTHOP_FOUND;
    }
    enum nexthop_result result = nexthop_find(worker->nexthops, network, address, hop);
    if (result == NEXTHOP_FOUND)
        *last = (struct last_hop){.hop = *hop, .address = *address, .network = network, .is_known = true};
    return result;
}

// Any frame but the plain one. Takes the mbuf. Not inlined: frames are many.
static __attribute__((noinline)) uint32_t tx_any(struct worker *worker, struct rte_mbuf *mbuf,
                                                 const struct writer *writer, struct endpoint to,
                                                 const struct nexthop *hop)
{
    const struct snapshot_listener *listener = &worker->rules->listeners[to.listener];
    const struct nexthop_network *network = &worker->nexthops->networks[listener->network];
    const uint8_t offload = worker->parts.offload[listener->network];
    struct tx_frames frames;
    struct headers_way way = {.tags = worker->tags[listener->network],
                              .from = listener->address,
                              .to = to.address,
                              .from_port = listener->port,
                              .to_port = to.port,
                              .mtu = hop->mtu,
                              .leaves_ip_sum = offload & WORKER_OFFLOAD_IP,
                              .leaves_udp_sum = offload & WORKER_OFFLOAD_UDP};
    memcpy(way.to_mac, hop->mac, sizeof(way.to_mac));
    memcpy(way.from_mac, network->mac, sizeof(way.from_mac));
    uint32_t outcome = tx_frame_make(worker, mbuf, writer, &way, &frames);
    if (worker->captures != NULL)
        capture_sent(worker, writer, to, outcome == 0 ? CAPTURE_NO_OUTCOME : (uint16_t)outcome);
    if (outcome != 0 || frames.mbufs[0] != mbuf)
        rte_pktmbuf_free(mbuf);
    for (unsigned i = 0; outcome == 0 && i < frames.count; i++) // the last one tells how long it took
        tx_enqueue(worker, frames.mbufs[i], (uint8_t)listener->network,
                   i + 1 < frames.count ? 0 : worker->received_us);
    return outcome;
}

static uint32_t tx_find(struct worker *worker, uint8_t network, struct endpoint to, struct nexthop *hop)
{
    switch (find_hop(worker, network, &to.address, hop)) {
    case NEXTHOP_FOUND:
        return 0;
    case NEXTHOP_UNRESOLVED:
        // A full ask ring only delays the question: the next packet asks again.
        if (rte_ring_sp_enqueue_elem(worker->parts.asks,
                                     &(struct worker_ask){.address = hop->address, .network = network},
                                     sizeof(struct worker_ask)) == 0)
            count(worker, COUNTER_NEXT_HOP_ASKED);
        return COUNTER_DROP_NO_NEXT_HOP;
    default:
        count(worker, COUNTER_NEXT_HOP_UNROUTED);
        return COUNTER_DROP_NO_NEXT_HOP;
    }
}

// IPv4 without a tag, in one frame.
static bool is_plain(const struct worker *worker, const struct rte_mbuf *mbuf, uint32_t used,
                     const struct nexthop *hop, uint8_t network)
{
    return hop->mtu >= used + FRAME_IPV4 + FRAME_UDP && used >= TX_PLAIN_OCTETS_MIN &&
           worker->tags[network] == 0 && mbuf->pool == worker->parts.pool;
}

// Takes the mbuf.
static inline void send_plain(struct worker *worker, struct rte_mbuf *mbuf, const struct writer *writer,
                              const struct endpoint *to, const struct tx_plain *row)
{
    tx_plain_make(worker, row, mbuf, writer->used);
    if (worker->captures != NULL)
        capture_sent(worker, writer, *to, CAPTURE_NO_OUTCOME);
    tx_enqueue(worker, mbuf, row->network, worker->received_us);
}

// What has no row of tx_plain.h, or none as yet.
static __attribute__((noinline)) uint32_t send_any(struct worker *worker, struct rte_mbuf *mbuf,
                                                   const struct writer *writer, struct endpoint to)
{
    uint32_t outcome = COUNTER_DROP_NO_NEXT_HOP;
    if (!has_listener(worker, to) ||
        ip_is_ipv4(&worker->rules->listeners[to.listener].address) != ip_is_ipv4(&to.address))
        goto drop; // or its place has one of the other family
    outcome = COUNTER_DROP_TOO_LONG;
    if (writer->overflow)
        goto drop;
    uint8_t network = (uint8_t)worker->rules->listeners[to.listener].network;
    struct nexthop hop;
    outcome = tx_find(worker, network, to, &hop);
    if (outcome != 0)
        goto drop;
    if (!ip_is_ipv4(&to.address) || !is_plain(worker, mbuf, writer->used, &hop, network))
        return tx_any(worker, mbuf, writer, to, &hop);
    send_plain(worker, mbuf, writer, &to, tx_plain_keep(worker, &to, &hop));
    return 0;
drop:
    if (worker->captures != NULL)
        capture_sent(worker, writer, to, (uint16_t)outcome);
    rte_pktmbuf_free(mbuf);
    return outcome;
}

uint32_t tx_send(struct worker *worker, struct rte_mbuf *mbuf, const struct writer *writer,
                 struct endpoint to)
{
    const struct tx_plain *row = tx_plain_find(&worker->plains, &to);
    if (row == NULL || writer->overflow || writer->used > row->room || writer->used < TX_PLAIN_OCTETS_MIN ||
        mbuf->pool != worker->parts.pool)
        return send_any(worker, mbuf, writer, to);
    send_plain(worker, mbuf, writer, &to, row);
    return 0;
}

uint32_t tx_copy(struct worker *worker, const void *octets, uint32_t length, struct endpoint to)
{
    struct writer writer;
    struct rte_mbuf *mbuf = tx_open_for(worker, &writer, length);
    if (mbuf == NULL)
        return COUNTER_DROP_NO_MBUF;
    write_octets(&writer, octets, length);
    return tx_send(worker, mbuf, &writer, to);
}

// The driver of a bond sends its LACPDUs when it is called, be it for nothing.
static bool is_lacp_due(const struct worker *worker, unsigned network)
{
    return worker->rules->networks[network].bond == BOND_LACP && worker->queue_of[network] >= 0 &&
           !(worker->away & 1u << network);
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
        if (worker->tx_queue[network].count > 0 || is_lacp_due(worker, network))
            tx_drive(worker, (uint8_t)network);
    }
    for (unsigned owner = 0; owner < worker->parts.count; owner++) {
        if (worker->tx_away[owner].count > 0)
            tx_hand_over(worker, owner);
    }
}
