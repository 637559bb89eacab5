// SPDX-License-Identifier: BSD-3-Clause
// Tells switches and neighbours by which device a bond is reached now: for each address of the kernel's
// interface, and of the VLAN interfaces upon it, an ARP announcement (RFC 5227 3) or an unsolicited Neighbor
// Advertisement (RFC 4861 7.2.6), as bonding of the kernel does.
//
// They are given to the kernel's interface by a packet socket, and so leave by the host path, as ARP and ND
// do: with the tags of their VLAN, and by the worker that owns the queue.
#ifndef DIALGATE_ANNOUNCE_H
#define DIALGATE_ANNOUNCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "hostnet_transact.h"

#define ANNOUNCE_TIMES    3u    // MAX_NEIGHBOR_ADVERTISEMENT
#define ANNOUNCE_MS       1000u // RetransTimer between two
#define ANNOUNCE_ARP_SIZE 42u   // octets of a frame
#define ANNOUNCE_NA_SIZE  86u
#define ANNOUNCE_LINKS    64u // interfaces at most

struct announcer {
    int fd; // packet socket, -1: none
    struct hostnet_socket socket;
};

// While the process still has CAP_NET_RAW. Returns 0 or -errno; then announce_send() does nothing.
int announce_open(struct announcer *announcer);
void announce_close(struct announcer *announcer);
// Once for each address of this interface and of VLANs upon it. Waits for the kernel. Returns how many there
// were, or -errno.
int announce_send(struct announcer *announcer, const char *interface);

// What is sent. Address in network order.
void announce_arp(uint8_t frame[ANNOUNCE_ARP_SIZE], const uint8_t mac[6], const struct in_addr *address);
void announce_na(uint8_t frame[ANNOUNCE_NA_SIZE], const uint8_t mac[6], const struct in6_addr *address,
                 bool is_router);

#endif
