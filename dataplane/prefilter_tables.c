// SPDX-License-Identifier: BSD-3-Clause
#include "prefilter_tables.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "dialgate/snapshot.h"
#include "path/prefix_steps.h"
#include "prefilter.h"

// Two a prefix, the first address and the mapped ones.
static_assert(PREFILTER_STEPS_MAX >= 2 * (2 * SOURCES_MAX + 1) + 1, "every snapshot has room");
static_assert(2 * PREFILTER_STEPS_MAX <= 1u << PREFILTER_SLOT_BITS, "a row fits into a slot");

#define MAPPED_FIRST 0xffff00000000ull // ::ffff:0.0.0.0, and the address behind the last
#define MAPPED_END   0x1000000000000ull

// The maps of a port, as memory. Rows lie as the kernel aligns them: each size is a multiple of 8.
struct tables {
    uint64_t *slots;
    struct prefilter_step4 *steps4;
    struct prefilter_step6 *steps6;
};

#define SLOTS_SIZE  (4 * PREFILTER_SLOTS * sizeof(uint64_t))
#define STEPS4_SIZE (2 * PREFILTER_STEPS_MAX * sizeof(struct prefilter_step4))
#define STEPS6_SIZE (2 * PREFILTER_STEPS_MAX * sizeof(struct prefilter_step6))

static void *map(int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, size);
}

static void close_tables(const struct tables *tables)
{
    unmap(tables->slots, SLOTS_SIZE);
    unmap(tables->steps4, STEPS4_SIZE);
    unmap(tables->steps6, STEPS6_SIZE);
}

// Leaves errno where it fails.
static bool open_tables(struct tables *tables, const struct prefilter_port *port)
{
    tables->slots = map(port->map_fds[PREFILTER_MAP_SLOTS], SLOTS_SIZE);
    if (tables->slots != NULL)
        tables->steps4 = map(port->map_fds[PREFILTER_MAP_STEPS4], STEPS4_SIZE);
    if (tables->steps4 != NULL)
        tables->steps6 = map(port->map_fds[PREFILTER_MAP_STEPS6], STEPS6_SIZE);
    return tables->steps6 != NULL;
}

// The steps of one family, without those that change nothing. Returns how many.
static uint32_t family(const struct prefix_step *steps, uint32_t count, bool ipv4, struct prefix_step *out)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        const bool mapped = steps[i].high == 0 && steps[i].low >= MAPPED_FIRST && steps[i].low < MAPPED_END;

        if (mapped == ipv4 && (kept == 0 || steps[i].class != out[kept - 1].class))
            out[kept++] = steps[i];
    }
    return kept;
}

// Where a slot begins.
struct place {
    uint64_t high, low;
};

static int order(const struct prefix_step *step, const struct place *place)
{
    if (step->high != place->high)
        return step->high < place->high ? -1 : 1;
    return (step->low > place->low) - (step->low < place->low);
}

struct slicing {
    const struct prefix_step *steps;
    uint32_t count;
    uint32_t first; // row of the first step
};

// The slot from begin up to end (NULL: the last one). *at: the first step that is not before it.
static uint64_t slot_of(const struct slicing *slicing, uint32_t *at, const struct place *begin,
                        const struct place *end)
{
    while (*at < slicing->count && order(&slicing->steps[*at], begin) <= 0)
        (*at)++;
    const uint32_t inside = *at;
    while (*at < slicing->count && (end == NULL || order(&slicing->steps[*at], end) < 0))
        (*at)++;
    return prefilter_slot(slicing->steps[inside - 1].class, *at - inside, slicing->first + inside);
}

static void fill_ipv4(const struct tables *tables, const struct prefix_step *steps, uint32_t count,
                      uint32_t half)
{
    const struct slicing slicing = {steps, count, half * PREFILTER_STEPS_MAX};
    uint64_t *slots = tables->slots + prefilter_slot_row(0, half, 0);
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++)
        tables->steps4[slicing.first + i] = (struct prefilter_step4){(uint32_t)steps[i].low, steps[i].class};
    for (uint64_t i = 0; i < PREFILTER_SLOTS; i++) {
        const struct place begin = {0, MAPPED_FIRST | i << 16}, end = {0, MAPPED_FIRST + ((i + 1) << 16)};

        slots[i] = slot_of(&slicing, &at, &begin, &end);
    }
}

static void fill_ipv6(const struct tables *tables, const struct prefix_step *steps, uint32_t count,
                      uint32_t half, struct prefilter_settings *settings)
{
    const struct slicing slicing = {steps, count, half * PREFILTER_STEPS_MAX};
    uint64_t *slots = tables->slots + prefilter_slot_row(1, half, 0);
    const uint64_t base = count > 1 ? steps[1].high : 0;
    uint32_t at = 0, shift = 0;

    while ((steps[count - 1].high - base) >> shift >= PREFILTER_SLOTS)
        shift++;
    settings->slot6_base = base;
    settings->slot6_shift = shift;
    for (uint32_t i = 0; i < count; i++)
        tables->steps6[slicing.first + i] =
            (struct prefilter_step6){steps[i].high, steps[i].low, steps[i].class};
    for (uint64_t i = 0; i < PREFILTER_SLOTS; i++) {
        const struct place begin = {i > 0 ? base + (i << shift) : 0, 0}, end = {base + ((i + 1) << shift), 0};
        // Behind the last address there is nothing, and no step.
        const bool last = i + 1 == PREFILTER_SLOTS || end.high <= base;

        slots[i] = slot_of(&slicing, &at, &begin, last ? NULL : &end);
    }
}

int prefilter_tables_fill(const struct prefilter_port *port, const struct snapshot_header *image,
                          uint32_t half, struct prefilter_settings *settings)
{
    const uint32_t room = prefix_steps_room(image);
    int result = -ENOMEM;

    if (room > PREFILTER_STEPS_MAX)
        return -E2BIG;
    struct prefix_step *steps = calloc(room, sizeof(*steps)), *own = calloc(room, sizeof(*own));
    const uint32_t count = steps != NULL && own != NULL ? prefix_steps_make(image, steps) : 0;
    struct tables tables = {0};
    if (count > 0)
        result = open_tables(&tables, port) ? 0 : -errno;
    if (result == 0 && tables.steps6 != NULL) {
        fill_ipv4(&tables, own, family(steps, count, true, own), half);
        fill_ipv6(&tables, own, family(steps, count, false, own), half, settings);
    }
    close_tables(&tables);
    free(steps);
    free(own);
    return result;
}
