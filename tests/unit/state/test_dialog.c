// SPDX-License-Identifier: BSD-3-Clause
// Records: what is in them, how they change, are found and forked, and what full means.
#include <stdio.h>

#include "call.h"

static void all_is_copied(struct world *world)
{
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        call_text_is(world, index, i, call_texts[i]);
    const struct dialog *dialog = dialog_at(&world->dialogs, index);
    const struct dialog_cold *cold = dialog_cold(&world->dialogs, index);
    assert_int_equal(dialog_state(&world->dialogs, index), DIALOG_NONE);
    assert_int_equal(dialog->since, world->now);
    assert_int_equal(dialog->caller_peer, 7);
    assert_int_equal(dialog->callee_peer, 8);
    assert_int_equal(dialog->callee_member, 9);
    assert_int_equal(dialog->cseq[DIALOG_CALLER], 314);
    assert_int_equal(dialog->cseq[DIALOG_CALLEE], 0);
    assert_int_equal(dialog->invite, 3);
    assert_int_equal(dialog->invite_generation, 4); // its low bits
    assert_int_equal(dialog->callee_tag_hash, 0);
    assert_int_equal(cold->created, world->now);
    assert_int_equal(cold->ring, DIALOG_RING_NONE);
    assert_int_equal(cold->learnt[DIALOG_CALLER].port, 5070);
    assert_int_equal(cold->learnt[DIALOG_CALLEE].address, 0xc0000202);
    assert_int_equal(cold->session_s, 0);
    assert_int_equal(world->dialogs.by_state[DIALOG_NONE], 1);
    dialog_invite_set(&world->dialogs, index, INDEX_NONE, 0);
    assert_int_equal(dialog->invite, INDEX_NONE);
    call_file_is_whole(world); // the INVITE's transaction is no part of it
}

static void texts_are_replaced_or_stay(struct world *world)
{
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    bool tagged = call_set(world, index, DIALOG_TEXT_CALLEE_TAG, "314159");
    assert_int_equal(dialog_at(&world->dialogs, index)->callee_tag_hash != 0, tagged);
    call_set(world, index, DIALOG_TEXT_CALLER_TARGET, "sip:alice@192.0.2.101");
    call_text_is(world, index, DIALOG_TEXT_CALL_ID, call_texts[DIALOG_TEXT_CALL_ID]);
    call_text_is(world, index, DIALOG_TEXT_CALLER_ROUTES, call_texts[DIALOG_TEXT_CALLER_ROUTES]);
    // Emptied, which is not the same as left alone. What is the same asks the arena for nothing.
    call_set(world, index, DIALOG_TEXT_CALLER_ROUTES, "");
    call_file_is_whole(world);
    world->arena.fail_at = 0;
    assert_true(call_set(world, index, DIALOG_TEXT_CALLER_TAG, CALL_TAG));
    world->arena.fail_at = -1;
    char little[8];
    memset(little, 'x', sizeof(little));
    assert_int_equal(dialog_text(&world->dialogs, index, DIALOG_TEXT_CALLER_TAG, little, 4), 10);
    assert_memory_equal(little, "xxxxxxxx", 8); // no room: nothing is written
}

static void text_has_its_limit(struct world *world)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    char *longest = malloc(TEXT_LENGTH_MAX + 1);
    assert_non_null(longest);
    for (unsigned i = 0; i <= TEXT_LENGTH_MAX; i++)
        longest[i] = (char)(i * 7);
    struct dialog_birth birth = {.call_hash = 5, .texts = texts};
    texts[DIALOG_TEXT_CALLEE_ROUTES] = (struct dialog_string){longest, TEXT_LENGTH_MAX + 1};
    assert_int_equal(dialog_create(&world->dialogs, &birth, world->now), INDEX_NONE);
    texts[DIALOG_TEXT_CALLEE_ROUTES].length = TEXT_LENGTH_MAX;
    uint32_t index = dialog_create(&world->dialogs, &birth, world->now);
    if (room(world, index != INDEX_NONE)) {
        assert_true(dialog_text_is(&world->dialogs, index, DIALOG_TEXT_CALLEE_ROUTES,
                                   texts[DIALOG_TEXT_CALLEE_ROUTES]));
        // One octet more is one too many, wherever it stands.
        struct dialog_string more[DIALOG_TEXT_COUNT] = {[DIALOG_TEXT_CALLEE_TAG] = {"t", 1}};
        assert_int_equal(dialog_change(&world->dialogs, index, &(struct dialog_change){.texts = more}),
                         -ENOSPC);
        assert_int_equal(dialog_at(&world->dialogs, index)->callee_tag_hash, 0);
    }
    free(longest);
}

