// SPDX-License-Identifier: BSD-3-Clause
#include "capture_far.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *make(int *fd, const char *name, size_t size)
{
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *map = MAP_FAILED;
    if (*fd >= 0 && ftruncate(*fd, (off_t)size) == 0 && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0)
        map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (map == MAP_FAILED)
        abort();
    return map;
}

static size_t size_of(uint32_t workers)
{
    return sizeof(struct capture_file) + workers * sizeof(struct capture_ring);
}

void capture_far_open(struct capture_far *far, uint32_t workers)
{
    far->workers = workers;
    far->file = make(&far->fds[0], "captures", size_of(workers));
    far->tails = make(&far->fds[1], "tails", sizeof(struct capture_tails));
    far->file->magic = CAPTURE_MAGIC;
    far->file->version = CAPTURE_VERSION;
    far->file->workers = workers;
}

void capture_far_close(struct capture_far *far)
{
    munmap(far->file, size_of(far->workers));
    munmap((void *)(uintptr_t)far->tails, sizeof(*far->tails));
    close(far->fds[0]);
    close(far->fds[1]);
}

struct capture_record capture_far_record(uint64_t time_us, uint8_t captures)
{
    return (struct capture_record){.captures = captures,
                                   .serial = 1,
                                   .time_us = time_us,
                                   .outcome = CAPTURE_NO_OUTCOME,
                                   .peer = NUMBER_NONE,
                                   .network = NUMBER_NONE,
                                   .source_port = 5060,
                                   .destination_port = 5080,
                                   .source = {{[10] = 0xff, [11] = 0xff, 10, 0, 0, 1}},
                                   .destination = {{[10] = 0xff, [11] = 0xff, 10, 0, 0, 2}}};
}

void capture_far_put(struct capture_far *far, uint32_t worker, struct capture_record record, const char *text)
{
    struct capture_ring *ring = &far->file->rings[worker];
    uint64_t head = ring->head;
    size_t length = strlen(text);
    record.length = (uint16_t)length;
    record.size = (uint32_t)((sizeof(record) + length + CAPTURE_STEP - 1) / CAPTURE_STEP * CAPTURE_STEP);
    uint64_t end = CAPTURE_RING_OCTETS - head % CAPTURE_RING_OCTETS;
    if (end < record.size) {
        memset(ring->octets + head % CAPTURE_RING_OCTETS, 0, CAPTURE_STEP);
        head += end;
    }
    memcpy(ring->octets + head % CAPTURE_RING_OCTETS, &record, sizeof(record));
    memcpy(ring->octets + head % CAPTURE_RING_OCTETS + sizeof(record), text, length);
    __atomic_store_n(&ring->head, head + record.size, __ATOMIC_RELEASE);
}

void capture_far_skip(struct capture_far *far, uint32_t worker, uint64_t position)
{
    far->file->rings[worker].head = position;
}
