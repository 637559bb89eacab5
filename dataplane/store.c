// SPDX-License-Identifier: BSD-3-Clause
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const uint8_t *octets, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, octets, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        octets += written;
        size -= (size_t)written;
    }
    return 0;
}

int store_write(const char *directory, const char *name, const void *octets, size_t size)
{
    char path[PATH_MAX], beside[PATH_MAX];
    int result;
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path) ||
        snprintf(beside, sizeof(beside), "%s/.%s.new", directory, name) >= (int)sizeof(beside))
        return -ENAMETOOLONG;
    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    result = write_all(fd, octets, size);
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    close(fd);
    if (result == 0 && rename(beside, path) < 0)
        result = -errno;
    if (result < 0)
        unlink(beside);
    return result;
}

static long read_all(int fd, uint8_t *octets, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t got = read(fd, octets + used, size - used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (long)used;
}

long store_read(const char *directory, const char *name, size_t max, void **octets)
{
    char path[PATH_MAX];
    struct stat status;
    long result = 0;
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) < 0)
        result = -errno;
    else if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        result = -EPERM;
    else if ((uint64_t)status.st_size > max)
        result = -EFBIG;
    if (result == 0) {
        *octets = malloc((size_t)status.st_size + 1);
        result = *octets == NULL ? -ENOMEM : read_all(fd, *octets, (size_t)status.st_size);
        if (result < 0)
            free(*octets);
    }
    close(fd);
    return result;
}
