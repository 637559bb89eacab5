// SPDX-License-Identifier: BSD-3-Clause
// rte_hash with the same words as keys of 8 octets, and with their hash handed in. It compares the key in its
// own store, so that a record is not touched.
#include "bench_state.h"
#include "harness.h"

#include <rte_hash.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define HASHES_MAX 8u
#define BURST      32u

struct subject {
    uint32_t count;
    uint32_t at;
    struct rte_hash *hash;
    const uint64_t *words;
};

static struct rte_hash *hash_new(uint32_t count)
{
    char name[RTE_HASH_NAMESIZE];
    snprintf(name, sizeof(name), "hash%u", count);
    struct rte_hash_parameters parameters = {
        .name = name, .entries = count, .key_len = sizeof(uint64_t), .socket_id = (int)rte_socket_id()};
    struct rte_hash *hash = rte_hash_create(&parameters);
    for (uint32_t i = 0; hash != NULL && i < count; i++) {
        uint64_t word = bench_mix(i);
        if (rte_hash_add_key_with_hash(hash, &word, (uint32_t)word) < 0) {
            fprintf(stderr, "bench_state: rte_hash for %u entries is full at %u\n", count, i);
            rte_hash_free(hash);
            return NULL;
        }
    }
    return hash;
}

static void *subject_of(const struct bench *bench)
{
    static struct subject subjects[HASHES_MAX];
    uint32_t count = (uint32_t)bench->size;
    struct subject *subject = subjects;
    while (subject < &subjects[HASHES_MAX - 1] && subject->count != 0 && subject->count != count)
        subject++;
    if (subject->count == 0 && bench_eal()) {
        subject->count = count;
        subject->words = bench_words(count);
        subject->hash = hash_new(count);
    }
    return subject->hash != NULL ? subject : NULL;
}

static inline const uint64_t *next_word(struct subject *subject)
{
    const uint64_t *word = &subject->words[subject->at];
    subject->at = subject->at + 1 == subject->count ? 0 : subject->at + 1;
    return word;
}

static void run_single(void *data, uint64_t iterations)
{
    struct subject *subject = data;
    for (uint64_t i = 0; i < iterations; i++) {
        const uint64_t *word = next_word(subject);
        int32_t position = rte_hash_lookup_with_hash(subject->hash, word, (uint32_t)*word);
        bench_keep(&position);
    }
}

static void run_bulk(void *data, uint64_t iterations)
{
    struct subject *subject = data;
    for (uint64_t i = 0; i < iterations; i++) {
        const void *keys[BURST];
        hash_sig_t signatures[BURST];
        int32_t positions[BURST];
        for (unsigned n = 0; n < BURST; n++) {
            const uint64_t *word = next_word(subject);
            keys[n] = word;
            signatures[n] = (uint32_t)*word;
        }
        rte_hash_lookup_with_hash_bulk(subject->hash, keys, signatures, BURST, positions);
        bench_keep(positions);
    }
}

static void run_change(void *data, uint64_t iterations)
{
    struct subject *subject = data;
    for (uint64_t i = 0; i < iterations; i++) {
        const uint64_t *word = next_word(subject);
        if (rte_hash_del_key_with_hash(subject->hash, word, (uint32_t)*word) < 0 ||
            rte_hash_add_key_with_hash(subject->hash, word, (uint32_t)*word) < 0)
            abort();
    }
}

// Of an entry, from the EAL's heap.
static double octets(const struct bench *bench)
{
    struct rte_malloc_socket_stats before;
    struct rte_malloc_socket_stats after;
    if (!bench_eal() || rte_malloc_get_socket_stats((int)rte_socket_id(), &before) != 0)
        return -1;
    struct rte_hash *hash = hash_new((uint32_t)bench->size);
    if (hash == NULL || rte_malloc_get_socket_stats((int)rte_socket_id(), &after) != 0)
        return -1;
    rte_hash_free(hash);
    return (double)(after.heap_allocsz_bytes - before.heap_allocsz_bytes) / (double)bench->size;
}

#define OCTETS .figure = octets, .unit = "octets"
#define SINGLE .setup = subject_of, .run = run_single
#define BULK   .setup = subject_of, .run = run_bulk, .items = BURST

static const struct bench benches[] = {
    {"rte_hash_lookup/1k", 1000, NULL, SINGLE},
    {"rte_hash_lookup/100k", 100000, NULL, SINGLE},
    {"rte_hash_lookup/1m", 1000000, NULL, SINGLE},
    {"rte_hash_lookup/4m", 4000000, NULL, SINGLE},
    {"rte_hash_lookup/10m", 10000000, NULL, SINGLE},
    {"rte_hash_bulk/1k", 1000, NULL, BULK},
    {"rte_hash_bulk/100k", 100000, NULL, BULK},
    {"rte_hash_bulk/1m", 1000000, NULL, BULK},
    {"rte_hash_bulk/4m", 4000000, NULL, BULK},
    {"rte_hash_bulk/10m", 10000000, NULL, BULK},
    {"rte_hash_remove_insert/1m", 1000000, NULL, .setup = subject_of, .run = run_change},
    {"rte_hash_octets/1k", 1000, OCTETS},
    {"rte_hash_octets/1m", 1000000, OCTETS},
    {"rte_hash_octets/4m", 4000000, OCTETS},
};

void bench_state_hash(void)
{
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
}