// A 180 is kept as it comes, the 2xx packed, whether it says anything new or not.
static void settled_by_the_answer(struct world *world)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {[DIALOG_TEXT_CALLEE_TAG] = {"314159265", 9}};
    const struct dialog_change rings = {.texts = texts, .early = true};
    const struct dialog_change answered = {.texts = texts, .settles = true};
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    uint16_t begun = dialog_cold(&world->dialogs, index)->length;
    if (!room(world, dialog_change(&world->dialogs, index, &rings) == 0))
        return;
    uint16_t early = dialog_cold(&world->dialogs, index)->length;
    assert_int_equal(early, begun + 2 + 9);
    call_text_is(world, index, DIALOG_TEXT_CALLEE_TAG, "314159265");
    arena_ref before = dialog_at(&world->dialogs, index)->cold;
    assert_int_equal(dialog_change(&world->dialogs, index, &rings), 0); // and again: nothing new
    assert_int_equal(dialog_at(&world->dialogs, index)->cold, before);
    bool settled = dialog_change(&world->dialogs, index, &answered) == 0;
    assert_int_equal(dialog_cold(&world->dialogs, index)->length < early, settled);
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        call_text_is(world, index, (enum dialog_text)i,
                     i == DIALOG_TEXT_CALLEE_TAG ? "314159265" : call_texts[i]);
    call_file_is_whole(world);
    room(world, settled);
}

static void found_from_both_sides(struct world *world)
{
    enum dialog_side side;
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    // Before the callee's tag is known only the caller can be meant.
    assert_int_equal(call_find(world, CALL_TAG, "", &side), index);
    assert_int_equal(side, DIALOG_CALLER);
    assert_int_equal(call_find(world, CALL_TAG, "314159", &side), INDEX_NONE);
    assert_int_equal(call_find(world, "", CALL_TAG, &side), index); // a callee of RFC 2543 without tag
    assert_int_equal(side, DIALOG_CALLEE);
    if (!call_set(world, index, DIALOG_TEXT_CALLEE_TAG, "314159"))
        return;
    assert_int_equal(call_find(world, CALL_TAG, "314159", &side), index);
    assert_int_equal(side, DIALOG_CALLER);
    assert_int_equal(call_find(world, "314159", CALL_TAG, &side), index);
    assert_int_equal(side, DIALOG_CALLEE);
    assert_int_equal(call_find(world, CALL_TAG, "", &side), index);
    assert_int_equal(call_find(world, "314159", "", &side), INDEX_NONE);
    assert_int_equal(call_find(world, CALL_TAG, "31415", &side), INDEX_NONE);
    assert_int_equal(call_find(world, "9fxced76sL", "314159", &side), INDEX_NONE);
    assert_int_equal(call_find(world, "314159", "314159", &side), INDEX_NONE);
    dialog_release(&world->dialogs, index);
    assert_int_equal(call_find(world, CALL_TAG, "314159", &side), INDEX_NONE);
}

// Another Call-ID with the same hash, and the same Call-ID under another hash.
static void compared_whole(struct world *world)
{
    enum dialog_side side;
    uint32_t other = call_make_as(world, CALL_HASH, "another@call", CALL_TAG);
    if (!room(world, other != INDEX_NONE))
        return;
    assert_int_equal(call_find(world, CALL_TAG, "", &side), INDEX_NONE);
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(call_find(world, CALL_TAG, "", &side), index);
    uint32_t indexes[4];
    const struct dialogs *set = &world->dialogs;
    assert_int_equal(dialog_find_call(set, CALL_HASH, call_string("another@call"), indexes, 4), 1);
    assert_int_equal(indexes[0], other);
    assert_int_equal(dialog_find_call(set, CALL_HASH, (struct dialog_string){NULL, 0}, indexes, 4), 2);
    assert_int_equal(dialog_find_call(set, CALL_HASH ^ 1ULL << 63, call_string("another@call"), indexes, 4),
                     0);
    // A tag of the same hash but other octets: the hash of another record's tag is put into this one.
    world->dialogs.records[index].caller_tag_hash ^= 1;
    assert_int_equal(call_find(world, CALL_TAG, "", &side), INDEX_NONE);
    world->dialogs.records[index].caller_tag_hash = dialog_at(set, other)->caller_tag_hash;
    struct dialog_id id = call_id_of("9fxced76sX", "");
    for (unsigned i = 0; i < 1u << 18; i++) { // 16 bits meet soon
        char tag[16];
        int length = snprintf(tag, sizeof(tag), "%x", i);
        id.from_tag = (struct dialog_string){tag, (uint32_t)length};
        assert_int_equal(dialog_find(set, &id, &side), INDEX_NONE);
    }
}

