// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "notify.h"

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
                     0);
    return fd;
}

static void expect(int fd, const char *text)
{
    char got[600];
    ssize_t size = recv(fd, got, sizeof(got) - 1, 0);

    assert_true(size >= 0);
    got[size] = '\0';
    assert_string_equal(got, text);
}

static void check_path(const char *path)
{
    int fd = listen_at(path);
    char pid[32], long_text[600];

    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "20000000", 1);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    notify_open();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_int_equal(notify_watchdog_ms(), 10000);
    notify_send("READY=1\nSTATUS=%u workers", 2u);
    expect(fd, "READY=1\nSTATUS=2 workers");
    // One that does not fit is not sent in part.
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    notify_send("STATUS=%s", long_text);
    notify_send("STOPPING=1");
    expect(fd, "STOPPING=1");
    notify_close();
    notify_send("READY=1");
    assert_true(recv(fd, long_text, sizeof(long_text), 0) < 0);
    close(fd);
}

static void test_path(void **state)
{
    char path[64];

    snprintf(path, sizeof(path), "/tmp/dialgate-notify.%d", (int)getpid());
    check_path(path);
    unlink(path);
}

static void test_abstract(void **state)
{
    char path[64];

    snprintf(path, sizeof(path), "@dialgate-notify.%d", (int)getpid());
    check_path(path);
}

// Nobody waits for the watchdog of another process, and a manager whose queue is full holds nobody up.
static void test_others(void **state)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "@dialgate-notify-full.%d", (int)getpid());
    fd = listen_at(path);
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "20000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_open();
    assert_int_equal(notify_watchdog_ms(), 0);
    for (unsigned i = 0; i < 100000; i++)
        notify_send("WATCHDOG=1");
    expect(fd, "WATCHDOG=1");
    notify_close();
    close(fd);
}

static void test_nothing(void **state)
{
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "20000000", 1);
    unsetenv("WATCHDOG_PID");
    notify_open();
    assert_int_equal(notify_watchdog_ms(), 0);
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_open();
    notify_send("READY=1");
    notify_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_path), cmocka_unit_test(test_abstract),
                                       cmocka_unit_test(test_others), cmocka_unit_test(test_nothing)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
