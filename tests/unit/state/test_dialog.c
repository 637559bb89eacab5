// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "world.h"

static struct dialog_string string(const char *text)
{
    return (struct dialog_string){.octets = text, .length = (uint32_t)strlen(text)};
}

// Of RFC 3261 section 24.2's call.
static const char *const texts_of_call[DIALOG_TEXT_COUNT] = {
    [DIALOG_TEXT_CALL_ID] = "3848276298220188511@atlanta.example.com",
    [DIALOG_TEXT_CALLER_FROM] = "Alice <sip:alice@atlanta.example.com>",
    [DIALOG_TEXT_CALLEE_TO] = "Bob <sip:bob@biloxi.example.com>",
    [DIALOG_TEXT_CALLER_TAG] = "9fxced76sl",
    [DIALOG_TEXT_CALLEE_TAG] = "",
    [DIALOG_TEXT_CALLER_TARGET] = "sip:alice@client.atlanta.example.com",
    [DIALOG_TEXT_CALLEE_TARGET] = "",
    [DIALOG_TEXT_CALLER_ROUTES] = "<sip:ss1.atlanta.example.com;lr>",
    [DIALOG_TEXT_CALLEE_ROUTES] = "",
};
static const uint64_t call_hash = 0xabcdef0123456789ULL;

static uint32_t make_as(struct world *world, uint64_t hash, const char *call_id, const char *tag)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = string(texts_of_call[i]);
    texts[DIALOG_TEXT_CALL_ID] = string(call_id);
    texts[DIALOG_TEXT_CALLER_TAG] = string(tag);
    return dialog_create(&world->dialogs, hash, texts, world->now);
}

// INDEX_NONE: the arena refused, and nothing else changed.
static uint32_t make(struct world *world)
{
    uint32_t before = world->dialogs.count;
    uint32_t index = make_as(world, call_hash, texts_of_call[DIALOG_TEXT_CALL_ID], "9fxced76sl");
    bool made = room(world, index != INDEX_NONE);
    assert_int_equal(world->dialogs.count, before + made);
    assert_int_equal(world->dialogs.table.count, before + made);
    return index;
}

static bool set_text(struct world *world, uint32_t index, enum dialog_text which, const char *text)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    texts[which] = string(text);
    int result = dialog_text_set(&world->dialogs, index, texts);
    assert_true(result == 0 || result == -ENOSPC);
    return room(world, result == 0);
}

static void text_is(struct world *world, uint32_t index, enum dialog_text which, const char *wanted)
{
    struct dialog_string text = dialog_text(&world->dialogs, index, which);
    assert_int_equal(text.length, strlen(wanted));
    assert_memory_equal(text.octets, wanted, text.length);
}

static uint32_t find(struct world *world, const char *from, const char *to, enum dialog_side *side)
{
    struct dialog_id id = {.call_hash = call_hash,
                           .call_id = string(texts_of_call[DIALOG_TEXT_CALL_ID]),
                           .from_tag = string(from),
                           .to_tag = string(to)};
    return dialog_find(&world->dialogs, &id, side);
}

static unsigned step(struct world *world, uint32_t index, enum dialog_event event)
{
    return dialog_step(&world->dialogs, index, event, world->now);
}

static void texts_are_copied(struct world *world)
{
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        text_is(world, index, i, texts_of_call[i]);
    const struct dialog *dialog = dialog_at(&world->dialogs, index);
    assert_int_equal(dialog->state, DIALOG_NONE);
    assert_int_equal(dialog->created, world->now);
    assert_int_equal(dialog->invite, INDEX_NONE);
    assert_int_equal(dialog->callee_tag_hash, 0);
    assert_int_equal(world->dialogs.by_state[DIALOG_NONE], 1);
}

