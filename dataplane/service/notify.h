// SPDX-License-Identifier: BSD-3-Clause
// The service manager's ear: the datagrams of sd_notify(3) to $NOTIFY_SOCKET. Without it nothing is sent.
#ifndef DIALGATE_NOTIFY_H
#define DIALGATE_NOTIFY_H

#include <stdint.h>

// Before threads are started: takes $NOTIFY_SOCKET and $WATCHDOG_USEC out of the environment.
void notify_open(void);
// Lines of NAME=VALUE, such as "READY=1\nSTATUS=serving". What the manager has no room for is lost.
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
// How often WATCHDOG=1 is wanted: half of the time after which the manager ends us. 0: not wanted.
uint64_t notify_watchdog_ms(void);
void notify_close(void);

#endif
