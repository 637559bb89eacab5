// SPDX-License-Identifier: BSD-3-Clause
// The tick to be processed next is `now + 1`. A node lies on the level of the highest octet in which its
// deadline differs from that tick, in the slot of this octet of the deadline; so a node moves down at most
// three times. When the tick's lower octets become zero, its slot of each level above is emptied downwards
// first; a node never comes back into the slot that is being emptied, whoever arms it meanwhile. That makes
// emptying resumable: the tick is not left before its slots are empty, and what a turn has no time for waits
// there. Rejected: a sorted list or heap (rte_timer: microseconds at a million), and placing by distance (a
// node may then belong into the slot that is being emptied).
#include "wheel.h"

#include <string.h>

#define SLOT_BITS         8u
#define HEAD_CLASS        (WHEEL_CLASSES - 1)
#define ADVANCE_SLOTS_MAX 256u
static_assert(WHEEL_SLOTS == 1u << SLOT_BITS, "octets of a tick");
static_assert(WHEEL_LEVELS * SLOT_BITS == 8 * sizeof(tick_t), "every deadline has a slot");

static inline struct wheel_node *node_at(const struct wheel *wheel, uint32_t handle)
{
    const struct wheel_class *class = &wheel->classes[WHEEL_CLASS(handle)];
    return (struct wheel_node *)(void *)(class->records + WHEEL_INDEX(handle) * class->stride +
                                         class->offset);
}

static inline uint32_t *head_of(struct wheel *wheel, uint32_t slot)
{
    return &wheel->heads[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS];
}

void wheel_init(struct wheel *wheel, tick_t now)
{
    memset(wheel, 0, sizeof(*wheel));
    memset(wheel->heads, 0xff, sizeof(wheel->heads)); // INDEX_NONE
    wheel->now = now;
}

void wheel_class_set(struct wheel *wheel, unsigned class, void *records, size_t stride, size_t offset)
{
    assert(class < HEAD_CLASS);
    wheel->classes[class] = (struct wheel_class){.records = records, .stride = stride, .offset = offset};
}

void wheel_node_init(struct wheel_node *node)
{
    *node = (struct wheel_node){.next = INDEX_NONE, .prev = INDEX_NONE};
}

static void unlink_node(struct wheel *wheel, struct wheel_node *node)
{
    if (WHEEL_CLASS(node->prev) == HEAD_CLASS)
        *head_of(wheel, WHEEL_INDEX(node->prev)) = node->next;
    else
        node_at(wheel, node->prev)->next = node->next;
    if (node->next != INDEX_NONE)
        node_at(wheel, node->next)->prev = node->prev;
    node->prev = INDEX_NONE;
}

static void link_node(struct wheel *wheel, uint32_t handle, struct wheel_node *node)
{
    tick_t current = wheel->now + 1;
    tick_t deadline = (int32_t)(node->deadline - current) < 0 ? current : node->deadline;
    tick_t differs = deadline ^ current;
    uint32_t level = differs == 0 ? 0 : (31u - (uint32_t)__builtin_clz(differs)) / SLOT_BITS;
    uint32_t slot = level * WHEEL_SLOTS + (deadline >> (level * SLOT_BITS) & (WHEEL_SLOTS - 1));
    uint32_t *head = head_of(wheel, slot);
    node->prev = WHEEL_HANDLE(HEAD_CLASS, slot);
    node->next = *head;
    if (node->next != INDEX_NONE)
        node_at(wheel, node->next)->prev = handle;
    *head = handle;
}

void wheel_arm(struct wheel *wheel, uint32_t handle, tick_t deadline)
{
    struct wheel_node *node = node_at(wheel, handle);
    assert(WHEEL_CLASS(handle) < HEAD_CLASS);
    if (wheel_armed(node))
        unlink_node(wheel, node);
    else
        wheel->armed++;
    node->deadline = deadline;
    link_node(wheel, handle, node);
}

void wheel_cancel(struct wheel *wheel, uint32_t handle)
{
    struct wheel_node *node = node_at(wheel, handle);
    if (!wheel_armed(node))
        return;
    unlink_node(wheel, node);
    wheel->armed--;
}

// Moves the nodes of the present tick's slot of this level downwards, at most *room of them. True when the
// slot is empty.
static bool empty_downwards(struct wheel *wheel, unsigned level, unsigned *room)
{
    tick_t current = wheel->now + 1;
    const uint32_t *head = &wheel->heads[level][current >> (level * SLOT_BITS) & (WHEEL_SLOTS - 1)];
    while (*head != INDEX_NONE) {
        uint32_t handle = *head;
        struct wheel_node *node = node_at(wheel, handle);
        if (*room == 0)
            return false;
        (*room)--;
        unlink_node(wheel, node);
        link_node(wheel, handle, node);
    }
    return true;
}

unsigned wheel_advance(struct wheel *wheel, tick_t now, uint32_t *expired, unsigned max)
{
    unsigned room = max;
    unsigned count = 0;
    for (unsigned slots = 0; slots < ADVANCE_SLOTS_MAX && (int32_t)(now - wheel->now) > 0; slots++) {
        if (wheel->armed == 0) {
            wheel->now = now;
            break;
        }
        tick_t current = wheel->now + 1;
        for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--)
            if ((current & ((1u << (level * SLOT_BITS)) - 1)) == 0 && !empty_downwards(wheel, level, &room))
                return count;
        const uint32_t *head = &wheel->heads[0][current & (WHEEL_SLOTS - 1)];
        while (*head != INDEX_NONE) {
            if (room == 0)
                return count;
            room--;
            expired[count++] = *head;
            wheel->armed--;
            unlink_node(wheel, node_at(wheel, *head));
        }
        wheel->now = current;
    }
    return count;
}
