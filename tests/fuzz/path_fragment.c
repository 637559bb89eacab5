// SPDX-License-Identifier: BSD-3-Clause
// Any fragments at any time, against a model that keeps a flag for each octet and a list by age: what becomes
// whole has the octets that came, and everything else is refused, repeated or given up for the same reason.
// Then the input as a frame, and as what fragments may carry: what is read of it lies in it.
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "frame.h"
#include "reassemble.h"
#include "sip_check.h"

#define OPERATION 8u // octets

struct model_row {
    struct fragment first; // its key
    bool is_refused, has_end;
    uint32_t end, pieces;
    uint64_t began_us;
    uint8_t octets[REASSEMBLE_OCTETS];
    bool there[REASSEMBLE_OCTETS];
};

struct model {
    struct model_row *rows[REASSEMBLE_DATAGRAMS + 1]; // oldest first; one more is free
    uint32_t count;
    uint64_t counters[COUNTER_COUNT];
};

static bool is_same(const struct fragment *a, const struct fragment *b)
{
    return a->id == b->id && a->network == b->network && ip_equal(&a->source, &b->source);
}

static void model_remove(struct model *model, uint32_t at, enum counter why)
{
    struct model_row *row = model->rows[at];
    if (why != COUNTER_COUNT && !row->is_refused)
        model->counters[why]++;
    memmove(&model->rows[at], &model->rows[at + 1], (REASSEMBLE_DATAGRAMS - at) * sizeof(row));
    model->rows[REASSEMBLE_DATAGRAMS] = row;
    model->count--;
}

static uint32_t model_find(const struct model *model, const struct fragment *fragment)
{
    uint32_t at = 0;
    while (at < model->count && !is_same(&model->rows[at]->first, fragment))
        at++;
    return at;
}

// The oldest datagram of the peer that has most.
static uint32_t model_greediest(const struct model *model)
{
    uint32_t found = 0, most = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        uint32_t of_peer = 0;
        for (uint32_t k = 0; k < model->count; k++)
            of_peer += model->rows[k]->first.peer == model->rows[i]->first.peer;
        if (of_peer > most) {
            most = of_peer;
            found = i;
        }
    }
    return found;
}

static void model_make_room(struct model *model, const struct fragment *fragment)
{
    uint32_t of_peer = 0, of_source = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct fragment *first = &model->rows[i]->first;
        of_peer += first->peer == fragment->peer;
        of_source += first->peer == fragment->peer && ip_equal(&first->source, &fragment->source);
    }
    for (uint32_t i = 0; i < model->count; i++) {
        const struct fragment *first = &model->rows[i]->first;
        bool same_peer = first->peer == fragment->peer;
        if (of_source == REASSEMBLE_OF_SOURCE) {
            if (!same_peer || !ip_equal(&first->source, &fragment->source))
                continue;
            model_remove(model, i, COUNTER_REASSEMBLY_OF_SOURCE);
        } else if (of_peer == REASSEMBLE_OF_PEER) {
            if (!same_peer)
                continue;
            model_remove(model, i, COUNTER_REASSEMBLY_OF_PEER);
        } else if (model->count == REASSEMBLE_DATAGRAMS) {
            model_remove(model, model_greediest(model), COUNTER_REASSEMBLY_NO_ROOM);
        }
        return;
    }
}

static enum reassembled model_refuse(struct model *model, struct model_row *row, enum counter why)
{
    model->counters[why]++;
    row->is_refused = true;
    return REASSEMBLED_REFUSED;
}

