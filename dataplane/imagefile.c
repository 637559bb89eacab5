// SPDX-License-Identifier: BSD-3-Clause
#include "imagefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "memory_node.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define PAGE      ((size_t)4096)
#define LOCK_MS   2000u // a dead process's locks go some milliseconds after it

const char *imagefile_path(const struct imagefile *file)
{
    static char path[PATH_MAX + IMAGEFILE_NAME_SIZE + 1]; // one agent thread

    snprintf(path, sizeof(path), "%s/%s", file->directory, file->name);
    return path;
}

// jemalloc's extents begin at multiples of 2 MiB, and only there are huge pages used.
static uint8_t *map_file(int fd, size_t size)
{
    size_t whole = (size + PAGE - 1) / PAGE * PAGE, before;
    uint8_t *space =
        mmap(NULL, whole + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *map;

    if (space == MAP_FAILED)
        return NULL;
    before = (HUGE_PAGE - (uintptr_t)space % HUGE_PAGE) % HUGE_PAGE;
    map = mmap(space + before, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    if (map == MAP_FAILED) {
        int error = errno;

        munmap(space, whole + HUGE_PAGE);
        errno = error;
        return NULL;
    }
    if (before > 0)
        munmap(space, before);
    munmap(map + whole, HUGE_PAGE - before);
    return map;
}

static int lock(int fd)
{
    uint64_t deadline_ms = clock_ms() + LOCK_MS;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK || clock_ms() > deadline_ms)
            return -errno;
        usleep(1000);
    }
    return 0;
}

int imagefile_open(struct imagefile *file)
{
    struct stat status;
    int result;

    file->octets = NULL;
    file->fd = open(imagefile_path(file), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &status) < 0)
        return errno == ELOOP ? -EPERM : -errno;
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return -EPERM;
    result = lock(file->fd);
    if (result < 0)
        return result;
    file->size = (size_t)status.st_size;
    if (file->size == 0)
        return 0;
    file->octets = map_file(file->fd, file->size);
    return file->octets == NULL ? -errno : 0;
}

// Whether the kernel would back a file in memory with huge pages: then it clears them in no time, but only if
// no small ones were reserved before.
static bool has_huge_pages(void)
{
    char text[128] = "";
    int fd = open("/sys/kernel/mm/transparent_hugepage/shmem_enabled", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    return length > 0 && strstr(text, "[never]") == NULL && strstr(text, "[deny]") == NULL;
}

static int populate(const struct imagefile *file, size_t octets)
{
    if (madvise(file->octets, octets, MADV_POPULATE_WRITE) == 0 || errno == EINVAL) // before Linux 5.14
        return 0;
    return errno == EFAULT ? -ENOSPC : -errno;
}

// Everything is reserved. Returns how much is present, or -errno.
static ssize_t provide(const struct imagefile *file, bool huge, size_t now)
{
    bool whole = huge || has_huge_pages();
    int result;

    if (!huge)
        madvise(file->octets, file->size, MADV_HUGEPAGE); // a wish
    result = whole ? populate(file, file->size) : 0;
    if (result == 0 && fallocate(file->fd, 0, 0, (off_t)file->size) < 0)
        result = -errno;
    if (result == 0 && !whole)
        result = populate(file, now);
    return result < 0 ? result : (ssize_t)(whole ? file->size : now);
}

ssize_t imagefile_make(struct imagefile *file, bool huge, size_t now)
{
    file->octets = NULL;
    file->fd = open(imagefile_path(file), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0 || flock(file->fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(file->fd, (off_t)file->size) < 0)
        return -errno;
    file->octets = map_file(file->fd, file->size);
    if (file->octets == NULL)
        return -errno;
    memory_node_prefer(file->octets, file->size, file->node);
    return provide(file, huge, now);
}

void imagefile_close(struct imagefile *file)
{
    if (file->octets != NULL)
        munmap(file->octets, file->size);
    if (file->fd >= 0)
        close(file->fd);
    file->octets = NULL;
    file->fd = -1;
}

void imagefile_remove(struct imagefile *file)
{
    if (file->fd >= 0)
        unlink(imagefile_path(file));
    imagefile_close(file);
    rmdir(file->directory);
}
