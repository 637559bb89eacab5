// SPDX-License-Identifier: BSD-3-Clause
// memory.mb is DPDK's limit: with huge pages that are there beyond it, more is refused, and that is counted.
// Exit status 77 without as many free pages; tests/net/test_hugepages.sh has them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include <rte_malloc.h>

#include "eal.h"
#include "eal_memory.h"

#define MB      64u
#define FREE_MB 256u // so many are there, or the limit would be the machine's
#define SKIPPED 77

static uint32_t free_mb(void)
{
    FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
    unsigned pages = 0;
    if (file == NULL)
        return 0;
    if (fscanf(file, "%u", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * EAL_MEMORY_HUGE_MB;
}

static size_t heap_octets(void)
{
    struct rte_malloc_socket_stats stats;
    assert_int_equal(rte_malloc_get_socket_stats(0, &stats), 0);
    return stats.heap_totalsz_bytes;
}

static void test_limit(void **state)
{
    static const uint16_t cpus[] = {0};
    char prefix[32];
    const struct eal_plan plan = {
        .file_prefix = prefix, .memory_mb = MB, .workers = 1, .cpus = cpus, .cpu_count = 1};
    struct fault fault = {{0}};
    int node;
    snprintf(prefix, sizeof(prefix), "test-memory-%d", (int)getpid());
    if (eal_start(&plan, &fault) < 0)
        fail_msg("%s", fault.text);
    eal_begin_watch();
    assert_int_equal(heap_octets(), MB << 20);
    assert_int_equal(eal_memory_refused(&node), 0);

    void *small = rte_malloc(NULL, MB << 19, 0);
    assert_non_null(small);
    assert_int_equal(eal_memory_refused(&node), 0);

    assert_null(rte_malloc(NULL, MB << 20, 0));
    assert_true(eal_memory_refused(&node) > 0);
    assert_int_equal(node, 0);
    assert_int_equal(heap_octets(), MB << 20);

    // What fits is had as before.
    rte_free(small);
    small = rte_malloc(NULL, MB << 19, 0);
    assert_non_null(small);
    rte_free(small);
    eal_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_limit)};
    if (free_mb() < FREE_MB) {
        printf("%u MB of huge pages are free, %u are needed\n", free_mb(), FREE_MB);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
