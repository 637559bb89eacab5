// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 2048

static const char *const level_names[] = {"error", "warning", "info"};

uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool log_allowed(struct log_limit *limit)
{
    uint64_t second = clock_ms() / 1000;
    if (second != limit->second) {
        if (limit->held_back > 0)
            log_event(LEVEL_WARNING, "log_limited", "held_back=%llu", (unsigned long long)limit->held_back);
        *limit = (struct log_limit){.second = second};
    }
    if (limit->passed >= LOG_BURST) {
        limit->held_back++;
        return false;
    }
    limit->passed++;
    return true;
}

// What others sent may stand in a line: neither a terminal nor a log reader may be steered by it.
static size_t clean(char *to, size_t size, const char *from)
{
    size_t used = 0;
    for (; *from && used + 5 < size; from++) {
        unsigned char octet = (unsigned char)*from;
        if (octet >= 0x20 && octet < 0x7f)
            to[used++] = (char)octet;
        else
            used += (size_t)snprintf(to + used, size - used, "\\x%02x", octet);
    }
    to[used] = '\0';
    return used;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char pairs[LINE_SIZE];
    char cleaned[LINE_SIZE];
    char line[LINE_SIZE + 128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(pairs, sizeof(pairs), format, arguments);
    va_end(arguments);
    clean(cleaned, sizeof(cleaned), pairs);

    struct timespec now;
    struct tm utc;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    int length = snprintf(line, sizeof(line), "%s.%03ldZ level=%s event=%s%s%s\n", stamp,
                          now.tv_nsec / 1000000, level_names[level], event, cleaned[0] ? " " : "", cleaned);
    // One write a line, so that lines of several processes on one stderr do not mix. A lost log line is no
    // error.
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        return;
}
