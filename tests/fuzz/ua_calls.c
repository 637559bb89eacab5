// SPDX-License-Identifier: BSD-3-Clause
// Applications' methods in any order and with any arguments, against the whole of control and a model of a
// data plane (ua_plane.h) that carries commands out late, refuses some, and whose far ends do what they like.
// Each method is answered once. What control lists are the dialogs of the model, in their states. A dialog's
// events come in order and end with `ended`. Transfers make no more calls and NOTIFYs than they may. When all
// dialogs have ended and all time has passed, nothing is left.
//
// Dialogs are claimed for calls that replace them (RFC 3891), transfers pass between peers, an operator's
// among them, and the application's connection and the data plane's go and come again.
//
// An input is a list of steps of three octets: what, and two that choose among what there is.
#include "ua_plane.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "sip_check.h"

#define STEPS_MAX 96u
#define TURNS     6u // of the loop: what goes to and fro until nothing is to be done
#define IDS       16u
#define ENDED_MAX 256u

#define BODY                                                                                                 \
    "\"body\":\"v=0\\r\\no=- 1 1 IN IP4 192.0.2.1\\r\\ns=-\\r\\nt=0 0\\r\\nm=audio 4000 RTP/AVP 0\\r\\n\""

// %D a dialog, %E another, %R a request that waits, %T a transfer.
static const char *const methods[] = {
    "ua.call\",\"params\":{\"to\":\"sip:b@y\",\"peer\":\"carrier-a\"," BODY "}",
    "ua.call\",\"params\":{\"to\":\"sip:b@y\",\"peer\":\"carrier-a\",\"context\":\"c\",\"tag\":\"t\"}",
    "ua.call\",\"params\":{\"to\":\"<sip:b@y>\",\"peer\":\"carrier-a\",\"user\":\"u\",\"password\":\"p\","
    "\"redirect\":2,\"late_ack\":true}",
    "ua.call\",\"params\":{\"to\":\"sip:b@y\",\"peer\":\"carrier-a\",\"session_expires\":120,\"timeout_ms\":"
    "100}",
    "ua.progress\",\"params\":{\"dialog\":\"%D\",\"status\":180}",
    "ua.progress\",\"params\":{\"dialog\":\"%D\",\"status\":183,\"reliable\":true," BODY "}",
    "ua.answer\",\"params\":{\"dialog\":\"%D\"," BODY "}",
    "ua.answer\",\"params\":{\"dialog\":\"%D\"}",
    "ua.reject\",\"params\":{\"dialog\":\"%D\",\"status\":486}",
    "ua.redirect\",\"params\":{\"dialog\":\"%D\",\"targets\":[\"sip:c@z\"]}",
    "ua.terminate\",\"params\":{\"dialog\":\"%D\",\"cause\":16,\"protocol\":\"Q.850\"}",
    "ua.terminate\",\"params\":{\"dialog\":\"%D\"}",
    "ua.cancel\",\"params\":{\"dialog\":\"%D\"}",
    "ua.close\",\"params\":{\"dialog\":\"%D\"}",
    "ua.ack\",\"params\":{\"dialog\":\"%D\"," BODY "}",
    "ua.reinvite\",\"params\":{\"dialog\":\"%D\"," BODY "}",
    "ua.update\",\"params\":{\"dialog\":\"%D\"}",
    "ua.hold\",\"params\":{\"dialog\":\"%D\"}",
    "ua.unhold\",\"params\":{\"dialog\":\"%D\"}",
    "ua.request\",\"params\":{\"dialog\":\"%D\",\"method\":\"INFO\",\"tag\":\"i\"}",
    "ua.request\",\"params\":{\"method\":\"MESSAGE\",\"to\":\"sip:b@y\",\"peer\":\"carrier-a\",\"body\":"
    "\"x\","
    "\"content_type\":\"text/plain\"}",
    "ua.respond\",\"params\":{\"request\":\"%R\",\"status\":200}",
    "ua.respond\",\"params\":{\"request\":\"%R\",\"status\":603}",
    "ua.get\",\"params\":{\"dialog\":\"%D\"}",
    "ua.list\",\"params\":{\"state\":\"early\"}",
    "ua.list\",\"params\":{\"call_id\":\"c1@test\"}",
    "ua.count\",\"params\":{}",
    "ua.context\",\"params\":{\"dialog\":\"%D\",\"context\":\"n\"}",
    "refer.send\",\"params\":{\"dialog\":\"%D\",\"to\":\"sip:c@z\",\"referred_by\":\"<sip:a@x>\"}",
    "refer.send\",\"params\":{\"dialog\":\"%D\",\"replaces\":\"%E\"}",
    "refer.send\",\"params\":{\"dialog\":\"%D\",\"to\":\"sip:c@z\",\"subscribe\":false,\"method\":\"BYE\"}",
    "refer.answer\",\"params\":{\"refer\":\"%T\",\"accept\":true}",
    "refer.answer\",\"params\":{\"refer\":\"%T\",\"accept\":false}",
    "refer.notify\",\"params\":{\"refer\":\"%T\",\"status\":180}",
    "refer.notify\",\"params\":{\"refer\":\"%T\",\"status\":200,\"reason\":\"Fine\"}",
    "refer.list\",\"params\":{}",
    "refer.show\",\"params\":{\"refer\":\"%T\"}",
    // What is refused.
    "ua.call\",\"params\":{\"to\":\"b at y\"}",
    "ua.call\",\"params\":{\"to\":\"sip:b@y\",\"headers\":[[\"Via\",\"x\"]]}",
    "ua.call\",\"params\":{\"to\":\"sip:b@y\",\"headers\":[[\"X\",\"a\\r\\nb\"]]}",
    "ua.call\",\"params\":{\"to\":\"sip:b@y\",\"retry\":\"none\"}",
    "ua.get\",\"params\":{\"dialog\":\"0000000000000000\"}",
    "ua.answer\",\"params\":{\"dialog\":\"%D\",\"status\":180}",
    "ua.terminate\",\"params\":{}",
    "refer.send\",\"params\":{\"dialog\":\"%D\",\"to\":\"sip:c@z?a=b\"}",
    "refer.send\",\"params\":{\"dialog\":\"%D\",\"replaces\":\"%D\"}",
    "refer.notify\",\"params\":{\"refer\":\"%T\",\"status\":180,\"reason\":\"a\\r\\nb\"}",
};

