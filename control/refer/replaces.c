// SPDX-License-Identifier: BSD-3-Clause
#include "replaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "transfer.h"

#define RENEW_MS 2000u // a claim lasts 64*T1, and T1 is 100 ms at least
// RFC 3326 section 2, of the BYE or CANCEL.
#define REPLACED "Reason: SIP;cause=200;text=\"Replaced\"\r\n"
#define TOO_LATE "Reason: SIP;cause=486;text=\"Answered elsewhere\"\r\n"

struct replacement {
    LIST_ENTRY(replacement) link;
    uint64_t request; // the new INVITE
    uint64_t old;     // id of the call that it is to replace; 0: not known yet, or gone
    uint64_t renew_ms;
    enum takeover outcome; // TAKEOVER_COUNT: as the INVITE is answered
    bool early_only;
    bool held;      // the data plane holds the old call for us
    bool gone;      // it
    json_t *fields; // of `incoming`, until the application has it
};

static struct replacement *find(const struct ua *ua, uint64_t request)
{
    struct replacement *one;
    LIST_FOREACH(one, &ua->control->transfers.replacements, link)
    if (one->request == request)
        return one;
    return NULL;
}

static void forget(struct replacement *one)
{
    LIST_REMOVE(one, link);
    json_decref(one->fields);
    free(one);
}

// one NULL: it is not kept, and counted here.
static void refuse(struct ua *ua, struct ua_request *request, struct replacement *one, unsigned status,
                   enum takeover outcome)
{
    if (!one)
        ua->control->transfers.takeovers[outcome]++;
    if (request->answering)
        return;
    if (one)
        one->outcome = outcome;
    request->app->refused++;
    transfer_respond_to(ua, request, (uint16_t)status, NULL);
}

// Without a data plane there is nothing to hold; what is not given back ends by its time.
static void change_claim(struct ua *ua, struct ua_call *old, bool claimed)
{
    struct ua_fault fault;
    struct ua_wish wish = ua_wish(CHANNEL_UA_CLAIM);
    wish.call = old;
    wish.claimed = claimed;
    (void)ua_do(ua, &wish, NULL, &fault);
}

// --- what the Replaces names ---

static const struct {
    int result; // of the CLAIM
    enum takeover outcome;
    struct refer_match match;
} matches[] = {
    {-ENOENT, TAKEOVER_UNKNOWN, {.found = false}},
    {-EALREADY, TAKEOVER_ENDED, {.found = true, .ended = true}},
    {-EISCONN, TAKEOVER_CONFIRMED, {.found = true, .confirmed = true, .allowed = true}},
    {-EPROTO, TAKEOVER_UNKNOWN, {.found = true, .callee = true, .allowed = true}},
    {-EBUSY, TAKEOVER_TAKEN, {.found = true, .taken = true, .allowed = true}},
};

static void refuse_by(struct ua *ua, struct ua_request *request, struct replacement *one, int result)
{
    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
        if (matches[i].result == result) {
            refuse(ua, request, one, refer_judge_replaces(&matches[i].match, one->early_only),
                   matches[i].outcome);
            return;
        }
    refuse(ua, request, one, 503, TAKEOVER_UNAVAILABLE); // no room
}

// RFC 3891 section 3: whoever replaces must be entitled to. Who sits behind the same peer is as good as who
// is replaced.
static bool is_entitled(const struct ua_call *old, const struct ua_request *request,
                        const struct config_application_view *view)
{
    return view->replaces_any_peer || old->peer == request->call->peer;
}

static void take_up(struct ua *ua, struct replacement *one, struct ua_request *request, struct ua_call *old)
{
    struct config_application_view view = {.replaces = CONFIG_REFER_REFUSE}; // a reload took it away
    char id[UA_ID_SIZE];
    bool known = ua_app_view(ua, request->app, &view, NULL);
    one->old = old->by_id.key;
    one->held = true;
    one->renew_ms = clock_ms() + RENEW_MS;
    if (!known || !is_entitled(old, request, &view)) {
        refuse(ua, request, one, refer_judge_replaces(&(struct refer_match){.found = true}, false),
               TAKEOVER_DENIED);
        return;
    }
    json_t *fields = one->fields;
    one->fields = NULL;
    json_object_set_new(fields, "replaces", json_string(ua_id(one->old, id)));
    request->replaces = one->old;
    ua_call_arrived(ua, request->call, fields, view.replaces == CONFIG_REFER_ACCEPT);
}

struct waiter {
    struct ua *ua;
    uint64_t request;
};

