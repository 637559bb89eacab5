// SPDX-License-Identifier: BSD-3-Clause
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 40

static int write_new(int directory, const char *name, replace_writer *write, const void *content)
{
    unlinkat(directory, name, 0); // of a process that died meanwhile
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        int reason = -errno;
        if (fd >= 0)
            close(fd);
        return reason;
    }
    write(content, file);
    int result = fflush(file) == 0 && fsync(fd) == 0 ? 0 : -errno;
    if (fclose(file) != 0 && result == 0)
        result = -errno;
    return result;
}

int replace_file(const char *directory, const char *name, replace_writer *write, const void *content)
{
    char fresh[NAME_SIZE];
    snprintf(fresh, sizeof(fresh), "%.32s.new", name);
    if (mkdir(directory, 0750) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = write_new(fd, fresh, write, content);
    if (result == 0 && (renameat(fd, fresh, fd, name) < 0 || fsync(fd) < 0))
        result = -errno;
    close(fd);
    return result;
}
