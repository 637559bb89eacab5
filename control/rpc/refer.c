// SPDX-License-Identifier: BSD-3-Clause
// Transfers (../refer): answered, told of, listed.
#include <stdlib.h>
#include <string.h>
#include "dialog.h"
#include "handlers.h"
#include "ua.h"

#define BODY_MAX 90000 // octets as base64

// clang-format off
const struct rpc_param refer_answer_params[] = {
    {"refer", RPC_TEXT, true, 16, 16, NULL, "id of a transfer"},
    {"accept", RPC_BOOLEAN, true, 0, 0, NULL, "true: Dialgate calls whom the REFER names"},
    {"status", RPC_INTEGER, false, 300, 699, NULL, "when it is not accepted (603)"},
    {"reason", RPC_TEXT, false, 0, 100, NULL, "its phrase; without it, the RFC's"},
    {"body", RPC_TEXT, false, 1, BODY_MAX, NULL, "accepted: what the new call offers, text, or octets with body_base64; without it, the description of the call that the REFER came in, else that of the application's answer, else the target's offer waits for ua.ack"},
    {"body_base64", RPC_BOOLEAN, false, 0, 0, NULL, "body is base64"},
    {"content_type", RPC_TEXT, false, 1, 255, NULL, "application/sdp where the body begins with v=0"},
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

static void answer(struct rpc_call *call, struct transfer *transfer, const struct transfer_verdict *verdict)
{
    const uint64_t dialog = transfer->dialog; // which a refusal forgets
    char id[UA_ID_SIZE];
    enum dg_code code = transfer_answer(&rpc_control(call)->ua, transfer, verdict);
    if (code == DG_INVALID_TRANSITION)
        rpc_fail(call, code, "it is answered already");
    else if (code != DG_OK)
        rpc_fail(call, code == DG_NO_MEMORY ? DG_INTERNAL : code, "%s", dg_code_text(code));
    else
        rpc_reply(call, json_pack("{s:b, s:s}", "accepted", verdict->accept, "dialog", ua_id(dialog, id)));
}

void rpc_refer_answer(struct rpc_call *call)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_INVITE);
    struct transfer_verdict verdict = {.accept = rpc_boolean(call, "accept"),
                                       .status = (uint16_t)rpc_integer(call, "status", 603),
                                       .reason = rpc_text(call, "reason"),
                                       .content_type = rpc_text(call, "content_type")};
    struct transfer *transfer = find(call); // which may answer the call: nothing is read of it then
    char *made;
    if (!transfer || !rpc_ua_read_body(call, &wish, &made))
        return;
    verdict.body = wish.body;
    verdict.body_length = wish.body_length;
    const bool wrong = verdict.accept ? verdict.reason != NULL : verdict.body || verdict.content_type;
    if (wrong)
        rpc_fail(call, DG_INVALID_PARAMS, "reason is for a refusal, a body for what is accepted");
    else if ((verdict.reason && strpbrk(verdict.reason, "\r\n")) ||
             (verdict.content_type && strpbrk(verdict.content_type, "\r\n")))
        rpc_fail(call, DG_INVALID_PARAMS, "reason or content_type holds a line end");
    else
        answer(call, transfer, &verdict);
    free(made);
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
