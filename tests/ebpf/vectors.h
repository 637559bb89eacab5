// SPDX-License-Identifier: BSD-3-Clause
// The prefilter's verdicts as values: a packet, what is configured, and the one reason that it is counted
// under. The program and the software filter have to agree with every row. Limits are emptied by rate 0,
// which does not depend on the clock. Rows follow each other in one run: a stranger that one row made known
// is known to the next.
#ifndef TESTS_EBPF_VECTORS_H
#define TESTS_EBPF_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include "dialgate/prefilter.h"
#include "frame.h"

struct image;

// Beside image_usual().
#define NO_PEER               (1u << 0) // limits that are 0
#define NO_INVITE             (1u << 1)
#define NO_OWN                (1u << 2)
#define NO_OWN_INVITE         (1u << 3)
#define NO_STRANGERS          (1u << 4)
#define BAN                   (1u << 5) // the source is banned for ever
#define BAN_OVER              (1u << 6) // by a ban that has expired
#define BAN_HOUR              (1u << 7)
#define NO_SOCKET             (1u << 8) // of the program alone
#define DRY_RUN               (1u << 9)
#define OFF                   (1u << 10)
#define NO_FRAGMENT           (1u << 11)
#define NO_STRANGERS_FRAGMENT (1u << 12)
#define TAGGED                (1u << 13) // our VLAN is 5
#define TAGGED_TWICE          (1u << 14) // and 9 outside

struct vector {
    const char *name;
    struct frame_spec frame;
    unsigned set;
    enum prefilter_reason reason;
    unsigned ban_bits;  // of the ban of an IPv6 source; 0: 64
    const char *banned; // another address than the source; NULL: the source
};

extern const struct vector vectors[];
extern const size_t vectors_count;

// Whose counters move by one: a peer's number, PREFILTER_STRANGERS, or PREFILTER_CLASSES for nobody's.
uint32_t vector_class(const struct vector *vector);
unsigned vector_ban_bits(const struct vector *vector);
const char *vector_banned(const struct vector *vector);
// What is loaded for the row, but for bans.
void vector_image(const struct vector *vector, struct image *image);

#endif
