// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_transact.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "hostnet_socket.h"

struct nlmsghdr *hostnet_request(struct hostnet_socket *socket, void *buffer, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    message->nlmsg_seq = ++socket->sequence;
    return message;
}

static int wait_for(const struct hostnet_socket *socket)
{
    struct pollfd fds[2] = {{.fd = socket->fd, .events = POLLIN}, {.fd = socket->stop, .events = POLLIN}};
    int ready = poll(fds, 2, HOSTNET_PATIENCE_MS);

    if (ready < 0)
        return -errno;
    if (fds[1].revents != 0)
        return -ECANCELED;
    return ready == 0 ? -ETIMEDOUT : 0;
}

static int take_answer(struct hostnet_socket *socket, const struct nlmsghdr *message, mnl_cb_t callback,
                       void *data)
{
    for (;;) {
        int result = wait_for(socket);
        struct sockaddr_nl from = {.nl_pid = 0};
        socklen_t size = sizeof(from);
        ssize_t got;

        if (result < 0)
            return result;
        got =
            recvfrom(socket->fd, socket->buffer, sizeof(socket->buffer), 0, (struct sockaddr *)&from, &size);
        if ((got < 0 && errno == EAGAIN) || (got > 0 && from.nl_pid != 0)) // others may write to us, too
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ECONNRESET;
        result = mnl_cb_run(socket->buffer, (size_t)got, message->nlmsg_seq, 0, callback, data);
        if (result < 0)
            return -errno;
        if (result == MNL_CB_STOP)
            return 0;
    }
}

int hostnet_transact(struct hostnet_socket *socket, const struct nlmsghdr *message, mnl_cb_t callback,
                     void *data)
{
    int result;

    if (socket->fd < 0)
        socket->fd = hostnet_socket_open(0);
    if (socket->fd < 0) {
        result = socket->fd;
        socket->fd = -1;
        return result;
    }
    result = send(socket->fd, message, message->nlmsg_len, MSG_NOSIGNAL) < 0 ? -errno : 0;
    if (result == 0)
        result = take_answer(socket, message, callback, data);
    // Whatever is still on its way would be taken for the answer to the next request.
    if (result < 0) {
        close(socket->fd);
        socket->fd = -1;
    }
    return result;
}
