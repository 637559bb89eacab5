// SPDX-License-Identifier: BSD-3-Clause
#include "kept_ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_udp(int fd)
{
    int protocol = 0;
    socklen_t size = sizeof(protocol);
    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_UDP;
}

void kept_ports_take(struct kept_ports *kept, int *fds, size_t count)
{
    struct kept_ports before = *kept;
    kept->count = 0;
    for (size_t i = 0; i < count && kept->count < LISTENERS_MAX; i++) {
        if (!is_udp(fds[i]))
            continue;
        kept->fds[kept->count++] = fds[i];
        fds[i] = -1;
    }
    // Those of before last, so that no port is without one in between.
    kept_ports_close(&before);
}

static bool is_bound_to(int fd, const struct snapshot_listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } place = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof(place);
    struct ip_address address = {.octets = {0}};
    if (getsockname(fd, &place.any, &size) < 0)
        return false;
    if (place.any.sa_family == AF_INET)
        address = ip_from_ipv4(ntohl(place.ipv4.sin_addr.s_addr));
    else
        memcpy(&address, &place.ipv6.sin6_addr, sizeof(address));
    // Both families have the port at the same place.
    return ip_equal(&address, &listener->address) && ntohs(place.ipv4.sin_port) == listener->port;
}

void kept_ports_follow(struct kept_ports *kept, const struct snapshot_listener *listeners, size_t count)
{
    for (size_t i = 0; i < kept->count;) {
        bool wanted = false;
        for (size_t l = 0; l < count && !wanted; l++)
            wanted = is_bound_to(kept->fds[i], &listeners[l]);
        if (wanted) {
            i++;
            continue;
        }
        close(kept->fds[i]);
        kept->fds[i] = kept->fds[--kept->count];
    }
}

void kept_ports_close(struct kept_ports *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        close(kept->fds[i]);
    kept->count = 0;
}
