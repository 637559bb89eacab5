// SPDX-License-Identifier: BSD-3-Clause
// REFERs that applications send.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dialog.h"
#include "handlers.h"
#include "ua.h"

static const char *const methods[] = {"INVITE", "BYE", NULL};

#define TEXT_MAX 2000

// clang-format off
const struct rpc_param refer_send_params[] = {
    {"dialog", RPC_TEXT, false, 16, 16, NULL, "whom to refer: the far end of this dialog"},
    {"outside", RPC_BOOLEAN, false, 0, 0, NULL, "with dialog: in a dialog of its own, with Target-Dialog (RFC 4538)"},
    {"uri", RPC_TEXT, false, 1, TEXT_MAX, NULL, "without dialog: whom to refer"},
    {"application", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "without dialog: that refers; without it, the one this client is attached to"},
    {"from", RPC_TEXT, false, 1, TEXT_MAX, NULL, "without dialog: URI or name-addr; without it, made of the application"},
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "without dialog: to this peer; without it, by the routes from the application"},
    {"member", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "address:port of one of its members; without it, by balance"},
    {"user", RPC_TEXT, false, 1, 255, NULL, "without dialog: answers 401 and 407"},
    {"password", RPC_TEXT, false, 0, 255, NULL, "of the user"},
    {"realm", RPC_TEXT, false, 1, 255, NULL, "whose challenges alone are answered"},
    {"to", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI to call; without it, the far end of replaces"},
    {"replaces", RPC_TEXT, false, 16, 16, NULL, "id of the dialog whose place the new call takes (RFC 3891)"},
    {"early_only", RPC_BOOLEAN, false, 0, 0, NULL, "only while that dialog is early"},
    {"method", RPC_CHOICE, false, 0, 0, methods, "of the request that is asked for (INVITE)"},
    {"referred_by", RPC_TEXT, false, 1, TEXT_MAX, NULL, "Referred-By (RFC 3892)"},
    {"subscribe", RPC_BOOLEAN, false, 0, 0, NULL, "false: no NOTIFYs, Refer-Sub: false (RFC 4488)"},
    {"headers", RPC_PAIRS, false, 0, 100, NULL, "header fields, [[name, value], ...]"},
    {"tag", RPC_TEXT, false, 0, UA_LABEL_MAX, NULL, "repeated in every event about this transfer"},
    {0},
};
// clang-format on

static void on_sent(void *context, const struct ua_outcome *outcome)
{
    struct rpc_call *call = context;
    char id[UA_ID_SIZE];
    if (outcome->code != DG_OK)
        rpc_fail(call, outcome->code, "%s", outcome->text);
    else
        rpc_reply(call, json_pack("{s:s}", "refer", ua_id(outcome->request, id)));
}

// --- what the data plane knows of dialogs: the one to refer in, the one to replace ---

enum { SUBJECT, REPLACED, NAMED };

struct named {
    uint64_t id; // its handle; 0: nobody asks for it
    bool callee, found;
    char *texts[CHANNEL_TEXT_COUNT];
};

struct sending {
    struct rpc_call *call;
    struct named named[NAMED];
    unsigned at; // the next of them
};

static void free_sending(struct sending *sending)
{
    for (unsigned i = 0; i < NAMED; i++)
        for (unsigned k = 0; k < CHANNEL_TEXT_COUNT; k++)
            free(sending->named[i].texts[k]);
    free(sending);
}

static const char *local_tag(const struct named *named)
{
    return named->texts[named->callee ? CHANNEL_TEXT_CALLEE_TAG : CHANNEL_TEXT_CALLER_TAG];
}

static const char *remote_tag(const struct named *named)
{
    return named->texts[named->callee ? CHANNEL_TEXT_CALLER_TAG : CHANNEL_TEXT_CALLEE_TAG];
}

// The URI of the far end's Contact.
static const char *target_of(const struct named *named)
{
    char *target = named->texts[named->callee ? CHANNEL_TEXT_CALLER_TARGET : CHANNEL_TEXT_CALLEE_TARGET];
    char *open = strchr(target, '<'), *close = open ? strchr(open, '>') : NULL;
    if (close)
        *close = '\0';
    return close ? open + 1 : target;
}

static void send_order(struct sending *sending, struct refer_order *order, struct transfer_wish *wish)
{
    struct rpc_call *call = sending->call;
    struct ua_fault fault;
    wish->order = order;
    wish->headers = rpc_list(call, "headers");
    wish->label = rpc_text(call, "tag");
    wish->reply = (struct ua_reply){on_sent, call};
    order->method = rpc_text(call, "method");
    order->referred_by = rpc_text(call, "referred_by");
    order->early_only = rpc_boolean(call, "early_only");
    order->silent = rpc_is_false(call, "subscribe");
    if (order->referred_by && strpbrk(order->referred_by, "\r\n"))
        rpc_fail(call, DG_INVALID_PARAMS, "referred_by holds a line end");
    else if (transfer_send(&rpc_control(call)->ua, wish, &fault) < 0)
        rpc_fail(call, fault.code, "%s", fault.text);
}

