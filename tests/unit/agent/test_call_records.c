// SPDX-License-Identifier: BSD-3-Clause
// The file of records that wait: what memory it takes, what of it outlives a process, and whatever it holds,
// records lead nowhere but into it.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "call_records.h"

#define WORKERS 3u

static char directory[] = "/dev/shm/dialgate-test-XXXXXX";
static char path[sizeof(directory) + 16];

static int set_up(void **state)
{
    strcpy(directory + sizeof(directory) - 7, "XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/" CALL_RECORDS_FILE, directory);
    return 0;
}

static int tear_down(void **state)
{
    unlink(path);
    return rmdir(directory);
}

static size_t memory(void)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return (size_t)status.st_blocks * 512;
}

static void put(struct call_records *records, unsigned worker)
{
    const struct call_text texts[CHANNEL_RECORD_TEXTS] = {{"a", 1}, {"b", 1}, {"c", 1}};
    struct channel_record record = {.status = 200};

    assert_true(call_ring_put(call_records_ring(records, worker), &record, texts, 0));
}

// Control was sent what there is, and kept it.
static void drain(struct call_records *records, unsigned worker)
{
    struct call_ring *ring = call_records_ring(records, worker);
    struct channel_records_done done = {.worker = worker, .sequence = ring->sequence};

    memcpy(&done.instance, (const uint8_t *)records->file + 16, sizeof(done.instance));
    records->sent[worker] = ring->head;
    call_records_done(records, &done);
    assert_int_equal(ring->tail, ring->head);
}

static void test_memory(void **state)
{
    struct call_records records;

    assert_int_equal(call_records_open(&records, directory, WORKERS, false), 0);
    assert_in_range(memory(), 1, (WORKERS + 1) * 4096u);
    assert_int_equal(call_records_reserve(&records), 0);
    assert_in_range(memory(), WORKERS * CALL_RING_OCTETS, (WORKERS + 1) * sizeof(struct call_ring));
    put(&records, 1);
    call_records_close(&records);
    // What waits stays, of it alone.
    assert_int_equal(call_records_open(&records, directory, WORKERS, false), 0);
    assert_in_range(memory(), CALL_RING_OCTETS, CALL_RING_OCTETS + (WORKERS + 2) * 4096u);
    assert_int_equal(call_records_ring(&records, 1)->sequence, 1);
    drain(&records, 1);
    call_records_close(&records);
    assert_int_equal(call_records_open(&records, directory, WORKERS, false), 0);
    assert_in_range(memory(), 1, (2 * WORKERS + 1) * 4096u);
    call_records_close(&records);
    // Numbers go on, and on means that there is room.
    assert_int_equal(call_records_open(&records, directory, WORKERS, true), 0);
    assert_in_range(memory(), WORKERS * CALL_RING_OCTETS, (WORKERS + 1) * sizeof(struct call_ring));
    put(&records, 1);
    assert_int_equal(call_records_ring(&records, 1)->sequence, 2);
    drain(&records, 1);
    call_records_close(&records);
}

// With fewer workers than before the rings of the others are still there.
static void test_fewer_workers(void **state)
{
    struct call_records records;

    assert_int_equal(call_records_open(&records, directory, WORKERS, true), 0);
    put(&records, WORKERS - 1);
    call_records_close(&records);
    assert_int_equal(call_records_open(&records, directory, 1, true), 0);
    drain(&records, WORKERS - 1);
    assert_int_equal(call_records_ring(&records, WORKERS - 1)->sequence, 1);
    call_records_close(&records);
    assert_int_equal(call_records_open(&records, directory, WORKERS + 2, true), 0);
    assert_int_equal(call_records_ring(&records, WORKERS - 1)->sequence, 1);
    put(&records, WORKERS + 1);
    call_records_close(&records);
}

static void write_at(long at, const void *octets, size_t length)
{
    int fd = open(path, O_WRONLY);

    assert_int_equal(pwrite(fd, octets, length, at), length);
    close(fd);
}

static void test_damaged(void **state)
{
    static const uint64_t wild[] = {UINT64_MAX - 7, 0, 0};
    struct call_records records;

    assert_int_equal(call_records_open(&records, directory, WORKERS, true), 0);
    put(&records, 0);
    put(&records, 1);
    call_records_close(&records);
    write_at(4096, wild, sizeof(wild)); // the first ring's head
    assert_int_equal(call_records_open(&records, directory, WORKERS, true), 0);
    assert_int_equal(call_records_ring(&records, 0)->head, 0);
    assert_int_equal(call_records_ring(&records, 1)->sequence, 1);
    put(&records, 0);
    call_records_close(&records);
    write_at(0, wild, sizeof(wild)); // the magic
    assert_int_equal(call_records_open(&records, directory, WORKERS, true), 0);
    assert_int_equal(call_records_ring(&records, 0)->sequence, 0);
    assert_int_equal(call_records_ring(&records, 1)->head, 0);
    put(&records, 0);
    put(&records, WORKERS - 1);
    call_records_close(&records);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(call_records_open(&records, directory, WORKERS, true), 0);
    assert_int_equal(call_records_ring(&records, 0)->sequence, 0);
    put(&records, 0);
    put(&records, WORKERS - 1);
    call_records_close(&records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fewer_workers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("agent call records", tests, NULL, NULL);
}