static void texts_are_replaced_or_stay(struct world *world)
{
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    bool tagged = set_text(world, index, DIALOG_TEXT_CALLEE_TAG, "314159");
    text_is(world, index, DIALOG_TEXT_CALLEE_TAG, tagged ? "314159" : "");
    assert_int_equal(dialog_at(&world->dialogs, index)->callee_tag_hash != 0, tagged);
    bool moved = set_text(world, index, DIALOG_TEXT_CALLER_TARGET, "sip:alice@192.0.2.101");
    text_is(world, index, DIALOG_TEXT_CALLER_TARGET,
            moved ? "sip:alice@192.0.2.101" : "sip:alice@client.atlanta.example.com");
    text_is(world, index, DIALOG_TEXT_CALL_ID, texts_of_call[DIALOG_TEXT_CALL_ID]);
    text_is(world, index, DIALOG_TEXT_CALLER_ROUTES, texts_of_call[DIALOG_TEXT_CALLER_ROUTES]);
    // Emptied, which is not the same as left alone. What is the same asks the arena for nothing.
    bool emptied = set_text(world, index, DIALOG_TEXT_CALLER_ROUTES, "");
    text_is(world, index, DIALOG_TEXT_CALLER_ROUTES, emptied ? "" : texts_of_call[DIALOG_TEXT_CALLER_ROUTES]);
    world->arena.fail_at = 0;
    assert_true(set_text(world, index, DIALOG_TEXT_CALLER_TAG, "9fxced76sl"));
    world->arena.fail_at = -1;
}

static void a_text_has_its_limit(struct world *world)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    char *longest = calloc(1, UINT16_MAX + 1);
    texts[DIALOG_TEXT_CALLEE_ROUTES] = (struct dialog_string){longest, UINT16_MAX + 1};
    assert_int_equal(dialog_create(&world->dialogs, 5, texts, world->now), INDEX_NONE);
    texts[DIALOG_TEXT_CALLEE_ROUTES].length = UINT16_MAX;
    uint32_t index = dialog_create(&world->dialogs, 5, texts, world->now);
    if (room(world, index != INDEX_NONE))
        assert_int_equal(dialog_text(&world->dialogs, index, DIALOG_TEXT_CALLEE_ROUTES).length, UINT16_MAX);
    free(longest);
}

static void found_from_both_sides(struct world *world)
{
    enum dialog_side side;
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    // Before the callee's tag is known only the caller can be meant.
    assert_int_equal(find(world, "9fxced76sl", "", &side), index);
    assert_int_equal(side, DIALOG_CALLER);
    assert_int_equal(find(world, "9fxced76sl", "314159", &side), INDEX_NONE);
    assert_int_equal(find(world, "", "9fxced76sl", &side), index); // a callee of RFC 2543 without tag
    assert_int_equal(side, DIALOG_CALLEE);
    if (!set_text(world, index, DIALOG_TEXT_CALLEE_TAG, "314159"))
        return;
    assert_int_equal(find(world, "9fxced76sl", "314159", &side), index);
    assert_int_equal(side, DIALOG_CALLER);
    assert_int_equal(find(world, "314159", "9fxced76sl", &side), index);
    assert_int_equal(side, DIALOG_CALLEE);
    assert_int_equal(find(world, "9fxced76sl", "", &side), index);
    assert_int_equal(find(world, "314159", "", &side), INDEX_NONE);
    assert_int_equal(find(world, "9fxced76sl", "31415", &side), INDEX_NONE);
    assert_int_equal(find(world, "9fxced76sL", "314159", &side), INDEX_NONE);
    assert_int_equal(find(world, "314159", "314159", &side), INDEX_NONE);
    dialog_release(&world->dialogs, index);
    assert_int_equal(find(world, "9fxced76sl", "314159", &side), INDEX_NONE);
}

