// SPDX-License-Identifier: BSD-3-Clause
// One hierarchical timer wheel a worker, intrusive: a struct wheel_node lies inside each record that has a
// timer. Nodes are named by a 32-bit handle (class of record, index), so that nothing here is a pointer that
// outlives the process. Arm and cancel are O(1); advance does a bounded amount of work, what is left stays
// due.
#ifndef DIALGATE_STATE_WHEEL_H
#define DIALGATE_STATE_WHEEL_H

#include "endpoint.h"

#define WHEEL_CLASSES              8u
#define WHEEL_HANDLE(class, index) ((uint32_t)(class) << 29 | (index))
#define WHEEL_CLASS(handle)        ((handle) >> 29)
#define WHEEL_INDEX(handle)        ((handle)&0x1fffffffu)
#define WHEEL_SLOTS                (4096u + 1024u + 1024u) // of the three levels
#define WHEEL_LISTS                4u                      // of a slot

struct wheel_node {
    uint32_t next; // handle, or INDEX_NONE
    uint32_t prev; // handle; of the first node of a list: the list, as a handle of class WHEEL_CLASSES - 1;
                   // INDEX_NONE: not armed
    tick_t deadline;
};
static_assert(sizeof(struct wheel_node) == 12, "in each record");
static_assert(WHEEL_SLOTS * WHEEL_LISTS - 1 < WHEEL_INDEX(INDEX_NONE), "no list is called INDEX_NONE");

struct wheel_class {
    uint8_t *records; // first record
    size_t stride;    // octets from record to record
    size_t offset;    // of the wheel_node in a record
};

struct wheel {
    tick_t now; // up to here everything was expired
    uint32_t armed;
    struct wheel_class classes[WHEEL_CLASSES]; // the last one is reserved
    uint32_t heads[WHEEL_SLOTS][WHEEL_LISTS];
};

void wheel_init(struct wheel *wheel, tick_t now);
void wheel_class_set(struct wheel *wheel, unsigned class, void *records, size_t stride, size_t offset);
void wheel_node_init(struct wheel_node *node);
// (Re-)arms. A deadline that has passed, or lies more than 2^31 ticks (248 days) ahead, expires at the next
// tick.
void wheel_arm(struct wheel *wheel, uint32_t handle, tick_t deadline);
void wheel_cancel(struct wheel *wheel, uint32_t handle); // not armed: nothing happens
static inline bool wheel_armed(const struct wheel_node *node)
{
    return node->prev != INDEX_NONE;
}
// Takes up to max expired nodes off the wheel, in order of their tick, into expired[]; looks at no more than
// max nodes (those that only move to a lower level count too) and 256 ticks. Returns their number; call again
// next turn for the rest: wheel->now tells how far it came. What is done for one handle may change the record
// of a later one: check before acting (transaction_expired() and dialog_step() do).
unsigned wheel_advance(struct wheel *wheel, tick_t now, uint32_t *expired, unsigned max);

#endif
