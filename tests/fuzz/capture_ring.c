// SPDX-License-Identifier: BSD-3-Clause
// What a worker's ring of captures holds, read by control. The first four octets say how many steps before
// the end of the ring the reader stands, the next four how far the head is from there; the others lie there,
// around the end.
// 1. The reader comes to the head, whatever is there, and its tail says so.
// 2. A record that it takes lies before the head, is as long as it says, and is one that may be shown.
// 3. What is written next is read.
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "capture_ring.h"
#include "sip_check.h"

#define LEAD 8u

static struct capture_file *file;
static struct capture_reader reader;

static void *make(int *fd, size_t size)
{
    *fd = memfd_create("captures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(*fd >= 0 && ftruncate(*fd, (off_t)size) == 0 && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    CHECK(map != MAP_FAILED);
    return map;
}

static void open_once(void)
{
    int fds[2];
    char error[256];
    if (file)
        return;
    file = make(&fds[0], sizeof(*file) + sizeof(struct capture_ring));
    munmap(make(&fds[1], sizeof(struct capture_tails)), sizeof(struct capture_tails));
    file->magic = CAPTURE_MAGIC;
    file->version = CAPTURE_VERSION;
    file->workers = 1;
    CHECK(capture_reader_open(&reader, fds, error, sizeof(error)) == 0);
    close(fds[0]);
    close(fds[1]);
}

static void place(uint64_t position, const uint8_t *octets, size_t size)
{
    struct capture_ring *ring = &file->rings[0];
    uint64_t at = position % CAPTURE_RING_OCTETS, first = CAPTURE_RING_OCTETS - at;
    if (first > size)
        first = size;
    memcpy(ring->octets + at, octets, first);
    memcpy(ring->octets, octets + first, size - first);
}

static uint32_t read_all(uint64_t head)
{
    static uint8_t octets[UINT16_MAX];
    struct capture_record record;
    uint32_t count = 0;
    for (; capture_reader_peek(&reader, 0, &record); count++) {
        uint64_t position = reader.position[0];
        CHECK(head - position <= CAPTURE_RING_OCTETS && record.size <= head - position);
        CHECK(position % CAPTURE_RING_OCTETS + record.size <= CAPTURE_RING_OCTETS);
        CHECK(record.size >= sizeof(record) + record.length && record.size % CAPTURE_STEP == 0);
        CHECK(record.outcome < COUNTER_COUNT || record.outcome == CAPTURE_NO_OUTCOME);
        CHECK(record.peer < PEERS_MAX || record.peer == NUMBER_NONE);
        CHECK(record.network < NETWORKS_MAX || record.network == NUMBER_NONE);
        capture_reader_take(&reader, 0, &record, octets);
        CHECK(reader.position[0] == position + record.size);
    }
    CHECK(reader.position[0] == head && reader.tails->rings[0].tail == head);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const struct capture_record sound = {
        .size = sizeof(sound), .outcome = CAPTURE_NO_OUTCOME, .peer = NUMBER_NONE, .network = NUMBER_NONE};
    uint32_t steps, distance;
    if (size < LEAD || size - LEAD > CAPTURE_RING_OCTETS)
        return 0;
    open_once();
    memcpy(&steps, input, sizeof(steps));
    memcpy(&distance, input + sizeof(steps), sizeof(distance));
    uint64_t position = 8 * (uint64_t)CAPTURE_RING_OCTETS - (uint64_t)(steps % 4096) * CAPTURE_STEP;
    uint64_t head = position + distance;
    place(position, input + LEAD, size - LEAD);
    reader.position[0] = reader.tails->rings[0].tail = position;
    file->rings[0].head = head;
    read_all(head);
    // The worker is sound again.
    head = 16 * (uint64_t)CAPTURE_RING_OCTETS;
    reader.position[0] = head;
    memcpy(file->rings[0].octets, &sound, sizeof(sound));
    file->rings[0].head = head + sizeof(sound);
    CHECK(read_all(head + sizeof(sound)) == 1);
    return 0;
}
