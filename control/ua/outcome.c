// SPDX-License-Identifier: BSD-3-Clause
// What came of a command (sent.c), as the data plane says: for who waits for it, and for the call.
#include <errno.h>
#include <stdlib.h>
#include "../control.h"
#include "ua.h"

struct ua_meaning ua_meaning(int result)
{
    static const struct {
        int error;
        struct ua_meaning is;
    } results[] = {
        {0, {DG_OK, ""}},
        {ENOENT, {DG_NOT_FOUND, "the dialog or the request is not there any more"}},
        {EPROTO, {DG_INVALID_TRANSITION, "not in this state of the dialog"}},
        {EALREADY, {DG_INVALID_STATE, "it is ending"}},
        {EAGAIN, {DG_INVALID_STATE, "another exchange is under way in the dialog"}},
        {EINVAL, {DG_INVALID_PARAMS, "the data plane takes a text for no URI, address or header field"}},
        {EMSGSIZE, {DG_INVALID_PARAMS, "the message would be longer than the way takes"}},
        {ENOSPC, {DG_RESOURCES, "transactions, dialogs or memory of the data plane are full"}},
        {ENOMEM, {DG_RESOURCES, "out of memory"}},
        {EBUSY, {DG_RATE_LIMITED, "a limit of the application or the peer is reached"}},
        {ENETUNREACH, {DG_TRANSPORT, "no route, or no member that is up"}},
        {EOPNOTSUPP, {DG_PROTOCOL, "the far end does not support what this needs"}},
        {ENOTCONN, {DG_UNAVAILABLE, "the data plane is not connected"}},
    };
    for (unsigned i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (results[i].error == -result)
            return results[i].is;
    return (struct ua_meaning){DG_REFUSED, "refused by the data plane"};
}

static void responded(struct ua *ua, struct ua_sent *sent)
{
    struct ua_request *request = ua_request_find(ua, sent->request);
    if (!request)
        return;
    if (sent->order->status >= 200) {
        request->answered = sent->order->status;
        ua_request_end(ua, request);
    } else {
        free(request->last); // comes again when the data plane says so
        request->last = sent->order;
        request->last_size = sent->size;
        sent->order = NULL;
    }
}

static void keep_description(struct ua_sent *sent)
{
    struct ua_words words;
    if (!sent->call || !(sent->order->flags & CHANNEL_UA_DESCRIPTION))
        return;
    ua_order_words(sent->order, &words);
    ua_call_keep_description(sent->call, words.texts[CHANNEL_UA_TEXTS].octets,
                             words.texts[CHANNEL_UA_TEXTS].length);
}

// The data plane has begun the call of our INVITE, or begun it again.
static void begin_call(struct ua *ua, struct ua_sent *sent, const struct channel_ua_event *event)
{
    struct ua_call *call = sent->call;
    if (call) {
        call->over = false;
        if (call->by_handle.key != event->dialog)
            ua_call_rename(ua, call, event->dialog);
    } else {
        call = ua_call_by_handle(ua, event->dialog); // its first STATE may have come before
        if (!call)
            call = ua_call_begin(ua, sent->app, event->dialog, event->call);
        if (!call)
            return;
        sent->app->placed++;
        sent->call = call;
        LIST_INSERT_HEAD(&call->sent, sent, of_call);
        ua_try_begin(ua, sent->again, call);
    }
    call->placing = sent;
    call->peer = event->peer;
    call->round = ua->round;
    call->untold = false; // it may have been listed before
}

static void take_done(struct ua *ua, struct ua_sent *sent, const struct channel_ua_event *event,
                      const struct message *message)
{
    const unsigned op = sent->order->op;
    const bool inside = sent->order->dialog != 0;
    if (sent->purpose == UA_FOR_CALL)
        begin_call(ua, sent, event);
    if (sent->again && message)
        ua_try_sent(sent->again, message);
    if (sent->registration && message)
        ua_registration_sent(sent, message);
    keep_description(sent);
    if (sent->call && (sent->purpose == UA_FOR_CALL || sent->order->flags & CHANNEL_UA_DESCRIPTION))
        ua_call_keep(ua, sent->call);
    if (sent->call && sent->purpose == UA_FOR_CALL)
        ua_invite_keep(ua, sent);
    struct ua_outcome outcome = {
        .code = DG_OK, .call = sent->call, .request = sent->name, .message = message, .event = event};
    ua_sent_tell(sent, &outcome);
    if (sent->purpose == UA_FOR_RESPONSE)
        responded(ua, sent);
    if (op == CHANNEL_UA_RELEASE && sent->call)
        ua_call_end(ua, sent->call, UA_REASON_CLOSED); // and with it this
    else if (sent->purpose == UA_FOR_RESPONSE || sent->purpose == UA_FOR_OTHER || op == CHANNEL_UA_CANCEL ||
             (inside && !sent->call))
        ua_sent_free(ua, sent);
}

// What was to be tried again is not: who waits for the outcome of the whole is told by an event.
static void take_refused(struct ua *ua, struct ua_sent *sent, const struct channel_ua_event *event)
{
    struct ua_call *call = sent->call;
    struct ua_request *request = ua_request_find(ua, sent->request);
    const struct ua_meaning result = ua_meaning(event->result);
    bool begun = sent->purpose == UA_FOR_CALL && call;
    if (call && sent->ends)
        call->ender = UA_BY_NOBODY;
    if (event->result == -EAGAIN && sent->purpose == UA_FOR_CHANGE) { // after RETRY
        struct ua_outcome outcome = {.code = DG_OK, .call = call, .request = sent->name};
        ua_sent_tell(sent, &outcome);
        return;
    }
    // It is gone; or nobody will answer it once more.
    if (request && (event->result == -ENOENT || sent->quiet) && sent->order->status >= 200)
        ua_request_end(ua, request);
    if (begun)
        ua_tell(ua, call->app, call, "failed",
                json_pack("{s:i, s:s, s:b}", "status", 503, "reason", result.text, "final", 1));
    const struct ua_outcome outcome = {.code = result.code, .text = result.text, .event = event};
    ua_sent_tell(sent, &outcome);
    ua_sent_free(ua, sent);
    if (begun && call->over)
        ua_call_end(ua, call, CHANNEL_REASON_REFUSED);
}

void ua_sent_done(struct ua *ua, struct ua_sent *sent, const struct channel_ua_event *event,
                  const struct message *message)
{
    if (sent->done)
        return;
    sent->done = true;
    TAILQ_REMOVE(&ua->waiting, sent, link);
    ua_count(ua, sent, event->result ? UA_RESULT_REFUSED : UA_RESULT_DONE);
    if (event->result)
        take_refused(ua, sent, event);
    else
        take_done(ua, sent, event, message);
}
