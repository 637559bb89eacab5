// SPDX-License-Identifier: BSD-3-Clause
// Events for applications and their commands over the channel: order, losses by number, and a data plane that
// does not read.
#include "cmocka_first.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "channel.h"
#include "channel_queue.h"
#include "far_end.h"

#define EVENTS 8

struct world {
    struct event_base *base;
    struct channel *channel;
    int far;
    bool hello_came, lost;
    unsigned int count;
    struct channel_ua_event events[EVENTS];
    char messages[EVENTS][16];
    unsigned int losses;
    uint64_t missing;
};

static void on_hello(void *context, const struct channel_hello *hello, int *fds)
{
    ((struct world *)context)->hello_came = true;
}

static void on_lost(void *context)
{
    ((struct world *)context)->lost = true;
}

static void on_event(void *context, const struct channel_ua_event *event, const uint8_t *message)
{
    struct world *world = context;
    assert_true(world->count < EVENTS && event->length < sizeof(world->messages[0]));
    world->events[world->count] = *event;
    memcpy(world->messages[world->count++], message, event->length);
}

static void on_missing(void *context, uint64_t count)
{
    struct world *world = context;
    world->losses++;
    world->missing += count;
}

static const struct channel_callbacks callbacks = {
    .hello = on_hello, .lost = on_lost, .ua_event = on_event, .ua_lost = on_missing};

static void connect_far(struct world *world, uint64_t boot)
{
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, 1);
    struct far_message greeting;
    int pair[2];
    hello.boot = boot;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(channel_attach(world->channel, pair[0]), 0);
    world->far = pair[1];
    world->hello_came = world->lost = false;
    assert_true(far_receive(world->far, &greeting, NULL, 1000));
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_true(far_run_until(world->base, &world->hello_came, 5000));
}

static void disconnect(struct world *world)
{
    close(world->far);
    assert_true(far_run_until(world->base, &world->lost, 5000));
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->base = event_base_new();
    world->channel = channel_create(world->base, NULL, &callbacks, world);
    connect_far(world, 5);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    channel_destroy(world->channel);
    close(world->far);
    event_base_free(world->base);
    free(world);
    return 0;
}

// Two events, the first with a message.
static void tell(struct world *world, uint64_t first, uint64_t lost)
{
    const struct {
        struct channel_event_run run;
        struct channel_ua_event event;
        char message[8];
        struct channel_ua_event last;
    } ua = {{.first = first, .lost = lost, .count = 2},
            {.kind = CHANNEL_UA_CALL, .dialog = first, .length = 6},
            "INVITE",
            {.kind = CHANNEL_UA_DONE, .tag = 9, .result = -ENOENT}};
    unsigned int before = world->count;
    far_say(world->far, CHANNEL_UA_EVENTS, 0, &ua, sizeof(ua));
    for (int i = 0; i < 1000 && world->count == before; i++)
        far_run(world->base, 5);
    assert_int_equal(world->count, before + 2);
}

static void test_events(void **state)
{
    struct world *world = *state;
    tell(world, 1, 0);
    assert_int_equal(world->events[0].kind, CHANNEL_UA_CALL);
    assert_int_equal(world->events[0].dialog, 1);
    assert_string_equal(world->messages[0], "INVITE");
    assert_int_equal(world->events[1].kind, CHANNEL_UA_DONE);
    assert_int_equal(world->events[1].tag, 9);
    assert_int_equal(world->events[1].result, -ENOENT);
    assert_string_equal(world->messages[1], "");
    assert_int_equal(world->losses, 0);
}

static void test_losses(void **state)
{
    struct world *world = *state;
    tell(world, 11, 3); // what was before 8 is another control's business
    assert_int_equal(world->missing, 3);
    tell(world, 13, 0);
    assert_int_equal(world->losses, 1);
    tell(world, 20, 5);
    assert_int_equal(world->missing, 3 + 5);
    assert_int_equal(world->losses, 2);
}

static void test_losses_between_connections(void **state)
{
    struct world *world = *state;
    tell(world, 1, 0);
    disconnect(world);
    connect_far(world, 5);
    tell(world, 10, 0); // 3 to 9 went to nobody
    assert_int_equal(world->missing, 7);
    disconnect(world);
    connect_far(world, 6); // another process counts anew
    tell(world, 100, 1);
    assert_int_equal(world->missing, 7 + 1);
}

