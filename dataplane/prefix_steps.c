// SPDX-License-Identifier: BSD-3-Clause
#include "path/prefix_steps.h"

#include <stdlib.h>
#include <string.h>
#include "dialgate/prefilter.h"
#include "dialgate/snapshot.h"

struct prefix {
    struct ip_address first, last;
    uint32_t class;
    uint16_t length;
};

struct making {
    struct prefix_step *steps;
    uint32_t count;
};

// Of the same prefix the highest wins: denied before a peer's, a peer's before nobody's.
static uint32_t rank_of(uint32_t class)
{
    return class == PREFILTER_STRANGERS ? 0 : class + 1;
}

// Outer ones first; of the same prefix the one that wins last.
static int compare(const void *left, const void *right)
{
    const struct prefix *a = left, *b = right;
    uint32_t of_a = rank_of(a->class), of_b = rank_of(b->class);
    int order = memcmp(&a->first, &b->first, sizeof(a->first));
    if (order == 0)
        order = (int)a->length - (int)b->length;
    return order ? order : (of_a > of_b) - (of_a < of_b);
}

static struct prefix prefix_of(const struct ip_address *address, uint16_t length, uint32_t class)
{
    struct prefix prefix = {.first = *address, .last = *address, .class = class, .length = length};
    for (unsigned bit = length; bit < 128; bit++) {
        prefix.first.octets[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
        prefix.last.octets[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    }
    return prefix;
}

static void step(struct making *making, uint64_t high, uint64_t low, uint32_t class)
{
    struct prefix_step *last = &making->steps[making->count - 1];

    if (last->high == high && last->low == low)
        last->class = class;
    else
        making->steps[making->count++] = (struct prefix_step){.high = high, .low = low, .class = class};
}

// Behind the last address of a prefix whatever surrounds it goes on.
static void step_out(struct making *making, const struct prefix *prefix, uint32_t class)
{
    struct ip_words last = ip_words(&prefix->last);
    uint64_t high = be64toh(last.words[0]), low = be64toh(last.words[1]) + 1;
    high += low == 0;
    if (high != 0 || low != 0)
        step(making, high, low, class);
}

static void make_steps(struct making *making, const struct prefix *prefixes, uint32_t count)
{
    const struct prefix *open[130] = {
        NULL}; // prefixes that contain each other; the same one twice is possible
    uint32_t depth = 0;
    making->steps[0] = (struct prefix_step){.class = PREFILTER_STRANGERS};
    making->count = 1;
    for (uint32_t i = 0; i <= count; i++) {
        while (depth > 0 && (i == count || memcmp(&open[depth - 1]->last, &prefixes[i].first,
                                                  sizeof(prefixes[i].first)) < 0)) {
            depth--;
            step_out(making, open[depth], depth > 0 ? open[depth - 1]->class : PREFILTER_STRANGERS);
        }
        if (i == count)
            return;
        if (depth > 0 && compare(open[depth - 1], &prefixes[i]) < 0 &&
            open[depth - 1]->length == prefixes[i].length)
            depth--; // the same prefix wins
        open[depth++] = &prefixes[i];
        struct ip_words first = ip_words(&prefixes[i].first);
        step(making, be64toh(first.words[0]), be64toh(first.words[1]), prefixes[i].class);
    }
}

static const void *section(const struct snapshot_header *image, enum snapshot_section which)
{
    return (const uint8_t *)image + image->sections[which].offset;
}

uint32_t prefix_steps_room(const struct snapshot_header *image)
{
    return 2 * (image->sections[SECTION_SOURCES].count + image->sections[SECTION_DENY].count + 1) + 1;
}

uint32_t prefix_steps_make(const struct snapshot_header *image, struct prefix_step *steps)
{
    const struct snapshot_source *sources = section(image, SECTION_SOURCES);
    const struct snapshot_deny *denies = section(image, SECTION_DENY);
    const uint32_t source_count = image->sections[SECTION_SOURCES].count;
    const uint32_t rows = source_count + image->sections[SECTION_DENY].count;
    const struct ip_address ipv4 = IP_MAPPED(0);
    struct prefix *prefixes = calloc(rows + 1, sizeof(*prefixes));
    struct making making = {.steps = steps};

    if (prefixes == NULL)
        return 0;
    for (uint32_t i = 0; i < source_count; i++)
        prefixes[i] = prefix_of(&sources[i].address, sources[i].length, sources[i].peer);
    for (uint32_t i = source_count; i < rows; i++) {
        const struct snapshot_deny *deny = &denies[i - source_count];

        prefixes[i] = prefix_of(&deny->address, deny->length, PREFILTER_DENIED);
    }
    prefixes[rows] = prefix_of(&ipv4, IP_MAPPED_BITS, PREFILTER_STRANGERS); // ::/0 is IPv6's alone
    qsort(prefixes, rows + 1, sizeof(*prefixes), compare);
    make_steps(&making, prefixes, rows + 1);
    free(prefixes);
    return making.count;
}
