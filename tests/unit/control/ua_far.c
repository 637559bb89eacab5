// SPDX-License-Identifier: BSD-3-Clause
// A program for the tests of libdialgate: dialgate-control's own code behind a socket, and a data plane that
// plays the far end of every call. Argument: the path of a link to the socket. SIGUSR1: control ends and
// begins anew, the data plane's dialogs stay; SIGTERM: the end.
//
// Whom a call goes to says what becomes of it: sip:busy@.. 486, sip:ring@.. 180, sip:silent@.. nothing,
// others 200. Whom a REFER leads to likewise, by its NOTIFYs: sip:busy@.. 486, sip:ring@.. 180, sip:done@..
// 200, others nothing. What a body says is done before its request is answered: "bye" the far end hangs up,
// "ask" it sends an INFO, "forget" the dialog is gone without a word, "call" somebody calls the application,
// "replace" somebody calls who wants to take this call over (RFC 3891).
#include "cmocka_first.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ua_world.h"

#define DIALOGS     4096u
#define HANDLE      0x1100000000000000u
#define TRANSACTION 0x2200000000000000u
#define CHANGE      0x100000u // apart: transactions of one leg

struct leg {
    bool live, callee, changing;
    uint8_t state;
    uint16_t application;
    uint64_t tag; // of our INVITE
};

static struct ua_world world;
static struct leg legs[DIALOGS];
static uint64_t leg_count, change_count;
static struct event *far_event;
static const char *link_path;

static const char *request(uint64_t leg, const char *method, const char *body)
{
    static char text[2048];
    snprintf(text, sizeof(text),
             "%s sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=f%u\r\n"
             "To: <sip:b@y>\r\nCall-ID: c%u@test\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"
             "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
             method, (unsigned)leg, (unsigned)leg, method, strlen(body), body);
    return text;
}

static const char *response(uint64_t leg, unsigned status, const char *method)
{
    static char text[2048];
    snprintf(text, sizeof(text),
             "SIP/2.0 %u Text\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nf: <sip:a@x>;tag=f%u\r\n"
             "t: <sip:b@y>;tag=t1\r\nCall-ID: c%u@test\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
             status, (unsigned)leg, (unsigned)leg, method);
    return text;
}

static struct channel_ua_event about(enum channel_ua_kind kind, uint64_t leg)
{
    return (struct channel_ua_event){.kind = kind,
                                     .dialog = HANDLE + leg,
                                     .call = leg,
                                     .application = legs[leg].application,
                                     .peer = world.carrier,
                                     .state = legs[leg].state,
                                     .flags = legs[leg].callee ? CHANNEL_UA_CALLEE : 0};
}

static void say_state(uint64_t leg, unsigned state, unsigned reason)
{
    legs[leg].state = (uint8_t)state;
    legs[leg].live = state != CHANNEL_DIALOG_TERMINATED;
    struct channel_ua_event event = about(CHANNEL_UA_STATE, leg);
    event.reason = (uint8_t)reason;
    ua_say(&world, &event, NULL);
}

static void say_answer(uint64_t leg, uint64_t tag, unsigned status, const char *method)
{
    struct channel_ua_event event = about(CHANNEL_UA_ANSWERED, leg);
    event.tag = tag;
    event.status = (uint16_t)status;
    if (leg == 0)
        event.dialog = event.call = 0;
    ua_say(&world, &event, response(leg, status, method));
}

static void say_asked_with(uint64_t leg, uint64_t transaction, const char *method, const char *body)
{
    struct channel_ua_event event = about(CHANNEL_UA_ASKED, leg);
    event.transaction = transaction;
    ua_say(&world, &event, request(leg, method, body));
}

static void say_asked(uint64_t leg, uint64_t transaction, unsigned status, const char *method)
{
    struct channel_ua_event event = about(CHANNEL_UA_ASKED, leg);
    event.transaction = transaction;
    event.status = (uint16_t)status;
    ua_say(&world, &event, request(leg, method, "hello"));
}

