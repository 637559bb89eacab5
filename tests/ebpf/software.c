// SPDX-License-Identifier: BSD-3-Clause
#include "software.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dataplane/path/worker_core.h"
#include "dataplane/rules_ports.h"

// A received packet that belongs to no pool: it is held twice, so that nobody gives it back.
struct received {
    struct rte_mbuf mbuf;
    struct packet packet;
    uint8_t octets[4096];
};
static_assert(offsetof(struct received, packet) == sizeof(struct rte_mbuf), "its private area");

static struct software {
    struct worker *worker;
    struct published published;
    struct filter *filter;
    struct counters_filter *counters;
    struct counters_worker *counted;
    struct rules rules;
    struct received *received;
} software;

void software_open(void)
{
    software.worker = aligned_alloc(64, (sizeof(struct worker) + 63) / 64 * 64);
    software.filter = calloc(1, sizeof(*software.filter));
    software.counters = calloc(1, sizeof(*software.counters));
    software.counted = calloc(1, sizeof(*software.counted));
    software.received = aligned_alloc(64, (sizeof(struct received) + 63) / 64 * 64);
    assert_true(software.worker != NULL && software.filter != NULL && software.counters != NULL &&
                software.counted != NULL && software.received != NULL);
    memset(software.worker, 0, sizeof(*software.worker));
    software.worker->parts.published = &software.published;
    software.worker->parts.filter = software.filter;
    software.worker->parts.filter_counters = software.counters;
    software.worker->parts.counters = software.counted;
    software.worker->rules = &software.rules;
    software.filter->networks = UINT32_MAX;
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
    free(software.counted);
    free(software.received);
    memset(&software, 0, sizeof(software));
}

static const void *section(const struct snapshot_header *image, enum snapshot_section which)
{
    return (const uint8_t *)image + image->sections[which].offset;
}

void software_load(const struct snapshot_header *image)
{
    filter_policy_destroy(software.published.filter);
    software.published.filter = filter_policy_create(image);
    assert_non_null(software.published.filter);
    software.rules.listeners = section(image, SECTION_LISTENERS);
    software.rules.listener_count = image->sections[SECTION_LISTENERS].count;
    software.rules.networks = section(image, SECTION_NETWORKS);
    software.rules.network_count = image->sections[SECTION_NETWORKS].count;
    assert_int_equal(
        rules_ports_deal(&software.rules.ports, software.rules.networks, software.rules.network_count), -1);
}

void software_ban(const struct ban_source *source, uint64_t until_ns)
{
    static const struct siphash_key key = {{8, 9}};
    filter_bans_destroy(software.published.bans);
    software.published.bans = NULL;
    if (source == NULL)
        return;
    software.published.bans = filter_bans_create(1, &key);
    assert_non_null(software.published.bans);
    const struct ban_lengths lengths = {1, source->length == 64 ? 1 : 2, {64, source->length}};
    assert_int_equal(filter_bans_look(software.published.bans, &lengths), 0);
    assert_int_equal(filter_bans_put(software.published.bans, source, until_ns), 0);
}

bool software_receive(const uint8_t *octets, size_t length)
{
    struct received *received = software.received;
    struct rte_mbuf *mbufs[1] = {&received->mbuf};
    assert_true(length <= sizeof(received->octets));
    memset(received, 0, offsetof(struct received, octets));
    received->mbuf.buf_addr = received->octets;
    received->mbuf.data_len = (uint16_t)length;
    received->mbuf.pkt_len = (uint32_t)length;
    received->mbuf.nb_segs = 1;
    rte_mbuf_refcnt_set(&received->mbuf, 2);
    memcpy(received->octets, octets, length);
    return filter_burst(software.worker, mbufs, screen_burst(software.worker, mbufs, 1)) == 1;
}

bool software_passes(const struct ip_address *source, const char *payload, size_t length)
{
    const struct packet packet = {
        .source = {.address = *source}, .payload = (const uint8_t *)payload, .length = (uint16_t)length};
    return filter_passes(software.worker, software.published.filter, &packet);
}

bool software_passes_from(const struct ip_address *source, const char *payload)
{
    return software_passes(source, payload, strlen(payload));
}

uint64_t software_filtered(void)
{
    return software.counted->values[COUNTER_DROP_FILTERED];
}

uint64_t software_reason(enum prefilter_reason reason)
{
    uint64_t packets = 0;
    for (unsigned network = 0; network < NETWORKS_MAX; network++)
        packets += software.counters->reasons[network][reason];
    return packets;
}

uint64_t software_judged(void)
{
    uint64_t packets = 0;
    for (unsigned reason = 0; reason < PREFILTER_REASON_COUNT; reason++)
        packets += software_reason((enum prefilter_reason)reason);
    return packets;
}

uint64_t software_class_packets(uint32_t class)
{
    uint64_t packets = 0;
    for (unsigned tally = 0; tally < PREFILTER_TALLY_COUNT; tally++)
        packets += software.counters->classes[class][tally];
    return packets;
}

static_assert(SOFTWARE_DENIED == PREFILTER_DENIED, "one number");
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
