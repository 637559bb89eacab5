// SPDX-License-Identifier: BSD-3-Clause
#include "counters_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LINE 64u

static uint32_t lines(size_t octets)
{
    return (uint32_t)((octets + LINE - 1) / LINE * LINE);
}

static void fill_header(struct counters_header *header, unsigned workers)
{
    const uint32_t peers = lines(sizeof(struct counters_worker));
    const uint32_t members = peers + lines(PEERS_MAX * sizeof(struct counters_peer));
    const uint32_t agent = lines(sizeof(*header));
    const uint32_t networks = lines(NETWORKS_MAX * sizeof(struct counters_network));

    *header = (struct counters_header){
        .magic = COUNTERS_MAGIC,
        .version = COUNTERS_VERSION,
        .counter_count = COUNTER_COUNT,
        .workers = workers,
        .peers_max = PEERS_MAX,
        .members_max = MEMBERS_MAX,
        .worker_offset = agent + lines(sizeof(struct counters_agent)) + networks,
        .worker_stride = members + lines(MEMBERS_MAX * sizeof(struct counters_member)) +
                         sizeof(struct counters_filter) + sizeof(struct filter_notes),
        .peers_offset = peers,
        .members_offset = members,
        .agent_offset = agent,
        .networks_max = NETWORKS_MAX,
        .histograms = HISTOGRAM_COUNT,
        .start_time_s = (uint64_t)time(NULL)};
}

// The reader's descriptor is opened anew: a duplicate would share our right to write. Sealed only after our
// own writable mapping exists; no other can follow.
static int seal(struct counters_file *file, int fd)
{
    char path[32];

    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    return file->fd < 0 ? -errno : 0;
}

int counters_file_create(struct counters_file *file, unsigned workers, struct fault *fault)
{
    struct counters_header header;
    void *map = MAP_FAILED;
    int result = 0;
    int fd;

    *file = (struct counters_file){.fd = -1};
    fill_header(&header, workers);
    file->size = header.worker_offset + (size_t)header.worker_stride * workers;
    fd = memfd_create("dialgate-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return fault_set(fault, errno, "counters: memfd: %s", strerror(errno));
    if (ftruncate(fd, (off_t)file->size) < 0)
        result = -errno;
    if (result == 0) {
        map = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
        result = map == MAP_FAILED ? -errno : seal(file, fd);
    }
    close(fd);
    if (result < 0) {
        if (map != MAP_FAILED)
            munmap(map, file->size);
        return fault_set(fault, -result, "counters: %s", strerror(-result));
    }
    file->header = map;
    *file->header = header;
    return 0;
}

void counters_file_destroy(struct counters_file *file)
{
    if (file->header == NULL)
        return;
    munmap(file->header, file->size);
    close(file->fd);
    *file = (struct counters_file){.fd = -1};
}

static void *at(const struct counters_file *file, unsigned worker, uint32_t offset)
{
    return (uint8_t *)file->header + file->header->worker_offset +
           (size_t)worker * file->header->worker_stride + offset;
}

struct counters_worker *counters_file_worker(const struct counters_file *file, unsigned worker)
{
    return at(file, worker, 0);
}

struct counters_peer *counters_file_peers(const struct counters_file *file, unsigned worker)
{
    return at(file, worker, file->header->peers_offset);
}

struct counters_member *counters_file_members(const struct counters_file *file, unsigned worker)
{
    return at(file, worker, file->header->members_offset);
}

struct counters_filter *counters_file_filter(const struct counters_file *file, unsigned worker)
{
    return at(file, worker,
              file->header->members_offset + lines(MEMBERS_MAX * sizeof(struct counters_member)));
}

struct filter_notes *counters_file_notes(const struct counters_file *file, unsigned worker)
{
    return (void *)(counters_file_filter(file, worker) + 1);
}

struct counters_agent *counters_file_agent(const struct counters_file *file)
{
    return (void *)((uint8_t *)file->header + file->header->agent_offset);
}

struct counters_network *counters_file_networks(const struct counters_file *file)
{
    return (void *)(counters_file_agent(file) + 1);
}
