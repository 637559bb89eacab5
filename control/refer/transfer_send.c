// SPDX-License-Identifier: BSD-3-Clause
// REFERs that applications send in their calls, and the NOTIFYs that come of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "transfer.h"

#define LINES_MAX 8192u

static void on_sent(struct ua *ua, struct transfer *transfer, const struct ua_outcome *outcome)
{
    const struct ua_reply asker = transfer->asker;
    struct ua_outcome told = *outcome;
    told.request = transfer->id;
    transfer->asker.done = NULL;
    if (outcome->code == DG_OK) {
        transfer->sent = outcome->request;
        if (outcome->message) {
            transfer->refer.cseq = outcome->message->cseq_number;
            transfer->call_id = transfer_copy(outcome->message, outcome->message->call_id);
            transfer->from_tag = transfer_copy(outcome->message, outcome->message->from_tag);
        }
        transfer_keep(ua, transfer);
    }
    asker.done(asker.context, &told);
    if (outcome->code != DG_OK)
        transfer_act(ua, transfer, REFER_DO_FORGET);
}

static int fail(struct ua *ua, struct transfer *transfer, struct ua_fault *fault, enum dg_code code,
                const char *text)
{
    if (transfer) {
        transfer->asker.done = NULL;
        transfer_act(ua, transfer, REFER_DO_FORGET);
    }
    if (text) {
        fault->code = code;
        snprintf(fault->text, sizeof(fault->text), "%s", text);
    }
    return -1;
}

static struct transfer *begin(struct ua *ua, const struct transfer_wish *wish)
{
    if (wish->call)
        return transfer_count_of(ua, wish->call->by_id.key) < TRANSFERS_CALL_MAX
                   ? transfer_begin(ua, wish->call, REFER_SENDING, 0)
                   : NULL;
    struct transfer *transfer = transfer_begin_outside(ua, wish->app, REFER_SENDING, 0);
    if (transfer)
        transfer->outside = transfer->alone = true;
    return transfer;
}

int transfer_send(struct ua *ua, const struct transfer_wish *wish, struct ua_fault *fault)
{
    char lines[LINES_MAX], to[REFER_TEXT_MAX + 3] = "";
    struct writer writer;
    const struct refer_order *order = wish->order;
    const struct ua_wish refer = {.op = CHANNEL_UA_REQUEST,
                                  .call = wish->call,
                                  .app = wish->app,
                                  .to = wish->call ? NULL : to,
                                  .from = wish->from,
                                  .user = wish->user,
                                  .password = wish->password,
                                  .realm = wish->realm,
                                  .method = "REFER",
                                  .headers = wish->headers,
                                  .extra = lines,
                                  .peer = wish->call ? NUMBER_NONE : wish->peer,
                                  .member = wish->call ? NUMBER_NONE : wish->member};
    if (wish->uri) // too long is none
        snprintf(to, sizeof(to), "<%s>", wish->uri);
    writer_init(&writer, lines, sizeof(lines) - 1);
    if (!refer_write_refer(&writer, order) || writer.overflow)
        return fail(ua, NULL, fault, DG_INVALID_PARAMS,
                    "to is no URI that a REFER can name: it may have no headers and no method");
    lines[writer.used] = '\0';
    struct transfer *transfer = begin(ua, wish);
    if (!transfer)
        return fail(ua, NULL, fault, DG_RATE_LIMITED, "too many transfers are under way");
    transfer->ours = true;
    transfer->refer.named = wish->call && wish->call->refers;
    transfer->asker = wish->reply;
    snprintf(transfer->label, sizeof(transfer->label), "%s", wish->label ? wish->label : "");
    snprintf(transfer->ask.uri, sizeof(transfer->ask.uri), "%s", order->uri);
    snprintf(transfer->ask.referred_by, sizeof(transfer->ask.referred_by), "%s",
             order->referred_by ? order->referred_by : "");
    if (order->call_id)
        snprintf(transfer->ask.replaces, sizeof(transfer->ask.replaces), "%s;to-tag=%s;from-tag=%s%s",
                 order->call_id, order->to_tag, order->from_tag, order->early_only ? ";early-only" : "");
    const struct ua_reply reply = transfer_reply(ua, transfer, on_sent);
    if (!reply.done)
        return fail(ua, transfer, fault, DG_INTERNAL, "out of memory");
    if (ua_do(ua, &refer, &reply, fault) < 0) {
        free(reply.context);
        return fail(ua, transfer, fault, DG_OK, NULL);
    }
    if (wish->call) {
        wish->call->refers = true;
        ua_call_keep(ua, wish->call);
    }
    return 0;
}

static bool is_of(const struct transfer *transfer, const struct ua_request *request,
                  const struct message *message)
{
    if (!transfer->ours || !refer_is_about(message, transfer->refer.cseq, !transfer->refer.named))
        return false;
    if (request->call)
        return !transfer->outside && transfer->dialog == request->call->by_id.key;
    // After the end of the call (RFC 5057 section 4): by Call-ID and our tag, which nobody guesses.
    return transfer->call_id && transfer->from_tag && strlen(transfer->call_id) == message->call_id.length &&
           memcmp(transfer->call_id, message_at(message, message->call_id), message->call_id.length) == 0 &&
           strlen(transfer->from_tag) == message->to_tag.length &&
           memcmp(transfer->from_tag, message_at(message, message->to_tag), message->to_tag.length) == 0;
}

// RFC 6665 4.1.3: of no subscription of ours. What a program has subscribed to by itself is its own, and what
// it has outside calls it alone knows.
static bool refuse_stray(struct ua *ua, struct ua_request *request, const struct message *message)
{
    if (!request->call || request->call->subscribes || !refer_is_event(message))
        return false;
    transfer_respond_to(ua, request, 481, NULL);
    return true;
}

bool transfer_take_notify(struct ua *ua, struct ua_request *request, const struct message *message)
{
    struct transfer *transfer;
    struct refer_news news;
    LIST_FOREACH(transfer, &ua->control->transfers.list, link)
    if (is_of(transfer, request, message))
        break;
    if (!transfer)
        return refuse_stray(ua, request, message);
    unsigned status = refer_read_notify(message, &news);
    if (status) {
        transfer_respond_to(ua, request, (uint16_t)status, NULL);
        return true;
    }
    enum refer_event event = news.last            ? REFER_ON_TOLD_LAST
                             : news.status >= 200 ? REFER_ON_TOLD_FINAL
                                                  : REFER_ON_TOLD;
    if (news.status)
        snprintf(transfer->reason, sizeof(transfer->reason), "%s", news.reason);
    unsigned actions = refer_step(&transfer->refer, event, news.status, clock_ms());
    transfer_respond_to(ua, request, actions & REFER_DO_ANSWER ? 200 : 481, NULL);
    transfer_act(ua, transfer, actions);
    return true;
}