static enum reassembled model_store(struct model *model, uint32_t at, const struct fragment *fragment)
{
    struct model_row *row = model->rows[at];
    uint32_t end = fragment->offset + fragment->length, same = 0, there = 0, have = 0;
    if (end > REASSEMBLE_OCTETS)
        return model_refuse(model, row, COUNTER_REASSEMBLY_TOO_LONG);
    if (fragment->has_more ? row->has_end && end >= row->end
        : row->has_end     ? end != row->end
                           : end < row->end)
        return model_refuse(model, row, COUNTER_REASSEMBLY_OVERLAP);
    for (uint32_t i = fragment->offset; i < end; i++) {
        there += row->there[i];
        same += row->there[i] && row->octets[i] == fragment->octets[i - fragment->offset];
    }
    if (same == fragment->length)
        return REASSEMBLED_NOT;
    if (there > 0)
        return model_refuse(model, row, COUNTER_REASSEMBLY_OVERLAP);
    if (row->pieces == REASSEMBLE_PIECES)
        return model_refuse(model, row, COUNTER_REASSEMBLY_PIECES);
    memcpy(row->octets + fragment->offset, fragment->octets, fragment->length);
    memset(row->there + fragment->offset, true, fragment->length);
    row->pieces++;
    row->has_end |= !fragment->has_more;
    row->end = end > row->end ? end : row->end;
    for (uint32_t i = 0; i < row->end; i++)
        have += row->there[i];
    return row->has_end && have == row->end ? REASSEMBLED_WHOLE : REASSEMBLED_NOT;
}

static enum reassembled model_add(struct model *model, const struct fragment *fragment, uint64_t now_us)
{
    if (fragment->offset == 0 && (fragment->next != FRAME_NEXT_UDP || fragment->length < FRAME_UDP)) {
        model->counters[COUNTER_REASSEMBLY_TINY]++;
        return REASSEMBLED_REFUSED;
    }
    uint32_t at = model_find(model, fragment);
    if (at == model->count) {
        model_make_room(model, fragment);
        at = model->count++;
        struct model_row *row = model->rows[at];
        memset(row, 0, sizeof(*row));
        row->first = *fragment;
        row->began_us = now_us;
    }
    return model->rows[at]->is_refused ? REASSEMBLED_REFUSED : model_store(model, at, fragment);
}

// No input has the right sum over a header of IPv4: it is put in.
static void put_sum(uint8_t *octets, uint32_t length)
{
    uint32_t at = FRAME_ETHERNET;
    while (at + FRAME_TAG <= length && at < FRAME_ETHERNET + 2 * FRAME_TAG && octets[at - 2] != 8)
        at += FRAME_TAG;
    if (at + FRAME_IPV4 > length || octets[at - 2] != 8)
        return;
    uint32_t header = (octets[at] & 15u) * 4;
    if (header < FRAME_IPV4 || header > length - at)
        return;
    memset(octets + at + 10, 0, 2);
    uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0, octets + at, header));
    memcpy(octets + at + 10, &sum, sizeof(sum));
}

static void check_read(const struct frame *frame, const uint8_t *octets, uint32_t length)
{
    struct frame_udp udp;
    CHECK(frame->upper >= octets && frame->octets <= (size_t)(octets + length - frame->upper));
    CHECK(!frame->is_fragment || (frame->octets > 0 && frame->offset % 8 == 0 && frame->offset < 65536));
    CHECK(!frame->is_fragment || !frame->has_more || frame->octets % 8 == 0);
    if (!frame->is_fragment && frame_udp(frame, true, &udp) == COUNTER_COUNT)
        CHECK(udp.payload == frame->upper + 8 && udp.length <= frame->octets - 8);
}

static void check_frame(const uint8_t *data, size_t size)
{
    uint32_t length = (uint32_t)(size < 9000 ? size : 9000);
    uint8_t *octets = malloc(length + 1); // its own, so that what lies behind is nobody's
    struct frame frame, ends;
    CHECK(octets != NULL);
    memcpy(octets, data, length);
    put_sum(octets, length);
    bool has_ends = frame_ends(octets, length, &ends);
    if (frame_read(octets, length, &frame) == COUNTER_COUNT) {
        check_read(&frame, octets, length);
        CHECK(has_ends && ends.tags == frame.tags && ip_equal(&ends.source, &frame.source) &&
              ip_equal(&ends.destination, &frame.destination));
    }
    free(octets);
}

