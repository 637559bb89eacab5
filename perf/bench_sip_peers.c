// SPDX-License-Identifier: BSD-3-Clause
#include "bench_sip.h"
#include "harness.h"

#include <stdlib.h>

struct work {
    const struct corpus *text;
    int (*parse)(const struct corpus *text);
};

static void *setup(const struct bench *bench, int (*parse)(const struct corpus *text))
{
    struct work *work = malloc(sizeof(*work));
    if (work == NULL)
        return NULL;
    *work = (struct work){.text = bench->with, .parse = parse};
    // Nobody is faster for refusing.
    if (parse(work->text) == 0)
        return work;
    free(work);
    return NULL;
}

static void run(void *data, uint64_t iterations)
{
    const struct work *work = data;
    for (uint64_t i = 0; i < iterations; i++)
        if (work->parse(work->text) != 0)
            abort();
}

#define INVITE &corpus[CORPUS_INVITE]
#define OK     &corpus[CORPUS_200]
#define BYE    &corpus[CORPUS_BYE]
#define ROWS(peer)                                                                                           \
    {#peer "_parse/invite", 1, INVITE, setup_##peer, run, free, .octets = 890},                              \
        {#peer "_parse/200", 1, OK, setup_##peer, run, free, .octets = 808},                                 \
    {                                                                                                        \
#peer "_parse/bye", 1, BYE, setup_##peer, run, free, .octets = 406                                   \
    }
#define SETUP(peer)                                                                                          \
    static void *setup_##peer(const struct bench *bench)                                                     \
    {                                                                                                        \
        return setup(bench, peer##_parse_one);                                                               \
    }

#ifdef PERF_SOFIA
SETUP(sofia)
#endif
#ifdef PERF_OSIP
SETUP(osip)
#endif
#ifdef PERF_RE
SETUP(re)
#endif

static const struct bench benches[] = {
#ifdef PERF_SOFIA
    ROWS(sofia),
#endif
#ifdef PERF_OSIP
    ROWS(osip),
#endif
#ifdef PERF_RE
    ROWS(re),
#endif
    {.name = NULL},
};

void bench_sip_peers(void)
{
#ifdef PERF_OSIP
    osip_prepare();
#endif
    for (const struct bench *bench = benches; bench->name != NULL; bench++)
        bench_add(bench);
}
