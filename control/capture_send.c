// SPDX-License-Identifier: BSD-3-Clause
#include "capture_send.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "message.h"

void capture_sender_init(struct capture_sender *sender)
{
    *sender = (struct capture_sender){.fd = -1};
}

#define HEP_PORT 9060 // where collectors listen

static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET ? &((struct sockaddr_in *)(void *)address)->sin_port
                                         : &((struct sockaddr_in6 *)(void *)address)->sin6_port;
}

int capture_sender_open(struct capture_sender *sender, const char *to, uint32_t agent, char *error,
                        size_t size)
{
    struct sockaddr_storage address = {0};
    int length = sizeof(address);
    capture_sender_init(sender);
    sender->agent = agent;
    if (evutil_parse_sockaddr_port(to, (struct sockaddr *)&address, &length) < 0) {
        snprintf(error, size, "%.80s is no ADDRESS or ADDRESS:PORT; an IPv6 address stands in brackets", to);
        return -EINVAL;
    }
    if (*port_of(&address) == 0)
        *port_of(&address) = htons(HEP_PORT);
    sender->fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sender->fd < 0 || connect(sender->fd, (struct sockaddr *)&address, (socklen_t)length) < 0) {
        int result = -errno;
        snprintf(error, size, "nothing can be sent to %.80s: %s", to, strerror(-result));
        capture_sender_close(sender);
        return result;
    }
    if (gethostname(sender->node, sizeof(sender->node) - 1) < 0)
        sender->node[0] = '\0';
    return 0;
}

// The error of an earlier datagram (ICMP) comes with the next one, which is not sent then: once more.
static bool transmit(int fd, const uint8_t *octets, size_t length)
{
    if (length == 0)
        return false;
    for (unsigned int attempt = 0; attempt < 2; attempt++) {
        if (send(fd, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length)
            return true;
        if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != EINTR)
            return false;
    }
    return false;
}

void capture_sender_send(struct capture_sender *sender, const struct capture_packet *packet, bool explain)
{
    static uint8_t octets[HEP_MAX]; // of this thread alone
    const struct hep_sender who = {sender->agent, sender->node};
    struct span span = {0};
    struct hep_text call_id = {0};
    if (peek_call_id(packet->octets, packet->length, &span))
        call_id = (struct hep_text){packet->octets + span.offset, span.length};
    if (transmit(sender->fd, octets, hep_sip(&who, packet, call_id, octets)))
        sender->messages++;
    else
        sender->lost++;
    if (explain)
        transmit(sender->fd, octets, hep_log(&who, packet, call_id, octets));
}

void capture_sender_close(struct capture_sender *sender)
{
    if (sender->fd >= 0)
        close(sender->fd);
    sender->fd = -1;
}
