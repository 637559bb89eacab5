// SPDX-License-Identifier: BSD-3-Clause
// The model of a data plane: dialogs that are claimed for a call with Replaces (RFC 3891), and transfers of
// dialogs between two peers, an operator's among them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sip_check.h"
#include "ua_plane.h"

#define PROXIED 0x3300000000000000u

// --- claims ---

static bool text_is(const struct channel_ua_command *command, unsigned which, const char *text)
{
    char *said = ua_command_text(command, which);
    bool same = strcmp(said, text) == 0;
    free(said);
    return same;
}

// Its own tag and the far end's. Our requests have f1.. in From, and our responses t1 in To.
static void tags_of(const struct plane_call *call, char local[16], char remote[16])
{
    char tag[16];
    snprintf(tag, sizeof(tag), "f%u", (unsigned)call->number);
    snprintf(local, 16, "%s", call->callee ? "t1" : tag);
    snprintf(remote, 16, "%s", call->callee ? tag : "t1");
}

static struct plane_call *named(struct plane *plane, const struct channel_ua_command *command)
{
    for (unsigned i = 0; i < plane->call_count; i++) {
        struct plane_call *call = &plane->calls[i];
        char call_id[32], local[16], remote[16];
        snprintf(call_id, sizeof(call_id), "c%u@test", (unsigned)call->number);
        tags_of(call, local, remote);
        if (call->live && call->application == command->application &&
            text_is(command, CHANNEL_UA_TEXT_CALL_ID, call_id) &&
            text_is(command, CHANNEL_UA_TEXT_TO, local) && text_is(command, CHANNEL_UA_TEXT_FROM_TAG, remote))
            return call;
    }
    return NULL;
}

static void say_result(struct plane *plane, const struct channel_ua_command *command, int result)
{
    const struct channel_ua_event event = {.kind = CHANNEL_UA_DONE, .tag = command->tag, .result = result};
    ua_say(plane->world, &event, NULL);
}

static int claim(struct plane_call *call, bool early_only)
{
    if (call == NULL)
        return -ENOENT;
    if (call->state == CHANNEL_DIALOG_TERMINATING)
        return -EALREADY;
    if (call->state == CHANNEL_DIALOG_CONFIRMED && early_only)
        return -EISCONN;
    if (call->state < CHANNEL_DIALOG_CONFIRMED && call->callee)
        return -EPROTO;
    if (call->claimed)
        return -EBUSY;
    call->claimed = call->was_claimed = true;
    call->early_only = early_only;
    return 0;
}

bool plane_claim(struct plane *plane, const struct channel_ua_command *command, struct plane_call *call)
{
    if (call != NULL) { // given back, or renewed
        CHECK(call->was_claimed);
        say_result(plane, command, call->claimed ? 0 : -ENOENT);
        call->claimed = call->claimed && (command->flags & CHANNEL_UA_CLAIMED) != 0;
        return true;
    }
    call = named(plane, command);
    int result = claim(call, (command->flags & CHANNEL_UA_EARLY_ONLY) != 0);
    const struct channel_ua_event event = {.kind = CHANNEL_UA_DONE,
                                           .tag = command->tag,
                                           .result = result,
                                           .dialog = result == 0 ? call->handle : 0,
                                           .call = result == 0 ? call->number : 0,
                                           .application = command->application};
    ua_say(plane->world, &event, NULL);
    return true;
}

bool plane_end_claimed(struct plane_call *call)
{
    CHECK(call->was_claimed);
    bool held = call->claimed;
    call->claimed = false;
    return held && !(call->early_only && call->state == CHANNEL_DIALOG_CONFIRMED);
}

void plane_call_replacing(struct plane *plane, const struct plane_call *old, bool early_only)
{
    char local[16], remote[16], lines[256];
    tags_of(old, local, remote);
    snprintf(lines, sizeof(lines), "Replaces: c%u@test;to-tag=%s;from-tag=%s%s\r\n", (unsigned)old->number,
             local, remote, early_only ? ";early-only" : "");
    plane_call_in(plane, old->application, lines);
}

// --- transfers of dialogs between two peers ---

static const char *message(const struct plane_proxied *about, const char *start, const char *method,
                           const char *rest)
{
    static char octets[2048];
    unsigned number = (unsigned)(about->handle & 0xffff);
    snprintf(octets, sizeof(octets),
             "%s\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=f%u\r\n"
             "To: <sip:b@y>;tag=t1\r\nCall-ID: p%u@test\r\nCSeq: %u %s\r\n%s",
             start, number, number, (unsigned)about->cseq, method, rest);
    return octets;
}

static struct channel_ua_event about(const struct plane *plane, enum channel_ua_kind kind,
                                     const struct plane_proxied *proxied)
{
    return (struct channel_ua_event){.kind = (uint8_t)kind,
                                     .dialog = proxied->handle,
                                     .call = proxied->handle & 0xffff,
                                     .application = plane->world->carrier,
                                     .peer = plane->sbcs,
                                     .source = IP_MAPPED(0x0a0a0101),
                                     .source_port = 5060};
}

// A dialog's handle is another one when it has ended.
static struct plane_proxied *proxied_at(struct plane *plane, unsigned which)
{
    struct plane_proxied *proxied = &plane->proxied[which % PLANE_PROXIED];
    if (proxied->handle == 0)
        proxied->handle = PROXIED + ++plane->last_number;
    return proxied;
}