// Another Call-ID with the same hash, and the same Call-ID under another hash.
static void compared_whole(struct world *world)
{
    enum dialog_side side;
    uint32_t other = make_as(world, call_hash, "another@call", "9fxced76sl");
    if (!room(world, other != INDEX_NONE))
        return;
    assert_int_equal(find(world, "9fxced76sl", "", &side), INDEX_NONE);
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(find(world, "9fxced76sl", "", &side), index);
    uint32_t indexes[4];
    assert_int_equal(dialog_find_call(&world->dialogs, call_hash, string("another@call"), indexes, 4), 1);
    assert_int_equal(indexes[0], other);
    assert_int_equal(
        dialog_find_call(&world->dialogs, call_hash ^ 1ULL << 63, string("another@call"), indexes, 4), 0);
    // A tag of the same hash but other octets.
    struct dialog *dialog = dialog_at(&world->dialogs, index);
    dialog->caller_tag_hash = dialog_at(&world->dialogs, other)->caller_tag_hash ^ 1;
    assert_int_equal(find(world, "9fxced76sl", "", &side), INDEX_NONE);
}

static void a_fork_is_its_own_record(struct world *world)
{
    enum dialog_side side;
    uint32_t one = make(world);
    if (one == INDEX_NONE)
        return;
    struct dialog *first = dialog_at(&world->dialogs, one);
    first->caller_peer = 7;
    first->callee_member = 9;
    first->cseq[DIALOG_CALLER] = 314;
    first->cseq[DIALOG_CALLEE] = 99;
    first->learnt[DIALOG_CALLER].port = 5070;
    first->flags = DIALOG_FLAG_CANCELLED | DIALOG_FLAG_CALLEE_ROUTES;
    first->invite = 3;
    if (!set_text(world, one, DIALOG_TEXT_CALLEE_TAG, "first") ||
        !set_text(world, one, DIALOG_TEXT_CALLEE_TARGET, "sip:one@192.0.2.1") ||
        !set_text(world, one, DIALOG_TEXT_CALLEE_ROUTES, "<sip:p@192.0.2.2;lr>"))
        return;
    step(world, one, DIALOG_ON_PROVISIONAL);
    world_turn(world, world->now + 100);
    uint32_t two = dialog_fork(&world->dialogs, one, world->now);
    if (!room(world, two != INDEX_NONE))
        return;
    const struct dialog *second = dialog_at(&world->dialogs, two);
    assert_int_equal(second->state, DIALOG_NONE);
    assert_int_equal(second->caller_peer, 7);
    assert_int_equal(second->callee_member, 9);
    assert_int_equal(second->cseq[DIALOG_CALLER], 314);
    assert_int_equal(second->cseq[DIALOG_CALLEE], 0);
    assert_int_equal(second->learnt[DIALOG_CALLER].port, 5070);
    assert_int_equal(second->flags, DIALOG_FLAG_CANCELLED);
    assert_int_equal(second->invite, 3);
    assert_int_equal(second->created, world->now - 100);
    assert_int_equal(second->changed, world->now);
    assert_int_equal(second->callee_tag_hash, 0);
    text_is(world, two, DIALOG_TEXT_CALLEE_TAG, "");
    text_is(world, two, DIALOG_TEXT_CALLEE_TARGET, "");
    text_is(world, two, DIALOG_TEXT_CALLEE_ROUTES, "");
    text_is(world, two, DIALOG_TEXT_CALLER_TAG, "9fxced76sl");
    // The record without the callee's tag, wherever it lies.
    assert_int_equal(find(world, "9fxced76sl", "", &side), two);
    if (!set_text(world, two, DIALOG_TEXT_CALLEE_TAG, "second"))
        return;
    assert_int_equal(find(world, "9fxced76sl", "first", &side), one);
    assert_int_equal(find(world, "second", "9fxced76sl", &side), two);
    uint32_t indexes[DIALOGS_OF_CALL_MAX];
    assert_int_equal(dialog_find_call(&world->dialogs, call_hash, string(texts_of_call[0]), indexes, 32), 2);
    assert_int_equal(dialog_find_call(&world->dialogs, call_hash, string(texts_of_call[0]), indexes, 1), 1);
    dialog_release(&world->dialogs, one);
    text_is(world, two, DIALOG_TEXT_CALLER_TAG, "9fxced76sl");
    assert_int_equal(find(world, "9fxced76sl", "second", &side), two);
}

