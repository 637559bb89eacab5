// SPDX-License-Identifier: BSD-3-Clause
#include "replaces_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The description of answers that nobody gives is read with the configuration.
int setup(void **state)
{
    char path[] = "/tmp/dialgate-replaces-XXXXXX", applications[1024];
    struct ua_world *world = malloc(sizeof(*world));
    int fd = mkstemp(path);
    *state = world;
    if (!world || fd < 0 || write(fd, SDP, sizeof(SDP) - 1) != sizeof(SDP) - 1)
        return -1;
    snprintf(applications, sizeof(applications),
             " - {name: desk, listener: edge}\n"
             " - {name: robot, replaces: accept, replaces_from: any-peer, answer: {status: 200, body: %s}}\n"
             " - {name: shut, replaces: refuse}\n"
             " - {name: asks, answer: {status: 200, body: %s}}\n",
             path, path);
    int result = ua_world_open(world, applications);
    close(fd);
    unlink(path);
    return result;
}

uint16_t number_of(struct ua_world *world, const char *name)
{
    return ua_app_find(&world->rpc.control.ua, name)->number;
}

void say_new(struct ua_world *world, const struct incoming *new)
{
    char text[2048];
    const struct channel_ua_event event = {.kind = CHANNEL_UA_CALL,
                                           .dialog = NEW + new->number,
                                           .transaction = INVITE + new->number,
                                           .call = 900 + new->number,
                                           .application = new->application,
                                           .peer = new->peer,
                                           .state = CHANNEL_DIALOG_NONE,
                                           .flags = CHANNEL_UA_CALLEE};
    snprintf(text, sizeof(text), REQUEST("INVITE", "", "1", "%s\r\n"), new->lines);
    ua_say(world, &event, text);
}

struct incoming to_desk(const struct ua_world *world, const char *lines)
{
    return (struct incoming){.application = world->desk, .peer = world->carrier, .lines = lines};
}

void say_call_state(struct ua_world *world, uint64_t dialog, unsigned state)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_STATE,
                                           .dialog = dialog,
                                           .call = dialog == DIALOG ? 700 : 900,
                                           .application = world->desk,
                                           .peer = world->carrier,
                                           .state = (uint8_t)state,
                                           .reason = CHANNEL_REASON_BYE};
    ua_say(world, &event, NULL);
}

void expect_refused(struct ua_world *world, unsigned status, uint64_t number)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_RESPOND);
    assert_int_equal(command->status, status);
    assert_int_equal(command->transaction, INVITE + number);
    ua_done(world, command, 0, NEW + number, NULL);
    say_call_state(world, NEW + number, CHANNEL_DIALOG_TERMINATED);
}

// The CLAIM by texts, which is answered with result.
void expect_claim(struct ua_world *world, int result, unsigned flags)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_CLAIM);
    assert_int_equal(command->dialog, 0);
    assert_int_equal(command->flags, flags);
    ua_expect_in(command, CHANNEL_UA_TEXT_CALL_ID, "c1@test");
    ua_expect_in(command, CHANNEL_UA_TEXT_TO, "f1");
    ua_expect_in(command, CHANNEL_UA_TEXT_FROM_TAG, "t1");
    ua_done(world, command, result, result == 0 ? DIALOG : 0, NULL);
}

void expect_given_back(struct ua_world *world)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_CLAIM);
    assert_int_equal(command->dialog, DIALOG);
    assert_int_equal(command->flags, 0);
    ua_done(world, command, 0, DIALOG, NULL);
}

void expect_end(struct ua_world *world)
{
    const struct channel_ua_command *command = ua_command(world, CHANNEL_UA_END);
    assert_int_equal(command->dialog, DIALOG);
    assert_int_equal(command->flags, CHANNEL_UA_CLAIMED);
    ua_expect_in(command, CHANNEL_UA_TEXT_HEADERS, "Reason: SIP;cause=200;text=\"Replaced\"\r\n");
    ua_done(world, command, 0, DIALOG, NULL);
}

void expect_none(struct ua_world *world)
{
    struct far_message message;
    ua_run(world);
    while (far_receive(world->rpc.far, &message, NULL, 0))
        assert_int_not_equal(message.header.type, CHANNEL_UA_COMMAND);
}

// So many came, and this became of all of them.
void expect_counted(struct ua_world *world, enum takeover outcome, uint64_t count)
{
    const struct transfers *transfers = &world->rpc.control.transfers;
    ua_run(world);
    for (unsigned i = 0; i < TAKEOVER_COUNT; i++)
        assert_int_equal(transfers->takeovers[i], i == outcome ? count : 0);
}

// A call of the desk's, confirmed.
void begin(struct ua_world *world)
{
    ua_attach(world);
    ua_confirm(world, ua_place(world, ""));
}

// And one that is to replace it, of which the program knows.
void begin_both(struct ua_world *world)
{
    begin(world);
    const struct incoming new = to_desk(world, REPLACES);
    say_new(world, &new);
    expect_claim(world, 0, 0);
    ua_expect_event(world, "incoming", "replaces", HEX);
}
