// SPDX-License-Identifier: BSD-3-Clause
// REFERs that come in applications' calls: by the application's policy refused, carried out, or told to the
// program. What is carried out is a call with the description that the transferor's call has.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../dataplane/sip/sipfrag.h"
#include "../../dataplane/sip/uri.h"
#include "../control.h"
#include "transfer.h"

#define LINES_MAX 8192u

static void respond_to(struct ua *ua, struct ua_request *request, struct ua_wish *wish)
{
    struct ua_fault fault;
    wish->request = request;
    if (!request->answering)
        (void)ua_do(ua, wish, NULL, &fault); // without a data plane nobody waits for it
}

void transfer_respond_to(struct ua *ua, struct ua_request *request, uint16_t status, const char *extra)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_RESPOND);
    wish.status = status;
    wish.extra = extra;
    respond_to(ua, request, &wish);
}

void transfer_respond(struct ua *ua, const struct transfer *transfer, uint16_t status)
{
    struct ua_wish wish = ua_wish(CHANNEL_UA_RESPOND);
    struct ua_request *request = ua_request_find(ua, transfer->request);
    bool silent = transfer->ask.silent && status < 300; // RFC 4488 section 4
    wish.status = status;
    wish.extra = silent ? "Refer-Sub: false\r\n" : NULL;
    wish.reason = status >= 300 && transfer->reason[0] ? transfer->reason : NULL;
    if (request)
        respond_to(ua, request, &wish);
}

// --- whom it may call ---

// A target that is a peer allows any URI, and the call goes to that peer then, whatever the routes say.
static bool is_target(struct ua *ua, struct transfer *transfer, uint32_t application)
{
    const struct config *config = ua->control->active.config;
    const struct refer_ask *ask = &transfer->ask;
    const struct config_refer_uri uri = {.user = ask->user,
                                         .user_length = strlen(ask->user),
                                         .host = ask->host,
                                         .host_length = strlen(ask->host),
                                         .elsewhere = ask->elsewhere};
    struct config_refer_target target;
    const char *peer = NULL;
    for (size_t i = 0; config_refer_target_at(config, application, i, &target); i++) {
        if (config_refer_target_takes(&target, &uri))
            return true;
        peer = peer ? peer : target.peer;
    }
    for (uint16_t number = 0; peer && number < PEERS_MAX; number++) {
        const char *name = manifest_peer_name(ua->control->manifest, number);
        if (name && strcmp(name, peer) == 0) {
            transfer->to_peer = number;
            return true;
        }
    }
    return false;
}

uint16_t transfer_judge(struct ua *ua, struct transfer *transfer, const struct message *message,
                        const struct config_application_view *view, uint32_t application)
{
    const struct config_ua_limits_view limits = config_ua_limits_view(ua->control->active.config);
    const struct refer_limits bounds = {limits.uri, limits.replaces, limits.refer_to_parameters};
    if (view->refer == CONFIG_REFER_REFUSE)
        return 603;
    unsigned status = refer_read(message, &bounds, &transfer->ask);
    if (status == 0)
        status = refer_judge(message, &transfer->ask, transfer->depth);
    if (status == 0 && view->refer_targets > 0 && !is_target(ua, transfer, application))
        status = 403;
    // RFC 3261 21.4.18: a program is to say, and none is there.
    if (status == 0 && view->refer == CONFIG_REFER_ASK && transfer->app->attached == 0)
        status = 480;
    transfer->refer.life_ms = clock_ms() + view->refer_wait_ms;
    return (uint16_t)status;
}

void transfer_tell(struct ua *ua, const struct transfer *transfer, const struct ua_call *call)
{
    json_t *fields = transfer_json(transfer);
    json_object_del(fields, "dialog");
    json_object_del(fields, "application");
    ua_tell(ua, transfer->app, call, "refer", fields);
}

unsigned transfer_take_up(struct transfer *transfer)
{
    enum refer_event event = transfer->ask.silent ? REFER_ON_ACCEPT_SILENT : REFER_ON_ACCEPT;
    snprintf(transfer->reason, sizeof(transfer->reason), "Trying");
    return refer_step(&transfer->refer, event, 0, clock_ms());
}

