// SPDX-License-Identifier: BSD-3-Clause
// The agent between control and the workers' rings for applications.
#include "ua_channel_world.h"

#include <errno.h>
#include <limits.h>
#include "command.h"
#include "owner.h"

static void test_where_commands_go(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *name;
        uint64_t dialog, transaction;
        uint8_t op;
        unsigned worker; // WORKERS: none
    } rows[] = {
        {"dialog", (uint64_t)2 << 56 | 77, 0, CHANNEL_UA_END, 1},
        {"transaction", 0, (uint64_t)3 << 56 | 5, CHANNEL_UA_RESPOND, 2},
        {"transaction before dialog", (uint64_t)1 << 56, (uint64_t)2 << 56, CHANNEL_UA_RESPOND, 1},
        {"INVITE that names a dialog", (uint64_t)1 << 56, 0, CHANNEL_UA_INVITE, 0},
        {"nothing named", 0, 0, CHANNEL_UA_END, WORKERS},
        {"response to nothing", 0, 0, CHANNEL_UA_RESPOND, WORKERS},
        {"no such worker", (uint64_t)(WORKERS + 1) << 56, 0, CHANNEL_UA_END, WORKERS},
        {"no handle", 5, 0, CHANNEL_UA_END, WORKERS},
        {"no handle at all", UINT64_MAX, 0, CHANNEL_UA_INVITE, WORKERS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct channel_ua_event done;

        print_message("%s\n", rows[i].name);
        command(world,
                &(struct channel_ua_command){.tag = i + 1,
                                             .dialog = rows[i].dialog,
                                             .transaction = rows[i].transaction,
                                             .application = 4,
                                             .op = rows[i].op,
                                             .text_lengths = {3},
                                             .body_length = 4},
                "abcbody");
        for (unsigned w = 0; w < WORKERS; w++)
            assert_int_equal(commands_of(world, w, i + 1), w == rows[i].worker);
        if (rows[i].worker < WORKERS)
            continue;
        done = receive_one(world);
        assert_int_equal(done.kind, CHANNEL_UA_DONE);
        assert_int_equal(done.result, -ENOENT);
        assert_int_equal(done.tag, i + 1);
        assert_int_equal(done.dialog, rows[i].dialog);
        assert_int_equal(done.transaction, rows[i].transaction);
        assert_int_equal(done.application, 4);
        assert_true(done.time_ms > 0);
    }
}

static void test_texts_stay_whole(void **state)
{
    struct world *world = *state;
    const struct channel_ua_command fixed = {.tag = 1,
                                             .dialog = (uint64_t)1 << 56,
                                             .op = CHANNEL_UA_END,
                                             .text_lengths = {[CHANNEL_UA_TEXT_REASON] = 4},
                                             .body_length = 3};
    const uint8_t *octets;
    uint32_t length;

    command(world, &fixed, "Gonexyz");
    octets = ua_ring_first(world->workers.parts[0].ua_commands, &length);
    assert_non_null(octets);
    assert_int_equal(length, sizeof(fixed) + 7);
    assert_memory_equal(octets, &fixed, sizeof(fixed));
    assert_memory_equal(octets + sizeof(fixed), "Gonexyz", 7);
}

static void test_round_robin(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 2 * WORKERS; i++)
        command(
            world,
            &(struct channel_ua_command){.tag = 1, .op = i % 2 == 0 ? CHANNEL_UA_INVITE : CHANNEL_UA_REQUEST},
            "");
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(commands_of(world, i, 1), 2);
}

static void test_owner_of_a_call_id(void **state)
{
    struct world *world = *state;
    unsigned seen = 0;

    // Of those without handles: what begins a dialog, and what looks for one (RFC 3891).
    for (char digit = '0'; digit <= '9'; digit++) {
        const char call_id[] = {'c', '@', digit, '\0'}, rest[] = {'u', 'h', 'c', '@', digit, 't', '\0'};
        unsigned owner = owner_of(siphash13(&world->workers.parts[0].keys.table, call_id, 3), WORKERS);

        command(world,
                &(struct channel_ua_command){.tag = 1,
                                             .op = digit % 2 ? CHANNEL_UA_CLAIM : CHANNEL_UA_REQUEST,
                                             .text_lengths = {[CHANNEL_UA_TEXT_URI] = 1,
                                                              [CHANNEL_UA_TEXT_HEADERS] = 1,
                                                              [CHANNEL_UA_TEXT_CALL_ID] = 3,
                                                              [CHANNEL_UA_TEXT_FROM_TAG] = 1}},
                rest);
        assert_int_equal(commands_of(world, owner, 1), 1);
        seen |= 1u << owner;
    }
    assert_int_equal(seen, (1u << WORKERS) - 1);
}