// The cookie's hint only says where to look first.
static void a_hint_proves_nothing(struct world *world)
{
    enum dialog_side side;
    uint32_t other = call_make_as(world, 77, "another@call", CALL_TAG);
    uint32_t index = other == INDEX_NONE ? INDEX_NONE : call_make(world);
    if (!room(world, index != INDEX_NONE))
        return;
    struct dialog_id id = call_id_of(CALL_TAG, "");
    id.has_hint = true;
    const uint32_t hints[] = {index, other, 5, WORLD_CAPACITY, INDEX_NONE};
    for (unsigned i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        id.hint = hints[i];
        for (unsigned generation = 0; generation < 3; generation++) {
            id.hint_generation = (uint16_t)(dialog_at(&world->dialogs, index)->generation + generation);
            assert_int_equal(dialog_find(&world->dialogs, &id, &side), index);
        }
    }
    // It is enough where the table knows nothing.
    id.hint = index;
    id.hint_generation = (uint16_t)dialog_at(&world->dialogs, index)->generation;
    table_remove(&world->dialogs.table, CALL_HASH, index);
    assert_int_equal(dialog_find(&world->dialogs, &id, &side), index);
    table_insert(&world->dialogs.table, CALL_HASH, index);
}

// The same call passes twice: the same tags between other peers. Who sends tells which passage it is.
static void the_passages_of_a_spiral(struct world *world)
{
    enum dialog_side side;
    uint32_t one = call_make(world), two = one == INDEX_NONE ? INDEX_NONE : call_make(world);
    if (two == INDEX_NONE || !call_set(world, one, DIALOG_TEXT_CALLEE_TAG, "314159") ||
        !call_set(world, two, DIALOG_TEXT_CALLEE_TAG, "314159"))
        return;
    world->dialogs.records[two].caller_peer = 8; // 7 -> 8 -> 9
    world->dialogs.records[two].callee_peer = 9;
    const struct {
        const char *from, *to;
        uint16_t peer;
        bool response;
        uint32_t index;
    } rows[] = {
        {CALL_TAG, "314159", 7, false, one}, {CALL_TAG, "314159", 8, false, two},
        {"314159", CALL_TAG, 9, false, two}, {"314159", CALL_TAG, 8, false, one},
        {CALL_TAG, "314159", 9, true, two},  {CALL_TAG, "314159", 8, true, one},
        {"314159", CALL_TAG, 7, true, one},  {"314159", CALL_TAG, 8, true, two},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dialog_id id = call_id_of(rows[i].from, rows[i].to);
        id.peer = rows[i].peer;
        id.response = rows[i].response;
        for (unsigned hint = 0; hint < 3; hint++) { // whatever the hint says, and without one
            id.has_hint = hint > 0;
            id.hint = hint == 1 ? one : two;
            id.hint_generation = (uint16_t)dialog_at(&world->dialogs, id.hint)->generation;
            assert_int_equal(dialog_find(&world->dialogs, &id, &side), rows[i].index);
        }
        assert_int_equal(side, rows[i].from[0] == '9' ? DIALOG_CALLER : DIALOG_CALLEE);
    }
    struct dialog_id id = call_id_of(CALL_TAG, "314159"); // a stranger finds one, and is then refused
    id.peer = 10;
    assert_int_not_equal(dialog_find(&world->dialogs, &id, &side), INDEX_NONE);
    for (unsigned i = one; i <= two; i++)
        world->dialogs.records[i].check = dialog_record_check(dialog_at(&world->dialogs, i));
}

static void a_message_is_seen(struct world *world)
{
    uint32_t index = call_make(world);
    if (index == INDEX_NONE)
        return;
    const struct dialog *dialog = dialog_at(&world->dialogs, index);
    struct dialog_seen seen = {.side = DIALOG_CALLER, .cseq = 316};
    arena_ref cold = dialog->cold;
    dialog_see(&world->dialogs, index, &seen); // a gap is none of ours (12.2.2)
    assert_int_equal(dialog->cseq[DIALOG_CALLER], 316);
    seen.cseq = 315;
    dialog_see(&world->dialogs, index, &seen);
    assert_int_equal(dialog->cseq[DIALOG_CALLER], 316);
    assert_int_equal(dialog->cold, cold);
    dialog_member_set(&world->dialogs, index, 77);
    assert_int_equal(dialog_at(&world->dialogs, index)->callee_member, 77);
    assert_int_equal(dialog_at(&world->dialogs, index)->check,
                     dialog_record_check(dialog_at(&world->dialogs, index)));
    seen = (struct dialog_seen){.side = DIALOG_CALLEE, .source = {IP_MAPPED(0xc0000209), 5080, 2}};
    dialog_see(&world->dialogs, index, &seen);
    bool learnt = room(world, dialog->cold != cold);
    assert_int_equal(dialog_cold(&world->dialogs, index)->learnt[DIALOG_CALLEE].port, learnt ? 5080 : 5060);
    assert_int_equal(dialog_cold(&world->dialogs, index)->learnt[DIALOG_CALLER].port, 5070);
    assert_int_equal(dialog->cseq[DIALOG_CALLEE], 0);
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        call_text_is(world, index, i, call_texts[i]);
    call_file_is_whole(world);
}

