// SPDX-License-Identifier: BSD-3-Clause
// The methods of applications that send something.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "handlers.h"
#include "ua.h"

void rpc_ua_call(struct rpc_call *call)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_INVITE);
    wish.app = rpc_ua_app(call);
    if (!wish.app || !rpc_ua_peer(call, &wish))
        return;
    wish.to = rpc_text(call, "to");
    wish.from = rpc_text(call, "from");
    wish.context = rpc_text(call, "context");
    wish.late_ack = rpc_boolean(call, "late_ack");
    wish.redirects = (uint32_t)rpc_integer(call, "redirect", 0);
    wish.timeout_ms = (uint32_t)rpc_integer(call, "timeout_ms", 0);
    wish.session_s = (uint16_t)rpc_integer(call, "session_expires", 0);
    rpc_ua_do(call, &wish);
}

static void respond(struct rpc_call *call, int64_t otherwise, const char *extra)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_RESPOND);
    wish.request = rpc_ua_request(call);
    if (!wish.request)
        return;
    wish.status = (uint16_t)rpc_integer(call, "status", otherwise);
    wish.reliable = rpc_boolean(call, "reliable");
    wish.extra = extra;
    rpc_ua_do(call, &wish);
}

void rpc_ua_progress(struct rpc_call *call)
{
    respond(call, 180, NULL);
}

void rpc_ua_answer(struct rpc_call *call)
{
    respond(call, 200, NULL);
}

void rpc_ua_reject(struct rpc_call *call)
{
    respond(call, 486, NULL);
}

void rpc_ua_respond(struct rpc_call *call)
{
    respond(call, 200, NULL);
}

// Contact of a 3xx is the targets (RFC 3261 8.3), one a value.
void rpc_ua_redirect(struct rpc_call *call)
{
    const json_t *targets = rpc_list(call, "targets");
    char contact[8192];
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const char *target = json_string_value(json_array_get(targets, i));
        bool bare = target[0] != '<' && target[0] != '"';
        int length = snprintf(contact + used, sizeof(contact) - used, "%s%s%s%s", i ? ", " : "",
                              bare ? "<" : "", target, bare ? ">" : "");
        if (length < 0 || (size_t)length >= sizeof(contact) - used) {
            rpc_fail(call, DG_INVALID_PARAMS, "targets: longer than %zu octets", sizeof(contact));
            return;
        }
        used += (size_t)length;
    }
    struct ua_wish wish = ua_wish(CHANNEL_UA_RESPOND);
    wish.request = rpc_ua_request(call);
    if (!wish.request)
        return;
    wish.status = (uint16_t)rpc_integer(call, "status", 302);
    wish.targets = contact;
    rpc_ua_do(call, &wish);
}

// RFC 3326 section 2. False: the call is answered.
static bool reason_of(struct rpc_call *call, char *line, size_t size)
{
    const char *protocol = rpc_text(call, "protocol"), *text = rpc_text(call, "text");
    int64_t cause = rpc_integer(call, "cause", -1);
    int length = 0;
    line[0] = '\0';
    if (!protocol && !text && cause < 0)
        return true;
    protocol = protocol ? protocol : "SIP";
    bool good = strspn(protocol, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") ==
                    strlen(protocol) &&
                (!text || strpbrk(text, "\"\\\r\n") == NULL);
    if (good && cause >= 0)
        length = snprintf(line, size, "Reason: %s;cause=%" PRId64, protocol, cause);
    else if (good)
        length = snprintf(line, size, "Reason: %s", protocol);
    if (good)
        snprintf(line + length, size - (size_t)length, "%s%s%s\r\n", text ? ";text=\"" : "", text ? text : "",
                 text ? "\"" : "");
    else
        rpc_fail(call, DG_INVALID_PARAMS,
                 "protocol must be a token, text may hold no quote, backslash or line end");
    return good;
}

static void end(struct rpc_call *call, enum channel_ua_op op)
{
    struct ua_wish wish = ua_wish(op);
    char reason[512];
    wish.call = rpc_ua_dialog(call);
    if (!wish.call || !reason_of(call, reason, sizeof(reason)))
        return;
    wish.status = (uint16_t)rpc_integer(call, "status", op == CHANNEL_UA_END ? 480 : 0);
    wish.extra = reason;
    rpc_ua_do(call, &wish);
}

void rpc_ua_terminate(struct rpc_call *call)
{
    end(call, CHANNEL_UA_END);
}

void rpc_ua_cancel(struct rpc_call *call)
{
    end(call, CHANNEL_UA_CANCEL);
}

void rpc_ua_close(struct rpc_call *call)
{
    end(call, CHANNEL_UA_RELEASE);
}

void rpc_ua_ack(struct rpc_call *call)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_ACK);
    wish.call = rpc_ua_dialog(call);
    if (wish.call)
        rpc_ua_do(call, &wish);
}

