// SPDX-License-Identifier: BSD-3-Clause
// Dialogs of one call for the tests of state/: how they are made, changed, found and read.
#ifndef DIALGATE_TEST_STATE_CALL_H
#define DIALGATE_TEST_STATE_CALL_H

#include <errno.h>
#include "world.h"

#define CALL_HASH 0xabcdef0123456789ULL
#define CALL_TAG  "9fxced76sl"

static inline struct dialog_string call_string(const char *text)
{
    return (struct dialog_string){.octets = text, .length = (uint32_t)strlen(text)};
}

// Of RFC 3261 section 24.2's call.
static const char *const call_texts[DIALOG_TEXT_COUNT] = {
    [DIALOG_TEXT_CALL_ID] = "3848276298220188511@atlanta.example.com",
    [DIALOG_TEXT_CALLER_FROM] = "Alice <sip:alice@atlanta.example.com>",
    [DIALOG_TEXT_CALLEE_TO] = "Bob <sip:bob@biloxi.example.com>",
    [DIALOG_TEXT_CALLER_TAG] = CALL_TAG,
    [DIALOG_TEXT_CALLEE_TAG] = "",
    [DIALOG_TEXT_CALLER_TARGET] = "sip:alice@client.atlanta.example.com",
    [DIALOG_TEXT_CALLEE_TARGET] = "",
    [DIALOG_TEXT_CALLER_ROUTES] = "<sip:ss1.atlanta.example.com;lr>",
    [DIALOG_TEXT_CALLEE_ROUTES] = "",
};

static inline uint32_t call_make_as(struct world *world, uint64_t hash, const char *call_id, const char *tag)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = call_string(call_texts[i]);
    texts[DIALOG_TEXT_CALL_ID] = call_string(call_id);
    texts[DIALOG_TEXT_CALLER_TAG] = call_string(tag);
    const struct dialog_birth birth = {
        .call_hash = hash,
        .texts = texts,
        .caller_peer = 7,
        .callee_peer = 8,
        .callee_member = 9,
        .cseq = 314,
        .learnt = {{IP_MAPPED(0xc0000201), 5070, 1}, {IP_MAPPED(0xc0000202), 5060, 2}},
        .invite = 3,
        .invite_generation = 0x10004};
    return dialog_create(&world->dialogs, &birth, world->now);
}

// INDEX_NONE: the arena refused, and nothing else changed.
static inline uint32_t call_make(struct world *world)
{
    uint32_t before = world->dialogs.count;
    size_t used = world->arena.used;
    uint32_t index = call_make_as(world, CALL_HASH, call_texts[DIALOG_TEXT_CALL_ID], CALL_TAG);
    bool made = room(world, index != INDEX_NONE);
    assert_int_equal(world->dialogs.count, before + made);
    assert_int_equal(world->dialogs.table.count, before + made);
    if (!made)
        assert_int_equal(world->arena.used, used);
    return index;
}

static inline void call_text_is(struct world *world, uint32_t index, enum dialog_text which,
                                const char *wanted)
{
    char text[256] = "";
    uint32_t length = dialog_text(&world->dialogs, index, which, text, sizeof(text) - 1);
    assert_int_equal(length, strlen(wanted));
    assert_string_equal(text, wanted);
    assert_true(dialog_text_is(&world->dialogs, index, which, call_string(wanted)));
}

// False: the arena refused, and the text is what it was.
static inline bool call_set(struct world *world, uint32_t index, enum dialog_text which, const char *text)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    char before[256] = "";
    size_t used = world->arena.used;
    dialog_text(&world->dialogs, index, which, before, sizeof(before) - 1);
    texts[which] = call_string(text);
    int result = dialog_change(&world->dialogs, index, &(struct dialog_change){.texts = texts});
    assert_true(result == 0 || result == -ENOSPC);
    if (result != 0)
        assert_int_equal(world->arena.used, used);
    call_text_is(world, index, which, result == 0 ? text : before);
    return room(world, result == 0);
}

static inline struct dialog_id call_id_of(const char *from, const char *to)
{
    return (struct dialog_id){.call_hash = CALL_HASH,
                              .call_id = call_string(call_texts[DIALOG_TEXT_CALL_ID]),
                              .from_tag = call_string(from),
                              .to_tag = call_string(to),
                              .peer = DIALOG_NUMBER_NONE};
}

static inline uint32_t call_find(struct world *world, const char *from, const char *to,
                                 enum dialog_side *side)
{
    struct dialog_id id = call_id_of(from, to);
    return dialog_find(&world->dialogs, &id, side);
}

static inline unsigned call_step(struct world *world, uint32_t index, enum dialog_event event)
{
    return dialog_step(&world->dialogs, index, event, world->now);
}

// Each live record of the file is committed, and so is its block.
static inline void call_file_is_whole(const struct world *world)
{
    assert_int_equal(world->dialogs.journal->index, INDEX_NONE);
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++) {
        const struct dialog *dialog = dialog_at(&world->dialogs, i);
        bool lives = dialog->row != DIALOG_ROW_FREE && dialog->row != DIALOG_ROW_TERMINATED;
        assert_int_equal(dialog->check, lives ? dialog_record_check(dialog) : 0);
        if (lives)
            assert_int_equal(dialog_cold(&world->dialogs, i)->check,
                             dialog_cold_check(dialog_cold(&world->dialogs, i)));
    }
}

#define CALL_TEST(name)                                                                                      \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        world_run(name);                                                                                     \
    }
#define CALL_ROW(name) cmocka_unit_test(test_##name),

#endif