static bool is_learnt(const struct world *world, uint32_t index, enum dialog_side side,
                      struct endpoint wanted)
{
    const struct endpoint learnt = dialog_learnt(dialog_cold(&world->dialogs, index), side);
    return endpoint_equal(learnt, wanted) && learnt.listener == wanted.listener;
}

// An IPv6 address stands behind the shifts, and is not there when it is not needed.
static void either_family_is_learnt(struct world *world)
{
    static const struct endpoint seen[] = {
        {{{0x20, 1, [15] = 1}}, 5070, 2},  {{{0x20, 1, [15] = 2}}, 5071, UINT16_MAX},
        {IP_MAPPED(0xc0000209), 5072, 3},  {IP_MAPPED(0xc0000209), 5072, UINT16_MAX},
        {{{0xff, 0xff, [15] = 3}}, 1, 63},
    };
    uint32_t index = call_make(world);
    struct endpoint at[2] = {{IP_MAPPED(0xc0000201), 5070, 1}, {IP_MAPPED(0xc0000202), 5060, 2}};
    for (unsigned i = 0; index != INDEX_NONE && i < 4 * sizeof(seen) / sizeof(seen[0]); i++) {
        enum dialog_side side = i % 3 == 0 ? DIALOG_CALLEE : DIALOG_CALLER;
        const struct endpoint source = seen[i % (sizeof(seen) / sizeof(seen[0]))];
        dialog_see(&world->dialogs, index, &(struct dialog_seen){.side = side, .source = source});
        if (room(world, is_learnt(world, index, side, source)))
            at[side] = source;
        (void)room(world,
                   dialog_cseq_take(&world->dialogs, index, i % 2 ? DIALOG_CALLER : DIALOG_CALLEE) == 0);
        (void)call_set(world, index, DIALOG_TEXT_CALLEE_TARGET, i % 2 ? "sip:a@[2001:db8::1]" : "sip:b");
        assert_true(is_learnt(world, index, DIALOG_CALLER, at[DIALOG_CALLER]));
        assert_true(is_learnt(world, index, DIALOG_CALLEE, at[DIALOG_CALLEE]));
        const struct dialog_cold *cold = dialog_cold(&world->dialogs, index);
        unsigned wide = !ip_is_ipv4(&at[0].address) + !ip_is_ipv4(&at[1].address);
        assert_int_equal(dialog_cold_octets(cold), cold->length + dialog_shift_octets(cold) + 16 * wide);
        call_file_is_whole(world);
    }
}

