// SPDX-License-Identifier: BSD-3-Clause
// The call that comes of a REFER. What it offers is, the first that there is:
//
//   what the program gave with refer.answer
//   the last description that was sent in the transferor's call
//   the description that the application answers with by itself (applications[].answer.body)
//   nothing: the offer is the target's then, in its 2xx, and the ACK waits for the program, which is told
//   `answered` and says ua.ack with the answer (RFC 3261 13.2.1; RFC 3725 section 4.1). Where no program is
//   there to do so, the REFER is refused (480) before anybody is called.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "transfer.h"

#define LINES_MAX 8192u

static char *configured(const struct config_application_view *view, size_t *length)
{
    *length = view->answer.body_length;
    return *length ? strndup(view->answer.body, *length) : NULL;
}

// For free(). NULL: there is none.
static char *offer_of(const struct ua *ua, const struct transfer *transfer, size_t *length)
{
    struct config_application_view view;
    const struct ua_call *call = ua_call_by_id(ua, transfer->dialog);
    char *offer = call ? ua_session_description(call, false, length) : NULL;
    return offer || !ua_app_view(ua, transfer->app, &view, NULL) ? offer : configured(&view, length);
}

uint16_t transfer_judge_offer(const struct ua *ua, const struct transfer *transfer)
{
    size_t length;
    char *offer = transfer->app->attached == 0 ? offer_of(ua, transfer, &length) : NULL;
    const bool somebody = offer || transfer->app->attached > 0;
    free(offer);
    return somebody ? 0 : 480;
}

static void on_placed(struct ua *ua, struct transfer *transfer, const struct ua_outcome *outcome)
{
    if (outcome->code != DG_OK) {
        snprintf(transfer->reason, sizeof(transfer->reason), "Service Unavailable");
        transfer_act(ua, transfer, refer_step(&transfer->refer, REFER_ON_OUTCOME, 503, clock_ms()));
        return;
    }
    transfer->invite = outcome->request;
    struct ua_call *call = outcome->call ? ua_call_by_id(ua, outcome->call->by_id.key) : NULL;
    if (!call)
        return;
    call->transfers = (uint8_t)(transfer->depth + 1);
    transfer->target = call->by_id.key;
    ua_call_keep(ua, call);
    transfer_keep(ua, transfer);
}

bool transfer_call(struct ua *ua, struct transfer *transfer)
{
    char to[REFER_TEXT_MAX + 2], lines[LINES_MAX];
    struct ua_fault fault;
    struct writer writer;
    struct ua_wish wish = ua_wish(CHANNEL_UA_INVITE);
    char *offer = transfer->offer ? NULL : offer_of(ua, transfer, &wish.body_length);
    snprintf(to, sizeof(to), "<%s>", transfer->ask.uri);
    writer_init(&writer, lines, sizeof(lines) - 1);
    refer_write_call(&writer, &transfer->ask);
    lines[writer.used] = '\0';
    wish.app = transfer->app;
    wish.to = to;
    wish.extra = lines;
    wish.peer = transfer->to_peer;
    wish.body = transfer->offer ? transfer->offer : offer;
    wish.body_length = transfer->offer ? transfer->offer_length : offer ? wish.body_length : 0;
    wish.content_type = transfer->offer_type;
    wish.timeout_ms = TRANSFER_CALL_MS;
    wish.late_ack = !wish.body;
    const struct ua_reply reply = transfer_reply(ua, transfer, on_placed);
    bool sent = reply.done && !writer.overflow && ua_do(ua, &wish, &reply, &fault) == 0;
    if (!sent) {
        free(reply.context);
        snprintf(transfer->reason, sizeof(transfer->reason), "Service Unavailable");
    }
    free(offer);
    return sent;
}
