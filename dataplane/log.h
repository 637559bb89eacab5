// SPDX-License-Identifier: BSD-3-Clause
// The agent's log: one line an event, `level=info event=NAME key=value ...`, to where service/sink.h says.
// Workers never log.
#ifndef DIALGATE_LOG_H
#define DIALGATE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO };

// format makes the key=value part; octets that would break the line are replaced.
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// For events that others can cause: at most LOG_LIMIT_BURST lines in LOG_LIMIT_MS, the rest is counted.
// Zeroed at first.
#define LOG_LIMIT_MS    10000u
#define LOG_LIMIT_BURST 5u

struct log_limit {
    uint64_t window_ms; // when the current window began, monotonic
    uint32_t lines;
    uint32_t suppressed;
};

// True when a line may be written now. Says how many were left out when a new window begins.
bool log_allowed(struct log_limit *limit, const char *event);

#endif
