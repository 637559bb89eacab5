// SPDX-License-Identifier: BSD-3-Clause
#include "capture_far.h"

#include <fcntl.h>
#include <stdio.h>
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

static uint32_t word(const uint8_t *octets)
{
    uint32_t value;
    memcpy(&value, octets, sizeof(value));
    return value;
}

void capture_far_walk(const char *path, struct capture_far_file *walked)
{
    static uint8_t octets[1 << 20];
    FILE *file = fopen(path, "r");
    if (!file)
        abort();
    size_t at = 0, used = 0;
    *walked = (struct capture_far_file){.size = fread(octets, 1, sizeof(octets), file)};
    fclose(file);
    if (word(octets) != 0x0a0d0d0a)
        abort();
    while (at < walked->size) {
        uint32_t type = word(octets + at), length = word(octets + at + 4);
        if (length < 12 || length > walked->size - at || length % 4 != 0 ||
            word(octets + at + length - 4) != length)
            abort();
        if (type == 6) // behind the headers of Ethernet, IPv4 and UDP
            used += (size_t)snprintf(walked->texts + used, sizeof(walked->texts) - used, "%.*s\n",
                                     (int)word(octets + at + 20) - 42, (const char *)octets + at + 28 + 42);
        walked->whole = type == 5;
        if (type == 5) {
            walked->received = word(octets + at + 24);
            walked->missing = word(octets + at + 36);
        }
        at += length;
    }
}