static void a_fork_is_its_own_record(struct world *world)
{
    enum dialog_side side;
    uint32_t one = call_make(world);
    if (one == INDEX_NONE || !call_set(world, one, DIALOG_TEXT_CALLEE_TAG, "first") ||
        !call_set(world, one, DIALOG_TEXT_CALLEE_TARGET, "sip:one@192.0.2.1") ||
        !call_set(world, one, DIALOG_TEXT_CALLEE_ROUTES, "<sip:p@192.0.2.2;lr>"))
        return;
    dialog_see(&world->dialogs, one, &(struct dialog_seen){.side = DIALOG_CALLEE, .cseq = 99});
    call_step(world, one, DIALOG_ON_CANCEL);
    call_step(world, one, DIALOG_ON_PROVISIONAL);
    world_turn(world, world->now + 100);
    uint32_t two = dialog_fork(&world->dialogs, one, world->now);
    if (!room(world, two != INDEX_NONE))
        return;
    const struct dialog *second = dialog_at(&world->dialogs, two);
    assert_int_equal(dialog_state(&world->dialogs, two), DIALOG_NONE);
    assert_int_equal(second->caller_peer, 7);
    assert_int_equal(second->callee_member, 9);
    assert_int_equal(second->cseq[DIALOG_CALLER], 314);
    assert_int_equal(second->cseq[DIALOG_CALLEE], 0);
    assert_int_equal(dialog_cold(&world->dialogs, two)->learnt[DIALOG_CALLER].port, 5070);
    assert_int_equal(second->flags, DIALOG_FLAG_CANCELLED);
    assert_int_equal(second->invite, 3);
    assert_int_equal(second->invite_generation, 4);
    assert_int_equal(dialog_cold(&world->dialogs, two)->created, world->now - 100);
    assert_int_equal(second->since, world->now);
    assert_int_equal(second->callee_tag_hash, 0);
    call_text_is(world, two, DIALOG_TEXT_CALLEE_TAG, "");
    call_text_is(world, two, DIALOG_TEXT_CALLEE_TARGET, "");
    call_text_is(world, two, DIALOG_TEXT_CALLEE_ROUTES, "");
    call_text_is(world, two, DIALOG_TEXT_CALLER_TAG, CALL_TAG);
    // The record without the callee's tag, wherever it lies.
    assert_int_equal(call_find(world, CALL_TAG, "", &side), two);
    if (!call_set(world, two, DIALOG_TEXT_CALLEE_TAG, "second"))
        return;
    assert_int_equal(call_find(world, CALL_TAG, "first", &side), one);
    assert_int_equal(call_find(world, "second", CALL_TAG, &side), two);
    call_file_is_whole(world);
    dialog_release(&world->dialogs, one);
    call_text_is(world, two, DIALOG_TEXT_CALLER_TAG, CALL_TAG);
    assert_int_equal(call_find(world, CALL_TAG, "second", &side), two);
}

static void a_call_has_at_most_32(struct world *world)
{
    uint32_t indexes[DIALOGS_OF_CALL_MAX + 1];
    struct dialog_string call_id = call_string(call_texts[DIALOG_TEXT_CALL_ID]);
    uint32_t first = call_make(world);
    if (first == INDEX_NONE)
        return;
    for (unsigned i = 1; i < DIALOGS_OF_CALL_MAX; i++)
        if (!room(world, dialog_fork(&world->dialogs, first, world->now) != INDEX_NONE))
            return;
    size_t used = world->arena.used;
    assert_int_equal(dialog_fork(&world->dialogs, first, world->now), INDEX_NONE);
    assert_int_equal(call_make_as(world, CALL_HASH, call_texts[0], "other"), INDEX_NONE);
    assert_int_equal(world->arena.used, used);
    assert_int_equal(dialog_find_call(&world->dialogs, CALL_HASH, call_id, indexes, 33), 32);
    assert_int_equal(dialog_find_call(&world->dialogs, CALL_HASH, call_id, indexes, 1), 1);
    room(world, call_make_as(world, 1, "free@call", "x") != INDEX_NONE);
    dialog_release(&world->dialogs, indexes[0]);
    room(world,
         dialog_fork(&world->dialogs, first == indexes[0] ? first + 1 : first, world->now) != INDEX_NONE);
}

static void full_is_an_answer(struct world *world)
{
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++)
        if (!room(world, call_make_as(world, i * 0x9e3779b97f4a7c15ULL, "c", "t") != INDEX_NONE))
            return;
    size_t used = world->arena.used;
    assert_int_equal(call_make_as(world, 77, "c", "t"), INDEX_NONE);
    assert_int_equal(world->arena.used, used);
    uint32_t generation = dialog_at(&world->dialogs, 9)->generation;
    dialog_release(&world->dialogs, 9);
    dialog_release(&world->dialogs, 9); // twice is once
    assert_int_equal(world->dialogs.count, WORLD_CAPACITY - 1);
    call_file_is_whole(world);
    uint32_t again = call_make_as(world, 77, "c", "t");
    if (!room(world, again != INDEX_NONE))
        return;
    assert_int_equal(again, 9);
    assert_int_not_equal(dialog_at(&world->dialogs, 9)->generation, generation);
}

#define SCENARIOS(S)                                                                                         \
    S(all_is_copied)                                                                                         \
    S(texts_are_replaced_or_stay)                                                                            \
    S(text_has_its_limit)                                                                                    \
    S(settled_by_the_answer)                                                                                 \
    S(found_from_both_sides)                                                                                 \
    S(compared_whole)                                                                                        \
    S(a_hint_proves_nothing)                                                                                 \
    S(the_passages_of_a_spiral)                                                                              \
    S(either_family_is_learnt)                                                                               \
    S(a_message_is_seen)                                                                                     \
    S(a_fork_is_its_own_record)                                                                              \
    S(a_call_has_at_most_32)                                                                                 \
    S(full_is_an_answer)

SCENARIOS(CALL_TEST)

int main(void)
{
    const struct CMUnitTest tests[] = {SCENARIOS(CALL_ROW)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
