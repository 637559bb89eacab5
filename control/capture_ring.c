// SPDX-License-Identifier: BSD-3-Clause
#include "capture_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int fault(char *error, size_t size, const char *text)
{
    snprintf(error, size, "captures refused: %s", text);
    return -EPROTO;
}

// Mapped pages stay only when the file cannot shrink. Returns its size, or 0.
static size_t sealed_size(int fd)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &status) == 0 ? (size_t)status.st_size : 0;
}

static size_t file_size(uint32_t workers)
{
    return sizeof(struct capture_file) + workers * sizeof(struct capture_ring);
}

int capture_reader_open(struct capture_reader *reader, const int fds[2], char *error, size_t size)
{
    *reader = (struct capture_reader){.size = sealed_size(fds[0])};
    if (reader->size < file_size(1) || sealed_size(fds[1]) < sizeof(struct capture_tails))
        return fault(error, size, "a memfd that is too small, or not sealed against shrinking");
    void *file = mmap(NULL, reader->size, PROT_READ, MAP_SHARED, fds[0], 0);
    void *tails = mmap(NULL, sizeof(struct capture_tails), PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
    reader->file = file != MAP_FAILED ? file : NULL;
    reader->tails = tails != MAP_FAILED ? tails : NULL;
    int result = 0;
    if (!reader->file || !reader->tails) {
        result = -errno;
        snprintf(error, size, "captures not mapped: %s", strerror(-result));
    } else {
        const volatile struct capture_file *header = reader->file;
        uint32_t workers = header->workers;
        if (header->magic != CAPTURE_MAGIC || header->version != CAPTURE_VERSION)
            result = fault(error, size, "made by another release; install the same release of both programs");
        else if (workers == 0 || workers > WORKERS_MAX || reader->size < file_size(workers))
            result = fault(error, size, "the file is smaller than its header says");
        reader->workers = result == 0 ? workers : 0;
    }
    if (result < 0)
        capture_reader_close(reader);
    for (uint32_t worker = 0; worker < reader->workers; worker++) {
        reader->position[worker] = capture_reader_head(reader, worker);
        __atomic_store_n(&reader->tails->rings[worker].tail, reader->position[worker], __ATOMIC_RELEASE);
    }
    return result;
}

void capture_reader_close(struct capture_reader *reader)
{
    if (reader->file)
        munmap((void *)(uintptr_t)reader->file, reader->size);
    if (reader->tails)
        munmap(reader->tails, sizeof(*reader->tails));
    *reader = (struct capture_reader){0};
}

uint64_t capture_reader_head(const struct capture_reader *reader, uint32_t worker)
{
    return __atomic_load_n(&reader->file->rings[worker].head, __ATOMIC_ACQUIRE);
}

static void move(struct capture_reader *reader, uint32_t worker, uint64_t position)
{
    reader->position[worker] = position;
    __atomic_store_n(&reader->tails->rings[worker].tail, position, __ATOMIC_RELEASE);
}

// Of the copy alone; room: octets up to the head or the end of the ring.
static bool is_sound(const struct capture_record *record, uint64_t room)
{
    uint64_t expected = (sizeof(*record) + record->length + CAPTURE_STEP - 1) / CAPTURE_STEP * CAPTURE_STEP;
    return record->size <= room && record->size == expected &&
           (record->outcome < COUNTER_COUNT || record->outcome == CAPTURE_NO_OUTCOME) &&
           (record->peer < PEERS_MAX || record->peer == NUMBER_NONE) &&
           (record->network < NETWORKS_MAX || record->network == NUMBER_NONE);
}

static bool give_up(struct capture_reader *reader, uint32_t worker, uint64_t head)
{
    reader->damaged++;
    move(reader, worker, head);
    return false;
}

bool capture_reader_peek(struct capture_reader *reader, uint32_t worker, struct capture_record *record)
{
    const struct capture_ring *ring = &reader->file->rings[worker];
    uint64_t head = capture_reader_head(reader, worker);
    // Once more when the first try found the end of the ring.
    for (unsigned int attempt = 0; attempt < 2; attempt++) {
        uint64_t position = reader->position[worker], waiting = head - position;
        if (waiting == 0)
            return false;
        if (waiting > CAPTURE_RING_OCTETS || head % CAPTURE_STEP)
            return give_up(reader, worker, head);
        uint64_t at = position % CAPTURE_RING_OCTETS, end = CAPTURE_RING_OCTETS - at;
        uint64_t room = waiting < end ? waiting : end;
        memset(record, 0, sizeof(*record));
        memcpy(record, ring->octets + at, room < sizeof(*record) ? CAPTURE_STEP : sizeof(*record));
        if (record->size != 0)
            return is_sound(record, room) || give_up(reader, worker, head);
        if (end > waiting)
            return give_up(reader, worker, head);
        move(reader, worker, position + end);
    }
    return give_up(reader, worker, head);
}

void capture_reader_take(struct capture_reader *reader, uint32_t worker, const struct capture_record *record,
                         uint8_t *octets)
{
    uint64_t position = reader->position[worker];
    memcpy(octets, reader->file->rings[worker].octets + position % CAPTURE_RING_OCTETS + sizeof(*record),
           record->length);
    move(reader, worker, position + record->size);
}

struct capture_count capture_reader_count(const struct capture_reader *reader, uint32_t slot, uint64_t serial)
{
    const struct capture_count *count = &reader->file->counts[slot];
    struct capture_count copy = {.serial = __atomic_load_n(&count->serial, __ATOMIC_RELAXED),
                                 .messages = __atomic_load_n(&count->messages, __ATOMIC_RELAXED),
                                 .octets = __atomic_load_n(&count->octets, __ATOMIC_RELAXED),
                                 .lost = __atomic_load_n(&count->lost, __ATOMIC_RELAXED),
                                 .forgotten = __atomic_load_n(&count->forgotten, __ATOMIC_RELAXED)};
    return copy.serial == serial ? copy : (struct capture_count){0};
}