// %D: a dialog between two peers, %E another.
static const char *const operator_methods[] = {
    "refer.dialog\",\"params\":{\"dialog\":\"%D\",\"party\":\"caller\",\"to\":\"sip:c@z\"}",
    "refer.dialog\",\"params\":{\"dialog\":\"%D\",\"party\":\"callee\",\"to\":\"sip:c@z\",\"keep\":true}",
    "refer.dialog\",\"params\":{\"dialog\":\"%D\",\"party\":\"callee\",\"replaces\":\"%E\",\"replaces_"
    "party\":"
    "\"caller\"}",
    "refer.list\",\"params\":{\"origin\":\"operator\"}",
};

#define REFERRED "Referred-By: <sip:transferor@x>\r\n"
#define FRAG     "Subscription-State: active;expires=60\r\nContent-Type: message/sipfrag\r\n"
#define OVER     "Subscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag\r\n"
static const struct plane_text asked[] = {
    {"REFER", "Refer-To: <sip:c@z>\r\n" REFERRED, ""},
    {"REFER", "Refer-To: <sip:c@z?Replaces=d%40z%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n" REFERRED, ""},
    {"REFER", "Refer-To: <sip:c@z>\r\nRefer-Sub: false\r\n" REFERRED, ""},
    {"REFER", "Refer-To: <tel:+15551>\r\n" REFERRED, ""},
    {"REFER", "Refer-To: <sip:c@z;method=BYE>\r\n" REFERRED, ""},
    {"REFER", "Refer-To: <sip:c@elsewhere>\r\n" REFERRED, ""},
    {"REFER", "", ""},
    {"SUBSCRIBE", "Event: refer\r\nExpires: 60\r\n", ""},
    {"SUBSCRIBE", "Event: refer;id=7\r\nExpires: 0\r\n", ""},
    {"NOTIFY", "Event: refer\r\n" FRAG, "SIP/2.0 180 Ringing\r\n"},
    {"NOTIFY", "Event: refer;id=7\r\n" OVER, "SIP/2.0 200 OK\r\n"},
    {"NOTIFY", "Event: refer\r\n" OVER, "SIP/2.0 486 Busy\r\n"},
    {"NOTIFY", "Event: presence\r\n" FRAG, ""},
    {"INVITE", "Content-Type: application/sdp\r\nAllow: INVITE, UPDATE\r\n", "v=0\r\n"},
    {"INFO", "", ""},
    {"MESSAGE", "Content-Type: text/plain\r\n", "x"},
};

