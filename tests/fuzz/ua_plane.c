// SPDX-License-Identifier: BSD-3-Clause
#include "ua_plane.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "refer/refer.h"
#include "rpc/dialog.h"
#include "sip_check.h"

#define HANDLE      0x1100000000000000u
#define TRANSACTION 0x2200000000000000u

void plane_begin(struct plane *plane, struct ua_world *world)
{
    // Handles and Call-IDs are never the same again.
    *plane = (struct plane){.world = world,
                            .sbcs = (uint16_t)dialog_find_peer(&world->rpc.control, "sbcs"),
                            .dialogs_told = plane->dialogs_told,
                            .last_handle = plane->last_handle,
                            .last_transaction = plane->last_transaction,
                            .last_number = plane->last_number,
                            .last_tag = plane->last_tag};
}

static const char *request(uint64_t number, const struct plane_text *text)
{
    static char octets[8192];
    snprintf(octets, sizeof(octets),
             "%s sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=f%u\r\n"
             "To: <sip:b@y>\r\nCall-ID: c%u@test\r\nCSeq: 7 %s\r\nMax-Forwards: 70\r\n%s"
             "Content-Length: %zu\r\n\r\n%s",
             text->method, (unsigned)number, (unsigned)number, text->method, text->lines, strlen(text->body),
             text->body);
    return octets;
}

static const char *response(uint64_t number, unsigned status, const char *method, const char *lines)
{
    static char octets[4096];
    snprintf(octets, sizeof(octets),
             "SIP/2.0 %u Text\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=f%u\r\n"
             "To: <sip:b@y>;tag=t1\r\nCall-ID: c%u@test\r\nCSeq: 7 %s\r\n%sContent-Length: 0\r\n\r\n",
             status, (unsigned)number, (unsigned)number, method, lines);
    return octets;
}

static struct channel_ua_event about(const struct plane *plane, enum channel_ua_kind kind,
                                     const struct plane_call *call)
{
    struct channel_ua_event event = {.kind = (uint8_t)kind, .application = plane->world->desk};
    if (call == NULL)
        return event;
    return (struct channel_ua_event){.kind = (uint8_t)kind,
                                     .dialog = call->handle,
                                     .call = call->number,
                                     .application = call->application,
                                     .peer = plane->world->carrier,
                                     .state = call->state,
                                     .flags = call->callee ? CHANNEL_UA_CALLEE : 0,
                                     .source_port = 5060};
}

static struct plane_call *call_of(struct plane *plane, uint64_t handle)
{
    for (unsigned i = 0; i < plane->call_count; i++) {
        if (plane->calls[i].handle == handle)
            return &plane->calls[i];
    }
    return NULL;
}

struct plane_call *plane_live(struct plane *plane, unsigned which)
{
    for (unsigned i = 0; i < plane->call_count; i++) {
        struct plane_call *call = &plane->calls[(which + i) % plane->call_count];
        if (call->live)
            return call;
    }
    return NULL;
}

static struct plane_call *new_call(struct plane *plane, uint16_t application, uint64_t number)
{
    if (plane->call_count == PLANE_ROWS)
        return NULL;
    struct plane_call *call = &plane->calls[plane->call_count++];
    *call = (struct plane_call){.handle = HANDLE + ++plane->last_handle,
                                .number = number ? number : ++plane->last_number,
                                .application = application,
                                .state = CHANNEL_DIALOG_NONE,
                                .live = true};
    call->id = call->handle;
    return call;
}

void plane_change(struct plane *plane, struct plane_call *call, unsigned state, unsigned reason)
{
    if (!call->live || call->state == state)
        return;
    call->state = (uint8_t)state;
    struct channel_ua_event event = about(plane, CHANNEL_UA_STATE, call);
    event.reason = (uint8_t)reason;
    if (state == CHANNEL_DIALOG_TERMINATED) {
        call->live = false;
        call->asked = 0;
    }
    ua_say(plane->world, &event, NULL);
}

// --- what control says ---