static void on_claimed(void *context, const struct ua_outcome *outcome)
{
    struct waiter *waiter = context;
    struct ua *ua = waiter->ua;
    struct ua_request *request = ua_request_find(ua, waiter->request);
    struct replacement *one = request ? find(ua, waiter->request) : NULL;
    struct ua_call *old = outcome->event ? ua_call_by_handle(ua, outcome->event->dialog) : NULL;
    int result = outcome->event ? outcome->event->result : -ETIMEDOUT;
    free(waiter);
    if (one && result == 0 && old) {
        take_up(ua, one, request, old);
        return;
    }
    if (result == 0 && old) // the caller has given up
        change_claim(ua, old, false);
    if (one)
        refuse_by(ua, request, one, result);
}

static bool send_claim(struct ua *ua, const struct ua_request *request, const struct message *message,
                       const struct replaces *replaces)
{
    struct ua_fault fault;
    struct ua_wish wish = ua_wish(CHANNEL_UA_CLAIM);
    struct waiter *waiter = malloc(sizeof(*waiter));
    char *call_id = transfer_copy(message, replaces->call_id),
         *to_tag = transfer_copy(message, replaces->to_tag),
         *from_tag = transfer_copy(message, replaces->from_tag);
    bool sent = waiter && call_id && to_tag && from_tag;
    wish.app = request->app;
    wish.call_id = call_id;
    wish.to = to_tag;
    wish.from_tag = from_tag;
    wish.early_only = replaces->early_only;
    if (sent) {
        *waiter = (struct waiter){ua, request->node.key};
        sent = ua_do(ua, &wish, &(struct ua_reply){on_claimed, waiter}, &fault) == 0;
    }
    if (!sent)
        free(waiter);
    free(call_id);
    free(to_tag);
    free(from_tag);
    return sent;
}

static bool on_called(struct ua *ua, struct ua_request *request, const struct message *message,
                      json_t *fields)
{
    struct config_application_view view;
    struct replaces replaces;
    bool given;
    unsigned status = message ? refer_read_replaces(message, &replaces, &given) : (given = false, 0u);
    enum takeover outcome = status ? TAKEOVER_MALFORMED : TAKEOVER_DENIED;
    struct replacement *one;
    if (!given)
        return false;
    request->call->untold = true;
    if (status == 0 && (!ua_app_view(ua, request->app, &view, NULL) || view.replaces == CONFIG_REFER_REFUSE))
        status = refer_judge_replaces(&(struct refer_match){.found = true}, false);
    if (status || !(one = calloc(1, sizeof(*one)))) {
        json_decref(fields);
        refuse(ua, request, NULL, status ? status : 503, status ? outcome : TAKEOVER_UNAVAILABLE);
        return true;
    }
    *one = (struct replacement){.request = request->node.key,
                                .outcome = TAKEOVER_COUNT,
                                .early_only = replaces.early_only,
                                .fields = fields};
    LIST_INSERT_HEAD(&ua->control->transfers.replacements, one, link);
    if (!send_claim(ua, request, message, &replaces))
        refuse(ua, request, one, 503, TAKEOVER_UNAVAILABLE);
    return true;
}

// --- what becomes of both calls ---

static enum takeover outcome_of(const struct replacement *one, const struct ua_request *request, bool done)
{
    if (one->outcome != TAKEOVER_COUNT)
        return one->outcome;
    if (request->answered >= 300)
        return TAKEOVER_REFUSED;
    if (request->answered < 200)
        return TAKEOVER_CANCELLED;
    return done ? TAKEOVER_DONE : TAKEOVER_ENDED;
}

// The 2xx is sent, and the old call is told to end.
struct taking {
    struct ua *ua;
    uint64_t old, new; // ids
    bool early_only;
};

// reply: who is told what came of it, and it ends only as long as it is claimed; NULL: it ends.
static bool end_call(struct ua *ua, uint64_t id, const char *reason, const struct ua_reply *reply)
{
    struct ua_fault fault;
    struct ua_wish wish = ua_wish(CHANNEL_UA_END);
    wish.call = ua_call_by_id(ua, id);
    wish.claimed = reply != NULL;
    wish.extra = reason;
    return wish.call && ua_do(ua, &wish, reply, &fault) == 0;
}

// One of the two goes. That the old one was held no more says nothing against its end; what was claimed
// with early-only and has been answered meanwhile stays (RFC 3891 7.1), and the new one has come too late.
static void on_ended(void *context, const struct ua_outcome *outcome)
{
    struct taking taking = *(struct taking *)context;
    const struct ua_call *old = ua_call_by_id(taking.ua, taking.old);
    free(context);
    if (outcome->code == DG_OK || !outcome->event || !old || old->over || old->ender ||
        old->state >= CHANNEL_DIALOG_TERMINATING)
        return;
    if (taking.early_only && old->state == CHANNEL_DIALOG_CONFIRMED)
        (void)end_call(taking.ua, taking.new, TOO_LATE, NULL);
    else
        (void)end_call(taking.ua, taking.old, REPLACED, NULL);
}

