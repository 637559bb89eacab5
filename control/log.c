// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include "sink.h"

#define LINE_SIZE 2048

static const struct {
    const char *name;
    int priority;
} levels[] = {[LEVEL_ERROR] = {"error", LOG_ERR},
              [LEVEL_WARNING] = {"warning", LOG_WARNING},
              [LEVEL_INFO] = {"info", LOG_INFO}};

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
    int length = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    if (sink_wants_time())
        length = snprintf(line, sizeof(line), "%s.%03ldZ ", stamp, now.tv_nsec / 1000000);
    length += snprintf(line + length, sizeof(line) - (size_t)length, "level=%s event=%s%s%s",
                       levels[level].name, event, cleaned[0] ? " " : "", cleaned);
    if (length >= (int)sizeof(line))
        length = sizeof(line) - 1;
    sink_write(levels[level].priority, line, (size_t)length);
}
