// SPDX-License-Identifier: BSD-3-Clause
// Maps are read in batches: one call a row would hold the event loop for tens of milliseconds when a
// map is full.
#include "prefilter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "dialgate/address.h"

#define CLASS_BATCH 1024u
#define BATCH       4096u // far more than any one hash bucket holds

static const struct {
    uint32_t type;
    uint32_t key_size;
    uint32_t value_size;
} shapes[PREFILTER_MAP_SHARED] = {
    [PREFILTER_MAP_COUNTERS] = {BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint32_t), sizeof(uint64_t)},
    [PREFILTER_MAP_DROPPERS] = {BPF_MAP_TYPE_LRU_HASH, sizeof(struct prefilter_address),
                                sizeof(struct prefilter_dropped)},
    [PREFILTER_MAP_CLASSES] = {BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint32_t), sizeof(uint64_t)},
    [PREFILTER_MAP_DROPS] = {BPF_MAP_TYPE_RINGBUF, 0, 0},
};

int prefilter_check_maps(const struct prefilter_maps *maps)
{
    for (unsigned i = 0; i < PREFILTER_MAP_SHARED; i++) {
        struct bpf_map_info info = {0};
        uint32_t size = sizeof(info);

        if (bpf_obj_get_info_by_fd(maps->fds[i], &info, &size))
            return -EPROTO;
        if (info.type != shapes[i].type || info.key_size != shapes[i].key_size ||
            info.value_size != shapes[i].value_size)
            return -EPROTO;
    }
    return 0;
}

int prefilter_read_counters(const struct prefilter_maps *maps, uint64_t values[PREFILTER_REASON_COUNT])
{
    int cpus = libbpf_num_possible_cpus();
    int result = 0;

    if (cpus < 0)
        return cpus;
    uint64_t *each = calloc((size_t)cpus, sizeof(*each));
    if (!each)
        return -ENOMEM;
    for (uint32_t reason = 0; reason < PREFILTER_REASON_COUNT; reason++) {
        if (bpf_map_lookup_elem(maps->fds[PREFILTER_MAP_COUNTERS], &reason, each)) {
            result = -errno;
            break;
        }
        values[reason] = 0;
        for (int cpu = 0; cpu < cpus; cpu++)
            values[reason] += each[cpu];
    }
    free(each);
    return result;
}

void prefilter_add_class(const struct prefilter_maps *maps, uint32_t class,
                         uint64_t values[PREFILTER_TALLY_COUNT])
{
    int cpus = libbpf_num_possible_cpus();
    uint64_t *each = cpus > 0 ? calloc((size_t)cpus, sizeof(*each)) : NULL;
    for (uint32_t tally = 0; each && tally < PREFILTER_TALLY_COUNT; tally++) {
        uint32_t key = prefilter_tally_key(class, (enum prefilter_tally)tally);
        if (bpf_map_lookup_elem(maps->fds[PREFILTER_MAP_CLASSES], &key, each))
            break;
        for (int cpu = 0; cpu < cpus; cpu++)
            values[tally] += each[cpu];
    }
    free(each);
}

// In batches: a map has thousands of rows.
int prefilter_add_classes(const struct prefilter_maps *maps, uint32_t classes,
                          uint64_t (*values)[PREFILTER_TALLY_COUNT])
{
    int cpus = libbpf_num_possible_cpus();
    uint32_t keys[CLASS_BATCH], position = 0, wanted = classes * PREFILTER_TALLY_COUNT, done = 0;
    uint64_t *each = cpus > 0 ? calloc((size_t)cpus * CLASS_BATCH, sizeof(*each)) : NULL;
    int result = each ? 0 : -ENOMEM;
    while (result == 0 && done < wanted) {
        uint32_t count = CLASS_BATCH;
        int last = bpf_map_lookup_batch(maps->fds[PREFILTER_MAP_CLASSES], done ? &position : NULL, &position,
                                        keys, each, &count, NULL);
        if (last && errno != ENOENT)
            result = -errno;
        for (uint32_t i = 0; result == 0 && i < count; i++)
            for (int cpu = 0; cpu < cpus && keys[i] < wanted; cpu++)
                values[keys[i] / PREFILTER_TALLY_COUNT][keys[i] % PREFILTER_TALLY_COUNT] +=
                    each[i * (uint32_t)cpus + (uint32_t)cpu];
        done += count;
        if (last || count == 0)
            break;
    }
    free(each);
    return result;
}

struct rows {
    struct prefilter_address addresses[BATCH];
    struct prefilter_dropped values[BATCH];
};

// Calls visit for each row of a map of addresses. A row that moves meanwhile may be seen twice or
// not at all.
static int each_row(int fd, uint32_t entries_max,
                    void (*visit)(void *, const struct prefilter_address *, const struct prefilter_dropped *),
                    void *context)
{
    struct rows *rows = malloc(sizeof(*rows));
    uint32_t position = 0; // a bucket's number
    bool first = true;
    int result = 0;

    if (!rows)
        return -ENOMEM;
    // The map may grow while it is read: the bound keeps this from following it for ever.
    for (uint32_t seen = 0; seen <= 2 * entries_max;) {
        uint32_t count = BATCH;

        int last = bpf_map_lookup_batch(fd, first ? NULL : &position, &position, rows->addresses,
                                        rows->values, &count, NULL);
        if (last && errno != ENOENT) {
            result = -errno;
            break;
        }
        for (uint32_t i = 0; i < count; i++)
            visit(context, &rows->addresses[i], &rows->values[i]);
        seen += count;
        first = false;
        if (last)
            break;
    }
    free(rows);
    return result;
}

// An IPv6 address that is banned or counted stands for its prefix.
static void address_text(const struct prefilter_address *address, char text[INET6_ADDRSTRLEN])
{
    struct ip_address from;

    memcpy(&from, address, sizeof(from));
    if (ip_is_ipv4(&from))
        inet_ntop(AF_INET, from.octets + IP_MAPPED_BITS / 8, text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, from.octets, text, INET6_ADDRSTRLEN);
}

void prefilter_top_add(struct prefilter_top *top, const struct prefilter_address *address,
                       const struct prefilter_dropped *dropped)
{
    size_t at = top->count;

    if (at == top->capacity) {
        if (at == 0 || dropped->packets <= top->rows[at - 1].drops)
            return;
        at--;
    } else {
        top->count++;
    }
    for (; at > 0 && top->rows[at - 1].drops < dropped->packets; at--)
        top->rows[at] = top->rows[at - 1];
    top->rows[at] = (struct prefilter_dropper){.drops = dropped->packets,
                                               .reason = dropped->reason,
                                               .class = dropped->class,
                                               .seen_s = dropped->seen_s};
    address_text(address, top->rows[at].address);
}

static void top_insert(void *context, const struct prefilter_address *address,
                       const struct prefilter_dropped *dropped)
{
    prefilter_top_add(context, address, dropped);
}

int prefilter_top(const struct prefilter_maps *maps, struct prefilter_dropper *rows, size_t capacity)
{
    struct prefilter_top top = {rows, capacity, 0};
    int result = each_row(maps->fds[PREFILTER_MAP_DROPPERS], PREFILTER_DROPPERS_MAX, top_insert, &top);

    return result ? result : (int)top.count;
}
