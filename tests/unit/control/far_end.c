// SPDX-License-Identifier: BSD-3-Clause
#include "far_end.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dialgate/filter_notes.h"

size_t far_build(struct far_message *message, enum channel_type type, uint32_t request, const void *body,
                 size_t size)
{
    memset(message, 0, sizeof(*message));
    message->header = (struct channel_header){.magic = CHANNEL_MAGIC,
                                              .version = CHANNEL_VERSION,
                                              .type = (uint16_t)type,
                                              .size = (uint32_t)(sizeof(message->header) + size),
                                              .request = request};
    if (body)
        memcpy(message->body, body, size);
    return sizeof(message->header) + size;
}

struct channel_hello far_hello(enum channel_state state, uint64_t sequence)
{
    return (struct channel_hello){
        .state = state, .pid = 77, .boot = 5, .snapshot_sequence = sequence, .workers = 2};
}

size_t far_row(uint8_t *body, uint64_t handle, const char *call_id)
{
    static const char rest[] = "sip:asip:bt1t2";
    struct channel_dialog_row row;
    memset(&row, 0, sizeof(row));
    row.handle = handle;
    row.state = CHANNEL_DIALOG_CONFIRMED;
    row.age_ms = 5000;
    row.caller_peer = NUMBER_NONE;
    row.callee_peer = 1;
    row.callee_member = NUMBER_NONE;
    row.text_lengths[CHANNEL_TEXT_CALL_ID] = (uint16_t)strlen(call_id);
    row.text_lengths[CHANNEL_TEXT_CALLER_URI] = 5;
    row.text_lengths[CHANNEL_TEXT_CALLEE_URI] = 5;
    row.text_lengths[CHANNEL_TEXT_CALLER_TAG] = 2;
    row.text_lengths[CHANNEL_TEXT_CALLEE_TAG] = 2;
    memcpy(body, &row, sizeof(row));
    memcpy(body + sizeof(row), call_id, strlen(call_id));
    memcpy(body + sizeof(row) + strlen(call_id), rest, sizeof(rest) - 1);
    return sizeof(row) + strlen(call_id) + sizeof(rest) - 1;
}

void far_send(int fd, const void *datagram, size_t size, const int *fds, size_t fd_count)
{
    union {
        char octets[CMSG_SPACE(sizeof(int) * (CHANNEL_FDS_MAX + 8))];
        struct cmsghdr align;
    } control = {.octets = {0}};
    struct iovec vector = {.iov_base = (void *)(uintptr_t)datagram, .iov_len = size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.octets;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
    }
    if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
        perror("far end: sendmsg");
}

void far_say(int fd, enum channel_type type, uint32_t request, const void *body, size_t size)
{
    struct far_message message;
    far_send(fd, &message, far_build(&message, type, request, body, size), NULL, 0);
}

void far_done(int fd, enum channel_type type, uint32_t request, int32_t result, const char *text)
{
    struct channel_done done = {.result = result};
    snprintf(done.text, sizeof(done.text), "%s", text);
    far_say(fd, type, request, &done, sizeof(done));
}