// The new INVITE has its final response, or is gone.
static void on_settled(struct ua *ua, const struct ua_request *request)
{
    struct replacement *one = find(ua, request->node.key);
    if (!one)
        return;
    struct ua_call *old = one->old && !one->gone ? ua_call_by_id(ua, one->old) : NULL;
    bool taken = request->answered >= 200 && request->answered < 300, held = one->held;
    const struct taking made = {ua, one->old, request->call ? request->call->by_id.key : 0, one->early_only};
    ua->control->transfers.takeovers[outcome_of(one, request, old != NULL)]++;
    forget(one);
    if (old && taken) {
        struct taking *taking = held ? malloc(sizeof(*taking)) : NULL;
        if (taking)
            *taking = made;
        if (!end_call(ua, made.old, REPLACED, taking ? &(struct ua_reply){on_ended, taking} : NULL))
            free(taking);
    } else if (old && held) {
        change_claim(ua, old, false);
    }
}

void replaces_ended(struct ua *ua, const struct ua_call *call)
{
    struct replacement *one;
    LIST_FOREACH(one, &ua->control->transfers.replacements, link)
    if (one->old == call->by_id.key && !one->gone) {
        struct ua_request *request = ua_request_find(ua, one->request);
        one->gone = true;
        if (request)
            refuse(ua, request, one, 481, TAKEOVER_ENDED); // an answer that is on its way stands
        return;
    }
}

// RFC 3891 7.1: it was answered before it could be replaced.
static void on_confirmed(struct ua *ua, const struct ua_call *call)
{
    struct replacement *one;
    LIST_FOREACH(one, &ua->control->transfers.replacements, link)
    if (one->early_only && one->old == call->by_id.key) {
        struct ua_request *request = ua_request_find(ua, one->request);
        if (request)
            refuse(ua, request, one, 486, TAKEOVER_CONFIRMED);
        return;
    }
}

void replaces_clock(struct ua *ua)
{
    struct replacement *one, *next;
    uint64_t now = clock_ms();
    for (one = LIST_FIRST(&ua->control->transfers.replacements); one; one = next) {
        struct ua_request *request = ua_request_find(ua, one->request);
        struct ua_call *old = one->old ? ua_call_by_id(ua, one->old) : NULL;
        next = LIST_NEXT(one, link);
        if (one->gone && request) // its answer could not be sent
            refuse(ua, request, one, 481, TAKEOVER_ENDED);
        if (!channel_ready(ua->control->channel)) // what it was held for is another connection's then
            one->held = false;
        if (one->gone || !old || !one->held || now < one->renew_ms)
            continue;
        one->renew_ms = now + RENEW_MS;
        change_claim(ua, old, true);
    }
}

bool replaces_refuse(struct ua *ua, struct ua_request *request, const struct message *message)
{
    if (message->method == METHOD_INVITE ||
        message_first_header(message, HEADER_REPLACES) == MESSAGE_NO_HEADER)
        return false;
    refuse(ua, request, NULL, 400, TAKEOVER_MALFORMED);
    return true;
}

// Calls of an earlier control; what it held is held no more.
static void take_kept(struct ua *ua)
{
    const struct ua_call *call;
    LIST_FOREACH(call, &ua->calls, link)
    {
        struct replacement *one = call->invite && call->invite->replaces ? calloc(1, sizeof(*one)) : NULL;
        if (!one)
            continue;
        *one = (struct replacement){
            .request = call->invite->node.key, .old = call->invite->replaces, .outcome = TAKEOVER_COUNT};
        LIST_INSERT_HEAD(&ua->control->transfers.replacements, one, link);
    }
}

void replaces_start(struct ua *ua)
{
    LIST_INIT(&ua->control->transfers.replacements);
    take_kept(ua);
    ua->called = on_called;
    ua->settled = on_settled;
    ua->confirmed = on_confirmed;
}

void replaces_stop(struct control *control)
{
    control->ua.called = NULL;
    control->ua.settled = NULL;
    control->ua.confirmed = NULL;
    struct replacement *one, *next;
    for (one = LIST_FIRST(&control->transfers.replacements); one; one = next) {
        next = LIST_NEXT(one, link);
        forget(one);
    }
}
