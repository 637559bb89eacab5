// SPDX-License-Identifier: BSD-3-Clause
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAIN_MAX 16u // errors taken a socket and call

static const char *address_text(uint32_t address, char text[INET_ADDRSTRLEN])
{
    struct in_addr octets = {.s_addr = htonl(address)};

    return inet_ntop(AF_INET, &octets, text, INET_ADDRSTRLEN);
}

static int bind_fault(const struct listen_socket *listener, int error, struct fault *fault)
{
    char text[INET_ADDRSTRLEN];

    address_text(listener->address, text);
    if (error == EADDRINUSE)
        return fault_set(
            fault, error,
            "listener %s: %s:%u is in use by another program; stop it or correct the listener's port",
            listener->name, text, listener->port);
    if (error == EADDRNOTAVAIL)
        return fault_set(
            fault, error,
            "listener %s: %s is no address of this machine; add it to the interface or correct the "
            "listener's address",
            listener->name, text);
    if (error == EACCES || error == EPERM)
        return fault_set(fault, error, "listener %s: %s:%u: %s; run as root or grant CAP_NET_BIND_SERVICE",
                         listener->name, text, listener->port, strerror(error));
    return fault_set(fault, error, "listener %s: %s:%u: %s", listener->name, text, listener->port,
                     strerror(error));
}

static int open_socket(struct listen_socket *listener, struct fault *fault)
{
    struct sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog filter = {.len = 1, .filter = &drop_all};
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(listener->port),
                                        .sin_addr.s_addr = htonl(listener->address)};
    const int on = 1;

    listener->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return fault_set(fault, errno, "listener %s: socket: %s", listener->name, strerror(errno));
    // The filter comes before the address: no packet may slip in between.
    if (setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
        setsockopt(listener->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        setsockopt(listener->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) < 0 ||
        bind(listener->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;

        close(listener->fd);
        listener->fd = -1;
        return bind_fault(listener, error, fault);
    }
    return 0;
}

static const struct listen_socket *find_socket(const struct listen_set *set, uint32_t address, uint16_t port)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (set->sockets[i].address == address && set->sockets[i].port == port)
            return &set->sockets[i];
    }
    return NULL;
}

static void close_others(const struct listen_set *of, const struct listen_set *than)
{
    for (unsigned i = 0; i < of->count; i++) {
        if (find_socket(than, of->sockets[i].address, of->sockets[i].port) == NULL)
            close(of->sockets[i].fd);
    }
}

int listen_update(struct listen_set *set, const struct snapshot_listener *listeners,
                  const uint32_t *addresses, unsigned count, struct fault *fault)
{
    struct listen_set next = {.errors = set->errors, .limit = set->limit};

    for (unsigned i = 0; i < count; i++) {
        struct listen_socket *listener = &next.sockets[i];
        const struct listen_socket *old = find_socket(set, addresses[i], listeners[i].port);
        int result;

        memcpy(listener->name, listeners[i].name, NAME_SIZE);
        listener->address = addresses[i];
        listener->port = listeners[i].port;
        result = old != NULL ? 0 : open_socket(listener, fault);
        if (old != NULL)
            listener->fd = old->fd;
        if (result < 0) {
            close_others(&next, set);
            return result;
        }
        next.count++;
    }
    close_others(set, &next);
    *set = next;
    return 0;
}

static void log_error(struct listen_set *set, const struct listen_socket *listener,
                      const struct listen_error *error)
{
    char text[INET_ADDRSTRLEN];

    set->errors++;
    if (!log_allowed(&set->limit, "icmp_error"))
        return;
    log_event(LOG_WARNING, "icmp_error", "listener=%s destination=%s:%u type=%u code=%u", listener->name,
              address_text(error->address, text), error->port, error->type, error->code);
}

// Returns false when nothing waits.
static bool take_error(struct listen_set *set, const struct listen_socket *listener, listen_taker *take,
                       void *context)
{
    struct sockaddr_in destination = {0};
    char quoted[576];
    _Alignas(struct cmsghdr) char control[256];
    struct iovec part = {.iov_base = quoted, .iov_len = sizeof(quoted)};
    struct msghdr message = {.msg_name = &destination,
                             .msg_namelen = sizeof(destination),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(listener->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

    if (got < 0)
        return false;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        struct sock_extended_err extended;
        struct listen_error error = {.address = ntohl(destination.sin_addr.s_addr),
                                     .port = ntohs(destination.sin_port),
                                     .quoted = quoted,
                                     .quoted_length = (size_t)got};

        if (item->cmsg_level != IPPROTO_IP || item->cmsg_type != IP_RECVERR)
            continue;
        memcpy(&extended, CMSG_DATA(item), sizeof(extended));
        if (extended.ee_origin != SO_EE_ORIGIN_ICMP)
            continue;
        error.type = extended.ee_type;
        error.code = extended.ee_code;
        log_error(set, listener, &error);
        take(context, &error);
    }
    return true;
}

void listen_drain(struct listen_set *set, listen_taker *take, void *context)
{
    struct pollfd waiting[LISTENERS_MAX];

    for (unsigned i = 0; i < set->count; i++)
        waiting[i] = (struct pollfd){.fd = set->sockets[i].fd};
    if (poll(waiting, set->count, 0) <= 0) // one call for all: this is asked a hundred times a second
        return;
    for (unsigned i = 0; i < set->count; i++) {
        for (unsigned n = 0; n < DRAIN_MAX && (waiting[i].revents & POLLERR); n++) {
            if (!take_error(set, &set->sockets[i], take, context))
                break;
        }
    }
}

void listen_close(struct listen_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        close(set->sockets[i].fd);
    set->count = 0;
}
