// SPDX-License-Identifier: BSD-3-Clause
// A source whose packets come by several queues has a row at each of their workers: rows of one source are
// brought together by their order, and summed.
#include "droppers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "drop_read.h"

#define A_WORKER ((size_t)FILTER_DROPPER_SETS * FILTER_DROPPER_WAYS)

static int compare(const void *left, const void *right)
{
    const struct filter_dropper *a = left, *b = right;
    return memcmp(&a->source, &b->source, sizeof(a->source));
}

static size_t gather(const struct counters *counters, uint32_t network, struct filter_dropper *rows)
{
    size_t count = 0;
    for (uint32_t worker = 0; worker < counters_workers(counters); worker++) {
        const struct filter_notes *notes = counters_notes(counters, worker);
        for (uint32_t i = 0; i < A_WORKER; i++)
            if (drop_notes_dropper(notes, i / FILTER_DROPPER_WAYS, i % FILTER_DROPPER_WAYS, &rows[count]) &&
                rows[count].network == network)
                count++;
    }
    return count;
}

static void add(struct prefilter_dropped *sum, const struct prefilter_dropped *one)
{
    uint64_t packets = sum->packets + one->packets;
    if ((int32_t)(one->seen_s - sum->seen_s) >= 0)
        *sum = *one;
    sum->packets = packets;
}

static int top_of_workers(const struct counters *counters, uint32_t network, struct prefilter_top *top)
{
    struct filter_dropper *rows = malloc(((size_t)counters_workers(counters) * A_WORKER) * sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    size_t count = gather(counters, network, rows);
    qsort(rows, count, sizeof(*rows), compare);
    for (size_t i = 0, next; i < count; i = next) {
        struct prefilter_dropped sum = rows[i].dropped;
        for (next = i + 1; next < count && compare(&rows[i], &rows[next]) == 0; next++)
            add(&sum, &rows[next].dropped);
        prefilter_top_add(top, &rows[i].source, &sum);
    }
    free(rows);
    return (int)top->count;
}

int droppers_top(const struct control *control, uint32_t network, struct prefilter_dropper *rows,
                 size_t capacity)
{
    struct prefilter_top top = {rows, capacity, 0};
    switch (control_filter_place(control, network)) {
    case FILTER_IN_XDP:
        return prefilter_top(&control->prefilters[network], rows, capacity);
    case FILTER_IN_WORKERS:
    case FILTER_INSTEAD:
        return top_of_workers(control->counters, network, &top);
    default:
        return 0;
    }
}
