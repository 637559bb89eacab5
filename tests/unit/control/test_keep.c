// SPDX-License-Identifier: BSD-3-Clause
// The file of what outlives control: what comes back, and what a damaged, foreign or full file does.
#include "cmocka_first.h"
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ua/keep.h"

struct world {
    char directory[64];
    char path[128];
    struct event_base *base;
    struct keep *keep;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    *state = world;
    strcpy(world->directory, "/tmp/dialgate-keep-XXXXXX");
    if (!mkdtemp(world->directory))
        return -1;
    snprintf(world->path, sizeof(world->path), "%s/applications.sqlite", world->directory);
    world->base = event_base_new();
    world->keep = keep_open(world->base, world->directory);
    return world->keep ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char command[128];
    keep_close(world->keep);
    event_base_free(world->base);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    free(world);
    return system(command);
}

static void again(struct world *world)
{
    keep_close(world->keep);
    world->keep = keep_open(world->base, world->directory);
    assert_non_null(world->keep);
}

static void put(struct keep *keep, uint64_t id, const char *text)
{
    struct keep_writer *writer = keep_begin(keep);
    keep_number(writer, ~id);
    keep_text(writer, text);
    keep_put(keep, KEEP_CALL, id);
}

struct seen {
    uint64_t ids[8];
    char *texts[8];
    unsigned count;
};

static void see(void *context, uint64_t id, struct keep_reader *reader)
{
    struct seen *seen = context;
    assert_true(seen->count < 8);
    assert_int_equal(keep_read_number(reader), ~id);
    seen->ids[seen->count] = id;
    seen->texts[seen->count++] = keep_read_text(reader);
    assert_false(reader->bad);
    // Behind the end.
    assert_int_equal(keep_read_number(reader), 0);
    assert_true(reader->bad);
    assert_null(keep_read_text(reader));
}

static struct seen look(struct world *world)
{
    struct seen seen = {.count = 0};
    keep_each(world->keep, KEEP_CALL, see, &seen);
    for (unsigned i = 0; i < seen.count; i++)
        free(seen.texts[i]);
    return seen;
}

static void test_round_trip(void **state)
{
    struct world *world = *state;
    static const char *const texts[] = {"", "text \xff with octets", NULL};
    struct seen seen = {.count = 0};
    for (uint64_t i = 0; i < 3; i++)
        put(world->keep, i + 1, texts[i]);
    put(world->keep, UINT64_MAX, "a handle with its highest bit");
    put(world->keep, 2, "the newer one");
    again(world);
    keep_each(world->keep, KEEP_CALL, see, &seen);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.ids[0], UINT64_MAX); // as a signed number
    assert_string_equal(seen.texts[1], "");
    assert_string_equal(seen.texts[2], "the newer one");
    assert_null(seen.texts[3]);
    for (unsigned i = 0; i < seen.count; i++)
        free(seen.texts[i]);
    keep_drop(world->keep, KEEP_CALL, 2);
    keep_drop(world->keep, KEEP_TRANSFER, 1); // another kind's
    again(world);
    assert_int_equal(look(world).count, 3);
    keep_drop_all(world->keep, KEEP_CALL);
    assert_int_equal(look(world).count, 0);
}

static void test_octets(void **state)
{
    struct world *world = *state;
    static const uint8_t octets[] = {0, 1, 0, 255};
    static uint8_t long_text[KEEP_RECORD_MAX];
    struct keep_writer *writer = keep_begin(world->keep);
    keep_octets(writer, octets, sizeof(octets));
    keep_text(writer, "longer than its field");
    struct keep_reader reader = {.octets = writer->octets, .size = writer->used};
    char field[7];
    size_t length;
    uint8_t *read = keep_read_octets(&reader, &length);
    assert_int_equal(length, sizeof(octets));
    assert_memory_equal(read, octets, sizeof(octets));
    free(read);
    keep_read_into(&reader, field, sizeof(field));
    assert_string_equal(field, "longer");
    reader = (struct keep_reader){.octets = writer->octets, .size = 6}; // it says 4 octets, and has 2
    assert_null(keep_read_octets(&reader, &length));
    assert_true(reader.bad);
    writer = keep_begin(world->keep);
    keep_octets(writer, long_text, sizeof(long_text));
    assert_true(writer->overflow);
    keep_put(world->keep, KEEP_CALL, 9);
    assert_int_equal(keep_failures(world->keep), 1);
    assert_int_equal(look(world).count, 0);
}

