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
    assert_int_equal(counters_sum(counters, COUNTER_NEXT_HOP_UNROUTED), 33);
    assert_int_equal(counters_peer(counters, 1).requests_in, 30);
    assert_int_equal(counters_peer(counters, 1).calls_out, -3);
    assert_int_equal(counters_peer(counters, 0).requests_in, 0);
    assert_int_equal(counters_peer(counters, 4).requests_in, 0);
    assert_int_equal(counters_member(counters, 7).calls_total, 12);
    assert_int_equal(counters_member(counters, 8).calls_total, 0);
    struct delay_histogram delay = counters_delay(counters);
    assert_int_equal(delay.count, 30);
    assert_int_equal(delay.sum_ms, 300);
    assert_int_equal(delay_quantile_ms(&delay, 0.5), 1);
    assert_int_equal(delay_quantile_ms(&delay, 0.8), 1);
    assert_int_equal(delay_quantile_ms(&delay, 0.99), UINT32_MAX);
    delay = (struct delay_histogram){0};
    assert_int_equal(delay_quantile_ms(&delay, 0.5), 0);
    counters_close(counters);
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
    {"no workers", H(workers), 0},
    {"more workers than there can be", H(workers), WORKERS_MAX + 1},
    {"more workers than the file has", H(workers), 3},
    {"peers out of range", H(peers_max), PEERS_MAX + 1},
    {"peers over members", H(peers_max), 5},
    {"members out of range", H(members_max), MEMBERS_MAX + 1},
    {"members over the stride", H(members_max), 9},
    {"blocks over the header", H(worker_offset), 56},
    {"blocks beyond the end", H(worker_offset), 72},
    {"offset not aligned", H(worker_offset), 68},
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_bad_headers),
                                       cmocka_unit_test(test_bad_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
