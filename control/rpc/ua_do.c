// SPDX-License-Identifier: BSD-3-Clause
// A method of an application becomes a wish (../ua/ua.h) and is answered when the data plane has taken it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dialog.h"
#include "text.h"
#include "ua.h"

// An attachment narrows what a client may touch to its own application.
static bool is_foreign(const struct rpc_call *call, const struct ua_app *app)
{
    const struct ua_app *own = rpc_attached(call);
    return own && own != app;
}

struct ua_app *rpc_ua_app(struct rpc_call *call)
{
    const char *name = rpc_text(call, "application");
    struct ua_app *app = name ? ua_app_find(&rpc_control(call)->ua, name) : rpc_attached(call);
    if (app && !is_foreign(call, app))
        return app;
    if (app)
        rpc_fail(call, DG_DENIED, "this client is attached to another application");
    else if (name)
        rpc_fail(call, DG_NOT_FOUND, "no application is called %.64s; application.list names them", name);
    else
        rpc_fail(call, DG_INVALID_PARAMS, "application is missing: this client is attached to none");
    return NULL;
}

static struct ua_call *find_dialog(struct rpc_call *call, const char *text)
{
    uint64_t id;
    struct ua_call *found = dialog_handle(text, &id) ? ua_call_by_id(&rpc_control(call)->ua, id) : NULL;
    if (found && !is_foreign(call, found->app))
        return found;
    if (found)
        rpc_fail(call, DG_DENIED, "the dialog is another application's");
    else
        rpc_fail(call, DG_NOT_FOUND, "no application has a dialog %.16s; ua.list names them", text);
    return NULL;
}

struct ua_call *rpc_ua_dialog(struct rpc_call *call)
{
    return find_dialog(call, rpc_text(call, "dialog"));
}

struct ua_request *rpc_ua_request(struct rpc_call *call)
{
    const char *text = rpc_text(call, "request");
    uint64_t id = 0;
    if (!text) {
        struct ua_call *dialog = rpc_ua_dialog(call);
        if (dialog && !dialog->invite)
            rpc_fail(call, DG_INVALID_TRANSITION, "no INVITE waits for an answer in this dialog");
        return dialog ? dialog->invite : NULL;
    }
    struct ua_request *request =
        dialog_handle(text, &id) ? ua_request_find(&rpc_control(call)->ua, id) : NULL;
    if (request && !is_foreign(call, request->app))
        return request;
    if (request)
        rpc_fail(call, DG_DENIED, "the request is another application's");
    else
        rpc_fail(call, DG_TRANSACTION_GONE, "%s", dg_code_text(DG_TRANSACTION_GONE));
    return NULL;
}

static uint16_t find_member(const struct control *control, uint16_t peer, const char *name)
{
    for (uint32_t number = 0; number < MEMBERS_MAX; number++) {
        struct ip_address address;
        uint16_t port;
        uint32_t of;
        char text[ADDRESS_TEXT_SIZE];
        if (manifest_member_name(control->manifest, number, &of, &address, &port) == 0 && of == peer &&
            strcmp(text_address(&address, port, text), name) == 0)
            return (uint16_t)number;
    }
    return NUMBER_NONE;
}

bool rpc_ua_peer(struct rpc_call *call, struct ua_wish *wish)
{
    const char *peer = rpc_text(call, "peer"), *member = rpc_text(call, "member");
    int number = peer ? dialog_find_peer(rpc_control(call), peer) : (int)NUMBER_NONE;
    wish->peer = number < 0 ? NUMBER_NONE : (uint16_t)number;
    wish->member =
        peer && member && number >= 0 ? find_member(rpc_control(call), wish->peer, member) : NUMBER_NONE;
    if (number < 0)
        rpc_fail(call, DG_NOT_FOUND, "no peer is called %.64s; peer.list names them", peer);
    else if (member && !peer)
        rpc_fail(call, DG_INVALID_PARAMS, "member needs peer");
    else if (member && wish->member == NUMBER_NONE)
        rpc_fail(call, DG_NOT_FOUND, "%.64s has no member %.64s; peer.show names them", peer, member);
    else
        return true;
    return false;
}

static void add_message(json_t *result, const struct message *message)
{
    json_object_set_new(result, "call_id",
                        ua_text_json(message_at(message, message->call_id), message->call_id.length));
    json_object_set_new(result, "local_tag",
                        ua_text_json(message_at(message, message->from_tag), message->from_tag.length));
}

static void on_done(void *context, const struct ua_outcome *outcome)
{
    struct rpc_call *call = context;
    char id[UA_ID_SIZE];
    if (outcome->code != DG_OK) {
        rpc_fail(call, outcome->code, "%s", outcome->text);
        return;
    }
    json_t *result = json_object();
    if (outcome->call)
        json_object_set_new(result, "dialog", json_string(ua_id(outcome->call->by_id.key, id)));
    if (outcome->request)
        json_object_set_new(result, "request", json_string(ua_id(outcome->request, id)));
    if (outcome->message)
        add_message(result, outcome->message);
    rpc_reply(call, result);
}

bool rpc_ua_read_body(struct rpc_call *call, struct ua_wish *wish, char **made)
{
    const char *body = rpc_text(call, "body");
    *made = NULL;
    if (wish->body || !body)
        return true;
    wish->body = body;
    wish->body_length = strlen(body);
    if (!rpc_boolean(call, "body_base64"))
        return true;
    *made = ua_base64_octets(body, wish->body_length, &wish->body_length);
    wish->body = *made;
    if (!*made)
        rpc_fail(call, DG_INVALID_PARAMS, "body is not base64");
    return *made != NULL;
}

// Quoted strings of Authorization; who has such a name would have to be known by its escaped form.
static bool is_plain(const char *text)
{
    return !text || strpbrk(text, "\"\\\r\n") == NULL;
}

bool rpc_ua_has_plain_credentials(struct rpc_call *call)
{
    if (is_plain(rpc_text(call, "user")) && is_plain(rpc_text(call, "password")) &&
        is_plain(rpc_text(call, "realm")))
        return true;
    rpc_fail(call, DG_INVALID_PARAMS, "user, password and realm may hold no quote, backslash or line end");
    return false;
}

void rpc_ua_do(struct rpc_call *call, struct ua_wish *wish)
{
    const struct ua_reply reply = {on_done, call};
    struct config_retry_view policy;
    struct ua_fault fault;
    char *made;
    wish->reason = wish->reason ? wish->reason : rpc_text(call, "reason");
    wish->headers = rpc_list(call, "headers");
    wish->content_type = wish->content_type ? wish->content_type : rpc_text(call, "content_type");
    wish->contact = wish->contact ? wish->contact : rpc_text(call, "contact");
    wish->label = rpc_text(call, "tag");
    wish->user = rpc_text(call, "user");
    wish->password = rpc_text(call, "password");
    wish->realm = rpc_text(call, "realm");
    wish->retry = rpc_text(call, "retry");
    if (!rpc_ua_has_plain_credentials(call))
        return;
    if (wish->retry && !config_retry_view(rpc_control(call)->active.config, wish->retry, &policy)) {
        rpc_fail(call, DG_NOT_FOUND, "retry: no policy is called %.64s", wish->retry);
        return;
    }
    if (!rpc_ua_read_body(call, wish, &made))
        return;
    if (ua_do(&rpc_control(call)->ua, wish, &reply, &fault) < 0)
        rpc_fail(call, fault.code, "%s", fault.text);
    free(made);
}
