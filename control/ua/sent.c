// SPDX-License-Identifier: BSD-3-Clause
// Commands to the data plane, by tag: who waits for what comes of them (outcome.c), and what they were for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../control.h"
#include "../log.h"
#include "ua.h"

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct ua_sent *ua_sent_find(const struct ua *ua, uint64_t tag)
{
    struct ua_node *node = tag ? ua_table_find(&ua->tags, tag) : NULL;
    return node ? UA_OF(node, struct ua_sent, node) : NULL;
}

void ua_sent_tell(struct ua_sent *sent, const struct ua_outcome *outcome)
{
    struct ua_reply reply = sent->reply;
    sent->reply.done = NULL;
    if (reply.done)
        reply.done(reply.context, outcome);
}

void ua_sent_untie(struct ua_sent *sent)
{
    if (!sent->call)
        return;
    LIST_REMOVE(sent, of_call);
    if (sent->call->placing == sent)
        sent->call->placing = NULL;
    if (sent->call->changing == sent)
        sent->call->changing = NULL;
    sent->call = NULL;
}

void ua_sent_free(struct ua *ua, struct ua_sent *sent)
{
    struct ua_request *request = ua_request_find(ua, sent->request);
    if (!sent->done)
        TAILQ_REMOVE(&ua->waiting, sent, link);
    if (request)
        request->answering = false;
    if (sent->purpose == UA_FOR_CALL && sent->call)
        keep_drop(ua->keep, KEEP_INVITE, sent->call->by_id.key);
    ua_sent_untie(sent);
    if (sent->registration)
        ua_registration_lost(sent->registration);
    ua_table_remove(&ua->tags, &sent->node);
    ua_try_free(sent->again);
    free(sent->order);
    free(sent);
}

void ua_sent_fail(struct ua *ua, struct ua_sent *sent, enum dg_code code, const char *text)
{
    struct ua_outcome outcome = {.code = code, .text = text};
    struct ua_call *call = sent->purpose == UA_FOR_CALL ? sent->call : NULL;
    ua_sent_tell(sent, &outcome);
    if (!call) {
        ua_sent_free(ua, sent);
        return;
    }
    // Another try of an INVITE that the application knows of: whether it was sent is not known.
    ua_give_up(ua, sent, &(struct ua_response){.status = UA_LOST_STATUS, .peer = call->peer});
}

static int transmit(struct ua *ua, struct ua_sent *sent)
{
    sent->order->tag = ++ua->last_tag;
    sent->begun_us = now_us();
    sent->done = false;
    if (sent->purpose == UA_FOR_CALL && sent->call) { // its answer may come to the next control
        ua_invite_keep(ua, sent);
        keep_commit(ua->keep);
    }
    int result = channel_send_ua(ua->control->channel, sent->order, sent->size);
    if (result < 0)
        return result;
    ua_table_add(&ua->tags, &sent->node, sent->order->tag);
    TAILQ_INSERT_TAIL(&ua->waiting, sent, link);
    return 0;
}

int ua_sent_again(struct ua *ua, struct ua_sent *sent)
{
    ua_table_remove(&ua->tags, &sent->node);
    int result = transmit(ua, sent);
    if (result < 0) { // the caller frees it, which finds it where it was
        sent->done = true;
        ua_table_add(&ua->tags, &sent->node, sent->order->tag);
    }
    return result;
}

struct ua_sent *ua_sent_before(struct ua *ua, const struct ua_before *before)
{
    struct ua_sent *sent = calloc(1, sizeof(*sent));
    struct channel_ua_command *order = calloc(1, sizeof(*order));
    if (!sent || !order) {
        free(sent);
        free(order);
        return NULL;
    }
    order->tag = before->tag;
    order->op = before->purpose == UA_FOR_CALL ? CHANNEL_UA_INVITE : CHANNEL_UA_REQUEST;
    *sent = (struct ua_sent){.purpose = before->purpose,
                             .done = true,
                             .call = before->call,
                             .app = before->app,
                             .name = before->name,
                             .order = order,
                             .size = sizeof(*order)};
    snprintf(sent->label, sizeof(sent->label), "%s", before->label);
    if (sent->call)
        LIST_INSERT_HEAD(&sent->call->sent, sent, of_call);
    ua_table_add(&ua->tags, &sent->node, before->tag);
    return sent;
}

static enum ua_purpose purpose_of(const struct ua_wish *wish)
{
    switch (wish->op) {
    case CHANNEL_UA_INVITE:
        return UA_FOR_CALL;
    case CHANNEL_UA_RESPOND:
        return UA_FOR_RESPONSE;
    case CHANNEL_UA_END:
    case CHANNEL_UA_CANCEL:
    case CHANNEL_UA_RELEASE:
        return UA_FOR_END;
    case CHANNEL_UA_REQUEST:
        if (wish->call && (strcmp(wish->method, "INVITE") == 0 || strcmp(wish->method, "UPDATE") == 0))
            return UA_FOR_CHANGE;
        return wish->call || strcmp(wish->method, "REGISTER") != 0 ? UA_FOR_REQUEST : UA_FOR_REGISTER;
    default:
        return UA_FOR_OTHER;
    }
}