static void say_rows(const struct plane *plane, const struct far_message *message)
{
    static uint8_t body[sizeof(struct channel_dialog_row) + 4096];
    const struct channel_dialog_list *list = (const void *)message->body;
    const struct channel_dialog_select *select = (const void *)message->body;
    bool all = message->header.type == CHANNEL_DIALOG_LIST;
    for (unsigned i = 0; i < plane->call_count; i++) {
        const struct plane_call *call = &plane->calls[i];
        char call_id[32];
        if (!call->live || (all ? list->peer != call->application : select->handle != call->handle))
            continue;
        snprintf(call_id, sizeof(call_id), "c%u@test", (unsigned)call->number);
        size_t size = far_row(body, call->handle, call_id);
        struct channel_dialog_row *row = (void *)body;
        row->state = call->state;
        row->call = call->number;
        row->callee_peer = call->callee ? call->application : plane->world->carrier;
        row->caller_peer = call->callee ? plane->world->carrier : call->application;
        far_say(plane->world->rpc.far, CHANNEL_DIALOG_ROW, message->header.request, body, size);
    }
    far_done(plane->world->rpc.far, CHANNEL_DONE, message->header.request, 0, "");
}

static void keep_command(struct plane *plane, const struct far_message *message)
{
    const struct channel_ua_command *command = (const void *)message->body;
    size_t size = message->header.size - sizeof(message->header);
    CHECK(size >= sizeof(*command) && size == channel_ua_command_size(command));
    CHECK(command->op > CHANNEL_UA_NO_OP && command->op < CHANNEL_UA_OPS);
    CHECK(command->tag != 0 && command->tag != plane->last_tag);
    CHECK(plane->command_count < PLANE_COMMANDS);
    plane->last_tag = command->tag;
    plane->commands[plane->command_count] = malloc(size);
    CHECK(plane->commands[plane->command_count] != NULL);
    memcpy(plane->commands[plane->command_count++], command, size);
}

void plane_take(struct plane *plane)
{
    static struct far_message message;
    while (plane->command_count < PLANE_COMMANDS && far_receive(plane->world->rpc.far, &message, NULL, 0)) {
        if (message.header.type == CHANNEL_DIALOG_LIST || message.header.type == CHANNEL_DIALOG_SHOW)
            say_rows(plane, &message);
        else if (message.header.type == CHANNEL_UA_COMMAND)
            keep_command(plane, &message);
    }
}

// --- commands, carried out ---

static void say_done(struct plane *plane, const struct channel_ua_command *command,
                     const struct plane_call *call, const char *message)
{
    struct channel_ua_event event = about(plane, CHANNEL_UA_DONE, call);
    event.tag = command->tag;
    ua_say(plane->world, &event, message);
}

static bool text_has(const struct channel_ua_command *command, unsigned which, const char *part)
{
    char *text = ua_command_text(command, which);
    bool has = strstr(text, part) != NULL;
    free(text);
    return has;
}

// The call whose INVITE this one repeats: it keeps its name.
static const struct plane_call *tried_before(struct plane *plane, const struct channel_ua_command *command)
{
    char *call_id = ua_command_text(command, CHANNEL_UA_TEXT_CALL_ID);
    const struct plane_call *found = NULL;
    for (unsigned i = plane->call_count; *call_id != '\0' && i-- > 0 && found == NULL;) {
        char name[32];
        snprintf(name, sizeof(name), "c%u@test", (unsigned)plane->calls[i].number);
        if (strcmp(name, call_id) == 0)
            found = &plane->calls[i];
    }
    CHECK(*call_id == '\0' || found != NULL);
    free(call_id);
    return found;
}

