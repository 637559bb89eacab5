// SPDX-License-Identifier: BSD-3-Clause
// Which of the kernel's interfaces has the addresses, routes and neighbours of a network. Without tags it is
// the one that we drive. With tags it is the VLAN interface upon it, whatever its name (`ip link add link
// eth0 ... type vlan id 100`); where there is none, one that is called so: eth0.100, or eth0.OUTER.INNER.
// Else it is the one that we drive after all: its routes are right where nothing else has that interface, but
// nobody answers ARP and ND in the VLAN.
#ifndef DIALGATE_HOSTNET_VLAN_H
#define DIALGATE_HOSTNET_VLAN_H

#include "hostnet_message.h"

// What we drive, and the tags of the network's frames.
struct hostnet_place {
    char interface[IF_NAMESIZE];
    uint16_t vlan;       // 0: none
    uint16_t outer_vlan; // 0: none
};

// Of so many links, whose pointers are the caller's. NULL: there is no such interface. Else *base is the one
// that we drive; the same one is returned where no VLAN interface was found.
const struct hostnet_link *hostnet_vlan_find(const struct hostnet_link *links, unsigned count,
                                             const struct hostnet_place *place,
                                             const struct hostnet_link **base);

#endif
