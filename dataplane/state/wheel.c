// SPDX-License-Identifier: BSD-3-Clause
// The tick to be processed next is `now + 1`. What is due within 4,096 ticks (41 s, so nearly all that a
// transaction waits for) lies in the slot of its very tick and never moves. Beyond, a node lies on the level
// of the highest digit of 10 bits in which its deadline differs from that tick, in the slot of this digit of
// the deadline; so a node moves down at most twice. When the tick's lower bits become zero, its slot of each
// level above is emptied downwards first; a node never comes back into the slot that is being emptied,
// whoever arms it meanwhile. That makes emptying resumable: the tick is not left before its slots are empty,
// and what a turn has no time for waits there.
//
// To empty a list is to wait for memory at each node, so a slot has four lists that are emptied in turns: the
// next node of one arrives while those of the others are worked on. Measured with a million pending: 210 ns
// for a timer's whole life with one list and four levels of 256 slots, 85 so. Rejected: a sorted list or heap
// (rte_timer: microseconds at a million), and placing by distance on all levels (a node may then belong into
// the slot that is being emptied).
#include "wheel.h"

#include <string.h>

#define NEAR_SLOTS        4096u // level 0: 12 bits
#define FAR_SLOTS         1024u // levels 1 and 2: 10 bits each
#define LEVELS            3u
#define HEAD_CLASS        (WHEEL_CLASSES - 1)
#define ADVANCE_SLOTS_MAX 256u

static const uint8_t level_shift[LEVELS] = {0, 12, 22};
static const uint16_t level_first[LEVELS] = {0, NEAR_SLOTS, NEAR_SLOTS + FAR_SLOTS};
static_assert(NEAR_SLOTS + 2 * FAR_SLOTS == WHEEL_SLOTS, "three levels");
static_assert((uint64_t)NEAR_SLOTS * FAR_SLOTS * FAR_SLOTS == 1ULL << 8 * sizeof(tick_t),
              "every deadline has a slot");

static inline struct wheel_node *node_at(const struct wheel *wheel, uint32_t handle)
{
    const struct wheel_class *class = &wheel->classes[WHEEL_CLASS(handle)];
    return (struct wheel_node *)(void *)(class->records + WHEEL_INDEX(handle) * class->stride +
                                         class->offset);
}

static inline uint32_t *head_of(struct wheel *wheel, uint32_t list)
{
    return &wheel->heads[list / WHEEL_LISTS][list % WHEEL_LISTS];
}

// Slot of this digit of the tick on a level above the lowest.
static inline uint32_t far_slot(tick_t tick, unsigned level)
{
    return level_first[level] + (tick >> level_shift[level] & (FAR_SLOTS - 1));
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
    uint32_t slot = deadline % NEAR_SLOTS;
    if (deadline - current >= NEAR_SLOTS)
        slot = far_slot(deadline, (deadline ^ current) >> level_shift[2] != 0 ? 2 : 1);
    uint32_t list = slot * WHEEL_LISTS + handle % WHEEL_LISTS;
    uint32_t *head = head_of(wheel, list);
    node->prev = WHEEL_HANDLE(HEAD_CLASS, list);
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

// What is being emptied: lists take turns.
struct emptying {
    uint32_t slot;
    unsigned list;
};

// The next node of the slot, taken out; INDEX_NONE: the slot is empty.
static uint32_t take_node(struct wheel *wheel, struct emptying *emptying)
{
    for (unsigned tried = 0; tried < WHEEL_LISTS; tried++) {
        uint32_t handle = wheel->heads[emptying->slot][emptying->list];
        emptying->list = (emptying->list + 1) % WHEEL_LISTS;
        if (handle != INDEX_NONE) {
            // This writes to the next node of the list, which fetches it.
            unlink_node(wheel, node_at(wheel, handle));
            return handle;
        }
    }
    return INDEX_NONE;
}

static inline bool slot_empty(const struct wheel *wheel, uint32_t slot)
{
    const uint32_t *heads = wheel->heads[slot];
    return (heads[0] & heads[1] & heads[2] & heads[3]) == INDEX_NONE;
}
static_assert(WHEEL_LISTS == 4, "slot_empty()");

static void prefetch_slot(const struct wheel *wheel, uint32_t slot)
{
    for (unsigned list = 0; list < WHEEL_LISTS; list++)
        if (wheel->heads[slot][list] != INDEX_NONE)
            __builtin_prefetch(node_at(wheel, wheel->heads[slot][list]));
}

// Moves the nodes of the present tick's slot of this level downwards, at most *room of them. True when the
// slot is empty.
static bool empty_downwards(struct wheel *wheel, unsigned level, unsigned *room)
{
    struct emptying emptying = {.slot = far_slot(wheel->now + 1, level)};
    prefetch_slot(wheel, emptying.slot);
    for (; !slot_empty(wheel, emptying.slot); (*room)--) {
        if (*room == 0)
            return false;
        uint32_t handle = take_node(wheel, &emptying);
        link_node(wheel, handle, node_at(wheel, handle));
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
        for (unsigned level = LEVELS - 1; level > 0; level--)
            if ((current & ((1u << level_shift[level]) - 1)) == 0 && !empty_downwards(wheel, level, &room))
                return count;
        struct emptying emptying = {.slot = current % NEAR_SLOTS};
        prefetch_slot(wheel, emptying.slot);
        for (; !slot_empty(wheel, emptying.slot); room--) {
            if (room == 0)
                return count;
            expired[count++] = take_node(wheel, &emptying);
            wheel->armed--;
        }
        wheel->now = current;
    }
    return count;
}
