// SPDX-License-Identifier: BSD-3-Clause
#include "channel_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEND_BUFFER (1 << 20)

struct channel_queued {
    struct channel_queued *next;
    size_t size;
    unsigned fd_count;
    int fds[CHANNEL_FDS_MAX];
    uint8_t octets[];
};

void channel_server_init(struct channel_server *server, int listen_fd)
{
    *server = (struct channel_server){.listen_fd = listen_fd, .fd = -1};
    server->last = &server->first;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

void channel_server_drop(struct channel_server *server)
{
    while (server->first != NULL) {
        struct channel_queued *queued = server->first;

        server->first = queued->next;
        close_all(queued->fds, queued->fd_count);
        free(queued);
    }
    server->last = &server->first;
    server->queued = 0;
    server->queued_fds = 0;
    server->last_request = 0;
    server->greeted = false;
    if (server->fd >= 0)
        close(server->fd);
    server->fd = -1;
}

bool channel_server_waiting(const struct channel_server *server)
{
    return server->first != NULL;
}

// One datagram. Returns 0 or -errno, -EAGAIN when the socket has no room.
static int send_datagram(int fd, struct iovec *parts, unsigned part_count, const int *fds, unsigned fd_count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)] = {0};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = part_count};

    if (fd_count > 0) {
        struct cmsghdr *item = (struct cmsghdr *)control;

        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(item), fds, sizeof(int) * fd_count);
    }
    if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
    return 0;
}

// The descriptors are duplicated: the caller may close his before they leave.
static int enqueue(struct channel_server *server, const struct iovec *parts, unsigned part_count,
                   const int *fds, unsigned fd_count)
{
    struct channel_queued *queued;
    size_t size = 0;

    for (unsigned i = 0; i < part_count; i++)
        size += parts[i].iov_len;
    if (server->queued + size > CHANNEL_SERVER_QUEUE_MAX ||
        server->queued_fds + fd_count > CHANNEL_SERVER_FDS_MAX)
        return -ENOBUFS;
    queued = malloc(sizeof(*queued) + size);
    if (queued == NULL)
        return -ENOMEM;
    queued->next = NULL;
    queued->size = 0;
    queued->fd_count = 0;
    for (unsigned i = 0; i < part_count; i++) {
        if (parts[i].iov_len > 0)
            memcpy(queued->octets + queued->size, parts[i].iov_base, parts[i].iov_len);
        queued->size += parts[i].iov_len;
    }
    for (unsigned i = 0; i < fd_count; i++) {
        int copy = dup(fds[i]);

        if (copy < 0) {
            int error = errno;

            close_all(queued->fds, queued->fd_count);
            free(queued);
            return -error;
        }
        queued->fds[queued->fd_count++] = copy;
    }
    *server->last = queued;
    server->last = &queued->next;
    server->queued += size;
    server->queued_fds += fd_count;
    return 0;
}

static int give_up(struct channel_server *server, int error)
{
    log_event(LOG_WARNING, "control_dropped", "reason=\"%s\"",
              error == -ENOBUFS ? "does not read what it asked for" : strerror(-error));
    channel_server_drop(server);
    return error;
}

int channel_server_send(struct channel_server *server, const struct channel_output *out)
{
    struct channel_header header = {.magic = CHANNEL_MAGIC,
                                    .version = CHANNEL_VERSION,
                                    .type = (uint16_t)out->type,
                                    .size = (uint32_t)(sizeof(header) + out->body_size + out->text_size),
                                    .request = out->request};
    // sendmsg() does not write to what it sends.
    struct iovec parts[3] = {{.iov_base = &header, .iov_len = sizeof(header)},
                             {.iov_base = (void *)(uintptr_t)out->body, .iov_len = out->body_size},
                             {.iov_base = (void *)(uintptr_t)out->text, .iov_len = out->text_size}};
    int result = -EAGAIN;

    assert(header.size <= CHANNEL_MESSAGE_MAX && out->fd_count <= CHANNEL_FDS_MAX);
    if (server->fd < 0)
        return -ENOTCONN;
    if (server->first == NULL)
        result = send_datagram(server->fd, parts, 3, out->fds, out->fd_count);
    if (result == -EAGAIN)
        result = enqueue(server, parts, 3, out->fds, out->fd_count);
    return result < 0 ? give_up(server, result) : 0;
}

int channel_server_flush(struct channel_server *server)
{
    while (server->first != NULL) {
        struct channel_queued *queued = server->first;
        struct iovec part = {.iov_base = queued->octets, .iov_len = queued->size};
        int result = send_datagram(server->fd, &part, 1, queued->fds, queued->fd_count);

        if (result == -EAGAIN)
            return 0;
        if (result < 0)
            return give_up(server, result);
        server->first = queued->next;
        if (server->first == NULL)
            server->last = &server->first;
        server->queued -= queued->size;
        server->queued_fds -= queued->fd_count;
        close_all(queued->fds, queued->fd_count);
        free(queued);
    }
    return 0;
}