// A whole datagram that came in fragments begins with any header, and no fragment lies in it.
static void check_datagram(const uint8_t *data, size_t size)
{
    uint32_t length = (uint32_t)(size < 9000 ? size : 9000);
    uint8_t *octets = malloc(length + 1);
    struct frame frame = {.is_fragment = true, .source = {{0x20, 1}}};
    CHECK(octets != NULL);
    memcpy(octets, data, length);
    if (length > 0 && frame_walk(&frame, octets[0] & 63, octets + 1, length - 1) == COUNTER_COUNT) {
        CHECK(!frame.is_fragment);
        check_read(&frame, octets + 1, length - 1);
    }
    free(octets);
}

// Lengths and places that meet often, and some as far as they go.
static struct fragment fragment_of(const uint8_t *octets, const uint8_t *noise)
{
    struct fragment fragment = {.source = ip_from_ipv4(octets[0] & 15),
                                .destination = ip_from_ipv4(99),
                                .id = octets[1] & 7,
                                .peer = octets[0] & 7,
                                .network = octets[1] >> 7,
                                .next = octets[2] == 255 ? 6 : FRAME_NEXT_UDP,
                                .has_more = octets[3] & 1,
                                .offset = (octets[4] & 15u) * 8,
                                .length = (octets[5] & 31u) + 1,
                                .octets = noise};
    if (octets[3] >= 240)
        fragment.offset = (uint32_t)octets[4] * 256 + octets[3] % 16 * 8;
    if (octets[2] >= 250)
        fragment.length = (uint32_t)octets[5] * 8 + 8;
    if (fragment.has_more)
        fragment.length = (fragment.length + 7) & ~7u;
    return fragment;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reassembler set;
    static struct reassembly_memory memory[REASSEMBLE_DATAGRAMS];
    static struct model_row rows[REASSEMBLE_DATAGRAMS + 1];
    static uint8_t noise[4096];
    static struct model model;
    uint64_t counters[COUNTER_COUNT] = {0}, now = 1;
    reassemble_init(&set, memory, counters);
    memset(&model, 0, sizeof(model));
    for (uint32_t i = 0; i <= REASSEMBLE_DATAGRAMS; i++)
        model.rows[i] = &rows[i];
    for (uint32_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)(i / 8 * 31);
    for (size_t at = 0; at + OPERATION <= size; at += OPERATION) {
        struct reassembled_datagram whole;
        // The octets follow from the place, mostly, so that repetitions are the same.
        struct fragment fragment = fragment_of(data + at, noise);
        fragment.octets += fragment.offset % 1024 + (data[at + 6] == 255 ? 8 : 0);
        now += data[at + 7] < 250 ? 1 : (uint64_t)data[at + 7] * 5000;
        while (model.count > 0 && now - model.rows[0]->began_us >= REASSEMBLE_US)
            model_remove(&model, 0, COUNTER_REASSEMBLY_TIMED_OUT);
        if (reassemble_is_due(&set, now))
            reassemble_expire(&set, now);
        CHECK(set.count == model.count);
        enum reassembled outcome = reassemble_add(&set, &fragment, now, &whole);
        CHECK(outcome == model_add(&model, &fragment, now));
        if (outcome == REASSEMBLED_WHOLE) {
            uint32_t row = model_find(&model, &fragment);
            model.counters[COUNTER_REASSEMBLED]++;
            CHECK(whole.length == model.rows[row]->end && whole.next == FRAME_NEXT_UDP);
            CHECK(memcmp(whole.octets, model.rows[row]->octets, whole.length) == 0);
            model_remove(&model, row, COUNTER_COUNT);
        }
        CHECK(set.count == model.count);
        CHECK(memcmp(counters, model.counters, sizeof(counters)) == 0);
    }
    check_frame(data, size);
    check_datagram(data, size);
    return 0;
}