static void change(struct rpc_call *call, const char *method)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_REQUEST);
    wish.method = method;
    wish.late_ack = rpc_boolean(call, "late_ack");
    wish.call = rpc_ua_dialog(call); // which may answer the call: nothing is read of it afterwards
    if (wish.call)
        rpc_ua_do(call, &wish);
}

void rpc_ua_reinvite(struct rpc_call *call)
{
    change(call, "INVITE");
}

void rpc_ua_update(struct rpc_call *call)
{
    change(call, "UPDATE");
}

static void hold(struct rpc_call *call, bool on)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_REQUEST);
    char *made = NULL;
    wish.call = rpc_ua_dialog(call);
    wish.method = "INVITE";
    if (!wish.call)
        return;
    if (!rpc_text(call, "body")) {
        made = ua_session_description(wish.call, on, &wish.body_length);
        wish.body = made;
        wish.content_type = "application/sdp";
        if (!made) {
            rpc_fail(call, DG_INVALID_STATE, "no description was sent in this dialog; give one as body");
            return;
        }
    }
    rpc_ua_do(call, &wish);
    free(made);
}

void rpc_ua_hold(struct rpc_call *call)
{
    hold(call, true);
}

void rpc_ua_unhold(struct rpc_call *call)
{
    hold(call, false);
}

// What would upset the state that others keep here.
static bool is_general(const char *method)
{
    static const char *const others[] = {"INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "UPDATE", NULL};
    unsigned i = 0;
    while (others[i] && strcmp(others[i], method) != 0)
        i++;
    return !others[i];
}

static bool subscribes(const char *method)
{
    return strcmp(method, "SUBSCRIBE") == 0 || strcmp(method, "REFER") == 0;
}

void rpc_ua_request_send(struct rpc_call *call)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_REQUEST);
    wish.method = rpc_text(call, "method");
    if (!is_general(wish.method)) {
        rpc_fail(call, DG_INVALID_PARAMS, "%s has a method of its own", wish.method);
        return;
    }
    if (rpc_text(call, "dialog")) {
        wish.call = rpc_ua_dialog(call);
        if (wish.call && subscribes(wish.method)) {
            wish.call->subscribes = true;
            ua_call_keep(&rpc_control(call)->ua, wish.call);
        }
        if (wish.call)
            rpc_ua_do(call, &wish);
        return;
    }
    wish.to = rpc_text(call, "to");
    wish.from = rpc_text(call, "from");
    wish.redirects = (uint32_t)rpc_integer(call, "redirect", 0);
    if (!wish.to)
        rpc_fail(call, DG_INVALID_PARAMS, "dialog or to is missing");
    else if ((wish.app = rpc_ua_app(call)) && rpc_ua_peer(call, &wish))
        rpc_ua_do(call, &wish);
}

static void on_registering(void *context, const struct ua_outcome *outcome)
{
    struct rpc_call *call = context;
    char id[UA_ID_SIZE];
    if (outcome->code != DG_OK)
        rpc_fail(call, outcome->code, "%s", outcome->text);
    else
        rpc_reply(call, json_pack("{s:s}", "request", ua_id(outcome->request, id)));
}

static void do_register(struct rpc_call *call, uint32_t expires_s)
{
    const struct ua_reply reply = {on_registering, call};
    struct ua_wish way = ua_wish(CHANNEL_UA_REQUEST);
    struct ua_fault fault;
    struct ua_registration_wish wish = {.registrar = rpc_text(call, "registrar"),
                                        .aor = rpc_text(call, "aor"),
                                        .contact = rpc_text(call, "contact"),
                                        .user = rpc_text(call, "user"),
                                        .password = rpc_text(call, "password"),
                                        .realm = rpc_text(call, "realm"),
                                        .label = rpc_text(call, "tag"),
                                        .expires_s = expires_s};
    wish.app = rpc_ua_app(call);
    if (!wish.app || !rpc_ua_peer(call, &way) || !rpc_ua_has_plain_credentials(call))
        return;
    wish.peer = way.peer;
    if (ua_register(&rpc_control(call)->ua, &wish, &reply, &fault) < 0)
        rpc_fail(call, fault.code, "%s", fault.text);
}

void rpc_ua_register(struct rpc_call *call)
{
    do_register(call, (uint32_t)rpc_integer(call, "expires", 3600));
}

void rpc_ua_unregister(struct rpc_call *call)
{
    do_register(call, 0);
}
