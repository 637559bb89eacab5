// SPDX-License-Identifier: BSD-3-Clause
// The agent between control and the workers' rings for applications.
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "command.h"
#include "dialog_events.h"
#include "owner.h"
#include "ua_channel.h"
#include "ua_ring.h"

#define WORKERS   3u
#define RING      (4 * UA_RING_MESSAGE_MAX)
#define CUT_ABOVE (CHANNEL_MESSAGE_MAX - 16 - 24 - 64)

struct world {
    struct channel_server server;
    struct workers workers;
    struct ua_channel ua;
    int control;
};

// What control received: one message, gone through event by event.
struct arrival {
    struct channel_header header;
    struct channel_event_run run;
    uint8_t rows[CHANNEL_MESSAGE_MAX];
};

static void connect_control(struct world *world)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    world->server.fd = ends[0];
    world->server.greeted = true;
    world->control = ends[1];
    ua_channel_begin(&world->ua);
}

static void disconnect_control(struct world *world)
{
    channel_server_drop(&world->server);
    close(world->control);
    ua_channel_forget(&world->ua);
}

static struct ua_ring *make_ring(void)
{
    struct ua_ring *ring = aligned_alloc(64, sizeof(*ring) + RING);

    *ring = (struct ua_ring){.size = RING};
    return ring;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->workers.count = WORKERS;
    world->workers.parts[0].keys.table = (struct siphash_key){{1, 2}};
    for (unsigned i = 0; i < WORKERS; i++) {
        world->workers.parts[i].ua_commands = make_ring();
        world->workers.parts[i].ua_events = make_ring();
    }
    channel_server_init(&world->server, -1);
    ua_channel_init(&world->ua, &world->server, &world->workers);
    connect_control(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    disconnect_control(world);
    for (unsigned i = 0; i < WORKERS; i++) {
        free(world->workers.parts[i].ua_commands);
        free(world->workers.parts[i].ua_events);
    }
    free(world);
    return 0;
}

static void command(struct world *world, const struct channel_ua_command *fixed, const char *rest)
{
    const struct channel_input in = {.header = {.type = CHANNEL_UA_COMMAND},
                                     .body = {.ua = *fixed},
                                     .rest = (const uint8_t *)rest,
                                     .rest_size = strlen(rest),
                                     .fd = -1};

    assert_int_equal(channel_ua_command_size(fixed), sizeof(*fixed) + in.rest_size);
    ua_channel_take(&world->ua, &in);
}

// How many commands the worker has now, which it takes.
static unsigned commands_of(struct world *world, unsigned worker, uint64_t tag)
{
    struct ua_ring *ring = world->workers.parts[worker].ua_commands;
    const struct channel_ua_command *got;
    unsigned count = 0;
    uint32_t length;

    while ((got = ua_ring_first(ring, &length)) != NULL) {
        assert_int_equal(got->tag, tag);
        assert_int_equal(length, channel_ua_command_size(got));
        ua_ring_drop(ring);
        count++;
    }
    return count;
}

static bool receive(struct world *world, struct arrival *arrival)
{
    ssize_t size = recv(world->control, arrival, sizeof(*arrival), MSG_DONTWAIT);

    if (size < 0)
        return false;
    assert_true((size_t)size >= sizeof(arrival->header) + sizeof(arrival->run) &&
                (size_t)size <= CHANNEL_MESSAGE_MAX);
    assert_int_equal(arrival->header.type, CHANNEL_UA_EVENTS);
    assert_int_equal(arrival->header.request, 0);
    return true;
}

// The only event that there is.
static struct channel_ua_event receive_one(struct world *world)
{
    struct channel_ua_event event;
    struct arrival arrival;

    ua_channel_poll(&world->ua);
    assert_true(receive(world, &arrival));
    assert_int_equal(arrival.run.count, 1);
    memcpy(&event, arrival.rows, sizeof(event));
    assert_false(receive(world, &arrival));
    return event;
}

static void tell(struct world *world, unsigned worker, uint64_t tag, uint16_t length)
{
    const struct channel_ua_event event = {
        .tag = tag, .kind = CHANNEL_UA_ANSWERED, .length = length, .call = tag * 5};
    uint8_t *to = ua_ring_add(world->workers.parts[worker].ua_events, channel_ua_event_size(&event));

    if (to == NULL)
        return;
    memset(to, 'm', channel_ua_event_size(&event));
    memcpy(to, &event, sizeof(event));
    ua_ring_publish(world->workers.parts[worker].ua_events);
}

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

// Goes through all that control has; each worker's tags rise by one. Returns how many events.
static unsigned receive_all(struct world *world, uint64_t *tags, uint64_t *next, unsigned *messages)
{
    struct arrival arrival;
    unsigned count = 0;

    for (*messages = 0; receive(world, &arrival); ++*messages) {
        const uint8_t *at = arrival.rows;

        assert_true(arrival.run.count <= CHANNEL_EVENTS_MAX);
        assert_int_equal(arrival.run.first - arrival.run.lost, *next);
        *next = arrival.run.first + arrival.run.count;
        for (unsigned i = 0; i < arrival.run.count; i++) {
            struct channel_ua_event event;

            memcpy(&event, at, sizeof(event));
            assert_int_equal(event.tag % 1000000, tags[event.tag / 1000000]++);
            for (unsigned j = 0; j < event.length; j++)
                assert_int_equal(at[sizeof(event) + j], 'm');
            for (unsigned j = event.length; j % 8 != 0; j++)
                assert_int_equal(at[sizeof(event) + j], 0);
            at += channel_ua_event_size(&event);
        }
        assert_int_equal(arrival.header.size, at - (const uint8_t *)&arrival);
        count += arrival.run.count;
    }
    return count;
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
    connect_control(world);
    assert_true(ua_channel_heard(&world->ua));
    ua_channel_poll(&world->ua);
    assert_int_equal(receive_all(world, tags, &next, &messages), 1);
    assert_int_equal(next, 3);
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
                                       T(test_refusals_are_bounded)};
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
