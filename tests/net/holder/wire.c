// SPDX-License-Identifier: BSD-3-Clause
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_OCTETS (64 << 20) // a second of answers while the machine is busy elsewhere

struct wire {
    int descriptor;
    struct sockaddr_in remote;
    unsigned waiting; // datagrams in out
    uint64_t lost;
    struct mmsghdr out_headers[WIRE_BATCH], in_headers[WIRE_BATCH];
    struct iovec out_vectors[WIRE_BATCH], in_vectors[WIRE_BATCH];
    struct sockaddr_in sources[WIRE_BATCH];
    char out[WIRE_BATCH][WIRE_OCTETS], in[WIRE_BATCH][WIRE_OCTETS];
};

// A socket stays in the namespace in which it was made.
static int open_socket(const char *space)
{
    int own = -1, other = -1, made = -1;
    if (space[0] == '\0')
        return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    other = open(space, O_RDONLY | O_CLOEXEC);
    if (own >= 0 && other >= 0 && setns(other, CLONE_NEWNET) == 0) {
        made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (setns(own, CLONE_NEWNET) != 0)
            abort();
    }
    int error = errno;
    if (own >= 0)
        close(own);
    if (other >= 0)
        close(other);
    errno = error;
    return made;
}

static void set_headers(struct wire *wire)
{
    for (unsigned i = 0; i < WIRE_BATCH; i++) {
        wire->out_vectors[i] = (struct iovec){.iov_base = wire->out[i]};
        wire->out_headers[i].msg_hdr = (struct msghdr){.msg_name = &wire->remote,
                                                       .msg_namelen = sizeof(wire->remote),
                                                       .msg_iov = &wire->out_vectors[i],
                                                       .msg_iovlen = 1};
        wire->in_vectors[i] = (struct iovec){.iov_base = wire->in[i], .iov_len = WIRE_OCTETS - 1};
        wire->in_headers[i].msg_hdr =
            (struct msghdr){.msg_name = &wire->sources[i], .msg_iov = &wire->in_vectors[i], .msg_iovlen = 1};
    }
}

struct wire *wire_open(const char *space, const struct sockaddr_in *local, const struct sockaddr_in *remote)
{
    int octets = BUFFER_OCTETS;
    struct wire *wire = calloc(1, sizeof(*wire));
    if (wire == NULL)
        return NULL;
    wire->remote = *remote;
    set_headers(wire);
    wire->descriptor = open_socket(space);
    if (wire->descriptor < 0 ||
        setsockopt(wire->descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) != 0 ||
        bind(wire->descriptor, (const struct sockaddr *)local, sizeof(*local)) != 0) {
        int error = errno;
        wire_close(wire);
        errno = error;
        return NULL;
    }
    return wire;
}

void wire_close(struct wire *wire)
{
    if (wire == NULL)
        return;
    if (wire->descriptor >= 0)
        close(wire->descriptor);
    free(wire);
}

int wire_descriptor(const struct wire *wire)
{
    return wire->descriptor;
}

char *wire_room(struct wire *wire)
{
    return wire->out[wire->waiting];
}

void wire_sent(struct wire *wire, size_t length)
{
    wire->out_vectors[wire->waiting].iov_len = length;
    if (++wire->waiting == WIRE_BATCH)
        wire_flush(wire);
}

void wire_flush(struct wire *wire)
{
    unsigned done = 0;
    while (done < wire->waiting) {
        int sent = sendmmsg(wire->descriptor, wire->out_headers + done, wire->waiting - done, 0);
        if (sent > 0) {
            done += (unsigned)sent;
        } else if (errno != EINTR) {
            // The first of the rest was refused (no route, no buffer); those behind it may pass.
            done++;
            wire->lost++;
        }
    }
    wire->waiting = 0;
}

uint64_t wire_lost(const struct wire *wire)
{
    return wire->lost;
}

unsigned wire_receive(struct wire *wire)
{
    for (unsigned i = 0; i < WIRE_BATCH; i++)
        wire->in_headers[i].msg_hdr.msg_namelen = sizeof(wire->sources[i]);
    int count = recvmmsg(wire->descriptor, wire->in_headers, WIRE_BATCH, MSG_DONTWAIT, NULL);
    return count > 0 ? (unsigned)count : 0;
}

char *wire_datagram(struct wire *wire, unsigned index, size_t *length, bool *from_remote)
{
    const struct sockaddr_in *source = &wire->sources[index];
    *length = wire->in_headers[index].msg_len;
    wire->in[index][*length] = '\0';
    *from_remote =
        source->sin_addr.s_addr == wire->remote.sin_addr.s_addr && source->sin_port == wire->remote.sin_port;
    return wire->in[index];
}