bool far_receive(int fd, struct far_message *message, int *carried, int ms)
{
    union {
        char octets[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct pollfd one = {.fd = fd, .events = POLLIN};
    struct iovec vector = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = control.octets,
                            .msg_controllen = sizeof(control.octets)};
    int got_fd = -1;
    if (carried)
        *carried = -1;
    if (poll(&one, 1, ms) != 1 || recvmsg(fd, &header, 0) <= 0)
        return false;
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(&got_fd, CMSG_DATA(c), sizeof(int));
    if (carried)
        *carried = got_fd;
    else if (got_fd >= 0)
        close(got_fd);
    return true;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    // The loop has to wake up, so that its condition is looked at.
    --*(int *)context;
}

// Time is what the loop has seen of it: while others have the processor, nothing else can happen here either.
bool far_run_until(struct event_base *base, const bool *flag, int ms)
{
    int tick_ms = ms < 5 ? ms : 5, left = ms / tick_ms;
    struct timeval tick = {.tv_usec = tick_ms * 1000};
    struct event *timer = event_new(base, -1, EV_PERSIST, on_tick, &left);
    event_add(timer, &tick);
    while (!*flag && left > 0)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(timer);
    return *flag;
}

void far_run(struct event_base *base, int ms)
{
    bool never = false;
    far_run_until(base, &never, ms);
}

int far_counters(uint32_t workers, uint64_t base, unsigned int seals)
{
    uint32_t peers = (uint32_t)((sizeof(struct counters_worker) + 63) / 64 * 64);
    uint32_t members = peers + 4 * (uint32_t)sizeof(struct counters_peer);
    uint32_t agent = (uint32_t)(sizeof(struct counters_agent) + sizeof(struct counters_network));
    struct counters_header header = {
        .magic = COUNTERS_MAGIC,
        .version = COUNTERS_VERSION,
        .counter_count = COUNTER_COUNT,
        .workers = workers,
        .peers_max = 4,
        .members_max = 8,
        .worker_offset = 64 + agent,
        .worker_stride = ((members + 8 * (uint32_t)sizeof(struct counters_member) + 63) & ~63u) +
                         (uint32_t)(sizeof(struct counters_filter) + sizeof(struct filter_notes)),
        .peers_offset = peers,
        .members_offset = members,
        .agent_offset = 64,
        .networks_max = 1,
        .histograms = HISTOGRAM_COUNT,
        .start_time_s = 1000};
    size_t size = header.worker_offset + (size_t)workers * header.worker_stride;
    int fd = memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
        abort();
    uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        abort();
    memcpy(map, &header, sizeof(header));
    void *block_of_agent = map + 64, *network = map + 64 + sizeof(struct counters_agent);
    *(struct counters_agent *)block_of_agent = (struct counters_agent){.mbufs_used = 5, .mbufs_capacity = 9};
    *(struct counters_network *)network =
        (struct counters_network){.missed = 6, .send_errors = 7, .offload = NETWORK_OFFLOAD_TX_UDP};
    for (uint32_t w = 0; w < workers; w++) {
        void *block = map + header.worker_offset + (size_t)w * header.worker_stride;
        struct counters_worker *worker = block;
        for (unsigned int i = 0; i < COUNTER_COUNT; i++)
            worker->values[i] = base + w;
        worker->histograms[HISTOGRAM_POST_DIAL_DELAY].buckets[0] = 8;
        worker->histograms[HISTOGRAM_POST_DIAL_DELAY].buckets[HISTOGRAM_BUCKETS - 1] = 2;
        worker->histograms[HISTOGRAM_POST_DIAL_DELAY].sum = 100;
        worker->histograms[HISTOGRAM_TURN].sum = 1500000 + w;
        worker->cpu = w;
        worker->placement = PLACEMENT_REMOTE;
        worker->node = 1;
        worker->memory_node = w == 0 ? -1 : 0;
        worker->queue_count = 1;
        worker->queues[0] = (struct counters_queue){.received = 20 + w, .network = 0, .queue = 3, .node = -1};
        void *peer = (uint8_t *)block + peers + sizeof(struct counters_peer);
        *(struct counters_peer *)peer = (struct counters_peer){
            .requests[PEER_METHOD_BYE] = 10, .responses[4] = 1, .calls_in = 3, .calls_out = -1};
        void *member = (uint8_t *)block + members + 7 * sizeof(struct counters_member);
        *(struct counters_member *)member =
            (struct counters_member){.calls_total = 4, .timeouts_total = 1, .calls = 2};
    }
    munmap(map, size);
    if (seals && fcntl(fd, F_ADD_SEALS, seals) < 0)
        abort();
    return fd;
}

void far_forget_versions(const char *directory)
{
    char path[256];
    for (unsigned int version = 1; version < 64; version++) {
        snprintf(path, sizeof(path), "%s/versions/%u", directory, version);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/versions", directory);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/applications.sqlite", directory);
    unlink(path);
}

int far_remove(const char *directory, const char *const *files, size_t count)
{
    char path[256];
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
        unlink(path);
    }
    far_forget_versions(directory);
    return rmdir(directory);
}
