// SPDX-License-Identifier: BSD-3-Clause
// Transfers (../refer): answered, told of, listed.
#include <string.h>
#include "dialog.h"
#include "handlers.h"
#include "ua.h"

// clang-format off
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
        rpc_fail(call, code, "%s",
                 code == DG_TRANSACTION_GONE ? dg_code_text(code) : "it is answered already");
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
