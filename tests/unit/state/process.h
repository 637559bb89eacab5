// SPDX-License-Identifier: BSD-3-Clause
// Workers of processes that die and are followed by others: each with a file of its own, which stays. Dialogs
// are told by a number, from which all that they hold follows.
#ifndef DIALGATE_TEST_STATE_PROCESS_H
#define DIALGATE_TEST_STATE_PROCESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adopt.h"
#include "owner.h"

#define PROCESS_ARENA    ((size_t)6 << 20)
#define PROCESS_NOW      0xffffff00u // the clock runs over while the second process lives
#define PROCESS_TEXT_MAX 96u
#define PROCESS_PEERS    8u

struct process {
    struct image_identity identity;
    struct image_layout layout;
    uint8_t *file;
    void *private;
    struct arena arena;
    struct wheel wheel;
    struct dialogs dialogs;
    struct adoption adoption;
    struct image image; // of the file, for who comes after
};

static inline void process_begin(struct process *process, uint64_t epoch, unsigned worker, unsigned workers,
                                 uint32_t capacity)
{
    process->identity =
        (struct image_identity){.epoch = epoch, .worker = worker, .workers = workers, .key = {{21, 22}}};
    process->layout = image_layout(capacity, PROCESS_ARENA);
    process->file = aligned_alloc((size_t)2 << 20, process->layout.size);
    process->private = aligned_alloc(64, (dialogs_private_memory(capacity) + 63) / 64 * 64);
    assert_non_null(process->file);
    assert_non_null(process->private);
    memset(process->file, 0, process->layout.size);
    image_begin(process->file, &process->layout, &process->identity, capacity);
    wheel_init(&process->wheel, PROCESS_NOW);
    assert_int_equal(arena_init(&process->arena, process->file + process->layout.arena_offset, PROCESS_ARENA),
                     0);
    const struct dialogs_place place = {.file = process->file + process->layout.dialogs_offset,
                                        .private = process->private,
                                        .capacity = capacity,
                                        .key = process->identity.key};
    dialogs_init(&process->dialogs, &place, &process->arena, &process->wheel);
    process->adoption = (struct adoption){.set = &process->dialogs,
                                          .worker = worker,
                                          .workers = workers,
                                          .peers = PROCESS_PEERS,
                                          .members = PROCESS_PEERS};
}

static inline void process_end(struct process *process)
{
    arena_fini(&process->arena);
    free(process->private);
    free(process->file);
}

static inline uint32_t process_text(unsigned number, unsigned which, char text[PROCESS_TEXT_MAX])
{
    switch (which) {
    case DIALOG_TEXT_CALL_ID:
        return (uint32_t)snprintf(text, PROCESS_TEXT_MAX, "%08X-call@host-%u.example", number * 2654435761u,
                                  number % 3);
    case DIALOG_TEXT_CALLER_TAG:
    case DIALOG_TEXT_CALLEE_TAG:
        return (uint32_t)snprintf(text, PROCESS_TEXT_MAX, "%x%08x", which, number);
    case DIALOG_TEXT_CALLER_ROUTES:
    case DIALOG_TEXT_CALLEE_ROUTES:
        return number % 2 == 0 ? 0 : (uint32_t)snprintf(text, PROCESS_TEXT_MAX, "<sip:10.0.%u.1;lr>", which);
    default:
        return (uint32_t)snprintf(text, PROCESS_TEXT_MAX, "sip:+49%u@10.%u.0.9:5080", number, which);
    }
}

static inline uint64_t process_hash(const struct process *process, unsigned number)
{
    char text[PROCESS_TEXT_MAX];
    uint32_t length = process_text(number, DIALOG_TEXT_CALL_ID, text);
    return siphash13(&process->identity.key, text, length);
}

// Its state follows from the number too: confirmed, early or none.
static inline enum dialog_state process_state(unsigned number)
{
    return number % 8 == 7 ? DIALOG_EARLY : number % 8 == 6 ? DIALOG_NONE : DIALOG_CONFIRMED;
}

