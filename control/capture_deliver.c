// SPDX-License-Identifier: BSD-3-Clause
// Records of several rings in the order of their times, as far as the rings have it: what a worker got from
// another is older than what it received itself.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "control.h"

static const struct {
    const char *labels;
    const char *help;
} outcomes[COUNTER_COUNT] = {
#define C(name, family, label, text) [COUNTER_##name] = {label, text},
    COUNTERS(C)
#undef C
};

// As on /metrics, so that one may be looked up there: peer="carrier-a",outcome="dropped",reason="listener":
// outside a dialog ...
static void explain(const struct control *control, const struct capture_record *record,
                    char comment[CAPTURE_COMMENT_MAX])
{
    int used =
        snprintf(comment, CAPTURE_COMMENT_MAX, "peer=\"%s\"", control_peer_name(control, record->peer));
    if (record->network != NUMBER_NONE)
        used += snprintf(comment + used, CAPTURE_COMMENT_MAX - (size_t)used, ",network=\"%s\"",
                         control_network_name(control, record->network));
    if (record->outcome != CAPTURE_NO_OUTCOME)
        snprintf(comment + used, CAPTURE_COMMENT_MAX - (size_t)used, ",%s: %s",
                 outcomes[record->outcome].labels, outcomes[record->outcome].help);
}

// Drops are the rows from the first with that outcome to the end of the family PACKETS; and what the driver
// refused.
static bool is_dropped(const struct capture_record *record)
{
    return (record->outcome >= COUNTER_DROP_NOT_IP && record->outcome < COUNTER_TX_PACKETS) ||
           record->outcome == COUNTER_TX_REFUSED;
}

struct delivery {
    const struct capture_record *record;
    const struct capture_packet *packet;
    uint32_t worker;
    uint64_t position; // of the record
};

static bool is_for(const struct capture *capture, const struct delivery *delivery)
{
    const struct capture_record *record = delivery->record;
    if (capture->state == CAPTURE_ASKED || capture->state == CAPTURE_OVER || capture->full ||
        !(record->captures & 1u << capture->slot) || record->serial < capture->serial)
        return false;
    return capture->state != CAPTURE_DRAINING ||
           (int64_t)(capture->ends[delivery->worker] - delivery->position) > 0;
}

// Whether it may belong to a capture that was asked for: until the dataplane has answered, its slot is not
// known. Nothing of it is in the rings before that answer is on its way.
static bool is_early(const struct captures *captures, const struct capture_record *record, uint32_t worker)
{
    uint8_t slots = record->captures;
    for (const struct capture *capture = captures->first; capture; capture = capture->next) {
        bool drains = capture->state == CAPTURE_DRAINING &&
                      (int64_t)(capture->ends[worker] - captures->reader.position[worker]) > 0;
        if ((drains || capture->state == CAPTURE_RUNNING || capture->state == CAPTURE_ENDING) &&
            record->serial >= capture->serial)
            slots &= (uint8_t) ~(1u << capture->slot);
    }
    return slots != 0;
}

static void give(struct control *control, struct capture *capture, const struct delivery *delivery)
{
    struct capture_counts *counts = &control->captures.counts;
    const struct capture_packet *packet = delivery->packet;
    if (capture->writer.fd >= 0) {
        uint64_t before = capture->writer.messages;
        int result = capture_writer_add(&capture->writer, packet);
        if (result == -E2BIG) {
            capture->full = true;
            capture->reason = "octets";
            return;
        }
        if (result < 0) {
            capture_failed(control, capture, result, before + 1 - capture->writer.messages);
            return;
        }
        counts->to_file++;
        capture->messages = capture->writer.messages;
    } else if (!packet->frame) {
        uint64_t before = capture->sender.messages;
        capture_sender_send(&capture->sender, packet, is_dropped(delivery->record));
        capture->messages = capture->sender.messages;
        capture->failed += capture->messages == before;
        counts->lost_collector += capture->messages == before;
        counts->to_collector += capture->messages != before;
    } else {
        return; // HEP has nothing for what is no packet
    }
    capture->octets += packet->length;
    if (capture->messages >= capture->set.messages) {
        capture->full = true;
        capture->reason = "messages";
    }
}

static void deliver(struct control *control, const struct capture_record *record, uint32_t worker,
                    uint64_t position)
{
    char comment[CAPTURE_COMMENT_MAX];
    uint32_t length = record->length < CAPTURE_OCTETS_MAX ? record->length : CAPTURE_OCTETS_MAX;
    const struct capture_packet packet = {.time_us = record->time_us,
                                          .source = record->source,
                                          .destination = record->destination,
                                          .source_port = record->source_port,
                                          .destination_port = record->destination_port,
                                          .outbound = record->flags & CAPTURE_SENT,
                                          .frame = record->flags & CAPTURE_FRAME,
                                          .length = length,
                                          .whole = length,
                                          .comment = comment,
                                          .octets = control->captures.octets};
    const struct delivery delivery = {record, &packet, worker, position};
    explain(control, record, comment);
    for (struct capture *capture = control->captures.first; capture; capture = capture->next)
        if (is_for(capture, &delivery))
            give(control, capture, &delivery);
}

bool capture_deliver(struct control *control, unsigned int most)
{
    struct capture_reader *reader = &control->captures.reader;
    struct capture_record next[WORKERS_MAX];
    bool there[WORKERS_MAX] = {false};
    for (uint32_t i = 0; i < reader->workers; i++)
        there[i] = capture_reader_peek(reader, i, &next[i]);
    for (; most > 0; most--) {
        uint32_t first = WORKERS_MAX;
        for (uint32_t i = 0; i < reader->workers; i++)
            if (there[i] && (first == WORKERS_MAX || next[i].time_us < next[first].time_us))
                first = i;
        if (first == WORKERS_MAX)
            return true;
        if (control->captures.asked > 0 && is_early(&control->captures, &next[first], first))
            return true;
        uint64_t position = reader->position[first];
        capture_reader_take(reader, first, &next[first], control->captures.octets);
        deliver(control, &next[first], first, position);
        there[first] = capture_reader_peek(reader, first, &next[first]);
    }
    return false;
}
