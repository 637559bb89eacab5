// SPDX-License-Identifier: BSD-3-Clause
// Which files of the dialogs are made, found, refused and removed, over several starts in a directory of the
// test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "images.h"

#define WORKERS 2u

static char base[64], state[80], chosen[80], other[80];
static struct images images; // large
static struct fault fault;

static struct images_plan plan_of(const char *configured)
{
    return (struct images_plan){.configured = configured,
                                .state_directory = state,
                                .key = {{1, 2}},
                                .workers = WORKERS,
                                .capacity = 1000,
                                .arena_octets = 4u << 20};
}

static int begin(void **unused)
{
    snprintf(base, sizeof(base), "/dev/shm/test-images-%d", (int)getpid());
    snprintf(state, sizeof(state), "%s/state", base);
    snprintf(chosen, sizeof(chosen), "%s/chosen", base);
    snprintf(other, sizeof(other), "%s/other", base);
    return mkdir(base, 0700) < 0 || mkdir(state, 0700) < 0 ? -1 : 0;
}

static int end(void **unused)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", base);
    return system(command);
}

// The name of a file there, until the next call.
static const char *name_of(const char *directory, const char *name)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static bool exists(const char *directory, const char *name)
{
    return access(name_of(directory, name), F_OK) == 0;
}

static struct dialog *record_of(unsigned worker, unsigned index)
{
    struct dialog *records =
        (void *)(images.own[worker].octets + images.layout.dialogs_offset + sizeof(struct dialog_journal));
    return &records[index];
}

static void start(const char *configured)
{
    const struct images_plan plan = plan_of(configured);
    assert_int_equal(images_open(&images, &plan, &fault), 0);
    assert_int_equal(images_create(&images, &plan, &fault), 0);
}

// As a kill leaves them: with a record in the file of one worker.
static void leave(const char *configured)
{
    start(configured);
    record_of(1, 5)->check = 77;
    images_close(&images);
}

static void finish_all(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        atomic_store(&images.takeovers[i].begun, true);
        atomic_store(&images.takeovers[i].finished, true);
    }
}

static void test_first(void **unused)
{
    struct image part;
    struct stat status;
    start(chosen);
    assert_int_equal(images.older_count, 0);
    assert_int_equal(images.identity.epoch, 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct imagefile *file = &images.own[i];
        assert_int_equal((uintptr_t)file->octets % (2u << 20), 0);
        assert_int_equal(image_open(&part, file->octets, file->size, &images.identity), IMAGE_FINE);
        assert_int_equal(part.header->worker, i);
        assert_int_equal(part.header->workers, WORKERS);
        assert_int_equal(part.header->epoch, 1);
        assert_int_equal(images.takeovers[i].image_count, 0);
        assert_int_equal(fstat(file->fd, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        assert_true(status.st_blocks * 512 >= (long)file->size); // populated
    }
    assert_true(exists(chosen, "dialogs.1.0") && exists(chosen, "dialogs.1.1"));
    // Nothing is in them: nothing stays.
    images_close(&images);
    assert_false(exists(chosen, ""));
}

static long faults(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt;
}

// Once the thread behind has been everywhere, a worker that takes a page finds it.
static void test_made_present(void **unused)
{
    const size_t page = 4096;
    start(chosen);
    finish_all();
    images_wait(&images);
    if (images.backing.runs) // else huge pages were there at once
        assert_int_equal(pthread_join(images.backing.thread, NULL), 0);
    images.backing.runs = false;
    long before = faults();
    for (unsigned i = 0; i < WORKERS; i++) {
        for (size_t at = 0; at < images.own[i].size; at += page)
            *(volatile uint8_t *)(images.own[i].octets + at) += 1;
    }
    // A page that was not there would be a fault; a sanitizer has some of its own.
    assert_in_range(faults() - before, 0, WORKERS * images.own[0].size / page / 4);
    images_close(&images);
}

static void test_taken_over(void **unused)
{
    leave(chosen);
    assert_false(exists(chosen, "dialogs.1.0")); // it was empty
    assert_true(exists(chosen, "dialogs.1.1"));
    start(chosen);
    assert_int_equal(images.identity.epoch, 2);
    assert_int_equal(images.older_count, 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(images.takeovers[i].image_count, 1);
        assert_int_equal(images.takeovers[i].images[0]->header->worker, 1);
        assert_int_equal(images.takeovers[i].images[0]->records[5].check, 77);
    }
    images_poll(&images);
    atomic_store(&images.takeovers[0].finished, true);
    images_poll(&images);
    assert_true(exists(chosen, "dialogs.1.1"));
    finish_all();
    images_wait(&images);
    images_poll(&images);
    assert_false(exists(chosen, "dialogs.1.1"));
    assert_int_equal(images.older_count, 0);
    images_poll(&images);
    images_close(&images);
    assert_false(exists(chosen, ""));
}

// Killed before anything was taken over, and again: the empty ones of each start go, what has dialogs stays.
static void test_killed_again(void **unused)
{
    leave(chosen);
    for (unsigned i = 2; i < 6; i++) {
        start(chosen);
        assert_int_equal(images.identity.epoch, i > 2 ? 2 : i);
        assert_int_equal(images.older_count, 1);
        images_close(&images);
        assert_true(exists(chosen, "dialogs.1.1"));
    }
    // Killed after some were: both are read, the newer one first.
    start(chosen);
    record_of(0, 3)->check = 5;
    images_close(&images);
    start(chosen);
    assert_int_equal(images.older_count, 2);
    assert_int_equal(images.list[0]->header->epoch, 2);
    assert_int_equal(images.list[1]->header->epoch, 1);
    finish_all();
    images_poll(&images);
    images_close(&images);
    assert_false(exists(chosen, ""));
}

static void change_octet(const char *name, long at)
{
    int fd = open(name_of(chosen, name), O_RDWR | O_CLOEXEC);
    uint8_t octet;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &octet, 1, at), 1);
    octet ^= 0x10;
    assert_int_equal(pwrite(fd, &octet, 1, at), 1);
    close(fd);
}

