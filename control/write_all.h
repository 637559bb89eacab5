// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_CONTROL_WRITE_ALL_H
#define DIALGATE_CONTROL_WRITE_ALL_H

#include <stddef.h>

// Returns 0, or -errno when not all of it was written: then some of it may be.
int write_all(int fd, const void *octets, size_t length);

#endif