// What a control holds ends with it: the next one has another number, and none is 0.
static void test_numbers_of_controls(void **state)
{
    struct world *world = *state;
    unsigned first = atomic_load(&world->workers.ua_heard), second;

    disconnect_control(world);
    assert_int_equal(atomic_load(&world->workers.ua_heard), 0);
    connect_control(world);
    second = atomic_load(&world->workers.ua_heard);
    assert_true(first != 0 && second != 0 && first != second);
    world->ua.controls = UINT_MAX;
    disconnect_control(world);
    connect_control(world);
    assert_int_not_equal(atomic_load(&world->workers.ua_heard), 0);
}

static void test_full_ring(void **state)
{
    struct world *world = *state;
    struct channel_ua_command fixed = {.tag = 1, .dialog = (uint64_t)1 << 56, .op = CHANNEL_UA_END};
    struct channel_ua_event done;
    unsigned taken = 0;

    while (world->ua.refused_count == 0 && taken++ < 100000)
        command(world, &fixed, "");
    done = receive_one(world);
    assert_int_equal(done.result, -ENOSPC);
    assert_int_equal(commands_of(world, 0, 1), taken - 1);
    command(world, &fixed, "");
    assert_int_equal(commands_of(world, 0, 1), 1);
}

static void test_without_applications(void **state)
{
    struct world *world = *state;
    struct ua_ring *kept[2 * WORKERS];
    struct channel_ua_event done;

    for (unsigned i = 0; i < WORKERS; i++) {
        kept[i] = world->workers.parts[i].ua_commands;
        kept[WORKERS + i] = world->workers.parts[i].ua_events;
        world->workers.parts[i].ua_commands = world->workers.parts[i].ua_events = NULL;
    }
    ua_channel_begin(&world->ua);
    assert_false(ua_channel_heard(&world->ua));
    command(world, &(struct channel_ua_command){.tag = 8, .op = CHANNEL_UA_INVITE}, "");
    done = receive_one(world);
    assert_int_equal(done.result, -ENOSPC);
    assert_int_equal(done.tag, 8);
    for (unsigned i = 0; i < WORKERS; i++) {
        world->workers.parts[i].ua_commands = kept[i];
        world->workers.parts[i].ua_events = kept[WORKERS + i];
    }
}

static void test_events(void **state)
{
    struct world *world = *state;
    uint64_t tags[WORKERS] = {0}, next = 1;
    unsigned messages;

    for (unsigned i = 0; i < 100; i++) {
        for (unsigned w = 0; w < WORKERS; w++)
            tell(world, w, w * 1000000 + i, (uint16_t)(i % 7));
    }
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), 300);
    assert_int_equal(messages, 5); // 64 rows each but the last
    assert_int_equal(next, 301);
}

static void test_call_is_hashed_once_more(void **state)
{
    struct world *world = *state;

    tell(world, 1, 9, 0);
    assert_int_equal(receive_one(world).call, dialog_events_call(&world->workers, 45));
    tell(world, 1, 0, 0);
    assert_int_equal(receive_one(world).call, 0);
}

static void test_long_messages(void **state)
{
    struct world *world = *state;
    struct channel_ua_event event;

    tell(world, 0, 1, CUT_ABOVE);
    event = receive_one(world);
    assert_int_equal(event.length, CUT_ABOVE);
    assert_int_equal(event.flags, 0);
    tell(world, 0, 1, CUT_ABOVE + 1);
    event = receive_one(world);
    assert_int_equal(event.length, 0);
    assert_int_equal(event.flags, CHANNEL_UA_CUT);
    tell(world, 0, 1, 65000);
    assert_int_equal(receive_one(world).flags, CHANNEL_UA_CUT);
}

