// SPDX-License-Identifier: BSD-3-Clause
#include "software.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dataplane/path/frame.h"
#include "dataplane/path/worker_core.h"

static struct software {
    struct worker *worker;
    struct published published;
    struct filter *filter;
    struct counters_filter *counters;
    struct packet packet;
    uint8_t octets[4096]; // of the frame
} software;

void software_open(void)
{
    software.worker = aligned_alloc(64, (sizeof(struct worker) + 63) / 64 * 64);
    software.filter = calloc(1, sizeof(*software.filter));
    software.counters = calloc(1, sizeof(*software.counters));
    assert_true(software.worker != NULL && software.filter != NULL && software.counters != NULL);
    memset(software.worker, 0, sizeof(*software.worker));
    software.worker->parts.published = &software.published;
    software.worker->parts.filter = software.filter;
    software.worker->parts.filter_counters = software.counters;
    software.worker->parts.keys = (struct cookie_keys){{{1, 2}}, {{3, 4}}, {{5, 6}}, 7};
    software.worker->now_us = 5000000000;
}

void software_close(void)
{
    filter_policy_destroy(software.published.filter);
    filter_bans_destroy(software.published.bans);
    free(software.worker);
    free(software.filter);
    free(software.counters);
    memset(&software, 0, sizeof(software));
}

void software_load(const struct snapshot_header *image)
{
    filter_policy_destroy(software.published.filter);
    software.published.filter = filter_policy_create(image);
    assert_non_null(software.published.filter);
}

void software_ban(const struct ban_source *source, uint64_t until_ns)
{
    static const struct siphash_key key = {{8, 9}};
    filter_bans_destroy(software.published.bans);
    software.published.bans = NULL;
    if (source == NULL)
        return;
    software.published.bans = filter_bans_create(1, 1, &key);
    software.published.bans->lengths =
        (struct ban_lengths){1, source->length == 64 ? 1 : 2, {64, source->length}};
    filter_bans_add(software.published.bans, source, until_ns, 0);
}

bool software_read(const uint8_t *octets, size_t length, struct ip_address *source)
{
    struct frame frame = {.upper = NULL};
    struct frame_udp udp;
    assert_true(length <= sizeof(software.octets));
    memcpy(software.octets, octets, length);
    if (frame_read(software.octets, (uint32_t)length, &frame) != COUNTER_COUNT || frame.is_fragment ||
        frame_udp(&frame, true, &udp) != COUNTER_COUNT)
        return false;
    software.packet = (struct packet){.source = {.address = frame.source, .port = udp.source_port},
                                      .payload = udp.payload,
                                      .length = udp.length};
    *source = frame.source;
    return true;
}

bool software_passes(void)
{
    return filter_passes(software.worker, software.published.filter, &software.packet);
}

bool software_passes_from(const struct ip_address *source, const char *payload)
{
    software.packet = (struct packet){.source = {.address = *source},
                                      .payload = (const uint8_t *)payload,
                                      .length = (uint16_t)strlen(payload)};
    return software_passes();
}

uint64_t software_reason(enum prefilter_reason reason)
{
    return software.counters->reasons[0][reason];
}

uint64_t software_class_packets(uint32_t class)
{
    uint64_t packets = 0;
    for (unsigned tally = 0; tally < PREFILTER_TALLY_COUNT; tally++)
        packets += software.counters->classes[class][tally];
    return packets;
}

static_assert(SOFTWARE_DENIED == FILTER_DENIED, "one number");
uint32_t software_class(const struct ip_address *source)
{
    return filter_class(software.published.filter, source);
}

uint64_t software_hits(const struct ban_source *source)
{
    return filter_bans_hits(software.published.bans, source);
}

uint64_t software_now_ns(void)
{
    return software.worker->now_us * 1000;
}

void software_wait_us(uint64_t us)
{
    software.worker->now_us += us;
}

unsigned software_strangers(void)
{
    unsigned known = 0;
    for (unsigned set = 0; set < FILTER_SETS; set++)
        for (unsigned way = 0; way < FILTER_WAYS; way++)
            known += ip_is_set(&software.filter->strangers[set][way].source);
    return known;
}
