// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "clock.h"

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info"};

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int used = snprintf(line, sizeof(line), "level=%s event=%s ", level_names[level], event);
    int more;

    va_start(arguments, format);
    more = vsnprintf(line + used, sizeof(line) - (size_t)used, format, arguments);
    va_end(arguments);
    if (more < 0)
        return;
    used += more;
    if (used > (int)sizeof(line) - 2)
        used = (int)sizeof(line) - 2;
    for (int i = 0; i < used; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[used++] = '\n';
    // One write, so that lines of two processes on one terminal do not mix. A log that cannot be written is
    // lost.
    if (write(STDERR_FILENO, line, (size_t)used) < 0)
        return;
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
