// SPDX-License-Identifier: BSD-3-Clause
// The file of records: however it is turned, filled and damaged, each line that was taken is in it once and
// whole, and one that was not taken is not.
#include "cmocka_first.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "record_file.h"

#define LINES_MAX 512u

static char directory[] = "/tmp/dialgate-test-XXXXXX";
static char path[sizeof(directory) + 16];
static struct record_file file;
static struct record_settings settings;
static unsigned taken; // lines, numbered from 0

static int set_up(void **state)
{
    strcpy(directory + sizeof(directory) - 7, "XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/calls.csv", directory);
    settings = (struct record_settings){.path = path, .format = RECORD_CSV};
    record_file_init(&file);
    taken = 0;
    return 0;
}

static int tear_down(void **state)
{
    char name[512];
    DIR *all = opendir(directory);
    record_file_close(&file);
    for (const struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;) {
        snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
        unlink(name);
    }
    closedir(all);
    return rmdir(directory);
}

// The next line, of 50 octets.
static int append(void)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "line %06u %036u\r\n", taken, 0u);
    int result = record_file_append(&file, &settings, line, (size_t)length);
    taken += result == 0;
    return result;
}

// Whole lines alone, each line of ours once; after a torn one of somebody else's there is a line end.
static size_t read_file(const char *name, unsigned seen[LINES_MAX])
{
    char line[1024];
    FILE *in = fopen(name, "r");
    assert_non_null(in);
    for (bool first = true; fgets(line, sizeof(line), in) != NULL; first = false) {
        unsigned number;
        assert_int_equal(line[strlen(line) - 1], '\n');
        if (sscanf(line, "line %6u ", &number) == 1) {
            assert_true(number < LINES_MAX && strlen(line) == 50);
            seen[number]++;
        } else if (strncmp(line, "torn", 4) != 0) {
            assert_true(first);
            assert_string_equal(line, RECORD_CSV_HEADER);
        }
    }
    size_t size = (size_t)ftell(in);
    fclose(in);
    return size;
}

// Returns how many files there are, none larger than most.
static unsigned expect_all(size_t most)
{
    unsigned seen[LINES_MAX] = {0}, files = 0;
    char name[512];
    DIR *all = opendir(directory);
    assert_non_null(all);
    for (const struct dirent *entry; (entry = readdir(all)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
        assert_in_range(read_file(name, seen), 1, most);
        files++;
    }
    closedir(all);
    for (unsigned i = 0; i < LINES_MAX; i++)
        assert_int_equal(seen[i], i < taken ? 1 : 0);
    return files;
}

static void test_turns_by_size(void **state)
{
    size_t header = strlen(RECORD_CSV_HEADER);
    settings.rotate_size = header + 100;
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(append(), 0);
    assert_int_equal(expect_all(header + 100), 20);
}

// More turns than there are names in one second: the file grows instead.
static void test_names_run_out(void **state)
{
    settings.rotate_size = strlen(RECORD_CSV_HEADER) + 50;
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(append(), 0);
    assert_in_range(expect_all(1u << 20), 101, 300);
}

static void test_turns_by_interval(void **state)
{
    settings.rotate_interval = 3600 * 1000;
    assert_int_equal(append(), 0);
    uint64_t now = (uint64_t)time(NULL);
    assert_in_range(file.turns_at, now, now + 3600);
    assert_int_equal(file.turns_at % 3600, 0);
    assert_int_equal(record_file_tick(&file, &settings), 0);
    assert_int_equal(expect_all(1u << 20), 1);
    file.turns_at = now - 1;
    assert_int_equal(record_file_tick(&file, &settings), 0);
    assert_int_equal(expect_all(1u << 20), 2);
    file.turns_at = now - 1; // with nothing in it there is nothing to turn
    assert_int_equal(record_file_tick(&file, &settings), 0);
    assert_int_equal(append(), 0);
    assert_int_equal(expect_all(1u << 20), 2);
}

// As logrotate does: renamed first, told afterwards.
static void test_turned_by_others(void **state)
{
    char turned[sizeof(path) + 8];
    snprintf(turned, sizeof(turned), "%s.1", path);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(append(), 0);
        if (i == 1)
            assert_int_equal(rename(path, turned), 0);
        if (i == 2)
            record_file_close(&file);
    }
    assert_int_equal(expect_all(1u << 20), 2);
    // Taken away altogether: by size it is turned all the same.
    assert_int_equal(unlink(path), 0);
    settings.rotate_size = 1;
    taken = 3;
    assert_int_equal(append(), 0);
    assert_int_equal(expect_all(1u << 20), 2);
}

// A process that was killed within a line, or a disk that was full there.
static void test_torn(void **state)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(RECORD_CSV_HEADER "torn li", out);
    fclose(out);
    assert_int_equal(append(), 0);
    assert_int_equal(append(), 0);
    assert_int_equal(expect_all(1u << 20), 1);
}

// At every octet where room may end: nothing of a line that does not fit, and all is well with room again.
static void test_no_room(void **state)
{
    struct rlimit before, limit;
    size_t header = strlen(RECORD_CSV_HEADER);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t room = 0; room <= header + 120; room++) {
        limit = (struct rlimit){room, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        unsigned fit = room < header ? 0 : (unsigned)((room - header) / 50);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(append(), taken < fit || i < fit ? 0 : -EFBIG);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(taken, fit);
        assert_int_equal(append(), 0);
        assert_int_equal(expect_all(1u << 20), 1);
        record_file_close(&file);
        assert_int_equal(unlink(path), 0);
        taken = 0;
    }
}

static void test_no_plain_file(void **state)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(append(), -EINVAL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(append(), -ELOOP);
    assert_int_equal(unlink(path), 0);
    settings.path = "/nowhere/calls.csv";
    assert_int_equal(append(), -ENOENT);
    settings.path = path;
    assert_int_equal(append(), 0);
    assert_int_equal(expect_all(1u << 20), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns_by_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_run_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_by_interval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turned_by_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_plain_file, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("control record file", tests, NULL, NULL);
}