static void a_call_has_at_most_32(struct world *world)
{
    uint32_t indexes[DIALOGS_OF_CALL_MAX + 1];
    uint32_t first = make(world);
    if (first == INDEX_NONE)
        return;
    for (unsigned i = 1; i < DIALOGS_OF_CALL_MAX; i++)
        if (!room(world, dialog_fork(&world->dialogs, first, world->now) != INDEX_NONE))
            return;
    size_t used = world->arena.used;
    assert_int_equal(dialog_fork(&world->dialogs, first, world->now), INDEX_NONE);
    assert_int_equal(make_as(world, call_hash, texts_of_call[0], "other"), INDEX_NONE);
    assert_int_equal(world->arena.used, used);
    assert_int_equal(dialog_find_call(&world->dialogs, call_hash, string(texts_of_call[0]), indexes, 33), 32);
    uint32_t another = make_as(world, 1, "free@call", "x");
    room(world, another != INDEX_NONE);
    dialog_release(&world->dialogs, indexes[5]);
    room(world, dialog_fork(&world->dialogs, first, world->now) != INDEX_NONE);
}

static void full_is_an_answer(struct world *world)
{
    for (uint32_t i = 0; i < WORLD_CAPACITY; i++)
        if (!room(world, make_as(world, i * 0x9e3779b97f4a7c15ULL, "c", "t") != INDEX_NONE))
            return;
    size_t used = world->arena.used;
    assert_int_equal(make_as(world, 77, "c", "t"), INDEX_NONE);
    assert_int_equal(world->arena.used, used);
    uint32_t generation = dialog_at(&world->dialogs, 9)->generation;
    dialog_release(&world->dialogs, 9);
    dialog_release(&world->dialogs, 9); // twice is once
    assert_int_equal(world->dialogs.count, WORLD_CAPACITY - 1);
    uint32_t again = make_as(world, 77, "c", "t");
    if (!room(world, again != INDEX_NONE))
        return;
    assert_int_equal(again, 9);
    assert_int_not_equal(dialog_at(&world->dialogs, 9)->generation, generation);
}

// The next thing on the wheel is this dialog, after exactly so many ticks.
static unsigned expires_after(struct world *world, uint32_t index, tick_t after)
{
    assert_int_equal(world_turn(world, world->now + after - 1), INDEX_NONE);
    assert_int_equal(world_turn(world, world->now + 1), WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index));
    return step(world, index, DIALOG_ON_TIMEOUT);
}

static void lives(struct world *world)
{
    world->dialogs.life =
        (struct dialog_life){.none = 100, .early = 200, .confirmed = 5000, .terminating = 300};
}

static void none_and_early_expire(struct world *world)
{
    lives(world);
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(expires_after(world, index, 100), DIALOG_DO_END_EARLY | DIALOG_DO_RELEASE);
    dialog_release(&world->dialogs, index);
    index = make(world);
    if (index == INDEX_NONE)
        return;
    step(world, index, DIALOG_ON_PROVISIONAL);
    tick_t since = world->now;
    world_turn(world, world->now + 150);
    step(world, index, DIALOG_ON_PROVISIONAL); // its life begins again, its state does not
    assert_int_equal(dialog_at(&world->dialogs, index)->changed, since);
    assert_int_equal(expires_after(world, index, 200), DIALOG_DO_END_EARLY | DIALOG_DO_RELEASE);
}

static void a_confirmed_dialog_ends_with_bye(struct world *world)
{
    lives(world);
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(step(world, index, DIALOG_ON_SUCCESS), DIALOG_DO_CONFIRM);
    world_turn(world, world->now + 1000);
    assert_int_equal(step(world, index, DIALOG_ON_SUCCESS), 0); // a repeat does not prolong it
    assert_int_equal(step(world, index, DIALOG_ON_ACK), 0);
    assert_int_equal(dialog_at(&world->dialogs, index)->flags, DIALOG_FLAG_ACKED);
    assert_int_equal(expires_after(world, index, 4000), DIALOG_DO_BYE_BOTH);
    assert_int_equal(dialog_at(&world->dialogs, index)->state, DIALOG_TERMINATING);
    assert_int_equal(expires_after(world, index, 300), DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE);
}

