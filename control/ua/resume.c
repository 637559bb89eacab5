// SPDX-License-Identifier: BSD-3-Clause
// Calls that were there before this connection to the data plane: asked of it, application by application,
// page by page.
//
//   it has them, by the handle that is known          they go on
//   likewise, by Call-ID and role, confirmed,         they go on, with another handle (ua_call_moved())
//   of before it was started anew
//   others that are confirmed                         taken up ("found")
//   others that ring                                  nobody knows how to answer or to cancel them: unless an
//                                                     event that is on its way says, they are ended, untold
//   it does not have them                             over (lost)
//   it does not have one whose INVITE waits           UA_LOST_STATUS, then lost; unless its failure is on its
//                                                     way, or it is to be tried again
//
// Events that the data plane has kept for us come before its rows, but a row may overtake what happens
// meanwhile: for that SETTLE_MS are waited.
#include <inttypes.h>
#include <stdlib.h>
#include "../control.h"
#include "../log.h"
#include "../rpc/dialog.h"
#include "ua.h"

#define PAGE      500u
#define SETTLE_MS 500u

struct ua_resume {
    struct ua *ua;
    uint32_t number; // of the application that is asked for
    uint32_t found;
    uint64_t cursor;
};

static void next(struct ua_resume *resume);

static void end(struct ua_resume *resume)
{
    resume->ua->resume = NULL;
    free(resume);
}

// Its 2xx was told while nobody listened.
static void answer(struct ua *ua, struct ua_call *call)
{
    struct ua_sent *sent = call->placing;
    if (sent && sent->done && call->state == CHANNEL_DIALOG_CONFIRMED)
        ua_give_up(ua, sent, &(struct ua_response){.status = 200, .peer = call->peer});
}

// Whether it is a fork of an INVITE of ours.
static bool is_fork(const struct ua *ua, const struct ua_call *call)
{
    struct ua_node *node = call->callee ? NULL : ua_table_find(&ua->numbers, call->by_number.key);
    for (; node; node = ua_table_next(node)) {
        const struct ua_call *other = UA_OF(node, struct ua_call, by_number);
        if (other != call && other->app == call->app && other->placing && !other->moved)
            return true;
    }
    return false;
}

static struct ua_call *take_up(struct ua_resume *resume, struct ua_app *app,
                               const struct channel_dialog_row *row)
{
    struct ua *ua = resume->ua;
    struct ua_call *call = ua_call_begin(ua, app, row->handle, row->call);
    if (!call)
        return NULL;
    call->callee = row->callee_peer == app->number;
    call->peer = call->callee ? row->caller_peer : row->callee_peer;
    call->created_ms -= row->age_ms;
    call->untold = row->state < CHANNEL_DIALOG_CONFIRMED && !is_fork(ua, call);
    resume->found += !call->untold;
    return call;
}

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct ua_resume *resume = context;
    struct ua *ua = resume->ua;
    struct ua_app *app = ua ? ua->apps[resume->number] : NULL;
    struct ua_call *call = ua ? ua_call_by_handle(ua, row->handle) : NULL;
    if (!app || row->state == CHANNEL_DIALOG_TERMINATED)
        return;
    if (!call && row->state >= CHANNEL_DIALOG_CONFIRMED)
        call = ua_call_moved(ua, app, row->handle, row->call, row->callee_peer == app->number);
    if (!call)
        call = take_up(resume, app, row);
    if (!call)
        return;
    call->round = ua->round;
    ua_call_change(ua, call, row->state, CHANNEL_REASON_RESTORED);
    answer(ua, call);
}

static bool is_tried_again(const struct ua_call *call)
{
    return call->placing && ua_try_is_waiting(call->placing->again);
}

static void sweep(struct ua *ua, const struct ua_app *app)
{
    for (struct ua_call *call = LIST_FIRST(&ua->calls), *after; call; call = after) {
        after = LIST_NEXT(call, link);
        if (call->app != app || call->round == ua->round || call->over)
            continue;
        if (is_tried_again(call))
            call->over = true;
        else if (!call->placing)
            ua_call_end(ua, call, UA_REASON_LOST);
    }
}

// Nobody has heard of it.
static void end_unknown(struct ua *ua, struct ua_call *call)
{
    struct ua_fault fault;
    struct ua_wish wish = ua_wish(CHANNEL_UA_END);
    wish.call = call;
    wish.status = 480;
    (void)ua_do(ua, &wish, NULL, &fault); // without a data plane the next resuming looks again
}