static bool refuse(struct ua_fault *fault, enum dg_code code, const char *text)
{
    fault->code = code;
    snprintf(fault->text, sizeof(fault->text), "%s", text);
    return false;
}

static bool may(struct ua *ua, const struct ua_wish *wish, struct ua_fault *fault)
{
    if (!channel_ready(ua->control->channel))
        return refuse(fault, DG_UNAVAILABLE, "the data plane is not connected; system.status says why");
    if (wish->call && wish->call->moved)
        return refuse(fault, DG_UNAVAILABLE,
                      "the data plane was started anew, and its calls are asked for; try again");
    if (ua->tags.count >= UA_SENT_MAX)
        return refuse(fault, DG_RESOURCES, "too many operations are under way");
    if (wish->op == CHANNEL_UA_RESPOND && wish->request->answering)
        return refuse(fault, DG_INVALID_STATE, "the request is being answered");
    if (purpose_of(wish) == UA_FOR_CHANGE && wish->call->changing)
        return refuse(fault, DG_INVALID_STATE, "another re-INVITE or UPDATE is under way");
    return true;
}

// Whether the call ends by it: an early one's INVITE may be refused, any other request without that.
static bool ends_call(const struct ua_sent *sent, const struct ua_wish *wish)
{
    return sent->purpose == UA_FOR_END || (wish->op == CHANNEL_UA_RESPOND && wish->status >= 300 &&
                                           wish->request->call->state < CHANNEL_DIALOG_CONFIRMED &&
                                           strcmp(wish->request->method, "INVITE") == 0);
}

// Ties it to what it is about; its order is sent already.
static void tie(struct ua *ua, struct ua_sent *sent, const struct ua_wish *wish)
{
    struct ua_call *call = wish->op == CHANNEL_UA_RESPOND ? wish->request->call : wish->call;
    sent->call = call;
    if (call)
        LIST_INSERT_HEAD(&call->sent, sent, of_call);
    if (call && sent->purpose == UA_FOR_CHANGE)
        call->changing = sent;
    // The end may be told before the DONE.
    if (call && !call->ender && ends_call(sent, wish)) {
        call->ender = UA_BY_LOCAL;
        sent->ends = true;
    }
    if (wish->op == CHANNEL_UA_RESPOND) {
        sent->request = wish->request->node.key;
        wish->request->answering = wish->status >= 200;
    }
}

static struct ua_sent *make(struct ua *ua, const struct ua_wish *wish, struct ua_fault *fault)
{
    struct ua_sent *sent = calloc(1, sizeof(*sent));
    if (!sent)
        return NULL;
    sent->purpose = purpose_of(wish);
    sent->order = ua_order(ua, wish, &sent->size, fault);
    if (sent->order &&
        (wish->op == CHANNEL_UA_INVITE || wish->op == CHANNEL_UA_REQUEST || wish->op == CHANNEL_UA_END))
        sent->again = ua_try_make(ua, wish);
    sent->app = wish->call ? wish->call->app : wish->request ? wish->request->app : wish->app;
    snprintf(sent->label, sizeof(sent->label), "%s", wish->label ? wish->label : "");
    if (sent->order)
        return sent;
    free(sent);
    return NULL;
}

// Between two tries the data plane knows nothing of it.
static int end_between_tries(struct ua *ua, const struct ua_wish *wish, const struct ua_reply *reply)
{
    const struct ua_outcome outcome = {.code = DG_OK};
    wish->call->ender = UA_BY_LOCAL;
    ua_call_end(ua, wish->call, CHANNEL_REASON_CANCEL);
    if (reply)
        reply->done(reply->context, &outcome);
    return 0;
}

int ua_do(struct ua *ua, const struct ua_wish *wish, const struct ua_reply *reply, struct ua_fault *fault)
{
    if (purpose_of(wish) == UA_FOR_END && wish->call->over)
        return end_between_tries(ua, wish, reply);
    if (!may(ua, wish, fault))
        return -1;
    *fault = (struct ua_fault){DG_INTERNAL, "out of memory"};
    struct ua_sent *sent = make(ua, wish, fault);
    if (!sent)
        return -1;
    int result = transmit(ua, sent);
    if (result < 0) {
        const struct ua_meaning refused = ua_meaning(result);
        refuse(fault, refused.code, refused.text);
        ua_try_free(sent->again);
        free(sent->order);
        free(sent);
        return -1;
    }
    sent->name = sent->order->tag;
    sent->quiet = !reply;
    if (reply)
        sent->reply = *reply;
    tie(ua, sent, wish);
    return 0;
}

// Those that an earlier control sent: their DONE may be on its way.
void ua_sent_connected(struct ua *ua)
{
    struct ua_sent *sent;
    uint64_t now = now_us();
    TAILQ_FOREACH(sent, &ua->waiting, link)
    sent->begun_us = now;
}

void ua_sent_sweep(struct ua *ua)
{
    struct ua_sent *sent;
    uint64_t now = now_us();
    if (!channel_ready(ua->control->channel))
        return;
    while ((sent = TAILQ_FIRST(&ua->waiting)) && now - sent->begun_us > UA_DONE_MS * 1000ull) {
        ua_count(ua, sent, UA_RESULT_NO_ANSWER);
        ua_sent_fail(ua, sent, DG_NO_ANSWER, "the data plane does not answer");
    }
}