bool transfer_take_refer(struct ua *ua, struct ua_request *request, const struct message *message)
{
    struct config_application_view view;
    uint32_t application;
    struct ua_call *call = request->call;
    unsigned others = transfer_count_of(ua, call->by_id.key);
    if (!ua_app_view(ua, call->app, &view, &application))
        return false;
    struct transfer *transfer =
        others < TRANSFERS_CALL_MAX ? transfer_begin(ua, call, REFER_ASKED, message->cseq_number) : NULL;
    if (!transfer) {
        transfer_respond_to(ua, request, 486, NULL);
        return true;
    }
    transfer->request = request->node.key;
    transfer->member = transfer_member(ua->control, request);
    transfer->refer.named = call->referred; // RFC 3515 2.4.6
    transfer->refusal = transfer_judge(ua, transfer, message, &view, application);
    if (transfer->refusal == 0 && view.refer == CONFIG_REFER_ACCEPT)
        transfer->refusal = transfer_judge_offer(ua, transfer);
    if (transfer->refusal) {
        transfer_act(ua, transfer, refer_step(&transfer->refer, REFER_ON_REFUSE, 0, clock_ms()));
        return true;
    }
    call->referred = true;
    transfer->call_id = transfer_copy(message, message->call_id);
    ua_call_keep(ua, call);
    transfer_keep(ua, transfer);
    transfer_tell(ua, transfer, call);
    if (view.refer == CONFIG_REFER_ACCEPT)
        transfer_act(ua, transfer, transfer_take_up(transfer));
    return true;
}

// The REFER has had its answer, or is not there any more: the data plane has begun anew, and where the far
// end sends it once more it is another transfer. Nobody is called for this one. False: it waits.
static bool is_gone(struct ua *ua, struct transfer *transfer)
{
    const struct ua_request *request = ua_request_find(ua, transfer->request);
    if (request && !request->answering)
        return false;
    transfer_act(ua, transfer, refer_step(&transfer->refer, REFER_ON_GONE, 0, clock_ms()));
    return true;
}

// False: no memory.
static bool take_offer(struct transfer *transfer, const struct transfer_verdict *verdict)
{
    if (!verdict->body)
        return true;
    transfer->offer = malloc(verdict->body_length + 1);
    transfer->offer_type = verdict->content_type ? strdup(verdict->content_type) : NULL;
    if (!transfer->offer || (verdict->content_type && !transfer->offer_type))
        return false;
    memcpy(transfer->offer, verdict->body, verdict->body_length);
    transfer->offer_length = verdict->body_length;
    return true;
}

enum dg_code transfer_answer(struct ua *ua, struct transfer *transfer, const struct transfer_verdict *verdict)
{
    if (transfer->ours || transfer->refer.state != REFER_ASKED || transfer->offer)
        return DG_INVALID_TRANSITION;
    if (is_gone(ua, transfer))
        return DG_TRANSACTION_GONE;
    if (!verdict->accept) {
        transfer->refusal = verdict->status;
        snprintf(transfer->reason, sizeof(transfer->reason), "%s", verdict->reason ? verdict->reason : "");
        transfer_act(ua, transfer, refer_step(&transfer->refer, REFER_ON_REFUSE, 0, clock_ms()));
        return DG_OK;
    }
    if (!take_offer(transfer, verdict))
        return DG_NO_MEMORY;
    transfer_act(ua, transfer, transfer_take_up(transfer));
    return DG_OK;
}

enum dg_code transfer_report(struct ua *ua, struct transfer *transfer, unsigned status, const char *reason,
                             bool final)
{
    uint64_t id = transfer->id;
    bool asked = transfer->refer.state == REFER_ASKED;
    if (transfer->ours || (!asked && !transfer->program))
        return DG_INVALID_TRANSITION;
    if (asked && is_gone(ua, transfer))
        return DG_TRANSACTION_GONE;
    transfer->program = true;
    if (asked)
        transfer_act(ua, transfer, transfer_take_up(transfer) & ~REFER_DO_CALL);
    transfer = transfer_find(ua, id);
    if (transfer && (status > 100 || final)) {
        enum refer_event event = final || status >= 200 ? REFER_ON_OUTCOME : REFER_ON_PROGRESS;
        snprintf(transfer->reason, sizeof(transfer->reason), "%s", reason ? reason : "");
        transfer_act(ua, transfer, refer_step(&transfer->refer, event, status, clock_ms()));
    }
    return DG_OK;
}

bool transfer_take_subscribe(struct ua *ua, struct ua_request *request, const struct message *message)
{
    struct transfer *transfer;
    uint32_t seconds = refer_read_expires(message);
    char line[64];
    LIST_FOREACH(transfer, &ua->control->transfers.list, link)
    {
        if (transfer->ours || !transfer_has(transfer, request, message) ||
            !refer_is_about(message, transfer->refer.cseq, !transfer->refer.named))
            continue;
        // RFC 3261 12.2.2; of a call the data plane has looked.
        if (!request->call && message->cseq_number <= transfer->their_cseq) {
            transfer_respond_to(ua, request, 500, NULL);
            return true;
        }
        if (!request->call)
            transfer->their_cseq = message->cseq_number;
        unsigned actions = refer_subscribe(&transfer->refer, seconds, clock_ms());
        if (!request->call && (actions & REFER_DO_ANSWER))
            transfer_move(transfer, message);
        snprintf(line, sizeof(line), "Expires: %u\r\n",
                 (unsigned)(seconds < REFER_EXPIRES_MAX_S ? seconds : REFER_EXPIRES_MAX_S));
        transfer_respond_to(ua, request, actions & REFER_DO_ANSWER ? 200 : 481,
                            actions & REFER_DO_ANSWER ? line : NULL);
        transfer_act(ua, transfer, actions);
        return true;
    }
    // Only a REFER makes a subscription to it (RFC 3515 2.4.4): there is none. Other packages are the
    // program's.
    if (!request->call || !refer_is_event(message))
        return false;
    transfer_respond_to(ua, request, 481, NULL);
    return true;
}