static bool on_invite(struct plane *plane, const struct channel_ua_command *command)
{
    static const struct plane_text invite = {"INVITE", "", ""};
    const struct plane_call *before = tried_before(plane, command);
    CHECK(before == NULL || !before->live);
    struct plane_call *call = new_call(plane, command->application, before != NULL ? before->number : 0);
    if (call == NULL)
        return false;
    call->id = before != NULL ? before->id : call->id;
    call->placed = command->tag;
    // RFC 3515 2.4.4: a REFER is one call, however it goes on.
    if (before == NULL && text_has(command, CHANNEL_UA_TEXT_HEADERS, "Referred-By: <sip:transferor@x>")) {
        CHECK(++plane->referred_calls <= plane->refers);
        CHECK(text_has(command, CHANNEL_UA_TEXT_URI, "@z")); // refer_targets
    }
    say_done(plane, command, call, request(call->number, &invite));
    return true;
}

static void count_notify(struct plane_call *call, const struct channel_ua_command *command)
{
    bool last = text_has(command, CHANNEL_UA_TEXT_HEADERS, "Subscription-State: terminated");
    call->notifies++;
    call->lasts += last;
    CHECK(text_has(command, CHANNEL_UA_TEXT_HEADERS, "Event: refer"));
    CHECK(call->lasts <= call->refers);
    CHECK(call->notifies - call->lasts <= REFER_NOTIFIES_MAX * call->refers);
}

static bool on_request(struct plane *plane, const struct channel_ua_command *command, struct plane_call *call)
{
    if (plane->sent_count == PLANE_ROWS || (command->dialog != 0 && call->state != CHANNEL_DIALOG_CONFIRMED))
        return false;
    char *method = ua_command_text(command, CHANNEL_UA_TEXT_METHOD);
    struct plane_sent *sent = &plane->sent[plane->sent_count++];
    *sent = (struct plane_sent){.tag = command->tag, .dialog = command->dialog};
    snprintf(sent->method, sizeof(sent->method), "%s", *method != '\0' ? method : "INVITE");
    free(method);
    const struct plane_text text = {sent->method, "", ""};
    say_done(plane, command, call, request(call != NULL ? call->number : ++plane->last_number, &text));
    return true;
}

