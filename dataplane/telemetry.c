// SPDX-License-Identifier: BSD-3-Clause
// DPDK hands a command no context and never forgets it: the counters are one pointer under a lock, which the
// agent takes away before they go. Workers know nothing of it.
#include "telemetry.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <rte_telemetry.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dialgate/snapshot.h"

#define NAME_SIZE_MAX 64u // RTE_TEL_MAX_STRING_LEN is 128

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct counters_file *source; // NULL: none

static const char *const counter_names[] = {
#define C(name, family, labels, help) #name,
    COUNTERS(C)
#undef C
};
static_assert(COUNTER_COUNT <= RTE_TEL_MAX_DICT_ENTRIES, "one dictionary holds them all");

static const char *const histogram_names[] = {
#define H(name, metric, steps, help) #name,
    HISTOGRAMS(H)
#undef H
};

struct word {
    const char *name;
    size_t offset;
};

#define PEER(field)                                                                                          \
    {                                                                                                        \
#field, offsetof(struct counters_peer, field)                                                        \
    }
#define MEMBER(field)                                                                                        \
    {                                                                                                        \
#field, offsetof(struct counters_member, field)                                                      \
    }
static const struct word peer_words[] = {
    PEER(calls_in_total),
    PEER(calls_out_total),
    PEER(answered_in_total),
    PEER(answered_out_total),
    PEER(calls_in),
    PEER(calls_out),
    PEER(refused_in_total),
    PEER(refused_out_total),
#define P(name, label) {"requests_" #name, offsetof(struct counters_peer, requests[PEER_METHOD_##name])},
    PEER_METHODS(P)
#undef P
        {"responses_1xx", offsetof(struct counters_peer, responses[0])},
    {"responses_2xx", offsetof(struct counters_peer, responses[1])},
    {"responses_3xx", offsetof(struct counters_peer, responses[2])},
    {"responses_4xx", offsetof(struct counters_peer, responses[3])},
    {"responses_5xx", offsetof(struct counters_peer, responses[4])},
    {"responses_6xx", offsetof(struct counters_peer, responses[5])},
};
static const struct word member_words[] = {
    MEMBER(calls_total), MEMBER(answered_total), MEMBER(timeouts_total),
    MEMBER(calls),       MEMBER(probes),         MEMBER(failovers_total),
};
static const struct word network_words[] = {
#define N(field, name, type, help) {#field, offsetof(struct counters_network, field)},
    NETWORK_COUNTERS(N)
#undef N
};
#define WORDS(words) (sizeof(words) / sizeof((words)[0]))

static uint64_t word_at(const void *block, size_t offset)
{
    return __atomic_load_n((const uint64_t *)(const void *)((const uint8_t *)block + offset),
                           __ATOMIC_RELAXED);
}

static void add(struct rte_tel_data *data, const char *name, uint64_t value)
{
    char lower[NAME_SIZE_MAX];
    size_t i = 0;

    for (; name[i] != '\0' && i + 1 < sizeof(lower); i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    lower[i] = '\0';
    rte_tel_data_add_dict_u64(data, lower, value);
}

// A number below the limit; false: it is none.
static bool number_of(const char *text, unsigned limit, unsigned *number)
{
    char *end;

    if (text == NULL || !isdigit((unsigned char)text[0]))
        return false;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value >= limit)
        return false;
    *number = (unsigned)value;
    return true;
}

static int tell_workers(const char *params, struct rte_tel_data *data)
{
    rte_tel_data_start_array(data, RTE_TEL_U64_VAL);
    for (unsigned i = 0; i < source->header->workers; i++)
        rte_tel_data_add_array_u64(data, i);
    return 0;
}

static int tell_counters(const char *params, struct rte_tel_data *data)
{
    unsigned workers = source->header->workers, first = 0;
    bool all = params == NULL || params[0] == '\0';

    if (!all && !number_of(params, workers, &first))
        return -EINVAL;
    rte_tel_data_start_dict(data);
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        uint64_t sum = 0;
        for (unsigned worker = first; worker < (all ? workers : first + 1); worker++)
            sum += word_at(counters_file_worker(source, worker)->values, i * sizeof(uint64_t));
        add(data, counter_names[i], sum);
    }
    return 0;
}

static void sum_histogram(unsigned which, struct counters_histogram *sum, uint64_t *count)
{
    *sum = (struct counters_histogram){.sum = 0};
    *count = 0;
    for (unsigned worker = 0; worker < source->header->workers; worker++) {
        const struct counters_histogram *one = &counters_file_worker(source, worker)->histograms[which];
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
            uint64_t value = word_at(one->buckets, i * sizeof(uint64_t));
            sum->buckets[i] += value;
            *count += value;
        }
        sum->sum += word_at(&one->sum, 0);
    }
}

