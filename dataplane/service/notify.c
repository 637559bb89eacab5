// SPDX-License-Identifier: BSD-3-Clause
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define US_PER_MS 1000u

static int notify_fd = -1;
static uint64_t watchdog_ms;

// Of the manager's time, when it means this process.
static void read_watchdog(void)
{
    const char *time_us = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");

    watchdog_ms = 0;
    if (time_us != NULL && (pid == NULL || strtol(pid, NULL, 10) == (long)getpid()))
        watchdog_ms = strtoull(time_us, NULL, 10) / US_PER_MS / 2;
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_open(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path != NULL ? strlen(path) : 0;

    read_watchdog();
    if (length >= 2 && length < sizeof(address.sun_path) && (path[0] == '/' || path[0] == '@')) {
        memcpy(address.sun_path, path, length);
        if (path[0] == '@')
            address.sun_path[0] = '\0'; // an abstract name, unix(7)
        // Connected now: later the process may have no right to make sockets.
        notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (notify_fd >= 0 && connect(notify_fd, (const struct sockaddr *)&address,
                                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
            notify_close();
    }
    unsetenv("NOTIFY_SOCKET");
}

void notify_send(const char *format, ...)
{
    char text[512];
    va_list arguments;
    int length;

    if (notify_fd < 0)
        return;
    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof(text))
        return;
    // A manager that does not read must not hold a call up.
    if (send(notify_fd, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

uint64_t notify_watchdog_ms(void)
{
    return notify_fd >= 0 ? watchdog_ms : 0;
}

void notify_close(void)
{
    if (notify_fd >= 0)
        close(notify_fd);
    notify_fd = -1;
}
