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
#include "address_text.h"

#define DRAIN_MAX 16u // errors taken a socket and call

union place {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t place_of(const struct ip_address *address, uint16_t port, union place *place)
{
    memset(place, 0, sizeof(*place));
    if (ip_is_ipv4(address)) {
        place->ipv4 = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip_ipv4(address))};
        return sizeof(place->ipv4);
    }
    place->ipv6.sin6_family = AF_INET6;
    place->ipv6.sin6_port = htons(port);
    memcpy(&place->ipv6.sin6_addr, address, sizeof(*address));
    return sizeof(place->ipv6);
}

static int bind_fault(const struct listen_socket *listener, int error, struct fault *fault)
{
    char text[ADDRESS_TEXT_SIZE];

    address_text(&listener->address, text);
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

// The filter comes before the address: no packet may slip in between.
static int prepare(int fd, const union place *place, socklen_t size)
{
    struct sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog filter = {.len = 1, .filter = &drop_all};
    const int on = 1;
    bool ipv6 = place->any.sa_family == AF_INET6;

    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
        return -errno;
    // An IPv6 socket has no business with IPv4: another listener may have the port there.
    if (ipv6 && (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0 ||
                 setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) < 0))
        return -errno;
    if (!ipv6 && setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) < 0)
        return -errno;
    return bind(fd, &place->any, size) < 0 ? -errno : 0;
}

static int open_socket(struct listen_socket *listener, struct fault *fault)
{
    union place place;
    socklen_t size = place_of(&listener->address, listener->port, &place);
    int result;

    listener->fd = socket(place.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return fault_set(fault, errno, "listener %s: socket: %s", listener->name, strerror(errno));
    result = prepare(listener->fd, &place, size);
    if (result == 0)
        return 0;
    close(listener->fd);
    listener->fd = -1;
    return bind_fault(listener, -result, fault);
}

static const struct listen_socket *find_socket(const struct listen_set *set, const struct ip_address *address,
                                               uint16_t port)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (ip_equal(&set->sockets[i].address, address) && set->sockets[i].port == port)
            return &set->sockets[i];
    }
    return NULL;
}

static void close_others(const struct listen_set *of, const struct listen_set *than)
{
    for (unsigned i = 0; i < of->count; i++) {
        if (find_socket(than, &of->sockets[i].address, of->sockets[i].port) == NULL)
            close(of->sockets[i].fd);
    }
}

int listen_update(struct listen_set *set, const struct snapshot_listener *listeners, unsigned count,
                  struct fault *fault)
{
    struct listen_set next = {.errors = set->errors, .limit = set->limit};

    for (unsigned i = 0; i < count; i++) {
        struct listen_socket *listener = &next.sockets[i];
        const struct listen_socket *old = find_socket(set, &listeners[i].address, listeners[i].port);
        int result;

        memcpy(listener->name, listeners[i].name, NAME_SIZE);
        listener->address = listeners[i].address;
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

static void log_error(struct listen_set *set, const struct listen_error *error)
{
    char text[ADDRESS_TEXT_SIZE];

    set->errors++;
    if (!log_allowed(&set->limit, "icmp_error"))
        return;
    log_event(LOG_WARNING, "icmp_error", "listener=%s destination=%s:%u type=%u code=%u",
              set->sockets[error->listener].name, address_text(&error->address, text), error->port,
              error->type, error->code);
}

static void destination_of(const union place *place, struct listen_error *error)
{
    if (place->any.sa_family == AF_INET6) {
        memcpy(&error->address, &place->ipv6.sin6_addr, sizeof(error->address));
        error->port = ntohs(place->ipv6.sin6_port);
    } else {
        error->address = ip_from_ipv4(ntohl(place->ipv4.sin_addr.s_addr));
        error->port = ntohs(place->ipv4.sin_port);
    }
}

// False: this part of a message is no ICMP error.
static bool read_error(const struct cmsghdr *item, struct listen_error *error)
{
    struct sock_extended_err extended;
    bool ipv4 = item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_RECVERR;

    if (!ipv4 && (item->cmsg_level != IPPROTO_IPV6 || item->cmsg_type != IPV6_RECVERR))
        return false;
    memcpy(&extended, CMSG_DATA(item), sizeof(extended));
    error->type = extended.ee_type;
    error->code = extended.ee_code;
    error->mtu = extended.ee_info;
    return extended.ee_origin == (ipv4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6);
}

// Returns false when nothing waits.
static bool take_error(struct listen_set *set, unsigned listener, listen_taker *take, void *context)
{
    union place destination = {.any.sa_family = AF_UNSPEC};
    char quoted[576];
    _Alignas(struct cmsghdr) char control[256];
    struct iovec part = {.iov_base = quoted, .iov_len = sizeof(quoted)};
    struct msghdr message = {.msg_name = &destination,
                             .msg_namelen = sizeof(destination),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(set->sockets[listener].fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

    if (got < 0)
        return false;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        struct listen_error error = {.listener = listener, .quoted = quoted, .quoted_length = (size_t)got};

        if (!read_error(item, &error))
            continue;
        destination_of(&destination, &error);
        log_error(set, &error);
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
            if (!take_error(set, i, take, context))
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