// A challenged BYE gives back what is left of the lifetime, not a new one.
static void a_challenge_returns_to_the_lifetime(struct world *world)
{
    lives(world);
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    step(world, index, DIALOG_ON_SUCCESS);
    world_turn(world, world->now + 2000);
    step(world, index, DIALOG_ON_BYE);
    world_turn(world, world->now + 200);
    step(world, index, DIALOG_ON_BYE); // the other side's crosses; the time of the first counts
    assert_int_equal(step(world, index, DIALOG_ON_BYE_CHALLENGED), 0);
    assert_int_equal(dialog_at(&world->dialogs, index)->state, DIALOG_CONFIRMED);
    assert_int_equal(expires_after(world, index, 2800), DIALOG_DO_BYE_BOTH);
}

static void an_operator_ends_an_early_one(struct world *world)
{
    lives(world);
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    step(world, index, DIALOG_ON_PROVISIONAL);
    assert_int_equal(step(world, index, DIALOG_ON_CANCEL), 0);
    assert_int_equal(dialog_at(&world->dialogs, index)->flags, DIALOG_FLAG_CANCELLED);
    assert_int_equal(step(world, index, DIALOG_ON_OPERATOR_END), DIALOG_DO_CANCEL);
    assert_int_equal(step(world, index, DIALOG_ON_OPERATOR_END), 0);
    assert_int_equal(step(world, index, DIALOG_ON_SUCCESS), DIALOG_DO_CONFIRM | DIALOG_DO_BYE_BOTH);
    assert_int_equal(step(world, index, DIALOG_ON_SUCCESS), 0); // BYE goes out once
    assert_int_equal(step(world, index, DIALOG_ON_BYE_DONE), DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE);
}

// The wheel gave the handle, then something else in the same turn stepped or released the record.
static void a_stale_expiry_is_nothing(struct world *world)
{
    lives(world);
    uint32_t index = make(world);
    if (index == INDEX_NONE)
        return;
    assert_int_equal(world_turn(world, world->now + 100), WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index));
    step(world, index, DIALOG_ON_SUCCESS);
    assert_int_equal(step(world, index, DIALOG_ON_TIMEOUT), 0);
    assert_int_equal(dialog_at(&world->dialogs, index)->state, DIALOG_CONFIRMED);
    dialog_release(&world->dialogs, index);
    assert_int_equal(step(world, index, DIALOG_ON_TIMEOUT), 0);
    assert_int_equal(world->dialogs.by_state[DIALOG_FREE], WORLD_CAPACITY);
    index = make(world);
    if (index != INDEX_NONE)
        assert_int_equal(step(world, index, DIALOG_ON_TIMEOUT), 0);
}

#define SCENARIOS(S)                                                                                         \
    S(texts_are_copied)                                                                                      \
    S(texts_are_replaced_or_stay)                                                                            \
    S(a_text_has_its_limit)                                                                                  \
    S(found_from_both_sides)                                                                                 \
    S(compared_whole)                                                                                        \
    S(a_fork_is_its_own_record)                                                                              \
    S(a_call_has_at_most_32)                                                                                 \
    S(full_is_an_answer)                                                                                     \
    S(none_and_early_expire)                                                                                 \
    S(a_confirmed_dialog_ends_with_bye)                                                                      \
    S(a_challenge_returns_to_the_lifetime)                                                                   \
    S(an_operator_ends_an_early_one)                                                                         \
    S(a_stale_expiry_is_nothing)

#define S(name)                                                                                              \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        world_run(name);                                                                                     \
    }
SCENARIOS(S)
#undef S

int main(void)
{
    const struct CMUnitTest tests[] = {
#define S(name) cmocka_unit_test(test_##name),
        SCENARIOS(S)
#undef S
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