static void damaged(void)
{
    change_octet("dialogs.1.1", offsetof(struct image_header, epoch));
}
static void unfinished(void)
{
    assert_int_equal(truncate(name_of(chosen, "dialogs.1.1"), 0), 0);
}
static void cut(void)
{
    assert_int_equal(truncate(name_of(chosen, "dialogs.1.1"), 8000), 0);
}
static void other_boot(void)
{
    struct image_identity identity = images.identity;
    struct image_header header;
    int fd = open(name_of(chosen, "dialogs.1.1"), O_RDWR | O_CLOEXEC);
    struct image_layout layout = image_layout(10, 4u << 20);
    uint8_t *file = calloc(1, layout.arena_offset);
    assert_non_null(file);
    identity.key = (struct siphash_key){{1, 2}};
    identity.boot_id[3] ^= 1;
    image_begin(file, &layout, &identity, 10);
    memcpy(&header, file, sizeof(header));
    assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
    close(fd);
    free(file);
}
static void for_others(void)
{
    assert_int_equal(chmod(name_of(chosen, "dialogs.1.1"), 0640), 0);
}

static void test_refused(void **unused)
{
    static const struct {
        const char *name;
        void (*change)(void);
        bool aside; // kept until the start after this
        bool left;  // as it is
    } rows[] = {{"damaged", damaged, true, false},
                {"unfinished", unfinished, false, false},
                {"cut", cut, true, false},
                {"other boot", other_boot, false, false},
                {"for others", for_others, false, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        leave(chosen);
        rows[i].change();
        start(chosen);
        print_message("row '%s'\n", rows[i].name);
        assert_int_equal(images.older_count, 0);
        assert_int_equal(images.identity.epoch, 2);
        assert_int_equal(exists(chosen, "refused.dialogs.1.1"), rows[i].aside);
        assert_int_equal(exists(chosen, "dialogs.1.1"), rows[i].left);
        images_close(&images);
        unlink(name_of(chosen, "dialogs.1.1"));
        start(chosen);
        assert_int_equal(images.identity.epoch, rows[i].aside ? 2 : 1);
        images_close(&images);
        assert_false(exists(chosen, ""));
    }
}

static void test_other_key(void **unused)
{
    struct images_plan plan = plan_of(chosen);
    leave(chosen);
    plan.key.word[0]++;
    assert_int_equal(images_open(&images, &plan, &fault), 0);
    assert_int_equal(images.older_count, 0);
    assert_true(exists(chosen, "refused.dialogs.1.1"));
    images_close(&images);
    assert_int_equal(images_open(&images, &plan, &fault), 0);
    images_close(&images);
    assert_false(exists(chosen, "refused.dialogs.1.1"));
    assert_int_equal(rmdir(chosen), 0);
}

static void test_in_use(void **unused)
{
    const struct images_plan plan = plan_of(chosen);
    leave(chosen);
    int fd = open(name_of(chosen, "dialogs.1.1"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(images_open(&images, &plan, &fault), -EBUSY);
    assert_non_null(strstr(fault.text, "dialogs.1.1 is in use"));
    images_close(&images);
    close(fd);
    assert_int_equal(images_open(&images, &plan, &fault), 0);
    assert_int_equal(images.older_count, 1);
    images_close(&images);
    unlink(name_of(chosen, "dialogs.1.1"));
    assert_int_equal(rmdir(chosen), 0);
}

// The operator chooses another directory: what lies in the one before is found there.
static void test_moved(void **unused)
{
    leave(chosen);
    start(other);
    assert_int_equal(images.older_count, 1);
    assert_true(exists(other, "dialogs.2.0"));
    finish_all();
    images_poll(&images);
    assert_false(exists(chosen, ""));
    images_close(&images);
}

// Nothing chosen: the state directory is in memory, so they lie there, or on a hugetlbfs that has room.
static void test_not_chosen(void **unused)
{
    leave("");
    start("");
    assert_int_equal(images.older_count, 1);
    finish_all();
    images_poll(&images);
    images_close(&images);
    assert_int_equal(access(state, F_OK), 0);
    assert_false(exists(state, "dialogs.1.1"));
}

static void test_no_room(void **unused)
{
    struct images_plan plan = plan_of(chosen);
    plan.arena_octets = (size_t)32 << 30;
    plan.workers = WORKERS_MAX;
    assert_int_equal(images_open(&images, &plan, &fault), 0);
    assert_int_equal(images_create(&images, &plan, &fault), -ENOSPC);
    assert_non_null(strstr(fault.text, "dialogs of 64 workers need 2097280 MB twice"));
    images_close(&images);
    assert_false(exists(chosen, ""));
    plan = plan_of("/proc/nowhere/at/all");
    assert_int_equal(images_open(&images, &plan, &fault), 0);
    assert_int_equal(images_create(&images, &plan, &fault), -ENOENT);
    images_close(&images);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_first),      TEST(test_made_present), TEST(test_taken_over), TEST(test_killed_again),
        TEST(test_refused),    TEST(test_other_key),    TEST(test_in_use),     TEST(test_moved),
        TEST(test_not_chosen), TEST(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