// Whom to refer. False: the call is answered.
static bool find_way(struct sending *sending, struct refer_order *order, struct transfer_wish *wish)
{
    struct rpc_call *call = sending->call;
    const struct named *subject = &sending->named[SUBJECT];
    struct ua_wish way = ua_wish(CHANNEL_UA_NO_OP);
    if (rpc_text(call, "dialog")) {
        const bool outside = rpc_boolean(call, "outside");
        struct ua_call *dialog = rpc_ua_dialog(call);
        wish->call = outside ? NULL : dialog;
        if (!dialog || wish->call)
            return dialog != NULL; // NULL: the call is answered, and its texts are gone
        wish->app = dialog->app;
        wish->uri = target_of(subject);
        if (!*wish->uri) {
            rpc_fail(call, DG_INVALID_STATE, "the Contact of the far end is not known");
            return false;
        }
        wish->peer = dialog->peer;
        wish->member = NUMBER_NONE;
        order->about = subject->texts[CHANNEL_TEXT_CALL_ID];
        order->about_local = remote_tag(subject); // as the far end has them
        order->about_remote = local_tag(subject);
        return true;
    }
    wish->app = rpc_ua_app(call);
    if (!wish->app || !rpc_ua_peer(call, &way) || !rpc_ua_has_plain_credentials(call))
        return false;
    wish->uri = rpc_text(call, "uri");
    wish->from = rpc_text(call, "from");
    wish->user = rpc_text(call, "user");
    wish->password = rpc_text(call, "password");
    wish->realm = rpc_text(call, "realm");
    wish->peer = way.peer;
    wish->member = way.member;
    return true;
}

static bool check_named(struct sending *sending)
{
    for (unsigned i = 0; i < NAMED; i++) {
        const struct named *named = &sending->named[i];
        bool whole = named->found;
        for (unsigned k = 0; k < CHANNEL_TEXT_COUNT; k++)
            whole = whole && named->texts[k];
        if (named->id && !whole) {
            rpc_fail(sending->call, DG_NOT_FOUND, "the data plane does not have the dialog of %s",
                     i == SUBJECT ? "dialog" : "replaces");
            return false;
        }
        if (named->id && (!*local_tag(named) || !*remote_tag(named))) {
            rpc_fail(sending->call, DG_INVALID_STATE, "the dialog of %s has no tags yet",
                     i == SUBJECT ? "dialog" : "replaces");
            return false;
        }
    }
    return true;
}

static void finish(struct sending *sending)
{
    const struct named *replaced = &sending->named[REPLACED];
    struct refer_order order = {.uri = rpc_text(sending->call, "to")};
    struct transfer_wish wish = {0};
    if (!check_named(sending))
        return;
    if (replaced->id) {
        // The tags as the far end has them (RFC 3891 section 3): to-tag is its own.
        order.call_id = replaced->texts[CHANNEL_TEXT_CALL_ID];
        order.to_tag = remote_tag(replaced);
        order.from_tag = local_tag(replaced);
        order.uri = order.uri ? order.uri : target_of(replaced);
    }
    if (find_way(sending, &order, &wish))
        send_order(sending, &order, &wish);
}

static void next(struct sending *sending);

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct sending *sending = context;
    struct named *named = &sending->named[sending->at];
    if (named->found)
        return;
    named->found = true;
    for (unsigned i = 0; i < CHANNEL_TEXT_COUNT; i++) {
        named->texts[i] = strndup(text, row->text_lengths[i]);
        text += row->text_lengths[i];
    }
}

static void on_named(void *context, const struct channel_done *done)
{
    struct sending *sending = context;
    sending->at++;
    next(sending);
}

static void next(struct sending *sending)
{
    const struct channel_answer answer = {on_row, on_named, sending, NULL};
    while (sending->at < NAMED && !sending->named[sending->at].id)
        sending->at++;
    if (sending->at == NAMED) {
        finish(sending);
        free_sending(sending);
        return;
    }
    struct channel_dialog_select select = {.handle = sending->named[sending->at].id};
    int result = dialog_ask(rpc_control(sending->call), CHANNEL_DIALOG_SHOW, &select, &answer);
    if (result < 0) {
        rpc_fail_errno(sending->call, result, NULL);
        free_sending(sending);
    }
}

static void want(struct named *named, const struct ua_call *call)
{
    named->id = call->by_handle.key;
    named->callee = call->callee;
}

// The dialogs that parameters name. False: the call is answered.
static bool find_dialogs(struct rpc_call *call, struct sending *sending)
{
    const char *replaces = rpc_text(call, "replaces");
    const bool inside = rpc_text(call, "dialog") != NULL;
    const struct ua_call *own = inside ? rpc_ua_dialog(call) : NULL;
    const struct ua_app *app = inside ? (own ? own->app : NULL) : rpc_ua_app(call);
    uint64_t id;
    if (!app)
        return false;
    if (own && rpc_boolean(call, "outside"))
        want(&sending->named[SUBJECT], own);
    if (!replaces)
        return true;
    const struct ua_call *other =
        dialog_handle(replaces, &id) ? ua_call_by_id(&rpc_control(call)->ua, id) : NULL;
    if (!other || other->app != app || other == own) {
        rpc_fail(call, DG_NOT_FOUND, "replaces is no other dialog of this application");
        return false;
    }
    want(&sending->named[REPLACED], other);
    return true;
}

void rpc_refer_send(struct rpc_call *call)
{
    const bool inside = rpc_text(call, "dialog") != NULL;
    if (!rpc_text(call, "replaces") && !rpc_text(call, "to")) {
        rpc_fail(call, DG_INVALID_PARAMS, "to or replaces must be there");
        return;
    }
    if (inside == (rpc_text(call, "uri") != NULL)) {
        rpc_fail(call, DG_INVALID_PARAMS, "give dialog, or uri for a REFER outside dialogs");
        return;
    }
    struct sending *sending = calloc(1, sizeof(*sending));
    if (!sending) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    sending->call = call;
    if (find_dialogs(call, sending))
        next(sending);
    else
        free_sending(sending);
}
