// SPDX-License-Identifier: BSD-3-Clause
// Calls that were there before this connection to the data plane: asked of it, application by application,
// page by page. What it has and control has not is taken up; what control has and it has not is over.
#include <stdlib.h>
#include "../control.h"
#include "../log.h"
#include "../rpc/dialog.h"
#include "ua.h"

#define PAGE 500u

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
static void settle(struct ua *ua, struct ua_call *call)
{
    struct ua_sent *sent = call->placing;
    const struct ua_response response = {.status = 200, .peer = call->peer};
    if (!sent || !sent->done || call->state != CHANNEL_DIALOG_CONFIRMED)
        return;
    if (ua->answered)
        (void)ua->answered(ua, sent->name, &response);
    ua_sent_free(ua, sent);
}

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct ua_resume *resume = context;
    struct ua *ua = resume->ua;
    struct ua_app *app = ua ? ua->apps[resume->number] : NULL;
    struct ua_call *call = ua ? ua_call_by_handle(ua, row->handle) : NULL;
    if (!app || row->state == CHANNEL_DIALOG_TERMINATED)
        return;
    if (call) {
        call->round = ua->round;
        if (row->state != call->state)
            ua_call_change(ua, call, row->state, CHANNEL_REASON_RESTORED);
        settle(ua, call);
        return;
    }
    // Its Call-ID's number comes with its first event.
    call = ua_call_begin(ua, app, row->handle, 0);
    if (!call)
        return;
    resume->found++;
    call->callee = row->callee_peer == app->number;
    call->peer = call->callee ? row->caller_peer : row->callee_peer;
    call->created_ms -= row->age_ms;
    ua_call_change(ua, call, row->state, CHANNEL_REASON_RESTORED);
}

static void sweep(struct ua *ua, struct ua_app *app)
{
    for (struct ua_call *call = LIST_FIRST(&ua->calls), *after; call; call = after) {
        after = LIST_NEXT(call, link);
        if (call->app == app && call->round != ua->round && !call->over)
            ua_call_end(ua, call, UA_REASON_LOST);
    }
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
        ua_tell(
            ua, app, NULL, "resumed",
            json_pack("{s:I, s:I}", "dialogs", (json_int_t)app->calls, "found", (json_int_t)resume->found));
        resume->found = 0;
        resume->number++;
    }
    next(resume);
}

static void next(struct ua_resume *resume)
{
    struct ua *ua = resume->ua;
    while (resume->number < PEERS_MAX && (!ua->apps[resume->number] || (!ua->apps[resume->number]->served &&
                                                                        !ua->apps[resume->number]->calls)))
        resume->number++;
    if (resume->number == PEERS_MAX) {
        end(resume);
        if (ua->resumed)
            ua->resumed(ua);
        return;
    }
    const struct channel_dialog_list list = {
        .cursor = resume->cursor, .peer = (uint16_t)resume->number, .limit = PAGE};
    const struct channel_answer answer = {on_row, on_done, resume};
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
}