int channel_server_done(struct channel_server *server, enum channel_type type, uint32_t request,
                        const struct channel_done *done)
{
    return channel_server_send(
        server,
        &(struct channel_output){.type = type, .request = request, .body = done, .body_size = sizeof(*done)});
}

static int refuse(struct channel_server *server, uint32_t request, int error, const char *text)
{
    struct channel_done done = {.result = error};

    memcpy(done.text, text, strnlen(text, sizeof(done.text) - 1));
    if (log_allowed(&server->limit, "channel_refused"))
        log_event(LOG_WARNING, "channel_refused", "request=%u error=%d reason=\"%s\"", request, -error, text);
    return channel_server_done(server, CHANNEL_REFUSED, request, &done);
}

// Says no to a connection that is not taken, and closes it.
static void turn_away(struct channel_server *server, int fd, int error, const char *text)
{
    struct channel_server other;

    channel_server_init(&other, -1);
    other.fd = fd;
    other.limit = server->limit;
    refuse(&other, 0, error, text);
    server->limit = other.limit;
    channel_server_drop(&other);
}

bool channel_server_accept(struct channel_server *server)
{
    bool connected = false;
    int fd;

    while ((fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        const int room = SEND_BUFFER;
        struct ucred peer = {0};
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
            (peer.uid != 0 && peer.uid != geteuid())) {
            turn_away(server, fd, -EPERM, "only root and the data plane's own user may control it");
            continue;
        }
        if (server->fd >= 0) {
            turn_away(server, fd, -EBUSY, "another dialgate-control is connected; stop it first");
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        server->fd = fd;
        connected = true;
        log_event(LOG_INFO, "control_connected", "pid=%d uid=%u", (int)peer.pid, (unsigned)peer.uid);
    }
    return connected;
}

// Returns the octets of the datagram, or -errno. *fd_count: descriptors that came, CHANNEL_FDS_MAX + 1 when
// some were lost.
static ssize_t receive_datagram(int fd, uint8_t *buffer, size_t size, int *fds, unsigned *fd_count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    *fd_count = 0;
    if (got < 0)
        return -errno;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        unsigned count = (unsigned)((item->cmsg_len - CMSG_LEN(0)) / sizeof(int));

        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS ||
            *fd_count + count > CHANNEL_FDS_MAX)
            continue;
        memcpy(fds + *fd_count, CMSG_DATA(item), count * sizeof(int));
        *fd_count += count;
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        close_all(fds, *fd_count);
        *fd_count = CHANNEL_FDS_MAX + 1;
    }
    return (message.msg_flags & MSG_TRUNC) != 0 ? (ssize_t)CHANNEL_MESSAGE_MAX + 1 : got;
}

// A number that came before would give its answers to another request.
static int check_order(const struct channel_server *server, const struct channel_header *header,
                       struct fault *fault)
{
    if (!server->greeted && header->type != CHANNEL_HELLO)
        return fault_set(fault, EPROTO, "HELLO comes first");
    if (header->request > 0 && header->request <= server->last_request)
        return fault_set(fault, EPROTO, "request %u after request %u; numbers rise", header->request,
                         server->last_request);
    return 0;
}

int channel_server_receive(struct channel_server *server, struct channel_input *in)
{
    static uint8_t buffer[CHANNEL_MESSAGE_MAX + 1]; // one agent thread

    // A control that sends nothing but what is refused gets no more of our time than another.
    for (unsigned refused = 0; server->fd >= 0 && refused < CHANNEL_SERVER_REFUSALS; refused++) {
        int fds[CHANNEL_FDS_MAX];
        unsigned fd_count;
        struct fault fault;
        ssize_t size = receive_datagram(server->fd, buffer, sizeof(buffer), fds, &fd_count);
        int result;

        if (size == -EAGAIN || size == -EINTR)
            return 0;
        // An empty datagram cannot be told from the end; nobody sends one.
        if (size <= 0) {
            log_event(LOG_INFO, "control_gone", "reason=\"%s\"", size == 0 ? "closed" : strerror((int)-size));
            channel_server_drop(server);
            return -ECONNRESET;
        }
        result = channel_check(buffer, (size_t)size, fd_count, in, &fault);
        if (result == 0)
            result = check_order(server, &in->header, &fault);
        if (result == 0) {
            server->greeted = true;
            server->last_request = in->header.request > 0 ? in->header.request : server->last_request;
            in->fd = fd_count == 1 ? fds[0] : -1;
            return 1;
        }
        if (fd_count <= CHANNEL_FDS_MAX)
            close_all(fds, fd_count);
        refuse(server, in->header.request, result, fault.text);
    }
    return server->fd >= 0 ? 0 : -ECONNRESET;
}
