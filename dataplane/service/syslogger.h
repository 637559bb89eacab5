// SPDX-License-Identifier: BSD-3-Clause
// Lines for the machine's syslog daemon, as syslog(3) sends them to its socket: facility daemon, RFC 3164
// section 4.1 without the host's name. Unlike syslog(3) it never waits: what a daemon that does not read, or
// is away, has no room for is counted, and told with the next line that it takes.
#ifndef DIALGATE_SYSLOGGER_H
#define DIALGATE_SYSLOGGER_H

#include <stdbool.h>
#include <stddef.h>

#define SYSLOGGER_PATH "/dev/log"

// path: of the socket, which need not be there yet. name stands in each line. Returns false when the path is
// longer than a socket's can be.
bool syslogger_open(const char *path, const char *name);
// Threads: any. priority as in syslog(3), without a facility.
void syslogger_send(int priority, const char *line, size_t length);
void syslogger_close(void);

#endif
