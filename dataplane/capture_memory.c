// SPDX-License-Identifier: BSD-3-Clause
#include "capture_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// A sealed memfd of this size: nobody can cut it under a reader. Returns it or -errno.
static int make(const char *name, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int result;

    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
        return fd;
    result = -errno;
    close(fd);
    return result;
}

// As of the counters: no writable mapping but ours can follow, and control's descriptor is its own.
static int map_rings(struct capture_memory *memory)
{
    char path[32];
    void *map;
    int result = 0;
    int fd = make("dialgate-captures", memory->size);

    if (fd < 0)
        return fd;
    map = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        result = -errno;
    else
        memory->file = map;
    if (result == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
        result = -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (result == 0) {
        memory->fd = open(path, O_RDONLY | O_CLOEXEC);
        result = memory->fd < 0 ? -errno : 0;
    }
    close(fd);
    return result;
}

static int map_tails(struct capture_memory *memory)
{
    void *map;

    memory->tails_fd = make("dialgate-capture-tails", sizeof(*memory->tails));
    if (memory->tails_fd < 0)
        return memory->tails_fd;
    if (fcntl(memory->tails_fd, F_ADD_SEALS, F_SEAL_SEAL) < 0)
        return -errno;
    map = mmap(NULL, sizeof(*memory->tails), PROT_READ, MAP_SHARED | MAP_POPULATE, memory->tails_fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    memory->tails = map;
    return 0;
}

int capture_memory_create(struct capture_memory *memory, unsigned workers, struct fault *fault)
{
    int result;

    *memory =
        (struct capture_memory){.size = sizeof(struct capture_file) + workers * sizeof(struct capture_ring),
                                .fd = -1,
                                .tails_fd = -1};
    result = map_rings(memory);
    if (result == 0)
        result = map_tails(memory);
    if (result < 0) {
        capture_memory_destroy(memory);
        return fault_set(fault, -result, "captures: %zu MB: %s", memory->size >> 20, strerror(-result));
    }
    memory->file->magic = CAPTURE_MAGIC;
    memory->file->version = CAPTURE_VERSION;
    memory->file->workers = workers;
    for (unsigned i = 0; i < workers; i++)
        memory->places[i] = (struct capture_place){.ring = &memory->file->rings[i],
                                                   .counts = memory->file->counts,
                                                   .tail = &memory->tails->rings[i].tail};
    return 0;
}

void capture_memory_destroy(struct capture_memory *memory)
{
    if (memory->size == 0)
        return;
    if (memory->file != NULL)
        munmap(memory->file, memory->size);
    if (memory->tails != NULL)
        munmap((void *)(uintptr_t)memory->tails, sizeof(*memory->tails));
    if (memory->fd >= 0)
        close(memory->fd);
    if (memory->tails_fd >= 0)
        close(memory->tails_fd);
    memory->file = NULL;
    memory->tails = NULL;
    memory->fd = memory->tails_fd = -1;
}