static struct ua_world world;
static struct plane plane;
static uint64_t ahead_ms; // of the clock
static int asked_id, answered_count;
static uint64_t transfers[IDS];
static unsigned transfer_count;
static uint64_t ended[ENDED_MAX]; // dialogs
static unsigned ended_count;
static uint64_t last_seq;

// Time passes when an input says so.
uint64_t __real_clock_ms(void);
uint64_t __wrap_clock_ms(void);
uint64_t __wrap_clock_ms(void)
{
    return __real_clock_ms() + ahead_ms;
}

static uint64_t hex(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text != NULL ? strtoull(text, NULL, 16) : 0;
}

static void keep_transfer(uint64_t id)
{
    for (unsigned i = 0; i < IDS; i++) {
        if (id == 0 || transfers[i] == id)
            return;
    }
    transfers[transfer_count++ % IDS] = id;
}

static void on_event(const json_t *params)
{
    uint64_t dialog = hex(params, "dialog");
    const char *name = ua_text(params, "event");
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(params, "seq"));
    CHECK(name[0] != '\0' && seq > 0);
    keep_transfer(hex(params, "refer"));
    if (seq <= last_seq)
        return; // told once more, since ua.attach asked for it
    CHECK(last_seq == 0 || seq == last_seq + 1);
    last_seq = seq;
    for (unsigned i = 0; i < ended_count; i++)
        CHECK(dialog == 0 || ended[i] != dialog);
    if (strcmp(name, "ended") == 0 && ended_count < ENDED_MAX)
        ended[ended_count++] = dialog;
}

static void on_answer(const json_t *line)
{
    const json_t *error = json_object_get(line, "error"), *result = json_object_get(line, "result");
    CHECK((error != NULL) != (result != NULL));
    CHECK(error == NULL || json_integer_value(json_object_get(error, "code")) < 0);
    CHECK(error == NULL || json_string_length(json_object_get(error, "message")) > 0);
    keep_transfer(hex(result, "refer"));
    answered_count++;
}

static void take_lines(void)
{
    struct rpc_reader *client = &world.client;
    char *end;
    rpc_reader_take(client);
    CHECK(!client->ended);
    while ((end = memchr(client->text, '\n', client->used)) != NULL) {
        json_t *line = json_loadb(client->text, (size_t)(end - client->text), 0, NULL);
        CHECK(line != NULL);
        if (json_object_get(line, "id") != NULL)
            on_answer(line);
        else if (strcmp(ua_text(line, "method"), "ua.event") == 0)
            on_event(json_object_get(line, "params"));
        json_decref(line);
        client->used -= (size_t)(end + 1 - client->text);
        memmove(client->text, end + 1, client->used);
    }
}

static void turn_without_client(void)
{
    for (unsigned i = 0; i < TURNS; i++) {
        CHECK(event_base_loop(world.rpc.base, EVLOOP_NONBLOCK) >= 0);
        plane_take(&plane);
    }
}

static void turn(void)
{
    turn_without_client();
    take_lines();
}

static const struct plane_call *call_at(unsigned which)
{
    return plane.call_count > 0 ? &plane.calls[which % plane.call_count] : NULL;
}

// The ids of D, E, R and T.
struct named {
    uint64_t dialog, other, request, transfer;
};

static void say(const char *text, const struct named *named)
{
    static char line[8192];
    char *at = line, *end = line + sizeof(line);
    at += snprintf(at, (size_t)(end - at), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"", ++asked_id);
    for (; *text; text++) {
        if (*text != '%') {
            *at++ = *text;
            continue;
        }
        ++text;
        at += snprintf(at, (size_t)(end - at), "%016" PRIx64,
                       *text == 'D'   ? named->dialog
                       : *text == 'E' ? named->other
                       : *text == 'R' ? named->request
                                      : named->transfer);
    }
    snprintf(at, (size_t)(end - at), "}\n");
    rpc_reader_say(&world.client, line);
}

