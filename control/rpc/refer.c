// SPDX-License-Identifier: BSD-3-Clause
// Transfers (../refer): sent, answered, listed.
#include <stdlib.h>
#include <string.h>
#include "dialog.h"
#include "handlers.h"
#include "ua.h"

static const char *const methods[] = {"INVITE", "BYE", NULL};

#define TEXT_MAX 2000

// clang-format off
const struct rpc_param refer_send_params[] = {
    {"dialog", RPC_TEXT, true, 16, 16, NULL, "whom to refer: id of a dialog"},
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
const struct rpc_param refer_answer_params[] = {
    {"refer", RPC_TEXT, true, 16, 16, NULL, "id of a transfer"},
    {"accept", RPC_BOOLEAN, true, 0, 0, NULL, "true: Dialgate calls whom the REFER names"},
    {"status", RPC_INTEGER, false, 300, 699, NULL, "when it is not accepted (603)"},
    {0},
};
const struct rpc_param refer_notify_params[] = {
    {"refer", RPC_TEXT, true, 16, 16, NULL, "id of a transfer"},
    {"status", RPC_INTEGER, true, 100, 699, NULL, "of the call that the program makes"},
    {"reason", RPC_TEXT, false, 0, 100, NULL, "its phrase"},
    {"final", RPC_BOOLEAN, false, 0, 0, NULL, "the last that is said; so is a final status"},
    {0},
};
// clang-format on

static struct transfer *find(struct rpc_call *call)
{
    uint64_t id;
    struct ua_app *own = rpc_attached(call);
    struct transfer *transfer =
        dialog_handle(rpc_text(call, "refer"), &id) ? transfer_find(&rpc_control(call)->ua, id) : NULL;
    if (transfer && (!own || own == transfer->app))
        return transfer;
    if (transfer)
        rpc_fail(call, DG_DENIED, "the transfer is another application's");
    else
        rpc_fail(call, DG_NOT_FOUND, "no transfer is called so; refer.list names them");
    return NULL;
}

void rpc_refer_answer(struct rpc_call *call)
{
    const bool accept = rpc_boolean(call, "accept");
    struct transfer *transfer = find(call);
    if (!transfer)
        return;
    const uint64_t dialog = transfer->dialog; // which a refusal forgets
    char id[UA_ID_SIZE];
    enum dg_code code =
        transfer_answer(&rpc_control(call)->ua, transfer, accept, (uint16_t)rpc_integer(call, "status", 603));
    if (code != DG_OK)
        rpc_fail(call, code, "it is answered already");
    else
        rpc_reply(call, json_pack("{s:b, s:s}", "accepted", accept, "dialog", ua_id(dialog, id)));
}

void rpc_refer_notify(struct rpc_call *call)
{
    const char *reason = rpc_text(call, "reason");
    const unsigned status = (unsigned)rpc_integer(call, "status", 100);
    struct transfer *transfer = find(call);
    if (!transfer)
        return;
    if (reason && strpbrk(reason, "\r\n"))
        rpc_fail(call, DG_INVALID_PARAMS, "reason holds a line end");
    else if (transfer_report(&rpc_control(call)->ua, transfer, status, reason, rpc_boolean(call, "final")) !=
             DG_OK)
        rpc_fail(call, DG_INVALID_TRANSITION, "Dialgate makes the call of this transfer, or it is over");
    else
        rpc_reply(call, json_object());
}

static void on_sent(void *context, const struct ua_outcome *outcome)
{
    struct rpc_call *call = context;
    char id[UA_ID_SIZE];
    if (outcome->code != DG_OK)
        rpc_fail(call, outcome->code, "%s", outcome->text);
    else
        rpc_reply(call, json_pack("{s:s}", "refer", ua_id(outcome->request, id)));
}

static void send_order(struct rpc_call *call, struct refer_order *order)
{
    struct ua_fault fault;
    struct transfer_wish wish = {.order = order,
                                 .headers = rpc_list(call, "headers"),
                                 .label = rpc_text(call, "tag"),
                                 .reply = {on_sent, call}};
    wish.call = rpc_ua_dialog(call); // which may answer the call
    if (!wish.call)
        return;
    order->method = rpc_text(call, "method");
    order->referred_by = rpc_text(call, "referred_by");
    order->early_only = rpc_boolean(call, "early_only");
    order->silent = rpc_is_false(call, "subscribe");
    if (order->referred_by && strpbrk(order->referred_by, "\r\n"))
        rpc_fail(call, DG_INVALID_PARAMS, "referred_by holds a line end");
    else if (transfer_send(&rpc_control(call)->ua, &wish, &fault) < 0)
        rpc_fail(call, fault.code, "%s", fault.text);
}

// --- replaces: the data plane knows the dialog's names ---

struct naming {
    struct rpc_call *call;
    bool callee, found;
    char *texts[CHANNEL_TEXT_COUNT];
};

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct naming *naming = context;
    if (naming->found)
        return;
    naming->found = true;
    for (unsigned i = 0; i < CHANNEL_TEXT_COUNT; i++) {
        naming->texts[i] = strndup(text, row->text_lengths[i]);
        text += row->text_lengths[i];
    }
}

