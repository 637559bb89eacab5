// SPDX-License-Identifier: BSD-3-Clause
// UDP datagrams over DPDK ports: one for each side, or one for both. The ports' interfaces need no addresses
// of the kernel's: what is asked by ARP for an address of the scene is answered here, and where the proxy is,
// is asked here.
#ifndef CALLGEN_WIRE_H
#define CALLGEN_WIRE_H

#include "scene.h"
#include "tally.h"

#define WIRE_BURST  32u
#define WIRE_OCTETS 1472u // of a datagram: an MTU of 1500

struct wire;

// Sets the ports of the EAL up: the first is the callers', the second the callees'. NULL with a line on
// standard error: it cannot be done. SCENE and TALLY stay the caller's and outlive it.
struct wire *wire_create(const struct scene *scene, struct tally *tally);
void wire_destroy(struct wire *wire);

// Asks for the proxy's Ethernet addresses. True when all are known; until then to be called again, each time
// after wire_receive() on each port.
bool wire_ready(struct wire *wire);
unsigned wire_ports(const struct wire *wire);

struct datagram {
    enum side side; // who got it
    unsigned place; // which of them
    struct span octets;
};
// Takes what is there from a port, up to WIRE_BURST datagrams, which live until the next call. What is no
// datagram for anyone here, is answered or counted.
unsigned wire_receive(struct wire *wire, unsigned port, struct datagram datagrams[WIRE_BURST]);

// Room for the next datagram of this side, of WIRE_OCTETS; NULL: no buffer, which is counted.
char *wire_room(struct wire *wire, enum side side);
// It has this many octets and goes to the proxy with the next flush; a full burst goes at once.
void wire_send(struct wire *wire, enum side side, unsigned place, size_t length);
void wire_flush(struct wire *wire);

#endif
