// SPDX-License-Identifier: BSD-3-Clause
// The software filter's verdict, which workers give where no XDP program runs: filter_passes() alone, on a
// packet that screen has read. The rows are those of bench_prefilter.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include "harness.h"
#include "prefixes.h"

#include <stdlib.h>
#include <string.h>
#include "software.h"

struct judged {
    struct ip_address source;
    const char *payload;
    size_t length;
};

struct row {
    struct bench bench;
    const char *source;
    const char *payload;
    unsigned no_strangers; // their bucket is empty
};

static void *setup(const struct bench *bench)
{
    const struct row *row = bench->with;
    struct prefixes_image *image = calloc(1, sizeof(*image));
    struct judged *judged = calloc(1, sizeof(*judged));

    if (image == NULL || judged == NULL) {
        free(image);
        free(judged);
        return NULL;
    }
    prefixes_make(image, bench->size, row->no_strangers);
    software_open();
    software_load(&image->image.header);
    free(image);
    *judged = (struct judged){fixture_source(row->source, 128).address, row->payload, strlen(row->payload)};
    return judged;
}

static void run(void *data, uint64_t iterations)
{
    const struct judged *judged = data;

    for (; iterations > 0; iterations--)
        software_passes(&judged->source, judged->payload, judged->length);
}

static void teardown(void *data)
{
    software_close();
    free(data);
}

#define ROW(name_, prefixes, source_, payload_, no_strangers_)                                               \
    {                                                                                                        \
        {.name = "filter_" name_, .size = prefixes, .setup = setup, .run = run, .teardown = teardown},       \
            source_, payload_, no_strangers_                                                                 \
    }

static struct row rows[] = {
    ROW("peer/20", 20, PEER, OPTIONS LONG, 0),
    ROW("peer/10k", 10000, PEER, OPTIONS LONG, 0),
    ROW("peer_invite/20", 20, PEER, INVITE LONG, 0),
    ROW("peer6/20", 20, PEER6, OPTIONS LONG, 0),
    ROW("refused_stranger/20", 20, STRANGER, OPTIONS LONG, 1),
    ROW("not_sip/20", 20, PEER, "<not SIP at all>" LONG, 0),
    ROW("denied/20", 20, DENIED, OPTIONS LONG, 0),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rows[i].bench.with = &rows[i];
        bench_add(&rows[i].bench);
    }
    return bench_main(argc, argv);
}
