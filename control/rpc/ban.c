// SPDX-License-Identifier: BSD-3-Clause
// prefilter.ban, .unban and .bans: the table of bans is the data plane's, so that they need no control.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "../event.h"
#include "../log.h"
#include "call.h"
#include "dialog.h"
#include "handlers.h"
#include "text.h"

#define BANS_DEFAULT 100

// A request under way.
struct order {
    struct rpc_call *call;
    json_t *bans;
    uint32_t seconds;
    char address[ADDRESS_TEXT_SIZE];
};

static struct order *order_create(struct rpc_call *call)
{
    struct order *order = calloc(1, sizeof(*order));
    if (order)
        order->call = call;
    else
        rpc_fail(call, DG_INTERNAL, "out of memory");
    return order;
}

static void order_fail(struct order *order, int result, const char *text)
{
    json_decref(order->bans);
    if (result == -ENOENT)
        rpc_fail(order->call, DG_NOT_FOUND, "%s is not banned; prefilter.bans lists bans", order->address);
    else if (result == -EDOM || result == -EADDRNOTAVAIL)
        rpc_fail(order->call, DG_INVALID_PARAMS, "%s", text);
    else if (result == -ENOSPC || result == -E2BIG)
        rpc_fail(order->call, DG_REFUSED, "%s", text);
    else
        rpc_fail_errno(order->call, result, text);
    free(order);
}

// Banned or lifted.
static void on_done(void *context, const struct channel_done *done)
{
    struct order *order = context;
    struct rpc_call *call = order->call;
    if (done->result < 0) {
        order_fail(order, done->result, done->text);
        return;
    }
    log_event(LEVEL_INFO, "banned", "address=%s seconds=%u", order->address, order->seconds);
    event_watch_ban(rpc_control(call), order->address, order->seconds, rpc_who(call));
    rpc_reply(call, json_pack("{s:s, s:o}", "address", order->address, "seconds",
                              order->seconds ? json_integer(order->seconds) : json_null()));
    free(order);
}

static void on_lifted(void *context, const struct channel_done *done)
{
    struct order *order = context;
    if (done->result < 0) {
        order_fail(order, done->result, done->text);
        return;
    }
    log_event(LEVEL_INFO, "unbanned", "address=%s", order->address);
    event_watch_unban(rpc_control(order->call), order->address, rpc_who(order->call));
    rpc_reply(order->call, json_pack("{s:s}", "address", order->address));
    free(order);
}

static void send_order(struct rpc_call *call, struct channel_ban *ban, uint32_t seconds)
{
    unsigned int length;
    if (!text_read_source(rpc_text(call, "address"), &ban->address, &length)) {
        rpc_fail(call, DG_INVALID_PARAMS, "address must be an IPv4 or IPv6 address");
        return;
    }
    ban->length = length;
    struct order *order = order_create(call);
    if (!order)
        return;
    order->seconds = seconds;
    text_source(&ban->address, length ? length : 128, order->address);
    const struct channel_answer answer = {.done = ban->lift ? on_lifted : on_done, .context = order};
    int result = dialog_ask(rpc_control(call), CHANNEL_BAN, ban, &answer);
    if (result < 0)
        order_fail(order, result, NULL);
}

void rpc_prefilter_ban(struct rpc_call *call)
{
    uint32_t seconds = (uint32_t)rpc_integer(call, "seconds", 0);
    struct channel_ban ban = {.lifetime_ms = (uint64_t)seconds * 1000};
    send_order(call, &ban, seconds);
}

void rpc_prefilter_unban(struct rpc_call *call)
{
    struct channel_ban ban = {.lift = 1};
    send_order(call, &ban, 0);
}

static void on_rows(void *context, const struct channel_ban_rows *rows)
{
    struct order *order = context;
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct channel_ban_row *row = &rows->rows[i];
        char address[ADDRESS_TEXT_SIZE];
        json_t *remaining =
            row->remaining_ms ? json_integer((json_int_t)((row->remaining_ms + 999) / 1000)) : json_null();
        json_array_append_new(order->bans,
                              json_pack("{s:s, s:s, s:b, s:I, s:o, s:i, s:I}", "address",
                                        text_source(&row->address, row->length, address), "reason",
                                        ban_reason_name(row->reason), "dry_run", row->dry_run != 0, "since",
                                        (json_int_t)(row->since_ms / 1000), "remaining_s", remaining, "times",
                                        (int)row->times, "hits", (json_int_t)row->hits));
    }
}

static void on_listed(void *context, const struct channel_done *done)
{
    struct order *order = context;
    char cursor[DIALOG_ID_SIZE];
    if (done->result < 0) {
        order_fail(order, done->result, done->text);
        return;
    }
    json_t *next = done->cursor ? json_string(dialog_id(done->cursor, cursor)) : json_null();
    rpc_reply(order->call, json_pack("{s:o, s:o}", "bans", order->bans, "cursor", next));
    free(order);
}

void rpc_prefilter_bans(struct rpc_call *call)
{
    const char *cursor = rpc_text(call, "cursor");
    struct channel_ban_list list = {.limit = (uint32_t)rpc_integer(call, "limit", BANS_DEFAULT)};
    if (cursor && !dialog_handle(cursor, &list.cursor)) {
        rpc_fail(call, DG_INVALID_PARAMS, "cursor is not one that prefilter.bans gave");
        return;
    }
    struct order *order = order_create(call);
    if (!order)
        return;
    order->bans = json_array();
    const struct channel_answer answer = {.done = on_listed, .context = order, .bans = on_rows};
    int result = dialog_ask(rpc_control(call), CHANNEL_BAN_LIST, &list, &answer);
    if (result < 0)
        order_fail(order, result, NULL);
}
