// SPDX-License-Identifier: BSD-3-Clause
#include "sink.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "syslogger.h"

static enum sink sink = SINK_STDERR;
static atomic_ullong window_s; // the second that lines are counted in
static atomic_uint lines;      // of this second
static atomic_ullong held_back;

// $JOURNAL_STREAM names device and inode of the stream that the manager connected (systemd.exec(5)): another
// standard error, of a shell in a unit, is no journal.
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;

    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

bool sink_open(const char *text, const char *name)
{
    if (strcmp(text, "auto") == 0)
        sink = is_journal() ? SINK_JOURNAL : SINK_STDERR;
    else if (strcmp(text, "stderr") == 0)
        sink = SINK_STDERR;
    else if (strcmp(text, "journal") == 0)
        sink = SINK_JOURNAL;
    else if (strcmp(text, "syslog") == 0 && syslogger_open(SYSLOGGER_PATH, name))
        sink = SINK_SYSLOG;
    else if (strncmp(text, "syslog:", 7) == 0 && text[7] == '/' && syslogger_open(text + 7, name))
        sink = SINK_SYSLOG;
    else
        return false;
    return true;
}

bool sink_wants_time(void)
{
    return sink == SINK_STDERR;
}

static void put(int priority, const char *line, size_t length)
{
    char prefix[8] = "";
    struct iovec parts[3];

    if (sink == SINK_SYSLOG) {
        syslogger_send(priority, line, length);
        return;
    }
    if (sink == SINK_JOURNAL)
        snprintf(prefix, sizeof(prefix), "<%d>", priority);
    parts[0] = (struct iovec){.iov_base = prefix, .iov_len = strlen(prefix)};
    parts[1] = (struct iovec){.iov_base = (void *)(size_t)line, .iov_len = length}; // writev() only reads
    parts[2] = (struct iovec){.iov_base = (void *)(size_t) "\n", .iov_len = 1};
    // One call a line, so that lines of several processes on one terminal do not mix. A line that cannot be
    // written is lost.
    if (writev(STDERR_FILENO, parts, 3) < 0)
        return;
}

// Counts the line. Two threads at the turn of a second may let a line more pass, or tell a number in two.
static bool may_write(int priority)
{
    struct timespec now;
    unsigned long long before;
    char line[96];

    clock_gettime(CLOCK_MONOTONIC, &now);
    before = atomic_exchange(&window_s, (unsigned long long)now.tv_sec);
    if (before != (unsigned long long)now.tv_sec) {
        unsigned long long lost = atomic_exchange(&held_back, 0);

        atomic_store(&lines, 0);
        if (lost > 0)
            put(LOG_WARNING, line,
                (size_t)snprintf(line, sizeof(line), "level=warning event=log_held_back lines=%llu", lost));
    }
    if (priority <= LOG_ERR || atomic_fetch_add(&lines, 1) < SINK_BURST)
        return true;
    atomic_fetch_add(&held_back, 1);
    return false;
}

void sink_write(int priority, const char *line, size_t length)
{
    if (may_write(priority))
        put(priority, line, length);
}
