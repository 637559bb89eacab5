// SPDX-License-Identifier: BSD-3-Clause
// UDP sockets in network namespaces, many datagrams a system call.
#ifndef HOLDER_WIRE_H
#define HOLDER_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BATCH  64u   // datagrams a system call
#define WIRE_OCTETS 2048u // longest datagram; Dialgate sends none over an MTU of 1500

// One end: a socket, whom it speaks to, and what waits to be sent.
struct wire;

// SPACE is a path like /run/netns/NAME, or "" for the namespace that this process is in. LOCAL is bound,
// every datagram goes to REMOTE. Returns NULL with errno set.
struct wire *wire_open(const char *space, const struct sockaddr_in *local, const struct sockaddr_in *remote);
void wire_close(struct wire *wire);

int wire_descriptor(const struct wire *wire);

// WIRE_OCTETS to write the next datagram to, valid until wire_sent().
char *wire_room(struct wire *wire);
// It is LENGTH octets long and goes out with the next flush; a full batch goes at once.
void wire_sent(struct wire *wire, size_t length);
void wire_flush(struct wire *wire);
// Datagrams that the kernel did not take. Nobody is told: they are repeated like any that is lost.
uint64_t wire_lost(const struct wire *wire);

// What is there, up to WIRE_BATCH datagrams. Returns their number.
unsigned wire_receive(struct wire *wire);
// Datagram INDEX of the last wire_receive(): ended by a NUL. FROM_REMOTE says whether REMOTE sent it.
char *wire_datagram(struct wire *wire, unsigned index, size_t *length, bool *from_remote);

#endif