// What control does not read stays in the rings, is lost there and told, and the rest comes in order.
static void test_slow_control(void **state)
{
    struct world *world = *state;
    uint64_t tags[WORKERS] = {0}, next = 1, told = 0, lost = 0;
    unsigned messages, count = 0;

    while (world->server.queued <= EVENT_WAITING_MAX) {
        tell(world, 0, told++, 1000);
        ua_channel_poll(&world->ua);
    }
    for (unsigned i = 0; i < 20; i++)
        tell(world, 0, told++, 1000);
    ua_channel_poll(&world->ua);
    assert_true(world->server.queued <= EVENT_WAITING_MAX + CHANNEL_MESSAGE_MAX);
    assert_non_null(ua_ring_first(world->workers.parts[0].ua_events, &messages));
    for (unsigned i = 0; i < 1000; i++) {
        channel_server_flush(&world->server);
        ua_channel_poll(&world->ua);
        count += receive_all(world, tags, &next, &messages);
    }
    assert_int_equal(count, told);
    while (world->workers.parts[1].ua_events->lost == 0)
        tell(world, 1, 1000000 + lost++, 60000);
    tell(world, 1, 0, 60000);
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), lost - 1);
    assert_int_equal(next, told + 1 + lost - 1 + 2);
}

static void test_next_control(void **state)
{
    struct world *world = *state;
    uint64_t tags[WORKERS] = {0}, next = 1;
    unsigned messages;

    assert_true(ua_channel_heard(&world->ua));
    tell(world, 0, 0, 0);
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), 1);
    // What one control asked for is no answer to another.
    command(world, &(struct channel_ua_command){.tag = 9, .op = CHANNEL_UA_END}, "");
    disconnect_control(world);
    assert_false(ua_channel_heard(&world->ua));
    tell(world, 0, 1, 0);
    ua_channel_poll(&world->ua);
    taken(world, 1);
    connect_control(world);
    assert_true(ua_channel_heard(&world->ua));
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), 1);
    assert_int_equal(next, 3);
}

// What went out and is not taken comes again, as it was, before what is new.
static void test_not_taken(void **state)
{
    struct world *world = *state;
    uint64_t tags[WORKERS] = {0}, next = 1;
    unsigned messages;

    for (uint64_t i = 0; i < 3; i++) {
        tell(world, 0, i, 100);
        ua_channel_poll(&world->ua);
    }
    assert_int_equal(receive_all(world, tags, &next, &messages), 3);
    taken(world, 1);
    for (unsigned again = 0; again < 2; again++) {
        disconnect_control(world);
        tell(world, 0, 3 + again, 0);
        connect_control(world);
        tags[0] = 1;
        next = 2;
        ua_channel_poll(&world->ua);
        assert_int_equal(receive_all(world, tags, &next, &messages), 3 + again);
    }
    taken(world, 5);
    assert_int_equal(world->ua.sent_octets, 0);
    disconnect_control(world);
    connect_control(world);
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), 0);
}

// Who takes nothing gets no more than there is room to keep.
static void test_never_taken(void **state)
{
    struct world *world = *state;
    uint64_t tags[WORKERS] = {0}, next = 1;
    unsigned messages, count = 0;

    for (uint64_t told = 0; world->ua.sent_octets < UA_CHANNEL_SENT_MAX; told++) {
        tell(world, 0, told, 1000);
        ua_channel_poll(&world->ua);
        count += receive_all(world, tags, &next, &messages);
    }
    tell(world, 0, count, 0);
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), 0);
    taken(world, count);
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), 1);
}

// More refusals than there is room for are told as lost.
static void test_refusals_are_bounded(void **state)
{
    struct world *world = *state;
    const struct channel_ua_command fixed = {.tag = 1, .op = CHANNEL_UA_END};
    struct arrival arrival;
    unsigned count = 0;
    uint64_t lost = 0;

    for (unsigned i = 0; i < UA_CHANNEL_REFUSED + 5; i++)
        command(world, &fixed, "");
    ua_channel_poll(&world->ua);
    while (receive(world, &arrival)) {
        count += arrival.run.count;
        lost += arrival.run.lost;
    }
    assert_int_equal(count, UA_CHANNEL_REFUSED);
    assert_int_equal(lost, 5);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_where_commands_go),
                                       T(test_texts_stay_whole),
                                       T(test_round_robin),
                                       T(test_owner_of_a_call_id),
                                       T(test_numbers_of_controls),
                                       T(test_full_ring),
                                       T(test_without_applications),
                                       T(test_events),
                                       T(test_call_is_hashed_once_more),
                                       T(test_long_messages),
                                       T(test_slow_control),
                                       T(test_next_control),
                                       T(test_not_taken),
                                       T(test_never_taken),
                                       T(test_refusals_are_bounded)};
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
