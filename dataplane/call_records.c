// SPDX-License-Identifier: BSD-3-Clause
#include "call_records.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"

#define FILE_MAGIC   0x736c6c6163676c64ull
#define FILE_VERSION 1u
#define LOCK_MS      2000u // a dead process's locks go some milliseconds after it
#define WAITING_MAX                                                                                          \
    (1u << 20)           // what waits for a control that does not read: answers have the rest of the queue
#define MESSAGES_MAX 16u // of one ring a poll
#define TEXT_MAX     (CHANNEL_MESSAGE_MAX - sizeof(struct channel_header) - sizeof(struct channel_records))

struct call_file {
    uint64_t magic;
    uint32_t version;
    uint32_t rings;    // that the file has room for
    uint64_t instance; // random, of this file
    uint8_t reserved[4072];
    struct call_ring ring[];
};
static_assert(sizeof(struct call_file) == 4096, "rings begin with a page");

static size_t size_of(unsigned rings)
{
    return sizeof(struct call_file) + rings * sizeof(struct call_ring);
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

// Only what a process before wrote there. Whatever it holds, positions lead nowhere but into the ring.
static bool is_whole(const struct call_file *file, size_t size)
{
    return size >= sizeof(*file) && file->magic == FILE_MAGIC && file->version == FILE_VERSION &&
           file->rings >= 1 && file->rings <= WORKERS_MAX && size >= size_of(file->rings) &&
           file->instance != 0;
}

static void mend(struct call_ring *ring, unsigned number)
{
    if (ring->head % 8 == 0 && ring->tail % 8 == 0 && ring->head - ring->tail <= CALL_RING_OCTETS)
        return;
    log_event(LOG_WARNING, "call_records_damaged", "ring=%u", number);
    ring->head = ring->tail = 0;
}

// Where workers and the agent write with records off, too.
static int reserve_heads(const struct call_records *records, unsigned rings)
{
    int result = fallocate(records->fd, 0, 0, sizeof(struct call_file));

    for (unsigned i = 0; result == 0 && i < rings; i++)
        result = fallocate(records->fd, 0, (off_t)size_of(i), offsetof(struct call_ring, octets));
    return result < 0 ? -errno : 0;
}

int call_records_reserve(const struct call_records *records)
{
    if (records->file == NULL)
        return -ENOENT;
    return fallocate(records->fd, 0, 0, (off_t)records->size) < 0 ? -errno : 0;
}

// Whole pages of rings in which nothing waits. A file system that cannot do that keeps them.
static void give_back(const struct call_records *records)
{
    for (unsigned i = 0; i < records->file->rings; i++) {
        const struct call_ring *ring = &records->file->ring[i];
        off_t begin = (off_t)(size_of(i) + offsetof(struct call_ring, octets));

        // Part of a page at either end is filled with zeros only.
        if (ring->head == ring->tail)
            (void)fallocate(records->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, CALL_RING_OCTETS);
    }
}

static int make_anew(struct call_records *records, unsigned rings)
{
    int result = -EIO;

    if (ftruncate(records->fd, 0) == 0 && ftruncate(records->fd, (off_t)records->size) == 0)
        result = reserve_heads(records, rings);
    if (result < 0)
        return result;
    if (getrandom(&records->file->instance, sizeof(records->file->instance), 0) !=
        sizeof(records->file->instance))
        records->file->instance = clock_ms();
    records->file->version = FILE_VERSION;
    records->file->magic = FILE_MAGIC;
    return 0;
}

static int map(struct call_records *records, unsigned workers)
{
    struct stat status;
    unsigned rings = workers;
    void *octets;

    if (fstat(records->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return -EPERM;
    if ((uint64_t)status.st_size > size_of(rings) && (uint64_t)status.st_size <= size_of(WORKERS_MAX))
        rings = (unsigned)(((size_t)status.st_size - sizeof(struct call_file)) / sizeof(struct call_ring));
    records->size = size_of(rings);
    if ((size_t)status.st_size < records->size && ftruncate(records->fd, (off_t)records->size) < 0)
        return -errno;
    // Who finds no memory when it writes is killed.
    if (reserve_heads(records, rings) < 0)
        return -ENOSPC;
    octets = mmap(NULL, records->size, PROT_READ | PROT_WRITE, MAP_SHARED, records->fd, 0);
    if (octets == MAP_FAILED)
        return -errno;
    records->file = octets;
    if (!is_whole(records->file, (size_t)status.st_size)) {
        if (status.st_size > 0)
            log_event(LOG_WARNING, "call_records_damaged", "octets=%lld", (long long)status.st_size);
        if (make_anew(records, rings) < 0)
            return -ENOSPC;
    }
    records->file->rings = rings;
    for (unsigned i = 0; i < rings; i++)
        mend(&records->file->ring[i], i);
    return 0;
}

int call_records_open(struct call_records *records, const char *state_directory, unsigned workers, bool on)
{
    char path[PATH_MAX];
    int result;

    *records = (struct call_records){.fd = -1};
    if (snprintf(path, sizeof(path), "%s/" CALL_RECORDS_FILE, state_directory) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    records->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (records->fd < 0)
        return -errno;
    result = lock(records->fd);
    if (result == 0)
        result = map(records, workers);
    if (result == 0 && on)
        result = call_records_reserve(records);
    else if (result == 0)
        give_back(records);
    if (result < 0)
        call_records_close(records);
    else
        call_records_begin(records);
    return result;
}

void call_records_close(struct call_records *records)
{
    if (records->file != NULL)
        munmap(records->file, records->size);
    if (records->fd >= 0)
        close(records->fd);
    records->file = NULL;
    records->fd = -1;
}

struct call_ring *call_records_ring(const struct call_records *records, unsigned worker)
{
    return records->file != NULL && worker < records->file->rings ? &records->file->ring[worker] : NULL;
}

void call_records_begin(struct call_records *records)
{
    for (unsigned i = 0; records->file != NULL && i < records->file->rings; i++)
        records->sent[i] = records->file->ring[i].tail;
}

// The record at *position, which moves on to it over what was skipped; NULL: none, or what is there is none,
// and *position is head.
static const struct channel_record *record_at(const struct call_ring *ring, uint64_t *position)
{
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

    while (*position != head) { // twice at most
        uint32_t at = (uint32_t)(*position % CALL_RING_OCTETS), left = CALL_RING_OCTETS - at;
        const struct channel_record *record = (const void *)(ring->octets + at);
        uint64_t sequence;

        memcpy(&sequence, ring->octets + at, sizeof(sequence));
        if (sequence == 0 && at > 0 && left <= head - *position) {
            *position += left;
            continue;
        }
        if (left < sizeof(*record) || record->size < sizeof(*record) ||
            record->size > CHANNEL_RECORD_SIZE_MAX || record->size % 8 != 0 || record->size > left ||
            record->size > head - *position || sequence == 0)
            *position = head; // damaged; the gap in the numbers tells
        else
            return record;
    }
    return NULL;
}

// Unix time for the time since the machine began.
static uint64_t unix_ms(uint64_t monotonic_ms)
{
    struct timespec now;
    uint64_t now_ms = clock_ms();

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 -
           (now_ms > monotonic_ms ? now_ms - monotonic_ms : 0);
}

// One message of what comes at *position. Returns how many records, and *position is behind them.
static uint32_t gather(const struct call_ring *ring, uint64_t *position, uint8_t *text, size_t *size)
{
    const struct channel_record *record;
    uint32_t count = 0;

    *size = 0;
    while ((record = record_at(ring, position)) != NULL && *size + record->size <= TEXT_MAX) {
        struct channel_record told = *record;

        told.start_ms = unix_ms(record->start_ms);
        memcpy(text + *size, record, record->size);
        memcpy(text + *size, &told, sizeof(told));
        *size += record->size;
        *position += record->size;
        count++;
    }
    return count;
}

static void send_ring(struct call_records *records, unsigned number, struct channel_server *channel)
{
    static uint8_t text[TEXT_MAX]; // one agent thread
    struct call_ring *ring = &records->file->ring[number];
    struct channel_records body = {.instance = records->file->instance, .worker = number};

    for (unsigned i = 0; i < MESSAGES_MAX && channel->fd >= 0 && channel->queued <= WAITING_MAX &&
                         records->sent[number] - ring->tail <= CALL_RECORDS_WINDOW;
         i++) {
        size_t size;

        body.count = gather(ring, &records->sent[number], text, &size);
        if (body.count == 0)
            return;
        body.lost = __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
        body.waiting = __atomic_load_n(&ring->head, __ATOMIC_RELAXED) - records->sent[number];
        channel_server_send(channel, &(struct channel_output){.type = CHANNEL_RECORDS,
                                                              .body = &body,
                                                              .body_size = sizeof(body),
                                                              .text = text,
                                                              .text_size = size});
    }
}

void call_records_poll(struct call_records *records, struct channel_server *channel)
{
    for (unsigned i = 0; records->file != NULL && channel->greeted && i < records->file->rings; i++)
        send_ring(records, i, channel);
}

void call_records_done(struct call_records *records, const struct channel_records_done *done)
{
    const struct channel_record *record;
    struct call_ring *ring;
    uint64_t position;

    if (records->file == NULL || done->instance != records->file->instance ||
        done->worker >= records->file->rings)
        return; // of a file that was there before
    ring = &records->file->ring[done->worker];
    position = ring->tail;
    while (position != records->sent[done->worker] && (record = record_at(ring, &position)) != NULL &&
           record->sequence <= done->sequence)
        position += record->size;
    __atomic_store_n(&ring->tail, position, __ATOMIC_RELEASE);
    if (done->again || (int64_t)(records->sent[done->worker] - position) < 0)
        records->sent[done->worker] = position;
}
