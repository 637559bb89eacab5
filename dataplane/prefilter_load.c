// SPDX-License-Identifier: BSD-3-Clause
// Fills the program's maps from a snapshot: everything into the half that is not in force, then one word of
// the configuration puts it there. Buckets, bans and counters belong to neither half.
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "../ebpf/bucket.h"
#include "prefilter.h"
#include "prefilter_tables.h"

// The program reads the clock of a tick that is at most two ticks of 10 ms ago. A bucket whose burst is over
// sooner would be held to less than its rate, and needs the exact one.
#define TICK_NS 10000000ull
#define TICKS   3 // two that its clock is old, and one

static struct prefilter_address words(const struct ip_address *address)
{
    struct prefilter_address to;

    memcpy(&to, address, sizeof(to));
    return to;
}

static const void *section(const struct snapshot_header *image, enum snapshot_section which)
{
    return (const uint8_t *)image + image->sections[which].offset;
}

// Deletes every row: the map starts again at some row when asked for the one after NULL.
static int empty_map(int fd)
{
    struct prefilter_listener key;

    for (uint32_t left = PREFILTER_LISTENERS_MAX + 1; left > 0; left--) {
        if (bpf_map_get_next_key(fd, NULL, &key))
            return errno == ENOENT ? 0 : -errno;
        if (bpf_map_delete_elem(fd, &key))
            return -errno;
    }
    return -E2BIG;
}

static uint16_t wire_port(const struct snapshot_listener *listener)
{
    const uint8_t octets[2] = {(uint8_t)(listener->port >> 8), (uint8_t)listener->port};
    uint16_t port;

    memcpy(&port, octets, sizeof(port));
    return port;
}

// The network of a listener that is found at the interface of `network`, or NULL: networks share one when
// their tags tell them apart.
static const struct snapshot_network *network_at(const struct snapshot_header *image,
                                                 const struct snapshot_listener *listener, uint32_t network)
{
    const struct snapshot_network *networks = section(image, SECTION_NETWORKS);
    const struct snapshot_network *own = &networks[listener->network];

    return strcmp(own->interface, networks[network].interface) == 0 ? own : NULL;
}

static struct prefilter_listener row_of(const struct snapshot_listener *listener,
                                        const struct snapshot_network *own)
{
    return (struct prefilter_listener){
        .address = words(&listener->address), .tags = snapshot_tags(own), .port = wire_port(listener)};
}

static int load_listeners(int fd, const struct snapshot_header *image, uint32_t network)
{
    const struct snapshot_listener *listeners = section(image, SECTION_LISTENERS);
    const uint32_t one = 1;
    int result = empty_map(fd);

    for (uint32_t i = 0; i < image->sections[SECTION_LISTENERS].count && result == 0; i++) {
        const struct snapshot_network *own = network_at(image, &listeners[i], network);

        if (own == NULL)
            continue;
        struct prefilter_listener row = row_of(&listeners[i], own);

        if (bpf_map_update_elem(fd, &row, &one, BPF_ANY))
            return -errno;
        row.fragment = 1;
        row.port = 0;
        if (bpf_map_update_elem(fd, &row, &one, BPF_ANY))
            return -errno;
    }
    return result;
}

static struct bucket_rule rule_of(const struct bucket_limit *limit, uint32_t *exact)
{
    const struct bucket_rule rule = bucket_rule(limit->rate, limit->burst);

    *exact |= rule.interval_ns > 0 && rule.tolerance_ns < TICKS * TICK_NS;
    return rule;
}

// One row a class that has packets: rows of numbers that nobody has are never asked for.
static int load_rules(int fd, const struct snapshot_header *image, uint32_t half, uint32_t *exact)
{
    const struct snapshot_prefilter *from = &image->settings.prefilter;
    const struct snapshot_peer *peers = section(image, SECTION_PEERS);
    const uint32_t first = half * PREFILTER_CLASSES, strangers = first + PREFILTER_STRANGERS;
    const struct prefilter_rules shared = {.all = rule_of(&from->strangers, exact),
                                           .fragment = rule_of(&from->strangers_fragment, exact)};

    for (uint32_t i = 0; i < image->sections[SECTION_PEERS].count; i++) {
        if ((peers[i].flags & SNAPSHOT_PRESENT) == 0)
            continue;
        const struct prefilter_rules rules = {.all = rule_of(&peers[i].filter_all, exact),
                                              .invite = rule_of(&peers[i].filter_invite, exact),
                                              .fragment = rule_of(&peers[i].filter_fragment, exact)};

        const uint32_t row = first + i;

        if (bpf_map_update_elem(fd, &row, &rules, BPF_ANY))
            return -errno;
    }
    return bpf_map_update_elem(fd, &strangers, &shared, BPF_ANY) ? -errno : 0;
}

// Listeners that are found without a lookup.
struct quick {
    struct prefilter_settings *settings;
    uint32_t count, count6;
};

static void add_quick(struct quick *quick, const struct prefilter_listener *row)
{
    struct prefilter_settings *settings = quick->settings;

    if (quick->count == PREFILTER_QUICK_MAX) {
        settings->quick_all = 0;
        return;
    }
    settings->quick_tags[quick->count] = row->tags;
    settings->quick[quick->count++] = prefilter_quick(row->address.words[3], row->port);
}

