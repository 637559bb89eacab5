// SPDX-License-Identifier: BSD-3-Clause
// refer.dialog: an operator refers one party of a call between two peers (../refer/operator.h).
#include <stdlib.h>
#include <string.h>
#include "../refer/operator.h"
#include "dialog.h"
#include "handlers.h"
#include "ua.h"

#define TEXT_MAX 2000

static const char *const parties[] = {"caller", "callee", NULL};

// clang-format off
const struct rpc_param refer_dialog_params[] = {
    {"dialog", RPC_TEXT, true, 16, 16, NULL, "id of a call between two peers, as dialog.list has it"},
    {"party", RPC_CHOICE, true, 0, 0, parties, "whom to refer, in the name of the other one"},
    {"to", RPC_TEXT, false, 1, TEXT_MAX, NULL, "URI to call; without it, the party of replaces"},
    {"replaces", RPC_TEXT, false, 16, 16, NULL, "id of the dialog in which the new call takes a party's place (RFC 3891)"},
    {"replaces_party", RPC_CHOICE, false, 0, 0, parties, "of that dialog: whom the new call reaches (callee); the other one is replaced"},
    {"early_only", RPC_BOOLEAN, false, 0, 0, NULL, "only while that dialog is early"},
    {"keep", RPC_BOOLEAN, false, 0, 0, NULL, "the call stays when the new one is answered; else BYE goes to both parties"},
    {"referred_by", RPC_TEXT, false, 1, TEXT_MAX, NULL, "Referred-By (RFC 3892)"},
    {0},
};
// clang-format on

static void on_sent(void *context, enum dg_code code, const char *text, uint64_t id)
{
    struct rpc_call *call = context;
    char name[DIALOG_ID_SIZE];
    if (code != DG_OK)
        rpc_fail(call, code, "%s", text);
    else
        rpc_reply(call, json_pack("{s:s}", "refer", dialog_id(id, name)));
}

static void send_order(struct rpc_call *call, struct refer_order *order)
{
    const char *text;
    struct operator_wish wish = {.to_callee = strcmp(rpc_text(call, "party"), "callee") == 0,
                                 .keep = rpc_boolean(call, "keep"),
                                 .order = order,
                                 .told = on_sent,
                                 .context = call};
    order->referred_by = rpc_text(call, "referred_by");
    order->early_only = rpc_boolean(call, "early_only");
    if (!dialog_handle(rpc_text(call, "dialog"), &wish.dialog)) {
        rpc_fail(call, DG_INVALID_PARAMS, "dialog is no id; dialog.list names them");
        return;
    }
    if (order->referred_by && strpbrk(order->referred_by, "\r\n")) {
        rpc_fail(call, DG_INVALID_PARAMS, "referred_by holds a line end");
        return;
    }
    enum dg_code code = operator_send(rpc_control(call), &wish, &text);
    if (code != DG_OK)
        rpc_fail(call, code, "%s", text);
}

// --- replaces: the data plane knows the dialog's names ---

struct naming {
    struct rpc_call *call;
    char *texts[CHANNEL_TEXT_COUNT];
    bool found;
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

static void on_named(void *context, const struct channel_done *done)
{
    struct naming *naming = context;
    char **texts = naming->texts;
    const char *party = rpc_text(naming->call, "replaces_party");
    bool caller = party && strcmp(party, "caller") == 0;
    // The tags as that party has them (RFC 3891 section 3): to-tag is its own.
    struct refer_order order = {.uri = rpc_text(naming->call, "to"),
                                .call_id = texts[CHANNEL_TEXT_CALL_ID],
                                .to_tag = texts[caller ? CHANNEL_TEXT_CALLER_TAG : CHANNEL_TEXT_CALLEE_TAG],
                                .from_tag =
                                    texts[caller ? CHANNEL_TEXT_CALLEE_TAG : CHANNEL_TEXT_CALLER_TAG]};
    if (!order.uri)
        order.uri = texts[caller ? CHANNEL_TEXT_CALLER_TARGET : CHANNEL_TEXT_CALLEE_TARGET];
    if (!naming->found)
        rpc_fail(naming->call, DG_NOT_FOUND,
                 "no dialog has the id that replaces gives; dialog.list names them");
    else if (!order.call_id || !order.to_tag || !order.from_tag || !order.uri)
        rpc_fail(naming->call, DG_INTERNAL, "out of memory");
    else if (!*order.to_tag || !*order.from_tag)
        rpc_fail(naming->call, DG_INVALID_STATE, "nobody has answered in the dialog of replaces yet");
    else if (!*order.uri)
        rpc_fail(naming->call, DG_INVALID_STATE, "the Contact of that party is not known: give `to`");
    else
        send_order(naming->call, &order);
    for (unsigned i = 0; i < CHANNEL_TEXT_COUNT; i++)
        free(texts[i]);
    free(naming);
}

static void send_replacing(struct rpc_call *call, const char *replaces)
{
    struct channel_dialog_select select = {0};
    struct naming *naming;
    if (!dialog_handle(replaces, &select.handle) || strcmp(replaces, rpc_text(call, "dialog")) == 0) {
        rpc_fail(call, DG_INVALID_PARAMS, "replaces is no id of another dialog; dialog.list names them");
        return;
    }
    naming = calloc(1, sizeof(*naming));
    if (!naming) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    naming->call = call;
    const struct channel_answer answer = {on_row, on_named, naming, NULL};
    int result = dialog_ask(rpc_control(call), CHANNEL_DIALOG_SHOW, &select, &answer);
    if (result < 0) {
        free(naming);
        rpc_fail_errno(call, result, NULL);
    }
}

void rpc_refer_dialog(struct rpc_call *call)
{
    struct refer_order order = {.uri = rpc_text(call, "to")};
    const char *replaces = rpc_text(call, "replaces");
    if (replaces)
        send_replacing(call, replaces);
    else if (order.uri)
        send_order(call, &order);
    else
        rpc_fail(call, DG_INVALID_PARAMS, "to or replaces must be there");
}
