// SPDX-License-Identifier: BSD-3-Clause
#include "ua_caller.h"
#include <stdio.h>
#include <string.h>

void caller_init(struct caller *caller, struct ua_world *world, const char *id)
{
    memset(caller, 0, sizeof(*caller));
    caller->world = world;
    call_init(&caller->call, world->wire, id);
}

// The body takes the place of none.
static void add_body(char text[WIRE_TEXT_MAX], const struct asked *asked)
{
    char *end = strstr(text, "Content-Length: 0\r\n\r\n");
    assert_non_null(end);
    if (asked != NULL && asked->body != NULL)
        snprintf(end, (size_t)(text + WIRE_TEXT_MAX - end),
                 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(asked->body),
                 asked->body);
}

void caller_invite_text(struct caller *caller, const struct asked *asked)
{
    caller->call.extra = asked != NULL ? asked->lines : NULL;
    call_invite_text(&caller->call, caller->invite);
    add_body(caller->invite, asked);
}

void caller_invite(struct caller *caller, const struct asked *asked)
{
    caller_invite_text(caller, asked);
    wire_send(caller->world->wire, wire_carrier, caller->invite);
    caller->call.invite.length = 1; // from now on there is a dialog
    (void)caller_take(caller, "SIP/2.0 100 Trying\r\n");
    struct ua_seen call = ua_take(caller->world, CHANNEL_UA_CALL);
    assert_string_equal(call.packet.text, caller->invite);
    assert_int_equal(call.event.application, IMAGE_APPLICATION);
    assert_int_equal(call.event.peer, IMAGE_CARRIER_A);
    assert_int_equal(call.event.flags, CHANNEL_UA_CALLEE);
    assert_true(ip_equal(&call.event.source, &wire_carrier.address));
    assert_int_equal(call.event.source_port, wire_carrier.port);
    caller->dialog = call.event.dialog;
    caller->transaction = call.event.transaction;
    assert_int_not_equal(caller->dialog, 0);
    assert_int_not_equal(caller->transaction, 0);
    ua_expect_silence(caller->world);
}

void caller_send(struct caller *caller, const char *method, const struct asked *asked)
{
    char text[WIRE_TEXT_MAX];
    caller->call.extra = asked != NULL ? asked->lines : NULL;
    call_request_text(&caller->call, DIALOG_CALLER, method, text);
    add_body(text, asked);
    if (strcmp(method, "INVITE") == 0)
        memcpy(caller->invite, text, sizeof(text));
    wire_send(caller->world->wire, wire_carrier, text);
}

struct ua_seen caller_asks(struct caller *caller, const char *method, const struct asked *asked)
{
    caller_send(caller, method, asked);
    if (strcmp(method, "INVITE") == 0)
        (void)caller_take(caller, "SIP/2.0 100 Trying\r\n");
    struct ua_seen seen = ua_take(caller->world, CHANNEL_UA_ASKED);
    assert_int_equal(strncmp(seen.packet.text, method, strlen(method)), 0);
    caller->transaction = seen.event.transaction;
    return seen;
}

void caller_ack(struct caller *caller, const char *body)
{
    caller_send(caller, "ACK", &(struct asked){.body = body});
}

int caller_answered(struct caller *caller, uint16_t status, const struct ua_wanted *with)
{
    struct ua_wanted wanted = with != NULL ? *with : (struct ua_wanted){0};
    wanted.fixed.op = CHANNEL_UA_RESPOND;
    wanted.fixed.transaction = caller->transaction;
    wanted.fixed.status = status;
    return ua_ask(caller->world, &wanted, NULL);
}

struct wire_packet caller_take(struct caller *caller, const char *text)
{
    struct wire_packet packet = wire_take(caller->world->wire, wire_carrier);
    struct side *them = &caller->call.sides[DIALOG_CALLEE];
    assert_starts(&packet, text);
    if (packet.message.is_request)
        return packet;
    if (packet.message.to_tag.length > 0)
        snprintf(them->tag, sizeof(them->tag), "%.*s", packet.message.to_tag.length,
                 packet.text + packet.message.to_tag.offset);
    const char *contact = header_of(&packet, "Contact");
    if (contact[0] == '<')
        snprintf(them->target, sizeof(them->target), "%.*s", (int)strcspn(contact + 1, ">"), contact + 1);
    return packet;
}

void caller_establish(struct caller *caller)
{
    caller_invite(caller, NULL);
    assert_int_equal(caller_answered(caller, 200, NULL), 0);
    (void)caller_take(caller, "SIP/2.0 200 OK\r\n");
    caller_ack(caller, NULL);
    ua_forget(caller->world);
    wire_expect_silence(caller->world->wire);
}

void caller_hang_up(struct caller *caller)
{
    caller_send(caller, "BYE", NULL);
    (void)caller_take(caller, "SIP/2.0 200 OK\r\n");
    struct ua_seen bye = ua_take(caller->world, CHANNEL_UA_ASKED);
    assert_int_equal(bye.event.transaction, 0);
    assert_int_equal(bye.event.status, 200);
    caller_expect(caller, CHANNEL_DIALOG_TERMINATED);
    ua_expect_silence(caller->world);
    call_expect_gone(&caller->call);
}

int caller_end(struct caller *caller, const char *headers, uint16_t status)
{
    return ua_ask(
        caller->world,
        &(struct ua_wanted){.fixed = {.op = CHANNEL_UA_END, .dialog = caller->dialog, .status = status},
                            .texts = {[CHANNEL_UA_TEXT_HEADERS] = headers}},
        NULL);
}

void caller_expect(struct caller *caller, enum channel_dialog_state state)
{
    ua_expect_state(caller->world, caller->dialog, state);
}
