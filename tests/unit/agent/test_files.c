// SPDX-License-Identifier: BSD-3-Clause
// The files of the run and state directories: store, keys, rundir.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include "keys.h"
#include "rundir.h"
#include "store.h"

static char directory[] = "/tmp/dialgate-test-XXXXXX";
static char path[256];

static const char *in_directory(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static int make_directory(void **state)
{
    strcpy(directory, "/tmp/dialgate-test-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    char command[300];

    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static void test_store(void **state)
{
    void *octets = NULL;
    struct stat status;

    assert_int_equal(store_read(directory, "file", 100, &octets), -ENOENT);
    assert_int_equal(store_write(directory, "file", "first", 5), 0);
    assert_int_equal(store_write(directory, "file", "second!", 7), 0);
    assert_int_equal(store_read(directory, "file", 7, &octets), 7);
    assert_memory_equal(octets, "second!", 7);
    free(octets);
    assert_int_equal(stat(in_directory("file"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(store_read(directory, "file", 6, &octets), -EFBIG);
    assert_int_equal(chmod(in_directory("file"), 0640), 0);
    assert_int_equal(store_read(directory, "file", 100, &octets), -EPERM);
    assert_int_equal(mkfifo(in_directory("fifo"), 0600), 0);
    assert_int_equal(store_read(directory, "fifo", 100, &octets), -EPERM);
    assert_int_equal(symlink("/etc/hostname", in_directory("link")), 0);
    assert_int_equal(store_read(directory, "link", 100, &octets), -ELOOP);
    // A link in the way is replaced, not followed.
    assert_int_equal(store_write(directory, "link", "x", 1), 0);
    assert_int_equal(store_read(directory, "link", 100, &octets), 1);
    free(octets);
    assert_int_equal(store_write("/nowhere/at/all", "file", "x", 1), -ENOENT);
}

static bool keys_equal(const struct cookie_keys *a, const struct cookie_keys *b)
{
    return memcmp(&a->table, &b->table, sizeof(a->table)) == 0 &&
           memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0 && memcmp(&a->tag, &b->tag, sizeof(a->tag)) == 0 &&
           a->number == b->number;
}

static void test_keys(void **state)
{
    struct cookie_keys first, again;
    struct fault fault;
    struct stat status;

    assert_int_equal(keys_open(directory, &first, &fault), 0);
    assert_memory_not_equal(&first.table, &first.mac, sizeof(first.table));
    assert_memory_not_equal(&first.mac, &first.tag, sizeof(first.tag));
    assert_int_equal(keys_open(directory, &again, &fault), 0);
    assert_true(keys_equal(&first, &again));
    assert_int_equal(stat(in_directory("keys"), &status), 0);
    // Each octet of the file matters, and so does its length.
    for (off_t i = 0; i <= status.st_size; i += 8) {
        int fd = open(in_directory("keys"), O_RDWR | O_CLOEXEC);
        char octet = 0;

        assert_true(fd >= 0);
        if (i < status.st_size)
            assert_int_equal(pread(fd, &octet, 1, i), 1);
        octet ^= 0x10;
        assert_int_equal(pwrite(fd, &octet, 1, i), 1);
        close(fd);
        assert_int_equal(keys_open(directory, &first, &fault), 0);
        assert_false(keys_equal(&first, &again));
        again = first;
    }
    assert_int_equal(chmod(in_directory("keys"), 0604), 0);
    assert_int_equal(keys_open(directory, &first, &fault), 0);
    assert_false(keys_equal(&first, &again));
    assert_int_equal(stat(in_directory("keys"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(keys_open("/nowhere/at/all", &first, &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "--state-directory"));
}

static void test_rundir(void **state)
{
    struct rundir first, second;
    struct fault fault;
    struct stat status;
    int fd;

    in_directory("run");
    assert_int_equal(rundir_open(&first, path, NULL, &fault), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0750);
    // The names of the instance follow from its directory.
    assert_int_equal(strncmp(first.state, "/dev/shm/dialgate-tmp-dialgate-test-", 36), 0);
    assert_int_equal(strncmp(first.prefix, "dialgate-tmp-dialgate-test-", 27), 0);
    rmdir(first.state);
    in_directory("run");
    assert_int_equal(rundir_open(&second, path, directory, &fault), -EWOULDBLOCK);
    fd = rundir_listen(&first, &fault);
    assert_true(fd >= 0);
    assert_int_equal(stat(in_directory("run/dataplane.sock"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    close(fd);
    // The file of a dead instance is replaced.
    fd = rundir_listen(&first, &fault);
    assert_true(fd >= 0);
    close(fd);
    rundir_close(&first, true);
    assert_int_equal(stat(in_directory("run/dataplane.sock"), &status), -1);
    in_directory("run");
    assert_int_equal(rundir_open(&second, path, directory, &fault), 0);
    rundir_close(&second, false);
}

static void test_rundir_refused(void **state)
{
    struct rundir dir;
    struct fault fault;
    char deep[200] = "";
    int fd;

    assert_int_equal(rundir_open(&dir, "/nowhere/at/all", NULL, &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "--run-directory"));
    in_directory("plain");
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(rundir_open(&dir, path, NULL, &fault), -ENOTDIR);
    in_directory("open");
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(rundir_open(&dir, path, NULL, &fault), -EPERM);
    memset(deep, 'x', 100);
    in_directory(deep);
    assert_int_equal(rundir_open(&dir, path, directory, &fault), -ENAMETOOLONG);
    in_directory("run");
    assert_int_equal(rundir_open(&dir, path, directory, &fault), 0);
    close(open(in_directory("run/dataplane.sock"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(rundir_listen(&dir, &fault), -EEXIST);
    assert_int_equal(access(in_directory("run/dataplane.sock"), F_OK), 0);
    unlink(path);
    if (geteuid() == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/dataplane.sock", directory);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(chown(address.sun_path, 65534, 65534), 0);
        assert_int_equal(rundir_listen(&dir, &fault), -EPERM);
        assert_non_null(strstr(fault.text, "uid 65534"));
        close(fd);
    }
    rundir_close(&dir, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_keys, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_rundir, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_rundir_refused, make_directory, remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
