// SPDX-License-Identifier: BSD-3-Clause
// Every transfer (../refer/referral.h), and what an application's own has beside that.
#include "../refer/referral.h"
#include <string.h>
#include "dialog.h"
#include "handlers.h"
#include "ua.h"

#define LIMIT 100

static const char *const origins[] = {"proxied", "operator", "application", NULL};

// clang-format off
const struct rpc_param refer_list_params[] = {
    {"application", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "its own only"},
    {"origin", RPC_CHOICE, false, 0, 0, origins, "who makes them"},
    {"peer", RPC_TEXT, false, 1, RPC_NAME_MAX, NULL, "who refers or is referred"},
    {"open", RPC_BOOLEAN, false, 0, 0, NULL, "only those under way"},
    {"limit", RPC_INTEGER, false, 1, REFERRALS_MAX, NULL, "at most so many (100), the newest; those under way first"},
    {0},
};
const struct rpc_param refer_show_params[] = {
    {"refer", RPC_TEXT, true, 16, 16, NULL, "id of a transfer"},
    {0},
};
// clang-format on

struct filter {
    const struct ua_app *app; // NULL: any
    const char *origin;       // NULL: any
    int peer;                 // number, -1: any
};

static const struct ua_app *app_of(const struct control *control, const struct referral *referral)
{
    return referral->application < PEERS_MAX ? control->ua.apps[referral->application] : NULL;
}

static json_t *row_of(const struct control *control, const struct referral *referral, bool whole)
{
    const struct transfer *transfer =
        referral->origin == REFERRAL_APPLICATION ? transfer_find(&control->ua, referral->by_id.key) : NULL;
    json_t *row = referral_json(control, referral, whole);
    json_t *more = transfer ? transfer_json(transfer) : NULL;
    json_object_update(row, more);
    json_decref(more);
    return row;
}

static bool fits(const struct control *control, const struct referral *referral, const struct filter *filter)
{
    if (filter->app && app_of(control, referral) != filter->app)
        return false;
    if (filter->origin && strcmp(filter->origin, referral_origin_name(referral->origin)) != 0)
        return false;
    return filter->peer < 0 || referral->from_peer == filter->peer || referral->to_peer == filter->peer;
}

// Applications' transfers of which nothing has come yet: nobody has told of them.
static void add_new(const struct control *control, const struct filter *filter, json_t *rows, size_t limit)
{
    const struct transfer *transfer;
    LIST_FOREACH(transfer, &control->transfers.list, link)
    {
        if (json_array_size(rows) >= limit)
            return;
        if ((!filter->app || filter->app == transfer->app) && filter->peer < 0 &&
            (!filter->origin || strcmp(filter->origin, "application") == 0) &&
            !referral_find(control, transfer->id)) {
            json_t *row = transfer_json(transfer);
            json_object_set_new(row, "origin", json_string("application"));
            json_object_set_new(row, "outcome", json_string("open"));
            json_array_append_new(rows, row);
        }
    }
}

static void add(const struct control *control, const struct referral_list *list, const struct filter *filter,
                json_t *rows, size_t limit)
{
    const struct referral *referral;
    TAILQ_FOREACH(referral, list, link)
    {
        if (json_array_size(rows) >= limit)
            return;
        if (fits(control, referral, filter))
            json_array_append_new(rows, row_of(control, referral, false));
    }
}

void rpc_refer_list(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    const char *peer = rpc_text(call, "peer");
    const bool narrow = rpc_text(call, "application") || rpc_attached(call);
    const size_t limit = (size_t)rpc_integer(call, "limit", LIMIT);
    struct filter filter = {.origin = rpc_text(call, "origin"),
                            .peer = peer ? dialog_find_peer(control, peer) : -1};
    filter.app = narrow ? rpc_ua_app(call) : NULL; // which may answer the call, and its texts are gone then
    if (narrow && !filter.app)
        return;
    if (peer && filter.peer < 0) {
        rpc_fail(call, DG_NOT_FOUND, "no peer is called %.64s; peer.list names them", peer);
        return;
    }
    json_t *rows = json_array();
    add_new(control, &filter, rows, limit);
    add(control, &control->referrals.open, &filter, rows, limit);
    if (!rpc_boolean(call, "open"))
        add(control, &control->referrals.ended, &filter, rows, limit);
    rpc_reply(call, json_pack("{s:o, s:I}", "transfers", rows, "kept", (json_int_t)control->referrals.count));
}

void rpc_refer_show(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    const struct ua_app *own = rpc_attached(call);
    uint64_t id = 0;
    bool good = dialog_handle(rpc_text(call, "refer"), &id);
    const struct referral *referral = good ? referral_find(control, id) : NULL;
    const struct transfer *transfer = good && !referral ? transfer_find(&control->ua, id) : NULL;
    const struct ua_app *app = referral ? app_of(control, referral) : transfer ? transfer->app : NULL;
    if (!referral && !transfer)
        rpc_fail(call, DG_NOT_FOUND, "no transfer is called so; refer.list names them");
    else if (own && own != app)
        rpc_fail(call, DG_DENIED, "the transfer is another application's");
    else
        rpc_reply(call, referral ? row_of(control, referral, true) : transfer_json(transfer));
}
