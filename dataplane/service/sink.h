// SPDX-License-Identifier: BSD-3-Clause
// Where lines of the log go: standard error, the journal behind it, or syslog.
#ifndef DIALGATE_SINK_H
#define DIALGATE_SINK_H

#include <stdbool.h>
#include <stddef.h>

enum sink { SINK_STDERR, SINK_JOURNAL, SINK_SYSLOG };

// More lines than this in a second, errors excepted, are held back whoever causes them; the next one that is
// written tells how many.
#define SINK_BURST 500u

// text: "auto" (the journal when standard error is connected to it, else standard error), "stderr",
// "journal" (lines begin with <N>, sd-daemon(3)), "syslog" or "syslog:SOCKET" (syslogger.h). name stands in
// syslog's lines. Returns false when text is none of these. Without a call lines go to standard error.
bool sink_open(const char *text, const char *name);
// Whether lines need a time of their own.
bool sink_wants_time(void);
// One line without its end, of this priority of syslog(3). Threads: any, lines do not mix.
void sink_write(int priority, const char *line, size_t length);

#endif
