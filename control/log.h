// SPDX-License-Identifier: BSD-3-Clause
// Logs of the daemon: one line an event, `time level=L event=E key=value ...`, to where service/sink.h says;
// the time only where nobody else adds it. Text values stand in double quotes.
#ifndef DIALGATE_CONTROL_LOG_H
#define DIALGATE_CONTROL_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO };

// At most LOG_BURST lines a second pass one limit; what was held back is told with the next line that passes.
#define LOG_BURST 10u

struct log_limit {
    uint64_t second;
    uint32_t passed;
    uint64_t held_back;
};

// format gives the key=value pairs, may be empty. Control characters and octets beyond ASCII are written as
// \xHH.
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// For events that somebody else can cause at will: true when the caller may log now.
bool log_allowed(struct log_limit *limit);

// Milliseconds of the monotonic clock.
uint64_t clock_ms(void);

#endif