static void test_nobodys(void **state)
{
    struct world *world = *state;
    struct stat status;
    put(world->keep, 1, "secret");
    keep_commit(world->keep);
    assert_int_equal(stat(world->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    char log[160];
    snprintf(log, sizeof(log), "%s-wal", world->path);
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_null(keep_open(world->base, "/nonexistent"));
    // A second control of the same directory works without it, and takes nothing away.
    pid_t other = fork();
    if (other == 0)
        _exit(keep_open(world->base, world->directory) == NULL ? 0 : 1);
    int result;
    assert_int_equal(waitpid(other, &result, 0), other);
    assert_int_equal(result, 0);
    assert_int_equal(look(world).count, 1);
    // All of it takes NULL.
    assert_null(keep_begin(NULL));
    keep_put(NULL, KEEP_CALL, 1);
    keep_drop(NULL, KEEP_CALL, 1);
    keep_drop_all(NULL, KEEP_CALL);
    keep_each(NULL, KEEP_CALL, see, NULL);
    keep_commit(NULL);
    assert_int_equal(keep_failures(NULL), 0);
    keep_close(NULL);
}

static void spoil_garbage(const char *path)
{
    static const uint8_t garbage[8192] = {1, 2, 3};
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
    close(fd);
}

static void spoil_version(const char *path)
{
    sqlite3 *file;
    assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
    assert_int_equal(sqlite3_exec(file, "PRAGMA user_version=77", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(file);
}

static void spoil_cut(const char *path)
{
    assert_int_equal(truncate(path, 5000), 0);
}

static void spoil_page(const char *path)
{
    uint8_t page[4096];
    memset(page, 0xa5, sizeof(page));
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, page, sizeof(page), 4096), sizeof(page));
    close(fd);
}

static void test_set_aside(void **state)
{
    static void (*const spoils[])(const char *path) = {spoil_garbage, spoil_version, spoil_cut, spoil_page};
    struct world *world = *state;
    char bad[160];
    snprintf(bad, sizeof(bad), "%s.bad", world->path);
    for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        put(world->keep, 1, "x");
        keep_close(world->keep);
        unlink(bad);
        spoils[i](world->path);
        world->keep = keep_open(world->base, world->directory);
        assert_non_null(world->keep);
        assert_int_equal(look(world).count, 0);
        assert_int_equal(access(bad, F_OK), 0);
        put(world->keep, 2, "y");
        again(world);
        assert_int_equal(look(world).count, 1);
        keep_drop_all(world->keep, KEEP_CALL);
    }
}

// What was committed is there after a death without any farewell; what was not, is not.
static void test_killed(void **state)
{
    struct world *world = *state;
    int result;
    keep_close(world->keep);
    pid_t writer = fork();
    if (writer == 0) {
        struct event_base *base = event_base_new();
        struct keep *keep = keep_open(base, world->directory);
        for (uint64_t i = 1; i <= 5; i++)
            put(keep, i, "kept");
        keep_commit(keep);
        put(keep, 6, "of the turn that was cut off");
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(writer, &result, 0), writer);
    assert_true(WIFSIGNALED(result));
    world->keep = keep_open(world->base, world->directory);
    assert_int_equal(look(world).count, 5);
}

// The event loop commits.
static void test_turn(void **state)
{
    struct world *world = *state;
    int result;
    keep_close(world->keep);
    pid_t writer = fork();
    if (writer == 0) {
        struct event_base *base = event_base_new();
        struct keep *keep = keep_open(base, world->directory);
        put(keep, 1, "kept");
        event_base_loop(base, EVLOOP_ONCE);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(writer, &result, 0), writer);
    world->keep = keep_open(world->base, world->directory);
    assert_int_equal(look(world).count, 1);
}

// No room: counted, what is there stays, and what is smaller goes in again when there is room.
static void test_full(void **state)
{
    struct world *world = *state;
    struct rlimit before, small;
    static char text[20000];
    memset(text, 'x', sizeof(text) - 1);
    put(world->keep, 1, "first");
    keep_commit(world->keep);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 64 << 10;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    for (uint64_t i = 2; i < 20; i++) {
        put(world->keep, i, text);
        keep_commit(world->keep);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(keep_failures(world->keep) > 0);
    uint64_t failures = keep_failures(world->keep);
    for (uint64_t i = 2; i < 20; i++)
        keep_drop(world->keep, KEEP_CALL, i);
    put(world->keep, 3, "last");
    keep_commit(world->keep);
    assert_int_equal(keep_failures(world->keep), failures);
    assert_int_equal(look(world).count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_round_trip), TEST(test_octets), TEST(test_nobodys),
                                       TEST(test_set_aside),  TEST(test_killed), TEST(test_turn),
                                       TEST(test_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