uint64_t plane_proxied(struct plane *plane, unsigned which)
{
    return proxied_at(plane, which)->handle;
}

bool plane_refer(struct plane *plane, const struct channel_ua_command *command)
{
    struct plane_proxied *proxied = NULL;
    for (unsigned i = 0; i < PLANE_PROXIED; i++)
        if (plane->proxied[i].handle == command->dialog)
            proxied = &plane->proxied[i];
    CHECK(command->dialog != 0);
    if (proxied == NULL || proxied->tag != 0) {
        say_result(plane, command, proxied == NULL ? -ENOENT : -EBUSY);
        return true;
    }
    proxied->tag = command->tag;
    proxied->cseq++;
    struct channel_ua_event event = about(plane, CHANNEL_UA_DONE, proxied);
    event.tag = command->tag;
    ua_say(plane->world, &event,
           message(proxied, "REFER sip:b@y SIP/2.0", "REFER",
                   "Refer-To: <sip:c@z>\r\nContent-Length: 0\r\n\r\n"));
    return true;
}

static void say_referral(struct plane *plane, struct plane_proxied *proxied, bool back, const char *text)
{
    struct channel_ua_event event = about(plane, CHANNEL_UA_REFERRAL, proxied);
    event.result = (int32_t)proxied->cseq;
    if (back) {
        event.application = plane->sbcs;
        event.peer = plane->world->carrier;
        event.flags = CHANNEL_UA_CALLEE;
    }
    if (proxied->tag != 0 && back) {
        event.tag = proxied->tag;
        event.flags |= CHANNEL_UA_ABSORBED;
    }
    ua_say(plane->world, &event, text);
}

static void say_notify(struct plane *plane, struct plane_proxied *proxied, bool over)
{
    say_referral(
        plane, proxied, true,
        message(proxied, "NOTIFY sip:a@x SIP/2.0", "NOTIFY",
                over ? "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n"
                       "Content-Type: message/sipfrag\r\nContent-Length: 16\r\n\r\nSIP/2.0 200 OK\r\n"
                     : "Event: refer\r\nSubscription-State: active;expires=60\r\n"
                       "Content-Type: message/sipfrag\r\nContent-Length: 21\r\n\r\nSIP/2.0 180 Ringing\r\n"));
    proxied->tag = over ? 0 : proxied->tag;
}

static void say_refer_answer(struct plane *plane, struct plane_proxied *proxied, unsigned status)
{
    char start[32];
    snprintf(start, sizeof(start), "SIP/2.0 %u Text", status);
    const char *text = message(proxied, start, "REFER", "Content-Length: 0\r\n\r\n");
    if (proxied->tag == 0) {
        say_referral(plane, proxied, true, text);
        return;
    }
    struct channel_ua_event event = about(plane, CHANNEL_UA_ANSWERED, proxied);
    event.tag = proxied->tag;
    event.status = (uint16_t)status;
    ua_say(plane->world, &event, text);
    proxied->tag = status < 300 ? proxied->tag : 0;
}

static void say_ended(struct plane *plane, struct plane_proxied *proxied)
{
    struct channel_events events = {.run = {.first = ++plane->dialogs_told, .count = 1}};
    events.rows[0] = (struct channel_event){.handle = proxied->handle,
                                            .call = proxied->handle & 0xffff,
                                            .caller_peer = plane->world->carrier,
                                            .callee_peer = plane->sbcs,
                                            .callee_member = NUMBER_NONE,
                                            .from = CHANNEL_DIALOG_CONFIRMED,
                                            .to = CHANNEL_DIALOG_TERMINATED,
                                            .reason = CHANNEL_REASON_BYE};
    far_say(plane->world->rpc.far, CHANNEL_EVENTS, 0, &events, sizeof(events));
    *proxied = (struct plane_proxied){0};
}

void plane_pass(struct plane *plane, unsigned which, unsigned what)
{
    struct plane_proxied *proxied = proxied_at(plane, which);
    if (what % 8 == 0 && proxied->tag == 0) {
        proxied->cseq++;
        say_referral(plane, proxied, false,
                     message(proxied, "REFER sip:b@y SIP/2.0", "REFER",
                             "Refer-To: <sip:c@z>\r\nContent-Length: 0\r\n\r\n"));
    } else if (what % 8 < 3) {
        say_refer_answer(plane, proxied, what % 8 == 1 ? 202 : 603);
    } else if (what % 8 < 7) {
        say_notify(plane, proxied, what % 8 == 6);
    } else {
        say_ended(plane, proxied);
    }
}

// --- the connection ---

void plane_lose(struct plane *plane)
{
    struct rpc_world *world = &plane->world->rpc;
    struct channel_hello hello = far_hello(CHANNEL_RUNNING, world->control.active.image->sequence);
    int pair[2];
    plane_end(plane);
    for (unsigned i = 0; i < plane->call_count; i++) // claims are the connection's
        plane->calls[i].claimed = false;
    close(world->far);
    far_run(world->base, 1);
    CHECK(!channel_ready(world->control.channel));
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    world->far = pair[1];
    CHECK(channel_attach(world->control.channel, pair[0]) == 0);
    far_say(world->far, CHANNEL_HELLO, 0, &hello, sizeof(hello));
}
