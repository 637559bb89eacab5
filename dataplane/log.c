// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include "clock.h"
#include "sink.h"

static const struct {
    const char *name;
    int priority; // of syslog(3), whose header has names like ours
} levels[] = {[LOG_ERROR] = {"error", 3}, [LOG_WARNING] = {"warning", 4}, [LOG_INFO] = {"info", 6}};

// As dialgate-control's lines begin. Returns the octets.
static int put_time(char *line, size_t size)
{
    struct timespec now;
    struct tm utc;
    char stamp[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    return snprintf(line, size, "%s.%03ldZ ", stamp, now.tv_nsec / 1000000);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int used = sink_wants_time() ? put_time(line, sizeof(line)) : 0;
    int more;

    used +=
        snprintf(line + used, sizeof(line) - (size_t)used, "level=%s event=%s ", levels[level].name, event);
    va_start(arguments, format);
    more = vsnprintf(line + used, sizeof(line) - (size_t)used, format, arguments);
    va_end(arguments);
    if (more < 0)
        return;
    used += more;
    if (used > (int)sizeof(line) - 1)
        used = (int)sizeof(line) - 1;
    for (int i = 0; i < used; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    sink_write(levels[level].priority, line, (size_t)used);
}

bool log_allowed(struct log_limit *limit, const char *event)
{
    uint64_t now = clock_ms();

    if (limit->window_ms == 0 || now - limit->window_ms >= LOG_LIMIT_MS) {
        uint32_t suppressed = limit->suppressed;

        *limit = (struct log_limit){.window_ms = now};
        if (suppressed > 0)
            log_event(LOG_WARNING, "log_suppressed", "of=%s lines=%u", event, suppressed);
    }
    if (limit->lines < LOG_LIMIT_BURST) {
        limit->lines++;
        return true;
    }
    limit->suppressed++;
    return false;
}
