// SPDX-License-Identifier: BSD-3-Clause
// What the operator said of the node, of peers and of members, over what the configuration says: drained or
// disabled, since when and by whom. Kept as text in DIRECTORY/operator, replaced atomically:
//
//   dialgate-operator 1
//   node draining 1789000000 alice
//   peer carrier-a disabled 1789000000 alice
//   member sbcs 10.20.0.11:5060 draining 1789000000 alice
//   end 3
//
// A member is named by ADDRESS:PORT, or by its host: then each address of that host is meant. What stands for
// a whole peer holds for its members too; of several the strongest counts.
#ifndef DIALGATE_OVERLAY_H
#define DIALGATE_OVERLAY_H

#include <stddef.h>
#include <stdint.h>
#include "dialgate/snapshot.h"
#include "hosts.h"

#define OVERLAY_WHO_SIZE 33u // octets of a user's name, with its NUL
#define OVERLAY_ROWS_MAX (1u + PEERS_MAX + MEMBERS_MAX)

enum overlay_state { OVERLAY_ENABLED, OVERLAY_DRAINING, OVERLAY_DISABLED }; // the later the stronger

struct overlay_row {
    char peer[NAME_SIZE];        // empty: the node
    char member[HOST_NAME_SIZE]; // empty: the whole peer
    enum overlay_state state;    // never OVERLAY_ENABLED in an overlay
    int64_t since;               // seconds since 1970
    char who[OVERLAY_WHO_SIZE];
};

struct overlay {
    struct overlay_row *rows;
    size_t count;
};

// Reads DIRECTORY/operator; without a file nothing is said. A damaged file is refused: forgotten, calls would
// go where the operator wants none. Returns 0, or -errno with one line in error.
int overlay_load(struct overlay *overlay, const char *directory, char *error, size_t size);
// Replaces DIRECTORY/operator. Returns 0 or -errno with one line in error.
int overlay_save(const struct overlay *overlay, const char *directory, char *error, size_t size);
void overlay_free(struct overlay *overlay);

// A copy of from in which row stands; OVERLAY_ENABLED takes its like out. The caller frees it. Returns 0,
// -ENOMEM, or -ENOSPC beyond OVERLAY_ROWS_MAX.
int overlay_with(struct overlay *made, const struct overlay *from, const struct overlay_row *row);

// The row of exactly this; peer "": the node, member "": the peer as a whole. NULL: none.
const struct overlay_row *overlay_find(const struct overlay *overlay, const char *peer, const char *member);

// The strongest row that holds for a member, NULL: none. address is ADDRESS:PORT; host may be NULL.
const struct overlay_row *overlay_of_member(const struct overlay *overlay, const char *peer,
                                            const char *address, const char *host);

// The member's name here. Returns text.
#define OVERLAY_ADDRESS_SIZE 64u
const char *overlay_address(const struct ip_address *address, uint16_t port, char text[OVERLAY_ADDRESS_SIZE]);

// Takes out rows of peers and members that config has not: what comes again under that name has been told
// nothing. Addresses of a peer with hosts stay, since DNS gives and takes them. dropped is told of each
// before it goes. Returns how many went.
typedef void overlay_dropped(const struct overlay_row *row);
size_t overlay_follow(struct overlay *overlay, const struct config *config, overlay_dropped *dropped);

const char *overlay_state_name(enum overlay_state state); // "enabled", "draining", "disabled"

#endif
