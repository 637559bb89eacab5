// SPDX-License-Identifier: BSD-3-Clause
// Frames of any form: with tags, over IPv6, in fragments. headers.h writes them and frame.h reads them; that
// those two agree with what is standard, tests of their own show.
#include <stdlib.h>
#include <string.h>
#include "frame.h"
#include "headers.h"
#include "wire.h"

static const struct snapshot_listener *listener_of(const struct wire *wire, uint16_t listener)
{
    return &wire->published.rules->listeners[listener];
}

// Where piece number i lies among n: every second one first, when they are mixed.
static uint32_t place_of(enum wire_order order, uint32_t i, uint32_t n)
{
    if (order == WIRE_REVERSED)
        return n - 1 - i;
    if (order == WIRE_MIXED)
        return i < n / 2 ? 2 * i + 1 : 2 * (i - n / 2);
    return i;
}

void wire_put_any(struct wire *wire, struct endpoint from, const void *octets, uint32_t length,
                  const struct wire_form *form)
{
    static uint32_t id;
    const struct snapshot_listener *listener = listener_of(wire, from.listener);
    const struct headers_way way = {.tags = form->tags,
                                    .from = from.address,
                                    .to = listener->address,
                                    .from_port = from.port,
                                    .to_port = listener->port};
    uint32_t datagram = FRAME_UDP + length, room = headers_room(&way, form->mtu), pieces = 1;
    uint8_t *made = malloc(HEADERS_OCTETS + datagram), frame[WIRE_TEXT_MAX];
    assert_non_null(made);
    memcpy(made + HEADERS_OCTETS + FRAME_UDP, octets, length);
    headers_udp(&way, made + HEADERS_OCTETS, length);
    if (datagram > room) {
        room = headers_piece_room(&way, form->mtu);
        pieces = (datagram + room - 1) / room;
    }
    id++;
    for (uint32_t i = 0; i < pieces; i++) {
        uint32_t offset = place_of(form->order, i, pieces) * room, left = datagram - offset;
        struct headers_piece piece = {
            .offset = offset, .length = RTE_MIN(left, room), .has_more = left > room, .id = id};
        uint8_t *at = frame + HEADERS_OCTETS;
        memcpy(at, made + HEADERS_OCTETS + offset, piece.length);
        uint8_t *begin =
            pieces > 1 ? headers_put_piece(&way, at, &piece) : headers_put(&way, at, datagram, (uint16_t)id);
        if (i + 1 == form->lost)
            continue;
        const struct worker_queue queue = {.network = (uint8_t)listener->network,
                                           .queue = (uint16_t)(form->queues > 0 ? i % form->queues : 0)};
        wire_put_frame_queue(wire, &queue, begin, (uint32_t)(at - begin) + piece.length);
    }
    free(made);
}

static bool take_piece(struct wire *wire, struct frame *frame)
{
    struct reassembled_datagram whole;
    const struct fragment fragment = {.source = frame->source,
                                      .destination = frame->destination,
                                      .id = frame->id,
                                      .next = frame->next,
                                      .has_more = frame->has_more,
                                      .offset = frame->offset,
                                      .length = frame->octets,
                                      .octets = frame->upper};
    wire->pieces++;
    enum reassembled outcome = reassemble_add(&wire->reassembler, &fragment, 0, &whole);
    if (outcome == REASSEMBLED_NOT)
        return false;
    assert_int_equal(outcome, REASSEMBLED_WHOLE);
    assert_int_equal(frame_walk(frame, whole.next, whole.octets, whole.length), COUNTER_COUNT);
    return true;
}

bool wire_read_any(struct wire *wire, const struct rte_mbuf *mbuf, unsigned network,
                   struct wire_packet *packet)
{
    const uint8_t *octets = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    struct frame frame;
    struct frame_udp udp;
    assert_int_equal(mbuf->nb_segs, 1);
    assert_int_equal(mbuf->pkt_len, mbuf->data_len);
    assert_int_equal(frame_read(octets, mbuf->data_len, &frame), COUNTER_COUNT);
    network = rules_network(wire->published.rules, (uint8_t)network, frame.tags);
    assert_int_not_equal(network, NETWORK_NONE);
    assert_memory_equal(octets + 6, wire->published.nexthops->networks[network].mac, 6);
    assert_true(ip_equal(&frame.source, &listener_of(wire, (uint16_t)network)->address));
    if (frame.is_fragment && !take_piece(wire, &frame))
        return false;
    assert_int_equal(frame_udp(&frame, false, &udp), COUNTER_COUNT);
    assert_int_equal(udp.source_port, 5060);
    packet->to = (struct endpoint){
        .address = frame.destination, .port = udp.destination_port, .listener = (uint16_t)network};
    packet->length = udp.length;
    memcpy(wire->large, udp.payload, udp.length);
    wire->large[udp.length] = '\0';
    memcpy(packet->text, wire->large, RTE_MIN(udp.length + 1u, WIRE_TEXT_MAX));
    packet->text[WIRE_TEXT_MAX - 1] = '\0';
    assert_int_equal(message_parse(wire->large, udp.length, &packet->message), MESSAGE_FINE);
    return true;
}
