// SPDX-License-Identifier: BSD-3-Clause
// The counters file: its layout, and that a reader can neither write nor be cut off.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "counters_file.h"

static void test_layout(void **state)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        struct counters_file file;
        struct fault fault;
        const struct counters_header *header;
        const uint8_t *end = NULL;
        const uint8_t *networks_end;

        assert_int_equal(counters_file_create(&file, workers, &fault), 0);
        header = file.header;
        assert_int_equal(header->magic, COUNTERS_MAGIC);
        assert_int_equal(header->version, COUNTERS_VERSION);
        assert_int_equal(header->counter_count, COUNTER_COUNT);
        assert_int_equal(header->workers, workers);
        networks_end = (const uint8_t *)(counters_file_networks(&file) + NETWORKS_MAX);
        assert_int_equal(header->networks_max, NETWORKS_MAX);
        assert_int_equal(header->histograms, HISTOGRAM_COUNT);
        assert_int_equal(header->agent_offset % 64, 0);
        assert_true((const uint8_t *)counters_file_agent(&file) >= (const uint8_t *)(header + 1));
        assert_ptr_equal((const uint8_t *)counters_file_agent(&file),
                         (const uint8_t *)header + header->agent_offset);
        assert_ptr_equal(counters_file_networks(&file), counters_file_agent(&file) + 1);
        for (unsigned i = 0; i < workers; i++) {
            const uint8_t *block = (const uint8_t *)counters_file_worker(&file, i);
            const uint8_t *peers = (const uint8_t *)counters_file_peers(&file, i);
            const uint8_t *members = (const uint8_t *)counters_file_members(&file, i);

            assert_int_equal((block - (const uint8_t *)header) % 64, 0);
            assert_int_equal((peers - block) % 64, 0);
            assert_int_equal((members - block) % 64, 0);
            assert_true(block >= (end == NULL ? networks_end : end));
            assert_true(peers >= block + sizeof(struct counters_worker));
            assert_true(members >= peers + PEERS_MAX * sizeof(struct counters_peer));
            end = members + MEMBERS_MAX * sizeof(struct counters_member);
            assert_int_equal(peers - block, header->peers_offset);
            assert_int_equal(members - block, header->members_offset);
            assert_int_equal(block - (const uint8_t *)header,
                             header->worker_offset + i * header->worker_stride);
        }
        assert_true(end <= (const uint8_t *)header + file.size);
        counters_file_destroy(&file);
        assert_null(file.header);
    }
}

static void test_reader(void **state)
{
    struct counters_file file;
    struct fault fault;
    struct stat status;
    const struct counters_header *reader;

    assert_int_equal(counters_file_create(&file, 2, &fault), 0);
    assert_int_equal(fstat(file.fd, &status), 0);
    assert_int_equal(status.st_size, file.size);
    assert_int_equal(fcntl(file.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_ptr_equal(mmap(NULL, file.size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0), MAP_FAILED);
    assert_int_not_equal(ftruncate(file.fd, 0), 0);
    reader = mmap(NULL, file.size, PROT_READ, MAP_SHARED, file.fd, 0);
    assert_ptr_not_equal(reader, MAP_FAILED);
    counters_file_worker(&file, 1)->values[COUNTER_RX_PACKETS] = 77;
    assert_int_equal(
        ((const struct counters_worker *)(const void *)((const uint8_t *)reader + reader->worker_offset +
                                                        reader->worker_stride))
            ->values[COUNTER_RX_PACKETS],
        77);
    // Even whoever opens the descriptor anew for writing gets no writable mapping.
    {
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", file.fd);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_ptr_equal(mmap(NULL, file.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
        assert_int_equal(write(fd, "x", 1), -1);
        assert_int_not_equal(ftruncate(fd, 0), 0);
        close(fd);
    }
    munmap((void *)(uintptr_t)reader, file.size);
    counters_file_destroy(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layout), cmocka_unit_test(test_reader)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