struct command {
    struct channel_ua_command fixed;
    char rest[CHANNEL_MESSAGE_MAX];
};

static void make_command(struct command *command, uint64_t tag, uint16_t body)
{
    memset(command, 0, sizeof(*command));
    command->fixed.tag = tag;
    command->fixed.op = CHANNEL_UA_END;
    command->fixed.text_lengths[CHANNEL_UA_TEXT_REASON] = 4;
    command->fixed.body_length = body;
    memcpy(command->rest, "Gone", 4);
}

static void expect_command(struct world *world, const struct command *command, size_t octets)
{
    struct far_message message;
    assert_true(far_receive(world->far, &message, NULL, 5000));
    assert_int_equal(message.header.type, CHANNEL_UA_COMMAND);
    assert_int_equal(message.header.request, 0);
    assert_int_equal(message.header.size, sizeof(message.header) + octets);
    assert_memory_equal(message.body, command, octets);
}

static void test_command(void **state)
{
    struct world *world = *state;
    struct command command;
    size_t octets = sizeof(command.fixed) + 4 + 7;
    make_command(&command, 1, 7);
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets), 0);
    expect_command(world, &command, octets);
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets - 1), -EINVAL);
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets + 1), -EINVAL);
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, sizeof(command.fixed) - 1), -EINVAL);
    octets = CHANNEL_MESSAGE_MAX - sizeof(struct channel_header);
    make_command(&command, 1, (uint16_t)(octets - sizeof(command.fixed) - 4));
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets), 0);
    expect_command(world, &command, octets);
    command.fixed.body_length++;
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets + 1), -EMSGSIZE);
    disconnect(world);
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets + 1), -ENOTCONN);
}

// It has no workers yet, and says so.
static void test_too_early(void **state)
{
    struct world *world = *state;
    struct command command;
    size_t octets = sizeof(command.fixed) + 4;
    struct channel_hello hello = far_hello(CHANNEL_STARTING, 0);
    make_command(&command, 1, 0);
    world->hello_came = false;
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_true(far_run_until(world->base, &world->hello_came, 5000));
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets), -ENOTCONN);
    hello.state = CHANNEL_RUNNING;
    world->hello_came = false;
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
    assert_true(far_run_until(world->base, &world->hello_came, 5000));
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets), 0);
}

// Sends until it is refused. Returns how many went.
static uint64_t fill(struct world *world, struct command *command, size_t octets)
{
    uint64_t sent = 0;
    int result = 0;
    while (result == 0 && sent < 100000) {
        command->fixed.tag = sent + 1;
        result = channel_send_ua(world->channel, &command->fixed, octets);
        sent += result == 0;
    }
    assert_int_equal(result, -EBUSY);
    return sent;
}

// What waits is bounded, goes out in order when there is room again, and then there is room for more.
static void test_slow_reader(void **state)
{
    struct world *world = *state;
    struct command command;
    size_t octets = sizeof(command.fixed) + 4 + 1000;
    make_command(&command, 1, 1000);
    uint64_t sent = fill(world, &command, octets);
    assert_true(sent * octets > CHANNEL_QUEUE_MAX);
    command.fixed.tag = 1;
    expect_command(world, &command, octets);
    // There is room in the socket now, but others are first.
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets), -EBUSY);
    for (uint64_t i = 2; i <= sent; i++) {
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        command.fixed.tag = i;
        expect_command(world, &command, octets);
    }
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets), 0);
    expect_command(world, &command, octets);
    assert_true(fill(world, &command, octets) * octets > CHANNEL_QUEUE_MAX);
}

static void test_what_waits_dies_with_the_connection(void **state)
{
    struct world *world = *state;
    struct command command;
    size_t octets = sizeof(command.fixed) + 4;
    make_command(&command, 1, 0);
    fill(world, &command, octets);
    disconnect(world);
    connect_far(world, 5);
    command.fixed.tag = 77777;
    assert_int_equal(channel_send_ua(world->channel, &command.fixed, octets), 0);
    expect_command(world, &command, octets);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_events),    T(test_losses),      T(test_losses_between_connections),         T(test_command),
        T(test_too_early), T(test_slow_reader), T(test_what_waits_dies_with_the_connection)};
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
