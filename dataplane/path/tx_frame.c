// SPDX-License-Identifier: BSD-3-Clause
#include "tx_frame.h"

#include <string.h>
#include "random.h"
#include "worker_core.h"

struct datagram {
    const uint8_t *octets;
    uint32_t length;
    uint32_t piece; // octets of it in each frame but the last
};

// What lies between two places of a buffer is its frame.
static void set_frame(struct rte_mbuf *mbuf, const uint8_t *begin, const uint8_t *end)
{
    mbuf->data_off = (uint16_t)(begin - (const uint8_t *)mbuf->buf_addr);
    mbuf->data_len = (uint16_t)(end - begin);
    mbuf->pkt_len = mbuf->data_len;
}

static bool leaves_sums(const struct headers_way *way)
{
    return way->leaves_ip_sum || way->leaves_udp_sum;
}

// What headers_put() left to the NIC.
static void leave_sums(struct rte_mbuf *mbuf, const struct headers_way *way)
{
    bool is_ipv4 = ip_is_ipv4(&way->to);
    unsigned tags = (way->tags >> 16 != 0) + ((way->tags & 0xffff) != 0);
    mbuf->l2_len = FRAME_ETHERNET + tags * FRAME_TAG;
    mbuf->l3_len = is_ipv4 ? FRAME_IPV4 : FRAME_IPV6;
    mbuf->ol_flags |= (is_ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) |
                      (way->leaves_ip_sum && is_ipv4 ? RTE_MBUF_F_TX_IP_CKSUM : 0) |
                      (way->leaves_udp_sum ? RTE_MBUF_F_TX_UDP_CKSUM : 0);
}

static void copy(struct worker *worker, const struct datagram *datagram, const struct headers_way *way,
                 struct tx_frames *frames)
{
    struct headers_piece piece = {.id = (uint32_t)random_word(worker)};
    for (unsigned i = 0; i < frames->count; i++) {
        struct rte_mbuf *mbuf = frames->mbufs[i];
        uint8_t *at = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, HEADERS_OCTETS);
        piece.offset = i * datagram->piece;
        piece.length = RTE_MIN(datagram->length - piece.offset, datagram->piece);
        piece.has_more = i + 1 < frames->count;
        memcpy(at, datagram->octets + piece.offset, piece.length);
        set_frame(mbuf,
                  frames->count > 1 ? headers_put_piece(way, at, &piece)
                                    : headers_put(way, at, piece.length, (uint16_t)piece.id),
                  at + piece.length);
    }
}

uint32_t tx_frame_make(struct worker *worker, struct rte_mbuf *mbuf, const struct writer *writer,
                       struct headers_way *way, struct tx_frames *frames)
{
    uint8_t *udp = writer->octets - FRAME_UDP;
    struct datagram datagram = {.octets = udp, .length = FRAME_UDP + writer->used};
    struct rte_mempool *pool = worker->parts.pool;
    bool is_small = mbuf->pool == pool;
    uint32_t mtu = way->mtu;
    if (!is_small) // headers and all go into a small one
        mtu = RTE_MIN(mtu, tx_small_room(worker) + FRAME_HEADERS - HEADERS_OCTETS);
    datagram.piece = headers_room(way, mtu);
    if (datagram.length > datagram.piece) {
        mtu = RTE_MIN(mtu, tx_small_room(worker) + FRAME_HEADERS - HEADERS_OCTETS);
        datagram.piece = headers_piece_room(way, mtu);
        is_small = false;
    }
    if (datagram.piece == 0 || datagram.length > datagram.piece * TX_FRAMES_MAX)
        return COUNTER_DROP_TOO_LONG;
    frames->count = (datagram.length + datagram.piece - 1) / datagram.piece;
    if (frames->count > 1)
        way->leaves_ip_sum = way->leaves_udp_sum = false;
    headers_udp(way, udp, writer->used);
    if (is_small) {
        frames->mbufs[0] = mbuf;
        set_frame(mbuf, headers_put(way, udp, datagram.length, worker->ip_id++), udp + datagram.length);
        if (leaves_sums(way))
            leave_sums(mbuf, way);
        return 0;
    }
    if (rte_pktmbuf_alloc_bulk(pool, frames->mbufs, frames->count) != 0)
        return COUNTER_DROP_NO_MBUF;
    copy(worker, &datagram, way, frames);
    if (leaves_sums(way))
        leave_sums(frames->mbufs[0], way);
    if (frames->count > 1)
        count(worker, COUNTER_TX_FRAGMENTED);
    return 0;
}