static int tell_buckets(unsigned which, struct rte_tel_data *data)
{
    struct counters_histogram sum;
    uint64_t count;

    sum_histogram(which, &sum, &count);
    rte_tel_data_start_dict(data);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        char name[NAME_SIZE_MAX] = "above";
        if (sum.buckets[i] == 0)
            continue;
        if (i < HISTOGRAM_BUCKETS - 1)
            snprintf(name, sizeof(name), "%llu", (unsigned long long)histogram_bound(i));
        add(data, name, sum.buckets[i]);
    }
    add(data, "count", count);
    add(data, "sum", sum.sum);
    return 0;
}

static int tell_histograms(const char *params, struct rte_tel_data *data)
{
    struct counters_histogram sum;

    for (unsigned i = 0; params != NULL && i < HISTOGRAM_COUNT; i++) {
        if (strcasecmp(params, histogram_names[i]) == 0)
            return tell_buckets(i, data);
    }
    if (params != NULL && params[0] != '\0')
        return -EINVAL;
    rte_tel_data_start_dict(data);
    for (unsigned i = 0; i < HISTOGRAM_COUNT; i++) {
        char name[NAME_SIZE_MAX];
        uint64_t count;
        sum_histogram(i, &sum, &count);
        snprintf(name, sizeof(name), "%s_count", histogram_names[i]);
        add(data, name, count);
        snprintf(name, sizeof(name), "%s_sum", histogram_names[i]);
        add(data, name, sum.sum);
    }
    return 0;
}

static int tell_peers(const char *params, struct rte_tel_data *data)
{
    unsigned number;

    if (!number_of(params, PEERS_MAX, &number))
        return -EINVAL;
    rte_tel_data_start_dict(data);
    for (size_t i = 0; i < WORDS(peer_words); i++) {
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < source->header->workers; worker++)
            sum += word_at(counters_file_peers(source, worker) + number, peer_words[i].offset);
        add(data, peer_words[i].name, sum);
    }
    return 0;
}

static int tell_members(const char *params, struct rte_tel_data *data)
{
    unsigned number;

    if (!number_of(params, MEMBERS_MAX, &number))
        return -EINVAL;
    rte_tel_data_start_dict(data);
    for (size_t i = 0; i < WORDS(member_words); i++) {
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < source->header->workers; worker++)
            sum += word_at(counters_file_members(source, worker) + number, member_words[i].offset);
        add(data, member_words[i].name, sum);
    }
    return 0;
}

static int tell_networks(const char *params, struct rte_tel_data *data)
{
    const struct counters_agent *agent = counters_file_agent(source);
    const struct counters_network *networks = counters_file_networks(source);

    rte_tel_data_start_dict(data);
    add(data, "mbufs_used", word_at(&agent->mbufs_used, 0));
    add(data, "mbufs_capacity", word_at(&agent->mbufs_capacity, 0));
    for (unsigned network = 0; network < word_at(&agent->networks, 0); network++) {
        for (size_t i = 0; i < WORDS(network_words); i++) {
            char name[NAME_SIZE_MAX];
            snprintf(name, sizeof(name), "network%u_%s", network, network_words[i].name);
            add(data, name, word_at(&networks[network], network_words[i].offset));
        }
    }
    return 0;
}

static const struct {
    const char *path;
    int (*tell)(const char *params, struct rte_tel_data *data);
    const char *help;
} commands[] = {
    {"/dialgate/workers", tell_workers, "Numbers of the workers."},
    {"/dialgate/counters", tell_counters, "Every counter, summed. Parameters: worker (optional)."},
    {"/dialgate/histograms", tell_histograms,
     "Count and sum of each histogram, or buckets of one. Parameters: name (optional)."},
    {"/dialgate/peers", tell_peers, "Counters of a peer, summed. Parameters: permanent number."},
    {"/dialgate/members", tell_members, "Counters of a member, summed. Parameters: permanent number."},
    {"/dialgate/networks", tell_networks, "Packet buffers and drivers' counters."},
};

// The command that was asked for; DPDK gives its path without parameters.
static int answer(const char *path, const char *params, struct rte_tel_data *data)
{
    int result = -ENOENT;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; source != NULL && i < WORDS(commands); i++) {
        if (strcmp(path, commands[i].path) == 0)
            result = commands[i].tell(params, data);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int telemetry_begin(const struct counters_file *counters, struct fault *fault)
{
    for (size_t i = 0; i < WORDS(commands); i++) {
        int result = rte_telemetry_register_cmd(commands[i].path, answer, commands[i].help);
        if (result < 0)
            return fault_set(fault, -result, "telemetry: %s not registered: %s", commands[i].path,
                             strerror(-result));
    }
    pthread_mutex_lock(&lock);
    source = counters;
    pthread_mutex_unlock(&lock);
    return 0;
}

void telemetry_end(void)
{
    pthread_mutex_lock(&lock);
    source = NULL;
    pthread_mutex_unlock(&lock);
}