// Both families, in each order.
static inline struct ip_address process_address(unsigned number)
{
    struct ip_address ipv6 = {{0x20, 0x01, 0x0d, 0xb8, [12] = 1}};
    ipv6.octets[14] = (uint8_t)(number >> 8);
    ipv6.octets[15] = (uint8_t)number;
    return number % 4 < 2 ? ip_from_ipv4(0x0a000000 + number) : ipv6;
}

static inline uint32_t process_add(struct process *process, unsigned number, tick_t now)
{
    char octets[DIALOG_TEXT_COUNT][PROCESS_TEXT_MAX];
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = (struct dialog_string){octets[i], process_text(number, i, octets[i])};
    const struct dialog_birth birth = {
        .call_hash = process_hash(process, number),
        .texts = texts,
        .caller_peer = (uint16_t)(number % PROCESS_PEERS),
        .callee_peer = (uint16_t)((number + 1) % PROCESS_PEERS),
        .callee_member = (uint16_t)(number % 5),
        .cseq = number,
        .learnt = {{process_address(number), 5060, 0}, {process_address(number + 1), 5061, 1}},
        .invite = 3,
        .invite_generation = 4};
    uint32_t index = dialog_create(&process->dialogs, &birth, now);
    if (index == INDEX_NONE)
        return INDEX_NONE;
    if (process_state(number) == DIALOG_EARLY)
        dialog_step(&process->dialogs, index, DIALOG_ON_PROVISIONAL, now);
    if (process_state(number) == DIALOG_CONFIRMED) {
        dialog_step(&process->dialogs, index, DIALOG_ON_SUCCESS, now);
        dialog_step(&process->dialogs, index, DIALOG_ON_ACK, now);
    }
    return index;
}

// The one record with this number, INDEX_NONE: it is not here. More than one fails the test.
static inline uint32_t process_find(const struct process *process, unsigned number)
{
    char text[PROCESS_TEXT_MAX];
    uint32_t found[2] = {INDEX_NONE, INDEX_NONE};
    struct dialog_string call_id = {text, process_text(number, DIALOG_TEXT_CALL_ID, text)};
    unsigned count = dialog_find_call(&process->dialogs, process_hash(process, number), call_id, found, 2);
    assert_in_range(count, 0, 1);
    return found[0];
}

// All that the record holds is what the number says; its state is given, since it may have moved on.
static inline void process_assert(const struct process *process, uint32_t index, unsigned number,
                                  enum dialog_state state)
{
    const struct dialogs *set = &process->dialogs;
    const struct dialog *dialog = dialog_at(set, index);
    const struct dialog_cold *cold = dialog_cold(set, index);
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++) {
        char wanted[PROCESS_TEXT_MAX], found[PROCESS_TEXT_MAX];
        uint32_t length = process_text(number, i, wanted);
        assert_int_equal(dialog_text(set, index, (enum dialog_text)i, found, sizeof(found)), length);
        assert_memory_equal(found, wanted, length);
    }
    assert_int_equal(dialog_state(set, index), state);
    assert_int_equal(dialog->caller_peer, number % PROCESS_PEERS);
    assert_int_equal(dialog->callee_peer, (number + 1) % PROCESS_PEERS);
    assert_int_equal(dialog->callee_member, number % 5);
    assert_int_equal(dialog->cseq[DIALOG_CALLER], number);
    for (unsigned side = 0; side < 2; side++) {
        const struct endpoint learnt = dialog_learnt(cold, (enum dialog_side)side);
        const struct ip_address wanted = process_address(number + side);
        assert_true(ip_equal(&learnt.address, &wanted));
        assert_int_equal(learnt.port, 5060 + side);
        assert_int_equal(learnt.listener, side);
    }
    assert_true(wheel_armed(&dialog->timer));
}

// The process is dead: what its file says to those who come after. Images are settled as at a start.
static inline void process_die(struct process *process)
{
    assert_int_equal(image_open(&process->image, process->file, process->layout.size, &process->identity),
                     IMAGE_FINE);
}

static inline void process_adopt(struct process *process, struct image *const *images, unsigned count,
                                 tick_t now)
{
    image_settle(images, count);
    adopt_records(&process->adoption, images, count, now);
}

#endif
