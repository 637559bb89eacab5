// SPDX-License-Identifier: BSD-3-Clause
#include "write_all.h"

#include <errno.h>
#include <unistd.h>

int write_all(int fd, const void *octets, size_t length)
{
    const char *at = octets;
    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        at += written;
        length -= (size_t)written;
    }
    return 0;
}
