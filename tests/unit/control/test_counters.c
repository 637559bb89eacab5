// SPDX-License-Identifier: BSD-3-Clause
#include "cmocka_first.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "counters.h"
#include "far_end.h"

static void test_sums(void **state)
{
    char error[256] = "";
    struct counters *counters = NULL;
    int fd = far_counters(3, 10, F_SEAL_SHRINK | F_SEAL_GROW);
    assert_int_equal(counters_open(fd, &counters, error, sizeof(error)), 0);
    close(fd);
    assert_int_equal(counters_workers(counters), 3);
    assert_int_equal(counters_start_time_s(counters), 1000);
    assert_int_equal(counters_value(counters, 2, COUNTER_RX_PACKETS), 12);
    assert_int_equal(counters_cpu(counters, 2), 2);
    assert_int_equal(counters_busy_us(counters, 2), 1500002);
    assert_int_equal(counters_placement(counters, 1), PLACEMENT_REMOTE);
    assert_true(counters_nodes(counters, 0).cpu == 1 && counters_nodes(counters, 0).memory == -1);
    assert_int_equal(counters_nodes(counters, 2).memory, 0);
    struct counters_queue queue;
    assert_true(counters_queue(counters, 2, 0, &queue));
    assert_true(queue.received == 22 && queue.network == 0 && queue.queue == 3 && queue.node == -1);
    assert_false(counters_queue(counters, 2, 1, &queue));
    assert_int_equal(counters_sum(counters, COUNTER_NEXT_HOP_UNROUTED), 33);
    assert_int_equal(counters_peer(counters, 1).requests[PEER_METHOD_BYE], 30);
    assert_int_equal(counters_peer(counters, 1).responses[4], 3);
    assert_int_equal(counters_peer(counters, 1).calls_out, -3);
    assert_int_equal(counters_peer(counters, 0).requests[PEER_METHOD_BYE], 0);
    assert_int_equal(counters_peer(counters, 4).requests[PEER_METHOD_BYE], 0);
    assert_int_equal(counters_member(counters, 7).calls_total, 12);
    assert_int_equal(counters_member(counters, 8).calls_total, 0);
    struct histogram_sum delay = counters_histogram(counters, HISTOGRAM_POST_DIAL_DELAY);
    assert_int_equal(delay.count, 30);
    assert_int_equal(delay.sum, 300);
    assert_int_equal(histogram_quantile(&delay, 0.5), 1);
    assert_int_equal(histogram_quantile(&delay, 0.8), 1);
    assert_true(histogram_quantile(&delay, 0.99) == UINT64_MAX);
    delay = (struct histogram_sum){.count = 3, .buckets = {[1] = 1, [4] = 2}};
    assert_int_equal(histogram_quantile(&delay, 0.3), 2);
    assert_int_equal(histogram_quantile(&delay, 0.5), 6);
    delay = (struct histogram_sum){0};
    assert_int_equal(histogram_quantile(&delay, 0.5), 0);
    assert_int_equal(counters_agent(counters).mbufs_used, 5);
    assert_int_equal(counters_agent(counters).mbufs_capacity, 9);
    assert_int_equal(counters_network(counters, 0).missed, 6);
    assert_int_equal(counters_network(counters, 0).send_errors, 7);
    assert_int_equal(counters_network(counters, 1).send_errors, 0);
    assert_int_equal(counters_network(counters, 0).offload, NETWORK_OFFLOAD_TX_UDP);
    counters_close(counters);
}

// Each value lies above the bound of the bucket before its own, and not above that of its own.
static void test_buckets(void **state)
{
    static const uint64_t bounds[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
    for (uint32_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
        assert_int_equal(histogram_bound(i), bounds[i]);
    assert_int_equal(histogram_bound(HISTOGRAM_BUCKETS - 2), 786432);
    assert_int_equal(histogram_bucket(0), 0);
    for (uint64_t value = 1; value <= 786432; value++) {
        uint32_t bucket = histogram_bucket(value);
        if (bucket >= HISTOGRAM_BUCKETS - 1 || value > histogram_bound(bucket) ||
            (bucket > 0 && value <= histogram_bound(bucket - 1)))
            fail_msg("%u: bucket %u", (unsigned)value, bucket);
    }
    assert_int_equal(histogram_bucket(786433), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

// A good file with one word of its header changed.
static const struct {
    const char *what;
    size_t offset;
    uint32_t value;
} rows[] = {
#define H(field) offsetof(struct counters_header, field)
    {"magic", H(magic), 1},
    {"version", H(version), COUNTERS_VERSION + 1},
    {"counters of another build", H(counter_count), COUNTER_COUNT + 1},
    {"histograms of another build", H(histograms), HISTOGRAM_COUNT + 1},
    {"networks out of range", H(networks_max), NETWORKS_MAX + 1},
    {"networks over the workers", H(networks_max), 2},
    {"agent over the header", H(agent_offset), 56},
    {"agent over the workers", H(agent_offset), 72},
    {"agent beyond the end", H(agent_offset), UINT32_MAX - 7},
    {"agent not aligned", H(agent_offset), 68},
    {"no workers", H(workers), 0},
    {"more workers than there can be", H(workers), WORKERS_MAX + 1},
    {"more workers than the file has", H(workers), 3},
    {"peers out of range", H(peers_max), PEERS_MAX + 1},
    {"peers over members", H(peers_max), 5},
    {"members out of range", H(members_max), MEMBERS_MAX + 1},
    {"members over the stride", H(members_max), 9},
    {"blocks over the agent", H(worker_offset), 184},
    {"blocks beyond the end", H(worker_offset), 200},
    {"offset not aligned", H(worker_offset), 196},
    {"stride too long", H(worker_stride), UINT32_MAX - 7},
    {"stride not aligned", H(worker_stride), 4},
    {"peers over the counters", H(peers_offset), 8},
    {"peers beyond the stride", H(peers_offset), UINT32_MAX - 7},
    {"members beyond the stride", H(members_offset), UINT32_MAX - 7},
#undef H
};

static void test_bad_headers(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char error[256] = "";
        struct counters *counters = NULL;
        int fd = far_counters(2, 0, F_SEAL_SHRINK);
        assert_int_equal(pwrite(fd, &rows[i].value, sizeof(rows[i].value), (off_t)rows[i].offset),
                         sizeof(uint32_t));
        print_message("%s\n", rows[i].what);
        assert_int_equal(counters_open(fd, &counters, error, sizeof(error)), -EPROTO);
        assert_null(counters);
        assert_string_not_equal(error, "");
        close(fd);
    }
}

static void test_bad_files(void **state)
{
    char error[256];
    struct counters *counters = NULL;
    int unsealed = far_counters(1, 0, 0);
    assert_int_equal(counters_open(unsealed, &counters, error, sizeof(error)), -EPROTO);
    assert_int_equal(ftruncate(unsealed, 63), 0);
    assert_int_equal(fcntl(unsealed, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(counters_open(unsealed, &counters, error, sizeof(error)), -EPROTO);
    close(unsealed);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(counters_open(pipes[0], &counters, error, sizeof(error)), -EPROTO);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_buckets),
                                       cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_bad_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
