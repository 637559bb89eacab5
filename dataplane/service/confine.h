// SPDX-License-Identifier: BSD-3-Clause
// What a daemon gives up once it serves: capabilities, and system calls (calls.h).
#ifndef DIALGATE_CONFINE_H
#define DIALGATE_CONFINE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include "calls.h"

// Builds with AddressSanitizer need calls that others do not.
#if defined(__SANITIZE_ADDRESS__)
#define CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifndef CONFINE_SANITIZED
#define CONFINE_SANITIZED 0
#endif

// Asks a thread to give up its capabilities. One that blocks it keeps them.
#define CONFINE_SIGNAL SIGRTMIN

// Leaves each thread of the process only the capabilities of keep (bit N: capability N) that it has; nothing
// can give them back. Returns the threads that kept more, because they block the signal that asks them, or
// -errno.
int confine_rights(uint64_t keep);
// Allows all threads only the calls of who, and no new privileges. Returns 0 or -errno.
int confine_calls(enum calls_of who);
// Both, for dialgate-control, which needs no capability, or dialgate-dataplane, which needs CAP_NET_ADMIN for
// the kernel's neighbours and to take its program off the interfaces. Returns 0 or -errno, with what was and
// was not given up in text, as key=value.
int confine(enum calls_of who, char *text, size_t size);

#endif