// --- NOTIFYs ---

static void keep_routes(struct transfer *transfer, const struct message *message)
{
    char lines[LINES_MAX];
    size_t used = 0;
    for (uint8_t at = message_first_header(message, HEADER_ROUTE); at != MESSAGE_NO_HEADER;
         at = message_next_header(message, at)) {
        struct span line = message->headers[at].line;
        if (line.length >= sizeof(lines) - used)
            return;
        memcpy(lines + used, message_at(message, line), line.length);
        used += line.length;
    }
    free(transfer->routes);
    transfer->routes = strndup(lines, used);
}

static void replace(char **text, char *copy)
{
    free(*text);
    *text = copy;
}

// What the NOTIFY was sent with is what the next one needs when the call is over.
static void keep_dialog(struct transfer *transfer, const struct message *message)
{
    struct address from;
    uint32_t at = 0;
    if (address_next(message->octets, message->from, &at, &from) != 1)
        return;
    struct span bare = {message->from.offset, 0};
    bare.length = (uint16_t)((from.parameters.offset ? from.parameters.offset - 1u
                                                     : bare.offset + message->from.length) -
                             bare.offset);
    replace(&transfer->from, transfer_copy(message, bare));
    replace(&transfer->from_tag, transfer_copy(message, message->from_tag));
    replace(&transfer->to, transfer_copy(message, message->to));
    replace(&transfer->uri, transfer_copy(message, message->request_uri));
    keep_routes(transfer, message);
    transfer->cseq = message->cseq_number;
}

static void on_notified(struct ua *ua, struct transfer *transfer, const struct ua_outcome *outcome)
{
    // The call is ending, or has ended, and control is about to hear of it.
    bool over = outcome->code == DG_NOT_FOUND || outcome->code == DG_INVALID_STATE ||
                outcome->code == DG_INVALID_TRANSITION;
    if (over && transfer_leave(transfer) && transfer_notify(ua, transfer, transfer->refer.out_last))
        return;
    transfer->notify = outcome->request;
    if (outcome->code != DG_OK)
        transfer_act(ua, transfer, refer_notified(&transfer->refer, 503, clock_ms()));
    else if (outcome->message)
        keep_dialog(transfer, outcome->message);
    if (outcome->code == DG_OK)
        transfer_keep(ua, transfer);
}

// In the dialog while there is one, afterwards in the name of it (RFC 5057 section 4).
static bool set_way(struct ua *ua, struct transfer *transfer, struct ua_wish *wish)
{
    wish->call = transfer->alone ? NULL : ua_call_by_id(ua, transfer->dialog);
    if (wish->call && wish->call->ender && transfer_leave(transfer))
        wish->call = NULL; // nothing is sent in a call that ends
    if (wish->call)
        return true;
    if (!transfer->uri || !transfer->from || !transfer->from_tag || !transfer->to || !transfer->call_id)
        return false;
    wish->app = transfer->app;
    wish->peer = transfer->peer;
    wish->member = transfer->member;
    wish->uri = transfer->uri;
    wish->to = transfer->to;
    wish->from = transfer->from;
    wish->call_id = transfer->call_id;
    wish->from_tag = transfer->from_tag;
    wish->cseq = ++transfer->cseq;
    return true;
}

bool transfer_notify(struct ua *ua, struct transfer *transfer, bool last)
{
    char lines[LINES_MAX], body[256];
    struct ua_fault fault;
    struct writer writer, text;
    struct ua_wish wish = ua_wish(CHANNEL_UA_REQUEST);
    writer_init(&writer, lines, sizeof(lines) - 1);
    writer_init(&text, body, sizeof(body));
    if (!set_way(ua, transfer, &wish))
        return false;
    refer_write_notify(&writer, &transfer->refer, last, clock_ms());
    if (!wish.call && transfer->routes)
        write_text(&writer, transfer->routes);
    lines[writer.used] = '\0';
    write_sipfrag(&text, transfer->refer.status, transfer->reason);
    wish.method = "NOTIFY";
    wish.extra = lines;
    wish.content_type = "message/sipfrag;version=2.0";
    wish.body = body;
    wish.body_length = text.used;
    const struct ua_reply reply = transfer_reply(ua, transfer, on_notified);
    bool sent = reply.done && !writer.overflow && ua_do(ua, &wish, &reply, &fault) == 0;
    if (!sent)
        free(reply.context);
    return sent;
}