static void add_quick6(struct quick *quick, const struct prefilter_listener *row)
{
    if (quick->count6 == PREFILTER_QUICK6_MAX)
        quick->settings->quick6_all = 0;
    else
        quick->settings->quick6[quick->count6++] = *row;
}

static void fill_quick(struct prefilter_settings *settings, const struct snapshot_header *image,
                       uint32_t network)
{
    const struct snapshot_listener *listeners = section(image, SECTION_LISTENERS);
    struct quick quick = {.settings = settings};

    settings->quick_all = settings->quick6_all = 1;
    for (uint32_t i = 0; i < PREFILTER_QUICK_MAX; i++)
        settings->quick[i] = UINT64_MAX;
    for (uint32_t i = 0; i < image->sections[SECTION_LISTENERS].count; i++) {
        const struct snapshot_network *own = network_at(image, &listeners[i], network);

        if (own == NULL)
            continue;
        const struct prefilter_listener row = row_of(&listeners[i], own);
        if (ip_is_ipv4(&listeners[i].address))
            add_quick(&quick, &row);
        else
            add_quick6(&quick, &row);
    }
}

static struct prefilter_address mask_of(uint32_t bits)
{
    struct ip_address mask = {{0}};

    for (uint32_t i = 0; i < bits && i < 128; i++)
        mask.octets[i / 8] |= (uint8_t)(0x80u >> i % 8);
    return words(&mask);
}

static struct prefilter_settings settings_of(const struct snapshot_header *image, uint32_t network,
                                             uint32_t exact)
{
    const struct snapshot_prefilter *from = &image->settings.prefilter;
    struct prefilter_settings settings = {.sequence = image->sequence,
                                          .check = from->mode != PREFILTER_OFF,
                                          .dry_run = from->mode == PREFILTER_DRY_RUN,
                                          .source_mask = mask_of(from->source_bits),
                                          .stranger = rule_of(&from->stranger, &exact),
                                          .stranger_invite = rule_of(&from->stranger_invite, &exact)};

    settings.exact = exact;
    fill_quick(&settings, image, network);
    return settings;
}

static int read_config(const struct prefilter_port *port, struct prefilter_config *config)
{
    const uint32_t zero = 0;

    return bpf_map_lookup_elem(port->map_fds[PREFILTER_MAP_CONFIG], &zero, config) ? -errno : 0;
}

static int write_config(const struct prefilter_port *port, const struct prefilter_config *config)
{
    const uint32_t zero = 0;

    return bpf_map_update_elem(port->map_fds[PREFILTER_MAP_CONFIG], &zero, config, BPF_ANY) ? -errno : 0;
}

int prefilter_look_for_bans(const struct prefilter_port *port, const struct ban_lengths *lengths)
{
    struct prefilter_config config;
    int result = read_config(port, &config);

    if (result)
        return result;
    config.banned = lengths->any;
    for (uint32_t i = 0; i < PREFILTER_BAN_LENGTHS; i++) {
        config.ban_lengths[i] = i < lengths->count ? lengths->lengths[i] : 0;
        config.ban_masks[i] = mask_of(config.ban_lengths[i]);
    }
    return write_config(port, &config);
}

// Returns 0 or -errno; *step says where.
static int fill_half(struct prefilter_port *port, const struct snapshot_header *image, uint32_t network,
                     const char **step)
{
    struct prefilter_config config;
    uint32_t exact = 0;
    int result = read_config(port, &config);
    const uint32_t half = !config.active;
    struct prefilter_settings *settings = &config.settings[half];

    *step = "config";
    if (result)
        return result;
    *step = "listeners";
    result = load_listeners(port->map_fds[half ? PREFILTER_MAP_LISTENERS_B : PREFILTER_MAP_LISTENERS_A],
                            image, network);
    if (result)
        return result;
    *step = "rules";
    result = load_rules(port->map_fds[PREFILTER_MAP_RULES], image, half, &exact);
    if (result)
        return result;
    *settings = settings_of(image, network, exact);
    *step = "sources";
    result = prefilter_tables_fill(port, image, half, settings);
    if (result)
        return result;
    *step = "config";
    result = write_config(port, &config);
    // The kernel copies a value word by word: the half must be whole before the word that names it changes.
    config.active = half;
    return result ? result : write_config(port, &config);
}

int prefilter_load(struct prefilter_port *port, const struct snapshot_header *image, uint32_t network,
                   char *error, size_t size)
{
    const char *step;
    int result = fill_half(port, image, network, &step);

    if (result) {
        snprintf(error, size, "prefilter: map %s: %s; the old configuration stays in force", step,
                 result == -ENOSPC || result == -E2BIG ? "too many rows" : strerror(-result));
        return result;
    }
    // Waits for an RCU grace period: a packet on another CPU may still be reading the old half, which the
    // next load clears. Where the kernel refuses (nohz_full) two loads are still far further apart than a
    // packet takes.
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    return 0;
}