static void ask(unsigned which, unsigned one, unsigned other)
{
    const struct plane_call *call = call_at(one), *second = call_at(one + 1 + other);
    const struct named named = {call != NULL ? call->id : 0, second != NULL ? second->id : 0,
                                plane.asked_count > 0 ? plane.asked[one % plane.asked_count].transaction : 0,
                                transfers[one % IDS]};
    say(methods[which % (sizeof(methods) / sizeof(methods[0]))], &named);
}

static void ask_operator(unsigned one, unsigned other)
{
    const struct named named = {plane_proxied(&plane, one), plane_proxied(&plane, other), 0, 0};
    say(operator_methods[other / PLANE_PROXIED % 4], &named);
}

// What was asked and not answered is not any more; events that were not read come again.
static void lose_client(void)
{
    char line[256], stream[UA_ID_SIZE];
    rpc_reader_close(&world.client);
    turn_without_client();
    rpc_reader_open(&world.client, &world.rpc);
    snprintf(line, sizeof(line),
             "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ua.attach\",\"params\":{\"application\":\"desk\","
             "\"stream\":"
             "\"%s\",\"since\":%" PRIu64 "}}\n",
             asked_id + 1, ua_id(world.rpc.control.ua.stream, stream), last_seq);
    answered_count = asked_id++;
    rpc_reader_say(&world.client, line);
}

static void pass(uint64_t ms)
{
    ahead_ms += ms;
    event_active(world.rpc.control.transfers.clock, EV_TIMEOUT, 1);
    event_active(world.rpc.control.ua.sweep, EV_TIMEOUT, 1);
    event_active(world.rpc.control.referrals.clock, EV_TIMEOUT, 1);
    if (world.rpc.control.operators.clock != NULL)
        event_active(world.rpc.control.operators.clock, EV_TIMEOUT, 1);
}

// What is claimed waits for an INVITE that is not answered.
static void check_claims(void)
{
    for (unsigned i = 0; i < plane.call_count; i++) {
        const struct plane_call *call = &plane.calls[i];
        const struct ua_request *request = NULL;
        if (!call->live || !call->claimed)
            continue;
        for (unsigned j = 0; j < plane.asked_count && request == NULL; j++) {
            request = ua_request_find(&world.rpc.control.ua, plane.asked[j].transaction);
            if (request != NULL && request->replaces != call->id)
                request = NULL;
        }
        CHECK(request != NULL);
    }
}

// What control lists, when nothing is under way: the live dialogs of the model, each in its state.
static void check_list(void)
{
    static const char *const states[] = {"", "none", "early", "confirmed", "terminating", "terminated"};
    const struct ua *ua = &world.rpc.control.ua;
    for (unsigned i = 0; i < plane.call_count; i++) {
        const struct plane_call *call = &plane.calls[i];
        const struct ua_call *known = ua_call_by_handle(ua, call->handle);
        CHECK(call->live == (known != NULL && !known->over));
        if (known == NULL)
            continue;
        CHECK(known->by_id.key == call->id && known->app->number == call->application);
        CHECK(known->over || known->state == call->state);
        CHECK(known->callee == call->callee && known->state < sizeof(states) / sizeof(states[0]));
    }
    const struct ua_call *known;
    LIST_FOREACH(known, &ua->calls, link)
    CHECK(known->over || known->by_handle.key != 0);
    check_claims();
}

static void far_end_step(unsigned what, unsigned one, unsigned other)
{
    static const unsigned statuses[] = {100, 180, 183, 200, 200, 202, 302, 401, 407,
                                        422, 481, 486, 491, 500, 503, 603, 0};
    static const char *const lines[] = {
        "",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n",
        "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
        "Contact: <sip:d@z>, <sip:e@z>;q=0.5\r\n",
        "Min-SE: 300\r\n",
        "Retry-After: 1\r\n",
        "Refer-Sub: false\r\n",
        "Allow: INVITE, UPDATE\r\n"};
    static const enum channel_ua_kind kinds[] = {CHANNEL_UA_RETRY, CHANNEL_UA_REFRESH, CHANNEL_UA_EXTEND,
                                                 CHANNEL_UA_RESYNC};
    struct plane_call *call = plane.call_count > 0 ? plane_live(&plane, one) : NULL;
    if (what == 0)
        plane_respond(&plane, one, statuses[other % 17], lines[other / 17 % 8]);
    else if (what == 1)
        plane_call_in(&plane, one % 4 == 0 ? world.robot : world.desk, "");
    else if (what == 2)
        plane_ask(&plane, other % 32 == 31 ? NULL : call, &asked[other % 16]);
    else if (call != NULL && what == 3)
        plane_cancel(&plane, call);
    else if (call != NULL && what == 4)
        plane_hang_up(&plane, call);
    else if (call != NULL && what == 5)
        plane_fork(&plane, call);
    else if (call != NULL && what == 6)
        plane_tell(&plane, call, kinds[other % 4]);
    else if (call != NULL && call->state == CHANNEL_DIALOG_TERMINATING)
        plane_change(&plane, call, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE_DONE);
}

