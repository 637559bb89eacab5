// SPDX-License-Identifier: BSD-3-Clause
#include "syslogger.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards all that follows
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static char tag[48]; // NAME[PID]
static int fd = -1;
static unsigned long long lost;

bool syslogger_open(const char *path, const char *name)
{
    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    syslogger_close();
    pthread_mutex_lock(&lock);
    memcpy(address.sun_path, path, strlen(path) + 1);
    snprintf(tag, sizeof(tag), "%.32s[%d]", name, (int)getpid());
    lost = 0;
    pthread_mutex_unlock(&lock);
    return true;
}

static void hang_up(void)
{
    if (fd >= 0)
        close(fd);
    fd = -1;
}

// The daemon may have started anew at the same path.
static bool dial(void)
{
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        hang_up();
    return fd >= 0;
}

static bool put(const struct msghdr *message)
{
    return sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool send_line(int priority, const char *line, size_t length)
{
    char stamp[32], header[sizeof(stamp) + sizeof(tag) + 16];
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    time_t now = time(NULL);
    struct tm local;

    localtime_r(&now, &local);
    strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &local); // 4.1.2: the day has a space instead of a zero
    parts[0].iov_base = header;
    parts[0].iov_len =
        (size_t)snprintf(header, sizeof(header), "<%d>%s %s: ", LOG_DAEMON | priority, stamp, tag);
    parts[1] = (struct iovec){.iov_base = (void *)(size_t)line, .iov_len = length}; // sendmsg() only reads
    if (fd >= 0 && put(&message))
        return true;
    // A queue that is full is no reason to knock again.
    if (fd >= 0 && (errno == EAGAIN || errno == ENOBUFS))
        return false;
    hang_up();
    return dial() && put(&message);
}

void syslogger_send(int priority, const char *line, size_t length)
{
    char told[96];

    pthread_mutex_lock(&lock);
    if (lost > 0 &&
        send_line(LOG_WARNING, told,
                  (size_t)snprintf(told, sizeof(told), "level=warning event=log_lost lines=%llu", lost)))
        lost = 0;
    if (lost > 0 || !send_line(priority, line, length))
        lost++;
    pthread_mutex_unlock(&lock);
}

void syslogger_close(void)
{
    pthread_mutex_lock(&lock);
    hang_up();
    pthread_mutex_unlock(&lock);
}