static const char *bare(char *target)
{
    char *open = strchr(target, '<'), *close = open ? strchr(open, '>') : NULL;
    if (close)
        *close = '\0';
    return close ? open + 1 : target;
}

static void on_named(void *context, const struct channel_done *done)
{
    struct naming *naming = context;
    char **texts = naming->texts;
    bool callee = naming->callee;
    // The tags as the far end has them (RFC 3891 section 3): to-tag is its own.
    struct refer_order order = {.call_id = texts[CHANNEL_TEXT_CALL_ID],
                                .to_tag = texts[callee ? CHANNEL_TEXT_CALLER_TAG : CHANNEL_TEXT_CALLEE_TAG],
                                .from_tag =
                                    texts[callee ? CHANNEL_TEXT_CALLEE_TAG : CHANNEL_TEXT_CALLER_TAG]};
    char *target = texts[callee ? CHANNEL_TEXT_CALLER_TARGET : CHANNEL_TEXT_CALLEE_TARGET];
    order.uri = rpc_text(naming->call, "to");
    if (!naming->found || !order.call_id || !order.to_tag || !order.from_tag || !target)
        rpc_fail(naming->call, DG_NOT_FOUND, "the data plane does not have the dialog of replaces");
    else if (!*order.to_tag || !*order.from_tag)
        rpc_fail(naming->call, DG_INVALID_STATE, "the dialog of replaces has no tags yet");
    else {
        order.uri = order.uri ? order.uri : bare(target);
        send_order(naming->call, &order);
    }
    for (unsigned i = 0; i < CHANNEL_TEXT_COUNT; i++)
        free(texts[i]);
    free(naming);
}

void rpc_refer_send(struct rpc_call *call)
{
    struct refer_order order = {.uri = rpc_text(call, "to")};
    const char *replaces = rpc_text(call, "replaces");
    uint64_t id;
    if (!replaces) {
        if (order.uri)
            send_order(call, &order);
        else
            rpc_fail(call, DG_INVALID_PARAMS, "to or replaces must be there");
        return;
    }
    struct ua_call *own = rpc_ua_dialog(call);
    struct ua_call *other = dialog_handle(replaces, &id) ? ua_call_by_id(&rpc_control(call)->ua, id) : NULL;
    if (!own)
        return;
    if (!other || other->app != own->app || other == own) {
        rpc_fail(call, DG_NOT_FOUND, "replaces is no other dialog of this application");
        return;
    }
    struct naming *naming = calloc(1, sizeof(*naming));
    struct channel_dialog_select select = {.handle = other->by_handle.key};
    struct channel_answer answer = {on_row, on_named, naming};
    if (!naming) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    naming->call = call;
    naming->callee = other->callee;
    int result = dialog_ask(rpc_control(call), CHANNEL_DIALOG_SHOW, &select, &answer);
    if (result < 0) {
        free(naming);
        rpc_fail_errno(call, result, NULL);
    }
}