// Steps whose first octet has the highest bit.
static void further_step(unsigned what, unsigned one, unsigned other)
{
    const struct plane_call *call = plane.call_count > 0 ? plane_live(&plane, one) : NULL;
    if (what == 0)
        lose_client();
    else if (what == 1)
        plane_lose(&plane);
    else if (what < 5 && call != NULL)
        plane_call_replacing(&plane, call, other % 2 != 0);
    else if (what == 5)
        ask_operator(one, other);
    else if (what == 6)
        plane_pass(&plane, one, other);
    else if (what == 7)
        pass(2100); // claims are renewed
}

static void step(const uint8_t *octets)
{
    static const int results[] = {ENOENT, EPROTO, EALREADY, EINVAL, ENOSPC, EBUSY, ENETUNREACH, EAGAIN};
    static const uint64_t pauses[] = {100, 1000, 16000, 21000, 41000, 181000, 241000, 3601000};
    unsigned what = octets[0] % 16, one = octets[1], other = octets[2];
    if (octets[0] >= 128)
        further_step(what % 8, one, other);
    else if (what < 6)
        ask(one, other % 16, other / 16);
    else if (what < 9)
        plane_do(&plane, other >= 240 ? -results[other % 8] : 0);
    else if (what < 15)
        far_end_step(what == 14 ? 3 + one % 5 : what - 9 < 3 ? what - 9 : 2 * (what % 2), one, other);
    else
        pass(pauses[one % 8]);
}

static void begin(void)
{
    static bool open;
    if (!open)
        CHECK(ua_world_open(
                  &world,
                  " - {name: desk, listener: edge, refer: ask, refer_targets: [\"@z\"], retry: once}\n"
                  " - {name: robot, refer: accept, refer_targets: [\"@z\"], retry: once}\n"
                  "retry: [{name: once, count: 0}]\n") == 0);
    if (!open)
        json_decref(ua_result(&world, "ua.attach", "{\"application\":\"desk\"}"));
    open = true;
    plane_begin(&plane, &world);
    transfer_count = ended_count = 0;
    memset(transfers, 0, sizeof(transfers));
}

static void end(void)
{
    struct control *control = &world.rpc.control;
    for (unsigned i = 0; i < 400; i++) {
        struct plane_call *call = plane.call_count > 0 ? plane_live(&plane, 0) : NULL;
        if (plane_do(&plane, 0)) {
        } else if (call != NULL) {
            call->placed = 0;
            plane_change(&plane, call, CHANNEL_DIALOG_TERMINATED, CHANNEL_REASON_BYE);
        } else if (plane.sent_count > 0) {
            plane_respond(&plane, 0, 481, "");
        } else if (control->transfers.count > 0 || control->ua.requests.count > 0 ||
                   control->operators.count > 0 || !TAILQ_EMPTY(&control->referrals.open)) {
            pass(3601000);
        } else {
            break;
        }
        turn();
    }
    CHECK(answered_count == asked_id);
    CHECK(LIST_EMPTY(&control->ua.calls) && control->ua.handles.count == 0 && control->ua.ids.count == 0);
    CHECK(control->ua.numbers.count == 0 && control->ua.requests.count == 0 && control->ua.tags.count == 0);
    CHECK(control->transfers.count == 0 && LIST_EMPTY(&control->transfers.list));
    CHECK(LIST_EMPTY(&control->transfers.replacements));
    CHECK(control->operators.count == 0 && TAILQ_EMPTY(&control->referrals.open));
    plane_end(&plane);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    for (unsigned steps = 0; steps < STEPS_MAX && size >= 3; steps++, data += 3, size -= 3) {
        step(data);
        turn();
        if (plane.command_count == 0)
            check_list();
    }
    end();
    return 0;
}