static bool on_respond(struct plane *plane, const struct channel_ua_command *command)
{
    struct plane_asked *asked = NULL;
    for (unsigned i = 0; i < plane->asked_count && asked == NULL; i++) {
        if (plane->asked[i].transaction == command->transaction)
            asked = &plane->asked[i];
    }
    CHECK(asked != NULL && command->status > 100); // what it answers was asked
    struct plane_call *call = call_of(plane, asked->dialog);
    bool first = asked->invite && call != NULL && call->asked == asked->transaction;
    if (asked->answered)
        return false;
    asked->answered = command->status >= 200;
    say_done(plane, command, call, NULL);
    if (!first)
        return true;
    if (command->status < 200) {
        plane_change(plane, call, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
        return true;
    }
    call->asked = 0;
    if (call->state == CHANNEL_DIALOG_CONFIRMED)
        return true; // a re-INVITE
    if (command->status < 300)
        plane_change(plane, call, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    else
        plane_change(plane, call, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    return true;
}

static void say_answer(struct plane *plane, const struct plane_call *call, uint64_t tag, const char *message)
{
    struct channel_ua_event event = about(plane, CHANNEL_UA_ANSWERED, call);
    event.tag = tag;
    event.status = message != NULL ? (uint16_t)strtoul(message + 8, NULL, 10) : 408;
    event.source = ip_from_ipv4(0x0a14000b);
    ua_say(plane->world, &event, message);
}

static bool on_end(struct plane *plane, const struct channel_ua_command *command, struct plane_call *call)
{
    bool cancel = command->op == CHANNEL_UA_CANCEL;
    if (call->state == CHANNEL_DIALOG_TERMINATING || (cancel && call->placed == 0) ||
        ((command->flags & CHANNEL_UA_CLAIMED) != 0 && !plane_end_claimed(call)))
        return false;
    say_done(plane, command, call, NULL);
    if (call->state == CHANNEL_DIALOG_CONFIRMED) {
        if (!cancel)
            plane_change(plane, call, CHANNEL_DIALOG_TERMINATING, CHANNEL_REASON_BYE);
        return true;
    }
    if (call->placed != 0)
        say_answer(plane, call, call->placed, response(call->number, 487, "INVITE", ""));
    call->placed = 0;
    plane_change(plane, call, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_CANCEL);
    return true;
}

static void release(struct plane *plane, const struct channel_ua_command *command, struct plane_call *call)
{
    call->live = false;
    call->placed = call->asked = 0;
    say_done(plane, command, call, NULL);
}

// False: it cannot be done.
static bool run(struct plane *plane, const struct channel_ua_command *command)
{
    struct plane_call *call = call_of(plane, command->dialog);
    if (command->op == CHANNEL_UA_REFER)
        return plane_refer(plane, command);
    CHECK(command->dialog == 0 || call != NULL); // control makes no handles up
    if (command->dialog != 0 && !call->live)
        return false;
    switch (command->op) {
    case CHANNEL_UA_INVITE:
        return on_invite(plane, command);
    case CHANNEL_UA_REQUEST:
        return on_request(plane, command, call);
    case CHANNEL_UA_RESPOND:
        return on_respond(plane, command);
    case CHANNEL_UA_CANCEL:
    case CHANNEL_UA_END:
        return on_end(plane, command, call);
    case CHANNEL_UA_CLAIM:
        return plane_claim(plane, command, call);
    case CHANNEL_UA_RELEASE:
        release(plane, command, call);
        return true;
    default:
        return false;
    }
}

bool plane_do(struct plane *plane, int result)
{
    if (plane->command_count == 0)
        return false;
    struct channel_ua_command *command = plane->commands[0];
    struct plane_call *call = call_of(plane, command->dialog);
    memmove(&plane->commands[0], &plane->commands[1], --plane->command_count * sizeof(plane->commands[0]));
    if (call != NULL && call->refers > 0 && text_has(command, CHANNEL_UA_TEXT_METHOD, "NOTIFY") &&
        text_has(command, CHANNEL_UA_TEXT_HEADERS, "Event: refer"))
        count_notify(call, command);
    if (result != 0 || !run(plane, command)) {
        struct channel_ua_event event = about(plane, CHANNEL_UA_DONE, NULL);
        event.tag = command->tag;
        event.result = result != 0 ? result : -ENOENT;
        if (call != NULL) // what cannot be given back ends by its time
            call->claimed = false;
        ua_say(plane->world, &event, NULL);
    }
    free(command);
    return true;
}

// --- what the far end does ---

static void respond_to_invite(struct plane *plane, struct plane_call *call, const char *message)
{
    unsigned status = message != NULL ? (unsigned)strtoul(message + 8, NULL, 10) : 408;
    say_answer(plane, call, call->placed, message);
    if (status < 200) {
        if (status > 100)
            plane_change(plane, call, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
        return;
    }
    call->placed = 0;
    if (status < 300)
        plane_change(plane, call, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
    else
        plane_change(plane, call, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
}

void plane_respond(struct plane *plane, unsigned which, unsigned status, const char *lines)
{
    unsigned invites = 0;
    for (unsigned i = 0; i < plane->call_count; i++)
        invites += plane->calls[i].live && plane->calls[i].placed != 0;
    if (invites + plane->sent_count == 0)
        return;
    which %= invites + plane->sent_count;
    if (which >= invites) {
        struct plane_sent *sent = &plane->sent[which - invites];
        const struct plane_call *call = call_of(plane, sent->dialog);
        uint64_t number = call != NULL ? call->number : 0;
        if (call != NULL && !call->live)
            call = NULL;
        say_answer(plane, call, sent->tag, status ? response(number, status, sent->method, lines) : NULL);
        if (status == 0 || status >= 200)
            *sent = plane->sent[--plane->sent_count];
        return;
    }
    for (unsigned i = 0; i < plane->call_count; i++) {
        struct plane_call *call = &plane->calls[i];
        if (call->live && call->placed != 0 && which-- == 0) {
            respond_to_invite(plane, call, status ? response(call->number, status, "INVITE", lines) : NULL);
            return;
        }
    }
}

static struct plane_asked *new_asked(struct plane *plane, const struct plane_call *call, bool invite)
{
    if (plane->asked_count == PLANE_ROWS)
        return NULL;
    struct plane_asked *asked = &plane->asked[plane->asked_count++];
    *asked = (struct plane_asked){.transaction = TRANSACTION + ++plane->last_transaction,
                                  .dialog = call != NULL ? call->handle : 0,
                                  .invite = invite};
    return asked;
}

void plane_call_in(struct plane *plane, uint16_t application, const char *lines)
{
    char all[512];
    const struct plane_text invite = {"INVITE", all, "v=0\r\n"};
    snprintf(all, sizeof(all), "Content-Type: application/sdp\r\n%s", lines);
    struct plane_call *call = new_call(plane, application, 0);
    struct plane_asked *asked = call != NULL ? new_asked(plane, call, true) : NULL;
    if (asked == NULL) {
        plane->call_count -= call != NULL;
        return;
    }
    call->callee = true;
    call->asked = asked->transaction;
    struct channel_ua_event event = about(plane, CHANNEL_UA_CALL, call);
    event.transaction = asked->transaction;
    event.source = ip_from_ipv4(0x0a0a0101);
    ua_say(plane->world, &event, request(call->number, &invite));
}

void plane_ask(struct plane *plane, struct plane_call *call, const struct plane_text *text)
{
    bool invite = strcmp(text->method, "INVITE") == 0;
    if (call == NULL ? invite : call->state != CHANNEL_DIALOG_CONFIRMED || (invite && call->asked != 0))
        return;
    struct plane_asked *asked = new_asked(plane, call, invite);
    if (asked == NULL)
        return;
    if (call != NULL && invite)
        call->asked = asked->transaction;
    if (call != NULL && strcmp(text->method, "REFER") == 0) {
        call->refers++;
        plane->refers++;
    }
    struct channel_ua_event event = about(plane, CHANNEL_UA_ASKED, call);
    event.transaction = asked->transaction;
    event.peer = plane->world->carrier;
    ua_say(plane->world, &event, request(call != NULL ? call->number : ++plane->last_number, text));
}

void plane_cancel(struct plane *plane, struct plane_call *call)
{
    if (call->asked == 0)
        return;
    struct channel_ua_event event = about(plane, CHANNEL_UA_CANCELLED, call);
    event.transaction = call->asked;
    for (unsigned i = 0; i < plane->asked_count; i++)
        plane->asked[i].answered = plane->asked[i].answered || plane->asked[i].transaction == call->asked;
    call->asked = 0;
    ua_say(plane->world, &event, NULL);
    if (call->state < CHANNEL_DIALOG_CONFIRMED)
        plane_change(plane, call, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_CANCEL);
}

void plane_hang_up(struct plane *plane, struct plane_call *call)
{
    static const struct plane_text bye = {"BYE", "", ""};
    if (call->state < CHANNEL_DIALOG_CONFIRMED)
        return;
    struct channel_ua_event event = about(plane, CHANNEL_UA_ASKED, call);
    event.status = 200;
    ua_say(plane->world, &event, request(call->number, &bye));
    plane_change(plane, call, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
}

void plane_fork(struct plane *plane, const struct plane_call *first)
{
    if (first->placed == 0)
        return;
    struct plane_call *call = new_call(plane, first->application, first->number);
    if (call != NULL)
        plane_change(plane, call, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
}

void plane_tell(struct plane *plane, const struct plane_call *call, enum channel_ua_kind kind)
{
    struct channel_ua_event event = about(plane, kind, call);
    if (kind == CHANNEL_UA_EXTEND && call->asked == 0)
        return;
    if (kind != CHANNEL_UA_EXTEND && call->state != CHANNEL_DIALOG_CONFIRMED)
        return;
    event.transaction = kind == CHANNEL_UA_EXTEND ? call->asked : 0;
    ua_say(plane->world, &event, NULL);
}

void plane_end(struct plane *plane)
{
    while (plane->command_count > 0)
        free(plane->commands[--plane->command_count]);
}