// An INVITE that was just handed over: its row may be faster than its DONE.
static bool is_placing(const struct ua *ua)
{
    const struct ua_sent *sent;
    TAILQ_FOREACH(sent, &ua->waiting, link)
    if (sent->purpose == UA_FOR_CALL)
        return true;
    return false;
}

static bool is_unknown(const struct ua_call *call)
{
    return call->untold && !call->invite && !call->placing && !call->ender;
}

void ua_resume_settle(struct ua *ua)
{
    unsigned unknown = 0, perhaps = 0;
    const bool placing = is_placing(ua);
    ua->settle_ms = 0;
    for (struct ua_call *call = LIST_FIRST(&ua->calls), *after; call; call = after) {
        after = LIST_NEXT(call, link);
        if (call->over)
            continue;
        if (is_unknown(call) && placing && !call->callee) {
            perhaps++;
        } else if (is_unknown(call)) {
            end_unknown(ua, call);
            unknown++;
        } else if (call->round != ua->round && is_tried_again(call)) {
            call->over = true;
        } else if (call->round != ua->round) {
            if (call->placing)
                ua_give_up(ua, call->placing,
                           &(struct ua_response){.status = UA_LOST_STATUS, .peer = call->peer});
            ua_call_end(ua, call, UA_REASON_LOST);
        }
    }
    if (perhaps)
        ua->settle_ms = clock_ms() + SETTLE_MS;
    if (unknown)
        log_event(LEVEL_WARNING, "application_calls_unknown", "ended=%u", unknown);
}

static void tell_resumed(const struct ua_resume *resume, struct ua_app *app)
{
    static const char *const restarts[] = {
        [UA_RESTARTED_CONTROL] = "control", [UA_RESTARTED_DATAPLANE] = "dataplane"};
    ua_tell(resume->ua, app, NULL, "resumed",
            json_pack("{s:I, s:I, s:s*}", "dialogs", (json_int_t)app->calls, "found",
                      (json_int_t)resume->found, "restarted", restarts[resume->ua->restart]));
}

static void on_done(void *context, const struct channel_done *done)
{
    struct ua_resume *resume = context;
    struct ua *ua = resume->ua;
    if (!ua || done->result < 0) {
        if (ua)
            end(resume); // the next connection asks again
        else
            free(resume);
        return;
    }
    resume->cursor = done->cursor;
    if (done->cursor == 0) {
        struct ua_app *app = ua->apps[resume->number];
        sweep(ua, app);
        tell_resumed(resume, app);
        resume->found = 0;
        resume->number++;
    }
    next(resume);
}

// The handles that were kept are of this boot from now on.
static void finish(struct ua_resume *resume)
{
    struct ua *ua = resume->ua;
    end(resume);
    ua_keep_boot(ua);
    ua->restart = UA_RESTARTED_NOTHING;
    ua->settle_ms = clock_ms() + SETTLE_MS;
    if (ua->resumed)
        ua->resumed(ua);
}

// Also one that has left the configuration: its calls are ended (ua.c).
static bool is_application(struct ua *ua, uint16_t number)
{
    return ua->apps[number] ||
           (manifest_is_application(ua->control->manifest, number) && ua_app_at(ua, number));
}

static void next(struct ua_resume *resume)
{
    struct ua *ua = resume->ua;
    while (resume->number < PEERS_MAX && !is_application(ua, (uint16_t)resume->number))
        resume->number++;
    if (resume->number == PEERS_MAX) {
        finish(resume);
        return;
    }
    const struct channel_dialog_list list = {
        .cursor = resume->cursor, .peer = (uint16_t)resume->number, .limit = PAGE};
    const struct channel_answer answer = {on_row, on_done, resume, NULL};
    int result = dialog_ask(ua->control, CHANNEL_DIALOG_LIST, &list, &answer);
    if (result < 0) {
        log_event(LEVEL_WARNING, "applications_not_resumed", "errno=%d", -result);
        end(resume);
    }
}

void ua_resume_begin(struct ua *ua)
{
    ua_resume_stop(ua);
    ua->round++;
    ua->resume = calloc(1, sizeof(*ua->resume));
    if (!ua->resume)
        return;
    ua->resume->ua = ua;
    next(ua->resume);
}

void ua_resume_stop(struct ua *ua)
{
    if (ua->resume)
        ua->resume->ua = NULL; // its answer, which is on its way, frees it
    ua->resume = NULL;
    ua->settle_ms = 0;
}