static void hang_up(uint64_t leg)
{
    say_asked(leg, 0, 200, "BYE");
    say_state(leg, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
}

static void done(const struct channel_ua_command *command, uint64_t leg, const char *message)
{
    struct channel_ua_event event = about(CHANNEL_UA_DONE, leg);
    event.tag = command->tag;
    if (leg == 0)
        event.dialog = event.call = 0;
    ua_say(&world, &event, message);
}

static uint64_t begin(uint16_t application, bool callee)
{
    if (leg_count + 1 == DIALOGS)
        abort();
    legs[++leg_count] = (struct leg){
        .live = true, .callee = callee, .state = CHANNEL_DIALOG_NONE, .application = application};
    return leg_count;
}

static void on_invite(const struct channel_ua_command *command)
{
    char *uri = ua_command_text(command, CHANNEL_UA_TEXT_URI);
    uint64_t leg = begin(command->application, false);
    legs[leg].tag = command->tag;
    done(command, leg, request(leg, "INVITE", ""));
    if (strncmp(uri, "sip:busy", 8) == 0) {
        say_answer(leg, command->tag, 486, "INVITE");
        say_state(leg, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    } else if (strncmp(uri, "sip:silent", 10) != 0) {
        say_answer(leg, command->tag, 180, "INVITE");
        say_state(leg, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
        if (strncmp(uri, "sip:ring", 8) != 0) {
            say_answer(leg, command->tag, 200, "INVITE");
            say_state(leg, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
        }
    }
    free(uri);
}

// old: the leg that it is to replace, 0: none.
static void call_application(uint16_t application, uint64_t old)
{
    char text[2048], replaces[128] = "";
    uint64_t leg = begin(application, true);
    struct channel_ua_event event = about(CHANNEL_UA_CALL, leg);
    event.transaction = TRANSACTION + leg;
    event.source = ip_from_ipv4(0x0a0a0101);
    event.source_port = 5060;
    const char *plain = request(leg, "INVITE", "v=0\r\n"), *second = strchr(plain, '\n') + 1;
    if (old)
        snprintf(replaces, sizeof(replaces), "Replaces: c%u@test;to-tag=f%u;from-tag=t1\r\n", (unsigned)old,
                 (unsigned)old);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(second - plain), plain, replaces, second);
    ua_say(&world, &event, text);
}

static void on_claim(const struct channel_ua_command *command, uint64_t leg)
{
    char *call_id = ua_command_text(command, CHANNEL_UA_TEXT_CALL_ID);
    done(command, leg ? leg : strtoull(call_id + 1, NULL, 10), NULL);
    free(call_id);
}

// A NOTIFY of the subscription that our answer to this REFER has begun.
static void say_notify(const struct channel_ua_command *command, uint64_t leg, unsigned status)
{
    static char text[2048];
    struct channel_ua_event event = about(CHANNEL_UA_ASKED, leg);
    char body[64];
    event.transaction = TRANSACTION + leg;
    if (leg == 0) {
        event.dialog = event.call = 0;
        event.application = command->application;
    }
    snprintf(body, sizeof(body), "SIP/2.0 %u Text\r\n", status);
    snprintf(text, sizeof(text),
             "NOTIFY sip:a@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK2\r\n"
             "From: <sip:b@y>;tag=t1\r\nTo: <sip:a@x>;tag=f%u\r\nCall-ID: c%u@test\r\nCSeq: 1 NOTIFY\r\n"
             "Max-Forwards: 70\r\nContact: <sip:b@y>\r\nEvent: refer;id=1\r\nSubscription-State: %s\r\n"
             "Content-Type: message/sipfrag\r\nContent-Length: %zu\r\n\r\n%s",
             (unsigned)leg, (unsigned)leg,
             status < 200 ? "active;expires=60" : "terminated;reason=noresource", strlen(body), body);
    ua_say(&world, &event, text);
}

static void on_refer(const struct channel_ua_command *command, uint64_t leg)
{
    static const struct {
        const char *target;
        unsigned status;
    } outcomes[] = {{"<sip:busy@", 486}, {"<sip:ring@", 180}, {"<sip:done@", 200}};
    char *headers = ua_command_text(command, CHANNEL_UA_TEXT_HEADERS);
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (strstr(headers, outcomes[i].target))
            say_notify(command, leg, outcomes[i].status);
    free(headers);
}

static void on_request(const struct channel_ua_command *command, uint64_t leg)
{
    char *body = ua_command_text(command, CHANNEL_UA_TEXTS);
    char *method = ua_command_text(command, CHANNEL_UA_TEXT_METHOD);
    const char *name = *method ? method : "INVITE";
    done(command, leg, request(leg, name, ""));
    if (strcmp(body, "call") == 0)
        call_application(command->application, 0);
    if (strcmp(body, "replace") == 0)
        call_application(legs[leg].application, leg);
    if (strcmp(body, "ask") == 0)
        say_asked(leg, TRANSACTION + leg, 0, "INFO");
    say_answer(leg, command->tag, 200, name);
    if (strcmp(name, "REFER") == 0)
        on_refer(command, leg);
    if (strcmp(body, "forget") == 0)
        legs[leg].live = false;
    if (strcmp(body, "bye") == 0)
        hang_up(leg);
    if (strcmp(body, "change") == 0) {
        legs[leg].changing = true;
        say_asked_with(leg, TRANSACTION + leg + CHANGE * ++change_count, "INVITE",
                       "v=0\r\nm=audio 4000 RTP/AVP 8\r\n");
    }
    free(body);
    free(method);
}

static void on_respond(const struct channel_ua_command *command)
{
    uint64_t leg = (command->transaction - TRANSACTION) % CHANGE;
    bool invite = legs[leg].state < CHANNEL_DIALOG_CONFIRMED;
    done(command, leg, NULL);
    if (legs[leg].changing && command->status == 200)
        hang_up(leg);
    if (!invite)
        return;
    if (command->status < 200) {
        say_state(leg, CHANNEL_DIALOG_EARLY, CHANNEL_REASON_PROVISIONAL);
    } else if (command->status < 300) {
        say_state(leg, CHANNEL_DIALOG_CONFIRMED, CHANNEL_REASON_SUCCESS);
        say_asked(leg, 0, 0, "ACK");
    } else {
        say_state(leg, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_REFUSED);
    }
}

static void on_end(const struct channel_ua_command *command, uint64_t leg)
{
    bool early = legs[leg].state < CHANNEL_DIALOG_CONFIRMED;
    done(command, leg, NULL);
    if (early && !legs[leg].callee)
        say_answer(leg, legs[leg].tag, 487, "INVITE");
    say_state(leg, CHANNEL_DIALOG_TERMINATED, early ? CHANNEL_REASON_CANCEL : CHANNEL_REASON_BYE_DONE);
}

static void on_command(const struct channel_ua_command *command)
{
    uint64_t leg = command->dialog ? command->dialog - HANDLE : 0;
    switch (command->op) {
    case CHANNEL_UA_INVITE:
        on_invite(command);
        break;
    case CHANNEL_UA_REQUEST:
        on_request(command, leg);
        break;
    case CHANNEL_UA_RESPOND:
        on_respond(command);
        break;
    case CHANNEL_UA_CLAIM:
        on_claim(command, leg);
        break;
    case CHANNEL_UA_CANCEL:
    case CHANNEL_UA_END:
        on_end(command, leg);
        break;
    default:
        legs[leg].live = legs[leg].live && command->op != CHANNEL_UA_RELEASE;
        done(command, leg, NULL);
    }
}

static void say_rows(const struct far_message *message)
{
    static uint8_t body[sizeof(struct channel_dialog_row) + 4096];
    const struct channel_dialog_list *list = (const void *)message->body;
    const struct channel_dialog_select *select = (const void *)message->body;
    bool all = message->header.type == CHANNEL_DIALOG_LIST;
    for (uint64_t leg = 1; leg <= leg_count; leg++) {
        char call_id[32];
        if (!legs[leg].live ||
            (all ? list->peer != legs[leg].application : select->handle && select->handle != HANDLE + leg))
            continue;
        snprintf(call_id, sizeof(call_id), "c%u@test", (unsigned)leg);
        size_t size = far_row(body, HANDLE + leg, call_id);
        struct channel_dialog_row *row = (void *)body;
        row->state = legs[leg].state;
        row->callee_peer = legs[leg].callee ? legs[leg].application : world.carrier;
        row->caller_peer = legs[leg].callee ? world.carrier : legs[leg].application;
        far_say(world.rpc.far, CHANNEL_DIALOG_ROW, message->header.request, body, size);
    }
    far_done(world.rpc.far, CHANNEL_DONE, message->header.request, 0, "");
}

static void on_far(evutil_socket_t fd, short what, void *context)
{
    static struct far_message message;
    while (far_receive(fd, &message, NULL, 0)) {
        if (message.header.type == CHANNEL_DIALOG_LIST || message.header.type == CHANNEL_DIALOG_SHOW)
            say_rows(&message);
        else if (message.header.type == CHANNEL_UA_COMMAND)
            on_command((const void *)message.body);
    }
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    bool *restart = context;
    *restart = number == SIGUSR1;
    event_base_loopbreak(world.rpc.base);
}

// Whoever sees our socket may ask for the next life at once: between two lives the signal waits.
static void hear_signal(int how)
{
    sigset_t restart;
    sigemptyset(&restart);
    sigaddset(&restart, SIGUSR1);
    sigprocmask(how, &restart, NULL);
}

// One life of control. True: another one follows.
static bool live(void)
{
    bool restart = false;
    if (ua_world_open(&world, " - {name: desk, listener: edge}\n - {name: robot}\n") < 0)
        return false;
    struct event *again = evsignal_new(world.rpc.base, SIGUSR1, on_signal, &restart);
    struct event *end = evsignal_new(world.rpc.base, SIGTERM, on_signal, &restart);
    event_add(again, NULL);
    event_add(end, NULL);
    hear_signal(SIG_UNBLOCK);
    far_event = event_new(world.rpc.base, world.rpc.far, EV_READ | EV_PERSIST, on_far, NULL);
    event_add(far_event, NULL);
    unlink(link_path);
    if (symlink(world.rpc.path, link_path) == 0)
        event_base_dispatch(world.rpc.base);
    hear_signal(SIG_BLOCK);
    event_free(far_event);
    event_free(again);
    event_free(end);
    return ua_world_close(&world) == 0 && restart;
}

int main(int count, char **words)
{
    if (count != 2)
        return 2;
    link_path = words[1];
    hear_signal(SIG_BLOCK);
    while (live())
        continue;
    unlink(link_path);
    return 0;
}
